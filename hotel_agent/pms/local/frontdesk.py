"""What happens at the front desk, in our own tables: guests come, leave, do not come, and get another room.

Each is done once however often it is said, in one transaction with its line in `reservation_changes`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import holding
from hotel_agent.locks.holding import Claim, RoomTaken, Wanted
from hotel_agent.locks.transaction import in_one_transaction
from hotel_agent.pms.contract import PmsRejected
from hotel_agent.pms.local import extras, rooms

OUT_OF_ORDER = "out_of_order"


def check_in(hotel: Hotel, code: str, today: date) -> bool:
    """The guest is in; False when they were.

    Raises PmsRejected with the status, "too_early", "over" or "out_of_order".
    """

    def work() -> bool:
        row = _locked(hotel, code)
        if row.status == "in_house":
            return False
        _must_be(row, "booked")
        if today < row.check_in:
            raise PmsRejected("too_early")
        if today >= row.check_out:
            raise PmsRejected("over")
        if rooms.out_of_order(_rooms(row.id), today, today + timedelta(days=1)):
            raise PmsRejected(OUT_OF_ORDER)
        _becomes(row, "in_house")
        return True

    return in_one_transaction(work)


def check_out(hotel: Hotel, code: str, today: date) -> bool:
    """The guest has left; False when they had. Raises PmsRejected with the status.

    Whoever leaves early leaves the nights from today on to others; what the stay costs is for people to say. The rooms
    are dirty now.
    """

    def work() -> bool:
        row = _locked(hotel, code)
        if row.status == "departed":
            return False
        _must_be(row, "in_house")
        left = _rooms(row.id)
        if today < row.check_out:
            holding.free_from(row.id, today)
        leaves = min(row.check_out, max(today, row.check_in + timedelta(days=1)))
        db.session.execute(text("update rooms set housekeeping = 'dirty' where id = any(:rooms)"), {"rooms": left})
        _becomes(row, "departed", check_out=leaves)
        return True

    return in_one_transaction(work)


def no_show(hotel: Hotel, code: str, today: date) -> bool:
    """The guest did not come: the rooms are free, and the fee is what was agreed for that; False when it was said.

    Raises PmsRejected with the status, or "too_early" before the day of arrival.
    """

    def work() -> bool:
        row = _locked(hotel, code)
        if row.status == "no_show":
            return False
        _must_be(row, "booked")
        if today < row.check_in:
            raise PmsRejected("too_early")
        holding.release_booked(row.id, "the guest did not come")
        extras.cancel(row.id)
        fee = row.policy.get("no_show_fee") or row.policy.get("late_fee")
        _becomes(row, "no_show", cancellation_fee=Decimal(fee) if fee else None)
        return True

    return in_one_transaction(work)


def move(hotel: Hotel, code: str, from_room: str, to_room: str) -> bool:
    """Another room for the nights that are left, at the price of before; False when it was so.

    Raises RoomTaken, PmsRejected with the status, "over", "unknown_room" or "out_of_order".
    """

    def work() -> bool:
        row = _locked(hotel, code)
        _must_be(row, "booked", "in_house")
        since = max(row.check_in, hotel.today())
        if since >= row.check_out:
            raise PmsRejected("over")
        old, new = rooms.room_of(hotel, from_room), rooms.room_of(hotel, to_room)
        claims = holding.claims_of_booking(row.id)
        has = {claim.resource_id for claim in claims}
        if new in has and (old == new or old not in has):
            return False
        if old not in has:
            raise PmsRejected("unknown_room")
        if new in has:  # Its guests have both rooms, and would have to be asked who sleeps where.
            raise RoomTaken
        holding.lock_rooms([*has, new])
        if rooms.out_of_order([new], since, row.check_out):
            raise PmsRejected(OUT_OF_ORDER)
        in_house = row.status == "in_house"
        wanted = [_wanted(claim, old, new, since if in_house else None) for claim in claims]
        holding.rebook(row.id, row.check_in, row.check_out, wanted)
        if in_house:
            db.session.execute(text("update rooms set housekeeping = 'dirty' where id = :room"), {"room": old})
        _becomes(row, row.status, moved=[from_room, to_room])
        return True

    return in_one_transaction(work)


def _wanted(claim: Claim, old: int, new: int, since: date | None) -> Wanted:
    """The claim as it stays, or in the other room from now on."""
    kept = claim.check_in
    one = Wanted((claim.resource_id,), claim.price, claim.adults, claim.children, kept)
    if claim.resource_id != old:
        return one
    return replace(one, candidates=(new,), since=max(kept, since) if since else kept)


def _locked(hotel: Hotel, code: str) -> Any:
    """Raises PmsRejected("unknown")."""
    row = db.session.execute(
        text(
            "select id, status, check_in, check_out, policy from reservations"
            " where hotel_id = :hotel and code = :code for update"
        ),
        {"hotel": hotel.id, "code": code},
    ).first()
    if row is None:
        raise PmsRejected("unknown")
    return row


def _must_be(row: Any, *statuses: str) -> None:
    if row.status not in statuses:
        raise PmsRejected(row.status)


def _rooms(reservation_id: int) -> list[int]:
    return [claim.resource_id for claim in holding.claims_of_booking(reservation_id)]


def _becomes(row: Any, status: str, *, moved: list[str] | None = None, **columns: Any) -> None:
    """Write the booking's new state, and that it was another one before."""
    sets = "".join(f", {name} = :{name}" for name in columns)
    db.session.execute(
        text(f"update reservations set status = :status, changed_at = clock_timestamp(){sets} where id = :id"),
        {"id": row.id, "status": status, **columns},
    )
    before = {"status": row.status, "check_out": row.check_out.isoformat()}
    after = {"status": status, "check_out": columns.get("check_out", row.check_out).isoformat()}
    if moved is not None:
        before, after = {**before, "room": moved[0]}, {**after, "room": moved[1]}
    db.session.execute(
        text(
            "insert into reservation_changes (reservation_id, request_key, before, after) values"
            " (:id, 'desk:' || gen_random_uuid(), cast(:before as jsonb), cast(:after as jsonb))"
        ),
        {"id": row.id, "before": json.dumps(before), "after": json.dumps(after)},
    )
