"""What a POST or PUT of `bookings` asks for, as the program understands it, and why it may refuse."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.fakes.qloapps.availability import free_rooms
from tests.fakes.qloapps.call import Call
from tests.fakes.qloapps.markup import Malformed, parse, to_data
from tests.fakes.qloapps.shop import Shop
from tests.fakes.qloapps.values import day, filled, is_date, is_email, is_phone, is_price, whole

FILE = "classes/webservice/WebserviceSpecificManagementBookings.php"
NOT_FREE = "Requested room(s) not available"
# iso code: id, names of the states it has, digits of its postal code
COUNTRIES: dict[str, tuple[int, tuple[str, ...], int]] = {
    "AT": (2, (), 4),
    "BE": (3, (), 4),
    "CH": (19, (), 4),
    "DE": (1, (), 5),
    "ES": (6, (), 5),
    "FR": (8, (), 5),
    "GB": (17, (), 0),
    "IE": (26, (), 0),
    "IT": (10, (), 5),
    "NL": (13, (), 0),
    "PT": (15, (), 0),
    "US": (
        21,
        tuple(
            "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH "
            "OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY".split()
        ),
        5,
    ),
}


@dataclass
class AskedRoom:
    """One of `rooms`. The occupancy comes from `adult` and `child`; `child` without `child_ages` is none."""

    told: dict[str, Any]
    wish: int | None
    adults: int
    children: int
    child_ages: str
    services: list[dict[str, Any]]


@dataclass
class AskedType:
    """One of `room_types`: so many rooms of a type for some nights."""

    told: dict[str, Any]
    count: int
    rooms: dict[str, AskedRoom] = field(default_factory=dict)

    @property
    def room_type(self) -> int:
        return whole(self.told.get("id_room_type"))

    @property
    def start(self) -> date:
        return day(self.told["checkin_date"])

    @property
    def end(self) -> date:
        return day(self.told["checkout_date"])


@dataclass
class Asked:
    """The request, its associations laid beside its fields."""

    params: dict[str, Any]
    types: dict[str, AskedType] = field(default_factory=dict)

    def part(self, name: str) -> dict[str, Any]:
        found = self.params.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def guest(self) -> dict[str, Any]:
        return self.part("customer_detail")

    @property
    def prices(self) -> dict[str, Any]:
        return self.part("price_details")


def read(call: Call) -> Asked:
    """JSON or XML, whatever the header says. What is neither has PHP warn, and then lacks a currency."""
    found = _body(call)
    if not isinstance(found, dict):
        kind = "null" if found is None else "bool"
        call.warn(f"array_merge(): Expected parameter 1 to be an array, {kind} given", FILE, 408)
        return Asked({})
    associations = found.pop("associations", None)
    asked = Asked({**found, **(associations if isinstance(associations, dict) else {})})
    for told in _listed(asked.params.get("room_types"), "room_type"):
        _add_type(call, asked, told)
    return asked


def _body(call: Call) -> dict[str, Any] | bool | None:
    text = call.request.text
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if data:
        if isinstance(data, dict) and data.get("booking") is not None:
            return dict(data["booking"]) if isinstance(data["booking"], dict) else False
        call.fail(500, 127, "Invalid request.")
        return None
    if not text:
        return False
    try:
        told = to_data(parse(text.removeprefix("xml=")))
    except Malformed as fault:
        for complaint in fault.complaints:
            call.warn(f"simplexml_load_string(): {complaint}", FILE, 374)
        return False
    booking = told.get("booking") if isinstance(told, dict) else None
    return dict(booking) if isinstance(booking, dict) else None


def _listed(told: Any, node: str) -> list[Any]:
    """A list in JSON; in XML a dict of one node, or of several of them."""
    if isinstance(told, dict):
        inside = told.get(node)
        return inside if isinstance(inside, list) else [inside] if inside else []
    return told if isinstance(told, list) else []


def _add_type(call: Call, asked: Asked, told: dict[str, Any]) -> None:
    """Equal types for equal nights are one; of their `rooms` the last ones count."""
    days = [str(day(told[name])) if is_date(told.get(name)) else "" for name in ("checkin_date", "checkout_date")]
    key = type_key(told.get("id_room_type"), *days)
    count = whole(told.get("number_of_rooms"))
    if key in asked.types:
        asked.types[key].count += count
    else:
        asked.types[key] = AskedType(told, count)
    if told.get("rooms") is not None:
        rooms = _listed(told["rooms"], "room")
        found = [_room(call, room, asked.types[key].room_type) for room in rooms]
        asked.types[key].rooms = {
            f"r_{room.wish}" if room.wish is not None else str(place): room for place, room in enumerate(found)
        }


def type_key(room_type: Any, start: str, end: str) -> str:
    return f"{room_type}_{start}_{end}"


def _room(call: Call, told: dict[str, Any], room_type: int) -> AskedRoom:
    services = _listed(told.get("services"), "service")
    for service in services:
        if "id_service" in service and "id_tax_rules_group" not in service and "total_tax" not in service:
            call.notice("Undefined index: total_tax", FILE, 580)
    if "id_tax_rules_group" not in told and "total_tax" not in told:
        call.notice("Undefined index: total_tax", FILE, 504)
    base = next((one for one in call.shop.limits if one.id_product == room_type), None)
    ages = _ages(told.get("child_ages"))
    children = told.get("child", base.children if base else 0) if ages is not None else 0
    return AskedRoom(
        told=told,
        wish=whole(told["id_room"]) if told.get("id_room") is not None else None,
        adults=whole(told["adult"]) if filled(told.get("adult")) else base.adults if base else 0,
        children=whole(children),
        child_ages=json.dumps(ages, separators=(",", ":")) if ages and filled(children) else "[]",
        services=services,
    )


def _ages(told: Any) -> list[Any] | None:
    """None when there are none, which makes the children vanish."""
    if isinstance(told, dict):
        inside = told.get("child_age")
        return inside if isinstance(inside, list) and inside else [inside] if inside else None
    return told if isinstance(told, list) and told else None


# Refusals: always 400 with the code 404, told apart by their words alone.


def refusal_of_post(shop: Shop, asked: Asked) -> str | None:
    return (
        _of_head(shop, asked)
        or _of_guest(asked.guest)
        or _of_prices(asked.prices)
        or _of_address(asked.guest)
        or _of_rooms(shop, asked)
        or _of_payment(asked)
    )


def refusal_of_put(shop: Shop, asked: Asked) -> str | None:
    params, guest = asked.params, asked.guest
    hotel = shop.hotels.get(whole(params.get("id_property")))
    checks = (
        ("id is required with PUT requests.", not filled(params.get("id"))),
        ("Booking not found.", shop.orders.get(whole(params.get("id"))) is None),
        ("Invalid booking status.", not 0 <= whole(params.get("booking_status", 1)) <= 4),
        ("Rooms not found in the request.", not asked.types),
        ("Invalid ID customer.", "id_customer" in guest and not shop.customers.get(whole(guest["id_customer"]))),
        ("Please provide a valid id_property.", hotel is None),
        ("Customer not found.", not is_email(guest.get("email")) or not shop.customer_called(str(guest["email"]))),
        ("Invalid booking status.", not 1 <= whole(params.get("booking_status", 1)) <= 4),
    )
    problem = next((words for words, wrong in checks if wrong), None)
    return problem or next(filter(None, (_of_wished_rooms(shop, one) for one in asked.types.values())), None)


def _of_head(shop: Shop, asked: Asked) -> str | None:
    params = asked.params
    checks = (
        ("id is forbidden when adding a new resource", params.get("id") is not None),
        ("Please provide valid currency.", shop.currency_called(str(params.get("currency") or "")) is None),
        ("Customer details not found.", not asked.guest),
        ("Please provide a valid id_property.", shop.hotels.get(whole(params.get("id_property"))) is None),
        ("Please provide a valid id_customer.", _unknown_customer(shop, asked.guest.get("id_customer"))),
    )
    return next((words for words, wrong in checks if wrong), None)


def _unknown_customer(shop: Shop, told: Any) -> bool:
    return filled(told) and shop.customers.get(whole(told)) is None


def _of_guest(guest: dict[str, Any]) -> str | None:
    for name, words in (
        ("firstname", "first name"),
        ("lastname", "last name"),
        ("email", "email"),
        ("phone", "phone number"),
    ):
        if not filled(guest.get(name)) or not str(guest[name]).strip():
            return f"Please provide a valid {words}."
    return None


def _of_prices(prices: dict[str, Any]) -> str | None:
    if filled(prices.get("total_paid")) and not is_price(prices["total_paid"]):
        return "Invalid value for total paid."
    if filled(prices.get("total_price_with_tax")) and not is_price(prices["total_price_with_tax"]):
        return "Invalid value for total amount with tax."
    return None


def _of_address(guest: dict[str, Any]) -> str | None:
    """With one part of an address every part is wanted."""
    if not any(guest.get(name) is not None for name in ("address", "city", "country_code", "state_code", "zip")):
        return None
    for name, words in (("address", "Address"), ("city", "City"), ("country_code", "Country code")):
        if not filled(guest.get(name)):
            return f"{words} is required."
    country = COUNTRIES.get(str(guest["country_code"]).upper())
    if country is None:
        return "Invalid country code."
    _, states, digits = country
    checks = (
        ("State code is required for the given country.", states and not filled(guest.get("state_code"))),
        ("Invalid state code.", states and str(guest.get("state_code")).upper() not in states),
        ("Zip code is required.", digits and not filled(guest.get("zip"))),
        (_zip_words(digits), digits and not (str(guest.get("zip")).isdigit() and len(str(guest["zip"])) == digits)),
    )
    return next((words for words, wrong in checks if wrong), None)


def _zip_words(digits: int) -> str:
    return f"The Zip/Postal code you have entered is invalid. It must follow this format: {'0' * digits}"


def _of_rooms(shop: Shop, asked: Asked) -> str | None:
    hotel = whole(asked.params.get("id_property"))
    if not asked.types:
        return f"{NOT_FREE}."
    problems = (of_type(shop, one, hotel) for one in asked.types.values())
    return next((words or f"{NOT_FREE}." for words in problems if words is not None), None)


def of_type(shop: Shop, asked: AskedType, hotel: int) -> str | None:
    """None when the rooms can be had; "" when they are not free; else words of its own."""
    problem = _of_form(shop, asked)
    if problem:
        return problem
    known = shop.room_types[asked.room_type]
    free = free_rooms(shop, asked.room_type, asked.start, asked.end) if known.id_hotel == hotel else []
    if not free or len(free) < asked.count:
        return ""
    for room in asked.rooms.values():
        if room.wish is not None and room.wish not in [one.id for one in free]:
            return ""
        problem = _of_services(shop, room)
        if problem:
            return problem
    return None


def _of_form(shop: Shop, asked: AskedType) -> str | None:
    told = asked.told
    checks = (
        ("Id room type is missing", lambda: told.get("id_room_type") is None),
        ("Invalid check in date in the request", lambda: not is_date(told.get("checkin_date"))),
        ("Invalid check out date in the request", lambda: not is_date(told.get("checkout_date"))),
        ("number of rooms is missing", lambda: told.get("number_of_rooms") is None),
        ("Invalid room type in the request", lambda: shop.room_types.get(asked.room_type) is None),
        (
            "Room count does not matches with the number of rooms",
            lambda: bool(asked.rooms) and len(asked.rooms) != asked.count,
        ),
        ("Invalid check in and check out dates in the request", lambda: asked.start > asked.end),
    )
    return next((words for words, wrong in checks if wrong()), None)


def _of_services(shop: Shop, room: AskedRoom) -> str | None:
    for service in room.services:
        if "id_service" in service and shop.services.get(whole(service["id_service"])) is None:
            return "Invalid request for service."
        if "id_service" in service:
            continue
        if service.get("name") is None:
            return "Service name is required for non existing services."
        prices = [service[name] for name in ("total_price_without_tax", "unit_price_without_tax") if name in service]
        if not prices:
            return f"Price required for service {service['name']}."
        if not all(map(is_price, prices)):
            return f"Invalid price for service {service['name']}."
    return None


def _of_wished_rooms(shop: Shop, asked: AskedType) -> str | None:
    problem = _of_form(shop, asked)
    if problem:
        return problem
    count = asked.count
    for room in asked.rooms.values():
        known = shop.rooms.get(room.wish) if room.wish is not None else None
        if room.wish is not None and (known is None or known.id_product != asked.room_type):
            return "Invalid Id room."
        if room.wish is None and not count:
            return NOT_FREE
        count -= room.wish is None
        if "id_tax_rules_group" in room.told and not shop.tax_groups.get(whole(room.told["id_tax_rules_group"])):
            return "Invalid id_tax_rules_group."
        if "total_tax" in room.told and not is_price(room.told["total_tax"]):
            return "Invalid total tax."
        problem = _of_services(shop, room)
        if problem:
            return problem
    return None


def _of_payment(asked: Asked) -> str | None:
    kind = asked.part("payment_detail").get("payment_type")
    if kind is not None and kind not in ("online", "remote", "pay at hotel"):
        return "Invalid payment type."
    if not 1 <= whole(asked.params.get("booking_status", 1)) <= 4:
        return "Invalid booking status."
    if not 1 <= whole(asked.params.get("payment_status", 3)) <= 3:
        return "Invalid payment status."
    return None


def phone_is_kept(told: Any) -> bool:
    return told is not None and is_phone(told)
