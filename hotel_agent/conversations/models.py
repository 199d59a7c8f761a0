"""Tables of what was said. The partitioned ones are cut by our own clock, never by Meta's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hotel_agent import tracing
from hotel_agent.db import Model, utcnow

# WhatsApp's customer service window: so long after a guest's message may the hotel write freely.
WINDOW = timedelta(hours=24)
# So many characters of the last message does a list show.
SHOWN = 200


class InboundEvent(Model):
    """One webhook body as it came, kept before anything reads it.

    `signed_by` is the fingerprint of the secret whose MAC matched. `processed_at` is null while it waits to be
    taken in; `attempts` counts the tries that failed. `traceparent` says what brought it (hotel_agent/tracing.py),
    `number` is the first receiving number in it: whose turn it is, and nothing else, goes by it.
    """

    __tablename__ = "inbound_events"
    __table_args__ = (
        Index("ix_inbound_events_unprocessed", "id", postgresql_where=text("processed_at is null")),
        Index("ix_inbound_events_turns", "number", "id", postgresql_where=text("processed_at is null")),
        {"postgresql_partition_by": "RANGE (received_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now(), primary_key=True)
    processed_at: Mapped[datetime | None]
    signed_by: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]
    body: Mapped[bytes] = mapped_column(BYTEA)
    traceparent: Mapped[str | None] = mapped_column(default=tracing.here)
    number: Mapped[str] = mapped_column(server_default="")


class WebhookFailure(Model):
    """A body, or a piece of one, that could not be taken in, with the reason; `flask inbox replay` tries again.

    `hotel_id` is null where nobody can say whose it is.
    """

    __tablename__ = "webhook_failures"
    __table_args__ = (
        UniqueConstraint("event_id", "place"),
        Index("ix_webhook_failures_open", "id", postgresql_where=text("resolved_at is null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int | None] = mapped_column(ForeignKey("hotels.id", ondelete="SET NULL"))
    event_id: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    signed_by: Mapped[str] = mapped_column(server_default="")
    body: Mapped[bytes] = mapped_column(BYTEA)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    resolved_at: Mapped[datetime | None]


class Conversation(Model):
    """One guest with one of the hotel's numbers (or the API).

    `owner` is agent or staff; `status` is open, waiting, snoozed or closed. `answer_due_at` is set while an inbound
    message waits for the agent. `waiting_since` is the time of the first guest message without an answer: the
    agent's answer ends it only where nobody asked for a person or was promised one, which `waiting_reasons` tell,
    the most pressing one being `waiting_reason`. `last_message_*` is what a list shows of the latest message.
    `reached_by`: of a guest with several phones the one that they last wrote from, as WhatsApp writes it.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("guest_id", "channel", "identifier_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("owner in ('agent', 'staff')", name="owner"),
        CheckConstraint("status in ('open', 'waiting', 'snoozed', 'closed')", name="status"),
        Index(
            "ix_conversations_answer_due",
            "hotel_id",
            "answer_due_at",
            postgresql_where=text("answer_due_at is not null"),
        ),
        Index(
            "ix_conversations_waiting",
            "hotel_id",
            "waiting_since",
            postgresql_where=text("waiting_since is not null"),
        ),
        # When a conversation was last heard of; one without a word yet, when it began.
        Index(
            "ix_conversations_open",
            "hotel_id",
            text("coalesce(last_message_at, created_at) DESC"),
            text("id DESC"),
            postgresql_where=text("status <> 'closed'"),
        ),
        Index(
            "ix_conversations_agent",
            "hotel_id",
            text("coalesce(last_message_at, created_at) DESC"),
            text("id DESC"),
            postgresql_where=text("owner = 'agent' and status <> 'closed'"),
        ),
        Index(
            "ix_conversations_closed",
            "hotel_id",
            text("coalesce(last_message_at, created_at) DESC"),
            text("id DESC"),
            postgresql_where=text("status = 'closed'"),
        ),
        Index(
            "ix_conversations_assignee",
            "assignee_id",
            postgresql_where=text("assignee_id is not null and status <> 'closed'"),
        ),
        Index("ix_conversations_snoozed", "snoozed_until", postgresql_where=text("status = 'snoozed'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), index=True)
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"))
    channel: Mapped[str]
    identifier_id: Mapped[int | None] = mapped_column(
        ForeignKey("tenant_user_identifiers.id", ondelete="SET NULL"), index=True
    )
    owner: Mapped[str] = mapped_column(server_default="agent")
    status: Mapped[str] = mapped_column(server_default="open")
    language: Mapped[str | None]
    waiting_since: Mapped[datetime | None]
    waiting_reason: Mapped[str | None]
    waiting_reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    urgent: Mapped[bool] = mapped_column(server_default="false")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    snoozed_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    last_message_at: Mapped[datetime | None]
    last_message_author: Mapped[str | None]
    last_message_type: Mapped[str | None]
    last_message_text: Mapped[str] = mapped_column(server_default="")
    answer_due_at: Mapped[datetime | None]
    last_inbound_at: Mapped[datetime | None]
    session_id: Mapped[int | None] = mapped_column(BigInteger)
    session_created_at: Mapped[datetime | None]
    reached_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def window_is_open(self) -> bool:
        """Whether the hotel may write freely now; by the API always."""
        if self.channel != "whatsapp":
            return True
        return self.last_inbound_at is not None and utcnow() - self.last_inbound_at <= WINDOW

    def show(self, message: Message) -> None:
        """Let lists tell of this message, unless they tell of a later one: guests' messages come in any order.

        What we say comes last, by whosever clock. Of Meta's times only the seconds are known.
        """
        at, last = message.sent_at or message.created_at, self.last_message_at
        if message.direction == "in" and last and at < last.replace(microsecond=0):
            return
        self.last_message_at = max(at, last or at)
        self.last_message_author, self.last_message_type = message.author, message.type
        self.last_message_text = message.body[:SHOWN]


class Message(Model):
    """One bubble. Inbound: `status` is received and `handling` says what becomes of it: pending (the agent owes
    an answer), answered, staff (a person owes one), none (nothing is owed). Outbound: `status` tells how far it got.

    `author` is guest, agent, staff or automatic; `staff_id` the colleague who wrote it. `payload` holds what is
    more than words: media, buttons, rows, location, and in `context.id` the wamid of the message that is quoted.
    `sent_at` of an inbound message is Meta's time. `traceparent` says what made it (hotel_agent/tracing.py).
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint(
            "case direction when 'in' then status = 'received' when 'out' then status in ('queued', 'sending', 'sent',"
            " 'delivered', 'read', 'failed', 'unknown', 'cancelled') else false end",
            name="status",
        ),
        CheckConstraint("handling in ('pending', 'answered', 'staff', 'none')", name="handling"),
        Index("ix_messages_conversation", "conversation_id", "id"),
        Index("ix_messages_pending", "conversation_id", postgresql_where=text("handling = 'pending'")),
        Index(
            "ix_messages_outbox",
            "conversation_id",
            "id",
            postgresql_where=text("status in ('queued', 'sending', 'unknown')"),
        ),
        Index(
            "ix_messages_failed",
            "hotel_id",
            "conversation_id",
            postgresql_where=text("status in ('failed', 'unknown')"),
        ),
        Index(
            "ix_messages_marks",
            "conversation_id",
            "id",
            postgresql_where=text("type in ('reaction', 'edit', 'revoke')"),
        ),
        Index("ix_messages_hotel_recent", "hotel_id", "id"),
        Index(
            "ix_messages_words",
            "hotel_id",
            text("to_tsvector('simple'::regconfig, fold(body))"),
            postgresql_using="gin",
        ),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    direction: Mapped[str]
    author: Mapped[str]
    staff_id: Mapped[int | None]
    wamid: Mapped[str | None]
    type: Mapped[str]
    body: Mapped[str] = mapped_column(server_default="")
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    status: Mapped[str]
    handling: Mapped[str] = mapped_column(server_default="none")
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    answers_to: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None]
    sending_at: Mapped[datetime | None]
    error_code: Mapped[int | None]
    error_text: Mapped[str | None]
    notified_at: Mapped[datetime | None]
    traceparent: Mapped[str | None] = mapped_column(default=tracing.here)


class MessageId(Model):
    """Where a wamid's message is: unique across the partitions, which can promise nothing of the kind."""

    __tablename__ = "message_ids"

    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), primary_key=True)
    wamid: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(BigInteger)
    message_created_at: Mapped[datetime]


class ClientId(Model):
    """The id that a colleague's browser gave a message it asked us to send: asking twice sends once."""

    __tablename__ = "client_ids"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class ConversationEvent(Model):
    """What happened in a conversation besides messages: notes (`kind` note, words in `body`), takeovers, holds, …

    `staff_id` is who did it, null for the agent or the system; `details` holds what the line in the thread tells.
    Nothing in this table is ever sent to anybody.
    """

    __tablename__ = "conversation_events"
    __table_args__ = (
        Index("ix_conversation_events_conversation", "conversation_id", "at"),
        Index(
            "ix_conversation_events_words",
            "hotel_id",
            text("to_tsvector('simple'::regconfig, fold(body))"),
            postgresql_using="gin",
            postgresql_where=text("kind = 'note'"),
        ),
        Index(
            "ix_conversation_events_sales",
            "hotel_id",
            "kind",
            "at",
            postgresql_where=text("kind in ('booked', 'hold_made')"),
        ),
        Index("ix_conversation_events_at", "at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    kind: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    body: Mapped[str] = mapped_column(server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class CannedReply(Model):
    """Words that colleagues send often, found by `shortcut`; `{{ guest }}` and the like are filled in."""

    __tablename__ = "canned_replies"
    __table_args__ = (UniqueConstraint("hotel_id", "shortcut", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    shortcut: Mapped[str]
    language: Mapped[str]
    body: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MessageTemplate(Model):
    """A template that Meta has approved: the only thing that may be sent once the window is closed.

    `body` has Meta's numbered places: {{1}}, {{2}}, …
    """

    __tablename__ = "message_templates"
    __table_args__ = (UniqueConstraint("hotel_id", "name", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    name: Mapped[str]
    language: Mapped[str]
    body: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class EarlyStatus(Model):
    """The furthest status heard of a message that we do not know by that wamid (yet)."""

    __tablename__ = "early_statuses"

    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"), primary_key=True)
    wamid: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    occurred_at: Mapped[datetime | None]
    error_code: Mapped[int | None]
    error_text: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Session(Model):
    """The dialogue's state with a time to live; one live session per conversation."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("idx_sessions_sender_updated", "sender_id", text("last_activity DESC")),
        Index("idx_sessions_created_brin", "created_at", postgresql_using="brin"),
        Index("idx_sessions_id_hash", "id", postgresql_using="hash"),
        Index("ix_sessions_conversation_id", "conversation_id"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    sender_id: Mapped[str]
    state: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    last_activity: Mapped[datetime] = mapped_column(server_default=func.now())


class GuestRequest(Model):
    """Something that people of the hotel are asked to do; `kind` as conversations/guest_requests.py has them.

    `request_key` names the message that asked, so that answering it again asks once. Somebody is at it once
    `started_at` is set; `assigned_to` is whose it is.
    """

    __tablename__ = "guest_requests"
    __table_args__ = (
        UniqueConstraint("conversation_id", "request_key"),
        CheckConstraint("status in ('open', 'done', 'cancelled')", name="status"),
        Index("ix_guest_requests_open", "hotel_id", "id", postgresql_where=text("status = 'open'")),
        Index("ix_guest_requests_settled", "hotel_id", "closed_at", postgresql_where=text("status <> 'open'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservations.id", ondelete="SET NULL"))
    request_key: Mapped[str]
    kind: Mapped[str]
    words: Mapped[str] = mapped_column(server_default="")
    room: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="open")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    started_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class MissingAnswer(Model):
    """A question that the hotel's texts do not answer, for a colleague to fill in: the guest is told then.

    `topic` is the intent that was understood, if any.
    """

    __tablename__ = "missing_answers"
    __table_args__ = (
        UniqueConstraint("conversation_id", "request_key"),
        CheckConstraint("status in ('open', 'answered', 'dismissed')", name="status"),
        Index("ix_missing_answers_open", "hotel_id", "id", postgresql_where=text("status = 'open'")),
        Index("ix_missing_answers_hotel_id", "hotel_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    request_key: Mapped[str]
    question: Mapped[str]
    topic: Mapped[str | None]
    language: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="open")
    answer: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class Feedback(Model):
    """What a guest thinks of their stay; `rating` is 1 to 5 where they gave one."""

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("conversation_id", "request_key"),
        CheckConstraint("rating between 1 and 5", name="rating"),
        Index("ix_feedback_hotel_id", "hotel_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    guest_id: Mapped[int] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"), index=True)
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservations.id", ondelete="SET NULL"))
    request_key: Mapped[str]
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    words: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ProactiveMessage(Model):
    """That a booking has had its message of a kind, or will never have it, as `outcome` says; at most one of each."""

    __tablename__ = "proactive_messages"
    __table_args__ = (
        UniqueConstraint("reservation_id", "kind"),
        Index("ix_proactive_messages_hotel_id", "hotel_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservations.id", ondelete="CASCADE"))
    kind: Mapped[str]
    outcome: Mapped[str]
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id", ondelete="SET NULL"))
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Draft(Model):
    """What the agent proposes to say where the hotel wants a person to approve it; at most one open a conversation.

    `bubbles` are outgoing messages as rows keep them; `state` is the dialogue's once they are said, `state_before` as
    it was. `status`: open, sent, discarded, overtaken (a colleague wrote instead).
    """

    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint("status in ('open', 'sent', 'discarded', 'overtaken')", name="status"),
        Index("ix_drafts_hotel_id", "hotel_id", "created_at"),
        Index("uq_drafts_open", "conversation_id", unique=True, postgresql_where=text("status = 'open'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hotel_id: Mapped[int] = mapped_column(ForeignKey("hotels.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    language: Mapped[str]
    bubbles: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state_before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    answers_to: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(server_default="open")
    edited: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
