"""One answer per message: one process at a time per conversation, in order of arrival, a burst answered once.

Everything that an answer changes is written in one transaction, which only goes through if the messages still wait
for the agent: a process that dies before it leaves them waiting, one that lost its lock to another changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import inspect, select, update

from hotel_agent import metrics, tracing
from hotel_agent.config import settings
from hotel_agent.conversations import drafting, filing, outbox, proactive, session, waiting
from hotel_agent.conversations.alarms import raise_alarms
from hotel_agent.conversations.dialogue import Answer, Handover, Heard, Turn
from hotel_agent.conversations.events import ONCE, note_once
from hotel_agent.conversations.models import WINDOW, Conversation, Message
from hotel_agent.conversations.reply import reply_to
from hotel_agent.db import db, done_reading, glance, locked, one_at_a_time, utcnow, with_retry
from hotel_agent.flags.switches import is_on
from hotel_agent.guests.calling_codes import language_of_number
from hotel_agent.guests.models import Guest, GuestIdentity
from hotel_agent.hotels import credentials
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.logs import get_logger

TRIES = 5
LONGEST_RETRY = 12  # seconds; a message whose process died waits no longer than this for the next

log = get_logger(__name__)


@dataclass(frozen=True)
class Starting:
    """What WhatsApp is told when work begins: mark as read, and show that somebody writes."""

    phone_number_id: str
    token: str
    wamid: str


@dataclass(frozen=True)
class Given:
    """What came of answering: the answer as it was written down, or none where the agent is to be silent."""

    answer: Answer | None


Announce = Callable[[Starting], AbstractContextManager[Any]]


def answer(conversation_id: int, announce: Announce | None = None) -> bool:
    """Answer what waits in a conversation and is due. False where another process has it in hand."""
    was_mine = False
    while True:
        with one_at_a_time("conversation", conversation_id) as mine:
            if not mine:
                return was_mine
            was_mine = True
            answer_once(conversation_id, announce=announce)
        if not is_due(conversation_id):
            return True


def is_due(conversation_id: int) -> bool:
    """Whoever found the conversation taken meanwhile has left what came then to us."""
    row = glance("select answer_due_at <= %s from conversations where id = %s", utcnow(), conversation_id)
    return bool(row and row[0])


def answer_once(
    conversation_id: int,
    announce: Announce | None = None,
    *,
    only: int | None = None,
    today: date | None = None,
    language: str | None = None,
) -> Given | None:
    """Give one answer to all that waits, or to the one message `only`; None when nothing waited.

    The caller holds the conversation's lock. `today` and `language` replace the hotel's date and the conversation's
    language for this answer.
    """
    begun = with_retry(lambda: _begin(conversation_id, only, today, language))
    if begun is None:
        return None
    burst, turn, starting = begun
    with (
        tracing.begun(burst[-1].traceparent),
        tracing.span("answer", conversation=conversation_id, message=burst[-1].id, messages=len(burst)),
        announce(starting) if announce and starting else nullcontext(),
    ):
        return _compose_and_write(conversation_id, burst, turn)


def _compose_and_write(conversation_id: int, burst: list[Message], turn: Turn) -> Given:
    reply = reply_to(turn)
    learnt = _learnt(turn.guest, reply.language)
    return with_retry(lambda: _write(conversation_id, burst, reply, turn.guest.id, learnt))


def _learnt(guest: Guest, language: str) -> dict[str, Any]:
    """What the dialogue has changed of the guest, to be written with the answer."""
    changed = {one.key: one.value for one in inspect(guest).attrs if one.history.has_changes()}
    return changed | ({"language": language} if guest.language != language else {})


def _begin(
    conversation_id: int, only: int | None, today: date | None, language: str | None
) -> tuple[list[Message], Turn, Starting | None] | None:
    """What is to be answered now, if anything is. What is not the agent's to answer goes to the staff."""
    conversation = locked(Conversation, conversation_id)
    if (
        conversation is None
        or only is None
        and not (conversation.answer_due_at and conversation.answer_due_at <= utcnow())
    ):
        done_reading()
        return None
    burst = [message for message in _pending(conversation_id) if only in (None, message.id)]
    begun = _take_on(conversation, burst, today, language) if burst else None
    if not burst:
        conversation.answer_due_at = None
    db.session.commit()
    return begun


def _take_on(
    conversation: Conversation, burst: list[Message], today: date | None, language: str | None
) -> tuple[list[Message], Turn, Starting | None] | None:
    for message in burst:
        message.attempts += 1
    reason = _not_ours(conversation, burst)
    if reason:
        _leave_to_staff(conversation, burst, reason)
        return None
    if conversation.channel == "whatsapp":
        # Should this process die or fail, the next try comes by itself, a little later each time.
        conversation.answer_due_at = utcnow() + timedelta(seconds=min(LONGEST_RETRY, 4 * burst[0].attempts))
    db.session.commit()
    turn = _turn(conversation, burst, today, language)
    return burst, turn, _starting(turn.hotel, conversation, burst[-1])


def _pending(conversation_id: int) -> list[Message]:
    return list(
        db.session.scalars(
            select(Message)
            .where(Message.conversation_id == conversation_id, Message.handling == "pending")
            .order_by(Message.received_at, Message.sent_at, Message.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _not_ours(conversation: Conversation, burst: list[Message]) -> str | None:
    if conversation.owner == "staff":
        return waiting.GUEST_WROTE
    if not is_on("agent", conversation.hotel_id, conversation.id):
        return "agent_off"
    if burst[0].attempts > TRIES:
        return "agent_failed"
    if any(utcnow() - (message.sent_at or utcnow()) > WINDOW for message in burst):
        return "too_old"
    return None


def _leave_to_staff(conversation: Conversation, burst: list[Message], reason: str) -> None:
    for message in burst:
        message.handling = "staff"
    conversation.answer_due_at = None
    waiting.hand_over(conversation, reason, _since(burst))
    raise_alarms(conversation, burst, _since(burst))
    metrics.answers.labels(reason).inc(len(burst))


def _starting(hotel: Hotel, conversation: Conversation, last: Message) -> Starting | None:
    identifier = db.session.get(HotelIdentifier, conversation.identifier_id or 0)
    token = credentials.access_token_of(hotel)
    if identifier is None or identifier.stopped_at or token is None or not last.wamid:
        return None
    return Starting(identifier.identifier_value, token, last.wamid)


def _turn(conversation: Conversation, burst: list[Message], today: date | None, language: str | None) -> Turn:
    hotel = db.session.get_one(Hotel, conversation.hotel_id)
    guest = db.session.get_one(Guest, conversation.guest_id)
    db.session.expunge(guest)  # What the dialogue learns of the guest is written with the answer, and not before.
    last = session.last_session(conversation)
    live = last if last is not None and session.is_live(last) else None
    now = utcnow()
    asks = live is None and conversation.channel == "whatsapp"
    review_asked = proactive.review_asked(conversation.id, now) if asks else None
    if today is not None:
        now = datetime.combine(today, now.astimezone(hotel.zone).timetz().replace(tzinfo=None), hotel.zone)
    return Turn(
        hotel=hotel,
        guest=guest,
        language=language or conversation.language,
        heard=tuple(_heard(message) for message in burst),
        today=today or hotel.today(),
        now=now,
        state=dict(live.state) if live else {},
        first_contact=conversation.language is None,
        already_waiting=_told_of(conversation),
        request_key=f"m{burst[0].id}",
        earlier=dict(last.state) if last and not live else {},
        channel=conversation.channel,
        review_asked=review_asked,
        presumed=_presumed_language(conversation, guest),
    )


def _told_of(conversation: Conversation) -> str | None:
    """For what the guest knows that a person will write."""
    return next((reason for reason in conversation.waiting_reasons if reason != drafting.REASON), None)


def _presumed_language(conversation: Conversation, guest: Guest) -> str | None:
    """Of a guest who has not said anything yet, by the country of their number."""
    if conversation.language or guest.language:
        return None
    number = db.session.scalar(
        select(GuestIdentity.value).where(
            GuestIdentity.guest_id == guest.id, GuestIdentity.kind == "phone", GuestIdentity.retired_at.is_(None)
        )
    )
    return language_of_number(number) if number else None


def _heard(message: Message) -> Heard:
    return Heard(
        id=message.id,
        type=message.type,
        text=message.body,
        reply_id=message.payload.get("reply_id"),
        kind=message.payload.get("kind", "answerable"),
    )


def _write(conversation_id: int, burst: list[Message], reply: Answer, guest_id: int, learnt: dict[str, Any]) -> Given:
    """Write the whole answer down, if the messages still wait for it and the agent still owns the conversation."""
    if learnt:
        db.session.execute(update(Guest).where(Guest.id == guest_id).values(**learnt))
    conversation = locked(Conversation, conversation_id)
    if conversation is None:  # Its guest turned out to be another one: the messages wait there.
        db.session.rollback()
        return Given(None)
    if conversation.owner == "staff":
        _keep_silent(conversation, burst, reply)
        return Given(None)
    proposed = drafting.is_wanted(db.session.get_one(Hotel, conversation.hotel_id), conversation, reply)
    if not _mark(burst, "answered" if reply.bubbles and not proposed else "staff"):
        db.session.rollback()
        _note_what_is_done(conversation_id, reply)
        return Given(None)
    if not proposed:
        session.save(conversation, reply.state, lambda: session.sender_of(conversation))
    pending = _pending(conversation_id)
    waits = [row.received_at or row.created_at for row in pending]
    pause = timedelta(seconds=settings().answer_pause_seconds)
    on_whatsapp = conversation.channel == "whatsapp"
    conversation.answer_due_at = max(waits) + pause if waits and on_whatsapp else None
    conversation.language = reply.language
    # Whoever gets no words is with a person, and the person knows.
    handover = reply.handover or (None if reply.bubbles else Handover("unsure"))
    if handover:
        for reason in (handover.reason, *handover.also):
            waiting.hand_over(conversation, reason, _since(burst), urgent=handover.urgent)
    waiting.agent_answered(conversation, pending)
    _note(conversation, reply)
    if proposed:
        drafting.propose(conversation, reply, burst[-1].id, burst[0].received_at, _since(burst))
    for bubble in reply.bubbles if not proposed else ():
        outbox.put(conversation, bubble, answers_to=burst[-1].id, asked_at=burst[0].received_at)
    db.session.commit()
    _count(burst, reply)
    return Given(reply)


def _mark(burst: list[Message], handling: str) -> bool:
    """Move the messages on together; False when any of them has been dealt with by somebody else meanwhile."""
    moved = db.session.execute(
        update(Message)
        .where(
            Message.id.in_([message.id for message in burst]),
            Message.created_at.in_([message.created_at for message in burst]),
            Message.handling == "pending",
        )
        .values(handling=handling)
    )
    return bool(moved.rowcount == len(burst))  # type: ignore[attr-defined]


def _keep_silent(conversation: Conversation, burst: list[Message], reply: Answer) -> None:
    """A colleague took over meanwhile: the guest hears nothing of this answer, but they learn what was done for it."""
    if _mark(burst, "staff"):
        waiting.hand_over(conversation, waiting.GUEST_WROTE, _since(burst))
    _note(conversation, reply)
    db.session.commit()


def _note(conversation: Conversation, reply: Answer) -> None:
    for happening in reply.happenings:
        note_once(conversation, happening.kind, happening.details)
    filing.file(conversation, reply.filed)


def _note_what_is_done(conversation_id: int, reply: Answer) -> None:
    """The answer came too late, as somebody else had given one; what was booked for it is booked all the same."""
    done = [happening for happening in reply.happenings if happening.kind in ONCE]
    conversation = locked(Conversation, conversation_id) if done or reply.filed else None
    if conversation:
        for happening in done:
            note_once(conversation, happening.kind, happening.details)
        filing.file(conversation, reply.filed)
    db.session.commit()


def _since(burst: list[Message]) -> datetime:
    return min(message.sent_at or message.created_at for message in burst)


def _count(burst: list[Message], reply: Answer) -> None:
    metrics.answers.labels("handed_over" if reply.handover else "answered").inc(len(burst))
    for kind in reply.blocked:
        metrics.answers_blocked.labels(kind).inc()
    if reply.blocked:
        log.warning("answer_blocked", conversation=burst[-1].conversation_id, message=burst[-1].id, kinds=reply.blocked)
    if reply.understanding:
        metrics.intents.labels(reply.understanding.intent, reply.language).inc()
        metrics.intent_confidence.observe(reply.understanding.confidence)
        if reply.handover and reply.handover.reason == "unsure":
            metrics.fallbacks.labels("given_up").inc()
        elif reply.understanding.intent == "out_of_scope":
            metrics.fallbacks.labels("not_understood").inc()
        elif reply.understanding.ambiguous:
            metrics.fallbacks.labels("asked_which").inc()
