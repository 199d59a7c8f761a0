"""Words that may mean one thing or another: the guest is asked which, once, and their answer is acted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hotel_agent.channels.whatsapp.limits import Choice
from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.listening import SURE, listen, listen_again
from hotel_agent.conversations.skills import out_of_scope
from hotel_agent.conversations.talk import Part, Talk

MOST_ASKED = 2
LONGEST_KEPT = 1000
# What else there is of words beside the labels of intents.
_NO_INTENTS = ("this", "which", "besides", "tell_me", "none")


def ask(talk: Talk) -> list[Part]:
    """What the guest may have meant, to choose from. The second failure in a row goes to a person."""
    if out_of_scope.fails_again(talk):
        return out_of_scope.give_up(talk)
    return [_question(talk, "unsure.which" if len(talk.said.unsure) > 1 else "unsure.this")]


def ask_besides(talk: Talk) -> list[Part]:
    """What else the message may want, beside what was served: named as open, and asked."""
    return [_question(talk, "unsure.besides")]


def _question(talk: Talk, block: str) -> Part:
    intents = list(talk.said.unsure[:MOST_ASKED])
    talk.state.unsure = {
        "words": talk.said.words[:LONGEST_KEPT],
        "intents": intents,
        "before": talk.state.expected,
    }
    talk.state.expected = "yes_no"
    likely = [Choice(f"meant:{intent}", label(talk, intent)) for intent in intents]
    return Part(talk.say(block), buttons=(*likely, Choice("meant:none", talk.say("unsure.none"))), asks=True)


def label(talk: Talk, intent: str) -> str:
    """What a guest would call the matter, short enough for a button."""
    return talk.say(f"unsure.{intent}")


def settle(talk: Talk) -> None:
    """The answer to the question, if this is one: from here on the talk is about the words that were not clear.

    A yes is one only right after the question; a tapped choice names what it stands for whenever it is tapped.
    """
    asked = dict(talk.state.unsure)
    now = bool(asked) and not asked.get("over")
    if now:
        talk.state.unsure = {**asked, "over": True}
        if talk.state.expected == "yes_no":
            talk.state.expected = asked.get("before")
    meant = _meant(talk, asked if now else {})
    if meant is None:
        return
    talk.state.unsure = {}
    is_of_these = meant in (asked.get("intents") or ())
    heard = Heard(0, "text", str(asked.get("words", "")) if is_of_these else label(talk, meant), None, "answerable")
    words = {code: kind.words for code, kind in talk.kinds.items()}
    draft = talk.state.booking
    turn = replace(talk.turn, heard=(heard,), language=talk.heard_in)
    talk.said = listen_again(listen(turn, talk.state.expected, draft, words, draft.around), meant)


def _meant(talk: Talk, asked: Mapping[str, Any]) -> str | None:
    said, intents = talk.said, list(asked.get("intents") or ())
    if said.tap and said.tap[0] == "meant":
        return said.tap[1] if _is_ours(talk, said.tap[1]) else None
    if intents and said.acts == ("affirm",) and said.whole.confidence >= SURE:
        return str(intents[0]) if len(intents) == 1 else None
    return None


def _is_ours(talk: Talk, intent: str) -> bool:
    """Whether a button of ours may stand for it: the id of a tap comes from outside."""
    try:
        return intent not in _NO_INTENTS and bool(label(talk, intent))
    except LookupError:
        return False


def is_declined(talk: Talk) -> bool:
    """Whether the guest says that it was none of these."""
    return talk.said.tap == ("meant", "none")


def declined(talk: Talk) -> list[Part]:
    if out_of_scope.fails_again(talk):
        return out_of_scope.give_up(talk)
    return [Part(talk.say("unsure.tell_me"), buttons=talk.menu(), asks=True)]
