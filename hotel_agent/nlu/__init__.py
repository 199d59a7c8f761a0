"""What does a guest mean? Pure: no database, no network, no Flask.

`understand` reads one message: language, then contacts, times, people, rooms and dates are taken out of the
line one after the other (what is understood is blotted out, so that nothing is read twice), then the wish is
weighed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hotel_agent.nlu import encoder, second_reader
from hotel_agent.nlu.alarms import is_told
from hotel_agent.nlu.arbiter import find_stay
from hotel_agent.nlu.contacts import find_contacts, find_name
from hotel_agent.nlu.dates import Stay
from hotel_agent.nlu.day_spelling import plain_days
from hotel_agent.nlu.intents import SURE, find_intents
from hotel_agent.nlu.language import detect
from hotel_agent.nlu.model import model
from hotel_agent.nlu.people import find_party
from hotel_agent.nlu.rooms import find_choice, find_room_type
from hotel_agent.nlu.text import LONGEST, tidy
from hotel_agent.nlu.times import find_time
from hotel_agent.nlu.understanding import EXPECTED, Hints, Scored, Understanding

__all__ = ["EXPECTED", "Hints", "Scored", "Understanding", "engine", "understand"]

_NO_HINTS = Hints()
_NOT_BESIDE_AN_ALARM = ("emergency", "out_of_scope")
_HAVE_DAYS_OF_THEIR_OWN = {
    "greet",
    "order_room_service",
    "request_housekeeping",
    "report_problem",
    "ask_restaurant",
    "ask_gym_spa",
    "ask_recommendation",
}
_TALKS = {
    "greet",
    "thank",
    "goodbye",
    "affirm",
    "deny",
    "talk_to_human",
    "cancel_reservation",
    "opt_out",
    "emergency",
}


def understand(text: str, today: date, hints: Hints = _NO_HINTS) -> Understanding:
    """What one message says. `today` is the hotel's date; never raises, whatever the text."""
    text = text[:LONGEST].encode("utf-8", "replace").decode()  # JSON may bring halves of characters.
    contacts, readable = find_contacts(text, hints.expected)
    language = detect(readable, hints.language, hints.presumed)
    line = plain_days(tidy(readable, language), language)
    entities: dict[str, Any] = {}
    ambiguous: list[str] = []

    choice = find_choice(line, hints.expected == "choose_offer")
    moment = find_time(line, language)
    party = find_party(moment.line, hints.expected)
    answers_with_choice = choice is not None and hints.expected == "choose_offer"
    stay = (
        Stay()
        if answers_with_choice and len(line.split()) <= 4
        else find_stay(party.line, today, language, hints.country, hints.expected, hints.around)
    )
    room_type, two_rooms, _ = find_room_type(line, hints.room_types)

    entities["check_in"] = stay.check_in.isoformat() if stay.check_in else None
    entities["check_out"] = stay.check_out.isoformat() if stay.check_out else None
    entities["nights"] = stay.nights
    entities["adults"], entities["children"] = party.adults, party.children
    entities["children_ages"], entities["babies"] = party.ages or None, party.babies
    entities["rooms"] = party.rooms
    entities["room_type"] = room_type
    entities["time"] = moment.time
    entities["email"], entities["phone"], entities["booking_code"] = (
        contacts.email,
        contacts.phone,
        contacts.booking_code,
    )
    entities["choice"] = choice
    entities["language"] = _asked_language(line)
    ambiguous += [*stay.ambiguous, *party.ambiguous, *moment.ambiguous, *(["room_type"] if two_rooms else [])]

    known = {name for name, value in entities.items() if value is not None} | ({"check_in"} if stay.seen else set())
    intents = find_intents(line, language, known, hints.expected, text)
    asked_name = hints.expected in ("name", "surname")
    may_be_bare = (
        not stay.seen
        and party.adults is None
        and (
            intents[0].intent not in _TALKS
            or intents[0].confidence < 0.6
            or (asked_name and intents[0].intent == "greet")
        )
        and (intents[0].intent in ("inform", "out_of_scope", "greet") or intents[0].confidence < 0.8)
    )
    entities["name"], entities["surname"] = find_name(readable, hints.expected, may_be_bare)
    if entities["name"] or entities["surname"]:
        names = {name for name, value in entities.items() if value is not None}
        if asked_name or not known:
            intents = find_intents(line, language, known | names, hints.expected, text)
    if is_told(text, hints.alarms):
        intents = (Scored("emergency", 1.0), *(one for one in intents if one.intent not in _NOT_BESIDE_AN_ALARM))
    entities = {name: value for name, value in entities.items() if value is not None}
    if hints.expected is None and _is_a_day_of_something_else(intents, entities):
        del entities["check_in"]
    return Understanding(
        language,
        intents,
        entities,
        tuple(name for name in dict.fromkeys(ambiguous) if name not in entities or name in ("nights",)),
        stay.problems,
        _as_text(stay.turned_round),
    )


def _is_a_day_of_something_else(intents: tuple[Scored, ...], entities: dict[str, Any]) -> bool:
    """ "Breakfast to the room tomorrow", "a table on Saturday": a lone day beside such a wish is no arrival."""
    wishes = {one.intent for one in intents if one.confidence >= SURE}
    a_lone_day = "check_in" in entities and not {"check_out", "nights"} & set(entities)
    return a_lone_day and bool(wishes) and wishes <= _HAVE_DAYS_OF_THEIR_OWN


def engine() -> dict[str, str]:
    """What is at work in this process: the encoder and the second reader of dates ("none" where their package is
    missing), and the hash of the data that the model was made of."""
    return {"encoder": encoder.name(), "second_reader": second_reader.name(), "model": model().data[:12]}


def _as_text(days: tuple[date, date] | None) -> tuple[str, str] | None:
    return (days[0].isoformat(), days[1].isoformat()) if days else None


_LANGUAGE_ASKED = (
    (
        "en",
        re.compile(
            r"\b(?:in english|english please|speak english"
            r"|e[nm] ingles|(?:habl|fal)a\w* ingles)\b"
        ),
    ),
    (
        "es",
        re.compile(
            r"\b(?:in spanish|spanish please|speak spanish"
            r"|e[nm] espanh?ol|(?:habl|fal)a\w* espanh?ol|en castellano)\b"
        ),
    ),
    (
        "pt",
        re.compile(
            r"\b(?:in portuguese|portuguese please|speak portuguese"
            r"|e[nm] portugues|(?:habl|fal)a\w* portugues)\b"
        ),
    ),
)


def _asked_language(line: str) -> str | None:
    """The language a guest asks to be answered in."""
    return next((code for code, pattern in _LANGUAGE_ASKED if pattern.search(line)), None)
