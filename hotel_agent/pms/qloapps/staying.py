"""Guests who come, move to another room and leave. QloApps checks none of it and lets anybody in anywhere, so we do.

It is written into the lines of an order and read back from them; asking again goes on with the rooms that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hotel_agent.db import utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import PmsRejected, Stay
from hotel_agent.pms.orders import records, writes
from hotel_agent.pms.orders.records import Booked
from hotel_agent.pms.orders.system import status_of
from hotel_agent.pms.qloapps import writing
from hotel_agent.pms.qloapps.listing import OUT_OF_ORDER, rooms_of
from hotel_agent.pms.qloapps.reading import CANCELED, Line, Order, Shop, plain, whole
from hotel_agent.pms.qloapps.shops import shop_of

IN_HOUSE, DEPARTED = "2", "3"
_STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Room:
    """A room as it is there."""

    id: int
    kind_id: int
    number: str
    out_of_order: bool


def check_in(hotel: Hotel, code: str, today: date) -> bool:
    """The guest is in, in every room of the booking; False when they were.

    Raises PmsRejected with the status, "too_early", "over", "out_of_order", "occupied"; OutcomeUnknown.
    """
    shop = shop_of(hotel)
    with writes.alone(hotel):
        booked, seen = _look(shop, hotel, code)
        outside = [line for line in seen.standing if not (line.guest_is_in or line.guest_has_left)]
        if seen.status == "in_house" and not outside:
            _is_now(booked, "in_house")
            return False
        _must_be(seen, "booked", "in_house")
        if today < min(line.stay.check_in for line in outside):
            raise PmsRejected("too_early")
        if today >= max(line.stay.check_out for line in outside):
            raise PmsRejected("over")
        rooms = {room.id: room for room in _rooms(shop)}
        for line in outside:
            _check_empty(shop, line, rooms, today)
        fields = {"id_status": IN_HOUSE, "check_in": _stamp(hotel, today)}
        _put(shop, hotel, "check_in", booked, {line.id: fields for line in outside}, _all_in)
        _is_now(booked, "in_house")
    return True


def check_out(hotel: Hotel, code: str, today: date) -> bool:
    """The guest has left every room, whose nights that are left are free; False when they had.

    Raises PmsRejected with the status; OutcomeUnknown.
    """
    shop = shop_of(hotel)
    with writes.alone(hotel):
        booked, seen = _look(shop, hotel, code)
        if seen.status == "departed":
            _is_now(booked, "departed")
            return False
        _must_be(seen, "in_house")
        left = _stamp(hotel, today)
        lines = {
            # As QloApps itself has it: nobody leaves later than they were to.
            line.id: {"id_status": DEPARTED, "check_out": min(left, f"{line.stay.check_out} 00:00:00")}
            for line in seen.standing
            if not line.guest_has_left
        }
        _put(shop, hotel, "check_out", booked, lines, _all_out)
        _is_now(booked, "departed")
    return True


def no_show(hotel: Hotel, code: str, today: date) -> bool:  # noqa: ARG001  One of the operations of every adapter.
    """QloApps knows nobody who did not come: people of the hotel cancel or refund there. Raises PmsRejected."""
    raise PmsRejected("not_supported")


def move(hotel: Hotel, code: str, from_room: str, to_room: str) -> bool:
    """Another room at the price of before; False when it was so. QloApps has one room for all nights of a line.

    Raises RoomTaken, PmsRejected with the status, "unknown_room" or "out_of_order"; OutcomeUnknown.
    """
    shop = shop_of(hotel)
    with writes.alone(hotel):
        booked, seen = _look(shop, hotel, code)
        _must_be(seen, "booked", "in_house")
        rooms = _rooms(shop)
        there = next((room for room in rooms if room.number == to_room), None)
        numbers = {room.id: room.number for room in rooms}
        staying = [line for line in seen.standing if not line.guest_has_left]
        line = next((line for line in staying if numbers.get(line.room_id) == from_room), None)
        if there is not None and any(line.room_id == there.id for line in staying) and line is None:
            return False
        if there is None or line is None:
            raise PmsRejected("unknown_room")
        if there.id == line.room_id:
            return False
        if there.out_of_order:
            raise PmsRejected("out_of_order")
        nights = _left(line.stay, hotel.today())
        _check_free(shop, there, nights)
        _put(shop, hotel, "move", booked, {line.id: _to(shop, there)}, _is_in(line.id, there.id))
        try:
            _check_free(shop, there, nights, but=line.id)
        except RoomTaken:
            back = next(room for room in rooms if room.id == line.room_id)
            _put(shop, hotel, "move", booked, {line.id: _to(shop, back)}, _is_in(line.id, back.id))
            raise
    return True


def looked_up(shop: Shop, booked: Booked, operation: str, payload: Mapping[str, Any]) -> tuple[str, str]:
    """What became of a write of this page of which nobody knew: the state of its row, and why. Raises PmsUnavailable.

    Whoever asked has been told that it is not known, and sees in the rooms what it came to.
    """
    lines = tuple(line for line in shop.lines_of([booked.pms_id]) if line.stands)
    wanted = {int(line_id): fields for line_id, fields in payload.get("lines", {}).items()}
    by_id = {line.id: line for line in lines}
    done = all(line_id in by_id and _has(by_id[line_id], fields) for line_id, fields in wanted.items())
    if not done:
        return "refused", "it was not done"
    if operation in _BECOMES:
        _is_now(booked, _BECOMES[operation])
    return "done", "found in its rooms"


_BECOMES = {"check_in": "in_house", "check_out": "departed"}


def _has(line: Line, fields: Mapping[str, str]) -> bool:
    told = {"id_status": str(line.status), "id_room": str(line.room_id)}
    return all(told[name] == value for name, value in fields.items() if name in told)


# Looking first


@dataclass(frozen=True)
class Seen:
    """An order and its rooms as they stand, by the numbers that they have there."""

    order: Order
    lines: tuple[Line, ...]

    @property
    def standing(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.stands)

    @property
    def status(self) -> str:
        return status_of(self.order.state == CANCELED, self.standing)


def _look(shop: Shop, hotel: Hotel, code: str) -> tuple[Booked, Seen]:
    booked = records.booking_of(hotel, code)
    if booked is None:
        raise PmsRejected("unknown")
    if booked.status == "pending":
        raise PmsRejected("pending")
    orders, lines = shop.orders([booked.pms_id]), shop.lines_of([booked.pms_id])
    if not orders or not lines or booked.token not in ("", orders[0].source):
        raise PmsRejected("unknown")
    return booked, Seen(orders[0], lines)


def _must_be(seen: Seen, *statuses: str) -> None:
    if seen.status not in statuses:
        raise PmsRejected(seen.status)


def _rooms(shop: Shop) -> list[Room]:
    return [
        Room(
            whole(row.get("id")),
            whole(row.get("id_product")),
            plain(row.get("room_num")),
            whole(row.get("id_status") or 1) == OUT_OF_ORDER,
        )
        for row in rooms_of(shop)
    ]


def _check_empty(shop: Shop, line: Line, rooms: Mapping[int, Room], today: date) -> None:
    """Raises PmsRejected where nobody can sleep, or somebody does."""
    room = rooms.get(line.room_id)
    if room is None or room.out_of_order:
        raise PmsRejected("out_of_order")
    others = [other for other in shop.lines_in(line.room_id, _left(line.stay, today)) if other.id != line.id]
    if any(other.guest_is_in for other in others):
        raise PmsRejected("occupied")


def _check_free(shop: Shop, room: Room, nights: Stay, but: int = 0) -> None:
    """Raises RoomTaken."""
    if any(line.id != but for line in shop.lines_in(room.id, nights)):
        raise RoomTaken


def _left(stay: Stay, today: date) -> Stay:
    """The nights from today on; of a stay that is over its last one."""
    return Stay(min(max(stay.check_in, today), date.fromordinal(stay.check_out.toordinal() - 1)), stay.check_out)


def _stamp(hotel: Hotel, today: date) -> str:
    """The time of day where the hotel is, which is the shop's unless somebody has set it up otherwise."""
    now = utcnow().astimezone(hotel.zone)
    return datetime.combine(today, now.time()).strftime(_STAMP)


def _to(shop: Shop, room: Room) -> dict[str, str]:
    """A line keeps the number and the kind beside the room, and rooms are free or taken by both."""
    kind = next((kind.room for kind in shop.kinds() if kind.id == room.kind_id), None)
    named = {"room_type_name": next(iter(kind.names.values()))} if kind is not None and kind.names else {}
    return {"id_room": str(room.id), "id_product": str(room.kind_id), "room_num": room.number, **named}


# Writing, and looking again


def _put(
    shop: Shop,
    hotel: Hotel,
    operation: str,
    booked: Booked,
    lines: Mapping[int, dict[str, str]],
    stands: Callable[[Sequence[Line]], bool],
) -> None:
    """Write into these lines and read them back. Raises PmsRejected, OutcomeUnknown, PmsUnavailable."""

    def ask() -> None:
        for line_id, fields in lines.items():
            writing.set_line(shop, line_id, **fields)

    payload = {"lines": {str(line_id): fields for line_id, fields in lines.items()}}
    writes.put(
        hotel,
        operation,
        booked,
        payload,
        ask,
        lambda: stands([line for line in shop.lines_of([booked.pms_id]) if line.stands]),
    )


def _all_in(lines: Sequence[Line]) -> bool:
    return bool(lines) and all(line.guest_is_in or line.guest_has_left for line in lines)


def _all_out(lines: Sequence[Line]) -> bool:
    return bool(lines) and all(line.guest_has_left for line in lines)


def _is_in(line_id: int, room_id: int) -> Callable[[Sequence[Line]], bool]:
    return lambda lines: any(line.id == line_id and line.room_id == room_id for line in lines)


def _is_now(booked: Booked, status: str) -> None:
    if booked.status != status:
        records.set_booking(booked.id, status=status)
