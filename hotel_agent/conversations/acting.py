"""What verbs of colleagues share: a transaction of their own, and the conversation, which must be of their hotel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import select

from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db, with_retry
from hotel_agent.errors import NotFound

Result = TypeVar("Result")


def in_own_transaction(work: Callable[[], Result]) -> Result:
    """Commit what `work` does, again after a deadlock; what it refuses by an exception leaves no trace and no lock."""

    def attempt() -> Result:
        try:
            result = work()
            db.session.commit()
            return result
        finally:
            db.session.rollback()  # Of nothing, when it has been committed.

    return with_retry(attempt)


def locked_conversation(hotel_id: int, conversation_id: int) -> Conversation:
    """The hotel's conversation as it is now, locked until the transaction ends, before any of its messages.

    Raises NotFound.
    """
    conversation = db.session.scalar(
        select(Conversation)
        .where(Conversation.id == conversation_id, Conversation.hotel_id == hotel_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return conversation
