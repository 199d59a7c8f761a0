"""Our row of a booking is brought into line with what the PMS has on record.

Whoever reads a booking there may be the first to see that somebody else has changed it: what concerns its guest is kept
as news (`pms_news`), once, to be told by the conversations. What we have asked for ourselves is no news.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.auditing import SYSTEM, tell
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import Stay
from hotel_agent.pms.policy import free_until

log = get_logger(__name__)

GONE = ("cancelled", "no_show")
MISSING = "missing"
TWICE_WITHIN = timedelta(hours=1)  # Everything is read several times in it.
# What a status of our own asking is called among the writes.
_ASKED_AS = {"cancelled": "cancel", "no_show": "no_show"}

ROW = text(
    "select id, guest_id, status, check_in, check_out, adults, children, total, cancelled_at, cancellation_fee, policy"
    " from reservations where id = :id and hotel_id = :hotel for update"
)
# Whether we are writing to it ourselves, or have since it was read: then what was read may be older than that.
OURS_SINCE = text("""
    select exists (select from pms_writes where reservation_id = :id and hotel_id = :hotel and operation <> 'rename'
            and (state in ('asked', 'unknown') or greatest(created_at, settled_at) >= :read_at))
""")
SEEN_SINCE = text("select exists (select from pms_news where reservation_id = :id and at >= :read_at)")
# Nobody else has changed it since we asked for what it is now.
ASKED_BY_US = text("""
    select exists (select from pms_writes w where w.reservation_id = :id and w.hotel_id = :hotel
        and w.state in ('asked', 'unknown', 'done', 'to_staff') and w.operation = :asked_as
        and (w.operation <> 'change' or w.payload -> 'stay' = cast(:stay as jsonb))
        and not exists (select from pms_news n where n.reservation_id = w.reservation_id and n.at > w.created_at))
""")


@dataclass(frozen=True)
class Standing:
    """A booking as it stands in the PMS. `status`: booked, in_house, departed, cancelled, no_show."""

    status: str
    stay: Stay
    adults: int
    children: int
    total: Decimal

    def packed(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "check_in": self.stay.check_in.isoformat(),
            "check_out": self.stay.check_out.isoformat(),
            "adults": self.adults,
            "children": self.children,
            "total": str(self.total),
        }


def clock() -> datetime:
    """Now, as the database counts: the time before something is read in a PMS."""
    now: datetime = db.session.execute(text("select clock_timestamp()")).scalar_one()
    db.session.commit()
    return now


def agree(
    hotel: Hotel, reservation_id: int, seen: Standing, read_at: datetime, *, after_our_writes: bool = False
) -> bool:
    """Take over what was read at `read_at`; whether anything was otherwise. In a transaction of its own.

    Nothing is taken over while we write to the booking ourselves or when we have since, unless `after_our_writes`: then
    it was read to see what became of them. A booking that was not read back yet stays pending.
    """
    key = {"id": reservation_id, "hotel": hotel.id, "read_at": read_at}
    try:
        row = db.session.execute(ROW, key).first()
        if row is None or row.status == "pending" or db.session.scalar(SEEN_SINCE, key):
            return False
        if not after_our_writes and db.session.scalar(OURS_SINCE, key):
            return False
        was = Standing(row.status, Stay(row.check_in, row.check_out), row.adults, row.children, row.total)
        if seen == was:
            return False
        _take_over(hotel, row, seen)
        if row.guest_id is not None and _is_news(hotel, row.id, was, seen):
            _keep_news(hotel, row.id, was.packed(), seen.packed())
            log.info("pms_booking_changed_there", reservation=row.id, was=was.packed(), now=seen.packed())
        db.session.commit()
        return True
    finally:
        db.session.rollback()  # Of nothing, when it has been committed.


def went_missing(hotel: Hotel, reservation_id: int) -> None:
    """The PMS does not know a booking any more: of a guest's people hear, once. Another's is off when it is missing for
    the second time: a PMS that has told too little once has not cancelled anything."""
    key = {"id": reservation_id, "hotel": hotel.id}
    try:
        row = db.session.execute(ROW, key).first()
        if row is None or row.status not in ("booked", "in_house"):
            return
        if row.guest_id is None and _missed_already(row.id, within=TWICE_WITHIN):
            _set(row.id, status="cancelled", cancelled_at=utcnow())
        elif row.guest_id is None or not _missed_already(row.id):
            was = Standing(row.status, Stay(row.check_in, row.check_out), row.adults, row.children, row.total)
            _keep_news(hotel, row.id, was.packed(), {**was.packed(), "status": MISSING})
        db.session.commit()
    finally:
        db.session.rollback()


def number_is_anothers(hotel: Hotel, reservation_id: int) -> None:
    """The PMS has given a booking's number to another one, as after it was set back: ours stands there no more."""
    key = {"id": reservation_id, "hotel": hotel.id}
    try:
        row = db.session.execute(ROW, key).first()
        if row is None:
            return
        if row.status in ("pending", "booked", "in_house"):
            if row.guest_id is not None and not _missed_already(row.id):
                was = Standing(row.status, Stay(row.check_in, row.check_out), row.adults, row.children, row.total)
                _keep_news(hotel, row.id, was.packed(), {**was.packed(), "status": MISSING})
            if row.guest_id is None or row.status == "pending":
                _set(row.id, status="cancelled", cancelled_at=utcnow())
        _set(row.id, pms_id=None)
        db.session.commit()
        log.error("pms_number_of_another", hotel=hotel.slug, reservation=row.id)
    finally:
        db.session.rollback()


def _take_over(hotel: Hotel, row: Any, seen: Standing) -> None:
    columns: dict[str, Any] = {
        "status": seen.status,
        "check_in": seen.stay.check_in,
        "check_out": seen.stay.check_out,
        "adults": seen.adults,
        "children": seen.children,
        "total": seen.total,
    }
    if seen.status == "cancelled":
        columns["cancelled_at"] = row.cancelled_at or utcnow()
        _let_go(row.id)
    elif row.status == "cancelled":
        columns |= {"cancelled_at": None, "cancellation_fee": None}
    if seen.stay.check_in != row.check_in and "free_until" in row.policy:
        until = free_until(hotel, seen.stay.check_in).isoformat()
        columns["policy"] = json.dumps({**row.policy, "free_until": until})
    _set(row.id, **columns)


def _set(reservation_id: int, **columns: Any) -> None:
    sets = ", ".join(
        f"{name} = cast(:{name} as jsonb)" if name == "policy" else f"{name} = :{name}" for name in columns
    )
    db.session.execute(text(f"update reservations set {sets} where id = :id"), {"id": reservation_id, **columns})


def _let_go(reservation_id: int) -> None:
    """Nothing stands in the PMS any more for which a hold was kept, and what was added to the stay is off."""
    key = {"id": reservation_id}
    tell(SYSTEM, "the PMS has the booking no more")
    db.session.execute(
        text("update pms_holds set cleared_at = now() where reservation_id = :id and cleared_at is null"), key
    )
    db.session.execute(
        text("update reservation_extras set status = 'cancelled' where reservation_id = :id and status = 'granted'"),
        key,
    )


def _is_news(hotel: Hotel, reservation_id: int, was: Standing, seen: Standing) -> bool:
    """Whether it is off, on again, or another stay. That somebody is in or has left its people know."""
    off_or_on = seen.status != was.status and (seen.status in GONE or was.status in GONE)
    other = (was.stay, was.adults, was.children) != (seen.stay, seen.adults, seen.children)
    if not off_or_on and not other:
        return False
    asked = {
        "id": reservation_id,
        "hotel": hotel.id,
        "asked_as": _ASKED_AS.get(seen.status, "") if off_or_on else "change",
        "stay": json.dumps([seen.stay.check_in.isoformat(), seen.stay.check_out.isoformat()]),
    }
    return not db.session.scalar(ASKED_BY_US, asked)


def _keep_news(hotel: Hotel, reservation_id: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    db.session.execute(
        text(
            "insert into pms_news (hotel_id, reservation_id, before, after)"
            " values (:hotel, :reservation, cast(:before as jsonb), cast(:after as jsonb))"
        ),
        {
            "hotel": hotel.id,
            "reservation": reservation_id,
            "before": json.dumps(before),
            "after": json.dumps(after),
        },
    )


def _missed_already(reservation_id: int, within: timedelta | None = None) -> bool:
    latest = db.session.execute(
        text(
            "select after ->> 'status' as status, at from pms_news where reservation_id = :id order by id desc limit 1"
        ),
        {"id": reservation_id},
    ).first()
    if latest is None or latest.status != MISSING:
        return False
    return within is None or utcnow() - latest.at < within


def nights_of(packed: Mapping[str, Any]) -> tuple[date, date]:
    """The days of a standing as `pms_news` keeps it."""
    return date.fromisoformat(packed["check_in"]), date.fromisoformat(packed["check_out"])
