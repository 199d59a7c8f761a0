"""How the backups stand, for pages, metrics and whoever is called at night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from hotel_agent.db import db, utcnow

# A backup a day, and some hours for a machine that was off.
OLD_AFTER = timedelta(hours=26)

NEWEST = text("""
    select done.name, done.finished_at, done.size, extract(epoch from done.finished_at - done.started_at) as seconds,
        done.copied_at is not null as is_copied, done.copy_error, failed.error, failed.started_at as failed_at,
        tried.tried_at, tried.trouble, (select count(*) from backups where state = 'failed') as failures
    from (select 1) one
    left join lateral (
        select * from backups where state = 'done' order by started_at desc limit 1) done on true
    left join lateral (
        select * from backups f where f.state = 'failed' and (done.started_at is null or f.started_at > done.started_at)
        order by started_at desc limit 1) failed on true
    left join lateral (
        select * from backups where tried_at is not null order by tried_at desc limit 1) tried on true
""")


@dataclass(frozen=True)
class Standing:
    """The newest backup, what has gone wrong since (`error`), and the newest trial, `trouble` empty where it was good.

    `seconds` is what the newest took, `size` its bytes; `failures` are all that are on record.
    """

    name: str | None
    at: datetime | None
    size: int | None
    seconds: float | None
    is_copied: bool
    copy_error: str
    error: str
    failed_at: datetime | None
    tried_at: datetime | None
    trouble: str
    failures: int

    def is_old(self, now: datetime | None = None) -> bool:
        return self.at is not None and self.at < (now or utcnow()) - OLD_AFTER

    @property
    def is_well(self) -> bool:
        return not (self.is_old() or self.error or self.trouble or self.copy_error)


def standing() -> Standing:
    """In one statement; the caller's transaction goes on."""
    row = db.session.execute(NEWEST).one()
    return Standing(
        name=row.name,
        at=row.finished_at,
        size=row.size,
        seconds=float(row.seconds) if row.seconds is not None else None,
        is_copied=bool(row.is_copied),
        copy_error=row.copy_error or "",
        error=row.error or "",
        failed_at=row.failed_at,
        tried_at=row.tried_at,
        trouble=row.trouble or "",
        failures=row.failures,
    )
