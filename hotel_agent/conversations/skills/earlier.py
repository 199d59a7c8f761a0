"""A guest who comes back after the talk was over: what was left open is looked at anew and asked, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hotel_agent.conversations.dialogue import State
from hotel_agent.conversations.skills import availability, book, cancel, change, details, stay_times
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import Booking
from hotel_agent.reservations.booking import look_up

_GOES_ON = frozenset(["affirm", "deny", "inform", "thank", "greet"])
# "Pode confirmar", of somebody whose talk is over.
_CONFIRMS = re.compile(r"\b(?:confirm\w*|reserv[aeo]\w*|adelante|dale|go ahead|book it|pode ser|fecha(?:do)?)\b")
_NOT = re.compile(r"\b(?:no|nao|not|don'?t|nada)\b")
_SHORT = 5


def remember(talk: Talk) -> None:
    """What was booked last stays known, for "another one like it", and what was left open, for a late yes."""
    if talk.turn.earlier and not talk.turn.state:
        earlier = State.from_json(talk.turn.earlier)
        talk.state.booked, talk.state.before = earlier.booked, earlier.before
        talk.state.left_open = _open_in(earlier) or earlier.left_open
    elif talk.state.is_about_something:
        talk.state.left_open = {}


def _open_in(earlier: State) -> dict[str, Any]:
    """What waited for the guest's answer, as the state keeps it."""
    waited = (
        earlier.cancelling
        or earlier.changing.get("total") is not None
        or earlier.adding.get("code")
        or earlier.hold
        or earlier.offers
        or (earlier.booking.goal and earlier.expected)
    )
    kept = earlier.to_json()
    return {name: kept[name] for name in _LEFT_OPEN} if waited else {}


_LEFT_OPEN = ("booking", "offers", "hold", "expected", "cancelling", "changing", "adding")


def answer(talk: Talk) -> list[Part]:
    """To a yes, a no or a detail that can only be about the talk that is over; else nothing."""
    if not talk.state.left_open or talk.state.is_about_something or talk.said.tap or not _goes_on(talk):
        return []
    earlier = State.from_json(talk.state.left_open)
    parts = _taken_up(talk, earlier)
    if parts:
        talk.state.left_open = {}
    return parts


def _taken_up(talk: Talk, earlier: State) -> list[Part]:
    if earlier.cancelling:
        return _cancellation(talk, earlier.cancelling)
    if earlier.changing.get("total") is not None:
        return _change(talk, earlier)
    if earlier.adding.get("code"):
        return _extra(talk, earlier.adding)
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
    if not talk.said.means("affirm", "deny"):
        return []
    talk.acted_on.extend(talk.said.acts)
    if talk.said.means("deny"):
        return cancel.tapped_no(talk, code)
    if not _is_open_to(talk, code):
        talk.state.lookup_code = code
        return cancel.start(talk)
    return cancel.tapped(talk, code)


def _is_open_to(talk: Talk, code: str) -> bool:
    """Whether it is the guest's own; of another one the surname is asked for anew."""
    return isinstance(look_up(talk.hotel, talk.guest.id, code), Booking)


def _extra(talk: Talk, adding: Mapping[str, Any]) -> list[Part]:
    """A later departure, or an earlier arrival, that was offered: with a yes looked at anew and asked again."""
    if not talk.said.means("affirm", "deny"):
        return []
    talk.acted_on.extend(talk.said.acts)
    extra, code = str(adding.get("extra")), str(adding["code"])
    if talk.said.means("deny"):
        return stay_times.tapped_no(talk, f"{extra}:{code}")
    if not _is_open_to(talk, code):
        talk.state.lookup_code = code
        return stay_times.find(talk, extra)
    return stay_times.tapped(talk, f"{extra}:{code}")


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
