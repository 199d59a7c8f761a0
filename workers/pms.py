"""Jobs about hotels' own property-management systems: what is open there is settled, and our rows follow theirs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hotel_agent.conversations import elsewhere, unsettled
from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms import checking, mirroring
from workers import nudges


def settle() -> None:
    unsettled.settle_all()


def check(hotel_id: int) -> dict[str, Any]:
    """For a colleague who waits to hear whether it answers."""
    return checking.check(db.session.get_one(Hotel, hotel_id))


def mirror() -> None:
    """A job for each hotel, so that one that is slow keeps no other waiting."""
    for hotel in mirroring.mirrored_hotels():
        nudges.mirror(hotel.id)


def mirror_hotel(hotel_id: int) -> None:
    began = utcnow()
    mirroring.mirror(db.session.get_one(Hotel, hotel_id))
    tell(hotel_id, conflicts_before=began)


def tell(hotel_id: int, conflicts_before: datetime | None = None) -> None:
    """What has been found out: to the people of the hotel, and to guests whose booking is off."""
    elsewhere.tell_conflicts(hotel_id, conflicts_before or utcnow())
    for conversation_id in elsewhere.tell_news(hotel_id):
        nudges.send_in_turn(conversation_id)
