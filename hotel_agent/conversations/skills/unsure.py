"""Words that may mean one thing or another: the guest is asked which, once, and their answer is acted on."""

from __future__ import annotations

from dataclasses import replace

from hotel_agent.channels.whatsapp.limits import Choice
from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.listening import SURE, listen, listen_again
from hotel_agent.conversations.skills import out_of_scope
from hotel_agent.conversations.talk import Part, Talk

MOST_ASKED = 2
LONGEST_KEPT = 1000


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
    """The answer to the question, if this is one: from here on the talk is about the words that were not clear."""
    asked, talk.state.unsure = talk.state.unsure, {}
    meant = _meant(talk, asked)
    if asked and talk.state.expected == "yes_no":
        talk.state.expected = asked.get("before")
    if not asked or meant is None:
        return
    heard = Heard(0, "text", str(asked.get("words", "")), None, "answerable")
    words = {code: kind.words for code, kind in talk.kinds.items()}
    draft = talk.state.booking
    said = listen(replace(talk.turn, heard=(heard,)), talk.state.expected, draft, words, draft.around)
    talk.said = listen_again(said, meant)


def _meant(talk: Talk, asked: dict[str, object]) -> str | None:
    said, intents = talk.said, list(asked.get("intents") or ())  # type: ignore[call-overload]
    if said.tap and said.tap[0] == "meant":
        return said.tap[1] if said.tap[1] in intents else None
    if intents and said.acts == ("affirm",) and said.whole.confidence >= SURE:
        return str(intents[0]) if len(intents) == 1 else None
    return None


def is_declined(talk: Talk) -> bool:
    """Whether the guest says that it was none of these."""
    return talk.said.tap == ("meant", "none")


def declined(talk: Talk) -> list[Part]:
    if out_of_scope.fails_again(talk):
        return out_of_scope.give_up(talk)
    return [Part(talk.say("unsure.tell_me"), buttons=talk.menu(), asks=True)]
