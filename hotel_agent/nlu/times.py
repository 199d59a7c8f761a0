"""Times of the day: "a las 3 de la tarde", "3pm", "às 14h", "half past ten"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hotel_agent.nlu.text import masked

_PART = (
    r"(?:,? ?(?P<part>de la manana|por la manana|de la madrugada|da madrugada|da manha|in the morning"
    r"|de la tarde|por la tarde|da tarde|"
    r"in the afternoon|de la noche|por la noche|da noite|a noite|in the (?:evening|night)|at night|del mediodia"
    r"|do meio-dia|am\b|pm\b|a\.m\.?|p\.m\.?|a\. m\.|p\. m\.))?"
)
# After a time with minutes the bare word will do: "8:10 evening".
_LOOSE_PART = _PART.replace("|del mediodia", r"|evening\b|night\b|afternoon\b|morning\b|del mediodia")
_SURE_PART = _LOOSE_PART.removesuffix("?")
_CLOCK = re.compile(
    rf"(?<![\d/.,:])(?P<h>[01]?\d|2[0-4])(?:(?::|h)(?P<m>[0-5]\d)(?::\d\d)?"
    rf"|[.](?P<m2>[0-5]\d)(?= ?(?:h\b|hs|hrs|am|pm|a\.m|p\.m)))"
    rf"(?!\d)(?: ?(?:h|hs|hrs|horas|uhr)\b|(?=[ap]\.?m\b)|\b){_LOOSE_PART}"
)
# "8 40 in the morning", "at 17 30", "10 to 8 in the evening": the words around make a time of two numbers.
_TWO_NUMBERS = re.compile(
    rf"(?<![\d/.,:-])\b(?:(?P<h1>[01]?\d|2[0-4]) (?P<m3>[0-5]\d)\b{_SURE_PART}"
    r"|(?:(?<=\bat )|(?<=\bas )|(?<=\blas ))(?P<h2>[01]?\d|2[0-4]) (?P<m4>[0-5][05])\b(?! ?(?:person|people|pax"
    r"|noch|night|noit)))"
)
_MINUTES_TO = re.compile(rf"(?<![\d/.,:-])\b(?P<extra>5|10|15|20|25) (?P<way>to|past) (?P<h1>\d{{1,2}})\b{_SURE_PART}")
_WITH_HALF = re.compile(
    r"\b(?P<h1>\d{1,2}) ?(?P<pm>am|pm)?(?: y | e |, ?)(?P<extra>media|meia|cuarto|15|30|45|10|20|5"
    r"|25)\b(?: ?(?:h|hs|hrs|horas)\b)?" + _PART
)
_LESS = re.compile(r"\b(?P<h1>\d{1,2}) menos (?P<extra>cuarto|5|10|20|25)\b" + _PART)
_PAST = re.compile(
    r"\b(?P<extra>half(?= (?:past|\d))|quarter|a quarter|cuarto|\d{1,2}(?= (?:past|para as)|(?: minutes"
    r"| mins?)))(?: minutes| mins?)?(?: (?P<way>past|after|to|till|para as|para las))?"
    r" (?P<h1>\d{1,2})\b(?: ?o'?clock)?" + _PART
)
_BARE = re.compile(
    r"\b(?P<lead>a las?|sobre las?|tipo|hacia las?|como a las?|las?|entre las?|desde las?|hasta las?|at"
    r"|around|about|by|until|till|before|after|from|"
    r"as|pelas|por volta das|la pelas|das|ate as|antes das|depois das|antes de las?|despues de las?"
    r"|alrededor de las?|a eso de las?|a)"
    r" (?P<h1>\d{1,2})(?![\d/:.,]\d|\d| ?%)"
    r"(?: ?(?P<clock>h|hs|hrs|horas|en punto|em ponto|o'?clock))?\b" + _PART
)
_SUFFIX = re.compile(
    r"(?<![\d/.,:$])(?P<h1>\d{1,2}) ?(?P<clock>am|pm|a\.m\.?|p\.m\.?|h|hs|hrs|de la manana"
    r"|de la madrugada|da manha|de la tarde|da tarde|de la noche|da noite|"
    r"in the morning|in the afternoon|in the evening|o'?clock)(?![a-z])"
)
_WORDS = (
    (
        re.compile(r"\b(?:ao )?meio[- ]dia e meia\b|\b(?:a las |las )?12 y media\b"),
        "12:30",
    ),
    (
        re.compile(
            r"\b(?:al|a|de|del|hasta el) ?mediodia\b|\b(?:at|by|until|before) ?(?:noon|midday)\b"
            r"|\bao meio[- ]dia\b|\bnoon\b|\bmediodia\b|\bmeio[- ]dia\b"
        ),
        "12:00",
    ),
    (re.compile(r"\b(?:a|la) ?media ?noche\b|\bmedianoche\b|\bmidnight\b|\bmeia[- ]noite\b"), "00:00"),
)
_AFTERNOON = ("tarde", "pm", "p.m", "p. m", "afternoon")
_NIGHT = ("noche", "noite", "night", "evening")
_MORNING = ("manana", "manha", "madrugada", "morning", "am", "a.m", "a. m")
_SURE_LEADS = re.compile(r"(?:\blas?|^as|^at|^pelas|das|tipo|ate as)$")
_COUNTED_AFTER = re.compile(
    r" ?(?:noche|night|noite|persona|people|pessoa|adult|guest|pax|nin|kid|child|crianca|hab|room"
    r"|doble|double|dupl|suite|familiar|individual|triple|single"
    r"|quarto|cuarto|euro|eur|€|usd|real|reais|peso|de (?!la|da)[a-z]{3}|of |"
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|dic|ene|abr|ago|dez|fev|set\b|out\b|al\b|ao\b|dia"
    r"|day|min|opcion|cama|bed|st\b|nd\b|rd\b|th\b|-\d)"
)
_ARRIVAL = re.compile(r"\b(?:lleg|arriv|cheg|check ?-?in|entra|ingres|come\b|coming|vamos a estar)")
_DEPARTURE = re.compile(
    r"\b(?:sal[gi]|salida|check ?-?out|leav|depart|sair|saida|saio|irnos|irme|taxi|cab\b|desayun|breakfast"
    r"|cafe da manha)"
)
_BETWEEN = re.compile(
    r"\bbetween \d{1,2} and \d{1,2}\b(?! (?:of |jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov"
    r"|dec))(?=.*\bcheck|[^\d]*$)"
)
_CHECKING_IN = re.compile(r"\b(?:check ?(?:in|out)|arrive|arriving) (?:on )?(?:\w+day|tomorrow|today)? ?between\b")
_DURATION = re.compile(
    r"\b(?:24|48|72) ?(?:h|hs|hrs|horas|hours)\b|\b\d{1,2} (?:horas|hours) (?:de|antes|before|of|ant)\b"
)


@dataclass(frozen=True)
class Moment:
    time: str | None = None
    ambiguous: tuple[str, ...] = ()
    line: str = ""


def find_time(line: str, language: str) -> Moment:
    """The first time in the line, and the line with times blotted out, so that "a las 3" is no date."""
    rest = line
    found: list[tuple[int, str | None]] = []
    for match in _DURATION.finditer(line):
        rest = masked(rest, match.start(), match.end())
    if _CHECKING_IN.search(line):
        rest = _BETWEEN.sub(lambda match: "_" * len(match.group()), rest)
    for pattern in (_CLOCK, _MINUTES_TO, _TWO_NUMBERS, _PAST, _LESS, _WITH_HALF, _SUFFIX, _BARE):
        for match in pattern.finditer(rest):
            if pattern in (_WITH_HALF, _BARE) and not _is_a_time(match, rest, language):
                continue
            if pattern is _CLOCK and match["m"] and "h" not in match.group() and int(match["h"]) > 24:
                continue
            value = _value(match, line)
            if value is not _NOT_A_TIME:
                found.append((match.start(), value))
                rest = masked(rest, match.start(), match.end())
    for pattern, value in _WORDS:
        for match in pattern.finditer(rest):
            found.append((match.start(), value))
            rest = masked(rest, match.start(), match.end())
    if not found:
        return Moment(line=rest)
    first = min(found)[1] if all(value for _, value in found) else sorted(found, key=lambda item: item[0])[0][1]
    return Moment(first, () if first else ("time",), rest)


_NOT_A_TIME = "not a time"


def _is_a_time(match: re.Match[str], line: str, language: str) -> bool:
    parts = match.groupdict()
    if parts["part"] or parts.get("clock"):
        return True
    if _COUNTED_AFTER.match(line[match.end() :]):
        return False
    lead = parts.get("lead")
    if lead is None:
        # "8 y media" needs a "las" before it; "5 e 15" could be anything.
        return match["extra"] in ("media", "meia", "cuarto") or bool(
            re.search(r"\b(?:las?|as)\s*$", line[: match.start()])
        )
    if lead in ("as", "das", "pelas", "ate as", "antes das", "depois das"):
        return language == "pt"
    if lead in ("at", "around", "about", "by"):
        return language == "en"
    if lead in ("las", "la") or lead.endswith((" las", " la")) or lead == "tipo":
        return (
            lead != "la"
            and (language == "es" or lead.endswith("las"))
            and int(match["h1"]) <= 24
            and lead != "tipo"
            or (lead.endswith(" la") and match["h1"] == "1")
        )
    return False


def _value(match: re.Match[str], line: str) -> str | None:
    """HH:MM; None when morning and evening are both possible."""
    parts = match.groupdict()
    hour = int(next(parts[name] for name in ("h", "h1", "h2") if parts.get(name)))
    minute = int(next((parts[name] for name in ("m", "m2", "m3", "m4") if parts.get(name)), 0))
    extra = parts.get("extra")
    if extra:
        amount = {
            "media": 30,
            "half": 30,
            "meia": 30,
            "cuarto": 15,
            "quarter": 15,
            "a quarter": 15,
            "quinze": 15,
        }.get(extra)
        minute = amount if amount is not None else int(extra)
        backwards = match.re is _LESS or parts.get("way") in ("to", "till", "para as", "para las")
        if backwards:
            hour, minute = (hour - 1) % 24, 60 - minute
    if hour > 24 or minute > 59:
        return _NOT_A_TIME
    hour %= 24
    part = f"{parts.get('part') or ''} {parts.get('pm') or ''} {parts.get('clock') or ''}"
    if (
        any(word in part for word in _AFTERNOON)
        and hour < 12
        or any(word in part for word in _NIGHT)
        and 5 <= hour < 12
    ):
        hour += 12
    elif any(word in part for word in _NIGHT) and hour == 12 or any(word in part for word in _MORNING) and hour == 12:
        hour = 0
    elif not part.strip(" hrs.") and hour < 12 and not _is_of_24_hours(parts, match.group()):
        return _likely(hour, minute, line)
    return f"{hour:02}:{minute:02}"


def _is_of_24_hours(parts: dict[str, str | None], words: str) -> bool:
    """Whether 08:30 or 8h30 is written as railways write it, so that it cannot be the evening."""
    return bool(parts.get("m")) and (len(parts.get("h") or "") == 2 or "h" in words[:3])


def _likely(hour: int, minute: int, line: str) -> str | None:
    """A clock face has two of every hour: people arrive in the afternoon
    and leave or breakfast in the morning."""
    arrival, departure = _ARRIVAL.search(line), _DEPARTURE.search(line)
    if departure and not arrival:
        return f"{hour if hour >= 5 else hour + 12:02}:{minute:02}"
    if hour <= 6:
        return f"{hour + 12 if hour else 0:02}:{minute:02}"
    return None if arrival else f"{hour:02}:{minute:02}"
