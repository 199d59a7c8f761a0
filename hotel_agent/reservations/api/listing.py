"""Reservations as our tables have them, which mirror the PMS of a hotel that has one: no PMS is asked."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Integer, bindparam, text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import BookedRoom, Booking, RoomRequest
from hotel_agent.pms.local import booking as desk
from hotel_agent.reservations.booking import normal_code

STATUSES = ("pending", "booked", "in_house", "departed", "cancelled", "no_show")
TRIGRAM = 3  # Of shorter words no index knows the middle: they begin a word.


@dataclass(frozen=True)
class Room:
    """A room of a reservation; None is what a PMS has not told us of it."""

    kind: str
    names: Mapping[str, str]
    number: str
    price: Decimal | None
    adults: int | None
    children: int | None

    @classmethod
    def of(cls, room: BookedRoom) -> Room:
        return cls(room.kind.code, room.kind.names, room.number, room.price, room.adults, room.children)


@dataclass(frozen=True)
class Kept:
    """A booking as the tables have it, since when, and when anything of it was last changed."""

    booking: Booking
    rooms: tuple[Room, ...]
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Place:
    """Where a page ended: the value of what the list is ordered by, and the row."""

    value: str
    row_id: int

    def packed(self, filters: Mapping[str, Any]) -> str:
        """Good for the same question only."""
        words = json.dumps([self.value, self.row_id, _mark(filters)], separators=(",", ":"))
        return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")

    @classmethod
    def unpacked(cls, cursor: str, filters: Mapping[str, Any]) -> Place:
        """Raises ValueError for what `packed` has not made."""
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            value, row_id, mark = json.loads(base64.urlsafe_b64decode(padded))
        except (UnicodeError, binascii.Error, TypeError) as error:
            raise ValueError(cursor) from error
        in_range = type(row_id) is int and 0 < row_id < 2**31
        if not in_range or mark != _mark(filters):
            raise ValueError(cursor)
        place = cls(str(value), row_id)
        place.of(filters)
        return place

    def of(self, filters: Mapping[str, Any]) -> date | datetime:
        """What the list is ordered by. Raises ValueError."""
        if not filters["changed_since"]:
            return date.fromisoformat(self.value)
        at = datetime.fromisoformat(self.value)
        if at.tzinfo is None:
            raise ValueError(self.value)
        return at


@dataclass(frozen=True)
class Wanted:
    """What of a hotel's reservations; None does not matter. `guest`: words of the name in which it is booked."""

    statuses: tuple[str, ...] = ()
    arrival_from: date | None = None
    arrival_to: date | None = None
    guest: str | None = None
    code: str | None = None
    changed_since: datetime | None = None

    @property
    def filters(self) -> dict[str, Any]:
        return {
            "statuses": list(self.statuses),
            "arrival_from": self.arrival_from,
            "arrival_to": self.arrival_to,
            "guest": self.guest,
            "code": self.code,
            "changed_since": self.changed_since,
        }


@dataclass(frozen=True)
class Page:
    """`next_cursor` is None on the last page."""

    found: tuple[Kept, ...]
    next_cursor: str | None


def page(hotel: Hotel, wanted: Wanted, cursor: str | None, limit: int) -> Page:
    """By arrival, soonest first, or in the order of their changes where it is asked what has changed.

    Raises ValueError for a cursor of another question.
    """
    filters = wanted.filters
    after = Place.unpacked(cursor, filters) if cursor else None
    order = "r.changed_at" if wanted.changed_since else "r.check_in"
    conditions, values = _conditions(wanted)
    if after is not None:
        conditions.append(f"({order}, r.id) > (:after, :after_id)")
        values |= {"after": after.of(filters), "after_id": after.row_id}
    # GIN finds a hotel only by an integer as wide as the column.
    statement = text(
        f"select r.id, {order} as place from reservations r where r.hotel_id = :hotel"
        f"{''.join(f' and {condition}' for condition in conditions)} order by {order}, r.id limit :most"
    ).bindparams(bindparam("hotel", hotel.id, Integer))
    rows = db.session.execute(statement, {**values, "most": limit + 1}).all()
    shown = rows[:limit]
    last = Place(shown[-1].place.isoformat(), shown[-1].id).packed(filters) if len(rows) > limit else None
    return Page(_kept(hotel, [row.id for row in shown]), last)


def find(hotel: Hotel, code: str) -> Kept | None:
    """One reservation by its code, however it is spelled."""
    row_id = db.session.scalar(
        text("select id from reservations where hotel_id = :hotel and code in (:code, :normal) limit 1"),
        {"hotel": hotel.id, "code": code, "normal": normal_code(code)},
    )
    return next(iter(_kept(hotel, [row_id])), None) if row_id is not None else None


def _mark(filters: Mapping[str, Any]) -> list[str]:
    return [str(value) for value in filters.values()]


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    conditions, values = [], dict(wanted.filters)
    if len(wanted.statuses) == 1:
        conditions.append("r.status = :status")  # One alone is found in order by its index.
        values["status"] = wanted.statuses[0]
    elif wanted.statuses:
        conditions.append("r.status = any(:statuses)")
    if wanted.arrival_from:
        conditions.append("r.check_in >= :arrival_from")
    if wanted.arrival_to:
        conditions.append("r.check_in <= :arrival_to")
    if wanted.changed_since:
        conditions.append("r.changed_at >= :changed_since")
    if wanted.code:
        conditions.append("r.code in (:code, :normal_code)")
        values["normal_code"] = normal_code(wanted.code)
    for number, word in enumerate(re.sub(r"[%_\\]", " ", wanted.guest or "").split()):
        condition, patterns = _named(number, word)
        conditions.append(condition)
        values |= patterns
    asked_for = " ".join(conditions)
    return conditions, {name: value for name, value in values.items() if re.search(rf":{name}\b", asked_for)}


def _named(number: int, word: str) -> tuple[str, dict[str, str]]:
    if len(word) >= TRIGRAM:
        return f"fold(r.guest_name) like fold(:word{number})", {f"word{number}": f"%{word}%"}
    condition = f"(fold(r.guest_name) like fold(:first{number}) or fold(r.guest_name) like fold(:later{number}))"
    return condition, {f"first{number}": f"{word}%", f"later{number}": f"% {word}%"}


# What a reservation is made of


# What a PMS has, as it was seen last, and what it was held with, which tells prices and people as well.
ROWS = text("""
    select r.id, r.code, r.created_at, r.changed_at,
        (select jsonb_agg(jsonb_build_object('kind', m.kind, 'names', m.names, 'number', m.number) order by m.place)
            from reservation_rooms m where m.reservation_id = r.id) as mirrored,
        (select h.rooms from pms_holds h where h.reservation_id = r.id order by h.id desc limit 1) as held
    from reservations r where r.hotel_id = :hotel and r.id = any(:ids)
""")


def _kept(hotel: Hotel, ids: Sequence[int]) -> tuple[Kept, ...]:
    """In the order of the ids."""
    if not ids:
        return ()
    rows = db.session.execute(ROWS, {"hotel": hotel.id, "ids": list(ids)}).all()
    bookings = {booking.code: booking for booking in desk.of_rows(hotel, ids)}
    found = {}
    for row in rows:
        booking = bookings[row.code]
        own = tuple(map(Room.of, booking.rooms))
        found[row.id] = Kept(booking, own or _of_pms(booking, row), row.created_at, row.changed_at)
    return tuple(found[row_id] for row_id in ids if row_id in found)


def _of_pms(booking: Booking, row: Any) -> tuple[Room, ...]:
    """A booking in a PMS has no rooms of ours."""
    held = [_held(one) for one in row.held or ()]
    if row.mirrored is None:
        return tuple(held)
    rooms = [Room(one["kind"], one["names"], one["number"], None, None, None) for one in row.mirrored]
    if len(rooms) == 1:
        return (replace(rooms[0], price=booking.total, adults=booking.adults, children=booking.children),)
    known = {(one.kind, one.number): one for one in held}
    same = sum((one.price or Decimal(0) for one in held), Decimal(0)) == booking.total
    return tuple(_as_held(room, known.get((room.kind, room.number)) if same else None) for room in rooms)


def _as_held(room: Room, held: Room | None) -> Room:
    return replace(held, names=room.names) if held else room


def _held(one: Mapping[str, Any]) -> Room:
    request = RoomRequest.unpacked(one["request"])
    children = request.children + request.cots
    return Room(request.room_type, {}, one["number"], Decimal(one["price"]), request.adults, children)
