"""The tables of claims on rooms, and of what became of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class ReservationLock(Model):
    """One room claimed for one stay [check_in, check_out): a hold (`active` until `expires_at`) or a booking.

    `status`: active, booked, released, expired. Rows with the same `hold_key` were taken together. `price` is
    what the room costs for the whole stay; `request_key` names the guest's message that asked, so that asking
    twice holds once, as `extensions` names those that asked to keep it for longer. `lapse_told_at`: since then
    everybody who is to know of it knows that the time was over.
    """

    __tablename__ = "reservation_locks"
    __table_args__ = (
        CheckConstraint("status in ('active', 'booked', 'released', 'expired')", name="status"),
        CheckConstraint("check_in < check_out", name="stay"),
        CheckConstraint("status <> 'active' or expires_at is not null", name="expiry"),
        ExcludeConstraint(
            ("resource_id", "="),
            (text("daterange(check_in, check_out)"), "&&"),
            name="reservation_locks_no_overlap",
            using="gist",
            where=text("status in ('active', 'booked')"),
        ),
        Index(
            "ix_reservation_locks_hotel_nights",
            "hotel_id",
            text("daterange(check_in, check_out)"),
            postgresql_using="gist",
            postgresql_include=["resource_id", "check_in", "check_out", "status", "expires_at"],
            postgresql_where=text("status in ('active', 'booked')"),
        ),
        Index("idx_locks_resource_status", "resource_id", "status", postgresql_where=text("status = 'active'")),
        Index("ix_reservation_locks_hold_key", "hold_key"),
        Index("ix_reservation_locks_reservation", "reservation_id"),
        Index("ix_reservation_locks_request_key", "hotel_id", "request_key"),
        Index("ix_reservation_locks_expiry", "expires_at", postgresql_where=text("status = 'active'")),
        Index(
            "ix_reservation_locks_lapsed",
            "expires_at",
            postgresql_where=text("status = 'expired' and lapse_told_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    resource_id: Mapped[int] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    status: Mapped[str]
    check_in: Mapped[date]
    check_out: Mapped[date]
    expires_at: Mapped[datetime | None]
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guests.id", ondelete="SET NULL"), index=True)
    hold_key: Mapped[str]
    request_key: Mapped[str | None]
    price: Mapped[Decimal]
    adults: Mapped[int] = mapped_column(server_default="1")
    children: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    extensions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    lapse_told_at: Mapped[datetime | None]


class LockAudit(Model):
    """One change of one claim, written by a trigger in the same statement and never changed afterwards.

    `lock_id` is of reservation_locks, or of pms_holds where `at_pms`: what a PMS keeps for us. `action`: held,
    extended, booked, released, expired, moved (to other rooms or nights, the old claim and the new), freed (after a
    cancellation), changed, deleted; of a PMS also asked, refused and cleared (nothing of it stands there any more).
    `actor` is guest, staff, agent or system, `actor_id` which of them; `why` is in words or codes, never a guest's own.
    `before` and `after` are the claim's row.
    """

    __tablename__ = "lock_audit"
    __table_args__ = (
        CheckConstraint("actor in ('guest', 'staff', 'agent', 'system')", name="actor"),
        Index("ix_lock_audit_lock", "lock_id", "id"),
        Index("ix_lock_audit_hold", "hold_key"),
        Index("ix_lock_audit_reservation", "reservation_id", postgresql_where=text("reservation_id is not null")),
        Index("ix_lock_audit_hotel", "hotel_id", "at"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), primary_key=True)
    hotel_id: Mapped[int]
    lock_id: Mapped[int] = mapped_column(BigInteger)
    hold_key: Mapped[str]
    reservation_id: Mapped[int | None]
    action: Mapped[str]
    actor: Mapped[str]
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    why: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at_pms: Mapped[bool] = mapped_column(server_default="false")
