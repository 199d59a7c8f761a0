"""Who answers a conversation: the agent, or a person of the hotel."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from hotel_agent import metrics
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import db, utcnow, with_retry

# What may come right without anybody doing anything; any other reason is more pressing.
SETTLES_ITSELF = {"unreadable", "send_failed", "send_unknown"}


def hand_over(conversation: Conversation, reason: str, since: datetime | None = None, *, urgent: bool = False) -> None:
    """Put the conversation before the staff; the agent goes on with other questions until they take over.

    The first reason stays until somebody answers, unless a more pressing one comes. In the caller's transaction.
    """
    passing = conversation.waiting_reason in SETTLES_ITSELF and reason not in SETTLES_ITSELF
    if conversation.waiting_reason is None or passing or (urgent and not conversation.urgent):
        conversation.waiting_reason = reason
    conversation.status = "waiting"
    conversation.urgent = conversation.urgent or urgent
    since = since or utcnow()
    conversation.waiting_since = min(conversation.waiting_since or since, since)
    metrics.handovers.labels(reason).inc()


def settle(conversation: Conversation) -> None:
    """Something came right by itself: if that was all, nobody has to look. In the caller's transaction."""
    if conversation.waiting_reason not in SETTLES_ITSELF or conversation.owner == "staff":
        return
    owed = Message.handling == "staff"
    lost = (Message.status == "failed") | ((Message.status == "unknown") & Message.notified_at.is_not(None))
    db.session.flush()
    trouble = db.session.scalar(
        select(Message.id)
        .where(
            Message.conversation_id == conversation.id,
            owed | (lost & (Message.created_at >= conversation.waiting_since)),
        )
        .limit(1)
    )
    if trouble is None:
        conversation.status, conversation.waiting_since, conversation.waiting_reason = "open", None, None
        conversation.urgent = False


def take_over(conversation_id: int) -> None:
    """A person answers from now on: the agent falls silent, what it had queued is cancelled."""
    with_retry(lambda: _take_over(conversation_id))


def _take_over(conversation_id: int) -> None:
    conversation = db.session.get_one(Conversation, conversation_id, with_for_update=True, populate_existing=True)
    conversation.owner = "staff"
    conversation.answer_due_at = None
    db.session.execute(
        update(Message)
        .where(Message.conversation_id == conversation_id, Message.handling == "pending")
        .values(handling="staff")
    )
    db.session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == "out",
            Message.status == "queued",
            Message.author == "agent",
        )
        .values(status="cancelled")
    )
    db.session.commit()


def give_back(conversation_id: int) -> None:
    """The agent answers again, from the guest's next message on."""
    with_retry(lambda: _give_back(conversation_id))


def _give_back(conversation_id: int) -> None:
    conversation = db.session.get_one(Conversation, conversation_id, with_for_update=True, populate_existing=True)
    conversation.owner, conversation.status = "agent", "open"
    conversation.waiting_since, conversation.waiting_reason, conversation.urgent = None, None, False
    db.session.execute(
        update(Message)
        .where(Message.conversation_id == conversation_id, Message.handling == "staff")
        .values(handling="answered")
    )
    db.session.commit()
