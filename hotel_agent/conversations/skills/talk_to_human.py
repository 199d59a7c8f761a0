"""A person, whenever the guest wants one; and when they will read it, if nobody is there now."""

from __future__ import annotations

import re
from datetime import time

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

# Who asks whether they talk to a machine is told so.
_WHAT_ARE_YOU = re.compile(
    r"\b(?:robot|robo|bot|chatbot|maquina|machine|humano|human being|real person|persona real|ia|ai)\b"
)


def answer(talk: Talk) -> list[Part]:
    talk.hand_over("human")
    if _WHAT_ARE_YOU.search(fold(talk.said.words)) and not talk.turn.first_contact:
        return [talk.part("talk_to_human.machine", hotel=talk.hotel.name), *_passing(talk)]
    return _passing(talk)


def _passing(talk: Talk) -> list[Part]:
    return [talk.part("talk_to_human.already" if talk.turn.already_waiting else "talk_to_human.passing")]


def when_they_answer(talk: Talk) -> Part | None:
    """Told with every hand-over while the front desk is closed."""
    opens, closes = talk.hotel.front_desk_opens, talk.hotel.front_desk_closes
    if opens is None or closes is None or _is_open(talk.local(talk.turn.now).time(), opens, closes):
        return None
    return talk.part("talk_to_human.opens", opens=opens)


def _is_open(now: time, opens: time, closes: time) -> bool:
    if opens == closes:
        return True
    return opens <= now < closes if opens < closes else now >= opens or now < closes
