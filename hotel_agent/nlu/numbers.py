"""Number words from 0 to 31 in Spanish, English and Portuguese."""

from __future__ import annotations

import re
from functools import cache

_ES = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once "
    "doce trece catorce quince dieciseis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro "
    "veinticinco veintiseis veintisiete "
    "veintiocho veintinueve treinta"
).split()
_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve "
    "thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_PT = (
    "zero um dois tres quatro cinco seis sete oito nove dez onze doze "
    "treze quatorze quinze dezesseis dezessete "
    "dezoito dezenove vinte"
).split()
_OTHER = {
    "duas": 2,
    "catorze": 14,
    "dezasseis": 16,
    "dezassete": 17,
    "dezanove": 19,
    "trinta": 30,
    "thirty": 30,
    "veintiun": 21,
    "veintiuna": 21,
    "fourty": 40,
    "forty": 40,
    "cuarenta": 40,
    "quarenta": 40,
    "fifty": 50,
    "cincuenta": 50,
    "cinquenta": 50,
}
# Everyday words of the other languages: "dos" is Portuguese for "of the", "once" English for a time.
_ONLY_IN = {"once": "es", "dos": "es", "ten": "en", "cuatro": "es", "six": "en", "quince": "es"}
# One is an article in all three languages; the rules that want a number read these words themselves.
_ARTICLES = {"uno", "one", "um"}
ONE = r"(?:uno|una|un|uma|um|one|an|a)"

_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_ORDINAL_VALUES = {word: place for place, word in enumerate(_ORDINALS, 1)} | {"thirtieth": 30}
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"


@cache
def _values(language: str) -> dict[str, int]:
    values = dict(_OTHER)
    for words in (_ES, _EN, _PT):
        values |= {word: value for value, word in enumerate(words)}
    return {
        word: value
        for word, value in values.items()
        if word not in _ARTICLES and (_ONLY_IN.get(word, language) == language or word in {"cuatro", "six"})
    }


@cache
def _patterns(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = "|".join(sorted(_values(language), key=len, reverse=True))
    tens = re.compile(
        r"\b(twenty|thirty|treinta|trinta|vinte|veinte|forty|fourty|cuarenta|quarenta|fifty|cincuenta)"
        r"(?:-| y | e | )(uno|un|una|um|uma|one|dos|two|dois|duas|tres|three|cuatro|quatro|four|cinco"
        r"|five|seis|six|"
        r"siete|sete|seven|ocho|oito|eight|nueve|nove|nine)\b"
    )
    return tens, re.compile(rf"\b(?:{words})\b")


_UNITS = {"uno": 1, "un": 1, "una": 1, "um": 1, "uma": 1, "one": 1, "dos": 2, "cuatro": 4, "six": 6}
_TENS_ORDINAL = re.compile(rf"\b(twenty|thirty)[- ]({'|'.join(_ORDINALS[:9])})\b")
_ORDINAL_IN_DATE = re.compile(
    rf"\b({'|'.join(_ORDINAL_VALUES)})(?= (?:of )?(?:{_MONTH})\b"
    rf"| (?:to|until|till|til|through|and) (?:the )?(?:{'|'.join(_ORDINAL_VALUES)})(?: of)? (?:{_MONTH})\b)"
    rf"|(?<=the )({'|'.join(_ORDINALS[2:])}|thirtieth)(?= (?:to|until|till|for|through)\b|$)"
)
_ORDINAL_AFTER_MONTH = re.compile(rf"\b({_MONTH} (?:the )?)({'|'.join(_ORDINAL_VALUES)})\b")


def figures(line: str, language: str) -> str:
    """Writes number words as figures, except "one" in its many forms, which may be a plain article."""
    if language == "en":
        line = _TENS_ORDINAL.sub(lambda m: _th(_values("en")[m[1]] + _ORDINAL_VALUES[m[2]]), line)
        line = _ORDINAL_IN_DATE.sub(lambda m: _th(_ORDINAL_VALUES[m[1] or m[2]]), line)
        line = _ORDINAL_AFTER_MONTH.sub(lambda m: m[1] + _th(_ORDINAL_VALUES[m[2]]), line)
    tens, single = _patterns(language)
    values = _values(language)
    line = tens.sub(lambda m: str(values.get(m[1], 0) + _UNITS.get(m[2], values.get(m[2], 0))), line)
    return single.sub(lambda m: m[0] if _is_december(m) else str(values[m[0]]), line)


def _is_december(word: re.Match[str]) -> bool:
    """ "Dez" is ten, but in "15 dez" and "15 de dez." it is the month."""
    return word[0] == "dez" and bool(re.search(r"\d ?(?:de |/|-)?$", word.string[: word.start()]))


def _th(number: int) -> str:
    return f"{number}th"


def number(word: str) -> int:
    """The value of a figure or of one of the words for one."""
    return int(word) if word.isdigit() else 1
