"""The flags as a page or a command shows them: what is set where, what counts, who changed it last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute

from hotel_agent.audit.models import AuditEntry
from hotel_agent.audit.recording import FLAG_CHANGES
from hotel_agent.db import db
from hotel_agent.flags.cache import Switch, Switches
from hotel_agent.flags.models import FeatureFlag
from hotel_agent.flags.switches import FLAGS, deciding


@dataclass(frozen=True)
class Shown:
    """A flag at one hotel; `general` and `own` are None where nothing is set."""

    key: str
    name: object
    description: object
    default: bool
    general: Switch | None
    own: Switch | None
    effective: Switch
    changed_by: str | None
    changed_at: datetime | None


def all_flags(hotel_id: int) -> list[Shown]:
    """Every flag there is, as the rows say now."""
    switches = _rows_of(hotel_id)
    changes = {entry.subject: entry for entry in _last_changes(hotel_id)}
    return [
        Shown(
            key=key,
            name=flag.name,
            description=flag.description,
            default=flag.default,
            general=switches.get((key, None)),
            own=switches.get((key, hotel_id)),
            effective=deciding(switches, key, hotel_id),
            changed_by=changes[key].actor if key in changes else None,
            changed_at=changes[key].at if key in changes else None,
        )
        for key, flag in sorted(FLAGS.items())
    ]


def history(key: str, hotel_id: int, limit: int = 50) -> Sequence[AuditEntry]:
    """What was changed for the hotel or for all of them, newest first; `details` say what it `was` and is `now`."""
    query = select(AuditEntry).where(
        AuditEntry.action.in_(FLAG_CHANGES), AuditEntry.subject == key, _concerns(AuditEntry.hotel_id, hotel_id)
    )
    return db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()


def _rows_of(hotel_id: int) -> Switches:
    rows = db.session.execute(
        select(FeatureFlag.key, FeatureFlag.hotel_id, FeatureFlag.enabled, FeatureFlag.percentage).where(
            _concerns(FeatureFlag.hotel_id, hotel_id)
        )
    )
    return {(key, whose): Switch(enabled, percentage) for key, whose, enabled, percentage in rows}


def _last_changes(hotel_id: int) -> Sequence[AuditEntry]:
    query = select(AuditEntry).where(
        AuditEntry.action.in_(FLAG_CHANGES),
        AuditEntry.subject.in_(FLAGS),
        _concerns(AuditEntry.hotel_id, hotel_id),
    )
    last = query.ext(distinct_on(AuditEntry.subject)).order_by(AuditEntry.subject, AuditEntry.id.desc())
    return db.session.scalars(last).all()


def _concerns(column: InstrumentedAttribute[int | None], hotel_id: int) -> ColumnElement[bool]:
    return (column == hotel_id) | column.is_(None)
