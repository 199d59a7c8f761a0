"""Mends one wrong letter in the longer words that the lexicons know."""

from __future__ import annotations

from functools import cache, lru_cache

from hotel_agent.nlu.lexicons import LANGUAGES, lexicon

_SHORTEST = 6


@lru_cache(maxsize=20_000)
def corrected(word: str) -> str:
    """The known word one letter away, if there is one and the word itself is not known."""
    if not _SHORTEST <= len(word) <= 24 or not word.isascii() or word in known_words():
        return word
    nearby = _nearby()
    found = {known for key in _keys(word) for known in nearby.get(key, ()) if _one_apart(word, known)}
    # Sorting keeps the answer the same in every process; a word of the same length is the likelier meaning.
    return min(found, key=lambda known: (abs(len(known) - len(word)), known)) if found else word


@cache
def known_words() -> frozenset[str]:
    """Every word that the lexicons mention, and the everyday words that only look like one of them."""
    found = set(_everyday() | set(lexicon("words")["correctable"].split()) | set(lexicon("words")["grammar"].split()))
    for language in LANGUAGES:
        found |= _words_in(lexicon(language))
    for part in lexicon("grammar").values():
        found |= _words_in(part)
    return frozenset(found)


@cache
def _everyday() -> frozenset[str]:
    """Words that are left as they are."""
    lists = lexicon("words")
    return frozenset(lists["known"].split()).union(*(lists["language"][language].split() for language in LANGUAGES))


@cache
def _nearby() -> dict[str, tuple[str, ...]]:
    """The words worth mending by each spelling that lacks one letter, the index behind a quick search."""
    index: dict[str, list[str]] = {}
    for word in sorted(lexicon("words")["correctable"].split()):
        if len(word) >= _SHORTEST:
            for key in _keys(word):
                index.setdefault(key, []).append(word)
    return {key: tuple(words) for key, words in index.items()}


def _keys(word: str) -> set[str]:
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter more, less or different, or two neighbours swapped, makes one word the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        differing = [i for i in range(len(one)) if one[i] != other[i]]
        swapped = len(differing) == 2 and differing[1] == differing[0] + 1
        first, last = differing[0], differing[-1]
        return len(differing) == 1 or (swapped and one[first] == other[last] and one[last] == other[first])
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


def _words_in(value: object) -> set[str]:
    if isinstance(value, str):
        return {word for word in _split(value) if word.isalpha()}
    if isinstance(value, dict):
        return set().union(*(_words_in(part) for part in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(_words_in(part) for part in value)) if value else set()
    return set()


def _split(phrase: str) -> list[str]:
    for mark in "|?^$~_<>":
        phrase = phrase.replace(mark, " ")
    return phrase.split()
