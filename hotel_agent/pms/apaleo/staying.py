"""Guests who come and leave, and those who do not come: what reception does with each reservation of a booking.

Apaleo has rules of its own for each of it and says no in words; what has become of it is read from the reservations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from hotel_agent.db import utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.apaleo import writing
from hotel_agent.pms.apaleo.properties import property_of
from hotel_agent.pms.apaleo.reading import Property, moment
from hotel_agent.pms.contract import PmsRejected
from hotel_agent.pms.orders import records, writes
from hotel_agent.pms.orders.booking import Seen
from hotel_agent.pms.orders.records import Booked
from hotel_agent.pms.orders.system import Line, System

BECOMES = {"check_in": "in_house", "check_out": "departed", "no_show": "no_show"}
LATEST = 1  # Who was to stay for more nights than this cannot leave before somebody has shortened the stay.


def check_in(hotel: Hotel, code: str, today: date) -> bool:
    """The guest is in, in every room of the booking; False when they were. Who has no room yet is given one.

    Raises PmsRejected with the status, "too_early", "over", "out_of_order", "occupied", "refused"; OutcomeUnknown.
    """
    house = property_of(hotel)
    with writes.alone(hotel):
        booked, seen = _look(house, hotel, code)
        outside = [line for line in seen.standing if not (line.guest_is_in or line.guest_has_left)]
        if seen.status == "in_house" and not outside:
            return _is_so(booked, "in_house")
        _must_be(seen, "booked", "in_house")
        if today < min(line.stay.check_in for line in outside):
            raise PmsRejected("too_early")
        if today > max(line.stay.check_out for line in outside):
            raise PmsRejected("over")
        for line in outside:
            _check_empty(house, line)

        def let_in() -> None:
            for line in outside:
                if not line.room:
                    writing.act(house, line.id, "assign-unit")
                writing.act(house, line.id, "checkin")

        _put(house, hotel, "check_in", booked, let_in)
    return True


def check_out(hotel: Hotel, code: str, today: date) -> bool:
    """The guest has left every room, whose nights that are left are free; False when they had.

    What nights that are given up cost is for people to say: a stay that is to last for more than another night is
    shortened by them first. Raises PmsRejected with the status, "too_early", "refused"; OutcomeUnknown.
    """
    house = property_of(hotel)
    with writes.alone(hotel):
        booked, seen = _look(house, hotel, code)
        if seen.status == "departed":
            return _is_so(booked, "departed")
        _must_be(seen, "in_house")
        inside = [line for line in seen.standing if line.guest_is_in]
        if any((line.stay.check_out - today).days > LATEST for line in inside):
            raise PmsRejected("too_early")
        _put(house, hotel, "check_out", booked, _each(house, inside, "checkout"))
    return True


def no_show(hotel: Hotel, code: str, today: date) -> bool:
    """The guest did not come, and the rooms are free; False when it was said.

    Raises PmsRejected with the status, "too_early" until their day and hour, "refused"; OutcomeUnknown.
    """
    house = property_of(hotel)
    with writes.alone(hotel):
        booked, seen = _look(house, hotel, code)
        if seen.status == "no_show":
            return _is_so(booked, "no_show")
        _must_be(seen, "booked")
        if today < min(line.stay.check_in for line in seen.standing):
            raise PmsRejected("too_early")
        try:
            _put(house, hotel, "no_show", booked, _each(house, seen.standing, "noshow"))
        except PmsRejected:
            if any(moment(row.get("arrival")) > utcnow() for row in house.reservations(bookingId=booked.pms_id)):
                raise PmsRejected("too_early") from None
            raise
    return True


def move(hotel: Hotel, code: str, from_room: str, to_room: str) -> bool:  # noqa: ARG001  Of every adapter's operations.
    """Most bookings have no room before their guest comes: people assign and change them there. Raises PmsRejected."""
    raise PmsRejected("not_supported")


def looked_up(system: System, booked: Booked, operation: str) -> tuple[str, str]:
    """What became of a write of this page of which nobody knew: the state of its row, and why. Raises PmsUnavailable.

    Whoever asked has been told that it is not known, and sees in the booking what it came to.
    """
    if operation not in BECOMES:
        return "to_staff", "nobody knows what became of it"
    if not _DONE[operation](system.lines_of([booked.pms_id])):
        return "refused", "it was not done"
    _is_so(booked, BECOMES[operation])
    return "done", "found in its reservations"


# Looking first


def _look(house: Property, hotel: Hotel, code: str) -> tuple[Booked, Seen]:
    booked = records.booking_of(hotel, code)
    if booked is None:
        raise PmsRejected("unknown")
    if booked.status == "pending":
        raise PmsRejected("pending")
    rows = house.reservations(bookingId=booked.pms_id)
    orders = [order for order in house.orders(rows) if booked.is_its(order)]
    if not orders:
        raise PmsRejected("unknown")
    return booked, Seen(orders[0], house.lines(rows))


def _must_be(seen: Seen, *statuses: str) -> None:
    if seen.status not in statuses:
        raise PmsRejected(seen.status)


def _check_empty(house: Property, line: Line) -> None:
    """Raises PmsRejected where nobody can sleep, or somebody does."""
    room = house.unit(line.room) if line.room else None
    if room is not None and room.is_out:
        raise PmsRejected("out_of_order")
    if room is not None and room.is_occupied:
        raise PmsRejected("occupied")


def _is_so(booked: Booked, status: str) -> bool:
    """Nothing to do but to say so in our row: False."""
    if booked.status != status:
        records.set_booking(booked.id, status=status)
    return False


# Asking, and looking again


def _each(house: Property, lines: Sequence[Line], verb: str) -> Callable[[], None]:
    def ask() -> None:
        for line in lines:
            writing.act(house, line.id, verb)

    return ask


def _put(house: Property, hotel: Hotel, operation: str, booked: Booked, ask: Callable[[], None]) -> None:
    """Raises PmsRejected, OutcomeUnknown, PmsUnavailable."""

    def stands() -> bool:
        return _DONE[operation](house.lines(house.reservations(bookingId=booked.pms_id)))

    writes.put(hotel, operation, booked, {}, ask, stands)
    records.set_booking(booked.id, status=BECOMES[operation])


def _all_in(lines: Sequence[Line]) -> bool:
    standing = [line for line in lines if line.stands]
    return bool(standing) and all(line.guest_is_in or line.guest_has_left for line in standing)


def _all_out(lines: Sequence[Line]) -> bool:
    standing = [line for line in lines if line.stands]
    return bool(standing) and all(line.guest_has_left for line in standing)


def _none_came(lines: Sequence[Line]) -> bool:
    return not any(line.stands for line in lines) and any(line.guest_did_not_come for line in lines)


_DONE = {"check_in": _all_in, "check_out": _all_out, "no_show": _none_came}
