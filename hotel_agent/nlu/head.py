"""The runtime of a trained model: tables of weights, looked up by the signs of a message. Needs numpy alone.

A head scores labels: one linear layer over the signs (words, letters, marks) and, where the encoder is at work, over
the meaning of the message. Weights rest in eight bits, each column with a scale of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotel_agent.nlu.features import VIEWS

Floats = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]

# How loudly each view speaks; the encoder's unit vector is weighed by MEANING. Chosen on the banking folds of NLU++
# and on our own sentences, see docs/nlu.md.
LOUDNESS = {"w": 1.0, "c": 1.0, "m": 0.3}
MEANING = 2.0


@dataclass(frozen=True)
class Vocabulary:
    """Which column of the tables belongs to a sign, how telling (rare) the sign is, and whether hotels hear it."""

    columns: Mapping[str, int]
    rarity: Floats
    ours: NDArray[np.bool_]

    def read(self, signs: Mapping[str, Sequence[str]]) -> tuple[NDArray[np.intp], Floats]:
        """The columns of a message's known signs and their values; words and letters each have length one."""
        places: list[int] = []
        values: list[Floats] = []
        for view in VIEWS:
            known = [self.columns[sign] for sign in signs[view] if sign in self.columns]
            if not known:
                continue
            strength = np.ones(len(known), np.float32) if view == "m" else self.rarity[known]
            length = 1.0 if view == "m" else float(np.sqrt(strength @ strength))
            places += known
            values.append(strength * np.float32(LOUDNESS[view] / length))
        return np.array(places, np.intp), np.concatenate(values) if values else np.zeros(0, np.float32)


@dataclass(frozen=True)
class Reasons:
    """Parts of a score, in log-odds: one for each sign that was read, and one for the meaning of the whole."""

    signs: Floats
    meaning: float


@dataclass(frozen=True)
class Head:
    """Scores of labels. `over_signs` has a row per sign and a column per label, in steps of `scale`."""

    labels: tuple[str, ...]
    over_signs: NDArray[np.int8]
    scale: Floats
    over_meaning: Floats | None
    bias: Floats
    slope: float = 1.0
    shift: float = 0.0

    def scores(self, places: NDArray[np.intp], values: Floats, meaning: Floats | None) -> Floats:
        """The log-odds of each label, calibrated: shape (len(labels),)."""
        raw = (values @ self.over_signs[places].astype(np.float32)) * self.scale + self.bias
        if self.over_meaning is not None and meaning is not None:
            raw = raw + (meaning * np.float32(MEANING)) @ self.over_meaning
        return np.asarray(raw * self.slope + self.shift, np.float32)

    def shares_of(self, label: str, places: NDArray[np.intp], values: Floats, meaning: Floats | None) -> Reasons:
        """What each sign, and the meaning, adds to the odds of one label."""
        column = self.labels.index(label)
        steps = self.over_signs[places, column].astype(np.float32) * self.scale[column]
        said = 0.0
        if self.over_meaning is not None and meaning is not None:
            said = float((meaning * np.float32(MEANING)) @ self.over_meaning[:, column])
        return Reasons(values * steps * np.float32(self.slope), said * self.slope)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What a file has to keep of this head, under names that begin with its own."""
        kept: dict[str, NDArray[Any]] = {
            "labels": packed(self.labels),
            "signs": self.over_signs,
            "scale": self.scale,
            "bias": self.bias,
            "calibration": np.array([self.slope, self.shift], np.float32),
        }
        if self.over_meaning is not None:
            kept["meaning"] = self.over_meaning.astype(np.float16)
        return {f"{name}.{part}": array for part, array in kept.items()}

    @classmethod
    def from_arrays(cls, name: str, kept: Arrays) -> Head:
        meaning = kept.get(f"{name}.meaning")
        slope, shift = kept[f"{name}.calibration"]
        return cls(
            unpacked(kept[f"{name}.labels"]),
            kept[f"{name}.signs"],
            kept[f"{name}.scale"],
            None if meaning is None else meaning.astype(np.float32),
            kept[f"{name}.bias"],
            float(slope),
            float(shift),
        )


def shares(scores: Floats) -> Floats:
    """Log-odds as probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -30, 30))), np.float32)


def packed(words: Sequence[str]) -> NDArray[np.uint8]:
    """Words as one array of bytes, so that a file of arrays needs no pickling."""
    return np.frombuffer("\n".join(words).encode(), np.uint8)


def unpacked(array: NDArray[Any]) -> tuple[str, ...]:
    return tuple(array.tobytes().decode().split("\n"))
