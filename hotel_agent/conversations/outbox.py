"""Replies on their way: rows first, wire second, outcome third; in order, one lane per conversation.

`queued` → `sending` (committed) → the wire → `sent`, `failed` or `unknown` (committed). Who owns the conversation
is read in the transaction that writes the row and again in the one that moves it to `sending`. A row found in
`sending` by somebody who holds the lane was left by a dead process: whether WhatsApp has it is unknown, and it is
never blindly sent again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select, update

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.client import Accepted, GraphClient, NotSent, OutcomeUnknown, Refused
from hotel_agent.channels.whatsapp.errors import ErrorClass
from hotel_agent.channels.whatsapp.limits import OutMessage, Recipient, fit, to_graph
from hotel_agent.channels.whatsapp.outgoing import from_json, kind_of, to_json, words_of
from hotel_agent.config import settings
from hotel_agent.conversations import statuses
from hotel_agent.conversations.handover import hand_over
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import db, lock_until_commit, one_at_a_time, utcnow, with_retry
from hotel_agent.guests.models import GuestIdentity
from hotel_agent.hotels import credentials
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.logs import get_logger

WINDOW = timedelta(hours=24)
TRIES = 6
PROBE_AFTER = timedelta(seconds=60)
STOPPING = {ErrorClass.AUTH, ErrorClass.QUALITY, ErrorClass.BILLING}
# Locks a number's row without holding up those who begin a conversation on it.
KEEP_KEY = {"key_share": True}

log = get_logger(__name__)


def put(conversation: Conversation, outgoing: OutMessage, author: str = "agent", answers_to: int | None = None) -> None:
    """Write the rows of one bubble, split where WhatsApp's limits want it. In the caller's transaction."""
    for part in fit(outgoing):
        on_the_wire = conversation.channel == "whatsapp"
        db.session.add(
            Message(
                hotel_id=conversation.hotel_id,
                conversation_id=conversation.id,
                created_at=utcnow(),
                direction="out",
                author=author,
                type=kind_of(part),
                body=words_of(part),
                payload={"outgoing": to_json(part)},
                status="queued" if on_the_wire else "sent",
                sent_at=None if on_the_wire else utcnow(),
                answers_to=answers_to,
            )
        )
        db.session.flush()


def deliver(conversation_id: int, graph: GraphClient) -> None:
    """Send what is queued in a conversation, in order, unless another process is at it."""
    while _something_to_do(conversation_id):
        with one_at_a_time("outbox", conversation_id) as mine:
            if not mine:
                return
            _declare_unknown(conversation_id)
            while ticket := with_retry(lambda: _claim(conversation_id)):
                _settle(ticket, _on_the_wire(ticket, graph))


@dataclass(frozen=True)
class Ticket:
    """One message as it goes over the wire; no row is held meanwhile."""

    message: tuple[int, datetime]
    hotel_id: int
    identifier_id: int
    phone_number_id: str
    token: str
    body: dict[str, Any]
    attempts: int


def _something_to_do(conversation_id: int) -> bool:
    first = db.session.execute(
        select(Message.status, Message.next_attempt_at)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == "out",
            Message.status.in_(("queued", "sending")),
        )
        .order_by(Message.id)
        .limit(1)
    ).first()
    stopped = db.session.scalar(
        select(HotelIdentifier.id)
        .join(Conversation, Conversation.identifier_id == HotelIdentifier.id)
        .where(Conversation.id == conversation_id, _held_back())
    )
    db.session.rollback()
    if first is None:
        return False
    status, next_attempt_at = first
    if status == "sending":
        return True
    return stopped is None and (next_attempt_at is None or next_attempt_at <= utcnow())


def _held_back() -> Any:
    """The number's lane is paused by a rate limit, or stopped by a refusal of its credentials."""
    return HotelIdentifier.paused_until > utcnow()


def _declare_unknown(conversation_id: int) -> None:
    db.session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == "out",
            Message.status == "sending",
        )
        .values(status="unknown")
    )
    db.session.commit()


def _claim(conversation_id: int) -> Ticket | None:
    """Move the next row to `sending`, or decide that it is not to be sent. None when there is nothing to send now."""
    conversation = db.session.get(Conversation, conversation_id, with_for_update=True)
    while conversation is not None:
        message = db.session.scalar(
            select(Message)
            .where(
                Message.conversation_id == conversation_id,
                Message.direction == "out",
                Message.status == "queued",
            )
            .order_by(Message.id)
            .limit(1)
            .with_for_update()
        )
        if message is None or (message.next_attempt_at and message.next_attempt_at > utcnow()):
            break
        if conversation.owner == "staff" and message.author == "agent":
            message.status = "cancelled"
            continue
        if _window_closed(conversation):
            _fail(conversation, message, None, "window_closed", "The 24-hour window is closed.")
            continue
        address = _address(conversation)
        if address is None:
            _fail(conversation, message, None, "send_failed", "There is no number to send from or to.")
            continue
        ticket = _ticket(conversation, message, *address)
        if ticket is None:
            break
        message.status, message.sending_at, message.attempts = "sending", utcnow(), message.attempts + 1
        db.session.commit()
        return ticket
    db.session.commit()
    return None


def _window_closed(conversation: Conversation) -> bool:
    return conversation.last_inbound_at is None or utcnow() - conversation.last_inbound_at > WINDOW


def _address(conversation: Conversation) -> tuple[HotelIdentifier, Recipient] | None:
    identifier = db.session.get(HotelIdentifier, conversation.identifier_id or 0, with_for_update=KEEP_KEY)
    recipient = recipient_of(conversation.guest_id)
    return (identifier, recipient) if identifier and recipient else None


def _ticket(
    conversation: Conversation, message: Message, identifier: HotelIdentifier, recipient: Recipient
) -> Ticket | None:
    """None while the number's lane is closed."""
    token = credentials.access_token_of(db.session.get_one(Hotel, conversation.hotel_id))
    if token is None:
        _stop(identifier, "no access token", None)
        return None
    if not _lane_open(identifier, token):
        return None
    return Ticket(
        message=(message.id, message.created_at),
        hotel_id=conversation.hotel_id,
        identifier_id=identifier.id,
        phone_number_id=identifier.identifier_value,
        token=token,
        body=to_graph(from_json(message.payload["outgoing"]), recipient, statuses.callback_data(message.id)),
        attempts=message.attempts,
    )


def recipient_of(guest_id: int) -> Recipient | None:
    """How WhatsApp reaches a guest: the phone when it is known, and the business-scoped id."""
    rows = db.session.execute(
        select(GuestIdentity.kind, GuestIdentity.wire)
        .where(GuestIdentity.guest_id == guest_id, GuestIdentity.retired_at.is_(None))
        .order_by(GuestIdentity.id)
    )
    wires = {row.kind: row.wire for row in rows}
    if not wires.keys() & {"phone", "bsuid"}:
        return None
    return Recipient(phone=wires.get("phone"), bsuid=None if "phone" in wires else wires.get("bsuid"))


def _lane_open(identifier: HotelIdentifier, token: str) -> bool:
    """A stopped lane opens again with new credentials; meanwhile one message a minute finds out whether it may."""
    now = utcnow()
    if identifier.paused_until and identifier.paused_until > now:
        return False
    if identifier.stopped_at and identifier.stopped_token == credentials.fingerprint(token):
        identifier.paused_until = now + PROBE_AFTER
    return True


def _on_the_wire(ticket: Ticket, graph: GraphClient) -> Accepted | NotSent | Refused | OutcomeUnknown:
    try:
        return graph.send(ticket.phone_number_id, ticket.token, ticket.body)
    except (NotSent, Refused, OutcomeUnknown) as outcome:
        return outcome


def _settle(ticket: Ticket, outcome: Accepted | NotSent | Refused | OutcomeUnknown) -> None:
    """Write what came of it."""
    metrics.sends.labels(*_label(outcome)).inc()
    with_retry(lambda: _write_outcome(ticket, outcome))


def _write_outcome(ticket: Ticket, outcome: Accepted | NotSent | Refused | OutcomeUnknown) -> None:
    if isinstance(outcome, Accepted):
        lock_until_commit([statuses.wamid_key(ticket.hotel_id, outcome.wamid)])
    locked = statuses.lock_message(*ticket.message)
    if locked is None:
        db.session.rollback()
        return
    conversation, message = locked
    identifier = db.session.get(HotelIdentifier, ticket.identifier_id, with_for_update=KEEP_KEY)
    if message.status not in ("sending", "unknown") and not isinstance(outcome, Accepted):
        db.session.rollback()  # A status has told better meanwhile.
        return
    match outcome:
        case Accepted():
            _sent(message, outcome.wamid)
            if identifier and identifier.stopped_at:
                identifier.stopped_at = identifier.stopped_reason = identifier.stopped_token = None
                identifier.paused_until = None
        case NotSent():
            _again(conversation, message, ticket, _backoff(ticket.attempts), "network")
        case OutcomeUnknown():
            message.status, message.error_text = "unknown", outcome.reason
        case Refused():
            _refused(conversation, message, identifier, ticket, outcome)
    db.session.commit()


def _label(outcome: Accepted | NotSent | Refused | OutcomeUnknown) -> tuple[str, str]:
    match outcome:
        case Accepted():
            return "sent", ""
        case NotSent():
            return "not_sent", ""
        case OutcomeUnknown():
            return "unknown", ""
        case Refused():
            return outcome.error_class.name.lower(), str(outcome.code)


def _sent(message: Message, wamid: str) -> None:
    message.sent_at = utcnow()
    if statuses.RANK[message.status] < statuses.RANK["sent"]:
        message.status, message.error_code, message.error_text = "sent", None, None
    statuses.know_wamid(message, wamid)
    if message.answers_to is not None:
        received = db.session.scalar(select(Message.received_at).where(Message.id == message.answers_to))
        if received:
            metrics.answer_seconds.observe((utcnow() - received).total_seconds())


def _refused(
    conversation: Conversation,
    message: Message,
    identifier: HotelIdentifier | None,
    ticket: Ticket,
    refusal: Refused,
) -> None:
    kind = refusal.error_class
    if kind in STOPPING and identifier:
        _stop(identifier, f"{kind.name.lower()} {refusal.code}", ticket.token)
        message.status, message.attempts = "queued", ticket.attempts
    elif kind is ErrorClass.RATE and identifier:
        identifier.paused_until = utcnow() + (refusal_pause(refusal) or _backoff(ticket.attempts))
        _again(conversation, message, ticket, timedelta(0), "rate", refusal.code)
    elif kind is ErrorClass.PAIR_RATE:
        _again(conversation, message, ticket, timedelta(seconds=4**ticket.attempts), "pair rate", refusal.code)
    elif kind is ErrorClass.TRANSIENT:
        _again(conversation, message, ticket, _backoff(ticket.attempts), "transient", refusal.code)
    else:
        reason = "window_closed" if kind is ErrorClass.WINDOW else "send_failed"
        _fail(conversation, message, refusal.code, reason, refusal.title)


def refusal_pause(refusal: Refused) -> timedelta | None:
    return timedelta(seconds=min(refusal.retry_after, 300)) if refusal.retry_after else None


def _backoff(attempts: int) -> timedelta:
    """Half a second doubled each time, up to a minute, with jitter."""
    return timedelta(seconds=min(60.0, 0.5 * 2**attempts) * random.uniform(0.5, 1.5))


def _again(
    conversation: Conversation,
    message: Message,
    ticket: Ticket,
    wait: timedelta,
    why: str,
    code: int | None = None,
) -> None:
    """Queue it once more, unless it has been tried often enough, or a colleague has taken over meanwhile."""
    if ticket.attempts + 1 >= TRIES:
        _fail(conversation, message, code, "send_failed", why)
        return
    message.status, message.next_attempt_at = "queued", utcnow() + wait
    message.error_code, message.error_text = code, why


def _fail(conversation: Conversation, message: Message, code: int | None, reason: str, why: str) -> None:
    message.status, message.error_code, message.error_text = "failed", code, why
    hand_over(conversation, reason, message.created_at)


def _stop(identifier: HotelIdentifier, reason: str, token: str | None) -> None:
    """Nothing more is sent from this number until its credentials work; `/readyz`, metrics and the log say so."""
    log.error("lane_stopped", identifier=identifier.id, hotel=identifier.hotel_id, reason=reason)
    identifier.stopped_at = identifier.stopped_at or utcnow()
    identifier.stopped_reason = reason
    identifier.stopped_token = credentials.fingerprint(token) if token else None
    identifier.paused_until = utcnow() + PROBE_AFTER


def open_lanes_with_new_tokens() -> None:
    """A stopped number need not wait for its next probe when it has been given other credentials."""
    stopped = db.session.execute(
        select(HotelIdentifier, Hotel)
        .join(Hotel, Hotel.id == HotelIdentifier.hotel_id)
        .where(HotelIdentifier.stopped_at.is_not(None))
        .with_for_update(of=HotelIdentifier, key_share=True)
    )
    for identifier, hotel in stopped:
        token = credentials.access_token_of(hotel)
        if token and identifier.stopped_token != credentials.fingerprint(token):
            identifier.paused_until = None
    db.session.commit()


def overdue_unknown() -> int:
    """Hand to staff what has been `unknown` for UNKNOWN_SEND_SECONDS without a status; answers how many."""
    since = utcnow() - timedelta(seconds=settings().unknown_send_seconds)
    overdue = db.session.execute(
        select(Message.id, Message.created_at)
        .where(
            Message.direction == "out",
            Message.status == "unknown",
            Message.sending_at < since,
            Message.notified_at.is_(None),
        )
        .limit(500)
    ).all()
    db.session.rollback()
    return sum(with_retry(partial(_hand_over_unknown, *key)) for key in overdue)


def _hand_over_unknown(message_id: int, created_at: datetime) -> bool:
    locked = statuses.lock_message(message_id, created_at)
    still = locked is not None and locked[1].status == "unknown" and locked[1].notified_at is None
    if locked and still:
        conversation, message = locked
        message.notified_at = utcnow()
        hand_over(conversation, "send_unknown", message.created_at)
    db.session.commit()
    return still


def resend(message_id: int) -> int | None:
    """Staff send an `unknown` or `failed` message again, as a new row; answers its conversation."""
    return with_retry(lambda: _resend(message_id))


def _resend(message_id: int) -> int | None:
    key = db.session.execute(
        select(Message.id, Message.created_at).where(Message.id == message_id, Message.direction == "out")
    ).first()
    locked = statuses.lock_message(*key) if key else None
    if locked is None or locked[1].status not in ("unknown", "failed"):
        db.session.rollback()
        return None
    conversation, old = locked
    put(conversation, from_json(old.payload["outgoing"]), author="staff", answers_to=old.answers_to)
    if old.status == "unknown":
        old.status = "cancelled"
    db.session.commit()
    return conversation.id
