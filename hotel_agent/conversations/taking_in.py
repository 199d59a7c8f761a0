"""From raw bodies to rows: each message and status on its own, idempotent, in any grouping and order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from traceback import format_tb

from psycopg.errors import DiskFull
from rq.timeouts import BaseTimeoutException
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from hotel_agent import metrics, tracing
from hotel_agent.channels.whatsapp.cards import mask_cards, mask_cards_in, mask_cards_in_body
from hotel_agent.channels.whatsapp.payload import (
    Change,
    InboundMessage,
    Preference,
    StatusUpdate,
    SystemEvent,
    UnreadableBody,
    parse,
)
from hotel_agent.config import settings
from hotel_agent.conversations import statuses, turns, waiting
from hotel_agent.conversations.alarms import raise_alarms
from hotel_agent.conversations.joining import conversation_of, join_guests
from hotel_agent.conversations.models import (
    SHOWN,
    WINDOW,
    Conversation,
    InboundEvent,
    Message,
    MessageId,
    WebhookFailure,
)
from hotel_agent.db import db, is_deadlock, lock_until_commit, locked, utcnow, with_retry
from hotel_agent.guests import consent
from hotel_agent.guests.knowing import Identity, follow_number_change, who_writes
from hotel_agent.guests.models import Guest
from hotel_agent.hotels import credentials
from hotel_agent.hotels.finding import of_number
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.logs import get_logger
from hotel_agent.media.arriving import await_media

GIVE_UP_AFTER = 5
LONGEST_PAUSE = timedelta(seconds=15)
# Bodies in one transaction: what each costs the database is shared, what breaks one is redone for few.
TOGETHER = 20
EDITED = "✏️ "  # How the body of an edit begins.

log = get_logger(__name__)


@dataclass
class TakenIn:
    """What a round of taking in leaves for others to do."""

    bodies: int = 0
    to_answer: dict[int, datetime] = field(default_factory=dict)
    more: bool = False


@dataclass
class Body:
    """One body on its way: whose it is, the answers that it makes due, the errors of pieces that broke, by place."""

    event: InboundEvent
    hotels: set[int] = field(default_factory=set)
    due: dict[int, datetime] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """Where a change came in: the hotel, its number, and when the body arrived."""

    hotel: Hotel
    identifier: HotelIdentifier
    received_at: datetime


def take_in(limit: int = 50) -> TakenIn:
    """Take in bodies that wait, hotels taking turns, some together in a transaction.

    Answers which conversations owe the guest a reply, and when it is due.
    """
    taken = TakenIn()
    while taken.bodies < limit:
        wanted = min(TOGETHER, limit - taken.bodies)
        claimed, are_left = with_retry(partial(_take_in_some, taken, wanted))
        taken.bodies += claimed
        if claimed < wanted:
            taken.more = are_left
            return taken
    taken.more = True
    return taken


def _take_in_some(taken: TakenIn, wanted: int) -> tuple[int, bool]:
    """How many, and whether more wait that would have been too much together."""
    # What a crash of PostgreSQL undoes here is still in the bodies, which are on disk.
    db.session.execute(text("set local synchronous_commit = off"))
    events, are_left = turns.next_bodies(wanted)
    try:
        due = _take_in_bodies(events)
    # A body that breaks the program must neither block the others nor be lost.
    except Exception as error:
        db.session.rollback()
        if _will_pass(error):
            raise
        for key in [(event.id, event.received_at) for event in events]:
            taken.to_answer.update(_take_in_alone(key))
    else:
        taken.to_answer.update(due)
    return len(events), are_left


def _take_in_bodies(events: Sequence[InboundEvent]) -> dict[int, datetime]:
    bodies = [Body(event) for event in events]
    admitted = [(body, *rest) for body in bodies for rest in _read(body)]
    lock_until_commit(key for _, _, door, change in admitted for key in _keys(door.hotel.id, change))
    alone = sum(len(change.messages) + len(change.statuses) + len(change.preferences) for *_, change in admitted) == 1
    for body, place, door, change in admitted:
        body.hotels.add(door.hotel.id)
        _take_in_change(body, change, door, place, alone)
    for body in bodies:
        _close(body)
    db.session.commit()
    return {conversation: due for body in bodies for conversation, due in body.due.items()}


def _take_in_alone(key: tuple[int, datetime]) -> dict[int, datetime]:
    event = locked(InboundEvent, key)
    if event is None or event.processed_at is not None:
        db.session.rollback()
        return {}
    try:
        return _take_in_bodies([event])
    except Exception as error:
        db.session.rollback()
        if _will_pass(error):
            raise
        _log_broken(key[0], error)
        body = Body(db.session.get_one(InboundEvent, key, with_for_update=True, populate_existing=True))
        body.broken[""] = type(error).__name__
        _close(body)
        db.session.commit()
        return {}


def _close(body: Body) -> None:
    """Done with, unless a piece is to be tried again; the pieces that were taken in will not mind."""
    event = body.event
    if body.broken and event.attempts + 1 < GIVE_UP_AFTER:
        event.attempts += 1
        event.retry_at = utcnow() + timedelta(seconds=2**event.attempts)
        return
    hotel_id = next(iter(body.hotels)) if len(body.hotels) == 1 else None
    for place, error in body.broken.items():
        _fail(event, "error", error, place, hotel_id)
    event.body, event.processed_at = mask_cards_in_body(event.body), utcnow()


def _read(body: Body) -> list[tuple[str, Door, Change]]:
    """What is in a body for us, with its place; the rest is set aside."""
    event = body.event
    try:
        delivery = parse(event.body)
    except UnreadableBody as error:
        _fail(event, "unreadable", str(error))
        return []
    for number, piece in enumerate(delivery.unreadable):
        _fail(event, "unreadable", f"{piece.where}: {piece.reason}", place=f"unreadable {number}")
    return [
        (place, door, change)
        for place, change in ((f"change {number}", change) for number, change in enumerate(delivery.changes))
        if (door := _admitted(event, change, place))
    ]


def _admitted(event: InboundEvent, change: Change, place: str) -> Door | None:
    """Where a change came in, unless there is nothing in it, or it is not for us, or not by who may send it."""
    if not (change.messages or change.statuses or change.preferences):
        metrics.inbound_items.labels("other").inc()
        return None
    found = of_number(change.phone_number_id)
    if found is None:
        _fail(event, "unknown_number", change.phone_number_id or "none", place)
        return None
    door = Door(*found, received_at=event.received_at)
    secret = credentials.app_secret_of(door.hotel)
    if secret is None or credentials.fingerprint(secret) != event.signed_by:
        _fail(event, "wrong_secret", change.phone_number_id or "none", place, door.hotel.id)
        return None
    return door


def _keys(hotel_id: int, change: Change) -> Iterator[str]:
    """All that a change may lock: together and in one order, so that two bodies never wait for each other."""
    for status in change.statuses:
        yield statuses.wamid_key(hotel_id, status.wamid)
    for preference in change.preferences:
        for identity in identities_of(preference.phone, None, preference.bsuid):
            yield identity.key(hotel_id)
    for message in change.messages:
        yield statuses.wamid_key(hotel_id, message.wamid)
        for identity in _identities(message):
            yield identity.key(hotel_id)


def _take_in_change(body: Body, change: Change, door: Door, place: str, alone: bool) -> None:
    for number, message in enumerate(change.messages):
        where = f"{place} message {number}"
        try:
            with _going_on(body, message.named), _on_its_own(body, where, alone):
                body.due.update(_take_in_message(door, message))
        except NoSender:
            _fail(body.event, "no_sender", message.wamid, where, door.hotel.id)
    for number, status in enumerate(change.statuses):
        with _going_on(body, "status"), _on_its_own(body, f"{place} status {number}", alone):
            _take_in_status(door, status)
    for number, preference in enumerate(change.preferences):
        with _going_on(body, "preference"), _on_its_own(body, f"{place} preference {number}", alone):
            _take_in_preference(door, preference)


@contextmanager
def _going_on(body: Body, kind: str) -> Iterator[None]:
    """With what brought the body; what is written meanwhile goes on with it, too."""
    with tracing.begun(body.event.traceparent), tracing.span("take_in", inbound_event=body.event.id, type=kind):
        yield


@contextmanager
def _on_its_own(body: Body, where: str, alone: bool) -> Iterator[None]:
    """A piece that breaks the program costs its neighbours nothing; one that is `alone` has none."""
    if alone:
        yield
        return
    event_id = body.event.id
    try:
        with db.session.begin_nested():
            yield
    except NoSender:
        raise
    except Exception as error:
        if _will_pass(error):
            raise
        _log_broken(event_id, error)
        body.broken[where] = type(error).__name__


def _will_pass(error: Exception) -> bool:
    """Whether something else than the body is in trouble: a deadlock, a connection that has gone, a full disk, the
    time."""
    if isinstance(error, BaseTimeoutException):  # The job's time is up, whatever it was doing.
        return True
    if isinstance(error, DBAPIError):
        return is_deadlock(error) or error.connection_invalidated or isinstance(error.orig, DiskFull)
    return isinstance(error, PendingRollbackError)


def _log_broken(event_id: int, error: Exception) -> None:
    """Where it broke, without the message: the database quotes rows in its errors, and rows hold guests' words."""
    where = "".join(format_tb(error.__traceback__))
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    log.error("take_in_failed", inbound_event=event_id, error=type(error).__name__, sqlstate=state, trace=where)


class NoSender(Exception):
    """Nothing in the message says who wrote it."""


def _take_in_message(door: Door, message: InboundMessage) -> dict[int, datetime]:
    lock_until_commit([statuses.wamid_key(door.hotel.id, message.wamid)])
    known = db.session.get(MessageId, (door.hotel.id, message.wamid))
    if known:
        return _upgrade(door, known, message)
    guest = _guest_of(door, message)
    conversation = conversation_of(door.hotel.id, guest.id, "whatsapp", door.identifier.id)
    if conversation.reached_by and message.sender.phone:
        conversation.reached_by = message.sender.wa_id or message.sender.phone
    metrics.inbound_items.labels(message.named).inc()
    row = Message(
        hotel_id=door.hotel.id,
        conversation_id=conversation.id,
        created_at=utcnow(),
        direction="in",
        author="guest",
        wamid=message.wamid,
        status="received",
        received_at=door.received_at,
        sent_at=message.sent_at or door.received_at,
    )
    _fill(row, message)
    due = _owe(conversation, row, message)
    _show(conversation, row, message)
    db.session.add(row)
    db.session.flush()
    db.session.add(
        MessageId(hotel_id=door.hotel.id, wamid=message.wamid, message_id=row.id, message_created_at=row.created_at)
    )
    await_media(row, message)
    return due


def _show(conversation: Conversation, row: Message, message: InboundMessage) -> None:
    """What a list tells of it: an edit changes the words that it is about, other silent ones tell nothing."""
    if row.payload["kind"] != "silent":
        conversation.show(row)
        return
    changed = message.edit_of or message.revoke_of
    known = db.session.get(MessageId, (row.hotel_id, changed)) if changed else None
    original = db.session.get(Message, (known.message_id, known.message_created_at)) if known else None
    if original is None or original.conversation_id != conversation.id or original.direction != "in":
        return
    if (conversation.last_message_author, conversation.last_message_at) == ("guest", original.sent_at):
        conversation.last_message_type = original.type if message.edit_of else row.type
        conversation.last_message_text = row.body.removeprefix(EDITED)[:SHOWN]


def _guest_of(door: Door, message: InboundMessage) -> Guest:
    """Who wrote; known, new, or joined from two who turn out to be one. Raises NoSender."""
    hotel_id, at = door.hotel.id, message.sent_at or door.received_at
    old = _sender_identities(message)
    new = _new_identities(message.system) if message.system else []
    if new:
        found = follow_number_change(hotel_id, old, new, at)
    else:
        name = mask_cards(message.sender.name) if message.sender.name else None
        found = who_writes(hotel_id, old, name, at) if old else None
    if found is None:
        raise NoSender
    guest, twins = found
    join_guests(twins, guest.id)
    return guest


def identities_of(
    phone: str | None, wire: str | None, bsuid: str | None = None, parent_bsuid: str | None = None
) -> list[Identity]:
    """`phone` is canonical, `wire` the digits as WhatsApp wrote it."""
    given = [Identity("phone", phone, wire or phone)] if phone else []
    given += [Identity("bsuid", bsuid, bsuid)] if bsuid else []
    return given + ([Identity("parent_bsuid", parent_bsuid, parent_bsuid)] if parent_bsuid else [])


def _identities(message: InboundMessage) -> list[Identity]:
    return _sender_identities(message) + (_new_identities(message.system) if message.system else [])


def _sender_identities(message: InboundMessage) -> list[Identity]:
    sender = message.sender
    shown = identities_of(sender.phone, sender.wa_id, sender.bsuid, sender.parent_bsuid)
    if not sender.phone:
        shown += identities_of(message.trusted_phone, message.trusted_phone)
    return shown


def _new_identities(system: SystemEvent) -> list[Identity]:
    if not (system.new_phone or system.new_bsuid):
        return []
    return identities_of(system.new_phone, system.new_wa_id, system.new_bsuid, system.new_parent_bsuid)


def _upgrade(door: Door, known: MessageId, message: InboundMessage) -> dict[int, datetime]:
    """Meta's placeholder (131060) is replaced by the real content that comes later under the same id."""
    key = (known.message_id, known.message_created_at)
    before = db.session.get(Message, key, populate_existing=True)
    if message.placeholder or before is None or not before.payload.get("placeholder"):
        return {}
    _guest_of(door, message)
    found = statuses.lock_message(*key)
    if found is None:
        return {}
    conversation, row = found
    _fill(row, message)
    conversation.show(row)
    row.handling = "none"
    await_media(row, message)
    waiting.settle(conversation)
    return _owe(conversation, row, message)


def _fill(row: Message, message: InboundMessage) -> None:
    row.type, row.body = message.type, mask_cards(message.body)
    payload = mask_cards_in(dict(message.payload))
    if message.reply_id is not None:
        payload["reply_id"] = message.reply_id
    if message.placeholder:
        payload["placeholder"] = True
    row.payload = payload | {"kind": _kind(message)}


def _kind(message: InboundMessage) -> str:
    """A location that nobody asked for is looked at by a person, like other things that are not words."""
    if message.kind == "answerable" and message.type == "location":
        return "acknowledge"
    return message.kind


def _owe(conversation: Conversation, row: Message, message: InboundMessage) -> dict[int, datetime]:
    """Decide who owes an answer to a new message; tell when the agent's is due."""
    kind = row.payload["kind"]
    if kind == "silent":
        return {}
    sent_at = row.sent_at or utcnow()
    waiting.guest_writes(conversation, sent_at)
    if conversation.owner == "staff":
        row.handling = "staff"
        waiting.hand_over(conversation, waiting.GUEST_WROTE, sent_at)
        _listen_for_alarms(conversation, row, sent_at)
    elif message.placeholder:
        row.handling = "staff"
        waiting.hand_over(conversation, "unreadable", sent_at)
    elif utcnow() - sent_at > WINDOW:
        row.handling = "staff"
        waiting.hand_over(conversation, "too_old", sent_at)
        _listen_for_alarms(conversation, row, sent_at)
    else:
        row.handling = "pending"
        waiting.waits(conversation, sent_at)
        conversation.answer_due_at = _due(conversation)
        return {conversation.id: conversation.answer_due_at}
    return {}


def _listen_for_alarms(conversation: Conversation, row: Message, since: datetime) -> None:
    """Whatever fails in understanding, the message is taken in: somebody has it before them anyway."""
    try:
        raise_alarms(conversation, [row], since)
    except (DBAPIError, PendingRollbackError, BaseTimeoutException):
        raise
    except Exception:
        log.exception("not_understood", conversation=conversation.id)


def _due(conversation: Conversation) -> datetime:
    """A pause after the latest message, so that a burst is answered once; but not put off for ever."""
    due = utcnow() + timedelta(seconds=settings().answer_pause_seconds)
    if conversation.answer_due_at is None:
        return due
    first = db.session.scalar(
        select(Message.created_at)
        .where(Message.conversation_id == conversation.id, Message.handling == "pending")
        .order_by(Message.id)
        .limit(1)
    )
    return min(due, first + LONGEST_PAUSE) if first else due


def _take_in_status(door: Door, status: StatusUpdate) -> None:
    metrics.inbound_items.labels(f"status_{status.named}").inc()
    error = status.errors[0] if status.errors else None
    statuses.hear(
        door.hotel.id,
        status.wamid,
        status.status,
        callback_data=status.callback_data,
        code=error.code if error else None,
        error_text=error.title if error else None,
        occurred_at=status.occurred_at,
    )


def _take_in_preference(door: Door, preference: Preference) -> None:
    """The guest has used WhatsApp's own switch: no messages on the hotel's own account, or messages again."""
    metrics.inbound_items.labels("preference").inc()
    if preference.category not in ("", "marketing_messages"):
        return
    identities = identities_of(preference.phone, None, preference.bsuid)
    at = preference.occurred_at or door.received_at
    for guest_id in consent.known_as(door.hotel.id, identities):
        if preference.value == "stop":
            consent.take_back(guest_id, at)
        elif preference.value == "resume":
            consent.allow_again(guest_id, at)


def _fail(event: InboundEvent, reason: str, detail: str, place: str = "", hotel_id: int | None = None) -> None:
    """Keep what could not be taken in, with the reason, for people to look at and replay."""
    metrics.webhook_failures.labels(reason).inc()
    log.warning("webhook_failure", inbound_event=event.id, reason=reason)
    db.session.execute(
        insert(WebhookFailure)
        .values(
            event_id=event.id,
            hotel_id=hotel_id,
            place=place,
            reason=reason,
            detail=mask_cards(detail)[:500],
            signed_by=event.signed_by,
            body=mask_cards_in_body(event.body),
        )
        .on_conflict_do_update(index_elements=["event_id", "place"], set_={"reason": reason, "resolved_at": None})
    )
