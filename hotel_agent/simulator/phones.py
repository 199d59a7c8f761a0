"""The guests' phones: who holds one, what stands in each chat, and how far each message got.

A chat belongs to one guest and one hotel number. It rests in Valkey for a week after its last message.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, Literal, cast

from pydantic import TypeAdapter
from redis import ConnectionPool, Redis

from hotel_agent.config import settings
from hotel_agent.faults import valkey
from hotel_agent.redis import redis

WEEK = 7 * 24 * 3600
LONGEST_CHAT = 300
TYPING_SECONDS = 25
ONLINE_SECONDS = 40
LISTENERS = 200


class Tick(IntEnum):
    """How far a message got; it only ever moves forward."""

    SENDING = 1
    FAILED = 2
    SENT = 3
    DELIVERED = 4
    READ = 5


@dataclass(frozen=True)
class Guest:
    """Somebody with a phone. `phone` is a wa_id: country code and number, digits only."""

    phone: str
    name: str
    language: str

    @property
    def user_id(self) -> str:
        """The business-scoped user id that Meta would give: the same for the same phone."""
        country = {"34": "ES", "44": "GB", "35": "PT"}.get(self.phone[:2], "US")
        return f"{country}.{int(hashlib.sha256(self.phone.encode()).hexdigest()[:14], 16):017d}"


READY = (
    Guest("34600111222", "Marta Ruiz", "es"),
    Guest("447700900123", "John Miller", "en"),
    Guest("351912345678", "Júlia Santos", "pt"),
)


@dataclass(frozen=True)
class Option:
    id: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Place:
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True)
class Bubble:
    """One message as the phone shows it. `at` is Unix time in seconds."""

    id: str
    by: Literal["guest", "hotel"]
    kind: str
    at: float
    text: str = ""
    header: str = ""
    footer: str = ""  # In a guest's choice from a list: the description of the row.
    opens: str = ""  # The words on the button that opens a list.
    sections: tuple[Section, ...] = ()
    choice: str = ""  # The id of the option that the guest chose.
    quotes: str = ""  # The id of the message that this one answers.
    place: Place | None = None
    media: str = ""
    reference: str = ""  # The hotel's biz_opaque_callback_data, given back in each status.

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(option for section in self.sections for option in section.options)


_bubble = TypeAdapter(Bubble)
_guest = TypeAdapter(Guest)


def new_wamid(phone: str, *, inbound: bool) -> str:
    """An id of the shape that Meta gives to messages."""
    direction = b"\x12" if inbound else b"\x11"
    inner = b"\x1c\x18" + bytes([len(phone)]) + phone.encode() + b"\x15\x02\x00" + direction + b"\x18\x14"
    return "wamid." + base64.b64encode(inner + secrets.token_hex(10).upper().encode() + b"\x00").decode()


def guests() -> list[Guest]:
    """The ready guests, then those whom visitors added, by name."""
    added = cast("dict[bytes, bytes]", redis().hgetall("simulator:guests"))
    known = {guest.phone for guest in READY}
    others = [_guest.validate_json(value) for value in added.values()]
    return [*READY, *sorted((g for g in others if g.phone not in known), key=lambda g: g.name.casefold())]


def find_guest(phone: str) -> Guest | None:
    for guest in READY:
        if guest.phone == phone:
            return guest
    value = cast("bytes | None", redis().hget("simulator:guests", phone))
    return _guest.validate_json(value) if value else None


def add_guest(guest: Guest) -> None:
    """Give a guest a phone. A number that somebody holds already keeps its chats and takes the new name."""
    redis().hset("simulator:guests", guest.phone, _guest.dump_json(guest))
    redis().expire("simulator:guests", WEEK)


def phone_of_user(user_id: str) -> str | None:
    """The phone behind a business-scoped user id, when the simulator knows the guest."""
    return next((guest.phone for guest in guests() if guest.user_id == user_id), None)


@dataclass(frozen=True)
class Chat:
    """What one guest and one hotel number said to each other."""

    phone: str
    number: str

    def add(self, bubble: Bubble, tick: Tick) -> None:
        """Put a message at the end of the chat; the hotel's own message also ends its typing."""
        pipe = redis().pipeline()
        pipe.hset(self._bubbles, bubble.id, _bubble.dump_json(bubble))
        pipe.zadd(self._ticks, {bubble.id: int(tick)}, gt=True)
        pipe.rpush(self._order, bubble.id)
        if bubble.by == "guest":
            pipe.set(f"simulator:where:{bubble.id}", f"{self.phone}:{self.number}", ex=WEEK)
        else:
            pipe.delete(self._typing)
        for key in (self._bubbles, self._ticks, self._order):
            pipe.expire(key, WEEK)
        pipe.llen(self._order)
        length = pipe.execute()[-1]
        if length > LONGEST_CHAT:
            self._forget_oldest()
        self.tell()

    def find(self, wamid: str) -> Bubble | None:
        value = cast("bytes | None", redis().hget(self._bubbles, wamid))
        return _bubble.validate_json(value) if value else None

    def bubbles(self) -> list[tuple[Bubble, Tick]]:
        """The whole chat, oldest first."""
        pipe = redis().pipeline()
        pipe.lrange(self._order, 0, -1)
        pipe.hgetall(self._bubbles)
        pipe.zrange(self._ticks, 0, -1, withscores=True)
        order, kept, scores = pipe.execute()
        ticks = {wamid: Tick(int(score)) for wamid, score in scores}
        there = [wamid for wamid in order if wamid in kept]
        return [(_bubble.validate_json(kept[wamid]), ticks.get(wamid, Tick.SENT)) for wamid in there]

    def tick(self, wamid: str) -> Tick | None:
        score = redis().zscore(self._ticks, wamid)
        return None if score is None else Tick(int(score))

    def move(self, wamid: str, tick: Tick) -> None:
        """Move a message forward; one that is further already stays where it is."""
        if redis().zadd(self._ticks, {wamid: int(tick)}, gt=True, xx=False, ch=True):
            self.tell()

    def move_up_to(self, wamid: str, tick: Tick) -> None:
        """The hotel marked a message: those that the guest sent before it count as well."""
        ids = [bubble.id for bubble, _ in self.bubbles() if bubble.by == "guest"]
        if wamid in ids:
            scores: dict[Any, Any] = {each: int(tick) for each in ids[: ids.index(wamid) + 1]}
            redis().zadd(self._ticks, scores, gt=True)
            self.tell()

    def type(self) -> None:
        """The hotel is typing: until its message comes, or 25 seconds."""
        redis().set(self._typing, 1, ex=TYPING_SECONDS)
        self.tell()

    def typing_ms(self) -> int:
        """For how much longer the hotel counts as typing, in milliseconds; 0 when it does not."""
        return max(0, redis().pttl(self._typing))

    def tell(self) -> None:
        """Wake the pages that show this guest."""
        redis().publish(_channel(self.phone), "change")

    def forget(self) -> None:
        """Nothing of it is left: the hotel has erased the guest, whose phone is here only in the demo."""
        said = cast("list[bytes]", redis().lrange(self._order, 0, -1))
        where = [f"simulator:where:{wamid.decode()}" for wamid in said]
        redis().delete(self._order, self._bubbles, self._ticks, self._typing, f"simulator:online:{self.phone}", *where)
        if not any(redis().scan_iter(f"simulator:order:{self.phone}:*")):
            redis().hdel("simulator:guests", self.phone)
        self.tell()

    def _forget_oldest(self) -> None:
        oldest = cast("bytes | None", redis().lpop(self._order))
        if oldest:
            pipe = redis().pipeline()
            pipe.hdel(self._bubbles, oldest)
            pipe.zrem(self._ticks, oldest)
            pipe.execute()

    @property
    def _order(self) -> str:
        return f"simulator:order:{self.phone}:{self.number}"

    @property
    def _bubbles(self) -> str:
        return f"simulator:bubbles:{self.phone}:{self.number}"

    @property
    def _ticks(self) -> str:
        return f"simulator:ticks:{self.phone}:{self.number}"

    @property
    def _typing(self) -> str:
        return f"simulator:typing:{self.phone}:{self.number}"


def chat_of(wamid: str) -> Chat | None:
    """The chat that a guest's message stands in."""
    where = cast("bytes | None", redis().get(f"simulator:where:{wamid}"))
    return Chat(*where.decode().split(":", 1)) if where else None


def is_online(phone: str) -> bool:
    """Whether a page shows this phone just now."""
    return bool(redis().exists(f"simulator:online:{phone}"))


def listen(phone: str, others: Iterable[str], wait: float, turns: int) -> Iterator[bool]:
    """Yield True whenever something changes on one of the phones, False after each quiet `wait` seconds.

    Ends after `turns` quiet waits, so that no page holds a worker for ever; the page comes back by itself.
    Holds one connection to Valkey and none to PostgreSQL. Raises RedisError.
    """
    with _listeners().pubsub(ignore_subscribe_messages=True) as pubsub:  # type: ignore[no-untyped-call]
        pubsub.subscribe(*{_channel(each) for each in (phone, *others)})
        while turns:
            redis().set(f"simulator:online:{phone}", 1, ex=ONLINE_SECONDS)
            changed = pubsub.get_message(timeout=wait) is not None
            turns -= not changed
            yield changed


@lru_cache
def _listeners() -> Redis:
    """A pool of its own: waiting pages must not use up the connections that everybody else needs."""
    url = settings().redis_url
    pool = ConnectionPool.from_url(url, max_connections=LISTENERS, **valkey.redis_connections(url))
    return Redis(connection_pool=pool)


def _channel(phone: str) -> str:
    return f"simulator:phone:{phone}"
