"""Holds where a system knows none: an unpaid booking with our token, cancelled by us when its time is over."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import MOST_EXTENSIONS, RoomTaken, extensions
from hotel_agent.locks.holding import holds as counted
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import (
    BookedRoom,
    Hold,
    HoldRequest,
    OutcomeUnknown,
    PmsRejected,
    PmsUnavailable,
    RoomKind,
    RoomRequest,
)
from hotel_agent.pms.orders import records, standing, writes
from hotel_agent.pms.orders.records import HoldRow, Kept
from hotel_agent.pms.orders.standing import GuestIsIn, Otherwise, Wanted
from hotel_agent.pms.orders.system import (
    CENT,
    Line,
    Offered,
    Order,
    Refused,
    Room,
    StillUnderWay,
    System,
    Wish,
    shares,
)
from hotel_agent.pms.policy import free_until

log = get_logger(__name__)

CREATE_ATTEMPTS = 2


def hold(system: System, hotel: Hotel, request: HoldRequest) -> Hold:
    """Keep the rooms at the prices of now, once for each request. Raises RoomTaken, PmsRejected, OutcomeUnknown."""
    try:
        with writes.alone(hotel):
            row = _live_of_request(hotel, request) or _take(system, hotel, request)
            _let_go_of_replaced(system, hotel, request, row)
    except RoomTaken:
        counted.labels("taken").inc()
        raise
    return told(hotel, system, row)


def held(system: System, hotel: Hotel, hold_key: str) -> Hold | None:
    """A hold that is live or has become a booking, else None."""
    row = records.hold_of(hotel, hold_key)
    return told(hotel, system, row) if row is not None and row.is_live else None


def extend(system: System, hotel: Hotel, hold_key: str, guest_id: int, request_key: str) -> Hold:
    """Keep a live hold of this guest for longer. Raises PmsRejected with the reason."""
    try:
        longer = _extended(system, hotel, hold_key, guest_id, request_key)
    except PmsRejected as refusal:
        extensions.labels(refusal.reason).inc()
        raise
    extensions.labels("extended").inc()
    return longer


def _extended(system: System, hotel: Hotel, hold_key: str, guest_id: int, request_key: str) -> Hold:
    with writes.alone(hotel):
        row = records.hold_of(hotel, hold_key)
        if row is None or row.guest_id != guest_id:
            raise PmsRejected("unknown")
        if row.status == "booked":
            raise PmsRejected("booked")
        if not row.is_live:
            raise PmsRejected("over")
        if row.extension_key != request_key:
            if row.extensions >= MOST_EXTENSIONS:
                raise PmsRejected("often_enough")
            if not records.keep_longer(row.id, request_key):
                raise PmsRejected("over")
    longer = held(system, hotel, hold_key)
    if longer is None:
        raise PmsRejected("over")
    return longer


def release(system: System, hotel: Hotel, hold_key: str, guest_id: int, reason: str) -> bool:
    """Let a live hold of this guest go; False when there was none. What the PMS does not hear now the sweep repeats."""
    with writes.alone(hotel):
        row = records.hold_of(hotel, hold_key)
        if row is None or row.guest_id != guest_id or not records.let_go(row.id):
            return False
        counted.labels("released").inc()
        log.info("hold released", hold_key=hold_key, reason=reason)
        clear_if_it_answers(system, row)
    return True


def clear(system: System, row: HoldRow) -> None:
    """See to it that nothing of a hold that is none any more stands there, while nobody else writes.

    Raises OutcomeUnknown, GuestIsIn, PmsUnavailable.
    """
    for order in system.orders_of(row.token):
        standing.undo(system, order.id)
    records.clear_hold(row.id)


def clear_lapsed(system: System, hotel: Hotel) -> int:
    """Cancel what holds whose time is over still keep, while nobody else writes; how many."""
    expire(hotel)
    over = records.holds_where(
        "hotel_id = :hotel and cleared_at is null and status in ('expired', 'released', 'refused')", hotel=hotel.id
    )
    return sum(clear_if_it_answers(system, row) for row in over)


def expire(hotel: Hotel) -> tuple[HoldRow, ...]:
    """Holds whose time is over are none; those of just now."""
    ids = db.session.execute(
        text(
            "update pms_holds set status = 'expired' where hotel_id = :hotel and status = 'active'"
            " and expires_at <= clock_timestamp() returning id"
        ),
        {"hotel": hotel.id},
    ).scalars()
    expired = list(ids)
    db.session.commit()
    if expired:
        counted.labels("expired").inc(len(expired))
    return records.holds_where("id = any(:ids)", ids=expired) if expired else ()


def told(hotel: Hotel, system: System, row: HoldRow) -> Hold:
    kinds = {kind.room.code: kind.room for kind in system.kinds()}
    return Hold(
        hold_key=row.hold_key,
        guest_id=row.guest_id,
        expires_at=row.expires_at,
        stay=row.stay,
        rooms=tuple(_room(kinds, kept) for kept in row.rooms),
        adults=sum(kept.request.adults for kept in row.rooms),
        children=sum(kept.request.children + kept.request.cots for kept in row.rooms),
        total=row.total,
        currency=row.currency,
        free_until=free_until(hotel, row.check_in),
        late_fee=row.late_fee,
        is_booked=row.status == "booked",
    )


def _room(kinds: dict[str, RoomKind], kept: Kept) -> BookedRoom:
    kind = kinds.get(kept.request.room_type) or RoomKind(kept.request.room_type, kept.request.persons)
    children = kept.request.children + kept.request.cots
    return BookedRoom(kind, kept.number, kept.price, kept.request.adults, children)


# Taking rooms


def _live_of_request(hotel: Hotel, request: HoldRequest) -> HoldRow | None:
    rows = records.holds_where(
        "hotel_id = :hotel and request_key = :request and status in ('active', 'booked')",
        hotel=hotel.id,
        request=request.request_key,
    )
    return next((row for row in rows if row.is_live), None)


def _take(system: System, hotel: Hotel, request: HoldRequest) -> HoldRow:
    kinds = {kind.room.code: kind for kind in system.kinds()}
    if any(room.room_type not in kinds for room in request.rooms):
        raise PmsRejected("not_for_sale")
    writes.check(hotel, request.stay, [(kinds[room.room_type], room) for room in request.rooms])
    offered = system.offered(request.stay)
    if not _enough(offered, request) and clear_lapsed(system, hotel):
        offered = system.offered(request.stay)
    if not _enough(offered, request):
        return _the_same_again(hotel, request)
    rooms = tuple(_priced(offered, room) for room in request.rooms)
    row = records.keep_hold(
        hotel,
        uuid.uuid4().hex,
        request.request_key,
        request.guest_id,
        request.stay,
        tuple(Kept(room.request, room.price.total) for room in rooms),
        sum((room.price.nightly[0] for room in rooms), Decimal(0)),
        offered.currency,
    )
    order = _create(system, hotel, row, rooms)
    _read_back(system, row, order)
    counted.labels("held").inc()
    taken = records.hold_of(hotel, row.hold_key)
    assert taken is not None
    return taken


def _enough(offered: Offered, request: HoldRequest) -> bool:
    """Whether so many rooms are free. Raises PmsRejected without a price."""
    for code, count in Counter(room.room_type for room in request.rooms).items():
        free = offered.of(code)
        if free is None or free.price is None:
            raise PmsRejected("not_for_sale")
        if free.rooms < count:
            return False
    return True


def _the_same_again(hotel: Hotel, request: HoldRequest) -> HoldRow:
    """The rooms that are missing may be those that this guest holds: then the hold goes on for the new request.

    Raises RoomTaken.
    """
    old = records.hold_of(hotel, request.replaces) if request.replaces else None
    wanted = Counter(request.rooms)
    if (
        old is None
        or old.status != "active"
        or not old.is_live
        or old.guest_id != request.guest_id
        or old.stay != request.stay
        or Counter(kept.request for kept in old.rooms) != wanted
        or not records.hand_on(old.id, request.request_key)
    ):
        raise RoomTaken
    again = records.hold_of(hotel, old.hold_key)
    assert again is not None
    return again


def _priced(offered: Offered, request: RoomRequest) -> Room:
    free = offered.of(request.room_type)
    assert free is not None
    assert free.price is not None  # As `_enough` has found.
    return Room(free.kind, request, free.price)


def _create(system: System, hotel: Hotel, row: HoldRow, rooms: Sequence[Room]) -> Order:
    """Ask for the booking until it is found or refused: whatever was answered, the token tells."""
    remark = writes.remark_of(row.code, [room.request for room in rooms])
    person = writes.person_of(hotel, row.guest_id)
    wish = Wish(row.token, row.code, row.currency, person, row.stay, tuple(rooms), remark)
    payload = {"stay": [str(row.check_in), str(row.check_out)], "rooms": [kept.packed() for kept in row.rooms]}
    write_id = writes.intend(hotel, "create", row.token, payload, guest_id=row.guest_id)
    for attempt in range(1, CREATE_ATTEMPTS + 1):
        last = attempt == CREATE_ATTEMPTS
        try:
            with writes.noted(write_id):
                system.create(wish)
        except Refused as refusal:
            records.set_hold(row.id, "refused", cleared=attempt == 1)
            raise system.meaning(refusal, row.stay, [room.request for room in rooms]) from None
        except StillUnderWay:
            last = True  # Asking again now could book twice.
        except OutcomeUnknown:
            pass
        except PmsUnavailable:
            records.set_hold(row.id, "refused", cleared=attempt == 1)
            raise
        order = _found(system, row, write_id)
        if order is not None:
            return order
        if last:
            break
    raise _nobody_knows(write_id, "no booking with this token was found")


def _found(system: System, row: HoldRow, write_id: int) -> Order | None:
    try:
        order = standing.only_one(system, row.token)
    except PmsUnavailable as away:
        raise _nobody_knows(write_id, f"not looked up: {away}") from away
    if order is not None:
        writes.settle(write_id, "done", order_id=order.id)
    return order


def _nobody_knows(write_id: int, why: str) -> OutcomeUnknown:
    writes.settle(write_id, "unknown", why)
    return OutcomeUnknown(why)


def _read_back(system: System, row: HoldRow, order: Order) -> None:
    """The hold stands only when its rooms do, at the price that was asked for. Else it is undone and RoomTaken or
    PmsRejected raised; OutcomeUnknown when it cannot be seen."""
    try:
        lines = standing.check_standing(system, order, row.stay, [Wanted.of(kept.request) for kept in row.rooms])
        if not same_price(order.total, row.total, row.stay.nights * len(row.rooms)):
            raise Otherwise(f"a price of {order.total} where {row.total} was asked for")
    except RoomTaken:
        _undo(system, row)
        raise
    except Otherwise as other:
        log.error("pms_booked_otherwise", token=row.token, order=order.id, why=str(other))
        _undo(system, row)
        raise PmsRejected("not_as_asked") from None
    except PmsUnavailable as away:
        raise OutcomeUnknown(f"{row.token} is not read back") from away
    rooms = given(row.rooms, lines, order.total)
    records.hold_stands(row, order.id, rooms, order.total)


def same_price(one: Decimal, other: Decimal, roundings: int) -> bool:
    """The same but for what rounding each net price may give or take."""
    return abs(one - other) <= CENT * roundings


def given(rooms: Sequence[Kept], lines: Sequence[Line], total: Decimal) -> tuple[Kept, ...]:
    """The rooms with their numbers there; their prices add up to what the whole order costs."""
    left = list(lines)
    prices = [kept.price for kept in rooms]
    prices = prices if sum(prices, Decimal(0)) == total else list(shares(total, prices))
    found = []
    for kept, price in zip(rooms, prices, strict=True):
        line = next(line for line in left if Wanted.seen(line) == Wanted.of(kept.request))
        left.remove(line)
        found.append(replace(kept, price=price, number=line.number, room_id=line.room))
    return tuple(found)


def _undo(system: System, row: HoldRow) -> None:
    """Give back what was taken. Where that fails the sweep goes on, as the hold is none any more."""
    records.set_hold(row.id, "refused")
    clear_if_it_answers(system, row)


def clear_if_it_answers(system: System, row: HoldRow) -> bool:
    try:
        clear(system, row)
    except (PmsUnavailable, GuestIsIn) as trouble:
        log.warning("pms_hold_not_cleared", token=row.token, why=str(trouble))
        return False
    return True


def _let_go_of_replaced(system: System, hotel: Hotel, request: HoldRequest, row: HoldRow) -> None:
    if not request.replaces or request.replaces == row.hold_key:
        return
    old = records.hold_of(hotel, request.replaces)
    if old is not None and old.guest_id == request.guest_id and records.let_go(old.id):
        clear_if_it_answers(system, old)
