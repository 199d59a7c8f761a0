"""What a reply says is on record: every figure, date and room comes from a tool's result or the hotel's settings.

`Evidence` is all that this conversation may be told; `unfounded` reads the final words of a reply and finds what is not
in it. The hotel's own texts and settings are allowed word for word. What the guest said counts for days and people, so
that they can be echoed, and never for money; a guest's name counts for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from babel.dates import get_day_names, get_month_names
from babel.numbers import list_currencies
from sqlalchemy import select

from hotel_agent.channels.whatsapp.limits import (
    OutButtons,
    OutImage,
    OutList,
    OutLocation,
    OutMessage,
    OutTemplate,
    OutText,
)
from hotel_agent.conversations.dialogue import State
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.conversations.words import LANGUAGES, LOCALES
from hotel_agent.db import db
from hotel_agent.hotels.models import Extra, Hotel
from hotel_agent.nlu.numbers import figures
from hotel_agent.pms.contract import BookedRoom, RoomKind

# Of the record of others only what they are told counts: a name may be anything that somebody typed.
_SAYS_NOTHING = ("guest_name", "name", "hotel_id", "guest_id", "reservation_id", "as_of")


@dataclass
class Evidence:
    """What may be told. `words` are allowed as they are written, `kinds` is how the hotel calls its rooms, folded."""

    zone: Any
    amounts: set[Decimal] = field(default_factory=set)
    percents: set[Decimal] = field(default_factory=set)
    days: set[date] = field(default_factory=set)
    times: set[time] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)
    figures: set[int] = field(default_factory=set)
    nights: set[int] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    kinds: str = ""
    hotel: Hotel | None = None

    def add(self, value: Any) -> None:
        """Take up whatever a tool has returned, piece by piece."""
        match value:
            case None | bool():
                pass
            case Decimal():
                self.amounts.add(abs(value))
            case int():
                self.figures.add(abs(value))
            case float():
                self.figures.add(abs(int(value)))
            case datetime():
                self._add_moment(value)
            case date():
                self.days.add(value)
            case time():
                self.times.add(value.replace(second=0, microsecond=0, tzinfo=None))
            case str():
                self._add_words(value)
            case Mapping():
                self._add_all(value.values())
            case _ if is_dataclass(value):
                self._add_record(value)
            case Iterable():
                self._add_all(value)

    def _add_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.add(value)

    def _add_moment(self, moment: datetime) -> None:
        local = moment.astimezone(self.zone) if moment.tzinfo else moment
        self.days.add(local.date())
        self.times.add(local.time().replace(second=0, microsecond=0))

    def _add_words(self, said: str) -> None:
        """A code or an hour is told by itself; other words only as they stand."""
        said = said.strip()
        if _CODE.fullmatch(said):
            self.codes.add(said)
        elif clock := _HOURS.fullmatch(said):
            self.times.add(time(int(clock[1]) % 24, int(clock[2])))
        elif fee := _FEE.fullmatch(said):
            self._add_fee(fee[1], Decimal(fee[2]))
        elif said.isascii() and said.isdigit():
            self.figures.add(int(said))
        elif _DATE.fullmatch(said):
            self.days.add(date.fromisoformat(said))

    def _add_fee(self, kind: str, number: Decimal) -> None:
        if kind == "percent":
            self.percents.add(number)
        elif kind == "nights":
            self.nights.add(int(number))
        else:
            self.amounts.add(number)

    def _add_record(self, record: Any) -> None:
        """A value from the border: its fields, and what it computes from them."""
        if isinstance(record, RoomKind):
            self.figures.add(record.capacity)
            self.words.update([*record.names.values(), *record.descriptions.values()])
            called = folded(" ".join([*record.names.values(), *record.descriptions.values(), *record.words]))
            self.kinds += "" if called in self.kinds else f"{called}\n"
            return
        if isinstance(record, BookedRoom):
            self.rooms.add(record.number.lower())
        for name in _told_by(record.__class__):
            value = getattr(record, name)
            if name == "nights":
                self.nights.add(value)
            elif name in ("room", "rooms") and isinstance(value, str):
                self.rooms.update(value.lower().replace(",", " ").split())
            else:
                self.add(value)

    def allow(self, texts: Iterable[str | None]) -> None:
        """These may be told word for word."""
        self.words.update(text.strip() for text in texts if text and text.strip())


@cache
def _told_by(kind: type) -> tuple[str, ...]:
    """The fields of a record and what it computes from them, but for names and our own ids."""
    computed = [name for name in dir(kind) if isinstance(getattr(kind, name, None), property)]
    return tuple(name for name in [*(one.name for one in fields(kind)), *computed] if name not in _SAYS_NOTHING)


def evidence_of(talk: Talk, found: Iterable[Any]) -> Evidence:
    """All that may be told in this turn. `found` is what tools have returned meanwhile."""
    hotel, turn = talk.hotel, talk.turn
    evidence = Evidence(hotel.zone, hotel=hotel)
    evidence.days.add(turn.today)
    _add_hotel(evidence, hotel)
    evidence.add(list(talk.kinds.values()))
    for state in (State.from_json(turn.state), State.from_json(turn.earlier), talk.state):
        _add_state(evidence, state)
    _add_said(evidence, talk)
    for row in (talk.written or {}).values():
        evidence.allow([row.text, *_strings(row.payload)])
    evidence.add(list(found))
    return evidence


def _add_hotel(evidence: Evidence, hotel: Hotel) -> None:
    evidence.allow([hotel.name])
    evidence.add([hotel.check_in_time, hotel.check_out_time, hotel.front_desk_opens, hotel.front_desk_closes])
    evidence.add([hotel.free_cancellation_hours, hotel.largest_party])
    evidence.nights.add(hotel.longest_stay_nights)
    evidence.allow(_strings(hotel.settings))
    evidence.add(list(_strings(hotel.settings)))


def _strings(kept: Any) -> Iterator[str]:
    """Every text in a JSON value, its keys too."""
    if isinstance(kept, str):
        yield kept
    elif isinstance(kept, Mapping):
        for key, inner in kept.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(kept, list | tuple):
        for inner in kept:
            yield from _strings(inner)


def _add_state(evidence: Evidence, state: State) -> None:
    """What was told before in this conversation, and what the guest said of their stay."""
    for draft in (state.booking, state.before):
        _add_days(evidence, draft.check_in, draft.check_out)
        evidence.add([draft.adults, draft.children, draft.rooms, draft.ages])
        evidence.nights.update([draft.nights] if draft.nights else [])
    for shown in state.offers:
        _add_days(evidence, shown.check_in, shown.check_out)
        evidence.amounts.add(Decimal(shown.total))
        evidence.add([shown.adults, shown.children, len(shown.rooms)])
    evidence.figures.update(range(1, len(state.offers) + 1))
    evidence.amounts.update([Decimal(state.cancel_fee)] if state.cancel_fee else [])
    evidence.codes.update(code for code in (state.booked, state.cancelling, *state.proven) if code)


def _add_days(evidence: Evidence, check_in: date | None, check_out: date | None) -> None:
    evidence.add([check_in, check_out])
    if check_in and check_out:
        evidence.nights.add((check_out - check_in).days)


def _add_said(evidence: Evidence, talk: Talk) -> None:
    """Days and people may be echoed; sums of money, rooms and codes may not, however they were said."""
    for entities in (talk.said.entities, *talk.said.each):
        for name, value in entities.items():
            if name in _ECHOED:
                evidence.add(value)  # Days and hours are ISO 8601.
            if name == "nights" and isinstance(value, int):
                evidence.nights.add(value)
    evidence.add([date.fromisoformat(day) for day in talk.said.whole.turned_round or ()])
    evidence.add(list((talk.guest.usual_party or {}).values()))
    evidence.names.update(name for name in (talk.guest.name, talk.state.booking.name) if name)
    evidence.names.update(str(talk.said.entities[name]) for name in ("name", "surname") if talk.said.entities.get(name))


_ECHOED = ("check_in", "check_out", "adults", "children", "children_ages", "babies", "rooms", "time")


# Reading what is about to be sent


@dataclass(frozen=True)
class Unfounded:
    """Words that are on no record. `kind`: amount, percent, date, time, code, room, room_kind, nights, figure."""

    kind: str
    words: str


_CODE = re.compile(r"\b[A-Z]{3}-[2-9A-Z]{6}\b")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_FEE = re.compile(r"(percent|nights|amount):(\d+(?:\.\d+)?)")  # As pms/policy.py keeps it.
_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_NUMBER = r"\d+(?:[.,' ](?=\d{3}(?!\d))\d{3})*(?:[.,]\d{1,3})?"
_SIGN = r"(?:us\$|r\$|s/\.?|[$\u20a0-\u20cf\u00a2-\u00a5])"
_MONEY_WORD = (
    r"(?:euros?|eur|dolar(?:es)?|dollars?|usd|bucks|pesos?|reais|real|brl|libras?|pounds?|quid|gbp|soles|pen|cop|mxn|ars"
    r"|clp|uyu|chf|francos?|francs?|centimos?|centavos?|cents?|pence)"
)
_MONEY = re.compile(rf"{_SIGN} ?({_NUMBER})|({_NUMBER}) ?(?:{_SIGN}|{_MONEY_WORD}\b)|\b{_MONEY_WORD} ({_NUMBER})")
_COIN = re.compile(_MONEY_WORD)
# Sums in words are written by no template, and read by nobody here.
_SUM_IN_WORDS = re.compile(
    r"\b(?:cien|ciento|cem|cento|hundred|\w+cient[oa]s|\w+cent[oa]s|quinient[oa]s|quinhent[oa]s|mil|thousand|millon|milhao|million)"
    rf"(?: \w+){{0,4}} {_MONEY_WORD}\b"
)
# Which currencies a sign or word may stand for.
_COINS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(spelt), frozenset(codes.split()))
    for spelt, codes in (
        (r"us\$|usd|bucks", "USD"),
        (r"r\$|brl|\breal\b|\breais", "BRL"),
        (r"s/|soles|\bpen\b", "PEN"),
        (r"€|\beur", "EUR"),
        (r"£|\bgbp|pound|quid|pence|libra", "GBP EGP"),
        (r"cop\b", "COP"),
        (r"mxn", "MXN"),
        (r"\bars\b", "ARS"),
        (r"clp", "CLP"),
        (r"uyu", "UYU"),
        (r"chf|franco|francs?\b", "CHF XAF XOF"),
        (r"peso", "COP MXN ARS CLP UYU DOP CUP PHP"),
        (r"d[oó]lar|dollar", "USD CAD AUD NZD"),
        (r"\$", "USD CAD AUD NZD COP MXN ARS CLP UYU DOP"),
    )
)
_ISO_MONEY = re.compile(rf"\b([A-Z]{{3}}) ?({_NUMBER})|({_NUMBER}) ?([A-Z]{{3}})\b")
_PERCENT = re.compile(rf"({_NUMBER}) ?(?:%|por ?ciento|per ?cent|por ?cento)")
_ISO_DAY = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d\d)\b|(?<![\d/])(\d{1,2})/(\d{1,2})(?![\d/])")
_ROUND_THE_CLOCK = "24/7"
_CLOCK = re.compile(
    r"\b(\d{1,2})[:.h](\d\d)(?!\d|[.,]\d)(?: ?h(?:oras|s)?\b)?(?: ?([ap])\.? ?m\b)?"
    r"|\b(\d{1,2}) ?(?:(?:h|hs|hrs)\b|([ap])\.? ?m\b|o'?clock\b)"
    r"|\b(?:a las|a la|las|as|at|until|till|hasta las|ate as|from|desde las|by) (\d{1,2})"
    r"(?=$|\s*[.;!?)\n]|,\s|\s*(?:y|e|and|en|de la|da)\b)"
)
_ROOM = re.compile(
    r"\b(?:habitacion|hab\.?|cuarto|pieza|room|quarto|apartamento|apartment)"
    r" ?(?:numero|number|no?\.?º?|#)? ?(\d{1,4}[a-z]?)\b"
)
_ROOM_KIND = re.compile(
    r"\b(?:suites?|dobles?|doubles?|dupl[oa]s?|individual(?:es)?|individuais|singles?|triples?|tripl[oa]s?|familiar(?:es)?"
    r"|famil(?:y|ia)|twins?|kings?|queens?|penthouses?|aticos?|villas?|bungalows?|caban[ai]s?|studios?|estudios?"
    r"|presiden(?:cial|tial)|deluxe|superior(?:es)?|junior|lofts?|dormitorios?|dorms?|cuadruples?|quadruples?|quadruplos?"
    r"|matrimonial(?:es)?)\b(?! (?:beds?|camas?|check)\b)"
)
_NIGHTS = re.compile(r"\b(\d+) (?:noches?|nights?|noites?)\b")
_FIGURE = re.compile(rf"(?<![\w.,:/-]){_NUMBER}(?![\w:/])")
_LESS = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")


@lru_cache(256)  # How a hotel calls its rooms comes with every answer.
def folded(text: str) -> str:
    """Lower case without accents, line by line, every kind of space and figure written plainly."""
    spread = unicodedata.normalize("NFKD", _LESS.sub("", text))
    plain = "".join(letter for letter in spread if not unicodedata.combining(letter)).lower()
    return re.sub(r"[^\S\n]+", " ", plain)


def unfounded(bubbles: Iterable[OutMessage], evidence: Evidence) -> list[Unfounded]:
    """What these bubbles say as a fact that is on no record."""
    text = "\n".join(piece for bubble in bubbles for piece in _pieces(bubble) if piece)
    return list(_read(_without(text, evidence.words), evidence))


def _pieces(bubble: OutMessage) -> Iterator[str | None]:
    """All that the guest reads of it."""
    match bubble:
        case OutText():
            yield bubble.text
        case OutButtons():
            yield from (bubble.text, bubble.footer, *(one.title for one in bubble.buttons))
        case OutList():
            yield from (bubble.text, bubble.title, bubble.button, bubble.footer)
            for row in bubble.rows:
                yield from (row.title, row.description)
        case OutLocation():
            yield from (bubble.name, bubble.address)
        case OutImage():
            yield bubble.caption
        case OutTemplate():
            yield bubble.words


def _without(text: str, known: Iterable[str]) -> str:
    """The text but for what may be told word for word; a figure within another one does not count."""
    for words in sorted((one for one in known if not one.isdigit()), key=len, reverse=True):
        if words in text:
            text = re.sub(rf"(?<![\w.,]){re.escape(words)}(?!\w|[.,]\d)", " · ", text)
    return text


def _read(text: str, evidence: Evidence) -> Iterator[Unfounded]:
    """Each kind of fact in turn; what was read as one is not read as another."""
    reader = _Reader(text, evidence)
    yield from reader.codes()
    yield from reader.foreign_money()
    reader.text = folded(reader.text)
    yield from reader.money()
    yield from reader.percents()
    yield from reader.dates()
    yield from reader.times()
    yield from reader.rooms()
    reader.text = _without(reader.text, [folded(name).strip() for name in evidence.names])
    yield from reader.room_kinds()
    yield from reader.nights()
    yield from reader.figures()


class _Reader:
    """The words that have not been accounted for yet, in `text`."""

    def __init__(self, text: str, evidence: Evidence) -> None:
        self.text = unicodedata.normalize("NFKC", text)
        self.evidence = evidence
        self._extras: tuple[set[Decimal], set[time]] | None = None

    def _take(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        found = list(pattern.finditer(self.text))
        if found:
            self.text = pattern.sub(" · ", self.text)
        return found

    def codes(self) -> Iterator[Unfounded]:
        yield from (Unfounded("code", one[0]) for one in self._take(_CODE) if one[0] not in self.evidence.codes)

    def foreign_money(self) -> Iterator[Unfounded]:
        """Amounts with the code of a currency, which only capitals tell from a word."""
        for one in _ISO_MONEY.finditer(self.text):
            if (one[1] or one[4]) in _currencies():
                self.text = self.text.replace(one[0], " · ")
                if (one[1] or one[4]) != self._currency or not self._is_amount(one[2] or one[3]):
                    yield Unfounded("amount", one[0])

    def money(self) -> Iterator[Unfounded]:
        if _COIN.search(self.text):
            yield from (Unfounded("amount", one[0]) for one in self._take(_SUM_IN_WORDS))
            spelt = {one[0]: one for language in LANGUAGES for one in _MONEY.finditer(figures(self.text, language))}
            for said, one in spelt.items():
                if said not in self.text and not self._is_sum(one):
                    yield Unfounded("amount", said)
        yield from (Unfounded("amount", one[0]) for one in self._take(_MONEY) if not self._is_sum(one))

    def percents(self) -> Iterator[Unfounded]:
        for one in self._take(_PERCENT):
            if not _readings(one[1]) & self.evidence.percents:
                yield Unfounded("percent", one[0])

    def dates(self) -> Iterator[Unfounded]:
        self.text = self.text.replace(_ROUND_THE_CLOCK, " · ")
        days = self.evidence.days
        for one in self._take(_ISO_DAY):
            if not _is_day(days, int(one[3]), int(one[2]), int(one[1])):
                yield Unfounded("date", one[0])
        for one in self._take(_written_day()):
            if not all(_is_day(days, *told) for told in _told_days(one)):
                yield Unfounded("date", one[0])
        for one in self._take(_SLASHED):
            first, second = int(one[1] or one[4]), int(one[2] or one[5])
            year = int(one[3]) % 100 if one[3] else None
            if not (_is_day(days, first, second, year) or _is_day(days, second, first, year)):
                yield Unfounded("date", one[0])
        for one in self._take(_weekday()):
            if _weekdays()[one[0]] not in {day.weekday() for day in days}:
                yield Unfounded("date", one[0])

    def times(self) -> Iterator[Unfounded]:
        for one in self._take(_CLOCK):
            hour, minute = int(one[1] or one[4] or one[6]), int(one[2] or 0)
            if not self._is_time(hour, minute, one[3] or one[5], exact=bool(one[2])):
                yield Unfounded("time", one[0])

    def rooms(self) -> Iterator[Unfounded]:
        yield from (Unfounded("room", one[0]) for one in self._take(_ROOM) if one[1] not in self.evidence.rooms)

    def room_kinds(self) -> Iterator[Unfounded]:
        for one in self._take(_ROOM_KIND):
            if not re.search(rf"\b{one[0]}\b", self.evidence.kinds):
                yield Unfounded("room_kind", one[0])

    def nights(self) -> Iterator[Unfounded]:
        for one in self._take(_NIGHTS):
            if int(one[1]) not in self.evidence.nights:
                yield Unfounded("nights", one[0])

    def figures(self) -> Iterator[Unfounded]:
        known = self.evidence.figures | self.evidence.nights
        for one in self._take(_FIGURE):
            if not any(reading == int(reading) and int(reading) in known for reading in _readings(one[0])):
                yield Unfounded("figure", one[0])

    @property
    def _currency(self) -> str | None:
        return self.evidence.hotel.currency if self.evidence.hotel else None

    def _is_sum(self, found: re.Match[str]) -> bool:
        """The right figures in the right money."""
        coins = next((codes for spelt, codes in _COINS if spelt.search(found[0])), None)
        if coins is not None and self._currency not in coins:
            return False
        return self._is_amount(next(group for group in found.groups() if group))

    def _is_amount(self, number: str) -> bool:
        readings = _readings(number)
        return bool(readings & self.evidence.amounts or readings & self._of_extras()[0])

    def _is_time(self, hour: int, minute: int, half: str | None, *, exact: bool) -> bool:
        """ "3 pm" is 15:00; an hour alone may be of the morning or of the afternoon."""
        if hour > 24 or minute > 59:
            return False
        hours = {hour % 24}
        if half:
            hours = {hour % 12 + (12 if half == "p" else 0)}
        elif not exact and hour <= 12:
            hours.add((hour + 12) % 24)
        told = {time(one, minute) for one in hours}
        return bool(told & self.evidence.times or told & self._of_extras()[1])

    def _of_extras(self) -> tuple[set[Decimal], set[time]]:
        """What the hotel charges besides the rooms; read only when somebody tells of it."""
        if self._extras is None:
            hotel = self.evidence.hotel
            query = select(Extra.price, Extra.until).where(Extra.hotel_id == hotel.id) if hotel else None
            rows = db.session.execute(query).all() if query is not None else []
            self._extras = ({row.price for row in rows}, {row.until for row in rows if row.until})
        return self._extras


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def _readings(number: str) -> set[Decimal]:
    """Every sum that the figures may be: "95.000" is ninety-five thousand, or ninety-five with three decimals."""
    digits = re.sub(r"[' ]", "", number)
    marks = [at for at, letter in enumerate(digits) if letter in ".,"]
    whole = Decimal(re.sub(r"\D", "", digits))
    if not marks:
        return {whole}
    decimals = len(digits) - marks[-1] - 1
    fraction = whole.scaleb(-decimals)
    if decimals != 3:
        return {fraction}
    return {whole, fraction} if len(marks) == 1 else {whole}


# Days as they are written


@cache
def _months() -> dict[str, int]:
    """Every name and short name of a month, folded, in the languages of the replies."""
    names: dict[str, int] = {}
    for locale in LOCALES.values():
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, locale).items():
                    names[folded(name).strip(".")] = number
    # What English and Spanish write in several ways.
    return names | {"sep": 9, "sept": 9, "setiembre": 9}


@cache
def _weekdays() -> dict[str, int]:
    names: dict[str, int] = {}
    for locale in LOCALES.values():
        for context in ("format", "stand-alone"):
            for number, name in get_day_names("wide", context, locale).items():
                names[folded(name)] = number
    return names


@cache
def _written_day() -> re.Pattern[str]:
    """ "lunes 21 de diciembre de 2026", "21 dic", "December 21st", "del 3 al 5 de mayo", "3-5 May"."""
    months = "|".join(sorted(_months(), key=len, reverse=True))
    week = "|".join(sorted(_weekdays(), key=len, reverse=True))
    day = r"(?:st|nd|rd|th|º|o)?"
    year = r"(?:,? (?:de |of )?(?P<year{0}>(?:19|20)\d\d)\b)?"
    return re.compile(
        rf"(?:\b(?P<week>{week}),? (?:el |o |dia |the )?)?"
        rf"(?<![\d.,])(?:(?P<before>\d{{1,2}}){day} ?(?:-|–|—|al?|ao|to|y|e|and|/) ?)?"
        rf"(?P<day>\d{{1,2}}){day} (?:de |of )?(?P<month>{months})\b\.?{year.format('')}"
        rf"|(?:\b(?P<week2>{week}),? )?\b(?P<month2>{months}) (?P<day2>\d{{1,2}}){day}\b(?![:.,]?\d){year.format(2)}"
    )


@cache
def _weekday() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(_weekdays())})\b")


def _told_days(found: re.Match[str]) -> Iterator[tuple[int, int, int | None, int | None]]:
    """Day, month, year and weekday of each day in it."""
    month = _months()[found["month"] or found["month2"]]
    named = found["year"] or found["year2"]
    year = int(named) if named else None
    week = _weekdays().get(found["week"] or found["week2"] or "")
    if found["before"]:
        yield int(found["before"]), month, year, None
    yield int(found["day"] or found["day2"]), month, year, week


def _is_day(days: Iterable[date], day: int, month: int, year: int | None = None, week: int | None = None) -> bool:
    return any(
        (one.day, one.month) == (day, month)
        and (year is None or one.year == year or year < 100 and one.year % 100 == year)
        and (week is None or one.weekday() == week)
        for one in days
    )


# What becomes of a reply that says more than is known

# What stays true whatever the guest was told; the rest of the talk is over, so that a late yes is about nothing.
_STAYS_KNOWN = ("booking", "before", "booked", "proven", "wrong_codes", "failures", "names_asked")


def withhold(talk: Talk) -> list[Part]:
    """Say that a colleague will confirm, hand over, and leave nothing open that a yes could be taken for.

    What the PMS has done stays noted, and what was asked of colleagues stays filed.
    """
    for name, empty in ((one.name, getattr(State(), one.name)) for one in fields(State)):
        if name not in _STAYS_KNOWN:
            setattr(talk.state, name, empty)
    talk.hand_over("unsure")
    return [talk.part("trouble.not_sure")]
