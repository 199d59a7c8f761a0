"""A hotel's own words for an emergency: heard as whole words, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hotel_agent.nlu.text import fold

_WORD = re.compile(r"[^\W_]+")


def is_told(text: str, alarms: Iterable[str]) -> bool:
    """Whether one of these words or phrases is in the text, whatever its accents, capitals and punctuation."""
    named = [words for words in map(_plain, alarms) if words.strip()]
    line = _plain(text) if named else ""
    return any(words in line for words in named)


def _plain(text: str) -> str:
    """Every word between two spaces."""
    return f" {' '.join(_WORD.findall(fold(text)))} "
