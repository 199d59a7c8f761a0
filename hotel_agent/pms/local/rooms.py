"""The rooms themselves: kinds and rooms as a hotel has them, which are out of order, occupied, or clean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import holding
from hotel_agent.locks.transaction import in_one_transaction
from hotel_agent.pms.contract import PmsRejected, RoomStatus

HOUSEKEEPING = ("clean", "dirty", "inspected")
LONGEST_REASON = 200
MOST_BEDS = 50

IN_HOUSE = """
    select l.resource_id from reservations b join reservation_locks l on l.reservation_id = b.id and l.status = 'booked'
    where b.hotel_id = :hotel and b.status = 'in_house' and l.check_in <= :today
"""
OUT = """
    exists (select from room_outages o where o.room_id = r.id and o.first_night <= :today
        and (o.until is null or o.until > :today))
"""


@dataclass(frozen=True)
class Outage:
    """A room that is out of order for the nights [first, until), without `until` until further notice."""

    number: str
    first: date
    until: date | None
    reason: str


@dataclass(frozen=True)
class Affected:
    """A booking of a room that is out of order: its guest needs another one."""

    code: str
    number: str
    check_in: date
    check_out: date


def status_of_all(hotel: Hotel) -> tuple[RoomStatus, ...]:
    """Every room of the hotel, by number."""
    rows = db.session.execute(
        text(
            f"select r.number, t.code, r.housekeeping, r.id in ({IN_HOUSE}) as occupied, {OUT} as out_of_order"
            " from rooms r join room_types t on t.id = r.room_type_id where r.hotel_id = :hotel"
            " order by length(r.number), r.number"
        ),
        {"hotel": hotel.id, "today": hotel.today()},
    )
    return tuple(RoomStatus(row.number, row.code, row.occupied, row.out_of_order, row.housekeeping) for row in rows)


def set_housekeeping(hotel: Hotel, number: str, housekeeping: str) -> bool:
    """The room is clean, dirty or inspected; False when it was. Raises BadInput, PmsRejected("unknown_room")."""
    if housekeeping not in HOUSEKEEPING:
        raise BadInput("housekeeping", f"{housekeeping!r} is none of {', '.join(HOUSEKEEPING)}")

    def work() -> bool:
        room = room_of(hotel, number)
        changed = db.session.execute(
            text("update rooms set housekeeping = :now where id = :id and housekeeping <> :now returning id"),
            {"now": housekeeping, "id": room},
        ).first()
        return changed is not None

    return in_one_transaction(work)


def room_of(hotel: Hotel, number: str) -> int:
    """Raises PmsRejected("unknown_room")."""
    found: int | None = db.session.scalar(
        text("select id from rooms where hotel_id = :hotel and number = :number"),
        {"hotel": hotel.id, "number": number},
    )
    if found is None:
        raise PmsRejected("unknown_room")
    return found


# Out of order


def put_out_of_order(
    hotel: Hotel, number: str, first: date, until: date | None, reason: str = ""
) -> tuple[Affected, ...]:
    """Not to be let for the nights [first, until); which bookings have the room then. They keep it until moved.

    Said again of the same first night, it is changed. Raises BadInput, PmsRejected("unknown_room").
    """
    if until is not None and until <= first:
        raise BadInput("until", f"{until}, when the room is back, is not after {first}")
    if len(reason) > LONGEST_REASON:
        raise BadInput("reason", f"give a reason of at most {LONGEST_REASON} characters")

    def work() -> tuple[Affected, ...]:
        room = room_of(hotel, number)
        holding.lock_rooms([room])
        values = {"hotel": hotel.id, "room": room, "first": first, "until": until, "reason": reason}
        db.session.execute(text("delete from room_outages where room_id = :room and first_night = :first"), values)
        db.session.execute(
            text(
                "insert into room_outages (hotel_id, room_id, first_night, until, reason)"
                " values (:hotel, :room, :first, :until, :reason)"
            ),
            values,
        )
        return _affected(number, values)

    return in_one_transaction(work)


def back_in_order(hotel: Hotel, number: str, today: date) -> bool:
    """The room can be let from today on; False when it could. Raises PmsRejected("unknown_room")."""

    def work() -> bool:
        values = {"room": room_of(hotel, number), "today": today}
        to_come = db.session.execute(
            text("delete from room_outages where room_id = :room and first_night >= :today returning id"), values
        ).all()
        now = db.session.execute(
            text(
                "update room_outages set until = :today where room_id = :room and (until is null or until > :today)"
                " returning id"
            ),
            values,
        ).all()
        return bool(to_come or now)

    return in_one_transaction(work)


def outages(hotel: Hotel, since: date) -> tuple[Outage, ...]:
    """Those that are not over, by room."""
    rows = db.session.execute(
        text(
            "select r.number, o.first_night, o.until, o.reason from room_outages o join rooms r on r.id = o.room_id"
            " where o.hotel_id = :hotel and (o.until is null or o.until > :since)"
            " order by length(r.number), r.number, o.first_night"
        ),
        {"hotel": hotel.id, "since": since},
    )
    return tuple(Outage(*row) for row in rows)


def out_of_order(rooms: Iterable[int], check_in: date, check_out: date) -> set[int]:
    """Which of these rooms are, on any of these nights."""
    found = db.session.scalars(
        text(
            "select room_id from room_outages where room_id = any(:rooms) and first_night < :check_out"
            " and (until is null or until > :check_in)"
        ),
        {"rooms": list(rooms), "check_in": check_in, "check_out": check_out},
    )
    return set(found)


def _affected(number: str, values: dict[str, Any]) -> tuple[Affected, ...]:
    rows = db.session.execute(
        text(
            "select b.code, l.check_in, l.check_out from reservation_locks l"
            " join reservations b on b.id = l.reservation_id and b.status in ('booked', 'in_house')"
            " where l.resource_id = :room and l.status in ('active', 'booked') and l.check_out > :first"
            " and (cast(:until as date) is null or l.check_in < :until) order by l.check_in"
        ),
        values,
    )
    return tuple(Affected(row.code, number, row.check_in, row.check_out) for row in rows)


# Kinds of room and rooms


def put_type(hotel: Hotel, code: str, capacity: int | None, names: dict[str, str], position: int | None) -> bool:
    """Make a kind of room, or change one; whether it is new. Raises BadInput."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", code):
        raise BadInput("code", "a code has 1 to 40 small letters, digits or dashes")
    if capacity is not None and not 1 <= capacity <= MOST_BEDS:
        raise BadInput("capacity", f"a room takes from 1 to {MOST_BEDS} persons")

    def work() -> bool:
        key = {"hotel": hotel.id, "code": code}
        known = db.session.scalar(text("select id from room_types where hotel_id = :hotel and code = :code"), key)
        if known is None and capacity is None:
            raise BadInput("capacity", "say how many persons a new kind of room takes")
        db.session.execute(
            text(
                "insert into room_types as t (hotel_id, code, capacity, position, names) values (:hotel, :code,"
                " coalesce(:capacity, 1), coalesce(cast(:position as integer),"
                " (select coalesce(max(position), 0) + 1 from room_types where hotel_id = :hotel)),"
                " cast(:names as jsonb)) on conflict (hotel_id, code) do update set"
                " capacity = coalesce(:capacity, t.capacity), names = t.names || excluded.names,"
                " position = coalesce(cast(:position as integer), t.position)"
            ),
            {**key, "capacity": capacity, "position": position, "names": json.dumps(names)},
        )
        return known is None

    return in_one_transaction(work)


def types(hotel: Hotel) -> list[Any]:
    """Each kind with its rooms counted, its price of tonight, and the last night that has one."""
    rows = db.session.execute(
        text(
            "select t.code, t.capacity, t.names, (select count(*) from rooms r where r.room_type_id = t.id) as rooms,"
            " (select price from rates where room_type_id = t.id and night = :today) as price,"
            " (select max(night) from rates where room_type_id = t.id) as last"
            " from room_types t where t.hotel_id = :hotel order by t.position, t.code"
        ),
        {"hotel": hotel.id, "today": hotel.today()},
    )
    return list(rows)


def add_rooms(hotel: Hotel, code: str, numbers: list[str]) -> int:
    """Rooms of a kind; how many of them are new. Raises BadInput, NotFound."""
    if any(not 0 < len(number) <= 20 or not number.isprintable() or " " in number for number in numbers):
        raise BadInput("number", "a room's number has at most 20 letters or digits")

    def work() -> int:
        type_id = db.session.scalar(
            text("select id from room_types where hotel_id = :hotel and code = :code"),
            {"hotel": hotel.id, "code": code},
        )
        if type_id is None:
            raise NotFound(f"{hotel.slug} has no kind of room {code!r}")
        rows = db.session.execute(
            text(
                "insert into rooms (hotel_id, room_type_id, number) select :hotel, :type, number"
                " from unnest(cast(:numbers as text[])) number on conflict (hotel_id, number) do nothing returning id"
            ),
            {"hotel": hotel.id, "type": type_id, "numbers": numbers},
        )
        return len(rows.all())

    return in_one_transaction(work)
