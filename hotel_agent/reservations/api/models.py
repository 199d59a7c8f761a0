"""The table of what programs have asked for."""

from __future__ import annotations

from datetime import datetime
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


class ApiRequest(Model):
    """A write that a program asked for, written down before anything is done about it, and what it was told.

    `caller` is token:7, staff:3 or desk:3; under one `key` of theirs there is one request, and `fingerprint` tells
    another one apart. `operation` is book, change or cancel, `code` the booking's that it is about, empty for a new
    one. `asked` is the body, with what we have written into it: `chosen`, the rooms that were settled on before they
    were held, `guest_id`, `seen` or `begun`. `asked_at`: since then somebody waits for it, or null. `status` and
    `answer` are null until it is known what became of it.
    """

    __tablename__ = "api_requests"
    __table_args__ = (
        UniqueConstraint("hotel_id", "caller", "key"),
        CheckConstraint("operation in ('book', 'change', 'cancel')", name="operation"),
        CheckConstraint("(status is null) = (answer is null)", name="answered"),
        Index("ix_api_requests_created_at", "created_at"),
        Index("ix_api_requests_untold", "created_at", postgresql_where=text("status is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    caller: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    actor: Mapped[str]
    key: Mapped[str]
    operation: Mapped[str]
    code: Mapped[str] = mapped_column(server_default="")
    fingerprint: Mapped[str]
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    guest_id: Mapped[int | None] = mapped_column(ForeignKey("guests.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    asked_at: Mapped[datetime | None]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
