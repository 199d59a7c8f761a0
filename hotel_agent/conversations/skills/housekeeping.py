"""Towels, pillows, cleaning: passed on to colleagues, who bring or do it."""

from __future__ import annotations

from hotel_agent.conversations.skills import passing_on
from hotel_agent.conversations.skills.things import only_refused
from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    # "Que no limpien hoy": colleagues read what is not wanted, and the guest is not told the opposite.
    refused = only_refused("housekeeping", talk.said.words, talk.heard_in)
    passed = passing_on.pass_on(talk, "housekeeping", () if refused else None)
    return [passing_on.told(talk, passed), *passing_on.ask_room(talk, passed)]
