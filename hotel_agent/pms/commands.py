"""`flask pms`."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from functools import partial

import click

from hotel_agent.cli import Group
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms import mirroring
from hotel_agent.pms.contract import Capabilities, PmsRejected, PmsUnavailable
from hotel_agent.pms.door import pms_for

pms = Group("pms", help="Hotels' own property-management systems.")


@pms.command("sync")
@click.argument("slug")
def sync(slug: str) -> None:
    """Bring our rows into line with the PMS now, as is done every few seconds anyway.

    Goes on until everything is told; how far it is goes to standard error.
    """
    from workers import pms as jobs  # It loads what answers guests, which no other command waits for.

    hotel = _with_a_pms(slug)
    seen, changed, more = 0, 0, True
    while more:
        done = mirroring.mirror(hotel, partial(_progress, slug, seen))
        if done.is_busy:
            raise click.ClickException(f"{slug} is just being synchronised by another process; see flask pms status")
        jobs.tell(hotel.id)
        if done.away:
            raise click.ClickException(f"the PMS of {slug} does not answer: {done.away}")
        seen, changed, more = seen + done.seen, changed + done.changed, done.more
    click.echo(f"{slug}: {seen} bookings seen, {changed} changed")


def _progress(slug: str, before: int, seen: int) -> None:
    click.echo(f"{slug}: {before + seen} bookings seen so far", err=True)


@pms.command("status")
@click.argument("slug")
def status(slug: str) -> None:
    """Tell how well our rows follow the PMS, without asking it."""
    hotel = _with_a_pms(slug)
    state = mirroring.state_of(hotel)
    click.echo(f"as of\t{_moment(hotel, state.as_of)}")
    click.echo(f"everything read\t{_moment(hotel, state.whole_at)}")
    away = f"{_moment(hotel, state.away_since)}\t{state.last_error}" if state.away_since else "no"
    click.echo(f"away since\t{away}")
    click.echo(f"open writes\t{state.open_writes}")
    click.echo(f"conflicts\t{len(state.conflicts)}")
    for number, first, last, one, other in state.conflicts:
        click.echo(f"room {number}\t{first} to {last}\t{one}\t{other}")


@pms.command("test")
@click.argument("slug")
def test(slug: str) -> None:
    """Ask the PMS for its kinds of room, and tell what it can do."""
    door = pms_for(by_slug(slug))
    try:
        kinds = door.room_kinds(fresh=True)
    except (PmsUnavailable, PmsRejected) as error:
        raise click.ClickException(f"the PMS of {slug} does not answer: {error}") from None
    click.echo(f"{slug}: {door.hotel.pms} answers")
    for kind in kinds:
        click.echo(f"{kind.code}\t{kind.name_in(door.hotel.language)}\tfor {kind.capacity}")
    for field in fields(Capabilities):
        value = getattr(door.capabilities, field.name)
        click.echo(f"{field.name}\t{('no', 'yes')[value] if isinstance(value, bool) else value}")


def _with_a_pms(slug: str) -> Hotel:
    hotel = by_slug(slug)
    if not pms_for(hotel).capabilities.is_remote:
        raise click.ClickException(f"{slug} has no PMS of its own: its rooms and bookings are kept here")
    return hotel


def _moment(hotel: Hotel, moment: datetime | None) -> str:
    return moment.astimezone(hotel.zone).isoformat(" ", "seconds") if moment else "never"
