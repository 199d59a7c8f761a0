"""Questions that the hotel's texts do not answer: a colleague fills them in, and the guest is told then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import outbox, waiting, words
from hotel_agent.conversations.acting import in_own_transaction, locked_conversation
from hotel_agent.conversations.dialogue import Question
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.guest_requests import shortened, spoken_with
from hotel_agent.conversations.models import Conversation, MissingAnswer
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests.models import Guest
from hotel_agent.hotels import telling

# Why a conversation with a missing answer waits for a person.
REASON = "question"


def file(conversation: Conversation, question: Question) -> None:
    """Write a question down, once for its key. In the caller's transaction."""
    made = db.session.scalar(
        insert(MissingAnswer)
        .values(
            hotel_id=conversation.hotel_id,
            conversation_id=conversation.id,
            guest_id=conversation.guest_id,
            request_key=question.key,
            question=shortened(question.question),
            topic=question.topic,
            language=question.language,
        )
        .on_conflict_do_nothing(index_elements=["conversation_id", "request_key"])
        .returning(MissingAnswer.id)
    )
    if made:
        metrics.missing_answers.inc()


def open_of(guest_id: int) -> Sequence[MissingAnswer]:
    """What a guest is still owed an answer to, the oldest first."""
    return db.session.scalars(
        select(MissingAnswer)
        .where(MissingAnswer.guest_id == guest_id, MissingAnswer.status == "open")
        .order_by(MissingAnswer.id)
    ).all()


@dataclass(frozen=True)
class Settled:
    """What became of a question; `told` says whether the guest gets the answer, `kept` the topic it is kept under."""

    conversation_id: int
    told: bool
    kept: str | None = None


def answer(
    missing_id: int,
    text: str,
    by: int | None,
    *,
    hotel_id: int,
    topic: str | None = None,
    language: str | None = None,
) -> Settled:
    """Tell the guest in the hotel's words, unless WhatsApp's window is closed; with a topic keep them for others.

    `language` is the one in which the text is written, the guest's own unless said otherwise. Raises NotFound, and
    BadInput for a text, topic or language that will not do, or a question that is settled.
    """
    telling.check_text(text)
    if topic is not None:
        telling.check_topic(topic)
    if language is not None:
        telling.check_language(language)

    def work() -> Settled:
        conversation, row = _open(missing_id, hotel_id)
        row.status, row.answer, row.settled_at, row.settled_by = "answered", text.strip(), utcnow(), by
        if topic is not None:
            telling.set_text(hotel_id, topic, language or row.language, text)
        note_event(conversation, "question_answered", by, question=row.id)
        _needed_no_more(conversation)
        told = conversation.window_is_open
        if told:
            said = words.say(spoken_with(conversation), "missing.answered", answer=text.strip())
            outbox.put(conversation, OutText(said), author="automatic")
        return Settled(conversation.id, told, topic)

    return in_own_transaction(work)


def dismiss(missing_id: int, by: int | None, *, hotel_id: int) -> Settled:
    """Nobody needs this answered (any more); the guest hears nothing. Raises NotFound, BadInput."""

    def work() -> Settled:
        conversation, row = _open(missing_id, hotel_id)
        row.status, row.settled_at, row.settled_by = "dismissed", utcnow(), by
        _needed_no_more(conversation)
        return Settled(conversation.id, told=False)

    return in_own_transaction(work)


def _open(missing_id: int, hotel_id: int) -> tuple[Conversation, MissingAnswer]:
    """The question with its conversation, which is locked first. Raises NotFound, BadInput."""
    owner = select(MissingAnswer.conversation_id).where(
        MissingAnswer.id == missing_id, MissingAnswer.hotel_id == hotel_id
    )
    conversation_id = db.session.scalar(owner)
    if conversation_id is None:
        raise NotFound("There is no such question.")
    conversation = locked_conversation(hotel_id, conversation_id)
    row = db.session.get(MissingAnswer, missing_id, populate_existing=True, with_for_update=True)
    if row is None or row.conversation_id != conversation.id:
        raise NotFound("There is no such question.")
    if row.status != "open":
        raise BadInput("question", f"question {missing_id} is {row.status} already")
    return conversation, row


def _needed_no_more(conversation: Conversation) -> None:
    db.session.flush()
    still = db.session.scalar(
        select(exists().where(MissingAnswer.conversation_id == conversation.id, MissingAnswer.status == "open"))
    )
    if not still and REASON in conversation.waiting_reasons:
        waiting.drop_reasons(conversation, {REASON})


def listed(hotel_id: int) -> list[tuple[MissingAnswer, str | None]]:
    """The hotel's open questions with their guests' names, the oldest first."""
    query = (
        select(MissingAnswer, Guest.name)
        .join(Guest, Guest.id == MissingAnswer.guest_id)
        .where(MissingAnswer.hotel_id == hotel_id, MissingAnswer.status == "open")
        .order_by(MissingAnswer.id)
    )
    return [(row, name) for row, name in db.session.execute(query)]


def hotel_of(missing_id: int) -> int:
    """Whose question it is, for an administrator. Raises NotFound."""
    found = db.session.scalar(select(MissingAnswer.hotel_id).where(MissingAnswer.id == missing_id))
    if found is None:
        raise NotFound("There is no such question.")
    return found
