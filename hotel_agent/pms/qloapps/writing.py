"""What we ask QloApps to do. `orders` are never written: a PUT of one makes it vanish from every list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from hotel_agent.config import settings
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import PmsRejected, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.orders.system import Person, Refused, Room
from hotel_agent.pms.qloapps.client import changed_xml
from hotel_agent.pms.qloapps.reading import CANCELED, Price, Shop, as_xml
from hotel_agent.pms.wire import write_json

AGE_OF_A_CHILD, AGE_IN_A_COT = 10, 1  # A child without an age is dropped; what ages are known is in the remark.
LONGEST_NAME = 32
_NEVER_IN_NAMES = re.compile(r"""[0-9!<>,;?=+()@#"°{}_$%:\\/\x00-\x1f\x7f]""")
_PHONE = re.compile(r"\+?[\s\d.()-]*\d+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Customer:
    """The guest as QloApps is told. The e-mail is who they are there, so every guest has one of their own."""

    firstname: str
    lastname: str
    email: str
    phone: str


def customer_of(hotel: Hotel, person: Person) -> Customer:
    first, last = names_of(person.name)
    return Customer(first, last, email_of(hotel, person.guest_id), phone_of(person.phone))


def names_of(name: str) -> tuple[str, str]:
    """First name and surname in QloApps' alphabet, which has no digits and dies of some signs; never empty."""
    letters = "".join(letter for letter in name if letter.isprintable() and ord(letter) < 0x10000)
    words = _NEVER_IN_NAMES.sub(" ", letters).split()
    words = [word for word in words if any(letter.isalpha() for letter in word)]
    first, last = (words[0] if words else "Guest"), " ".join(words[1:])
    return first[:LONGEST_NAME], last[:LONGEST_NAME].strip() or "-"


def phone_of(digits: str | None) -> str:
    """A number is wanted of everybody, also of guests who write without one."""
    phone = f"+{digits}" if digits and digits.isdecimal() else digits or ""
    return phone if len(phone) <= 32 and _PHONE.fullmatch(phone) else "000000"


def email_of(hotel: Hotel, guest_id: int | None) -> str:
    """On a domain of ours, so that nobody else has it and no two guests share one."""
    return f"guest-{guest_id or 0}.{hotel.id}@{_domain()}"


def _domain() -> str:
    told = settings().guest_email_domain or f"guests.{urlsplit(settings().public_url).hostname or ''}"
    labels = told.lower().split(".")
    is_name = len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and labels[-1].isalpha()
    return told.lower() if is_name else "guests.invalid"


# What is sent


def create(
    shop: Shop, token: str, currency: str, customer: Customer, stay: Stay, rooms: Sequence[Room], remark: str
) -> None:
    """Ask for a booking that carries the token. Raises Refused, OutcomeUnknown, PmsUnavailable."""
    body = _booking(shop, token, currency, customer, stay, rooms, remark)
    shop.client.write("POST", "bookings", write_json({"booking": body}), "application/json")


def change(
    shop: Shop,
    order_id: str,
    token: str,
    currency: str,
    customer: Customer,
    stay: Stay,
    rooms: Sequence[Room],
    remark: str,
) -> None:
    """Ask that an order becomes this, whole. Raises as `create`."""
    body = _booking(shop, token, currency, customer, stay, rooms, remark)
    # Of the two ids QloApps believes the one in the body.
    payload = write_json({"booking": {**body, "id": int(order_id)}})
    shop.client.write("PUT", f"bookings/{order_id}", payload, "application/json")


def cancel(shop: Shop, order_id: int) -> None:
    """Ask that an order is cancelled; twice does no harm. Raises as `create`."""
    body = (
        f"<qloapps><order_history><id_order_state>{CANCELED}</id_order_state>"
        f"<id_order>{order_id}</id_order></order_history></qloapps>"
    )
    shop.client.write("POST", "order_histories", body.encode(), "text/xml")


def set_line(shop: Shop, line_id: int, **fields: str) -> None:
    """Change one room of an order, without any check on QloApps' side. Raises as `create`."""
    _put_back(shop, f"room_bookings/{line_id}", fields)


def rename(shop: Shop, customer_id: int, customer: Customer) -> None:
    """Raises as `create`."""
    _put_back(shop, f"customers/{customer_id}", {"firstname": customer.firstname, "lastname": customer.lastname})


def _put_back(shop: Shop, path: str, fields: dict[str, str]) -> None:
    document = shop.client.read_xml(path)
    try:
        changed = changed_xml(document, fields)
    except ValueError as error:
        raise PmsUnavailable(f"QloApps answers without a field: {error}") from None
    shop.client.write("PUT", path, changed, "text/xml")


def _booking(
    shop: Shop, source: str, currency: str, customer: Customer, stay: Stay, rooms: Sequence[Room], remark: str
) -> dict[str, Any]:
    by_kind = groupby(sorted(rooms, key=_kind_id), key=_kind_id)
    return {
        "id_property": shop.hotel_id,
        "currency": currency,
        "booking_status": 1,
        "payment_status": 3,
        "source": source,
        "remark": as_xml(remark)[:500],
        "associations": {
            "customer_detail": {
                "firstname": customer.firstname,
                "lastname": customer.lastname,
                "email": customer.email,
                "phone": customer.phone,
            },
            "payment_detail": {"payment_type": "pay at hotel", "payment_method": "Pay at hotel"},
            "room_types": [_of_kind(kind_id, stay, list(group)) for kind_id, group in by_kind],
        },
    }


def _kind_id(room: Room) -> int:
    return int(room.kind.room.code)


def _of_kind(kind_id: int, stay: Stay, rooms: Sequence[Room]) -> dict[str, Any]:
    return {
        "id_room_type": kind_id,
        "checkin_date": stay.check_in.isoformat(),
        "checkout_date": stay.check_out.isoformat(),
        "number_of_rooms": len(rooms),
        "rooms": [_room(room) for room in rooms],
    }


def _room(room: Room) -> dict[str, Any]:
    """`adult` is read, `adults` is not; services that are not sent are dropped."""
    request, price = room.request, room.price
    assert isinstance(price, Price)  # As it was offered.
    ages = ages_of(request)
    wanted: dict[str, Any] = {
        "adult": request.adults,
        "child": len(ages),
        "child_ages": ages,
        "services": [{"id_service": service_id, "quantity": 1} for service_id in price.service_ids],
    }
    if price.net is not None:
        wanted["unit_price_without_tax"] = price.net  # The whole stay's, whatever its name says.
    return wanted


def ages_of(request: RoomRequest) -> list[int]:
    return [AGE_OF_A_CHILD] * request.children + [AGE_IN_A_COT] * request.cots


def meaning(refusal: Refused) -> RoomTaken | PmsRejected:
    """QloApps' refusals have words and no codes of their own."""
    words = refusal.words.casefold()
    if "not available" in words:
        return RoomTaken()
    return PmsRejected("bad_dates" if "date" in words else "refused")
