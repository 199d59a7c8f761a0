"""Faults at the door to the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from hotel_agent.faults import at


class FaultyConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection of one's own, which loses its server now and then."""

    def execute(self, *given: Any, **named: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        trouble_with_the_database(self.close)
        return super().execute(*given, **named)


def trouble_with_the_database(lose: Callable[[], object]) -> None:
    """Before a statement. Raises psycopg.OperationalError after having called `lose`, as the connection is gone."""
    faults = at("database")
    if faults is None:
        return
    faults.delay("database")
    silence = faults.strikes("database", "hang")
    if silence:
        faults.hang(silence)
    if silence or faults.strikes("database", "error"):
        lose()
        raise psycopg.OperationalError("injected: server closed the connection unexpectedly")
