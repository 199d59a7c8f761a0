"""Who the stories are about: colleagues by their accounts, and guests, each with a phone that nobody else has."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable
from typing import Any

from dotenv import dotenv_values
from redis import Redis

from hotel_agent.simulator.meta import PHOTO, VOICE, Sample
from tests.load import meta
from tests.load.installation import APP_SECRET, Demo, wait_until

ANA, LUIS, EVA = "ana@miramar.example", "luis@miramar.example", "eva@miramar.example"
OLGA, OSCAR = "olga@miramar.example", "oscar@andes.example"
PASSWORD = "la-clave-de-todos-en-la-demo"


def _file(sample: Sample) -> dict[str, str]:
    return {"id": sample.id, "mime_type": sample.mime_type, "sha256": base64.b64encode(sample.digest).decode()}


# What the stand-in for Graph has the bytes of.
MEDIA: dict[str, dict[str, Any]] = {
    "image": _file(PHOTO),
    "audio": {**_file(VOICE), "voice": True},
    "location": {"latitude": 39.4699, "longitude": -0.3763, "name": "Estació del Nord"},
}

_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post_as_meta(demo: Demo, body: bytes) -> None:
    """What Meta tells the hotel, signed."""
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": meta.signature(body, APP_SECRET)}
    post = urllib.request.Request(f"http://127.0.0.1:{demo.port}/api/webhooks/whatsapp", body, headers)
    assert _no_proxy.open(post, timeout=10).status == 200


class Guest:
    """A guest of one story: what they write goes to the signed webhook, what they hear is what Graph was given."""

    def __init__(self, demo: Demo, phone: str, name: str, asks_sql: Callable[..., list[tuple[Any, ...]]]) -> None:
        self.phone, self.name = phone, name
        self._demo, self._asks_sql = demo, asks_sql

    def says(self, words: str) -> str:
        """Answers the wamid, once the hotel has it on disk."""
        return self._posts(meta.text(self.phone, words))

    def sends(self, kind: str) -> str:
        """The simulator's sample of an image or of an audio (a voice note), or a location."""
        message = meta.text(self.phone, "")
        del message["text"]
        return self._posts({**message, "type": kind, kind: MEDIA[kind]})

    def _posts(self, message: dict[str, Any]) -> str:
        post_as_meta(self._demo, meta.messages_body([message], meta.MIRAMAR, self.name))
        return str(message["id"])

    def asks_for_a_person(self) -> None:
        self.says("Quiero hablar con una persona")
        wait_until(lambda: self.state("status") == "waiting", 20, f"{self.name} does not wait for anybody")

    @property
    def conversation(self) -> int:
        """The id of the conversation, once there is one."""
        found: list[tuple[Any, ...]] = []

        def is_there() -> bool:
            found[:] = self._asks_sql(
                "select c.id from conversations c join guest_identities i on i.guest_id = c.guest_id"
                " where i.value = %s",
                self.phone,
            )
            return bool(found)

        wait_until(is_there, 20, f"no conversation with {self.phone}")
        return int(found[0][0])

    def state(self, column: str) -> Any:
        """One column of the conversation."""
        return self._asks_sql(f"select {column} from conversations where id = %s", self.conversation)[0][0]

    def is_taken_in(self, wamid: str) -> None:
        """Wait until the worker has made a message of it."""
        wait_until(lambda: self._asks_sql("select 1 from messages where wamid = %s", wamid), 20, "not taken in")

    def sent(self, words: str) -> list[tuple[str, str]]:
        """(author, status) of the outgoing messages with these words in them, oldest first."""
        rows = self._asks_sql(
            "select author, status from messages where conversation_id = %s and direction = 'out'"
            " and position(%s in body) > 0 order by id",
            self.conversation,
            words,
        )
        return [(str(author), str(status)) for author, status in rows]

    def answers_by(self, author: str) -> int:
        rows = self._asks_sql(
            "select count(*) from messages where conversation_id = %s and direction = 'out' and author = %s"
            " and status <> 'cancelled'",
            self.conversation,
            author,
        )
        return int(rows[0][0])

    def heard(self) -> list[str]:
        """The words of everything that was delivered to this phone, oldest first."""
        kept = Redis.from_url(dotenv_values(self._demo.data_dir / "env")["REDIS_URL"] or "")
        chat = f"{self.phone}:{meta.MIRAMAR}"
        order: Any = kept.lrange(f"simulator:order:{chat}", 0, -1)
        bubbles: Any = kept.hgetall(f"simulator:bubbles:{chat}")
        read = [json.loads(bubbles[wamid]) for wamid in order]
        return [each["text"] for each in read if each["by"] == "hotel"]

    def hears(self, words: str, times: int = 1, seconds: float = 20) -> None:
        """Wait until these words have come, and see that they came so often."""
        wait_until(lambda: self._times(words) >= times, seconds, f"{self.name} does not hear {words!r}")
        assert self._times(words) == times

    def _times(self, words: str) -> int:
        return sum(words in each for each in self.heard())
