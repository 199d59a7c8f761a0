"""What is added to a stay beside its rooms, in our own tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import holding
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.locks.transaction import in_one_transaction
from hotel_agent.pms.contract import Booking, ExtraRequest, PmsRejected, Stay


def is_free_on(hotel: Hotel, code: str, night: date) -> bool:
    """Whether nobody else has the rooms of this booking on a night before or after its own."""
    reservation_id, _ = _reservation(hotel, code, lock=False)
    return holding.is_free(reservation_id, _rooms(reservation_id), night)


def add(hotel: Hotel, request: ExtraRequest) -> bool:
    """Put an extra on a live booking; False when it was there. Raises RoomTaken, PmsRejected with the status."""

    def work() -> bool:
        reservation_id, status = _reservation(hotel, request.booking_code, lock=True)
        if status not in ("booked", "in_house"):
            raise PmsRejected(status)
        if _has(reservation_id, request.code):
            return False
        rooms = _rooms(reservation_id)
        holding.lock_rooms(rooms)
        if not all(holding.is_free(reservation_id, rooms, night) for night in request.nights):
            raise RoomTaken
        _insert(hotel, reservation_id, request)
        return True

    return in_one_transaction(work)


def lost(before: Booking, reservation_id: int, stay: Stay, rooms: Sequence[int]) -> tuple[str, ...]:
    """The extras of a booking that need its rooms on a night on which, after a change, somebody else has them."""
    nights = {"late_checkout": stay.check_out, "early_checkin": stay.check_in - timedelta(days=1)}
    return tuple(
        extra.code
        for extra in before.extras
        if extra.code in nights and not holding.is_free(reservation_id, rooms, nights[extra.code])
    )


def cancel(reservation_id: int, codes: Iterable[str] | None = None) -> None:
    """Take extras off a booking, all of them without `codes`, in the caller's transaction."""
    db.session.execute(
        text(
            "update reservation_extras set status = 'cancelled' where reservation_id = :reservation"
            " and (cast(:codes as text[]) is null or code = any(:codes))"
        ),
        {"reservation": reservation_id, "codes": None if codes is None else list(codes)},
    )


def _reservation(hotel: Hotel, code: str, lock: bool) -> tuple[int, str]:
    row = db.session.execute(
        text(
            "select id, status from reservations where hotel_id = :hotel and code = :code"
            + (" for update" if lock else "")
        ),
        {"hotel": hotel.id, "code": code},
    ).first()
    if row is None:
        raise PmsRejected("unknown")
    return row.id, row.status


def _rooms(reservation_id: int) -> list[int]:
    return [claim.resource_id for claim in holding.claims_of_booking(reservation_id)]


def _has(reservation_id: int, code: str) -> bool:
    found = db.session.execute(
        text(
            "select 1 from reservation_extras"
            " where reservation_id = :reservation and code = :code and status = 'granted'"
        ),
        {"reservation": reservation_id, "code": code},
    ).first()
    return found is not None


def _insert(hotel: Hotel, reservation_id: int, request: ExtraRequest) -> None:
    """One that was taken off before comes back at the price of now."""
    db.session.execute(
        text(
            "insert into reservation_extras (hotel_id, reservation_id, code, price, currency, at_time)"
            " values (:hotel, :reservation, :code, :price, :currency, :at_time)"
            " on conflict (reservation_id, code) do update set status = 'granted', price = excluded.price,"
            " currency = excluded.currency, at_time = excluded.at_time, created_at = now()"
        ),
        {
            "hotel": hotel.id,
            "reservation": reservation_id,
            "code": request.code,
            "price": request.price,
            "currency": hotel.currency,
            "at_time": request.at_time,
        },
    )
