"""Runs the migrations on the application's own engine, and compares them with the models.

A migration waits at most five seconds for a lock, so that it can never queue the guests' traffic behind it, and one
that would lock a big table for long is refused before it does. What went wrong is told in a line.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from alembic import context
from click import ClickException
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hotel_agent import migration_guard

# `all` takes every table for a big one, as tests do; `off` is for whoever knows that nobody waits.
GUARD = os.environ.get("MIGRATION_GUARD") or "big"
MIGRATION_LOCK = 4_011_976
TRY_SECONDS = 0.2
MOST_OF_A_STATEMENT = 200
PARTITION = re.compile(r"_(\d{6}|default)(_|$)")


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave partition children, and what belongs to them, out of the comparison with the models."""
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", "")
    return not PARTITION.search(table or "")


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raises ClickException, which has nothing of PostgreSQL's DETAIL: rows of guests are in that."""
    try:
        yield
    except migration_guard.LocksABigTable as refusal:
        raise ClickException(str(refusal)) from None
    except DBAPIError as error:
        if error.statement is None:
            raise ClickException("PostgreSQL does not answer at DATABASE_URL, or lets nobody in.") from None
        statement = " ".join(error.statement.split())[:MOST_OF_A_STATEMENT]
        raise ClickException(
            f"{statement!r} was not carried out: {what_went_wrong(error.orig)}."
            " The tables are as the last good step left them: `flask db current` tells which."
        ) from None


def what_went_wrong(error: BaseException | None) -> str:
    """Of a value that does not fit PostgreSQL's words have the value in them, so only its kind is told."""
    if not isinstance(error, psycopg.Error) or not error.sqlstate:
        return "PostgreSQL went away"
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return "it waited five seconds for others (lock timeout); try again when it is quieter"
    if isinstance(error, psycopg.DataError):
        return f"a value does not fit ({type(error).__name__})"
    return error.diag.message_primary or type(error).__name__


def run() -> None:
    extension = current_app.extensions["migrate"].db
    with told_plainly(), extension.engine.connect() as connection:
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
