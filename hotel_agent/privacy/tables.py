"""Where something about a guest is kept: what an export holds, and why the rest is not in it.

A test compares this with the schema, so that a new table that refers to guests cannot be forgotten.
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
    "messages": Part(_OF_CONVERSATIONS, without=("attempts", "next_attempt_at", "sending_at", "notified_at")),
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

# Tables that refer to a guest, a conversation, a message or a reservation, and are in no export.
NOT_EXPORTED: Mapping[str, str] = {
    "message_ids": "WhatsApp's numbers of the messages, which stand in `messages` already",
    "client_ids": "numbers that a colleague's browser gave to what the colleague sent",
    "lock_audit": "the trail of claims on rooms, which are in the export as they are now; it has numbers of rows only",
    "room_conflicts": "which two bookings have one room: the other one is somebody else's",
    "guest_exports": "the making of files such as this one",
    "guest_export_parts": "the bytes of files such as this one",
    "guest_erasures": "of an erased guest there is nothing to export",
}
