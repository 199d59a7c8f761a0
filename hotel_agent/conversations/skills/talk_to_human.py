"""A person, whenever the guest wants one; and when they will read it, if nobody is there now."""

from __future__ import annotations

import re

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.evidence import record
from hotel_agent.hotels import opening
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
    """Told with every hand-over while the front desk is closed; what cannot wait has a number, if the hotel has one."""
    hotel, now = talk.hotel, talk.turn.now
    if opening.is_open(hotel, now):
        return None
    opens = record(opening.next_opening(hotel, now))
    days = (opens.date() - talk.local(now).date()).days if opens else None
    urgent = bool(talk.handover and talk.handover.urgent)
    phone = hotel.settings.get("night_phone") if urgent else None
    return talk.part("talk_to_human.opens", opens=opens, days=days, night_phone=phone, urgent=urgent)
