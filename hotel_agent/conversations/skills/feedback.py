"""How a guest liked the stay: kept; thanks for praise, a person for who was not happy."""

from __future__ import annotations

import re
from dataclasses import replace

from hotel_agent.conversations.dialogue import Opinion
from hotel_agent.conversations.guest_requests import shortened
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations.staying import stay_of

_WORDS = {"un": 1, "uno": 1, "una": 1, "one": 1, "um": 1, "uma": 1, "dos": 2, "two": 2, "dois": 2, "duas": 2, "tres": 3,
          "three": 3, "cuatro": 4, "four": 4, "quatro": 4, "cinco": 5, "five": 5}  # fmt: skip
_NUMBER = rf"(\d{{1,2}}(?:[.,]\d)?|{'|'.join(_WORDS)})"
_OF_FIVE = re.compile(
    rf"\b{_NUMBER} ?(?:estrellas?|stars?|estrelas?)|\b{_NUMBER} ?(?:/|de|sobre|out of|of|em) ?(?:5|cinco|five)\b"
)
_OF_TEN = re.compile(
    rf"\b{_NUMBER} ?(?:/|de|sobre|out of|of|em) ?(?:10|diez|ten|dez)\b"
    r"|\b(?:un|a|nota|note|doy un|dou) (10|[1-9])\b|\b(?:un|a|um) (diez|ten|dez)\b"
)
_OUT_OF_TEN = re.compile(rf"\b{_NUMBER} ?(?:/|sobre|out of) ?10\b")
_ALONE = re.compile(r"^\W*([1-5])\W*$")
_STARS = re.compile("⭐|★|🌟")
_BAD = re.compile(
    r"\b(?:mal|mala|malo|malos|malas|fatal|horrible|horribles|suci[oa]s?|pesim[oa]|decepcion\w*"
    r"|decepcionad[oa]s?|terrible|ruidos[oa]|desastre|asco"
    r"|nunca mas|no volver\w*|bad|awful|dirty|disappoint\w*|worst|noisy|rude|poor|never again|filthy"
    r"|unhappy|ruim|ruins|pessim[oa]|sujo|suja|horrivel"
    r"|decepcao|nunca mais|nao (?:gostei|gostamos|volt\w+)|no (?:me|nos) (?:ha )?gust\w+|did not (?:like|enjoy))\b"
)
_BUT = re.compile(r"\b(?:pero|aunque|but|although|however|mas|porem|excepto|except|salvo)\b")
_BAD_FROM, _GOOD_FROM = 2, 4


def answer(talk: Talk) -> list[Part]:
    rating = rating_in(talk.said.words)
    stay = stay_of(talk.hotel, talk.guest.id, talk.turn.today, talk.turn.now)
    talk.file(Opinion(rating, shortened(talk.said.words), talk.key("feedback"), stay.reservation_id if stay else None))
    if talk.said.means("complaint"):
        return []  # The answer to the complaint is the answer.
    line = fold(talk.said.words)
    if rating is not None and rating <= _BAD_FROM or rating is None and _BAD.search(line):
        talk.hand_over("complaint")
        return [talk.part("feedback.sorry")]
    if rating is not None and rating < _GOOD_FROM or _BAD.search(line) or _BUT.search(line):
        talk.hand_over("feedback")
        return [talk.part("feedback.mixed")]
    return [talk.part("feedback.thanks")]


def is_rated(talk: Talk) -> bool:
    """ "4 de 5" is an opinion, whatever else it was taken for; "two nights of five" in a booking is none."""
    line, state, said = fold(talk.said.words), talk.state, talk.said
    rated = _STARS.search(said.words) or _OF_FIVE.search(line) or _OUT_OF_TEN.search(line)
    busy = state.booking.goal or state.hold or state.offers or state.expected or "give_feedback" in talk.acted_on
    return bool(rated) and not busy and set(said.acts) <= {"inform", "out_of_scope", "thank", "affirm"}


def rate(talk: Talk) -> list[Part]:
    talk.acted_on.append("give_feedback")
    talk.said = replace(talk.said, acts=(), unsure=())
    return answer(talk)


def rating_in(said: str) -> int | None:
    """The stars from 1 to 5 that the words give; marks out of ten count half."""
    stars = len(_STARS.findall(said))
    if stars:
        return min(stars, 5)
    line = fold(said)
    if alone := _ALONE.search(line):
        return int(alone[1])
    if (of_five := _number(_OF_FIVE, line)) is not None and 1 <= of_five <= 5:
        return round(of_five)
    if (of_ten := _number(_OF_TEN, line)) is not None and 0 <= of_ten <= 10:
        return max(1, int(of_ten / 2 + 0.5))
    return None


def _number(pattern: re.Pattern[str], line: str) -> float | None:
    found = pattern.search(line)
    written = next((group for group in found.groups() if group), None) if found else None
    if written is None:
        return None
    if written in ("diez", "ten", "dez"):
        return 10.0
    return float(_WORDS.get(written) or written.replace(",", "."))
