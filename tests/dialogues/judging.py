"""What must hold of every reply to a guest, whatever the story."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import combinations_with_replacement, product

MOST_BUBBLES = 2
MOST_BUTTONS = 3
LONGEST_TITLE = 20
LONGEST_ROW_TITLE = 24

LEFTOVERS = re.compile(r"[{}]|\bNone\b|\bnull\b|\bundefined\b|&#\d+;|&amp;|</?\w+>|\bTrue\b|\bFalse\b|%\(")
ASSISTANT = re.compile(r"asistente|assistant|assistente")
CODE = re.compile(r"\b(?:MIR|AND)-[2-9A-HJKMNP-TV-Z]{6}\b")
CONFIRMED = re.compile(
    r"(?:reserva|booking|reservation|stay|estancia|estadia)\W+(?:\w+\W+){0,4}?(?:confirmad[ao]|confirmed)"
)
NOT_YET = re.compile(r"\b(?:no|not|nao|aun|todavia|yet|ainda|sin|sem|cuando|when|quando|si|if|se)\b")
AMOUNT = re.compile(r"(?:€|EUR|COP|\$)\s?(\d[\d.,]*\d|\d)|(\d[\d.,]*\d|\d)\s?(?:€|EUR\b|COP\b|euros?\b|pesos\b)")

# Words that only one of the three languages has, and that nearly every sentence has some of.
MARKS = {
    "es": "el los las una del con por tu y es noches habitacion en puedes gracias desde hasta dias hay tienes quieres "
    "necesitas cuando donde llegada salida ya companero ahora tambien cual lo le mas estan soy somos sin muy eso hotel "
    "estas al quieras dime",
    "en": "the and for your you is are of to with night nights room we can from until there have it this that if "
    "would like which our at on please arrival departure booking guests will be what who when not",
    "pt": "o os um uma do da dos das com por sua seu e noites quarto voce em pode obrigado obrigada ate dias ha tem "
    "quer nao sao quando onde chegada saida ja ao na colega agora tambem qual mais estao sou somos sem muito isso "
    "hotel lhe diga",
}
MARKS_ALONE = {
    name: set(marks.split()) - {word for other, more in MARKS.items() if other != name for word in more.split()}
    for name, marks in MARKS.items()
}

PRICES = {
    "miramar": {"rooms": (65, 95, 140, 210), "extras": (30, 12, 18, 35, 15)},
    "andes": {"rooms": (120_000, 165_000), "extras": (30_000, 15_000, 60_000)},
}
MOST_NIGHTS = 30


@dataclass(frozen=True)
class Bubble:
    """One message as the guest has it on the phone; `choices` are ids and titles."""

    kind: str
    text: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        return "\n".join([self.text, *(f"[{title}]" for _, title in self.choices)])


def words_of(bubbles: Sequence[Bubble]) -> str:
    return "\n".join(bubble.words for bubble in bubbles)


def faults(
    bubbles: Sequence[Bubble],
    *,
    language: str | None,
    hotel: str,
    amounts: Collection[str],
    rooms: int = 1,
    own_codes: Collection[str],
    has_booking: bool,
    first: bool,
) -> list[str]:
    """Everything that is wrong with a reply. `language` None: any will do."""
    return [
        *_shape(bubbles),
        *_leftovers(bubbles),
        *([] if language is None else _language(bubbles, language)),
        *_amounts(bubbles, hotel, rooms, amounts),
        *_codes(bubbles, own_codes),
        *([] if has_booking else _confirmed(bubbles)),
        *(["first contact does not say that an assistant writes"] if first and not _discloses(bubbles) else []),
    ]


def _shape(bubbles: Sequence[Bubble]) -> Iterable[str]:
    if len(bubbles) > MOST_BUBBLES:
        yield f"{len(bubbles)} bubbles"
    for bubble in bubbles:
        titles = [title for _, title in bubble.choices]
        if bubble.kind == "buttons" and len(titles) > MOST_BUTTONS:
            yield f"{len(titles)} buttons"
        longest = LONGEST_TITLE if bubble.kind == "buttons" else LONGEST_ROW_TITLE
        yield from (f"title too long: {title}" for title in titles if len(title) > longest)
        if len(set(titles)) < len(titles):
            yield f"two choices alike: {titles}"
        if bubble.text.count("!") > 1:
            yield "two exclamation marks"
        if not bubble.text.strip() and bubble.kind != "image":
            yield "an empty bubble"


def _leftovers(bubbles: Sequence[Bubble]) -> Iterable[str]:
    for found in LEFTOVERS.finditer(words_of(bubbles)):
        yield f"leftover {found[0]!r}"


def _discloses(bubbles: Sequence[Bubble]) -> bool:
    return bool(ASSISTANT.search(fold(words_of(bubbles))))


def _language(bubbles: Sequence[Bubble], language: str) -> Iterable[str]:
    heard = language_of(words_of(bubbles))
    if heard is not None and heard != language:
        yield f"speaks {heard}, not {language}"


def language_of(text: str) -> str | None:
    """The language of a text, by words that only it has; None where too little tells."""
    plain = re.findall(r"[^\W\d_]+", fold(text))
    votes = {name: sum(word in marks for word in plain) for name, marks in MARKS_ALONE.items()}
    best, second = sorted(votes, key=lambda name: votes[name], reverse=True)[:2]
    return best if votes[best] >= 3 and votes[best] > 2 * votes[second] else None


def _amounts(bubbles: Sequence[Bubble], hotel: str, rooms: int, more: Collection[str]) -> Iterable[str]:
    known = possible_amounts(hotel, rooms) | {Decimal(each) for each in more}
    for amount in amounts_in(words_of(bubbles)):
        if amount not in known:
            yield f"an amount that no price gives: {amount}"


def amounts_in(text: str) -> list[Decimal]:
    return [amount for found in AMOUNT.finditer(text) if (amount := _number(found[1] or found[2])) is not None]


def _number(written: str) -> Decimal | None:
    """1.260,00 and 1,260.00 alike: the last mark is the decimal one where two figures follow it."""
    whole, cents = written, ""
    if len(written) > 3 and written[-3] in ".,":
        whole, cents = written[:-3], written[-2:]
    try:
        return Decimal(re.sub(r"[.,]", "", whole) + (f".{cents}" if cents else ""))
    except InvalidOperation:
        return None


@cache
def possible_amounts(hotel: str, most_rooms: int = 1) -> frozenset[Decimal]:
    """Nights of a room, of two like rooms or of so many of any kind, extras, and what another kind of room changes."""
    rooms, extras = PRICES[hotel]["rooms"], PRICES[hotel]["extras"]
    lengths = range(MOST_NIGHTS + 1)
    found = {price * count * alike for price, count, alike in product(rooms, lengths, (1, 2))}
    found |= {price * count for price, count in product(extras, range(41))}
    found |= {abs(one - other) * count for one, other, count in product(rooms, rooms, lengths)}
    for count in range(2, most_rooms + 1):
        found |= {sum(some) * nights for some in combinations_with_replacement(rooms, count) for nights in range(15)}
    return frozenset(Decimal(each) for each in found)


def _codes(bubbles: Sequence[Bubble], own: Collection[str]) -> Iterable[str]:
    for code in set(CODE.findall(words_of(bubbles))) - set(own):
        yield f"a code that is not this guest's: {code}"


def _confirmed(bubbles: Sequence[Bubble]) -> Iterable[str]:
    words = fold(words_of(bubbles))
    for found in CONFIRMED.finditer(words):
        if not NOT_YET.search(words[max(0, found.start() - 25) : found.end()]):
            yield f"confirmed without a booking: {found[0]!r}"


def fold(words: str) -> str:
    """Without accents and capitals, so that a pattern need not think of them."""
    plain = unicodedata.normalize("NFKD", words)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def says(pattern: str, words: str) -> bool:
    """Whether a pattern is found; accents, capitals and asterisks of bold type aside."""
    plain = unicodedata.normalize("NFKD", pattern)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.search(plain, fold(words.replace("*", "")), re.IGNORECASE | re.DOTALL) is not None
