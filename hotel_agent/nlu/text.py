"""Brings what guests type to one spelling, so that the grammar has to know only one."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from hotel_agent.nlu.lexicons import LANGUAGES, lexicon
from hotel_agent.nlu.numbers import figures
from hotel_agent.nlu.typos import corrected

# WhatsApp's own limit for a text message; the rest of a longer text is not read.
LONGEST = 4096

_SPELLINGS = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "´": "'",
        "`": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "−": "-",
        "‑": "-",
        "¿": " ",
        "¡": " ",
        "\u00a0": " ",
        "…": ".",
        "×": "x",
        "½": " y media",
        "→": "-",
        "~": "-",
        "°": "o",
        "º": "o",
        "ª": "a",
    }
)
_REPEATED = re.compile(r"([a-z])\1{2,}")
_SHOUTED_END = re.compile(
    r"\b(hola|ola|si|sim|no|nao|ok|vale|dale|hey|hello|hi|bye|chau|chao|yes|ye|gracia"
    r"|porfa)([aeiosyk])\2\b"
)
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
_CHECK = re.compile(r"\bche?c?k[ -]?(in|out)\b")
_TIMES = re.compile(r"\bx ?(?=\d)")
_SPACES = re.compile(r"[^\S\n]+")
_CONTRACTIONS = (
    (re.compile(r"\b(ca|wo|sha)n't\b"), r"\1n not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'(?:re)\b"), " are"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"\b(what|where|it|that|there|how|who|when|here|he|she|let)'s\b"), r"\1 is"),
    (re.compile(r"'s\b"), "s"),
)


def fold(text: str) -> str:
    """Lower case without accents, marks or invisible characters; one spelling of quotes and dashes."""
    spread = unicodedata.normalize("NFKD", text[:LONGEST].translate(_SPELLINGS))
    plain = "".join(c for c in spread if c.isascii() or unicodedata.category(c) not in ("Mn", "Me", "Cf"))
    return _SPACES.sub(" ", plain.lower()).strip()


def tidy(text: str, language: str) -> str:
    """The line that the grammar reads: folded, abbreviations spelt out,
    typing errors mended, numbers in figures."""
    line = _REPEATED.sub(r"\1", fold(text))
    line = _SHOUTED_END.sub(r"\1", line)
    if "'" in line:
        for contraction, spelt_out in _CONTRACTIONS:
            line = contraction.sub(spelt_out, line)
    line = _TIMES.sub("por ", line) if language != "en" else _TIMES.sub("x ", line)
    line = _CHECK.sub(r"check\1", line)
    line = _WORD.sub(lambda found: _mended(found.group(), language), line)
    return figures(line, language)


@lru_cache(maxsize=20_000)
def _mended(word: str, language: str) -> str:
    spelt_out = abbreviations(language).get(word)
    return spelt_out if spelt_out is not None else corrected(word)


@lru_cache(maxsize=len(LANGUAGES))
def abbreviations(language: str) -> dict[str, str]:
    lists = lexicon("abbreviations")
    return {**lists["any"], **lists[language]}


def masked(line: str, start: int, end: int) -> str:
    """The line with a span blotted out: same length, so that positions stay comparable."""
    return f"{line[:start]}{'_' * (end - start)}{line[end:]}"


@lru_cache(maxsize=64)
def words_of(line: str) -> tuple[str, ...]:
    """The words and numbers of a line; "." stands where a sentence ends."""
    return tuple(_TOKEN_MARK.sub(".", token) for token in _TOKEN.findall(line))


_TOKEN = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)*|[.?!;\n]+|[^\W\d_a-z]+|[\U0001f300-\U0001faff☀-➿]")
_TOKEN_MARK = re.compile(r"^[.?!;\n]+$")
