"""What this process knows of all the flags: asked at every message, so looked up rarely and never waited for long.

Known for a minute and forgotten at once when news come; while this process hears no news, known for a second. It is
looked up in Valkey's snapshot, else in PostgreSQL, which leaves a snapshot for the others. Where neither answers,
what was known last goes on.

A snapshot counts only under the generation that it was made for, and whoever changes a flag begins a new one: rows
that somebody had read before the change and puts down after it are passed over.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

import psycopg

from hotel_agent import live
from hotel_agent.db import connect
from hotel_agent.logs import get_logger
from hotel_agent.redis import RedisError, quick_redis

KEPT_SECONDS = 60.0
DEAF_SECONDS = 1.0
# Whoever did not answer is not asked again for so long.
AWAY_SECONDS = 5.0
GENERATION, SNAPSHOT = "flags:generation", "flags:snapshot"
ROWS = "select key, hotel_id, enabled, percentage from feature_flags"

log = get_logger(__name__)


@dataclass(frozen=True)
class Switch:
    """How a flag is set; `percentage` is null for all."""

    enabled: bool
    percentage: int | None = None


# By key and hotel; the hotel is null where it is set for all of them.
Switches = Mapping[tuple[str, int | None], Switch]


class Cache:
    """The flags as one process knows them."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Know nothing, as a process that has just begun."""
        self._known: Switches | None = None
        self._looked_after: object = None
        self._until_deaf = self._until_hearing = 0.0
        self._distrust_snapshot = False
        self.doubt()

    def doubt(self, *, snapshot: bool = False) -> None:
        """Look again before answering; with `snapshot` what lies in Valkey may be older than a change, too."""
        self._news = object()
        self._valkey_from = 0.0
        self._distrust_snapshot = self._distrust_snapshot or snapshot

    def switches(self) -> Switches:
        if self._known is not None and self._is_fresh():
            return self._known
        # One looks; the others go on with what was known, if anything was.
        if not self._looking.acquire(blocking=self._known is None):
            return self._known or {}
        try:
            return self._known if self._known is not None and self._is_fresh() else self._look()
        finally:
            self._looking.release()

    def changed(self) -> bool:
        """Tell every process, this one included, that the rows have changed. False when Valkey did not answer."""
        self.doubt()
        begun = self._begin_generation() is not None
        told = live.tell("flags")
        with self._looking:
            self._look()
        return begun and told

    def _is_fresh(self) -> bool:
        until = self._until_hearing if live.listener.hears else self._until_deaf
        return self._looked_after is self._news and monotonic() < until

    def _look(self) -> Switches:
        news, now = self._news, monotonic()
        generation, found, lasts = self._from_valkey()
        if found is None:
            found, lasts = _from_postgres(), KEPT_SECONDS
            if found is not None and generation is not None:
                self._to_valkey(generation, found)
        if found is not None:
            self._until_deaf, self._until_hearing = now + min(DEAF_SECONDS, lasts), now + lasts
        else:
            found = self._known or {}
            self._until_deaf = self._until_hearing = monotonic() + AWAY_SECONDS
        self._known, self._looked_after = found, news
        return found

    # Valkey

    def _from_valkey(self) -> tuple[str | None, Switches | None, float]:
        """The generation to put rows down under, the snapshot of it if there is one, and its seconds to live."""
        if monotonic() < self._valkey_from:
            return None, None, 0
        if self._distrust_snapshot:
            return self._begin_generation(), None, 0
        try:
            return self._read_snapshot()
        except RedisError as error:
            self._valkey_is_away(error)
            return None, None, 0

    def _read_snapshot(self) -> tuple[str | None, Switches | None, float]:
        with quick_redis().pipeline(transaction=False) as together:
            together.mget(GENERATION, SNAPSHOT)
            together.pttl(SNAPSHOT)
            (generation, snapshot), milliseconds = together.execute()
        if generation is None:
            return self._begin_generation(), None, 0
        return generation.decode(), _unpacked(snapshot, generation.decode()), max(milliseconds, 0) / 1000

    def _begin_generation(self) -> str | None:
        generation = secrets.token_hex(8)
        try:
            quick_redis().set(GENERATION, generation)
        except RedisError as error:
            self._valkey_is_away(error)
            return None
        self._distrust_snapshot = False
        return generation

    def _to_valkey(self, generation: str, found: Switches) -> None:
        try:
            quick_redis().set(SNAPSHOT, _packed(generation, found), px=int(KEPT_SECONDS * 1000))
        except RedisError as error:
            self._valkey_is_away(error)

    def _valkey_is_away(self, error: RedisError) -> None:
        log.warning("flags_without_valkey", error=type(error).__name__)
        self._valkey_from = monotonic() + AWAY_SECONDS


def _packed(generation: str, found: Switches) -> str:
    rows = [(key, hotel_id, one.enabled, one.percentage) for (key, hotel_id), one in found.items()]
    return json.dumps([generation, rows])


def _unpacked(snapshot: bytes | None, generation: str) -> Switches | None:
    """None for a snapshot of another generation, or one that another version of this program has written."""
    try:
        made_for, rows = json.loads(snapshot or b"[null, []]")
        found = {(key, hotel_id): Switch(enabled, percentage) for key, hotel_id, enabled, percentage in rows}
    except (TypeError, ValueError):
        return None
    return found if made_for == generation else None


def _from_postgres() -> Switches | None:
    """On a connection of its own, a few times a minute at most: the caller's transaction has no part in it."""
    try:
        with connect("hotel-agent flags", timeout=2) as connection:
            connection.execute("set statement_timeout = '1s'")
            rows = connection.execute(ROWS).fetchall()
    except psycopg.Error as error:
        log.warning("flags_without_postgres", error=type(error).__name__)
        return None
    return {(key, hotel_id): Switch(enabled, percentage) for key, hotel_id, enabled, percentage in rows}


cache = Cache()
live.hear("flags", lambda _news: cache.doubt())
live.when_news_were_missed(lambda: cache.doubt(snapshot=True))
