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


# Nobody has been asked for yet by who only wants to know.
_WANTS_ONE = re.compile(
    r"\b(?:quier\w+|habl\w+|pas[ae]\w*|comunic\w+|necesit\w+|want|speak|talk|need|connect|get me|quero"
    r"|falar|preciso|passa\w*)\b"
)


def answer(talk: Talk) -> list[Part]:
    words = fold(talk.said.words)
    if _WHAT_ARE_YOU.search(words) and "?" in talk.said.words and not _WANTS_ONE.search(words):
        return [_what_i_am(talk)]
    talk.hand_over("human")
    if _WHAT_ARE_YOU.search(fold(talk.said.words)) and not talk.turn.first_contact:
        return [talk.part("talk_to_human.machine", hotel=talk.hotel.name), *_passing(talk)]
    return _passing(talk)


def complains_on(talk: Talk) -> list[Part]:
    """What an unhappy guest goes on to ask for is for the person who has been told."""
    if talk.turn.already_waiting != "complaint" or "?" in talk.said.words:
        return []
    talk.hand_over("complaint")
    return [talk.part("talk_to_human.already")]


def _what_i_am(talk: Talk) -> Part:
    """The truth, and a person for the asking."""
    told = "" if talk.turn.first_contact else talk.say("talk_to_human.machine", hotel=talk.hotel.name)
    offer = talk.say("talk_to_human.offer")
    return Part(f"{told} {offer}".strip(), buttons=(talk.button("ask:human", "human"),), asks=True)


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
