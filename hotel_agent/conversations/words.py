"""The words that guests read: named blocks in templates/replies/<language>/<skill>.txt.

Code decides what is said and hands over values (dates, amounts, names); a block decides how it sounds. What a
guest wrote is a value like any other and is never read as a template.

`spoken` is a language ("es"), or how it is spoken where the hotel is ("es-AR", see `spoken_in`): our own words are then
put into that dialect (templates/replies/dialects.toml), dates and amounts are written as they are there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

from babel import Locale, localedata
from babel.dates import format_date, format_time
from babel.numbers import format_currency, get_currency_symbol
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

REPLIES = Path(__file__).resolve().parents[2] / "templates" / "replies"
LANGUAGES = ("es", "en", "pt")
LOCALES = {"es": Locale("es", "ES"), "en": Locale("en", "GB"), "pt": Locale("pt", "BR")}

DIALECTS = tomllib.loads((REPLIES / "dialects.toml").read_text("utf-8"))

_DAY = {"es": "EEEE d 'de' MMMM", "en": "EEEE d MMMM", "en-US": "EEEE, MMMM d", "pt": "EEEE, d 'de' MMMM"}
_DAY_WITH_YEAR = {
    "es": "EEEE d 'de' MMMM 'de' y",
    "en": "EEEE d MMMM y",
    "en-US": "EEEE, MMMM d, y",
    "pt": "EEEE, d 'de' MMMM 'de' y",
}
# Nobody writes the cents of these, though the standard gives them two decimals.
_WITHOUT_CENTS = {"COP", "ARS", "HUF", "IDR"}
# What a template computes or decides is no words of ours.
_CODE = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
_CODE_AND_AMOUNT = re.compile(r"^([A-Z]{3})(\d)")
# What the first word of a hotel's name asks for between "asistente" and the name.
_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "es": {"del": ("hotel", "hostal", "parador", "albergue"), "de la": ("posada", "casa", "hacienda")},
    "pt": {"do": ("hotel", "hostel", "resort"), "da": ("pousada", "casa", "quinta")},
}


def spoken_in(language: str, country: str) -> str:
    """ "es-MX": the language as it is spoken in that country; the language alone where we tell nothing apart."""
    if language == "es" and country != "ES" and localedata.exists(f"es_{country}"):
        return f"es-{country}"
    return "en-US" if (language, country) == ("en", "US") else language


def say(spoken: str, block: str, **values: Any) -> str:
    """Render a block, named "skill.block"; raises when a value that it needs is missing."""
    skill, _, name = block.partition(".")
    template = _template(spoken, skill)
    if name not in template.blocks:
        raise LookupError(f"templates/replies/{language_of(spoken)}/{skill}.txt has no block {name!r}")
    pieces = template.blocks[name](template.new_context(values))
    return "".join(pieces).strip()


@cache
def environment(spoken: str) -> Environment:
    # The words are plain text for a chat: HTML escapes would be read out as they are.
    env = Environment(
        loader=_Dialect(spoken),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for write in (money, day, full_day, short_day, weekday, clock, of_hotel):
        env.filters[write.__name__] = partial(write, spoken)
    env.filters["lower_first"] = lower_first
    env.globals["parts"] = env.get_template("parts.txt").module
    return env


@cache
def _template(spoken: str, skill: str) -> Template:
    return environment(spoken).get_template(f"{skill}.txt")


class _Dialect(FileSystemLoader):
    """Reads the templates of a language in the words of one of its dialects."""

    def __init__(self, spoken: str) -> None:
        super().__init__(REPLIES / language_of(spoken))
        self.spoken = spoken

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_fresh = super().get_source(environment, template)
        return in_dialect(self.spoken, source), path, is_fresh


def in_dialect(spoken: str, source: str) -> str:
    """A template with its words, and nothing but these, as the dialect has them."""
    table = dialect_words(spoken)
    if not table:
        return source
    longest_first = "|".join(re.escape(words) for words in sorted(table, key=len, reverse=True))
    ours = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)", re.IGNORECASE)

    def theirs(found: re.Match[str]) -> str:
        words = table[found[0].lower()]
        return words[:1].upper() + words[1:] if found[0][:1].isupper() else words

    pieces = _CODE.split(source)
    return "".join(piece if _CODE.fullmatch(piece) else ours.sub(theirs, piece) for piece in pieces)


@cache
def dialect_words(spoken: str) -> Mapping[str, str]:
    """Our words and what they are in the dialect, those of a wider dialect included."""
    country = spoken.partition("-")[2]
    found: dict[str, str] = {}
    for dialect in DIALECTS.values():
        if dialect["language"] == language_of(spoken) and country in dialect["countries"]:
            found |= {ours.lower(): theirs for ours, theirs in dialect["words"].items()}
    return found


def language_of(spoken: str) -> str:
    return spoken.partition("-")[0]


def locale_of(spoken: str) -> Locale:
    return Locale.parse(spoken, sep="-") if "-" in spoken else LOCALES[spoken]


def money(spoken: str, amount: Decimal, currency: str) -> str:
    """ "190,00 €"; with plain spaces, so that what a guest copies out is what they would type.

    A "$" alone may be of twenty countries, so that the currency is told by its code where guests come from abroad.
    """
    locale = locale_of(spoken)
    pattern = locale.currency_formats["standard"].pattern
    if get_currency_symbol(currency, locale) == "$" and spoken != "en-US":
        pattern = "¤#,##0.00 ¤¤" if currency == "MXN" else "#,##0.00 ¤¤"
    if currency in _WITHOUT_CENTS and amount == amount.to_integral_value():
        pattern = pattern.replace(".00", "")
        text = format_currency(amount, currency, pattern, locale=locale, currency_digits=False)
    else:
        text = format_currency(amount, currency, pattern, locale=locale)
    return _CODE_AND_AMOUNT.sub(r"\1 \2", text.replace("\u00a0", " ").replace("\u202f", " "))


def day(spoken: str, value: date) -> str:
    """ "lunes 21 de diciembre"."""
    return format_date(value, _of(_DAY, spoken), locale=locale_of(spoken))


def full_day(spoken: str, value: date) -> str:
    """ "lunes 21 de diciembre de 2026"."""
    return format_date(value, _of(_DAY_WITH_YEAR, spoken), locale=locale_of(spoken))


def short_day(spoken: str, value: date) -> str:
    """ "21 dic"."""
    text: str = format_date(value, "MMM d" if spoken == "en-US" else "d MMM", locale=locale_of(spoken))
    return text.replace(".", "").replace(" de ", " ")


def weekday(spoken: str, value: date) -> str:
    """ "lunes"."""
    return format_date(value, "EEEE", locale=locale_of(spoken))


def clock(spoken: str, value: time | datetime) -> str:
    """ "15:00", "3:00 PM"; a datetime is told as it stands, so put it into the hotel's zone before."""
    shown = value.time() if isinstance(value, datetime) else value
    text: str = format_time(shown, "h:mm a" if spoken == "en-US" else "HH:mm", locale=locale_of(spoken))
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def _of(patterns: Mapping[str, str], spoken: str) -> str:
    return patterns.get(spoken) or patterns[language_of(spoken)]


def of_hotel(spoken: str, name: str) -> str:
    """ "del Hotel Miramar", "de la Posada del Mar", "of Hotel Miramar"."""
    language = language_of(spoken)
    first = name.split(" ", 1)[0].lower()
    for joined, words in _OF.get(language, {}).items():
        if first in words:
            return f"{joined} {name}"
    return f"{'of' if language == 'en' else 'de'} {name}"


def lower_first(name: str) -> str:
    """ "Habitación doble" within a sentence."""
    return name[:1].lower() + name[1:]
