"""How long a guest stays: "3 noches", "una semana", "for 5 days"."""

from __future__ import annotations

import re

from hotel_agent.nlu.numbers import number
from hotel_agent.nlu.text import masked

_NIGHT = r"(?:noches?|nights?|noites?|nites?|noche|diarias?|pernoctes?|pernoctaciones|nts|ntes)"
_NIGHTS = re.compile(
    rf"(?<![\d/.,:-])(?P<or>\d{{1,3}} ?(?:o|u|or|ou|-|a|to) ?)?\b(?P<n>\d{{1,3}}|una?(?: sola| unica)?"
    rf"|uma?(?: so| unica)?|one|a single|just a)"
    rf"(?: (?:o|or|ou) (?P<or2>\d{{1,2}}))?(?: more| extra| mais| otra)?[ -]?{_NIGHT}\b(?: (?:y|and|e) \d+ (?:dias"
    r"|days))?"
    r"|\bfor a night\b|\bovernight\b|\bpor noche unica\b"
)
_DAYS = re.compile(
    r"\b(?P<lead>por|durante|for|x|pasar|quedarme|quedarnos|quedamos|stay|estar|ficar|total|son|serian"
    r"|de|unos|some|primeros)? ?"
    r"\b(?P<n>\d{1,3}|una|uma|a|an|one|un)[ -]?(?P<u>dias?|days?|semanas?|weeks?|fortnight|quincena"
    r"|quinzena|finde largo)\b"
    r"(?: (?:y|and|e) (?P<n2>\d+) (?:noches|nights|noites))?"
)
# "In place of 3 nights we stay 4".
_INSTEAD = re.compile(
    rf"\b(?:en vez|en lugar|em vez|em lugar|ao inves|instead) (?:de|of|das|das) (?:las |the )?\d+ ?{_NIGHT}"
    r"(?:,? (?:nos )?(?:quedamos|quedaremos|seran|son|que sean|ficamos|ficaremos|serao|stay|make it|it is|we stay"
    r"|we will stay)"
    rf" (?P<n>\d+)\b(?! ?{_NIGHT}))?"
)
_STAYED = re.compile(
    r"\b(?:we|i) stayed\b|\b(?:estuvimos|estuve|nos alojamos|me aloje|nos hospedamos|ficamos hospedad\w+)\b"
)
_GONE = re.compile(r"\b(?:hace|ha|faz|last|past|ultimas|ultimos) $")
# Days that something went on for, or was put off by.
_NOT_OF_A_STAY = re.compile(
    r"\b(?:clean\w*|limpi\w*|limp\w*|llevo|llevamos|waiting|esper\w*|ropa|roupa|clothes|without|sem"
    r"|sin)\b[^.;?!]{0,24}$"
    r"|\b(?:back|forward|up|by|adelantar\w*|retras\w*|atras\w*|aplaz\w*|pospon\w*|adiar)(?: \w+)? $"
)
_SOMEWHERE_ELSE = re.compile(r" (?:em outra|en otra|em outro|en otro|elsewhere|in another|later)")
_PER_NIGHT = re.compile(r"\b(?:por|per|cada|each|every) (?:1 )?(?:noche|night|noite|dia|day|semana|week)\b")
_NOT_A_LENGTH = re.compile(
    r"(?:\b(?:en|dentro de|in|daqui a|daqui|de aqui a|em|hace|ha|faz|within|hasta|unos|antes de|cada|every)) ?$"
)
_AGO = re.compile(
    r" ?(?:ago|antes|before|atras|de antelacion|de anticipacion|in advance|from|a partir|desde hoy en"
    r"|today|tomorrow)\b"
)
_BY = re.compile(
    r"\bfrom (?:now|today|tomorrow)|^ ?(?:today|tomorrow)|^ (?:on |from )?(?:this )?(?:mon|tues|wednes|thurs|fri"
    r"|satur|sun)day"
)


def night_count(line: str, expected: str | None) -> tuple[int | None, tuple[str, ...], str]:
    """How many nights are said, what of it is unsure, and the line without the words that say so."""
    found: list[int] = []
    unsure: tuple[str, ...] = ()
    rest = line
    instead = _INSTEAD.search(rest)
    if instead:
        rest = masked(rest, instead.start(), instead.end())
        found += [int(instead["n"])] if instead["n"] else []
    if _STAYED.search(rest):
        rest = _NIGHTS.sub(lambda match: "_" * len(match.group()), rest)
        return None, (), _DAYS.sub(lambda match: "_" * len(match.group()), rest)
    for match in _NIGHTS.finditer(rest):
        if _GONE.search(rest[: match.start()]):
            rest = masked(rest, match.start(), match.end())
            continue
        if match["or"] or match["or2"]:
            unsure = ("nights",)
        else:
            said = match["n"] or "1"
            found.append(number(said.split()[0]))
        rest = masked(rest, match.start(), match.end())
    for match in _DAYS.finditer(rest):
        start = match.start("n")
        if _NOT_A_LENGTH.search(rest[:start]) or _is_offset(rest[match.end() :]):
            continue
        if _NOT_OF_A_STAY.search(rest[:start]) or _SOMEWHERE_ELSE.match(rest, match.end()):
            rest = masked(rest, start, match.end())
            continue
        unit = match["u"]
        if match["n"] in ("a", "an") and match["lead"] is None and not unit.startswith("week") and unit != "fortnight":
            continue
        if re.match(r" (?:del|de|of|do|antes|before)\b(?! \d)", rest[match.end() :]) and unit.startswith(
            ("semana", "week")
        ):
            continue
        if unit.startswith("d") and match["n"] in ("un", "una", "uma", "a", "one") and match["lead"] in (None, "de"):
            continue
        days = {"d": 1, "s": 7, "w": 7, "f": 14, "q": 14}[unit[0]] * number(match["n"])
        if not found or match["n2"]:
            found.append(int(match["n2"]) if match["n2"] else days)
        rest = masked(rest, start, match.end())
    for match in _PER_NIGHT.finditer(rest):
        rest = masked(rest, match.start(), match.end())
    if not found and expected == "nights" and not unsure:
        bare = re.fullmatch(
            r"(?:solo |just |only |so |son |seran |serian |unas |por |pra |para |for )?(\d{1,2}|una|uma"
            r"|one|uno)(?: nada mas| por favor| please)?[.! ]*",
            line,
        )
        if bare:
            return number(bare[1]), (), masked(rest, 0, len(rest))
    nights = found[-1] if found else None
    return (nights if nights else None), unsure, rest


def _is_offset(after: str) -> bool:
    return bool(
        _BY.search(after[:16])
        or re.match(r" ?(?:ago|atras|de antelacion|de anticipacion|in advance|antes|before)\b", after)
    )
