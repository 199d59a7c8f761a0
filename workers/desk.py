"""A job that does at a hotel's own PMS what somebody at the front desk waits for."""

from __future__ import annotations

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.reservations import desk


def do(hotel_id: int, verb: str, code: str, staff_id: int, *rooms: str) -> dict[str, str]:
    return desk.outcome(db.session.get_one(Hotel, hotel_id), verb, code, staff_id, *rooms)
