"""Reads the word lists of `lexicon/`, once per process."""

from __future__ import annotations

import re
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


@cache
def any_of(table: str, *names: str) -> str:
    """The words of some tables of the grammar as one regular expression, the longest first.

    In the tables "_" stands for a space and "*" for the rest of a word: `limpi*` is limpia, limpiar, limpieza.
    """
    tables = lexicon("grammar")[table]
    words = " ".join(tables[name] for name in names).split()
    spelt = (re.escape(word).replace("_", " ").replace(r"\*", r"\w*") for word in sorted(words, key=len, reverse=True))
    return f"(?:{'|'.join(spelt)})"
