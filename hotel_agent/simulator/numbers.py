"""The hotels that a guest can write to: their WhatsApp numbers with the credentials that Meta would know."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from zoneinfo import ZoneInfo

from sqlalchemy import select

from hotel_agent.db import db
from hotel_agent.hotels import credentials
from hotel_agent.hotels.models import Hotel, HotelIdentifier

FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class Number:
    """One hotel's number. `id` is Meta's phone_number_id."""

    id: str
    hotel: str
    zone: ZoneInfo
    app_secret: str | None
    access_token: str | None

    @property
    def display_phone(self) -> str:
        """An invented telephone number: the demo hotels have none."""
        return f"1555{self.id[-7:]:0>7}"

    @property
    def business_account(self) -> str:
        return f"2{self.id[1:]}"


_known: tuple[float, dict[str, Number]] = (-FRESH_SECONDS, {})


def numbers() -> dict[str, Number]:
    """All numbers by id, the oldest hotel first. Needs an app context; read at most every five seconds."""
    global _known
    read_at, known = _known
    if monotonic() - read_at >= FRESH_SECONDS or not known:
        known = _read()
        _known = (monotonic(), known)
    return known


def _read() -> dict[str, Number]:
    rows = db.session.execute(
        select(HotelIdentifier.identifier_value, Hotel)
        .join(Hotel, Hotel.id == HotelIdentifier.hotel_id)
        .where(HotelIdentifier.channel == "whatsapp")
        .order_by(Hotel.id, HotelIdentifier.id)
    ).all()
    found = {
        value: Number(
            id=value,
            hotel=hotel.name,
            zone=hotel.zone,
            app_secret=credentials.app_secret_of(hotel),
            access_token=credentials.access_token_of(hotel),
        )
        for value, hotel in rows
    }
    # The connection goes back now: what follows waits for the network.
    db.session.close()
    return found
