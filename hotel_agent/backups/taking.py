"""Taking a backup: what pg_dump writes and what is counted are of one moment, whoever writes meanwhile.

It is written aside, and has its name only when it is whole; whatever goes wrong leaves what was there before.
"""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO

import psycopg
from prometheus_client import Counter
from psycopg import sql
from sqlalchemy import or_, select, text, update

from hotel_agent.backups import copying, fingerprints
from hotel_agent.backups.models import Backup
from hotel_agent.backups.programs import environment, plain, program, what_went_wrong
from hotel_agent.backups.sealing import Sealed
from hotel_agent.backups.store import Manifest, Store, to_keep
from hotel_agent.config import settings
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.errors import ConfigurationError
from hotel_agent.logs import get_logger

BLOCK = 1 << 20
LOCK = "backup"
# A dump is about as large as the last one; less room than that ends before it begins.
HEADROOM = 1.1
RETRY_AFTER = timedelta(hours=1)
# Whoever changes a table waits for us, and pg_dump would wait for them: one of the three has to give up.
LOCK_WAIT = "60s"
AS_WANTED = ("--no-owner", "--no-privileges", f"--lock-wait-timeout={LOCK_WAIT}")
NO_LIMITS = """
    select set_config(name, '0', true) from pg_settings
    where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
"""

# Of which some may lie elsewhere, also where the last step of a copy failed.
THERE = or_(Backup.copied_at.is_not(None), Backup.copy_error != "")

log = get_logger(__name__)
pruned = Counter("backups_pruned_total", "Backups whose files were deleted because enough later ones are there.")


class BackupFailed(Exception):
    """There is no new backup; those that were there are as they were. The text says why, for people."""


class Busy(Exception):
    """Another process is at a backup, or tries one."""


@dataclass(frozen=True)
class Taken:
    manifest: Manifest
    gone: tuple[str, ...]
    copy_error: str


class _Counted:
    """Writes into a file, and knows its checksum and size."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sum, self.size = file, sha256(), 0

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        self.size += len(data)
        return self._file.write(data)

    @property
    def checksum(self) -> str:
        return self._sum.hexdigest()


def is_due(now: datetime | None = None) -> bool:
    """Whether this day, in UTC, has no backup yet; after one that failed an hour is waited."""
    now = now or utcnow()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    newest = db.session.execute(
        select(Backup.state, Backup.started_at).where(Backup.started_at >= midnight).order_by(Backup.started_at.desc())
    ).all()
    db.session.commit()
    if any(state == "done" for state, _ in newest):
        return False
    return not newest or newest[0].started_at < now - RETRY_AFTER or newest[0].state == "running"


def take() -> Taken:
    """Take a backup, delete those that are not to be kept, copy it elsewhere. Raises BackupFailed, Busy."""
    with alone():
        row = _begin()
        try:
            store = _tidy(row)
            manifest = _write(store, row.name)
        except Exception as error:
            words = _words(error)
            _end(row.id, state="failed", error=words)
            log.warning("backup_failed", backup=row.name, error=type(error).__name__)
            raise BackupFailed(words) from error
        _end(row.id, state="done", size=manifest.size)
        log.info("backup_taken", backup=row.name, size=manifest.size, rows=manifest.rows)
        gone = prune(store)
        return Taken(manifest, gone, _copy(store, manifest, gone))


@contextmanager
def alone() -> Iterator[None]:
    """Raises Busy."""
    with one_at_a_time(LOCK, 1) as mine:
        if not mine:
            raise Busy("Another process is taking or trying a backup: wait until it is done.")
        yield


def prune(store: Store) -> tuple[str, ...]:
    """Delete what is not to be kept; of those that were tried and were good the newest always is."""
    good = db.session.scalars(select(Backup.name).where(Backup.trouble == "", Backup.gone_at.is_(None))).all()
    db.session.commit()
    there = store.manifests()
    keep = to_keep(there, utcnow(), good)
    gone = tuple(one.name for one in there if one.name not in keep and _is_removed(store, one.name))
    if gone:
        db.session.execute(update(Backup).where(Backup.name.in_(gone)).values(gone_at=utcnow()))
        db.session.commit()
    return gone


def _is_removed(store: Store, name: str) -> bool:
    """One that cannot be deleted now is tried again after the next backup, and spoils none."""
    try:
        store.remove(name)
    except OSError as error:
        log.warning("backup_not_deleted", backup=name, error=error.strerror)
        if store.manifest_path(name).exists():
            return False
    pruned.inc()
    return True


def _tidy(row: Backup) -> Store:
    """The folder, without what somebody who was killed has left in it; of the other rows nobody is at work any more.

    Of those some are whole: it died between the file and the row, or this database was restored from that very dump.
    """
    store = Store(settings().backup_folder)
    store.clear_away()
    whole = {one.name: one for one in store.manifests()}
    for left in db.session.scalars(select(Backup).where(Backup.state == "running", Backup.id != row.id)):
        if manifest := whole.get(left.name):
            left.state, left.size, left.finished_at = "done", manifest.size, manifest.at
        else:
            left.state, left.error, left.finished_at = "failed", "It was cut off.", utcnow()
    db.session.commit()
    return store


def _begin() -> Backup:
    """Named by the second; two within one have a number more."""
    name = stem = f"{utcnow():%Y%m%dT%H%M%SZ}"
    number = 1
    while db.session.scalar(select(Backup.id).where(Backup.name == name)):
        number += 1
        name = f"{stem}-{number}"
    row = Backup(name=name)
    db.session.add(row)
    db.session.commit()
    return row


def _end(row_id: int, **values: Any) -> None:
    db.session.rollback()
    db.session.execute(update(Backup).where(Backup.id == row_id).values(finished_at=utcnow(), **values))
    db.session.commit()


def _write(store: Store, name: str) -> Manifest:
    config = settings()
    _check_room(store)
    with psycopg.connect(plain(config.database_url), connect_timeout=10, application_name="hotel-agent backup") as seen:
        seen.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        seen.read_only = True
        snapshot, at, revision = _moment(seen)
        try:
            written, is_sealed = _write_aside(store, name, snapshot, seen.info.server_version // 10_000)
            manifest = Manifest(
                name=name,
                taken_at=at.isoformat(),
                size=written.size,
                sha256=written.checksum,
                is_sealed=is_sealed,
                revision=revision,
                postgres=seen.info.parameter_status("server_version") or "",
                program=_version(),
                tables=fingerprints.of_all_tables(seen),
            )
            store.finish(manifest)
        except Exception:
            store.give_up(name)
            raise
    return manifest


def _write_aside(store: Store, name: str, snapshot: str, server: int) -> tuple[_Counted, bool]:
    config, path = settings(), store.partial(name)
    with path.open("xb") as file:
        os.chmod(path, 0o600)
        counted = _Counted(file)
        sealed = Sealed(counted, config.backup_key) if config.backup_key else None  # type: ignore[arg-type]
        _dump(config.database_url, snapshot, server, sealed or counted)
        if sealed:
            sealed.close()
        file.flush()
        os.fsync(file.fileno())
    return counted, sealed is not None


def _moment(seen: psycopg.Connection[Any]) -> tuple[str, datetime, str]:
    """No limit that the server sets for others ends this transaction, and no table goes before all is counted."""
    seen.execute(NO_LIMITS)
    row = seen.execute("select pg_export_snapshot(), now(), (select max(version_num) from alembic_version)").fetchone()
    assert row is not None
    tables = sql.SQL(", ").join(map(sql.Identifier, fingerprints.names(seen)))
    seen.execute(sql.SQL("set local lock_timeout = {}").format(LOCK_WAIT))
    seen.execute(sql.SQL("lock table {} in access share mode").format(tables))
    return row[0], row[1], row[2]


def _dump(url: str, snapshot: str, server: int, out: Any) -> None:
    """Raises BackupFailed with what pg_dump said."""
    command = [str(program("pg_dump", server)), "--format=custom", "--compress=3", *AS_WANTED]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            [*command, f"--snapshot={snapshot}"], stdout=subprocess.PIPE, stderr=said, env=environment(url)
        ) as dumping:
            assert dumping.stdout is not None
            try:
                while block := dumping.stdout.read(BLOCK):
                    out.write(block)
            except BaseException:
                dumping.kill()
                raise
        if dumping.returncode:
            said.seek(0)
            raise BackupFailed(f"pg_dump ended with {dumping.returncode}: {what_went_wrong(said.read())}")


def _check_room(store: Store) -> None:
    there = store.manifests()
    needed = int(there[0].size * HEADROOM) if there else 0
    free = os.statvfs(store.folder)
    room = free.f_bavail * free.f_frsize
    if room < needed:
        raise BackupFailed(
            f"{store.folder} has {room / 1e6:.0f} MB left, and the last backup took {there[0].size / 1e6:.0f} MB:"
            " make room, or set BACKUP_DIR to another disk."
        )


def _words(error: Exception) -> str:
    folder = settings().backup_folder
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full: make room, or set BACKUP_DIR to another disk."
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return f"A table was locked for {LOCK_WAIT}, as a migration does it: try again when that is over."
    if isinstance(error, psycopg.Error):
        return f"PostgreSQL says: {error.diag.message_primary}." if error.sqlstate else "PostgreSQL does not answer."
    if isinstance(error, OSError):
        return f"{folder} cannot be written: {error.strerror}."
    return str(error) or type(error).__name__


def _copy(store: Store, manifest: Manifest, gone: tuple[str, ...]) -> str:
    """What kept the copy elsewhere from being made, empty where nothing did; the backup is one all the same.

    What could not be copied or deleted there at its time is so now.
    """
    if not copying.is_wanted():
        return ""
    trouble = ""
    try:
        for one in _not_copied(store, manifest):
            trouble = trouble or _copy_one(store, one)
        for name in {*gone, *db.session.scalars(select(Backup.name).where(Backup.gone_at.is_not(None), THERE))}:
            copying.forget([name])
            _note(name, copied_at=None, copy_error="")
    except (copying.NotCopied, ConfigurationError) as error:
        trouble = trouble or str(error)
    _note(manifest.name, copy_error=trouble)
    return trouble


def _not_copied(store: Store, newest: Manifest) -> list[Manifest]:
    """Newest first."""
    wanted = select(Backup.name).where(Backup.copied_at.is_(None), Backup.copy_error != "", Backup.gone_at.is_(None))
    names = {newest.name, *db.session.scalars(wanted)}
    db.session.commit()
    return [one for one in store.manifests() if one.name in names]


def _copy_one(store: Store, manifest: Manifest) -> str:
    try:
        copying.copy(store, manifest)
    except copying.NotCopied as error:
        _note(manifest.name, copy_error=str(error))
        return str(error)
    _note(manifest.name, copied_at=utcnow(), copy_error="")
    return ""


def _note(name: str, **values: Any) -> None:
    db.session.execute(update(Backup).where(Backup.name == name).values(**values))
    db.session.commit()


def _version() -> str:
    from hotel_agent import VERSION

    return VERSION


def schema_head() -> str:
    """The revision that the tables of this database have."""
    revision: str = db.session.scalar(text("select max(version_num) from alembic_version")) or ""
    db.session.commit()
    return revision
