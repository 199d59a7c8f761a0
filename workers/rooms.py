"""Jobs that look at rooms: for a request that waits, and ahead of those that will."""

from __future__ import annotations

from datetime import date
from typing import Any

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms import limits, mirroring, warming
from hotel_agent.pms.contract import PmsUnavailable, Stay
from hotel_agent.pms.door import rest_left
from hotel_agent.reservations import telling
from workers import nudges


def availability(hotel_id: int, check_in: str, check_out: str, seconds: float) -> dict[str, Any]:
    """For a request that waits so long; `{"away": seconds}` where the PMS cannot be asked before that."""
    hotel = db.session.get_one(Hotel, hotel_id)
    stay = Stay(date.fromisoformat(check_in), date.fromisoformat(check_out))
    try:
        with limits.time_limit(seconds):
            return telling.availability(hotel, stay)
    except PmsUnavailable:
        return {"away": rest_left(hotel)}


def warm_up() -> None:
    """A job for each hotel, so that one that is slow keeps no other waiting."""
    for hotel in mirroring.mirrored_hotels():
        nudges.warm_up(hotel.id)


def warm_up_hotel(hotel_id: int) -> None:
    warming.warm_up(db.session.get_one(Hotel, hotel_id))
