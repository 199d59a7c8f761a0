"""The table of feature flags."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class FeatureFlag(Model):
    """A switch; `hotel_id` null means everywhere. The hotel's own row wins over the general one.

    `percentage` (1 to 99) narrows an enabled switch to that share of subjects; null means all of them.
    """

    __tablename__ = "feature_flags"
    __table_args__ = (
        UniqueConstraint("key", "hotel_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("percentage between 1 and 99", name="percentage"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    hotel_id: Mapped[int | None] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    enabled: Mapped[bool]
    percentage: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
