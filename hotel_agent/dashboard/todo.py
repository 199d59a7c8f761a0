"""What a guest still waits for: requests to be done and questions to be answered, beside the thread."""

from __future__ import annotations

from sqlalchemy import text

from hotel_agent.dashboard.shapes import Todo
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


def todo_of(conversation_id: int) -> tuple[Todo, ...]:
    """The oldest first, in one statement. Whose conversation it is has been looked at before."""
    rows = db.session.execute(_OPEN, {"conversation": conversation_id, "most": MOST})
    return tuple(Todo(row.what, row.id, row.kind, row.words, row.room, row.created_at, row.replied) for row in rows)
