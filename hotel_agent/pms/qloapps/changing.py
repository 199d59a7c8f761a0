"""How QloApps changes a booking.

A PUT wants the whole booking anew and counts the booking's own rooms as taken. Where it would refuse for that reason
alone, the lines of the rooms are moved; QloApps never checks that, so we do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.orders import writes
from hotel_agent.pms.orders.changing import Plan, enough, old_prices
from hotel_agent.pms.orders.system import Room, System, shares
from hotel_agent.pms.qloapps import writing
from hotel_agent.pms.qloapps.reading import Shop


def with_rooms(system: System, plan: Plan) -> Plan:
    """Anew where so many rooms are free, else in its own lines. Raises RoomTaken."""
    if enough(system.offered(plan.stay), [room.request for room in plan.rooms]):
        return plan
    if plan.same_kinds and all(system.can_stay(line, plan.stay) for line in plan.seen.standing):
        # A booking that is the same but for its price takes none but one that is given.
        rooms = [replace(room, price=system.fixed(room, room.price.nightly)) for room in plan.rooms]
        return plan.at(rooms, "lines", same_rooms=True)
    raise RoomTaken


def ask(shop: Shop, hotel: Hotel, plan: Plan) -> None:
    if plan.way != "anew":
        for line, room in zip(plan.lines, plan.rooms, strict=True):
            assert line is not None  # As every room of the same kinds has one.
            dates = _dates(plan.stay) if plan.way == "lines" else {}
            writing.set_line(shop, int(line.id), **_people(room.request), **dates)
    if plan.way != "people":  # Rooms that were moved cost what they did: the same booking once more, at its price.
        _put(shop, hotel, plan, plan.stay, plan.rooms)


def ask_back(system: System, shop: Shop, hotel: Hotel, plan: Plan) -> None:
    """The lines where they were, and the booking as it was."""
    rooms = _old_rooms(system, plan)
    there = {str(line.id) for line in shop.lines_of([plan.booked.pms_id])}
    for line in plan.seen.standing:
        if line.id in there:
            writing.set_line(shop, int(line.id), **_dates(line.stay))
    _put(shop, hotel, plan, plan.before.stay, rooms)


def _put(shop: Shop, hotel: Hotel, plan: Plan, stay: Stay, rooms: Sequence[Room]) -> None:
    booked = plan.booked
    customer = writing.customer_of(hotel, writes.person_of(hotel, booked.guest_id, booked.guest_name))
    remark = writes.remark_of(booked.code, [room.request for room in rooms])
    writing.change(shop, booked.pms_id, plan.seen.order.token, booked.currency, customer, stay, rooms, remark)


def _dates(stay: Stay) -> dict[str, str]:
    return {"date_from": f"{stay.check_in} 00:00:00", "date_to": f"{stay.check_out} 00:00:00"}


def _people(room: RoomRequest) -> dict[str, str]:
    ages = writing.ages_of(room)
    return {"adults": str(room.adults), "children": str(len(ages)), "child_ages": json.dumps(ages)}


def _old_rooms(system: System, plan: Plan) -> list[Room]:
    """The rooms as they were, at today's price where that is what they cost."""
    today = system.offered(plan.before.stay)
    prices = old_prices(plan.before, plan.seen)
    even = [Decimal(1)] * plan.before.stay.nights
    found = []
    for line in plan.seen.standing:
        free = today.of(line.kind)
        if free is None or free.price is None:
            raise PmsUnavailable("QloApps does not sell this kind of room any more")
        room = Room(free.kind, RoomRequest(line.kind, line.adults, line.children), free.price)
        if free.price.total != prices[line.id]:
            room = replace(room, price=system.fixed(room, shares(prices[line.id], even)))
        found.append(room)
    return found
