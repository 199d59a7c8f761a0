"""Tables about systems that are not ours: what we keep there for guests, and what we have asked them to do."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class PmsHold(Model):
    """Rooms that a PMS keeps for a guest because we asked it to; where it knows no holds, by a booking of its own.

    `status`: asked (nobody knows yet), active (until `expires_at`), booked, released, expired, refused. `token` is
    what the PMS's record carries, `order_id` that record's id there; `code` is the booking's, given beforehand.
    `rooms` are [{kind, adults, children, price, number, room}]. `cleared_at`: since then nothing of it stands in the
    PMS. A hold that is none any more and is not cleared still has to be.
    """

    __tablename__ = "pms_holds"
    __table_args__ = (
        UniqueConstraint("hold_key"),
        UniqueConstraint("token"),
        UniqueConstraint("code"),
        CheckConstraint("status in ('asked', 'active', 'booked', 'released', 'expired', 'refused')", name="status"),
        CheckConstraint("check_in < check_out", name="stay"),
        CheckConstraint("status <> 'booked' or reservation_id is not null", name="booked"),
        Index("ix_pms_holds_request_key", "hotel_id", "request_key"),
        Index(
            "ix_pms_holds_uncleared",
            "hotel_id",
            "expires_at",
            postgresql_where=text("cleared_at is null and status <> 'booked'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guests.id", ondelete="SET NULL"), index=True)
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"), index=True)
    hold_key: Mapped[str]
    request_key: Mapped[str]
    token: Mapped[str]
    code: Mapped[str]
    status: Mapped[str]
    order_id: Mapped[str | None]
    check_in: Mapped[date]
    check_out: Mapped[date]
    rooms: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    total: Mapped[Decimal]
    late_fee: Mapped[Decimal]
    currency: Mapped[str]
    expires_at: Mapped[datetime]
    extensions: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    extension_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    cleared_at: Mapped[datetime | None]


class PmsWrite(Model):
    """Something that a PMS was asked to do, written down before it was asked.

    `operation`: create, cancel, change, rename. `state`: asked, done, refused, unknown (to be looked up), to_staff
    (cannot be settled by us). `token` and `order_id` are how it is found there; `payload` is what was asked for,
    without who the guest is; `why` is in words.
    """

    __tablename__ = "pms_writes"
    __table_args__ = (
        CheckConstraint("state in ('asked', 'done', 'refused', 'unknown', 'to_staff')", name="state"),
        Index("ix_pms_writes_open", "hotel_id", "created_at", postgresql_where=text("state in ('asked', 'unknown')")),
        Index("ix_pms_writes_token", "token"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guests.id", ondelete="SET NULL"), index=True)
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservations.id", ondelete="SET NULL"), index=True)
    operation: Mapped[str]
    token: Mapped[str]
    order_id: Mapped[str | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(server_default="asked")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    why: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]
