"""The hotel's own date grammar: which nights does a guest mean?

Named days come from `day_words`; here lone day numbers join them, neighbours become ranges, cues give each
day its role (arrival or departure), and night counts complete what is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from hotel_agent.nlu.calendar import Day, NoSuchDate, TwoReadings
from hotel_agent.nlu.day_words import ORDINAL_END, UNITS_AFTER, Named, month_named, named_days
from hotel_agent.nlu.lexicons import any_of
from hotel_agent.nlu.nights import night_count
from hotel_agent.nlu.text import masked

_ABOUT_A_STAY = {"dates", "check_in", "check_out", "nights"}
# A stay this long in numbers alone is a misreading, not a booking.
_LONGEST_READING = 60
_ROLLS_OVER = 14
_REVERSED_AFTER = 180
# Talking of 28 February, "del 1 al 3" is of March: the days go on.
_GOES_ON = 7


@dataclass(frozen=True)
class Stay:
    check_in: date | None = None
    check_out: date | None = None
    nights: int | None = None
    ambiguous: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    seen: bool = False  # the line names a day at all, whether or not it could be resolved
    line: str = ""  # the line in which the days were looked for: night counts and past days are blotted out
    spans: tuple[tuple[int, int], ...] = ()  # where in it the days stand
    turned_round: tuple[date, date] | None = None  # what was said with the departure first


def find_stay(
    line: str,
    today: date,
    language: str,
    country: str | None = None,
    expected: str | None = None,
    around: date | None = None,
) -> Stay:
    """The stay that a tidy line names, resolved against today, and against `around` where it names no month."""
    nights, unsure, rest = night_count(line, expected)
    named = named_days(rest, language, country, today)
    # "ayer" and "two weeks ago" are no part of a stay.
    for gone in (day for day in named if day.past):
        rest = masked(rest, gone.start, gone.end)
    month = _month_spoken_of(line, language, today)
    asked = expected or ("dates" if month else None)
    days = _with_bare_days(rest, [day for day in named if not day.past], asked)
    days, loose = _settle_lone_figures(days, rest, asked)
    alone = len(days) == 1 and not nights
    other = [day for day in days if _is_of_something_else(day, rest, expected, alone)]
    days = [day for day in days if day not in other]
    for day in other:
        rest = masked(rest, day.start, day.end)
    stay = _Reading(line, days, today, expected, nights, around or month, language).stay()
    return replace(
        stay,
        ambiguous=tuple(dict.fromkeys((*stay.ambiguous, *loose, *unsure))),
        seen=bool(days or loose),
        line=rest,
        spans=tuple((named.start, named.end) for named in days),
    )


def stay_of(days: list[Named], line: str, today: date, nights: int | None, expected: str | None) -> Stay:
    """The stay that days found by another reader make, by the same rules of roles and nights."""
    stay = _Reading(line, days, today, expected, nights).stay()
    return replace(stay, seen=True, line=line, spans=tuple((named.start, named.end) for named in days))


_TURN_OF_THE_YEAR = re.compile(
    r"\b(?:ano novo|ano nuevo|nochevieja|fin de ano|fim de ano|reveillon|virada|new years?|navidad(?:es)?|natal"
    r"|christmas|xmas)\b"
)


def _month_spoken_of(line: str, language: str, today: date) -> date | None:
    """When days without a month begin in "en enero, del 4 al 7" and "ano novo, do dia 30 ao dia 2"."""
    month = month_named(line, language, today)
    if month is None and _TURN_OF_THE_YEAR.search(line):
        return date(today.year, 12, 24)
    return month


# --- days of something else ---

# Trips, meals and people have days of their own.
_ERRAND = re.compile(rf"\b{any_of('words', 'errands')}\b")
_ELSEWHERE = re.compile(rf"\b{any_of('words', 'errands', 'around_town')}\b")
_OF_A_STAY = re.compile(rf"\b{any_of('words', 'stays')}\b(?! service)")
# The guest tells of it, and nothing after it says that it is for a stay: "I paid on the 3rd".
_HAPPENED = re.compile(
    rf"\b{any_of('words', 'happened')}\b(?:(?!\b(?:para|for|pra|{any_of('words', 'stays')})\b)[^.;?!\n]){{0,30}}$"
)
_TROUBLE = re.compile(rf"\b{any_of('words', 'troubles')}\b")
_HABIT = re.compile(r"\b(?:los|todos los|todas las|cada|every|each|aos|as|todo|toda|todos os|todas as) $")
_OPENS_ON = re.compile(
    r"\b(?:abert\w*|abiert\w*|abren?|open|funciona\w*|serv\w*|sirven?)\b[^.?!]*\b(?:ao|al|on|el|de) $"
)
_TODAY_WORDS = ("hoy", "hoje", "today", "ahora mismo")
# "9/10" is a mark and "24/7" means always, unless something says that it is a day.
_A_MARK = re.compile(r"(?:10|[0-9])/10|24/7")
_A_DAY_AFTER = re.compile(
    r"(?:\b(?:el|del|al|dia|para el|on|from|until|till|to|the|do|no|ao|ate|hasta|desde|in|out)|-) ?$"
)


def _is_of_something_else(day: Named, line: str, expected: str | None, lone: bool) -> bool:
    """Whether a day is the day of a taxi, a dinner or a habit, and not of a stay."""
    if expected in _ABOUT_A_STAY:
        return False
    words, before, after = line[day.start : day.end], line[: day.start], line[day.end :]
    if (
        _A_MARK.fullmatch(words)
        and not _A_DAY_AFTER.search(before)
        and not re.match(r" ?(?:-|al? |to |ate |hasta )", after)
    ):
        return True
    if (
        day.day.weekday is not None
        and day.day.day is None
        and (_HABIT.search(before) or re.search(r"(?<!\d )\b[a-z]+days$", before + words))
    ):
        return not re.match(r" \d", after)
    if not lone:
        return False
    if _OPENS_ON.search(before) or _HAPPENED.search(before):
        return True
    sentence = re.split(r"[.;?!\n]", before)[-1] + words + re.split(r"[.;?!\n]", after)[0]
    if _ERRAND.search(sentence) and not _OF_A_STAY.search(sentence):
        return True
    if words in _TODAY_WORDS and _TROUBLE.search(sentence):
        return True
    return bool(_ELSEWHERE.search(line)) and not _OF_A_STAY.search(line)


# --- lone day numbers ---

_LINK = (
    r"(?: ?(?:-+|para(?= \d{1,2} d[eo] )|hasta|ate|until|till|til|through|thru|al|ao|a|to|e|y|and|&|/|>+) ?)"
    r"(?:el dia |ao dia |o dia |the |el |la |lo |ao |o |a |as |dia )?(?:dia )?"
)
_LONE = re.compile(
    rf"(?<![\d/:.,+_$#])(?<!\d\d\d-)(?P<d>\d{{1,2}})(?P<th>{ORDINAL_END})\b(?![/:]\d|[.,]\d|\d|%"
    rf"|[ ]?€){UNITS_AFTER}"
)
_CUE = re.compile(
    r"(?:\b(?:dia|dias|day|del|desde el|desde|do dia|do|al|ao|hasta el|hasta|ate o|ate|ate dia|until"
    r"|till|til|from|entre el|entre|between|"
    r"a partir de|a partir del|a partir do|starting|el|on the|the|noche de|noite de|night of|el dia"
    r"|no dia|o dia|on|pro dia|"
    r"checkin|check-in|check in|checkout|check-out|check out|llego|llegamos|llegada|entrada|salida"
    r"|saida|chegada|salgo|salimos|chego|saio|nights? of|(?:sai\w*|parti\w*|cheg\w+|entr\w+|regress\w+|volt\w+) a"
    r"|ate ao)"
    r"(?: the| el| o| dia)?(?: dia)?) $"
)
_WEAK_CUE = re.compile(r"\b(?:de|em|para|pra|para el|por|for|in|no|arrive|arriving|leave|leaving|to) $")
_NOT_A_DAY_BEFORE = re.compile(
    r"(?:\b(?:habitacion|hab|room|quarto|cuarto|numero|number|no|nro|n|num|piso|floor|andar|mesa|table"
    r"|calle|avenida|ruta|gate|"
    r"vuelo|flight|voo|opcion|option|opcao|la|a las|las|as|at|somos|seremos|vamos|we are|anos|age|aged"
    r"|ages|edad|edades|idade|tel|"
    r"los|os|mis|our|de cada|por|all|son|total|total de|total of|party of|group of|grupo de|family of"
    r"|familia de)|[#$€+x]) ?$"
)


def _with_bare_days(line: str, days: list[Named], expected: str | None) -> list[Named]:
    """Adds the day numbers that stand alone: "del 20 (al 25 de mayo)", "the 5th", "el 12"."""
    found = list(days)
    taken = [(day.start, day.end) for day in days]
    lone = [
        match
        for match in _LONE.finditer(line)
        if not any(start < match.end() and match.start() < end for start, end in taken)
    ]
    for match in lone:
        before = line[: match.start()]
        # A certain cue makes a day of it; so does a link to a day that is certain, on either side.
        certain = bool(_CUE.search(before[-24:])) or match["th"] in ("st", "nd", "rd", "th")
        if certain and not match["th"] and _COUNTS_IN_ENGLISH.search(before) and _A_NOUN.match(line, match.end()):
            continue
        if not certain and _NOT_A_DAY_BEFORE.search(before[-16:]) and not _begins_a_range(line, match, found):
            continue
        if certain or _linked(line, match, found, expected):
            found.append(Named(match.start(), match.end(), Day(day=int(match["d"])), bare=True))
            found.sort(key=lambda named: named.start)
    return found


# "Split it on 3 cards" against "on 3 December" and "on the 5 for two nights".
_COUNTS_IN_ENGLISH = re.compile(r"\b(?:on|from|to|the|between|until) $")
_A_NOUN = re.compile(
    r" (?!(?:for|to|til|till|until|thru|through|and|or|with|at|in|please|pls|we|i|is|are|if|but|leaving|arriving"
    r"|just|of)\b)[a-z]{3,}"
)
_CORRECTED_RANGE = re.compile(
    r"\W*(?:(?:no|nao|mejor|melhor|perdon|desculpa|na verdade|en realidad|actually|sorry|digo|quer dizer|i mean"
    r"|quero|queria|quiero|quisiera|prefiero|prefiro|i want|i would like|we want|make it|seria|pode ser|then|entao"
    r"|mudar|muda|mude|trocar|troca|cambiar|cambia|cambialo|mover|pasar|change|move|switch|para|it|to|lo"
    r"|entonces)\W+)+(?:(?:de|from|dia|do dia|for) )?\d{1,2} (?:a|to|ate|hasta) \d{1,2}\W*"
)


def _begins_a_range(line: str, match: re.Match[str], days: list[Named]) -> bool:
    """ "A room 3-5 Feb": the 3 is a day in spite of the word before it."""
    link = re.match(r" ?(?:-+|al|ao|to|a|hasta|ate|until|till) ?(?:el |the |o )?", line[match.end() :])
    return bool(link) and any(named.start == match.end() + link.end() and named.day.month for named in days if link)


_RANGE_OF_LONE = re.compile(rf"{_LINK}(?P<d>\d{{1,2}}){ORDINAL_END}\b(?![/:]\d|[.,]\d|%){UNITS_AFTER}")
_HOTEL_WORDS = re.compile(
    r"\b(?:habitacion|hab|room|quarto|cuarto|reserv|book|noche|night|noite|disponib|availab|libre|free"
    r"|vaga|lugar|precio|price|preco|"
    r"cuanto|quanto|how much|estad|estan|stay|hosped|aloj|doble|double|suite|duplo|individual|familiar"
    r"|single|mejor|melhor|cambi|fecha|data|date|"
    r"_)"
)


def _linked(line: str, match: re.Match[str], days: list[Named], expected: str | None) -> bool:
    """Whether a lone number is tied to a day beside it, as 20 is in "20-25 dic" and 25 in "dic 20 al 25"."""
    after = re.match(rf"{_LINK}", line[match.end() :])
    if after and any(named.start == match.end() + after.end() and named.day.day is not None for named in days):
        return True
    if re.match(r",? (?:o|or|ou|u|y|e|and) (?:el |the |dia |o )?$", line[match.end() : match.end() + 10]):
        return False
    offered = re.match(r" ?(?:,|o|or|ou|y|e|and) (?:el |the |dia )?", line[match.end() :])
    if offered and match.start() >= 2 and line[match.start() - 2] == ",":
        # The 6 of "el 5, 6 o 7 de enero".
        return any(named.start == match.end() + offered.end() and named.day.day for named in days)
    if any(named.end <= match.start() and _OR.fullmatch(line[named.end : match.start()]) for named in days):
        return True
    for named in days:
        if named.end <= match.start() and re.fullmatch(_LINK + r"(?:el )?", line[named.end : match.start()]):
            return True
    two = _RANGE_OF_LONE.match(line, match.end())
    if two and _CORRECTED_RANGE.fullmatch(line):
        return True
    if two:
        link = line[match.end() : two.start("d")]
        if expected in _ABOUT_A_STAY or re.search(r"\b(?:al|ao|hasta|ate|until|till|through)\b", link):
            return True
        if re.fullmatch(r"\W*\d{1,2}-\d{1,2}\W*", line):
            return True
        return bool(_HOTEL_WORDS.search(line)) and not re.search(r"\b(?:e|y|and|&)\b", link)
    if expected in _ABOUT_A_STAY:
        whole = re.fullmatch(r"[^\d]{0,24}\d{1,2}\w{0,2}[^\d]{0,16}", line)
        return bool(whole) and expected != "nights" and len(line.split()) <= 4
    return False


def _settle_lone_figures(days: list[Named], line: str, expected: str | None) -> tuple[list[Named], tuple[str, ...]]:
    """Settles "5-9" alone: the 5th to the 9th when dates were asked for, else maybe the 5th of September."""
    if len(days) == 2 and all(named.bare and named.day.weekday is None for named in days):
        between = line[days[0].end : days[1].start]
        lone = re.fullmatch(r"\W*\d{1,2}-\d{1,2}\W*", line)
        if lone and between == "-" and expected not in _ABOUT_A_STAY and (days[1].day.day or 0) <= 12:
            return [], ("check_in", "check_out")
    return days, ()


# --- roles and resolution ---

_OUT_CUE = re.compile(
    r"\b(?:hasta|until|till|til|through|thru|ate|salida|saida|salgo|salimos|saliendo|salir|saldr\w*|sair\w*|sai"
    r"|saem|sale|salen|regres\w*|volv\w*|nos vamos|nos ir\w*|me ir\w*|iremos embora"
    r"|me voy|irnos|irme|check ?-?out|leave|leaving|"
    r"departing|depart|departure|partida|sair|saimos|saio|saindo|embora|dejamos|dejo|dejar|desocupar"
    r"|desocupamos|retiro|regreso|volvemos|se va|se van|"
    r"go(?:ing)? home|head(?:ing)? home|fly(?:ing)? (?:home|back|out)|go(?:ing)? back|end|ending|fin|termina"
    r"|ending on|up to|vuelta|(?<!por )volta|marchamos|marcho"
    r"|nos marchamos|vamos embora|partimos|deix(?:o|amos|ar)|extend\w*|prolong\w*|ampliar|alargar|estender)\b"
)
_IN_CUE = re.compile(
    r"\b(?:desde|del|from|starting|a partir|llego|llegamos|llegada|llegando|llegar|llegaria|llegariamos"
    r"|llegaremos|llegare|llegue|arriv\w+|check ?-?in|"
    r"entrada|entro|entramos|entrar\w*|get in|get there|be there|chego|chegamos|chegada|chegar|chegando|ingreso"
    r"|ingresamos|coming"
    r"|come|start|since|empieza|empezando|begin\w*)\b"
)
_JOIN = re.compile(rf"[, ]*(?:y |e |and )?{_LINK}|[ ]?,[ ]?|[ ]*\n+[ ]*|[ ]*/[ ]*")
_OR = re.compile(
    r"[, ]*\b(?:o|or|ou|u)\b[, ]*(?:quiza |maybe |talvez )?(?:el |the |del |from |on |de |do |no |dia "
    r"|o )*"
)
# In Portuguese "no" is "on the".
_DENIED_BEFORE = re.compile(
    r"\b(?:(?P<no>no)|nao|not)(?: (?:es|e|is|era|was|sera|el|la|dia|o|the|para|on|in|del?|do|no|na|em|son|on the"
    r"|para el))* $"
    r"|\b(?:en vez|en lugar|em vez|ao inves|em lugar) (?:de |del |do |da )+(?:el |dia )*$"
    r"|\b(?:instead of|rather than|not from)(?: the| from)* $"
)
_DENIED_AFTER = re.compile(
    r" (?:(?P<no>no)|nao)\b(?! (?:se|nos|me)\b)(?=[, ]+(?:mejor |es |sino |melhor |e )?(?:el |pasado|dia |o |para "
    r"|depois|_|\d))"
)
_LISTED = re.compile(r" ?(?:,|,? ?y|,? ?e|,? ?and|&) ?(?:el |the |la del |del |o |dia |on )*")
# Of a stay that is booked already "tonight" says when it begins, not how long it is.
_OF_A_BOOKING = re.compile(
    r"\b(?:cancel\w*|anul\w*|(?:my|our|mi|nuestra|minha|nossa|tengo|tengo una|have a|tenho) (?:booking|reservation"
    r"|reserva)|booked|reservad[oa]|check ?-?in)\b"
)
# These nights come on top of a stay that is known.
_MORE_NIGHTS = re.compile(
    r"\b(?:noches?|nights?|noites?|dias?|days?) (?:mas|more|extra|adicional\w*|a mais)\b|\b(?:more|extra|another"
    r"|mais|otras?|outras?) (?:\w+ )?(?:noches?|nights?|noites?)\b"
)
_NIGHTS_OF = re.compile(r"\b(?:noches|nights|noites) (?:del?|of|do|da|dos|de los)(?: the| el| dia| dias| los)* ?$")
_LEAVES_LATE = re.compile(
    r"\b(?:keep (?:the|our|my) room|late check ?-?out|check(?:ing)? ?-?out|due out|turn in (?:our|my|the) keys?"
    r"|vacate|(?:salir|dejar|sair) (?:mas|la|el|o|mais)"
    r"|deixar o quarto|entregar (?:la|as?|las|o) (?:llaves?|chaves?|habitacion|quarto)|nos fuimos|me fui|we left"
    r"|i left|fomos embora)\b"
)
_OR_NEXT = re.compile(
    r",? (?:o|or|ou) (?:el |la |the |o |a |no |na )?(?:proxim[oa]|next|siguiente|seguinte|otro|outro)\b"
)
_COMMA = re.compile(r" ?, ?(?:el |the |dia |o )?")
_CORRECTION = re.compile(
    r"\b(?:mejor|perdon|digo|quise decir|sorry|i mean|rather|instead|actually|no|nao|melhor|desculpa"
    r"|quer dizer|cambi\w+|change\w*|mudar|trocar|pasar\w*|mover\w*|move|para el)\b"
)


@dataclass
class _Reading:
    """One pass over the named days of a line."""

    line: str
    days: list[Named]
    today: date
    expected: str | None
    nights: int | None
    around: date | None = None
    language: str = ""
    no_such_date: bool = False

    def stay(self) -> Stay:
        self.days = self._meant()
        if not self.days:
            return Stay(nights=self.nights)
        return self._between_two() or self._row_of_nights() or self._plain()

    def _plain(self) -> Stay:
        first, last = self._ends()
        one = first or last
        if one is not None and not (first and last) and self.nights is None and not _OF_A_BOOKING.search(self.line):
            # "We arrive on Friday night" tells an hour, not a length.
            arrives = bool(self._role(self.days.index(one)) == "in")
            self.nights = 1 if first and self._is_the_night_of(first) else None if arrives else one.nights
        if first is not None and first.until is not None and last is None:
            return self._with_both_ends(first)
        first, last = _sharing_a_month(first, last)
        return self._resolved(first, last)

    def _meant(self) -> list[Named]:
        """The days without those that are taken back: "no el 8, el 9", "en vez del 10 al 12", "mañana no, pasado"."""
        denied: set[int] = set()
        for place, named in enumerate(self.days):
            since = self.days[place - 1].end if place else 0
            before, after = self.line[since : named.start], self.line[named.end :]
            denial = _DENIED_BEFORE.search(before) or (place + 1 < len(self.days) and _DENIED_AFTER.match(after))
            if denial and not (self.language == "pt" and denial.groupdict().get("no")):
                denied |= {place, place + 1} if self._ranges_at(place) else {place}
        kept = [named for place, named in enumerate(self.days) if place not in denied]
        if len(kept) == 1 and kept[0].bare and kept[0].day.month is None:
            # "El 9 de febrero, no el 8" and "no el 8 de febrero, el 9" speak of one month.
            month = next(
                (self.days[place].day for place in denied if place < len(self.days) and self.days[place].day.month),
                None,
            )
            if month is not None:
                kept = [replace(kept[0], day=replace(kept[0].day, month=month.month, year=month.year))]
        return kept or self.days

    def _between_two(self) -> Stay | None:
        """Days with "or" between them are asked about; what else is said of the stay is kept."""
        place = next((place for place in range(len(self.days)) if self._offered_at(place)), None)
        if place is None:
            return None
        first, last = place, min(place + 1, len(self.days) - 1)
        while first and _COMMA.fullmatch(self.line[self.days[first - 1].end : self.days[first].start]):
            first -= 1
        others = [named for one, named in enumerate(self.days) if not first <= one <= last]
        both = any(self._ranges_at(one) for one in range(len(self.days) - 1) if one != first) or bool(
            self.days[place].until
        )
        if both or len(others) > 1:
            return Stay(nights=self.nights, ambiguous=("check_in", "check_out"))
        role = "check_out" if self._role(first) == "out" else "check_in"
        if not others:
            return Stay(nights=self.nights, ambiguous=(role,))
        kept, no_month = others[0], _says_no_month(others[0])
        try:
            if role == "check_out":
                return Stay(kept.day.next_from(self._from(kept)), nights=self.nights, ambiguous=(role,))
            offered = self.days[last]
            earliest = offered.day.next_from(self._from(offered)) + timedelta(days=1) if no_month else self.today
            return Stay(check_out=kept.day.next_from(earliest), nights=self.nights, ambiguous=(role,))
        except (NoSuchDate, TwoReadings):
            return Stay(nights=self.nights, ambiguous=("check_in", "check_out"))

    def _row_of_nights(self) -> Stay | None:
        """ "Las noches del 5, 6 y 7 de enero", "Friday and Saturday night": one departs on the day after the last."""
        if len(self.days) < 2 or any(named.until for named in self.days):
            return None
        listed = all(_LISTED.fullmatch(self.line[one.end : other.start]) for one, other in pairwise(self.days))
        nights = (
            _NIGHTS_OF.search(self.line[: self.days[0].start]) or self.days[-1].nights or self.nights == len(self.days)
        )
        if not (listed and nights):
            return None
        try:
            last = self.days[-1].day.next_from(self.today)
            row = [
                named.day.next_from(last - timedelta(days=len(self.days) - 1 - place))
                if named.day.fixed or named.day.weekday is not None
                else last.replace(day=named.day.day or 0)
                for place, named in enumerate(self.days)
            ]
            if len(self.days) == 2 and self.days[0].day.weekday is not None:
                row = [self.days[0].day.next_from(self.today), self.days[1].day.next_from(row[0])]
        except (NoSuchDate, TwoReadings, ValueError):
            return None
        if any((other - one).days != 1 for one, other in pairwise(row)):
            return None
        return Stay(row[0], row[-1] + timedelta(days=1), self.nights)

    def _is_the_night_of(self, named: Named) -> bool:
        return bool(
            re.search(r"\b(?:noche|night|noite) (?:del?|of|do|da|de el)(?: the| dia)? ?$", self.line[: named.start])
        )

    def _offered_at(self, place: int) -> bool:
        """Whether another day is offered after this one: "el 5 o el 6", "this weekend or next"."""
        after = self.line[self.days[place].end :]
        if _OR_NEXT.match(after):
            return True
        return place + 1 < len(self.days) and bool(
            _OR.fullmatch(self.line[self.days[place].end : self.days[place + 1].start])
        )

    def _ranges_at(self, place: int) -> bool:
        return place + 1 < len(self.days) and self._joined(self.days[place], self.days[place + 1])

    def _joined(self, one: Named, other: Named) -> bool:
        if one.until is not None or other.until is not None:
            return False
        between = self.line[one.end : other.start]
        if not _JOIN.fullmatch(between):
            return False
        if re.fullmatch(r"[, ]*(?:y|e|and|&) ?(?:el |the |o |dia |el dia )*", between):
            return bool(re.search(r"\b(?:entre|between)\b[^.]{0,12}$", self.line[: one.start])) and True
        return True

    def _ends(self) -> tuple[Named | None, Named | None]:
        """The day of arrival and the day of departure; what is said last counts, as in "no, del 12 al 15"."""
        first: Named | None = None
        last: Named | None = None
        place = 0
        while place < len(self.days):
            named = self.days[place]
            if self._ranges_at(place):
                first, last = named, self.days[place + 1]
                place += 2
                continue
            role = self._role(place)
            if named.until is not None:
                if first is None:
                    first = named
            elif role == "out":
                last = named
            elif role == "in" or first is None:
                first = named
                if last is None and role != "in" and self._second_end(place):
                    last = self.days[place + 1]
                    place += 1
            elif first.until is not None:
                first = named
            elif self._corrected(place):
                first, last = named, None
            elif last is None:
                last = named
            place += 1
        return first, last

    def _second_end(self, place: int) -> bool:
        """Two days side by side with a comma or a line break between them are arrival and departure."""
        if place + 1 >= len(self.days) or self.days[place + 1].until is not None:
            return False
        between = self.line[self.days[place].end : self.days[place + 1].start]
        return bool(re.fullmatch(r"\s*[,\n]\s*", between))

    def _corrected(self, place: int) -> bool:
        between = self.line[self.days[place - 1].end : self.days[place].start]
        return bool(_CORRECTION.search(between))

    def _role(self, place: int) -> str | None:
        named = self.days[place]
        since = self.days[place - 1].end if place else 0
        before = self.line[max(since, named.start - 40) : named.start]
        before = re.split(r"[.;?!\n]", before)[-1]
        out_cue = [cue.end() for cue in _OUT_CUE.finditer(before)]
        in_cue = [cue.end() for cue in _IN_CUE.finditer(before)]
        if out_cue and (not in_cue or out_cue[-1] > in_cue[-1]):
            return "out"
        if in_cue:
            return "in"
        after = self.line[named.end : named.end + 24]
        if re.match(
            r",? ?(?:\(|=|:|-)? ?(?:check ?-?out|salida|saida|nos vamos|me voy|salimos|saimos|salgo|saio|i leave"
            r"|we leave"
            r"|departure)\b",
            after,
        ):
            return "out"
        if re.match(r" ?(?:\(|=|:|-)? ?(?:check ?-?in|llegada|entrada|chegada|arrival|llegamos|arriving)\b", after):
            return "in"
        if len(self.days) == 1 and (self.expected == "check_out" or _LEAVES_LATE.search(self.line)):
            return "out"
        return None

    def _with_both_ends(self, named: Named) -> Stay:
        """A weekend or a holiday names arrival and departure in one word."""
        assert named.until is not None
        try:
            check_in = named.day.next_from(self.today)
            check_out = named.until.next_from(check_in)
        except TwoReadings:
            return Stay(nights=self.nights, ambiguous=("check_in", "check_out"))
        except NoSuchDate:
            return Stay(nights=self.nights, problems=("no_such_date",))
        if self.nights is not None and self.nights != (check_out - check_in).days:
            return Stay(nights=self.nights, ambiguous=("check_in",))
        return Stay(check_in, check_out, self.nights)

    def _resolved(self, first: Named | None, last: Named | None) -> Stay:
        ambiguous: list[str] = []
        problems: list[str] = []
        check_in = check_out = None
        first, last = self._settled_figures(first, last)
        if first is not None:
            check_in = self._date(first, self._from(first), "check_in", ambiguous)
        if last is not None:
            earliest = check_in + timedelta(days=1) if check_in else self._after_arrival(last)
            if check_in is None and "check_in" in ambiguous and last.day.fixed is None and last.day.year is None:
                ambiguous.append("check_out")
            else:
                check_out = self._date(last, earliest, "check_out", ambiguous)
        if check_in and check_out and first and last:
            if self._is_reversed(first, last, check_in, check_out):
                named = tuple(sorted((check_in, _in_the_year_of(check_in, check_out))))
                return Stay(nights=self.nights, problems=("reversed_dates",), turned_round=(named[0], named[1]))
            if self.nights is not None and (check_out - check_in).days != self.nights:
                return Stay(check_in, ambiguous=("check_out", "nights"))
        elif self.nights is not None and self.nights <= 365 and not ambiguous and not self.no_such_date:
            if _MORE_NIGHTS.search(self.line):
                pass
            elif check_in:
                check_out = check_in + timedelta(days=self.nights)
            elif check_out:
                check_in = check_out - timedelta(days=self.nights)
        if self.no_such_date:
            problems.append("no_such_date")
        if any(end is not None and end < self.today for end in (check_in, check_out)):
            problems.append("past_date")
        return Stay(check_in, check_out, self.nights, tuple(ambiguous), tuple(problems))

    def _date(self, named: Named, earliest: date, entity: str, ambiguous: list[str]) -> date | None:
        if named.swapped is not None:
            ambiguous.append(entity)
            return None
        try:
            return named.day.next_from(earliest)
        except TwoReadings:
            ambiguous.append(entity)
        except NoSuchDate:
            self.no_such_date = True
        return None

    def _from(self, named: Named) -> date:
        """From when on a day is looked for: one without a month is of the month that is talked about."""
        if self.around is None or not _says_no_month(named):
            return self.today
        try:
            goes_on = (named.day.next_from(self.around) - self.around).days <= _GOES_ON
        except (NoSuchDate, TwoReadings):
            return self.today
        return max(self.today, self.around if goes_on else self.around.replace(day=1))

    def _after_arrival(self, named: Named) -> date:
        if self.around is None or not _says_no_month(named):
            return self.today
        return max(self.today, self.around + timedelta(days=1))

    def _settled_figures(self, first: Named | None, last: Named | None) -> tuple[Named | None, Named | None]:
        """Of "5/9 to 12/9" only the day-first reading is a stay that people make: the pair settles both."""
        if not (first and last) or not (first.swapped or last.swapped):
            return first, last
        sure = next((named for named in (first, last) if not named.swapped), None)
        if sure is not None and (turned := self._is_month_first(sure)) is not None:
            # "11/12 - 14/12": nobody changes the order from one date to the next.
            return _turned(first, turned), _turned(last, turned)
        fitting = []
        for turned in (False, True):
            one, other = _turned(first, turned), _turned(last, turned)
            try:
                start = one.day.next_from(self.today)
                nights = (other.day.next_from(start + timedelta(days=1)) - start).days
            except (NoSuchDate, TwoReadings):
                continue
            if 1 <= nights <= _LONGEST_READING:
                fitting.append((one, other))
        return fitting[0] if len(fitting) == 1 else (first, last)

    def _is_month_first(self, named: Named) -> bool | None:
        """How a date in figures is written whose day is above twelve; None if it is not in figures."""
        figures = re.match(r"(\d\d?)[-/.](\d\d?)", self.line[named.start : named.end])
        return None if figures is None or figures[1] == figures[2] else int(figures[1]) != named.day.day

    def _is_reversed(self, first: Named, last: Named, check_in: date, check_out: date) -> bool:
        if check_out <= check_in:
            return True
        nights = (check_out - check_in).days
        if last.day.month is None or first.day.month is None:
            return False
        return nights > _REVERSED_AFTER and last.day.year is None


def _says_no_month(named: Named) -> bool:
    day = named.day
    return named.bare and day.fixed is None and day.weekday is None and day.month is None


def _in_the_year_of(first: date, last: date) -> date:
    try:
        return last.replace(year=first.year)
    except ValueError:
        return last


def _turned(named: Named, turned: bool) -> Named:
    if named.swapped is None:
        return named
    return replace(named, day=named.swapped if turned else named.day, swapped=None)


def _sharing_a_month(first: Named | None, last: Named | None) -> tuple[Named | None, Named | None]:
    """In "del 20 al 25 de mayo" the month stands once for both; "del 28 al 3 de enero" crosses into it."""
    if first is None or last is None:
        return first, last
    one, other = first.day, last.day
    if first.bare and one.day and other.day and other.month and one.month is None:
        month, year = other.month, other.year
        if one.day > other.day and _nights_across(one.day, other.day) <= _ROLLS_OVER:
            month, year = (12, year - 1 if year else None) if month == 1 else (month - 1, year)
        first = replace(first, day=replace(one, month=month, year=year))
    elif one.year is None and other.year is not None and one.month and other.month:
        earlier = other.year - (1 if one.month > other.month else 0)
        first = replace(first, day=replace(one, year=earlier))
    elif last.bare and other.day and one.month and other.month is None and one.day and other.day > one.day:
        last = replace(last, day=replace(other, month=one.month, year=one.year))
    return first, last


def _nights_across(day: int, later: int) -> int:
    return 30 - day + later
