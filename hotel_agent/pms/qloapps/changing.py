"""Changes of bookings.

A PUT wants the whole booking anew and counts the booking's own rooms as taken. Where it would refuse for that reason
alone, the lines of the rooms are moved; QloApps never checks that, so we do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import (
    BookedRoom,
    Booking,
    Change,
    ChangeQuote,
    ChangeRequest,
    ExtraRequest,
    OutcomeUnknown,
    PmsRejected,
    PmsUnavailable,
    RoomRequest,
    Stay,
    Version,
)
from hotel_agent.pms.local import changing as tables
from hotel_agent.pms.policy import free_until
from hotel_agent.pms.qloapps import booking as desk
from hotel_agent.pms.qloapps import records, standing, writing
from hotel_agent.pms.qloapps.booking import Seen
from hotel_agent.pms.qloapps.client import Refused, StillUnderWay
from hotel_agent.pms.qloapps.holds import refusal_of
from hotel_agent.pms.qloapps.reading import Kind, Line, Offered, Price, Shop, fixed, shares
from hotel_agent.pms.qloapps.records import Booked
from hotel_agent.pms.qloapps.shops import shop_of
from hotel_agent.pms.qloapps.standing import Otherwise, Wanted

log = get_logger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a change comes to, and how it is made: `way` is nothing, people, lines or put."""

    booked: Booked
    before: Booking
    seen: Seen
    rooms: tuple[writing.Room, ...]
    lines: tuple[Line | None, ...]
    total: Decimal
    way: str

    @property
    def wanted(self) -> list[Wanted]:
        return [Wanted.of(room.request) for room in self.rooms]

    @property
    def late_fee(self) -> Decimal:
        return sum((room.price.nightly[0] for room in self.rooms), Decimal(0))


def quote(hotel: Hotel, request: ChangeRequest) -> ChangeQuote:
    """What the change would come to now. Raises RoomTaken, PmsRejected."""
    plan = _plan(shop_of(hotel), hotel, request)
    return ChangeQuote(
        stay=request.stay,
        rooms=tuple(_told(room, line) for room, line in zip(plan.rooms, plan.lines, strict=True)),
        adults=sum(room.request.adults for room in plan.rooms),
        children=sum(room.request.children + room.request.cots for room in plan.rooms),
        guest_name=request.guest_name,
        total=plan.total,
        currency=plan.before.currency,
        free_until=_free_until(hotel, plan, request),
        late_fee=plan.late_fee,
        same_rooms=plan.way != "put",
    )


def modify(hotel: Hotel, request: ChangeRequest) -> Change:
    """Change the booking, once for each request, and read it back.

    Raises RoomTaken and PmsRejected, after which it is as it was; OutcomeUnknown when that cannot be seen.
    """
    shop = shop_of(hotel)
    with writing.alone(hotel):
        done = change_of(hotel, request.code, request.request_key)
        if done:
            return done
        plan = _plan(shop, hotel, request)
        if request.total is not None and request.total != plan.total:
            raise PmsRejected("price_changed")
        if plan.way != "nothing":
            _make(shop, hotel, plan, request)
        records.set_booking(
            plan.booked.id,
            guest_name=request.guest_name,
            policy=json.dumps(
                {
                    **plan.booked.policy,
                    "free_until": _free_until(hotel, plan, request).isoformat(),
                    "late_fee": str(plan.late_fee),
                }
            ),
        )
        after = desk.read(hotel, request.code)
        if after is None:
            raise OutcomeUnknown(request.code)
        if request.guest_name != plan.booked.guest_name:
            desk.put_name(shop, hotel, plan.booked, plan.seen.order, request.guest_name)
        change = Change(_version(plan.before), _version(after))
        records.note_change(plan.booked.id, request.request_key, change)
    return change


def change_of(hotel: Hotel, code: str, request_key: str) -> Change | None:
    """What this request has changed, if it has."""
    change = tables.change_of(hotel, code, request_key)
    db.session.commit()
    return change


def is_free_on(hotel: Hotel, code: str, night: date) -> bool:
    """Whether nobody else has the rooms of a booking on a night before or after its own."""
    shop = shop_of(hotel)
    _, seen, _ = _current(shop, hotel, code)
    return all(_is_free(shop, line, Stay(night, night + timedelta(days=1))) for line in seen.standing)


def add_extra(hotel: Hotel, request: ExtraRequest) -> bool:  # noqa: ARG001  One of the operations of every adapter.
    """Nobody at the front desk would see it there: people of the hotel add it. Raises PmsRejected."""
    raise PmsRejected("not_supported")


# What a change comes to


def _current(shop: Shop, hotel: Hotel, code: str) -> tuple[Booked, Seen, Booking]:
    booked = records.booking_of(hotel, code)
    if booked is None:
        raise PmsRejected("unknown")
    order = shop.order(booked.pms_id)
    lines = shop.lines_of([booked.pms_id])
    if order is None or not lines:
        raise PmsRejected("unknown")
    seen = Seen(order, lines)
    before = desk.booking_from(shop, hotel, booked, seen)
    if before.status not in ("booked", "in_house"):
        raise PmsRejected(before.status)
    return booked, seen, before


def _plan(shop: Shop, hotel: Hotel, request: ChangeRequest) -> Plan:
    booked, seen, before = _current(shop, hotel, request.code)
    kinds = {kind.room.code: kind for kind in shop.kinds()}
    if any(room.room_type not in kinds for room in request.rooms):
        raise PmsRejected("not_for_sale")
    lines = _matched(seen.standing, request.rooms)
    same_kinds = None not in lines and len(lines) == len(seen.standing)
    if request.stay == before.stay and same_kinds:
        way = "nothing" if _same_people(lines, request.rooms) else "people"
        total, rooms = before.total, _as_they_cost(before, seen, kinds, request.rooms, lines)
    else:
        way = "put"
        rooms = _priced_anew(shop, before, seen, kinds, request, lines)
        total = sum((room.price.total for room in rooms), Decimal(0))
    if way != "nothing":
        if before.status == "in_house":
            raise PmsRejected("in_house")
        today = min(hotel.today(), request.stay.check_in) if request.stay.check_in == before.stay.check_in else None
        writing.check(hotel, request.stay, [(kinds[room.room_type], room) for room in request.rooms], today)
    plan = Plan(booked, before, seen, rooms, tuple(lines), total, way)
    return plan if way != "put" else _with_rooms(shop, plan, request, same_kinds)


def _matched(standing: Sequence[Line], rooms: Sequence[RoomRequest]) -> list[Line | None]:
    """For each room that is wanted one of the booking's own of that kind; first those with the very people."""
    left = list(standing)
    found: list[Line | None] = []
    for room in rooms:
        own = [line for line in left if str(line.kind_id) == room.room_type]
        own.sort(key=lambda line: Wanted(line.kind_id, line.adults, line.children) != Wanted.of(room))
        found.append(own[0] if own else None)
        if own:
            left.remove(own[0])
    return found


def _same_people(lines: Sequence[Line | None], rooms: Sequence[RoomRequest]) -> bool:
    return all(
        line is not None and Wanted(line.kind_id, line.adults, line.children) == Wanted.of(room)
        for line, room in zip(lines, rooms, strict=True)
    )


def _old_prices(before: Booking, seen: Seen) -> dict[int, Decimal]:
    """What each room costs now, everything included, by its line."""
    weights = [line.gross for line in seen.standing]
    prices = shares(before.total, weights if all(weights) else [Decimal(1)] * len(weights))
    return {line.id: price for line, price in zip(seen.standing, prices, strict=True)}


def _as_they_cost(
    before: Booking, seen: Seen, kinds: Mapping[str, Kind], rooms: Sequence[RoomRequest], lines: Sequence[Line | None]
) -> tuple[writing.Room, ...]:
    prices = _old_prices(before, seen)
    even = [Decimal(1)] * before.stay.nights
    return tuple(
        writing.Room(kinds[room.room_type], room, Price(prices[line.id], shares(prices[line.id], even), (), Decimal(1)))
        for room, line in zip(rooms, lines, strict=True)
        if line is not None
    )


def _priced_anew(
    shop: Shop,
    before: Booking,
    seen: Seen,
    kinds: Mapping[str, Kind],
    request: ChangeRequest,
    lines: Sequence[Line | None],
) -> tuple[writing.Room, ...]:
    """Nights that stay in a kind of room that stays cost what they did; every other costs what it costs today."""
    offered = shop.offered(request.stay)
    first = min(before.stay.check_in, request.stay.check_in)
    last = max(before.stay.check_out, request.stay.check_out)
    meet = before.stay.check_in < request.stay.check_out and request.stay.check_in < before.stay.check_out
    rates = shop.nightly(Stay(first, last)) if meet and any(lines) else {}
    prices = _old_prices(before, seen)
    found = []
    for room, line in zip(request.rooms, lines, strict=True):
        free = offered.of(room.room_type)
        if free is None or free.price is None:
            raise PmsRejected("not_for_sale")
        price = free.price
        if line is not None and meet:
            nightly = _nightly(rates[room.room_type], before.stay, request.stay, prices[line.id])
            if sum(nightly, Decimal(0)) != price.total:
                price = fixed(kinds[room.room_type], nightly, price.rate)
        found.append(writing.Room(kinds[room.room_type], room, price))
    return tuple(found)


def _nightly(rates: Mapping[date, Decimal], old: Stay, new: Stay, price: Decimal) -> tuple[Decimal, ...]:
    nights = _nights(old)
    known = [rates[night] for night in nights if night in rates]
    weights = known if len(known) == len(nights) and all(known) else [Decimal(1)] * len(nights)
    kept = dict(zip(nights, shares(price, weights), strict=True))
    if any(night not in kept and night not in rates for night in _nights(new)):
        raise PmsRejected("not_for_sale")
    return tuple(kept[night] if night in kept else rates[night] for night in _nights(new))


def _nights(stay: Stay) -> list[date]:
    return [stay.check_in + timedelta(days=number) for number in range(stay.nights)]


def _with_rooms(shop: Shop, plan: Plan, request: ChangeRequest, same_kinds: bool) -> Plan:
    """The way on which there are rooms for it. Raises RoomTaken."""
    offered = shop.offered(request.stay)
    if _enough(offered, request.rooms):
        return plan
    if same_kinds and all(_is_free(shop, line, request.stay) for line in plan.seen.standing):
        # A booking that is the same but for its price takes none but one that is given.
        rooms = tuple(replace(room, price=fixed(room.kind, room.price.nightly, room.price.rate)) for room in plan.rooms)
        return replace(plan, rooms=rooms, total=sum((room.price.total for room in rooms), Decimal(0)), way="lines")
    raise RoomTaken


def _enough(offered: Offered, rooms: Sequence[RoomRequest]) -> bool:
    counts = Counter(room.room_type for room in rooms)
    return all((free := offered.of(code)) is not None and len(free.rooms) >= n for code, n in counts.items())


def _is_free(shop: Shop, line: Line, stay: Stay) -> bool:
    """Whether nobody but this order has the room, and the room is to be had."""
    others = [other for other in shop.lines_in(line.room_id, stay) if other.order_id != line.order_id]
    return not others and shop.is_in_service(line.room_id)


def _free_until(hotel: Hotel, plan: Plan, request: ChangeRequest) -> datetime:
    """Whoever arrives when they always would keeps the deadline that they were told."""
    same_day = request.stay.check_in == plan.before.stay.check_in
    return plan.before.free_until if same_day else free_until(hotel, request.stay.check_in)


def _told(room: writing.Room, line: Line | None) -> BookedRoom:
    request = room.request
    return BookedRoom(
        room.kind.room,
        line.number if line is not None else "",
        room.price.total,
        request.adults,
        request.children + request.cots,
    )


# Making it


def _make(shop: Shop, hotel: Hotel, plan: Plan, request: ChangeRequest) -> None:
    """Make the change and see that it stands at its price; else go back to what was."""
    write_id = writing.intend(
        hotel,
        "change",
        desk.token_of(plan.booked),
        _payload(plan, request),
        plan.booked.pms_id,
        plan.booked.id,
        plan.booked.guest_id,
    )
    under_way = False
    try:
        _ask(shop, hotel, plan, request)
    except Refused as refusal:
        if plan.way == "lines":
            _go_back(shop, hotel, plan, write_id)
        writing.settle(write_id, "refused", refusal.words)
        db.session.commit()
        raise refusal_of(refusal) from None
    except PmsUnavailable as trouble:
        log.warning("pms_outcome_unknown", operation="change", code=plan.booked.code, why=str(trouble))
        under_way = isinstance(trouble, StillUnderWay)
    try:
        found = _check(shop, plan, request)
        if found is not None and under_way:
            raise OutcomeUnknown("it may still come about")
    except PmsUnavailable as away:
        writing.settle(write_id, "unknown", f"not looked up: {away}")
        db.session.commit()
        raise OutcomeUnknown(f"the change of {plan.booked.code}") from away
    if found is not None:
        _go_back(shop, hotel, plan, write_id)
        writing.settle(write_id, "refused", str(found))
        db.session.commit()
        raise found
    writing.settle(write_id, "done")
    db.session.commit()


def _payload(plan: Plan, request: ChangeRequest) -> dict[str, object]:
    return {
        "stay": [str(request.stay.check_in), str(request.stay.check_out)],
        "rooms": [room.packed() for room in request.rooms],
        "total": str(plan.total),
        "request_key": request.request_key,
    }


def _ask(shop: Shop, hotel: Hotel, plan: Plan, request: ChangeRequest) -> None:
    if plan.way == "put":
        _put(shop, hotel, plan, request.stay, plan.rooms)
        return
    for line, room in zip(plan.lines, plan.rooms, strict=True):
        assert line is not None  # As every room of the same kinds has one.
        fields = _people(room.request)
        if plan.way == "lines":
            fields |= _dates(request.stay)
        writing.set_line(shop, line.id, **fields)
    if plan.way == "lines":  # The rooms are moved, and cost what they did: the same booking once more, at its price.
        _put(shop, hotel, plan, request.stay, plan.rooms)


def _put(shop: Shop, hotel: Hotel, plan: Plan, stay: Stay, rooms: Sequence[writing.Room]) -> None:
    person = writing.person_of(hotel, plan.booked.guest_id, plan.booked.guest_name)
    db.session.commit()
    remark = writing.remark_of(plan.booked.code, [room.request for room in rooms])
    writing.change(shop, plan.seen.order, plan.booked.currency, person, stay, rooms, remark)


def _dates(stay: Stay) -> dict[str, str]:
    return {"date_from": f"{stay.check_in} 00:00:00", "date_to": f"{stay.check_out} 00:00:00"}


def _people(room: RoomRequest) -> dict[str, str]:
    ages = [writing.AGE_OF_A_CHILD] * room.children + [writing.AGE_IN_A_COT] * room.cots
    return {"adults": str(room.adults), "children": str(len(ages)), "child_ages": json.dumps(ages)}


def _check(shop: Shop, plan: Plan, request: ChangeRequest) -> Exception | None:
    """Nothing where the booking has become what was wanted; else what is to be said about it."""
    order = shop.order(plan.booked.pms_id)
    if order is None:
        return PmsRejected("unknown")
    try:
        lines = standing.check_standing(shop, order, request.stay, plan.wanted)
        _people_fit(lines)
    except RoomTaken as taken:
        return taken
    except Otherwise as other:
        log.error("pms_changed_otherwise", code=plan.booked.code, why=str(other))
        return PmsRejected("not_as_asked")
    if order.total != plan.total:
        log.error("pms_price_otherwise", code=plan.booked.code, total=str(order.total), told=str(plan.total))
        return PmsRejected("price_changed")
    return None


def _people_fit(lines: Sequence[Line]) -> None:
    if len({line.room_id for line in lines}) != len(lines):
        raise Otherwise("one room twice")


def _go_back(shop: Shop, hotel: Hotel, plan: Plan, write_id: int) -> None:
    """Make the booking again what it was. Raises OutcomeUnknown where that cannot be seen; people go on from there."""
    try:
        if _is_as_it_was(shop, plan):
            return
        rooms = _old_rooms(shop, plan)
        for line in plan.seen.standing:
            if any(now.id == line.id for now in shop.lines_of([plan.booked.pms_id])):
                writing.set_line(shop, line.id, **_dates(line.stay))
        _put(shop, hotel, plan, plan.before.stay, rooms)
    except (Refused, PmsUnavailable) as trouble:
        log.warning("pms_not_gone_back", code=plan.booked.code, why=str(trouble))
    try:
        if _is_as_it_was(shop, plan):
            return
    except PmsUnavailable as away:
        log.warning("pms_not_looked_up", code=plan.booked.code, why=str(away))
    writing.settle(write_id, "to_staff", "a change went wrong and could not be taken back")
    db.session.commit()
    raise OutcomeUnknown(f"the change of {plan.booked.code} went wrong")


def _old_rooms(shop: Shop, plan: Plan) -> tuple[writing.Room, ...]:
    """The rooms as they were, at today's price where that is what they cost."""
    today = {free.kind.id: free for free in shop.offered(plan.before.stay).kinds}
    prices = _old_prices(plan.before, plan.seen)
    even = [Decimal(1)] * plan.before.stay.nights
    found = []
    for line in plan.seen.standing:
        free = today.get(line.kind_id)
        if free is None or free.price is None:
            raise PmsUnavailable("QloApps does not sell this kind of room any more")
        price = free.price
        if price.total != prices[line.id]:
            price = fixed(free.kind, shares(prices[line.id], even), price.rate)
        request = RoomRequest(str(line.kind_id), line.adults, line.children)
        found.append(writing.Room(free.kind, request, price))
    return tuple(found)


def _is_as_it_was(shop: Shop, plan: Plan) -> bool:
    order = shop.order(plan.booked.pms_id)
    lines = [line for line in shop.lines_of([plan.booked.pms_id]) if line.stands]
    return order is not None and order.total == plan.before.total and _essence(lines) == _essence(plan.seen.standing)


def _essence(lines: Sequence[Line]) -> Counter[tuple[int, Stay, int, int]]:
    return Counter((line.kind_id, line.stay, line.adults, line.children) for line in lines)


def _version(booking: Booking) -> Version:
    return Version(
        booking.stay,
        tuple(room.kind.code for room in booking.rooms),
        booking.adults,
        booking.children,
        booking.guest_name,
        booking.total,
    )
