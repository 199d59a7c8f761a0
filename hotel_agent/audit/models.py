"""The table of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class AuditEntry(Model):
    """One thing that somebody did, never changed afterwards.

    `actor` is the e-mail as it was then, or `command` for the command line; `hotel_id` null means the whole
    installation. `details` names what changed, from what and to what; never a secret nor a guest's words.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_hotel", "hotel_id", text("id DESC")),
        Index("ix_audit_log_action", "action", "subject", text("id DESC")),
        Index("ix_audit_log_at", "at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    hotel_id: Mapped[int | None] = mapped_column(ForeignKey("hotels.id", ondelete="SET NULL"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
