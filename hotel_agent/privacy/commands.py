"""`flask guest`: everything about a guest as a file, a guest erased; `flask retention`: what is too old."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from math import inf
from pathlib import Path

import click
from flask_babel import force_locale
from sqlalchemy import select

from hotel_agent.channels.whatsapp.payload import canonical_phone
from hotel_agent.cli import Group
from hotel_agent.db import db, nobody_has
from hotel_agent.errors import NotFound
from hotel_agent.guests.models import Guest, GuestIdentity
from hotel_agent.hotels.finding import by_slug
from hotel_agent.privacy import erasing, exporting, retention

guest = Group("guest", help="Guests' data: export and erase.")
TOLD_EVERY = 10_000
retention_group = Group("retention", help="What is kept for how long, and forgetting it now.")


@guest.command("export")
@click.argument("who", metavar="GUEST")
@click.option("--hotel", "slug", required=True, help="The hotel's slug.")
@click.option("--to", "path", type=click.Path(dir_okay=False, path_type=Path), help="Where to; default guest-ID.zip.")
def export(who: str, slug: str, path: Path | None) -> None:
    """Write everything that is kept about GUEST (number here, or phone) into a ZIP that only you may read."""
    hotel_id = by_slug(slug).id
    guest_id = _find(who, hotel_id)
    path = path or Path(f"guest-{guest_id}.zip")
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        exporting.write(guest_id, hotel_id, file, lambda _done, _total: None)
    exporting.note(guest_id, hotel_id)
    click.echo(f"{path}: {path.stat().st_size} bytes")


@guest.command("erase")
@click.argument("who", metavar="GUEST")
@click.option("--hotel", "slug", required=True, help="The hotel's slug.")
@click.confirmation_option("--yes", prompt="Everything that the guest wrote and sent is deleted for good. Erase?")
def erase(who: str, slug: str) -> None:
    """Erase GUEST (number here, or phone); of bookings that are over a pseudonym stays."""
    hotel_id = by_slug(slug).id
    guest_id = _find(who, hotel_id)
    unfinished = erasing.erasure_of(guest_id)
    with force_locale("en"):
        if unfinished is None or unfinished.done_at is not None:
            erasing.carry_out(erasing.ask(guest_id, None, hotel_id=hotel_id))
        else:
            erasing.carry_out(unfinished.id)
    click.echo(f"guest {guest_id} erased")


def _find(who: str, hotel_id: int) -> int:
    """By number of the row, else by phone. Raises NotFound."""
    digits = who.lstrip("+#").replace(" ", "")
    if digits.isdecimal():
        phones = {digits, canonical_phone(digits) or digits}
        by_phone = select(GuestIdentity.guest_id).where(
            GuestIdentity.hotel_id == hotel_id, GuestIdentity.value.in_(phones), GuestIdentity.retired_at.is_(None)
        )
        found = db.session.scalar(by_phone)
        if found is None and int(digits) < 2**31:
            found = db.session.scalar(select(Guest.id).where(Guest.id == int(digits), Guest.hotel_id == hotel_id))
        if found is not None:
            return found
    raise NotFound(f"no guest {who!r}")


@retention_group.command()
def show() -> None:
    """Tell for each kind how long it is kept, and how many rows are older."""
    for what in retention.KINDS:
        since = retention.kept_since(what)
        if since is None:
            click.echo(f"{what}\tkept for ever")
        else:
            click.echo(f"{what}\tkept from {since} on\t{retention.too_old(what, since)} rows are older")


@retention_group.command()
def run() -> None:
    """Forget now what is too old, as the recurring jobs do; it may be stopped and run again at any time."""
    from workers import upkeep  # The web process loads every command, and needs none of what this one does.

    upkeep.forget_old()
    for what, kind in retention.KINDS.items():
        free = nobody_has(retention.LOCK, kind.lock)
        db.session.rollback()
        if not free:
            click.echo(f"{what}: another process is at it")
            continue
        gone: Counter[str] = Counter()
        retention.forget(what, seconds=inf, tell=partial(_told, gone))
        click.echo(f"{what}: " + (", ".join(f"{rows} rows of {table}" for table, rows in gone.items()) or "nothing"))


def _told(gone: Counter[str], one: retention.Gone) -> None:
    gone[one.table] += one.rows
    if gone[one.table] % TOLD_EVERY < one.rows:
        click.echo(f"  {gone[one.table]} rows of {one.table} …", err=True)
