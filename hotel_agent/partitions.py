"""Monthly partitions: made ahead of time, so that nothing falls into the DEFAULT ones."""

from __future__ import annotations

from datetime import date

from sqlalchemy import text

from hotel_agent.db import db, utcnow

PARTITIONED = {"inbound_events": "received_at", "messages": "created_at", "sessions": "created_at"}
MONTHS_AHEAD = 2


def make_partitions(today: date | None = None) -> list[str]:
    """Make this month's partition and those of the months ahead where they are missing; answer their names."""
    first = (today or utcnow().date()).replace(day=1)
    made = []
    for table in PARTITIONED:
        for ahead in range(MONTHS_AHEAD + 1):
            start = _months_later(first, ahead)
            name = f"{table}_{start:%Y%m}"
            if db.session.scalar(text("select to_regclass(:name)"), {"name": name}) is None:
                end = _months_later(start, 1)
                db.session.execute(text("set local lock_timeout = '5s'"))
                db.session.execute(
                    text(f"create table {name} partition of {table} for values from ('{start}') to ('{end}')")
                )
                made.append(name)
            db.session.commit()
    return made


def _months_later(day: date, months: int) -> date:
    total = day.year * 12 + day.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)
