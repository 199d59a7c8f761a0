"""Carrying out what a program has asked for, in a worker: once for each request, however often it is asked.

The verbs are those of the agent, and the keys that they are asked with are the request's: whoever died halfway, the
next finds what is there and goes on from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text

from hotel_agent.audit.recording import record
from hotel_agent.channels.whatsapp.payload import canonical_phone
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.guests.knowing import Identity, who_writes
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.auditing import SYSTEM, Who, acting, staff
from hotel_agent.locks.holding import HoldLapsed, RoomTaken
from hotel_agent.pms.contract import (
    Booking,
    OutcomeUnknown,
    PmsRejected,
    PmsUnavailable,
    RoomRequest,
    Stay,
)
from hotel_agent.pms.door import pms_for
from hotel_agent.reservations.api import wording
from hotel_agent.reservations.api.asked import NewBooking, amount, change_of_booking, new_booking
from hotel_agent.reservations.api.keeping import AT_THE_DESK, LOCK, Told
from hotel_agent.reservations.api.listing import find
from hotel_agent.reservations.api.models import ApiRequest
from hotel_agent.reservations.booking import (
    FeeChanged,
    book,
    cancel_for_hotel,
    hold_quote,
    read_for_hotel,
    release_hold,
)
from hotel_agent.reservations.changing import (
    ForStaff,
    NotPossible,
    Wanted,
    apply,
    kinds_of,
    made_before,
    propose,
    seen_as,
)
from hotel_agent.reservations.quoting import (
    BadStay,
    alternatives,
    check_party,
    check_stay,
    find_offers,
    quote,
    refusal_of,
    search,
)

# Another worker that had this request is about to end: the lock falls free the moment it does.
TURN_SECONDS = 2.0
SETTLING = "It may have happened: it is being looked up. Ask again with the same key, or look at the reservation."
MOST_INSTEAD = 3
# What was wrong with the days, the rooms or the people, and which field said so.
FIELDS = {
    "past_date": "check_in",
    "reversed": "check_out",
    "same_day": "check_out",
    "too_long": "check_out",
    "too_far": "check_out",
    "min_stay": "check_out",
    "closed_to_departure": "check_out",
    "no_adults": "adults",
    "too_many_people": "adults",
    "more_rooms_than_adults": "rooms",
    "unknown_room_type": "room_type",
    "type_too_small": "room_type",
}
REASONS = {
    "past_date": "The arrival is over.",
    "reversed": "The departure is after the arrival.",
    "same_day": "The departure is after the arrival.",
    "too_long": "The hotel takes no stay as long as this.",
    "too_far": "These nights are not for sale yet.",
    "no_adults": "There is no adult.",
    "too_many_people": "The hotel takes no party as large as this.",
    "more_rooms_than_adults": "There is no adult for each room.",
    "unknown_room_type": "The hotel has no such kind of room.",
    "type_too_small": "This kind of room is too small for these people.",
    "late": "The deadline is over: people of the hotel decide about a change that costs less or moves the arrival.",
    "in_house": "The guest is in the house: people of the hotel decide.",
    "over": "The stay is over.",
    "cancelled": "The reservation is cancelled.",
    "departed": "The guest has left.",
    "no_show": "The guest did not come.",
    "pending": "The reservation is not read back yet.",
    "not_for_sale": "These nights are not for sale.",
    "min_stay": "The hotel sells no stay as short as this from that day.",
    "closed": "The hotel sells nothing on these nights.",
    "closed_to_arrival": "Nobody can arrive on that day.",
    "closed_to_departure": "Nobody can leave on that day.",
    "not_supported": "The hotel's PMS cannot do this.",
    "hold_lapsed": "The rooms could not be kept for long enough. Ask again under a new key.",
    "too_small": "These rooms are too small for these people.",
    "taken": "The rooms are not free.",
}
# Of what is kept of a body, what we have written into it: `guest_id` is whom the front desk books for, `seen` what
# it saw of a booking that it changes.
OURS = ("chosen", "begun", "guest_id", "seen")
WROTE = {"book": "reservation_booked", "change": "reservation_changed", "cancel": "reservation_cancelled"}


class PriceChanged(Exception):
    """It costs another total than the caller expects."""

    def __init__(self, total: Decimal, currency: str) -> None:
        super().__init__(str(total))
        self.total, self.currency = total, currency


class NotAsSeen(Exception):
    """The booking is not what it was when the change was decided."""


@dataclass(frozen=True)
class _Outcome:
    """`stands`: it is told again to whoever asks again. `wrote`: a booking was made, changed or cancelled."""

    status: int
    body: dict[str, Any]
    stands: bool = True
    wrote: bool = False


def carry_out(request_id: int) -> Told | None:
    """What the caller is to be told. None where somebody else is at it, or where it is not kept any more."""
    with one_at_a_time(LOCK, request_id, TURN_SECONDS) as mine:
        row = _row(request_id) if mine else None
        if row is None:
            return None
        if row.status is not None:
            return Told(row.status, row.answer or {})
        hotel = db.session.get_one(Hotel, row.hotel_id)
        db.session.commit()
        with acting(_who(row), _how(row)):
            outcome = _outcome(hotel, row)
        _write_down(row, outcome)
        return Told(outcome.status, outcome.body)


def _row(request_id: int) -> ApiRequest | None:
    row = db.session.scalar(
        select(ApiRequest).where(ApiRequest.id == request_id).execution_options(populate_existing=True)
    )
    db.session.commit()
    return row


def _who(row: ApiRequest) -> Who:
    return staff(row.staff_id) if row.staff_id is not None else SYSTEM


def _how(row: ApiRequest) -> str:
    return "at the front desk" if row.caller.startswith(AT_THE_DESK) else f"{row.actor} by the API"


def _write_down(row: ApiRequest, outcome: _Outcome) -> None:
    """The answer and its entry in the audit log together; what was refused as unreadable uses up no key."""
    if outcome.stands:
        row.status, row.answer = outcome.status, outcome.body
        if outcome.wrote:
            details = {name: outcome.body[name] for name in ("check_in", "check_out", "total")}
            subject = str(outcome.body["code"])
            record(
                WROTE[row.operation],
                subject,
                hotel_id=row.hotel_id,
                staff_id=row.staff_id,
                actor=row.actor,
                **details,
            )
    elif outcome.status == 400:
        db.session.delete(row)
    db.session.commit()


# What becomes of it, in the words of HTTP


def _outcome(hotel: Hotel, row: ApiRequest) -> _Outcome:
    work: dict[str, Callable[[Hotel, ApiRequest], _Outcome]] = {"book": _book, "change": _change, "cancel": _cancel}
    try:
        return work[row.operation](hotel, row)
    except BadStay as bad:
        return _bad(bad)
    except PriceChanged as other:
        total = {"total": wording.money(other.total), "currency": other.currency}
        return _conflict("price_changed", "It costs another total.", **total)
    except FeeChanged as other:
        return _conflict("fee_changed", "Cancelling costs another fee.", fee=wording.money(other.fee))
    except ForStaff as refusal:
        return _conflict("deadline_passed" if refusal.reason == "late" else refusal.reason, REASONS.get(refusal.reason))
    except NotPossible as refusal:
        code = "room_taken" if refusal.reason == "taken" else refusal.reason
        return _conflict(code, REASONS[refusal.reason], alternatives=wording.proposals(refusal.choices))
    except NotAsSeen:
        return _conflict("changed_meanwhile", "Somebody else has changed it meanwhile.")
    except HoldLapsed:
        return _conflict("hold_lapsed", REASONS["hold_lapsed"])
    except PmsRejected as refusal:
        if refusal.reason == "price_changed":
            return _conflict("price_changed", "It costs another total.")
        return _conflict(refusal.reason, REASONS.get(refusal.reason))
    except RoomTaken:
        return _conflict("room_taken", REASONS["taken"], alternatives=_instead(hotel, row))
    except NotFound as nowhere:
        return _Outcome(404, {"detail": str(nowhere)})
    except PmsUnavailable as trouble:
        return _not_known(hotel, row, trouble)


def _bad(bad: BadStay) -> _Outcome:
    """What else is known of it comes along: the last night for sale, the longest stay."""
    told = {name: value if isinstance(value, int) else str(value) for name, value in bad.detail.items() if value}
    field = FIELDS.get(bad.reason, "check_in")
    words = REASONS.get(bad.reason) or f"The hotel takes no such stay: {bad.reason.replace('_', ' ')}."
    return _Outcome(400, {"field": field, **told, "detail": words, "code": bad.reason}, stands=False)


def _conflict(code: str, detail: str | None, **more: Any) -> _Outcome:
    return _Outcome(409, {"detail": detail or "The hotel's PMS refuses this.", "code": code, **more})


def _not_known(hotel: Hotel, row: ApiRequest, trouble: PmsUnavailable) -> _Outcome:
    """202 where something is under way that may have happened; 503 where nothing has."""
    db.session.rollback()
    code = row.code if isinstance(trouble, OutcomeUnknown) else ""
    code = code or (_booked_before(hotel, _key(row)) or "")
    if code:
        return _pending(row, code)
    return _Outcome(
        503,
        {"detail": "The hotel's PMS does not answer. Send the same again, under the same key if it had one."},
        stands=False,
    )


def _pending(row: ApiRequest, code: str) -> _Outcome:
    body = {"code": code, "status": "pending", "pending": row.operation, "detail": SETTLING}
    return _Outcome(202, body, stands=False)


def _instead(hotel: Hotel, row: ApiRequest) -> list[dict[str, Any]]:
    """What else there is on those days; on other days too, where looking is cheap."""
    if row.operation != "book":
        return []
    wish = new_booking(_body(row))
    count = len(wish.rooms) or None
    try:
        found = find_offers(hotel, wish.check_in, wish.check_out, wish.party, count).choices[:MOST_INSTEAD]
        if not pms_for(hotel).capabilities.is_remote:
            stay = Stay(wish.check_in, wish.check_out)
            found += alternatives(hotel, stay, wish.party, count, wish.room_type, limit=MOST_INSTEAD).other_dates
    except (BadStay, PmsUnavailable, PmsRejected):
        return []
    return wording.quotes(found)


def _done(hotel: Hotel, status: int, booking: Booking, wrote: bool = True) -> _Outcome:
    kept = find(hotel, booking.code)
    db.session.commit()
    if kept is None:
        raise OutcomeUnknown(booking.code)
    return _Outcome(status, wording.reservation(hotel, kept, booking), wrote=wrote)


# Booking


def _book(hotel: Hotel, row: ApiRequest) -> _Outcome:
    wish, key = new_booking(_body(row)), _key(row)
    guest_id = _guest(hotel, row, wish)
    if _booked_before(hotel, key):
        booking = book(hotel, "", guest_id, wish.name, key)
    else:
        stay = Stay(wish.check_in, wish.check_out)
        rooms = _chosen(hotel, row, wish)
        hold = hold_quote(hotel, guest_id, stay, rooms, f"{key}:hold")
        if wish.expected_total is not None and hold.total != wish.expected_total:
            release_hold(hotel, hold.hold_key, guest_id, "price_changed")
            raise PriceChanged(hold.total, hold.currency)
        booking = book(hotel, hold.hold_key, guest_id, wish.name, key)
    if booking.status == "pending":
        return _pending(row, booking.code)
    return _done(hotel, 201, booking)


def _booked_before(hotel: Hotel, key: str) -> str | None:
    code: str | None = db.session.scalar(
        text("select code from reservations where hotel_id = :hotel and request_key = :key"),
        {"hotel": hotel.id, "key": key},
    )
    db.session.commit()
    return code


def _guest(hotel: Hotel, row: ApiRequest, wish: NewBooking) -> int:
    """Whom the front desk meant, whoever writes from the number that was told, else a guest of this booking alone."""
    if row.guest_id is None:
        guest = _known(hotel, row) or (_who_writes_from(hotel, wish.phone) if wish.phone else Guest(hotel_id=hotel.id))
        guest.name, guest.language = guest.name or wish.name, guest.language or wish.language
        db.session.add(guest)
        db.session.flush()
        row.guest_id = guest.id
        db.session.commit()
    return row.guest_id


def _known(hotel: Hotel, row: ApiRequest) -> Guest | None:
    """Not whoever has been erased or joined with another meanwhile."""
    known = (Guest.hotel_id == hotel.id, Guest.id == row.asked.get("guest_id"), Guest.erased_at.is_(None))
    return db.session.scalar(select(Guest).where(*known))


def _who_writes_from(hotel: Hotel, digits: str) -> Guest:
    guest, _ = who_writes(hotel.id, [Identity("phone", canonical_phone(digits) or digits, digits)])
    return guest


def _chosen(hotel: Hotel, row: ApiRequest, wish: NewBooking) -> tuple[RoomRequest, ...]:
    """The rooms to hold, written down first: whoever goes on from here must not look for others.

    Raises BadStay, RoomTaken, PriceChanged.
    """
    if row.asked.get("chosen") is None:
        found = _exactly(hotel, wish) if wish.rooms else _whatever_fits(hotel, wish)
        row.asked = {**row.asked, "chosen": [room.packed() for room in found]}
        db.session.commit()
    return tuple(RoomRequest.unpacked(room) for room in row.asked["chosen"])


def _exactly(hotel: Hotel, wish: NewBooking) -> tuple[RoomRequest, ...]:
    check_party(hotel, wish.party, len(wish.rooms))
    stay = check_stay(hotel, wish.check_in, wish.check_out)
    there = search(hotel, stay, fresh=True)
    for number, room in enumerate(wish.rooms):
        offer = there.offer(room.room_type)
        if offer is None:
            raise BadStay("unknown_room_type", field=f"rooms[{number}].room_type")
        if not offer.kind.takes(room.adults, room.children):
            raise BadStay("type_too_small", field=f"rooms[{number}].room_type")
    if not there.for_sale:
        raise BadStay("too_far", last=pms_for(hotel).last_night_for_sale())
    wanted = Counter(room.room_type for room in wish.rooms)
    refusal = refusal_of([offer for offer in there.offers if offer.kind.code in wanted], stay)
    if refusal:
        raise refusal
    if any((offer := there.offer(code)) is None or offer.free < count for code, count in wanted.items()):
        raise RoomTaken
    found = quote(hotel, stay, wish.party, wish.rooms)
    _check_price(wish, found.total, found.currency)
    return found.rooms


def _whatever_fits(hotel: Hotel, wish: NewBooking) -> tuple[RoomRequest, ...]:
    """The cheapest of what fits, of the kind that was asked for if any was."""
    offers = find_offers(hotel, wish.check_in, wish.check_out, wish.party, room_type=wish.room_type, fresh=True)
    if offers.status == "type_too_small":
        raise BadStay("type_too_small")
    if offers.status != "found":
        raise RoomTaken
    _check_price(wish, offers.choices[0].total, offers.choices[0].currency)
    return offers.choices[0].rooms


def _check_price(wish: NewBooking, total: Decimal, currency: str) -> None:
    if wish.expected_total is not None and wish.expected_total != total:
        raise PriceChanged(total, currency)


# Changing and cancelling


def _change(hotel: Hotel, row: ApiRequest) -> _Outcome:
    key = _key(row)
    done = made_before(hotel, row.code, key)
    if done is not None:
        return _done(hotel, 200, done.booking)
    asked = change_of_booking(_body(row))
    wanted = Wanted(asked.check_in, asked.check_out, asked.room_types, asked.adults, asked.children, name=asked.name)
    booking = _booking(hotel, row)
    now = seen_as(booking, kinds_of(booking))
    if row.asked.get("seen", now) != now:
        raise NotAsSeen
    proposal = propose(hotel, booking, wanted, utcnow(), hotel.today())
    if asked.expected_total is not None and asked.expected_total != proposal.quote.total:
        raise PriceChanged(proposal.quote.total, proposal.quote.currency)
    if not proposal.changes_something:
        return _done(hotel, 200, proposal.booking, wrote=False)
    return _done(hotel, 200, apply(hotel, proposal, key).booking)


def _cancel(hotel: Hotel, row: ApiRequest) -> _Outcome:
    """`begun` is written down first: whoever goes on from here knows that it was this request that cancelled."""
    booking, begun_before = _booking(hotel, row), bool(row.asked.get("begun"))
    if booking.status != "cancelled":
        row.asked = {**row.asked, "begun": True}
        db.session.commit()
    cancelled = cancel_for_hotel(hotel, booking, expected_fee=amount(row.asked, "expected_fee"))
    return _done(hotel, 200, cancelled.booking, wrote=begun_before or not cancelled.already)


def _booking(hotel: Hotel, row: ApiRequest) -> Booking:
    booking = read_for_hotel(hotel, row.code)
    if booking is None:
        raise NotFound("The hotel's PMS knows no such reservation.")
    return booking


def _key(row: ApiRequest) -> str:
    """What the domain knows this request by."""
    return f"api:{row.id}"


def _body(row: ApiRequest) -> dict[str, Any]:
    return {name: value for name, value in row.asked.items() if name not in OURS}
