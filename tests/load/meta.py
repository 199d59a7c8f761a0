"""What Meta sends, written from Meta's pages for Graph v26 and from nothing of ours: bodies, signatures, posts."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

MIRAMAR = "100000000000001"


def new_wamid() -> str:
    return f"wamid.{uuid.uuid4().hex.upper()}=="


def text(phone: str, words: str, wamid: str | None = None) -> dict[str, Any]:
    return _message(phone, wamid, {"type": "text", "text": {"body": words}})


def tap(phone: str, kind: str, choice: dict[str, str], of: str, wamid: str | None = None) -> dict[str, Any]:
    """A tap on a button (`button_reply`) or a row (`list_reply`) of the message `of`."""
    reply = {"id": choice["id"], "title": choice["title"]}
    content = {"type": "interactive", "interactive": {"type": kind, kind: reply}, "context": {"id": of}}
    return _message(phone, wamid, content)


def reaction(phone: str, to: str, wamid: str | None = None) -> dict[str, Any]:
    return _message(phone, wamid, {"type": "reaction", "reaction": {"message_id": to, "emoji": "👍"}})


def _message(phone: str, wamid: str | None, content: dict[str, Any]) -> dict[str, Any]:
    return {"from": phone, "id": wamid or new_wamid(), "timestamp": str(int(time.time())), **content}


def messages_body(messages: Sequence[dict[str, Any]], number: str = MIRAMAR, name: str = "Marta Ruiz") -> bytes:
    """One webhook body with several guests' messages, one change each."""
    return _envelope(
        [
            {
                "contacts": [{"profile": {"name": name}, "wa_id": message["from"]}],
                "messages": [message],
            }
            for message in messages
        ],
        number,
    )


def statuses_body(statuses: Sequence[dict[str, Any]], number: str = MIRAMAR) -> bytes:
    return _envelope([{"statuses": list(statuses)}], number)


def _envelope(values: Sequence[dict[str, Any]], number: str) -> bytes:
    common = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "34971000001", "phone_number_id": number},
    }
    changes = [{"field": "messages", "value": common | value} for value in values]
    whole = {"object": "whatsapp_business_account", "entry": [{"id": "200000000000001", "changes": changes}]}
    return json.dumps(whole, separators=(",", ":")).replace("/", "\\/").encode()


def signature(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def request(body: bytes, secret: str, path: str = "/api/webhooks/whatsapp") -> bytes:
    """The signed post as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: {signature(body, secret)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Line(asyncio.Protocol):
    """One keep-alive connection to 127.0.0.1; cheap enough not to be what a measurement measures."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._heard = b""

    async def post(self, wire: bytes, seconds: float = 15.0) -> int:
        """Send a request, answer its status. Raises OSError when the line breaks or stays silent."""
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        self._answer = loop.create_future()
        self._heard = b""
        assert self._transport is not None
        self._transport.write(wire)
        # A timer of one's own is a quarter of the price of asyncio.timeout.
        alarm = loop.call_later(seconds, self._break)
        try:
            return await self._answer
        finally:
            alarm.cancel()

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def _break(self) -> None:
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length or self._answer is None or self._answer.done():
            return
        if b"connection: close" in lower and self._transport:
            self._transport.close()
        self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError(str(error or "closed")))
