"""Runs the migrations on the application's own engine, and compares them with the models.

A migration waits at most five seconds for a lock, so that it can never queue the guests' traffic behind it, and one
that would lock a big table for long is refused before it does.
"""

import os
import re
import time
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import text

from hotel_agent import migration_guard

# `all` takes every table for a big one, as tests do; `off` is for whoever knows that nobody waits.
GUARD = os.environ.get("MIGRATION_GUARD") or "big"
MIGRATION_LOCK = 4_011_976
TRY_SECONDS = 0.2
PARTITION = re.compile(r"_(\d{6}|default)(_|$)")


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave partition children, and what belongs to them, out of the comparison with the models."""
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", "")
    return not PARTITION.search(table or "")


def run() -> None:
    extension = current_app.extensions["migrate"].db
    with extension.engine.connect() as connection:
        # Whoever waited within a statement would be waited for by an index that is built concurrently.
        while not connection.scalar(text("select pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}):
            connection.commit()
            time.sleep(TRY_SECONDS)
        connection.execute(text("set lock_timeout = '5s'"))
        connection.commit()
        if GUARD != "off":
            migration_guard.watch(connection, everything=GUARD == "all")
        context.configure(
            connection=connection,
            target_metadata=extension.metadata,
            include_object=include_object,
            compare_type=True,
            compare_server_default=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()


run()
