"""What to see or where to eat: the hotel's own tips, if they speak of what was asked, else a colleague's."""

from __future__ import annotations

from hotel_agent.conversations.skills import knowledge
from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    return knowledge.own_answer(talk, "ask_recommendation") or knowledge.answer(talk, "ask_recommendation")
