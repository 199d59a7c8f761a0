"""Where the hotel wants it, the agent proposes and a person approves, by topic.

What is proposed was not said: the dialogue stays where it was until it is. Whatever the agent has already done at the
PMS for a guest is told at once, as nobody may be left not knowing that a room is kept; an alarm is answered at once,
too. A guest who writes on while a proposal waits gets a longer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.limits import OutButtons, OutList, OutMessage, OutText
from hotel_agent.channels.whatsapp.outgoing import from_json, to_json, words_of
from hotel_agent.conversations import outbox, session, waiting
from hotel_agent.conversations.acting import in_own_transaction, locked_conversation
from hotel_agent.conversations.dialogue import Answer
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.models import Conversation, Draft
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.hotels.topics import approvable
from hotel_agent.i18n import _

REASON = "draft"
LONGEST = 4096
# From this chance on a wish counts as one that the answer is about.
HEARD = 0.5


@dataclass(frozen=True)
class Settled:
    """What became of a proposal; `told` says whether the guest is sent something."""

    conversation_id: int
    told: bool


def is_wanted(hotel: Hotel, conversation: Conversation, reply: Answer) -> bool:
    """Whether a person is to see this answer before the guest does: `hotel set SLUG approve.TOPIC=yes`."""
    wanted = {topic for topic, word in ((hotel.settings or {}).get("approve") or {}).items() if word == "yes"}
    alarm = reply.handover is not None and reply.handover.urgent
    if not wanted or not reply.bubbles or reply.happenings or alarm or conversation.channel != "whatsapp":
        return False
    return not wanted.isdisjoint(_about(reply))


def _about(reply: Answer) -> list[str]:
    """The topics of an answer: those of what the guest wishes, else of what is being talked about."""
    heard = reply.understanding.intents if reply.understanding else ()
    topics = [approvable(one.intent) for one in heard if one.confidence >= HEARD]
    return [topic for topic in topics if topic] or _under_way(reply.state)


def _under_way(state: Mapping[str, Any]) -> list[str]:
    """Of a guest who only gives a date or says yes."""
    if any(state.get(name) for name in ("changing", "cancelling", "adding", "lookup")):
        return ["bookings"]
    if (state.get("booking") or {}).get("goal") or state.get("offers") or state.get("hold"):
        return ["stays"]
    return []


def propose(
    conversation: Conversation, reply: Answer, answers_to: int, asked_at: datetime | None, since: datetime
) -> None:
    """Keep the answer for a person. In the caller's transaction, in which the conversation is locked."""
    draft = open_of(conversation.id)
    if draft is None:
        live = session.live_session(conversation)
        draft = Draft(
            hotel_id=conversation.hotel_id,
            conversation_id=conversation.id,
            bubbles=[],
            topics=[],
            state_before=dict(live.state) if live else {},
            asked_at=asked_at,
        )
        db.session.add(draft)
    draft.bubbles = [*draft.bubbles, *map(to_json, reply.bubbles)]
    draft.topics = list(dict.fromkeys([*draft.topics, *_about(reply)]))
    draft.state, draft.language, draft.answers_to = reply.state, reply.language, answers_to
    waiting.hand_over(conversation, REASON, since)
    metrics.drafts.labels("proposed").inc()


def open_of(conversation_id: int) -> Draft | None:
    query = select(Draft).where(Draft.conversation_id == conversation_id, Draft.status == "open")
    return db.session.scalar(query.execution_options(populate_existing=True))


def approve(draft_id: int, by: int, *, hotel_id: int, texts: Sequence[str] | None = None) -> Settled:
    """Send what is proposed, with other words where `texts` (one for each bubble) has them; whose the conversation is
    stays as it is. An empty text leaves its bubble out.

    Raises NotFound, and BadInput for words that cannot be sent, a closed window, or a proposal that is settled.
    """

    def work() -> Settled:
        conversation, draft = _locked(draft_id, hotel_id)
        if not conversation.window_is_open:
            raise BadInput("window", _("The 24-hour window is closed. Only a template can be sent."))
        bubbles, edited = _with_words([from_json(kept) for kept in draft.bubbles], texts)
        if not bubbles:
            raise BadInput("text", _("Write something first."))
        for bubble in bubbles:
            outbox.put(
                conversation,
                bubble,
                author="staff" if edited else "agent",
                answers_to=draft.answers_to,
                staff_id=by if edited else None,
            )
        _go_on(conversation, draft)
        _settle(conversation, draft, "sent", by, edited=edited)
        waiting.drop_reasons(conversation, {REASON})
        return Settled(conversation.id, told=True)

    return in_own_transaction(work)


def discard(draft_id: int, by: int, *, hotel_id: int) -> Settled:
    """Say nothing of it; the guest waits for a person. Raises NotFound, BadInput."""

    def work() -> Settled:
        conversation, draft = _locked(draft_id, hotel_id)
        _settle(conversation, draft, "discarded", by)
        waiting.waits_for(conversation, "question", instead_of=REASON)
        return Settled(conversation.id, told=False)

    return in_own_transaction(work)


def overtake(conversation: Conversation, by: int) -> None:
    """A colleague writes to the guest instead, or closes. In the caller's transaction."""
    draft = open_of(conversation.id) if REASON in conversation.waiting_reasons else None
    if draft is not None:
        _settle(conversation, draft, "overtaken", by)
        waiting.waits_for(conversation, "question", instead_of=REASON)


def _locked(draft_id: int, hotel_id: int) -> tuple[Conversation, Draft]:
    owner = db.session.scalar(select(Draft.conversation_id).where(Draft.id == draft_id, Draft.hotel_id == hotel_id))
    if owner is None:
        raise NotFound("There is no such draft.")
    conversation = locked_conversation(hotel_id, owner)
    draft = db.session.get(Draft, draft_id, populate_existing=True, with_for_update=True)
    if draft is None or draft.status != "open":
        raise BadInput("draft", _("This proposal is settled already."))
    return conversation, draft


def _with_words(bubbles: Sequence[OutMessage], texts: Sequence[str] | None) -> tuple[list[OutMessage], bool]:
    """The bubbles in the words that a colleague left of them, and whether they changed any. Raises BadInput."""
    if texts is None:
        return list(bubbles), False
    said: list[OutMessage] = []
    edited = False
    for bubble, given in zip(bubbles, [*texts, *[""] * len(bubbles)], strict=False):
        words = given.replace("\r\n", "\n").strip()
        if len(words) > LONGEST:
            raise BadInput("text", _("This is too long: at most %(most)s characters.", most=LONGEST))
        same = words == words_of(bubble).strip()
        edited = edited or not same
        if words:
            said.append(bubble if same else _saying(bubble, words))
    return said, edited


def _saying(bubble: OutMessage, words: str) -> OutMessage:
    """Buttons and rows stay below other words."""
    if isinstance(bubble, OutText | OutButtons | OutList):
        return replace(bubble, text=words)
    return OutText(words)


def _go_on(conversation: Conversation, draft: Draft) -> None:
    """The dialogue goes on from what was said, unless it has gone on without it meanwhile."""
    live = session.live_session(conversation)
    now: Mapping[str, Any] = live.state if live else {}
    if now in (draft.state_before, {}):
        session.save(conversation, draft.state, lambda: session.sender_of(conversation))
    conversation.language = draft.language


def _settle(conversation: Conversation, draft: Draft, status: str, by: int, *, edited: bool = False) -> None:
    draft.status, draft.decided_at, draft.decided_by, draft.edited = status, utcnow(), by, edited
    note_event(conversation, f"draft_{status}", by, draft=draft.id, edited=edited)
    metrics.drafts.labels(status).inc()
