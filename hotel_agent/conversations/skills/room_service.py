"""Food and drink to the room: the order is passed on; whether it can be served a colleague says."""

from __future__ import annotations

from hotel_agent.conversations.skills import passing_on
from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    passed = passing_on.pass_on(talk, "room_service")
    return [passing_on.told(talk, passed), *passing_on.ask_room(talk, passed)]
