"""Who waits for an answer, since when, and why a person has to look. All in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select

from hotel_agent import metrics
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import db, utcnow

# A person looks at the first of these first, whatever else there is.
GRAVEST_FIRST = (
    "emergency",
    "medical",
    "minors",
    "legal",
    "payment",
    "complaint",
    "human",
    "pms_failed",
    "room_conflict",
    "cancelled_there",
    "problem",
    "booking_off",
    "change",
    "request",
    "lost_item",
    "invoice",
    "data_request",
    "draft",
    "question",
    "unsure",
    "too_old",
    "window_closed",
    "media",
    "feedback",
    "agent_failed",
    "agent_off",
)
# Somebody may be in danger: told in the thread each time.
ALARMS = ("emergency", "medical", "minors")
# Of these nobody asked for anything: colleagues have the conversation anyway, or it may come right by itself.
GUEST_WROTE = "guest_wrote"
SETTLES_ITSELF = ("send_failed", "send_unknown", "unreadable")
_WAKEFUL = ("closed", "snoozed", "open", "waiting")
_PLACES = {reason: place for place, reason in enumerate(GRAVEST_FIRST)}
_LAST = {reason: 2 * len(_PLACES) + place for place, reason in enumerate((GUEST_WROTE, *SETTLES_ITSELF))}


def gravity(reason: str) -> int:
    """The smaller, the graver; a reason that has no place of its own is before those that may pass."""
    return _PLACES.get(reason, _LAST.get(reason, len(_PLACES)))


def guest_writes(conversation: Conversation, sent_at: datetime) -> None:
    """A guest's message that is owed an answer has come: what was put off or done with is open again."""
    conversation.last_inbound_at = max(conversation.last_inbound_at or sent_at, sent_at)
    if conversation.status in ("snoozed", "closed"):
        note_event(conversation, "reopened" if conversation.status == "closed" else "woken")
        wake(conversation)


def wake(conversation: Conversation) -> None:
    conversation.status = "waiting" if conversation.waiting_reasons else "open"
    conversation.snoozed_until = conversation.closed_at = None


def waits(conversation: Conversation, since: datetime) -> None:
    """The guest waits since then, or for longer."""
    conversation.waiting_since = min(conversation.waiting_since or since, since)


def hand_over(conversation: Conversation, reason: str, since: datetime | None = None, *, urgent: bool = False) -> None:
    """Put the conversation before the staff; the agent goes on with other questions until they take over.

    Every reason stays until somebody answers; the most pressing one is told first.
    """
    if reason not in conversation.waiting_reasons:
        conversation.waiting_reasons = sorted([*conversation.waiting_reasons, reason], key=gravity)
        conversation.waiting_reason = conversation.waiting_reasons[0]
        metrics.handovers.labels(reason).inc()
        if reason != GUEST_WROTE:
            note_event(conversation, "handed_over", reason=reason)
    elif urgent and reason in ALARMS:
        note_event(conversation, "handed_over", reason=reason)  # Whoever raises the alarm again is heard again.
    conversation.urgent = conversation.urgent or urgent
    waits(conversation, since or utcnow())
    wake(conversation)


def lost_since(message: Message) -> datetime:
    """Since when somebody waits when this message did not reach them: since the question that it answers."""
    asked = select(Message.sent_at).where(Message.id == message.answers_to)
    return (db.session.scalar(asked) if message.answers_to else None) or message.created_at


def agent_answered(conversation: Conversation, still_pending: Iterable[Message]) -> None:
    """The agent's answer ends the waiting where nobody asked for a person or was promised one."""
    if not conversation.waiting_reasons:
        since = [message.sent_at or message.created_at for message in still_pending]
        conversation.waiting_since = min(since, default=None)


def person_answered(conversation: Conversation) -> None:
    """Nobody waits any more, whatever it was about."""
    conversation.waiting_reasons, conversation.waiting_reason, conversation.urgent = [], None, False
    conversation.waiting_since = None
    wake(conversation)


def kept(conversation: Conversation) -> dict[str, Any]:
    """Who waits and why, as an event's details keep it; empty when nobody does."""
    if not conversation.waiting_reasons:
        return {}
    since = conversation.waiting_since
    return {"reasons": conversation.waiting_reasons, "since": since, "urgent": conversation.urgent}


def waits_for(conversation: Conversation, reason: str, *, instead_of: str) -> None:
    """Whoever waited for that waits for this, since when they did."""
    reasons = {*conversation.waiting_reasons, reason} - {instead_of}
    conversation.waiting_reasons = sorted(reasons, key=gravity)
    conversation.waiting_reason = conversation.waiting_reasons[0]


def restore(conversation: Conversation, waited: Mapping[str, Any]) -> None:
    """Whoever waited as `kept` tells waits again."""
    reasons = [*conversation.waiting_reasons, *waited.get("reasons", ())]
    if not waited.get("reasons"):
        return
    conversation.waiting_reasons = sorted(dict.fromkeys(reasons), key=gravity)
    conversation.waiting_reason = conversation.waiting_reasons[0]
    conversation.urgent = conversation.urgent or bool(waited.get("urgent"))
    if waited.get("since"):
        waits(conversation, datetime.fromisoformat(waited["since"]))


def join(kept: Conversation, twin: Conversation) -> None:
    """Two conversations of one person become one: whoever has either has it, who waits in either waits."""
    if twin.owner == "staff":
        kept.owner = "staff"
    kept.assignee_id = kept.assignee_id or twin.assignee_id
    reasons = dict.fromkeys([*kept.waiting_reasons, *twin.waiting_reasons])
    kept.waiting_reasons = sorted(reasons, key=gravity)
    kept.waiting_reason = kept.waiting_reasons[0] if reasons else None
    kept.urgent = kept.urgent or twin.urgent
    kept.waiting_since = min(filter(None, (kept.waiting_since, twin.waiting_since)), default=None)
    _join_status(kept, twin)


def _join_status(kept: Conversation, twin: Conversation) -> None:
    """The more wakeful one counts; of two that are put off, the time that comes first."""
    status = max(kept.status, twin.status, key=_WAKEFUL.index)
    until = [one.snoozed_until for one in (kept, twin) if one.snoozed_until]
    kept.status = "waiting" if status == "open" and kept.waiting_reasons else status
    kept.snoozed_until = min(until, default=None) if status == "snoozed" else None
    kept.closed_at = (kept.closed_at or twin.closed_at) if status == "closed" else None


def settle(conversation: Conversation) -> None:
    """Something came right by itself: what was only about that needs nobody any more."""
    passing = [reason for reason in conversation.waiting_reasons if reason in SETTLES_ITSELF]
    if not passing:
        return
    db.session.flush()
    still = db.session.execute(select(*(exists().where(*_trouble(conversation, reason)) for reason in passing))).one()
    gone = {reason for reason, there in zip(passing, still, strict=True) if not there}
    if gone:
        drop_reasons(conversation, gone)


def _trouble(conversation: Conversation, reason: str) -> Iterable[ColumnElement[bool]]:
    """The messages for which the conversation waits for that reason."""
    yield Message.conversation_id == conversation.id
    if reason == "unreadable":
        yield Message.handling == "staff"
        yield Message.payload["placeholder"].as_boolean()
        return
    yield Message.created_at >= conversation.waiting_since
    yield Message.status == ("failed" if reason == "send_failed" else "unknown")
    if reason == "send_unknown":
        yield Message.notified_at.is_not(None)


def drop_reasons(conversation: Conversation, gone: Iterable[str]) -> None:
    """Without these reasons; when none is left the guest waits for the agent at most."""
    left = [reason for reason in conversation.waiting_reasons if reason not in gone]
    conversation.waiting_reasons, conversation.waiting_reason = left, left[0] if left else None
    if left:
        return
    conversation.urgent = False
    if conversation.status == "waiting":
        conversation.status = "open"
    agent_owes(conversation)


def agent_owes(conversation: Conversation) -> None:
    """The guest waits for what the agent has not answered yet, if anything, and for nobody else."""
    conversation.waiting_since = db.session.scalar(
        select(func.min(func.coalesce(Message.sent_at, Message.created_at))).where(
            Message.conversation_id == conversation.id, Message.handling == "pending"
        )
    )
