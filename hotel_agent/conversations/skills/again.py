"""Another booking like the one just made, or beside one on hold: quoted anew and never booked without a yes."""

from __future__ import annotations

import re
from dataclasses import replace

from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.listening import listen
from hotel_agent.conversations.skills import availability, book, details, stay
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_LIKE_IT = re.compile(
    r"\b(?:otra (?:habitacion |reserva )?(?:igual|mas|asi)|otro igual|una mas igual|lo mismo|la misma"
    r"|las mismas fechas|"
    r"los mismos dias|misma fecha|repetir|repite|"
    r"same (?:again|room|dates|thing|for)|the same|another one|one more|another (?:room|booking)|"
    r"outr[ao] (?:igual|quarto|reserva|mais)|mais um[a]?(?: quarto| reserva)?(?: igual)?|o mesmo|a mesma"
    r"|mesmas datas|mesmos dias)\b"
)
_MISTAKEN = re.compile(
    r"\b(?:equivocad\w*|equivoque|me confundi|perdon|quise decir|queria decir|era para|era del|eran|error|"
    r"mistake|i meant|wrong dates?|should have been|sorry|enganei|errei|era de|era pra|quis dizer|desculpa)\b"
)


def asked(talk: Talk) -> bool:
    """Whether the guest, who has just booked, wants the same once more."""
    return has_just_booked(talk) and bool(_LIKE_IT.search(fold(talk.said.words)))


def has_just_booked(talk: Talk) -> bool:
    """Whether a booking was made in this talk and nothing else has been begun since."""
    state = talk.state
    idle = not (state.booking.goal or state.hold or state.offers or state.cancelling)
    return bool(state.booked and state.before.check_in and idle)


def takes_back(talk: Talk) -> bool:
    return bool(_MISTAKEN.search(fold(talk.said.words)))


def answer(talk: Talk) -> list[Part]:
    _begin_like_the_last(talk)
    draft = talk.state.booking
    if draft.check_in and draft.check_out and stay.says_a_week_later(talk):
        stay.move_by_weeks(draft, 1)
        return availability.proceed(talk)
    _learn_what_differs(talk)
    return availability.proceed(talk)


def _begin_like_the_last(talk: Talk) -> None:
    talk.state.booking = replace(talk.state.before, goal="book")
    draft = talk.state.booking
    if draft.check_in and draft.check_out:
        draft.nights = (draft.check_out - draft.check_in).days


def _learn_what_differs(talk: Talk) -> None:
    draft = talk.state.booking
    people = (draft.adults, draft.children)
    for heard in talk.said.each:
        details.learn(talk, heard)
    if (draft.adults, draft.children) != people and "room_type" not in talk.said.entities:
        draft.room_type = draft.rooms = None


# Another room while one is on hold

LONGEST_KEPT = 1000
_A_ROOM = (
    r"(?:habitacion(?:es)?|cuarto|pieza|reserva|doble|individual|suite|familiar|room|rooms|booking|double|single|quartos?"
    r"|duplo)"
)
_BESIDE = re.compile(
    rf"\b(?:otra|una|dos|otro) (?:{_A_ROOM} )?mas\b(?! \w*(?:grande|barat|econom|peque|comod|tranquil|ampli|car[ao]"
    r"|bonit|alt[ao]"
    r"|cerca|lejos|baj[ao]|personas?|noches?))"
    rf"|\b(?:one|two|another) more {_A_ROOM}\b|\b(?:a|an|another|one) (?:second|additional|extra) {_A_ROOM}\b"
    rf"|\bmais (?:um|uma|dois|duas) {_A_ROOM}\b|\b(?:una|uma) segund[ao] {_A_ROOM}\b|\bum segundo quarto\b"
    rf"|\b(?:reserv\w*|book\w*|add|anad\w*|agreg\w*|adicion\w*|sum\w+)\b[^.?!]{{0,20}}\b(?:otra|another"
    rf"|outr[ao]) {_A_ROOM}\b"
)
_TOO = re.compile(
    rf"\b(?:tambien|ademas|aparte|also|in addition|besides|tambem|alem diss?o)\b[^.?!]{{0,40}}\b(?:reserv\w*|book\w*"
    rf"|{_A_ROOM})\b"
    rf"|\b(?:reserv\w*|book|{_A_ROOM})\b[^.?!]{{0,40}}\b(?:tambien|ademas|aparte|too|as well|also|tambem)\b"
)
_INSTEAD = re.compile(
    r"\b(?:en vez|en lugar|instead|rather|mejor|melhor|em vez|no lugar|cambi\w+|chang\w+|switch|troc\w+|mud\w+"
    r"|prefier\w+"
    r"|prefiro|prefer|distint[ao]|diferente|different|no me gusta|not this)\b"
)


def wants_one_beside(talk: Talk) -> bool:
    """Another room besides the one that is kept now, and not in its place."""
    said, words = talk.said, fold(talk.said.words)
    if not talk.state.hold or not words or _INSTEAD.search(words) or said.means("cancel_reservation"):
        return False
    wants = said.means("make_reservation", "modify_reservation", "inform", "check_availability")
    return wants and bool(_BESIDE.search(words) or (_TOO.search(words) and said.means("make_reservation")))


def keep_for_later(talk: Talk) -> None:
    """What was said of the other room, until the one on hold is booked."""
    talk.state.then = talk.said.words[:LONGEST_KEPT]


def first_this_one(talk: Talk) -> list[Part]:
    """The room on hold stays: it is settled first."""
    hold = book.current_hold(talk)
    if hold is None:
        return []
    keep_for_later(talk)
    return [book.kept(talk, hold, "book.first_this")]


def then_the_other(talk: Talk) -> list[Part]:
    """The room of which was spoken before the last one was booked, like that one but for what was said of it."""
    words, talk.state.then = talk.state.then, ""
    if not words or not has_just_booked(talk):
        return []
    types = {code: kind.words for code, kind in talk.kinds.items()}
    turn = replace(talk.turn, heard=(Heard(0, "text", words, None, "answerable"),), language=talk.heard_in)
    now, talk.said = talk.said, listen(turn, None, talk.state.before, types, talk.state.before.check_in)
    _begin_like_the_last(talk)
    _learn_what_differs(talk)
    talk.said = now
    draft = talk.state.booking
    draft.rooms = None
    kind = talk.kinds.get(draft.room_type or "")
    if kind and kind.capacity < (draft.adults or 0) + draft.children:
        draft.adults, draft.children, draft.ages = None, 0, []  # Not all who were told of sleep in this one.
    return [talk.part("book.now_the_other"), *availability.proceed(talk)]
