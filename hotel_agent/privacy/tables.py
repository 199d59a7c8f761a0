"""Where something about a guest is kept: what an export holds, and what an erasure leaves.

Tests compare this with the schema, so that no new table can be forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_OF_CONVERSATIONS = "t.conversation_id = any(:conversations)"
_OF_RESERVATIONS = "t.reservation_id = any(:reservations)"
_OF_GUEST = "t.guest_id = :guest"


@dataclass(frozen=True)
class Part:
    """Rows of a table for an export: which, in which order, and which columns are no data about the guest."""

    where: str
    order: str = "t.id"
    without: tuple[str, ...] = ()


EXPORTED: Mapping[str, Part] = {
    "guests": Part("t.id = :guest"),
    "guest_identities": Part(_OF_GUEST),
    "guest_consents": Part(_OF_GUEST),
    "guest_notes": Part(_OF_GUEST),
    "conversations": Part(_OF_GUEST, without=("session_id", "session_created_at", "answer_due_at", "identifier_id")),
    "messages": Part(
        _OF_CONVERSATIONS, without=("attempts", "next_attempt_at", "sending_at", "notified_at", "traceparent")
    ),
    "conversation_events": Part(_OF_CONVERSATIONS),
    "media": Part(_OF_CONVERSATIONS, without=("content", "playable", "attempts", "next_attempt_at")),
    "sessions": Part(_OF_CONVERSATIONS),
    "drafts": Part(_OF_CONVERSATIONS, without=("state", "state_before")),
    "guest_requests": Part(_OF_GUEST),
    "missing_answers": Part(_OF_GUEST),
    "feedback": Part(_OF_GUEST),
    "proactive_messages": Part(f"({_OF_CONVERSATIONS} or {_OF_RESERVATIONS})"),
    "reservations": Part(_OF_GUEST),
    "reservation_rooms": Part(_OF_RESERVATIONS, "t.reservation_id, t.place"),
    "reservation_extras": Part(_OF_RESERVATIONS),
    "reservation_changes": Part(_OF_RESERVATIONS),
    "reservation_locks": Part(f"({_OF_GUEST} or {_OF_RESERVATIONS})", without=("extensions", "lapse_told_at")),
    "pms_holds": Part(f"({_OF_GUEST} or {_OF_RESERVATIONS})", without=("lapse_told_at", "extension_key")),
    "pms_writes": Part(f"({_OF_GUEST} or {_OF_RESERVATIONS})", without=("attempts",)),
    "pms_news": Part(_OF_RESERVATIONS),
    "api_requests": Part(f"({_OF_GUEST} or t.code = any(:codes))", without=("fingerprint", "caller", "staff_id")),
}

# Tables that are in no export, and why.
NOT_EXPORTED: Mapping[str, str] = {
    "inbound_events": "what WhatsApp delivered, as it came: the guest's part of it stands in `messages` already",
    "webhook_failures": "deliveries that could not be read, among them other people's",
    "message_ids": "WhatsApp's numbers of the messages, which stand in `messages` already",
    "early_statuses": "what became of messages, before it is noted with them a moment later",
    "client_ids": "numbers that a colleague's browser gave to what the colleague sent",
    "lock_audit": "the trail of claims on rooms, which are in the export as they are now; it has numbers of rows only",
    "room_conflicts": "which two bookings have one room: the other one is somebody else's",
    "audit_log": "what colleagues did, which is about them; guests are in it by their numbers here",
    "guest_exports": "the making of files such as this one",
    "guest_export_parts": "the bytes of files such as this one",
    "guest_erasures": "of an erased guest there is nothing to export",
}

# What is about the hotel and those who work there.
NOT_ABOUT_GUESTS = frozenset(
    {
        "api_tokens",
        "backups",
        "canned_replies",
        "closures",
        "extras",
        "feature_flags",
        "hotels",
        "knowledge",
        "message_templates",
        "pms_mirrors",
        "rates",
        "room_outages",
        "room_types",
        "rooms",
        "seasons",
        "staff",
        "staff_hotels",
        "staff_sessions",
        "tenant_user_identifiers",
    }
)

# Where an erasure leaves rows that were about the guest, and what of them it leaves.
KEPT: Mapping[str, str] = {
    "guests": "a pseudonym",
    "guest_erasures": "that somebody was erased, by whom and when",
    "reservations": "days, guests, amounts and code, in the pseudonym's name",
    "reservation_rooms": "kinds and numbers of rooms",
    "reservation_extras": "what was paid for",
    "reservation_changes": "days, guests and amounts before and after, in the pseudonym's name",
    "reservation_locks": "which room was kept from others, and when",
    "lock_audit": "who did what with the rooms; not a colleague's words about why",
    "pms_holds": "which rooms were kept at the PMS, and when",
    "pms_writes": "that the PMS was asked, and under which number; not what for",
    "pms_news": "days, guests and amounts before and after",
    "room_conflicts": "that a room was sold twice",
    "proactive_messages": "that something was sent for a booking; not the words",
    "audit_log": "who did what; not names, phones, or words about why",
}
