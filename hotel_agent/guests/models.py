"""Tables of the people who write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class Guest(Model):
    """A person, as one hotel knows them.

    `usual_party` is {"adults": …, "children": …, "ages": […]} of their last booking; `preferences` are codes of
    conversations/skills/preferences.py. `consented_at` is when they agreed to messages on the hotel's own account.
    """

    __tablename__ = "guests"
    __table_args__ = (
        Index(
            "ix_guests_name_words",
            "hotel_id",
            text("fold(name)"),
            postgresql_using="gin",
            postgresql_ops={"fold(name)": "gin_trgm_ops"},
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), index=True)
    name: Mapped[str | None]
    name_at: Mapped[datetime | None]
    language: Mapped[str | None]
    vip: Mapped[bool] = mapped_column(server_default="false")
    opted_out_at: Mapped[datetime | None]
    usual_party: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    preferences: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    consented_at: Mapped[datetime | None]
    consent_asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class GuestIdentity(Model):
    """One way to know a guest: a phone (canonical digits), a business-scoped user id, or an API caller's id.

    `kind` is phone, bsuid, parent_bsuid or api. A retired one (the number has moved on) names nobody any more.
    """

    __tablename__ = "guest_identities"
    __table_args__ = (
        Index(
            "uq_guest_identities_live",
            "hotel_id",
            "kind",
            "value",
            unique=True,
            postgresql_where=text("retired_at is null"),
        ),
        Index("ix_guest_identities_value", "hotel_id", "value"),
        Index(
            "ix_guest_identities_digits",
            "hotel_id",
            "value",
            postgresql_using="gin",
            postgresql_ops={"value": "gin_trgm_ops"},
            postgresql_where=text("kind = 'phone' and retired_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    value: Mapped[str]
    wire: Mapped[str]
    retired_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
