"""What the front desk does with a booking and a room, in whichever PMS they are; it is done there or raises Refused.

Each verb answers False where it was so already, so that it may be said twice. Who did it stands in the audit log, and
with the claims on rooms in `lock_audit`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from hotel_agent.audit.recording import record
from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import auditing
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import OutcomeUnknown, PmsRejected, PmsUnavailable
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.local import rooms
from hotel_agent.staff.models import Staff

REASONS = {
    "unknown": "There is no such booking.",
    "unknown_room": "There is no such room, or it is not one of this booking.",
    "pending": "The booking is not read back from the PMS yet.",
    "booked": "The guest has not been checked in.",
    "in_house": "The guest is in the house.",
    "departed": "The guest has left.",
    "cancelled": "The booking is cancelled.",
    "no_show": "The guest did not come.",
    "over": "The stay is over.",
    "too_early": "The day of arrival has not come.",
    "out_of_order": "The room is out of order.",
    "taken": "The room is not free for all the nights that are left.",
    "not_supported": "The hotel's PMS does not let us do this: it is done there.",
}


class Refused(Exception):
    """It can not be done, and asking again will not help. `reason` is a key of REASONS, or a code of the PMS."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS.get(reason) or "The hotel's PMS refuses this.")
        self.reason = reason


def check_in(hotel: Hotel, code: str, staff_id: int | None = None, today: date | None = None) -> bool:
    """The guest is in. Raises Refused, PmsUnavailable, as all of these do."""
    day = today or hotel.today()
    return _done(hotel, "checked_in", code, staff_id, lambda: pms_for(hotel).check_in(code, day))


def check_out(hotel: Hotel, code: str, staff_id: int | None = None, today: date | None = None) -> bool:
    """The guest has left; nights that are left are free for others, and the rooms are dirty."""
    day = today or hotel.today()
    return _done(hotel, "checked_out", code, staff_id, lambda: pms_for(hotel).check_out(code, day))


def no_show(hotel: Hotel, code: str, staff_id: int | None = None, today: date | None = None) -> bool:
    """The guest did not come; the rooms are free."""
    day = today or hotel.today()
    return _done(hotel, "no_show", code, staff_id, lambda: pms_for(hotel).no_show(code, day))


def move(hotel: Hotel, code: str, from_room: str, to_room: str, staff_id: int | None = None) -> bool:
    """Another room, by number, for the nights that are left, at the price of before."""

    def work() -> bool:
        return pms_for(hotel).move(code, from_room, to_room)

    return _done(hotel, "room_moved", code, staff_id, work, room={"was": from_room, "now": to_room})


def mark_room(hotel: Hotel, number: str, housekeeping: str, staff_id: int | None = None) -> bool:
    """The room is clean, dirty or inspected, where rooms are kept here. Raises BadInput too."""
    return _done(
        hotel,
        "room_marked",
        number,
        staff_id,
        lambda: _own(hotel) and rooms.set_housekeeping(hotel, number, housekeeping),
        housekeeping=housekeeping,
    )


def put_out_of_order(
    hotel: Hotel, number: str, first: date, until: date | None, reason: str, staff_id: int | None = None
) -> tuple[rooms.Affected, ...]:
    """A room is not let for the nights [first, until); which bookings have it then and need another one."""
    affected: tuple[rooms.Affected, ...] = ()

    def work() -> bool:
        nonlocal affected
        affected = rooms.put_out_of_order(hotel, number, first, until, reason) if _own(hotel) else ()
        return True

    _done(hotel, "room_out_of_order", number, staff_id, work, first=first, until=until, reason=reason)
    return affected


def back_in_order(hotel: Hotel, number: str, staff_id: int | None = None, today: date | None = None) -> bool:
    """The room can be let again from today on."""
    day = today or hotel.today()
    return _done(hotel, "room_back", number, staff_id, lambda: _own(hotel) and rooms.back_in_order(hotel, number, day))


def _own(hotel: Hotel) -> bool:
    """Raises PmsRejected("not_supported") where the rooms are not kept here."""
    if hotel.pms != "local":
        raise PmsRejected("not_supported")
    return True


def _done(
    hotel: Hotel, action: str, subject: str, staff_id: int | None, work: Callable[[], bool], **details: Any
) -> bool:
    """Do it in somebody's name, and write down who it was when something has become otherwise."""
    by = auditing.staff(staff_id) if staff_id is not None else auditing.SYSTEM
    try:
        with auditing.acting(by):
            changed = work()
    except RoomTaken:
        raise Refused("taken") from None
    except PmsRejected as refusal:
        raise Refused(refusal.reason) from None
    if changed:
        record(action, subject, hotel_id=hotel.id, staff_id=staff_id, actor=_email_of(staff_id), **details)
        db.session.commit()
    return changed


def _email_of(staff_id: int | None) -> str | None:
    """None where nobody is named: then it is whoever is signed in, or the command line."""
    person = db.session.get(Staff, staff_id) if staff_id is not None else None
    return person.email if person else None


VERBS: dict[str, Callable[..., bool]] = {
    "check_in": lambda hotel, code, staff_id: check_in(hotel, code, staff_id),
    "check_out": lambda hotel, code, staff_id: check_out(hotel, code, staff_id),
    "no_show": lambda hotel, code, staff_id: no_show(hotel, code, staff_id),
    "move": lambda hotel, code, staff_id, was, now: move(hotel, code, was, now, staff_id),
}


def outcome(hotel: Hotel, verb: str, code: str, staff_id: int, *rooms: str) -> dict[str, str]:
    """One of VERBS; empty when it is done or was so already, else its `reason`: of Refused, "away" where the PMS did
    not answer, "unknown_outcome" where nobody knows whether it was done."""
    try:
        VERBS[verb](hotel, code, staff_id, *rooms)
    except Refused as refused:
        return {"reason": refused.reason}
    except OutcomeUnknown:
        return {"reason": "unknown_outcome"}
    except PmsUnavailable:
        return {"reason": "away"}
    return {}
