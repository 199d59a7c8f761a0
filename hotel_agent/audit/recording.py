"""Writing down who did what, and reading it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import g, has_request_context
from sqlalchemy import ColumnElement, Select, select, union_all

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db

COMMAND = "command"
# Of these it matters that something was changed, never what it was or is.
SECRET_WORDS = ("secret", "token", "password", "_key", "totp")
# Where these name no hotel they act on every hotel, so that every hotel sees them.
FLAG_CHANGES = ("flag_set", "flag_cleared")
LONGEST_VALUE = 300


def record(
    action: str,
    subject: str = "",
    *,
    hotel_id: int | None = None,
    staff_id: int | None = None,
    actor: str | None = None,
    **details: Any,
) -> AuditEntry:
    """Write down in the caller's transaction that somebody did something.

    Who is left out is the person signed in, at the hotel that they look at; without one it is the command line.
    `details` say what changed, with `was` and `now` where it had a value; never what a guest wrote.
    """
    somebody = g.get("me") if has_request_context() else None
    if somebody is not None and actor is None:
        actor = somebody.email
        staff_id = staff_id or somebody.staff_id
        hotel_id = hotel_id or somebody.hotel.id
    entry = AuditEntry(
        hotel_id=hotel_id,
        staff_id=staff_id,
        actor=actor or COMMAND,
        action=action,
        subject=subject,
        details={name: _kept(name, value) for name, value in details.items()},
    )
    db.session.add(entry)
    return entry


def _kept(name: str, value: Any) -> Any:
    """What is written down of a value: of a secret only that it changed."""
    if any(word in name.lower() for word in SECRET_WORDS):
        return "changed"
    if isinstance(value, dict):
        return {key: _kept(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_kept(name, inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def entries(
    hotel_id: int,
    before: int | None = None,
    limit: int = 50,
    action: str | None = None,
    actor: str | None = None,
    subject: str | None = None,
) -> Sequence[AuditEntry]:
    """What was done at a hotel or to all hotels, newest first; the next page is `before` the last one's id."""
    wanted = [
        column == value
        for column, value in ((AuditEntry.action, action), (AuditEntry.actor, actor), (AuditEntry.subject, subject))
        if value is not None
    ]
    if before is not None:
        wanted.append(AuditEntry.id < before)
    # Each half walks its own index and stops early, however much other hotels have done meanwhile.
    own = _latest(limit, AuditEntry.hotel_id == hotel_id, *wanted)
    general = _latest(limit, AuditEntry.hotel_id.is_(None), AuditEntry.action.in_(FLAG_CHANGES), *wanted)
    query = select(AuditEntry).where(AuditEntry.id.in_(union_all(own, general)))
    return db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()


def _latest(limit: int, *where: ColumnElement[bool]) -> Select[int]:
    return select(AuditEntry.id).where(*where).order_by(AuditEntry.id.desc()).limit(limit)
