"""Who arrives, leaves and stays, and what has changed, whoever booked it: orders as records.

There is no feed. What has changed is asked of `orders` and of `room_bookings` by their `date_upd`, in the shop's own
time to the second: an order is touched when it is booked, paid or cancelled, a line when its nights, its room or who is
in it changes, and neither when only the other is. Both are walked in the order of (date_upd, id), so that a second in
which much has changed may be any number of pages long. Every walk begins `OVERLAP` before the end of the last one, for
what was written then and seen later, and for the hour that a shop's clock lives twice in autumn.

An order of ours is a booking only once our row says so; before that it is a hold, or stray.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hotel_agent.db import utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import Changes, GuestProfile, PmsUnavailable, Record, RecordRoom, RoomStatus, Stay
from hotel_agent.pms.orders.catalogues import kept
from hotel_agent.pms.orders.records import booking_of, ours, prefix_of, unread
from hotel_agent.pms.orders.system import cents
from hotel_agent.pms.qloapps.reading import CANCELED, Shop, day_of, money, orders_by_id, plain, rows_of, whole
from hotel_agent.pms.qloapps.shops import shop_of
from hotel_agent.pms.qloapps.writing import email_of

log = get_logger(__name__)

OVERLAP = timedelta(minutes=65)
AHEAD = timedelta(hours=15)  # It is later nowhere: what claims to be does not lead us past what has yet to change.
PAGE = 200
MOST_PAGES = 50
IDS_AT_ONCE = 100
BEFORE_ALL = "2000-01-01 00:00:00"
OUT_OF_ORDER = 2
BOOKED, IN_HOUSE, DEPARTED = 1, 2, 3
_NOBODYS_PHONE = "000000"  # What is sent for whoever writes without one.
_STAMP = "%Y-%m-%d %H:%M:%S"
_ORDER = "id,id_customer,id_currency,current_state,source,total_paid_tax_incl"
_LINE = (
    "id,id_order,id_product,id_hotel,id_room,id_status,date_from,date_to,check_out,total_price_tax_incl,is_refunded,"
    "is_cancelled,is_back_order,room_num,adults,children"
)
_FLAGS = ("is_cancelled", "is_refunded", "is_back_order")


def arrivals(hotel: Hotel, day: date) -> tuple[Record, ...]:
    """Who is to arrive on that day or has."""
    return _on(hotel, {"filter[date_from]": _whole_day(day)})


def departures(hotel: Hotel, day: date) -> tuple[Record, ...]:
    """Who is to leave on that day or has."""
    return _on(hotel, {"filter[date_to]": _whole_day(day)})


def in_house(hotel: Hotel) -> tuple[Record, ...]:
    """Who has been checked in and not out."""
    return tuple(record for record in _on(hotel, _IS_IN) if record.status == "in_house")


def changes_since(hotel: Hotel, cursor: str) -> Changes:
    """A page of what has changed, and where to go on; see the page's beginning."""
    shop, as_of = shop_of(hotel), utcnow()
    here = Cursor.unpacked(cursor) or _beginning(shop)
    if here.standing is not None:
        order_ids, there, more = _standing(shop, hotel, here, here.standing)
    else:
        order_ids, there, more = _changed(shop, here)
    return Changes(records_of(shop, hotel, order_ids), there.packed(), as_of, more)


def guest(hotel: Hotel, code: str) -> GuestProfile | None:
    """Who made a booking. The addresses and numbers that we make up ourselves are nobody's.

    Of languages and countries QloApps knows those of whoever used its own pages, and calls every other guest by the
    shop's, so that neither tells anything.
    """
    booked = booking_of(hotel, code)
    if booked is None:
        return None
    shop = shop_of(hotel)
    order = next(iter(orders_by_id(shop.client, _ORDER, [whole(booked.pms_id)])), None)
    if order is None or booked.token not in ("", order.get("source")):
        return None
    found = _by_ids(shop, "customers", "id,firstname,lastname,email,phone", [whole(order.get("id_customer"))])
    return _profile(hotel, booked.guest_id, found[0]) if found else None


def _profile(hotel: Hotel, guest_id: int | None, row: Mapping[str, Any]) -> GuestProfile:
    email, phone = plain(row.get("email")), plain(row.get("phone"))
    return GuestProfile(
        name=_name(row),
        email="" if email == email_of(hotel, guest_id) else email,
        phone="" if phone == _NOBODYS_PHONE else phone,
    )


def room_status(hotel: Hotel) -> tuple[RoomStatus, ...]:
    """Every room by number. Whether it is clean QloApps does not know."""
    shop = shop_of(hotel)
    occupied = {whole(line.get("id_room")) for line in _lines(shop, _IS_IN) if _stands(line)}
    rooms = [
        RoomStatus(
            number=plain(row.get("room_num")),
            kind=str(whole(row.get("id_product"))),
            occupied=whole(row.get("id")) in occupied,
            out_of_order=whole(row.get("id_status") or BOOKED) == OUT_OF_ORDER,
        )
        for row in rooms_of(shop)
    ]
    return tuple(sorted(rooms, key=lambda room: by_number(room.number)))


def rooms_of(shop: Shop) -> list[Mapping[str, Any]]:
    """Every room of the hotel as it is there: id, id_product, room_num, id_status."""
    return list(_walk(shop, "hotel_rooms", "id,id_product,room_num,id_status", {}))


def by_number(number: str) -> tuple[int, str]:
    """As people count rooms."""
    return len(number), number


# What has changed


@dataclass(frozen=True)
class Place:
    """Where a walk by (date_upd, id) has come to. Without `id` it is at its end, and the next begins a while before."""

    at: str
    id: int | None = None

    @property
    def since(self) -> str:
        if self.id is not None:
            return self.at
        return (datetime.fromisoformat(self.at) - OVERLAP).strftime(_STAMP)


@dataclass(frozen=True)
class Cursor:
    """Where both walks are. `standing`: up to which line everything that is not over has been told, until all has."""

    orders: Place
    lines: Place
    standing: int | None = None

    def packed(self) -> str:
        places = [[self.orders.at, self.orders.id], [self.lines.at, self.lines.id], self.standing]
        return json.dumps(places, separators=(",", ":"))

    @classmethod
    def unpacked(cls, words: str) -> Cursor | None:
        """None for an empty one, and for one that is none of ours: then everything is told anew."""
        try:
            orders, lines, standing = json.loads(words)
            found = cls(Place(*orders), Place(*lines), standing)
            datetime.fromisoformat(found.orders.at)
            datetime.fromisoformat(found.lines.at)
        except (ValueError, TypeError):
            return None
        return found


def _beginning(shop: Shop) -> Cursor:
    """What changes while everything is told is told afterwards."""
    return Cursor(Place(_newest(shop, "orders")), Place(_newest(shop, "room_bookings")), 0)


def _newest(shop: Shop, resource: str) -> str:
    before = {"filter[date_upd]": f"<[{_latest()}]"}
    said = shop.client.read(resource, display="[id,date_upd]", date="1", sort="[date_upd_DESC]", limit="1", **before)
    return max((str(row.get("date_upd")) for row in rows_of(said)), default=BEFORE_ALL)


def _standing(shop: Shop, hotel: Hotel, here: Cursor, after: int) -> tuple[list[int], Cursor, bool]:
    """A page of what is not over: rooms that are not to be left before today, and who has stayed on regardless."""
    since = hotel.today() - timedelta(days=2)  # Nobody knows the shop's zone.
    query = {"filter[date_to]": f">[{since} 23:59:59]", **_here(shop)}
    rows = _page(shop, "room_bookings", "id,id_order", query, after)
    also = [] if after else _ids(_lines(shop, _IS_IN), "id_order")
    more = len(rows) == PAGE
    reached = replace(here, standing=whole(rows[-1].get("id")) if more else None)
    return [*also, *_ids(rows, "id_order")], reached, more


def _changed(shop: Shop, here: Cursor) -> tuple[list[int], Cursor, bool]:
    orders, orders_at = _step(shop, "orders", "id,date_upd", {}, here.orders)
    lines, lines_at = _step(shop, "room_bookings", "id,id_order,date_upd", _here(shop), here.lines)
    touched = [*_ids(orders, "id"), *_ids(lines, "id_order")]
    more = orders_at.id is not None or lines_at.id is not None
    return touched, Cursor(orders_at, lines_at), more


def _step(
    shop: Shop, resource: str, display: str, query: Mapping[str, str], here: Place
) -> tuple[list[Mapping[str, Any]], Place]:
    """The next page of a walk by (date_upd, id): the rest of the second in which the last one ended, then the next."""
    common = {"display": f"[{display}]", "date": "1", "sort": "[date_upd_ASC,id_ASC]", **query}
    rows: list[Mapping[str, Any]] = []
    if here.id is not None:
        rest = {"filter[date_upd]": f"[{here.at}]", "filter[id]": f">[{here.id}]", "limit": str(PAGE)}
        rows += rows_of(shop.client.read(resource, **common, **rest))
    if len(rows) < PAGE:
        following = {"filter[date_upd]": f">[{here.since}]", "limit": str(PAGE - len(rows))}
        rows += rows_of(shop.client.read(resource, **common, **following))
    if len(rows) == PAGE:
        return rows, Place(str(rows[-1].get("date_upd")), whole(rows[-1].get("id")))
    latest = _latest()
    return rows, Place(max(here.at, *(at for row in rows if (at := str(row.get("date_upd"))) < latest), ""))


def _latest() -> str:
    return (utcnow() + AHEAD).strftime(_STAMP)


# Records


def records_of(shop: Shop, hotel: Hotel, order_ids: Iterable[int]) -> tuple[Record, ...]:
    """These orders as bookings, as far as they are; one that makes no sense is left out and told of in the log."""
    found: list[Record] = []
    for ids in _chunks(sorted(set(order_ids))):
        orders = orders_by_id(shop.client, _ORDER, ids)
        lines = _grouped(_by_ids(shop, "room_bookings", _LINE, ids, field="id_order"))
        about = _About.of(shop, hotel, orders)
        for order in orders:
            record = about.record(order, lines.get(str(order.get("id")), []))
            if record is not None:
                found.append(record)
    return tuple(found)


@dataclass(frozen=True)
class _About:
    """What an order names by ids alone, and which orders are ours: {pms_id: (code, status)}."""

    shop: Shop
    hotel: Hotel
    names: Mapping[int, str]
    currencies: Mapping[int, str]
    numbers: Mapping[int, str]
    ours: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, shop: Shop, hotel: Hotel, orders: Sequence[Mapping[str, Any]]) -> _About:
        if not orders:
            return cls(shop, hotel, {}, {}, {}, {})
        customers = sorted({whole(order.get("id_customer") or 0) for order in orders} - {0})
        named = _by_ids(shop, "customers", "id,firstname,lastname", customers)
        return cls(
            shop,
            hotel,
            {whole(row.get("id")): _name(row) for row in named},
            dict(kept(("currencies", *shop.client.account), lambda: _currencies(shop))),
            dict(kept(("rooms", *shop.client.account, shop.hotel_id), lambda: _numbers(shop))),
            ours(hotel, {str(order.get("id")): str(order.get("source") or "") for order in orders}),
        )

    def record(self, order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Record | None:
        """None for what is no booking of this hotel's, or makes no sense."""
        pms_id = str(order.get("id"))
        code, ours_is = self.ours.get(pms_id, ("", ""))
        is_hold = not code and str(order.get("source") or "").startswith(prefix_of(self.hotel))
        if is_hold or ours_is == "pending":
            return None
        try:
            here = [line for line in lines if whole(line.get("id_hotel")) == self.shop.hotel_id]
            if not here:
                return None
            rooms = [_Room.of(line, self.numbers) for line in here]
            record = self._record(order, [room for room in rooms if room.stands] or rooms, len(here) == len(lines))
        except (PmsUnavailable, ValueError) as error:
            unread.labels(self.hotel.slug).inc()
            log.warning("pms_record_unread", hotel=self.hotel.slug, order=pms_id, error=type(error).__name__)
            return None
        gone_there = ours_is == "no_show" and record.status == "booked"  # QloApps has no word for it.
        return replace(record, code=code, status="no_show" if gone_there else record.status)

    def _record(self, order: Mapping[str, Any], rooms: Sequence[_Room], alone: bool) -> Record:
        """`rooms` are those that stand, or of a cancelled order those that did. `alone`: nothing of it is elsewhere."""
        stay = Stay(min(room.stay.check_in for room in rooms), max(room.stay.check_out for room in rooms))
        gross = sum((room.gross for room in rooms), Decimal(0))
        return Record(
            pms_id=str(order.get("id")),
            code="",
            status=_status(order, rooms),
            guest_name=self.names.get(whole(order.get("id_customer") or 0), ""),
            stay=stay,
            adults=sum(room.adults for room in rooms),
            children=sum(room.children for room in rooms),
            rooms=tuple(
                RecordRoom(room.kind, room.number, None if room.slept == stay else room.slept)
                for room in sorted(rooms, key=lambda room: by_number(room.number))
            ),
            total=cents(money(order.get("total_paid_tax_incl")) if alone else gross),
            currency=self.currencies.get(whole(order.get("id_currency") or 0)) or self.hotel.currency,
        )


@dataclass(frozen=True)
class _Room:
    """One room of an order. `slept`: the nights that it is kept, which end early when somebody leaves early."""

    kind: str
    number: str
    stay: Stay
    slept: Stay
    status: int
    adults: int
    children: int
    gross: Decimal
    stands: bool

    @classmethod
    def of(cls, line: Mapping[str, Any], numbers: Mapping[int, str]) -> _Room:
        """Raises ValueError, PmsUnavailable. Its number is that of the room it is in: the line may keep an old one."""
        stay = Stay(day_of(line.get("date_from")), day_of(line.get("date_to")))
        status = whole(line.get("id_status") or BOOKED)
        return cls(
            kind=str(whole(line.get("id_product"))),
            number=numbers.get(whole(line.get("id_room"))) or plain(line.get("room_num")),
            stay=stay,
            slept=_slept(stay, line.get("check_out")) if status == DEPARTED else stay,
            status=status,
            adults=whole(line.get("adults") or 0),
            children=whole(line.get("children") or 0),
            gross=money(line.get("total_price_tax_incl") or 0),
            stands=_stands(line),
        )


def _slept(stay: Stay, left: Any) -> Stay:
    """At least a night."""
    try:
        day = day_of(left)
    except ValueError:  # 0000-00-00: nobody wrote down when.
        return stay
    return Stay(stay.check_in, min(stay.check_out, max(day, stay.check_in + timedelta(days=1))))


def _currencies(shop: Shop) -> tuple[tuple[int, str], ...]:
    rows = rows_of(shop.client.read("currencies", display="[id,iso_code]"))
    return tuple((whole(row.get("id")), str(row.get("iso_code") or "")) for row in rows)


def _numbers(shop: Shop) -> tuple[tuple[int, str], ...]:
    return tuple((whole(row.get("id")), plain(row.get("room_num"))) for row in rooms_of(shop))


def _status(order: Mapping[str, Any], rooms: Sequence[_Room]) -> str:
    if whole(order.get("current_state")) == CANCELED or not any(room.stands for room in rooms):
        return "cancelled"
    if any(room.status == IN_HOUSE for room in rooms):
        return "in_house"
    return "departed" if all(room.status == DEPARTED for room in rooms) else "booked"


def _stands(line: Mapping[str, Any]) -> bool:
    return not any(whole(line.get(flag) or 0) for flag in _FLAGS)


def _name(row: Mapping[str, Any]) -> str:
    """A surname that nobody told is a dash."""
    words = (plain(row.get("firstname")), plain(row.get("lastname")))
    return " ".join(word for word in words if word.strip("-. "))


def _on(hotel: Hotel, query: Mapping[str, str]) -> tuple[Record, ...]:
    """The bookings of which a room that stands fits the question."""
    shop = shop_of(hotel)
    order_ids = _ids((line for line in _lines(shop, query) if _stands(line)), "id_order")
    return tuple(record for record in records_of(shop, hotel, order_ids) if record.status != "cancelled")


# Asking


_IS_IN = {"filter[id_status]": f"[{IN_HOUSE}]"}


def _whole_day(day: date) -> str:
    return f"[{day} 00:00:00,{day} 23:59:59]"


def _here(shop: Shop) -> dict[str, str]:
    return {"filter[id_hotel]": f"[{shop.hotel_id}]"}


def _lines(shop: Shop, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
    display = "id,id_order,id_room,is_cancelled,is_refunded,is_back_order"
    return list(_walk(shop, "room_bookings", display, query))


def _walk(shop: Shop, resource: str, display: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Every row of this hotel that fits, page after page. Raises PmsUnavailable when there is no end of them."""
    after = 0
    for _ in range(MOST_PAGES):
        rows = _page(shop, resource, display, {**query, **_here(shop)}, after)
        yield from rows
        if len(rows) < PAGE:
            return
        after = whole(rows[-1].get("id"))
    raise PmsUnavailable(f"QloApps lists {resource} without an end")


def _page(shop: Shop, resource: str, display: str, query: Mapping[str, str], after: int) -> list[Mapping[str, Any]]:
    beyond = {"filter[id]": f">[{after}]"} if after else {}
    said = shop.client.read(resource, display=f"[{display}]", sort="[id_ASC]", limit=str(PAGE), **query, **beyond)
    return rows_of(said)


def _by_ids(shop: Shop, resource: str, display: str, ids: Sequence[int], field: str = "id") -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for some in _chunks(ids):
        wanted = "|".join(map(str, some))
        found += rows_of(shop.client.read(resource, display=f"[{display}]", **{f"filter[{field}]": f"[{wanted}]"}))
    return found


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """So many as an address has room for."""
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))


def _ids(rows: Iterable[Mapping[str, Any]], name: str) -> list[int]:
    """A row that names no order keeps no other from being told."""
    return [int(value) for row in rows if (value := str(row.get(name) or "")).isdecimal() and int(value)]


def _grouped(lines: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        found[str(line.get("id_order"))].append(line)
    return found
