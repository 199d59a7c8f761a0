"""What is done to our rows about hotels' PMSs whichever system it is, and without asking it."""

from __future__ import annotations

import json

from sqlalchemy import TextClause, text

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.locks.auditing import SYSTEM, tell
from hotel_agent.locks.holding import holds as counted
from hotel_agent.pms.contract import Hold

MOST_BATCHES = 20

LAPSE = text("""
    update pms_holds set status = 'expired' where id in (
        select id from pms_holds
        where status = 'active' and cleared_at is null and expires_at <= clock_timestamp()
        order by id limit :limit for update skip locked)
    returning id
""")
# A booking that is not long over needs its rows: something may have to be looked up.
LONG_AGO = "now() - make_interval(months => :months)"
IS_LIVE = f"""
    exists (select from reservations r where r.id = {{0}}.reservation_id
        and (r.status in ('pending', 'booked', 'in_house') or r.check_out >= {LONG_AGO}))
"""
HOLDS = text(f"""
    delete from pms_holds where id in (
        select h.id from pms_holds h
        where h.cleared_at < {LONG_AGO} and h.check_out < {LONG_AGO} and h.status not in ('asked', 'active')
            and not {IS_LIVE.format("h")}
        order by h.id limit :limit for update skip locked)
""")
WRITES = text(f"""
    delete from pms_writes where id in (
        select w.id from pms_writes w
        where w.state in ('done', 'refused') and w.settled_at < {LONG_AGO}
            and not {IS_LIVE.format("w")}
            and not exists (select from pms_holds h where h.token = w.token)
        order by w.id limit :limit for update skip locked)
""")


def expire_overdue(limit: int = 500) -> int:
    """Holds whose time is over are none, also while their PMS is away; how many there were.

    What somebody is working on waits for the next time. What still stands in the PMS is cleared by its own sweep.
    """
    ids = db.session.execute(LAPSE, {"limit": limit}).all()
    db.session.commit()
    if ids:
        counted.labels("expired").inc(len(ids))
    return len(ids)


def remember_names(hold: Hold) -> None:
    """What the kinds of room of a hold are called, for those who tell of it without asking the PMS."""
    names = {room.kind.code: dict(room.kind.names) for room in hold.rooms}
    db.session.execute(
        text("update pms_holds set names = cast(:names as jsonb) where hold_key = :hold and names = '{}'"),
        {"names": json.dumps(names), "hold": hold.hold_key},
    )
    db.session.commit()


def forget_old(limit: int = 500) -> int:
    """Remove what is long over: holds of which nothing stands any more, and writes that are settled; how many rows.

    What a booking that may still matter refers to stays, and so does what people were asked to settle. The trail of
    the holds stays in `lock_audit`.
    """
    return _in_batches(HOLDS, limit) + _in_batches(WRITES, limit)


def _in_batches(delete: TextClause, limit: int) -> int:
    """Small ones, so that nobody waits for a row; what is left after many goes the next time."""
    gone = 0
    for _ in range(MOST_BATCHES):
        tell(SYSTEM, "long over, and nothing of it stands")
        deleted = db.session.execute(delete, {"months": settings().pms_rows_months, "limit": limit})
        count: int = deleted.rowcount  # type: ignore[attr-defined]
        db.session.commit()
        gone += count
        if count < limit:
            break
    return gone
