"""Which of a hotel's texts answers a question? Pure: no database, no Flask.

With the encoder the question may be asked in one language and answered in another. Four things are weighed:
how near the question is to the best sentence, to the best piece of a sentence and to the topic's own name; whether
each of its words has a near word in one sentence; the rare words that both have; and, against the match, whether the
question is nearer to something that guests ask hotels for and of which the text does not speak (a pool table beside
a text about the pool). Without the encoder the words that both have are all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hotel_agent.nlu import encoder
from hotel_agent.nlu.lexicons import lexicon
from hotel_agent.nlu.text import fold

if TYPE_CHECKING:
    from hotel_agent.nlu.encoder import Vector

# Below these a text is not told. Measured by `python -m tests.nlu.bench_knowledge` on 270 questions in three languages,
# half of them answered by no text: each is the lowest score at which at most 2 % of the tuning half is answered
# wrongly. On the other half, of 135 questions: with the encoder 53 of 69 that have an answer get it, 7 (5.2 %) get a
# wrong text, for 12 a colleague is asked; with words alone 24, 2 (1.5 %) and 44.
THRESHOLD = 0.26
THRESHOLD_OF_WORDS = 0.45

# What the four things weigh, chosen on the tuning half too. A quarter more or less of any one of them leaves 49 to 53
# of its 66 answerable questions right, each time with the threshold chosen anew.
_NEARNESS, _WORDS, _SHARED, _RIVAL = 0.5, 0.4, 0.1, 0.75
_NEARER = 0.4
_COMMON_WORD = 0.25
# Inflected forms share their first letters: "bicicleta", "bicicletas".
_STEM = 5
# Longer questions are read up to here; a guest's story has its question early or in a message of its own.
_MOST_LETTERS, _MOST_WORDS = 400, 24

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")
_PIECE_END = re.compile(r"[,.;:!?]\s+|\s+(?:y|e|o|ni|and|or|ou|nem|nor|con|with|com)\s+")
_WORD = re.compile(r"[a-z0-9]+")
_SHORTEST_PIECE, _SHORTEST_WORD = 4, 3


@dataclass(frozen=True)
class Entry:
    """What a hotel wrote about one topic in one language."""

    topic: str
    language: str
    text: str


@dataclass(frozen=True)
class Match:
    """The topic that answers best. Scores of different questions and languages can be compared."""

    topic: str
    score: float

    @property
    def is_clear(self) -> bool:
        """Whether the text may be told as the answer."""
        return self.score >= (THRESHOLD if encoder.available() else THRESHOLD_OF_WORDS)


def best_match(question: str, entries: Iterable[Entry]) -> Match | None:
    """The topic of the entry that answers best, however badly; None without entries or words."""
    asked = _asked(question[:_MOST_LETTERS])
    scores = [(_score(asked, entry), entry.topic) for entry in entries if entry.text.strip()] if asked.words else []
    if not scores:
        return None
    score, topic = max(scores, key=lambda scored: scored[0])
    return Match(topic, score)


def is_question(text: str) -> bool:
    """Whether a text asks something: by its mark, or by how it begins."""
    words = _WORD.findall(fold(text))
    return "?" in text or "¿" in text or bool(words and words[0] in _listed("begins"))


@dataclass(frozen=True)
class _Asked:
    """A question: its telling words and, with the encoder, its vectors. `things` is how near it is to each thing."""

    words: tuple[str, ...]
    weights: Vector
    vector: Vector | None = None
    of_words: Vector | None = None
    things: Vector | None = None


@dataclass(frozen=True)
class _Written:
    """An entry with the vectors of its sentences, pieces, names and words.

    `sentence_starts` says where the words of each sentence begin in `words`; `spoken_of` how near the entry is
    to each thing.
    """

    stems: frozenset[str]
    sentences: Vector
    pieces: Vector
    names: Vector
    words: Vector
    sentence_starts: tuple[int, ...]
    spoken_of: Vector


@lru_cache(maxsize=64)
def _asked(question: str) -> _Asked:
    line = fold(question)
    telling = [word for word in _WORD.findall(line) if word not in _listed("asking")] or _WORD.findall(line)
    words = tuple(telling[:_MOST_WORDS])
    common = _listed("common")
    weights = np.array([_COMMON_WORD if word in common else 1.0 for word in words], dtype=np.float32)
    vectors = encoder.vectors_of([question, " ".join(words), *words])
    if vectors is None or not words:
        return _Asked(words, weights)
    vector = _unit(vectors[0] + vectors[1])
    return _Asked(words, weights, vector, vectors[2:], _things() @ vector)


def _score(asked: _Asked, entry: Entry) -> float:
    if asked.vector is None or asked.of_words is None or asked.things is None:
        return _shared(asked, _stems(entry.topic, entry.text))
    written = _written(entry.topic, entry.text)
    nearness = (
        np.max(written.sentences @ asked.vector)
        + np.max(written.pieces @ asked.vector)
        + np.max(written.names @ asked.vector)
    ) / 3
    return float(
        _NEARNESS * nearness
        + _WORDS * _words_found(asked.of_words, asked.weights, written)
        + _SHARED * _shared(asked, written.stems)
        - _RIVAL * _rival(asked.things, written.spoken_of)
    )


def _rival(asked_for: Vector, spoken_of: Vector) -> float:
    """How clearly the question is about a thing of which the entry does not speak.

    Both how much is left unsaid and how much nearer the question is count, the second for less.
    """
    return float(np.max(asked_for * (1 - spoken_of) + _NEARER * (asked_for - spoken_of)))


def _words_found(of_words: Vector, weights: Vector, written: _Written) -> float:
    """How near, on average, the words of the question come to a word of one sentence."""
    nearest = np.maximum.reduceat(of_words @ written.words.T, written.sentence_starts, axis=1)
    # A question of one common word ("the room?") is found nowhere, hence the 1.
    return float(np.max(weights @ nearest)) / max(1.0, float(weights.sum()))


def _shared(asked: _Asked, stems: frozenset[str]) -> float:
    """The share of the question's words, rare ones first, that the entry has too; 0 to just under 1."""
    long_enough = [
        (word, weight)
        for word, weight in zip(asked.words, asked.weights.tolist(), strict=True)
        if len(word) >= _SHORTEST_WORD
    ]
    found: float = sum(weight for word, weight in long_enough if word[:_STEM] in stems)
    # A question of one common word is no evidence, hence the constant.
    return found / float(sum(weight for _, weight in long_enough) + _COMMON_WORD)


@lru_cache(maxsize=1000)
def _written(topic: str, text: str) -> _Written:
    """Reading an entry costs some ten milliseconds, hence the cache: the texts of about fifteen hotels."""
    names = _names(topic)
    sentences = [part for part in _SENTENCE_END.split(text.strip()) if _telling_words(part)] or [text]
    pieces = [piece for part in _PIECE_END.split(text) if len(piece := part.strip(" .")) >= _SHORTEST_PIECE] or [text]
    words = [_telling_words(" ".join([sentence, *names])) for sentence in sentences]
    known = {word: place for place, word in enumerate(dict.fromkeys(word for of_one in words for word in of_one))}
    vectors = _vectors([*sentences, *pieces, *names, *known])
    of_sentences, of_pieces, of_names, of_words = np.split(
        vectors, np.cumsum([len(sentences), len(pieces), len(names)])
    )
    spoken_of = _things() @ np.concatenate([of_sentences, of_pieces, of_names]).T
    return _Written(
        _stems(topic, text),
        of_sentences,
        of_pieces,
        of_names,
        of_words[[known[word] for of_one in words for word in of_one]],
        tuple(np.cumsum([0, *(len(of_one) for of_one in words[:-1])]).tolist()),
        np.max(spoken_of, axis=1),
    )


@lru_cache(maxsize=1000)
def _stems(topic: str, text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in _telling_words(" ".join([text, *_names(topic)])))


def _telling_words(text: str) -> list[str]:
    unsaid = _listed("asking")
    return [
        word for word in dict.fromkeys(_WORD.findall(fold(text))) if len(word) >= _SHORTEST_WORD and word not in unsaid
    ]


def _names(topic: str) -> tuple[str, ...]:
    """What a topic is about: of an intent it is known, of the hotel's own "piano_bar" it is "piano bar"."""
    known: dict[str, list[str]] = lexicon("meaning")["names"]
    return tuple(known.get(topic) or [topic.removeprefix("ask_").replace("_", " ")])


@cache
def _things() -> Vector:
    return _vectors(lexicon("meaning")["things"])


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(lexicon("meaning")[name].split())


def _vectors(texts: Sequence[str]) -> Vector:
    vectors = encoder.vectors_of(texts)
    assert vectors is not None, "only asked where the encoder is"
    return vectors


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    unit: Vector = (vector / length if length else vector).astype(np.float32)
    return unit
