"""Cancelling: the cost is told before the yes, and "cancelled" only from the record."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hotel_agent.channels.whatsapp.limits import Choice, Row
from hotel_agent.conversations.dialogue import Draft
from hotel_agent.conversations.skills import book, lookup, reservation_status
from hotel_agent.conversations.skills.rooms_told import record_of, told_booking
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.errors import NotFound
from hotel_agent.reservations import NEVER_FREE, Booking, PmsRejected
from hotel_agent.reservations.booking import cancel, cancellation_terms, look_up

MOST_LISTED = 10


def start(talk: Talk) -> list[Part]:
    if talk.said.entities.get("booking_code") or talk.state.lookup_code:
        return _opened(talk)
    own = _meant(talk, lookup.open_to(talk))
    preparing = bool(talk.state.hold or talk.state.offers or talk.state.booking.goal == "book")
    if preparing and not own:
        return book.forget(talk)
    if preparing and talk.state.hold:
        return [_new_or_booked(talk, talk.state.hold, own)]
    if not own:
        gone = reservation_status.not_live(talk)
        return gone or [talk.part("reservation_status.none_yet"), lookup.wants_code(talk, "cancel")]
    if len(own) == 1:
        return ask_yes(talk, own[0])
    return [_list(talk, own)]


def _opened(talk: Talk) -> list[Part]:
    lost = lookup.lost_code(talk)
    if lost:
        return [reservation_status.missing(talk, lost)]
    found = lookup.open_booking(talk, "cancel")
    return ask_yes(talk, found) if isinstance(found, Booking) else [found]


def _meant(talk: Talk, own: Sequence[Booking]) -> Sequence[Booking]:
    """Days that the guest names pick out a booking."""
    named = {"check_in", "room_type", "choice"} & set(talk.said.entities)
    return (lookup.meant(talk, own) if named and len(own) > 1 else []) or own


def _new_or_booked(talk: Talk, hold_key: str, own: Sequence[Booking]) -> Part:
    new = talk.button(f"decline:{hold_key}", "the_new_one")
    booked = tuple(Choice(f"cancel:{booking.code}", booking.code) for booking in own[:2])
    return talk.ask("yes_no", "cancel.new_or_booked", new, *booked)


def list_again(talk: Talk) -> list[Part]:
    """The bookings to choose from once more."""
    return [_list(talk, lookup.open_to(talk))]


def _list(talk: Talk, own: Sequence[Booking]) -> Part:
    talk.state.lookup, talk.state.expected = "cancel", "booking_code"
    rows = []
    for booking in own[:MOST_LISTED]:
        told = told_booking(talk, booking)
        values = {name: told[name] for name in ("check_in", "check_out", "rooms")}
        rows.append(Row(f"cancel:{booking.code}", booking.code, talk.say("cancel.row", **values)))
    return Part(talk.say("cancel.which"), rows=tuple(rows), asks=True)


def ask_yes(talk: Talk, booking: Booking) -> list[Part]:
    """What cancelling costs now, and whether to do it."""
    if booking.status == "cancelled":
        return [_told(talk, "cancel.already", booking, booking.cancellation_fee or Decimal(0))]
    if booking.status not in ("booked", "pending"):
        talk.hand_over("unsure")
        return [talk.part("cancel.not_possible")]
    terms = cancellation_terms(booking, talk.turn.now)
    talk.state.cancelling, talk.state.cancel_fee = booking.code, str(terms.fee)
    told = told_booking(talk, booking)
    return [
        talk.ask(
            "confirm_cancel",
            "cancel.confirm",
            talk.button(f"cancel_yes:{booking.code}", "cancel_yes"),
            talk.button(f"cancel_no:{booking.code}", "cancel_no"),
            is_free=terms.is_free,
            free_until=talk.local(terms.free_until),
            never_free=terms.free_until == NEVER_FREE,
            fee=terms.fee,
            fee_is=booking.late_fee_is,
            **{name: told[name] for name in ("code", "rooms", "check_in", "check_out", "total", "currency")},
        )
    ]


def decide(talk: Talk, yes: bool) -> list[Part]:
    """The answer to the question of `ask_yes`."""
    code = talk.state.cancelling or ""
    surname = talk.state.proven.get(code)
    if not yes:
        _settled(talk)
        return [talk.part("cancel.kept", code=code)]
    booking = look_up(talk.hotel, talk.guest.id, code, surname)
    if not isinstance(booking, Booking):
        _settled(talk)
        return [talk.part("cancel.stale")]
    if booking.status != "cancelled":
        fee = cancellation_terms(booking, talk.turn.now).fee
        if str(fee) != talk.state.cancel_fee and fee != Decimal(talk.state.cancel_fee or "-1"):
            return [talk.part("cancel.fee_changed"), *ask_yes(talk, booking)]
    return _cancel(talk, booking, surname)


def _cancel(talk: Talk, booking: Booking, surname: str | None) -> list[Part]:
    _settled(talk)
    talk.pms_action = "cancel"
    try:
        done = cancel(talk.hotel, booking.code, guest_id=talk.guest.id, surname=surname, now=talk.turn.now)
    except (PmsRejected, NotFound) as refusal:
        reason = refusal.reason if isinstance(refusal, PmsRejected) else "unknown"
        talk.hand_over("unsure")
        talk.happened("pms_failed", action="cancel", code=booking.code, reason=reason, **record_of(booking))
        return [talk.part("cancel.not_possible")]
    if done.booking.status != "cancelled":
        talk.hand_over("pms_failed")
        talk.happened("pms_failed", action="cancel", code=booking.code, **record_of(booking))
        return [talk.part("cancel.not_possible")]
    talk.state.booked, talk.state.before = booking.code, _draft_of(booking)
    talk.happened("cancelled", code=booking.code, fee=done.fee, **record_of(done.booking))
    return [_told(talk, "cancel.done", done.booking, done.fee)]


def _draft_of(booking: Booking) -> Draft:
    """What it was, for "another one like it"."""
    kinds = {room.kind.code for room in booking.rooms}
    return Draft(
        check_in=booking.stay.check_in,
        check_out=booking.stay.check_out,
        adults=booking.adults,
        children=booking.children,
        room_type=kinds.pop() if len(kinds) == 1 else None,
        name=booking.guest_name,
    )


def _told(talk: Talk, block: str, booking: Booking, fee: Decimal) -> Part:
    return talk.part(block, code=booking.code, fee=fee, currency=booking.currency)


def _settled(talk: Talk) -> None:
    talk.state.cancelling = talk.state.cancel_fee = None
    if talk.state.expected == "confirm_cancel":
        talk.state.expected = None


def ask_again(talk: Talk) -> list[Part]:
    """The cost and the question once more, after the guest has talked about something else."""
    code = talk.state.cancelling or ""
    booking = look_up(talk.hotel, talk.guest.id, code, talk.state.proven.get(code))
    return ask_yes(talk, booking) if isinstance(booking, Booking) else []


# --- taps ---------------------------------------------------------------------------------------------------


def tapped(talk: Talk, code: str) -> list[Part]:
    """A row or button that names a booking: opened like a code that was written."""
    surname = talk.state.proven.get(code)
    booking = look_up(talk.hotel, talk.guest.id, code, surname)
    talk.state.lookup = talk.state.lookup_code = None
    return ask_yes(talk, booking) if isinstance(booking, Booking) else [talk.part("cancel.stale")]


def tapped_yes(talk: Talk, code: str) -> list[Part]:
    return decide(talk, yes=True) if code == talk.state.cancelling else tapped(talk, code)


def tapped_no(talk: Talk, code: str) -> list[Part]:
    """Left as it is; whatever has become of the booking since the button was sent is told from the record."""
    booking = look_up(talk.hotel, talk.guest.id, code, talk.state.proven.get(code))
    if not isinstance(booking, Booking):
        return [talk.part("cancel.stale")]
    talk.state.cancelling = code
    if booking.status == "cancelled":
        _settled(talk)
        return [_told(talk, "cancel.already", booking, booking.cancellation_fee or Decimal(0))]
    return decide(talk, yes=False)
