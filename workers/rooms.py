"""Jobs that look at rooms for a request that waits."""

from __future__ import annotations

from datetime import date
from typing import Any

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.reservations import telling


def availability(hotel_id: int, check_in: str, check_out: str) -> dict[str, Any]:
    hotel = db.session.get_one(Hotel, hotel_id)
    return telling.availability(hotel, date.fromisoformat(check_in), date.fromisoformat(check_out))
