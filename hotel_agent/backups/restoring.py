"""Restoring a backup: into a scratch database to see whether it can be, or into an empty one that is named."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hotel_agent.backups import fingerprints
from hotel_agent.backups.models import Backup
from hotel_agent.backups.programs import environment, plain, program, what_went_wrong
from hotel_agent.backups.sealing import WrongKey, is_sealed, opened
from hotel_agent.backups.store import Manifest, Store, checksum
from hotel_agent.backups.taking import BLOCK, alone
from hotel_agent.config import settings
from hotel_agent.db import db, utcnow
from hotel_agent.errors import ConfigurationError
from hotel_agent.logs import get_logger

TRIAL_EVERY, RETRY_AFTER = timedelta(days=30), timedelta(days=1)
SCRATCH = "hotel_agent_trial_"
SAFELY = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")

log = get_logger(__name__)


class NotRestored(Exception):
    """The text says why, for people, and what to do."""


@dataclass(frozen=True)
class Restored:
    """`differences` between what was dumped and what is there now, none where it is the same."""

    manifest: Manifest
    differences: tuple[str, ...]
    seconds: float


def is_trial_due(now: datetime | None = None) -> bool:
    """Whether there is a backup, and none was tried for a month; after one that failed a day is waited."""
    now = now or utcnow()
    tried, trouble = db.session.execute(
        select(Backup.tried_at, Backup.trouble).where(Backup.tried_at.is_not(None)).order_by(Backup.tried_at.desc())
    ).first() or (None, "")
    there = db.session.scalar(select(Backup.id).where(Backup.state == "done", Backup.gone_at.is_(None)).limit(1))
    db.session.commit()
    wait = RETRY_AFTER if trouble else TRIAL_EVERY
    return there is not None and (tried is None or tried < now - wait)


def verify(store: Store, manifest: Manifest) -> Restored:
    """Restore it into a database that is made for it and goes again, and compare every table.

    What came of it is written down. Raises NotRestored, ConfigurationError, taking.Busy.
    """
    with alone():
        try:
            with _scratch() as url:
                restored = _restore(store, manifest, url)
        except (NotRestored, ConfigurationError) as error:
            _write_down(manifest, str(error))
            raise
        _write_down(manifest, "; ".join(restored.differences))
    log.info("backup_tried", backup=manifest.name, differences=len(restored.differences))
    return restored


def restore(store: Store, manifest: Manifest, url: str) -> Restored:
    """Into a database that is there and has nothing in it. Raises NotRestored."""
    _check_empty(url)
    return _restore(store, manifest, url)


def _write_down(manifest: Manifest, trouble: str) -> None:
    """A backup of which this database does not know, as it was restored from an older one, is known from now on."""
    found = {"tried_at": utcnow(), "trouble": trouble}
    of_it = {"state": "done", "started_at": manifest.at, "finished_at": manifest.at, "size": manifest.size}
    row = insert(Backup).values(name=manifest.name, **of_it, **found)
    db.session.execute(row.on_conflict_do_update(index_elements=[Backup.name], set_=found))
    db.session.commit()


def _restore(store: Store, manifest: Manifest, url: str) -> Restored:
    began = perf_counter()
    _check_file(store, manifest)
    with _told_plainly():
        _fill(store, manifest, url)
        with _connected(url) as connection:
            found = fingerprints.of_all_tables(connection)
    return Restored(manifest, fingerprints.differences(manifest.tables, found), perf_counter() - began)


def _check_file(store: Store, manifest: Manifest) -> None:
    path = store.dump(manifest.name)
    try:
        size, found = path.stat().st_size, checksum(path)
    except OSError as error:
        raise NotRestored(f"{path} cannot be read: {error.strerror}.") from None
    if size != manifest.size:
        raise NotRestored(f"{path} is damaged: it has {size} bytes of {manifest.size}. Take an older backup.")
    if found != manifest.sha256:
        raise NotRestored(f"{path} is damaged: its checksum is another one. Take an older backup.")
    if manifest.is_sealed and not settings().backup_key:
        raise NotRestored("This backup is encrypted: set BACKUP_KEY to the key of that time.")


def _fill(store: Store, manifest: Manifest, url: str) -> None:
    with _connected(url) as connection:
        server = connection.info.server_version // 10_000
    command = [str(program("pg_restore", server)), *SAFELY]
    target = environment(url)
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            [*command, "--dbname", target.get("PGDATABASE", "")], stdin=subprocess.PIPE, stderr=said, env=target
        ) as restoring:
            assert restoring.stdin is not None
            try:
                for block in _blocks(store, manifest):
                    restoring.stdin.write(block)
                restoring.stdin.close()
            except BrokenPipeError:
                pass  # It has ended, and says why.
            except BaseException:
                restoring.kill()
                raise
        if restoring.returncode:
            said.seek(0)
            raise NotRestored(f"pg_restore ended with {restoring.returncode}: {what_went_wrong(said.read())}")


def _blocks(store: Store, manifest: Manifest) -> Iterator[bytes]:
    with store.dump(manifest.name).open("rb") as file:
        if not is_sealed(file):
            while block := file.read(BLOCK):
                yield block
            return
        try:
            yield from opened(file, settings().backup_key or "")
        except WrongKey as error:
            raise NotRestored(str(error)) from None


def _check_empty(url: str) -> None:
    """Nothing that is somebody's is ever written over."""
    with _connected(url) as connection:
        tables = connection.execute(fingerprints.TABLES).fetchall()
    if tables:
        raise NotRestored(
            f"That database has {len(tables)} tables already, {tables[0][0]} among them: nothing is written over."
            " Make an empty one (createdb) and restore into that."
        )


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        conninfo_to_dict(plain(url))
    except psycopg.Error:  # Its words may have the password in them.
        raise NotRestored(
            "That is no address of a database: postgresql://USER:PASSWORD@HOST:PORT/NAME is one."
        ) from None
    try:
        connection = psycopg.connect(plain(url), connect_timeout=10, application_name="hotel-agent restore")
    except psycopg.Error as error:
        raise NotRestored(f"That database cannot be opened: {_first_line(error)}") from None
    with connection:
        yield connection


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise NotRestored(f"PostgreSQL has given up: {_first_line(error)}") from error
    except OSError as error:
        raise NotRestored(f"This machine has given up: {error.strerror or type(error).__name__}") from error


@contextmanager
def _scratch() -> Iterator[str]:
    """The address of an empty database on the server of BACKUP_SCRATCH_URL, or else of our own, for so long."""
    server = plain(settings().backup_scratch_url or settings().database_url)
    name = SCRATCH + secrets.token_hex(6)
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=10) as connection:
            _drop_left_over(connection)
            connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise NotRestored(
            f"No scratch database could be made: {_first_line(error)}. Grant CREATEDB, or set BACKUP_SCRATCH_URL to a"
            " server where it may be."
        ) from None
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        # What cannot be dropped now the next trial drops.
        with suppress(psycopg.Error), psycopg.connect(server, autocommit=True, connect_timeout=10) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _drop_left_over(connection: psycopg.Connection[Any]) -> None:
    """Of trials that were killed. We are alone here, so nobody is at them."""
    names = connection.execute("select datname from pg_database where starts_with(datname, %s)", (SCRATCH,)).fetchall()
    for (name,) in names:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
