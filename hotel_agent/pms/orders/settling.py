"""What is not settled: holds whose time is over, writes of which nobody knows, bookings that were not read back.

Found by our rows and, for what only the PMS knows of, by the orders that carry our prefix. Only holds are ever undone
here. An order of ours of which there is no row at all may be somebody's booking, if these tables were put back to an
older day: people look at it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import PmsRejected, PmsUnavailable, RoomRequest, Stay, Unsettled
from hotel_agent.pms.orders import booking, holds, records, standing, writes
from hotel_agent.pms.orders.records import HoldRow
from hotel_agent.pms.orders.standing import GuestIsIn, Otherwise, Wanted
from hotel_agent.pms.orders.system import Order, System, standing_lines

log = get_logger(__name__)

QUIET = timedelta(seconds=60)  # Whoever wrote this is still at it.
HOPE = timedelta(minutes=15)  # Afterwards nothing that was asked is still under way.
SWEPT = timedelta(days=1)  # For so long after the last hold its system is looked at for orders that came in late.
MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Write:
    """An open row of pms_writes."""

    id: int
    guest_id: int | None
    reservation_id: int | None
    operation: str
    token: str
    order_id: str | None
    payload: dict[str, Any]
    attempts: int
    created_at: datetime

    @property
    def is_hopeless(self) -> bool:
        return self.attempts >= MOST_ATTEMPTS or utcnow() - self.created_at > HOPE


def settle(system_of: Callable[[Hotel], System], hotel: Hotel) -> tuple[Unsettled, ...]:
    """Settle what can be; what cannot, for people. Raises PmsUnavailable when the PMS does not answer."""
    if not something_open(hotel):
        return ()
    system = system_of(hotel)
    with writes.alone(hotel):
        holds.expire(hotel)
        found = [*_holds_asked(system, hotel), *_pending(system, hotel), *_writes(system, hotel)]
        holds.clear_lapsed(system, hotel)
        found += _strays(system, hotel)
    return tuple(found)


def something_open(hotel: Hotel) -> bool:
    """Whether there is a hold, or anything that is not settled, without asking the PMS."""
    row = db.session.execute(
        text(
            "select exists (select from pms_holds where hotel_id = :hotel and cleared_at is null"
            "   and (status in ('asked', 'expired', 'released', 'refused')"
            "        or (status = 'active' and expires_at <= clock_timestamp())))"
            " or exists (select from pms_holds where hotel_id = :hotel and created_at > :lately)"
            " or exists (select from pms_writes where hotel_id = :hotel and state in ('asked', 'unknown'))"
            " or exists (select from reservations where hotel_id = :hotel and status = 'pending'"
            "   and pms_id is not null)"
        ),
        {"hotel": hotel.id, "lately": utcnow() - SWEPT},
    ).scalar_one()
    db.session.commit()
    return bool(row)


# What our rows tell


def _holds_asked(system: System, hotel: Hotel) -> list[Unsettled]:
    """Holds that were being made when somebody died or gave up. Their guests were told nothing: they are undone."""
    rows = records.holds_where(
        "hotel_id = :hotel and status = 'asked' and created_at < :quiet", hotel=hotel.id, quiet=utcnow() - QUIET
    )
    for row in rows:
        orders = [order for order in system.orders_of(row.token) if not order.is_off]
        if orders or _is_hopeless(row):
            records.set_hold(row.id, "refused")
    return []


def _is_hopeless(row: HoldRow) -> bool:
    made: datetime = db.session.execute(
        text("select created_at from pms_holds where id = :id"), {"id": row.id}
    ).scalar_one()
    db.session.commit()
    return utcnow() - made > HOPE


def _pending(system: System, hotel: Hotel) -> list[Unsettled]:
    """Bookings that were not read back. Their guests are with people already; those hear how it ended."""
    found = []
    for booked in records.bookings_where(hotel, "status = 'pending' and created_at < :quiet", quiet=utcnow() - QUIET):
        try:
            booking.confirm(system, hotel, booked.code)
            why = "booked after all; the guest has not been told"
        except RoomTaken:
            why = "room_taken"
        found.append(Unsettled(booked.guest_id, "book", booked.code, why))
    return found


def _writes(system: System, hotel: Hotel) -> list[Unsettled]:
    rows = db.session.execute(
        text(
            "select id, guest_id, reservation_id, operation, token, order_id, payload, attempts, created_at"
            " from pms_writes where hotel_id = :hotel and state in ('asked', 'unknown') and created_at < :quiet"
            " order by id limit 100"
        ),
        {"hotel": hotel.id, "quiet": utcnow() - QUIET},
    ).all()
    db.session.commit()
    found = []
    for row in rows:
        write = Write(**row._asdict())
        state, why = _seen(system, hotel, write)
        if state == "unknown" and write.is_hopeless:
            state = "to_staff"
        if state == "to_staff":
            found.append(Unsettled(write.guest_id, _ACTIONS.get(write.operation, "change"), _code_of(write), why))
        db.session.execute(text("update pms_writes set attempts = attempts + 1 where id = :id"), {"id": write.id})
        writes.settle(write.id, state, why)
    return found


_ACTIONS = {"create": "hold", "cancel": "cancel", "stray": "book"}  # Everything else is a change.


def _seen(system: System, hotel: Hotel, write: Write) -> tuple[str, str]:
    """What has become of a write, by what stands."""
    if write.operation == "create":
        return _created(system, write)
    booked = next(iter(records.bookings_where(hotel, "id = :id", id=write.reservation_id)), None)
    if booked is None:
        return "to_staff", "the booking it was about is gone"
    if write.operation == "cancel":
        return _cancelled(system, booked, write)
    if write.operation == "change":
        return _changed(system, hotel, booked, write)
    if write.operation == "rename":
        return "to_staff", "nobody knows whether the name was changed"
    return system.looked_up(booked, write.operation, write.payload)


def _created(system: System, write: Write) -> tuple[str, str]:
    """A hold that nobody waits for is undone with the other holds; here only its story ends."""
    if any(not order.is_off for order in system.orders_of(write.token)):
        return "done", "found by its token"
    if utcnow() - write.created_at > HOPE:
        return "refused", "no booking with this token came about"
    return "unknown", "no booking with this token yet"


def _cancelled(system: System, booked: records.Booked, write: Write) -> tuple[str, str]:
    """The guest wants it cancelled: looked up, and asked again where it still stands."""
    try:
        standing.undo(system, booked.pms_id, booked.token)
    except GuestIsIn:
        return "to_staff", "somebody is in the room"
    except PmsUnavailable as trouble:
        return "unknown", str(trouble)
    if booked.status != "cancelled":
        fee = Decimal(write.payload.get("fee") or 0)
        records.set_booking(booked.id, status="cancelled", cancelled_at=utcnow(), cancellation_fee=fee)
    return "done", "read back later"


def _changed(system: System, hotel: Hotel, booked: records.Booked, write: Write) -> tuple[str, str]:
    """Looked up and not tried again: the guest is with people, who are told which of the two it is."""
    order = records.its_order(system, booked)
    check_in, check_out = map(date.fromisoformat, write.payload["stay"])
    wanted = [Wanted.of(RoomRequest.unpacked(room)) for room in write.payload["rooms"]]
    try:
        if order is None:
            raise PmsRejected("unknown")
        standing.check_standing(system, order, Stay(check_in, check_out), wanted)
    except (RoomTaken, Otherwise, PmsRejected):
        return "to_staff", "the change was asked for and does not stand"
    booking.read(system, hotel, booked.code)  # Our row is brought into line with it.
    return "to_staff", "the change was made after all; the guest has not been told"


def _code_of(write: Write) -> str | None:
    code: str | None = db.session.execute(
        text("select code from reservations where id = :id"), {"id": write.reservation_id}
    ).scalar()
    db.session.commit()
    return code


# What only the PMS knows of


def _strays(system: System, hotel: Hotel) -> list[Unsettled]:
    """Orders of ours that no live row claims: asked for twice by a gateway, or answered after we had given up."""
    prefix = records.prefix_of(hotel)
    live = [order for order in system.newest_orders(prefix) if not order.is_off]
    rows = {
        row.token: row
        for row in records.holds_where(
            "hotel_id = :hotel and token = any(:tokens)", hotel=hotel.id, tokens=[order.token for order in live]
        )
    }
    found = []
    for order in live:
        row = rows.get(order.token)
        if row is None:
            found += _without_a_row(system, hotel, order)
        elif row.status != "asked" and (row.order_id != order.id or row.status not in ("active", "booked")):
            _undo_stray(system, order)
    return found


def _undo_stray(system: System, order: Order) -> None:
    try:
        standing.undo(system, order.id)
        log.warning("pms_stray_cancelled", order=order.id, token=order.token)
    except GuestIsIn:
        log.error("pms_stray_lived_in", order=order.id, token=order.token)


def _without_a_row(system: System, hotel: Hotel, order: Order) -> list[Unsettled]:
    """Told once."""
    known = db.session.execute(
        text(
            "select exists (select from pms_writes where hotel_id = :hotel and token = :token and operation = 'stray')"
        ),
        {"hotel": hotel.id, "token": order.token},
    ).scalar_one()
    db.session.commit()
    if known or not standing_lines(system, order.id):
        return []
    write_id = writes.intend(hotel, "stray", order.token, {}, order.id)
    why = f"an order of ours without a row: {order.reference}"
    writes.settle(write_id, "to_staff", why, order.id)
    return [Unsettled(None, "book", None, why)]
