"""Turns a day as a guest names it into a date of the calendar."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

FRIDAY, SATURDAY, SUNDAY = 4, 5, 6


class NoSuchDate(ValueError):
    """The calendar has no such day: 31 April, 45/13."""


class TwoReadings(ValueError):
    """Two people would understand two different dates."""


@dataclass(frozen=True)
class Day:
    """A day as named: any of its parts may be missing. `fixed` is set when nothing is left to find out."""

    day: int | None = None
    month: int | None = None
    year: int | None = None
    weekday: int | None = None
    week: int | None = None  # weeks from the current one, for "Friday next week"
    fixed: date | None = None
    unclear: bool = False

    def next_from(self, earliest: date) -> date:
        """The first date from `earliest` on that fits. Raises NoSuchDate or TwoReadings."""
        if self.unclear:
            raise TwoReadings
        if self.fixed is not None:
            return self.fixed
        if self.year is not None and self.month is not None and self.day is not None:
            return _exactly(self.year, self.month, self.day)
        if self.day is not None:
            return self._next_numbered(earliest)
        if self.weekday is not None:
            return next_weekday(self.weekday, earliest)
        raise TwoReadings

    def _next_numbered(self, earliest: date) -> date:
        assert self.day is not None
        if self.month is not None and not 1 <= self.month <= 12:
            raise NoSuchDate
        if not 1 <= self.day <= (calendar.monthrange(2024, self.month)[1] if self.month else 31):
            raise NoSuchDate
        fitting = [
            candidate
            for candidate in _days_numbered(self.day, self.month, earliest)
            if self.weekday is None or candidate.weekday() == self.weekday
        ]
        nearest = next(_days_numbered(self.day, self.month, earliest))
        if self.weekday is None or nearest.weekday() == self.weekday:
            return nearest
        # "Friday the 27th" may be meant for a later month, but with the month named one of the two is a slip.
        if self.month is None and fitting and (fitting[0] - earliest).days <= 92:
            return fitting[0]
        raise TwoReadings


def _days_numbered(day: int, month: int | None, earliest: date) -> Iterator[date]:
    """Dates from earliest on with that day (and month), for as long as anybody books ahead."""
    for months_ahead in range(12 if month is None else 12 * 5):
        total = earliest.month - 1 + months_ahead
        year, this_month = earliest.year + total // 12, total % 12 + 1
        if (month is None or this_month == month) and day <= calendar.monthrange(year, this_month)[1]:
            candidate = date(year, this_month, day)
            if candidate >= earliest:
                yield candidate


def _exactly(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise NoSuchDate from None


def next_weekday(weekday: int, earliest: date) -> date:
    return earliest + timedelta(days=(weekday - earliest.weekday()) % 7)


def in_week(weekday: int, weeks_ahead: int, today: date) -> date:
    """That weekday of this week (0), next week (1)…; weeks begin on Monday."""
    return today - timedelta(days=today.weekday()) + timedelta(days=weekday, weeks=weeks_ahead)


def weekend(today: date) -> date:
    """The Friday of the coming weekend: of this week, of next week once it is Saturday."""
    return in_week(FRIDAY, 1 if today.weekday() >= SATURDAY else 0, today)


def nth_weekday(which: int, weekday: int, year: int, month: int) -> date:
    """The first (1) … fourth (4) or last (-1) such weekday of a month."""
    days = [
        date(year, month, day)
        for day in range(1, calendar.monthrange(year, month)[1] + 1)
        if date(year, month, day).weekday() == weekday
    ]
    return days[which - 1 if which > 0 else -1]


def easter(year: int) -> date:
    """Easter Sunday (Gregorian computus, Meeus/Jones/Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)
