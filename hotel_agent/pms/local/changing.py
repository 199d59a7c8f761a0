"""Changes of bookings in our own tables: other days, rooms, people or another name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, lock_until_commit
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import holding
from hotel_agent.locks.holding import Wanted
from hotel_agent.locks.transaction import in_one_transaction
from hotel_agent.pms.contract import (
    BookedRoom,
    Booking,
    Change,
    ChangeQuote,
    ChangeRequest,
    PmsRejected,
    RoomRequest,
    Stay,
    Version,
)
from hotel_agent.pms.local import booking as desk
from hotel_agent.pms.local import extras
from hotel_agent.pms.local.availability import kind_of
from hotel_agent.pms.local.pricing import shares, split
from hotel_agent.pms.local.restrictions import new_nights
from hotel_agent.pms.local.rooms import out_of_order
from hotel_agent.pms.local.selling import Kind, kinds_for, nights_of
from hotel_agent.pms.policy import Fee, fee_of, free_until, no_show_fee_of


@dataclass(frozen=True)
class _Old:
    """A room of the booking as it is, since when it is that."""

    resource_id: int
    room_type: str
    price: Decimal
    since: date


@dataclass(frozen=True)
class _Plan:
    """What a change comes to. `chosen` are the rooms, one for each of `wanted`; `nightly` their prices by night."""

    wanted: tuple[Wanted, ...]
    chosen: tuple[int, ...]
    nightly: tuple[tuple[Decimal, ...], ...]
    total: Decimal
    same_claims: bool
    same_rooms: bool
    lost_extras: tuple[str, ...]


def quote(hotel: Hotel, request: ChangeRequest) -> ChangeQuote:
    """What the change would come to now. Raises RoomTaken, PmsRejected."""
    before = _booking(hotel, request.code)
    reservation_id = _reservation(hotel, request.code, lock=False)
    plan = _plan(hotel, before, reservation_id, request)
    policy = _policy(hotel, before, request)
    return ChangeQuote(
        stay=request.stay,
        rooms=_rooms(plan),
        adults=sum(one.adults for one in plan.wanted),
        children=sum(one.children for one in plan.wanted),
        guest_name=request.guest_name,
        total=plan.total,
        currency=before.currency,
        free_until=policy.free_until,
        late_fee=policy.fee.of(plan.nightly),
        same_rooms=plan.same_rooms,
        lost_extras=plan.lost_extras,
        late_fee_is=str(policy.fee),
    )


def modify(hotel: Hotel, request: ChangeRequest) -> Change:
    """Change the booking, once for each request. Raises RoomTaken, PmsRejected; then nothing has changed."""

    def work() -> Change:
        lock_until_commit([f"change:{hotel.id}:{request.code}"])
        done = change_of(hotel, request.code, request.request_key)
        return done or _change(hotel, request)

    return in_one_transaction(work)


def change_of(hotel: Hotel, code: str, request_key: str) -> Change | None:
    """What this request has changed, if it has."""
    row = db.session.execute(
        text(
            "select c.before, c.after from reservation_changes c join reservations r on r.id = c.reservation_id"
            " where r.hotel_id = :hotel and r.code = :code and c.request_key = :request"
        ),
        {"hotel": hotel.id, "code": code, "request": request_key},
    ).first()
    return Change(_unpacked(row.before), _unpacked(row.after)) if row else None


def _change(hotel: Hotel, request: ChangeRequest) -> Change:
    reservation_id = _reservation(hotel, request.code, lock=True)
    before = _booking(hotel, request.code)
    # Whoever locks the rooms first sees who is in them; what is planned then is what is booked.
    holding.lock_rooms(_all_rooms(hotel, before, request))
    plan = _plan(hotel, before, reservation_id, request)
    if request.total is not None and request.total != plan.total:
        raise PmsRejected("price_changed")
    if not plan.same_claims:
        holding.rebook(reservation_id, request.stay.check_in, request.stay.check_out, plan.wanted)
    _write(hotel, reservation_id, before, request, plan)
    extras.cancel(reservation_id, plan.lost_extras)
    change = Change(_version(before), _version(_booking(hotel, request.code)))
    _note(reservation_id, request.request_key, change)
    return change


def _reservation(hotel: Hotel, code: str, lock: bool) -> int:
    """The row of a booking that can still be changed. Raises PmsRejected with "unknown" or the status."""
    row = db.session.execute(
        text(
            "select id, status from reservations where hotel_id = :hotel and code = :code"
            + (" for update" if lock else "")
        ),
        {"hotel": hotel.id, "code": code},
    ).first()
    if row is None:
        raise PmsRejected("unknown")
    if row.status not in ("booked", "in_house"):
        raise PmsRejected(row.status)
    reservation_id: int = row.id
    return reservation_id


def _booking(hotel: Hotel, code: str) -> Booking:
    booking = desk.read(hotel, code)
    if booking is None:
        raise PmsRejected("unknown")
    return booking


# What a change comes to


def _plan(hotel: Hotel, before: Booking, reservation_id: int, request: ChangeRequest) -> _Plan:
    """Which rooms at which prices. Raises RoomTaken, PmsRejected with "in_house", "not_for_sale" or NOT_SOLD."""
    old = _old_rooms(reservation_id)
    staying = _matched(old, request.rooms)
    in_house = before.status == "in_house"
    if in_house and (request.stay.check_in != before.stay.check_in or None in staying or len(old) > len(staying)):
        raise PmsRejected("in_house")
    kinds = kinds_for(hotel, {room.room_type for room in request.rooms}, request.stay, before.stay)
    wanted, nightly = [], []
    for room, was in zip(request.rooms, staying, strict=True):
        prices = _nightly(kinds[room.room_type], before.stay, request.stay, was)
        kinds[room.room_type].check(request.stay, before.stay if was else None)
        candidates = _candidates(kinds[room.room_type], old, was, request.stay, before)
        since = was.since if was and was.since > request.stay.check_in and in_house else None
        wanted.append(Wanted(candidates, sum(prices, Decimal(0)), room.adults, room.children + room.cots, since))
        nightly.append(prices)
    chosen = holding.rooms_for(reservation_id, request.stay.check_in, request.stay.check_out, wanted)
    return _Plan(
        tuple(wanted),
        tuple(chosen),
        tuple(nightly),
        _total(before, request, wanted),
        same_claims=_claims_stay(before, request, wanted, chosen, reservation_id),
        same_rooms=sorted(chosen) == sorted(one.resource_id for one in old),
        lost_extras=extras.lost(before, reservation_id, request.stay, chosen),
    )


def _candidates(kind: Kind, old: Sequence[_Old], was: _Old | None, stay: Stay, before: Booking) -> tuple[int, ...]:
    """The room that it was, then others of the kind; only that where the guest is in it, as no machine moves people.

    A room that is out of order keeps the nights that it has, and gets no other ones.
    """
    others = () if before.status == "in_house" else _others(kind.rooms, old)
    if was is None:
        return others
    new = new_nights(stay, before.stay)
    broken = any(out_of_order([was.resource_id], part.check_in, part.check_out) for part in new)
    stays = () if broken else (was.resource_id,)
    return (*stays, *(one for one in others if one != was.resource_id))


def _old_rooms(reservation_id: int) -> list[_Old]:
    rows = db.session.execute(
        text(
            "select l.resource_id, t.code, l.price, l.check_in from reservation_locks l"
            " join rooms r on r.id = l.resource_id"
            " join room_types t on t.id = r.room_type_id"
            " where l.reservation_id = :reservation and l.status = 'booked' order by l.id"
        ),
        {"reservation": reservation_id},
    )
    return [_Old(row.resource_id, row.code, row.price, row.check_in) for row in rows]


def _matched(old: Sequence[_Old], rooms: Sequence[RoomRequest]) -> list[_Old | None]:
    """For each room that is wanted, one of the booking's own of that kind, as long as there are any."""
    left = list(old)
    found: list[_Old | None] = []
    for room in rooms:
        was = next((one for one in left if one.room_type == room.room_type), None)
        if was is not None:
            left.remove(was)
        found.append(was)
    return found


def _others(rooms: Sequence[int], old: Sequence[_Old]) -> tuple[int, ...]:
    """The rooms of a kind, those last that another room of the booking would rather keep."""
    own = {one.resource_id for one in old}
    return tuple(sorted(rooms, key=lambda room: room in own))


def _nightly(kind: Kind, old: Stay, new: Stay, was: _Old | None) -> tuple[Decimal, ...]:
    """The price of each night. Raises PmsRejected("not_for_sale").

    A night that stays in a kind of room that stays keeps its share of the old price, shared as today's rates are; any
    other costs today's rate.
    """
    kept = shares(kind.rates, nights_of(old), was.price) if was else {}
    if any(night not in kept and night not in kind.rates for night in nights_of(new)):
        raise PmsRejected("not_for_sale")
    return tuple(kept[night] if night in kept else kind.rates[night] for night in nights_of(new))


def _claims_stay(
    before: Booking, request: ChangeRequest, wanted: Sequence[Wanted], chosen: Sequence[int], reservation_id: int
) -> bool:
    """Whether only the name changes, or nothing."""
    if request.stay != before.stay:
        return False
    are = [(claim.resource_id, claim.adults, claim.children) for claim in holding.claims_of_booking(reservation_id)]
    become = [(room, one.adults, one.children) for room, one in zip(chosen, wanted, strict=True)]
    return sorted(are) == sorted(become)


def _all_rooms(hotel: Hotel, before: Booking, request: ChangeRequest) -> list[int]:
    """Every room that the change may touch."""
    codes = {room.room_type for room in request.rooms} | {room.kind.code for room in before.rooms}
    return list(
        db.session.execute(
            text(
                "select r.id from rooms r join room_types t on t.id = r.room_type_id"
                " where t.hotel_id = :hotel and t.code = any(:codes)"
            ),
            {"hotel": hotel.id, "codes": list(codes)},
        ).scalars()
    )


def _total(before: Booking, request: ChangeRequest, wanted: Sequence[Wanted]) -> Decimal:
    """The same rooms on the same days cost what was agreed, whatever the rooms would come to."""
    same_rooms = sorted(room.room_type for room in request.rooms) == sorted(room.kind.code for room in before.rooms)
    if same_rooms and request.stay == before.stay:
        return before.total
    return sum((one.price for one in wanted), Decimal(0))


@dataclass(frozen=True)
class _Policy:
    """Until when cancelling is free, and what it costs then."""

    free_until: datetime
    fee: Fee
    no_show: Fee


def _policy(hotel: Hotel, before: Booking, request: ChangeRequest) -> _Policy:
    """Whoever arrives when they always would keeps the terms that they were told; else they are those of now."""
    if request.stay.check_in != before.stay.check_in:
        return _Policy(free_until(hotel, request.stay.check_in), fee_of(hotel), no_show_fee_of(hotel))
    kept = db.session.execute(
        text("select policy from reservations where hotel_id = :hotel and code = :code"),
        {"hotel": hotel.id, "code": before.code},
    ).scalar_one()
    fee = Fee.read(kept["fee"]) if "fee" in kept else Fee()
    return _Policy(before.free_until, fee, Fee.read(kept["no_show"]) if "no_show" in kept else fee)


def _rooms(plan: _Plan) -> tuple[BookedRoom, ...]:
    rows = db.session.execute(
        text(
            "select r.id, r.number, t.code, t.capacity, t.names, t.descriptions, t.words from rooms r"
            " join room_types t on t.id = r.room_type_id where r.id = any(:rooms)"
        ),
        {"rooms": list(plan.chosen)},
    )
    known = {row.id: row for row in rows}
    return tuple(
        BookedRoom(kind_of(known[room]), known[room].number, one.price, one.adults, one.children)
        for room, one in zip(plan.chosen, plan.wanted, strict=True)
    )


# Writing it down


def _write(hotel: Hotel, reservation_id: int, before: Booking, request: ChangeRequest, plan: _Plan) -> None:
    policy = _policy(hotel, before, request)
    parts = split(hotel, (price for nights in plan.nightly for price in nights))
    db.session.execute(
        text(
            "update reservations set check_in = :check_in, check_out = :check_out, guest_name = :name,"
            " adults = :adults, children = :children, total = :total, policy = policy || cast(:policy as jsonb),"
            # What costs the same keeps the parts that it had, whatever the tax is by now.
            " net = case when total = :total then net else cast(:net as numeric) end,"
            " tax = case when total = :total then tax else cast(:tax as numeric) end,"
            " tax_percent = case when total = :total then tax_percent else cast(:percent as numeric) end,"
            " changed_at = clock_timestamp() where id = :id"
        ),
        {
            "id": reservation_id,
            "check_in": request.stay.check_in,
            "check_out": request.stay.check_out,
            "name": request.guest_name,
            "adults": sum(one.adults for one in plan.wanted),
            "children": sum(one.children for one in plan.wanted),
            "total": plan.total,
            "policy": json.dumps(desk.terms(policy.free_until, policy.fee, policy.no_show, plan.nightly)),
            "net": parts.net if parts else None,
            "tax": parts.tax if parts else None,
            "percent": parts.percent if parts else None,
        },
    )


def _note(reservation_id: int, request_key: str, change: Change) -> None:
    db.session.execute(
        text(
            "insert into reservation_changes (reservation_id, request_key, before, after)"
            " values (:reservation, :request, cast(:before as jsonb), cast(:after as jsonb))"
        ),
        {
            "reservation": reservation_id,
            "request": request_key,
            "before": json.dumps(_packed(change.before)),
            "after": json.dumps(_packed(change.after)),
        },
    )


def _version(booking: Booking) -> Version:
    return Version(
        booking.stay,
        tuple(room.kind.code for room in booking.rooms),
        booking.adults,
        booking.children,
        booking.guest_name,
        booking.total,
    )


def _packed(version: Version) -> dict[str, Any]:
    return {
        "check_in": version.stay.check_in.isoformat(),
        "check_out": version.stay.check_out.isoformat(),
        "room_types": list(version.room_types),
        "adults": version.adults,
        "children": version.children,
        "guest_name": version.guest_name,
        "total": str(version.total),
    }


def _unpacked(kept: Mapping[str, Any]) -> Version:
    return Version(
        Stay(date.fromisoformat(kept["check_in"]), date.fromisoformat(kept["check_out"])),
        tuple(kept["room_types"]),
        kept["adults"],
        kept["children"],
        kept["guest_name"],
        Decimal(kept["total"]),
    )
