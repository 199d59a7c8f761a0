"""Who looks at a conversation just now, and who is writing in it: in Valkey alone, and gone when Valkey is.

One hash for each conversation, a field for each colleague; each says until when it counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, TypeVar

from hotel_agent import live
from hotel_agent.redis import RedisError, quick_redis

VIEWING_SECONDS = 40.0
WRITING_SECONDS = 12.0
# Whoever did not answer is not asked again for so long: each try at a server that hangs waits.
AWAY_SECONDS = 2.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Presence:
    staff_id: int
    name: str
    writing: bool


@dataclass
class _Away:
    until: float = 0.0


_away = _Away()


def seen(hotel_id: int, conversation_id: int, staff_id: int, name: str, writing: bool) -> None:
    """A colleague has the conversation before them, and is writing or not. Said again before the time is over."""
    before, now = _of(conversation_id, staff_id), time()
    kept = {"name": name, "until": now + VIEWING_SECONDS, "writes_until": now + WRITING_SECONDS if writing else 0.0}

    def keep() -> None:
        with quick_redis().pipeline(transaction=False) as pipe:
            pipe.hset(_key(conversation_id), str(staff_id), json.dumps(kept))
            pipe.pexpire(_key(conversation_id), int(VIEWING_SECONDS * 1000))
            pipe.execute()

    _ask(keep, None)
    if before != Presence(staff_id, name, writing):
        _tell(hotel_id, conversation_id)


def gone(hotel_id: int, conversation_id: int, staff_id: int) -> None:
    """The colleague has turned to something else."""
    before = _of(conversation_id, staff_id)
    if before:
        _ask(lambda: quick_redis().hdel(_key(conversation_id), str(staff_id)), None)
        _tell(hotel_id, conversation_id)


def who(conversation_ids: Iterable[int]) -> dict[int, list[Presence]]:
    """By conversation, who is there; nobody while Valkey is away."""
    ids = list(dict.fromkeys(conversation_ids))

    def look() -> list[dict[bytes, bytes]]:
        with quick_redis().pipeline(transaction=False) as pipe:
            for conversation_id in ids:
                pipe.hgetall(_key(conversation_id))
            return pipe.execute()

    nobody: list[dict[bytes, bytes]] = []
    found = _ask(look, nobody) if ids else nobody
    there = {one: _present(fields) for one, fields in zip(ids, found, strict=False)}
    return {one: present for one, present in there.items() if present}


def _present(fields: dict[bytes, bytes]) -> list[Presence]:
    read = [(int(staff_id), json.loads(kept)) for staff_id, kept in sorted(fields.items())]
    return [one for staff_id, kept in read if (one := _presence(staff_id, kept))]


def _presence(staff_id: int, kept: dict[str, Any]) -> Presence | None:
    now = time()
    return Presence(staff_id, kept["name"], kept["writes_until"] > now) if kept["until"] > now else None


def _of(conversation_id: int, staff_id: int) -> Presence | None:
    return next((one for one in who([conversation_id]).get(conversation_id, []) if one.staff_id == staff_id), None)


def _tell(hotel_id: int, conversation_id: int) -> None:
    if monotonic() >= _away.until:
        live.tell("presence", hotel=hotel_id, id=conversation_id)


def _ask(question: Callable[[], Answer], otherwise: Answer) -> Answer:
    if monotonic() < _away.until:
        return otherwise
    try:
        return question()
    except RedisError:
        _away.until = monotonic() + AWAY_SECONDS
        return otherwise


def _key(conversation_id: int) -> str:
    return f"presence:{conversation_id}"
