"""Messages that nobody asked for, on their way: overtaken by events they are withdrawn, lost ones trouble nobody.

Their rows carry {"proactive": {"kind", "reservation", "send_by"}} in `payload`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text, update

from hotel_agent import metrics
from hotel_agent.conversations.models import Conversation, Message, ProactiveMessage
from hotel_agent.db import db, utcnow
from hotel_agent.guests.consent import take_back
from hotel_agent.logs import get_logger

# Meta: this person has stopped the marketing messages of this business.
STOPPED_BY_GUEST = 131050

STILL_WANTED = text("""
    select r.status not in ('cancelled', 'no_show') and g.opted_out_at is null
    from reservations r, guests g
    where r.id = :reservation and g.id = :guest
""")

log = get_logger(__name__)


def mark(message: Message, kind: str, reservation_id: int, send_by: datetime) -> None:
    """Let the row tell what it is about, and until when it may be sent. Before it is written."""
    about = {"kind": kind, "reservation": reservation_id, "send_by": send_by.isoformat()}
    message.payload = message.payload | {"proactive": about}


def about(message: Message) -> dict[str, Any] | None:
    """What a message of the hotel's own account is about; None for any other."""
    told = message.payload.get("proactive")
    return told if isinstance(told, dict) and message.direction == "out" else None


def is_overtaken(conversation: Conversation, message: Message) -> bool:
    """Whether it should not be sent any more: a colleague has taken over, or it is too late, or not wanted."""
    told = about(message)
    if told is None or message.author != "automatic":
        return False  # A colleague who sends it once more knows why.
    if conversation.owner == "staff" or conversation.waiting_reasons or utcnow() > _send_by(told):
        return True
    wanted = {"reservation": told["reservation"], "guest": conversation.guest_id}
    return not db.session.scalar(STILL_WANTED, wanted)


def _send_by(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["send_by"])


def withdraw(message: Message) -> None:
    """It is not sent, now or ever. In the caller's transaction."""
    message.status = "cancelled"
    _came_to(message, "withdrawn")


def is_lost(conversation: Conversation, message: Message, code: int | None) -> bool:
    """Note that a message failed for good; True for one of the hotel's own account, for which nobody waits.

    Whoever has stopped such messages at WhatsApp is not written to again. In the caller's transaction.
    """
    if code == STOPPED_BY_GUEST:
        take_back(conversation.guest_id, utcnow())
    if about(message) is None or message.author != "automatic":
        return False
    log.warning("proactive_message_lost", conversation=conversation.id, message=message.id, code=code)
    _came_to(message, "failed")
    return True


def _came_to(message: Message, outcome: str) -> None:
    told = about(message) or {}
    db.session.execute(
        update(ProactiveMessage)
        .where(ProactiveMessage.reservation_id == told["reservation"], ProactiveMessage.kind == told["kind"])
        .values(outcome=outcome)
    )
    metrics.proactive_messages.labels(told["kind"], outcome).inc()
