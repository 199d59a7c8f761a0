"""News between processes, over Valkey: what has changed is told once it is committed, and whoever shows it fetches it.

News may be lost whenever Valkey is away: nobody may rely on hearing them. One thread a process listens; a stream
that a browser keeps open waits for that thread and touches neither Valkey nor the database.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic, sleep
from typing import Any

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from sqlalchemy import event
from sqlalchemy.orm import Session

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.faults import valkey
from hotel_agent.logs import get_logger
from hotel_agent.redis import RedisConnectionError, RedisError

CHANNEL = "news"
# Whoever tells has something better to do than to wait for a server that is away.
TELL_SECONDS = 0.5
SILENT_SECONDS = 2.0
# A server that hangs takes pings and does not answer: then nothing is heard, and those who show things must know.
LISTEN_SECONDS = 2.0
PONG_SECONDS = 1.0
RETRY_SECONDS = 0.5

News = dict[str, Any]
Ear = Callable[[News], object]

log = get_logger(__name__)
_ears: dict[str, list[Ear]] = defaultdict(list)
_deaf: list[Callable[[], object]] = []


def tell(topic: str, **what: Any) -> bool:
    """Tell every process now. False when Valkey is away: nobody was told, and will hear so from who tells next."""
    if monotonic() < _lost.silent_until:
        return False
    try:
        if _lost.some:
            _teller().publish(CHANNEL, json.dumps({"topic": "missed"}))
            _lost.some = False
        _teller().publish(CHANNEL, json.dumps({"topic": topic, **what}))
    except RedisError as error:
        log.warning("news_lost", topic=topic, error=type(error).__name__)
        _lost.some = True
        if isinstance(error, RedisTimeoutError):
            _lost.silent_until = monotonic() + SILENT_SECONDS
        return False
    return True


@dataclass
class _Lost:
    """What this process could not tell, and until when it does not try again: each try at a server that hangs waits."""

    some: bool = False
    silent_until: float = 0.0


_lost = _Lost()


def conversation_changed(hotel_id: int, conversation_id: int) -> None:
    """Say so once this transaction is committed. Rows that the ORM writes need not be mentioned."""
    _changed(db.session()).add((hotel_id, conversation_id))


def hear(topic: str, ear: Ear) -> None:
    """Call `ear` in the listening thread for each piece of news of that topic. It must be quick."""
    _ears[topic].append(ear)


def when_news_were_missed(do: Callable[[], object]) -> None:
    """Call `do` whenever the listener begins to hear: what it had not heard before is not known."""
    _deaf.append(do)


# What a transaction has changed


def watch_session() -> None:
    """From now on every committed change to a row that belongs to a conversation is told."""
    if event.contains(db.session, "after_flush", _remember):
        return
    event.listen(db.session, "after_flush", _remember)
    event.listen(db.session, "after_commit", _tell_changes)
    event.listen(db.session, "after_rollback", _forget_changes)


def _changed(session: Session) -> set[tuple[int, int]]:
    changed: set[tuple[int, int]] = session.info.setdefault("changed_conversations", set())
    return changed


def _remember(session: Session, _context: object) -> None:
    for row in (*session.new, *session.dirty):
        table = getattr(row, "__tablename__", "")
        conversation_id = row.id if table == "conversations" else getattr(row, "conversation_id", None)
        if conversation_id is not None and getattr(row, "hotel_id", None) is not None and table != "sessions":
            _changed(session).add((row.hotel_id, conversation_id))


def _tell_changes(session: Session) -> None:
    changed = session.info.pop("changed_conversations", None)
    by_hotel: dict[int, list[int]] = defaultdict(list)
    for hotel_id, conversation_id in changed or ():
        by_hotel[hotel_id].append(conversation_id)
    for hotel_id, conversations in by_hotel.items():
        tell("conversations", hotel=hotel_id, ids=conversations)


def _forget_changes(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop("changed_conversations", None)


# Listening


class Listener:
    """One thread that hears the news for the whole process, and comes back by itself when Valkey does."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.hears = False

    def start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="news", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._listen()
            except RedisError as error:
                log.warning("news_not_heard", error=type(error).__name__)
            self._lost()
            sleep(RETRY_SECONDS)

    def _listen(self) -> None:
        client = Redis.from_url(
            settings().redis_url,
            socket_connect_timeout=2,
            socket_timeout=LISTEN_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
            **valkey.redis_connections(settings().redis_url),
        )
        with client, client.pubsub(ignore_subscribe_messages=False) as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(CHANNEL)
            asked = False
            while True:
                message = pubsub.get_message(timeout=PONG_SECONDS if asked else LISTEN_SECONDS)
                if message is None and asked:
                    raise RedisTimeoutError("a ping was not answered")
                asked = message is None
                if message is None:
                    pubsub.ping()
                elif message["type"] == "subscribe":
                    self._begin()
                elif message["type"] == "message":
                    _pass_on(message["data"])

    def _begin(self) -> None:
        self.hears = True
        _missed_some()

    def _lost(self) -> None:
        if self.hears:
            self.hears = False
            streams.tell_all({"topic": "deaf"})


def _pass_on(data: bytes) -> None:
    try:
        news = json.loads(data)
    except ValueError:
        return
    if news.get("topic") == "missed":
        _missed_some()
        return
    for ear in _ears[news.get("topic", "")]:
        ear(news)
    streams.tell(news)


def _missed_some() -> None:
    for do in _deaf:
        do()
    streams.tell_all({"topic": "missed"})


class Stream:
    """What one open page waits for."""

    def __init__(self, hotel_id: int, staff_id: int, session_id: int) -> None:
        self.hotel_id, self.staff_id, self.session_id = hotel_id, staff_id, session_id
        self._news: list[News] = []
        self._arrived = threading.Event()

    def wants(self, news: News) -> bool:
        if "hotel" in news and news["hotel"] != self.hotel_id:
            return False
        if "session" in news and news["session"] != self.session_id:
            return False
        return "staff" not in news or news["staff"] == self.staff_id

    def put(self, news: News) -> None:
        self._news.append(news)
        self._arrived.set()

    def wait(self, seconds: float) -> list[News]:
        """The news that came; none after so many quiet seconds."""
        self._arrived.wait(seconds)
        self._arrived.clear()
        news, self._news = self._news, []
        return news


class Streams:
    """The open pages of this process."""

    def __init__(self) -> None:
        self._open: set[Stream] = set()

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def opened(self, stream: Stream) -> Iterator[Stream]:
        self._open.add(stream)
        try:
            yield stream
        finally:
            self._open.discard(stream)

    def tell(self, news: News) -> None:
        self._put(news, [stream for stream in list(self._open) if stream.wants(news)])

    def tell_all(self, news: News) -> None:
        self._put(news, list(self._open))

    def _put(self, news: News, to: Iterable[Stream]) -> None:
        for stream in to:
            stream.put(news)


streams = Streams()
listener = Listener()


@lru_cache
def _teller() -> Redis:
    pool = ConnectionPool.from_url(
        settings().redis_url,
        socket_connect_timeout=TELL_SECONDS,
        socket_timeout=TELL_SECONDS,
        socket_keepalive=True,
        # A server that was started again has closed our connection; one that hangs is not asked twice.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        **valkey.redis_connections(settings().redis_url),
    )
    return Redis(connection_pool=pool)
