"""What became of a hold or a booking's rooms, in order: who did what, when and why.

Of our own claims and of what a hotel's PMS keeps for us: one trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.locks.auditing import Who

COLUMNS = "id, at, lock_id, hold_key, reservation_id, action, actor, actor_id, why, before, after, at_pms"


@dataclass(frozen=True)
class Step:
    """One change of one claim; `before` and `after` are its row, empty where there was none. `at` is UTC.

    `lock_id` is of `pms_holds` where `at_pms`.
    """

    at: datetime
    lock_id: int
    hold_key: str
    reservation_id: int | None
    action: str
    who: Who
    why: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    at_pms: bool = False


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
            f"select {COLUMNS} from lock_audit where hotel_id = :hotel and (lock_id, at_pms) in"
            " (select lock_id, at_pms from lock_audit where reservation_id = :reservation) order by id"
        ),
        {"hotel": hotel_id, "reservation": reservation_id},
    )
    return _steps(rows)


def hotel_of(hold_key: str) -> int | None:
    """Whose trail this key is in, for an administrator."""
    found: int | None = db.session.scalar(
        text("select hotel_id from lock_audit where hold_key = :hold order by id limit 1"), {"hold": hold_key}
    )
    return found


def let_go_by_people(hotel_id: int, hold_key: str) -> bool:
    """Whether the hold is over because a colleague, or the hotel's administrator, has let it go."""
    steps = of_hold(hotel_id, hold_key)
    over = [step for step in steps if step.action in ("released", "expired", "refused", "booked", "freed")]
    return bool(over) and over[-1].action == "released" and over[-1].who.kind in ("staff", "system")


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
            row.at_pms,
        )
        for row in rows
    )
