"""Tables of the tenants."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model, utcnow


class Hotel(Model):
    """A tenant. Times of day are in the hotel's own zone; money is in its currency."""

    __tablename__ = "hotels"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str] = mapped_column(server_default="Europe/Madrid")
    country: Mapped[str] = mapped_column(server_default="ES")
    currency: Mapped[str] = mapped_column(server_default="EUR")
    language: Mapped[str] = mapped_column(server_default="es")
    check_in_time: Mapped[time] = mapped_column(server_default="15:00")
    check_out_time: Mapped[time] = mapped_column(server_default="11:00")
    front_desk_opens: Mapped[time | None]
    front_desk_closes: Mapped[time | None]
    free_cancellation_hours: Mapped[int] = mapped_column(server_default="48")
    longest_stay_nights: Mapped[int] = mapped_column(server_default="30")
    largest_party: Mapped[int] = mapped_column(server_default="20")
    pms: Mapped[str] = mapped_column(server_default="local")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    whatsapp_app_secret: Mapped[str | None]
    whatsapp_access_token: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def today(self) -> date:
        """The date on the hotel's wall."""
        return utcnow().astimezone(self.zone).date()

    def answers_in(self, language: str | None) -> str:
        """The language in which a guest who writes in that one is answered: theirs where the hotel offers it."""
        offered = (self.settings or {}).get("languages")
        return language if language and (not offered or language in offered) else self.language

    @property
    def emergency_words(self) -> tuple[str, ...]:
        """What means an emergency at this hotel, beside what means one everywhere."""
        return tuple((self.settings or {}).get("emergency_words") or ())


class HotelIdentifier(Model):
    """How the outside names a hotel: today the phone_number_id that WhatsApp delivers to.

    `stopped_*` is set while Meta refuses the hotel's credentials: nothing is sent from this number.
    `paused_until` holds the lane back after a rate limit.
    """

    __tablename__ = "tenant_user_identifiers"
    __table_args__ = (
        UniqueConstraint("channel", "identifier_value"),
        Index("idx_tenant_identifiers_lookup", "identifier_value", "channel"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str]
    identifier_value: Mapped[str]
    paused_until: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    stopped_reason: Mapped[str | None]
    stopped_token: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Extra(Model):
    """Something a guest can add to a stay. `unit`: stay, night, person_day."""

    __tablename__ = "extras"
    __table_args__ = (UniqueConstraint("hotel_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    code: Mapped[str]
    price: Mapped[Decimal]
    unit: Mapped[str]
    until: Mapped[time | None]


class Knowledge(Model):
    """What the hotel says about one topic in one language, in its own words.

    A topic is an intent of the NLU, or any name of the hotel's own ("piano_bar").
    """

    __tablename__ = "knowledge"
    __table_args__ = (UniqueConstraint("hotel_id", "topic", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    topic: Mapped[str]
    language: Mapped[str]
    text: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
