"""The staff's languages: which one a page speaks, and how it writes times, money, phones and stretches of days.

Times are in the zone of the hotel that the person looks at.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_interval, format_skeleton
from babel.numbers import format_currency, format_decimal
from babel.support import NullTranslations
from flask import Flask, Response, current_app, g, has_app_context, request
from flask_babel import Babel, get_locale, get_translations

from hotel_agent.db import utcnow

LANGUAGES = {"es": "Español", "en": "English", "pt": "Português"}
DEFAULT = "es"
COOKIE = "language"
COOKIE_SECONDS = 365 * 24 * 3600
# Portuguese is written as in Portugal, which Brazilians read without stumbling.
REGIONS = {"pt": "pt_PT"}
MINUTE, HOUR, DAY = 60, 3600, 86400
# Country codes of one and two digits; every other one has three.
SHORT_CODES = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84"
    " 86 90 91 92 93 94 95 98".split()
)


def init_app(app: Flask) -> None:
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = f"{app.root_path}/hotel_agent/translations"
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT
    Babel(app, locale_selector=language, timezone_selector=lambda: str(_zone()))
    install = app.jinja_env.install_gettext_callables  # type: ignore[attr-defined]
    install(lambda words: _(words), lambda one, many, num: _plural(one, many, num), newstyle=True)
    app.after_request(_remember_language)
    app.jinja_env.globals.update(language=language, languages=LANGUAGES, now=utcnow, has_page=has_page)
    for words in (
        *(clock, day, moment, short_moment, until_words, ago, waited, left, left_exact, duration),
        *(date_range, nights, local_date, local_input, money, number, decimal, phone, initials, query, iso),
    ):
        app.jinja_env.filters[words.__name__] = words


def language() -> str:
    """es, en or pt: the person's choice, else this browser's, else the hotel's."""
    me = g.get("me")
    given = request.args.get("lang") if request else None
    wanted = (
        given if given in LANGUAGES and me is None else None,
        me.language if me else None,
        request.cookies.get(COOKIE) if request else None,
        request.accept_languages.best_match(LANGUAGES) if request else None,
        me.hotel.language if me else None,
    )
    return next((code for code in wanted if code in LANGUAGES), DEFAULT)


def N_(words: str) -> str:
    """The words are to be translated later, by `_`."""
    return words


def _(words: str, **values: Any) -> str:
    """The words in the reader's language."""
    said = str(_catalog().ugettext(words))
    return said % values if values else said


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    return _plural(one, many, num) % {"num": num, **values}


def _plural(one: str, many: str, num: int) -> str:
    return str(_catalog().ungettext(one, many, num))


def _catalog() -> Any:
    """Looked up once a request: a page asks for hundreds of words."""
    if not has_app_context():
        return NullTranslations()
    if "catalog" not in g:
        g.catalog = get_translations()
    return g.catalog


def _remember_language(response: Response) -> Response:
    """What somebody without an account chose stays chosen in this browser."""
    given = request.args.get("lang")
    if given in LANGUAGES and given != request.cookies.get(COOKIE):
        response.set_cookie(COOKIE, given, COOKIE_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure)
    return response


def _zone() -> tzinfo:
    me = g.get("me")
    return me.hotel.zone if me else UTC


def _locale() -> Locale:
    spoken = get_locale()
    return _locale_of(spoken.language if spoken else DEFAULT)


@lru_cache
def _locale_of(code: str) -> Locale:
    """Babel looks for files at each parsing."""
    return Locale.parse(REGIONS.get(code, code))


def _local(at: datetime) -> datetime:
    return at.astimezone(_zone())


# Times


def clock(at: datetime) -> str:
    """15:04"""
    return f"{_local(at):%H:%M}"


def day(at: date | datetime) -> str:
    """hoy, ayer, mañana, 5 oct, 5 oct 2024"""
    when, today = _date(at), _local(utcnow()).date()
    near = {-1: _("yesterday"), 0: _("today"), 1: _("tomorrow")}.get((when - today).days)
    return near or _short(when, today)


def _short(when: date, today: date) -> str:
    far = abs((when - today).days) > 180
    if _locale().language == "pt":
        months = _locale().months["format"]["abbreviated"]
        return f"{when.day} {months[when.month].rstrip('.')}" + (f" {when.year}" if far else "")
    return format_skeleton("yMMMd" if far else "MMMd", when, locale=_locale())


def moment(at: datetime) -> str:
    """hoy a las 15:04 · 5 oct a las 15:04"""
    return _("%(day)s, %(time)s", day=day(at), time=clock(at))


def short_moment(at: datetime) -> str:
    """15:04 of today, else the day."""
    return clock(at) if _date(at) == _local(utcnow()).date() else day(at)


def until_words(at: datetime) -> str:
    """until 18:20 · until tomorrow, 9:00"""
    if _date(at) == _local(utcnow()).date():
        return _("until %(time)s", time=clock(at))
    return _("until %(moment)s", moment=moment(at))


def local_date(at: datetime) -> date:
    """The day on the hotel's wall."""
    return _date(at)


def local_input(at: datetime) -> str:
    """As a field for date and time wants it, by the hotel's clock."""
    return f"{_local(at):%Y-%m-%dT%H:%M}"


def iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def waited(since: datetime) -> str:
    """4 min · 1 h 5 min · 3 d: how long something lasts by now."""
    return duration((utcnow() - since).total_seconds())


def left(until: datetime) -> str:
    """1 h 40 min: how long there is until then."""
    return duration((until - utcnow()).total_seconds())


def left_exact(until: datetime) -> str:
    """4:09"""
    seconds = max(0, int((until - utcnow()).total_seconds()))
    return f"{seconds // MINUTE}:{seconds % MINUTE:02}"


def duration(seconds: float) -> str:
    seconds = max(0, int(seconds))
    if seconds < HOUR:
        return _("%(n)s min", n=seconds // MINUTE)
    if seconds < DAY:
        hours, minutes = seconds // HOUR, seconds % HOUR // MINUTE
        return _("%(h)s h %(m)s min", h=hours, m=minutes) if minutes else _("%(h)s h", h=hours)
    return _("%(n)s d", n=seconds // DAY)


def ago(at: datetime) -> str:
    """just now · 4 min ago"""
    seconds = (utcnow() - at).total_seconds()
    return _("just now") if seconds < MINUTE else _("%(time)s ago", time=duration(seconds))


def date_range(first: date, last: date) -> str:
    """5–8 oct"""
    today = _local(utcnow()).date()
    if _locale().language == "pt":
        start = str(first.day) if (first.year, first.month) == (last.year, last.month) else _short(first, today)
        return f"{start} – {_short(last, today)}"
    far = abs((last - today).days) > 180
    return format_interval(first, last, "yMMMd" if far else "MMMd", locale=_locale())


def _date(at: date | datetime) -> date:
    return _local(at).date() if isinstance(at, datetime) else at


# Figures


def money(amount: Decimal, currency: str) -> str:
    """285,00 € · what has no cents in use is written without them only where they are zero."""
    whole = amount == amount.to_integral_value()
    return format_currency(amount, currency, locale=_locale(), currency_digits=not whole, format=_no_cents(whole))


def _no_cents(whole: bool) -> str | None:
    pattern = _locale().currency_formats["standard"].pattern
    return pattern.replace("0.00", "0") if whole else None


def number(amount: int) -> str:
    return format_decimal(amount, locale=_locale())


def decimal(amount: float, digits: int) -> str:
    """A measured figure with so many digits after the point."""
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return format_decimal(round(amount, digits), format=pattern, locale=_locale())


def phone(digits: str) -> str:
    """+34 600 111 222"""
    if not digits.isdigit():
        return digits
    size = next((n for n in (1, 2) if digits[:n] in SHORT_CODES), 3)
    rest = digits[size:]
    if digits[:size] == "1" and len(rest) == 10:
        groups = [rest[:3], rest[3:6], rest[6:]]
    else:
        head = len(rest) % 3
        if head == 1:
            head = 4 if len(rest) > 4 else len(rest)
        groups = [rest[:head]] if head else []
        groups += [rest[place : place + 3] for place in range(head, len(rest), 3)]
    return " ".join([f"+{digits[:size]}", *groups])


def nights(arrival: date, departure: date) -> str:
    return ngettext("%(num)s night", "%(num)s nights", (departure - arrival).days)


def initials(name: str) -> str:
    """AG for Ana García: what stands in a small circle."""
    words = [word for word in name.replace("@", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def has_page(endpoint: str) -> bool:
    """Whether this installation has such a page."""
    return endpoint in current_app.view_functions


def query(values: dict[str, Any]) -> str:
    """The part of an address after its question mark, without what is empty."""
    return urlencode({name: value for name, value in values.items() if value is not None and str(value)})
