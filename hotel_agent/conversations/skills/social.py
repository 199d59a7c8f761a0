"""Hello, thanks and goodbye, when the guest says nothing else."""

from __future__ import annotations

import re

from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

# A guest who says what time of day it is where they are hears the same.
_TIMES = {
    "morning": re.compile(r"\bbuen(?:os)? dias?\b|\bgood morning\b|\bbom dia\b"),
    "afternoon": re.compile(r"\bbuenas tardes\b|\bgood afternoon\b|\bboa tarde\b"),
    "evening": re.compile(r"\bbuenas noches\b|\bgood (?:evening|night)\b|\bboa noite\b"),
}


_INTRODUCES = re.compile(
    r"\b(?:me llamo|soy|mi nombre es|my name is|i am|i'm|this is|me chamo|meu nome e|sou|aqui e)\b"
)


def learn_name(talk: Talk) -> None:
    """Of a guest whom nobody knows by name: what they say they are called."""
    name = talk.said.entities.get("name")
    if name and not talk.guest.name and " " in str(name) and _INTRODUCES.search(fold(talk.said.words)):
        talk.guest.name = str(name)


def greet(talk: Talk) -> list[Part]:
    if talk.turn.first_contact:
        return [Part(talk.say("greet.help"), buttons=talk.menu(), asks=True)]
    name = (talk.guest.name or "").split(" ", 1)[0]
    line = fold(talk.said.words)
    time = next((time for time, spelt in _TIMES.items() if spelt.search(line)), "")
    return [Part(talk.say("greet.hello", name=name, time=time), buttons=talk.menu(), asks=True)]


def disclose(talk: Talk) -> Part:
    """At first contact: that this is an assistant, and where the privacy notice is."""
    hotel = talk.hotel
    return talk.part("greet.disclose", hotel=hotel.name, privacy_url=hotel.settings.get("privacy_url"))


def thank(talk: Talk) -> list[Part]:
    return [talk.part("thank.welcome")]


def goodbye(talk: Talk) -> list[Part]:
    return [talk.part("goodbye.bye")]
