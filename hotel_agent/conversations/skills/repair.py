"""Something that does not work: an apology, once, and colleagues are told."""

from __future__ import annotations

from hotel_agent.conversations.skills import passing_on
from hotel_agent.conversations.talk import Part, Talk


def answer(talk: Talk) -> list[Part]:
    passed = passing_on.pass_on(talk, "repair")
    # Who complains too has been told how sorry we are by the answer to the complaint.
    complains = talk.said.means("complaint")
    told = passing_on.told(talk, passed, sorry=not complains, also=complains or passed.also)
    return [told, *([] if complains else passing_on.ask_room(talk, passed))]
