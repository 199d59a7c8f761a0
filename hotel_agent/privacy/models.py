"""Tables of exports and erasures of a guest's data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class GuestExport(Model):
    """A file with everything about a guest, for the colleague who asked, until `expires_at`.

    `state`: asked (being made), ready, failed. `done` of `total` files are in it. Its bytes are in GuestExportPart.
    """

    __tablename__ = "guest_exports"
    __table_args__ = (
        CheckConstraint("state in ('asked', 'ready', 'failed')", name="state"),
        Index("ix_guest_exports_open", "id", postgresql_where=text("state = 'asked'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(server_default="asked")
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    size: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]


class GuestExportPart(Model):
    __tablename__ = "guest_export_parts"

    export_id: Mapped[int] = mapped_column(ForeignKey("guest_exports.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(BYTEA, deferred=True)


class GuestErasure(Model):
    """That a guest is being erased, or was; `guest_id` is the row that is left of them, without a word of theirs.

    `known_as` says what to look for, and is empty once it is done: {phones, wamids, names, conversations, codes}.
    `last_body` is the last raw body that was looked at, `since` when the first may have come. `done` of `total` rows.
    """

    __tablename__ = "guest_erasures"
    __table_args__ = (
        CheckConstraint("done_at is null or known_as = '{}'", name="forgets"),
        Index("ix_guest_erasures_open", "id", postgresql_where=text("done_at is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    since: Mapped[datetime]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]
    known_as: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    last_body: Mapped[int] = mapped_column(BigInteger, server_default="0")
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
