"""What a guest wants changed in a booking, from their words: days, rooms, people and the name, in three languages.

Days are read beside the booking: "until Sunday" is the first Sunday after its arrival, "a day earlier" is counted from
it. A guest's later words replace what they wanted before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from hotel_agent.conversations.talk import Talk
from hotel_agent.nlu import Hints, Understanding, understand
from hotel_agent.nlu.text import fold
from hotel_agent.reservations import Booking, Stay
from hotel_agent.reservations.changing import Wanted, kinds_of

_NUMBERS = {
    **dict.fromkeys(
        ("un", "uno", "una", "one", "a", "an", "um", "uma", "another", "otro", "otra", "outro", "outra"), 1
    ),
    **dict.fromkeys(("dos", "two", "dois", "duas", "couple of", "par de"), 2),
    **dict.fromkeys(("tres", "three"), 3),
    **dict.fromkeys(("cuatro", "four", "quatro"), 4),
    **dict.fromkeys(("cinco", "five"), 5),
}
_COUNT = rf"(?P<count>{'|'.join(sorted(_NUMBERS, key=len, reverse=True))}|\d+)"
_UNIT = r"(?P<unit>dias?|days?|noches?|nights?|noites?|semanas?|weeks?)"
_SPAN = rf"\b{_COUNT} {_UNIT}"

_SHIFTED = re.compile(
    rf"{_SPAN} (?:(?P<earlier>antes|earlier|before|early|sooner|mas temprano|mas pronto|mais cedo)"
    r"|(?P<later>despues|mas tarde|later|late|after|depois|mais tarde))\b"
)
_LONGER = (
    re.compile(
        rf"{_SPAN} (?:mas|adicional(?:es)?|extra|more|longer|a mais|adicionais)\b(?! (?:tarde|temprano|pronto))"
    ),
    re.compile(rf"\b{_COUNT} (?:more|extra|additional) {_UNIT}\b"),
    re.compile(rf"\bmais {_COUNT} {_UNIT}\b"),
    re.compile(rf"\b(?P<count>another|otra|otro|outra|outro) {_UNIT}\b"),
    re.compile(
        r"\b(?:add|anad\w+|agreg\w+|sum(?:ar|a|ame|arle|ale)|acrescent\w+|adicion\w+|extend\w*|alarg\w+|ampli\w+"
        rf"|prolong\w+|estend\w+|extiend\w+)\b(?: \w+){{0,5}}? {_COUNT} {_UNIT}\b"
    ),
)
_SHORTER = (
    re.compile(rf"{_SPAN} (?:menos|less|fewer|a menos|shorter)\b"),
    re.compile(rf"\b{_COUNT} (?:less|fewer) {_UNIT}\b"),
    re.compile(rf"\bmenos {_COUNT} {_UNIT}\b"),
    re.compile(
        r"\b(?:quit\w+|rest(?:ar|a|arle|ale)|remove|take off|drop|cut|tir(?:ar|a|e|em)|acort\w+|shorten\w*|reduc\w+"
        rf"|encurt\w+|reduz\w*|recort\w+)\b(?: \w+){{0,5}}? {_COUNT} {_UNIT}\b"
    ),
)
LAST_OR_FIRST_NIGHT = re.compile(
    r"\b(?:quit\w+|cancel\w*|remove|drop|skip|take off|tir(?:ar|a|e|em)|elimin\w+|sin|without|sem)\b(?: \w+){0,3}? "
    r"(?P<which>ultima|last|primera|first|primeira) (?:noche|night|noite)\b"
)
_AT_THE_START = re.compile(
    r"\b(?:antes|before|al principio|al inicio|at the (?:start|beginning)|no (?:comeco|inicio))\b"
)
_ARRIVING = re.compile(
    r"\b(?:lleg\w+|entr(?:ar|amos|ada|o|aremos)|ven(?:ir|imos|go|dremos)|arriv\w+|com(?:e|ing) (?=a|one|two|\d)"
    r"|check[- ]?in|cheg\w+|vir\b|vimos|viremos)\b"
)
_LEAVING = re.compile(
    r"\b(?:sal(?:ir|imos|go|ida|dremos|irnos)|ir(?:me|nos)|nos vamos|me voy|march\w+|leav\w+|check[- ]?out|depart\w+"
    r"|go home|sair\w*|saida|saimos|saio|vou embora|ir embora|partir|partida|quedar\w*|stay\w*|fic(?:ar|amos|o))\b"
)
_MOVING = re.compile(
    r"\b(?:mov\w+|muev\w+|mueve\w*|pas(?:ar|a|ame|arla|ala|adla|emos)|traslad\w+|corr(?:er|e|ela|erla)|adelant\w+|atras\w+"
    r"|retras\w+|pospon\w+|posponer\w*|aplaz\w+|push\w*|shift\w*|postpon\w+|delay\w*|bring|mud(?:ar|a|e|em)|passar?|passe"
    r"|adi(?:ar|e|em|a)|antecip\w+|anticip\w+)\b"
)
_SOONER = re.compile(r"\b(?:adelant\w+|anticip\w+|antecip\w+|forward)\b")
_BARE = re.compile(rf"{_SPAN}\b")
_WEEK_LATER = re.compile(
    r"\b(?:semana siguiente|siguiente semana|semana despues|week after|following week|week later|semana seguinte"
    r"|semana depois|outra semana)\b"
)
_WEEKEND_LATER = re.compile(
    r"\b(?:(?:finde|fin de semana|fim de semana|final de semana) (?:siguiente|seguinte|despues|depois)"
    r"|siguiente (?:finde|fin de semana)|following weekend|weekend after)\b"
)
_OF_WHICH_WEEK = re.compile(
    r"\b(?:est[ea]|es[ea]|proxim[oa]|que viene|que vem|this|next|coming|hoy|hoje|today|manana|amanha|tomorrow)\b"
)
_RATHER = re.compile(r"\b(?:no|nao|mejor|better|melhor|rather|instead|mas bien|en realidad|actually|na verdade)\b")

_TOO = re.compile(
    r"\b(?:add|anad\w+|agreg\w+|acrescent\w+|adicion\w+|incluir|include"
    r"|tambien|ademas|also|too|as well|joins?|joining|se une|se suma|tambem|viene|vienen|vem|vira|one more|another"
    r"|mas|mais|more|extra|otr[ao]|outr[ao])\b"
)
_IN_ALL = re.compile(
    r"\b(?:somos|seremos|seriamos|vamos a ser|iremos|estaremos|total|we are|we['’ ]?re"
    r"|we will be|we['’ ]?ll be|there will be|there['’ ]?ll be"
    r"|vamos ser|para|for)\b"
)
_ONE_MORE = re.compile(
    r"\b(?:uno|una|un|una persona|1|1 persona) mas\b(?! (?:tarde|temprano))"
    r"|\bone more(?: person| adult| guest)?\b(?! night| day)"
    r"|\bmais (?:um|uma|uma pessoa|1)\b(?! noite| dia| semana)|\bperson more\b"
)
_ONE_FEWER = re.compile(
    r"\b(?:uno|una|una persona|1) menos\b|\bone (?:person )?(?:less|fewer)\b(?! night| day)|\bum a menos\b"
    r"|\buma pessoa a menos\b|\b(?:ya )?no (?:viene|puede venir)\b|\b(?:isn['’ ]?t|is not|not) coming\b"
    r"|\bcan['’ ]?t (?:come|make it)\b|\bnao (?:vem|vai|pode vir)\b"
)
_ALONE = re.compile(r"\b(?:solo yo|voy sol[oa]|ire sol[oa]|alone|just me|only me|sozinh[oa]|so eu)\b")
_ADULTS = re.compile(r"\badult\w*")
_NO_CHILDREN = re.compile(
    r"\b(?:sin|without|sem) (?:los |las |the |as |os |my |mis )?"
    r"(?:nin[oa]s|kids|children|criancas|hij[oa]s|filh[oa]s)\b"
)
_BIGGER = re.compile(r"\b(?:mas grande|mayor|bigger|larger|upgrade|maior|mejor habitacion|better room|melhor quarto)\b")
_NAME = re.compile(r"\b(?:nombre|titular|name|nome|apellido|surname|sobrenome)\b")
_CAPITALS = "A-ZÁÉÍÓÚÂÊÔÃÕÀÇÑÜ"
_ONE_NAME = rf"[{_CAPITALS}][a-zà-ÿ]+(?:[-'’][{_CAPITALS}]?[a-zà-ÿ]+)*"
_NAMED = re.compile(
    rf"\b(?:nombre|titular|name|nome)\b[^.!\n]{{0,60}}?\b({_ONE_NAME}"
    rf"(?:\s+(?:(?:de|del|la|las|los|da|dos|das|do|van|von|der|y|e)\s+)*{_ONE_NAME})*)"
)
_NAMED_IN_SMALL_LETTERS = re.compile(
    r"\b(?:a nombre de|en nombre de|em nome de|no nome de|in the name of|under the name(?: of)?|name (?:to|is)"
    r"|nombre (?:a|por|es)|nome (?:para|e))\s+([^\W\d_]+(?:\s+[^\W\d_]+){1,3})\s*[.?!]*$",
    re.IGNORECASE,
)

_CHANGING = re.compile(
    r"\b(?:cambi\w+|modific\w+|change\w*|switch\w*|swap\w*|mov\w+|mud\w+|troc\w+|alter\w+|pas(?:ar|a|ame|arme))\b"
)
_TO_BOOK = re.compile(
    r"\b(?:quiero|queremos|quisiera|want to|like to|need to|quero|queria|necesito|preciso|gustaria"
    r"|gostaria de)\b.{0,8}\b(?:reservar|book)\b"
)
_NEW_BOOKING = re.compile(
    r"\b(?:otra|nueva|another|new|outra|nova|a second|una segunda) "
    r"(?:reserva|booking|habitacion|room|reservation|quarto)\b"
)

# "My parents want a double too": a room for somebody else is another booking.
_FOR_OTHERS = re.compile(
    r"\b(?:quier\w+|necesit\w+|wants?|needs?|would like|quer\w*|precis\w+)\b[^.?!]*"
    r"\b(?:tambien|too|as well|also|tambem)\b"
    r"|\b(?:tambien|also|tambem)\b[^.?!]*\b(?:quier\w+|necesit\w+|wants?|needs?|would like|querem|precisam)\b"
)

# What a change is about, where it is not said to what.
_ABOUT = (
    ("name", _NAME),
    ("room", re.compile(r"\b(?:habitacion|cuarto|room|quarto|tipo|pieza)\b")),
    ("people", re.compile(r"\b(?:personas?|people|pessoas?|huesped\w*|guests?|hospedes?|gente|cuantos somos)\b")),
    (
        "dates",
        re.compile(
            r"\b(?:fechas?|dias?|dates?|days?|datas?|llegada|arrival|chegada|salida|departure|saida|noches?|nights?"
            r"|noites?|alarg\w+|ampli\w+|extend\w*|extiend\w+|prolong\w+|acort\w+|shorten\w*|estend\w+|encurt\w+"
            r"|mas tiempo|longer)\b"
        ),
    ),
)  # fmt: skip

# Words that can only be about a booking that exists, however the model scored them.
_UNMISTAKABLE = re.compile(
    r"\b(?:al final|finalmente|in the end|after all|no final|no fim|afinal)\b.{0,20}"
    r"\b(?:somos|seremos|vamos|we|iremos)\b"
    r"|\b(?:cambi\w+|modific\w+|change|move|mov\w+|muev\w+|shift|push|mud\w+|alter\w+|adelant\w+|retras\w+|atras\w+)\b"
    r".{0,20}\b(?:check.?in|check.?out|arrival|departure|llegada|salida|entrada|chegada|saida|fechas?|dates?|datas?)\b"
    r"|\b(?:somos|seremos|we)\b.{0,60}\b(?:al final|in the end|after all|no final)\b"
    r"|\b(?:ya )?no (?:viene|vienen|puede venir|pueden venir)\b|\bnao (?:vem|pode vir|podem vir)\b"
    r"|\b(?:is|are)(?: not|n['’ ]?t) coming\b|\bcan['’ ]?t (?:come|make it)\b"
    r"|\b(?:mas grande|bigger|larger|maior)\b.{0,20}\b(?:habitacion|cuarto|room|quarto)\b"
    r"|\b(?:habitacion|cuarto|room|quarto)\b.{0,10}\b(?:mas grande|bigger|larger|maior)\b"
    r"|\b(?:pon(?:la|ed|erla|ga)?|put|coloca\w*|colocar|poner|cambia\w*|change|muda\w*)\b.{0,40}\b(?:nombre|name|nome)\b"
    r"|\b(?:mi|la|my|the|minha|a) (?:reserva|booking|reservation)\b.{0,30}"
    r"\b(?:a|para|to|una|one|um|uma) (?:semana|week)\b"
    r"|\b(?:tambien|also|too|tambem|ademas)\b.{0,30}\b(?:viene\w*|vem|com(?:e|es|ing))\b"
    r"|\b(?:viene\w*|vem|com(?:e|es|ing))\b.{0,30}\b(?:tambien|also|too|tambem|as well)\b"
)


@dataclass
class Wishes:
    """What is wanted otherwise, as JSON keeps it in the state, and what the words are about beyond that."""

    wants: dict[str, Any] = field(default_factory=dict)
    about: str | None = None
    unclear: str | None = None
    unknown_kind: bool = False
    said_something: bool = False


def wanted_of(wants: Mapping[str, Any]) -> Wanted:
    return Wanted(
        check_in=_date(wants.get("check_in")),
        check_out=_date(wants.get("check_out")),
        room_types=tuple(wants["room_types"]) if wants.get("room_types") else None,
        adults=wants.get("adults"),
        children=wants.get("children"),
        babies=wants.get("babies", 0),
        name=wants.get("name"),
    )


def hear(talk: Talk, said: str, booking: Booking, wants: Mapping[str, Any], expected: str | None) -> Wishes:
    """What these words change, on top of what was wanted before."""
    heard = Wishes(dict(wants))
    for line in said.split("\n"):
        if line.strip():
            _hear_line(talk, line, booking, heard, expected)
    return heard


def _hear_line(talk: Talk, line: str, booking: Booking, heard: Wishes, expected: str | None) -> None:
    before = dict(heard.wants)
    words = fold(line)
    stay = _counted_from(booking, heard.wants, words)
    read = _read(talk, line, stay, expected)
    _hear_days(read, words, stay, booking, heard)
    _hear_kind(talk, read, words, booking, heard)
    if not _NAME.search(words):  # "A nombre de mi marido" says who pays, not who comes.
        _hear_people(read, words, booking, heard)
    _hear_name(read, line, words, expected, heard)
    said = bool({"check_in", "check_out", "room_type", "adults", "children"} & set(read.entities))
    heard.said_something = heard.said_something or heard.wants != before or said
    if heard.wants == before and not heard.unclear:
        heard.about = next((about for about, spelt in _ABOUT if spelt.search(words)), heard.about)
        heard.about = "room" if _BIGGER.search(words) else heard.about


def _counted_from(booking: Booking, wants: Mapping[str, Any], words: str) -> Stay:
    """ "No, mejor dos noches más" is counted from the booking, and from the new days where the whole stay is moved."""
    wanted = _stay_of(booking, wants)
    moved = wanted.nights == booking.stay.nights and wanted != booking.stay
    return booking.stay if _RATHER.search(words) and not moved else wanted


def _stay_of(booking: Booking, wants: Mapping[str, Any]) -> Stay:
    wanted = wanted_of(wants)
    try:
        return Stay(wanted.check_in or booking.stay.check_in, wanted.check_out or booking.stay.check_out)
    except ValueError:
        return booking.stay


def _read(talk: Talk, line: str, stay: Stay, expected: str | None) -> Understanding:
    """The line as it reads beside the stay: days without a month are near its arrival, weekdays of its week."""
    kinds = {code: kind.words for code, kind in talk.kinds.items()}
    expected = expected if expected in ("dates", "check_in", "check_out", "party", "name", "nights") else None
    hints = Hints(talk.heard_in, talk.hotel.country, kinds, expected, stay.check_in)
    today = talk.turn.today
    read = understand(line, today, hints)
    bare = not any(letter.isdigit() for letter in line) and not _OF_WHICH_WEEK.search(fold(line))
    days = {"check_in", "check_out"} & set(read.entities)
    if bare and len(days) == 2:
        monday = stay.check_in - timedelta(days=stay.check_in.weekday())
        return understand(line, max(monday, today), replace(hints, around=None))
    departure = _date(read.entities.get("check_out"))
    if days == {"check_out"} and departure and (bare or departure <= stay.check_in):
        later = understand(line, max(today, stay.check_in + timedelta(days=1)), replace(hints, around=None))
        return later if later.entities.get("check_out") else read
    return read


# Days


def _hear_days(read: Understanding, words: str, stay: Stay, booking: Booking, heard: Wishes) -> None:
    wants = heard.wants
    arrival, departure = _date(read.entities.get("check_in")), _date(read.entities.get("check_out"))
    if arrival and departure:
        _want_days(wants, arrival, departure)
    elif arrival or departure:
        _want_one_day(wants, words, stay, booking, arrival, departure, read.entities.get("nights"))
    elif moved := _moved(words, stay):
        _want_days(wants, *moved)
    elif _means_a_length(read, words):
        _want_days(wants, stay.check_in, stay.check_in + timedelta(days=read.entities["nights"]))
    elif "no_such_date" in read.problems:
        heard.unclear = "no_such_date"
    elif {"check_in", "check_out", "nights"} & set(read.ambiguous):
        heard.unclear = "ambiguous_dates"
    elif read.turned_round:
        heard.unclear = "reversed"


def _want_days(wants: dict[str, Any], check_in: date, check_out: date) -> None:
    wants["check_in"], wants["check_out"] = check_in.isoformat(), check_out.isoformat()


def _want_one_day(
    wants: dict[str, Any],
    words: str,
    stay: Stay,
    booking: Booking,
    arrival: date | None,
    departure: date | None,
    nights: int | None,
) -> None:
    """One day of two: an arrival by its own words keeps the departure, any other moves the stay."""
    only_departure_moved = _date(wants.get("check_out")) and _stay_of(booking, wants).check_in == booking.stay.check_in
    if arrival and not _ARRIVING.search(words) and (_LEAVING.search(words) or only_departure_moved):
        arrival, departure = None, arrival
    if departure:
        check_in = departure - timedelta(days=nights) if nights else stay.check_in
        _want_days(wants, check_in, departure)
    elif arrival:
        as_long = nights or _AS_LONG.search(words)
        keeps = bool(_ARRIVING.search(words)) and arrival < stay.check_out and not as_long
        length = timedelta(days=nights or stay.nights)
        _want_days(wants, arrival, stay.check_out if keeps else arrival + length)


def _moved(words: str, stay: Stay) -> tuple[date, date] | None:
    """ "A day earlier", "one more night", "the following weekend": counted from the stay."""
    if _WEEKEND_LATER.search(words):
        return _next_weekend(stay)
    if edge := LAST_OR_FIRST_NIGHT.search(words):
        first = edge["which"] in ("primera", "first", "primeira")
        day = timedelta(days=1)
        return (stay.check_in + day, stay.check_out) if first else (stay.check_in, stay.check_out - day)
    if shifted := _SHIFTED.search(words):
        days = _days(shifted) * (-1 if shifted["earlier"] else 1)
        if shifted["earlier"] and any(spelt.search(words) for spelt in _LONGER):
            return stay.check_in + timedelta(days=days), stay.check_out
        return _shift(words, stay, timedelta(days=days))
    for spelt in _SHORTER:
        if found := spelt.search(words):
            return stay.check_in, stay.check_out - timedelta(days=_days(found))
    for spelt in _LONGER:
        if found := spelt.search(words):
            more = timedelta(days=_days(found))
            return (
                (stay.check_in - more, stay.check_out)
                if _AT_THE_START.search(words)
                else (stay.check_in, stay.check_out + more)
            )
    if _WEEK_LATER.search(words):
        return stay.check_in + timedelta(weeks=1), stay.check_out + timedelta(weeks=1)
    bare = _BARE.search(words) if _MOVING.search(words) else None
    return _shift(words, stay, timedelta(days=_days(bare) * (-1 if _SOONER.search(words) else 1))) if bare else None


# "A day later, the same number of nights".
_AS_LONG = re.compile(
    r"\b(?:same (?:number|amount) of nights|same nights|same length|as many nights|mism[oa]s? (?:noches"
    r"|numero de noches|duracion"
    r"|cantidad de noches|dias)|igual de noches|mesm[oa]s? (?:noites|numero de noites|duracao|quantidade de noites))\b"
)


def _shift(words: str, stay: Stay, by: timedelta) -> tuple[date, date]:
    """Only the day that is spoken of; the whole stay where it is moved; otherwise the arrival."""
    arriving, leaving = bool(_ARRIVING.search(words)), bool(_LEAVING.search(words))
    if by.days % 7 == 0 and not (arriving or leaving):
        return stay.check_in + by, stay.check_out + by
    if leaving and not arriving:
        return stay.check_in, stay.check_out + by
    if (_MOVING.search(words) and not arriving) or _AS_LONG.search(words):
        return stay.check_in + by, stay.check_out + by
    return stay.check_in + by, stay.check_out


def _days(found: re.Match[str]) -> int:
    said = found["count"]
    count = int(said) if said.isdigit() else _NUMBERS[said]
    return min(count, 366) * (7 if found["unit"].startswith(("semana", "week")) else 1)


def _next_weekend(stay: Stay) -> tuple[date, date]:
    """The same days a week later for who comes for a weekend; otherwise Friday to Sunday after the arrival."""
    if stay.check_in.weekday() >= 4:
        return stay.check_in + timedelta(weeks=1), stay.check_out + timedelta(weeks=1)
    friday = stay.check_in + timedelta(days=4 - stay.check_in.weekday())
    return friday, friday + timedelta(days=2)


def _means_a_length(read: Understanding, words: str) -> bool:
    """ "Que sean 4 noches" is how long it is to be."""
    nights = read.entities.get("nights")
    return isinstance(nights, int) and not _MOVING.search(words)


# Rooms


def _hear_kind(talk: Talk, read: Understanding, words: str, booking: Booking, heard: Wishes) -> None:
    kind = read.entities.get("room_type")
    if kind is None and "room_type" in read.ambiguous:
        named = [code for code in talk.kinds if any(fold(word) in words for word in talk.kinds[code].words)]
        others = [code for code in named if code not in kinds_of(booking)]
        kind = others[0] if len(others) == 1 else None
    if kind in talk.kinds:
        heard.wants["room_types"] = [kind]
    elif kind is not None:
        heard.unknown_kind = True


# People


def _hear_people(read: Understanding, words: str, booking: Booking, heard: Wishes) -> None:
    told, wants = read.entities, heard.wants
    children = wants.get("children", booking.children)
    added = bool(_TOO.search(words)) and not _IN_ALL.search(words)
    if _ALONE.search(words):
        wants["adults"] = 1
    elif _ONE_FEWER.search(words) and "nights" not in told:
        wants["adults"] = max(booking.adults - 1, 1)
    elif "adults" in told:
        _want_adults(wants, words, told, booking, added)
    elif "children" not in told and _ONE_MORE.search(words) and "nights" not in told:
        wants["adults"] = booking.adults + 1
    if "children" in told:
        wants["children"] = booking.children + told["children"] if added else told["children"]
        ages = [age for age in told.get("children_ages", ()) if age < 2]
        wants["babies"] = len(ages) + told.get("babies", 0)
    elif _NO_CHILDREN.search(words) and children:
        wants["children"] = 0
    if {"adults", "children"} & set(read.ambiguous) - set(told):
        heard.unclear = heard.unclear or "ambiguous_people"


def _want_adults(wants: dict[str, Any], words: str, told: Mapping[str, Any], booking: Booking, added: bool) -> None:
    """ "Somos 3" counts everybody, "3 adultos" the adults, "viene una persona más" who comes on top."""
    adults = told["adults"]
    if added:
        wants["adults"] = booking.adults + adults
    elif booking.children and "children" not in told and not _ADULTS.search(words) and adults > booking.children:
        wants["adults"] = adults - booking.children
    else:
        wants["adults"] = adults


# The name


def _hear_name(read: Understanding, line: str, words: str, expected: str | None, heard: Wishes) -> None:
    found = _NAMED.search(line) or _NAMED_IN_SMALL_LETTERS.search(line)
    speaks_of_it = bool(_NAME.search(words)) or expected == "name"
    name = read.entities.get("name") if speaks_of_it and "booking_code" not in read.entities else None
    name = name or (found[1] if found and "booking_code" not in read.entities else None)
    if name:
        heard.wants["name"] = str(name) if str(name) != str(name).lower() else str(name).title()


# Whether words are about a booking at all


def is_unmistakable(said: str) -> bool:
    """Words that change a booking whatever else they might mean: "llegamos un día antes", "ponla a nombre de…"."""
    words = fold(said)
    if _UNMISTAKABLE.search(words):
        return True
    of_a_day = bool(_ARRIVING.search(words) or _LEAVING.search(words))
    if _SHIFTED.search(words) and (of_a_day or _MOVING.search(words)):
        return True
    if of_a_day and _MOVING.search(words) and _BARE.search(words):
        return True
    return any(spelt.search(words) for spelt in (LAST_OR_FIRST_NIGHT, *_LONGER, *_SHORTER))


def says_a_detail(texts: Iterable[str]) -> bool:
    """Whether any of these words move a stay by days, or change who comes or in whose name."""
    for said in texts:
        words = fold(said)
        patterns = (
            _SHIFTED,
            *_LONGER,
            *_SHORTER,
            _WEEK_LATER,
            _WEEKEND_LATER,
            _ONE_MORE,
            _ONE_FEWER,
            _NO_CHILDREN,
            _BIGGER,
        )
        named = _NAMED.search(said) or _NAMED_IN_SMALL_LETTERS.search(said)
        if named or LAST_OR_FIRST_NIGHT.search(words) or any(spelt.search(words) for spelt in patterns):
            return True
    return False


def wants_another(said: str) -> bool:
    """ "Quiero reservar otra habitación" is about no booking that exists, "cambiar a otra habitación" is."""
    words = fold(said)
    new = _NEW_BOOKING.search(words) or _TO_BOOK.search(words) or _FOR_OTHERS.search(words)
    return bool(new) and not _CHANGING.search(words)


def is_about_what(said: str) -> bool:
    """Whether a short answer names what is to change: "las fechas"."""
    words = fold(said)
    return len(words.split()) <= 6 and any(spelt.search(words) for _, spelt in _ABOUT)


def stays_until(said: str) -> bool:
    """Whether these words are about when a stay ends."""
    return bool(_LEAVING.search(fold(said)))


def _date(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else None
