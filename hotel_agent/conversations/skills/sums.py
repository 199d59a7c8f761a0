"""What the stay that is being talked about costs with breakfast, parking and the like: added up, never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from hotel_agent.conversations.skills import book, details
from hotel_agent.conversations.skills.negation import is_refused
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import Party
from hotel_agent.reservations.booking import upcoming_of
from hotel_agent.reservations.summing import Added, sum_of

# How guests call the extras, on folded words, and the intent that asks about each of them alone.
_NAMED = {
    "breakfast": (r"\bdesayunos?\b|\bbreakfasts?\b|\bbrekkie\b|cafe da manha|pequeno[- ]almoco", "ask_breakfast"),
    "parking": (r"\bparking\b|aparcamiento|estaciona|cochera|garaje|garagem?|\bcar park\b", "ask_parking"),
    "pets": (r"\bperr[oa]s?\b|\bmascotas?\b|\bgat[oa]s?\b|\bdogs?\b|\bpets?\b|\bcats?\b|cachorr\w+|animal", "ask_pets"),
    "airport_transfer": (r"\btraslado|\btransfer\b|\bshuttle\b", "ask_transport"),
}  # fmt: skip
_PATTERNS = {code: re.compile(pattern) for code, (pattern, _) in _NAMED.items()}
_TOTAL = re.compile(
    r"\b(?:en|no|in) total\b|\btotal\b|todo junto|sumando|con todo|tudo junto|com tudo|all together|altogether|all in\b"
    r"|\b(?:cuanto|quanto|how much|price|precio|preco)\b[^.?!]*\b(?:con|com|with|including|incluyendo|incluido"
    r"|incluindo)\b"
)


# "¿Cuánto es?" is about the booking; "¿cuánto es una hora de masaje?" is not.
_OF_ALL = (
    r"(?: (?:en|no|in|al|a|o|la|el|de|mi|minha|nuestra|nossa|todo|tudo|all|total|final|entonces|entao|reserva|estancia"
    r"|estadia|estada|cuenta|conta|finalmente|ya|ja|por|favor|please|porfa))*\W*(?:$|[.,;!?])"
)
_TO_PAY = re.compile(
    r"\b(?:cuanto (?:pago|pagamos|tengo que pagar|hay que pagar|debo)|en total|quanto (?:pago|pagamos|devo|vou pagar)"
    r"|no total|how much (?:do|will|should) (?:i|we) (?:pay|owe)|(?:my|the|our) total|in total)\b"
    r"(?! (?:por|pelo|pela|for) (?!(?:la |el |mi |minha |my |the |a |o |tudo|todo|all)*"
    r"(?:reserva|habitacion|estancia|quarto|estadia|room|booking|stay|todo|tudo|everything|all)\b))"
)
_HOW_MUCH = re.compile(
    r"\b(?:cuanto (?:es|seria|me sale|nos sale|queda)|quanto (?:e|fica|seria|deu|ficou)|how much is (?:it"
    rf"|that)){_OF_ALL}"
)


@dataclass(frozen=True)
class _Basis:
    """The stay that the extras are for; `rooms` in words and their price, where one choice is known."""

    nights: int
    party: Party
    price: Decimal | None


def named(talk: Talk) -> list[str]:
    """The extras that are to be in the sum; of one that is named twice ("sin desayuno, ¿y con?") a wish counts."""
    words = fold(talk.said.words)
    return [
        code
        for code, pattern in _PATTERNS.items()
        if any(not is_refused(words, found, talk.heard_in) for found in pattern.finditer(words))
    ]


def topics(talk: Talk) -> list[str]:
    """The topics about which a sum is asked, and not what the hotel writes about them."""
    if not _TOTAL.search(fold(talk.said.words)):
        return []
    return [_NAMED[code][1] for code in named(talk)]


def is_without(talk: Talk, topic: str) -> bool:
    """ "A double without breakfast": whoever asks for a stay does not ask about what they do not want with it."""
    code = next((code for code, (_, intent) in _NAMED.items() if intent == topic), None)
    if code is None or not talk.said.means("make_reservation", "check_availability", "ask_price"):
        return False
    return bool(_PATTERNS[code].search(fold(talk.said.words))) and code not in named(talk)


def is_of_what_is_booked(talk: Talk) -> bool:
    """ "¿Y cuánto pago en total entonces?" of somebody who has a booking and prepares no other."""
    draft = talk.state.booking
    state = talk.state
    going_on = draft.goal or state.hold or state.offers or state.changing or state.cancelling
    words = fold(talk.said.words)
    asks = _TO_PAY.search(words) or (_HOW_MUCH.search(words) and not talk.acted_on)
    if going_on or not asks or not talk.said.means("ask_price", "ask_payment") or named(talk):
        return False
    own = upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    return len(own) == 1 or (not own and talk.state.booked is not None)


def answer(talk: Talk) -> list[Part]:
    """Once the details of this message are known; nothing where it asks for no sum, or the stay is not known."""
    basis = _basis(talk) if topics(talk) else None
    if basis is None:
        return []
    whole = sum_of(talk.hotel, named(talk), basis.nights, basis.party.persons, basis.price)
    if whole is None:
        return []
    lines = [_told(talk, line) for line in whole.lines]
    values = {"of_extras": whole.extras, "of_rooms": whole.rooms, "total": whole.total, "currency": talk.hotel.currency}
    return [talk.part("sums.told", lines=lines, **values)]


def asks_without(talk: Talk) -> bool:
    """ "¿Cuánto es en total sin desayuno?", of the stay on the table."""
    words = fold(talk.said.words)
    refused = any(pattern.search(words) for pattern in _PATTERNS.values()) and not named(talk)
    return refused and bool(_TOTAL.search(words)) and not details.STAY_DETAILS & set(talk.said.entities)


def rooms_only(talk: Talk) -> list[Part]:
    """What the stay costs with nothing added, where one choice is on the table or one booking is to come."""
    basis = _basis(talk)
    if basis is None or basis.price is None:
        return []
    return [talk.part("sums.rooms_only", total=basis.price, currency=talk.hotel.currency)]


def _told(talk: Talk, line: Added) -> dict[str, object]:
    counted = {"persons": line.persons, "nights": line.nights}
    counts = {"by_person": line.by_person, "by_night": line.by_night}
    return {"name": talk.say(f"sums.{line.code}"), "price": line.price, "total": line.total, **counted, **counts}


def _basis(talk: Talk) -> _Basis | None:
    draft = talk.state.booking
    if draft.check_in and draft.check_out and draft.adults:
        nights = (draft.check_out - draft.check_in).days
        return _Basis(nights, details.party_of(draft), _price(talk)) if nights > 0 else None
    own = [] if draft.goal else upcoming_of(talk.hotel, talk.guest.id, talk.turn.today)
    if len(own) != 1:
        return None
    ages = talk.state.before.ages if own[0].code == talk.state.booked else ()
    return _Basis(own[0].stay.nights, Party(own[0].adults, own[0].children, tuple(ages)), own[0].total)


def _price(talk: Talk) -> Decimal | None:
    """What the rooms cost where one choice is on the table."""
    hold = book.current_hold(talk)
    if hold:
        return hold.total
    offers = talk.state.offers
    return Decimal(offers[0].total) if len(offers) == 1 else None
