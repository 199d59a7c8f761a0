"""Spoils sentences as thumbs do, the same way every time: for measuring, never for training."""

from __future__ import annotations

import random
import re
import unicodedata

_ABBREVIATIONS = {
    "es": {
        "por favor": "xfa",
        "que": "q",
        "por": "x",
        "porque": "xq",
        "también": "tmb",
        "para": "pa",
        "habitación": "hab",
    },
    "en": {"you": "u", "are": "r", "please": "pls", "for": "4", "to": "2", "and": "n", "room": "rm", "your": "ur"},
    "pt": {
        "que": "q",
        "você": "vc",
        "vocês": "vcs",
        "também": "tb",
        "porque": "pq",
        "por favor": "pfv",
        "quarto": "qto",
    },
}
_NEIGHBOURS = dict(
    zip(
        "qwertyuiopasdfghjklzxcvbnm",
        ("wa es rd ft gy hu ji ko lp o sq adw sfe dgr fht gjy hku jl k xa zcs xvd cbf vng bhm nj").split(),
        strict=False,
    )
)


def plain(text: str, language: str) -> str:
    """No accents, no marks, lower case."""
    spread = unicodedata.normalize("NFKD", text.lower())
    return re.sub(r"[^\w\s/:@.-]", "", "".join(c for c in spread if not unicodedata.combining(c))).replace(".", "")


def abbreviated(text: str, language: str) -> str:
    line = text.lower()
    for word, short in _ABBREVIATIONS[language].items():
        line = re.sub(rf"\b{word}\b", short, line)
    return line


def mistyped(text: str, language: str, share: float = 0.2) -> str:
    """A fifth of the words of four letters and more with a letter lost, doubled, swapped or hit beside."""
    chance = random.Random(text)
    return " ".join(
        _slip(word, chance) if len(word) > 3 and chance.random() < share else word for word in text.split(" ")
    )


def all_at_once(text: str, language: str) -> str:
    return mistyped(plain(abbreviated(text, language), language), language)


def _slip(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    match chance.randrange(4):
        case 0:
            return before + after
        case 1:
            return before + letter + letter + after
        case 2:
            return before + after[0] + letter + after[1:]
        case _:
            return before + chance.choice(_NEIGHBOURS.get(letter.lower()) or letter) + after


KINDS = {"plain": plain, "abbreviated": abbreviated, "mistyped": mistyped, "all at once": all_at_once}
