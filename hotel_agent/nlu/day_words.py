"""The ways of naming a day, found in a tidy line: "el 5 de mayo", "next Friday", "amanhã", "Nochevieja"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from hotel_agent.nlu.calendar import (
    FRIDAY,
    SATURDAY,
    SUNDAY,
    Day,
    NoSuchDate,
    easter,
    in_week,
    next_weekday,
    nth_weekday,
    weekend,
)
from hotel_agent.nlu.lexicons import any_of, lexicon
from hotel_agent.nlu.numbers import number


@dataclass(frozen=True)
class Named:
    """A day found at a place of the line; `until` is set where the word names both ends of a stay."""

    start: int
    end: int
    day: Day
    until: Day | None = None
    nights: int | None = None
    bare: bool = False  # a day number alone, which may borrow a month from its neighbour
    swapped: Day | None = None  # the other reading of 05/06
    past: bool = False


ORDINAL_END = r"(?:st|nd|rd|th|ro|er|o)?"
_FIRST = {
    "primer": 1,
    "primero": 1,
    "1er": 1,
    "first": 1,
    "1st": 1,
    "primeiro": 1,
    "segundo": 2,
    "second": 2,
    "2nd": 2,
    "tercer": 3,
    "terceiro": 3,
    "third": 3,
    "3rd": 3,
    "cuarto": 4,
    "quarto": 4,
    "fourth": 4,
    "ultimo": -1,
    "last": -1,
}
_WEEKEND = (
    r"(?:finde(?: de)?(?: semana)?|fin de semana|fin de|fines de semana|weekend|week-end|fim de semana"
    r"|final de semana|fds)"
)
_NEXT_WEEK = (
    r"(?:semana que viene|semana que vem|proxima semana|semana proxima|semana siguiente|siguiente semana"
    r"|semana entrante|next week)"
)
# What makes a count of a number before it: "5 noches", "12 euros", "3 of us".
UNITS_AFTER = (
    rf"(?! ?(?:{any_of('words', 'counted')}\b|\$|%|:\d|[.,]\d|o'?clock|y (?:media|cuarto)"
    r"|(?:de la|da|in the) (?:manana|tarde|noche|manha|noite|morning|afternoon|evening))|_)"
)


@cache
def months(language: str) -> dict[str, int]:
    grammar = lexicon("grammar")
    unwanted = grammar["not_months"][language].split()
    return {
        word: int(place) for place, words in grammar["months"].items() for word in words.split() if word not in unwanted
    }


def month_named(text: str, language: str, today: date) -> date | None:
    """The first day of the month spoken of in "3 noches en marzo": of the next such month to come."""
    names = months(language)
    found = re.search(
        rf"\b(?:en|in|em|para|for|de|of|del|this|next|proximo) (?P<month>{'|'.join(n for n in names if len(n) > 3)})\b",
        text,
    )
    if found is None:
        return None
    month = names[found["month"]]
    return date(today.year + (month < today.month), month, 1)


@cache
def weekdays(language: str) -> dict[str, int]:
    grammar = lexicon("grammar")["weekdays"]
    return {
        word: int(place)
        for part in ("all", language)
        for place, words in grammar[part].items()
        for word in words.split()
    }


def looks_like_a_day(line: str, language: str) -> bool:
    """Whether a line has any word or figure that days are named by: quick, and generous."""
    return _day_like(language).search(line) is not None


@cache
def _day_like(language: str) -> re.Pattern[str]:
    names = sorted({*months(language), *weekdays(language)})
    return re.compile(
        rf"\b(?:{'|'.join(names)}|feira|{_WEEKEND})\w?\b|\d ?[/.-] ?\d|[a-z]\d|\d(?:st|nd|rd|th)\b"
        r"|\b(?:dia|day|today|tomorrow|hoy|hoje|man?ana|amanha|tonight|noche|noite|week|semana|mes|month)\w*"
    )


@cache
def _pattern(language: str, country: str | None) -> re.Pattern[str]:
    """All wordings of a day; where two fit, the earlier one is taken."""
    m = "|".join(sorted(months(language), key=len, reverse=True))
    w = _weekday_words(language)
    wordings = (
        _holiday_pattern(country),
        _figures_with_year(),
        _nth_in_month(m, w),
        _day_and_month(m, w),
        _figures(),
        _weekend_words(m),
        _weekday_and_more(w),
        _near_days(),
        _days_gone(w),
        _days_from_now(),
    )
    return re.compile("|".join(_joined(wording) for wording in wordings))


def _joined(pattern: str) -> str:
    """A pattern written over several lines, as one; its spaces count."""
    return "".join(line.strip() for line in pattern.splitlines())


# "Is there sun?" and "we sat down" are no days.
_NOT_THE_SKY = (
    r"(?!(?:(?<=\bi )|(?<=we )|(?<=he )|(?<=they )|(?<=who ))sat\b"
    r"|(?:(?<=the )|(?<=any )|(?<=no )|(?<=in )|(?<=there ))sun\b)"
)
_NEXT_MONTH = r"proximo mes|mes que viene|mes que vem|next month|mes proximo|mes siguiente|mes entrante"
_THIS_MONTH = r"este mes|this month|deste mes|mes corriente|mes actual"
# Between a day and its month.
_OF = r"(?: ?[-/.] ?| de | del? mes de | do mes de | of | )?"


def _weekday_words(language: str) -> str:
    """The weekdays' names. "Segunda" is also "second", "quinta" a house: only a following word tells."""
    names = "|".join(sorted(weekdays(language), key=len, reverse=True))
    not_order = rf"(?!\b(?:segunda|terca|quarta|quinta|sexta) {any_of('words', 'put_in_order')}\b)"
    return rf"{not_order}{_NOT_THE_SKY}(?:{names}|[2-6][oa]?[- ]?feira)(?:-feira| feira)?\b"


def _figures_with_year() -> str:
    """2026-12-24 and 24/12/2026."""
    return r"""
          (?<![\d])(?P<iso_y>(?:19|20)\d\d)[-/.](?P<iso_m>\d\d?)[-/.](?P<iso_d>\d\d?)(?!\d)
        |(?<![\d/+])(?P<n_a>\d\d?)(?P<n_sep>[-/.])(?P<n_b>\d\d?)(?P=n_sep)(?P<n_y>\d{4}|\d\d)(?![\d])
        """


def _nth_in_month(m: str, w: str) -> str:
    """The first weekend of December, el último viernes del mes que viene."""
    return rf"""
          \b(?P<nth>{"|".join(_FIRST)}) (?:(?P<nth_we>{_WEEKEND})|(?P<nth_w>{w})) (?:de|of|do|del|in)(?: el| mes de)?[ ]
          (?:(?P<nth_m>{m})\b(?: (?:de[l]? )?(?P<nth_y>20\d\d))?|(?P<nth_next>{_NEXT_MONTH}))
        """


def _day_and_month(m: str, w: str) -> str:
    """Viernes 5 de mayo de 2027, el 5 del mes que viene, primero de mayo, May the 5th."""
    lead = rf"(?:\b(?P<{{0}}>{w})\.?,? (?:the |dia |el |o )?)?"
    return rf"""
          {lead.format("dm_w")}(?<![\d:.,])(?P<dm_d>\d\d?){ORDINAL_END}
          (?:{_OF}(?P<dm_m>{m})\b\.?(?:(?:,? (?:de |del |do )?|[-/])(?P<dm_y>20\d\d)\b|[/-](?P<dm_y2>\d\d)\b)?
            | (?:de |of |del? |do )?(?:(?P<next_m>{_NEXT_MONTH})|(?P<this_m>{_THIS_MONTH})))
        |\b(?P<first>primero|primeiro|1[.]? ?o|1ro|1er|1o)(?: dia)? (?:de )?(?P<first_m>{m})\b
          (?:,? (?:de[l]? )?(?P<first_y>20\d\d)\b)?
        |{lead.format("md_w")}\b(?P<md_m>{m})\b\.?(?: the| dia| el)?[ -]?(?P<md_d>\d\d?){ORDINAL_END}
          (?!\d|/|:| ?(?:am|pm|hs?|a\.m|p\.m)\b){UNITS_AFTER}(?:,? (?P<md_y>20\d\d)\b)?
        """


def _figures() -> str:
    """24/12, and with a word before them 24-12, 24.12 and "24 del 12"."""
    return rf"""
          (?<![\d/+.])(?P<s_a>\d\d?)/(?P<s_b>\d\d?)(?![\d/])
        |(?<=el |al |to |on |ia |do |ao )(?P<k_a>\d\d?)[-.](?P<k_b>\d\d)(?![\d./-])
          (?= (?:al|a|ao|to|hasta|ate|until|till)\b|\s*$)
        |(?<=el |ia |al )(?P<del_a>\d\d?) del (?P<del_b>\d\d?)(?![\d:/])(?! (?:al|a|hasta)\b)(?! de ){UNITS_AFTER}
        """


def _weekend_words(m: str) -> str:
    """Este finde, next weekend, o fim de semana do dia 12 de dezembro."""
    # "Any weekend", "un fin de semana" is none in particular.
    return rf"""
          (?<!\bun )(?<!\bum )(?<!\ba )(?<!any )(?<!algun )(?<!cualquier )(?<!qualquer )
          (?:\b(?P<we_nth>{"|".join(_FIRST)}) )?
          (?:\b(?P<we_mod>este|ese|esse|neste|nesse|this|coming|proximo|next|siguiente|otro|following) (?:coming )?)?
          \b(?P<we>{_WEEKEND})\b
          (?: (?P<we_tail>que viene|que vem|proximo|siguiente|seguinte|after next|que entra))?
          (?: (?:del|de|de el|do|do dia|del dia|of|of the|from the) (?:(?P<we_m2>{m}) (?:the )?(?=\d))?
            (?P<we_d>\d\d?){ORDINAL_END}(?!\d| ?(?:al|ao|to|-|a) ?\d)(?: ?(?:y|e|and|&|/) ?\d\d?{ORDINAL_END}\b)?
            (?:{_OF}(?P<we_m>{m})\b)?)?
        """


def _weekday_and_more(w: str) -> str:
    """El viernes por la noche, next Friday, sexta que vem, Friday week, lunes 30, la semana que viene el martes."""
    return rf"""
          (?:\b(?P<mod>este|esta|ese|neste|nesta|nessa|this|this coming|coming|upcoming|proximo|proxima|prox|next
            |siguiente)[.]? )?
          \b(?P<w>{w})(?: (?P<w_late>noche|(?:por|en|a|de) la noche|night|a noite|de noite))?
          (?: (?P<w_plus>week(?! ?-?end)|after next)\b
            | (?P<tail>que viene|que vem|que entra|proximo|proxima|siguiente|seguinte)\b
            |,? (?:de |da |of )?(?:la )?(?P<w_week>{_NEXT_WEEK}|esta semana|this week|week after next)\b
            |(?:,? (?:dia |el |the |o )?(?P<w_d>\d\d?){ORDINAL_END}(?![\d/:]){UNITS_AFTER}))?
        |\b(?:(?:{_NEXT_WEEK})|(?P<week_after>week after next)) (?:el |on |na |no )?(?P<ww>{w})
        |\b(?:a|1) week (?:on|from)? ?(?:this )?(?P<week_on>{w}|tomorrow|today)
        """


def _near_days() -> str:
    """Hoy, tonight, mañana por la noche, depois de amanhã."""
    return r"""
          \b(?P<two_days>pasado manana|pasadomanana|depois de amanha|(?:the )?day after tomorrow
            |dia despues de manana)\b
        |\b(?P<tonight>esta noche|esta misma noche|tonight|esta noite|hoje (?:a|de) noite|hoje mesmo a noite
            |hoy (?:por|en|a) la noche|hoy mismo a la noche|essa noite)\b
        |\b(?P<today>hoy|today|hoje|ahora mismo|de ahora|(?:from )?now(?= (?:to|until|till|til|through|for)\b))\b
        |(?<!la )(?<!esta )(?<!cada )\b(?P<tomorrow>manana|tomorrow|amanha)\b(?! week\b)
          (?P<tomorrow_night> night| noche| (?:por|en|a) la noche| a noite| de noite)?
        |\b(?P<tomorrow_week>tomorrow week)\b
        """


def _days_gone(w: str) -> str:
    """Ayer, two weeks ago, el viernes pasado."""
    return rf"""
          \b(?P<yesterday>anteayer|antes de ayer|anteontem|ayer|yesterday|ontem|anoche|last night)\b
        |\b(?P<ago>(?:hace|ha|faz) (?:\d+|una?|uma?) (?:dia|semana|mes|ano)\w*
            |(?:\d+|an?) (?:day|week|month|year)s? ago
            |(?:la semana|el (?:fin de semana|mes|{w})) pasad[oa]|last (?:week|weekend|month|year|{w})
            |(?:semana|mes|{w}) passad[oa])\b
        """


def _days_from_now() -> str:
    """En 10 días, two weeks from tomorrow, de hoy en ocho."""
    return r"""
          \b(?:en|dentro de|in|daqui a|daqui|de aqui a|em|within) (?P<off>\d+|una?|uma?|an?)[ ]
          (?P<off_u>dias?|days?|semanas?|weeks?|fortnight|mes(?:es)?|months?)(?! (?:de|of|en) )\b
        |\b(?P<from_n>\d+|an?|una?|uma?) (?P<from_u>days?|weeks?|fortnight|dias?|semanas?)[ ]
          (?P<from_w>from now|from today|from tomorrow|today|tomorrow)\b
        |\b(?:de hoy|hoy) en (?P<hoy_en>8|15)\b
        """


_MOVABLE = {
    "holy_week": r"semana santa|holy week|easter weekend|easter week|feriado da pascoa|feriado de pascoa",
    "easter_sunday": r"domingo de resurreccion|domingo de pascua|easter sunday|domingo de pascoa",
    "good_friday": r"viernes santo|good friday|sexta-feira santa|sexta feira santa|sexta santa",
    "holy_thursday": r"jueves santo|maundy thursday|quinta-feira santa|quinta santa",
    # Everybody means other days of them.
    "loose_days": r"navidades|navidad|christmas|xmas|natal|ano nuevo|ano novo|new years|new year|pascua|pascoa|easter"
    r"|carnaval|carnavales|carnival|puente de [a-z]+(?: [a-z]+)?|puente|feriado|feriadao|finde largo"
    r"|fin de semana largo|long weekend|bank holiday weekend|bank holiday",
}


@cache
def _holidays(country: str | None) -> dict[str, Day]:
    """The holidays with a fixed day that have these names in a country."""
    found: dict[str, Day] = {}
    for holiday in lexicon("grammar")["holidays"]:
        month, day = holiday["date"].split("-")
        if "countries" not in holiday or country in holiday["countries"].split():
            names = " ".join(holiday["words"].split()).split(", ")
            found |= {name.rstrip(","): Day(int(day), int(month)) for name in names}
    return found


def _holiday_pattern(country: str | None) -> str:
    fixed = "|".join(sorted(_holidays(country), key=len, reverse=True))
    movable = "|".join(rf"(?P<h_{name}>{words})" for name, words in _MOVABLE.items())
    return rf"\b(?:(?P<h_fixed>{fixed})|{movable})\b(?:,? (?:de[l]? )?(?P<h_year>20\d\d)\b)?"


def named_days(line: str, language: str, country: str | None, today: date) -> list[Named]:
    """Days with enough in their wording to be days; day numbers alone
    are found by their neighbours, in `dates`."""
    found = []
    for match in _pattern(language, country).finditer(line):
        named = _read(match, language, country, today)
        if named is not None:
            found.append(named)
    return found


def _read(match: re.Match[str], language: str, country: str | None, today: date) -> Named | None:
    parts = {key: value for key, value in match.groupdict().items() if value is not None}
    span = Named(match.start(), match.end(), Day())
    for key, reader in _READERS.items():
        if key in parts:
            return reader(span, parts, language, country, today)
    return None


_Parts = dict[str, str]


def _iso(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    return replace(span, day=Day(int(p["iso_d"]), int(p["iso_m"]), int(p["iso_y"])))


def _full_numeric(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    year = int(p["n_y"]) + (2000 if len(p["n_y"]) == 2 else 0)
    return _in_figures(span, int(p["n_a"]), int(p["n_b"]), year, language, country)


def _short_numeric(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    a, b = (p.get(f"{kind}_a") for kind in ("s", "k")), (p.get(f"{kind}_b") for kind in ("s", "k"))
    first, second = next(filter(None, a)), next(filter(None, b))
    return _in_figures(span, int(first), int(second), None, language, country)


def _day_del_month(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    return replace(span, day=Day(int(p["del_a"]), int(p["del_b"])))


_DAY_FIRST_ENGLISH = {"GB", "IE", "AU", "NZ", "ZA", "IN", "MT", "SG", "HK", "KE"}


def _in_figures(span: Named, first: int, second: int, year: int | None, language: str, country: str | None) -> Named:
    """05/06 is day first in Spanish and Portuguese; in English both
    readings live on unless the country settles it."""
    day_first, month_first = Day(first, second, year), Day(second, first, year)
    if second > 12 and first <= 12 and second <= 31 and (language == "en" or country == "US"):
        return replace(span, day=month_first)
    if language != "en" or first > 12 or first == second or country in _DAY_FIRST_ENGLISH:
        return replace(span, day=day_first)
    if country == "US":
        return replace(span, day=month_first)
    return replace(span, day=day_first, swapped=month_first)


def _day_month(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    weekday = _weekday(p.get("dm_w"), language)
    day = int(p["dm_d"])
    if "next_m" in p or "this_m" in p:
        months_on = today.month - 1 + ("next_m" in p)
        return replace(span, day=Day(day, months_on % 12 + 1, today.year + months_on // 12, weekday))
    year = _year(p.get("dm_y")) or (2000 + int(p["dm_y2"]) if "dm_y2" in p else None)
    return replace(span, day=Day(day, months(language)[p["dm_m"]], year, weekday))


def _month_day(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    return replace(
        span,
        day=Day(
            int(p["md_d"]),
            months(language)[p["md_m"]],
            _year(p.get("md_y")),
            _weekday(p.get("md_w"), language),
        ),
    )


def _first_of_month(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    return replace(span, day=Day(1, months(language)[p["first_m"]], _year(p.get("first_y"))))


def _nth_of_month(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    which = _FIRST[p["nth"]]
    weekday = SATURDAY if "nth_we" in p else _weekday(p["nth_w"], language)
    assert weekday is not None
    if "nth_next" in p:
        month, year = today.month % 12 + 1, today.year + today.month // 12
    else:
        month = months(language)[p["nth_m"]]
        year = _year(p.get("nth_y")) or today.year + (month < today.month)
    found = nth_weekday(which, weekday, year, month)
    if "nth_y" not in p and found < today:
        found = nth_weekday(which, weekday, year + 1, month)
    if "nth_we" in p:
        friday = found - timedelta(days=1)
        return replace(span, day=Day(fixed=friday), until=Day(fixed=friday + timedelta(days=2)))
    return replace(span, day=Day(fixed=found))


def _weekend_named(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named | None:
    if p["we"] == "fin de" or "we_nth" in p:
        return None
    if "we_d" in p:
        said = p.get("we_m") or p.get("we_m2")
        month = months(language)[said] if said else None
        try:
            named = Day(int(p["we_d"]), month).next_from(today)
        except NoSuchDate:
            return replace(span, day=Day(int(p["we_d"]), month))
        friday = named - timedelta(days=named.weekday() - FRIDAY)
        if named.weekday() < FRIDAY:
            return replace(span, day=Day(unclear=True), until=Day(unclear=True))
        return replace(span, day=Day(fixed=friday), until=Day(fixed=friday + timedelta(days=2)))
    friday = weekend(today)
    wanted = p.get("we_tail") or p.get("we_mod")
    weekdays_left = today.weekday() < SATURDAY
    if wanted == "after next":
        friday += timedelta(days=7)
        unclear = weekdays_left
    elif wanted in ("otro", "following", "siguiente", "seguinte"):
        friday += timedelta(days=7)
        unclear = True
    else:
        unclear = weekdays_left and wanted in ("proximo", "next", "que viene", "que vem", "que entra")
    if unclear:
        return replace(span, day=Day(unclear=True), until=Day(unclear=True))
    return replace(span, day=Day(fixed=friday), until=Day(fixed=friday + timedelta(days=2)))


def _weekday_named(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    weekday = _weekday(p.get("w") or p.get("ww"), language)
    assert weekday is not None
    week = p.get("w_week", "")
    if "ww" in p or week:
        after_next = "week_after" in p or week == "week after next"
        weeks = 2 if after_next else 0 if week in ("esta semana", "this week") else 1
        return replace(span, day=Day(fixed=in_week(weekday, weeks, today)))
    if "w_d" in p:
        return replace(span, day=Day(int(p["w_d"]), weekday=weekday), bare=True)
    one_night = 1 if "w_late" in p else None
    if "w_plus" in p:
        return replace(span, day=Day(fixed=next_weekday(weekday, today) + timedelta(days=7)))
    next_one = p.get("mod") in ("proximo", "proxima", "prox", "next", "siguiente") or p.get("tail") in (
        "proximo",
        "proxima",
        "siguiente",
        "seguinte",
        "que vem",
    )
    if next_one and today.weekday() < weekday:
        return replace(span, day=Day(unclear=True), nights=one_night)
    if next_one and today.weekday() == weekday:
        return replace(span, day=Day(fixed=today + timedelta(days=7)), nights=one_night)
    return replace(span, day=Day(weekday=weekday), nights=one_night)


def _week_later(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    """ "A week on Friday", "tomorrow week": seven days after that."""
    said = p.get("week_on", "tomorrow")
    weekday = None if said in ("tomorrow", "today") else _weekday(said, language)
    from_day = next_weekday(weekday, today) if weekday is not None else today + timedelta(days=said == "tomorrow")
    return replace(span, day=Day(fixed=from_day + timedelta(days=7)))


def _relative(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    if "tonight" in p:
        return replace(span, day=Day(fixed=today), nights=1)
    days = 2 if "two_days" in p else 1 if "tomorrow" in p else 0
    return replace(span, day=Day(fixed=today + timedelta(days=days)), nights=1 if "tomorrow_night" in p else None)


def _gone(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    return replace(span, past=True)


_UNIT_DAYS = {"d": 1, "s": 7, "w": 7, "f": 14}


def _offset(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    if "hoy_en" in p:
        return replace(span, day=Day(fixed=today + timedelta(days=7 if p["hoy_en"] == "8" else 14)))
    amount = number(p.get("off") or p["from_n"])
    unit = p.get("off_u") or p["from_u"]
    if unit.startswith("m"):
        return replace(span, day=Day(unclear=True))
    start = today + timedelta(days=1 if "tomorrow" in p.get("from_w", "") else 0)
    return replace(span, day=Day(fixed=start + timedelta(days=min(amount, 2000) * _UNIT_DAYS[unit[0]])))


def _holiday(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    name = next(key.removeprefix("h_") for key in p if key.startswith("h_") and key != "h_year")
    year = _year(p.get("h_year"))
    if name == "fixed":
        return replace(span, day=replace(_holidays(country)[p["h_fixed"]], year=year))
    if name == "loose_days":
        return replace(span, day=Day(unclear=True), until=Day(unclear=True))
    sunday = easter(year or today.year)
    if year is None and sunday - timedelta(days=3) < today:
        sunday = easter(today.year + 1)
    if name == "holy_week":
        return replace(span, day=Day(fixed=sunday - timedelta(days=3)), until=Day(fixed=sunday))
    before = {"easter_sunday": 0, "good_friday": 2, "holy_thursday": 3}[name]
    return replace(span, day=Day(fixed=sunday - timedelta(days=before)))


_READERS = {
    "iso_y": _iso,
    "n_a": _full_numeric,
    "s_a": _short_numeric,
    "k_a": _short_numeric,
    "del_a": _day_del_month,
    "nth": _nth_of_month,
    "dm_d": _day_month,
    "md_d": _month_day,
    "first_m": _first_of_month,
    "we": _weekend_named,
    "w": _weekday_named,
    "ww": _weekday_named,
    "week_on": _week_later,
    "tomorrow_week": _week_later,
    "two_days": _relative,
    "tonight": _relative,
    "today": _relative,
    "tomorrow": _relative,
    "yesterday": _gone,
    "ago": _gone,
    "off": _offset,
    "from_n": _offset,
    "hoy_en": _offset,
    "h_fixed": _holiday,
    **{f"h_{name}": _holiday for name in _MOVABLE},
}


def _weekday(word: str | None, language: str) -> int | None:
    if word is None:
        return None
    name = word.replace(" feira", "").removesuffix("-feira").strip("-. ")
    if name[0].isdigit():
        return int(name[0]) - 2
    known = weekdays(language)
    place = known.get(name, known.get(f"{name}-feira"))
    return SUNDAY if place is None else place


def _year(text: str | None) -> int | None:
    return int(text) if text else None
