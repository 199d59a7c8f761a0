"""Bookings: a hold that is not cancelled any more.

Hold and booking differ in our rows alone. What a guest is told is read from the rooms that stand there, never from a
yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import HoldLapsed, RoomTaken
from hotel_agent.locks.holding import holds as counted
from hotel_agent.logs import get_logger
from hotel_agent.pms import agreeing
from hotel_agent.pms.agreeing import Standing
from hotel_agent.pms.contract import (
    BookedExtra,
    BookedRoom,
    Booking,
    BookRequest,
    OutcomeUnknown,
    PmsRejected,
    PmsUnavailable,
    RoomKind,
    Stay,
)
from hotel_agent.pms.orders import holds, records, standing, writes
from hotel_agent.pms.orders.records import Booked, HoldRow
from hotel_agent.pms.orders.standing import GuestIsIn, Otherwise, Wanted
from hotel_agent.pms.orders.system import Line, Order, Refused, System, cents, shares, status_of
from hotel_agent.pms.policy import free_until

log = get_logger(__name__)

TOO_LATE = ("in_house", "departed", "no_show")


def book(system: System, hotel: Hotel, request: BookRequest) -> str:
    """Turn a hold into a booking, once; its code. The row is `pending` until everything was read back.

    Raises RoomTaken, HoldLapsed, PmsUnavailable; after the last it is still pending, and asking again goes on.
    """
    with writes.alone(hotel):
        hold = records.hold_of(hotel, request.hold_key)
        code = _code_of(hotel, request, hold)
        if code is None:
            hold = _bookable(request, hold)
            code = records.become_pending(hotel, hold, request.guest_name, request.request_key)
        confirm(system, hotel, code)
    return code


def confirm(system: System, hotel: Hotel, code: str) -> None:
    """Read back a pending booking, while nobody else writes: it is booked, or never was and RoomTaken is raised."""
    booked = records.booking_of(hotel, code)
    if booked is None or booked.status != "pending":
        return
    hold = next(iter(records.holds_where("reservation_id = :id", id=booked.id)))
    order = records.its_order(system, booked)
    try:
        if order is None:
            raise RoomTaken
        standing.check_standing(system, order, hold.stay, [Wanted.of(kept.request) for kept in hold.rooms])
        if order.total != hold.total:
            raise Otherwise(f"a price of {order.total} where {hold.total} was told")
    except (RoomTaken, Otherwise) as lost:
        log.warning("pms_booking_lost", code=code, order=booked.pms_id, why=str(lost) or "taken")
        records.never_was(code)
        holds.clear_if_it_answers(system, hold)
        raise RoomTaken from None
    _in_whose_name(system, hotel, booked, order)
    records.set_booking(booked.id, status="booked")
    counted.labels("booked").inc()


def read(system: System, hotel: Hotel, code: str) -> Booking | None:
    """The record as the PMS has it now; our row is brought into line with it. None where it is not there any more."""
    booked = records.booking_of(hotel, code)
    return next(iter(_read(system, hotel, [booked])), None) if booked else None


def upcoming(system: System, hotel: Hotel, guest_id: int, today: date) -> tuple[Booking, ...]:
    """The guest's live bookings that are not over, soonest first."""
    rows = records.bookings_where(
        hotel,
        "guest_id = :guest and status in ('booked', 'in_house') and check_out >= :today",
        guest=guest_id,
        today=today,
    )
    found = [booking for booking in _read(system, hotel, rows) if booking.status in ("booked", "in_house")]
    return tuple(sorted(found, key=lambda booking: booking.stay.check_in))


def cancel(system: System, hotel: Hotel, code: str, fee: Decimal) -> bool:
    """Cancel and free the rooms; False when it was so already. Raises PmsRejected, OutcomeUnknown, PmsUnavailable."""
    with writes.alone(hotel):
        booked = records.booking_of(hotel, code)
        if booked is None:
            raise PmsRejected("unknown")
        if booked.status in TOO_LATE:
            raise PmsRejected(booked.status)
        if booked.status == "cancelled":
            return False
        was_cancelled = _state(system, booked) == "cancelled"
        payload = {"fee": str(fee)}
        write_id = writes.intend_for(hotel, "cancel", booked, payload)
        undo_noted(system, booked, write_id)
        records.set_booking(booked.id, status="cancelled", cancelled_at=utcnow(), cancellation_fee=fee)
        _cancel_extras(booked)
        return not was_cancelled


def undo_noted(system: System, booked: Booked, write_id: int) -> None:
    """Cancel the order and write down what became of that. Raises PmsRejected, OutcomeUnknown, PmsUnavailable."""
    try:
        standing.undo(system, booked.pms_id, booked.token)
    except GuestIsIn:
        writes.settle(write_id, "refused", "somebody is in the room")
        raise PmsRejected("in_house") from None
    except PmsUnavailable as trouble:
        writes.settle(write_id, "unknown", str(trouble))
        raise OutcomeUnknown(f"the cancellation of {booked.code}") from trouble
    writes.settle(write_id, "done")


# Booking


def _code_of(hotel: Hotel, request: BookRequest, hold: HoldRow | None) -> str | None:
    """The code of what this request, or this guest with this hold, has booked already."""
    reservation_id = hold.reservation_id if hold is not None else None
    rows = records.bookings_where(
        hotel,
        "guest_id = :guest and (request_key = :request or id = :reservation)",
        guest=request.guest_id,
        request=request.request_key,
        reservation=reservation_id,
    )
    return rows[0].code if rows else None


def _bookable(request: BookRequest, hold: HoldRow | None) -> HoldRow:
    """A guest books what they were told: their own hold, for days to come. One whose time is over still stands as
    long as it was not cancelled, and at its old price."""
    if hold is None or hold.guest_id != request.guest_id or hold.check_in < request.today:
        raise HoldLapsed
    if hold.status not in ("active", "expired") or hold.cleared_at is not None or hold.order_id is None:
        raise HoldLapsed
    return hold


def _in_whose_name(system: System, hotel: Hotel, booked: Booked, order: Order) -> None:
    """The hold was made in the guest's own name."""
    if booked.guest_name and booked.guest_name != writes.person_of(hotel, booked.guest_id).name:
        put_name(system, hotel, booked, order, booked.guest_name)


def put_name(system: System, hotel: Hotel, booked: Booked, order: Order, name: str) -> None:
    """A name that cannot be changed does not undo a booking: the sweep tells people."""
    write_id = writes.intend_for(hotel, "rename", booked, {})
    try:
        system.put_name(order, writes.person_of(hotel, booked.guest_id, name))
        writes.settle(write_id, "done")
    except Refused as refusal:
        writes.settle(write_id, "unknown", f"the name was not changed: {refusal.words}")
    except PmsUnavailable as away:
        writes.settle(write_id, "unknown", f"the name was not changed: {away}")


# Reading


@dataclass(frozen=True)
class Seen:
    """An order and its rooms as they stand."""

    order: Order
    lines: tuple[Line, ...]

    @property
    def standing(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.stands)

    @property
    def status(self) -> str:
        if not self.standing and any(line.guest_did_not_come for line in self.lines):
            return "no_show"
        return status_of(self.order.is_off, self.standing)

    @property
    def rooms(self) -> tuple[Line, ...]:
        """Those that stand, or of a cancelled order those that did."""
        return self.standing or self.lines


def _read(system: System, hotel: Hotel, rows: Sequence[Booked]) -> list[Booking]:
    if not rows:
        return []
    read_at = agreeing.clock()
    ids = [booked.pms_id for booked in rows]
    orders = {order.id: order for order in system.orders(ids)}
    lines = system.lines_of(ids)
    found = []
    for booked in rows:
        order = orders.get(booked.pms_id)
        own = tuple(line for line in lines if line.order_id == booked.pms_id)
        if order is None or not own or not booked.is_its(order):
            log.error("pms_booking_missing", code=booked.code, order=booked.pms_id)
            continue
        found.append(booking_from(system, hotel, booked, Seen(order, own), read_at))
    return found


def booking_from(system: System, hotel: Hotel, booked: Booked, seen: Seen, read_at: datetime) -> Booking:
    """What was seen at `read_at`; our row is brought into line with it."""
    kinds = {kind.room.code: kind.room for kind in system.kinds()}
    status = "pending" if booked.status == "pending" and seen.status == "booked" else seen.status
    status = "no_show" if booked.status == "no_show" and status == "booked" else status
    stay = Stay(min(line.stay.check_in for line in seen.rooms), max(line.stay.check_out for line in seen.rooms))
    until, fee = booked.policy.get("free_until"), booked.policy.get("late_fee")
    moved = stay.check_in != booked.stay.check_in
    booking = Booking(
        code=booked.code,
        status=status,
        guest_id=booked.guest_id,
        guest_name=booked.guest_name,
        stay=stay,
        adults=sum(line.adults for line in seen.rooms),
        children=sum(line.children for line in seen.rooms),
        rooms=_rooms(kinds, seen),
        total=seen.order.total,
        currency=booked.currency,
        free_until=(
            datetime.fromisoformat(until).astimezone(hotel.zone)
            if until and not moved
            else free_until(hotel, stay.check_in)
        ),
        late_fee=Decimal(fee) if fee else cents(seen.order.total / stay.nights),
        cancelled_at=(booked.cancelled_at or utcnow()) if status == "cancelled" else None,
        cancellation_fee=booked.cancellation_fee if status == "cancelled" else None,
        extras=_extras(booked),
    )
    now = Standing(booking.status, booking.stay, booking.adults, booking.children, booking.total)
    agreeing.agree(hotel, booked.id, now, read_at, after_our_writes=True)
    return booking


def _rooms(kinds: dict[str, RoomKind], seen: Seen) -> tuple[BookedRoom, ...]:
    """The order's total shared out, as services stand beside the rooms there."""
    lines = sorted(seen.rooms, key=lambda line: (len(line.number), line.number))
    weights = [line.gross for line in lines]
    prices = shares(seen.order.total, weights if all(weights) else [Decimal(1)] * len(lines))
    return tuple(
        BookedRoom(
            kinds.get(line.kind) or RoomKind(line.kind, line.adults + line.children),
            line.number,
            price,
            line.adults,
            line.children,
        )
        for line, price in zip(lines, prices, strict=True)
    )


def _state(system: System, booked: Booked) -> str:
    order = records.its_order(system, booked)
    return Seen(order, system.lines_of([booked.pms_id])).status if order is not None else "cancelled"


def _extras(booked: Booked) -> tuple[BookedExtra, ...]:
    rows = db.session.execute(
        text(
            "select code, price, currency, at_time from reservation_extras"
            " where reservation_id = :id and status = 'granted' order by id"
        ),
        {"id": booked.id},
    ).all()
    db.session.commit()
    return tuple(BookedExtra(row.code, row.price, row.currency, row.at_time) for row in rows)


def _cancel_extras(booked: Booked) -> None:
    db.session.execute(
        text("update reservation_extras set status = 'cancelled' where reservation_id = :id"), {"id": booked.id}
    )
    db.session.commit()
