"""How far an outbound message got: statuses only move forward, and may come before we know the wamid."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from hotel_agent import live
from hotel_agent.conversations import unasked
from hotel_agent.conversations.models import Conversation, EarlyStatus, Message, MessageId
from hotel_agent.conversations.waiting import hand_over, lost_since, settle
from hotel_agent.db import db, lock_until_commit, locked

# Meta may report `delivered` after `failed` (a guest with several devices): so `failed` ranks below it.
RANK = {
    "queued": 0,
    "cancelled": 0,
    "sending": 1,
    "unknown": 1,
    "sent": 2,
    "failed": 3,
    "delivered": 4,
    "read": 5,
}
MEANS = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
# Somebody may have been told that these need looking at.
WORRYING = ("failed", "unknown")
KNOW_WAMID = text("""
    with known as (
        insert into message_ids (hotel_id, wamid, message_id, message_created_at)
        values (:hotel, :wamid, :message, :created) on conflict do nothing)
    delete from early_statuses where hotel_id = :hotel and wamid = :wamid
    returning status, error_code, error_text
""")
CALLBACK = re.compile(r"m([0-9]{1,18})\Z")


def callback_data(message_id: int) -> str:
    """What a send carries so that its statuses find the row even when the answer was lost."""
    return f"m{message_id}"


def hear(
    hotel_id: int,
    wamid: str,
    status: str,
    *,
    callback_data: str | None = None,
    code: int | None = None,
    error_text: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Move the message on, or remember the status until we know whose it is. In the caller's transaction."""
    meant = MEANS.get(status)
    if meant is None:
        return
    lock_until_commit([wamid_key(hotel_id, wamid)])
    if _moved_on(hotel_id, wamid, meant):
        return
    message = _message_of(hotel_id, wamid, callback_data)
    if message is None:
        _remember(hotel_id, wamid, meant, code, error_text, occurred_at)
    elif message.direction == "out":
        apply(message, meant, code, error_text)


def _moved_on(hotel_id: int, wamid: str, status: str) -> bool:
    """Deal with nearly all statuses: they move a message on that nobody worries about, or tell nothing new."""
    known = db.session.execute(
        select(Message.id, Message.created_at, Message.conversation_id, Message.direction, Message.status)
        .join(MessageId, (MessageId.message_id == Message.id) & (MessageId.message_created_at == Message.created_at))
        .where(MessageId.hotel_id == hotel_id, MessageId.wamid == wamid)
    ).first()
    if known is None:
        return False
    if known.direction == "in" or RANK[status] <= RANK[known.status]:
        return True
    if status == "failed" or known.status in WORRYING:
        return False
    moved = db.session.execute(
        update(Message)
        .where(Message.id == known.id, Message.created_at == known.created_at, Message.status == known.status)
        .values(status=status)
    )
    if not moved.rowcount:  # type: ignore[attr-defined]
        return False
    live.conversation_changed(hotel_id, known.conversation_id)
    return True


def wamid_key(hotel_id: int, wamid: str) -> str:
    """What whoever learns of that wamid locks, before any row."""
    return f"wamid:{hotel_id}:{wamid}"


def lock_message(
    message_id: int, created_at: datetime, conversation_id: int | None = None
) -> tuple[Conversation, Message] | None:
    """The message with its conversation, both locked, in the order in which everybody locks them.

    `conversation_id` is where the caller last saw it.
    """
    db.session.flush()
    while True:
        conversation_id = conversation_id or db.session.scalar(
            select(Message.conversation_id).where(Message.id == message_id, Message.created_at == created_at)
        )
        if conversation_id is None:
            return None
        conversation = locked(Conversation, conversation_id)
        message = locked(Message, (message_id, created_at))
        # It may have moved meanwhile: two guests turned out to be one.
        if conversation and message and message.conversation_id == conversation.id:
            return conversation, message
        conversation_id = None


def know_wamid(message: Message, wamid: str) -> None:
    """The message has its wamid now; apply what was heard of it before. The caller holds the wamid's lock."""
    message.wamid = wamid
    early = db.session.execute(
        KNOW_WAMID,
        {"hotel": message.hotel_id, "wamid": wamid, "message": message.id, "created": message.created_at},
    ).first()
    if early:
        apply(message, early.status, early.error_code, early.error_text)


def apply(message: Message, status: str, code: int | None = None, error_text: str | None = None) -> None:
    """Move the message forward; never back. The caller holds it and its conversation locked."""
    if RANK[status] <= RANK[message.status]:
        return
    message.status = status
    conversation = db.session.get_one(Conversation, message.conversation_id)
    if status == "failed":
        message.error_code, message.error_text = code, error_text
        if not unasked.is_lost(conversation, message, code):
            hand_over(conversation, "send_failed", lost_since(message))
    else:
        message.error_code, message.error_text = None, None
        settle(conversation)


def _message_of(hotel_id: int, wamid: str, data: str | None) -> Message | None:
    known = db.session.get(MessageId, (hotel_id, wamid))
    if known:
        found = lock_message(known.message_id, known.message_created_at)
        return found[1] if found else None
    match = CALLBACK.match(data or "")
    if not match:
        return None
    ours = db.session.execute(
        select(Message.id, Message.created_at).where(
            Message.id == int(match[1]), Message.hotel_id == hotel_id, Message.direction == "out"
        )
    ).first()
    found = lock_message(*ours) if ours else None
    if found is None or found[1].wamid not in (None, wamid):
        return None
    know_wamid(found[1], wamid)
    return found[1]


def _remember(
    hotel_id: int,
    wamid: str,
    status: str,
    code: int | None,
    error_text: str | None,
    occurred_at: datetime | None,
) -> None:
    early = locked(EarlyStatus, (hotel_id, wamid))
    if early is None:
        db.session.execute(
            insert(EarlyStatus)
            .values(
                hotel_id=hotel_id,
                wamid=wamid,
                status=status,
                occurred_at=occurred_at,
                error_code=code,
                error_text=error_text,
            )
            .on_conflict_do_nothing()
        )
        early = db.session.get_one(EarlyStatus, (hotel_id, wamid), with_for_update=True, populate_existing=True)
    if RANK[status] > RANK[early.status]:
        early.status, early.occurred_at, early.error_code, early.error_text = (
            status,
            occurred_at,
            code,
            error_text,
        )


def forget_early() -> None:
    """Statuses of messages that were never ours; Meta delivers again for seven days at the most."""
    db.session.execute(text("delete from early_statuses where created_at < now() - interval '8 days'"))
    db.session.commit()
