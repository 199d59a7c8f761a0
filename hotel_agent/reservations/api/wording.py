"""A reservation in JSON: money as decimal strings, days as YYYY-MM-DD, moments in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import NEVER_FREE, BookedExtra, Booking, Quote, RoomRequest, Stay, in_language
from hotel_agent.reservations.api.listing import Kept, Room
from hotel_agent.reservations.booking import cancellation_terms
from hotel_agent.reservations.changing import Proposal


def reservation(
    hotel: Hotel, kept: Kept, booking: Booking | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """As the tables have it, or as `booking`, which was just read back."""
    rooms = tuple(map(Room.of, booking.rooms)) if booking else kept.rooms
    booking = booking or kept.booking
    return {
        "hotel": hotel.slug,
        "code": booking.code,
        "status": booking.status,
        **_days(booking.stay),
        "nights": booking.stay.nights,
        "adults": booking.adults,
        "children": booking.children,
        "rooms": [_room(hotel, room) for room in rooms],
        "total": money(booking.total),
        "currency": booking.currency,
        "extras": [_extra(extra) for extra in booking.extras],
        "guest_name": booking.guest_name,
        "cancellation": _cancellation(booking, now),
        "created_at": moment(kept.created_at),
        "changed_at": moment(kept.changed_at),
    }


def quotes(found: Iterable[Quote]) -> list[dict[str, Any]]:
    """What there is instead."""
    return [
        {**_days(one.stay), "rooms": _requests(one.rooms), "total": money(one.total), "currency": one.currency}
        for one in found
    ]


def proposals(found: Iterable[Proposal]) -> list[dict[str, Any]]:
    return [
        {
            **_days(one.quote.stay),
            "rooms": _requests(one.rooms),
            "total": money(one.quote.total),
            "currency": one.quote.currency,
        }
        for one in found
    ]


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _days(stay: Stay) -> dict[str, str]:
    return {"check_in": stay.check_in.isoformat(), "check_out": stay.check_out.isoformat()}


def _room(hotel: Hotel, room: Room) -> dict[str, Any]:
    """The number is null where none is assigned yet."""
    return {
        "room_type": room.kind,
        "name": in_language(room.names, hotel.language) or room.kind,
        "number": room.number or None,
        "price": None if room.price is None else money(room.price),
        "adults": room.adults,
        "children": room.children,
    }


def _requests(rooms: Iterable[RoomRequest]) -> list[dict[str, Any]]:
    return [
        {"room_type": room.room_type, "adults": room.adults, "children": room.children + room.cots} for room in rooms
    ]


def _extra(extra: BookedExtra) -> dict[str, Any]:
    return {
        "code": extra.code,
        "price": money(extra.price),
        "currency": extra.currency,
        "at_time": extra.at_time.strftime("%H:%M") if extra.at_time else None,
    }


def _cancellation(booking: Booking, now: datetime | None) -> dict[str, Any]:
    """`fee_now` is what cancelling costs at this moment, of a booking that can still be cancelled.

    `free_until` is null where cancelling always costs something.
    """
    open_to_it = booking.status in ("pending", "booked")
    return {
        "free_until": None if booking.free_until == NEVER_FREE else moment(booking.free_until),
        "fee_now": money(cancellation_terms(booking, now).fee) if open_to_it else None,
        "cancelled_at": moment(booking.cancelled_at) if booking.cancelled_at else None,
        "fee": money(booking.cancellation_fee) if booking.cancellation_fee is not None else None,
    }
