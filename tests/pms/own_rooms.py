"""Hotels that keep their rooms here, made for one test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Booking, Offer, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.local import availability, rooms, seasons
from hotel_agent.reservations.booking import book, hold_quote
from tests.reservations.cast import guest_of

BEDS = {"individual": 1, "doble": 2, "suite": 2, "familiar": 4}


def own_hotel(
    slug: str,
    kinds: Mapping[str, Sequence[str]],
    prices: Mapping[str, Decimal],
    first: date,
    last: date,
    **columns: Any,
) -> Hotel:
    """With these rooms by number, and these prices for the nights from `first` to `last`."""
    hotel = Hotel(slug=slug, name=slug.title(), **columns)
    db.session.add(hotel)
    db.session.commit()
    for code, numbers in kinds.items():
        rooms.put_type(hotel, code, BEDS[code], {"es": code.title()}, None)
        rooms.add_rooms(hotel, code, list(numbers))
    for code, price in prices.items():
        seasons.set_price(hotel, code, price, first, last)
    return hotel


def offer(hotel: Hotel, kind: str, stay: Stay) -> Offer:
    found = availability.availability(hotel, stay).offer(kind)
    db.session.commit()
    assert found is not None
    return found


def on_record(hotel: Hotel, code: str) -> Booking:
    found = pms_for(hotel).read(code)
    assert found is not None
    return found


def booked(hotel: Hotel, stay: Stay, *kinds: str, key: str = "w1", today: date | None = None) -> Booking:
    """A booking of Marta's, for two adults in each room."""
    guest = guest_of(hotel)
    held = hold_quote(hotel, guest, stay, [RoomRequest(kind, 2) for kind in kinds], f"{key}:hold")
    return book(hotel, held.hold_key, guest, "Marta García", f"{key}:book", today or stay.check_in)
