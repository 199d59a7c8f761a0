"""Ana and Luis at the desk of Miramar, Oscar at that of Andes; and the conversation that they look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from hotel_agent.conversations.models import Conversation, ConversationEvent, Message
from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff.accounts import by_email


def ana() -> int:
    return by_email("ana@miramar.example").id


def luis() -> int:
    return by_email("luis@miramar.example").id


def olga() -> int:
    return by_email("olga@miramar.example").id


def oscar() -> int:
    return by_email("oscar@andes.example").id


def hotel_of(slug: str) -> int:
    return by_slug(slug).id


def conversation() -> Conversation:
    """The only one, as it is now."""
    db.session.rollback()
    return db.session.scalars(select(Conversation)).one()


def messages(direction: str | None = None) -> list[Message]:
    db.session.rollback()
    query = select(Message).order_by(Message.id)
    return list(db.session.scalars(query.where(Message.direction == direction) if direction else query))


def out() -> list[tuple[str, str, str]]:
    """Author, words and status of what we said."""
    return [(message.author, message.body, message.status) for message in messages("out")]


def handlings() -> list[str]:
    return [message.handling for message in messages("in")]


def events(*kinds: str) -> list[tuple[str, int | None, dict[str, Any]]]:
    """Kind, who did it and details; of the given kinds, or of all."""
    db.session.rollback()
    rows = db.session.scalars(select(ConversationEvent).order_by(ConversationEvent.id))
    return [(row.kind, row.staff_id, row.details) for row in rows if not kinds or row.kind in kinds]


def reasons() -> list[str]:
    return list(conversation().waiting_reasons)


def time_passes(**span: int) -> None:
    """All that was said lies so much further back: `hours=25`."""
    db.session.rollback()
    back = {"back": timedelta(**span)}
    columns = {
        "conversations": ("last_inbound_at", "last_message_at", "waiting_since", "snoozed_until", "answer_due_at"),
        "messages": ("created_at", "received_at", "sent_at", "sending_at", "next_attempt_at"),
        "client_ids": ("created_at",),
    }
    for table, names in columns.items():
        changes = ", ".join(f"{name} = {name} - :back" for name in names)
        db.session.execute(text(f"update {table} set {changes}"), back)
    db.session.execute(
        text("update message_ids i set message_created_at = m.created_at from messages m where m.id = i.message_id")
    )
    db.session.commit()
