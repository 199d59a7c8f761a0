"""A second opinion on the days of a line: Duckling, in this process, when its package is installed.

Everything works without it (`pip install pyduckling-native-phihos`); `name()` tells which reader runs. Duckling is
written in Haskell, and its runtime takes signals for itself when it starts: `_signals_kept` gives them back.
"""

from __future__ import annotations

import ctypes
import json
import logging
import re
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from hotel_agent.nlu.day_words import months, weekdays
from hotel_agent.nlu.lexicons import LANGUAGES, any_of

logger = logging.getLogger(__name__)

# Duckling tries every way of putting times together: each further one multiplies its work, ten of them take seconds
# and gigabytes, and nothing can interrupt it. A line with more than a stay needs is not given to it.
_LONGEST = 300
_MOST_TIMES = 5
_MOST_OF_A_WORD = 3
_WEEKEND = 2  # nights


@dataclass(frozen=True)
class Reading:
    """A day, or the first and last of several, found at a place of the line."""

    start: int
    end: int
    first: date
    last: date | None = None
    holiday: bool = False

    @property
    def days(self) -> tuple[date, ...]:
        return (self.first,) if self.last is None else (self.first, self.last)


def name() -> str:
    """What reads dates beside the hotel's own grammar."""
    return "duckling" if _engine() is not None else "none"


def readings(line: str, today: date, language: str, country: str | None = None) -> tuple[Reading, ...]:
    """The days to come that Duckling finds in a line, in the order of the line; none when it is not installed."""
    if _engine() is None or not _is_quickly_read(line):
        return ()
    return _readings(_NOT_PLAIN.sub(" ", line), today, language, country)


_NOT_PLAIN = re.compile(r"[^ -~]")
_WORDS = re.compile(r"[a-z]+|\d+(?:[/.:]\d+)*")


@cache
def _times() -> re.Pattern[str]:
    names = {name for language in LANGUAGES for name in (*months(language), *weekdays(language))}
    return re.compile(rf"(?:\d+(?:[/.:]\d+)*|{any_of('words', 'times')}|{'|'.join(names)}|feira)")


def _is_quickly_read(line: str) -> bool:
    """Whether Duckling answers for this line in milliseconds, whatever a guest may have thought of."""
    if len(line) > _LONGEST:
        return False
    words = Counter(_WORDS.findall(line))
    times = sum(amount for word, amount in words.items() if _times().fullmatch(word))
    return 0 < times <= _MOST_TIMES and max(words.values()) <= _MOST_OF_A_WORD


@lru_cache(maxsize=1_000)
def _readings(line: str, today: date, language: str, country: str | None) -> tuple[Reading, ...]:
    engine = _engine()
    assert engine is not None
    found = []
    for part in engine.parsed(line, today, language, country):
        # Years before 1 and after 9999 are no dates.
        with suppress(ValueError, OverflowError):
            found.append(_reading(part))
    return tuple(reading for reading in found if reading is not None)


def _reading(part: dict[str, Any]) -> Reading | None:
    """One of Duckling's answers, if it speaks of whole days: its intervals end with the moment after the last one."""
    value = part["value"]
    if value["type"] == "value" and value["grain"] != "day":
        return None
    place = part["start"], part["end"]
    if value["type"] == "value":
        return Reading(*place, _day(value), holiday="holidayBeta" in value)
    if "from" not in value:
        # "Until the 9th": whether the 9th belongs to it differs from language to language.
        return None
    first, grain = _day(value["from"]), value["from"]["grain"]
    last = _day(value["to"]) - timedelta(days=1) if "to" in value else None
    # "This weekend" begins on Friday at six for Duckling; other hours belong to one day.
    of_days = grain == "day" or (grain == "hour" and last is not None and (last - first).days == _WEEKEND)
    return Reading(*place, first, last) if of_days else None


def _day(moment: dict[str, Any]) -> date:
    return date.fromisoformat(moment["value"][:10])


# --- the package ---


class _Duckling:
    """The package behind one small door. Its calls hold Python's global lock; ours keeps that from mattering."""

    def __init__(self, package: Any) -> None:
        self._package = package
        self._lock = Lock()
        with tempfile.TemporaryDirectory() as nothing:
            # All days are days of UTC: no time zone is loaded, which saves 35 MB.
            self._zones = package.load_time_zones(nothing)
        self._wanted = package.parse_dimensions(["time"])

    def parsed(self, line: str, today: date, language: str, country: str | None) -> list[dict[str, Any]]:
        with self._lock:
            context = self._package.Context(self._noon(today), self._locale(language, country))
            answer = self._package.parse_text(line, context, self._wanted, False)
        parts: list[dict[str, Any]] = json.loads(answer)
        return parts

    def _noon(self, today: date) -> Any:
        moment = datetime.combine(today, time(12), UTC)
        return self._package.parse_ref_time(self._zones, "UTC", int(moment.timestamp()))

    @cache  # noqa: B019 - there is one of this class
    def _locale(self, language: str, country: str | None) -> Any:
        plain = self._package.default_locale_lang(self._package.parse_lang(language.upper()))
        return self._package.parse_locale(f"{language.upper()}_{country or 'XX'}", plain)


@cache
def _engine() -> _Duckling | None:
    """Duckling, started once per process; None where its package is missing or does not fit the machine."""
    try:
        with _signals_kept():
            import duckling
    except ImportError as missing:
        logger.info("Dates are read by the hotel's own grammar alone: %s", missing)
        return None
    logger.info("Dates are read by the hotel's own grammar and by Duckling")
    return _Duckling(duckling)


# Room for a `struct sigaction` of any C library (152 bytes with glibc and musl on 64 bits).
_SIGACTION = 512
_IGNORE = ctypes.c_void_p(1)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Gives every signal back to whom it belonged.

    The Haskell runtime takes SIGINT (a worker could no longer be interrupted), SIGQUIT, SIGPIPE and SIGTSTP when it
    starts. It also wakes the process a hundred times a second by SIGVTALRM, to switch between Haskell threads of
    which there is only one: that signal is ignored from now on. Python's own `signal` cannot do this: it works in
    the main thread only, and a worker may load the reader in another one.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    library = ctypes.CDLL(None)
    kept = {}
    for taken in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGVTALRM}:
        action = ctypes.create_string_buffer(_SIGACTION)
        if library.sigaction(int(taken), None, action) == 0:
            kept[int(taken)] = action
    started = "duckling" in sys.modules
    try:
        yield
    finally:
        for number, action in kept.items():
            library.sigaction(number, action, None)
        if not started and "duckling" in sys.modules:
            library.signal(int(signal.SIGVTALRM), _IGNORE)
