"""A guest who comes back after the talk was over: what was left open is looked at anew and asked, never guessed."""

from __future__ import annotations

import re
from dataclasses import replace

from hotel_agent.conversations.dialogue import State
from hotel_agent.conversations.skills import availability, book, cancel, change, details
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_GOES_ON = frozenset(["affirm", "deny", "inform", "thank", "greet"])
# "Pode confirmar", of somebody whose talk is over.
_CONFIRMS = re.compile(r"\b(?:confirm\w*|reserv[aeo]\w*|adelante|dale|go ahead|book it|pode ser|fecha(?:do)?)\b")
_NOT = re.compile(r"\b(?:no|nao|not|don'?t|nada)\b")
_SHORT = 5


def remember(talk: Talk) -> None:
    """What was booked last stays known, for "another one like it"."""
    if talk.turn.earlier and not talk.turn.state:
        earlier = State.from_json(talk.turn.earlier)
        talk.state.booked, talk.state.before = earlier.booked, earlier.before


def answer(talk: Talk) -> list[Part]:
    """To a yes, a no or a detail that can only be about the talk that is over; else nothing."""
    if talk.turn.state or not talk.turn.earlier or talk.said.tap or not _goes_on(talk):
        return []
    earlier = State.from_json(talk.turn.earlier)
    if earlier.cancelling:
        return _cancellation(talk, earlier.cancelling)
    if earlier.changing.get("total") is not None:
        return _change(talk, earlier)
    if not (earlier.hold or earlier.offers or (earlier.booking.goal and earlier.expected)):
        return []
    return _booking(talk, earlier)


def _goes_on(talk: Talk) -> bool:
    said = talk.said
    words = fold(said.words)
    confirms = len(said.words.split()) <= _SHORT and bool(_CONFIRMS.search(words)) and not _NOT.search(words)
    if confirms and "?" not in said.words and set(said.acts) <= _GOES_ON | {"reservation_status", "make_reservation"}:
        talk.said = replace(said, acts=("affirm",), unsure=())
        return True
    tells = bool(details.STAY_DETAILS | {"choice"} & set(said.entities))
    if not said.acts or not set(said.acts) <= _GOES_ON:
        return False
    return said.means("affirm", "deny") or (said.means("inform") and tells)


def _cancellation(talk: Talk, code: str) -> list[Part]:
    if talk.said.means("deny"):
        return [talk.part("cancel.kept", code=code)]
    if not talk.said.means("affirm"):
        return []
    talk.acted_on.append("affirm")
    return cancel.tapped(talk, code)


def _change(talk: Talk, earlier: State) -> list[Part]:
    """A change that was asked about, with a no left as it was, with a yes asked about anew."""
    if not talk.said.means("affirm", "deny"):
        return []
    talk.acted_on.extend(talk.said.acts)
    if talk.said.means("deny"):
        talk.state.changing = earlier.changing
        return change.decide(talk, yes=False)
    return change.take_up(talk, earlier.changing)


def _booking(talk: Talk, earlier: State) -> list[Part]:
    talk.acted_on.extend(talk.said.acts)
    if talk.said.means("deny"):
        if earlier.hold:
            talk.state.hold = earlier.hold
        return book.forget(talk)
    talk.state.booking = earlier.booking
    talk.state.booking.goal = earlier.booking.goal or "book"
    if earlier.hold and not talk.said.means("inform"):
        talk.state.hold = earlier.hold
        waiting = book.remind(talk)
        if waiting:
            return [waiting]
        talk.state.hold = None
    for heard in talk.said.each:
        details.learn(talk, heard)
    return [talk.part("book.picked_up"), *availability.proceed(talk)]
