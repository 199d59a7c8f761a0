"""Faults at the door to the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from hotel_agent.faults import at

Result = TypeVar("Result")


class FaultyConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection which loses its server now and then: before a statement of its own, and around each commit."""

    def execute(self, *given: Any, **named: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        trouble_with_the_database(self.close)
        if self.autocommit and self._is(TransactionStatus.IDLE):
            return self._committing(lambda: super(FaultyConnection, self).execute(*given, **named))
        return super().execute(*given, **named)

    def commit(self) -> None:
        if self._is(TransactionStatus.INTRANS):
            self._committing(super().commit)
        else:
            super().commit()

    def _is(self, status: TransactionStatus) -> bool:
        return self.info.transaction_status is status

    def _committing(self, commit: Callable[[], Result]) -> Result:
        """Whoever asks sees the same, whether it was lost on the way there or on the way back."""
        faults = at("database")
        if faults is None:
            return commit()
        if faults.strikes("database", "lost_commit"):
            self._lose()
        result = commit()
        if faults.strikes("database", "lost_answer"):
            self._lose()
        return result

    def _lose(self) -> None:
        self.close()
        raise psycopg.OperationalError("injected: server closed the connection unexpectedly")


def connecting(_dialect: object, _record: object, given: Any, named: Any) -> FaultyConnection:
    """How the ORM's connections are made (`do_connect`) where they may lose their server around a commit."""
    return FaultyConnection.connect(*given, **named)


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
