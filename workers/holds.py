"""Jobs that keep or let go rooms which a hotel's own PMS keeps, for a colleague whose request waits."""

from __future__ import annotations

from hotel_agent.conversations import holds
from hotel_agent.conversations.holds import By
from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel


def extend(
    hotel_id: int, hold_key: str, staff_id: int, actor: str, request_key: str, conversation_id: int | None
) -> dict[str, str]:
    hotel = db.session.get_one(Hotel, hotel_id)
    return holds.outcome(lambda: holds.extend(hotel, hold_key, By(staff_id, actor), request_key, conversation_id))


def release(
    hotel_id: int, hold_key: str, staff_id: int, actor: str, reason: str, conversation_id: int | None
) -> dict[str, str]:
    hotel = db.session.get_one(Hotel, hotel_id)
    return holds.outcome(lambda: holds.release(hotel, hold_key, By(staff_id, actor), reason, conversation_id))
