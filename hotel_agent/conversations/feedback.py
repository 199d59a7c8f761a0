"""What guests think of their stay."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert

from hotel_agent.conversations.dialogue import Opinion
from hotel_agent.conversations.models import Conversation, Feedback
from hotel_agent.db import db


def file(conversation: Conversation, opinion: Opinion) -> None:
    """Write an opinion down, once for its key. In the caller's transaction."""
    db.session.execute(
        insert(Feedback)
        .values(
            hotel_id=conversation.hotel_id,
            conversation_id=conversation.id,
            guest_id=conversation.guest_id,
            reservation_id=opinion.reservation_id,
            request_key=opinion.key,
            rating=opinion.rating,
            words=opinion.words,
        )
        .on_conflict_do_nothing(index_elements=["conversation_id", "request_key"])
    )
