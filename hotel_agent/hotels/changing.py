"""Changing what a hotel is like: every value is checked, what changed is written down, and nobody's change is undone
by somebody who has not seen it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any
from zoneinfo import available_timezones

from babel.core import get_global
from babel.numbers import get_territory_currencies
from flask_babel import gettext as _
from sqlalchemy import select

from hotel_agent.audit.recording import record
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels import systems
from hotel_agent.hotels.addresses import address_problem
from hotel_agent.hotels.credentials import seal
from hotel_agent.hotels.models import Hotel
from hotel_agent.hotels.opening import WEEKDAYS, hours_words, read_hours
from hotel_agent.hotels.topics import APPROVABLE

LANGUAGES = ("es", "en", "pt")
SECRETS = ("whatsapp_access_token", "whatsapp_app_secret")
SEALED = ("pms_key",)
LONGEST_NAME = 100
LONGEST_SECRET = 2000


class Unfit(BadInput):
    """`problems` says of each setting what is wrong with its value."""

    def __init__(self, problems: dict[str, str]) -> None:
        field, words = next(iter(problems.items()))
        super().__init__(field, words)
        self.problems = problems


class ChangedMeanwhile(Exception):
    """Somebody else has changed these settings since they were shown; `now` is how they stand."""

    def __init__(self, now: dict[str, str]) -> None:
        super().__init__(", ".join(now))
        self.now = now


def change(hotel_id: int, given: Mapping[str, str], seen: Mapping[str, str] | None = None) -> list[str]:
    """Set each setting to what was typed; secrets are sealed. Which ones are different now.

    With `seen`, the settings as they were shown, one that was left as it was is not touched, and one that somebody
    else has changed meanwhile is not either. Raises Unfit, ChangedMeanwhile, NotFound.
    """
    hotel = _locked(hotel_id)
    try:
        return _change(hotel, given, seen)
    finally:
        db.session.rollback()  # Of nothing, when it has been committed.


def _change(hotel: Hotel, given: Mapping[str, str], seen: Mapping[str, str] | None) -> list[str]:
    before = shown(hotel) | written(hotel, given)
    touched = {key: words.strip() for key, words in given.items() if seen is None or words.strip() != seen.get(key)}
    values = _values(touched)
    _check_hours(given, {**before, **touched})
    _check_languages(hotel, values)
    if seen is not None:
        known = before.keys() & touched.keys()  # What nobody is shown nobody has seen otherwise.
        overtaken = {key: before[key] for key in known if before[key] not in (seen.get(key), touched[key])}
        if overtaken:
            raise ChangedMeanwhile(overtaken)
    was = {key: _kept(hotel, key) for key in values}
    changes = {key: {"was": was[key], "now": value} for key, value in values.items() if was[key] != value}
    for key in changes:
        _keep(hotel, key, values[key])
    if changes:
        record("hotel_set", hotel.slug, hotel_id=hotel.id, changes=changes)
    db.session.commit()
    return list(changes)


def shown(hotel: Hotel) -> dict[str, str]:
    """Every setting as a form has it, but for the secrets, which nobody is shown."""
    return {key: _words(getattr(hotel, key)) for key in READERS if key not in SECRETS}


def written(hotel: Hotel, keys: Iterable[str]) -> dict[str, str]:
    """Those settings that are kept in JSON as a form has them, without secrets."""
    kept = {key: _kept(hotel, key) for key in keys if key not in READERS and key not in SEALED}
    return {key: _json_words(value) or _WHERE_UNSET.get(key, "") for key, value in kept.items()}


def holidays(hotel: Hotel, since: date) -> list[str]:
    """The keys of the days from then on that have hours of their own."""
    kept = (hotel.settings or {}).get("holidays") or {}
    return sorted(f"holiday.{day}" for day in kept if day >= since.isoformat())


def _json_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) if value and isinstance(value[0], str) else hours_words(value)
    return _words(value)


def _kept(hotel: Hotel, key: str) -> Any:
    if key in READERS:
        return getattr(hotel, key)
    kept: Any = hotel.settings or {}
    for name in _path(key):
        kept = kept.get(name) if isinstance(kept, dict) else None
    return kept


def _keep(hotel: Hotel, key: str, value: Any) -> None:
    """A column, or a place in the JSON of `settings`; what is unset there leaves no trace."""
    if key in READERS:
        setattr(hotel, key, value)
    else:
        hotel.settings = _with(hotel.settings, _path(key), value)


def _with(kept: Any, path: list[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    changed = dict(kept) if isinstance(kept, dict) else {}
    changed[first] = _with(changed.get(first), rest, value) if rest else value
    if changed[first] is None or (rest and not changed[first]):
        del changed[first]
    return changed


def _path(key: str) -> list[str]:
    return key.replace("holiday.", "holidays.", 1).split(".")


def _words(value: object) -> str:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return "" if value is None else str(value)


def _locked(hotel_id: int) -> Hotel:
    """Guests may go on writing to the hotel meanwhile."""
    query = select(Hotel).where(Hotel.id == hotel_id).with_for_update(key_share=True)
    hotel = db.session.scalar(query.execution_options(populate_existing=True))
    if hotel is None:
        raise NotFound("There is no such hotel.")
    return hotel


def _values(given: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, words in given.items():
        try:
            values[key] = _reader(key)(words)
        except ValueError as problem:
            problems[key] = str(problem)
    if problems:
        raise Unfit(problems)
    return values


def is_setting(key: str) -> bool:
    """Whether there is such a setting: a column of the hotel's, or one of SETTINGS."""
    return key in READERS or any(re.fullmatch(spelt, key) for spelt, _shown, _read in SETTINGS)


def names() -> list[str]:
    """Every setting as it is typed, with what varies in capitals."""
    return sorted([*READERS, *(shown for _spelt, shown, _read in SETTINGS)])


def _reader(key: str) -> Callable[[str], Any]:
    if key in READERS:
        return READERS[key]
    for spelt, _shown, read in SETTINGS:
        if found := re.fullmatch(spelt, key):
            return partial(read, found)
    raise ValueError(_("There is no such setting."))


def _check_hours(given: Mapping[str, str], hours: Mapping[str, str]) -> None:
    """A front desk that opens also closes. By the command line they are set one after the other."""
    both = ("front_desk_opens", "front_desk_closes")
    if all(key in given for key in both) and bool(hours[both[0]]) != bool(hours[both[1]]):
        missing = next(key for key in both if not hours[key])
        raise Unfit({missing: _("Give both times, or none where somebody is always there.")})


def _check_languages(hotel: Hotel, values: Mapping[str, Any]) -> None:
    """What guests are answered in where their own language is not offered has to be offered itself."""
    own = values.get("language", hotel.language)
    offered = values["languages"] if "languages" in values else _kept(hotel, "languages")
    if offered and own not in offered:
        field = "languages" if "languages" in values else "language"
        raise Unfit({field: _("The hotel's own language is one of those in which guests are answered.")})


# What may be chosen


@lru_cache
def zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache
def countries() -> frozenset[str]:
    """ISO 3166-1: where people live."""
    return frozenset(code for code in get_global("territory_zones") if code.isalpha())


@lru_cache
def currencies() -> frozenset[str]:
    """ISO 4217: what is legal tender somewhere today."""
    today = date.today()  # noqa: DTZ011  A day more or less is the same money.
    return frozenset(code for country in countries() for code in get_territory_currencies(country, today, today))


# Reading what was typed; each raises ValueError with what is wrong


def _name(words: str) -> str:
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    if not name or len(name) > LONGEST_NAME:
        raise ValueError(_("Give a name of at most %(most)s characters.", most=LONGEST_NAME))
    return name


def _one_of(choices: Callable[[], frozenset[str]], problem: Callable[[], str]) -> Callable[[str], str]:
    def read(words: str) -> str:
        if words not in choices():
            raise ValueError(problem())
        return words

    return read


def _time(words: str) -> time:
    try:
        return time.fromisoformat(words).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise ValueError(_("Give a time such as 15:00.")) from None


def _time_or_none(words: str) -> time | None:
    return _time(words) if words else None


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(words: str) -> int:
        number = int(words) if words.isascii() and words.isdigit() and len(words) < 10 else -1
        if not least <= number <= most:
            raise ValueError(_("Give a whole number from %(least)s to %(most)s.", least=least, most=most))
        return number

    return read


def _secret(words: str) -> str | None:
    """Sealed; an empty one is taken away."""
    if len(words) > LONGEST_SECRET or not words.isascii() or not (words.isprintable() and " " not in words):
        raise ValueError(_("This cannot be one: copy it from Meta without spaces or line breaks."))
    return seal(words) if words else None


READERS: dict[str, Callable[[str], Any]] = {
    "name": _name,
    "language": _one_of(lambda: frozenset(LANGUAGES), lambda: _("Choose one of the languages.")),
    "country": _one_of(countries, lambda: _("Choose a country.")),
    "timezone": _one_of(zones, lambda: _("Choose a time zone.")),
    "currency": _one_of(currencies, lambda: _("Choose a currency.")),
    "check_in_time": _time,
    "check_out_time": _time,
    "front_desk_opens": _time_or_none,
    "front_desk_closes": _time_or_none,
    "free_cancellation_hours": _number(0, 8760),
    "longest_stay_nights": _number(1, 365),
    "largest_party": _number(1, 500),
    "pms": _one_of(systems.known, lambda: _("Choose one of the systems.")),
    "whatsapp_access_token": _secret,
    "whatsapp_app_secret": _secret,
}


# What is kept in the JSON of `hotels.settings`; an empty value is taken away


def _hours(_found: re.Match[str], words: str) -> list[list[str]] | None:
    return read_hours(words) if words else None


def _holiday(found: re.Match[str], words: str) -> list[list[str]] | None:
    try:
        date.fromisoformat(found[1])
    except ValueError:
        raise ValueError(_("Give the date as in holiday.2026-12-25.")) from None
    return read_hours(words) if words else None


def _phone(_found: re.Match[str], words: str) -> str | None:
    if words and not _PHONE.fullmatch(words):
        raise ValueError(_("Give a phone number such as 112 or +34 971 000 000."))
    return words or None


def _address(_found: re.Match[str], words: str) -> str | None:
    if words and not _WEB_ADDRESS.fullmatch(words):
        raise ValueError(_("Give an address that begins with https://."))
    return words or None


def _pms_url(_found: re.Match[str], words: str) -> str | None:
    problem = address_problem(words) if words else None
    if problem or len(words) > LONGEST_TEXT:
        raise ValueError(problem or _("Give at most %(most)s characters.", most=LONGEST_TEXT))
    return words or None


def _pms_key(_found: re.Match[str], words: str) -> str | None:
    if len(words) > LONGEST_SECRET or not words.isascii() or not (words.isprintable() and " " not in words):
        raise ValueError(_("Give the key as the PMS shows it, without spaces or line breaks."))
    return seal(words) if words else None


def _pms_id(_found: re.Match[str], words: str) -> str | None:
    """A number in one system, letters in another."""
    if words and not _PMS_ID.fullmatch(words):
        raise ValueError(_("Give the hotel's id as the PMS shows it."))
    return words or None


def _pms_number(found: re.Match[str], words: str) -> int | None:
    """`pms_rate` is how many requests a second the PMS is asked at most."""
    most = {"pms_horizon_days": 1100, "pms_rate": 1000}[found[0]]
    return _number(1, most)(words) if words else None


def _text(_found: re.Match[str], words: str) -> str | None:
    if len(words) > LONGEST_TEXT:
        raise ValueError(_("Give at most %(most)s characters.", most=LONGEST_TEXT))
    return words or None


def _fee(_found: re.Match[str], words: str) -> str | None:
    """As pms/policy.py reads it."""
    if words and not _FEE.fullmatch(words):
        raise ValueError(_("Give first_night, nights:2, percent:50, total, or amount:30.00."))
    return words or None


def _percent(_found: re.Match[str], words: str) -> str | None:
    if words and not (_PERCENT.fullmatch(words) and 0 < Decimal(words) < 100):
        raise ValueError(_("Give a percentage such as 10 or 5.5."))
    return f"{Decimal(words):.2f}" if words else None


def _yes_or_no(_found: re.Match[str], words: str) -> str | None:
    if words not in ("", "yes", "no"):
        raise ValueError(_("Give yes or no."))
    return words or None


def _languages(_found: re.Match[str], words: str) -> list[str] | None:
    """All of them is what a hotel begins with."""
    named = [one.strip() for one in words.split(",") if one.strip()]
    if not set(named) <= set(LANGUAGES):
        raise ValueError(_("Give languages such as %(codes)s.", codes=", ".join(LANGUAGES)))
    chosen = [language for language in LANGUAGES if language in named]
    return chosen if chosen and len(chosen) < len(LANGUAGES) else None


def _emergency_words(_found: re.Match[str], words: str) -> list[str] | None:
    """Words and phrases; very short ones would be heard in what has nothing to do with danger."""
    told = {" ".join(one.split()).casefold(): " ".join(one.split()) for one in _BETWEEN_WORDS.split(words)}
    told.pop("", None)
    if len(told) > MOST_EMERGENCY_WORDS:
        raise ValueError(_("Give at most %(most)s words or phrases.", most=MOST_EMERGENCY_WORDS))
    for one in told.values():
        if len(one) > LONGEST_EMERGENCY_WORD or not one.isprintable():
            raise ValueError(_("Each of them has at most %(most)s characters.", most=LONGEST_EMERGENCY_WORD))
        if sum(letter.isalnum() for letter in one) < SHORTEST_EMERGENCY_WORD:
            raise ValueError(_("“%(words)s” is too short: guests would raise the alarm unawares.", words=one))
    return list(told.values()) or None


# What a guest should do until somebody comes (conversations/skills/grave.py).
MATTERS = ("legal", "medical", "payment", "minors", "safety")
LONGEST_TEXT = 500
MOST_EMERGENCY_WORDS = 50
LONGEST_EMERGENCY_WORD = 60
SHORTEST_EMERGENCY_WORD = 3
_WHERE_UNSET = {"languages": ", ".join(LANGUAGES)}
_BETWEEN_WORDS = re.compile(r"[,;\n]")
_PHONE = re.compile(r"\+?\d(?:[ -]?\d){1,18}")
_PERCENT = re.compile(r"\d{1,2}(?:\.\d{1,2})?")
_FEE = re.compile(
    r"first_night|total|nights:[1-9]\d?|percent:(?:[1-9]\d?|100)|amount:(?!0+(?:\.0*)?$)\d{1,9}(?:\.\d{1,2})?"
)
_PMS_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_WEB_ADDRESS = re.compile(r"https://[^\s<>\"']{4,200}")
_LANGUAGE = rf"({'|'.join(LANGUAGES)})"
# How each is spelt, how it is shown, and how its value is read.
SETTINGS: tuple[tuple[str, str, Callable[[re.Match[str], str], Any]], ...] = (
    (rf"front_desk\.({'|'.join(WEEKDAYS)})", "front_desk.DAY", _hours),
    (r"holiday\.(\d{4}-\d\d-\d\d)", "holiday.DATE", _holiday),
    ("languages", "languages", _languages),
    ("emergency_number", "emergency_number", _phone),
    ("emergency_words", "emergency_words", _emergency_words),
    ("night_phone", "night_phone", _phone),
    ("privacy_url", "privacy_url", _address),
    ("cancellation_fee|no_show_fee", "cancellation_fee, no_show_fee", _fee),
    ("non_refundable", "non_refundable", _yes_or_no),
    (r"tax\.percent", "tax.percent", _percent),
    (r"tax\.added", "tax.added", _yes_or_no),
    (rf"approve\.({'|'.join(APPROVABLE)})", "approve.TOPIC", _yes_or_no),
    ("pms_url", "pms_url", _pms_url),
    ("pms_key", "pms_key", _pms_key),
    ("pms_hotel_id", "pms_hotel_id", _pms_id),
    ("pms_horizon_days|pms_rate", "pms_horizon_days, pms_rate", _pms_number),
    (r"pms\.([a-z_]{1,40})", "pms.NAME", _text),
    (rf"guidance\.({'|'.join(MATTERS)})\.{_LANGUAGE}", "guidance.MATTER.LANG", _text),
    (rf"emergency_advice\.{_LANGUAGE}", "emergency_advice.LANG", _text),
)
