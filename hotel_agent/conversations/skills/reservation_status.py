"""The guest's own bookings, or one opened by code and surname."""

from __future__ import annotations

from hotel_agent.conversations.skills import lookup
from hotel_agent.conversations.skills.rooms_told import told_booking
from hotel_agent.conversations.skills.stay_times import CODES
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.reservations import Booking
from hotel_agent.reservations.booking import look_up, upcoming_of

MOST_TOLD = 3


def answer(talk: Talk) -> list[Part]:
    if talk.said.entities.get("booking_code") or talk.state.lookup_code:
        found = lookup.open_booking(talk, "status")
        return [_told(talk, found)] if isinstance(found, Booking) else [found]
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    if own:
        return [_told(talk, booking) for booking in own[:MOST_TOLD]]
    return [talk.part("reservation_status.none_yet"), lookup.wants_code(talk, "status")]


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
