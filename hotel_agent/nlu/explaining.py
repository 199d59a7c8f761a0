"""Why a message was understood as it was: for `flask nlu try`."""

from __future__ import annotations

from datetime import date
from typing import Any

from hotel_agent.nlu import dates, second_reader
from hotel_agent.nlu.alarms import is_told
from hotel_agent.nlu.contacts import find_contacts
from hotel_agent.nlu.intents import IN_SCOPE, as_weighed
from hotel_agent.nlu.model import OUT_OF_SCOPE, model, weigh
from hotel_agent.nlu.text import LONGEST, tidy
from hotel_agent.nlu.understanding import Hints, Understanding


def explain(text: str, today: date, hints: Hints, understood: Understanding) -> dict[str, Any]:
    """The tidied line, what spoke for each intent that was told, and what each reader of dates sees in the line."""
    language = understood.language
    _, readable = find_contacts(text[:LONGEST], hints.expected)
    line, text = tidy(readable, language), as_weighed(text[:LONGEST])
    weighed = weigh(text, language)
    reasons = {scored.intent: _reasons(text, language, scored.intent) for scored in understood.intents}
    if is_told(text, hints.alarms):
        reasons["emergency"] = ["one of the hotel's own words for an emergency"]
    return {
        "line": line,
        "in_scope": round(weighed.in_scope, 3),
        "intents": reasons,
        "order": [f"{wish.intent} in part {wish.clause + 1}" for wish in weighed.wishes],
        "dates": {
            "own grammar": _own(line, today, language, hints),
            second_reader.name(): [
                f"{line[one.start : one.end]}: {' to '.join(day.isoformat() for day in one.days)}"
                for one in second_reader.readings(line, today, language, hints.country)
            ],
        },
    }


def _reasons(text: str, language: str, intent: str) -> list[str]:
    weighed = weigh(text, language)
    if intent == OUT_OF_SCOPE and weighed.in_scope < IN_SCOPE:
        return [f"the chance of being for a hotel is below {IN_SCOPE}"]
    if intent not in {wish.intent for wish in weighed.wishes}:
        return ["what was asked before, the details told, or a plain phrase"]
    return [f"{what} {part:+.2f}" for what, part in model().why(text, language, intent)]


def _own(line: str, today: date, language: str, hints: Hints) -> str:
    stay = dates.find_stay(line, today, language, hints.country, hints.expected, hints.around)
    said = {
        "arrival": stay.check_in,
        "departure": stay.check_out,
        "nights": stay.nights,
        "two readings of": ", ".join(stay.ambiguous),
        "problem": ", ".join(stay.problems),
    }
    return ", ".join(f"{name} {value}" for name, value in said.items() if value) or "nothing"
