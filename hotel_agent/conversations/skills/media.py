"""What the agent cannot open: acknowledged once, then with a person."""

from __future__ import annotations

from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    talk.hand_over("media")
    if talk.turn.already_waiting == "media":
        return []  # It has been acknowledged; a person will look at this one too.
    return [talk.part("media.received")]
