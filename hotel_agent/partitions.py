"""Monthly partitions: made ahead of time; what fell into a DEFAULT one meanwhile is moved out."""

from __future__ import annotations

from datetime import date

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.logs import get_logger

PARTITIONED = {"inbound_events": "received_at", "messages": "created_at", "sessions": "created_at"}
MONTHS_AHEAD = 2

log = get_logger(__name__)


def make_partitions(today: date | None = None) -> list[str]:
    """Make this month's partition and those of the months ahead where they are missing; answer their names."""
    first = (today or utcnow().date()).replace(day=1)
    made = []
    for table, column in PARTITIONED.items():
        for ahead in range(MONTHS_AHEAD + 1):
            start = _months_later(first, ahead)
            name = f"{table}_{start:%Y%m}"
            if db.session.scalar(text("select to_regclass(:name)"), {"name": name}) is None:
                _make(name, table, column, start, _months_later(start, 1))
                made.append(name)
            db.session.commit()
    return made


def _make(name: str, table: str, column: str, start: date, end: date) -> None:
    """A partition cannot be made while DEFAULT holds rows of its month: they are moved in the same transaction."""
    bounds = (f"{start} 00:00+00", f"{end} 00:00+00")
    month = f"{column} >= '{bounds[0]}' and {column} < '{bounds[1]}'"
    db.session.execute(text("set local lock_timeout = '5s'"))
    db.session.execute(text(f"lock table {table} in share row exclusive mode"))
    db.session.execute(text(f"create table {name} (like {table} including defaults including constraints)"))
    moved = db.session.execute(
        text(f"with gone as (delete from {table}_default where {month} returning *) insert into {name} table gone")
    )
    db.session.execute(
        text(f"alter table {table} attach partition {name} for values from ('{bounds[0]}') to ('{bounds[1]}')")
    )
    if moved.rowcount:  # type: ignore[attr-defined]
        log.warning("rows_left_the_default_partition", partition=name, rows=moved.rowcount)  # type: ignore[attr-defined]


def _months_later(day: date, months: int) -> date:
    total = day.year * 12 + day.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)
