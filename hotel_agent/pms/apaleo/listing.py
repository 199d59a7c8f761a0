"""Who arrives, leaves and stays, and what has changed, whoever booked it: bookings as records.

Apaleo tells what has changed by the time of its last change, to the second. That list is walked in this order, from the
last time that was seen on and that included, so that nothing is left out when a row moves to its end meanwhile. Every
walk begins `OVERLAP` before the end of the last one, for what was written then and seen later, and for holds that have
become bookings since, which nothing there tells.

A booking of ours is one only once our row says so; before that it is a hold, or stray.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hotel_agent.db import utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms.apaleo.properties import property_of
from hotel_agent.pms.apaleo.reading import CANCELED, IN_HOUSE, Property, moment, word
from hotel_agent.pms.contract import Changes, GuestProfile, PmsUnavailable, Record, RecordRoom, RoomStatus, Stay
from hotel_agent.pms.orders.booking import Seen
from hotel_agent.pms.orders.records import booking_of, ours, prefix_of, unread

log = get_logger(__name__)

OVERLAP = timedelta(minutes=65)
AT_ONCE = 40  # Of each row the whole booking is asked for.
BEFORE_ALL = "2000-01-01T00:00:00+00:00"
HOUSEKEEPING = {"Dirty": "dirty", "CleanToBeInspected": "clean", "Clean": "inspected"}  # The last may be slept in.
_LIST = "booking/v1/reservations"


def arrivals(hotel: Hotel, day: date) -> tuple[Record, ...]:
    """Who is to arrive on that day or has."""
    return _on(hotel, dateFilter="Arrival", **_whole_day(hotel, day))


def departures(hotel: Hotel, day: date) -> tuple[Record, ...]:
    """Who is to leave on that day or has."""
    return _on(hotel, dateFilter="Departure", **_whole_day(hotel, day))


def in_house(hotel: Hotel) -> tuple[Record, ...]:
    """Who has been checked in and not out."""
    return tuple(record for record in _on(hotel, status=IN_HOUSE) if record.status == "in_house")


def changes_since(hotel: Hotel, cursor: str) -> Changes:
    """A page of what has changed, and where to go on; see the page's beginning."""
    house, as_of = property_of(hotel), utcnow()
    here = Cursor.unpacked(cursor) or _beginning(house)
    rows, there = _standing(house, hotel, here) if here.standing else _changed(house, here)
    return Changes(records_of(house, hotel, rows), there.packed(), as_of, there.is_on_its_way)


def guest(hotel: Hotel, code: str) -> GuestProfile | None:
    """Who made a booking."""
    booked = booking_of(hotel, code)
    rows = property_of(hotel).reservations(bookingId=booked.pms_id, expand="booker") if booked is not None else []
    if booked is None or not rows or booked.token not in ("", str(rows[0].get("externalCode") or "")):
        return None
    person = _person(rows[0].get("booker"))
    return GuestProfile(
        name=_name(person),
        email=str(person.get("email") or ""),
        phone=str(person.get("phone") or ""),
        language=str(person.get("preferredLanguage") or "").lower(),
        country=str(person.get("nationalityCountryCode") or "").upper(),
    )


def room_status(hotel: Hotel) -> tuple[RoomStatus, ...]:
    """Every room by number."""
    house = property_of(hotel)
    sold = {kind.room.code for kind in house.kinds()}
    rooms = [
        RoomStatus(unit.number, unit.kind, unit.is_occupied, unit.is_out, HOUSEKEEPING.get(unit.condition, ""))
        for unit in house.units()
        if unit.kind in sold
    ]
    return tuple(sorted(rooms, key=lambda room: (len(room.number), room.number)))


# What has changed


@dataclass(frozen=True)
class Cursor:
    """Where the walk is: the page from that time on, which is the last one's where there were too many of one second.

    Without `page` it is at its end, and the next begins a while before. `standing` is the page up to which everything
    that is not over is still to be told.
    """

    at: str
    page: int = 0
    standing: int = 0

    @property
    def is_on_its_way(self) -> bool:
        return bool(self.page or self.standing)

    def packed(self) -> str:
        return json.dumps([self.at, self.page, self.standing], separators=(",", ":"))

    @classmethod
    def unpacked(cls, words: str) -> Cursor | None:
        """None for an empty one, and for one that is none of ours: then everything is told anew."""
        try:
            at, page, standing = json.loads(words)
            found = cls(str(at), int(page), int(standing))
            if datetime.fromisoformat(found.at).tzinfo is None:
                return None
        except (ValueError, TypeError):
            return None
        return found


def _beginning(house: Property) -> Cursor:
    """What changes while everything is told is told afterwards."""
    rows = house.client.page(_LIST, "reservations", 1, size=1, propertyIds=house.id, sort="updated:desc")
    return Cursor(_changed_at(rows[0]) if rows else BEFORE_ALL, standing=1)


def _standing(house: Property, hotel: Hotel, here: Cursor) -> tuple[list[Mapping[str, Any]], Cursor]:
    """A page of what is not over: what is not to be left before today, and who has stayed on regardless.

    In the order in which they were made, in which none moves while the pages are turned.
    """
    today = _whole_day(hotel, house.today())["from_"]
    query = {"propertyIds": house.id, "dateFilter": "Departure", "from_": today, "sort": "created:asc"}
    rows = house.client.page(_LIST, "reservations", here.standing, size=AT_ONCE, **query)
    more = len(rows) == AT_ONCE
    if here.standing == 1:
        rows = [*rows, *house.reservations(status=IN_HOUSE)]
    return rows, replace(here, standing=here.standing + 1 if more else 0)


def _changed(house: Property, here: Cursor) -> tuple[list[Mapping[str, Any]], Cursor]:
    since = here.at if here.page else (moment(here.at) - OVERLAP).isoformat()
    query = {"propertyIds": house.id, "dateFilter": "Modification", "from_": since, "sort": "updated:asc"}
    rows = house.client.page(_LIST, "reservations", here.page or 1, size=AT_ONCE, **query)
    last = _changed_at(rows[-1]) if rows else here.at
    if len(rows) < AT_ONCE:
        return rows, Cursor(max(here.at, last, key=moment))
    return rows, Cursor(last, here.page + 1 if here.page and moment(last) == moment(since) else 1)


def _changed_at(row: Mapping[str, Any]) -> str:
    return moment(word(row, "modified")).isoformat(timespec="seconds")


# Records


def records_of(house: Property, hotel: Hotel, rows: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    """The bookings of these reservations; one that makes no sense is left out and told of in the log."""
    tokens = {word(row, "bookingId"): str(row.get("externalCode") or "") for row in rows}
    known = ours(hotel, tokens)
    found = []
    for pms_id in tokens:
        code, ours_is = known.get(pms_id, ("", ""))
        whole = house.reservations(bookingId=pms_id, expand="booker")
        if whole and ours_is != "pending" and (code or not _is_hold(hotel, whole)):
            found += _record(house, hotel, pms_id, code, whole)
    return tuple(found)


def _is_hold(hotel: Hotel, rows: Iterable[Mapping[str, Any]]) -> bool:
    return any(str(row.get("externalCode") or "").startswith(prefix_of(hotel)) for row in rows)


def _record(house: Property, hotel: Hotel, pms_id: str, code: str, rows: list[Mapping[str, Any]]) -> list[Record]:
    try:
        seen = Seen(house.orders(rows)[0], house.lines(rows))
        stay = Stay(min(line.stay.check_in for line in seen.rooms), max(line.stay.check_out for line in seen.rooms))
        currency = word(rows[0].get("totalGrossAmount"), "currency")
    except PmsUnavailable as error:
        unread.labels(hotel.slug).inc()
        log.warning("pms_record_unread", hotel=hotel.slug, order=pms_id, error=type(error).__name__)
        return []
    record = Record(
        pms_id=pms_id,
        code=code,
        status=seen.status,
        guest_name=_name(_person(rows[0].get("primaryGuest"))) or _name(_person(rows[0].get("booker"))),
        stay=stay,
        adults=sum(line.adults for line in seen.rooms),
        children=sum(line.children for line in seen.rooms),
        rooms=tuple(
            RecordRoom(line.kind, line.number, None if line.stay == stay else line.stay)
            for line in sorted(seen.rooms, key=lambda line: (len(line.number), line.number))
        ),
        total=sum((line.gross for line in seen.rooms), Decimal(0)),
        currency=currency,
    )
    return [record]


def _person(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, dict) else {}


def _name(person: Mapping[str, Any]) -> str:
    """A surname that nobody told is a dash."""
    words = (str(person.get("firstName") or ""), str(person.get("lastName") or ""))
    return " ".join(word for word in words if word.strip("-. "))


def _on(hotel: Hotel, **query: object) -> tuple[Record, ...]:
    """The bookings of which a reservation that is not cancelled fits the question."""
    house = property_of(hotel)
    rows = [row for row in house.reservations(**query) if row.get("status") != CANCELED]
    return tuple(record for record in records_of(house, hotel, rows) if record.status != "cancelled")


def _whole_day(hotel: Hotel, day: date) -> dict[str, str]:
    first, next_day = (datetime.combine(day + timedelta(days=number), time(), hotel.zone) for number in (0, 1))
    return {"from_": first.isoformat(), "to": next_day.isoformat()}
