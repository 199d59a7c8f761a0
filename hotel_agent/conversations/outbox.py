"""Replies on their way: rows first, wire second, outcome third; in order, one lane per conversation.

`queued` → `sending` (committed) → the wire → `sent`, `failed` or `unknown` (committed). Who owns the conversation
is read in the transaction that writes the row and again in the one that moves it to `sending`. A row found in
`sending` by somebody who holds the lane was left by a dead process: whether WhatsApp has it is unknown, and it is
never blindly sent again. Whoever lives on while the database is lost knows better, and waits for it to write that down.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic, sleep
from typing import Any

import psycopg
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from hotel_agent import metrics, tracing
from hotel_agent.channels.whatsapp.client import Accepted, GraphClient, NotSent, OutcomeUnknown, Refused
from hotel_agent.channels.whatsapp.errors import ErrorClass
from hotel_agent.channels.whatsapp.limits import OutMessage, Recipient, fit, to_graph
from hotel_agent.channels.whatsapp.outgoing import from_json, kind_of, to_json, words_of
from hotel_agent.config import settings
from hotel_agent.conversations import handover, statuses, unasked
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.conversations.waiting import hand_over, lost_since
from hotel_agent.db import db, glance, is_lost, lock_until_commit, locked, one_at_a_time, utcnow, with_retry
from hotel_agent.guests.models import GuestIdentity
from hotel_agent.hotels import credentials
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.logs import get_logger

TRIES = 6
# For so long the outcome of a send is kept in mind while the database is lost, or its disk is full.
REMEMBERED_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.5
# Why nothing was even tried, as `error_text` tells it.
WINDOW_CLOSED = "The 24-hour window is closed."
NO_NUMBER = "There is no number to send from or to."
PROBE_AFTER = timedelta(seconds=60)
STOPPING = {ErrorClass.AUTH, ErrorClass.QUALITY, ErrorClass.BILLING}
# Locks a number's row without holding up those who begin a conversation on it.
KEEP_KEY = {"key_share": True}

log = get_logger(__name__)


def put(
    conversation: Conversation,
    outgoing: OutMessage,
    author: str = "agent",
    answers_to: int | None = None,
    asked_at: datetime | None = None,
    *,
    staff_id: int | None = None,
    quoted_wamid: str | None = None,
) -> list[Message]:
    """Add the rows of one bubble, split where WhatsApp's limits want it. In the caller's transaction.

    `answers_to` is the guest's message that is answered, which came in at `asked_at`. The first row quotes.
    """
    on_the_wire = conversation.channel == "whatsapp"
    asked = {"asked_at": asked_at.isoformat()} if asked_at else {}
    quoting = {"context": {"id": quoted_wamid}} if quoted_wamid else {}
    rows: list[Message] = []
    for part in fit(outgoing):
        now = utcnow()
        rows.append(
            Message(
                hotel_id=conversation.hotel_id,
                conversation_id=conversation.id,
                created_at=now,
                direction="out",
                author=author,
                staff_id=staff_id,
                type=kind_of(part),
                body=words_of(part),
                payload={"outgoing": to_json(part)} | asked | ({} if rows else quoting),
                status="queued" if on_the_wire else "sent",
                sent_at=None if on_the_wire else now,
                answers_to=answers_to,
            )
        )
        conversation.show(rows[-1])
    db.session.add_all(rows)  # Written together, in this order.
    return rows


def deliver(conversation_id: int, graph: GraphClient) -> None:
    """Send what is queued in a conversation, in order, unless another process is at it."""
    lane = Lane(conversation_id, graph)
    while True:
        try:
            with one_at_a_time("outbox", conversation_id) as mine:
                lane.write_down()
                if not mine:
                    return
                lane.send_all()
            if not _something_to_do(conversation_id):
                return
        except (OperationalError, psycopg.OperationalError) as error:
            db.session.rollback()
            if not lane.waits_for_the_database(is_lost(error)):
                raise


@dataclass(frozen=True)
class Ticket:
    """One message as it goes over the wire; no row is held meanwhile."""

    message: tuple[int, datetime]
    conversation_id: int
    hotel_id: int
    identifier_id: int
    phone_number_id: str
    token: str
    body: dict[str, Any]
    attempts: int
    lane_stopped: bool
    claimed_at: datetime
    traceparent: str | None = None


Outcome = Accepted | NotSent | Refused | OutcomeUnknown


class Lane:
    """One process at work in a conversation's lane, and what it alone knows while the database is lost, or takes no
    writes: `claimed`, which may be `sending` there and is not sent, and `outcome`, what came of a send and may not be
    written down."""

    def __init__(self, conversation_id: int, graph: GraphClient) -> None:
        self.conversation_id = conversation_id
        self.claimed: Ticket | None = None
        self.outcome: tuple[Ticket, Outcome] | None = None
        self._graph = graph
        self._gives_up_at: float | None = None

    def waits_for_the_database(self, may_be_committed: bool) -> bool:
        """False where there is nothing that would be forgotten, or it has been kept in mind for long enough."""
        self._gives_up_at = self._gives_up_at or monotonic() + REMEMBERED_SECONDS
        knows = self.outcome or (self.claimed and may_be_committed)
        if not knows or monotonic() > self._gives_up_at:
            return False
        sleep(LOOK_AGAIN_SECONDS)
        return True

    def write_down(self) -> None:
        """What the database may not have been told before it was lost."""
        if self.outcome:
            with_retry(partial(_write_outcome, *self.outcome))
            self.outcome = None
        if self.claimed:
            with_retry(partial(_put_back, self.claimed))
            self.claimed = None

    def send_all(self) -> None:
        ticket = with_retry(partial(_claim, self.conversation_id, self))
        while ticket:
            self.claimed = None
            outcome = _on_the_wire(ticket, self._graph)
            self.outcome = ticket, outcome
            metrics.sends.labels(*_label(outcome)).inc()
            ticket = with_retry(partial(_write_outcome, ticket, outcome, self))
            self.outcome = None


NEXT_IN_THE_LANE = """
    select m.status = 'sending' or coalesce(m.next_attempt_at <= %s, true) and coalesce(i.paused_until <= %s, true)
    from messages m
    join conversations c on c.id = m.conversation_id
    left join tenant_user_identifiers i on i.id = c.identifier_id
    where m.conversation_id = %s and m.direction = 'out' and m.status in ('queued', 'sending')
    order by m.id limit 1
"""


def _something_to_do(conversation_id: int) -> bool:
    """Whether the next row could be sent now: whoever found the lane taken meanwhile has left it to us."""
    row = glance(NEXT_IN_THE_LANE, utcnow(), utcnow(), conversation_id)
    return bool(row and row[0])


def _in_the_lane() -> Any:
    return (Message.direction == "out") & Message.status.in_(("queued", "sending"))


def _claim(conversation_id: int, lane: Lane | None = None) -> Ticket | None:
    """Move the next row to `sending`. None when there is nothing to send now."""
    conversation = locked(Conversation, conversation_id)
    ticket = _next(conversation) if conversation else None
    if lane:
        lane.claimed = ticket
    db.session.commit()
    return ticket


def _put_back(ticket: Ticket) -> None:
    """What was claimed and not sent waits again, unless somebody has taken us for dead."""
    found = statuses.lock_message(*ticket.message, ticket.conversation_id)
    if found and (found[1].status, found[1].sending_at) == ("sending", ticket.claimed_at):
        found[1].status, found[1].attempts = "queued", ticket.attempts
    db.session.commit()


def _next(conversation: Conversation) -> Ticket | None:
    """Move the next row to `sending`, or decide that it is not to be sent. In the caller's transaction."""
    while message := _first_in_the_lane(conversation.id):
        if message.status == "sending":  # We hold the lane, so whoever was sending it is dead.
            message.status = "unknown"
        elif conversation.owner == "staff" and message.author == "agent":
            _withhold(conversation, message)
        elif unasked.is_overtaken(conversation, message):
            unasked.withdraw(message)
        elif message.next_attempt_at and message.next_attempt_at > utcnow():
            return None
        elif not conversation.window_is_open and message.type != "template":
            _fail(conversation, message, None, "window_closed", WINDOW_CLOSED)
        elif (address := _address(conversation)) is None:
            _fail(conversation, message, None, "send_failed", NO_NUMBER)
        else:
            ticket = _ticket(conversation, message, *address)
            if ticket:
                message.status, message.sending_at, message.attempts = "sending", ticket.claimed_at, ticket.attempts + 1
            return ticket
    return None


def _withhold(conversation: Conversation, message: Message) -> None:
    """It could not be sent before a colleague took over: what it answers waits for them, unless they have answered."""
    message.status = "cancelled"
    if message.answers_to:
        handover.owe_again(conversation, [message.answers_to])
        handover.leave_to_staff(conversation)


def _first_in_the_lane(conversation_id: int) -> Message | None:
    return db.session.scalar(
        select(Message)
        .where(Message.conversation_id == conversation_id, _in_the_lane())
        .order_by(Message.id)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _address(conversation: Conversation) -> tuple[HotelIdentifier, Recipient] | None:
    identifier = db.session.get(HotelIdentifier, conversation.identifier_id or 0, populate_existing=True)
    recipient = recipient_of(conversation.guest_id, conversation.reached_by)
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
    quoted_wamid = message.payload.get("context", {}).get("id")
    outgoing = from_json(message.payload["outgoing"])
    return Ticket(
        message=(message.id, message.created_at),
        conversation_id=conversation.id,
        hotel_id=conversation.hotel_id,
        identifier_id=identifier.id,
        phone_number_id=identifier.identifier_value,
        token=token,
        body=to_graph(outgoing, recipient, statuses.callback_data(message.id), quoted_wamid),
        attempts=message.attempts,
        lane_stopped=identifier.stopped_at is not None,
        claimed_at=utcnow(),
        traceparent=message.traceparent,
    )


def recipient_of(guest_id: int, last_phone: str | None = None) -> Recipient | None:
    """How WhatsApp reaches a guest: the phone when it is known, else the business-scoped id.

    Of several phones it is the one they last wrote from, while it is theirs.
    """
    rows = db.session.execute(
        select(GuestIdentity.kind, GuestIdentity.wire)
        .where(GuestIdentity.guest_id == guest_id, GuestIdentity.retired_at.is_(None))
        .order_by(GuestIdentity.id)
    )
    wires: dict[str, str] = {}
    for row in rows:
        if wires.get("phone") != last_phone or row.kind != "phone" or last_phone is None:
            wires[row.kind] = row.wire
    if not wires.keys() & {"phone", "bsuid"}:
        return None
    return Recipient(phone=wires.get("phone"), bsuid=None if "phone" in wires else wires.get("bsuid"))


def _lane_open(identifier: HotelIdentifier, token: str) -> bool:
    """A stopped lane opens again with new credentials; meanwhile one message a minute finds out whether it may."""
    now = utcnow()
    if identifier.paused_until and identifier.paused_until > now:
        return False
    if identifier.stopped_at and identifier.stopped_token == credentials.fingerprint(token):
        db.session.refresh(identifier, with_for_update=KEEP_KEY)
        if identifier.paused_until and identifier.paused_until > now:
            return False  # Somebody else finds out.
        identifier.paused_until = now + PROBE_AFTER
    return True


def _on_the_wire(ticket: Ticket, graph: GraphClient) -> Outcome:
    with tracing.begun(ticket.traceparent), tracing.span("send", message=ticket.message[0]):
        try:
            return graph.send(ticket.phone_number_id, ticket.token, ticket.body)
        except (NotSent, Refused, OutcomeUnknown) as outcome:
            return outcome


def _write_outcome(ticket: Ticket, outcome: Outcome, lane: Lane | None = None) -> Ticket | None:
    """Write what came of it, once; and claim the next where the caller has the lane."""
    if isinstance(outcome, Accepted):
        lock_until_commit([statuses.wamid_key(ticket.hotel_id, outcome.wamid)])
    found = statuses.lock_message(*ticket.message, ticket.conversation_id)
    if found is None:
        db.session.rollback()
        return None
    conversation, message = found
    if _is_news(message, ticket, outcome):
        _apply_outcome(conversation, message, ticket, outcome)
    db.session.flush()
    if lane:
        lane.claimed = _next(conversation) if conversation.id == ticket.conversation_id else None
    db.session.commit()
    return lane.claimed if lane else None


def _is_news(message: Message, ticket: Ticket, outcome: Outcome) -> bool:
    """Not where it is written down already, a status has told better meanwhile, or it has been tried again since."""
    if isinstance(outcome, Accepted):
        return message.sent_at is None
    return message.status in ("sending", "unknown") and message.sending_at == ticket.claimed_at


def _apply_outcome(
    conversation: Conversation,
    message: Message,
    ticket: Ticket,
    outcome: Outcome,
) -> None:
    match outcome:
        case Accepted():
            _sent(message, outcome.wamid)
            if ticket.lane_stopped:
                _open_lane(ticket.identifier_id)
        case NotSent():
            _again(conversation, message, ticket, _backoff(ticket.attempts), "network")
        case OutcomeUnknown():
            message.status, message.error_text = "unknown", outcome.reason
        case Refused():
            identifier = db.session.get(HotelIdentifier, ticket.identifier_id, with_for_update=KEEP_KEY)
            _refused(conversation, message, identifier, ticket, outcome)


def _open_lane(identifier_id: int) -> None:
    """The credentials work again."""
    identifier = db.session.get(HotelIdentifier, identifier_id, with_for_update=KEEP_KEY, populate_existing=True)
    if identifier:
        identifier.stopped_at = identifier.stopped_reason = identifier.stopped_token = None
        identifier.paused_until = None


def _label(outcome: Outcome) -> tuple[str, str]:
    match outcome:
        case Accepted():
            return "sent", ""
        case NotSent():
            return "not_sent", ""
        case OutcomeUnknown():
            return "unknown", ""
        case Refused():
            return outcome.error_class.name.lower(), "" if outcome.code is None else str(outcome.code)


def _sent(message: Message, wamid: str) -> None:
    message.sent_at = utcnow()
    if statuses.RANK[message.status] < statuses.RANK["sent"]:
        message.status, message.error_code, message.error_text = "sent", None, None
    statuses.know_wamid(message, wamid)
    if asked_at := message.payload.get("asked_at"):
        metrics.answer_seconds.observe((utcnow() - datetime.fromisoformat(asked_at)).total_seconds())


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
    if not unasked.is_lost(conversation, message, code):
        hand_over(conversation, reason, lost_since(message))


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
    found = statuses.lock_message(message_id, created_at)
    still = found is not None and found[1].status == "unknown" and found[1].notified_at is None
    if found and still:
        conversation, message = found
        message.notified_at = utcnow()
        if unasked.about(message) is None:
            hand_over(conversation, "send_unknown", lost_since(message))
    db.session.commit()
    return still
