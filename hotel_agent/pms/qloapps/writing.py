"""What we ask QloApps to do: checked by ourselves first, as it checks next to nothing, and written down before it goes.

`orders` are never written: a PUT of one makes it vanish from every list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import Counter
from sqlalchemy import text

from hotel_agent.config import settings
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import OutcomeUnknown, PmsRejected, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.models import PmsWrite
from hotel_agent.pms.qloapps.client import Refused, changed_xml
from hotel_agent.pms.qloapps.reading import CANCELED, Kind, Order, Price, Shop, as_xml

log = get_logger(__name__)

writes = Counter(
    "pms_writes_total", "What a hotel's PMS was asked to do, by what became of it.", ["operation", "state"]
)

TURN_SECONDS = 30.0
HORIZON_DAYS = 540
AGE_OF_A_CHILD, AGE_IN_A_COT = 10, 1  # A child without an age is dropped; what ages are known is in the remark.
LONGEST_NAME = 32
_NEVER_IN_NAMES = re.compile(r"""[0-9!<>,;?=+()@#"°{}_$%:\\/\x00-\x1f\x7f]""")
_PHONE = re.compile(r"\+?[\s\d.()-]*\d+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Person:
    """The guest as QloApps is told. The e-mail is who they are there, so every guest has one of their own."""

    firstname: str
    lastname: str
    email: str
    phone: str


@dataclass(frozen=True)
class Room:
    """A room that is wanted, and what it is to cost."""

    kind: Kind
    request: RoomRequest
    price: Price


# Our own turn, and our own checks


@contextmanager
def alone(hotel: Hotel) -> Iterator[None]:
    """QloApps has no locks: what we write for a hotel we write one after the other. Raises PmsUnavailable."""
    with one_at_a_time("pms_write", hotel.id, TURN_SECONDS) as mine:
        if not mine:
            raise PmsUnavailable("others are writing to this PMS for too long")
        yield


def check(hotel: Hotel, stay: Stay, rooms: Sequence[tuple[Kind, RoomRequest]], today: date | None = None) -> None:
    """QloApps would book the past, the far future and nine people into a double room. Raises PmsRejected."""
    today = today or hotel.today()
    if stay.check_in < today:
        raise PmsRejected("past_date")
    if stay.check_out > today + timedelta(days=horizon_of(hotel)):
        raise PmsRejected("not_for_sale")
    for kind, room in rooms:
        if room.adults < 1 or not kind.room.takes(room.adults, room.children):
            raise PmsRejected("too_small")
        if not kind.lets_stay(stay.nights):
            raise PmsRejected("not_for_sale")


def horizon_of(hotel: Hotel) -> int:
    days = (hotel.settings or {}).get("pms_horizon_days")
    return days if isinstance(days, int) else HORIZON_DAYS


def person_of(hotel: Hotel, guest_id: int | None, name: str | None) -> Person:
    """The guest under that name, or their own."""
    row = db.session.execute(
        text(
            "select g.name, (select value from guest_identities i where i.guest_id = g.id and i.kind = 'phone'"
            " order by i.id desc limit 1) as phone from guests g where g.id = :guest and g.hotel_id = :hotel"
        ),
        {"guest": guest_id, "hotel": hotel.id},
    ).first()
    first, last = names_of(name or (row.name if row else None) or "")
    return Person(first, last, email_of(hotel, guest_id), phone_of(row.phone if row else None))


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
    shop: Shop, token: str, currency: str, person: Person, stay: Stay, rooms: Sequence[Room], remark: str
) -> None:
    """Ask for a booking that carries the token. Raises Refused, OutcomeUnknown, PmsUnavailable."""
    body = _booking(shop, token, currency, person, stay, rooms, remark)
    shop.client.write("POST", "bookings", _json({"booking": body}), "application/json")


def change(
    shop: Shop, order: Order, currency: str, person: Person, stay: Stay, rooms: Sequence[Room], remark: str
) -> None:
    """Ask that an order becomes this, whole. Raises as `create`."""
    body = _booking(shop, order.source, currency, person, stay, rooms, remark)
    # Of the two ids QloApps believes the one in the body.
    payload = _json({"booking": {**body, "id": order.id}})
    shop.client.write("PUT", f"bookings/{order.id}", payload, "application/json")


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


def rename(shop: Shop, customer_id: int, person: Person) -> None:
    """Raises as `create`."""
    _put_back(shop, f"customers/{customer_id}", {"firstname": person.firstname, "lastname": person.lastname})


def _put_back(shop: Shop, path: str, fields: dict[str, str]) -> None:
    document = shop.client.read_xml(path)
    try:
        changed = changed_xml(document, fields)
    except ValueError as error:
        raise PmsUnavailable(f"QloApps answers without a field: {error}") from None
    shop.client.write("PUT", path, changed, "text/xml")


def _booking(
    shop: Shop, source: str, currency: str, person: Person, stay: Stay, rooms: Sequence[Room], remark: str
) -> dict[str, Any]:
    by_kind = groupby(sorted(rooms, key=lambda room: room.kind.id), key=lambda room: room.kind.id)
    return {
        "id_property": shop.hotel_id,
        "currency": currency,
        "booking_status": 1,
        "payment_status": 3,
        "source": source,
        "remark": as_xml(remark)[:500],
        "associations": {
            "customer_detail": {
                "firstname": person.firstname,
                "lastname": person.lastname,
                "email": person.email,
                "phone": person.phone,
            },
            "payment_detail": {"payment_type": "pay at hotel", "payment_method": "Pay at hotel"},
            "room_types": [_of_kind(kind_id, stay, list(group)) for kind_id, group in by_kind],
        },
    }


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
    request = room.request
    ages = [AGE_OF_A_CHILD] * request.children + [AGE_IN_A_COT] * request.cots
    wanted: dict[str, Any] = {
        "adult": request.adults,
        "child": len(ages),
        "child_ages": ages,
        "services": [{"id_service": service_id, "quantity": 1} for service_id in room.price.service_ids],
    }
    if room.price.net is not None:
        wanted["unit_price_without_tax"] = room.price.net  # The whole stay's, whatever its name says.
    return wanted


def _json(value: Any) -> bytes:
    return json.dumps(value, default=_amount, ensure_ascii=True).encode()


def _amount(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value.quantize(Decimal("0.000001")))
    raise TypeError(type(value).__name__)


def remark_of(code: str, rooms: Sequence[RoomRequest], name: str = "") -> str:
    """What the front desk reads: our code, in whose name, and what the fields cannot say."""
    children, cots = sum(room.children for room in rooms), sum(room.cots for room in rooms)
    parts = [f"WhatsApp {code}", f"Name: {name}" if name else ""]
    parts += [f"Ages of {children} children not known"] if children else []
    parts += [f"{cots} in cots"] if cots else []
    return ". ".join(filter(None, parts))


# What was asked, written down first


def intend(
    hotel: Hotel,
    operation: str,
    token: str,
    payload: dict[str, Any],
    order_id: int | str | None = None,
    reservation_id: int | None = None,
    guest_id: int | None = None,
) -> int:
    """The row of what is about to be asked, committed before anything goes."""
    row = PmsWrite(
        hotel_id=hotel.id,
        operation=operation,
        token=token,
        payload=payload,
        order_id=None if order_id is None else str(order_id),
        reservation_id=reservation_id,
        guest_id=guest_id,
        attempts=1,
    )
    db.session.add(row)
    db.session.commit()
    return row.id


def settle(write_id: int, state: str, why: str = "", order_id: int | None = None) -> None:
    """What became of it; in the caller's transaction."""
    operation = db.session.execute(
        text(
            "update pms_writes set state = :state, why = :why, order_id = coalesce(:order, order_id),"
            " settled_at = case when :open then null else :now end where id = :id returning operation"
        ),
        {
            "id": write_id,
            "state": state,
            "why": why[:500],
            "order": None if order_id is None else str(order_id),
            "now": utcnow(),
            "open": state in ("asked", "unknown"),
        },
    ).scalar_one()
    writes.labels(operation, state).inc()
    if state == "to_staff":
        log.error("pms_needs_a_person", write=write_id, operation=operation, order=order_id, why=why)


@contextmanager
def noted(write_id: int) -> Iterator[None]:
    """Whatever ends the asking is written down; what is not known stays to be looked up."""
    try:
        yield
    except Refused as refusal:
        settle(write_id, "refused", refusal.words)
        db.session.commit()
        raise
    except OutcomeUnknown as unknown:
        settle(write_id, "unknown", str(unknown))
        db.session.commit()
        raise
    except PmsUnavailable as away:
        settle(write_id, "refused", f"not asked: {away}")
        db.session.commit()
        raise
