"""Finds the phrases of the lexicons in a message.

A phrase is written as a guest would say it, folded (no accents, lower case). Marks:
`a|b` either word, `a|b_c` the word or the two words "b c", `word*` any ending, `word?` may be missing,
`~` up to four words between, `<name>` the words of the table `[words]` under that name, `^` and `$` the
beginning and end of the message.
Nothing of a phrase crosses the end of a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from hotel_agent.nlu.lexicons import LANGUAGES, lexicon

_GAP = 4
_STEM = 3


@dataclass(frozen=True)
class Slot:
    words: frozenset[str]
    stems: tuple[str, ...]
    optional: bool

    def takes(self, word: str) -> bool:
        return word in self.words or (bool(self.stems) and word.startswith(self.stems))


@dataclass(frozen=True)
class Phrase:
    meaning: str
    strength: str
    language: str
    slots: tuple[Slot | None, ...]  # None is a gap
    at_start: bool
    at_end: bool


@dataclass(frozen=True)
class Match:
    meaning: str
    strength: str
    language: str
    start: int
    end: int
    sentence: int


def matches(words: tuple[str, ...]) -> Iterator[Match]:
    """Every phrase found in the words of a message, by the position of its first word."""
    whole, by_word, by_stem = _index()
    sentence = 0
    for place, word in enumerate(words):
        if word == ".":
            sentence += 1
            continue
        candidates = list(by_word.get(word, ()))
        for length in range(_STEM, len(word) + 1):
            candidates += by_stem.get(word[:length], ())
        for phrase in candidates:
            if phrase.at_start and any(before != "." for before in words[:place]):
                continue
            end = _end_of(phrase, 0, words, place)
            if end is not None:
                yield Match(phrase.meaning, phrase.strength, phrase.language, place, end, sentence)
    said = " ".join(word for word in words if word != ".")
    for phrase_text, meaning, language in whole:
        if said == phrase_text:
            yield Match(meaning, "whole", language, 0, len(words), 0)


def _end_of(phrase: Phrase, slot_place: int, words: tuple[str, ...], place: int) -> int | None:
    """Where the phrase ends when its slots from slot_place on are read at place, if it fits."""
    if slot_place == len(phrase.slots):
        finished = not phrase.at_end or all(word == "." for word in words[place:])
        return place if finished else None
    slot = phrase.slots[slot_place]
    if slot is None:
        for skipped in range(_GAP + 1):
            end = _end_of(phrase, slot_place + 1, words, place + skipped)
            if end is not None:
                return end
            if place + skipped >= len(words) or words[place + skipped] == ".":
                return None
        return None
    if place < len(words) and slot.takes(words[place]):
        end = _end_of(phrase, slot_place + 1, words, place + 1)
        if end is not None:
            return end
    return _end_of(phrase, slot_place + 1, words, place) if slot.optional else None


_Index = tuple[tuple[tuple[str, str, str], ...], Mapping[str, tuple[Phrase, ...]], Mapping[str, tuple[Phrase, ...]]]


@cache
def _index() -> _Index:
    whole: list[tuple[str, str, str]] = []
    by_word: dict[str, list[Phrase]] = {}
    by_stem: dict[str, list[Phrase]] = {}
    for language in LANGUAGES:
        content = lexicon(language)
        for meaning, strengths in (content["signals"] | content["intents"]).items():
            for strength, texts in strengths.items():
                for text in texts:
                    if strength == "whole":
                        whole.append((text, meaning, language))
                        continue
                    compiled = [
                        _compiled(spelling, meaning, strength, language, content["words"])
                        for spelling in _spellings(text)
                    ]
                    for started in (beginning for phrase in compiled for beginning in _beginnings(phrase)):
                        first = started.slots[0]
                        assert first is not None, text
                        for word in first.words:
                            by_word.setdefault(word, []).append(started)
                        for stem in first.stems:
                            by_stem.setdefault(stem, []).append(started)
    return (
        tuple(whole),
        {word: tuple(phrases) for word, phrases in by_word.items()},
        {stem: tuple(phrases) for stem, phrases in by_stem.items()},
    )


def _spellings(text: str) -> Iterator[str]:
    """The phrase with each alternative of several words ("b_c") written out, and with those of one word."""
    parts = text.split(" ")
    for place, part in enumerate(parts):
        longer = [choice for choice in part.split("|") if "_" in choice]
        if longer:
            shorter = [choice for choice in part.split("|") if "_" not in choice]
            for choice in [
                *(["|".join(shorter)] if shorter else []),
                *(words.replace("_", " ") for words in longer),
            ]:
                yield from _spellings(" ".join([*parts[:place], choice, *parts[place + 1 :]]))
            return
    yield text


def _beginnings(phrase: Phrase) -> Iterator[Phrase]:
    """The phrase, and without each optional word that it may begin with."""
    yield phrase
    first = phrase.slots[0]
    if first is not None and first.optional:
        yield from _beginnings(replace(phrase, slots=phrase.slots[1:]))


def _compiled(text: str, meaning: str, strength: str, language: str, classes: Mapping[str, str]) -> Phrase:
    at_start, at_end = text.startswith("^"), text.endswith("$")
    slots: list[Slot | None] = []
    for part in text.strip("^$ ").split():
        if part == "~":
            slots.append(None)
            continue
        optional = part.endswith("?")
        choices: list[str] = []
        for choice in part.removesuffix("?").split("|"):
            choices += classes[choice[1:-1]].split() if choice.startswith("<") else [choice]
        stems = tuple(choice[:-1] for choice in choices if choice.endswith("*"))
        too_short = [stem for stem in stems if len(stem) < _STEM]
        assert not too_short, f"a stem needs {_STEM} letters: {text}"
        slots.append(Slot(frozenset(c for c in choices if not c.endswith("*")), stems, optional))
    return Phrase(meaning, strength, language, tuple(slots), at_start, at_end)
