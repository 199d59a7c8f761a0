"""A job that tries a question for a colleague who waits."""

from __future__ import annotations

from typing import Any

from hotel_agent.conversations import trying
from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel


def try_question(hotel_id: int, text: str, language: str | None) -> dict[str, Any]:
    return trying.try_question(db.session.get_one(Hotel, hotel_id), text, language)
