"""`flask hotel`, `flask demo`, `flask knowledge`."""

from __future__ import annotations

import re

import click
from flask_babel import force_locale
from sqlalchemy import select

from hotel_agent.audit.recording import record
from hotel_agent.cli import Group
from hotel_agent.config import settings
from hotel_agent.conversations import missing
from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.hotels import changing, telling
from hotel_agent.hotels.changing import LANGUAGES
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel, HotelIdentifier, Knowledge
from hotel_agent.hotels.opening import WEEKDAYS
from hotel_agent.staff import accounts
from workers import nudges

CHOICES = {"timezone": changing.zones, "currency": changing.currencies, "country": changing.countries}

_HOW_TO_SET = f"""Change settings of a hotel; an empty VALUE clears one. Secrets are encrypted before they are kept.

Settings: {", ".join(changing.names())}.

Hours of the front desk: front_desk.mon=08:00-14:00,16:00-22:00 (DAY is {", ".join(WEEKDAYS)}), front_desk.sun=closed,
holiday.2026-12-25=closed; hours such as 22:00-06:00 go past midnight. What guests should do until somebody comes, in
each language: guidance.medical.es="…" (MATTER is {", ".join(changing.MATTERS)}).

Of a hotel whose rooms are kept here (pms=local): cancellation_fee and no_show_fee are first_night, nights:2,
percent:50, total or amount:30.00; non_refundable=yes: cancelling is never free and costs everything. tax.percent=10:
so much tax is in the prices, or comes on top with tax.added=yes; guests are told prices with it in any case."""

hotel = Group("hotel", help="Hotels: create, list, settings, WhatsApp numbers.")
demo = Group("demo", help="The demo hotels.")
knowledge = Group("knowledge", help="What a hotel says about itself.")


@hotel.command("create")
@click.argument("slug")
@click.argument("name")
@click.option("--timezone", default="Europe/Madrid", show_default=True)
@click.option("--currency", default="EUR", show_default=True)
@click.option("--country", default="ES", show_default=True)
@click.option("--language", default="es", show_default=True, type=click.Choice(LANGUAGES))
def create(slug: str, name: str, **columns: str) -> None:
    """Create a hotel, named by a SLUG of letters, digits and dashes."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{2,40}", slug):
        raise BadInput("slug", "a slug begins with a letter and has 3 to 41 small letters, digits or dashes")
    if db.session.scalar(select(Hotel.id).where(Hotel.slug == slug)):
        raise BadInput("slug", f"there is a hotel {slug!r} already")
    for key, problem in (("timezone", "time zone"), ("currency", "currency"), ("country", "country")):
        if columns[key] not in CHOICES[key]():
            raise BadInput(key, f"{columns[key]!r} is not a {problem}")
    row = Hotel(slug=slug, name=name, **columns)
    db.session.add(row)
    db.session.flush()
    record("hotel_created", slug, hotel_id=row.id)
    db.session.commit()
    click.echo(f"{slug} created")


@hotel.command("list")
def list_hotels() -> None:
    """List the hotels with their numbers."""
    numbers: dict[int, list[str]] = {}
    for hotel_id, value in db.session.execute(select(HotelIdentifier.hotel_id, HotelIdentifier.identifier_value)):
        numbers.setdefault(hotel_id, []).append(value)
    for row in db.session.scalars(select(Hotel).order_by(Hotel.slug)):
        click.echo(
            f"{row.slug}\t{row.name}\t{row.timezone}\t{row.currency}\t{row.pms}\t"
            f"{', '.join(numbers.get(row.id, [])) or 'no number'}"
        )


@hotel.command("set", help=_HOW_TO_SET)
@click.argument("slug")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
def set_values(slug: str, pairs: tuple[str, ...]) -> None:
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not changing.is_setting(key):
            raise BadInput("pair", f"{key!r} is not a setting; known are {', '.join(changing.names())}")
        given[key] = value
    with force_locale("en"):
        try:
            changing.change(by_slug(slug).id, given)
        except changing.Unfit as unfit:
            key, words = next(iter(unfit.problems.items()))
            raise BadInput(key, f"{key}: {words}") from None
    click.echo(f"{slug}: {', '.join(given)} set")


@hotel.command("add-number")
@click.argument("slug")
@click.argument("phone_number_id")
def add_number(slug: str, phone_number_id: str) -> None:
    """Let a hotel answer on the WhatsApp number with this PHONE_NUMBER_ID."""
    row = by_slug(slug)
    owner = db.session.scalar(
        select(Hotel.slug)
        .join(HotelIdentifier, HotelIdentifier.hotel_id == Hotel.id)
        .where(HotelIdentifier.channel == "whatsapp", HotelIdentifier.identifier_value == phone_number_id)
    )
    if owner is not None and owner != slug:
        raise BadInput("phone_number_id", f"{phone_number_id} belongs to {owner}")
    if owner is None:
        db.session.add(HotelIdentifier(hotel_id=row.id, channel="whatsapp", identifier_value=phone_number_id))
        record("number_added", phone_number_id, hotel_id=row.id)
        db.session.commit()
    click.echo(f"{slug} answers on {phone_number_id}")


DEMO_ACCOUNTS = (
    ("ana@miramar.example", "Ana", "miramar", "reception"),
    ("luis@miramar.example", "Luis", "miramar", "manager"),
    ("eva@miramar.example", "Eva", "miramar", "admin"),
    ("olga@miramar.example", "Olga", "miramar", "ops"),
    ("oscar@andes.example", "Oscar", "andes", "reception"),
)


@demo.command("load")
def load() -> None:
    """Load the demo hotels: rooms, rates, reservations, knowledge, accounts. Loading again changes nothing."""
    from hotel_agent.hotels.demo import load_demo

    if settings().app_env == "production":
        raise BadInput("APP_ENV", "the demo hotels are not loaded in production")
    load_demo()
    password = settings().demo_staff_password
    for email, name, slug, role in DEMO_ACCOUNTS:
        account = accounts.put(email, by_slug(slug).id, role, name)
        if password is not None:
            accounts.keep_in_step(account, password)
    click.echo("demo hotels loaded: miramar, andes")
    if password is None:
        click.echo("the accounts have no password; set DEMO_STAFF_PASSWORD and load again")


@knowledge.command("list")
@click.argument("slug")
@click.argument("topic", required=False)
def list_knowledge(slug: str, topic: str | None) -> None:
    """List what a hotel says, or what it says about one TOPIC."""
    query = (
        select(Knowledge).where(Knowledge.hotel_id == by_slug(slug).id).order_by(Knowledge.topic, Knowledge.language)
    )
    for row in db.session.scalars(query.where(Knowledge.topic == topic) if topic else query):
        click.echo(f"{row.topic}\t{row.language}\t{row.text}")


@knowledge.command("set")
@click.argument("slug")
@click.argument("topic")
@click.argument("language", metavar="LANG")
@click.argument("text")
def set_knowledge(slug: str, topic: str, language: str, text: str) -> None:
    """Set what a hotel says about a TOPIC (an intent such as ask_parking, or its own: piano_bar) in one LANG."""
    telling.set_text(by_slug(slug).id, topic, language, text)
    db.session.commit()
    click.echo(f"{slug}: {topic} ({language}) set")


@knowledge.command("missing")
@click.argument("slug")
def list_missing(slug: str) -> None:
    """List the questions of guests that wait for an answer: id, when, language, topic, guest, question."""
    for row, guest in missing.listed(by_slug(slug).id):
        about = f"{row.language}\t{row.topic or '-'}\t{guest or '-'}"
        click.echo(f"{row.id}\t{row.created_at:%Y-%m-%d %H:%M}\t{about}\t{row.question}")


@knowledge.command("answer")
@click.argument("missing_id", metavar="ID", type=int)
@click.argument("text")
@click.option("--topic", help="keep TEXT under this topic too, so that the next guest who asks is answered")
@click.option("--language", help="the language that TEXT is written in, if not the guest's: es, en or pt")
def answer_missing(missing_id: int, text: str, topic: str | None, language: str | None) -> None:
    """Answer the question with this ID (see `knowledge missing`): its guest is told TEXT."""
    settled = missing.answer(
        missing_id, text, None, hotel_id=missing.hotel_of(missing_id), topic=topic, language=language
    )
    if settled.told:
        nudges.send(settled.conversation_id)
    told = "the guest is told" if settled.told else "the guest is NOT told: WhatsApp's 24-hour window is closed"
    click.echo(f"question {missing_id} answered, {told}" + (f"; kept as {settled.kept}" if settled.kept else ""))


@knowledge.command("dismiss")
@click.argument("missing_id", metavar="ID", type=int)
def dismiss_missing(missing_id: int) -> None:
    """Take the question with this ID from the list without an answer; the guest hears nothing."""
    missing.dismiss(missing_id, None, hotel_id=missing.hotel_of(missing_id))
    click.echo(f"question {missing_id} dismissed")
