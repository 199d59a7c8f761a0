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
    nth_weekday,
    weekend,
)
from hotel_agent.nlu.lexicons import lexicon
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
UNITS_AFTER = (
    r"(?! ?(?:noche|night|noite|dia\b|dias|day|adult|person|pessoa|people|pax|guest|huesped|hospede"
    r"|nin[oa]|nene|chic[oa]"
    r"|kid|child|crianca|beb|baby|habitac|room|quarto|cuarto|cama|bed|hora|hour|hs?\b|hrs|am\b|pm\b"
    r"|a\.m|p\.m|min|eur|usd|\$|%|"
    r"gbp|real|reais|peso|dolar|dollar|estrella|star|estrela|ano|year|mes\b|meses|month|semana|week"
    r"|floor|piso|andar|perr|dog|"
    r"cachorr|toalla|towel|toalha|almohad|pillow|travesseiro|km|metro|meter|maleta|suitcase|mala|coche"
    r"|car\b|carro|auto\b|"
    r"double|doble|triple|suite|individual|simple|duplo|solteiro|single|twin|vez|veces|times|mas\b|more"
    r"|mais|de nosotros|of us|"
    r"de la (?:manana|tarde|noche)|da (?:manha|tarde|noite)|in the (?:morning|afternoon|evening)"
    r"|o'?clock|y (?:media|cuarto)|"
    r"veces|copia|unidad|item|de cada|juegos|tazas|cafe|cerveza|beer|bottle|botella|agua|water|semanas"
    r"|amig|friend|guys|noch|"
    r"filh|hij|sons?\b|daughter|familia|famil|couple|pareja|casais|menor|teen|adolesc|grandes|mayores"
    r"|senior|:\d|[.,]\d)|_)"
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


@cache
def _pattern(language: str) -> re.Pattern[str]:
    m = "|".join(sorted(months(language), key=len, reverse=True))
    names = "|".join(sorted(weekdays(language), key=len, reverse=True))
    # "segunda" is also "second", "quinta" also a house: only a following word tells.
    not_order = r"(?! (?:opcao|vez|via|cama|noite|pessoa|diaria|alternativa|oferta|proposta|noche|opcion))"
    w = rf"(?:{names}|[2-6][oa]?[- ]?feira)(?:-feira| feira)?\b{not_order}"
    lead = rf"(?:\b(?P<{{0}}>{w})\.?,? (?:the |dia |el |o )?)?"
    of = r"(?: ?[-/.] ?| de | del? mes de | do mes de | of | )?"
    next_month = r"proximo mes|mes que viene|mes que vem|next month|mes proximo|mes siguiente|mes entrante"
    this_month = r"este mes|this month|deste mes|mes corriente|mes actual"
    return re.compile(
        _joined(
            rf"""
          (?<![\d])(?P<iso_y>(?:19|20)\d\d)[-/.](?P<iso_m>\d\d?)[-/.](?P<iso_d>\d\d?)(?!\d)
        |(?<![\d/+])(?P<n_a>\d\d?)(?P<n_sep>[-/.])(?P<n_b>\d\d?)(?P=n_sep)(?P<n_y>\d{{4}}|\d\d)(?![\d])
        |\b(?P<nth>{"|".join(_FIRST)}) (?:(?P<nth_we>{_WEEKEND})|(?P<nth_w>{w})) (?:de|of|do|del
            |in)(?: el| mes de)?[ ]
          (?:(?P<nth_m>{m})\b(?: (?:de[l]? )?(?P<nth_y>20\d\d))?|(?P<nth_next>{next_month}))
        |{lead.format("dm_w")}(?<![\d:.,])(?P<dm_d>\d\d?){ORDINAL_END}
          (?:{of}(?P<dm_m>{m})\b\.?(?:(?:,? (?:de |del |do )?|[-/])(?P<dm_y>20\d\d)\b|[/-](?P<dm_y2>\d\d)\b)?
            | (?:de |of |del? |do )?(?:(?P<next_m>{next_month})|(?P<this_m>{this_month})))
        |\b(?P<first>primero|primeiro|1[.]? ?o|1ro|1er
            |1o)(?: dia)? (?:de )?(?P<first_m>{m})\b(?:,? (?:de[l]? )?(?P<first_y>20\d\d)\b)?
        |{lead.format("md_w")}\b(?P<md_m>{m})\b\.?(?: the| dia| el)?[ -]?(?P<md_d>\d\d?){ORDINAL_END}
          (?!\d|/|:| ?(?:am|pm|hs?|a\.m|p\.m)\b){UNITS_AFTER}(?:,? (?P<md_y>20\d\d)\b)?
        |(?<![\d/+.])(?P<s_a>\d\d?)/(?P<s_b>\d\d?)(?![\d/])
        |(?<=el |al |to |on |ia |do |ao )(?P<k_a>\d\d?)[-.](?P<k_b>\d\d)(?![\d./-])(?= (?:al|a|ao|to
            |hasta|ate|until|till)\b|\s*$)
        |(?<=el |ia |al )(?P<del_a>\d\d?) del (?P<del_b>\d\d?)(?![\d:/])(?! (?:al|a
            |hasta)\b)(?! de ){UNITS_AFTER}
        |(?:\b(?P<we_nth>{"|".join(_FIRST)}) )?(?:\b(?P<we_mod>este|ese|esse|neste|nesse|this|coming
            |proximo|next|siguiente|otro|following)[ ]
          (?:coming )?)?\b(?P<we>{_WEEKEND})\b
          (?: (?P<we_tail>que viene|que vem|proximo|siguiente|seguinte|after next|que entra))?
          (?: (?:del|de|de el|do|do dia|del dia|of|of the|from the) (?P<we_d>\d\d?){ORDINAL_END}(?!\d
              | ?(?:al|ao|to|-|a) ?\d)
            (?:{of}(?P<we_m>{m})\b)?)?
        |(?:\b(?P<mod>este|esta|ese|neste|nesta|nessa|this|this coming|coming|upcoming|proximo|proxima
            |prox|next|siguiente)[.]? )?
          \b(?P<w>{w})(?: (?P<w_late>noche|night|a noite))?
          (?: (?P<tail>que viene|que vem|que entra|proximo|proxima|siguiente|seguinte)\b
            |,? (?:de |da |of )?(?:la )?(?P<w_week>{_NEXT_WEEK}|esta semana|this week|week after next)\b
            |(?:,? (?:dia |el |the |o )?(?P<w_d>\d\d?){ORDINAL_END}(?![\d/:]){UNITS_AFTER}))?
        |\b(?:(?:{_NEXT_WEEK})|(?P<week_after>week after next)) (?:el |on |na |no )?(?P<ww>{w})
        |\b(?P<two_days>pasado manana|pasadomanana|depois de amanha|(?:the )?day after tomorrow
            |dia despues de manana)\b
        |\b(?P<tonight>esta noche|esta misma noche|tonight|esta noite|hoje (?:a|de) noite|hoje mesmo a noite
            |hoy (?:por|en|a) la noche|hoy mismo a la noche|essa noite)\b
        |\b(?P<today>hoy|today|hoje|ahora mismo|de ahora|from now(?!\s+on))\b
        |(?<!la )(?<!esta )(?<!cada )\b(?P<tomorrow>manana|tomorrow|amanha)\b
        |\b(?P<yesterday>anteayer|antes de ayer|anteontem|ayer|yesterday|ontem|anoche|last night)\b
        |\b(?P<ago>(?:hace|ha|faz) (?:\d+|una?|uma?) (?:dia|semana|mes|ano)\w*|(?:\d+|an?) (?:day|week
            |month|year)s? ago
            |(?:la semana|el (?:fin de semana|mes|{w})) pasad[oa]|last (?:week|weekend|month|year|{w})
            |(?:semana|mes|{w}) passad[oa])\b
        |\b(?:en|dentro de|in|daqui a|em|within) (?P<off>\d+|una?|uma?|an?) (?P<off_u>dias?|days?
            |semanas?|weeks?|fortnight|mes(?:es)?|months?)(?! (?:de|of|en) )\b
        |\b(?P<from_n>\d+|an?|una?|uma?) (?P<from_u>days?|weeks?|fortnight|dias?
            |semanas?) (?P<from_w>from now|from today|from tomorrow|today|tomorrow)\b
        |\b(?:de hoy|hoy) en (?P<hoy_en>8|15)\b
        |{_holiday_pattern()}
        """
        )
    )


def _joined(pattern: str) -> str:
    """A pattern written over several lines, as one; its spaces count."""
    return "".join(line.strip() for line in pattern.splitlines())


_HOLIDAYS = {
    "christmas_eve": r"nochebuena|christmas eve|vespera de natal|xmas eve|noche de navidad|noite de natal",
    "christmas": r"dia de navidad|christmas day|dia de natal|xmas day",
    "new_year_eve": r"nochevieja|noche vieja|new years eve|new year eve|nye|reveillon|fin de ano|fin de anio"
    r"|fim de ano|noche de fin de ano"
    r"|vispera de ano nuevo|vespera de ano novo|virada do ano|ultimo dia del ano",
    "new_year": r"dia de ano nuevo|new years day|new year day|primeiro dia do ano|primer dia del ano"
    r"|dia de ano novo",
    "holy_week": r"semana santa|holy week|easter weekend|easter week|feriado da pascoa|feriado de pascoa",
    "easter_sunday": r"domingo de resurreccion|domingo de pascua|easter sunday|domingo de pascoa",
    "good_friday": r"viernes santo|good friday|sexta-feira santa|sexta feira santa|sexta santa",
    "holy_thursday": r"jueves santo|maundy thursday|quinta-feira santa|quinta santa",
    "epiphany": r"noche de reyes|dia de reyes|reyes magos|dia de reis",
    "valentine": r"san valentin|valentines day|valentines|dia de los enamorados",
    "halloween": r"halloween|noche de brujas",
    "all_saints": r"todos los santos|all saints",
    "loose_days": r"navidades|navidad|christmas|xmas|natal|ano nuevo|ano novo|new years|new year|pascua"
    r"|pascoa"
    r"|easter|carnaval|carnavales|carnival"
    r"|puente de [a-z]+(?: [a-z]+)?|puente|feriado|feriadao|finde largo"
    r"|fin de semana largo|long weekend|bank holiday weekend|bank holiday",
}


def _holiday_pattern() -> str:
    parts = [rf"(?P<h_{name}>{words})" for name, words in _HOLIDAYS.items()]
    return rf"\b(?:{'|'.join(parts)})\b(?:,? (?:de[l]? )?(?P<h_year>20\d\d)\b)?"


def named_days(line: str, language: str, country: str | None, today: date) -> list[Named]:
    """Days with enough in their wording to be days; day numbers alone
    are found by their neighbours, in `dates`."""
    found = []
    for match in _pattern(language).finditer(line):
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
        month = months(language)[p["we_m"]] if "we_m" in p else None
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


def _relative(span: Named, p: _Parts, language: str, country: str | None, today: date) -> Named:
    if "tonight" in p:
        return replace(span, day=Day(fixed=today), nights=1)
    days = 2 if "two_days" in p else 1 if "tomorrow" in p else 0
    return replace(span, day=Day(fixed=today + timedelta(days=days)))


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
    if name in _FIXED_HOLIDAYS:
        day, month = _FIXED_HOLIDAYS[name]
        return replace(span, day=Day(day, month, year))
    if name == "loose_days":
        return replace(span, day=Day(unclear=True), until=Day(unclear=True))
    sunday = easter(year or today.year)
    if year is None and sunday - timedelta(days=3) < today:
        sunday = easter(today.year + 1)
    if name == "holy_week":
        return replace(span, day=Day(fixed=sunday - timedelta(days=3)), until=Day(fixed=sunday))
    before = {"easter_sunday": 0, "good_friday": 2, "holy_thursday": 3}[name]
    return replace(span, day=Day(fixed=sunday - timedelta(days=before)))


_FIXED_HOLIDAYS = {
    "christmas_eve": (24, 12),
    "christmas": (25, 12),
    "new_year_eve": (31, 12),
    "new_year": (1, 1),
    "epiphany": (5, 1),
    "valentine": (14, 2),
    "halloween": (31, 10),
    "all_saints": (1, 11),
}

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
    "two_days": _relative,
    "tonight": _relative,
    "today": _relative,
    "tomorrow": _relative,
    "yesterday": _gone,
    "ago": _gone,
    "off": _offset,
    "from_n": _offset,
    "hoy_en": _offset,
    **{f"h_{name}": _holiday for name in _HOLIDAYS},
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
