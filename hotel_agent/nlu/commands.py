"""`flask nlu`: what the engine makes of a text, and why."""

from __future__ import annotations

import json
from datetime import date

import click

from hotel_agent.cli import Group
from hotel_agent.errors import BadInput

nlu = Group("nlu", help="The engine that understands guests.")


@nlu.command("try")
@click.argument("text")
@click.option("--hotel", "slug", help="slug of the hotel whose room types, country and date are used")
@click.option("--today", help="the date to understand it on, YYYY-MM-DD")
@click.option("--language", type=click.Choice(["es", "en", "pt"]), help="the conversation's language so far")
@click.option("--expected", help="what was just asked, such as dates or adults")
def try_text(text: str, slug: str | None, today: str | None, language: str | None, expected: str | None) -> None:
    """Show what was understood in a guest's TEXT."""
    from hotel_agent.nlu import EXPECTED, Hints, understand

    if expected is not None and expected not in EXPECTED:
        raise BadInput("expected", f"--expected is one of {', '.join(sorted(EXPECTED))}")
    hints, day = _hints(slug, language, expected)
    if today:
        try:
            day = date.fromisoformat(today)
        except ValueError:
            raise BadInput("today", "--today is a date as YYYY-MM-DD") from None
    found = understand(text, day, Hints(**hints))
    shown = {
        "language": found.language,
        "intents": [{"intent": scored.intent, "confidence": round(scored.confidence, 3)} for scored in found.intents],
        "entities": dict(found.entities),
        "ambiguous": list(found.ambiguous),
        "problems": list(found.problems),
    }
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


def _hints(slug: str | None, language: str | None, expected: str | None) -> tuple[dict[str, object], date]:
    from hotel_agent.db import utcnow

    hints: dict[str, object] = {"language": language, "expected": expected}
    if slug is None:
        return hints, utcnow().date()
    from hotel_agent.reservations.quoting import room_kinds
    from hotel_agent.hotels.finding import by_slug

    hotel = by_slug(slug)
    return hints | {"country": hotel.country, "room_types": {kind.code: kind.words for kind in room_kinds(hotel)}}, hotel.today()
