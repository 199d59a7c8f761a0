"""What a person has to see at once, before anything else is served: the law, health, money that was taken, minors on
their own, violence. The guest hears that a person has been told and what to do meanwhile, as the hotel wants it.

No intent is named after these, and most are taken for something else ("I was charged twice" for a complaint), so that
they are told by their words, folded. Life in danger is an intent (emergency.py) and comes first.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.listening import SURE, Said, listen
from hotel_agent.conversations.skills.details import STAY_DETAILS
from hotel_agent.conversations.skills.emergency import advice_in, number_of
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu import Hints, understand
from hotel_agent.nlu.text import fold


@dataclass(frozen=True)
class Matter:
    """`block` is how it is answered, `reason` why the conversation waits, `guidance` the hotel's setting for it.

    `intent` is the nearest of the vocabulary. With `ends_booking` nothing is booked in the same breath.
    """

    block: str
    reason: str
    guidance: str
    intent: str
    told_by: re.Pattern[str]
    urgent: bool = False
    ends_booking: bool = False


_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def _told_by(matter: str) -> re.Pattern[str]:
    spelt = "|".join(_WORDS[matter])
    return re.compile(spelt.replace("<child>", _WORDS["child"]).replace("<underage>", _WORDS["underage"]))


_NOT_MEDICAL = re.compile(_WORDS["not_medical"])
# The gravest first; one message may hold several.
MATTERS = (
    Matter("harm", "emergency", "safety", "emergency", _told_by("harm"), urgent=True, ends_booking=True),
    Matter("violence", "emergency", "safety", "emergency", _told_by("violence"), urgent=True, ends_booking=True),
    Matter("medical", "medical", "medical", "emergency", _told_by("medical"), urgent=True),
    Matter("child_alone", "minors", "minors", "emergency", _told_by("child_alone"), urgent=True),
    Matter("minor_travels", "minors", "minors", "talk_to_human", _told_by("minor_travels"), ends_booking=True),
    Matter("legal", "legal", "legal", "complaint", _told_by("legal")),
    Matter("payment", "payment", "payment", "complaint", _told_by("payment")),
)
_CLAUSE = re.compile(
    r"[.?!;\n]+|,|\b(?:y (?:tambi[eé]n|adem[aá]s)|y|and also|and|e tamb[eé]m|e|also|adem[aá]s|al[eé]m disso|por cierto"
    r"|by the way)\b",
    re.IGNORECASE,
)
# Beside a grave matter these say nothing more, or are how the engine understood the matter itself.
_THE_SAME = ("complaint", "talk_to_human", "out_of_scope", "affirm", "deny", "greet", "thank", "goodbye")
# How the engine may understand what is told further of a matter.
_TELLS_MORE = {
    "inform",
    "out_of_scope",
    "complaint",
    "affirm",
    "deny",
    "ask_payment",
    "reservation_status",
    "report_problem",
}
_BOOKS = ("make_reservation", "check_availability", "ask_price", "inform", "modify_reservation")


def matters_of(words: str) -> list[Matter]:
    """What of these words a person has to see at once, the gravest first."""
    line = fold(words)
    found = [matter for matter in MATTERS if matter.told_by.search(line)]
    return [matter for matter in found if matter.block != "medical" or not _NOT_MEDICAL.search(line)]


def alarms_in(words: str, hints: Hints, today: date) -> list[tuple[str, bool]]:
    """For which reasons a person has to look at once, each with whether it is urgent, where the agent is silent."""
    found = [(matter.reason, matter.urgent) for matter in matters_of(words)]
    meant = understand(words, today, hints) if words.strip() else None
    danger = meant and any(one.intent == "emergency" and one.confidence >= SURE for one in meant.intents)
    return list(dict.fromkeys([("emergency", True), *found] if danger else found))


def answer(talk: Talk) -> list[Part]:
    """That a person has been told, and what to do meanwhile; what else was said is left in `talk.said` to be served."""
    matters = matters_of(talk.said.words) if talk.said.words.strip() else []
    if not matters:
        return _told_more(talk)
    for also in ("emergency", "complaint"):
        if talk.said.means(also):
            talk.hand_over(also, urgent=also == "emergency")
    parts = [_answered(talk, matter) for matter in matters]
    talk.said = _rest(talk, matters)
    if not talk.said.acts:
        # A yes that comes next is no answer to what was asked before; a date is told of the matter, not of a stay.
        talk.state.expected, talk.state.grave = "grave", matters[0].block
    return list(dict.fromkeys(parts))


def _answered(talk: Talk, matter: Matter) -> Part:
    known = talk.turn.already_waiting == matter.reason and not matter.urgent
    talk.hand_over(matter.reason, matter.urgent)
    talk.acted_on.append(matter.intent)
    if known:
        return talk.part("grave.again")
    number = number_of(talk) if matter.urgent else None
    return talk.part(f"grave.{matter.block}", number=number, **_advice(talk, matter))


def _told_more(talk: Talk) -> list[Part]:
    """What the guest goes on to tell of the matter is for the person who has it."""
    state, said = talk.state, talk.said
    matter = next((one for one in MATTERS if one.block == state.grave), None)
    state.grave = None
    if matter is None or state.expected != "grave":
        return []
    state.expected = None
    if said.tap or "?" in said.words or not said.words.strip() or not set(said.acts) <= _TELLS_MORE:
        return []
    state.expected, state.grave = "grave", matter.block
    talk.hand_over(matter.reason, matter.urgent)
    talk.acted_on.append(matter.intent)
    talk.said = replace(said, acts=(), unsure=())
    return [talk.part("grave.again")]


def _advice(talk: Talk, matter: Matter) -> dict[str, str | None]:
    """What the hotel wants a guest to do until somebody comes, in the guest's language or else in its own."""
    settings = talk.hotel.settings
    guidance = (settings.get("guidance") or {}).get(matter.guidance) or {}
    if not guidance and matter.urgent:
        guidance = settings.get("emergency_advice") or {}
    return advice_in(talk, guidance)


def _rest(talk: Talk, matters: list[Matter]) -> Said:
    """What else the message says, understood anew without the words of the matters."""
    said = talk.said
    rest = _without(said.words, matters)
    nothing = replace(said, acts=(), unsure=())
    if len(rest.split()) < 2:
        return nothing
    words = {code: kind.words for code, kind in talk.kinds.items()}
    draft = talk.state.booking
    heard = Heard(0, "text", rest, None, "answerable")
    turn = replace(talk.turn, heard=(heard,), language=talk.heard_in)
    other = listen(turn, talk.state.expected, draft, words, draft.around)
    left_out = {*_THE_SAME, *(_BOOKS if any(matter.ends_booking for matter in matters) else ())}
    acts = tuple(act for act in other.acts if act not in left_out)
    if acts == ("inform",) and not STAY_DETAILS & set(other.entities):
        acts = ()
    return replace(other, acts=acts, unsure=()) if acts else nothing


def _without(words: str, matters: list[Matter]) -> str:
    """The clauses in which nothing is said of the matters; none of a sentence that says it only as a whole."""
    kept = []
    for sentence in re.split(r"(?<=[.?!;\n])\s+|\n+", words):
        clauses = [clause.strip() for clause in _CLAUSE.split(sentence) if clause and clause.strip()]
        about = [clause for clause in clauses if _tells(clause, matters)]
        if about or not _tells(sentence, matters):
            end = "?" if sentence.rstrip().endswith("?") else "."
            left = ", ".join(clause for clause in clauses if clause not in about)
            kept += [left + end] if left else []
    return " ".join(kept)


def _tells(words: str, matters: list[Matter]) -> bool:
    line = fold(words)
    return any(matter.told_by.search(line) for matter in matters)


def keeps_from_booking(talk: Talk) -> bool:
    """Whether a person is deciding about a stay of minors, so that nothing more is booked here."""
    return talk.turn.already_waiting == "minors" and talk.said.means("make_reservation", "check_availability", "inform")


def booking_waits(talk: Talk) -> list[Part]:
    talk.acted_on.extend(talk.said.acts)
    talk.hand_over("minors")
    return [talk.part("grave.booking_waits")]
