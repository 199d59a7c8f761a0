"""What a burst of messages says, taken together: later words correct earlier ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from hotel_agent import metrics, tracing
from hotel_agent.conversations.dialogue import Draft, Heard, Turn
from hotel_agent.conversations.doubts import takes_back
from hotel_agent.nlu import EXPECTED, Hints, Scored, Understanding, understand
from hotel_agent.nlu.text import fold

_SENTENCE = re.compile(r"[.?!\n]+")

# From this chance on a wish is served; below it the guest is asked.
SURE = 0.5
# People of the hotel are not set to work on a guess, nor is anybody's consent changed; whoever may be in trouble, or
# wants a person, gets one even so.
_BARS = {
    **dict.fromkeys(("request_housekeeping", "report_problem", "order_room_service", "lost_item", "ask_invoice"), 0.6),
    **dict.fromkeys(("opt_out", "opt_in", "data_request", "give_feedback"), 0.6),
    **dict.fromkeys(("emergency", "complaint", "talk_to_human"), 0.3),
}
# These say nothing that could be got wrong, or are the answer to what was asked.
_OF_THE_TALK = ("inform", "affirm", "deny", "greet", "thank", "goodbye", "out_of_scope")
# "Sí, confírmala", "yes, book it": the yes that was asked for, in the words of a wish.
_ECHOES = ("reservation_status",)
_SMALL_TALK = {"greet", "thank", "goodbye"}
# Whoever did not ask for these sees their own booking, or the rooms, at worst.
_HARMLESS = {"reservation_status": 0.3, "ask_room_types": 0.25}
# A wish with a smaller chance is not even asked about.
_HEARD = 0.15

_OF_WHICH_WEEK = re.compile(
    r"\b(?:est[ea]|es[ea]|proxim[oa]|que viene|que vem|siguiente|seguinte|this|next|coming|hoy|hoje|today|manana|amanha"
    r"|tomorrow|pasado|depois)\b"
)

# What a tapped button or row means, by the first part of its id.
_TAPS = {
    "offer": "inform",
    "dates": "inform",
    "confirm": "affirm",
    "decline": "deny",
    "cancel": "cancel_reservation",
    "cancel_yes": "affirm",
    "cancel_no": "deny",
    "change": "modify_reservation",
    "change_what": "inform",
    "change_to": "inform",
    "change_yes": "affirm",
    "change_no": "deny",
    "add": "inform",
    "add_yes": "affirm",
    "add_no": "deny",
    "party": "inform",
    "meant": "inform",
    "room": "ask_room_types",
    "room_book": "make_reservation",
    "consent_yes": "affirm",
    "consent_no": "deny",
}
_ASKS = {
    "availability": "check_availability",
    "status": "reservation_status",
    "human": "talk_to_human",
    "rooms": "ask_room_types",
}


@dataclass(frozen=True)
class Said:
    """`acts` are the intents to serve, in order; `unsure` those that may have been meant, the likeliest first.

    `each`: the entities of every message in order; `tap`: the last choice tapped, as (kind, value).
    """

    whole: Understanding
    acts: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    each: tuple[Mapping[str, Any], ...] = ()
    tap: tuple[str, str] | None = None
    words: str = ""
    unreadable: bool = False

    def means(self, *intents: str) -> bool:
        return any(intent in self.acts for intent in intents)

    @property
    def entities(self) -> Mapping[str, Any]:
        entities: Mapping[str, Any] = self.whole.entities
        return entities


@dataclass
class _Burst:
    language: str
    intents: dict[str, float] = field(default_factory=dict)
    each: list[Mapping[str, Any]] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    tap: tuple[str, str] | None = None
    turned_round: tuple[str, str] | None = None


def listen(
    turn: Turn, expected: str | None, draft: Draft, room_types: Mapping[str, tuple[str, ...]], around: date | None
) -> Said:
    """Understand the messages in order, each with what the ones before it made known.

    In a talk about a stay a departure is looked for after its arrival, and days without a month beside it.
    """
    burst = _Burst(turn.language or turn.guest.language or turn.presumed or turn.hotel.language)
    expected = expected if expected in EXPECTED else None
    language = turn.language or turn.guest.language
    presumed = tuple(dict.fromkeys(filter(None, (turn.presumed, turn.hotel.language))))
    around = draft.check_in or around
    alarms = turn.hotel.emergency_words
    hints = Hints(language, turn.hotel.country, room_types, expected, around, presumed, alarms)
    readable = [heard for heard in turn.heard if heard.kind == "answerable" and not heard.location]
    for heard in readable:
        tap = read_tap(heard)
        if tap:
            _add_tap(burst, tap)
        elif heard.text.strip():
            with metrics.understanding_seconds.time(), tracing.span("understand"):
                understood = understand(heard.text, turn.today, hints)
            understood = _departing_after(draft.check_in, heard.text, turn.today, hints, understood)
            if len(readable) > 1:
                understood = _served(understood)
            if burst.tap and _contradicts(burst.tap, understood, heard.text, draft):
                _drop_the_tap(burst)
            _add_words(burst, understood)
            if not _speaks_of_details(understood):
                _add_details_beside_a_question(burst, heard.text, turn, hints)
            hints = replace(hints, language=burst.language, expected=_expected_next(burst, expected))
    words = "\n".join(heard.text for heard in readable if not read_tap(heard))
    return _said(burst, words, unreadable=len(readable) < len(turn.heard), in_a_talk=bool(expected or draft.goal))


def listen_again(said: Said, intent: str) -> Said:
    """The same words, now that the guest has said what they meant by them."""
    others = [one for one in said.whole.intents if one.intent != intent]
    whole = replace(said.whole, intents=(Scored(intent, 1.0), *others))
    return replace(said, whole=whole, acts=(intent, *(act for act in said.acts if act != intent)), unsure=())


def _served(understood: Understanding) -> Understanding:
    """Each message of a burst is served: what it means most is an act, even beside a surer wish of another one."""
    first, *others = understood.intents
    bar = _BARS.get(first.intent, SURE)
    if first.intent == "out_of_scope" or first.confidence >= bar:
        return understood
    return replace(understood, intents=(replace(first, confidence=bar), *others))


def _departing_after(arrival: date | None, text: str, today: date, hints: Hints, read: Understanding) -> Understanding:
    """ "Hasta el domingo" is the first Sunday after the arrival, not after today."""
    departure = read.entities.get("check_out")
    if arrival and _is_in_weekdays(text, read):
        monday = arrival if hints.expected == "check_out" else arrival - timedelta(days=arrival.weekday())
        return understand(text, max(monday, today), replace(hints, around=None))
    if not arrival or not departure or "check_in" in read.entities or departure > arrival.isoformat():
        return read
    hints = replace(hints, around=None)
    later = understand(text, arrival + timedelta(days=1), hints).entities.get("check_out")
    if not later or later <= arrival.isoformat():
        return read
    return replace(read, entities={**read.entities, "check_out": later}, problems=())


def _is_in_weekdays(text: str, read: Understanding) -> bool:
    """ "Mon to Fri" for an arrival that is known is of that week, unless it is said of which."""
    said = {"check_in", "check_out"} <= set(read.entities) and not any(letter.isdigit() for letter in text)
    return said and not _OF_WHICH_WEEK.search(fold(text))


def read_tap(heard: Heard) -> tuple[str, str] | None:
    kind, _, value = (heard.reply_id or "").partition(":")
    return (kind, value) if kind in _TAPS or kind == "ask" else None


def _add_tap(burst: _Burst, tap: tuple[str, str]) -> None:
    """Of two taps the last one counts; what was asked for with the first is still wanted."""
    if burst.tap and burst.tap[0] != "ask":
        _drop_the_tap(burst)
    burst.tap = tap
    _add_intent(burst, Scored(_meaning(tap), 1.0))


def _meaning(tap: tuple[str, str]) -> str:
    return _ASKS.get(tap[1], "inform") if tap[0] == "ask" else _TAPS[tap[0]]


def _drop_the_tap(burst: _Burst) -> None:
    """It was taken back, with what it meant."""
    if burst.tap:
        burst.intents.pop(_meaning(burst.tap), None)
    burst.tap = None


# A tap that opens a question, which words beside it may answer.
_OPENS = (("ask", "dates"), ("ask", "availability"))
_OTHER_WISHES = frozenset(["cancel_reservation", "modify_reservation"])


def _contradicts(tap: tuple[str, str], understood: Understanding, text: str, draft: Draft) -> bool:
    """Whether the words after a tap take it back: a no, a wait, another wish, or other details than it is about.

    "Gracias", a name, or a question beside it leave it as it was; so does whatever follows a no.
    """
    meaning = _meaning(tap)
    if meaning == "deny":
        return False
    heard = {one.intent for one in understood.intents if one.confidence >= SURE}
    if "deny" in heard or takes_back(text) or (_OTHER_WISHES & heard) - {meaning, *_SAYS_THE_SAME.get(tap[0], ())}:
        return True
    said = {name: value for name, value in understood.entities.items() if name in _DETAILS | {"choice"}}
    if tap[0] in ("change_yes", "change_to", "cancel_yes"):
        return bool(said)
    known = _known_of(tap, draft)
    return any(known.get(name) not in (None, value) for name, value in said.items()) or "choice" in said


# "Sí, cancelar" and then "cancela la reserva" is said twice, and not otherwise.
_SAYS_THE_SAME = {"cancel_yes": ("cancel_reservation",), "change_yes": ("modify_reservation",)}


def _known_of(tap: tuple[str, str], draft: Draft) -> dict[str, Any]:
    """What a tap, or the stay that it is about, says of the details."""
    days = {name: day.isoformat() if day else None for name, day in _days_of(draft)}
    known = {**days, "adults": draft.adults, "children": draft.children or None, "room_type": draft.room_type}
    pieces = tap[1].split(":")
    if tap[0] == "offer" and len(pieces) == 5:
        kinds, check_in, check_out, adults, children = pieces
        known |= {"check_in": check_in, "check_out": check_out, "room_type": kinds.split("+")[0]}
        known |= {"adults": int(adults), "children": int(children)} if (adults + children).isdecimal() else {}
    elif tap[0] == "dates" and len(pieces) == 2:
        known |= {"check_in": pieces[0], "check_out": pieces[1]}
    elif tap[0] == "room_book":
        known["room_type"] = tap[1]
    elif tap in _OPENS:
        known = dict.fromkeys(_DETAILS, "")
    return known


def _days_of(draft: Draft) -> tuple[tuple[str, date | None], ...]:
    return ("check_in", draft.check_in), ("check_out", draft.check_out)


def _add_words(burst: _Burst, understood: Understanding) -> None:
    burst.language = understood.language
    for scored in understood.intents:
        _add_intent(burst, scored)
    burst.each.append(understood.entities)
    known = set(understood.entities)
    burst.ambiguous = [name for name in burst.ambiguous if name not in known] + list(understood.ambiguous)
    burst.turned_round = understood.turned_round
    burst.problems = list(understood.problems) if known & _DATES or understood.problems else burst.problems


_DATES = {"check_in", "check_out", "nights"}
_DETAILS = _DATES | {"adults", "children", "room_type", "rooms"}
_STAYS = ("check_availability", "ask_price", "make_reservation")


def _speaks_of_details(understood: Understanding) -> bool:
    """Whether the details in a message, if any, are accounted for by what it wants."""
    wants = {"inform", "check_availability", "ask_price", "make_reservation", "modify_reservation"}
    return not _DETAILS & set(understood.entities) or any(one.intent in wants for one in understood.intents)


def _add_details_beside_a_question(burst: _Burst, text: str, turn: Turn, hints: Hints) -> None:
    """ "¿Puedo llevar a mi perro? Y somos 3": the second sentence, taken alone, corrects the first."""
    sentences = [sentence for sentence in _SENTENCE.split(text) if sentence.strip()]
    for sentence in sentences if len(sentences) > 1 else ():
        alone = understand(sentence, turn.today, hints)
        if alone.intent == "inform" and _DETAILS & set(alone.entities):
            _add_intent(burst, alone.intents[0])


def _add_intent(burst: _Burst, scored: Scored) -> None:
    """The last yes or no is the one that counts."""
    opposite = {"affirm": "deny", "deny": "affirm"}.get(scored.intent)
    if opposite in burst.intents:
        del burst.intents[opposite]
    burst.intents[scored.intent] = max(scored.confidence, burst.intents.get(scored.intent, 0.0))


def _expected_next(burst: _Burst, expected: str | None) -> str | None:
    """Who was asked for dates and wrote the arrival may write the departure in a message of its own."""
    known = {name for entities in burst.each for name in entities}
    if expected in ("dates", "check_in") and "check_in" in known and "check_out" not in known:
        return "check_out"
    return expected


def _said(burst: _Burst, words: str, unreadable: bool, in_a_talk: bool) -> Said:
    merged: dict[str, Any] = {}
    for entities in burst.each:
        merged.update(entities)
    scored = _without_leftovers([Scored(name, score) for name, score in burst.intents.items()])
    whole = Understanding(
        burst.language,
        tuple(scored) or (Scored("out_of_scope", 0.0),),
        merged,
        tuple(burst.ambiguous),
        tuple(burst.problems),
        burst.turned_round,
    )
    acts, unsure = _weighed(scored, bool(_DETAILS & set(merged)), in_a_talk)
    return Said(whole, acts, unsure, tuple(burst.each), burst.tap, words, unreadable)


def _weighed(scored: Sequence[Scored], details: bool, in_a_talk: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The intents to serve, and those to ask about."""
    acts = [one.intent for one in scored if one.confidence >= _BARS.get(one.intent, SURE)]
    first = scored[0].intent if scored else ""
    if first in _OF_THE_TALK and first not in acts:
        acts.insert(0, first)
    if acts[:1] == ["affirm"] and in_a_talk:
        acts = [act for act in acts if act not in _ECHOES]
    likeliest = sorted(scored, key=lambda one: -one.confidence)
    unsure = [one.intent for one in likeliest if one.confidence >= _HEARD]
    unsure = [intent for intent in unsure if intent not in (*acts, *_OF_THE_TALK)]
    if not acts and in_a_talk and unsure and unsure[0] in _STAYS:
        acts = [unsure[0]]  # A stay is being talked about: it is about that.
    if acts == ["out_of_scope"] and scored[0].confidence < SURE and details and in_a_talk:
        acts = ["inform"]
    said_politely = not acts or set(acts) <= _SMALL_TALK
    if said_politely and unsure and unsure[0] in _HARMLESS and _chance_of(unsure[0], scored) >= _HARMLESS[unsure[0]]:
        acts = [unsure.pop(0)]
    if not acts and details and (in_a_talk or not unsure or unsure[0] in _STAYS):
        acts = ["inform"]  # Whatever else they are, these are details of the stay.
    return tuple(acts), tuple(unsure)


def _chance_of(intent: str, scored: Sequence[Scored]) -> float:
    return next((one.confidence for one in scored if one.intent == intent), 0.0)


def _without_leftovers(scored: Sequence[Scored]) -> list[Scored]:
    """ "Hola" and "asdf" beside a question say nothing more: what was not understood counts only alone."""
    useful = [one for one in scored if one.intent != "out_of_scope"]
    refused = [one for one in scored if one.intent == "out_of_scope" and one.confidence >= SURE]
    if refused and all(one.confidence < SURE for one in useful):
        return [*refused, *useful]
    return useful or list(scored)
