"""What became of a hold or a booking's rooms, in order: who did what, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.locks.auditing import Who

COLUMNS = "id, at, lock_id, hold_key, reservation_id, action, actor, actor_id, why, before, after"


@dataclass(frozen=True)
class Step:
    """One change of one claim; `before` and `after` are its row, empty where there was none. `at` is UTC."""

    at: datetime
    lock_id: int
    hold_key: str
    reservation_id: int | None
    action: str
    who: Who
    why: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def of_hold(hotel_id: int, hold_key: str) -> tuple[Step, ...]:
    """All that happened to the rooms that were taken together under this key, also once they were booked."""
    rows = db.session.execute(
        text(f"select {COLUMNS} from lock_audit where hold_key = :hold and hotel_id = :hotel order by id"),
        {"hotel": hotel_id, "hold": hold_key},
    )
    return _steps(rows)


def of_reservation(hotel_id: int, reservation_id: int) -> tuple[Step, ...]:
    """All that happened to the rooms of a booking, from when they were held, the ones that it has left included."""
    rows = db.session.execute(
        text(
            f"select {COLUMNS} from lock_audit where hotel_id = :hotel and lock_id in"
            " (select lock_id from lock_audit where reservation_id = :reservation) order by id"
        ),
        {"hotel": hotel_id, "reservation": reservation_id},
    )
    return _steps(rows)


def between(hotel_id: int, since: datetime, until: datetime, most: int = 500) -> tuple[Step, ...]:
    """What happened to a hotel's rooms from `since` on and before `until`, the latest first."""
    rows = db.session.execute(
        text(
            f"select {COLUMNS} from lock_audit where hotel_id = :hotel and at >= :since and at < :until"
            " order by at desc, id desc limit :most"
        ),
        {"hotel": hotel_id, "since": since, "until": until, "most": most},
    )
    return _steps(rows)


def _steps(rows: Iterable[Any]) -> tuple[Step, ...]:
    return tuple(
        Step(
            row.at,
            row.lock_id,
            row.hold_key,
            row.reservation_id,
            row.action,
            Who(row.actor, row.actor_id),
            row.why,
            row.before or {},
            row.after or {},
        )
        for row in rows
    )
