"""What the pages of guests say, in a reader's words."""

from __future__ import annotations

from typing import Any

from hotel_agent.i18n import N_, _

FILTER_NAMES = {
    "": N_("All guests"),
    "in_house": N_("In house"),
    "arriving": N_("Arriving today"),
    "vip": N_("VIP"),
    "opted_out": N_("Want no offers"),
    "erased": N_("Erased guests"),
}
WAYS = {
    "in_person": N_("In person, at the desk"),
    "by_phone": N_("By phone"),
    "by_email": N_("By e-mail"),
    "in_writing": N_("In writing, on a form"),
    "other": N_("Otherwise"),
}
STEPS = {
    "asked": N_("Asked whether they want messages"),
    "given": N_("Said yes to the hotel's own messages"),
    "taken_back": N_("Took the yes back"),
    "opted_out": N_("Wants no messages"),
    "allowed_again": N_("Refuses them no longer"),
}
CHANNELS = {"whatsapp": N_("WhatsApp"), "api": N_("API")}
KINDS = {
    "phone": N_("Phone"),
    "bsuid": N_("WhatsApp user"),
    "parent_bsuid": N_("WhatsApp company user"),
    "api": N_("Known to a program as"),
}


def of(words: dict[str, str]) -> Any:
    """A filter that tells a code in words."""
    return lambda code: _(words[code]) if code in words else code


def how_words(how: str) -> str:
    """How a consent was given, as `guest_consents` keeps it: a way, perhaps with more in words."""
    if how == "asked_staff":
        return _("told a colleague")
    way, _colon, words = how.partition(": ")
    told = _(WAYS[way]) if way in WAYS else way
    return f"{told}: {words}" if words else told
