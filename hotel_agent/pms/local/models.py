"""Tables of rooms, rates and reservations."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class RoomType(Model):
    """A kind of room. `names` maps a language to what the hotel calls it; `words` are what guests say."""

    __tablename__ = "room_types"
    __table_args__ = (UniqueConstraint("hotel_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    code: Mapped[str]
    capacity: Mapped[int]
    position: Mapped[int] = mapped_column(server_default="0")
    names: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    descriptions: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    words: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    photos: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")


class Room(Model):
    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("hotel_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    room_type_id: Mapped[int] = mapped_column(ForeignKey("room_types.id", ondelete="CASCADE"), index=True)
    number: Mapped[str]
    out_of_order: Mapped[bool] = mapped_column(server_default="false")


class Rate(Model):
    """What one night in a kind of room costs, taxes included. A night without a rate is not for sale."""

    __tablename__ = "rates"

    room_type_id: Mapped[int] = mapped_column(ForeignKey("room_types.id", ondelete="CASCADE"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    price: Mapped[Decimal]


class Reservation(Model):
    """One booking, of one room or several; its rooms are the `reservation_locks` rows that name it.

    `status`: pending, booked, in_house, departed, cancelled, no_show. `request_key` names the guest's message
    that asked for it, so that asking twice books once. `pms_id` is what a PMS of the hotel's own calls it.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        UniqueConstraint("hotel_id", "request_key"),
        CheckConstraint(
            "status in ('pending', 'booked', 'in_house', 'departed', 'cancelled', 'no_show')", name="status"
        ),
        CheckConstraint("check_in < check_out", name="stay"),
        Index("idx_reservations_date_range", text("daterange(check_in, check_out)"), postgresql_using="gist"),
        Index("ix_reservations_hotel_check_in", "hotel_id", "check_in"),
        Index(
            "uq_reservations_pms_id",
            "hotel_id",
            "pms_id",
            unique=True,
            postgresql_where=text("pms_id is not null"),
        ),
        Index(
            "ix_reservations_words",
            "hotel_id",
            text("fold(guest_name)"),
            "code",
            postgresql_using="gin",
            postgresql_ops={"fold(guest_name)": "gin_trgm_ops", "code": "gin_trgm_ops"},
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(unique=True)
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guests.id", ondelete="SET NULL"), index=True)
    guest_name: Mapped[str]
    status: Mapped[str]
    check_in: Mapped[date]
    check_out: Mapped[date]
    adults: Mapped[int]
    children: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[Decimal]
    currency: Mapped[str]
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    request_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    cancelled_at: Mapped[datetime | None]
    cancellation_fee: Mapped[Decimal | None]
    pms_id: Mapped[str | None]


class ReservationExtra(Model):
    """Something added to a stay, at the price that was told; `at_time` is until or from when, where it has a time."""

    __tablename__ = "reservation_extras"
    __table_args__ = (
        UniqueConstraint("reservation_id", "code"),
        CheckConstraint("status in ('granted', 'cancelled')", name="status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), index=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    code: Mapped[str]
    price: Mapped[Decimal]
    currency: Mapped[str]
    at_time: Mapped[time | None]
    status: Mapped[str] = mapped_column(server_default="granted")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReservationChange(Model):
    """A booking as it was and as it became; `request_key` names the message that asked, so that it changes once."""

    __tablename__ = "reservation_changes"
    __table_args__ = (UniqueConstraint("reservation_id", "request_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    request_key: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
