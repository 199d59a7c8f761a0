"""Two guests turn out to be one person: what belonged to the one becomes the other's."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, Table, update

from hotel_agent.db import db
from hotel_agent.locks.auditing import SYSTEM, tell

# Of these whoever moves the guest takes care: conversations may become one, and identities come last of all.
MOVED_ELSEWHERE = ("conversations", "guest_identities")


def move_belongings(guest_id: int, into: int) -> None:
    """Whatever has the guest's id, but for what was said. In the caller's transaction."""
    tell(SYSTEM, "two guests turned out to be one")
    for table, column in belongings():
        db.session.execute(update(table).where(column == guest_id).values({column: into}))


def belongings() -> Iterator[tuple[Table, Column[int]]]:
    """Every table that refers to guests, with the column: a new one is moved from its first day on."""
    for table in db.metadata.sorted_tables:
        if table.name in MOVED_ELSEWHERE:
            continue
        for column in table.columns:
            if any(key.column.table.name == "guests" for key in column.foreign_keys):
                yield table, column
