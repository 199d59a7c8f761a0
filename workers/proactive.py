"""The job that writes to guests on the hotel's own account."""

from __future__ import annotations

from hotel_agent.conversations import proactive
from workers import nudges


def send_due() -> None:
    for conversation_id in proactive.send_due():
        nudges.send_in_turn(conversation_id)
