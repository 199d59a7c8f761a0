"""A message that comes by the API instead of WhatsApp: written down as any other, for a worker to answer."""

from __future__ import annotations

from sqlalchemy import select, update

from hotel_agent.channels.whatsapp.cards import mask_cards
from hotel_agent.conversations import waiting
from hotel_agent.conversations.joining import conversation_of
from hotel_agent.conversations.models import Message
from hotel_agent.db import db, nobody_has, utcnow
from hotel_agent.guests.knowing import Identity, who_writes
from hotel_agent.hotels.models import Hotel


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
    waiting.guest_writes(conversation, now)
    conversation.show(message)
    db.session.add(message)
    db.session.commit()
    return message.id


def withdraw(message_id: int) -> None:
    """Nobody waits for the answer any more: leave the message unanswered, unless it is being answered."""
    pending = (Message.id == message_id) & (Message.handling == "pending")
    conversation_id = db.session.scalar(select(Message.conversation_id).where(pending))
    if conversation_id and nobody_has("conversation", conversation_id):
        db.session.execute(update(Message).where(pending).values(handling="none"))
    db.session.commit()
