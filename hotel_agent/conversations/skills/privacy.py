"""Who stays here, and in which room, is told to nobody; a message for them can be left with reception."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def _any(spelt: list[str]) -> re.Pattern[str]:
    joined = "|".join(spelt)
    for name in ("person", "title", "room"):
        joined = joined.replace(f"<{name}>", _WORDS[name])
    return re.compile(joined)


_SURELY, _PERHAPS, _NAMED = (_any(_WORDS[name]) for name in ("surely", "perhaps", "named"))
_OWN, _HARMLESS = re.compile(_WORDS["own"]), re.compile(_WORDS["harmless"])


def asked(talk: Talk) -> bool:
    """Whether the guest wants to know about another guest: no wish of the vocabulary, but a thing to refuse."""
    return is_about_another(talk.said.words) and not talk.said.entities.get("booking_code")


def is_about_another(said: str) -> bool:
    words = fold(said)
    if _HARMLESS.search(words):
        return False
    if _SURELY.search(words):
        return True
    return bool(_PERHAPS.search(words) or _NAMED.search(said)) and not _OWN.search(words)


def answer(talk: Talk) -> list[Part]:
    talk.state.expected = "message"
    return [Part(talk.say("privacy.refuse"), buttons=(talk.button("ask:human", "human"),), asks=True)]


def is_message(talk: Talk) -> bool:
    """Whether this is what the guest wants to be passed on: words, not a question or politeness."""
    polite = talk.said.means("affirm", "deny", "thank", "greet", "goodbye")
    return talk.state.expected == "message" and not polite and "?" not in talk.said.words


def take_message(talk: Talk) -> list[Part]:
    """What the guest wrote after the refusal goes to reception."""
    talk.state.expected = None
    talk.hand_over("human")
    return [talk.part("privacy.passed_on")]
