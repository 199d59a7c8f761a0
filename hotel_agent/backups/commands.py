"""`flask backup`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

import click
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from hotel_agent.backups import copying, restoring, taking
from hotel_agent.backups.models import Backup
from hotel_agent.backups.restoring import NotRestored, Restored
from hotel_agent.backups.store import Manifest, Store
from hotel_agent.backups.taking import BackupFailed, Busy
from hotel_agent.cli import Group
from hotel_agent.config import settings
from hotel_agent.db import db, utcnow

MOST_SHOWN = 10

backup = Group("backup", help="Backups of the database: take, list, try, restore.")


@backup.command()
def now() -> None:
    """Take a backup, and delete those that are not to be kept."""
    click.echo(f"writing to {settings().backup_folder} …", err=True)
    try:
        taken = taking.take()
    except (BackupFailed, Busy) as trouble:
        raise click.ClickException(str(trouble)) from None
    click.echo(_line(taken.manifest))
    for name in taken.gone:
        click.echo(f"{name} is not kept any longer")
    if not taken.manifest.is_sealed:
        click.echo("not encrypted: BACKUP_KEY is not set", err=True)
    if taken.copy_error:
        raise click.ClickException(f"{taken.copy_error} The backup itself is whole.")


@backup.command("list")
def list_backups() -> None:
    """List what can be restored, newest first, and what went wrong lately."""
    there = _store().manifests()
    rows = _rows()
    for manifest in there:
        trial = "trial unknown" if rows is None else _tried(rows.get(manifest.name))
        click.echo(f"{_line(manifest)}\t{trial}")
    if not there:
        click.echo(f"no backup in {settings().backup_folder}")
    for line in _lately({manifest.name for manifest in there}, (rows or {}).values())[:MOST_SHOWN]:
        click.echo(line, err=True)


@backup.command()
@click.argument("backup_id", required=False, metavar="[ID]")
def verify(backup_id: str | None) -> None:
    """Restore the newest one, or that one, into a scratch database and compare every table."""
    store = _store()
    manifest = store.find(backup_id)
    click.echo(f"restoring {manifest.name}: {manifest.rows:,} rows, {manifest.size / 1e6:.1f} MB …", err=True)
    try:
        _tell(restoring.verify(store, manifest))
    except (NotRestored, Busy) as trouble:
        raise click.ClickException(str(trouble)) from None


@backup.command()
@click.argument("backup_id", metavar="ID")
@click.option("--database", "url", required=True, help="Where to: the address of an empty database.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(backup_id: str, url: str, yes: bool) -> None:
    """Restore a backup into an empty database. Nothing is ever written over."""
    store = _store()
    manifest = store.find(backup_id)
    click.echo(
        f"{manifest.name}: taken {manifest.at:%Y-%m-%d %H:%M} UTC, {manifest.rows:,} rows, {manifest.size / 1e6:.1f} MB"
    )
    if not yes:
        click.confirm("Restore it into that database?", abort=True)
    try:
        _tell(restoring.restore(store, manifest, url))
    except NotRestored as trouble:
        raise click.ClickException(str(trouble)) from None
    click.echo("Next: point DATABASE_URL at it and run `flask db upgrade`; see docs/runbooks/restore.md.")


@backup.command()
@click.argument("backup_id", metavar="ID")
def fetch(backup_id: str) -> None:
    """Bring a copy back from the storage elsewhere."""
    store = _store()
    if not copying.is_wanted():
        raise click.ClickException("No storage elsewhere is configured: BACKUP_S3_ENDPOINT is not set.")
    try:
        click.echo(_line(copying.fetch(store, backup_id)))
    except copying.NotCopied as trouble:
        raise click.ClickException(str(trouble)) from None


def _lately(there: Collection[str], rows: Iterable[Backup]) -> list[str]:
    """What went wrong within a week, newest first."""
    week_ago, told = utcnow() - timedelta(days=7), []
    for row in sorted(rows, key=lambda row: row.started_at, reverse=True):
        if row.started_at < week_ago or row.gone_at:
            continue
        if row.state == "failed":
            told.append(f"failed {row.name}: {row.error}")
        elif row.state == "done" and row.name not in there:
            told.append(f"missing {row.name}: its two files are not in {settings().backup_folder}, or cannot be read")
    return told


def _rows() -> dict[str, Backup] | None:
    """By name; None where the database is what was lost: the files are there all the same."""
    try:
        return {row.name: row for row in db.session.scalars(select(Backup))}
    except DatabaseError:
        click.echo("The database does not tell how the trials went.", err=True)
        return None


def _store() -> Store:
    return Store(settings().backup_folder)


def _line(manifest: Manifest) -> str:
    sealed = "encrypted" if manifest.is_sealed else "plain"
    return f"{manifest.name}\t{manifest.size / 1e6:.1f} MB\t{manifest.rows} rows\t{sealed}\tschema {manifest.revision}"


def _tried(row: Backup | None) -> str:
    if row is None or row.tried_at is None:
        return "not tried yet"
    return f"tried {row.tried_at:%Y-%m-%d}: {row.trouble or 'good'}"


def _tell(restored: Restored) -> None:
    tables = len(restored.manifest.tables)
    for difference in restored.differences:
        click.echo(f"different: {difference}", err=True)
    if restored.differences:
        raise click.ClickException(f"{len(restored.differences)} of {tables} tables are not as they were dumped")
    click.echo(f"{tables} tables, {restored.manifest.rows:,} rows, each as it was dumped; {restored.seconds:.1f} s")
