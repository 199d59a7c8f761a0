"""Backups from a database in use to one that has all of it again, and what goes wrong on the way."""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

import hotel_agent.db
from hotel_agent.backups import commands, copying, fingerprints, programs, restoring, standing, taking
from hotel_agent.backups.models import Backup
from hotel_agent.backups.restoring import NotRestored
from hotel_agent.backups.store import Store
from hotel_agent.backups.taking import BackupFailed, Busy
from hotel_agent.config import settings
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.errors import ConfigurationError
from tests.dashboard.cast import guest, talk
from tests.fakes.s3 import ACCESS_KEY, BUCKET, S3
from workers import backups as jobs
from workers import nudges

KEY = "a key of the tests, long enough"


@pytest.fixture
def folder(app, tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(settings(), "backup_dir", str(tmp_path / "backups"))
    monkeypatch.setattr(settings(), "backup_key", None)
    return tmp_path / "backups"


@pytest.fixture
def store(folder) -> Store:
    return Store(folder)


@pytest.fixture
def key(monkeypatch) -> str:
    monkeypatch.setattr(settings(), "backup_key", KEY)
    return KEY


@pytest.fixture
def empty(servers, app) -> Iterator[str]:
    """The address of an empty database."""
    base, _, query = programs.plain(servers.database_url).partition("?")
    url = base.rpartition("/")[0] + "/restored" + (f"?{query}" if query else "")
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("drop database if exists restored with (force)")
        connection.execute("create database restored template template0")
        yield url
        connection.execute("drop database if exists restored with (force)")


def rows() -> list[Backup]:
    db.session.rollback()
    return list(db.session.scalars(select(Backup).order_by(Backup.id).execution_options(populate_existing=True)))


def cli(app: Any, *args: str) -> Any:
    return app.test_cli_runner().invoke(args=["backup", *args])


# Taken and restored


@pytest.mark.parametrize("sealed", [False, True])
def test_what_was_backed_up_is_restored_row_by_row(store, empty, monkeypatch, sealed):
    monkeypatch.setattr(settings(), "backup_key", KEY if sealed else None)
    talk(who=guest("Señorita Begoña 🌊"))
    manifest = taking.take().manifest
    assert manifest.is_sealed is sealed
    assert manifest.tables["guests"][0] == db.session.scalar(text("select count(*) from guests"))
    raw = store.dump(manifest.name).read_bytes()
    assert raw.startswith(b"PGDMP") is not sealed
    restored = restoring.restore(store, manifest, empty)
    assert restored.differences == ()
    with psycopg.connect(empty) as connection:
        found = connection.execute("select count(*) from guests where name = 'Señorita Begoña 🌊'").fetchone()
    assert found == (1,)


def test_it_is_of_one_moment_while_guests_write(store, empty):
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(programs.plain(settings().database_url), autocommit=True) as connection:
            number = 0
            while not over.is_set():
                number += 1
                connection.execute("insert into guests (hotel_id, name) select id, %s from hotels", (f"G{number}",))

    writing = threading.Thread(target=write)
    writing.start()
    try:
        manifest = taking.take().manifest
    finally:
        over.set()
        writing.join()
    assert restoring.restore(store, manifest, empty).differences == ()
    assert db.session.scalar(text("select count(*) from guests")) > manifest.tables["guests"][0]


def test_trying_it_leaves_nothing_behind_and_is_written_down(store, servers, key):
    manifest = taking.take().manifest
    assert restoring.verify(store, manifest).differences == ()
    [row] = rows()
    assert (row.state, row.trouble, row.size) == ("done", "", manifest.size)
    assert row.tried_at is not None
    with psycopg.connect(servers.database_url) as connection:
        left = connection.execute("select datname from pg_database where starts_with(datname, 'hotel_agent_trial')")
        assert left.fetchall() == []


def test_what_is_not_as_it_was_is_named(store, empty):
    manifest = taking.take().manifest
    restoring.restore(store, manifest, empty)
    with psycopg.connect(empty) as connection:
        connection.execute("update hotels set name = 'Other' where slug = 'miramar'")
        connection.execute("delete from knowledge")
        connection.execute("create table more (id int)")
        connection.execute("drop table api_tokens cascade")
        found = fingerprints.of_all_tables(connection)
    told = fingerprints.differences(manifest.tables, found)
    assert "hotels has other content" in told
    assert any(line.startswith("knowledge has 0 rows of ") for line in told)
    assert "more should not be there" in told
    assert "api_tokens is missing" in told


def test_the_address_on_the_command_line_of_pg_dump_has_no_password():
    found = programs.environment("postgresql+psycopg://ana:s3cret%40@db.example:5433/hotel?sslmode=require")
    assert (found["PGPASSWORD"], found["PGHOST"], found["PGPORT"]) == ("s3cret@", "db.example", "5433")
    assert (found["PGDATABASE"], found["PGSSLMODE"]) == ("hotel", "require")
    with pytest.raises(ConfigurationError) as told:
        programs.environment("postgresql://ana:s3cret@[nowhere")
    assert "s3cret" not in str(told.value)


def test_pg_restore_is_sent_to_the_very_database_that_was_looked_at(monkeypatch):
    """Where an address leaves something open libpq looks into PGHOST and others, for psycopg and for programs."""
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPORT", "5433")
    found = programs.environment("postgresql://ana@:5434/hotel?target_session_attrs=read-write&service=night")
    assert (found["PGHOST"], found["PGPORT"], found["PGDATABASE"]) == ("db.example", "5434", "hotel")
    assert (found["PGTARGETSESSIONATTRS"], found["PGSERVICE"]) == ("read-write", "night")


def test_of_all_that_a_program_says_the_error_is_told_and_no_row():
    said = b"""pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 2; 3079 16385 EXTENSION btree_gin (no owner)
pg_restore: error: could not execute query: ERROR:  permission denied to create extension "btree_gin"
HINT:  Must have CREATE privilege on current database to create this extension.
Command was: CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

"""
    assert programs.what_went_wrong(said).endswith('ERROR:  permission denied to create extension "btree_gin"')
    assert programs.what_went_wrong(b"Killed\n") == "Killed"
    assert programs.what_went_wrong(b"\n") == "it said nothing"


# What goes wrong


def disk_full(*_given: object, **_options: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_and_what_was_there_stays(store, monkeypatch):
    before = taking.take().manifest
    with monkeypatch.context() as patch:
        patch.setattr(taking._Counted, "write", disk_full)
        with pytest.raises(BackupFailed, match="is full: make room"):
            taking.take()
    assert [one.name for one in store.manifests()] == [before.name]
    assert len(list(store.folder.iterdir())) == 2
    assert [row.state for row in rows()] == ["done", "failed"]
    assert restoring.verify(store, before).differences == ()


def test_a_disk_that_is_full_at_the_very_end_keeps_no_half_of_it(store, monkeypatch):
    monkeypatch.setattr(json, "dump", disk_full)
    with pytest.raises(BackupFailed, match="is full: make room"):
        taking.take()
    assert list(store.folder.iterdir()) == []


def test_a_folder_that_cannot_be_is_written_down_and_an_hour_is_waited(store, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(settings(), "backup_dir", str(tmp_path / "file" / "backups"))
    jobs.take()
    [row] = rows()
    assert (row.state, "cannot be made" in row.error) == ("failed", True)
    assert not taking.is_due(row.started_at + timedelta(minutes=1))


def test_no_limit_of_the_server_for_others_ends_it(store, monkeypatch):
    limits = ("statement_timeout", "idle_in_transaction_session_timeout")
    address = f"{settings().database_url}{'&' if '?' in settings().database_url else '?'}options="
    monkeypatch.setattr(settings(), "database_url", address + "%20".join(f"-c%20{name}%3D1h" for name in limits))
    found: dict[str, str] = {}

    def look(connection: Any) -> dict[str, tuple[int, str]]:
        found.update((name, connection.execute(f"show {name}").fetchone()[0]) for name in limits)
        return {}

    monkeypatch.setattr(fingerprints, "of_all_tables", look)
    taking.take()
    assert found == dict.fromkeys(limits, "0")


def test_no_table_goes_between_dump_and_count(store, servers, monkeypatch):
    """As a month of messages does that is kept no longer: what is counted then is not what was dumped."""
    dump, kept = taking._dump, []

    def drop_after(*given: Any) -> None:
        dump(*given)
        with psycopg.connect(servers.database_url) as other:
            other.execute("set lock_timeout = '20ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("drop table webhook_failures")
        kept.append("webhook_failures")

    monkeypatch.setattr(taking, "_dump", drop_after)
    assert "webhook_failures" in taking.take().manifest.tables
    assert kept == ["webhook_failures"]


def test_a_table_that_stays_locked_ends_it(store, servers, monkeypatch):
    monkeypatch.setattr(taking, "LOCK_WAIT", "20ms")
    with psycopg.connect(servers.database_url) as other:
        other.execute("lock table webhook_failures in access exclusive mode")
        with pytest.raises(BackupFailed, match="was locked for 20ms, as a migration does it"):
            taking.take()
    assert list(store.folder.iterdir()) == []


def test_too_little_room_ends_it_before_it_begins(store, monkeypatch):
    taking.take()
    monkeypatch.setattr(taking, "HEADROOM", 1e12)
    with pytest.raises(BackupFailed, match="the last backup took"):
        taking.take()


def test_what_was_killed_half_way_is_cleared_away_by_the_next(store):
    before = taking.take().manifest
    db.session.add(Backup(name="20260101T000000Z"))
    db.session.commit()
    store.partial("20260101T000000Z").write_bytes(b"half")
    after = taking.take().manifest
    assert {one.name for one in store.manifests()} == {before.name, after.name}
    assert not store.partial("20260101T000000Z").exists()
    cut = next(row for row in rows() if row.name == "20260101T000000Z")
    assert (cut.state, cut.error) == ("failed", "It was cut off.")


def test_who_died_after_the_last_step_has_taken_one(store):
    """So is it also in a database that was restored from that very dump."""
    whole = taking.take().manifest
    db.session.execute(text("update backups set state = 'running', finished_at = null, size = null"))
    db.session.commit()
    taking.take()
    row = next(row for row in rows() if row.name == whole.name)
    assert (row.state, row.error, row.size, row.finished_at) == ("done", "", whole.size, whole.at)


def test_pg_dump_that_fails_is_told_in_its_own_words(store, monkeypatch, tmp_path):
    broken = tmp_path / "pg_dump"
    broken.write_text("#!/bin/sh\necho 'pg_dump: error: the disk has gone' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(taking, "program", lambda *_given: broken)
    with pytest.raises(BackupFailed, match="ended with 3: pg_dump: error: the disk has gone"):
        taking.take()
    assert list(store.folder.iterdir()) == []


def test_two_do_not_take_one_at_once(app, folder):
    outcome: list[type[BaseException]] = []

    def take() -> None:
        with app.app_context():
            try:
                taking.take()
            except Busy as busy:
                outcome.append(type(busy))

    with one_at_a_time(taking.LOCK, 1):
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
    assert outcome == [Busy]
    assert rows() == []


def test_with_another_key_or_none_it_is_told_and_nothing_is_lost(store, empty, key, monkeypatch):
    manifest = taking.take().manifest
    for other, words in (("another key, as long as that one", "does not open"), (None, "set BACKUP_KEY")):
        with monkeypatch.context() as patch:
            patch.setattr(settings(), "backup_key", other)
            with pytest.raises(NotRestored, match=words):
                restoring.restore(store, manifest, empty)
            with pytest.raises(NotRestored, match=words):
                restoring.verify(store, manifest)
    assert words in (rows()[0].trouble or "")
    assert restoring.restore(store, manifest, empty).differences == ()


@pytest.mark.parametrize("spoil", [lambda raw: raw[:-5], lambda raw: raw[:50] + bytes([raw[50] ^ 1]) + raw[51:]])
def test_a_damaged_file_is_told(store, empty, spoil):
    manifest = taking.take().manifest
    path = store.dump(manifest.name)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(NotRestored, match="is damaged"):
        restoring.restore(store, manifest, empty)


def test_nothing_is_ever_written_over(store, app):
    manifest = taking.take().manifest
    before = db.session.scalar(text("select count(*) from hotels"))
    with pytest.raises(NotRestored, match="nothing is written over"):
        restoring.restore(store, manifest, settings().database_url)
    assert db.session.scalar(text("select count(*) from hotels")) == before


def test_a_database_that_is_not_there_is_told(store):
    manifest = taking.take().manifest
    with pytest.raises(NotRestored, match="cannot be opened"):
        restoring.restore(store, manifest, "postgresql://127.0.0.1:9/nothing")


@pytest.mark.parametrize("given", ["restored", "postgres_restored", "mysql://ana:s3cret@db.example/restored"])
def test_what_is_no_address_is_told_without_its_password(store, given):
    manifest = taking.take().manifest
    with pytest.raises(NotRestored, match="no address of a database") as told:
        restoring.restore(store, manifest, given)
    assert "s3cret" not in str(told.value)


def test_it_is_tried_also_where_the_address_names_no_host_before_the_slash(store, servers, monkeypatch):
    given = conninfo_to_dict(programs.plain(servers.database_url))
    monkeypatch.setenv("PGPASSWORD", str(given["password"]))
    address = f"postgresql:///hotel?host={given['host']}&port={given['port']}&user={given['user']}"
    monkeypatch.setattr(settings(), "backup_scratch_url", address)
    assert restoring.verify(store, taking.take().manifest).differences == ()


def server_gone(*_given: object) -> None:
    raise psycopg.OperationalError("server closed the connection unexpectedly")


def disk_broken(*_given: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def nothing_installed(*_given: object) -> None:
    raise ConfigurationError("pg_restore is missing")


@pytest.mark.parametrize(
    ("what", "instead", "words"),
    [
        (fingerprints, server_gone, "server closed the connection"),
        (restoring, disk_broken, "Input/output error"),
        (restoring, nothing_installed, "pg_restore is missing"),
    ],
)
def test_whatever_ends_a_trial_is_written_down_and_a_day_is_waited(store, monkeypatch, what, instead, words):
    taking.take()
    monkeypatch.setattr(what, "of_all_tables" if what is fingerprints else "_fill", instead)
    jobs.try_newest()
    assert words in (rows()[0].trouble or "")
    assert not restoring.is_trial_due()


def test_a_trial_without_files_ends_quietly(store):
    store.remove(taking.take().manifest.name)
    jobs.try_newest()
    assert rows()[0].tried_at is None


def test_a_backup_that_is_newer_than_the_database_is_tried_once(store):
    """As it is after an older one was restored."""
    manifest = taking.take().manifest
    db.session.execute(text("update backups set name = 'older', started_at = now() - interval '2 days'"))
    db.session.commit()
    jobs.try_newest()
    tried = next(row for row in rows() if row.name == manifest.name)
    assert (tried.state, tried.trouble, tried.size, tried.started_at) == ("done", "", manifest.size, manifest.at)
    assert not restoring.is_trial_due()


def test_an_older_pg_dump_than_the_server_is_not_taken(monkeypatch, tmp_path):
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    monkeypatch.setattr(programs, "postgres_folders", lambda: [tmp_path])
    monkeypatch.setenv("PATH", "")
    assert programs.program("pg_dump", 9) == old
    with pytest.raises(ConfigurationError, match=r"PostgreSQL 15 or later is missing.*too old: .*\(9\)"):
        programs.program("pg_dump", 15)


# When


def test_one_is_due_each_day_and_an_hour_after_one_that_failed(folder):
    assert taking.is_due()
    taking.take()
    assert not taking.is_due()
    now = utcnow()
    assert taking.is_due(now + timedelta(days=1))
    db.session.execute(text("update backups set state = 'failed'"))
    db.session.commit()
    [row] = rows()
    assert not taking.is_due(row.started_at + timedelta(minutes=1))
    assert taking.is_due(row.started_at + timedelta(hours=25))


def test_the_jobs_take_one_and_try_it_and_are_quiet_about_trouble(store, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(nudges, "take_backup", lambda: asked.append("take"))
    monkeypatch.setattr(nudges, "try_backup", lambda: asked.append("try"))
    jobs.look()
    jobs.take()
    jobs.look()
    jobs.try_newest()
    jobs.look()
    jobs.take()
    assert asked == ["take", "try"]
    [row] = rows()
    assert (row.state, row.trouble) == ("done", "")
    db.session.execute(text("update backups set started_at = started_at - interval '2 days'"))
    db.session.commit()
    monkeypatch.setattr(taking._Counted, "write", disk_full)
    jobs.take()
    assert [row.state for row in rows()] == ["done", "failed"]


def test_a_trial_is_due_once_a_month_and_a_day_after_one_that_failed(store):
    assert not restoring.is_trial_due()
    manifest = taking.take().manifest
    assert restoring.is_trial_due()
    restoring.verify(store, manifest)
    now = utcnow()
    assert not restoring.is_trial_due(now + timedelta(days=29))
    assert restoring.is_trial_due(now + timedelta(days=31))
    db.session.execute(text("update backups set trouble = 'hotels is missing'"))
    db.session.commit()
    assert not restoring.is_trial_due(now)
    assert restoring.is_trial_due(now + timedelta(days=2))


def test_old_ones_go_and_the_last_good_one_stays(store):
    good = taking.take().manifest
    restoring.verify(store, good)
    for number in range(3):
        taking.take()
        assert number < 3
    db.session.execute(
        text("update backups set trouble = 'hotels is missing' where name <> :good"), {"good": good.name}
    )
    db.session.commit()
    assert taking.prune(store) == ()  # All are of the last day.
    assert good.name in {one.name for one in store.manifests()}


@pytest.mark.parametrize("stays", [".json", ".dump"])
def test_one_that_cannot_be_deleted_is_so_later_and_spoils_none(store, monkeypatch, lines, stays):
    old, newer = (taking.take().manifest.name for _ in range(2))
    monkeypatch.setattr(taking, "utcnow", lambda: utcnow() + timedelta(days=60))
    unlink = Path.unlink

    def locked(path: Path, **given: Any) -> None:
        if path.name == f"{old}{stays}":
            raise PermissionError(1, "Operation not permitted")
        unlink(path, **given)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", locked)
        assert taking.prune(store) == ((old,) if stays == ".dump" else ())
    assert [line["backup"] for line in lines() if line["event"] == "backup_not_deleted"] == [old]
    assert taking.prune(store) == (() if stays == ".dump" else (old,))
    store.clear_away()
    assert {path.name for path in store.folder.iterdir()} == {f"{newer}.dump", f"{newer}.json"}


# Elsewhere


@pytest.fixture
def elsewhere(folder, monkeypatch) -> Iterator[S3]:
    with S3() as s3:
        values = {
            "endpoint": s3.url,
            "bucket": BUCKET,
            "access_key": ACCESS_KEY,
            "secret_key": "s3cret",
            "prefix": "mir",
        }
        for name, value in values.items():
            monkeypatch.setattr(settings(), f"backup_s3_{name}", value)
        copying._client.cache_clear()
        yield s3
        copying._client.cache_clear()


def test_a_copy_lies_elsewhere_and_comes_back(store, elsewhere, empty, key):
    manifest = taking.take().manifest
    assert set(elsewhere.objects) == {f"mir/{manifest.name}.dump", f"mir/{manifest.name}.json"}
    assert rows()[0].copied_at is not None
    store.remove(manifest.name)
    copying.fetch(store, manifest.name)
    assert restoring.restore(store, store.find(manifest.name), empty).differences == ()


def test_a_large_one_goes_in_pieces(store, elsewhere):
    manifest = taking.take().manifest
    data = bytes(range(256)) * 4096 * 13
    store.dump(manifest.name).write_bytes(data)
    copying.copy(store, manifest)
    assert elsewhere.objects[f"mir/{manifest.name}.dump"] == data


def test_where_the_copy_is_refused_the_backup_is_one_all_the_same(store, elsewhere, app):
    elsewhere.refuses = True
    taken = taking.take()
    assert "AccessDenied" in taken.copy_error
    assert "s3cret" not in taken.copy_error
    assert store.find() == taken.manifest
    assert (rows()[0].state, rows()[0].copied_at) == ("done", None)
    told = cli(app, "now")
    assert told.exit_code == 1
    assert "The backup itself is whole" in told.output


def test_what_was_not_copied_at_its_time_is_copied_with_the_next(store, elsewhere):
    elsewhere.refuses = True
    first = taking.take().manifest
    elsewhere.refuses = False
    second = taking.take().manifest
    assert {key.split("/")[1] for key in elsewhere.objects} == {
        f"{one.name}.{kind}" for one in (first, second) for kind in ("dump", "json")
    }
    assert [(row.copied_at is not None, row.copy_error) for row in rows()] == [(True, ""), (True, "")]


def test_what_was_not_deleted_there_at_its_time_is_with_the_next(store, elsewhere):
    first = taking.take().manifest
    store.remove(first.name)
    db.session.execute(text("update backups set gone_at = now()"))
    db.session.commit()
    second = taking.take().manifest
    assert set(elsewhere.objects) == {f"mir/{second.name}.dump", f"mir/{second.name}.json"}
    assert [row.copied_at is None for row in rows()] == [True, False]


def test_a_storage_that_says_nothing_is_not_waited_for_long(store, elsewhere, monkeypatch):
    monkeypatch.setattr(copying, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(copying, "TRIES", 0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(settings(), "backup_s3_endpoint", f"http://127.0.0.1:{silent.getsockname()[1]}")
        told = taking.take().copy_error
    assert told == "The copy in backups at 127.0.0.1 was not made: ReadTimeoutError."


@pytest.mark.parametrize("kind", ["dump", "json"])
def test_a_damaged_copy_takes_the_place_of_nothing(store, elsewhere, empty, kind):
    manifest = taking.take().manifest
    key = f"mir/{manifest.name}.{kind}"
    elsewhere.objects[key] = elsewhere.objects[key][:-7]
    with pytest.raises(copying.NotCopied, match=f"The copy of {manifest.name} in backups is damaged"):
        copying.fetch(store, manifest.name)
    assert restoring.restore(store, store.find(), empty).differences == ()


def test_a_copy_that_ends_half_way_leaves_nothing(store, elsewhere):
    manifest = taking.take().manifest
    store.remove(manifest.name)
    elsewhere.cuts = True
    with pytest.raises(copying.NotCopied, match="was not brought back"):
        copying.fetch(store, manifest.name)
    assert list(store.folder.iterdir()) == []


def test_who_takes_a_backup_meanwhile_clears_no_copy_away(store, elsewhere, monkeypatch):
    manifest = taking.take().manifest
    store.remove(manifest.name)
    bring = copying._client().fget_object

    def and_clear(*given: Any, **options: Any) -> None:
        bring(*given, **options)
        store.clear_away()

    monkeypatch.setattr(copying._client(), "fget_object", and_clear)
    assert copying.fetch(store, manifest.name) == manifest
    assert store.find() == manifest


def test_what_is_deleted_here_is_deleted_there(store, elsewhere):
    manifest = taking.take().manifest
    copying.forget([manifest.name])
    assert elsewhere.objects == {}


def test_what_is_not_elsewhere_cannot_be_fetched(app, store, elsewhere):
    told = cli(app, "fetch", "20200101T000000Z")
    assert (told.exit_code, "There is no copy" in told.output) == (1, True)
    assert list(store.folder.iterdir()) == []
    assert "no backup's name" in cli(app, "fetch", "../20200101T000000Z").output


def test_a_storage_that_is_half_configured_is_told(app, store, monkeypatch):
    monkeypatch.setattr(settings(), "backup_s3_endpoint", "s3.example.org")
    copying._client.cache_clear()
    told = cli(app, "now")
    assert told.exit_code == 1
    assert "BACKUP_S3_ENDPOINT is an address" in told.output
    assert "The backup itself is whole" in told.output
    assert "BACKUP_S3_ENDPOINT is an address" in standing.standing().copy_error


# The commands


def test_a_newcomers_way(app, folder, empty):
    assert "no backup in" in cli(app, "list").output
    assert "has no backup" in cli(app, "verify").output
    taken = cli(app, "now")
    assert taken.exit_code == 0
    assert "BACKUP_KEY is not set" in taken.output
    [name] = [one.name for one in Store(folder).manifests()]
    assert f"{name}\t" in cli(app, "list").output
    assert "each as it was dumped" in cli(app, "verify", name).output
    assert f"tried {utcnow():%Y-%m-%d}: good" in cli(app, "list").output
    asked = app.test_cli_runner().invoke(args=["backup", "restore", name, "--database", empty], input="n\n")
    assert asked.exit_code == 1
    done = cli(app, "restore", name, "--database", empty, "--yes")
    assert done.exit_code == 0, done.output
    assert "each as it was dumped" in done.output
    again = cli(app, "restore", name, "--database", empty, "--yes")
    assert again.exit_code == 1
    assert "nothing is written over" in again.output
    assert cli(app, "restore", "nothing", "--database", empty, "--yes").exit_code == 1


@pytest.mark.parametrize("command", ["now", "verify"])
def test_where_postgresql_is_gone_a_command_says_so_in_a_line(app, store, monkeypatch, command):
    taking.take()
    monkeypatch.setattr(hotel_agent.db, "_lock_connection", server_gone)
    told = cli(app, command)
    assert (told.exit_code, told.exception.__class__) == (1, SystemExit)
    assert "Error: PostgreSQL does not answer: server closed the connection" in told.output


def test_what_there_is_is_told_also_without_the_database(app, store, monkeypatch):
    manifest = taking.take().manifest
    monkeypatch.setattr(commands, "select", database_gone)
    told = cli(app, "list")
    assert told.exit_code == 0
    assert f"{manifest.name}\t" in told.output
    assert "\ttrial unknown\n" in told.output
    assert "does not tell how the trials went" in told.output


def test_a_backup_whose_files_are_gone_is_told(app, store):
    manifest = taking.take().manifest
    store.dump(manifest.name).unlink()
    told = cli(app, "list")
    assert f"missing {manifest.name}: its two files are not in {store.folder}" in told.output


def database_gone(*_given: object) -> None:
    raise OperationalError("select", None, Exception("gone"))


# How they stand


def test_what_there_is_not_yet_is_no_trouble(app, folder):
    now = standing.standing()
    assert (now.name, now.at, now.is_well, now.failures) == (None, None, True, 0)


def test_how_they_stand_is_told_on_the_page_and_in_the_metrics(app, store, sign_in, monkeypatch):
    manifest = taking.take().manifest
    restoring.verify(store, manifest)
    page = sign_in("olga@miramar.example").get("/ops").text
    assert manifest.name in page
    assert "se puede, ahora mismo" in page
    told = {name: value for name, value in _metrics(app).items() if name.startswith("backup")}
    assert told["backup_last_size_bytes"] == manifest.size
    assert abs(told["backup_last_success_timestamp_seconds"] - utcnow().timestamp()) < 60
    assert (told["backup_drill_failed"], told["backup_failures"]) == (0, 0)
    monkeypatch.setattr(taking._Counted, "write", disk_full)
    with pytest.raises(BackupFailed):
        taking.take()
    db.session.execute(text("update backups set trouble = 'hotels is missing' where state = 'done'"))
    db.session.execute(text("update backups set finished_at = finished_at - interval '27 hours' where state = 'done'"))
    db.session.commit()
    page = sign_in("olga@miramar.example").get("/ops").text
    assert "Las copias de seguridad no están como deben" in page
    assert "hotels is missing" in page
    assert "make room" in page
    told = _metrics(app)
    assert (told["backup_drill_failed"], told["backup_failures"]) == (1, 1)
    assert standing.standing().is_old()


def _metrics(app: Any) -> dict[str, float]:
    lines = app.test_client().get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}
