"""`flask flag`."""

from __future__ import annotations

import click
from sqlalchemy import select

from hotel_agent.cli import Group
from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.flags.models import FeatureFlag
from hotel_agent.flags.switches import DEFAULTS, switch
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel

flag = Group("flag", help="Feature flags; `agent` is the kill switch.")


@flag.command("list")
def list_flags() -> None:
    """List the flags: built-in defaults, what is set everywhere, what is set for one hotel."""
    for key, enabled in sorted(DEFAULTS.items()):
        click.echo(f"{key}\tdefault\t{_word(enabled)}")
    rows = db.session.execute(
        select(FeatureFlag.key, Hotel.slug, FeatureFlag.enabled)
        .join(Hotel, Hotel.id == FeatureFlag.hotel_id, isouter=True)
        .order_by(FeatureFlag.key, Hotel.slug)
    )
    for key, slug, enabled in rows:
        click.echo(f"{key}\t{slug or 'everywhere'}\t{_word(enabled)}")


@flag.command("set")
@click.argument("key")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--hotel", help="slug of the one hotel to set it for")
def set_flag(key: str, state: str, hotel: str | None) -> None:
    """Switch a flag on or off, everywhere or for one hotel."""
    if key not in DEFAULTS:
        raise BadInput("key", f"{key!r} is not a flag; known are {', '.join(sorted(DEFAULTS))}")
    switch(key, state == "on", by_slug(hotel).id if hotel else None)
    click.echo(f"{key} {state} {'for ' + hotel if hotel else 'everywhere'}")


def _word(enabled: bool) -> str:
    return "on" if enabled else "off"
