"""`flask flag`."""

from __future__ import annotations

import click
from sqlalchemy import select

from hotel_agent.cli import Group
from hotel_agent.db import db
from hotel_agent.flags.cache import Switch
from hotel_agent.flags.models import FeatureFlag
from hotel_agent.flags.switches import DEFAULTS, in_words, switch
from hotel_agent.flags.switches import clear as take_back
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel

flag = Group("flag", help="Feature flags; `agent` is the kill switch.")


@flag.command("list")
def list_flags() -> None:
    """List the flags: built-in defaults, what is set everywhere, what is set for one hotel."""
    for key, enabled in sorted(DEFAULTS.items()):
        click.echo(f"{key}\tdefault\t{in_words(Switch(enabled))}")
    rows = db.session.execute(
        select(FeatureFlag.key, Hotel.slug, FeatureFlag.enabled, FeatureFlag.percentage)
        .join(Hotel, Hotel.id == FeatureFlag.hotel_id, isouter=True)
        .order_by(FeatureFlag.key, Hotel.slug)
    )
    for key, slug, enabled, percentage in rows:
        click.echo(f"{key}\t{slug or 'everywhere'}\t{in_words(Switch(enabled, percentage))}")


@flag.command("set")
@click.argument("key")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--hotel", help="slug of the one hotel to set it for")
@click.option("--percentage", type=click.IntRange(1, 99), help="on for this share of conversations or guests only")
def set_flag(key: str, state: str, hotel: str | None, percentage: int | None) -> None:
    """Switch a flag on or off, everywhere or for one hotel."""
    told = switch(key, state == "on", by_slug(hotel).id if hotel else None, percentage)
    share = f" for {percentage}%" if percentage else ""
    click.echo(f"{key} {state}{share} {_where(hotel)}")
    _warn_unless(told)


@flag.command("clear")
@click.argument("key")
@click.option("--hotel", help="slug of the one hotel to clear it for")
def clear(key: str, hotel: str | None) -> None:
    """Take a setting back: a hotel's, so that the general one counts; the general one, so that the default does."""
    told = take_back(key, by_slug(hotel).id if hotel else None)
    click.echo(f"{key} cleared {_where(hotel)}")
    _warn_unless(told)


def _where(hotel: str | None) -> str:
    return f"for {hotel}" if hotel else "everywhere"


def _warn_unless(told: bool) -> None:
    if not told:
        click.echo("Valkey does not answer: a process that still hears it learns of this within a minute.", err=True)
