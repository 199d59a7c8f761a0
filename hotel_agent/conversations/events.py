"""What happened in a conversation besides messages, told inline in its thread and never sent to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from hotel_agent.conversations.models import Conversation, ConversationEvent
from hotel_agent.db import db, utcnow

# By kind, what `details` tell, as far as it is known. Dates are YYYY-MM-DD, moments ISO 8601, money decimal strings,
# room types codes, people staff ids; never a guest's words.
_STAY = ("room_types", "check_in", "check_out", "adults", "children", "total", "currency")
KINDS: Mapping[str, tuple[str, ...]] = {
    "note": (),  # words in `body`
    "taken_over": ("from",),  # the colleague whose it was; null: the agent's or nobody's
    "given_back": (),
    "assigned": ("to",),  # null: to nobody
    "snoozed": ("until",),
    "woken": (),
    "closed": ("reasons", "since", "urgent"),  # who waited then, and why
    "reopened": (),
    "sent_again": ("message",),  # the id of the one that was lost
    "handed_over": ("reason",),
    "hold_made": ("hold", "until", *_STAY),
    "hold_extended": ("extension", "hold", "until"),
    "hold_released": ("hold", "reason"),  # declined, changed, quoted_again; a colleague's in their own words
    "hold_expired": ("hold", "check_in", "check_out"),
    "booked": ("code", *_STAY),
    "booking_refused": ("reason", *_STAY),  # room_taken, hold_lapsed, or the PMS's own code
    "cancelled": ("code", "fee", *_STAY),
    "changed": ("change", "code", "before", "renamed", *_STAY),  # before: the same of how it was
    "extra_added": ("added", "code", "extra", "price", "currency", "at"),
    "request_made": ("request", "of"),  # of: its kind, as guest_requests.py has them
    "request_assigned": ("request", "of", "to"),
    "request_started": ("request", "of"),
    "request_put_back": ("request", "of"),
    "request_done": ("request", "of"),
    "request_cancelled": ("request", "of"),
    "question_answered": ("question",),
    "draft_sent": ("draft", "edited"),
    "draft_discarded": ("draft", "edited"),
    "draft_overtaken": ("draft", "edited"),
    "pms_failed": ("action", "code", "reason", *_STAY),  # action: look, hold, book, cancel, change
    "changed_in_pms": ("what", "code", "before", *_STAY),  # what: cancelled, no_show, back, changed, missing
    "room_conflict": ("room", "code", "other", "check_in", "check_out"),  # other: whose booking has the room too
}
# What can be done only once, and what names it.
ONCE = {
    "hold_made": "hold",
    "hold_extended": "extension",
    "hold_released": "hold",
    "hold_expired": "hold",
    "booked": "code",
    "cancelled": "code",
    "changed": "change",
    "extra_added": "added",
}


def note_event(
    conversation: Conversation, kind: str, staff_id: int | None = None, *, body: str = "", **details: Any
) -> ConversationEvent:
    """Write down that something happened, now; by the agent or the system without `staff_id`.

    In the caller's transaction, in which the conversation is locked.
    """
    event = ConversationEvent(
        hotel_id=conversation.hotel_id,
        conversation_id=conversation.id,
        at=utcnow(),
        kind=kind,
        staff_id=staff_id,
        body=body,
        details=plain(details),
    )
    db.session.add(event)
    return event


def note_once(conversation: Conversation, kind: str, details: Mapping[str, Any], staff_id: int | None = None) -> None:
    """As `note_event`; what is done once is told once, also when the answer that tells it has to be made again."""
    if kind in ONCE and db.session.scalar(
        select(ConversationEvent.id)
        .where(
            ConversationEvent.conversation_id == conversation.id,
            ConversationEvent.kind == kind,
            ConversationEvent.details[ONCE[kind]].as_string() == details[ONCE[kind]],
        )
        .limit(1)
    ):
        return
    note_event(conversation, kind, staff_id, **details)


def plain(value: Any) -> Any:
    """As JSON keeps it."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
