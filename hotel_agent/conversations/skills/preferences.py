"""How a guest likes their stay: kept with the guest, shown to staff, and promised to nobody."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_SAID: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_PATTERNS = {code: re.compile(rf"\b(?:{'|'.join(said)})\b") for code, said in _SAID.items()}
# "¿Hay habitaciones tranquilas?" asks; "si puede ser" and who they are tells.
_ASKS_ONLY = re.compile(r"\b(?:hay|tienen|teneis|tenes|tienes|tem|ha|do you have|are there|is there|existe)\b")
_LIKES = re.compile(
    r"\b(?:prefier\w+|preferi\w+|prefiro|(?:me|nos) gustaria|gostaria\w*|quisiera\w*|si (?:puede ser|es posible)|please"
    r"|a ser posible|se possivel|se puder|de preferencia|preferably|if possible|i'?d (?:like|prefer|love)|ojala"
    r"|we'?d (?:like|prefer|love)|would (?:like|prefer|love)|(?:i|we) prefer|por favor|soy|somos|sou|i am|i'?m|we are"
    r"|we'?re|i have|tengo|tenho)\b"
)


def answer(talk: Talk) -> list[Part]:
    """Keep what is new, and say so; it is a wish, not a promise."""
    known = list(talk.guest.preferences or ())
    new = [code for code in _heard(talk) if code not in known]
    if not new:
        return []
    talk.guest.preferences = [*known, *new]
    return [talk.part("preferences.noted", wishes=[talk.say(f"preferences.{code}") for code in new])]


def _heard(talk: Talk) -> list[str]:
    words = fold(talk.said.words)
    if not _LIKES.search(words) or (_ASKS_ONLY.search(words) and "?" in talk.said.words):
        return []
    return [code for code, pattern in _PATTERNS.items() if pattern.search(words)]
