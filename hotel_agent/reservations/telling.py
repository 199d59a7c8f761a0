"""Availability as the API tells it: JSON-ready, money as decimal strings."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import Any

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Offer
from hotel_agent.reservations.quoting import BadStay, check_stay, search

FIELDS = {"past_date": "check_in", "too_far": "check_out", "too_long": "check_out"}


def availability(hotel: Hotel, check_in: date, check_out: date) -> dict[str, Any]:
    """Every kind of room for the stay; `{"field", "detail"}` where the stay is not one that can be booked."""
    try:
        stay = check_stay(hotel, check_in, check_out)
    except BadStay as refusal:
        return {"field": FIELDS.get(refusal.reason, "check_in"), "detail": refusal.reason.replace("_", " ")}
    found = search(hotel, stay)
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
    """`nightly` is the average of the nights; null, as `total`, where a night is not for sale."""
    nightly = None if offer.total is None else (offer.total / nights).quantize(Decimal("0.01"))
    return {
        "code": offer.kind.code,
        "name": offer.kind.name_in(language),
        "capacity": offer.kind.capacity,
        "free": offer.free,
        "nightly": None if nightly is None else str(nightly),
        "total": None if offer.total is None else str(offer.total),
    }
