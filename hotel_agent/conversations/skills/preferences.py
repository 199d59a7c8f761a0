"""How a guest likes their stay: kept with the guest, shown to staff, and promised to nobody."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from hotel_agent.conversations.skills.negation import is_refused
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

_REFUSES = re.compile(
    r"\b(?:no quier\w+|no queremos|(?:do not|don'?t|dont) want|nao quer\w+|que no sea\w*|que nao seja\w*|rather not"
    r"|not to|nada de|evit\w+|avoid|sin|sem|without|no|not|ya no|nao)\b"
)
# What nobody wants at once: with the one the other is forgotten.
_OPPOSITES = (
    {"high_floor", "low_floor"},
    {"high_floor", "no_high_floor"},
    {"low_floor", "no_low_floor"},
    {"double_bed", "twin_beds"},
    {"double_bed", "no_double_bed"},
    {"twin_beds", "no_twin_beds"},
)
# Of these it is worth knowing that they are not wanted; to be no vegan is nothing to note.
_NOT_WANTED = ("high_floor", "low_floor", "double_bed", "twin_beds")


def answer(talk: Talk) -> list[Part]:
    """Keep what is new, forget what is not so any more, and say so; it is a wish, not a promise."""
    known = list(talk.guest.preferences or ())
    wanted, refused = _heard(talk)
    wishes = [*wanted, *(f"no_{code}" for code in refused if code in _NOT_WANTED)]
    new = [code for code in wishes if code not in known]
    gone = [code for code in known if code in refused or any({code, one} in _OPPOSITES for one in new)]
    if not new and not gone:
        return []
    talk.guest.preferences = [*(code for code in known if code not in gone), *new]
    if new:
        return [talk.part("preferences.noted", wishes=[talk.say(f"preferences.{code}") for code in new])]
    return [talk.part("preferences.forgotten", wishes=[talk.say(f"preferences.{code}") for code in gone])]


def _heard(talk: Talk) -> tuple[list[str], list[str]]:
    """What the guest likes, and what not."""
    words = fold(talk.said.words)
    if _ASKS_ONLY.search(words) and "?" in talk.said.words:
        return [], []
    said = {code: list(pattern.finditer(words)) for code, pattern in _PATTERNS.items()}
    named = {code: found for code, found in said.items() if found}
    refused = [code for code, found in named.items() if all(is_refused(words, one, talk.heard_in) for one in found)]
    wanted = [code for code in named if code not in refused] if _LIKES.search(words) else []
    return wanted, [code for code in refused if _LIKES.search(words) or _REFUSES.search(words)]
