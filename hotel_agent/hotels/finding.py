"""Which hotel is meant."""

from __future__ import annotations

from sqlalchemy import select

from hotel_agent.db import db
from hotel_agent.errors import NotFound
from hotel_agent.hotels.models import Hotel, HotelIdentifier


def by_slug(slug: str) -> Hotel:
    """Raises NotFound."""
    hotel = db.session.scalar(select(Hotel).where(Hotel.slug == slug))
    if hotel is None:
        raise NotFound(f"There is no hotel {slug!r}.")
    return hotel


def of_number(phone_number_id: str | None) -> tuple[Hotel, HotelIdentifier] | None:
    """The hotel that answers on a WhatsApp number, with the number's row."""
    row = db.session.execute(
        select(Hotel, HotelIdentifier)
        .join(HotelIdentifier, HotelIdentifier.hotel_id == Hotel.id)
        .where(HotelIdentifier.channel == "whatsapp", HotelIdentifier.identifier_value == (phone_number_id or ""))
    ).first()
    return (row[0], row[1]) if row else None
