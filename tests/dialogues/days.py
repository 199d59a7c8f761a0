"""Dates of a story: counted from today, written as guests write them, recognised as hotels write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

MONTHS = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
    "en": "January February March April May June July August September October November December".split(),
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split(),
}
WEEKDAYS = {
    "es": "lunes martes miércoles jueves viernes sábado domingo".split(),
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "pt": "segunda terça quarta quinta sexta sábado domingo".split(),
}
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STYLES = ("iso", "long", "us", "day", "th", "month", "slash", "full", "weekday", "year", "seen")
PLACEHOLDER = re.compile(r"\{([a-z]\w*)([+-]\d+)?(?::([\w.]+))?\}")
LATEST = 400


class Days:
    """`dates` names days: `a = {after = 66, day = "3-20", weekday = "fri"}` is the first such day from then on."""

    def __init__(self, today: date, language: str, dates: Mapping[str, Any]) -> None:
        self.today, self.language = today, language
        self.named = {name: self._find(name, rule) for name, rule in dates.items()}

    def _find(self, name: str, rule: Any) -> date:
        if isinstance(rule, date):
            return rule
        if not isinstance(rule, dict) or not isinstance(rule.get("after"), int):
            raise ValueError(f"{name}: a date, or a table with `after` (days from today)")
        if set(rule) - {"after", "day", "weekday"} or rule.get("weekday", "mon") not in DAY_NAMES:
            raise ValueError(f"{name}: a table of after, day and weekday (mon … sun)")
        first, _, last = str(rule.get("day", "1-31")).partition("-")
        for ahead in range(rule["after"], rule["after"] + LATEST):
            day = self.today + timedelta(days=ahead)
            if int(first) <= day.day <= int(last or first) and rule.get("weekday") in (None, DAY_NAMES[day.weekday()]):
                return day
        raise ValueError(f"{name}: there is no such day")

    def at(self, name: str, shift: str | None = None) -> date | None:
        day = self.named.get(name)
        if day is None and re.fullmatch(r"d\d+", name):
            day = self.today + timedelta(days=int(name[1:]))
        return day + timedelta(days=int(shift or 0)) if day else None

    def unknown_in(self, words: str) -> set[str]:
        """Placeholders that are neither days nor amounts."""
        return {
            found[1]
            for found in PLACEHOLDER.finditer(words)
            if found[1] != "money"
            and found[1] != "anycode"
            and (self.at(found[1], found[2]) is None or (found[3] or "iso") not in STYLES)
        }

    def write(self, day: date, style: str) -> str:
        month = MONTHS[self.language][day.month - 1]
        match style:
            case "long":
                return f"{day.day} {month}" if self.language == "en" else f"{day.day} de {month}"
            case "us":
                return f"{month} {day.day}"
            case "full":
                words = self.write(day, "long")
                return f"{words} {day.year}" if self.language == "en" else f"{words} de {day.year}"
            case "day":
                return str(day.day)
            case "th":
                return f"{day.day}{_ending(day.day)}"
            case "month":
                return month
            case "slash":
                return f"{day.day}/{day.month}"
            case "weekday":
                return WEEKDAYS[self.language][day.weekday()]
            case "year":
                return str(day.year)
            case "seen":
                return self.seen(day)
        return day.isoformat()

    def seen(self, day: date) -> str:
        """A pattern for the day in a hotel's words: the number near its month, or figures."""
        short = MONTHS[self.language][day.month - 1][:3]
        return (
            rf"(?:\b0?{day.day}(?:st|nd|rd|th|\.)?\b(?=.{{0,40}}?\b{short})|\b{short}\w*\.? 0?{day.day}\b"
            rf"|\b0?{day.day}/0?{day.month}\b|{day.isoformat()})"
        )


def _ending(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
