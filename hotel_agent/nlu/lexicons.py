"""Reads the word lists of `lexicon/`, once per process."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("es", "en", "pt")
_FOLDER = Path(__file__).parent / "lexicon"


@cache
def lexicon(name: str) -> dict[str, Any]:
    """The parsed content of `lexicon/<name>.toml`."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def alternatives(words: str) -> tuple[str, ...]:
    """Splits a space-separated list of words, as the lexicons write them."""
    return tuple(words.split())
