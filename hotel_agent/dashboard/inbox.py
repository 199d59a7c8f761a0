"""The list: who waits, why and how long. A listing costs the same few statements however many lines it has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from hotel_agent.dashboard import search
from hotel_agent.dashboard.chips import LOST_SEND, Facts, facts_of, lost_sends
from hotel_agent.dashboard.shapes import VIEWS, Line, Listing
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput
from hotel_agent.hotels.models import Hotel

PAGE = 25
MOST_PINNED = 20
# The agent answers within seconds: who waits longer than this waits for somebody.
AGENT_SHOULD_HAVE_ANSWERED = timedelta(minutes=2)
UNREADABLE = ("sticker", "unsupported", "unknown")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CURSOR = re.compile(r"-?[0-9]{1,18}(_-?[0-9]{1,18}){1,2}", re.ASCII)

AWAKE = "(c.status <> 'snoozed' or c.snoozed_until <= :now)"
WAITS = (
    "c.waiting_since is not null and c.status <> 'closed'"
    f" and (c.status = 'waiting' or c.waiting_since < :overdue) and {AWAKE}"
)
RECENT = "coalesce(c.last_message_at, c.created_at)"


@dataclass(frozen=True)
class View:
    """One way through the conversations: which ones, and the keys that order them, each by its name and column.

    A page ends with the keys of its last line, and the next begins behind them. `falling`: the largest first.
    """

    which: str
    keys: Mapping[str, str]
    falling: bool

    @property
    def order(self) -> str:
        return ", ".join(f"{column} desc" if self.falling else column for column in self.keys.values())

    @property
    def behind(self) -> str:
        columns, names = ", ".join(self.keys.values()), ", ".join(f":{name}" for name in self.keys)
        return f"({columns}) {'<' if self.falling else '>'} ({names})"


def _recent(which: str) -> View:
    return View(which, {"at": RECENT, "id": "c.id"}, falling=True)


BY_VIEW = {
    "waiting": View(WAITS, {"rank": "(not c.urgent)::int", "at": "c.waiting_since", "id": "c.id"}, falling=False),
    # Who waits longest first, then whoever wrote last.
    "mine": View(
        "c.assignee_id = :staff and c.status <> 'closed'",
        {
            "rank": f"case when {WAITS} then (not c.urgent)::int else 2 end",
            "place": (
                f"(extract(epoch from case when {WAITS} then c.waiting_since else {RECENT} end) * 1000000"
                f" * case when {WAITS} then 1 else -1 end)::bigint"
            ),
            "id": "c.id",
        },
        falling=False,
    ),
    "all": _recent("c.status <> 'closed'"),
    "agent": _recent("c.owner = 'agent' and c.status <> 'closed'"),
    "closed": _recent("c.status = 'closed'"),
}


def listing(hotel: Hotel, staff_id: int, view: str, query: str = "", after: str | None = None) -> Listing:
    """One page of a view, or what a search finds in all of them. Raises BadInput for an unknown view or cursor.

    A page behind the first one (`after`) has no pinned lines: they stand above the first.
    """
    if view not in VIEWS:
        raise BadInput("view", "There is no such view.")
    values = _values(hotel, staff_id)
    wanted = search.words_of(query)
    found: dict[int, str | None] = {}
    more = None
    if wanted:
        found = search.find(hotel, wanted)
        ids = list(found)
    else:
        ids, more = _page(view, values, after)
    pinned = [] if after else _pinned(view, bool(wanted), values, ids)
    more_pinned = len(pinned) > MOST_PINNED
    pinned = pinned[:MOST_PINNED]
    facts = facts_of(hotel, [*ids, *pinned])
    waiting, mine = db.session.execute(COUNTS, values).one()
    return Listing(
        view=view,
        query=query,
        pinned=_lines(pinned, facts),
        lines=_lines(ids, facts, found),
        more=more,
        more_pinned=more_pinned,
        waiting=waiting,
        mine=mine,
    )


def joined(first: Listing, following: Listing) -> Listing:
    """Two pages as one: a conversation that has moved between them is shown once."""
    shown = {line.id for line in first.lines}
    rest = tuple(line for line in following.lines if line.id not in shown)
    return replace(first, lines=(*first.lines, *rest), more=following.more)


def _values(hotel: Hotel, staff_id: int) -> dict[str, Any]:
    now = utcnow()
    return {
        "hotel": hotel.id,
        "staff": staff_id,
        "now": now,
        "overdue": now - AGENT_SHOULD_HAVE_ANSWERED,
        **lost_sends(now),
    }


def _page(name: str, values: dict[str, Any], after: str | None) -> tuple[list[int], str | None]:
    view = BY_VIEW[name]
    behind, keys = (f"and {view.behind}", _keys(view, after)) if after else ("", {})
    columns = ", ".join(f"{column} as {key}" for key, column in view.keys.items())
    rows = db.session.execute(
        text(
            f"select {columns} from conversations c where c.hotel_id = :hotel and {view.which} {behind}"
            f" order by {view.order} limit {PAGE + 1}"
        ),
        values | keys,
    ).all()
    more = _cursor(rows[PAGE - 1]) if len(rows) > PAGE else None
    return [row.id for row in rows[:PAGE]], more


def _cursor(row: Any) -> str:
    return "_".join(str((key - EPOCH) // MICROSECOND if isinstance(key, datetime) else key) for key in row)


def _keys(view: View, cursor: str) -> dict[str, Any]:
    numbers = [int(number) for number in cursor.split("_")] if CURSOR.fullmatch(cursor) else []
    if len(numbers) != len(view.keys):
        raise BadInput("after", "This page cannot be found.")
    keys: dict[str, Any] = dict(zip(view.keys, numbers, strict=True))
    if "at" in keys:
        try:
            keys["at"] = EPOCH + keys["at"] * MICROSECOND
        except OverflowError:
            raise BadInput("after", "This page cannot be found.") from None
    return keys


# Pinned: nobody's yet, or never arrived

PINNED = """
    with lost as (
        select distinct m.conversation_id as id from messages m where m.hotel_id = :hotel and {lost}),
    pinned as (
        select c.id, c.urgent, c.waiting_since from conversations c
        where c.hotel_id = :hotel and c.assignee_id is null and {nobodys}
        union
        select c.id, c.urgent, c.waiting_since from conversations c join lost on lost.id = c.id
        where c.hotel_id = :hotel and c.status <> 'closed' and {awake} and not ({listed}))
    select id from pinned order by not urgent, waiting_since nulls last, id limit {most}
"""


def _pinned(view: str, searching: bool, values: dict[str, Any], shown: Collection[int]) -> list[int]:
    """One more than fit, if there are so many, without those that are shown anyway.

    In the list of who waits, those who wait are below, if not on this page then on a later one.
    """
    all_waiting_listed = view == "waiting" and not searching
    statement = PINNED.format(
        lost=LOST_SEND,
        awake=AWAKE,
        nobodys="false" if all_waiting_listed else WAITS,
        listed=WAITS if all_waiting_listed else "false",
        most=len(shown) + MOST_PINNED + 1,
    )
    return [one for one in db.session.execute(text(statement), values).scalars() if one not in shown]


COUNTS = text(f"""
    select
        (select count(*) from conversations c where c.hotel_id = :hotel and {WAITS}),
        (select count(*) from conversations c where c.hotel_id = :hotel and {BY_VIEW["mine"].which})
""")


def _lines(
    ids: Iterable[int], facts: Mapping[int, Facts], found: Mapping[int, str | None] | None = None
) -> tuple[Line, ...]:
    """In that order; what has vanished since it was found is left out."""
    return tuple(_line(facts[one], (found or {}).get(one)) for one in ids if one in facts)


def _line(facts: Facts, found: str | None) -> Line:
    row, where = facts.row, facts.where
    author, last_type, last_text = row.last_message_author, row.last_message_type, row.last_message_text
    if row.asked_type:
        author, last_type, last_text = "guest", row.asked_type, row.asked_text
    return Line(
        id=row.id,
        name=row.name,
        phone=row.phone,
        room=where.rooms,
        arrives=where.arrives,
        text=words_beside(last_type, last_text),
        text_type=last_type,
        author=author,
        at=row.last_message_at,
        waiting_since=row.waiting_since,
        urgent=row.urgent,
        owner=row.owner,
        status=row.status,
        assignee_id=row.assignee_id,
        assignee=row.assignee,
        snoozed_until=row.snoozed_until if row.status == "snoozed" else None,
        chips=facts.chips,
        found=found,
        alarmed_at=row.last_inbound_at if row.urgent else None,
    )


def words_beside(message_type: str | None, body: str) -> str:
    """The words of a message beside its type: none where a body has only a sign for what a page names itself."""
    if body in ("📷 image", "🎬 video", "🎤 audio") or (message_type in UNREADABLE and body.startswith("[")):
        return ""
    return body
