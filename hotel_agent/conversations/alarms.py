"""Alarms where the agent is silent: whoever has the conversation may be asleep, and a fire is one for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hotel_agent.conversations import waiting
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.conversations.skills import false_alarm, grave
from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.nlu import Hints


def raise_alarms(conversation: Conversation, messages: Iterable[Message], since: datetime) -> None:
    """Put before the staff whatever of these words cannot wait, and nothing that was called off."""
    hotel = db.session.get_one(Hotel, conversation.hotel_id)
    hints, today = Hints(conversation.language, alarms=hotel.emergency_words), hotel.today()
    for message in messages:
        words = message.body or ""
        if false_alarm.is_called_off(words, hints, today):
            continue
        for alarm, urgent in grave.alarms_in(words, hints, today):
            waiting.hand_over(conversation, alarm, since, urgent=urgent)
