"""What the front desk is shown before it books: as JSON, since a hotel's own PMS is asked in a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import NEVER_FREE, Party, PmsRejected, PmsUnavailable, Quote, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.reservations.quoting import BadStay, alternatives, find_offers

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
        "tax": None if one.tax is None else f"{one.tax:.2f}",
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
