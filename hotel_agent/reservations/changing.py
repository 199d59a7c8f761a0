"""Changing a booking: what it would come to, whether the hotel's rules allow it, and doing it.

Before the deadline of free cancellation anything goes. After it a change that lowers the price or moves the arrival is
for people of the hotel, as it would get round what cancelling costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256

from hotel_agent.evidence import record, recorded
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import (
    NOT_SOLD,
    Booking,
    Change,
    ChangeQuote,
    ChangeRequest,
    OutcomeUnknown,
    Party,
    PmsRejected,
    PmsUnavailable,
    RoomKind,
    RoomRequest,
    Stay,
)
from hotel_agent.pms.door import pms_for
from hotel_agent.reservations.quoting import (
    BadStay,
    alternatives,
    check_party,
    check_stay,
    find_offers,
    refusal_of,
    room_kinds,
    search,
    share_out,
)

MOST_OTHER_DAYS = 2


@dataclass(frozen=True)
class Wanted:
    """What the guest wants otherwise; None leaves it as it is. `room_types`: a kind for each room."""

    check_in: date | None = None
    check_out: date | None = None
    room_types: tuple[str, ...] | None = None
    adults: int | None = None
    children: int | None = None
    babies: int = 0
    name: str | None = None


@dataclass(frozen=True)
class Proposal:
    """A change that could be made now. `moved`, `other_rooms`, `other_people`, `renamed`: what is not as it was."""

    booking: Booking
    quote: ChangeQuote
    rooms: tuple[RoomRequest, ...]

    @property
    def difference(self) -> Decimal:
        """What it costs more; negative when it costs less."""
        return self.quote.total - self.booking.total

    @property
    def moved(self) -> bool:
        return self.quote.stay != self.booking.stay

    @property
    def other_arrival(self) -> bool:
        return self.quote.stay.check_in != self.booking.stay.check_in

    @property
    def other_rooms(self) -> bool:
        return kinds_of(self.booking) != tuple(sorted(room.kind.code for room in self.quote.rooms))

    @property
    def other_people(self) -> bool:
        return (self.booking.adults, self.booking.children) != (self.quote.adults, self.quote.children)

    @property
    def renamed(self) -> bool:
        return self.quote.guest_name != self.booking.guest_name

    @property
    def changes_something(self) -> bool:
        return self.moved or self.other_rooms or self.other_people or self.renamed


@dataclass(frozen=True)
class Changed:
    """A booking as it stands after a change, read back, and what the change was."""

    booking: Booking
    change: Change


class ForStaff(Exception):
    """A person of the hotel decides. `reason`: late, in_house, or the status of a booking that is over."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotPossible(Exception):
    """Not as it was asked. `reason`: taken, or too_small for these people; `choices` are the nearest that go."""

    def __init__(self, reason: str, stay: Stay, choices: Sequence[Proposal]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stay = stay
        self.choices = tuple(choices)


def kinds_of(booking: Booking) -> tuple[str, ...]:
    """The kinds of its rooms, in the order of their codes."""
    return tuple(sorted(room.kind.code for room in booking.rooms))


def seen_as(booking: Booking, kinds: Iterable[str]) -> str:
    """Stands for what a change is decided by; another one where somebody has changed the booking meanwhile."""
    what = (booking.stay.check_in, booking.stay.check_out, booking.adults, booking.children, *sorted(kinds))
    return sha256(" ".join(map(str, what)).encode()).hexdigest()[:16]


def is_over(booking: Booking) -> bool:
    return booking.status not in ("booked", "in_house")


def propose(hotel: Hotel, booking: Booking, wanted: Wanted, now: datetime, today: date) -> Proposal:
    """What the change would come to. Raises BadStay, ForStaff, NotPossible."""
    if is_over(booking):
        raise ForStaff(booking.status)
    stay = _stay(hotel, booking, wanted, today)
    _check_house(booking, stay, wanted, today)
    party = _party(hotel, booking, wanted)
    kinds = room_kinds(hotel)
    codes = wanted.room_types or kinds_of(booking)
    _check_kinds(kinds, codes)
    if (wanted.room_types or _other_party(booking, party)) and not _fits(kinds, codes, party):
        raise NotPossible("too_small", stay, _other_rooms(hotel, booking, stay, party, wanted, now))
    rooms = _shared_out(hotel, booking, codes, stay, party, wanted)
    try:
        proposal = _quoted(hotel, booking, stay, rooms, wanted)
    except RoomTaken:
        choices = _other_rooms(hotel, booking, stay, party, wanted, now)
        choices = choices or _other_days(hotel, booking, stay, party, wanted, now, today)
        raise NotPossible("taken", stay, choices) from None
    _check_deadline(proposal, now)
    return proposal


def propose_rooms(hotel: Hotel, booking: Booking, wanted: Wanted, now: datetime, today: date) -> tuple[Proposal, ...]:
    """The other kinds of room that this booking could have. Raises BadStay, ForStaff."""
    if is_over(booking):
        raise ForStaff(booking.status)
    stay = _stay(hotel, booking, wanted, today)
    party = _party(hotel, booking, wanted)
    return tuple(_other_rooms(hotel, booking, stay, party, wanted, now))


@recorded
def apply(hotel: Hotel, proposal: Proposal, request_key: str) -> Changed:
    """Make the change that was proposed, and read it back; asking twice makes it once.

    Raises RoomTaken, PmsRejected, with "price_changed" where it would cost something else by now; OutcomeUnknown where
    it was made and cannot be read.
    """
    quote, pms = proposal.quote, pms_for(hotel)
    request = ChangeRequest(
        proposal.booking.code, quote.stay, proposal.rooms, quote.guest_name, request_key, quote.total
    )
    change = pms.modify(request)
    return Changed(_read_back(hotel, request.code), change)


@recorded
def made_before(hotel: Hotel, code: str, request_key: str) -> Changed | None:
    """What this request has changed already, if it was answered before."""
    change = pms_for(hotel).change_of(code, request_key)
    return Changed(_read_back(hotel, code), change) if change else None


def _read_back(hotel: Hotel, code: str) -> Booking:
    try:
        booking = pms_for(hotel).read(code)
    except PmsUnavailable as away:
        raise OutcomeUnknown(code) from away
    if booking is None:
        raise OutcomeUnknown(code)
    return booking


# What is wanted, checked


def _stay(hotel: Hotel, booking: Booking, wanted: Wanted, today: date) -> Stay:
    """An arrival that stays may be over; everything else is for days to come."""
    check_in = wanted.check_in or booking.stay.check_in
    check_out = wanted.check_out or booking.stay.check_out
    if check_in == booking.stay.check_in:
        return check_stay(hotel, check_in, check_out, min(today, check_in))
    return check_stay(hotel, check_in, check_out, today)


def _check_house(booking: Booking, stay: Stay, wanted: Wanted, today: date) -> None:
    """Whoever is in the house stays in their room, and only people let them go earlier."""
    if booking.status != "in_house" and booking.stay.check_in >= today:
        return
    other_kinds = wanted.room_types is not None and tuple(sorted(wanted.room_types)) != kinds_of(booking)
    if stay.check_in != booking.stay.check_in or stay.check_out < booking.stay.check_out or other_kinds:
        raise ForStaff("in_house")


def _party(hotel: Hotel, booking: Booking, wanted: Wanted) -> Party:
    """Who would come. Of children who were booked beyond the beds it is known that they sleep in a cot."""
    adults = booking.adults if wanted.adults is None else wanted.adults
    children = booking.children if wanted.children is None else wanted.children
    beds = sum(room.kind.capacity for room in booking.rooms)
    in_cots = max(0, booking.adults + booking.children - beds)
    party = Party(adults, children, (0,) * min(children, in_cots + wanted.babies))
    check_party(hotel, party)
    return party


def _other_party(booking: Booking, party: Party) -> bool:
    return (party.adults, party.children) != (booking.adults, booking.children)


def _check_kinds(kinds: Sequence[RoomKind], codes: Sequence[str]) -> None:
    unknown = set(codes) - {kind.code for kind in kinds}
    if unknown:
        raise BadStay("unknown_room_type", room_type=unknown.pop())


def _fits(kinds: Sequence[RoomKind], codes: Sequence[str], party: Party) -> bool:
    beds = {kind.code: kind.capacity for kind in kinds}
    return party.persons <= sum(beds[code] for code in codes) and len(codes) <= party.adults


def _shared_out(
    hotel: Hotel, booking: Booking, codes: Sequence[str], stay: Stay, party: Party, wanted: Wanted
) -> tuple[RoomRequest, ...]:
    """Who sleeps where: as they were booked, or shared out anew."""
    if wanted.room_types is None and not _other_party(booking, party):
        return tuple(RoomRequest(room.kind.code, room.adults, room.children) for room in booking.rooms)
    return share_out(search(hotel, stay), Counter(codes), party)


def _check_deadline(proposal: Proposal, now: datetime) -> None:
    late = now > proposal.booking.free_until
    if late and (proposal.difference < 0 or proposal.other_arrival):
        raise ForStaff("late")


def _quoted(hotel: Hotel, booking: Booking, stay: Stay, rooms: Sequence[RoomRequest], wanted: Wanted) -> Proposal:
    request = ChangeRequest(booking.code, stay, tuple(rooms), wanted.name or booking.guest_name)
    try:
        return record(Proposal(booking, pms_for(hotel).change_quote(request), request.rooms))
    except PmsRejected as refusal:
        if refusal.reason == "not_for_sale":
            raise BadStay("too_far", last=pms_for(hotel).last_night_for_sale()) from None
        if refusal.reason in NOT_SOLD:
            wanted_kinds = {room.room_type for room in rooms}
            offers = [offer for offer in search(hotel, stay).offers if offer.kind.code in wanted_kinds]
            raise refusal_of(offers, stay) or ForStaff(refusal.reason) from None
        raise ForStaff(refusal.reason) from None


# The nearest that goes


def _other_rooms(
    hotel: Hotel, booking: Booking, stay: Stay, party: Party, wanted: Wanted, now: datetime
) -> list[Proposal]:
    """Other rooms on those days that take these people, cheapest first; nobody in the house is moved."""
    if booking.status == "in_house":
        return []
    there = search(hotel, stay)
    found: list[Proposal] = []
    for codes in _combinations(hotel, stay, party):
        if codes == kinds_of(booking) or codes == wanted.room_types:
            continue
        try:
            rooms = share_out(there, Counter(codes), party)
            proposal = _quoted(hotel, booking, stay, rooms, wanted)
            _check_deadline(proposal, now)
            found.append(proposal)
        except (RoomTaken, BadStay, ForStaff):
            continue
    return sorted(found, key=lambda one: one.quote.total)


def _combinations(hotel: Hotel, stay: Stay, party: Party) -> list[tuple[str, ...]]:
    """One room of each kind that is large enough; several rooms where none is."""
    large_enough: list[tuple[str, ...]] = [(kind.code,) for kind in room_kinds(hotel) if kind.capacity >= party.persons]
    if large_enough:
        return large_enough
    offers = find_offers(hotel, stay.check_in, stay.check_out, party, today=stay.check_in)
    return [tuple(sorted(room.room_type for room in quote.rooms)) for quote in offers.choices]


def _other_days(
    hotel: Hotel, booking: Booking, stay: Stay, party: Party, wanted: Wanted, now: datetime, today: date
) -> list[Proposal]:
    """The same room on the nearest days, for whoever has not come yet."""
    codes = wanted.room_types or kinds_of(booking)
    if booking.status == "in_house" or len(set(codes)) > 1:
        return []
    near = alternatives(hotel, stay, party, len(codes) if len(codes) > 1 else None, codes[0], today)
    found: list[Proposal] = []
    for quote in near.other_dates:
        if quote.stay == booking.stay or len(found) == MOST_OTHER_DAYS:
            continue
        try:
            rooms = _shared_out(hotel, booking, codes, quote.stay, party, wanted)
            proposal = _quoted(hotel, booking, quote.stay, rooms, wanted)
            _check_deadline(proposal, now)
            found.append(proposal)
        except (RoomTaken, BadStay, ForStaff):
            continue
    return found
