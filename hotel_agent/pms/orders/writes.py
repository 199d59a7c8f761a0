"""What a PMS is asked to do: checked by ourselves first, one after the other, and written down before it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from prometheus_client import Counter
from sqlalchemy import text

from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import OutcomeUnknown, PmsRejected, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.limits import NotOurTurn
from hotel_agent.pms.models import PmsWrite
from hotel_agent.pms.orders.records import Booked
from hotel_agent.pms.orders.system import Kind, Person, Refused, StillUnderWay

log = get_logger(__name__)

writes = Counter(
    "pms_writes_total", "What a hotel's PMS was asked to do, by what became of it.", ["operation", "state"]
)

TURN_SECONDS = 30.0
HORIZON_DAYS = 540


# Our own turn, and our own checks


@contextmanager
def alone(hotel: Hotel) -> Iterator[None]:
    """A system may have no locks: what we write for a hotel we write one after the other. Raises NotOurTurn."""
    with one_at_a_time("pms_write", hotel.id, TURN_SECONDS) as mine:
        if not mine:
            raise NotOurTurn("others are writing to this PMS for too long")
        yield


def check(hotel: Hotel, stay: Stay, rooms: Sequence[tuple[Kind, RoomRequest]], today: date | None = None) -> None:
    """There are systems that book the past, the far future and nine people into a double room. Raises PmsRejected."""
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


def person_of(hotel: Hotel, guest_id: int | None, name: str | None = None) -> Person:
    """The guest under that name, or their own."""
    row = db.session.execute(
        text(
            "select g.name, (select value from guest_identities i where i.guest_id = g.id and i.kind = 'phone'"
            " order by i.id desc limit 1) as phone from guests g where g.id = :guest and g.hotel_id = :hotel"
        ),
        {"guest": guest_id, "hotel": hotel.id},
    ).first()
    db.session.commit()
    return Person(guest_id, name or (row.name if row else None) or "", (row.phone if row else None) or "")


def remark_of(code: str, rooms: Sequence[RoomRequest], name: str = "") -> str:
    """What the front desk reads: our code, in whose name, and what the fields cannot say."""
    children, cots = sum(room.children for room in rooms), sum(room.cots for room in rooms)
    parts = [f"WhatsApp {code}", f"Name: {name}" if name else ""]
    parts += [f"Ages of {children} children not known"] if children else []
    parts += [f"{cots} in cots"] if cots else []
    return ". ".join(filter(None, parts))


# What was asked, written down first


def token_of(booked: Booked) -> str:
    return f"order:{booked.pms_id}"


def intend(
    hotel: Hotel,
    operation: str,
    token: str,
    payload: dict[str, Any],
    order_id: str | None = None,
    reservation_id: int | None = None,
    guest_id: int | None = None,
) -> int:
    """The row of what is about to be asked, committed before anything goes."""
    row = PmsWrite(
        hotel_id=hotel.id,
        operation=operation,
        token=token,
        payload=payload,
        order_id=order_id,
        reservation_id=reservation_id,
        guest_id=guest_id,
        attempts=1,
    )
    db.session.add(row)
    db.session.commit()
    return row.id


def intend_for(hotel: Hotel, operation: str, booked: Booked, payload: dict[str, Any]) -> int:
    """The same for something that is done to a booking."""
    return intend(hotel, operation, token_of(booked), payload, booked.pms_id, booked.id, booked.guest_id)


def settle(write_id: int, state: str, why: str = "", order_id: str | None = None) -> None:
    """What became of it."""
    operation = db.session.execute(
        text(
            "update pms_writes set state = :state, why = :why, order_id = coalesce(:order, order_id),"
            " settled_at = case when :open then null else :now end where id = :id returning operation"
        ),
        {
            "id": write_id,
            "state": state,
            "why": why[:500],
            "order": order_id,
            "now": utcnow(),
            "open": state in ("asked", "unknown"),
        },
    ).scalar_one()
    db.session.commit()
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
        raise
    except OutcomeUnknown as unknown:
        settle(write_id, "unknown", str(unknown))
        raise
    except PmsUnavailable as away:
        settle(write_id, "refused", f"not asked: {away}")
        raise


def put(
    hotel: Hotel,
    operation: str,
    booked: Booked,
    payload: dict[str, Any],
    ask: Callable[[], None],
    stands: Callable[[], bool],
) -> None:
    """Ask for something of a booking, and see by `stands` whether it is so, whatever was answered.

    Raises PmsRejected("refused") or what `ask` refuses with, OutcomeUnknown, PmsUnavailable.
    """
    write_id = intend_for(hotel, operation, booked, payload)
    trouble: Exception | None = None
    try:
        ask()
    except (Refused, PmsUnavailable) as error:
        trouble = error
        log.warning("pms_write_in_doubt", operation=operation, code=booked.code, why=str(error))
    try:
        done = stands()
    except PmsUnavailable as away:
        settle(write_id, "unknown", f"not looked up: {away}")
        raise OutcomeUnknown(f"{operation} of {booked.code}") from away
    if done:
        settle(write_id, "done")
        return
    if isinstance(trouble, StillUnderWay):
        settle(write_id, "unknown", "it may still come about")
        raise OutcomeUnknown(f"{operation} of {booked.code}") from trouble
    settle(write_id, "refused", trouble.words if isinstance(trouble, Refused) else str(trouble or "it does not stand"))
    if isinstance(trouble, PmsUnavailable):
        raise PmsUnavailable(f"{operation} of {booked.code} was not done") from trouble
    raise PmsRejected("refused") from trouble
