"""The table of backups: what was tried, and what came of it. What a dump is, its own file beside it tells."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class Backup(Model):
    """One try to take a backup.

    `name` is that of its files in BACKUP_DIR; `state`: running, done, failed, with `error`. `size` in bytes. `tried_at`
    is when it was restored to see whether it can be, and `trouble` what was wrong then, empty where nothing was.
    `copied_at`: since then a copy lies elsewhere. `gone_at`: since then its files are deleted.
    """

    __tablename__ = "backups"
    __table_args__ = (
        CheckConstraint("state in ('running', 'done', 'failed')", name="state"),
        Index("ix_backups_newest", text("started_at desc")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(server_default="running")
    error: Mapped[str] = mapped_column(server_default="")
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    tried_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    copied_at: Mapped[datetime | None]
    copy_error: Mapped[str] = mapped_column(server_default="")
    gone_at: Mapped[datetime | None]
