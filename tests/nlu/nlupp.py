"""The published protocol of NLU++ and MULTI3NLU++: the engine's kind of model, trained on folds of their sentences.

Folds are read from `<folder>/<language>/<domain>/fold<N>.json`, as PolyAI publishes them (arXiv 2204.13021,
2212.10455).
A model learns from some folds and is judged on the others by micro-F1 over all intents:
low, one fold learnt; mid, two; large, all but two. The threshold comes from cross-validation inside the learnt part.

What is trained here is what the product trains (same signs, same encoder, same logistic layer), with the shipped
model's own scores of a sentence as further signs: it was never shown a sentence of these sets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from hotel_agent.nlu.head import Floats, Vocabulary, shares
from hotel_agent.nlu.model import model
from hotel_agent.nlu.text import fold as folded
from hotel_agent.nlu.training.fit import Labels, Texts, fit_weights, matrix, out_of_fold, vocabulary_of

# Some five hundred sentences instead of ten thousand: rarer signs are kept and weights are held back less.
FEWEST = {"w": 1, "c": 2, "m": 1}
STRICTNESS = 30.0
# How loudly the shipped model's scores speak, and how they are flattened.
TRANSFER, FLAT = 0.5, 4.0
FEWEST_FOLDS = 3
_THRESHOLDS = np.arange(0.06, 0.5, 0.02)
LANGUAGES = ("es", "en")


@dataclass(frozen=True)
class Annotated:
    """One sentence of a fold."""

    fold: int
    language: str
    text: str
    intents: frozenset[str]
    has_slots: bool


@dataclass(frozen=True)
class Result:
    """Micro-F1 over the runs of one regime, in per cent."""

    language: str
    regime: str
    kind: str
    runs: int
    mean: float
    spread: float


class NoFolds(ValueError):
    """The message says where folds were looked for."""


def read(folder: Path, language: str, domain: str) -> list[Annotated]:
    """The sentences of a domain in the order of their folds, each text once."""
    place = folder / language / domain
    files = {int(re.sub(r"\D", "", file.stem) or 0): file for file in place.glob("fold*.json")}
    if not files:
        raise NoFolds(f"no fold*.json in {place}")
    found: dict[str, Annotated] = {}
    for number, file in sorted(files.items()):
        for one in json.loads(file.read_text(encoding="utf-8")):
            sentence = Annotated(
                number, language, one["text"], frozenset(one.get("intents", ())), bool(one.get("slots"))
            )
            found.setdefault(folded(sentence.text), sentence)
    return list(found.values())


@dataclass(frozen=True)
class Prepared:
    """Sentences with what is the same in every run: signs, meanings, the shipped model's scores, the true labels."""

    sentences: tuple[Annotated, ...]
    texts: Texts
    shipped: Floats
    truth: Labels
    fold: NDArray[np.intp]

    @property
    def folds(self) -> list[int]:
        return sorted({int(number) for number in self.fold})


def prepare(sentences: Sequence[Annotated], labels: Sequence[str]) -> Prepared:
    texts = Texts.of([(one.text, one.language) for one in sentences])
    truth = np.array([[label in one.intents for label in labels] for one in sentences])
    return Prepared(tuple(sentences), texts, shipped_scores(texts), truth, np.array([one.fold for one in sentences]))


def shipped_scores(texts: Texts) -> Floats:
    """What the product's model says of each text, flattened to within one."""
    engine = model()
    heads = engine.by_meaning or engine.by_words
    meanings = texts.meanings if texts.meanings is not None else [None] * len(texts)
    scores = [
        heads.wishes.scores(*engine.vocabulary.read(signs), meaning)
        for signs, meaning in zip(texts.signs, meanings, strict=True)
    ]
    flattened: Floats = np.tanh(np.stack(scores) / np.float32(FLAT)) * np.float32(TRANSFER)
    return flattened


def regimes(folds: Sequence[int]) -> dict[str, list[set[int]]]:
    """Which folds each run of a regime learns from; the last of an odd number makes a run by itself."""
    if len(folds) < FEWEST_FOLDS:
        raise NoFolds(f"at least {FEWEST_FOLDS} folds are needed, there are {len(folds)}")
    pairs = [set(folds[place : place + 2]) for place in range(0, len(folds), 2)]
    return {
        "low": [{one} for one in folds],
        "mid": [pair for pair in pairs if len(pair) > 1],
        "large": [set(folds) - pair for pair in pairs],
    }


def evaluate(folder: Path, domain: str = "hotels", only: Sequence[str] = ("low", "mid", "large")) -> list[Result]:
    """Each language by itself; in the large regime also with the other language's same folds learnt beside it."""
    read_by = {language: read(folder, language, domain) for language in LANGUAGES if (folder / language).is_dir()}
    if not read_by:
        raise NoFolds(f"neither {' nor '.join(LANGUAGES)} in {folder}")
    labels = sorted({intent for sentences in read_by.values() for one in sentences for intent in one.intents})
    ready = {language: prepare(sentences, labels) for language, sentences in read_by.items()}
    results = []
    for language, own in ready.items():
        for regime, runs in regimes(own.folds).items():
            if regime not in only:
                continue
            results.append(_result(language, regime, "own", [_run(own, learnt, ()) for learnt in runs]))
            others = [other for name, other in ready.items() if name != language]
            if regime == "large" and others:
                results.append(_result(language, regime, "both", [_run(own, learnt, others) for learnt in runs]))
    return results


def _result(language: str, regime: str, kind: str, scores: Sequence[float]) -> Result:
    return Result(language, regime, kind, len(scores), 100 * float(np.mean(scores)), 100 * float(np.std(scores)))


def _run(own: Prepared, learnt: set[int], others: Sequence[Prepared]) -> float:
    here = np.isin(own.fold, list(learnt))
    parts = [(part, np.flatnonzero(np.isin(part.fold, list(learnt)))) for part in (own, *others)]
    texts = joined([part.texts.only(places) for part, places in parts])
    truth = np.concatenate([part.truth[places] for part, places in parts])
    vocabulary = vocabulary_of(texts, FEWEST)
    rows = rows_of(texts, vocabulary, np.concatenate([part.shipped[places] for part, places in parts]))
    threshold = _best_threshold(shares(out_of_fold(rows, truth, STRICTNESS)), truth)
    weights, bias = fit_weights(rows, truth, STRICTNESS)
    judged = np.flatnonzero(~here)
    unseen = rows_of(own.texts.only(judged), vocabulary, own.shipped[judged])
    return micro_f1(own.truth[judged], shares(unseen @ weights + bias) > threshold)


def rows_of(texts: Texts, vocabulary: Vocabulary, shipped: Floats) -> csr_matrix:
    """One row per text: its signs, its meaning, what the shipped model says of it."""
    return hstack([matrix(texts, vocabulary, with_meaning=texts.meanings is not None), csr_matrix(shipped)]).tocsr()


def joined(texts: Sequence[Texts]) -> Texts:
    meanings = [one.meanings for one in texts if one.meanings is not None]
    return Texts(tuple(signs for one in texts for signs in one.signs), np.concatenate(meanings) if meanings else None)


def _best_threshold(chances: Floats, truth: Labels) -> float:
    return float(max(_THRESHOLDS, key=lambda threshold: micro_f1(truth, chances > threshold)))


def micro_f1(truth: Labels, told: Labels) -> float:
    right = int((truth & told).sum())
    return 2 * right / max(1, int(truth.sum() + told.sum()))
