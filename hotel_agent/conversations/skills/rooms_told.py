"""Rooms, quotes and bookings as values for the words: names and amounts from the record, nothing made up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hotel_agent.conversations.dialogue import Draft, Shown
from hotel_agent.conversations.talk import Talk
from hotel_agent.evidence import record
from hotel_agent.reservations import Booking, Hold, Quote, Stay

_ROOM = re.compile(r"^(?:habitación|cuarto|quarto) | room$", re.IGNORECASE)


def rooms_in_words(talk: Talk, codes: Iterable[str]) -> str:
    """ "2 × Habitación doble + Habitación familiar"."""
    return in_words(talk.room_name(code) for code in codes)


def rooms_in_short(talk: Talk, codes: Iterable[str]) -> str:
    """ "2 × Doble + Familiar": without the word that says it is a room."""
    return in_words(_short(talk.room_name(code)) for code in codes)


def _short(name: str) -> str:
    short = _ROOM.sub("", name).strip()
    return short[:1].upper() + short[1:] if short else name


def in_words(names: Iterable[str]) -> str:
    """The names of rooms, each once."""
    return " + ".join(f"{count} × {name}" if count > 1 else name for name, count in Counter(names).items())


def told_stay(stay: Stay) -> dict[str, Any]:
    return {"check_in": stay.check_in, "check_out": stay.check_out, "nights": stay.nights}


def told_quote(talk: Talk, quote: Quote) -> dict[str, Any]:
    return {
        **told_stay(quote.stay),
        "rooms": rooms_in_words(talk, (room.room_type for room in quote.rooms)),
        "adults": quote.party.adults,
        "children": quote.party.children,
        "nightly": nightly_of(quote),
        "total": quote.total,
        "tax": quote.tax,
        "currency": quote.currency,
    }


def nightly_of(quote: Quote) -> Decimal | None:
    """What all the rooms cost a night, when every night costs the same and there is more than one."""
    prices = {price for line in quote.lines for price in [_each_night(line.nightly)]}
    if None in prices or quote.stay.nights == 1:
        return None
    return record(sum((line.nightly[0] * line.count for line in quote.lines), Decimal(0)))


def _each_night(nightly: tuple[Decimal, ...]) -> Decimal | None:
    return nightly[0] if len(set(nightly)) == 1 else None


def told_hold(talk: Talk, hold: Hold) -> dict[str, Any]:
    return {
        **told_stay(hold.stay),
        "rooms": rooms_in_words(talk, (room.kind.code for room in hold.rooms)),
        "adults": hold.adults,
        "children": hold.children,
        "total": hold.total,
        "tax": hold.tax,
        "currency": hold.currency,
        "expires_at": talk.local(hold.expires_at),
        "free_until": talk.local(hold.free_until),
        "late_fee": hold.late_fee,
        "fee_is": hold.late_fee_is,
        "is_free": talk.turn.now <= hold.free_until,
    }


def told_booking(talk: Talk, booking: Booking) -> dict[str, Any]:
    return {
        **told_stay(booking.stay),
        "code": booking.code,
        "rooms": rooms_in_words(talk, (room.kind.code for room in booking.rooms)),
        "adults": booking.adults,
        "children": booking.children,
        "name": booking.guest_name,
        "total": booking.total,
        "currency": booking.currency,
    }


# What the thread tells staff. Unlike the guest's words it names kinds of room by their codes, as the reader's page
# has a language of its own.


def asked_of(draft: Draft) -> dict[str, Any]:
    """What the guest wanted, as far as it is known."""
    wanted = {
        "room_types": [draft.room_type] if draft.room_type else None,
        "check_in": draft.check_in,
        "check_out": draft.check_out,
        "adults": draft.adults,
        "children": draft.children or None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def asked_of_offer(talk: Talk, shown: Shown) -> dict[str, Any]:
    return {
        "room_types": shown.types,
        "check_in": shown.check_in,
        "check_out": shown.check_out,
        "adults": shown.adults,
        "children": shown.children,
        "total": shown.total,
        "currency": talk.hotel.currency,
    }


def record_of(kept: Hold | Booking) -> dict[str, Any]:
    """What came of it."""
    return {
        "room_types": [room.kind.code for room in kept.rooms],
        "check_in": kept.stay.check_in,
        "check_out": kept.stay.check_out,
        "adults": kept.adults,
        "children": kept.children,
        "total": kept.total,
        "currency": kept.currency,
    }
