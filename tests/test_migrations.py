"""The schema comes from the migrations alone, in step with the models, and rows land where they should."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click import ClickException
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hotel_agent import ROOT, create_app
from hotel_agent.config import Settings, settings
from hotel_agent.conversations import answering, taking_in
from hotel_agent.conversations.models import InboundEvent
from hotel_agent.db import db, utcnow
from hotel_agent.hotels import credentials
from hotel_agent.hotels.demo import load_demo
from hotel_agent.partitions import PARTITIONED, make_partitions
from tests.conversations import bodies
from tests.load.installation import wait_until

PARTITION = re.compile(r"_(\d{6}|default)(_|$)")


@pytest.fixture
def empty(servers, migrated_app) -> Iterator[Flask]:
    """An application on a database of its own, without tables."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("drop database if exists empty with (force)")
        connection.execute("create database empty")
    base, _, query = servers.database_url.partition("?")
    url = base.rpartition("/")[0] + "/empty" + (f"?{query}" if query else "")
    app = create_app(Settings.model_validate(settings().model_dump() | {"database_url": url}))
    app.testing = True
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def tables() -> set[str]:
    found = db.session.scalars(text("select tablename from pg_tables where schemaname = 'public'"))
    names = set(found)
    db.session.rollback()
    return names


def differences() -> list[object]:
    def ours(item: object, name: str | None, kind: str, *_: object) -> bool:
        table = name if kind == "table" else getattr(getattr(item, "table", None), "name", "")
        return not PARTITION.search(table or "")

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        return list(compare_metadata(context, db.metadata))


@pytest.fixture(autouse=True)
def _every_table_counts_as_big(monkeypatch):
    """For the guard, on the way up; down goes only whoever has nothing to lose."""
    monkeypatch.setenv("MIGRATION_GUARD", "all")


@contextmanager
def unguarded() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIGRATION_GUARD", "off")
        yield


def rows() -> dict[str, int]:
    """How many each table has, partitions with their parents."""
    names = tables() - {name for name in tables() if PARTITION.search(name)} - {"alembic_version"}
    counted = {name: int(db.session.scalar(text(f"select count(*) from {name}")) or 0) for name in names}
    db.session.rollback()
    return counted


@pytest.fixture
def filled(empty) -> Flask:
    """A database in which guests have written and booked, and staff have worked."""
    upgrade()
    make_partitions()
    load_demo()
    signed_by = credentials.fingerprint(settings().whatsapp_app_secret or "")
    for words in ("Hola", "Quiero una doble del 3 al 5 de marzo para dos", "Quiero hablar con una persona"):
        db.session.add(InboundEvent(body=bodies.raw(bodies.said(words)), signed_by=signed_by, received_at=utcnow()))
        db.session.commit()
        for conversation_id in taking_in.take_in().to_answer:
            answering.answer_once(conversation_id)
    return empty


def test_up_from_nothing_is_in_step_with_the_models_and_down_again_and_up(empty):
    upgrade()
    make_partitions()
    assert differences() == []
    with unguarded():
        downgrade(revision="base")
    assert tables() == {"alembic_version"}
    upgrade()
    assert differences() == []


def test_each_step_goes_down_and_up_among_rows_and_what_can_stay_does(filled):
    """What a step has brought goes with it; all else is there after it went down and up again."""
    steps = sorted((ROOT / "migrations" / "versions").glob("0*.py"))
    before = rows()
    assert {"messages", "conversations", "sessions", "reservations", "reservation_locks", "inbound_events"} <= {
        table for table, count in before.items() if count
    }
    for _ in steps:
        with unguarded():
            downgrade(revision="-1")
        kept = {table: count for table, count in before.items() if table in tables()}
        assert {table: count for table, count in rows().items() if table in kept} == kept
    assert tables() == {"alembic_version"}
    for _ in steps:
        upgrade(revision="+1")
    assert differences() == []


def test_rows_survive_the_way_down_to_the_first_conversations_and_up_again(filled):
    before = rows()
    with unguarded():
        downgrade(revision="0004")
    low = rows()
    upgrade()
    assert differences() == []
    after = rows()
    assert {table: after[table] for table in low if table in after} == {
        table: before[table] for table in low if table in after
    }
    assert low["messages"] == before["messages"] > 3


def test_a_migration_waits_for_no_lock_for_long(empty):
    """While it waits every query on the table would queue behind it."""
    upgrade()
    with psycopg.connect(empty.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "")) as busy:
        busy.execute("select count(*) from staff")
        with unguarded(), pytest.raises(ClickException, match=r"'DROP TABLE drafts' was not carried out.*lock timeout"):
            downgrade(revision="0004")
    assert "staff" in tables()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("drop table stairs", 'table "stairs" does not exist'),
        ("alter table hotels alter name type int using name::int", "a value does not fit (InvalidTextRepresentation)"),
        ("create unique index ix on hotels ((true))", "could not create unique index"),
        ("delete from messages", "deletes rows of it in one transaction"),
        ("select pg_terminate_backend(pg_backend_pid())", "terminating connection"),
    ],
)
def test_what_keeps_a_migration_from_being_made_is_a_line_without_rows(app, empty, monkeypatch, statement, words):
    upgrade()
    load_demo()
    names = db.session.scalars(text("select name from hotels")).all()
    db.session.commit()
    monkeypatch.setattr("alembic.runtime.migration.MigrationContext.run_migrations", _runs(statement))
    with pytest.raises(ClickException) as told:
        upgrade()
    assert words in told.value.message
    assert "\n" not in told.value.message
    assert not any(name in told.value.message for name in names)


def _runs(statement: str) -> Callable[[MigrationContext], None]:
    def run(context: MigrationContext) -> None:
        context.execute(text(statement))

    return run


def test_where_postgresql_is_away_migrating_says_so_in_a_line(empty):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db.engine, "connect", _away)
        with pytest.raises(ClickException, match="PostgreSQL does not answer"):
            upgrade()


def _away() -> None:
    raise OperationalError(None, None, psycopg.OperationalError("connection refused"))


AT_THE_LOCK = """
    select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and (wait_event = 'advisory' or query = 'COMMIT')
"""


def test_whoever_waits_for_another_to_migrate_lets_it_build_its_indexes(empty):
    """A statement that waits is one that `concurrently` waits for, and then both wait for ever."""

    def wait_and_migrate() -> None:
        with empty.app_context():
            upgrade()

    url = empty.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "")
    with ThreadPoolExecutor(1) as other, psycopg.connect(url, autocommit=True) as migrating:
        migrating.execute("select pg_advisory_lock(4011976)")
        migrating.execute("create table big (id int)")
        waiting = other.submit(wait_and_migrate)
        wait_until(lambda: migrating.execute(AT_THE_LOCK).fetchone() is not None, 30, "it does not come to the lock")
        migrating.execute("create index concurrently ix_big on big (id)")
        migrating.execute("drop table big")
        assert not waiting.done()
        migrating.execute("select pg_advisory_unlock(4011976)")
        waiting.result(60)
    assert differences() == []


def test_partitions_are_made_once(app):
    assert make_partitions() == []


def test_partitions_are_made_over_the_end_of_the_year(empty):
    upgrade()
    made = make_partitions(date(2031, 12, 31))
    assert made == [f"{table}_{month}" for table in PARTITIONED for month in ("203112", "203201", "203202")]
    assert make_partitions(date(2032, 1, 1)) == [f"{table}_203203" for table in PARTITIONED]


def test_rows_land_in_the_partition_of_their_month(marta_says, run_jobs, graph, echo):
    marta_says("Hola", at=1_600_000_000)  # Meta's clock is not ours.
    marta_says("Hola")
    run_jobs()
    month = f"{utcnow():%Y%m}"
    for table, rows in (("inbound_events", 2), ("messages", 3), ("sessions", 1)):
        assert db.session.scalar(text(f"select count(*) from {table}_{month}")) == rows, table
        assert db.session.scalar(text(f"select count(*) from {table}_default")) == 0
