"""What a party can have on the days they ask for, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from hotel_agent.evidence import record, recorded
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import (
    CLOSED,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MIN_STAY,
    Availability,
    Line,
    Offer,
    Party,
    Quote,
    RoomKind,
    RoomRequest,
    Stay,
)
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.local.pricing import tax_added
from hotel_agent.pms.policy import fee_of, free_until

NEAR_DAYS = 14


class BadStay(Exception):
    """No hotel could offer this. `reason` is a code, `detail` what the guest should be told with it.

    past_date(today), reversed, same_day, too_long(longest), too_far(last), no_adults,
    too_many_people(largest), more_rooms_than_adults(rooms, adults), unknown_room_type(room_type),
    min_stay(nights, check_in), closed(check_in, check_out), closed_to_arrival(check_in),
    closed_to_departure(check_out).
    """

    def __init__(self, reason: str, **detail: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class LeastStay:
    """The least number of nights from that arrival."""

    check_in: date
    nights: int

    @property
    def check_out(self) -> date:
        return self.check_in + timedelta(days=self.nights)


@dataclass(frozen=True)
class Offers:
    """`choices`, cheapest first, are what was asked for when `status` is "found".

    With "type_sold_out" and "type_too_small" they are what else fits on the same days; with "sold_out" there
    are none.
    """

    stay: Stay
    party: Party
    status: str
    choices: tuple[Quote, ...]


@dataclass(frozen=True)
class Alternatives:
    """Ways on when nothing is free: other kinds of room on the same days, the same on other days near."""

    other_types: tuple[Quote, ...]
    other_dates: tuple[Quote, ...]


def search(hotel: Hotel, stay: Stay, *, fresh: bool = False) -> Availability:
    """Every kind of room for one stay, sold out or not: never from before the PMS went away.

    It may be some minutes old unless it is asked for `fresh`, as by whoever goes on to book.
    """
    return pms_for(hotel).availability(stay, fresh=True) if fresh else pms_for(hotel).availability(stay)


def room_kinds(hotel: Hotel) -> tuple[RoomKind, ...]:
    """The hotel's kinds of room in its own order."""
    return pms_for(hotel).room_kinds()


@recorded
def find_offers(
    hotel: Hotel,
    check_in: date,
    check_out: date,
    party: Party,
    rooms: int | None = None,
    room_type: str | None = None,
    today: date | None = None,
    *,
    fresh: bool = False,
) -> Offers:
    """What fits the party. Raises BadStay. `fresh` as of `search`.

    A party that fits one room gets one choice for each kind of room that is free. A larger one, or one that
    asked for several rooms, gets combinations of rooms with the guests shared out.
    """
    check_party(hotel, party, rooms)
    stay = check_stay(hotel, check_in, check_out, today)
    there = search(hotel, stay, fresh=fresh)
    _check_for_sale(hotel, there)
    wish = _Wish(party, rooms, room_type)
    if room_type is not None and there.offer(room_type) is None:
        raise BadStay("unknown_room_type", room_type=room_type)
    _check_sold(there, wish)
    choices = _choices(hotel, there, wish)
    if choices:
        return Offers(stay, party, "found", choices)
    if room_type is None:
        return Offers(stay, party, "sold_out", ())
    others = _choices(hotel, there, wish.of_any_type)
    if wish.too_small_a_type(there):
        return Offers(stay, party, "type_too_small", others)
    return Offers(stay, party, "type_sold_out" if others else "sold_out", others)


@recorded
def quote(hotel: Hotel, stay: Stay, party: Party, rooms: Sequence[RoomRequest]) -> Quote:
    """The price of exactly these rooms now, as the PMS says it. Raises RoomTaken when they are no longer free."""
    there = search(hotel, stay, fresh=True)
    wanted = Counter(room.room_type for room in rooms)
    offers = [there.offer(code) for code in wanted]
    if any(offer is None or offer.free < wanted[offer.kind.code] for offer in offers):
        raise RoomTaken
    return _quote(hotel, there, party, tuple(rooms))


@recorded
def alternatives(
    hotel: Hotel,
    stay: Stay,
    party: Party,
    rooms: int | None = None,
    room_type: str | None = None,
    today: date | None = None,
    limit: int = 3,
) -> Alternatives:
    """Other kinds of room on the same days; the same length two weeks around, nearest, then earliest."""
    wish = _Wish(party, rooms, room_type)
    others: tuple[Quote, ...] = ()
    if room_type is not None:
        others = _choices(hotel, search(hotel, stay), wish.of_any_type)[:limit]
    return Alternatives(others, _other_dates(hotel, stay, wish, today or hotel.today(), limit))


def check_stay(hotel: Hotel, check_in: date, check_out: date, today: date | None = None) -> Stay:
    """The stay, if the hotel could take it at all. Raises BadStay."""
    today = today or hotel.today()
    if check_out < check_in:
        raise BadStay("reversed")
    if check_in < today:
        raise BadStay("past_date", today=today)
    if check_out == check_in:
        raise BadStay("same_day")
    if (check_out - check_in).days > hotel.longest_stay_nights:
        raise BadStay("too_long", longest=hotel.longest_stay_nights)
    return Stay(check_in, check_out)


def check_party(hotel: Hotel, party: Party, rooms: int | None = None) -> None:
    """Raises BadStay when nobody could be given rooms like that."""
    if party.adults < 1:
        raise BadStay("no_adults")
    if party.persons > hotel.largest_party:
        raise BadStay("too_many_people", largest=hotel.largest_party)
    if rooms is not None and rooms > party.adults:
        raise BadStay("more_rooms_than_adults", rooms=rooms, adults=party.adults)


@dataclass(frozen=True)
class _Wish:
    """What the guest asked for, apart from the days."""

    party: Party
    rooms: int | None
    room_type: str | None

    @property
    def of_any_type(self) -> _Wish:
        return _Wish(self.party, self.rooms, None)

    @property
    def several(self) -> bool:
        return self.rooms is not None and self.rooms > 1

    def too_small_a_type(self, there: Availability) -> bool:
        offer = there.offer(self.room_type) if self.room_type else None
        return offer is not None and self.party.persons > self.beds_in(offer.kind) * (self.rooms or 1)

    def beds_in(self, kind: RoomKind) -> int:
        return kind.beds_for(self.party.adults, self.party.children - self.party.cots)

    def fits_in(self, kind: RoomKind) -> bool:
        return kind.takes(self.party.adults, self.party.children - self.party.cots)


def refusal_of(offers: Iterable[Offer], stay: Stay) -> BadStay | None:
    """Why these kinds are not sold for the stay; None where it is not a rule of the hotel's. A longer stay may do."""
    refused = [offer for offer in offers if offer.why_not]
    too_short = [offer.min_stay for offer in refused if offer.why_not == MIN_STAY]
    if too_short:
        least = record(LeastStay(stay.check_in, min(too_short)))
        return BadStay(MIN_STAY, nights=least.nights, check_in=stay.check_in)
    days = {
        CLOSED: {"check_in": stay.check_in, "check_out": stay.check_out},
        CLOSED_TO_ARRIVAL: {"check_in": stay.check_in},
        CLOSED_TO_DEPARTURE: {"check_out": stay.check_out},
    }
    return BadStay(refused[0].why_not, **days[refused[0].why_not]) if refused else None


def _check_for_sale(hotel: Hotel, there: Availability) -> None:
    if not there.for_sale:
        raise refusal_of(there.offers, there.stay) or BadStay("too_far", last=pms_for(hotel).last_night_for_sale())


def _check_sold(there: Availability, wish: _Wish) -> None:
    """Raises BadStay where the hotel sells nothing that would do, whatever is free."""
    fitting = [offer for offer in there.offers if wish.room_type == offer.kind.code]
    if wish.room_type is None:
        fitting = [offer for offer in there.offers if wish.fits_in(offer.kind)] or list(there.offers)
    if all(offer.total is None for offer in fitting):
        refusal = refusal_of(fitting, there.stay)
        if refusal:
            raise refusal


def _choices(hotel: Hotel, there: Availability, wish: _Wish) -> tuple[Quote, ...]:
    offers = [
        offer
        for offer in there.offers
        if offer.free and offer.total is not None and wish.room_type in (None, offer.kind.code)
    ]
    fits_one = any(wish.fits_in(offer.kind) for offer in there.offers)
    if wish.several or not fits_one:
        combinations = _combinations(offers, wish)
    else:
        combinations = [Counter([offer.kind.code]) for offer in offers if wish.fits_in(offer.kind)]
    quotes = [
        _quote(hotel, there, wish.party, share_out(there, combination, wish.party)) for combination in combinations
    ]
    quotes = [quote for quote in quotes if _everybody_fits(quote)]
    return tuple(sorted(quotes, key=lambda quote: (quote.total, len(quote.rooms))))


def _everybody_fits(quote: Quote) -> bool:
    """Whoever was shared out by beds alone may be too many adults for a room."""
    kinds = {line.kind.code: line.kind for line in quote.lines}
    return all(kinds[room.room_type].takes(room.adults, room.children) for room in quote.rooms)


def _combinations(offers: Sequence[Offer], wish: _Wish) -> list[Counter[str]]:
    """The cheapest rooms that take the party; where a number of rooms was asked for, also all of one kind."""
    found: list[Counter[str]] = []
    if wish.several and wish.rooms is not None:
        for offer in offers:
            enough = offer.free >= wish.rooms and wish.beds_in(offer.kind) * wish.rooms >= wish.party.persons
            if enough:
                found.append(Counter({offer.kind.code: wish.rooms}))
    cheapest = _cheapest(offers, wish)
    if cheapest is not None and all(_cost(offers, cheapest) < _cost(offers, other) for other in found):
        found.append(cheapest)
    return found


def _cheapest(offers: Sequence[Offer], wish: _Wish) -> Counter[str] | None:
    """The least total price, then the fewest rooms, with a bed for everybody and an adult in every room."""
    most = wish.rooms if wish.several and wish.rooms else wish.party.adults
    best: dict[tuple[int, int], tuple[Decimal, tuple[str, ...]]] = {(0, 0): (Decimal(0), ())}
    for offer in offers:
        price = offer.total or Decimal(0)
        for (count, beds), (cost, chosen) in list(best.items()):
            useful = ceil((wish.party.persons - beds) / wish.beds_in(offer.kind))
            for more in range(1, min(offer.free, most - count, most if wish.several else useful) + 1):
                key = (count + more, min(wish.party.persons, beds + more * wish.beds_in(offer.kind)))
                candidate = (cost + price * more, chosen + (offer.kind.code,) * more)
                if key not in best or candidate[0] < best[key][0]:
                    best[key] = candidate
    full = [
        (cost, count, chosen)
        for (count, beds), (cost, chosen) in best.items()
        if beds == wish.party.persons and (not wish.several or count == wish.rooms)
    ]
    return Counter(min(full)[2]) if full else None


def _cost(offers: Iterable[Offer], rooms: Counter[str]) -> Decimal:
    return sum((offer.total or Decimal(0)) * rooms[offer.kind.code] for offer in offers) or Decimal(0)


def share_out(there: Availability, rooms: Counter[str], party: Party) -> tuple[RoomRequest, ...]:
    """Put the party into rooms: an adult in each, children where most beds are left, then other adults."""
    in_beds = party.children - party.cots
    beds = {offer.kind.code: offer.kind.beds_for(party.adults, in_beds) for offer in there.offers}
    codes = sorted(rooms.elements(), key=lambda code: (-beds[code], code))
    adults = [1] * len(codes)
    children = [0] * len(codes)
    cots = [0] * len(codes)

    def roomiest() -> int:
        return max(range(len(codes)), key=lambda room: beds[codes[room]] - adults[room] - children[room])

    for _ in range(party.children - party.cots):
        children[roomiest()] += 1
    for _ in range(party.adults - len(codes)):
        adults[roomiest()] += 1
    for _ in range(party.cots):
        cots[min(range(len(codes)), key=lambda room: (cots[room], -adults[room]))] += 1
    return tuple(map(RoomRequest, codes, adults, children, cots))


def _quote(hotel: Hotel, there: Availability, party: Party, rooms: tuple[RoomRequest, ...]) -> Quote:
    counts = Counter(room.room_type for room in rooms)
    lines = tuple(
        Line(offer.kind, counts[offer.kind.code], offer.nightly, offer.total)
        for offer in there.offers
        if counts[offer.kind.code] and offer.total is not None
    )
    fee = fee_of(hotel)
    nightly = [line.nightly for line in lines for _ in range(line.count)]
    return Quote(
        stay=there.stay,
        party=party,
        rooms=rooms,
        lines=lines,
        total=sum((line.total for line in lines), Decimal(0)),
        currency=there.currency,
        free_until=free_until(hotel, there.stay.check_in),
        late_fee=fee.of(nightly),
        late_fee_is=str(fee),
        tax=tax_added(hotel, (price for nights in nightly for price in nights)),
    )


def _other_dates(hotel: Hotel, stay: Stay, wish: _Wish, today: date, limit: int) -> tuple[Quote, ...]:
    first = max(today, stay.check_in - timedelta(days=NEAR_DAYS))
    last = stay.check_in + timedelta(days=NEAR_DAYS)
    if first > last:
        return ()
    window = pms_for(hotel).availability_from(first, last, stay.nights)
    near = sorted(window, key=lambda day: (abs(day.stay.check_in - stay.check_in), day.stay.check_in))
    found: list[Quote] = []
    for there in near:
        if there.stay != stay and len(found) < limit:
            found += _choices(hotel, there, wish)[:1]
    return tuple(found)
