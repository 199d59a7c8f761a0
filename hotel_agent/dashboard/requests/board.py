"""The requests of a hotel's guests by how far they are: new, in progress, and settled today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import text

from hotel_agent.conversations.models import WINDOW
from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel

# Who has more than this to do works through what there is and looks again.
MOST = 100


@dataclass(frozen=True)
class Card:
    """One request. `untold`: the window is closed, so that the guest would not hear that it is done."""

    id: int
    conversation_id: int
    kind: str
    words: str
    room: str | None
    status: str
    guest_id: int
    guest: str | None
    vip: bool
    opted_out: bool
    created_at: datetime
    started_at: datetime | None
    closed_at: datetime | None
    assignee_id: int | None
    assignee: str | None
    closer: str | None
    untold: bool


@dataclass(frozen=True)
class Board:
    """`counts` are of all that is open, by kind, whatever is filtered; `cut` where more is there than is shown."""

    new: tuple[Card, ...]
    doing: tuple[Card, ...]
    settled: tuple[Card, ...]
    counts: dict[str, int]
    cut: bool

    @property
    def open(self) -> int:
        return sum(self.counts.values())


_SHOWN = """
    select q.id, q.conversation_id, q.kind, q.words, q.room, q.status, q.guest_id, g.name as guest, g.vip,
        g.opted_out_at is not null as opted_out,
        q.created_at, q.started_at, q.closed_at, q.assigned_to as assignee_id,
        coalesce(nullif(a.name, ''), a.email) as assignee, coalesce(nullif(b.name, ''), b.email) as closer,
        c.channel = 'whatsapp' and coalesce(c.last_inbound_at, '-infinity') < :window as untold
    from guest_requests q
    join guests g on g.id = q.guest_id
    join conversations c on c.id = q.conversation_id
    left join staff a on a.id = q.assigned_to
    left join staff b on b.id = q.closed_by
    where q.hotel_id = :hotel and (cast(:kind as text) is null or q.kind = :kind)
        and (cast(:mine as integer) is null or q.assigned_to = :mine)
"""
_OPEN = text(f"{_SHOWN} and q.status = 'open' order by q.created_at, q.id limit :most")
_SETTLED = text(
    f"{_SHOWN} and q.status <> 'open' and q.closed_at >= :since order by q.closed_at desc, q.id desc limit :most"
)
_COUNTS = text(
    "select kind, count(*) as open from guest_requests where hotel_id = :hotel and status = 'open' group by kind"
)


def board(hotel: Hotel, kind: str | None = None, mine: int | None = None) -> Board:
    """In three statements. The longest open first, the last settled first; `mine` is somebody's own."""
    given = {"hotel": hotel.id, "kind": kind, "mine": mine, "most": MOST + 1, "window": utcnow() - WINDOW}
    counts = {row.kind: row.open for row in db.session.execute(_COUNTS, {"hotel": hotel.id})}
    waiting = _cards(db.session.execute(_OPEN, given))
    settled = _cards(db.session.execute(_SETTLED, given | {"since": _midnight(hotel)}))
    return Board(
        new=tuple(card for card in waiting[:MOST] if card.started_at is None),
        doing=tuple(card for card in waiting[:MOST] if card.started_at is not None),
        settled=settled[:MOST],
        counts=counts,
        cut=len(waiting) > MOST or len(settled) > MOST,
    )


def _cards(rows: Iterable[Any]) -> tuple[Card, ...]:
    return tuple(Card(**row._mapping) for row in rows)


def _midnight(hotel: Hotel) -> datetime:
    """When the hotel's day began."""
    return datetime.combine(hotel.today(), time(), hotel.zone).astimezone(UTC)
