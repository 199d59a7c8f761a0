"""The table of feature flags."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent.db import Model


class FeatureFlag(Model):
    """A switch; `hotel_id` null means everywhere. The hotel's own row wins over the general one."""

    __tablename__ = "feature_flags"
    __table_args__ = (UniqueConstraint("key", "hotel_id", postgresql_nulls_not_distinct=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    hotel_id: Mapped[int | None] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    enabled: Mapped[bool]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
