"""Availability as the API tells it: JSON-ready, money as decimal strings."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import Any

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms import caching
from hotel_agent.pms.contract import Availability, Offer, Stay
from hotel_agent.pms.door import pms_for, rest_left
from hotel_agent.reservations.quoting import BadStay, check_stay

FIELDS = {"past_date": "check_in", "too_far": "check_out", "too_long": "check_out"}


class Unfit(Exception):
    """Not a stay that can be booked; `field` is the value that is wrong."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


def stay_of(hotel: Hotel, check_in: date, check_out: date) -> Stay:
    """Raises Unfit."""
    try:
        return check_stay(hotel, check_in, check_out)
    except BadStay as refusal:
        field = FIELDS.get(refusal.reason, "check_in")
        raise Unfit(field, refusal.reason.replace("_", " ")) from None


def availability(hotel: Hotel, stay: Stay) -> dict[str, Any]:
    """Every kind of room for the stay, asked of the PMS where it is not known; also what it said before it went away.

    Raises PmsUnavailable.
    """
    return _told(hotel, pms_for(hotel).availability(stay, even_stale=True))


def known_availability(hotel: Hotel, stay: Stay) -> dict[str, Any] | None:
    """The same where nobody has to ask the PMS for it."""
    question = [caching.rooms(stay)]
    found = caching.kept(hotel, question)
    if found is None and rest_left(hotel) > 0:
        found = caching.stale(hotel, question)
    return None if found is None else _told(hotel, found[0])


def _told(hotel: Hotel, found: Availability) -> dict[str, Any]:
    stay = found.stay
    return {
        "hotel": hotel.slug,
        "check_in": stay.check_in.isoformat(),
        "check_out": stay.check_out.isoformat(),
        "nights": stay.nights,
        "currency": found.currency,
        "source": found.source,
        "as_of": found.as_of.astimezone(UTC).isoformat(timespec="seconds"),
        "room_types": [_room_type(offer, stay.nights, hotel.language) for offer in found.offers],
    }


def _room_type(offer: Offer, nights: int, language: str) -> dict[str, Any]:
    """`nightly` is the average of the nights; null, as `total`, where the stay is not for sale.

    `not_sold` is why, where it is a rule of the hotel's: min_stay, closed, closed_to_arrival, closed_to_departure.
    """
    nightly = None if offer.total is None else (offer.total / nights).quantize(Decimal("0.01"))
    return {
        "code": offer.kind.code,
        "name": offer.kind.name_in(language),
        "capacity": offer.kind.capacity,
        "free": offer.free,
        "nightly": None if nightly is None else str(nightly),
        "total": None if offer.total is None else str(offer.total),
        "min_stay": offer.min_stay,
        "not_sold": offer.why_not or None,
    }
