"""What a stay needs: arrival, departure or nights, adults; in any order, the missing are asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hotel_agent.channels.whatsapp.limits import Choice
from hotel_agent.conversations.dialogue import Draft
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.day_words import month_named
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import Party
from hotel_agent.reservations.quoting import BadStay, LeastStay, check_party, check_stay

# What the vocabulary calls a kind of room that no word of the hotel's own resolved.
_UNRESOLVED = {"single", "double", "twin", "triple", "family", "suite"}

_MORE = re.compile(r"noches? (mas|adicional|extra)|(more|extra|another) night|noites? (a mais|extra)|mais \w+ noite")
_FEWER = re.compile(r"noches? menos|(less|fewer) night|nights? (less|fewer)|noites? a menos|menos \w+ noite")

# "Al final solo vamos 2": the children that were spoken of stay at home.
_NOBODY_ELSE = re.compile(
    r"\b(?:solo|solamente|nada mas|only|just|apenas|somente|so)\W+(?:\w+\W+){0,2}"
    r"(?:\d+|dos|tres|cuatro|two|three|four|dois|duas|tres|quatro|nosotros|nosotras|nos|us|yo|eu"
    r"|me)\b(?! (?:noch|night|noit|adult))"
    r"|\b(?:sin|without|sem|no) (?:los |las |the |as |os )?(?:nin[oa]s|kids|children|criancas|hijos|filhos)\b"
)

# "Reserva pra mim", "book it for me": who asks for it, and not how many come.
_FOR_ME = re.compile(
    r"\b(?:reserv[ae](?:la|lo|r|me)?|book|confirm\w*|faz|faca|guard\w+|segur[ae]|hold|keep|haz(?:la|lo)?|hace(?:la|lo)?)"
    r"(?: (?:it|that|this|one|isso|esse|essa|esta|este|a|o|la|lo|esa|eso))*(?: one)? (?:pra|para|for) (?:mim|mi|me)\b"
)

# "2 noches, que el sábado trabajo": a day that is named as a reason is no arrival.
_WEEKDAY = (
    r"(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|segunda|terca|quarta|quinta|sexta)(?:[- ]feira)?"
)
_BUSY = (
    r"(?:trabaj\w+|curr[oa]\w*|tengo|tenemos|vuel[vo]\w*|estoy ocupad\w+|work\w*|have|need to be|fly|trabalh\w+"
    r"|tenho|temos"
    r"|volto|am busy|estou ocupad\w+)"
)
_WHY_A_DAY = re.compile(
    rf"\b(?:que|porque|pues|as|because|since|cause|pois)\b[^.?!]{{0,12}}\b{_WEEKDAY}\W+(?:ya |i |we |eu "
    rf"|a gente )?{_BUSY}\b"
    rf"|\b(?:que|porque|pues|as|because|since|cause|pois)\b[^.?!]{{0,8}}\b{_BUSY}\b[^.?!]{{0,12}}\b{_WEEKDAY}\b"
)

STAY_DETAILS = frozenset(
    ["check_in", "check_out", "nights", "adults", "children", "children_ages", "babies", "room_type", "rooms"]
)


def learn(talk: Talk, heard: Mapping[str, Any], only_fill: bool = False) -> bool:
    """Take over what one message says of the stay; later words replace earlier ones. True if that is news.

    `only_fill` keeps what is known: the message was about something else.
    """
    draft = talk.state.booking
    before = replace(draft)
    told = {name: value for name, value in heard.items() if name in STAY_DETAILS and value is not None}
    if only_fill:
        told = {name: value for name, value in told.items() if not getattr(draft, _field_of(name))}
    if draft.check_in and told.get("nights") and _WHY_A_DAY.search(fold(talk.said.words)):
        told = {name: value for name, value in told.items() if name not in ("check_in", "check_out")}
    if told.get("adults") == 1 and (draft.adults or 1) > 1 and _FOR_ME.search(fold(talk.said.words)):
        del told["adults"]
    if talk.said.means("modify_reservation"):
        told = _with_more_nights(draft, told, fold(talk.said.words))
    _learn_dates(draft, told, talk.state.expected)
    _learn_party(draft, told, nobody_else=bool(_NOBODY_ELSE.search(fold(talk.said.words))))
    room_type = told.get("room_type")
    if room_type in talk.kinds:
        draft.room_type = room_type
    elif room_type is not None:
        draft.room_type = None
    draft.rooms = told.get("rooms", draft.rooms)
    changed = draft != before
    month = month_named(fold(talk.said.words), talk.heard_in, talk.turn.today)
    draft.around = draft.check_in or month or draft.around
    return changed


def _with_more_nights(draft: Draft, told: Mapping[str, Any], words: str) -> dict[str, Any]:
    """ "Una noche más" is counted from the nights that are known."""
    known = (draft.check_out - draft.check_in).days if draft.check_in and draft.check_out else None
    nights, dates = told.get("nights"), {"check_in", "check_out"} & set(told)
    if known is None or nights is None or dates:
        return dict(told)
    if _MORE.search(words):
        return {**told, "nights": known + nights}
    return {**told, "nights": max(known - nights, 1)} if _FEWER.search(words) else dict(told)


def unknown_type(talk: Talk, heard: Mapping[str, Any]) -> bool:
    """Whether the guest asked for a kind of room that this hotel does not have."""
    return heard.get("room_type") in _UNRESOLVED - set(talk.kinds)


def _field_of(name: str) -> str:
    return "ages" if name in ("children_ages", "babies") else name


def _learn_dates(draft: Draft, told: Mapping[str, Any], expected: str | None) -> None:
    arrival, departure, nights = _date(told, "check_in"), _date(told, "check_out"), told.get("nights")
    if expected == "check_out" and arrival and not departure and draft.check_in and arrival > draft.check_in:
        arrival, departure = None, arrival
    if arrival:
        draft.check_in = arrival
        overtaken = draft.check_out is not None and draft.check_out <= arrival
        if overtaken and not (departure or nights or draft.nights):
            draft.check_out = None
    if departure:
        draft.check_out = departure
        draft.nights = nights
    elif nights:
        draft.nights = nights
    if not departure and draft.nights and draft.check_in:
        draft.check_out = draft.check_in + timedelta(days=draft.nights)
    elif departure and draft.nights and not draft.check_in:
        draft.check_in = departure - timedelta(days=draft.nights)


def _date(told: Mapping[str, Any], name: str) -> date | None:
    value = told.get(name)
    return date.fromisoformat(value) if isinstance(value, str) else None


def _learn_party(draft: Draft, told: Mapping[str, Any], nobody_else: bool) -> None:
    if "adults" in told and nobody_else:
        draft.children, draft.ages = 0, []
    draft.adults = told.get("adults", draft.adults)
    draft.children = told.get("children", draft.children)
    if {"children_ages", "babies"} & set(told):
        # A baby of whom no age is told sleeps in a cot: that is what the word means.
        draft.ages = [*told.get("children_ages", ()), *[0] * told.get("babies", 0)]
        draft.children = max(draft.children, len(draft.ages))
    draft.ages = draft.ages[: draft.children]


def party_of(draft: Draft) -> Party:
    return Party(draft.adults or 0, draft.children, tuple(draft.ages))


def unclear(talk: Talk) -> Part | None:
    """Asks about what can be read in two ways, and about days that do not exist."""
    if "no_such_date" in talk.said.whole.problems:
        return talk.ask("dates", "stay.no_such_date")
    ambiguous = set(talk.said.whole.ambiguous) - set(talk.said.entities)
    if ambiguous & {"check_in", "check_out", "nights"}:
        return talk.ask("dates", "stay.ambiguous_dates")
    if ambiguous & {"adults", "children", "rooms"}:
        return talk.ask("party", "stay.ambiguous_people")
    return None


def impossible(talk: Talk) -> Part | None:
    """Says kindly what cannot be in the details known so far, and asks for that again."""
    draft = talk.state.booking
    try:
        if draft.check_in and draft.check_out:
            check_stay(talk.hotel, draft.check_in, draft.check_out, talk.turn.today)
        elif draft.check_in and draft.check_in < talk.turn.today:
            raise BadStay("past_date", today=talk.turn.today)
        if draft.adults is not None:
            check_party(talk.hotel, party_of(draft), draft.rooms)
    except BadStay as bad:
        return explain(talk, bad)
    if "past_date" in talk.said.whole.problems and "check_in" not in talk.said.entities:
        return explain(talk, BadStay("past_date", today=talk.turn.today))
    if "reversed_dates" in talk.said.whole.problems:
        if talk.said.whole.turned_round:
            first, last = (date.fromisoformat(said) for said in talk.said.whole.turned_round)
            draft.check_in, draft.check_out = last, first
        return explain(talk, BadStay("reversed"))
    return None


def explain(talk: Talk, bad: BadStay) -> Part:
    draft = talk.state.booking
    human = talk.button("ask:human", "human")
    match bad.reason:
        case "reversed":
            swap = _swapped(talk)
            draft.around = draft.check_out or draft.around
            draft.check_in = draft.check_out = draft.nights = None
            return talk.ask("dates", "stay.reversed", *swap)
        case "same_day":
            draft.check_out = draft.nights = None
            return talk.ask("check_out", "stay.same_day", check_in=draft.check_in)
        case "past_date" | "too_far":
            draft.check_in = draft.check_out = draft.nights = None
            return talk.ask("dates", f"stay.{bad.reason}", **bad.detail)
        case "closed" | "closed_to_arrival":
            draft.check_in = draft.check_out = draft.nights = None
            return talk.ask("dates", f"stay.{bad.reason}", **bad.detail)
        case "closed_to_departure":
            draft.check_out = draft.nights = None
            return talk.ask("check_out", "stay.closed_to_departure", **bad.detail)
        case "min_stay":
            longer = _longer(talk, **bad.detail)
            draft.check_out = draft.nights = None
            return talk.ask("check_out", "stay.min_stay", longer, **bad.detail)
        case "too_long":
            draft.check_out = draft.nights = None
            return talk.ask("check_out", "stay.too_long", human, **bad.detail)
        case "no_adults" | "too_many_people":
            draft.adults, draft.children, draft.ages = None, 0, []
            buttons = (human,) if bad.reason == "too_many_people" else ()
            return talk.ask("party", f"stay.{bad.reason}", *buttons, **bad.detail)
        case "more_rooms_than_adults":
            draft.rooms = None
            return talk.ask("party", "stay.more_rooms_than_adults", **bad.detail)
        case _:
            draft.room_type = None
            return talk.ask("room_type", "availability.no_such_type")


def _longer(talk: Talk, check_in: date, nights: int) -> Choice:
    """A button with as many nights as it takes."""
    check_out = LeastStay(check_in, nights).check_out
    title = talk.say("availability.row_dates", check_in=check_in, check_out=check_out)
    return Choice(f"dates:{check_in}:{check_out}", title)


def _swapped(talk: Talk) -> tuple[Choice, ...]:
    """A button with the dates the other way round, as the guest probably meant them."""
    draft = talk.state.booking
    if not draft.check_in or not draft.check_out:
        return ()
    title = talk.say("availability.row_dates", check_in=draft.check_out, check_out=draft.check_in)
    return (Choice(f"dates:{draft.check_out}:{draft.check_in}", title),)


_ABOUT_CHILDREN = re.compile(
    r"\b(?:cunas?|cots?|cribs?|bercos?|tronas?|high ?chairs?|cadeirao|gratis|gratuit\w+|free|pag\w+|pay"
    r"|menores|edad|age limit|admit\w*"
    r"|acept\w*|aceit\w*|allow\w*|kids? club|miniclub|animacion|babysit\w*|canguro|baba)\b"
)


def tells_of_children(talk: Talk) -> bool:
    """Whether children are only said to come along, in a message that is about a stay."""
    said = talk.said
    stays = said.means("check_availability", "ask_price", "make_reservation", "modify_reservation")
    return stays and "children" in said.entities and not _ABOUT_CHILDREN.search(fold(said.words))


def missing(talk: Talk) -> Part | None:
    """The question for the first detail that is not known yet, in the order of the contract."""
    draft = talk.state.booking
    if not draft.check_in and not draft.check_out:
        if draft.nights:
            return talk.ask("check_in", "stay.ask_check_in")
        return talk.ask("dates", "price.ask_dates" if draft.goal == "price" else "stay.ask_dates")
    if not draft.check_in:
        return talk.ask("check_in", "stay.ask_check_in")
    if not draft.check_out:
        return talk.ask("check_out", "stay.ask_check_out", check_in=draft.check_in)
    if draft.adults is None and not _sleeps_one(talk):
        return _ask_people(talk)
    return None


def _sleeps_one(talk: Talk) -> bool:
    """Whoever asks for a room with one bed comes alone. True if that is now known."""
    draft = talk.state.booking
    kind = talk.kinds.get(draft.room_type or "")
    if kind is None or kind.capacity != 1 or draft.rooms not in (None, 1) or draft.children:
        return False
    draft.adults = 1
    return True


def _ask_people(talk: Talk) -> Part:
    """How many they are; whoever has booked before may answer with one tap."""
    usual = talk.guest.usual_party or {}
    if not usual.get("adults"):
        return talk.ask("party", "stay.ask_adults")
    people = {"adults": usual["adults"], "children": usual.get("children", 0)}
    same = talk.button(f"party:{people['adults']}:{people['children']}", "same_party")
    return talk.ask("party", "stay.ask_adults_again", same, **people)


def take_usual_party(talk: Talk) -> None:
    """As many as last time, the children's ages included."""
    usual, draft = talk.guest.usual_party, talk.state.booking
    draft.adults, draft.children = usual["adults"], usual.get("children", 0)
    draft.ages = list(usual.get("ages", ()))
