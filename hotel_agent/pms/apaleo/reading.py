"""What Apaleo has on record, in our values.

Its bookings are orders, its reservations the lines of one. The price of a room is that of its rate plan, of which one
is taken for each unit group: sold on the direct channel without a card, free to cancel for the longest time, and of
those the cheapest. Where prices go by people they are those of two, or of one where no more fit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from hotel_agent.db import utcnow
from hotel_agent.pms.apaleo.client import Client, rows_of
from hotel_agent.pms.contract import PmsUnavailable, RoomKind, Stay
from hotel_agent.pms.orders import catalogues, system
from hotel_agent.pms.orders.system import Free, Kind, Line, Offered, Order, cents

CHANNEL, GUARANTEE = "Direct", "PM6Hold"  # Held without a card until six in the evening, Apaleo's weakest.
FULL = "UnitGroupFullyBooked"
CONFIRMED, IN_HOUSE, CHECKED_OUT, CANCELED, NO_SHOW = "Confirmed", "InHouse", "CheckedOut", "Canceled", "NoShow"
GONE = (CANCELED, NO_SHOW)
_OUT = ("OutOfOrder", "OutOfInventory")
_COTS = re.compile(r"\bCots: (\d{1,2})\b")


@dataclass(frozen=True)
class Price(system.Price):
    """By which rate plan it is sold."""

    plan: str


@dataclass(frozen=True)
class Unit:
    """A room."""

    id: str
    number: str
    kind: str
    is_out: bool
    is_occupied: bool
    condition: str


class Property:
    """One property of an account, as it is read. Any question may raise PmsUnavailable."""

    def __init__(self, client: Client, id: str, language: str, zone: ZoneInfo) -> None:  # noqa: A002
        self.client = client
        self.id = id
        self._language, self._zone = language, zone

    # --- rooms and prices

    def kinds(self) -> tuple[Kind, ...]:
        return catalogues.kept((self.client.base, self.client.credentials, self.id, self._language), self._kinds)

    def _kinds(self) -> tuple[Kind, ...]:
        rows = self.client.pages("inventory/v1/unit-groups", "unitGroups", propertyId=self.id)
        found = [row for row in rows if whole(row.get("memberCount"), 0) and row.get("type") in (None, "BedRoom")]
        if not found:
            raise PmsUnavailable(f"Apaleo knows no unit groups with rooms in {self.id}")
        found.sort(key=lambda row: whole(row.get("rank"), 0))
        return tuple(_kind(row, self._language) for row in found)

    def offered(self, stay: Stay) -> Offered:
        """What is free for the whole stay, and what a room costs."""
        return self._whole(stay, self._offers(stay))

    def offered_from(self, first: date, last: date, nights: int) -> tuple[Offered, ...]:
        """The same for every arrival, from one question about the whole time: what is said of the length of a stay
        alone is told by `offered`. What is over is not for sale."""
        asked = min(max(first, self.today()), last)
        offers = self._offers(Stay(asked, last + timedelta(days=nights)))
        arrivals = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return tuple(
            self._part(Stay(day, day + timedelta(days=nights)), offers if day >= asked else {}, (day - asked).days)
            for day in arrivals
        )

    def nightly(self, stay: Stay) -> dict[str, dict[date, Decimal]]:
        """Of the nights that are not over; those have no price any more."""
        first = max(stay.check_in, self.today())
        offers = self._offers(Stay(first, stay.check_out)) if first < stay.check_out else {}
        prices = {code: [night.price for night in offer.nights] for code, offer in offers.items()}
        return {
            kind.room.code: {
                first + timedelta(days=number): price for number, price in enumerate(prices.get(kind.room.code, []))
            }
            for kind in self.kinds()
        }

    def today(self) -> date:
        return utcnow().astimezone(self._zone).date()

    def _offers(self, stay: Stay) -> dict[str, _Offer]:
        """The one of each unit group."""
        found: dict[str, list[_Offer]] = defaultdict(list)
        if stay.check_in < self.today():
            return {}  # Apaleo takes that for a mistake.
        for adults in (1, 2):
            groups = [kind.room.code for kind in self.kinds() if (kind.room.capacity > 1) == (adults > 1)]
            said = self._ask_offers("booking/v1/offers", stay, adults, groups) if groups else []
            for offer in said:
                found[offer.group].append(offer)
        return {group: min(offers, key=_Offer.order) for group, offers in found.items()}

    def offers_to(self, line: Line, stay: Stay, kind: str, adults: int, ages: Sequence[int]) -> list[_Offer]:
        """What a reservation could become; what it has counts as free."""
        path = f"booking/v1/reservations/{line.id}/offers"
        return self._ask_offers(path, stay, adults, [kind], childrenAges=ages)

    def _ask_offers(self, path: str, stay: Stay, adults: int, groups: Sequence[str], **more: object) -> list[_Offer]:
        said = self.client.read(
            path,
            propertyId=self.id,
            arrival=stay.check_in,
            departure=stay.check_out,
            adults=adults,
            channelCode=CHANNEL,
            unitGroupIds=groups,
            includeUnavailable=True,
            **more,
        )
        rows = rows_of(said, "offers")
        offers = [_offer(row, stay) for row in rows if row.get("minGuaranteeType", GUARANTEE) == GUARANTEE]
        return [offer for offer in offers if len(offer.nights) == stay.nights]

    def _whole(self, stay: Stay, offers: Mapping[str, _Offer]) -> Offered:
        found, currency = [], ""
        for kind in self.kinds():
            offer = offers.get(kind.room.code)
            if offer is None or not offer.is_sold:
                found.append(Free(kind, 0, None))
                continue
            currency = offer.currency
            found.append(Free(kind, offer.free, _price(offer.plan, [night.price for night in offer.nights])))
        return Offered(stay, currency, tuple(found))

    def _part(self, stay: Stay, offers: Mapping[str, _Offer], day: int) -> Offered:
        found, currency = [], ""
        for kind in self.kinds():
            offer = offers.get(kind.room.code)
            if offer is None:
                found.append(Free(kind, 0, None))
                continue
            currency, nights = offer.currency, offer.nights[day : day + stay.nights]
            price = _price(offer.plan, [night.price for night in nights])
            found.append(Free(kind, max(0, min(night.free for night in nights)), price))
        return Offered(stay, currency, tuple(found))

    # --- orders

    def reservations(self, **query: object) -> list[Mapping[str, Any]]:
        """Every reservation that fits."""
        return list(self.client.pages("booking/v1/reservations", "reservations", propertyIds=self.id, **query))

    def reservations_of(self, order_ids: Iterable[str]) -> list[Mapping[str, Any]]:
        return [row for order_id in dict.fromkeys(order_ids) for row in self.reservations(bookingId=order_id)]

    def orders(self, rows: Iterable[Mapping[str, Any]]) -> tuple[Order, ...]:
        """The bookings of these reservations, which are all of theirs, in the order of the rows."""
        by_booking: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            by_booking[word(row, "bookingId")].append(row)
        return tuple(_order(order_id, group) for order_id, group in by_booking.items())

    def lines(self, rows: Iterable[Mapping[str, Any]]) -> tuple[Line, ...]:
        return tuple(sorted((self.line(row) for row in rows), key=lambda line: (len(line.id), line.id)))

    def line(self, row: Mapping[str, Any]) -> Line:
        status = row.get("status")
        unit = row.get("unit")
        unit = unit if isinstance(unit, dict) else {}
        children = row.get("childrenAges")
        return Line(
            id=word(row, "id"),
            order_id=word(row, "bookingId"),
            kind=word(row.get("unitGroup"), "id"),
            room=str(unit.get("id") or ""),
            number=str(unit.get("name") or ""),
            stay=self.stay(row),
            adults=whole(row.get("adults"), 0),
            children=(len(children) if isinstance(children, list) else 0) + cots_of(row),
            gross=amount(row.get("totalGrossAmount")),
            stands=status not in GONE,
            guest_is_in=status == IN_HOUSE,
            guest_has_left=status == CHECKED_OUT,
            guest_did_not_come=status == NO_SHOW,
        )

    def stay(self, row: Mapping[str, Any]) -> Stay:
        """Its days where the property is."""
        try:
            return Stay(self.day(row.get("arrival")), self.day(row.get("departure")))
        except ValueError:
            raise PmsUnavailable("Apaleo answers a stay that is none") from None

    def day(self, value: Any) -> date:
        return moment(value).astimezone(self._zone).date()

    def units(self) -> tuple[Unit, ...]:
        rows = self.client.pages("inventory/v1/units", "units", propertyId=self.id)
        return tuple(_unit(row) for row in rows)

    def unit(self, unit_id: str) -> Unit | None:
        said = self.client.read(f"inventory/v1/units/{unit_id}")
        return _unit(said) if said is not None else None


@dataclass(frozen=True)
class _Night:
    price: Decimal
    free: int


@dataclass(frozen=True)
class _Offer:
    """A rate plan of a unit group for a stay. `is_sold` unless a rule is against it; there may be no room left."""

    group: str
    plan: str
    is_sold: bool
    free: int
    nights: tuple[_Night, ...]
    currency: str
    cancels_until: str

    def order(self) -> tuple[bool, float, Decimal, str]:
        """The best first."""
        until = datetime.fromisoformat(self.cancels_until).timestamp() if self.cancels_until else 0.0
        return not self.is_sold, -until, sum((night.price for night in self.nights), Decimal(0)), self.plan


def _offer(row: Mapping[str, Any], stay: Stay) -> _Offer:
    messages = row.get("validationMessages")
    reasons = {one.get("code") for one in messages if isinstance(one, dict)} if isinstance(messages, list) else set()
    nights = tuple(
        _Night(amount(night.get("totalGrossAmount")), whole(night.get("availableUnits"), 0))
        for night in rows_of(row, "timeSlices")[: stay.nights]
    )
    fee, total = row.get("cancellationFee"), row.get("totalGrossAmount")
    return _Offer(
        group=word(row.get("unitGroup"), "id") if "unitGroup" in row else _group_of(row),
        plan=word(row.get("ratePlan"), "id") if "ratePlan" in row else _plan_of(row),
        is_sold=not reasons - {FULL} and bool(nights) and all(night.price > 0 for night in nights),
        free=0 if FULL in reasons else max(0, whole(row.get("availableUnits"), 0)),
        nights=nights,
        currency=str(total.get("currency") or "") if isinstance(total, dict) else "",
        cancels_until=str(fee.get("dueDateTime") or "") if isinstance(fee, dict) else "",
    )


def _group_of(row: Mapping[str, Any]) -> str:
    """Offers for a reservation name group and plan by night."""
    return word(rows_of(row, "timeSlices")[0].get("unitGroup"), "id")


def _plan_of(row: Mapping[str, Any]) -> str:
    return word(rows_of(row, "timeSlices")[0].get("ratePlan"), "id")


def _price(plan: str, nightly: Sequence[Decimal]) -> Price:
    return Price(sum(nightly, Decimal(0)), tuple(nightly), plan)


def _kind(row: Mapping[str, Any], language: str) -> Kind:
    name, about = str(row.get("name") or row.get("code") or ""), str(row.get("description") or "")
    return Kind(
        RoomKind(
            code=word(row, "id"),
            capacity=whole(row.get("maxPersons"), 1),
            names={language: name} if name else {},
            descriptions={language: about} if about else {},
            words=(name.casefold(),) if name else (),
        )
    )


def _order(order_id: str, rows: Sequence[Mapping[str, Any]]) -> Order:
    standing = [row for row in rows if row.get("status") not in GONE]
    codes = [str(row.get("externalCode") or "") for row in rows]
    total = sum((amount(row.get("totalGrossAmount")) for row in standing or rows), Decimal(0))
    return Order(order_id, next(filter(None, codes), ""), not standing, total, order_id)


def _unit(row: Mapping[str, Any]) -> Unit:
    status = row.get("status")
    status = status if isinstance(status, dict) else {}
    maintenance = status.get("maintenance")
    return Unit(
        id=word(row, "id"),
        number=word(row, "name"),
        kind=word(row.get("unitGroup"), "id"),
        is_out=isinstance(maintenance, dict) and maintenance.get("type") in _OUT,
        is_occupied=status.get("isOccupied") is True,
        condition=str(status.get("condition") or ""),
    )


# Reading the pieces; what makes no sense is PmsUnavailable


def word(row: Any, name: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str) or not value:
        raise PmsUnavailable(f"Apaleo answers without {name}")
    return value


def cots_of(row: Mapping[str, Any]) -> int:
    """Everyone with an age counts as a person there, so babies in cots are a word of ours in the comment."""
    told = _COTS.search(str(row.get("comment") or ""))
    return int(told[1]) if told else 0


def with_cots(comment: str, cots: int) -> str:
    """The comment, telling of so many."""
    words = [_COTS.sub("", comment).strip(), f"Cots: {cots}" if cots else ""]
    return " ".join(filter(None, words))


def whole(value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        return least
    return value


def amount(value: Any) -> Decimal:
    """Of a MonetaryValue."""
    try:
        found = Decimal(str(value["amount"]))
    except (InvalidOperation, KeyError, TypeError):
        raise PmsUnavailable("Apaleo answers something else than an amount") from None
    if not found.is_finite():
        raise PmsUnavailable("Apaleo answers something else than an amount")
    return cents(found)


def moment(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise PmsUnavailable("Apaleo answers something else than a time") from None
    if found.tzinfo is None:
        raise PmsUnavailable("Apaleo answers a time without its offset")
    return found
