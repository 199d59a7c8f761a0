"""A Graph API of our own, in a process of its own, which writes down what it hears before it answers.

    python -m tests.load.graph_server --port 9100 --log heard.jsonl [--webhook-port 8000 --secret …] [faults]

Written from Meta's pages, not from the client. Each line of the log is JSON: `message` (a send, with its outcome:
accepted, refused, or hung, that is taken but never answered), `read` (mark as read, typing) or `status` (a status
that our webhook took with a 200). A status that gets anything else is delivered again, as Meta does.
`POST /faults` with {"latency_ms": 500, …} changes what goes wrong while it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

from tests.load import meta

MOST_IN_A_BODY = 100
RETRY_SECONDS = 1.0
STATUSES = (("sent", 0.05), ("delivered", 0.3), ("read", 0.8))


class GraphServer:
    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.log = Path(given.log).open("ab", buffering=0)  # noqa: SIM115  (it lives as long as the process)
        self.chance = random.Random(given.seed)
        self.to_tell: list[dict[str, Any]] = []

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.given.port)
        tasks = [asyncio.create_task(self._tell_statuses())] if self.given.webhook_port else []
        async with server:
            await server.serve_forever()
        await asyncio.gather(*tasks)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0
                )
                body = await reader.readexactly(length)
                told = json.loads(body) if body else {}
                if head.startswith("POST /faults "):
                    vars(self.given).update(told)
                    status, answer = 200, dict[str, Any]()
                else:
                    status, answer = await self._answer(told, number_in(head))
                content = json.dumps(answer).encode()
                head = (
                    f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
                )
                times = 2 if self.chance.random() < self.given.twice_rate else 1
                writer.write((head.encode() + content) * times)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, body: dict[str, Any], number: str) -> tuple[int, dict[str, Any]]:
        now = time.time()
        if self.given.latency_ms:
            await asyncio.sleep(self.given.latency_ms / 1000)
        if body.get("status") == "read":
            self._write({"kind": "read", "at": now, "of": body.get("message_id")})
            return 200, {"success": True}
        heard = {
            "kind": "message",
            "at": now,
            "wamid": meta.new_wamid(),
            "to": body.get("to") or body.get("recipient") or "",
            "callback": body.get("biz_opaque_callback_data", ""),
            "text": words_of(body),
            "body": body,
        }
        refusal = self._refusal()
        if refusal:
            self._write(heard | {"outcome": "refused"})
            return refusal
        hangs = self.chance.random() < self.given.hang_rate
        self._write(heard | {"outcome": "hung" if hangs else "accepted"})
        self._will_tell(heard, number)
        if hangs:
            await asyncio.sleep(self.given.hang_seconds)
            raise ConnectionError
        contact = {"input": heard["to"], "wa_id": heard["to"].lstrip("+")}
        return 200, {
            "messaging_product": "whatsapp",
            "contacts": [contact],
            "messages": [{"id": heard["wamid"], "message_status": "accepted"}],
        }

    def _refusal(self) -> tuple[int, dict[str, Any]] | None:
        dice = self.chance.random()
        if dice < self.given.rate_429:
            return 429, {"error": {"code": 130429, "message": "(#130429) Rate limit hit"}}
        if dice < self.given.rate_429 + self.given.rate_500:
            return 500, {"error": {"code": 131000, "message": "(#131000) Something went wrong"}}
        return None

    def _will_tell(self, heard: dict[str, Any], number: str) -> None:
        for status, seconds in STATUSES:
            self.to_tell.append(
                {"due": heard["at"] + seconds, "status": status, "wamid": heard["wamid"], "to": heard["to"]}
                | {"callback": heard["callback"], "number": number}
            )

    async def _tell_statuses(self) -> None:
        """Many in a body, in any order, some twice, until each has got a 200."""
        line = meta.Line(self.given.webhook_port)
        while True:
            now = time.time()
            due = [one for one in self.to_tell if one["due"] <= now][:MOST_IN_A_BODY]
            if not due:
                await asyncio.sleep(0.02)
                continue
            number = due[0]["number"]
            due = [one for one in due if one["number"] == number]
            self.chance.shuffle(due)
            if await self._post(line, due):
                told = {id(one) for one in due if self.chance.random() >= self.given.repeat_rate}
                self.to_tell = [one for one in self.to_tell if id(one) not in told]
                for one in due:
                    self._write(
                        {"kind": "status", "at": time.time()} | {k: one[k] for k in ("wamid", "status", "callback")}
                    )
            else:
                for one in due:
                    one["due"] = now + RETRY_SECONDS

    async def _post(self, line: meta.Line, due: list[dict[str, Any]]) -> bool:
        body = meta.statuses_body([_status(one) for one in due], due[0]["number"])
        try:
            return await line.post(meta.request(body, self.given.secret)) == 200
        except OSError:
            return False

    def _write(self, line: dict[str, Any]) -> None:
        self.log.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _status(one: dict[str, Any]) -> dict[str, Any]:
    told = {
        "id": one["wamid"],
        "status": one["status"],
        "timestamp": str(int(time.time())),
        "recipient_id": one["to"].lstrip("+"),
    }
    return told | ({"biz_opaque_callback_data": one["callback"]} if one["callback"] else {})


def number_in(head: str) -> str:
    """From which of the hotels' numbers it is sent: /v26.0/NUMBER/messages."""
    path = head.split(" ", 2)[1].split("/")
    return path[2] if len(path) > 2 else meta.MIRAMAR


def words_of(body: dict[str, Any]) -> str:
    """What the guest reads of a message."""
    part = body.get(body.get("type", ""), {})
    inner = part.get("body") if isinstance(part, dict) else ""
    return str(inner.get("text", "") if isinstance(inner, dict) else inner or "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.graph_server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--webhook-port", type=int, help="report statuses there")
    parser.add_argument("--secret", default="", help="what those are signed with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency-ms", type=float, default=0, help="before every answer")
    parser.add_argument("--rate-429", type=float, default=0, help="share of sends refused with 130429")
    parser.add_argument("--rate-500", type=float, default=0, help="share of sends refused with 131000")
    parser.add_argument("--hang-rate", type=float, default=0, help="share of sends taken and never answered")
    parser.add_argument("--hang-seconds", type=float, default=30)
    parser.add_argument("--twice-rate", type=float, default=0, help="share of answers that come twice on one line")
    parser.add_argument("--repeat-rate", type=float, default=0, help="share of statuses told again")
    asyncio.run(GraphServer(parser.parse_args()).serve())


if __name__ == "__main__":
    main()
