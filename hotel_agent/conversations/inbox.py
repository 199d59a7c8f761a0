"""Durable intake: a webhook body is one committed row before anybody answers 200.

Bodies that arrive together share one INSERT and one fsync: each request puts its body on the writer's queue and
waits; the writer takes what has gathered, commits it on a connection of its own, and tells the requests.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import select, update

from hotel_agent import db, metrics, tracing
from hotel_agent.config import settings
from hotel_agent.conversations.models import InboundEvent, WebhookFailure
from hotel_agent.logs import get_logger

BATCH = 256
WAIT_SECONDS = 8.0
INSERT = """
    insert into inbound_events (body, signed_by, traceparent, number)
    select * from unnest(%s::bytea[], %s::text[], %s::text[], %s::text[])
"""
# The first and the last that wait, by an index; what was taken in between them meanwhile is little.
BACKLOG = "select coalesce(max(id) - min(id) + 1, 0) from inbound_events where processed_at is null"
BACKLOG_SECONDS = 1.0
# Of Meta's ids of numbers, as `metadata` has them.
NUMBER = re.compile(rb'"phone_number_id"\s*:\s*"(\d{1,20})"')

log = get_logger(__name__)


class NotKept(Exception):
    """The body could not be stored: the sender must deliver it again."""


class TooMuch(NotKept):
    """Too much waits already: nothing more is begun, so that what waits is done with."""


@dataclass
class Waiting:
    body: bytes
    signed_by: str
    traceparent: str | None
    done: threading.Event = field(default_factory=threading.Event)
    kept: bool = False


class Writer:
    """Commits bodies in groups, one connection and one thread per process."""

    def __init__(self, connect: Callable[[], psycopg.Connection[tuple[Any, ...]]] | None = None) -> None:
        self._connect = connect or (lambda: db.connect("hotel-agent intake", timeout=2))
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._gathered: deque[Waiting] = deque()
        self._something = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._backlog = 0
        self._looked_at = -BACKLOG_SECONDS

    def keep(self, body: bytes, signed_by: str) -> None:
        """Return once the body is committed. Raises NotKept when it is not, or not known to be."""
        self._ensure_running()
        self._turn_away_if_full()
        with tracing.span("keep", bytes=len(body)):
            waiting = Waiting(body, signed_by, tracing.here())
            self._gathered.append(waiting)
            self._something.set()
            waiting.done.wait(WAIT_SECONDS)
        if not waiting.kept:
            raise NotKept

    def _turn_away_if_full(self) -> None:
        full = "writer" if len(self._gathered) >= settings().intake_most_waiting else None
        if full or self._backlog >= settings().intake_most_backlog:
            metrics.requests_shed.labels(full or "backlog").inc()
            raise TooMuch

    def close(self) -> None:
        """Commit what has gathered, then stop."""
        self._closing = True
        self._something.set()
        if self._thread:
            self._thread.join(WAIT_SECONDS)

    def _ensure_running(self) -> None:
        if self._thread and self._thread.is_alive():
            return
        with self._starting:
            if not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not (self._closing and not self._gathered):
            self._something.wait(1)
            self._something.clear()
            while self._gathered:
                self._write([self._gathered.popleft() for _ in range(min(BATCH, len(self._gathered)))])
                self._look_at_backlog()
            if self._backlog >= settings().intake_most_backlog:  # Nobody is let in who would make us look.
                self._look_at_backlog()
        if self._connection:
            self._connection.close()

    def _write(self, batch: Sequence[Waiting]) -> None:
        try:
            self._commit(batch)
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.InternalError, psycopg.ProgrammingError):
            self._write_singly(batch)
        # Whatever else goes wrong here must not kill the thread on which every request waits.
        except Exception as error:
            self._drop_connection()
            log.error("intake_not_kept", bodies=len(batch), error=type(error).__name__)
            _tell(batch, kept=False)

    def _write_singly(self, batch: Sequence[Waiting]) -> None:
        """One body that PostgreSQL refuses must not fail its neighbours."""
        for waiting in batch:
            try:
                self._commit([waiting])
            except psycopg.Error as error:
                self._drop_connection()
                log.error("intake_body_refused", error=type(error).__name__)
                _tell([waiting], kept=False)

    def _commit(self, batch: Sequence[Waiting]) -> None:
        """Insert and commit. A connection that died while idle is replaced once."""
        each = ((one.body, one.signed_by, one.traceparent, number_in(one.body)) for one in batch)
        rows = [list(column) for column in zip(*each, strict=True)]
        deadline = monotonic() + WAIT_SECONDS / 2
        while True:
            fresh = self._connection is None
            try:
                self._connection = self._connection or self._connect()
                self._connection.execute(INSERT, rows)
                break
            except psycopg.OperationalError:
                self._drop_connection()
                if fresh or monotonic() > deadline:
                    raise
        _tell(batch, kept=True)

    def _look_at_backlog(self) -> None:
        """How many bodies wait to be taken in, nearly; now and then. Not known is taken for none."""
        if monotonic() - self._looked_at < BACKLOG_SECONDS:
            return
        self._looked_at = monotonic()
        try:
            self._connection = self._connection or self._connect()
            row = self._connection.execute(BACKLOG).fetchone()
            self._backlog = int(row[0]) if row else 0
        except Exception:  # Nor must this kill the thread.
            self._drop_connection()
            self._backlog = 0

    def _drop_connection(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def number_in(body: bytes) -> str:
    """The first receiving number that a body names, without reading the rest of it; "" where none is."""
    found = NUMBER.search(body)
    return found[1].decode() if found else ""


def _tell(batch: Sequence[Waiting], *, kept: bool) -> None:
    for waiting in batch:
        waiting.kept = kept
        waiting.done.set()


_writer: Writer | None = None


def start() -> Writer:
    """Begin this process's writer; called after a fork, never before."""
    global _writer
    _writer = Writer()
    return _writer


def keep(body: bytes, signed_by: str) -> None:
    """Store one webhook body durably. Raises NotKept."""
    (_writer or start()).keep(body, signed_by)


def put_back(failure_ids: Iterable[int] | None) -> int:
    """Put failed bodies back before `take_in`; answers how many. A sweep picks them up.

    None means all that wait, but for those that nobody could read: what is unreadable once is so again, unless the
    program has changed meanwhile.
    """
    query = select(WebhookFailure).where(WebhookFailure.resolved_at.is_(None)).with_for_update()
    if failure_ids is not None:
        query = query.where(WebhookFailure.id.in_(set(failure_ids)))
    else:
        query = query.where(WebhookFailure.reason != "unreadable")
    failures = db.db.session.scalars(query).all()
    bodies = {failure.event_id: (bytes(failure.body), failure.signed_by) for failure in failures}
    # A body comes back whole: what else failed of it is settled, too, and listed anew if it fails again.
    db.db.session.execute(
        update(WebhookFailure)
        .where(WebhookFailure.event_id.in_(bodies), WebhookFailure.resolved_at.is_(None))
        .values(resolved_at=db.utcnow())
    )
    for _, (body, signed_by) in sorted(bodies.items()):
        db.db.session.add(InboundEvent(body=body, signed_by=signed_by, received_at=db.utcnow(), number=number_in(body)))
    db.db.session.commit()
    return len(failures)
