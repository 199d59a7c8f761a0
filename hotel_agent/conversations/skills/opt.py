"""No more messages on the hotel's own account, or messages again."""

from __future__ import annotations

from hotel_agent.conversations.talk import Part, Talk


def out(talk: Talk) -> list[Part]:
    talk.guest.opted_out_at = talk.guest.opted_out_at or talk.turn.now
    talk.guest.consented_at = None
    return [talk.part("opt.out")]


def back(talk: Talk) -> list[Part]:
    """Who asks for messages has agreed to them."""
    talk.guest.opted_out_at = None
    talk.guest.consented_at = talk.guest.consented_at or talk.turn.now
    return [talk.part("opt.back")]
