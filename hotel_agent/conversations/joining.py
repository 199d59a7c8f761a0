"""Two guests are one person: what was said with both becomes one conversation for each number of the hotel."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hotel_agent import live
from hotel_agent.audit.models import AuditEntry
from hotel_agent.audit.recording import record
from hotel_agent.conversations import waiting
from hotel_agent.conversations.acting import in_own_transaction
from hotel_agent.conversations.models import Conversation, Draft, Message
from hotel_agent.conversations.session import last_session
from hotel_agent.db import db, lock_until_commit
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests.knowing import Identity, forget
from hotel_agent.guests.models import Guest, GuestIdentity
from hotel_agent.guests.moving import move_belongings
from hotel_agent.i18n import _

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MOVE_THE_REST = text("""
    with
      events as (update conversation_events set conversation_id = :kept where conversation_id = :twin),
      attachments as (update media set conversation_id = :kept where conversation_id = :twin),
      requests as (
        update guest_requests set conversation_id = :kept, guest_id = :guest where conversation_id = :twin),
      questions as (
        update missing_answers set conversation_id = :kept, guest_id = :guest where conversation_id = :twin),
      opinions as (update feedback set conversation_id = :kept, guest_id = :guest where conversation_id = :twin),
      told as (update proactive_messages set conversation_id = :kept where conversation_id = :twin),
      proposals as (
        update drafts set conversation_id = :kept,
            status = case when status = 'open' and :two then 'overtaken' else status end where conversation_id = :twin)
    insert into client_ids (conversation_id, client_id, message_id, created_at)
    select :kept, client_id, message_id, created_at from client_ids where conversation_id = :twin
    on conflict do nothing
""")


def merge(guest_id: int, other_id: int, *, hotel_id: int) -> None:
    """Make one guest of two, by a colleague's word; the first one's name stays. It cannot be undone.

    What either writes meanwhile waits until it is done, and is then the one guest's. Raises NotFound, BadInput.
    """
    in_own_transaction(lambda: _merge(guest_id, other_id, hotel_id))


def _merge(guest_id: int, other_id: int, hotel_id: int) -> None:
    both = sorted({guest_id, other_id})
    _lock_identities(hotel_id, both)
    db.session.scalars(
        select(Conversation).where(Conversation.guest_id.in_(both)).order_by(Conversation.id).with_for_update()
    ).all()
    found = {
        guest.id: guest
        for guest in db.session.scalars(
            select(Guest)
            .where(Guest.id.in_(both), Guest.hotel_id == hotel_id)
            .order_by(Guest.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    if guest_id in found and other_id not in found and _have_been_merged(guest_id, other_id, hotel_id):
        return  # A button that was pressed twice.
    if len(found) != len(both):
        raise NotFound("There is no such guest.")
    check_mergeable(found[guest_id], found[other_id])
    name, named_at = found[guest_id].name, found[guest_id].name_at
    reached = _reached(both)
    join_guests([other_id], guest_id)
    guest = db.session.get_one(Guest, guest_id)
    if name:
        guest.name, guest.name_at = name, named_at
    _keep_reaching(guest_id, reached)
    record("guests_merged", str(guest_id), hotel_id=hotel_id, other=other_id)


def _have_been_merged(guest_id: int, other_id: int, hotel_id: int) -> bool:
    query = select(AuditEntry.id).where(
        AuditEntry.hotel_id == hotel_id,
        AuditEntry.action == "guests_merged",
        AuditEntry.subject == str(guest_id),
        AuditEntry.details["other"].as_integer() == other_id,
    )
    return db.session.scalar(query.limit(1)) is not None


def check_mergeable(guest: Guest, other: Guest) -> None:
    """Raises BadInput, with the reason."""
    if guest.id == other.id:
        raise BadInput("other", _("This is the same guest."))
    if guest.erased_at or other.erased_at:
        raise BadInput("other", _("An erased guest cannot be merged."))
    if "api" in _kinds(guest.id) ^ _kinds(other.id):  # What a program says of its callers proves nobody's phone.
        raise BadInput("other", _("Somebody known only to a program of yours is not merged with a phone."))


def join_guests(twin_ids: Iterable[int], guest_id: int) -> None:
    """All that belonged to the twins is the guest's, and they are gone. In the caller's transaction."""
    twins = list(twin_ids)
    for twin in twins:
        _join_conversations(twin, guest_id)
        move_belongings(twin, guest_id)
    forget(twins, into=guest_id)


def _lock_identities(hotel_id: int, guest_ids: list[int]) -> None:
    """As intake does before it looks who writes: until the end nobody finds the guests by these."""
    rows = db.session.execute(
        select(GuestIdentity.kind, GuestIdentity.value, GuestIdentity.wire).where(GuestIdentity.guest_id.in_(guest_ids))
    )
    lock_until_commit(Identity(*row).key(hotel_id) for row in rows)


def _kinds(guest_id: int) -> set[str]:
    kinds = db.session.scalars(
        select(GuestIdentity.kind).where(GuestIdentity.guest_id == guest_id, GuestIdentity.retired_at.is_(None))
    )
    return {"api" if kind == "api" else "phone" for kind in kinds}


def _reached(guest_ids: list[int]) -> dict[int | None, str]:
    """By number of the hotel, the phone that either guest last wrote from there."""
    phone = (
        select(func.max(GuestIdentity.wire))
        .where(
            GuestIdentity.guest_id == Conversation.guest_id,
            GuestIdentity.kind == "phone",
            GuestIdentity.retired_at.is_(None),
        )
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Conversation.identifier_id, func.coalesce(Conversation.reached_by, phone), Conversation.last_inbound_at)
        .where(Conversation.guest_id.in_(guest_ids), Conversation.channel == "whatsapp")
        .order_by(func.coalesce(Conversation.last_inbound_at, LONG_AGO), Conversation.id)
    )
    return {number: wire for number, wire, _at in rows if wire}


def _keep_reaching(guest_id: int, reached: dict[int | None, str]) -> None:
    """Whoever has several phones now is answered at the one that they wrote from."""
    for conversation in db.session.scalars(select(Conversation).where(Conversation.guest_id == guest_id)):
        if conversation.channel == "whatsapp":
            conversation.reached_by = reached.get(conversation.identifier_id)


def conversation_of(hotel_id: int, guest_id: int, channel: str, identifier_id: int | None) -> Conversation:
    """The guest's conversation on that number, begun if there is none, locked for the transaction."""
    if conversation := _begun(guest_id, channel, identifier_id):
        return conversation
    db.session.execute(
        insert(Conversation)
        .values(hotel_id=hotel_id, guest_id=guest_id, channel=channel, identifier_id=identifier_id)
        .on_conflict_do_nothing()
    )
    begun = _begun(guest_id, channel, identifier_id)
    assert begun is not None
    return begun


def _begun(guest_id: int, channel: str, identifier_id: int | None) -> Conversation | None:
    return db.session.scalar(
        select(Conversation)
        .where(
            Conversation.guest_id == guest_id,
            Conversation.channel == channel,
            Conversation.identifier_id.is_not_distinct_from(identifier_id),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _join_conversations(twin_id: int, guest_id: int) -> None:
    for twin in db.session.scalars(select(Conversation).where(Conversation.guest_id == twin_id).with_for_update()):
        kept = _begun(guest_id, twin.channel, twin.identifier_id)
        if kept is None:  # Its address stays what it was.
            twin.guest_id = guest_id
            db.session.flush()
        else:
            _join(kept, twin, guest_id)


def _join(kept: Conversation, twin: Conversation, guest_id: int) -> None:
    db.session.execute(update(Message).where(Message.conversation_id == twin.id).values(conversation_id=kept.id))
    two = _propose_both(kept, twin)
    db.session.execute(MOVE_THE_REST, {"kept": kept.id, "twin": twin.id, "guest": guest_id, "two": two})
    waiting.join(kept, twin)
    if two:  # One proposal is left: what the other was about is for a person to answer.
        waiting.hand_over(kept, "question", kept.waiting_since)
    kept.language = kept.language or twin.language
    _keep_session(kept, twin)
    kept.last_inbound_at = max(filter(None, (kept.last_inbound_at, twin.last_inbound_at)), default=None)
    if (twin.last_message_at or kept.created_at) > (kept.last_message_at or kept.created_at):
        kept.last_message_at, kept.last_message_author = twin.last_message_at, twin.last_message_author
        kept.last_message_type, kept.last_message_text = twin.last_message_type, twin.last_message_text
    kept.answer_due_at = max(filter(None, (kept.answer_due_at, twin.answer_due_at)), default=None)
    db.session.execute(
        text("update sessions set conversation_id = :kept where conversation_id = :twin"),
        {"kept": kept.id, "twin": twin.id},
    )
    db.session.flush()
    hotel_id, twin_key = twin.hotel_id, twin.id
    db.session.expunge(twin)
    db.session.execute(delete(Conversation).where(Conversation.id == twin_key))
    live.conversation_changed(hotel_id, twin_key)


def _propose_both(kept: Conversation, twin: Conversation) -> bool:
    waits = exists().where(Draft.status == "open")
    both = [waits.where(Draft.conversation_id == one.id) for one in (kept, twin)]
    return bool(db.session.scalar(select(both[0] & both[1])))


def _keep_session(kept: Conversation, twin: Conversation) -> None:
    """Of two dialogues the one goes on in which something was said last: there a yes is waited for."""
    here, there = last_session(kept), last_session(twin)
    if there is not None and (here is None or there.last_activity > here.last_activity):
        kept.session_id, kept.session_created_at = twin.session_id, twin.session_created_at
