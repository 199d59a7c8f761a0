"""Brings the words of days, as hurried guests type them, to the spelling that the date grammar knows."""

from __future__ import annotations

import re
from functools import cache

from hotel_agent.nlu.lexicons import lexicon


@cache
def _misspelt() -> dict[str, str]:
    return {wrong: word for word, forms in lexicon("grammar")["misspelt"].items() for wrong in forms.split()}


_SPOKEN_WORD = re.compile(r"[a-z0-9]*[a-z][a-z0-9]*")
_STUCK_TOGETHER = (
    (re.compile(r"\b(del?|desde|do|ao?|al|el|dia|from|to|the|ate|hasta|on|for|por)(\d{1,2}(?!\d))"), r"\1 \2"),
    (re.compile(r"(?<!\d)(\d{1,2})(al|ao|a|to|ate|hasta|e|y) ?(\d{1,2})(?![\d:])(?!\w)"), r"\1 \2 \3"),
    (re.compile(r"(?<!\d)(\d{1,2})(al|ao|ate|hasta|del?) "), r"\1 \2 "),
)
# "20.12 - 23.12": with full stops only two beside each other are dates, one alone may be a price.
_DOTTED = re.compile(
    r"(?<![\d.,/])(\d\d?)\.(0\d|1[0-2])( ?(?:-|al?|ao|to|ate|hasta|until|till) ?(?:el |the )?)"
    r"(\d\d?)\.(0\d|1[0-2])(?![\d/]|\.\d)"
)
# "El primero" alone is the first room of a list as well: only "al", "del", "día" or a verb of travel makes it a day.
_TRAVELS_ON_THE = "|".join(f"(?<={verb} el )" for verb in ("vamos", "iriamos", "salimos", "salgo", "llegamos", "llego"))
_FIRST_OF_IT = re.compile(
    r"\bdia (?:primeiro|1o)\b"
    r"|\b(?<=el )1(?:er|ero|ro)\b|\b1(?:er|ero|ro)(?= de\b)"
    r"|\b(?<=del )uno?(?= (?:al?|de) )|(?<=dia )(?:uno|um)\b(?! de (?:los|nos))"
    rf"|(?:(?<=\bal )|(?<=\bdel )|(?<=\bdia ))primero\b|(?:{_TRAVELS_ON_THE})primero\b(?! de)"
)
# "Dos mil veintisiete", once its numbers are in figures.
_YEAR_IN_WORDS = re.compile(r"\b2 (?:mil|thousand)(?: e| and| y)? (\d\d)\b")
_ENGLISH_SHORTHAND = (
    (re.compile(r"\b4 (?=me\b|my\b|us\b|the\b|a\b|an\b|tonight|tomorrow|this|next|\d)"), "for "),
    (re.compile(r"\b2 (?=(?:book|push|stay|cancel|change|check|make|know|get|have|be|move|come)\b)"), "to "),
    (re.compile(r"(?<=[a-z] )n (?=(?:my|me|i|the|our|a|his|her|dad|mom|mum|kids?|bab\w*)\b|\d)"), "and "),
)
# "Mañana no, pasado": the day after tomorrow.
_DAY_AFTER_NO = re.compile(r"(?:(?<=manana no )|(?<=manana no, ))(?:mejor )?pasado\b(?! manana)")


def plain_days(line: str, language: str) -> str:
    """A tidy line with the words of days spelt as the grammar knows them: "biernes", "del5al9", "2nite"."""
    line = _SPOKEN_WORD.sub(lambda found: _misspelt().get(found.group(), found.group()), line)
    for pattern, plain in _STUCK_TOGETHER:
        line = pattern.sub(plain, line)
    line = _YEAR_IN_WORDS.sub(r"20\1", line)
    line = _DOTTED.sub(r"\1/\2\3\4/\5", line)
    line = _FIRST_OF_IT.sub(lambda found: "dia 1" if found.group().startswith("dia") else "1", line)
    if language == "en":
        for pattern, plain in _ENGLISH_SHORTHAND:
            line = pattern.sub(plain, line)
    return _DAY_AFTER_NO.sub("pasado manana", line)
