"""What the assistant does not do, and what it did not understand: one clear question, then a person."""

from __future__ import annotations

from hotel_agent.conversations.listening import SURE
from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk, waiting: list[Part]) -> list[Part]:
    """`waiting` is the question that the guest has not answered yet; it is asked again.

    A second failure in a row goes to a person. A clear wish for what the assistant does not do is no failure.
    """
    whole = talk.said.whole
    if whole.intent == "out_of_scope" and whole.confidence >= SURE:
        return _with_a_way_on(talk, "out_of_scope.refuse", waiting)
    if fails_again(talk):
        return give_up(talk)
    return _with_a_way_on(talk, "out_of_scope.clarify_again" if waiting else "out_of_scope.clarify", waiting)


def fails_again(talk: Talk) -> bool:
    """Count one more message that was not understood; whether it is the second in a row."""
    talk.state.failures += 1
    return talk.state.failures > 1


def give_up(talk: Talk) -> list[Part]:
    talk.state.failures = 0
    talk.hand_over("unsure")
    return [talk.part("out_of_scope.give_up")]


def _with_a_way_on(talk: Talk, block: str, waiting: list[Part]) -> list[Part]:
    if waiting:
        return [talk.part(block), *waiting]
    return [Part(talk.say(block), buttons=talk.menu(), asks=True)]
