"""PostgreSQL: the ORM's session, plain connections of one's own, and session advisory locks."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

import psycopg
from flask_sqlalchemy import SQLAlchemy
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import Connection, DateTime, Engine, ExceptionContext, MetaData, Numeric, Text, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from hotel_agent import faults, metrics, tracing
from hotel_agent.config import Settings, settings
from hotel_agent.faults import postgres

Result = TypeVar("Result")
Row = TypeVar("Row")


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: DateTime(timezone=True), Decimal: Numeric(12, 2), str: Text()},
    )


# Rows that matter are read anew under a lock in each transaction; the others may be as they were.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:

    class Model(DeclarativeBase):
        """Base of all tables."""

        def __init__(self, **columns: Any) -> None: ...
else:
    Model = db.Model


SLOW_SECONDS = 0.1
_TABLE = re.compile(r"\b(?:from|into|update|join)\s+(?:only\s+)?([a-z_][a-z0-9_]*)", re.IGNORECASE)
# A machine that vanishes without a word must neither hold our locks for hours nor keep us waiting for it.
SERVER_OPTIONS = "-c TimeZone=UTC -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class CountedPool(QueuePool):
    """Tells how long one waits for a connection, how often in vain, and how many are in use."""

    def connect(self) -> PoolProxiedConnection:
        began = perf_counter()
        try:
            return super().connect()
        except PoolTimeout:
            metrics.db_pool_exhausted.inc()
            raise
        finally:
            metrics.db_connection_wait.observe(perf_counter() - began)


def count_what_is_asked(engine: Engine) -> None:
    """How many connections are in use, and how long statements take.

    A server that takes no writes is away: after a failover it may be the old one, which only our connections still
    lead to, so that they are given up like those of a server that has died.
    """

    def tell(in_use: int, waiting: int) -> None:
        metrics.db_connections_active.labels(metrics.role).set(max(in_use, 0))
        metrics.db_connections_idle.labels(metrics.role).set(max(waiting, 0))

    def counts() -> tuple[int, int]:
        """Of the pool of now: an engine that was disposed of has another."""
        assert isinstance(engine.pool, QueuePool)
        return engine.pool.checkedout(), engine.pool.checkedin()

    def taken(*_given: object) -> None:
        tell(*counts())

    def given_back(*_given: object) -> None:  # It is told before it is done.
        in_use, waiting = counts()
        tell(in_use - 1, waiting + 1)

    def asks(connection: Connection, _cursor: object, statement: str, *_given: object) -> None:
        connection.info["asked_at"] = perf_counter()
        if tracing.is_on():
            connection.info["span"] = tracing.part("postgres", **_what_is_asked(statement))

    def ends(connection: Connection) -> float:
        span = connection.info.pop("span", None)
        if span:
            span.end()
        return perf_counter() - float(connection.info.pop("asked_at", perf_counter()))

    def failed(context: ExceptionContext) -> OperationalError | None:
        if context.connection is not None and not context.connection.invalidated:
            ends(context.connection)
        if not isinstance(context.original_exception, ReadOnlySqlTransaction):
            return None
        context.is_disconnect = True
        return OperationalError(None, None, context.original_exception, connection_invalidated=True)

    def answered(connection: Connection, *_given: object) -> None:
        took = ends(connection)
        metrics.db_statement_seconds.observe(took)
        if took > SLOW_SECONDS:
            metrics.db_slow_statements.inc()

    def suffers(connection: Connection, *_given: object) -> None:
        try:
            postgres.trouble_with_the_database(connection.invalidate)
        except psycopg.OperationalError as error:
            raise OperationalError(None, None, error, connection_invalidated=True) from error

    event.listen(engine.pool, "checkout", taken)
    event.listen(engine.pool, "checkin", given_back)
    event.listen(engine, "before_cursor_execute", asks)
    event.listen(engine, "after_cursor_execute", answered)
    event.listen(engine, "handle_error", failed)
    if faults.at("database"):
        event.listen(engine, "before_cursor_execute", suffers)
        event.listen(engine, "do_connect", postgres.connecting)


def _what_is_asked(statement: str) -> dict[str, str]:
    """The verb and the first table of a statement of ours; never its values."""
    verb = statement.split(None, 1)
    table = _TABLE.search(statement)
    return {"operation": verb[0].lower() if verb else "", "table": table[1] if table else ""}


def engine_options(config: Settings, *, ping: bool = True) -> dict[str, Any]:
    """`ping` asks a pooled connection whether it lives before each use; whoever can simply try again need not."""
    return {
        "pool_size": config.postgres_pool_size,
        "max_overflow": config.postgres_max_overflow,
        "pool_timeout": config.postgres_pool_timeout,
        "pool_recycle": config.postgres_pool_recycle,
        "pool_pre_ping": ping,
        "poolclass": CountedPool,
        "hide_parameters": True,
        "connect_args": {
            "connect_timeout": 5,
            "application_name": "hotel-agent",
            "options": SERVER_OPTIONS,
            **KEEPALIVES,
        },
    }


def utcnow() -> datetime:
    return datetime.now(UTC)


def connect(application: str = "hotel-agent", timeout: int = 5) -> psycopg.Connection[tuple[Any, ...]]:
    """An autocommit connection of one's own, outside the pool. Raises psycopg.OperationalError."""
    kind = postgres.FaultyConnection if faults.at("database") else psycopg.Connection
    return kind.connect(
        settings().database_url,
        autocommit=True,
        connect_timeout=timeout,
        application_name=application,
        options=SERVER_OPTIONS,
        **KEEPALIVES,
    )


_own = threading.local()


@contextmanager
def one_at_a_time(kind: str, key: int, wait_seconds: float = 0) -> Iterator[bool]:
    """Yield True while this process alone holds the lock of that kind and key, False when another has it.

    With `wait_seconds` the other is waited for that long.

    A session advisory lock on an autocommit connection of the thread's own, outside the pool: it survives
    commits on the ORM's session and is gone the moment the process dies.
    """
    lock = f"{kind}:{key}"
    try:
        connection = _lock_connection()
        held = _take(connection, lock, wait_seconds)
    except psycopg.OperationalError:  # It died while nobody used it.
        _forget_lock_connection()
        connection = _lock_connection()
        held = _take(connection, lock, wait_seconds)
    try:
        yield held
    finally:
        if held:
            _release(connection, lock)


def nobody_has(kind: str, key: int) -> bool:
    """Whether nobody holds the lock of `one_at_a_time`; then nobody gets it before this transaction ends."""
    lock = {"lock": f"{kind}:{key}"}
    return bool(db.session.scalar(text("select pg_try_advisory_xact_lock(hashtextextended(:lock, 0))"), lock))


def glance(question: LiteralString, *values: Any) -> tuple[Any, ...] | None:
    """The first row of an answer, asked outside of every transaction on the thread's own connection."""
    return next(iter(glances(question, *values)), None)


def glances(question: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    """All rows of such an answer."""
    try:
        return _lock_connection().execute(question, values).fetchall()
    except psycopg.OperationalError:  # It died while nobody used it.
        _forget_lock_connection()
        return _lock_connection().execute(question, values).fetchall()


def done_reading() -> None:
    """End a transaction that only read, so that none stays open while we turn to something else."""
    db.session.commit()


def locked(model: type[Row], key: Any) -> Row | None:
    """The row as it is now, locked until the transaction ends."""
    return db.session.get(model, key, with_for_update=True, populate_existing=True)


# PostgreSQL has room for some thousands of locks, and a body from Meta for a thousand messages: keys share locks.
MOST_LOCKS = 1024
LOCK = text("""
    select pg_advisory_xact_lock(1, lock) from (
        select distinct abs(hashtext(key) % :most) as lock from unnest(cast(:keys as text[])) key order by lock) locks
""")


def lock_until_commit(keys: Iterable[str]) -> None:
    """Let others with one of these keys wait until the transaction ends; taken in one order by everybody."""
    held = _held_keys()
    wanted = sorted(set(keys) - held)
    if not wanted:
        return
    db.session.execute(LOCK, {"keys": wanted, "most": MOST_LOCKS})
    if not db.session().in_nested_transaction():  # Rolling back to a savepoint lets go of what was taken after it.
        held.update(wanted)


def _held_keys() -> set[str]:
    """What this transaction has locked already."""
    session = db.session()
    session.connection()
    transaction = session.get_transaction()
    whose, held = session.info.get("held_keys", (None, set()))
    keys: set[str] = held if whose is transaction else set()
    session.info["held_keys"] = (transaction, keys)
    return keys


def _take(connection: psycopg.Connection[tuple[Any, ...]], lock: str, wait_seconds: float) -> bool:
    if not wait_seconds:
        row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (lock,)).fetchone()
        return bool(row and row[0])
    connection.execute("select set_config('lock_timeout', %s, false)", (f"{wait_seconds * 1000:.0f}ms",))
    try:
        connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (lock,))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _lock_connection() -> psycopg.Connection[tuple[Any, ...]]:
    connection: psycopg.Connection[tuple[Any, ...]] | None = getattr(_own, "connection", None)
    if connection is None or connection.closed:
        connection = _own.connection = connect("hotel-agent lock")
    return connection


def _forget_lock_connection() -> None:
    connection = getattr(_own, "connection", None)
    if connection is not None:
        connection.close()
    _own.connection = None


def _release(connection: psycopg.Connection[tuple[Any, ...]], lock: str) -> None:
    try:
        connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (lock,))
    except psycopg.Error:
        connection.close()  # The server drops the lock with the session.


def with_retry(work: Callable[[], Result], attempts: int = 5) -> Result:
    """Run a transaction again when PostgreSQL chose it as the victim of a deadlock or a serialisation clash."""
    for attempt in range(attempts):
        try:
            return work()
        except OperationalError as error:
            db.session.rollback()
            if attempt == attempts - 1 or not is_deadlock(error):
                raise
    raise AssertionError("unreachable")


def is_deadlock(error: DBAPIError) -> bool:
    return isinstance(error.orig, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def is_lost(error: DBAPIError | psycopg.Error) -> bool:
    """Whether the connection has gone; what was to be committed on it may be or not."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, ReadOnlySqlTransaction):
        return True
    if not isinstance(original, psycopg.OperationalError):
        return False
    return original.sqlstate is None or original.sqlstate.startswith(("08", "57P"))
