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
    `rooms` are [{kind, adults, children, price, number, room}], `names` those of the kinds by codes and languages.
    `cleared_at`: since then nothing of it stands in the PMS. A hold that is none any more and is not cleared still
    has to be. `lapse_told_at` as of ReservationLock. Every change leaves a row in `lock_audit` (locks/auditing.py).
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
        Index(
            "ix_pms_holds_lapsed",
            "expires_at",
            postgresql_where=text("status = 'expired' and lapse_told_at is null"),
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
    names: Mapped[dict[str, dict[str, str]]] = mapped_column(JSONB, server_default="{}")
    lapse_told_at: Mapped[datetime | None]


class PmsWrite(Model):
    """Something that a PMS was asked to do, written down before it was asked.

    `operation`: create, cancel, change, rename, check_in, check_out, move. `state`: asked, done, refused, unknown (to
    be looked up), to_staff (cannot be settled by us). `token` and `order_id` are how it is found there; `payload` is
    what was asked for, without who the guest is; `why` is in words.
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


class PmsMirror(Model):
    """How well a hotel's rows tell what its PMS has on record.

    `cursor` is where the PMS is asked on; `as_of` when arrivals, departures and who is in house were last read there,
    `whole_at` when everything that is not over was. `failed_since` is null while the PMS answers.
    """

    __tablename__ = "pms_mirrors"

    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), primary_key=True)
    cursor: Mapped[str] = mapped_column(server_default="")
    as_of: Mapped[datetime | None]
    whole_at: Mapped[datetime | None]
    failed_since: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(server_default="")


class ReservationRoom(Model):
    """A room of a booking as the PMS has it, for display and to see what was sold twice; it keeps no room from anybody.

    `names` are those of its kind by language. The nights are the room's own, which may be fewer than the booking's.
    """

    __tablename__ = "reservation_rooms"
    __table_args__ = (
        CheckConstraint("check_in < check_out", name="stay"),
        Index("ix_reservation_rooms_number", "hotel_id", "number", postgresql_where=text("number <> ''")),
    )

    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    kind: Mapped[str]
    number: Mapped[str]
    names: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    check_in: Mapped[date]
    check_out: Mapped[date]


class RoomConflict(Model):
    """Two live bookings that have one room on the same nights, [check_in, check_out); gone when they have not.

    `told_at`: since then its people have been told.
    """

    __tablename__ = "room_conflicts"
    __table_args__ = (
        UniqueConstraint("reservation_id", "other_id", "number"),
        CheckConstraint("reservation_id < other_id", name="order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), index=True)
    number: Mapped[str]
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"), index=True)
    check_in: Mapped[date]
    check_out: Mapped[date]
    found_at: Mapped[datetime] = mapped_column(server_default=func.now())
    told_at: Mapped[datetime | None]


class PmsNews(Model):
    """What others have done in a PMS to a booking of a guest of ours, to be told to its people and perhaps the guest.

    `before` and `after` are {status, check_in, check_out, adults, children, total}; the status `missing` is a booking
    that the PMS does not know any more. `told_at`: since then it has been told, or need not be.
    """

    __tablename__ = "pms_news"
    __table_args__ = (
        Index("ix_pms_news_reservation_id", "reservation_id", "at"),
        Index("ix_pms_news_untold", "hotel_id", "id", postgresql_where=text("told_at is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    told_at: Mapped[datetime | None]
