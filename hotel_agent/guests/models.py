"""Tables of the people who write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class Guest(Model):
    """A person, as one hotel knows them.

    `usual_party` is {"adults": …, "children": …, "ages": […]} of their last booking; `preferences` are codes of
    conversations/skills/preferences.py. `consented_at` is when they agreed to messages on the hotel's own account.
    Once `erased_at` is set nothing is left of them but a pseudonym as `name` (privacy/erasing.py).
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
        Index("ix_guests_newest", "hotel_id", "id", postgresql_where=text("erased_at is null")),
        Index("ix_guests_vip", "hotel_id", "id", postgresql_where=text("vip")),
        Index("ix_guests_opted_out", "hotel_id", "id", postgresql_where=text("opted_out_at is not null")),
        Index("ix_guests_erased", "hotel_id", "id", postgresql_where=text("erased_at is not null")),
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
    erased_at: Mapped[datetime | None]
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


class GuestNote(Model):
    """What a colleague wrote down about a guest, for colleagues only."""

    __tablename__ = "guest_notes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class GuestConsent(Model):
    """A step in what a guest has wanted of the hotel's own messages, written by a trigger on `guests` (0018).

    `what`: asked, given, taken_back, opted_out, allowed_again. `staff_id` is the colleague who wrote it down, and
    `how` how they know; without one it was the guest's own word.
    """

    __tablename__ = "guest_consents"
    __table_args__ = (
        CheckConstraint("what in ('asked', 'given', 'taken_back', 'opted_out', 'allowed_again')", name="what"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    what: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    how: Mapped[str] = mapped_column(server_default="")
