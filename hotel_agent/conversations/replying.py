"""The answer to one message of the API, told whole to the caller instead of sent to a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import select

from hotel_agent import nlu
from hotel_agent.channels.whatsapp.limits import OutButtons, OutImage, OutList, OutMessage
from hotel_agent.channels.whatsapp.outgoing import from_json, kind_of, words_of
from hotel_agent.conversations.answering import Given, answer_once
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import db, one_at_a_time
from hotel_agent.hotels.models import Hotel
from hotel_agent.nlu import Understanding

WAIT_SECONDS = 4.0


def answer_message(message_id: int, today: date | None = None, language: str | None = None) -> dict[str, Any] | None:
    """Answer one message and tell the whole of it, JSON-ready; as it is written where it has been answered before.

    None when another message of the same sender took too long.
    """
    message = db.session.scalars(select(Message).where(Message.id == message_id)).one()
    conversation_id, said = message.conversation_id, message.body
    db.session.rollback()
    with one_at_a_time("conversation", conversation_id, WAIT_SECONDS) as mine:
        if not mine:
            return None
        given = answer_once(conversation_id, only=message_id, today=today, language=language)
    told = _told(conversation_id, given, said, today)
    return told if given else told | {"replies": [_reply(bubble) for bubble in _written(conversation_id, message_id)]}


def _written(conversation_id: int, message_id: int) -> Iterator[OutMessage]:
    """Who asks has not heard it yet, when the job that gave the answer had to run again."""
    rows = db.session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.answers_to == message_id)
        .where(Message.author == "agent")
        .order_by(Message.id)
    )
    for row in rows:
        yield from_json(row.payload["outgoing"])


def _told(conversation_id: int, given: Given | None, said: str, today: date | None) -> dict[str, Any]:
    conversation = db.session.get_one(Conversation, conversation_id, populate_existing=True)
    hotel = db.session.get_one(Hotel, conversation.hotel_id)
    answer = given.answer if given else None
    understanding = answer.understanding if answer else None
    if understanding is None:
        hints = nlu.Hints(language=conversation.language or hotel.language, country=hotel.country)
        understanding = nlu.understand(said, today or hotel.today(), hints)
    return {
        "replies": [_reply(bubble) for bubble in (answer.bubbles if answer else ())],
        **_understood(understanding),
        "language": answer.language if answer else understanding.language,
        "session_id": str(conversation.session_id) if conversation.session_id else None,
        "owner": conversation.owner,
        "handed_over": bool(answer and answer.handover) or conversation.owner == "staff",
    }


def _understood(understanding: Understanding) -> dict[str, Any]:
    return {
        "intent": understanding.intent,
        "intents": [
            {"intent": scored.intent, "confidence": round(scored.confidence, 3)} for scored in understanding.intents
        ],
        "confidence": round(understanding.confidence, 3),
        "entities": dict(understanding.entities),
        "ambiguous": list(understanding.ambiguous),
    }


def _reply(bubble: OutMessage) -> dict[str, Any]:
    reply: dict[str, Any] = {"type": kind_of(bubble), "text": _all_words(bubble)}
    if isinstance(bubble, OutButtons):
        reply["buttons"] = [{"id": button.id, "title": button.title} for button in bubble.buttons]
    if isinstance(bubble, OutList):
        reply["rows"] = [{"id": row.id, "title": row.title, "description": row.description} for row in bubble.rows]
    if isinstance(bubble, OutImage):
        reply["link"] = bubble.link
    return reply


def _all_words(bubble: OutMessage) -> str:
    """What the guest reads, the rows of a list included: prices stand there."""
    rows = bubble.rows if isinstance(bubble, OutList) else ()
    lines = [" · ".join(filter(None, (row.title, row.description))) for row in rows]
    return "\n".join([words_of(bubble), *(f"• {line}" for line in lines)])
