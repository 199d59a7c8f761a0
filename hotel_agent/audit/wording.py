"""What the audit log says, in a reader's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from hotel_agent.audit.models import AuditEntry
from hotel_agent.audit.recording import COMMAND

# By what they are about. Whoever records something new names it here.
ACTIONS: tuple[tuple[Any, Mapping[str, Any]], ...] = (
    (
        _("Switches"),
        {
            "flag_set": _("Switch set"),
            "flag_cleared": _("Switch taken back"),
        },
    ),
    (
        _("People"),
        {
            "person_invited": _("Person invited"),
            "person_invited_again": _("Person invited again"),
            "invitation_accepted": _("Invitation accepted"),
            "role_given": _("Role given"),
            "role_changed": _("Role changed"),
            "person_removed": _("Person removed from the hotel"),
            "person_disabled": _("Person shut out"),
            "person_enabled": _("Person let in again"),
            "person_signed_out": _("Person signed out everywhere"),
            "totp_reset": _("Code from the phone no longer asked for"),
        },
    ),
    (
        _("Accounts"),
        {
            "account_disabled": _("Account shut"),
            "account_enabled": _("Account opened again"),
            "password_changed": _("Password changed"),
            "signed_out_everywhere": _("Signed out everywhere"),
            "totp_on": _("Code from the phone turned on"),
            "totp_off": _("Code from the phone turned off"),
        },
    ),
    (
        _("Hotel"),
        {
            "hotel_created": _("Hotel created"),
            "hotel_set": _("Hotel settings changed"),
            "number_added": _("WhatsApp number added"),
            "knowledge_set": _("Answer to guests changed"),
            "knowledge_removed": _("Answer to guests taken away"),
            "token_created": _("API token made"),
            "token_revoked": _("API token revoked"),
        },
    ),
    (
        _("Replies"),
        {
            "reply_set": _("Quick reply written"),
            "reply_deleted": _("Quick reply deleted"),
            "template_set": _("WhatsApp template written"),
            "template_deleted": _("WhatsApp template deleted"),
        },
    ),
    (
        _("Rooms"),
        {
            "room_sold_twice": _("Room sold twice"),
            "room_out_of_order": _("Room put out of order"),
            "room_back": _("Room back in order"),
            "room_marked": _("Room clean, dirty or inspected"),
            "room_type_set": _("Kind of room changed"),
            "rooms_added": _("Rooms added"),
            "price_set": _("Price of a kind of room set"),
            "season_set": _("Season set"),
            "season_removed": _("Season removed"),
            "days_closed": _("Days closed"),
            "days_opened": _("Days opened again"),
        },
    ),
    (
        _("Front desk"),
        {
            "checked_in": _("Guest checked in"),
            "checked_out": _("Guest checked out"),
            "no_show": _("Guest did not come"),
            "room_moved": _("Guest moved to another room"),
        },
    ),
    (
        _("Reservations by programs"),
        {
            "reservation_booked": _("Reservation made"),
            "reservation_changed": _("Reservation changed"),
            "reservation_cancelled": _("Reservation cancelled"),
        },
    ),
    (
        _("Rooms kept for guests"),
        {
            "hold_extended": _("Kept for longer"),
            "hold_released": _("Let go"),
        },
    ),
    (
        _("Guests"),
        {
            "guest_vip": _("Guest's importance changed"),
            "guest_preference_added": _("What a guest likes added"),
            "guest_preference_dropped": _("What a guest likes removed"),
            "guest_note_added": _("Note about a guest written"),
            "guest_note_deleted": _("Note about a guest deleted"),
            "guest_opted_out": _("Guest wants no messages"),
            "guest_consented": _("Guest's yes written down"),
            "guest_consent_taken_back": _("Guest's yes taken back"),
            "guests_merged": _("Two guests made one"),
            "guest_exported": _("File of a guest's data made"),
            "guest_export_fetched": _("File of a guest's data fetched"),
            "guest_erased": _("Guest erased"),
        },
    ),
    (
        _("Operations"),
        {
            "bodies_replayed": _("Webhook bodies put back"),
            "dead_letter_retried": _("Failed job tried again"),
            "dead_letter_deleted": _("Failed job deleted"),
            "queue_changed": _("Queues changed by hand"),
        },
    ),
)
NAMES = {action: name for _about, names in ACTIONS for action, name in names.items()}
# Told in this order.
DETAILS = {
    "role": _("Role"),
    "language": _("Language"),
    "languages": _("Languages of the answers"),
    "emergency_words": _("Words for an emergency"),
    "shortcut": _("Shortcut"),
    "name": _("Name"),
    "body": _("Text"),
    "text": _("Text"),
    "count": _("How many"),
    "ids": _("Numbers"),
    "job": _("Job"),
    "queue": _("Queue"),
    "country": _("Country"),
    "timezone": _("Time zone"),
    "currency": _("Currency"),
    "check_in": _("Arrival"),
    "check_out": _("Departure"),
    "total": _("Total"),
    "until": _("Until"),
    "reason": _("Reason"),
    "check_in_time": _("Check-in from"),
    "check_out_time": _("Check-out until"),
    "front_desk_opens": _("Front desk opens"),
    "front_desk_closes": _("Front desk closes"),
    "free_cancellation_hours": _("Free cancellation until so many hours before check-in"),
    "longest_stay_nights": _("Longest stay, in nights"),
    "largest_party": _("Largest group, in persons"),
    "whatsapp_access_token": _("Access token"),
    "whatsapp_app_secret": _("App secret"),
}
_PLACES = {key: place for place, key in enumerate(DETAILS)}
VALUES = {
    "on": _("on"),
    "off": _("off"),
    "changed": _("changed"),
    "reception": _("Reception"),
    "manager": _("Manager"),
    "admin": _("Administration"),
    "ops": _("Operations"),
    "es": _("Spanish"),
    "en": _("English"),
    "pt": _("Portuguese"),
}


@dataclass(frozen=True)
class Detail:
    """One thing that was changed: `was` is None where there is nothing to compare with; `name` may be empty."""

    name: str
    was: str | None
    now: str


def action_name(action: str) -> str:
    return str(NAMES.get(action) or action.replace("_", " ").capitalize())


def actor_name(actor: str, names: Mapping[str, str] | None = None) -> str:
    """Who: by name where `names` (by e-mail) has one."""
    if actor == COMMAND:
        return str(_("the command line"))
    return (names or {}).get(actor) or actor


def details(entry: AuditEntry) -> list[Detail]:
    return list(_told("", entry.details or {}))


def _told(name: str, value: Any) -> Iterator[Detail]:
    """A dict is a change (`was` and `now`, or `from` and `to`), or holds several things."""
    if not isinstance(value, dict):
        yield Detail(_name(name), None, in_words(value))
        return
    rest = dict(value)
    for before, after in (("was", "now"), ("from", "to")):
        if before in rest and after in rest:
            yield Detail(_name(name), in_words(rest.pop(before)), in_words(rest.pop(after)))
    for key in sorted(rest, key=lambda key: _PLACES.get(key, len(_PLACES))):
        yield from _told(key, rest[key])


def _name(key: str) -> str:
    return str(DETAILS.get(key) or key.replace("_", " ").capitalize())


def in_words(value: Any) -> str:
    if value is None or value == "":
        return str(_("not set"))
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, list):
        return ", ".join(in_words(one) for one in value)
    return str(VALUES.get(value) or value) if isinstance(value, str) else str(value)
