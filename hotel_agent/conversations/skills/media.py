"""What the agent cannot open: acknowledged once, then with a person."""

from __future__ import annotations

from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    talk.hand_over("media")
    return [talk.part("media.received")]
