"""The dialogue's state between two messages, with a time to live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from hotel_agent.config import settings
from hotel_agent.conversations.models import Conversation, Session
from hotel_agent.db import db, utcnow
from hotel_agent.guests.models import GuestIdentity

FORGOTTEN_AT_ONCE = 1000
FORGET = text("""
    delete from sessions s using (
        select created_at, id from sessions
        where last_activity < now() - make_interval(days => :days)
            and created_at < now() - make_interval(days => :days)
        limit :most) old
    where s.created_at = old.created_at and s.id = old.id
""")


def live_session(conversation: Conversation) -> Session | None:
    """The conversation's session, unless it has been silent for longer than SESSION_SECONDS."""
    session = last_session(conversation)
    return session if session is not None and is_live(session) else None


def last_session(conversation: Conversation) -> Session | None:
    """The conversation's last session, over or not; the rows of silent ones are kept for a week."""
    if conversation.session_id is None or conversation.session_created_at is None:
        return None
    return db.session.scalar(
        select(Session)
        .where(Session.created_at == conversation.session_created_at, Session.id == conversation.session_id)
        .execution_options(populate_existing=True)
    )


def is_live(session: Session) -> bool:
    return session.last_activity > utcnow() - timedelta(seconds=settings().session_seconds)


def save(conversation: Conversation, state: dict[str, Any], sender_id: Callable[[], str]) -> Session:
    """Keep the state under the live session, or begin one. In the caller's transaction."""
    session = live_session(conversation)
    if session is None:
        session = Session(
            hotel_id=conversation.hotel_id,
            conversation_id=conversation.id,
            sender_id=sender_id(),
            created_at=utcnow(),
            last_activity=utcnow(),
            state=state,
        )
        db.session.add(session)
        db.session.flush()
        conversation.session_id, conversation.session_created_at = session.id, session.created_at
    session.state, session.last_activity = state, utcnow()
    return session


def sender_of(conversation: Conversation) -> str:
    """Who writes there, as sessions name them."""
    value = db.session.scalar(
        select(GuestIdentity.value)
        .where(GuestIdentity.guest_id == conversation.guest_id, GuestIdentity.retired_at.is_(None))
        .order_by(GuestIdentity.id)
        .limit(1)
    )
    return value or str(conversation.guest_id)


def forget_expired(keep_days: int = 7) -> None:
    """Delete sessions that have long been silent, some at a time; live are those that conversations point at."""
    deleted = FORGOTTEN_AT_ONCE
    while deleted == FORGOTTEN_AT_ONCE:
        gone = db.session.execute(FORGET, {"days": keep_days, "most": FORGOTTEN_AT_ONCE})
        deleted = gone.rowcount  # type: ignore[attr-defined]
        db.session.commit()
