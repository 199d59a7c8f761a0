"""An unhappy guest: one apology, a person at once, and no promises about what they will do."""

from __future__ import annotations

from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    talk.hand_over("complaint")
    return [talk.part("complaint.again" if talk.turn.already_waiting == "complaint" else "complaint.sorry")]
