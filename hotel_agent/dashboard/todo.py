"""What a guest still waits for: requests to be done and questions to be answered, beside the thread."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from hotel_agent.channels.whatsapp.limits import Choice, OutButtons, OutList, OutMessage, Row
from hotel_agent.channels.whatsapp.outgoing import from_json, words_of
from hotel_agent.conversations import drafting
from hotel_agent.dashboard.shapes import Head, Proposal, Todo
from hotel_agent.db import db

# A guest who asks for more than this in one go is read in the thread.
MOST = 20

_OPEN = text("""
    select 'request' as what, id, kind, words, room, created_at, status, false as replied
    from guest_requests where conversation_id = :conversation and status = 'open'
    union all
    select 'question', q.id, coalesce(q.topic, ''), q.question, null, q.created_at, q.status, exists (
        select from messages m where m.conversation_id = q.conversation_id and m.hotel_id = q.hotel_id
            and m.author = 'staff' and m.created_at > q.created_at and m.status <> 'cancelled')
    from missing_answers q where q.conversation_id = :conversation and q.status = 'open'
    order by created_at, what desc, id
    limit :most
""")


def proposal_of(head: Head) -> Proposal | None:
    """What the agent proposes to say there; asks the database only where something is."""
    if not any(chip.kind == drafting.REASON for chip in head.chips):
        return None
    draft = drafting.open_of(head.id)
    if draft is None:
        return None
    bubbles = tuple(_bubble(from_json(kept)) for kept in draft.bubbles)
    return Proposal(draft.id, tuple(draft.topics), bubbles, draft.created_at)


def _bubble(bubble: OutMessage) -> tuple[str, tuple[str, ...]]:
    choices: Sequence[Choice | Row] = ()
    if isinstance(bubble, OutButtons | OutList):
        choices = bubble.buttons if isinstance(bubble, OutButtons) else bubble.rows
    return words_of(bubble), tuple(choice.title for choice in choices)


def todo_of(conversation_id: int) -> tuple[Todo, ...]:
    """The oldest first, in one statement. Whose conversation it is has been looked at before."""
    rows = db.session.execute(_OPEN, {"conversation": conversation_id, "most": MOST})
    return tuple(Todo(row.what, row.id, row.kind, row.words, row.room, row.created_at, row.replied) for row in rows)
