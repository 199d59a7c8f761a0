"""`flask inbox`: what could not be taken in; `flask nlu`: what a text is taken for; `flask request`: guests' wishes;
`flask hold`: rooms that are kept for them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

import click
from sqlalchemy import select

from hotel_agent.audit.recording import COMMAND
from hotel_agent.cli import Group
from hotel_agent.conversations import guest_requests, holds, proactive
from hotel_agent.conversations.models import WebhookFailure
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from hotel_agent.locks import telling
from hotel_agent.operations import failures as webhook_failures
from hotel_agent.pms.local.models import Reservation
from hotel_agent.reservations.booking import normal_code
from hotel_agent.reservations.quoting import room_kinds
from workers import nudges

if TYPE_CHECKING:
    from hotel_agent.nlu import Hints

inbox = Group("inbox", help="Webhook bodies that could not be taken in.")


@inbox.command("failures")
def failures() -> None:
    """List what waits to be looked at."""
    rows = db.session.scalars(
        select(WebhookFailure).where(WebhookFailure.resolved_at.is_(None)).order_by(WebhookFailure.id).limit(200)
    )
    for row in rows:
        click.echo(f"{row.id}\t{row.created_at:%Y-%m-%d %H:%M}\t{row.reason}\t{row.detail}")


@inbox.command("replay")
@click.argument("ids", nargs=-1, type=int)
def replay(ids: tuple[int, ...]) -> None:
    """Take failed bodies in again: those of the IDS that `flask inbox failures` shows, or all but the unreadable."""
    count = webhook_failures.replay(ids or None)
    click.echo(f"{count} put back to be taken in; what fails again is listed anew by `flask inbox failures`")
    if count < len(set(ids)):
        raise click.ClickException("some of those ids do not wait to be replayed")


nlu = Group("nlu", help="The engine that understands guests.")


@nlu.command("try")
@click.argument("text")
@click.option("--hotel", "slug", help="slug of the hotel whose room types, country and date are used")
@click.option("--today", help="the date to understand it on, YYYY-MM-DD")
@click.option("--language", type=click.Choice(["es", "en", "pt"]), help="the conversation's language so far")
@click.option("--expected", help="what was just asked, such as dates or adults")
def try_text(text: str, slug: str | None, today: str | None, language: str | None, expected: str | None) -> None:
    """Show what was understood in a guest's TEXT, and why.

    `why` lists, for each intent, what spoke loudest for it: 'words', …letters…, [phrases of the word lists] and the
    meaning of the whole, in log-odds. `in_scope` is the chance that the message is for a hotel's front desk at all.
    """
    from hotel_agent.nlu import EXPECTED, engine, understand
    from hotel_agent.nlu.explaining import explain

    if expected is not None and expected not in EXPECTED:
        raise BadInput("expected", f"--expected is one of {', '.join(sorted(EXPECTED))}")
    hints, day = _hints(slug, language, expected)
    if today:
        try:
            day = date.fromisoformat(today)
        except ValueError:
            raise BadInput("today", "--today is a date as YYYY-MM-DD") from None
    found = understand(text, day, hints)
    shown = {
        "language": found.language,
        "intents": [{"intent": one.intent, "confidence": round(one.confidence, 3)} for one in found.intents],
        "entities": dict(found.entities),
        "ambiguous": list(found.ambiguous),
        "problems": list(found.problems),
        "why": explain(text, day, hints, found),
        "engine": engine(),
    }
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


def _hints(slug: str | None, language: str | None, expected: str | None) -> tuple[Hints, date]:
    """The engine is loaded only by the command that needs it, not by everything that has commands."""
    from hotel_agent.nlu import Hints

    if slug is None:
        return Hints(language=language, expected=expected), utcnow().date()
    hotel = by_slug(slug)
    words = {kind.code: kind.words for kind in room_kinds(hotel)}
    hints = Hints(language, hotel.country, words, expected, alarms=hotel.emergency_words)
    return hints, hotel.today()


request = Group("request", help="What guests asked people of the hotel to do.")


@request.command("list")
@click.argument("slug")
@click.option("--all", "also_closed", is_flag=True, help="the latest hundred, closed ones too")
def list_requests(slug: str, also_closed: bool) -> None:
    """List what is open: id, when, status, kind, room, guest, and what they wrote."""
    for row, guest in guest_requests.listed(by_slug(slug).id, also_closed=also_closed):
        click.echo(
            f"{row.id}\t{row.created_at:%Y-%m-%d %H:%M}\t{row.status}\t{row.kind}\t{row.room or '-'}\t{guest or '-'}"
            f"\t{row.words}"
        )


@request.command("close")
@click.argument("request_id", metavar="ID", type=int)
def close_request(request_id: int) -> None:
    """Say that the request with this ID (see `request list`) is done: its guest is told."""
    settled = guest_requests.close(request_id, None, hotel_id=guest_requests.hotel_of(request_id))
    if settled.again:
        click.echo(f"request {request_id} was done already")
        return
    if settled.told:
        nudges.send(settled.conversation_id)
    told = "the guest is told" if settled.told else "the guest is NOT told: WhatsApp's 24-hour window is closed"
    click.echo(f"request {request_id} done, {told}")


proactive_group = Group("proactive", help="What hotels write to guests by themselves.")


@proactive_group.command("due")
@click.argument("slug")
@click.option("--now", "moment", help="as if it were then: YYYY-MM-DDTHH:MM by the hotel's clock, or with a zone")
def due(slug: str, moment: str | None) -> None:
    """List the bookings that a message may concern now: its kind, the code, and "due" or why it is not sent."""
    hotel = by_slug(slug)
    try:
        now = datetime.fromisoformat(moment) if moment else utcnow()
    except ValueError:
        raise BadInput("now", "--now is a moment as YYYY-MM-DDTHH:MM") from None
    now = now if now.tzinfo else now.replace(tzinfo=hotel.zone)
    if not proactive.is_day(hotel, now):
        click.echo(f"nobody is written to at {now.astimezone(hotel.zone):%H:%M}, by the hotel's clock", err=True)
    for case in proactive.considered(hotel, now):
        click.echo(f"{case.kind}\t{case.row.code}\t{case.why_not or 'due'}")


hold_group = Group("hold", help="Rooms that are kept for guests who decide.")


@hold_group.command("list")
@click.argument("slug")
def list_holds(slug: str) -> None:
    """List what is kept now: key, until when (UTC), guest, rooms, stay, how often it was extended, and by whom."""
    for held in holds.live(by_slug(slug).id):
        where = "pms" if held.at_pms else "here"
        click.echo(
            f"{held.hold_key}\t{held.expires_at:%Y-%m-%d %H:%M:%S}\t{held.guest or '-'}\t{','.join(held.rooms) or '-'}"
            f"\t{held.check_in}/{held.check_out}\t{held.extensions}\t{where}"
        )


@hold_group.command("release")
@click.argument("slug")
@click.argument("key")
@click.option("--reason", required=True, help="why, for colleagues; it stays on record")
def release_hold(slug: str, key: str, reason: str) -> None:
    """Let what is kept under this KEY (see `hold list`) go. The guest is not told."""
    try:
        holds.release(by_slug(slug), key, holds.By(None, COMMAND), reason)
    except holds.NotDone as no:
        raise click.ClickException(_NOT_DONE.get(no.reason, f"the PMS refuses: {no.reason}")) from None
    click.echo(f"hold {key} let go")


_NOT_DONE = {
    "over": "it is not kept any more, or it is booked",
    "pms_away": "the PMS does not answer: try again",
}


@hold_group.command("trail")
@click.argument("code_or_key", metavar="CODE|KEY")
def trail(code_or_key: str) -> None:
    """Tell what became of a booking's rooms (by its CODE), or of a hold (by its KEY): when (UTC), what, who, why."""
    steps = _steps_of(code_or_key)
    if not steps:
        raise NotFound(f"nothing is on record of {code_or_key}")
    for step in steps:
        row = step.after or step.before
        room = "pms" if step.at_pms else f"room {row.get('resource_id')}"
        stay = f"{row.get('check_in')}/{row.get('check_out')}"
        click.echo(f"{step.at:%Y-%m-%d %H:%M:%S}\t{step.action}\t{step.who}\t{room}\t{stay}\t{step.why}")


def _steps_of(code_or_key: str) -> tuple[telling.Step, ...]:
    booking = db.session.execute(
        select(Reservation.hotel_id, Reservation.id).where(Reservation.code == normal_code(code_or_key))
    ).first()
    if booking is not None:
        return telling.of_reservation(booking.hotel_id, booking.id)
    hotel_id = telling.hotel_of(code_or_key)
    return telling.of_hold(hotel_id, code_or_key) if hotel_id is not None else ()
