"""What QloApps has on record, in our values. `GET /bookings` is never asked: it tells nothing of a booking's state."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.sax.saxutils import escape

from hotel_agent.pms.contract import PmsUnavailable, RoomKind, Stay
from hotel_agent.pms.orders import catalogues, system
from hotel_agent.pms.orders.system import CENT, Free, Offered, cents, shares
from hotel_agent.pms.qloapps.client import Client

CANCELED = 4  # The order state of a cancelled order.
MOST_LEFT_OUT = 20
_IN_HOUSE, _DEPARTED = 2, 3
_PER_NIGHT, _IN_ROOM_PRICE = 2, 1
_LINE = (
    "id,id_order,id_product,id_room,id_status,date_from,date_to,total_price_tax_incl,is_refunded,is_cancelled,"
    "is_back_order,room_num,adults,children"
)
_ORDER = "id,id_customer,current_state,source,reference,total_paid_tax_incl,total_paid_real,date_add"


@dataclass(frozen=True)
class Service:
    """Something that QloApps adds to a stay by itself on its own pages, and forgets when it is booked from outside."""

    id: int
    net: Decimal
    tax_group: int
    per_night: bool
    in_room_price: bool

    def net_for(self, nights: int) -> Decimal:
        return self.net * nights if self.per_night else self.net


@dataclass(frozen=True, kw_only=True)
class Kind(system.Kind):
    """With what only QloApps needs. `code` of `room` is its id there."""

    id: int
    tax_group: int
    services: tuple[Service, ...]


@dataclass(frozen=True)
class Price(system.Price):
    """What one room costs for a stay with its services. `rate` is gross by net.

    `net` is sent for the room alone where its price is another than today's. Today's is left to QloApps, which knows
    it with more than two decimals.
    """

    service_ids: tuple[int, ...]
    rate: Decimal
    net: Decimal | None = None


@dataclass(frozen=True)
class Order:
    """What was booked together, whatever has become of its rooms."""

    id: int
    customer_id: int
    state: int
    source: str
    reference: str
    total: Decimal
    paid: Decimal
    added: str


@dataclass(frozen=True)
class Line:
    """One room of an order. `stands` unless it was cancelled, refunded or flagged as sold too often."""

    id: int
    order_id: int
    kind_id: int
    room_id: int
    number: str
    stay: Stay
    status: int
    adults: int
    children: int
    gross: Decimal
    stands: bool

    @property
    def guest_is_in(self) -> bool:
        return self.stands and self.status == _IN_HOUSE

    @property
    def guest_has_left(self) -> bool:
        return self.stands and self.status == _DEPARTED


class Shop:
    """One hotel in a QloApps, as it is read. Any question may raise PmsUnavailable."""

    def __init__(self, client: Client, hotel_id: int, language: str) -> None:
        self.client = client
        self.hotel_id = hotel_id
        self._language = language

    # --- rooms and prices

    def kinds(self) -> tuple[Kind, ...]:
        """The types of room that are for sale, in QloApps' order; kept for a minute."""
        return catalogues.kept((*self.client.account, self.hotel_id, self._language), self._kinds)

    def _kinds(self) -> tuple[Kind, ...]:
        services = {row.id: row for row in map(_service, rows_of(self._services(), "services")) if row is not None}
        types = {
            whole(row.get("id")): row for row in rows_of(self.client.read("room_types", display="full"), "room_types")
        }
        found = []
        for row in rows_of(self.client.read("hotel_room_types", display="full"), "hotel_room_types"):
            named = types.get(whole(row.get("id_product")))
            if whole(row.get("id_hotel")) == self.hotel_id and named and whole(named.get("active", 1)):
                found.append(_kind(row, named, services, self._language))
        return tuple(found)

    def _services(self) -> Any:
        fields = "id,price,id_tax_rules_group,auto_add_to_cart,price_addition_type,price_calculation_method,active"
        return self.client.read("services", display=f"[{fields}]")

    def offered(self, stay: Stay) -> Offered:
        """What is free for the whole stay, and what a room costs. Minimum stays are honoured."""
        said = _body(self.client.ask("hotel_ari", self._question(stay)), "hotel_ari")
        nights = self._weights(stay) if stay.nights > 1 else {}
        rows = {whole(row.get("id_room_type")): row for row in _list(said.get("room_types"))}
        return Offered(
            stay,
            str(said.get("currency") or ""),
            tuple(
                _free(kind, rows.get(kind.id), stay, nights.get(kind.id) or [Decimal(1)] * stay.nights)
                for kind in self.kinds()
            ),
        )

    def _weights(self, stay: Stay) -> dict[int, list[Decimal]]:
        """How the nights of a stay compare in price, by type."""
        weights: dict[int, list[Decimal]] = {}
        for night in self._by_night(stay):
            for row in _list(night.get("room_types")):
                weights.setdefault(whole(row.get("id_room_type")), []).append(money(row.get("total_price_with_tax")))
        return {kind: prices for kind, prices in weights.items() if len(prices) == stay.nights and all(prices)}

    def offered_from(self, first: date, last: date, nights: int) -> tuple[Offered, ...]:
        """The same for every arrival from `first` to `last`, from one question about each night of the whole time."""
        whole_time = Stay(first, last + timedelta(days=nights))
        said = self._by_night(whole_time)
        if len(said) != whole_time.nights:
            raise PmsUnavailable("QloApps has left out nights")
        days = (last - first).days + 1
        return tuple(
            self._offered(Stay(first + timedelta(days=day), first + timedelta(days=day + nights)), said[day:][:nights])
            for day in range(days)
        )

    def _offered(self, stay: Stay, nights: Sequence[Mapping[str, Any]]) -> Offered:
        by_kind = [{whole(row.get("id_room_type")): row for row in _list(night.get("room_types"))} for night in nights]
        found = []
        for kind in self.kinds():
            rows = [night[kind.id] for night in by_kind if kind.id in night]
            together = _together(kind, rows) if len(rows) == stay.nights else None
            weights = [money(row.get("total_price_with_tax")) for row in rows] or [Decimal(1)]
            found.append(_free(kind, together, stay, weights if all(weights) else [Decimal(1)] * stay.nights))
        return Offered(stay, str(nights[0].get("currency") or ""), tuple(found))

    def nightly(self, stay: Stay) -> dict[str, dict[date, Decimal]]:
        """What each night costs today, by kind, without what is added once for a stay."""
        found: dict[str, dict[date, Decimal]] = {kind.room.code: {} for kind in self.kinds()}
        for number, night in enumerate(self._by_night(stay)):
            for kind in self.kinds():
                rows = [row for row in _list(night.get("room_types")) if whole(row.get("id_room_type")) == kind.id]
                rate = _night(kind, rows[0]) if rows else None
                if rate is not None:
                    found[kind.room.code][stay.check_in + timedelta(days=number)] = rate
        return found

    def _by_night(self, stay: Stay) -> list[Any]:
        said = self.client.ask("hotel_ari", self._question(stay, "<date_wise_breakdown>1</date_wise_breakdown>"))
        return rows_of(said, "hotel_aris")

    def _question(self, stay: Stay, more: str = "") -> str:
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<qloapps><hotel_ari><id_hotel>{self.hotel_id}</id_hotel>'
            f"<date_from>{stay.check_in}</date_from><date_to>{stay.check_out}</date_to>"
            f"<get_available_rooms>1</get_available_rooms>{more}</hotel_ari></qloapps>"
        )

    # --- orders

    def orders_of(self, token: str) -> tuple[Order, ...]:
        """Every order with this `source`, oldest first. Several when a gateway has asked twice."""
        return self._orders(**{"filter[source]": f"[{token}]"})

    def orders_like(self, prefix: str, most: int) -> tuple[Order, ...]:
        """The newest orders whose `source` begins so."""
        said = self._orders(**{"filter[source]": f"[{prefix}]%", "sort": "[id_DESC]", "limit": str(most)})
        return tuple(order for order in said if order.source.startswith(prefix))

    def orders(self, order_ids: Iterable[str]) -> tuple[Order, ...]:
        """Those of them that are there, also where a list leaves them out."""
        ids = [whole(order_id) for order_id in order_ids]
        return tuple(sorted(map(_order, orders_by_id(self.client, _ORDER, ids)), key=lambda order: order.id))

    def _orders(self, **query: str) -> tuple[Order, ...]:
        rows = rows_of(self.client.read("orders", display=f"[{_ORDER}]", **query), "orders")
        return tuple(sorted(map(_order, rows), key=lambda order: order.id))

    def lines_of(self, order_ids: Iterable[str]) -> tuple[Line, ...]:
        wanted = "|".join(order_ids)
        return self._lines(**{"filter[id_order]": f"[{wanted}]"}) if wanted else ()

    def lines_in(self, room_id: int, stay: Stay) -> tuple[Line, ...]:
        """Everything that keeps this room from others during these nights, whoever booked it: who has left does not."""
        rows = self._lines(
            **{
                "filter[id_room]": f"[{room_id}]",
                "filter[date_from]": f"<[{stay.check_out} 00:00:00]",
                "filter[date_to]": f">[{stay.check_in} 00:00:00]",
            }
        )
        return tuple(line for line in rows if line.stands and not line.guest_has_left and overlap(line.stay, stay))

    def _lines(self, **query: str) -> tuple[Line, ...]:
        rows = rows_of(self.client.read("room_bookings", display=f"[{_LINE}]", **query), "bookings")
        return tuple(sorted((_line(row) for row in rows), key=lambda line: line.id))

    def is_in_service(self, room_id: int) -> bool:
        rows = rows_of(self.client.read("hotel_rooms", display="[id,id_status]", **{"filter[id]": f"[{room_id}]"}), "")
        return bool(rows) and whole(rows[0].get("id_status", 1)) != _OUT_OF_ORDER


_OUT_OF_ORDER = 2


def overlap(one: Stay, other: Stay) -> bool:
    return one.check_in < other.check_out and other.check_in < one.check_out


# Reading the pieces


def orders_by_id(client: Client, display: str, ids: Sequence[int]) -> list[Mapping[str, Any]]:
    """Orders as they are. One that a list leaves out is asked for by itself: that it is in no list is no proof, as
    QloApps hides an order from them whose shop somebody has emptied, and whose rooms are kept all the same.

    Of many that are left out at once, a few are asked for: then it is the list that is wrong, and it comes again.
    """
    if not ids:
        return []
    wanted = "|".join(map(str, ids))
    found = rows_of(client.read("orders", display=f"[{display}]", **{"filter[id]": f"[{wanted}]"}), "orders")
    left_out = sorted(set(ids) - {whole(row.get("id")) for row in found})
    for order_id in left_out[:MOST_LEFT_OUT]:
        said = client.read(f"orders/{order_id}")
        if said is not None:
            found.append(_body(said, "order"))
    return found


def rows_of(said: Any, name: str = "") -> list[Any]:
    """The list of an answer. An empty one is `[]` without its name; rooms come as `rooms` or as `hotel_rooms`.

    Raises PmsUnavailable without a list: that nothing is there has to be said.
    """
    if isinstance(said, dict):
        said = said.get(name) if name else next(iter(said.values()), None)
    if not isinstance(said, list | dict):
        raise PmsUnavailable(f"QloApps answers without a list{name and f' of {name}'}")
    return _list(said)


def _list(said: Any) -> list[Any]:
    rows = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return [row for row in rows if isinstance(row, dict)]


def _body(said: Any, name: str) -> Mapping[str, Any]:
    found = said.get(name) if isinstance(said, dict) else None
    if not isinstance(found, dict):
        raise PmsUnavailable(f"QloApps answers without {name}")
    return found


def whole(value: Any) -> int:
    """Ids and numbers come as numbers or as words. Raises PmsUnavailable for anything else."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise PmsUnavailable("QloApps answers something else than a number") from None


def money(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise PmsUnavailable("QloApps answers something else than an amount") from None
    if not amount.is_finite():
        raise PmsUnavailable("QloApps answers something else than an amount")
    return amount


def _service(row: Mapping[str, Any]) -> Service | None:
    """None of those that a guest has to ask for."""
    if not whole(row.get("auto_add_to_cart") or 0) or not whole(row.get("active", 1)):
        return None
    return Service(
        whole(row.get("id")),
        money(row.get("price")),
        whole(row.get("id_tax_rules_group") or 0),
        whole(row.get("price_calculation_method") or 1) == _PER_NIGHT,
        whole(row.get("price_addition_type") or _IN_ROOM_PRICE) == _IN_ROOM_PRICE,
    )


def _kind(row: Mapping[str, Any], named: Mapping[str, Any], services: Mapping[int, Service], language: str) -> Kind:
    name = plain(named.get("name"))
    words = re.sub(r"\b(rooms?|habitaci[oó]n(es)?|quartos?)\b", " ", name.casefold())
    about = plain(named.get("description_short"))
    return Kind(
        id=whole(row.get("id_product")),
        room=RoomKind(
            code=str(whole(row.get("id_product"))),
            capacity=whole(row.get("max_guests")),
            names={language: name} if name else {},
            descriptions={language: about} if about else {},
            words=tuple(dict.fromkeys(filter(None, (name.casefold(), " ".join(words.split()))))),
            most_adults=whole(row.get("max_adults")),
            most_children=whole(row.get("max_children")),
        ),
        tax_group=whole(named.get("id_tax_rules_group") or 0),
        least_nights=whole(row.get("min_los") or 1),
        most_nights=whole(row.get("max_los") or 0) or None,
        services=tuple(_services_of(named, services)),
    )


def _services_of(named: Mapping[str, Any], services: Mapping[int, Service]) -> Iterable[Service]:
    """Those that belong to a type, some at a price of its own."""
    linked = named.get("associations")
    for row in _list(linked.get("services") if isinstance(linked, dict) else None):
        service = services.get(whole(row.get("id")))
        if service is not None:
            own = row.get("price")
            net = service.net if own in (None, "") else money(own)
            yield Service(service.id, net, service.tax_group, service.per_night, service.in_room_price)


def plain(value: Any) -> str:
    """The words of a text that may come by language, as HTML or escaped."""
    if isinstance(value, list):
        value = next((one.get("value") for one in value if isinstance(one, dict)), "")
    words = re.sub(r"<[^<>]{0,500}>", " ", html.unescape(str(value or "")))
    return " ".join(words.split())[:1000]


def _together(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several nights as one stay: the rooms that are free in each of them, and the sums."""
    rooms = set.intersection(*(set(_available(row)) for row in rows))
    once = sum(
        (service.net for service in kind.services if service.in_room_price and not service.per_night), Decimal(0)
    )
    net = sum((money(row.get("total_price")) for row in rows), Decimal(0))
    gross = sum((money(row.get("total_price_with_tax")) for row in rows), Decimal(0))
    again = once * (len(rows) - 1)  # What is paid once was counted in every night.
    return {
        "total_price": net - again,
        "total_price_with_tax": gross - again * (gross / net if net else 1),
        "rooms": {"available": {str(room): {"id_room": room} for room in rooms}},
    }


def _free(kind: Kind, row: Mapping[str, Any] | None, stay: Stay, weights: Sequence[Decimal]) -> Free:
    price = _price(kind, row, stay.nights, weights) if row else None
    sold = row is not None and price is not None and kind.lets_stay(stay.nights)
    return Free(kind, len(_available(row)) if sold and row else 0, price)


def _available(row: Mapping[str, Any]) -> list[int]:
    rooms = row.get("rooms")
    return [whole(room.get("id_room")) for room in _list(rooms.get("available") if isinstance(rooms, dict) else None)]


def _price(kind: Kind, row: Mapping[str, Any], nights: int, weights: Sequence[Decimal]) -> Price | None:
    """What a room costs with everything that QloApps adds by itself, taxes included; None without a price."""
    net, gross = money(row.get("total_price")), money(row.get("total_price_with_tax"))
    if net <= 0 or gross < net:
        return None
    beside = [service for service in kind.services if not service.in_room_price]
    rate = _rate(net, gross)
    total = cents(gross + sum((_with_tax(service, nights, rate) for service in beside), Decimal(0)))
    return Price(total, shares(total, weights), tuple(service.id for service in kind.services), rate)


def _rate(net: Decimal, gross: Decimal) -> Decimal:
    """Both are rounded, so the roundest rate that explains them is the one."""
    exact = gross / net
    for digits in (CENT, CENT / 10, CENT / 100):
        if abs(net * exact.quantize(digits) - gross) <= CENT:
            return exact.quantize(digits)
    return exact


def fixed(kind: Kind, nightly: Sequence[Decimal], rate: Decimal) -> Price:
    """The price of a room that costs so much in each night, or the next to it: QloApps rounds net prices to cents."""
    total, nights = sum(nightly, Decimal(0)), len(nightly)
    services = sum((cents(_with_tax(service, nights, rate)) for service in kind.services), Decimal(0))
    net = cents((total - services) / rate)
    if net <= 0:  # Agreed when there were no such services.
        net, services = cents(total / rate), Decimal(0)
    written = cents(net * rate) + services
    ids = tuple(service.id for service in kind.services) if services else ()
    return Price(written, shares(written, nightly), ids, rate, net)


def _night(kind: Kind, row: Mapping[str, Any]) -> Decimal | None:
    """What one night more costs: without what is paid once for a stay."""
    net, gross = money(row.get("total_price")), money(row.get("total_price_with_tax"))
    if net <= 0 or gross < net:
        return None
    once = sum((one.net for one in kind.services if one.in_room_price and not one.per_night), Decimal(0))
    beside = [one for one in kind.services if not one.in_room_price and one.per_night]
    rate = _rate(net, gross)
    return cents(gross - once * rate + sum((_with_tax(one, 1, rate) for one in beside), Decimal(0)))


def _with_tax(service: Service, nights: int, rate: Decimal) -> Decimal:
    """Taxed as the room is, or not at all. What has a tax of its own is found out by reading back."""
    return service.net_for(nights) * (rate if service.tax_group else 1)


def _order(row: Mapping[str, Any]) -> Order:
    return Order(
        whole(row.get("id")),
        whole(row.get("id_customer") or 0),
        whole(row.get("current_state")),
        str(row.get("source") or ""),
        str(row.get("reference") or ""),
        cents(money(row.get("total_paid_tax_incl"))),
        money(row.get("total_paid_real") or 0),
        str(row.get("date_add") or ""),
    )


def _line(row: Mapping[str, Any]) -> Line:
    flags = ("is_cancelled", "is_refunded", "is_back_order")
    try:
        stay = Stay(day_of(row.get("date_from")), day_of(row.get("date_to")))
    except ValueError:
        raise PmsUnavailable("QloApps answers a stay that is none") from None
    return Line(
        whole(row.get("id")),
        whole(row.get("id_order")),
        whole(row.get("id_product")),
        whole(row.get("id_room")),
        str(row.get("room_num") or ""),
        stay,
        whole(row.get("id_status") or 1),
        whole(row.get("adults") or 0),
        whole(row.get("children") or 0),
        money(row.get("total_price_tax_incl") or 0),
        not any(whole(row.get(flag) or 0) for flag in flags),
    )


def day_of(words: Any) -> date:
    """The day of "2026-12-10 00:00:00". Raises ValueError."""
    return date.fromisoformat(str(words)[:10])


def as_xml(value: str) -> str:
    """The words as they stand in XML, without what XML has no way to write."""
    return escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", value))


def forget() -> None:
    """Read the types of room anew."""
    catalogues.forget()
