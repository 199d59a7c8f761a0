"""A card number in the chat: it is not kept, and guests are told where they pay."""

from __future__ import annotations

from hotel_agent.channels.whatsapp.cards import MASKED
from hotel_agent.conversations.skills import knowledge
from hotel_agent.conversations.talk import Part, Talk


def is_there(talk: Talk) -> bool:
    """Whether a card number was sent: what is left of it are its last digits."""
    return bool(MASKED.search(talk.said.words))


def answer(talk: Talk) -> list[Part]:
    payment = knowledge.known(talk, "ask_payment")
    return [talk.part("trouble.card"), *([payment] if payment else [])]
