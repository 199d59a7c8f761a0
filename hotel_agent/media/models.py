"""The table of photos, voice notes and documents."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class Media(Model):
    """One attachment of a message. `status`: waiting (to be fetched), stored, failed, forgotten (it was too old).

    `content` is what the guest sent; `playable`, where it differs, a form that every browser plays, of
    `playable_type`. Meta forgets what it holds after a while, so what is not fetched in time is `failed` for good.
    """

    __tablename__ = "media"
    __table_args__ = (
        CheckConstraint("status in ('waiting', 'stored', 'failed', 'forgotten')", name="status"),
        Index("ix_media_message", "message_id"),
        Index("ix_media_waiting", "next_attempt_at", postgresql_where=text("status = 'waiting'")),
        Index("ix_media_kept", "created_at", postgresql_where=text("status <> 'forgotten'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[int] = mapped_column(BigInteger)
    graph_id: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="waiting")
    mime_type: Mapped[str] = mapped_column(server_default="")
    file_name: Mapped[str] = mapped_column(server_default="")
    size: Mapped[int | None]
    seconds: Mapped[float | None]
    content: Mapped[bytes | None] = mapped_column(BYTEA, deferred=True)
    playable: Mapped[bytes | None] = mapped_column(BYTEA, deferred=True)
    playable_type: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
