"""Monthly partitions: made ahead of time, dropped when they are too old.

What fell into a DEFAULT partition meanwhile is moved to one of its own month. Several processes may do all this at
once, and guests never wait long for it: whoever cannot have a lock soon lets go and tries again a little later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from time import sleep

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hotel_agent.config import Settings, settings
from hotel_agent.db import db, utcnow
from hotel_agent.logs import get_logger

PARTITIONED = {
    "inbound_events": "received_at",
    "lock_audit": "at",
    "messages": "created_at",
    "sessions": "created_at",
}
# Append-only tables, and the function that refuses all else: against TRUNCATE each partition needs its own trigger.
SEALED = {"lock_audit": "lock_audit_is_append_only"}
MONTHS_AHEAD = 2
# To attach a partition locks its own table first, and then those that it refers to; a guest's message may lock them
# in another order. PostgreSQL breaks such a knot after a second: by then it is we who have let go.
LOCK_TIMEOUT = "300ms"
TRIES, PAUSE_SECONDS = 10, 1.0
ONE_AT_A_TIME = 5_011_202
# How many rows are in the DEFAULT partitions, where none should be; beyond a thousand nobody needs the number.
ROWS_IN_DEFAULT = " + ".join(
    f"(select count(*) from (select from {table}_default limit 1000) {table})" for table in PARTITIONED
)

log = get_logger(__name__)


@dataclass(frozen=True)
class Retention:
    """For how many whole months rows are kept at least, None: for ever, and which ones keep an older month."""

    months: Callable[[Settings], int | None]
    needed: str


# Tables of which whole months go. Messages have others' rows hanging on them: privacy/retention.py.
RETENTION = {
    "inbound_events": Retention(lambda config: config.bodies_kept_months, "processed_at is null"),
    "lock_audit": Retention(lambda config: config.lock_audit_months, "at >= :since"),
    "sessions": Retention(lambda config: config.sessions_months, "last_activity >= :since"),
}


def make_partitions(today: date | None = None) -> list[str]:
    """Make the partitions that are missing of this month, the months ahead, and those that have rows in DEFAULT.

    Answers their names.
    """
    first = (today or utcnow().date()).replace(day=1)
    made = []
    for table, column in PARTITIONED.items():
        ahead = {_months_later(first, months) for months in range(MONTHS_AHEAD + 1)}
        for month in sorted(ahead | _months_in_default(table, column)):
            name = f"{table}_{month:%Y%m}"
            if _patiently(name, partial(_make, name, table, column, month)):
                made.append(name)
    return made


def drop_old_partitions(today: date | None = None) -> list[str]:
    """Drop the months that are older than their table's retention, unless something in them is still needed.

    Answers their names. The DEFAULT partitions stay whatever is in them.
    """
    dropped = []
    for table, retention in RETENTION.items():
        months = retention.months(settings())
        if months is None:
            continue
        since = kept_since(months, today)
        dropped += [name for name in over_before(table, since) if drop(name, retention.needed, since)]
    return dropped


def kept_since(months: int, today: date | None = None) -> date:
    """The first day of which something is kept for that many whole months."""
    return _months_later((today or utcnow().date()).replace(day=1), -months)


def drop(name: str, needed: str, since: date) -> bool:
    """Drop a partition, unless a row in it is `needed` (a condition, which may speak of :since), or it stays busy."""
    return _patiently(name, partial(_drop, name, needed, since))


def _patiently(name: str, work: Callable[[], bool]) -> bool:
    """Do it in a transaction of its own, alone among all processes; whatever stays busy is left for the next time."""
    for _ in range(TRIES):
        try:
            db.session.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT}'"))
            db.session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": ONE_AT_A_TIME})
            done = work()
            db.session.commit()
            return done
        except OperationalError as error:
            db.session.rollback()
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
            sleep(PAUSE_SECONDS)
    log.warning("partition_is_busy", partition=name)
    return False


def _months_in_default(table: str, column: str) -> set[date]:
    months = db.session.scalars(
        text(f"select distinct date_trunc('month', {column} at time zone 'UTC')::date from {table}_default")
    )
    found = set(months)
    db.session.rollback()
    return found


def _make(name: str, table: str, column: str, start: date) -> bool:
    """A partition cannot be made while DEFAULT holds rows of its month: they are moved in the same transaction."""
    if db.session.scalar(text("select to_regclass(:name)"), {"name": name}) is not None:
        return False
    bounds = (f"{start} 00:00+00", f"{_months_later(start, 1)} 00:00+00")
    month = f"{column} >= '{bounds[0]}' and {column} < '{bounds[1]}'"
    db.session.execute(text(f"lock table {table}_default in access exclusive mode"))
    db.session.execute(text(f"create table {name} (like {table} including defaults including constraints)"))
    if table in SEALED:  # Nobody else sees its default partition until this is done.
        db.session.execute(text(f"alter table {table}_default disable trigger user"))
    moved = db.session.execute(
        text(f"with gone as (delete from {table}_default where {month} returning *) insert into {name} table gone")
    )
    db.session.execute(
        text(f"alter table {table} attach partition {name} for values from ('{bounds[0]}') to ('{bounds[1]}')")
    )
    if table in SEALED:
        _seal(table, name)
    if moved.rowcount:  # type: ignore[attr-defined]
        log.warning("rows_left_the_default_partition", partition=name, rows=moved.rowcount)  # type: ignore[attr-defined]
    return True


def _seal(table: str, partition: str) -> None:
    """What was let out of the default partition is let out no more, and the new one is as closed."""
    db.session.execute(text(f"alter table {table}_default enable trigger user"))
    db.session.execute(
        text(
            f"create trigger {table}_is_kept before truncate on {partition}"
            f" for each statement execute function {SEALED[table]}()"
        )
    )


def over_before(table: str, since: date) -> list[str]:
    """The partitions of which every row is older, oldest first."""
    names = db.session.scalars(
        text("""
            select name from (
                select c.oid::regclass::text as name, cast((regexp_match(
                    pg_get_expr(c.relpartbound, c.oid), $$TO \\('([^']+)'\\)$$))[1] as timestamptz) as beyond
                from pg_inherits i join pg_class c on c.oid = i.inhrelid
                where i.inhparent = cast(:table as regclass)) partitions
            where beyond <= cast(:since as date) order by beyond
        """),
        {"table": table, "since": since},
    ).all()
    db.session.rollback()
    return list(names)


def _drop(name: str, needed: str, since: date) -> bool:
    """What nobody needs any more is needed by nobody later, so one look is enough."""
    if db.session.scalar(text("select to_regclass(:name)"), {"name": name}) is None:
        return False
    if db.session.scalar(text(f"select exists (select from {name} where {needed})"), {"since": since}):
        log.warning("old_partition_is_needed", partition=name)
        return False
    db.session.execute(text(f"drop table {name}"))
    log.info("partition_dropped", partition=name)
    return True


def _months_later(day: date, months: int) -> date:
    total = day.year * 12 + day.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)
