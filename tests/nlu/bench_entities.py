"""How many dates, times and counts are read rightly: `.venv/bin/python -m tests.nlu.bench_entities`.

Each function gives rows of figures for the hotel's own grammar, for Duckling alone where that means something, and
for both together as the program runs them. The public sets are read where they lie; none of them is in the
repository.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from hotel_agent.nlu import Hints, second_reader, understand
from hotel_agent.nlu.text import fold

SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared") / "nlu"
HELD_OUT = Path(__file__).parent / "heldout"
LANGUAGES = {"es": "Spanish", "en": "English", "pt": "Portuguese"}
# The sets' own days: what "tomorrow" and "next month" of NLU++ were normalised against, and the examiners' today.
NLUPP_TODAY = date(2022, 3, 15)
HELD_OUT_TODAY = date(2026, 11, 25)
# The country whose way of writing 10/12 a set follows.
SPECS_COUNTRY = {"es": "ES", "en": "US", "pt": "BR"}
NLUPP_COUNTRY = {"es": "ES", "en": "US"}

DATES = ("check_in", "check_out", "nights")
PEOPLE = ("adults", "children", "children_ages", "rooms")
DETAILS = ("room_type", "time", "name", "email", "phone", "booking_code")


@dataclass(frozen=True)
class Row:
    """One figure: how many of `count` cases of a set are read rightly by a reader."""

    set: str
    language: str
    style: str
    reader: str
    count: int
    right: int

    @property
    def share(self) -> float:
        return self.right / self.count if self.count else 0.0


@dataclass(frozen=True)
class Case:
    """A sentence and what is to be read in it."""

    text: str
    today: date
    language: str
    style: str
    wanted: Any
    country: str | None = None


Reader = Callable[[Case], Any]


def _rows(name: str, cases: Iterable[Case], readers: Mapping[str, Reader]) -> list[Row]:
    kept = list(cases)
    count: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str, str]] = Counter()
    for case in kept:
        count[case.language, case.style] += 1
    for reader, read in readers.items():
        with _only_own_grammar(reader == "own"):
            for case in kept:
                right[case.language, case.style, reader] += read(case) == case.wanted
    return [
        Row(name, language, style, reader, amount, right[language, style, reader])
        for (language, style), amount in count.items()
        for reader in readers
    ]


@contextmanager
def _only_own_grammar(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with patch.object(second_reader, "readings", lambda *_: ()):
        yield


def _entities(case: Case) -> Mapping[str, Any]:
    return understand(case.text, case.today, Hints(language=case.language, country=case.country)).entities


# --- dates ---


def dates_on_specs(folder: Path = SHARED / "dates") -> list[Row]:
    """The days and day ranges of Recognizers-Text, each sentence with its own reference day.

    Kept are sentences with one date, or one range of days, that has not begun yet. Dropped is what no stay is made
    of (weeks, months, quarters, ranges of one day or of more than 60), what the product reads by another rule of its
    own (weekends begin on Friday, "next Friday" is asked about) and times of the day.
    """
    cases = [*_spec_days(folder), *_spec_ranges(folder)]
    return _rows("specs", cases, {"own": _said_days, "duckling": _duckling_days, "both": _said_days})


def _spec_days(folder: Path) -> Iterator[Case]:
    for code, today, text, found in _specs(folder, "DateParser"):
        future = found["Value"].get("FutureResolution", {})
        day = _day(future.get("date"))
        if day and day >= today and not _read_by_a_rule_of_our_own(text):
            yield Case(text, today, code, "day", frozenset([day]), SPECS_COUNTRY[code])


def _spec_ranges(folder: Path) -> Iterator[Case]:
    for code, today, text, found in _specs(folder, "DatePeriodParser"):
        value = found["Value"]
        future = value.get("FutureResolution", {})
        start, end = _day(future.get("startDate")), _day(future.get("endDate"))
        named_by_days = value.get("Timex", "").startswith("(") and value["Timex"].endswith("D)")
        if not (start and end and named_by_days) or _read_by_a_rule_of_our_own(text):
            continue
        if start >= today and 1 < (end - start).days <= 60:
            yield Case(text, today, code, "range", frozenset([start, end]), SPECS_COUNTRY[code])


def _specs(folder: Path, name: str) -> Iterator[tuple[str, date, str, dict[str, Any]]]:
    for code, language in LANGUAGES.items():
        for spec in json.loads((folder / f"{language}_{name}.json").read_text("utf-8-sig")):
            today = _day(spec.get("Context", {}).get("ReferenceDateTime"))
            if today and len(spec["Results"]) == 1:
                yield code, today, spec["Input"], spec["Results"][0]


def _read_by_a_rule_of_our_own(text: str) -> bool:
    return any(
        word in text.lower() for word in ("next ", "próxim", "proxim", "que viene", "que vem", "weekend", "fin de sem")
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text and text[:4].isdigit() else None


def dates_on_nlupp(folder: Path = SHARED / "nlupp") -> list[Row]:
    """The days of NLU++'s hotel sentences, said on 15 March 2022; which of two is the arrival is not asked.

    Dropped are days in the past, impossible stays (departure not after arrival, or more than 45 nights: the set's
    values were normalised one by one), values that are not whole dates, repeated sentences, the days of tables,
    massages and breakfasts, which are no stays, and what the product reads by another rule ("next Friday" is asked
    about; Tuesday said on a Tuesday, as on that 15 March, is today).
    """
    return _rows(
        "nlupp dates",
        _nlupp_days(folder),
        {"own": _said_days, "duckling": _duckling_days, "both": _said_days},
    )


def _nlupp_days(folder: Path) -> Iterator[Case]:
    for code, text, slots, meant in _nlupp(folder):
        said = [slots[name]["value"] for name in ("date", "date_from", "date_to") if name in slots]
        if _NO_STAY & meant or _read_by_a_rule_of_our_own(text) or _NLUPP_WEEKDAY.search(text):
            continue
        if not said or any(not {"year", "month", "day"} <= set(value) for value in said):
            continue
        days = [date(value["year"], value["month"], value["day"]) for value in said]
        if any(day < NLUPP_TODAY for day in days):
            continue
        if "date_from" in slots and "date_to" in slots and not 0 < (days[-1] - days[-2]).days <= 45:
            continue
        style = "one day" if len(days) == 1 else "two days"
        yield Case(text, NLUPP_TODAY, code, style, frozenset(days), NLUPP_COUNTRY[code])


_NO_STAY = {"restaurant", "spa", "gym", "swimming_pool", "room_service", "housekeeping", "wrong_notworking_notshowing"}
_NLUPP_WEEKDAY = re.compile(r"\b(?:martes|tuesday)\b(?! \d)", re.IGNORECASE)


def _nlupp(folder: Path) -> Iterator[tuple[str, str, dict[str, Any], set[str]]]:
    for code in ("es", "en"):
        seen = set()
        for path in sorted((folder / code / "hotels").glob("*.json")):
            for sentence in json.loads(path.read_text("utf-8")):
                if sentence["text"] not in seen:
                    seen.add(sentence["text"])
                    yield code, sentence["text"], sentence.get("slots", {}), set(sentence.get("intents", ()))


def _said_days(case: Case) -> frozenset[date]:
    """The days of the stay that were said, not those that follow from a number of nights."""
    found = _entities(case)
    days = {name: date.fromisoformat(found[name]) for name in ("check_in", "check_out") if name in found}
    nights = found.get("nights")
    if len(days) == 2 and nights is not None and case.style in ("one day", "day"):
        wanted = next(iter(case.wanted))
        return frozenset([wanted]) if wanted in days.values() else frozenset(days.values())
    return frozenset(days.values())


def _duckling_days(case: Case) -> frozenset[date]:
    found = second_reader.readings(fold(case.text), case.today, case.language, case.country)
    return frozenset(day for reading in found for day in reading.days)


# --- times and counts ---


def times_on_nlupp(folder: Path = SHARED / "nlupp") -> list[Row]:
    """The first time of a sentence: exactly, and by the clock face, where 8:10 may be morning or evening.

    Dropped are values with seconds ("now") and ranges ("between 3 and 5"), whose value in the set is their middle.
    """
    return [
        *_rows("nlupp times", _nlupp_times(folder, "exact"), {"own": _time}),
        *_rows("nlupp times", _nlupp_times(folder, "clock face"), {"own": _clock_face}),
    ]


def _nlupp_times(folder: Path, style: str) -> Iterator[Case]:
    for code, text, slots, _ in _nlupp(folder):
        said = next((slots[name] for name in ("time", "time_from", "time_to") if name in slots), None)
        if said is None or "hour" not in said.get("value", {}) or said["text"].lower() in ("ahora", "now"):
            continue
        if said["text"].lower().startswith(("entre", "between")):
            continue
        value = f"{said['value']['hour']:02}:{said['value'].get('minute', 0):02}"
        yield Case(text, NLUPP_TODAY, code, style, _on_the_face(value) if style == "clock face" else value)


def _time(case: Case) -> Any:
    return _entities(case).get("time")


def _clock_face(case: Case) -> Any:
    found = _entities(case).get("time")
    return _on_the_face(found) if found else None


def _on_the_face(value: str) -> str:
    return f"{int(value[:2]) % 12}{value[2:]}"


def counts_on_nlupp(folder: Path = SHARED / "nlupp") -> list[Row]:
    """Adults, children, all people and rooms of NLU++'s hotel sentences, each for itself."""
    return [
        row
        for kind in ("adults", "kids", "people", "rooms")
        for row in _rows("nlupp counts", _nlupp_counts(folder, kind), {"own": partial(_count, kind)})
    ]


def _nlupp_counts(folder: Path, kind: str) -> Iterator[Case]:
    for code, text, slots, _ in _nlupp(folder):
        if isinstance(slots.get(kind, {}).get("value"), int):
            yield Case(text, NLUPP_TODAY, code, kind, slots[kind]["value"])


def _count(kind: str, case: Case) -> Any:
    found = _entities(case)
    if kind == "people":
        return found.get("adults", 0) + found.get("children", 0)
    if kind == "rooms":
        # One room is not counted by the product: it is what everybody wants.
        return found.get("rooms", 1)
    return found.get("adults" if kind == "adults" else "children")


# --- the held-out messages ---


def entities_on_heldout(folder: Path = HELD_OUT) -> list[Row]:
    """The messages of outside examiners, said on 25 November 2026 in Spain.

    "dates" and "people" count the messages that name any, right when all of them are read and nothing else; "none"
    counts the messages that name no date and no people, right when none is read; each detail is counted alike.
    "all" is the message as a whole, with what is ambiguous and whether a date does not exist.
    """
    lines = list(held_out_lines(folder))
    return [
        row
        for kind in ("dates", "people", "no dates", "no people", *DETAILS, "all")
        for row in _rows("heldout", _held_out_cases(lines, kind), _held_out_readers(kind))
    ]


def held_out_lines(folder: Path = HELD_OUT) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(language, line number from 1, content) of every line of the held-out files."""
    for language in LANGUAGES:
        path = folder / f"{language}.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield language, number, json.loads(line)


def _held_out_cases(lines: Iterable[tuple[str, int, dict[str, Any]]], kind: str) -> Iterator[Case]:
    for language, number, line in lines:
        wanted = expected_of(line, kind)
        named = any(wanted) if isinstance(wanted, tuple) else wanted
        if bool(named) != kind.startswith("no ") or kind == "all":
            style = f"{kind}, {line['style']}, {'odd' if number % 2 else 'even'}"
            yield Case(line["text"], HELD_OUT_TODAY, language, style, wanted, "ES")


def expected_of(line: Mapping[str, Any], kind: str) -> Any:
    return _part(line["entities"], line.get("ambiguous", ()), line.get("problems", ()), kind)


def read_of(case: Case, kind: str) -> Any:
    # The examiners' file is of one language, but the program is not told which.
    said = understand(case.text, case.today, Hints(country=case.country))
    return _part(said.entities, said.ambiguous, said.problems, kind)


def _part(entities: Mapping[str, Any], ambiguous: Iterable[str], problems: Iterable[str], kind: str) -> Any:
    plain = {name: value for name, value in entities.items() if value not in (None, [])}
    if kind.endswith("dates"):
        return tuple(plain.get(name) for name in DATES)
    if kind.endswith("people"):
        return tuple(plain.get(name) for name in PEOPLE)
    if kind in DETAILS:
        return _spelt(kind, plain.get(kind))
    names = {*DATES, *PEOPLE, *DETAILS}
    return (
        {name: _spelt(name, value) for name, value in plain.items() if name in names},
        frozenset(ambiguous),
        frozenset(problems) & {"no_such_date"},
    )


def _spelt(name: str, value: Any) -> Any:
    return value.casefold() if name == "name" and isinstance(value, str) else value


def _held_out_readers(kind: str) -> dict[str, Reader]:
    readers: dict[str, Reader] = {"own": partial(read_of, kind=kind)}
    if kind == "dates":
        readers["duckling"] = _duckling_stay
    if kind in ("dates", "no dates", "all"):
        readers["both"] = partial(read_of, kind=kind)
    return readers


def _duckling_stay(case: Case) -> Any:
    """Duckling's days as a stay: it knows no nights and no roles, so the first day is the arrival."""
    found = second_reader.readings(fold(case.text), case.today, case.language, case.country)
    days = [day for reading in found for day in reading.days]
    arrival, departure = days[0] if days else None, days[1] if len(days) > 1 else None
    return arrival and arrival.isoformat(), departure and departure.isoformat(), None


# --- alone ---


def main() -> int:
    started = perf_counter()
    rows = [
        *dates_on_specs(),
        *dates_on_nlupp(),
        *times_on_nlupp(),
        *counts_on_nlupp(),
        *entities_on_heldout(),
    ]
    print(f"second reader: {second_reader.name()}")
    for row in rows:
        print(f"{row.set:13}{row.language:4}{row.style:26}{row.reader:10}{row.right:5}/{row.count:<5}{row.share:7.1%}")
    print(f"{timedelta(seconds=round(perf_counter() - started))} for all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
