"""Who answers a conversation: the agent, or a person of the hotel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import func, select, update

from hotel_agent.conversations import waiting
from hotel_agent.conversations.acting import in_own_transaction, locked_conversation
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.models import WINDOW, Conversation, Message
from hotel_agent.db import db, utcnow
from hotel_agent.staff.models import Staff


class _Anybody(Enum):
    ANY = "any"


ANY: Final = _Anybody.ANY


class TakenBySomebodyElse(Exception):
    """A colleague was faster; whoever has seen that may take over from them."""

    def __init__(self, name: str, staff_id: int) -> None:
        super().__init__(f"{name} has taken this conversation over.")
        self.name = name
        self.staff_id = staff_id


@dataclass(frozen=True)
class Taken:
    """Whose the conversation was: a colleague's (`before`), the agent's (`was_agents`), or already one's own."""

    before: int | None
    was_agents: bool
    already: bool = False


def take_over(conversation_id: int, by: int, seen_assignee: int | _Anybody | None = ANY, *, hotel_id: int) -> Taken:
    """A person answers from now on: the agent falls silent, what it had queued is cancelled.

    `seen_assignee` is whose it was on the screen of whoever takes it: when it has become somebody else's meanwhile,
    TakenBySomebodyElse. Raises NotFound.
    """

    def work() -> Taken:
        conversation = locked_conversation(hotel_id, conversation_id)
        before, was_agents = conversation.assignee_id, conversation.owner == "agent"
        if before == by and not was_agents:
            return Taken(before, was_agents, already=True)
        _refuse_if_overtaken(conversation, by, seen_assignee)
        become_staffs(conversation, by)
        if was_agents:
            leave_to_staff(conversation)
        if conversation.status in ("snoozed", "closed"):
            waiting.wake(conversation)
        return Taken(before, was_agents)

    return in_own_transaction(work)


def _refuse_if_overtaken(conversation: Conversation, by: int, seen_assignee: int | _Anybody | None) -> None:
    now = conversation.assignee_id
    if seen_assignee is not ANY and now is not None and now not in (by, seen_assignee):
        raise TakenBySomebodyElse(name_of(now), now)


def name_of(staff_id: int) -> str:
    row = db.session.execute(select(Staff.name, Staff.email).where(Staff.id == staff_id)).first()
    return (row.name or row.email) if row else ""


def become_staffs(conversation: Conversation, by: int) -> None:
    """The conversation is this colleague's, and what the agent had not said yet it does not say.

    In the caller's transaction, which also decides what becomes of the messages that the agent owed an answer: those
    are `pending`, also the ones whose answer is withheld now.
    """
    whose: dict[str, Any] = {"from": conversation.assignee_id}
    note_event(conversation, "taken_over", by, **whose)
    conversation.assignee_id = by
    if conversation.owner == "staff":
        return
    conversation.owner, conversation.answer_due_at = "staff", None
    withheld = db.session.scalars(
        update(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.direction == "out",
            Message.status == "queued",
            Message.author == "agent",
        )
        .values(status="cancelled")
        .returning(Message.answers_to)
    )
    owe_again(conversation, [answered for answered in withheld if answered])


def owe_again(conversation: Conversation, message_ids: Collection[int]) -> None:
    """The answer to these was withheld: they, and what was answered with them, wait again, unless more was said."""
    if not message_ids:
        return
    heard = (
        select(func.coalesce(func.max(func.coalesce(Message.answers_to, Message.id)), 0))
        .where(
            Message.conversation_id == conversation.id,
            Message.direction == "out",
            Message.status != "cancelled",
        )
        .scalar_subquery()
    )
    db.session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.handling == "answered",
            Message.id <= max(message_ids),
            Message.id > heard,
        )
        .values(handling="pending")
    )


def leave_to_staff(conversation: Conversation) -> None:
    """What the agent owed a person owes."""
    moved = db.session.scalars(
        update(Message)
        .where(Message.conversation_id == conversation.id, Message.handling == "pending")
        .values(handling="staff")
        .returning(func.coalesce(Message.sent_at, Message.created_at))
    )
    since = min(moved, default=None)
    if since:
        waiting.hand_over(conversation, waiting.GUEST_WROTE, since)


def give_back(conversation_id: int, by: int, seen_assignee: int | _Anybody | None = ANY, *, hotel_id: int) -> None:
    """The agent answers again, also what came in meanwhile and has no answer.

    Where a person was asked for or promised and none has answered since, the guest goes on waiting for one.
    `seen_assignee` is as for `take_over`: the agent must not talk over a colleague who has just taken it.
    Raises NotFound.
    """

    def work() -> None:
        conversation = locked_conversation(hotel_id, conversation_id)
        if conversation.owner == "agent":
            return
        _refuse_if_overtaken(conversation, by, seen_assignee)
        note_event(conversation, "given_back", by)
        conversation.owner, conversation.assignee_id = "agent", None
        if conversation.status == "snoozed":
            waiting.wake(conversation)
        if set(conversation.waiting_reasons) <= {waiting.GUEST_WROTE}:
            _let_the_agent_answer(conversation)

    in_own_transaction(work)


def _let_the_agent_answer(conversation: Conversation) -> None:
    """What nobody has answered is the agent's, unless the guest wrote it too long ago to be answered freely."""
    unanswered = (Message.conversation_id == conversation.id) & (Message.handling == "staff")
    if conversation.channel == "whatsapp":
        fresh = unanswered & (func.coalesce(Message.sent_at, Message.created_at) >= utcnow() - WINDOW)
        moved = db.session.execute(update(Message).where(fresh).values(handling="pending", attempts=0))
        if moved.rowcount:  # type: ignore[attr-defined]
            conversation.answer_due_at = utcnow()
    else:  # Whoever asked by the API has long gone.
        db.session.execute(update(Message).where(unanswered).values(handling="none"))
    waiting.drop_reasons(conversation, {waiting.GUEST_WROTE})
    since = db.session.scalar(select(func.min(func.coalesce(Message.sent_at, Message.created_at))).where(unanswered))
    if since:
        waiting.hand_over(conversation, "too_old", since)
