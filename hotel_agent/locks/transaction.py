"""One transaction of ours on the shared session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hotel_agent.db import db, with_retry

Result = TypeVar("Result")


def in_one_transaction(work: Callable[[], Result]) -> Result:
    """Run `work` and commit; a deadlock is tried again, a refusal leaves no trace of it.

    The work runs in a savepoint so that what the caller had pending survives a refusal.
    """

    def attempt() -> Result:
        with db.session.begin_nested():
            result = work()
        db.session.commit()
        return result

    return with_retry(attempt)
