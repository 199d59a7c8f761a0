"""Holds, bookings and cancellations in our own tables."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, lock_until_commit, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import holding
from hotel_agent.locks.auditing import guest as by_guest
from hotel_agent.locks.holding import Claim, HoldLapsed, NotExtended, RoomTaken, Wanted
from hotel_agent.locks.transaction import in_one_transaction
from hotel_agent.pms.contract import (
    FIRST_NIGHT,
    BookedExtra,
    BookedRoom,
    Booking,
    BookRequest,
    Hold,
    HoldRequest,
    PmsRejected,
    Stay,
)
from hotel_agent.pms.local import extras
from hotel_agent.pms.local.availability import kind_of
from hotel_agent.pms.local.pricing import split, tax_added
from hotel_agent.pms.local.rooms import out_of_order
from hotel_agent.pms.local.selling import kinds_for, nightly_of, rates_now
from hotel_agent.pms.policy import Fee, fee_of, free_until, no_show_fee_of

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # Nothing that is easily mistaken for something else.
# A booking that was changed has let go of the rooms that it had before; one that is cancelled, of its last ones too.
LAST_CLAIMS = (
    "l.reservation_id = any(:ids) and (l.status = 'booked' or l.hold_key = (select last.hold_key"
    " from reservation_locks last where last.reservation_id = l.reservation_id order by last.id desc limit 1))"
)
GRANTED = (
    "(select jsonb_agg(jsonb_build_array(e.code, cast(e.price as text), e.currency, cast(e.at_time as text))"
    " order by e.id) from reservation_extras e where e.reservation_id = b.id and e.status = 'granted') as extras"
)
TOO_LATE = ("in_house", "departed", "no_show")


def hold(hotel: Hotel, request: HoldRequest) -> Hold:
    """Keep the rooms at today's rates.

    Raises RoomTaken, PmsRejected with "not_for_sale" or one of NOT_SOLD.
    """
    kinds = kinds_for(hotel, {room.room_type for room in request.rooms}, request.stay)
    wanted = []
    for room in request.rooms:
        kind = kinds[room.room_type]
        price = sum(kind.nightly(request.stay), Decimal(0))
        kind.check(request.stay)
        wanted.append(Wanted(kind.rooms, price, room.adults, room.children + room.cots))
    claims = holding.hold(
        hotel.id,
        request.stay.check_in,
        request.stay.check_out,
        wanted,
        request.guest_id,
        request.request_key,
        request.replaces,
        not_to_be_let=lambda rooms: out_of_order(rooms, request.stay.check_in, request.stay.check_out),
    )
    return _hold(hotel, claims)


def held(hotel: Hotel, hold_key: str) -> Hold | None:
    """A hold that is live or has become a booking, else None."""
    claims = holding.claims_of(hold_key)
    if not claims or claims[0].hotel_id != hotel.id or claims[0].status not in ("active", "booked"):
        return None
    return None if holding.has_lapsed(claims) else _hold(hotel, claims)


def release(hotel: Hotel, hold_key: str, guest_id: int, reason: str) -> bool:
    """Let a live hold of this guest go; False when there was none."""
    return holding.release(hotel.id, hold_key, by_guest(guest_id), reason)


def extend(hotel: Hotel, hold_key: str, guest_id: int, request_key: str) -> Hold:
    """Keep a live hold of this guest for longer. Raises PmsRejected with the reason of NotExtended."""
    try:
        return _hold(hotel, holding.extend(hotel.id, hold_key, by_guest(guest_id), request_key))
    except NotExtended as refusal:
        raise PmsRejected(refusal.reason) from refusal


def book(hotel: Hotel, request: BookRequest) -> str:
    """Turn a hold into a booking, both in one transaction; its code. Raises RoomTaken, HoldLapsed."""

    def work() -> str:
        lock_until_commit([f"book:{hotel.id}:{request.hold_key}"])
        claims = holding.claims_of(request.hold_key)
        already = _code_of(hotel, request, claims)
        if already:
            return already
        _check(hotel, request, claims)
        _check_in_order(claims)
        reservation_id, code = _insert(hotel, request, claims)
        holding.convert(request.hold_key, reservation_id)
        return code

    return in_one_transaction(work)


def read(hotel: Hotel, code: str) -> Booking | None:
    """The record as the tables have it now."""
    return next(iter(_bookings(hotel, "b.code = :code", {"code": code})), None)


def upcoming(hotel: Hotel, guest_id: int, today: date) -> tuple[Booking, ...]:
    """The guest's live bookings that are not over, soonest first."""
    return tuple(
        _bookings(
            hotel,
            "b.guest_id = :guest and b.status in ('booked', 'in_house') and b.check_out >= :today",
            {"guest": guest_id, "today": today},
        )
    )


def of_rows(hotel: Hotel, ids: Sequence[int]) -> tuple[Booking, ...]:
    """These rows of the hotel's as bookings, in two statements however many they are."""
    return tuple(_bookings(hotel, "b.id = any(:ids)", {"ids": list(ids)}))


def cancel(hotel: Hotel, code: str, fee: Decimal) -> bool:
    """Cancel and free the rooms; False when it was so already. Raises PmsRejected where it is too late."""

    def work() -> bool:
        row = db.session.execute(
            text("select id, status from reservations where hotel_id = :hotel and code = :code for update"),
            {"hotel": hotel.id, "code": code},
        ).first()
        if row is None:
            raise PmsRejected("unknown")
        if row.status in TOO_LATE:
            raise PmsRejected(row.status)
        if row.status == "cancelled":
            return False
        db.session.execute(
            text(
                "update reservations set status = 'cancelled', cancelled_at = :now, cancellation_fee = :fee"
                " where id = :id"
            ),
            {"id": row.id, "now": utcnow(), "fee": fee},
        )
        holding.release_booked(row.id)
        extras.cancel(row.id)
        return True

    return in_one_transaction(work)


def _code_of(hotel: Hotel, request: BookRequest, claims: Sequence[Claim]) -> str | None:
    """The code of what this request, or this guest with this hold, has booked already."""
    reservations = [claim.reservation_id for claim in claims if claim.reservation_id is not None]
    code: str | None = db.session.execute(
        text(
            "select code from reservations where hotel_id = :hotel and guest_id = :guest"
            " and (request_key = :request or id = any(:reservations)) order by id limit 1"
        ),
        {
            "hotel": hotel.id,
            "guest": request.guest_id,
            "request": request.request_key,
            "reservations": reservations,
        },
    ).scalar()
    return code


def _check(hotel: Hotel, request: BookRequest, claims: Sequence[Claim]) -> None:
    """A guest books what they were told: their own hold, for days to come, at the price of the hold."""
    if not claims or claims[0].hotel_id != hotel.id or claims[0].guest_id != request.guest_id:
        raise HoldLapsed
    if claims[0].check_in < request.today:
        raise HoldLapsed
    if holding.has_lapsed(claims) and _price_now(hotel, claims) != sum(claim.price for claim in claims):
        raise HoldLapsed


def _check_in_order(claims: Sequence[Claim]) -> None:
    """Nobody is promised a room that broke while it was held. Raises RoomTaken."""
    rooms = {claim.resource_id for claim in claims}
    holding.lock_rooms(rooms)
    if out_of_order(rooms, claims[0].check_in, claims[0].check_out):
        raise RoomTaken


def _price_now(hotel: Hotel, claims: Sequence[Claim]) -> Decimal:
    rates = rates_now(hotel, [claim.resource_id for claim in claims], Stay(claims[0].check_in, claims[0].check_out))
    return sum((price for nights in rates.values() for price in nights.values()), Decimal(0))


def _insert(hotel: Hotel, request: BookRequest, claims: Sequence[Claim]) -> tuple[int, str]:
    """Write the booking under a code that nobody has."""
    nightly = nightly_of(hotel, claims)
    parts = split(hotel, (price for nights in nightly for price in nights))
    policy = terms(free_until(hotel, claims[0].check_in), fee_of(hotel), no_show_fee_of(hotel), nightly)
    while True:
        code = _new_code(hotel.slug)
        reservation_id = db.session.execute(
            text(
                "insert into reservations (hotel_id, code, guest_id, guest_name, status, check_in,"
                " check_out, adults, children, total, net, tax, tax_percent, currency, policy, request_key)"
                " values (:hotel, :code, :guest, :name, 'booked', :check_in,"
                " :check_out, :adults, :children, :total, :net, :tax, :percent, :currency,"
                " cast(:policy as jsonb), :request)"
                " on conflict (code) do nothing returning id"
            ),
            {
                "hotel": hotel.id,
                "code": code,
                "guest": request.guest_id,
                "name": request.guest_name,
                "check_in": claims[0].check_in,
                "check_out": claims[0].check_out,
                "adults": sum(claim.adults for claim in claims),
                "children": sum(claim.children for claim in claims),
                "total": sum(claim.price for claim in claims),
                "net": parts.net if parts else None,
                "tax": parts.tax if parts else None,
                "percent": parts.percent if parts else None,
                "currency": hotel.currency,
                "policy": json.dumps(policy),
                "request": request.request_key,
            },
        ).scalar()
        if reservation_id is not None:
            return reservation_id, code


def terms(until: datetime, fee: Fee, no_show: Fee, nightly: Sequence[Sequence[Decimal]]) -> dict[str, str]:
    """What a booking keeps of the hotel's policy: until when it is free, the fees by name and in money."""
    return {
        "free_until": until.isoformat(),
        "fee": str(fee),
        "late_fee": str(fee.of(nightly)),
        "no_show": str(no_show),
        "no_show_fee": str(no_show.of(nightly)),
    }


def _new_code(slug: str) -> str:
    prefix = "".join(letter for letter in slug if letter.isalpha())[:3].upper()
    return prefix + "-" + "".join(secrets.choice(CODE_LETTERS) for _ in range(6))


def _hold(hotel: Hotel, claims: Sequence[Claim]) -> Hold:
    rooms = _rooms("l.hold_key = :hold", {"hold": claims[0].hold_key})
    fee = fee_of(hotel)
    nightly = nightly_of(hotel, claims)
    return Hold(
        hold_key=claims[0].hold_key,
        guest_id=claims[0].guest_id,
        expires_at=claims[0].expires_at or utcnow(),
        stay=Stay(claims[0].check_in, claims[0].check_out),
        rooms=tuple(room for _, _, room in rooms),
        adults=sum(claim.adults for claim in claims),
        children=sum(claim.children for claim in claims),
        total=sum((claim.price for claim in claims), Decimal(0)),
        currency=hotel.currency,
        free_until=free_until(hotel, claims[0].check_in),
        late_fee=fee.of(nightly),
        is_booked=claims[0].status == "booked",
        late_fee_is=str(fee),
        tax=tax_added(hotel, (price for nights in nightly for price in nights)),
    )


def _bookings(hotel: Hotel, condition: str, values: dict[str, Any]) -> Iterable[Booking]:
    rows = db.session.execute(
        text(
            f"select b.*, {GRANTED} from reservations b where b.hotel_id = :hotel and {condition}"
            " order by b.check_in, b.id"
        ),
        {"hotel": hotel.id, **values},
    ).all()
    claims = _rooms(LAST_CLAIMS, {"ids": [row.id for row in rows]}) if rows else []
    for row in rows:
        yield _booking(hotel, row, [(status, room) for of, status, room in claims if of == row.id])


def _rooms(condition: str, values: dict[str, Any]) -> list[tuple[int | None, str, BookedRoom]]:
    """Claims and what a guest knows of their rooms: (reservation, status, room), lowest number first."""
    rows = db.session.execute(
        text(
            "select l.reservation_id, l.status, l.price, l.adults, l.children, r.number, t.code, t.capacity,"
            " t.names, t.descriptions, t.words from reservation_locks l join rooms r on r.id = l.resource_id"
            f" join room_types t on t.id = r.room_type_id where {condition}"
            " order by t.position, length(r.number), r.number"
        ),
        values,
    )
    return [
        (
            row.reservation_id,
            row.status,
            BookedRoom(kind_of(row), row.number, row.price, row.adults, row.children),
        )
        for row in rows
    ]


def _booking(hotel: Hotel, row: Any, claims: list[tuple[str, BookedRoom]]) -> Booking:
    booked = [room for status, room in claims if status == "booked"] or [room for _, room in claims]
    until = row.policy.get("free_until")
    return Booking(
        code=row.code,
        status=row.status,
        guest_id=row.guest_id,
        guest_name=row.guest_name,
        stay=Stay(row.check_in, row.check_out),
        adults=row.adults,
        children=row.children,
        rooms=tuple(booked),
        total=row.total,
        currency=row.currency,
        free_until=datetime.fromisoformat(until).astimezone(hotel.zone) if until else free_until(hotel, row.check_in),
        late_fee=Decimal(row.policy.get("late_fee") or _mean_night(row)),
        cancelled_at=row.cancelled_at,
        cancellation_fee=row.cancellation_fee,
        extras=tuple(
            BookedExtra(code, Decimal(price), currency, time.fromisoformat(at) if at else None)
            for code, price, currency, at in row.extras or ()
        ),
        late_fee_is=row.policy.get("fee") or FIRST_NIGHT,
    )


def _mean_night(row: Any) -> Decimal:
    """For a record without terms of its own, which came from elsewhere."""
    nights = (row.check_out - row.check_in) // timedelta(days=1)
    return Decimal(row.total / nights).quantize(Decimal("0.01"))
