"""Two readers of dates, one answer: the hotel's own grammar and Duckling are compared here.

The rules were measured on NLU++, the Recognizers-Text specs and the held-out messages (`tests/nlu/bench_entities.py`):
where both read something and differ, the own grammar is right nearly always, because Duckling looks back for a
range without a month, takes "until the 9th" for the 8th and reads only one of two days; but Duckling knows holidays
and wordings that the grammar does not, and sometimes reads more of the words.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from hotel_agent.nlu import dates, second_reader
from hotel_agent.nlu.calendar import Day
from hotel_agent.nlu.dates import Stay
from hotel_agent.nlu.day_words import Named, looks_like_a_day
from hotel_agent.nlu.second_reader import Reading

# Nobody books further ahead, nor longer: what says so was misread.
_FURTHEST = timedelta(days=550)
_LONGEST_STAY = timedelta(days=60)
# "Mar", "sun" and "sat" are words of their own; Duckling takes them for weekdays anywhere.
_SHORTEST_NAME = 4
_OF_A_WEEK = re.compile(r"\b(?:semana|week|que vem|que viene|que entra|next|proxim[oa]|prox|siguiente|coming)\b")
_LEAD = re.compile(r"(?:(?:on|the|for|from|this|el|la|los|para|este|esta|desde|de|del|o|a|no|na|em|do|da|dia) ?)*")
_FIGURE = re.compile(r"\d")


def find_stay(
    line: str,
    today: date,
    language: str,
    country: str | None = None,
    expected: str | None = None,
    around: date | None = None,
) -> Stay:
    """The stay that a tidy line names, on which both readers were heard."""
    ours = dates.find_stay(line, today, language, country, expected, around)
    if ours.ambiguous or ours.problems or not looks_like_a_day(ours.line, language):
        return ours
    theirs = [
        reading
        for reading in second_reader.readings(ours.line, today, language, country)
        if _is_credible(reading, ours.line, today, language)
    ]
    if not theirs:
        return ours
    if not ours.spans:
        return _possible(_stay_of(theirs, ours, today, expected), today) or ours
    return _decided(ours, theirs, today, expected, talked_about=around is not None)


def _is_credible(reading: Reading, line: str, today: date, language: str) -> bool:
    """Whether Duckling's words may be a day of a stay at all: in the future, and no lone number or syllable."""
    words = line[reading.start : reading.end]
    if reading.first < today or "_" in words or len(words) < _SHORTEST_NAME:
        return False
    if reading.holiday:
        return True
    # The grammar knows the weekdays: "segunda" alone may be the second, and "mid January" is no stay.
    telling = bool(_FIGURE.search(words)) if reading.last is not None else len(words.split()) > 1
    return telling and looks_like_a_day(words, language)


def _decided(ours: Stay, theirs: list[Reading], today: date, expected: str | None, talked_about: bool) -> Stay:
    """Both read something: who reads more of the words is right; a real difference about one day is asked about.

    Asking wherever they differ was measured too: it turned ten right readings into questions and no wrong one.
    """
    said = {day for day in (ours.check_in, ours.check_out) if day is not None}
    if {day for reading in theirs for day in reading.days} <= said:
        return ours
    if any(_reads_more(reading, ours) for reading in theirs):
        return _possible(_stay_of(theirs, ours, today, expected), today) or ours
    # A weekday said on that weekday is today for us, "next" and weeks are read by a rule of ours, and of the month
    # that is talked about Duckling knows nothing.
    known_better = today in said or talked_about or _OF_A_WEEK.search(ours.line)
    if known_better or not _same_words(ours, theirs):
        return ours
    return Stay(nights=ours.nights, ambiguous=("check_in" if ours.check_in else "check_out",), seen=True)


def _reads_more(reading: Reading, ours: Stay) -> bool:
    """Whether it reads a number that stands beside a day of ours: "2-7 Feb, (two thousand and 18)"."""
    words = list(ours.line)
    for start, end in ours.spans:
        words[start:end] = " " * (end - start)
    touches = any(start < reading.end and reading.start < end for start, end in ours.spans)
    return touches and bool(_FIGURE.search("".join(words[reading.start : reading.end])))


def _same_words(ours: Stay, theirs: list[Reading]) -> bool:
    """Whether both read one day, and in the same words but for "the" or "on" before it."""
    whole_stay = ours.check_in is not None and ours.check_out is not None and ours.nights is None
    if len(ours.spans) != 1 or whole_stay or len(theirs) != 1 or theirs[0].last is not None:
        return False
    (start, end), reading = ours.spans[0], theirs[0]
    return reading.end == end and bool(_LEAD.fullmatch(ours.line[reading.start : start]))


def _stay_of(theirs: list[Reading], ours: Stay, today: date, expected: str | None) -> Stay:
    days = [
        Named(
            reading.start,
            reading.end,
            Day(fixed=reading.first),
            until=Day(fixed=reading.last) if reading.last else None,
        )
        for reading in theirs
    ]
    return dates.stay_of(days, ours.line, today, ours.nights, expected)


def _possible(stay: Stay, today: date) -> Stay | None:
    """The stay, if somebody may book it."""
    ends = [day for day in (stay.check_in, stay.check_out) if day is not None]
    if not ends or stay.problems or not all(today <= day <= today + _FURTHEST for day in ends):
        return None
    return stay if len(ends) == 1 or timedelta(0) < ends[1] - ends[0] <= _LONGEST_STAY else None
