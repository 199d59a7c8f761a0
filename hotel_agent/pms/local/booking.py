"""Holds, bookings and cancellations in our own tables."""

from __future__ import annotations

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
from hotel_agent.locks.holding import Claim, HoldLapsed, NotExtended, Wanted
from hotel_agent.locks.transaction import in_one_transaction
from hotel_agent.pms.contract import (
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
from hotel_agent.pms.policy import free_until

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
    """Keep the rooms at today's rates. Raises RoomTaken, PmsRejected("not_for_sale")."""
    candidates, prices = _candidates(hotel, request.stay, {room.room_type for room in request.rooms})
    wanted = [
        Wanted(candidates[room.room_type], prices[room.room_type], room.adults, room.children + room.cots)
        for room in request.rooms
    ]
    claims = holding.hold(
        hotel.id,
        request.stay.check_in,
        request.stay.check_out,
        wanted,
        request.guest_id,
        request.request_key,
        request.replaces,
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


def _candidates(hotel: Hotel, stay: Stay, codes: set[str]) -> tuple[dict[str, tuple[int, ...]], dict[str, Decimal]]:
    """The rooms of these kinds, lowest number first, and what one of each costs for the stay."""
    rows = db.session.execute(
        text(
            "select t.code,"
            " (select array_agg(r.id order by length(r.number), r.number) from rooms r"
            "  where r.room_type_id = t.id and not r.out_of_order) as rooms,"
            " (select sum(price) from rates where room_type_id = t.id and night >= :check_in"
            "  and night < :check_out having count(*) = :nights) as price"
            " from room_types t where t.hotel_id = :hotel and t.code = any(:codes)"
        ),
        {
            "hotel": hotel.id,
            "codes": list(codes),
            "check_in": stay.check_in,
            "check_out": stay.check_out,
            "nights": stay.nights,
        },
    ).all()
    prices = {row.code: row.price for row in rows if row.price is not None}
    if set(prices) != codes:
        raise PmsRejected("not_for_sale")
    return {row.code: tuple(row.rooms or ()) for row in rows}, prices


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
    if holding.has_lapsed(claims) and _price_now(claims) != sum(claim.price for claim in claims):
        raise HoldLapsed


def _price_now(claims: Sequence[Claim]) -> Decimal | None:
    price: Decimal | None = db.session.execute(
        text(
            "select sum(n.price) from unnest(cast(:rooms as integer[])) as c(id) join rooms r on r.id = c.id"
            " join rates n on n.room_type_id = r.room_type_id"
            " and n.night >= :check_in and n.night < :check_out"
        ),
        _stay_of(claims),
    ).scalar_one()
    return price


def _first_night(claims: Sequence[Claim]) -> Decimal:
    """What the first night of all these rooms costs together."""
    price: Decimal = db.session.execute(
        text(
            "select coalesce(sum(n.price), 0) from unnest(cast(:rooms as integer[])) as c(id)"
            " join rooms r on r.id = c.id"
            " join rates n on n.room_type_id = r.room_type_id and n.night = :check_in"
        ),
        _stay_of(claims),
    ).scalar_one()
    return price


def _stay_of(claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "rooms": [claim.resource_id for claim in claims],
        "check_in": claims[0].check_in,
        "check_out": claims[0].check_out,
    }


def _insert(hotel: Hotel, request: BookRequest, claims: Sequence[Claim]) -> tuple[int, str]:
    """Write the booking under a code that nobody has."""
    while True:
        code = _new_code(hotel.slug)
        reservation_id = db.session.execute(
            text(
                "insert into reservations (hotel_id, code, guest_id, guest_name, status, check_in,"
                " check_out, adults, children, total, currency, policy, request_key)"
                " values (:hotel, :code, :guest, :name, 'booked', :check_in,"
                " :check_out, :adults, :children, :total, :currency,"
                " jsonb_build_object('free_until', cast(:free_until as text),"
                " 'late_fee', cast(:late_fee as text)), :request)"
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
                "currency": hotel.currency,
                "free_until": free_until(hotel, claims[0].check_in).isoformat(),
                "late_fee": str(_first_night(claims)),
                "request": request.request_key,
            },
        ).scalar()
        if reservation_id is not None:
            return reservation_id, code


def _new_code(slug: str) -> str:
    prefix = "".join(letter for letter in slug if letter.isalpha())[:3].upper()
    return prefix + "-" + "".join(secrets.choice(CODE_LETTERS) for _ in range(6))


def _hold(hotel: Hotel, claims: Sequence[Claim]) -> Hold:
    rooms = _rooms("l.hold_key = :hold", {"hold": claims[0].hold_key})
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
        late_fee=_first_night(claims),
        is_booked=claims[0].status == "booked",
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
    )


def _mean_night(row: Any) -> Decimal:
    """For a record without terms of its own, which came from elsewhere."""
    nights = (row.check_out - row.check_in) // timedelta(days=1)
    return Decimal(row.total / nights).quantize(Decimal("0.01"))
