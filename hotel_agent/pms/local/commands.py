"""`flask season`, `flask closure`, `flask room`, `flask room-type`: the rooms of a hotel that keeps them here."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from click.core import ParameterSource

from hotel_agent.audit.recording import record
from hotel_agent.cli import Group
from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.local import closing, rooms, seasons
from hotel_agent.reservations import desk

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

season = Group("season", help="Seasons: other prices and minimum stays for some nights.")
closure = Group("closure", help="Days on which nothing is sold, nobody can arrive, or nobody can leave.")
room = Group("room", help="Rooms: list, add, out of order, clean.")
room_type = Group("room-type", help="Kinds of room, and their prices outside of seasons.")


class Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007  A day has no zone.
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2027-07-01", param, ctx)


DAY = Day()


def _own(slug: str) -> Hotel:
    """A hotel whose rooms are kept here."""
    hotel = by_slug(slug)
    if hotel.pms != "local":
        raise BadInput("hotel", f"the rooms of {slug} are kept in {hotel.pms}: this is done there")
    return hotel


def _amount(words: str) -> Decimal:
    try:
        amount = Decimal(words)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise BadInput("price", f"{words!r} is not a price such as 95.00")
    return amount


# Seasons


@season.command("set")
@click.argument("slug")
@click.argument("name")
@click.option("--from", "first", type=DAY, required=True, help="the first night")
@click.option("--to", "last", type=DAY, required=True, help="the last night, which is within it")
@click.option("--days", default=",".join(DAYS), show_default=True, help="only the nights of these days of the week")
@click.option("--price", "prices", multiple=True, metavar="TYPE=PRICE", help="a kind of room and its price; repeat it")
@click.option("--min-stay", type=int, help="the least number of nights of a stay that begins within it")
def set_season(
    slug: str, name: str, first: date, last: date, days: str, prices: tuple[str, ...], min_stay: int | None
) -> None:
    """Make a season, or change the one of that NAME, whole.

    Of two seasons over one night the one made later wins, each for what it says. A kind of room without a price keeps
    the one that it has. The minimum stay is for the kinds with a price here, or for all where there is none.
    """
    hotel = _own(slug)
    wanted = seasons.Season(name.strip(), first, last, _days(days), _prices(prices), min_stay)
    is_new = seasons.put(hotel, wanted)
    told = {kind: str(price) for kind, price in (wanted.prices or {}).items()}
    _note("season_set", name, hotel, first=first, last=last, prices=told, min_stay=min_stay)
    click.echo(f"{slug}: season {name} {'made' if is_new else 'changed'}, {first} to {last}")
    for other, wins in seasons.met(hotel, wanted):
        first_place, second = (other, wanted.name) if wins else (wanted.name, other)
        click.echo(f"{first_place} wins over {second} on the nights that they share")


@season.command("list")
@click.argument("slug")
def list_seasons(slug: str) -> None:
    """List the seasons in the order in which they were made: a later one wins."""
    for one in seasons.of_hotel(_own(slug)):
        days = "" if one.weekdays == seasons.WEEK else ",".join(DAYS[day - 1] for day in one.weekdays)
        prices = " ".join(f"{kind}={price}" for kind, price in sorted((one.prices or {}).items()))
        nights = f"at least {one.min_stay} nights" if one.min_stay else ""
        click.echo(
            "\t".join((one.name, f"{one.first} to {one.last}", days or "every day", prices or "-", nights or "-"))
        )


@season.command("remove")
@click.argument("slug")
@click.argument("name")
def remove_season(slug: str, name: str) -> None:
    """Take a season away: its nights cost what they did without it. What is booked stays as it was booked."""
    hotel = _own(slug)
    seasons.remove(hotel, name)
    _note("season_removed", name, hotel)
    click.echo(f"{slug}: season {name} removed")


def _days(words: str) -> tuple[int, ...]:
    named = [word.strip() for word in words.lower().split(",") if word.strip()]
    unknown = [word for word in named if word not in DAYS]
    if unknown or not named:
        raise BadInput("days", f"{words!r}: give days such as fri,sat out of {','.join(DAYS)}")
    return tuple(sorted({DAYS.index(word) + 1 for word in named}))


def _prices(pairs: tuple[str, ...]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for pair in pairs:
        kind, equals, amount = pair.partition("=")
        if not equals or not kind:
            raise BadInput("prices", f"{pair!r} is not of the form doble=120.00")
        found[kind] = _amount(amount)
    return found


# Closed days


@closure.command("add")
@click.argument("slug")
@click.option("--from", "first", type=DAY, required=True, help="the first day")
@click.option("--to", "last", type=DAY, required=True, help="the last day, which is within it")
@click.option("--for", "kind", type=click.Choice(closing.KINDS), default="sale", show_default=True)
@click.option("--room-type", help="only this kind of room; otherwise all")
@click.option("--reason", default="", help="for colleagues")
def add_closure(slug: str, first: date, last: date, kind: str, room_type: str | None, reason: str) -> None:
    """Close nights for sale, or days for arrivals or departures. What is booked stays booked."""
    hotel = _own(slug)
    number = closing.close(hotel, kind, first, last, room_type, reason)
    _note("days_closed", str(number), hotel, kind=kind, first=first, last=last, room_type=room_type, reason=reason)
    click.echo(f"{slug}: closed for {kind}, {first} to {last} (closure {number})")


@closure.command("list")
@click.argument("slug")
def list_closures(slug: str) -> None:
    """List the closures that are not over: number, days, what for, kind of room, reason."""
    hotel = _own(slug)
    for one in closing.of_hotel(hotel, hotel.today()):
        about = (one.kind, one.room_type or "all", one.reason or "-")
        click.echo("\t".join((str(one.id), f"{one.first} to {one.last}", *about)))


@closure.command("remove")
@click.argument("slug")
@click.argument("number", type=int)
def remove_closure(slug: str, number: int) -> None:
    """Take the closure with this NUMBER back (see `closure list`)."""
    hotel = _own(slug)
    closing.open_again(hotel, number)
    _note("days_opened", str(number), hotel)
    click.echo(f"{slug}: closure {number} removed")


# Rooms


@room.command("list")
@click.argument("slug")
def list_rooms(slug: str) -> None:
    """List the rooms: number, kind, occupied or not, in order or not, clean or not; then what is out of order when."""
    hotel = _own(slug)
    for one in rooms.status_of_all(hotel):
        states = ("occupied" if one.occupied else "vacant", "out of order" if one.out_of_order else "in order")
        click.echo("\t".join((one.number, one.kind, *states, one.housekeeping)))
    for out in rooms.outages(hotel, hotel.today()):
        back = f"back on {out.until}" if out.until else "until further notice"
        click.echo(f"{out.number} is out of order from {out.first}, {back}{': ' + out.reason if out.reason else ''}")


@room.command("add")
@click.argument("slug")
@click.argument("kind", metavar="TYPE")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
def add_rooms(slug: str, kind: str, numbers: tuple[str, ...]) -> None:
    """Add rooms of a kind; those that are there stay as they are."""
    hotel = _own(slug)
    added = rooms.add_rooms(hotel, kind, list(numbers))
    if added:
        _note("rooms_added", kind, hotel, count=added)
    click.echo(f"{slug}: {added} of {len(numbers)} rooms added")


@room.command("out-of-order")
@click.argument("slug")
@click.argument("number")
@click.option("--from", "first", type=DAY, help="the first night; otherwise tonight")
@click.option("--until", type=DAY, help="the day on which it can be let again; otherwise until further notice")
@click.option("--reason", default="", help="for colleagues")
def out_of_order(slug: str, number: str, first: date | None, until: date | None, reason: str) -> None:
    """Let a room to nobody for some nights. The bookings that have it then are told: they keep it until moved."""
    hotel = _own(slug)
    affected = _desk(lambda: desk.put_out_of_order(hotel, number, first or hotel.today(), until, reason))
    click.echo(f"{slug}: room {number} is out of order from {first or hotel.today()}")
    for one in affected:
        click.echo(f"booking {one.code} has room {number} from {one.check_in} to {one.check_out}: move it")


@room.command("back")
@click.argument("slug")
@click.argument("number")
def back(slug: str, number: str) -> None:
    """Let a room again from today on."""
    hotel = _own(slug)
    changed = _desk(lambda: desk.back_in_order(hotel, number))
    click.echo(f"{slug}: room {number} {'is back in order' if changed else 'was in order'}")


@room.command("mark")
@click.argument("slug")
@click.argument("number")
@click.argument("housekeeping", type=click.Choice(rooms.HOUSEKEEPING), metavar="|".join(rooms.HOUSEKEEPING))
def mark(slug: str, number: str, housekeeping: str) -> None:
    """Say that a room is clean, dirty or inspected; a check-out makes it dirty."""
    hotel = _own(slug)
    _desk(lambda: desk.mark_room(hotel, number, housekeeping))
    click.echo(f"{slug}: room {number} is {housekeeping}")


def _desk(work: Any) -> Any:
    try:
        return work()
    except desk.Refused as refusal:
        raise click.ClickException(str(refusal)) from None


# Kinds of room


@room_type.command("set")
@click.argument("slug")
@click.argument("code")
@click.option("--capacity", type=int, help="how many persons it takes")
@click.option(
    "--name", "names", multiple=True, metavar="LANG=NAME", help="what it is called, such as es=Doble; repeat it"
)
@click.option("--position", type=int, help="its place among the others")
@click.pass_context
def set_type(
    ctx: click.Context, slug: str, code: str, capacity: int | None, names: tuple[str, ...], position: int | None
) -> None:
    """Make a kind of room, or change what is given of it."""
    hotel = _own(slug)
    is_new = rooms.put_type(hotel, code, capacity, _names(names), position)
    given = [name for name in ("capacity", "names", "position") if _is_given(ctx, name)]
    _note("room_type_set", code, hotel, changed=given)
    click.echo(f"{slug}: kind of room {code} {'made' if is_new else 'changed'}")


@room_type.command("price")
@click.argument("slug")
@click.argument("code")
@click.argument("price")
@click.option("--from", "first", type=DAY, help="the first night; otherwise tonight")
@click.option("--to", "last", type=DAY, required=True, help="the last night; later ones are not for sale until priced")
def price(slug: str, code: str, price: str, first: date | None, last: date) -> None:
    """Set the price of a night in a kind of room outside of seasons; a night without a price is not for sale."""
    hotel = _own(slug)
    begin = first or hotel.today()
    count = seasons.set_price(hotel, code, _amount(price), begin, last)
    _note("price_set", code, hotel, price=price, first=begin, last=last)
    click.echo(f"{slug}: {code} costs {price} for {count} nights, {begin} to {last}")


@room_type.command("list")
@click.argument("slug")
def list_types(slug: str) -> None:
    """List the kinds of room: code, name, persons, rooms, the price of tonight, and until when nights are for sale."""
    hotel = _own(slug)
    for one in rooms.types(hotel):
        name = one.names.get(hotel.language) or one.code
        tonight = f"{one.price} {hotel.currency}" if one.price is not None else "-"
        click.echo("\t".join((one.code, name, str(one.capacity), str(one.rooms), tonight, f"until {one.last or '-'}")))


def _names(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        language, equals, words = pair.partition("=")
        if not equals or language not in ("es", "en", "pt") or not words.strip():
            raise BadInput("names", f"{pair!r} is not of the form es=Doble (es, en or pt)")
        found[language] = words.strip()
    return found


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE


def _note(action: str, subject: str, hotel: Hotel, **details: Any) -> None:
    record(action, subject, hotel_id=hotel.id, **details)
    db.session.commit()
