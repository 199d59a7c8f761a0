"""The guest's own data: to be seen, or to be deleted, by a person of the hotel. Nothing of it is done here."""

from __future__ import annotations

import re

from hotel_agent.conversations.skills import passing_on
from hotel_agent.conversations.talk import Part, Talk
from hotel_agent.nlu.text import fold

_DELETE = re.compile(
    r"\b(?:borr\w+|elimin\w+|suprim\w+|olvid\w+|delet\w+|eras\w+|remov\w+|forget\w*|apag\w+|exclu\w+|esque\w+)\b"
)


def answer(talk: Talk) -> list[Part]:
    passed = passing_on.pass_on(talk, "data_request")
    return [passing_on.told(talk, passed, delete=bool(_DELETE.search(fold(talk.said.words))))]
