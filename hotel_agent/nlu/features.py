"""What a model sees of a message: its words, the letters in them, the phrases of the lexicons, and its meaning.

Each view is a list of named signs. The names are kept apart by their first letter, so that all of them share one table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hotel_agent.nlu.phrases import matches
from hotel_agent.nlu.text import fold, tidy, words_of

_FIGURES = re.compile(r"\d+")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[?!]|[^\W\d_a-z]+|[\U0001f300-\U0001faff☀-➿]")
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,64}\.\w{2,10}|https?://\S+")
# "MIR-7K3Q9P", "HT5562": letters first, a hyphen or nothing but figures after them.
_CODE = re.compile(r"\b(?:[A-Za-z]{2,4}-(?=\w*\d)[A-Za-z0-9]{4,8}|[A-Za-z]{1,3}\d{4,8})\b")
_SHORTEST_GRAM, _LONGEST_GRAM = 2, 5
# Longer than any wish; a model learns nothing from the rest of an essay, and it would cost time.
_MOST_LETTERS, _MOST_WORDS = 1_000, 120

VIEWS = ("w", "c", "m")  # words and pairs of words, letters, marks of the lexicons


def plain_of(text: str, language: str) -> str:
    """The tidied line with addresses and codes told as such: their letters say nothing about a wish."""
    return tidy(_without_ids(text), language)


def signs_of(text: str, language: str) -> dict[str, tuple[str, ...]]:
    """The signs of a message by view, each once."""
    text = text[:_MOST_LETTERS]
    line = plain_of(text, language)
    said = _WORD.findall(line)[:_MOST_WORDS]
    typed = _WORD.findall(fold(_without_ids(text)))[:_MOST_WORDS]
    return {
        "w": tuple(dict.fromkeys(_words(said))),
        "c": tuple(dict.fromkeys(_letters(typed))),
        "m": tuple(dict.fromkeys(_marks(line))),
    }


def _without_ids(text: str) -> str:
    return _CODE.sub("xcodex", _ADDRESS.sub("xmailx", text))


def _words(said: list[str]) -> Iterator[str]:
    plain = [_FIGURES.sub("#", word) for word in said]
    for word in plain:
        yield f"w{word}"
    for one, other in zip(["<", *plain], [*plain, ">"], strict=True):
        yield f"w{one} {other}"


def _letters(typed: list[str]) -> Iterator[str]:
    for word in typed:
        padded = f" {_FIGURES.sub('#', word)} "
        for length in range(_SHORTEST_GRAM, _LONGEST_GRAM + 1):
            for start in range(len(padded) - length + 1):
                yield f"c{padded[start : start + length]}"


def _marks(line: str) -> Iterator[str]:
    for match in matches(words_of(line)):
        yield f"m{match.meaning}"
        yield f"m{match.meaning}:{match.strength}"
    length = len(line.split())
    yield "m#one" if length == 1 else "m#few" if length <= 4 else "m#some" if length <= 14 else "m#many"
    if "?" in line:
        yield "m#asks"
    if _FIGURES.search(line):
        yield "m#figures"
