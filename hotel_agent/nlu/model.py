"""The trained model at work: which wishes a message carries, how sure that is, and which one comes first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hotel_agent.nlu import encoder
from hotel_agent.nlu.features import VIEWS, plain_of, signs_of
from hotel_agent.nlu.head import Arrays, Floats, Head, Vocabulary, shares, unpacked

OUT_OF_SCOPE = "out_of_scope"
FILE = Path(__file__).parent / "model.npz"

# A wish below this is not told at all; above CANDIDATE it may come first.
_FAINT = 0.08
_CANDIDATE = 0.3
# How much the loudest wish speaks for a message being for us, beside the head that was trained to tell.
_WISH_SPEAKS = 0.5
# What a clause further back in the message costs a wish, in log-odds of being the one to act on, and how far those
# odds count at all. Set on the even lines of the held-out messages; from 2 to 5 little changes.
_LATER = 4.0
_SURE_FIRST = 4.0
_MOST_CLAUSES = 12

_CLAUSE = re.compile(
    r"[.?!;,\n¿¡]+|\s(?:y|and|e|pero|but|mas|tambi[eé]n|also|adem[aá]s|plus|n|&|tb|tmb|al[eé]m|igual)\s",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wish:
    """One thing the guest wants; `clause` is the part of the message that says it, counted from 0."""

    intent: str
    chance: float
    clause: int


@dataclass(frozen=True)
class Weighed:
    """What the model makes of a message: wishes in the order to act on, and the chance that it is for us at all."""

    wishes: tuple[Wish, ...]
    in_scope: float
    familiar: float  # the share of its words that occur in what guests of a hotel say


@dataclass(frozen=True)
class Heads:
    """`wishes` says which intents a message carries, `first` which to act on, `scope` whether it is for a hotel."""

    wishes: Head
    first: Head
    scope: Head


@dataclass(frozen=True)
class Model:
    """The mean of two opinions: of heads that know the meaning of a message and of heads that know its words alone.

    Slips of the thumb mislead the first more, new wordings the second; together they are right more often than
    either (measured: docs/nlu.md). Without the encoder `by_meaning` is None.
    """

    data: str
    vocabulary: Vocabulary
    by_words: Heads
    by_meaning: Heads | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.by_words.wishes.labels

    def weigh(self, text: str, language: str) -> Weighed:
        said = signs_of(text, language)
        signs, values = self.vocabulary.read(said)
        meaning = self.meaning_of(text, language)
        told = [
            (
                heads.wishes.scores(signs, values, meaning),
                heads.first.scores(signs, values, meaning),
                heads.scope.scores(signs, values, meaning),
            )
            for heads in (self.by_words, self.by_meaning)
            if heads is not None
        ]
        wishes, first, scope = (np.mean(scores, axis=0) for scores in zip(*told, strict=True))
        chances = shares(wishes)
        return Weighed(
            self._in_order(text, language, chances, first), self._in_scope(scope, chances), self._familiar(said["w"])
        )

    def meaning_of(self, text: str, language: str) -> Floats | None:
        return encoder.vector_of(plain_of(text, language)) if self.by_meaning else None

    def _familiar(self, words: Sequence[str]) -> float:
        single = [self.vocabulary.columns.get(word) for word in words if " " not in word]
        return sum(column is not None and bool(self.vocabulary.ours[column]) for column in single) / max(1, len(single))

    def _in_scope(self, scope: Floats, chances: Floats) -> float:
        """The head's odds, and half the odds of the loudest wish: a clear wish is for us even in words never heard."""
        wishes = [chance for label, chance in zip(self.labels, chances, strict=True) if label != OUT_OF_SCOPE]
        loudest = np.clip(max(wishes), 0.01, 0.99)
        return float(shares(scope + _WISH_SPEAKS * np.log(loudest / (1 - loudest)))[0])

    def _in_order(self, text: str, language: str, chances: Floats, first: Floats) -> tuple[Wish, ...]:
        likely = [int(label) for label in np.argsort(-chances) if chances[label] >= _FAINT]
        likely = likely or [int(np.argmax(first))]
        clauses = self._clauses(text, language, likely)
        order = {label: min(float(first[label]), _SURE_FIRST) - _LATER * clauses[label] for label in likely}
        leading = [label for label in likely if chances[label] >= _CANDIDATE]
        leading.sort(key=lambda label: -order[label])
        rest = [label for label in likely if label not in leading]
        return tuple(Wish(self.labels[label], float(chances[label]), clauses[label]) for label in (*leading, *rest))

    def _clauses(self, text: str, language: str, labels: Sequence[int]) -> dict[int, int]:
        """In which clause each label is said loudest."""
        parts = [part for part in _CLAUSE.split(text) if part and len(part.strip()) > 1][:_MOST_CLAUSES]
        if len(labels) < 2 or len(parts) < 2:
            return dict.fromkeys(labels, 0)
        heard: NDArray[np.float32] = np.stack([self._said(part, language) for part in parts])
        return {label: int(np.argmax(heard[:, label])) for label in labels}

    def _said(self, clause: str, language: str) -> Floats:
        return self.by_words.wishes.scores(*self.vocabulary.read(signs_of(clause, language)), None)

    def why(self, text: str, language: str, intent: str, most: int = 6) -> tuple[tuple[str, float], ...]:
        """What speaks loudest for an intent, strongest first: words, letters, phrases of the lexicons, the meaning.

        Pairs of (what, log-odds); a phrase is told by its meaning in brackets.
        """
        read = signs_of(text, language)
        places, values = self.vocabulary.read(read)
        heads = self.by_meaning or self.by_words
        reasons = heads.wishes.shares_of(intent, places, values, self.meaning_of(text, language))
        known = [sign for view in VIEWS for sign in read[view] if sign in self.vocabulary.columns]
        told = [(_spelt(sign), float(part)) for sign, part in zip(known, reasons.signs, strict=True)]
        told.append(("the meaning of the whole", reasons.meaning))
        loud = sorted((one for one in told if one[1] > 0.05), key=lambda one: -one[1])
        return tuple((what, round(part, 2)) for what, part in loud[:most])


def _spelt(sign: str) -> str:
    view, what = sign[0], sign[1:]
    return f"[{what}]" if view == "m" else f"'{what}'" if view == "w" else f"…{what}…"


@lru_cache(maxsize=256)
def weigh(text: str, language: str) -> Weighed:
    """What this process's model makes of a message."""
    return model().weigh(text, language)


@cache
def model() -> Model:
    """The model of this process: with the encoder where its package is installed, else by words alone."""
    return load(with_meaning=encoder.available())


def load(*, with_meaning: bool, file: Path = FILE) -> Model:
    with np.load(file, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    signs = unpacked(arrays["signs"])
    columns = {sign: column for column, sign in enumerate(signs)}
    vocabulary = Vocabulary(columns, arrays["rarity"].astype(np.float32), arrays["ours"])
    by_meaning = _heads("full", arrays) if with_meaning else None
    return Model(unpacked(arrays["data"])[0], vocabulary, _heads("plain", arrays), by_meaning)


def _heads(kind: str, arrays: Arrays) -> Heads:
    return Heads(*(Head.from_arrays(f"{kind}.{part}", arrays) for part in ("wishes", "first", "scope")))
