"""What the agent would say to a question, and why; nothing is written, sent, held or booked.

The question is answered as the first message of a guest of whom nothing is known. Whatever reserves or changes
something asks first, and there is no second message here.
"""

from __future__ import annotations

from typing import Any

from hotel_agent.channels.whatsapp.limits import OutButtons, OutList
from hotel_agent.channels.whatsapp.outgoing import words_of
from hotel_agent.conversations.dialogue import Answer, Heard, Question, Turn
from hotel_agent.conversations.reply import reply_to
from hotel_agent.db import db, utcnow
from hotel_agent.guests.models import Guest
from hotel_agent.hotels import telling
from hotel_agent.hotels.models import Hotel
from hotel_agent.nlu import Hints
from hotel_agent.nlu.explaining import explain
from hotel_agent.reservations.quoting import room_kinds

NOBODY = 0
MOST_REASONS = 6


def try_question(hotel: Hotel, text: str, language: str | None) -> dict[str, Any]:
    """As JSON: what was understood, what would be said, and from which of the hotel's texts (`from`, topics).

    `intents` are [{intent, confidence, why: […]}], `replies` [{text, choices}]; `language` is the guest's, where known.
    """
    try:
        answer = reply_to(_turn(hotel, text, language))
        return _shown(hotel, text, answer)
    finally:
        db.session.rollback()


def _turn(hotel: Hotel, text: str, language: str | None) -> Turn:
    guest = Guest(id=NOBODY, hotel_id=hotel.id, language=language, vip=False, usual_party={}, preferences=[])
    return Turn(
        hotel=hotel,
        guest=guest,
        language=language,
        heard=(Heard(0, "text", text, None, "answerable"),),
        today=hotel.today(),
        now=utcnow(),
        state={},
        first_contact=False,
        already_waiting=None,
        request_key=f"trying:{hotel.id}",
        earlier={},
        channel="api",
        review_asked=None,
    )


def _shown(hotel: Hotel, text: str, answer: Answer) -> dict[str, Any]:
    replies = [_bubble(bubble) for bubble in answer.bubbles]
    return {
        "language": answer.language,
        "intents": _intents(hotel, text, answer),
        "replies": replies,
        "from": _topics_told(hotel, " ".join(str(reply["text"]) for reply in replies)),
        "asked_of_staff": any(isinstance(filing, Question) for filing in answer.filed),
        "handed_over": answer.handover.reason if answer.handover else None,
    }


def _bubble(bubble: Any) -> dict[str, Any]:
    choices = [button.title for button in bubble.buttons] if isinstance(bubble, OutButtons) else []
    choices += [row.title for row in bubble.rows] if isinstance(bubble, OutList) else []
    return {"text": words_of(bubble), "choices": choices}


def _intents(hotel: Hotel, text: str, answer: Answer) -> list[dict[str, Any]]:
    understood = answer.understanding
    if understood is None:
        return []
    words = {kind.code: kind.words for kind in room_kinds(hotel)}
    hints = Hints(answer.language, hotel.country, words, alarms=hotel.emergency_words)
    reasons = explain(text, hotel.today(), hints, understood)["intents"]
    return [
        {
            "intent": one.intent,
            "confidence": round(one.confidence, 2),
            "why": list(reasons.get(one.intent, ()))[:MOST_REASONS],
        }
        for one in understood.intents
    ]


def _topics_told(hotel: Hotel, said: str) -> list[str]:
    """By the words themselves: a text that is told is told whole."""
    return sorted({row.topic for row in telling.texts(hotel.id) if row.text.strip() in said})
