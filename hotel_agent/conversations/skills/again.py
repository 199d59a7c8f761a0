"""Another booking like the one just made: the same details, quoted anew and never booked without a yes."""

from __future__ import annotations

import re
from dataclasses import replace

from hotel_agent.conversations.skills import availability, details, stay
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
    talk.state.booking = replace(talk.state.before, goal="book")
    draft = talk.state.booking
    if draft.check_in and draft.check_out:
        draft.nights = (draft.check_out - draft.check_in).days
        if stay.says_a_week_later(talk):
            stay.move_by_weeks(draft, 1)
            return availability.proceed(talk)
    people = (draft.adults, draft.children)
    for heard in talk.said.each:
        details.learn(talk, heard)
    if (draft.adults, draft.children) != people and "room_type" not in talk.said.entities:
        draft.room_type = draft.rooms = None
    return availability.proceed(talk)
