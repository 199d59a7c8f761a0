"""Is a feature on? The hotel's own row wins, then the general one, then the built-in default."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotel_agent.db import db, utcnow
from hotel_agent.flags.models import FeatureFlag

DEFAULTS = {"agent": True, "booking": True}


def is_on(key: str, hotel_id: int) -> bool:
    """Unknown keys are off."""
    rows = db.session.execute(
        select(FeatureFlag.hotel_id, FeatureFlag.enabled).where(
            FeatureFlag.key == key, (FeatureFlag.hotel_id == hotel_id) | FeatureFlag.hotel_id.is_(None)
        )
    ).all()
    chosen = dict(rows)
    return bool(chosen.get(hotel_id, chosen.get(None, DEFAULTS.get(key, False))))


def switch(key: str, enabled: bool, hotel_id: int | None = None) -> None:
    values = {"key": key, "hotel_id": hotel_id, "enabled": enabled, "updated_at": utcnow()}
    statement = insert(FeatureFlag).values(**values)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["key", "hotel_id"],
            set_={"enabled": statement.excluded.enabled, "updated_at": statement.excluded.updated_at},
        )
    )
    db.session.commit()
