"""All recurring work, on one page; and the one process that reminds the workers of it.

RQ's own cron speaks pickle and has no lock between schedulers, so this loop does it: whoever holds the session
advisory lock is the scheduler, others wait for it to fall free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any

import psycopg

from hotel_agent import queues
from hotel_agent.conversations.sweeping import DUE_ANSWERS
from hotel_agent.db import connect
from hotel_agent.logs import get_logger
from workers import nudges

TICK_SECONDS = 0.1
RETRY_SECONDS = 1.0
LOCK = 6_012_311

log = get_logger(__name__)


@dataclass(frozen=True)
class Recurring:
    """`job` every so many `seconds`; one that has not begun when the next is due is dropped."""

    job: str
    seconds: int
    queue: str = queues.BACKGROUND


SCHEDULE = (
    Recurring("workers.upkeep.bring_back", 4, queues.SWEEPS),
    Recurring("workers.upkeep.settle_unknown_sends", 5, queues.SWEEPS),
    Recurring("workers.upkeep.wake_snoozed", 15, queues.SWEEPS),
    Recurring("workers.upkeep.release_expired_holds", 30, queues.SWEEPS),
    Recurring("workers.media.fetch", 5),
    Recurring("workers.pms.settle", 30, queues.PMS),
    Recurring("workers.pms.mirror", 20, queues.PMS),
    Recurring("workers.rooms.warm_up", 120, queues.PMS),
    Recurring("workers.proactive.send_due", 60),
    Recurring("workers.integrations.write_down_what_was_done", 60),
    Recurring("workers.privacy.go_on", 60),
    Recurring("workers.backups.look", 60),
    Recurring("workers.upkeep.make_partitions", 6 * 3600),
    Recurring("workers.upkeep.forget_old", 3600),
    Recurring("workers.retention.forget_messages", 3600),
    Recurring("workers.retention.forget_media", 3600),
    Recurring("workers.retention.forget_webhook_failures", 3600),
    Recurring("workers.retention.forget_audit_log", 3600),
)


def run(stop: Event, turns: Callable[[], None]) -> None:
    """Be the scheduler, or wait to be, until told to stop."""
    while not stop.is_set():
        turns()
        try:
            with _alone() as connection:
                if connection is not None:
                    log.info("scheduling")
                    _schedule(connection, stop, turns)
        except psycopg.Error as error:  # It is away, or its tables are still to come.
            log.warning("scheduler_waits", error=type(error).__name__)
        stop.wait(RETRY_SECONDS)


@contextmanager
def _alone() -> Iterator[psycopg.Connection[Any] | None]:
    with connect("hotel-agent scheduler") as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        yield connection if row and row[0] else None


def _schedule(connection: psycopg.Connection[Any], stop: Event, turns: Callable[[], None]) -> None:
    """Every query runs on the connection that holds the lock: losing it ends the turn."""
    due = dict.fromkeys(SCHEDULE, monotonic())
    while not stop.wait(TICK_SECONDS):
        turns()
        for (conversation_id,) in connection.execute(DUE_ANSWERS.text):
            if stop.is_set() or not nudges.answer(conversation_id):
                break  # Valkey is away: the rows will still be due when it is back.
        for recurring, at in due.items():
            if at <= monotonic():
                due[recurring] = monotonic() + recurring.seconds
                queues.remind(recurring.queue, recurring.job, ttl=recurring.seconds)
