"""One message through the same path as WhatsApp's, answered to the caller of the API instead of on a phone."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select, update

from hotel_agent import nlu
from hotel_agent.channels.whatsapp.cards import mask_cards
from hotel_agent.channels.whatsapp.limits import OutButtons, OutList, OutMessage
from hotel_agent.channels.whatsapp.outgoing import kind_of, words_of
from hotel_agent.conversations.answering import Given, answer_once
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.conversations.taking_in import conversation_of
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.guests.knowing import Identity, who_writes
from hotel_agent.hotels.models import Hotel
from hotel_agent.nlu import Understanding

WAIT_SECONDS = 4.0


def ask(hotel: Hotel, sender_id: str, text: str, reply_id: str | None) -> int:
    """Write the message down as the sender's; answers its id. The sender is never joined to a WhatsApp guest."""
    guest, _ = who_writes(hotel.id, [Identity("api", sender_id, sender_id)])
    conversation = conversation_of(hotel.id, guest.id, "api", None)
    now = utcnow()
    message = Message(
        hotel_id=hotel.id,
        conversation_id=conversation.id,
        created_at=now,
        direction="in",
        author="guest",
        type="interactive" if reply_id else "text",
        body=mask_cards(text),
        payload={"kind": "answerable"} | ({"reply_id": reply_id} if reply_id else {}),
        status="received",
        received_at=now,
        sent_at=now,
        handling="pending",
    )
    conversation.last_inbound_at = now
    db.session.add(message)
    db.session.commit()
    return message.id


def withdraw(message_id: int) -> None:
    """Nobody waits for the answer any more: leave the message unanswered unless that has begun."""
    db.session.execute(
        update(Message).where(Message.id == message_id, Message.handling == "pending").values(handling="none")
    )
    db.session.commit()


def answer_message(message_id: int, today: date | None = None, language: str | None = None) -> dict[str, Any] | None:
    """Answer one message and tell the whole of it, JSON-ready; None when it was withdrawn or answered before."""
    message = db.session.scalars(select(Message).where(Message.id == message_id)).one()
    conversation_id, said = message.conversation_id, message.body
    db.session.rollback()
    with one_at_a_time("conversation", conversation_id, WAIT_SECONDS) as mine:
        if not mine:
            return None
        given = answer_once(conversation_id, only=message_id, today=today, language=language)
    return _told(conversation_id, given, said, today)


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
    reply: dict[str, Any] = {"type": kind_of(bubble), "text": words_of(bubble)}
    if isinstance(bubble, OutButtons):
        reply["buttons"] = [{"id": button.id, "title": button.title} for button in bubble.buttons]
    if isinstance(bubble, OutList):
        reply["rows"] = [
            {"id": row.id, "title": row.title, "description": row.description} for row in bubble.rows
        ]
    return reply
