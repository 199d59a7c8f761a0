"""The guest's own bookings, or one opened by code and surname."""

from __future__ import annotations

import re

from hotel_agent.conversations.skills import lookup
from hotel_agent.conversations.skills.rooms_told import told_booking
from hotel_agent.conversations.skills.stay_times import CODES
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import Booking
from hotel_agent.reservations.booking import codes_not_over, look_up, upcoming_of

MOST_TOLD = 3
_OTHER_ONE = r"(?:la otra|a outra|the other)(?: one| reserva| booking| reservation)?"
_THE_OTHER = re.compile(
    rf"^\W*(?:(?:y|and|e|what about|how about|que tal|pero|but|mas)\W+)*(?:con )?{_OTHER_ONE}\W*$"
    rf"|\b{_OTHER_ONE}\b.{{0,40}}\b(?:sigue\w*|continua\w*|esta|estara|queda|fica|ficou|is|still|stays?|remains"
    r"|todo bien|tudo"
    r"|ok(?:ay)?|bien|bem|cert\w+|confirmad\w+|en pie|de pe|val\w+|safe|fine|igual|intact\w+|mant\w+)\b"
    r"|\b(?:sigue\w*|continua\w*|esta|queda|fica|is|still|mant\w+|y que pasa con"
    rf"|e como fica)\b.{{0,20}}\b{_OTHER_ONE}\b"
)
_MAY_ASK = frozenset(
    ["out_of_scope", "inform", "reservation_status", "affirm", "thank", "greet", "check_availability", "ask_room_types"]
)


def answer(talk: Talk) -> list[Part]:
    if talk.said.entities.get("booking_code") or talk.state.lookup_code:
        lost = lookup.lost_code(talk)
        if lost:
            return [missing(talk, lost)]
        found = lookup.open_booking(talk, "status")
        return [_told(talk, found)] if isinstance(found, Booking) else [found]
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    if own:
        return [_told(talk, booking) for booking in own[:MOST_TOLD]]
    return not_live(talk) or [talk.part("reservation_status.none_yet"), lookup.wants_code(talk, "status")]


def not_live(talk: Talk) -> list[Part]:
    """What became of the bookings of a guest who has none to come: cancelled, or not there any more for people to find.

    The front desk may have cancelled it, or the PMS have lost it; the guest has not.
    """
    parts: list[Part] = []
    for code, is_live in codes_not_over(talk.hotel, talk.guest.id, talk.turn.today)[:MOST_TOLD]:
        found = look_up(talk.hotel, talk.guest.id, code)
        if isinstance(found, Booking):
            parts.append(_told(talk, found))
        elif is_live:
            parts.append(missing(talk, code))
    return parts


def missing(talk: Talk, code: str) -> Part:
    """We have it on record and the PMS has not: people look for it."""
    talk.state.lookup = talk.state.lookup_code = talk.state.expected = None
    talk.hand_over("pms_failed")
    return talk.part("reservation_status.missing", code=code)


def asks_about_the_other(talk: Talk) -> bool:
    """ "¿Y la otra sigue en pie?", of a guest who has another booking than the one that was just talked about."""
    said, state = talk.said, talk.state
    busy = state.booking.goal or state.hold or state.offers or state.cancelling or state.changing or state.lookup
    if busy or said.tap or not state.booked or not set(said.acts) <= _MAY_ASK:
        return False
    if not _THE_OTHER.search(fold(said.words)):
        return False
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    return any(booking.code != state.booked for booking in own)


def of_the_only_one(talk: Talk) -> list[Part]:
    """The guest's one booking to come, its price included; else the one that was talked about, with what it cost."""
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    return [_told(talk, own[0])] if len(own) == 1 else last_booked(talk)


def last_booked(talk: Talk) -> list[Part]:
    """What was booked a moment ago, for a guest who says yes once more."""
    booking = look_up(talk.hotel, talk.guest.id, talk.state.booked or "")
    return [_told(talk, booking)] if isinstance(booking, Booking) else []


def _told(talk: Talk, booking: Booking) -> Part:
    return talk.part(
        "reservation_status.one",
        status=talk.say(f"reservation_status.status_{booking.status}"),
        cancelled=booking.status == "cancelled",
        fee=booking.cancellation_fee,
        extras=_extras(talk, booking),
        **told_booking(talk, booking),
    )


def _extras(talk: Talk, booking: Booking) -> list[str]:
    """What was added to a stay that is still to come, or goes on."""
    return [
        talk.say(f"stay_times.extra_{extra.code}", at=extra.at_time, price=extra.price, currency=extra.currency)
        for extra in booking.extras
        if booking.is_live and extra.code in CODES
    ]
