"""The words that guests read: named blocks in templates/replies/<language>/<skill>.txt.

Code decides what is said and hands over values (dates, amounts, names); a block decides how it sounds. What a
guest wrote is a value like any other and is never read as a template.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

REPLIES = Path(__file__).resolve().parents[2] / "templates" / "replies"
LANGUAGES = ("es", "en", "pt")
LOCALES = {"es": Locale("es", "ES"), "en": Locale("en", "GB"), "pt": Locale("pt", "BR")}

_DAY = {"es": "EEEE d 'de' MMMM", "en": "EEEE d MMMM", "pt": "EEEE, d 'de' MMMM"}
_DAY_WITH_YEAR = {"es": "EEEE d 'de' MMMM 'de' y", "en": "EEEE d MMMM y", "pt": "EEEE, d 'de' MMMM 'de' y"}
# Nobody writes the cents of these, though the standard gives them two decimals.
_WITHOUT_CENTS = {"COP", "ARS", "HUF", "IDR"}
_CODE_AND_AMOUNT = re.compile(r"^([A-Z]{3})(\d)")
# What the first word of a hotel's name asks for between "asistente" and the name.
_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "es": {"del": ("hotel", "hostal", "parador", "albergue"), "de la": ("posada", "casa", "hacienda")},
    "pt": {"do": ("hotel", "hostel", "resort"), "da": ("pousada", "casa", "quinta")},
}


def say(language: str, block: str, **values: Any) -> str:
    """Render a block, named "skill.block"; raises when a value that it needs is missing."""
    skill, _, name = block.partition(".")
    template = _template(language, skill)
    if name not in template.blocks:
        raise LookupError(f"templates/replies/{language}/{skill}.txt has no block {name!r}")
    pieces = template.blocks[name](template.new_context(values))
    return "".join(pieces).strip()


@cache
def environment(language: str) -> Environment:
    # The words are plain text for a chat: HTML escapes would be read out as they are.
    env = Environment(
        loader=FileSystemLoader(REPLIES / language),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["money"] = partial(money, language)
    env.filters["day"] = partial(day, language)
    env.filters["full_day"] = partial(full_day, language)
    env.filters["short_day"] = partial(short_day, language)
    env.filters["clock"] = partial(clock, language)
    env.filters["of_hotel"] = partial(of_hotel, language)
    env.filters["lower_first"] = lower_first
    env.globals["parts"] = env.get_template("parts.txt").module
    return env


@cache
def _template(language: str, skill: str) -> Template:
    return environment(language).get_template(f"{skill}.txt")


def money(language: str, amount: Decimal, currency: str) -> str:
    """ "190,00 €"; with plain spaces, so that what a guest copies out is what they would type."""
    locale = LOCALES[language]
    pattern = locale.currency_formats["standard"].pattern
    if currency in _WITHOUT_CENTS and amount == amount.to_integral_value():
        pattern = pattern.replace(".00", "")
        text = format_currency(amount, currency, pattern, locale=locale, currency_digits=False)
    else:
        text = format_currency(amount, currency, pattern, locale=locale)
    return _CODE_AND_AMOUNT.sub(r"\1 \2", text.replace("\u00a0", " ").replace("\u202f", " "))


def day(language: str, value: date) -> str:
    """ "lunes 21 de diciembre"."""
    return format_date(value, _DAY[language], locale=LOCALES[language])


def full_day(language: str, value: date) -> str:
    """ "lunes 21 de diciembre de 2026"."""
    return format_date(value, _DAY_WITH_YEAR[language], locale=LOCALES[language])


def short_day(language: str, value: date) -> str:
    """ "21 dic"."""
    text: str = format_date(value, "d MMM", locale=LOCALES[language])
    return text.replace(".", "").replace(" de ", " ")


def clock(language: str, value: time | datetime) -> str:
    """ "15:00"; a datetime is told as it stands, so put it into the hotel's zone before."""
    shown = value.time() if isinstance(value, datetime) else value
    return format_time(shown, "HH:mm", locale=LOCALES[language])


def of_hotel(language: str, name: str) -> str:
    """ "del Hotel Miramar", "de la Posada del Mar", "of Hotel Miramar"."""
    first = name.split(" ", 1)[0].lower()
    for joined, words in _OF.get(language, {}).items():
        if first in words:
            return f"{joined} {name}"
    return f"{'of' if language == 'en' else 'de'} {name}"


def lower_first(name: str) -> str:
    """ "Habitación doble" within a sentence."""
    return name[:1].lower() + name[1:]
