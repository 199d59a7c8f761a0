"""Jobs that ask a hotel's own PMS what somebody at the front desk waits for, or do it there."""

from __future__ import annotations

from typing import Any

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.reservations import desk, offering


def do(hotel_id: int, verb: str, code: str, staff_id: int, *rooms: str) -> dict[str, str]:
    return desk.outcome(db.session.get_one(Hotel, hotel_id), verb, code, staff_id, *rooms)


def offers(hotel_id: int, check_in: str, check_out: str, party: dict[str, Any], rooms: int | None) -> dict[str, Any]:
    return offering.offers_for(db.session.get_one(Hotel, hotel_id), check_in, check_out, party, rooms)


def change(hotel_id: int, code: str, asked: dict[str, Any]) -> dict[str, Any]:
    return offering.change_for(db.session.get_one(Hotel, hotel_id), code, asked)


def kinds(hotel_id: int) -> list[dict[str, Any]] | None:
    return offering.kinds_for(db.session.get_one(Hotel, hotel_id))
