"""Changes of bookings: what they come to, made once, read back, and taken back where they came out otherwise."""

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
from hotel_agent.pms import agreeing
from hotel_agent.pms.contract import (
    BookedRoom,
    Booking,
    Change,
    ChangeQuote,
    ChangeRequest,
    OutcomeUnknown,
    PmsRejected,
    PmsUnavailable,
    RoomRequest,
    Stay,
    Version,
)
from hotel_agent.pms.local import changing as tables
from hotel_agent.pms.orders import booking as desk
from hotel_agent.pms.orders import records, standing, writes
from hotel_agent.pms.orders.booking import Seen
from hotel_agent.pms.orders.records import Booked
from hotel_agent.pms.orders.standing import Otherwise, Wanted
from hotel_agent.pms.orders.system import (
    Kind,
    Line,
    Offered,
    Price,
    Refused,
    Room,
    StillUnderWay,
    System,
    shares,
    standing_lines,
)
from hotel_agent.pms.policy import free_until

log = get_logger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a change comes to. `lines` are those of the booking's own that the rooms go on in.

    `way`: nothing, people (the same rooms on the same nights), anew, or a word of the system's for another way.
    """

    booked: Booked
    before: Booking
    seen: Seen
    stay: Stay
    rooms: tuple[Room, ...]
    lines: tuple[Line | None, ...]
    total: Decimal
    way: str
    same_rooms: bool

    @property
    def wanted(self) -> list[Wanted]:
        return [Wanted.of(room.request) for room in self.rooms]

    @property
    def late_fee(self) -> Decimal:
        return sum((room.price.nightly[0] for room in self.rooms), Decimal(0))

    @property
    def same_kinds(self) -> bool:
        return None not in self.lines and len(self.lines) == len(self.seen.standing)

    def at(self, rooms: Sequence[Room], way: str, *, same_rooms: bool) -> Plan:
        """Made that way, and what it costs then."""
        total = sum((room.price.total for room in rooms), Decimal(0))
        return replace(self, rooms=tuple(rooms), total=total, way=way, same_rooms=same_rooms)


def quote(system: System, hotel: Hotel, request: ChangeRequest) -> ChangeQuote:
    """What the change would come to now. Raises RoomTaken, PmsRejected."""
    plan = _plan(system, hotel, request)
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
        same_rooms=plan.same_rooms,
    )


def modify(system: System, hotel: Hotel, request: ChangeRequest) -> Change:
    """Change the booking, once for each request, and read it back.

    Raises RoomTaken and PmsRejected, after which it is as it was; OutcomeUnknown when that cannot be seen.
    """
    with writes.alone(hotel):
        done = change_of(hotel, request.code, request.request_key)
        if done:
            return done
        plan = _plan(system, hotel, request)
        if request.total is not None and request.total != plan.total:
            raise PmsRejected("price_changed")
        write_id = _make(system, hotel, plan, request) if plan.way != "nothing" else None
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
        after = _read_back(system, hotel, request.code, write_id)
        if request.guest_name != plan.booked.guest_name:
            desk.put_name(system, hotel, plan.booked, plan.seen.order, request.guest_name)
        change = Change(_version(plan.before), _version(after))
        records.note_change(plan.booked.id, request.request_key, change)
    return change


def change_of(hotel: Hotel, code: str, request_key: str) -> Change | None:
    """What this request has changed, if it has."""
    change = tables.change_of(hotel, code, request_key)
    db.session.commit()
    return change


def is_free_on(system: System, hotel: Hotel, code: str, night: date) -> bool:
    """Whether nobody else has the rooms of a booking on a night before or after its own."""
    _, seen, _ = _current(system, hotel, code)
    return all(system.can_stay(line, Stay(night, night + timedelta(days=1))) for line in seen.standing)


# What a change comes to


def _current(system: System, hotel: Hotel, code: str) -> tuple[Booked, Seen, Booking]:
    booked = records.booking_of(hotel, code)
    if booked is None:
        raise PmsRejected("unknown")
    read_at = agreeing.clock()
    order = records.its_order(system, booked)
    lines = system.lines_of([booked.pms_id])
    if order is None or not lines:
        raise PmsRejected("unknown")
    seen = Seen(order, lines)
    before = desk.booking_from(system, hotel, booked, seen, read_at)
    if before.status not in ("booked", "in_house"):
        raise PmsRejected(before.status)
    return booked, seen, before


def _plan(system: System, hotel: Hotel, request: ChangeRequest) -> Plan:
    booked, seen, before = _current(system, hotel, request.code)
    kinds = {kind.room.code: kind for kind in system.kinds()}
    if any(room.room_type not in kinds for room in request.rooms):
        raise PmsRejected("not_for_sale")
    lines = _matched(seen.standing, request.rooms)
    plan = Plan(booked, before, seen, request.stay, (), tuple(lines), before.total, "anew", same_rooms=True)
    if request.stay == before.stay and plan.same_kinds:
        way = "nothing" if _same_people(lines, request.rooms) else "people"
        plan = replace(plan, rooms=_as_they_cost(before, seen, kinds, request.rooms, lines), way=way)
    if plan.way == "nothing":
        return plan
    if before.status == "in_house":
        raise PmsRejected("in_house")
    today = min(hotel.today(), request.stay.check_in) if request.stay.check_in == before.stay.check_in else None
    wanted = [(kinds[room.room_type], room) for room in request.rooms]
    if plan.way == "people":
        writes.check(hotel, request.stay, wanted, today)
        return plan
    rooms = _priced_anew(system, before, seen, kinds, request, lines)
    writes.check(hotel, request.stay, wanted, today)
    return system.with_rooms(plan.at(rooms, "anew", same_rooms=False))


def _matched(standing: Sequence[Line], rooms: Sequence[RoomRequest]) -> list[Line | None]:
    """For each room that is wanted one of the booking's own of that kind; first those with the very people."""
    left = list(standing)
    found: list[Line | None] = []
    for room in rooms:
        own = [line for line in left if line.kind == room.room_type]
        own.sort(key=lambda line: Wanted.seen(line) != Wanted.of(room))
        found.append(own[0] if own else None)
        if own:
            left.remove(own[0])
    return found


def _same_people(lines: Sequence[Line | None], rooms: Sequence[RoomRequest]) -> bool:
    return all(
        line is not None and Wanted.seen(line) == Wanted.of(room) for line, room in zip(lines, rooms, strict=True)
    )


def old_prices(before: Booking, seen: Seen) -> dict[str, Decimal]:
    """What each room costs now, everything included, by its line."""
    weights = [line.gross for line in seen.standing]
    prices = shares(before.total, weights if all(weights) else [Decimal(1)] * len(weights))
    return {line.id: price for line, price in zip(seen.standing, prices, strict=True)}


def _as_they_cost(
    before: Booking, seen: Seen, kinds: Mapping[str, Kind], rooms: Sequence[RoomRequest], lines: Sequence[Line | None]
) -> tuple[Room, ...]:
    prices = old_prices(before, seen)
    even = [Decimal(1)] * before.stay.nights
    return tuple(
        Room(kinds[room.room_type], room, Price(prices[line.id], shares(prices[line.id], even)))
        for room, line in zip(rooms, lines, strict=True)
        if line is not None
    )


def _priced_anew(
    system: System,
    before: Booking,
    seen: Seen,
    kinds: Mapping[str, Kind],
    request: ChangeRequest,
    lines: Sequence[Line | None],
) -> tuple[Room, ...]:
    """Nights that stay in a kind of room that stays cost what they did; every other costs what it costs today."""
    offered = system.offered(request.stay)
    first = min(before.stay.check_in, request.stay.check_in)
    last = max(before.stay.check_out, request.stay.check_out)
    meet = before.stay.check_in < request.stay.check_out and request.stay.check_in < before.stay.check_out
    rates = system.nightly(Stay(first, last)) if meet and any(lines) else {}
    prices = old_prices(before, seen)
    found = []
    for room, line in zip(request.rooms, lines, strict=True):
        free = offered.of(room.room_type)
        if free is None or free.price is None:
            raise PmsRejected("not_for_sale")
        wanted = Room(kinds[room.room_type], room, free.price)
        if line is not None and meet:
            nightly = _nightly(rates[room.room_type], before.stay, request.stay, prices[line.id])
            if sum(nightly, Decimal(0)) != free.price.total:
                wanted = replace(wanted, price=system.fixed(wanted, nightly))
        found.append(wanted)
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


def enough(offered: Offered, rooms: Sequence[RoomRequest]) -> bool:
    """Whether so many rooms are free beside those that the booking has."""
    counts = Counter(room.room_type for room in rooms)
    return all((free := offered.of(code)) is not None and free.rooms >= n for code, n in counts.items())


def _free_until(hotel: Hotel, plan: Plan, request: ChangeRequest) -> datetime:
    """Whoever arrives when they always would keeps the deadline that they were told."""
    same_day = request.stay.check_in == plan.before.stay.check_in
    return plan.before.free_until if same_day else free_until(hotel, request.stay.check_in)


def _told(room: Room, line: Line | None) -> BookedRoom:
    request = room.request
    return BookedRoom(
        room.kind.room,
        line.number if line is not None else "",
        room.price.total,
        request.adults,
        request.children + request.cots,
    )


# Making it


def _make(system: System, hotel: Hotel, plan: Plan, request: ChangeRequest) -> int:
    """Make the change and see that it stands at its price; else go back to what was. Answers the write's number."""
    write_id = writes.intend_for(hotel, "change", plan.booked, _payload(plan, request))
    trouble: PmsUnavailable | None = None
    try:
        system.change(plan)
    except Refused as refusal:
        _go_back(system, plan, write_id)
        writes.settle(write_id, "refused", refusal.words)
        raise system.meaning(refusal, plan.stay, request.rooms) from None
    except PmsUnavailable as error:
        log.warning("pms_outcome_unknown", operation="change", code=plan.booked.code, why=str(error))
        trouble = error
    try:
        found = _check(system, plan)
        if found is not None and isinstance(trouble, StillUnderWay):
            raise OutcomeUnknown("it may still come about")
    except PmsUnavailable as away:
        writes.settle(write_id, "unknown", f"not looked up: {away}")
        raise OutcomeUnknown(f"the change of {plan.booked.code}") from away
    if found is None:
        writes.settle(write_id, "done")
        return write_id
    _go_back(system, plan, write_id)
    writes.settle(write_id, "refused", str(trouble or found))
    if trouble is not None:
        raise PmsUnavailable(f"the change of {plan.booked.code} was not made") from trouble
    raise found


def _read_back(system: System, hotel: Hotel, code: str, write_id: int | None) -> Booking:
    """As it stands now. What cannot be read is looked up later, when people hear how it ended."""
    try:
        after = desk.read(system, hotel, code)
    except PmsUnavailable as away:
        if write_id is not None:
            writes.settle(write_id, "unknown", f"not read back: {away}")
        raise OutcomeUnknown(f"the change of {code}") from away
    if after is None:
        raise OutcomeUnknown(code)
    return after


def _payload(plan: Plan, request: ChangeRequest) -> dict[str, object]:
    return {
        "stay": [str(request.stay.check_in), str(request.stay.check_out)],
        "rooms": [room.packed() for room in request.rooms],
        "total": str(plan.total),
        "request_key": request.request_key,
    }


def _check(system: System, plan: Plan) -> RoomTaken | PmsRejected | None:
    """What is wrong with what stands now. Raises PmsUnavailable."""
    order = records.its_order(system, plan.booked)
    if order is None:
        return PmsRejected("unknown")
    try:
        lines = standing.check_standing(system, order, plan.stay, plan.wanted)
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
    rooms = [line.room for line in lines if line.room]
    if len(set(rooms)) != len(rooms):
        raise Otherwise("one room twice")


def _go_back(system: System, plan: Plan, write_id: int) -> None:
    """Make the booking again what it was. Raises OutcomeUnknown where that cannot be seen; people go on from there."""
    try:
        if _is_as_it_was(system, plan):
            return
        system.change_back(plan)
    except (Refused, PmsUnavailable) as trouble:
        log.warning("pms_not_gone_back", code=plan.booked.code, why=str(trouble))
    try:
        if _is_as_it_was(system, plan):
            return
    except PmsUnavailable as away:
        log.warning("pms_not_looked_up", code=plan.booked.code, why=str(away))
    writes.settle(write_id, "to_staff", "a change went wrong and could not be taken back")
    raise OutcomeUnknown(f"the change of {plan.booked.code} went wrong")


def _is_as_it_was(system: System, plan: Plan) -> bool:
    order = records.its_order(system, plan.booked)
    lines = standing_lines(system, plan.booked.pms_id)
    return order is not None and order.total == plan.before.total and _essence(lines) == _essence(plan.seen.standing)


def _essence(lines: Sequence[Line]) -> Counter[tuple[str, Stay, int, int]]:
    return Counter((line.kind, line.stay, line.adults, line.children) for line in lines)


def _version(booking: Booking) -> Version:
    return Version(
        booking.stay,
        tuple(room.kind.code for room in booking.rooms),
        booking.adults,
        booking.children,
        booking.guest_name,
        booking.total,
    )
