"""Looking after conversations: whose it is, put off until later, done with, open again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update

from hotel_agent.conversations import drafting, waiting
from hotel_agent.conversations.acting import in_own_transaction, locked_conversation
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.models import Conversation, ConversationEvent, Message
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput
from hotel_agent.staff.access import PERMISSIONS
from hotel_agent.staff.models import Staff, StaffHotel

LONGEST_SNOOZE = timedelta(days=366)


def assign(conversation_id: int, by: int, to: int | None, *, hotel_id: int) -> None:
    """Make the conversation a colleague's (None: nobody's). Who answers it stays as it is: they may not be there.

    Raises NotFound, and BadInput("to") for somebody who cannot answer guests of this hotel.
    """

    def work() -> None:
        conversation = locked_conversation(hotel_id, conversation_id)
        if to == conversation.assignee_id:
            return
        if to is not None and not may_answer(to, hotel_id):
            raise BadInput("to", _("This person cannot answer guests of this hotel."))
        conversation.assignee_id = to
        note_event(conversation, "assigned", by, to=to)

    in_own_transaction(work)


def may_answer(staff_id: int, hotel_id: int) -> bool:
    """Whether somebody answers guests of this hotel."""
    role = db.session.scalar(
        select(StaffHotel.role)
        .join(Staff, Staff.id == StaffHotel.staff_id)
        .where(StaffHotel.staff_id == staff_id, StaffHotel.hotel_id == hotel_id, Staff.disabled_at.is_(None))
    )
    return role in PERMISSIONS["conversations"]


def snooze(conversation_id: int, by: int, until: datetime, *, hotel_id: int) -> None:
    """Put it off until then, or until the guest writes; who waits goes on waiting.

    An alarm that nobody has taken on cannot be put off. Raises NotFound, BadInput.
    """

    def work() -> None:
        conversation = locked_conversation(hotel_id, conversation_id)
        if not utcnow() < until <= utcnow() + LONGEST_SNOOZE:
            raise BadInput("until", _("Choose a time in the future, within a year."))
        if conversation.urgent and conversation.assignee_id is None:
            raise BadInput("until", _("This is urgent and nobody has it. Take it over first."))
        if (conversation.status, conversation.snoozed_until) == ("snoozed", until):
            return
        conversation.status, conversation.snoozed_until, conversation.closed_at = "snoozed", until, None
        note_event(conversation, "snoozed", by, until=until)

    in_own_transaction(work)


def close(conversation_id: int, by: int, seen_message_id: int | None = None, *, hotel_id: int) -> None:
    """Nothing is owed any more, and it is nobody's: what the guest writes next opens it again, for the agent to answer.

    `seen_message_id` is the last message on the screen of whoever closes it: with a later one of the guest, which
    they have not read, it stays open. Raises NotFound, BadInput.
    """

    def work() -> None:
        conversation = locked_conversation(hotel_id, conversation_id)
        if conversation.status == "closed":
            return
        if seen_message_id is not None and _has_written_since(conversation, seen_message_id):
            raise BadInput("conversation", _("The guest has just written. Read it before you close."))
        db.session.execute(
            update(Message)
            .where(Message.conversation_id == conversation.id, Message.handling == "staff")
            .values(handling="none")
        )
        drafting.overtake(conversation, by)
        waited = waiting.kept(conversation)
        waiting.person_answered(conversation)
        waiting.agent_owes(conversation)
        conversation.owner, conversation.assignee_id = "agent", None
        conversation.status, conversation.closed_at = "closed", utcnow()
        note_event(conversation, "closed", by, **waited)

    in_own_transaction(work)


def _has_written_since(conversation: Conversation, message_id: int) -> bool:
    return bool(
        db.session.scalar(
            select(Message.id)
            .where(
                Message.conversation_id == conversation.id,
                Message.id > message_id,
                Message.handling.in_(("staff", "pending")),
            )
            .limit(1)
        )
    )


def reopen(conversation_id: int, by: int, *, hotel_id: int) -> None:
    """Take up again what was closed or put off; who waited when it was closed waits again. Raises NotFound."""

    def work() -> None:
        conversation = locked_conversation(hotel_id, conversation_id)
        if conversation.status in ("closed", "snoozed"):
            was_closed = conversation.status == "closed"
            if was_closed:
                waiting.restore(conversation, _closed_with(conversation))
            note_event(conversation, "reopened" if was_closed else "woken", by)
            waiting.wake(conversation)

    in_own_transaction(work)


def _closed_with(conversation: Conversation) -> dict[str, Any]:
    """Who waited, and why, when it was closed last."""
    return (
        db.session.scalar(
            select(ConversationEvent.details)
            .where(ConversationEvent.conversation_id == conversation.id, ConversationEvent.kind == "closed")
            .order_by(ConversationEvent.at.desc(), ConversationEvent.id.desc())
            .limit(1)
        )
        or {}
    )


def wake_snoozed(limit: int = 200) -> int:
    """Bring back what was put off until now; how many. What somebody is working on waits for the next time."""

    def work() -> int:
        due = db.session.scalars(
            select(Conversation)
            .where(Conversation.status == "snoozed", Conversation.snoozed_until <= utcnow())
            .order_by(Conversation.snoozed_until)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        for conversation in due:
            note_event(conversation, "woken")
            waiting.wake(conversation)
        return len(due)

    return in_own_transaction(work)
