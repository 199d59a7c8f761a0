"""Months come and go: made ahead, dropped when they are old and nobody needs them, whatever else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from hotel_agent import create_app, partitions
from hotel_agent.config import Settings, settings
from hotel_agent.db import db
from hotel_agent.health.figures import Rows
from hotel_agent.partitions import PARTITIONED, drop_old_partitions, make_partitions
from workers import upkeep

pytestmark = pytest.mark.xdist_group("partitions")
LONG_AGO, LONG_AGO_TOO = date(2019, 3, 20), date(2019, 6, 1)  # Six months of 2019 between them.


@pytest.fixture(scope="module")
def database(servers, migrated_app) -> Iterator[Flask]:
    """A database of its own, with one conversation."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("drop database if exists partitions with (force)")
        connection.execute("create database partitions")
    base, _, query = servers.database_url.partition("?")
    url = base.rpartition("/")[0] + "/partitions" + (f"?{query}" if query else "")
    app = create_app(Settings.model_validate(settings().model_dump() | {"database_url": url}))
    app.testing = True
    with app.app_context():
        upgrade()
        make_partitions()
        run("insert into hotels (id, slug, name) values (1, 'miramar', 'Miramar')")
        run("insert into guests (id, hotel_id) values (1, 1)")
        run("insert into conversations (id, hotel_id, guest_id, channel) values (1, 1, 1, 'api')")
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def years(database) -> Iterator[Flask]:
    """The months around today, and half a year of 2019, all without rows."""
    run("truncate sessions, messages, inbound_events")
    drop_old_partitions()
    make_partitions(LONG_AGO)
    make_partitions(LONG_AGO_TOO)
    yield database
    db.session.rollback()


def run(statement: str) -> None:
    db.session.execute(text(statement))
    db.session.commit()


def months(table: str, year: int = 2019) -> list[int]:
    """The months of that year that have a partition."""
    names = db.session.scalars(
        text("select inhrelid::regclass::text from pg_inherits where inhparent = cast(:table as regclass) order by 1"),
        {"table": table},
    ).all()
    db.session.rollback()
    return [int(name[-2:]) for name in names if name.startswith(f"{table}_{year}")]


def talks(created_at: str, last_activity: str) -> None:
    run(
        "insert into sessions (created_at, last_activity, hotel_id, conversation_id, sender_id)"
        f" values ('{created_at}', '{last_activity}', 1, 1, '34600111222')"
    )


def writes(received_at: str, processed_at: str = "null") -> None:
    run(
        "insert into inbound_events (received_at, processed_at, signed_by, body)"
        f" values ('{received_at}', {processed_at}, 'f', 'x')"
    )


def in_default(table: str) -> int:
    count: int = db.session.scalar(text(f"select count(*) from {table}_default"))
    db.session.rollback()
    return count


# Dropped


def test_months_go_when_the_last_of_their_rows_is_older_than_the_retention(years):
    """Sessions are kept for two whole months, bodies for thirteen."""
    assert drop_old_partitions(date(2019, 7, 31)) == ["sessions_201903", "sessions_201904"]
    assert months("sessions") == [5, 6, 7, 8]
    assert months("inbound_events") == [3, 4, 5, 6, 7, 8]
    assert drop_old_partitions(date(2020, 5, 1)) == [
        "inbound_events_201903", "sessions_201905", "sessions_201906", "sessions_201907", "sessions_201908"
    ]  # fmt: skip


def test_messages_and_the_default_partitions_stay_for_ever(years):
    for table in PARTITIONED:
        assert in_default(table) == 0
    drop_old_partitions(date(2090, 1, 1))
    assert months("messages") == [3, 4, 5, 6, 7, 8]
    assert {table: in_default(table) for table in PARTITIONED} == dict.fromkeys(PARTITIONED, 0)
    make_partitions()


def test_what_is_kept_for_how_long_is_a_setting(years, monkeypatch):
    kept = Settings.model_validate(settings().model_dump() | {"sessions_months": 6, "inbound_events_months": 1})
    monkeypatch.setattr(partitions, "settings", lambda: kept)
    assert drop_old_partitions(date(2019, 7, 1)) == [f"inbound_events_20190{month}" for month in (3, 4, 5)]
    assert months("sessions") == [3, 4, 5, 6, 7, 8]


def test_the_trail_of_the_rooms_goes_only_where_a_setting_says_so(years, monkeypatch):
    assert "lock_audit_201903" not in drop_old_partitions(date(2090, 1, 1))
    make_partitions()
    kept = Settings.model_validate(settings().model_dump() | {"lock_audit_months": 3})
    monkeypatch.setattr(partitions, "settings", lambda: kept)
    dropped = drop_old_partitions(date(2019, 8, 1))
    assert [name for name in dropped if name.startswith("lock")] == ["lock_audit_201903", "lock_audit_201904"]
    assert months("lock_audit") == [5, 6, 7, 8]


def test_a_body_that_was_never_taken_in_keeps_its_month(years):
    writes("2019-03-30", "'2019-03-30'")
    writes("2019-04-10", "'2019-04-10'")
    writes("2019-04-11")
    assert "inbound_events_201903" in drop_old_partitions(date(2020, 10, 1))
    assert months("inbound_events") == [4]
    run("update inbound_events set processed_at = now()")
    assert drop_old_partitions(date(2020, 10, 1)) == ["inbound_events_201904"]


def test_a_talk_that_goes_on_keeps_its_month(years):
    talks("2019-03-30", "2019-03-30")
    talks("2019-04-30", "2019-06-30")
    assert drop_old_partitions(date(2019, 8, 1)) == ["sessions_201903", "sessions_201905"]
    assert drop_old_partitions(date(2019, 9, 1)) == ["sessions_201904", "sessions_201906"]


def test_the_job_that_forgets_drops_them(years):
    upkeep.forget_old()
    assert months("sessions") == months("inbound_events") == []
    assert months("messages") == [3, 4, 5, 6, 7, 8]


# Made


def test_rows_of_a_month_gone_by_leave_the_default_partition(years):
    """As after a scheduler that was away for longer than months had been made ahead."""
    talks("2019-12-31 23:59:59+00", "2020-01-02")
    talks("2020-02-01 00:00:00+00", "2020-02-01")
    assert in_default("sessions") == 2
    assert make_partitions() == ["sessions_201912", "sessions_202002"]
    assert in_default("sessions") == 0
    assert months("sessions")[-1] == 12
    assert db.session.scalar(text("select count(*) from sessions")) == 2


def test_what_nobody_may_change_leaves_the_default_partition_and_stays_so(years):
    run(
        "insert into lock_audit (at, hotel_id, lock_id, hold_key, action, actor, why)"
        " values ('2021-05-01', 1, 1, 'h', 'held', 'system', '')"
    )
    assert make_partitions() == ["lock_audit_202105"]
    assert in_default("lock_audit") == 0
    assert db.session.scalar(text("select count(*) from lock_audit_202105")) == 1
    db.session.rollback()
    for change in ("truncate lock_audit_202105", "delete from lock_audit_202105", "truncate lock_audit_default"):
        with pytest.raises(ProgrammingError, match="append-only"):
            run(change)
        db.session.rollback()


def test_rows_in_a_default_partition_are_a_figure(years):
    writes("2018-01-01")
    talks("2018-01-01", "2018-01-01")
    figures = {family.name: family.samples[0].value for family in Rows().collect() if family.samples}
    assert figures["default_partition_rows"] == 2
    make_partitions()
    figures = {family.name: family.samples[0].value for family in Rows().collect() if family.samples}
    assert figures["default_partition_rows"] == 0


# At once


def test_two_processes_make_and_drop_each_month_once(years):
    together = Barrier(4)

    def one(number: int) -> list[str]:
        with years.app_context():
            together.wait()
            done = make_partitions(date(2019, 12, 1)) if number % 2 else drop_old_partitions(date(2019, 7, 1))
            db.session.remove()
            return done

    with ThreadPoolExecutor(4) as pool:
        done = sorted(name for names in pool.map(one, range(4)) for name in names)
    made = [f"{table}_{month}" for table in PARTITIONED for month in ("201912", "202001", "202002")]
    assert done == sorted([*made, "sessions_201903", "sessions_201904"])


def test_a_table_that_somebody_reads_for_long_is_left_for_the_next_time(years, monkeypatch):
    """As a backup does. Meanwhile nobody has to wait for longer than a moment."""
    monkeypatch.setattr(partitions, "TRIES", 2)
    monkeypatch.setattr(partitions, "PAUSE_SECONDS", 0)
    with psycopg.connect(years.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "")) as backup:
        backup.execute("select count(*) from sessions")
        assert drop_old_partitions(date(2019, 7, 1)) == []
        backup.rollback()
        backup.execute("select count(*) from sessions_default")
        assert "sessions_203001" not in make_partitions(date(2030, 1, 1))
        backup.rollback()
    assert drop_old_partitions(date(2019, 7, 1)) == ["sessions_201903", "sessions_201904"]
    assert "sessions_203001" in make_partitions(date(2030, 1, 1))


def test_a_guests_message_is_no_victim_of_a_new_month(years, monkeypatch):
    """It holds its conversation and wants its session; whoever makes a month holds the sessions and wants the
    conversations, and cannot go on before the guest does."""
    monkeypatch.setattr(partitions, "PARTITIONED", {"sessions": "created_at"})
    with (
        psycopg.connect(years.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "")) as guest,
        ThreadPoolExecutor(1) as pool,
    ):
        guest.execute("update conversations set language = 'es' where id = 1")

        def make() -> list[str]:
            with years.app_context():
                return make_partitions(date(2031, 1, 1))

        making = pool.submit(make)
        held = "select from pg_locks where relation = 'sessions_default'::regclass and mode = 'AccessExclusiveLock'"
        while not guest.execute(f"{held} and granted").rowcount:
            assert not making.done(), making.result()
        guest.execute("set local lock_timeout = '2s'")
        guest.execute("select count(*) from sessions")
        guest.commit()
        assert making.result() == ["sessions_203101", "sessions_203102", "sessions_203103"]
