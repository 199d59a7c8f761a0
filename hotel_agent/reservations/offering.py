"""What the front desk is shown before it books: as JSON, since a hotel's own PMS is asked in a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from hotel_agent.db import utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import NEVER_FREE, Party, PmsRejected, PmsUnavailable, Quote, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.reservations.api.asked import change_of_booking
from hotel_agent.reservations.booking import read_for_hotel
from hotel_agent.reservations.changing import ForStaff, NotPossible, Proposal, Wanted, propose
from hotel_agent.reservations.quoting import BadStay, alternatives, find_offers, room_kinds

MOST_OTHER_DAYS = 3


def packed(rooms: Iterable[RoomRequest]) -> str:
    """doble:2:1:0+individual:1:0:0, as a form sends it back."""
    return "+".join(":".join(map(str, room.packed())) for room in rooms)


def unpacked(given: str) -> tuple[RoomRequest, ...]:
    """Raises ValueError."""
    rooms = []
    for room in given.split("+"):
        code, *counts = room.rsplit(":", 3)
        if not code or len(counts) != 3 or not all(one.isascii() and one.isdigit() for one in counts):
            raise ValueError(given)
        rooms.append(RoomRequest(code, *(int(one[:4]) for one in counts)))
    return tuple(rooms)


def offers_for(
    hotel: Hotel, check_in: str, check_out: str, party: Mapping[str, Any], rooms: int | None
) -> dict[str, Any]:
    """`choices`, cheapest first, and where there are none `others` on days near.

    Else a `reason`: away where the PMS does not answer, or a code of BadStay with what goes with it.
    """
    arrival, departure = date.fromisoformat(check_in), date.fromisoformat(check_out)
    who = Party(party["adults"], party["children"], tuple(party["ages"]))
    try:
        found = find_offers(hotel, arrival, departure, who, rooms, fresh=True).choices
        others: tuple[Quote, ...] = ()
        if not found and not pms_for(hotel).capabilities.is_remote:
            others = alternatives(hotel, Stay(arrival, departure), who, rooms, limit=MOST_OTHER_DAYS).other_dates
    except BadStay as bad:
        return {"reason": bad.reason, "detail": {name: _plain(value) for name, value in bad.detail.items()}}
    except PmsRejected as refusal:
        return {"reason": refusal.reason, "detail": {}}
    except PmsUnavailable:
        return {"reason": "away", "detail": {}}
    return {"choices": [_told(one) for one in found], "others": [_told(one) for one in others]}


def _told(one: Quote) -> dict[str, Any]:
    """`free_until` is null where cancelling always costs something."""
    return {
        "check_in": one.stay.check_in.isoformat(),
        "check_out": one.stay.check_out.isoformat(),
        "rooms": packed(one.rooms),
        "kinds": [{"code": line.kind.code, "names": dict(line.kind.names), "count": line.count} for line in one.lines],
        "total": f"{one.total:.2f}",
        "currency": one.currency,
        "free_until": None if one.free_until == NEVER_FREE else one.free_until.isoformat(),
        "late_fee": f"{one.late_fee:.2f}",
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def kinds_for(hotel: Hotel) -> list[dict[str, Any]] | None:
    """The hotel's kinds of room, {code, names}; None where the PMS does not answer."""
    try:
        return [{"code": kind.code, "names": dict(kind.names)} for kind in room_kinds(hotel)]
    except (PmsUnavailable, PmsRejected):
        return None


def change_for(hotel: Hotel, code: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a change, as the API would be asked for it, would come to: `now`, `was`, and what of it is `lost`.

    Else a `reason`, with what goes with it, and `others` that go: away, unknown where the PMS has no such booking, or a
    code of BadStay, ForStaff or NotPossible.
    """
    wish = change_of_booking(asked)
    wanted = Wanted(wish.check_in, wish.check_out, wish.room_types, wish.adults, wish.children, name=wish.name)
    try:
        booking = read_for_hotel(hotel, code)
        if booking is None:
            return {"reason": "unknown", "detail": {}, "others": []}
        found = propose(hotel, booking, wanted, utcnow(), hotel.today())
    except BadStay as bad:
        detail = {name: _plain(value) for name, value in bad.detail.items()}
        return {"reason": bad.reason, "detail": detail, "others": []}
    except ForStaff as refusal:
        return {"reason": refusal.reason, "detail": {}, "others": []}
    except NotPossible as refusal:
        return {"reason": refusal.reason, "detail": {}, "others": [_proposed(one) for one in refusal.choices]}
    except PmsRejected as refusal:
        return {"reason": refusal.reason, "detail": {}, "others": []}
    except PmsUnavailable:
        return {"reason": "away", "detail": {}, "others": []}
    return {
        "was": f"{booking.total:.2f}",
        "now": _proposed(found),
        "lost": list(found.quote.lost_extras),
    }


def _proposed(one: Proposal) -> dict[str, Any]:
    return {
        "check_in": one.quote.stay.check_in.isoformat(),
        "check_out": one.quote.stay.check_out.isoformat(),
        "kinds": [{"code": room.kind.code, "names": dict(room.kind.names)} for room in one.quote.rooms],
        "adults": one.quote.adults,
        "children": one.quote.children,
        "guest_name": one.quote.guest_name,
        "total": f"{one.quote.total:.2f}",
        "currency": one.quote.currency,
        "same_rooms": one.quote.same_rooms,
    }
