"""Towels, pillows, cleaning: passed on to colleagues, who bring or do it."""

from __future__ import annotations

from hotel_agent.conversations.skills import passing_on
from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    passed = passing_on.pass_on(talk, "housekeeping")
    return [passing_on.told(talk, passed), *passing_on.ask_room(talk, passed)]
