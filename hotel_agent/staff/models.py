"""Tables of accounts and tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, func
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model

ROLES = ("reception", "manager", "admin", "ops")


class Staff(Model):
    """An account; `email` is kept in lower case.

    `totp_secret` is sealed, and counts once `totp_confirmed_at` is set; a code of `totp_last_step` or earlier is
    spent. `invite_hash` lets somebody without a password choose one until `invite_expires_at`. Whatever was handed
    out until `signed_out_at`, sessions and tokens, is spent.
    """

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(server_default="")
    password_hash: Mapped[str | None]
    password_set_at: Mapped[datetime | None]
    invite_hash: Mapped[str | None] = mapped_column(unique=True)
    invite_expires_at: Mapped[datetime | None]
    totp_secret: Mapped[str | None]
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str | None]
    signed_out_at: Mapped[datetime | None]
    sound: Mapped[bool] = mapped_column(server_default="true")
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StaffSession(Model):
    """One browser signed in. The cookie holds the token, this row only its SHA-256.

    `hotel_id` is the hotel being looked at, of those that the person belongs to.
    """

    __tablename__ = "staff_sessions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    hotel_id: Mapped[int | None] = mapped_column(ForeignKey("hotels.id", ondelete="SET NULL"))
    user_agent: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    ended_at: Mapped[datetime | None]


class StaffHotel(Model):
    """What a person may do in one hotel. `role`: reception, manager, admin, ops."""

    __tablename__ = "staff_hotels"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str]


class ApiToken(Model):
    """A bearer token of one hotel; only its SHA-256 is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(server_default="")
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
