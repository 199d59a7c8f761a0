"""One conversation: what stands above it, and what was said and done in it.

Messages stand in the order in which they came to us, which never puts a reply before its question, whatever the
clocks say; the time shown is the guest's. Only what a guest wrote in one go, with nothing in between, stands in the
order of Meta's times. Notes and events are put between the messages by their time. Reactions, edits and deletions
change the bubble they are about and are none themselves; what was cancelled was never sent and is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import text

from hotel_agent.assets import own_file
from hotel_agent.conversations.models import WINDOW
from hotel_agent.dashboard.chips import facts_of
from hotel_agent.dashboard.inbox import words_beside
from hotel_agent.dashboard.shapes import Attachment, Bubble, Choice, Event, Head, Item, Note, Quote, Thread
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.media.showing import attachments_of

LATEST = 2**63 - 1
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CURSOR = re.compile(r"([0-9]{1,19})_(-?[0-9]{1,18})_([0-9]{1,19})", re.ASCII)
QUOTED_LENGTH = 160
MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
MAY = {"failed": ("retry",), "unknown": ("resend",)}


def head(hotel: Hotel, conversation_id: int) -> Head:
    """Raises NotFound for a conversation of another hotel."""
    facts = facts_of(hotel, [conversation_id]).get(conversation_id)
    if facts is None:
        raise NotFound(f"conversation {conversation_id}")
    row = facts.row
    return Head(
        id=row.id,
        hotel_id=hotel.id,
        guest_id=row.guest_id,
        name=row.name,
        phone=row.phone,
        channel=row.channel,
        language=row.language,
        owner=row.owner,
        status=row.status,
        assignee_id=row.assignee_id,
        assignee=row.assignee,
        waiting_since=row.waiting_since,
        urgent=row.urgent,
        snoozed_until=row.snoozed_until if row.status == "snoozed" else None,
        window_closes_at=row.last_inbound_at + WINDOW if row.last_inbound_at else None,
        opted_out=row.opted_out_at is not None,
        chips=facts.chips,
    )


@dataclass(frozen=True)
class Place:
    """Where the items before it end: the message, and the event by its time and id."""

    message_id: int = LATEST
    at: datetime = END_OF_TIME
    event_id: int = LATEST

    @classmethod
    def read(cls, cursor: str) -> Place:
        match = CURSOR.fullmatch(cursor)
        try:
            if match:
                return cls(int(match[1]), EPOCH + int(match[2]) * MICROSECOND, int(match[3]))
        except OverflowError:
            pass
        raise BadInput("before", "This part of the conversation cannot be found.")

    def __str__(self) -> str:
        return f"{self.message_id}_{(self.at - EPOCH) // MICROSECOND}_{self.event_id}"


EXISTS = text("select 1 from conversations where id = :conversation and hotel_id = :hotel")
# An edit or a deletion of what we never had is all that is known of it.
MESSAGES = text("""
    select m.id, m.created_at, m.sent_at, m.direction, m.author, m.staff_id, m.wamid, m.type, m.body, m.payload,
        m.status, m.handling, m.error_code, m.error_text
    from messages m
    where m.hotel_id = :hotel and m.conversation_id = :conversation and m.id < :message and m.status <> 'cancelled'
        and case
            when m.type = 'reaction' then false
            when m.type in ('edit', 'revoke') then not exists (
                select from message_ids i
                where i.hotel_id = m.hotel_id and i.wamid = m.payload -> m.type ->> 'original_message_id')
            else true end
    order by m.id desc limit :limit
""")
EVENTS = text("""
    select e.id, e.at, e.kind, e.staff_id, e.body, e.details from conversation_events e
    where e.hotel_id = :hotel and e.conversation_id = :conversation and (e.at, e.id) < (:at, :event)
    order by e.at desc, e.id desc limit :limit
""")


def thread(hotel: Hotel, conversation_id: int, before: str | None = None, limit: int = 30) -> Thread:
    """The latest items, or those before a cursor. Raises NotFound for another hotel's, BadInput for no cursor."""
    place = Place.read(before) if before else Place()
    keys = {"hotel": hotel.id, "conversation": conversation_id}
    if db.session.scalar(EXISTS, keys) is None:
        raise NotFound(f"conversation {conversation_id}")
    one_more = {"limit": limit + 1}
    messages = db.session.execute(MESSAGES, keys | one_more | {"message": place.message_id}).all()
    events = db.session.execute(EVENTS, keys | one_more | {"at": place.at, "event": place.event_id}).all()
    merged = list(_merged(messages[::-1], events[::-1]))
    shown = merged[-limit:]
    told = _told(hotel, conversation_id, shown)
    items = tuple(_item(row, told) for row in _as_written(shown))
    return Thread(items, str(_before(shown, place)) if len(merged) > limit else None)


def _is_message(row: Any) -> bool:
    return hasattr(row, "direction")


def _merged(messages: Sequence[Any], events: Sequence[Any]) -> Iterator[Any]:
    """Both oldest first. A message counts as no earlier than those before it, should a clock have gone back."""
    left = list(events)
    at = EPOCH
    for message in messages:
        at = max(at, message.created_at)
        while left and left[0].at <= at:
            yield left.pop(0)
        yield message
    yield from left


def _before(shown: Sequence[Any], place: Place) -> Place:
    first_message = next((row for row in shown if _is_message(row)), None)
    first_event = next((row for row in shown if not _is_message(row)), None)
    return Place(
        first_message.id if first_message else place.message_id,
        first_event.at if first_event else place.at,
        first_event.id if first_event else place.event_id,
    )


def _as_written(rows: Iterable[Any]) -> Iterator[Any]:
    for from_guest, run in groupby(rows, lambda row: _is_message(row) and row.direction == "in"):
        together = list(run)
        if from_guest:
            together.sort(key=lambda row: (row.sent_at or row.created_at, row.id))
        yield from together


# What the rows refer to

MARKS = text("""
    select m.type, m.body, m.payload from messages m
    where m.hotel_id = :hotel and m.conversation_id = :conversation and m.type in ('reaction', 'edit', 'revoke')
    order by m.id
""")
QUOTED = text("""
    select m.id, m.wamid, m.author, m.direction, m.body, m.type, m.payload
    from message_ids i join messages m on m.id = i.message_id and m.created_at = i.message_created_at
    where i.hotel_id = :hotel and i.wamid = any(:wamids) and m.conversation_id = :conversation
""")
NAMES = text("select id, coalesce(nullif(name, ''), email) as name from staff where id = any(:staff)")


@dataclass(frozen=True)
class Told:
    """What the items of one page refer to, each by the id or wamid under which they do."""

    names: Mapping[int, str]
    quotes: Mapping[str, Quote]
    attachments: Mapping[int, tuple[Attachment, ...]]
    reactions: Mapping[str, str | None]
    edits: Mapping[str, str]
    revoked: frozenset[str]


def _told(hotel: Hotel, conversation_id: int, shown: Sequence[Any]) -> Told:
    """One statement for each kind of reference that occurs."""
    keys = {"hotel": hotel.id, "conversation": conversation_id}
    messages = [row for row in shown if _is_message(row)]
    marks = db.session.execute(MARKS, keys).all() if messages else []
    quoted = {wamid for row in messages if (wamid := _quoted(row))}
    rows = db.session.execute(QUOTED, keys | {"wamids": sorted(quoted)}) if quoted else ()
    return Told(
        names=_names(shown),
        quotes={row.wamid: _quote(row) for row in rows},
        attachments=attachments_of([row.id for row in messages if row.type in MEDIA_TYPES]),
        reactions={
            target: _text(mark.payload, "reaction", "emoji")
            for mark in marks
            if mark.type == "reaction" and (target := _text(mark.payload, "reaction", "message_id"))
        },
        edits={
            target: words
            for mark in marks
            if mark.type == "edit" and (target := _original(mark)) and (words := mark.body.removeprefix("✏️").strip())
        },
        revoked=frozenset(target for mark in marks if mark.type == "revoke" and (target := _original(mark))),
    )


def _names(shown: Iterable[Any]) -> dict[int, str]:
    staff = {row.staff_id for row in shown if row.staff_id}
    staff |= {one for row in shown if not _is_message(row) for one in _colleagues(row.details).values()}
    rows = db.session.execute(NAMES, {"staff": sorted(staff)}) if staff else ()
    return {row.id: row.name for row in rows}


def _colleagues(details: Mapping[str, Any]) -> dict[str, int]:
    """Whose an event says the conversation was, or is."""
    return {name: details[name] for name in ("from", "to") if isinstance(details.get(name), int)}


def _quoted(row: Any) -> str | None:
    return _text(row.payload, "context", "id")


def _original(mark: Any) -> str | None:
    return _text(mark.payload, mark.type, "original_message_id")


def _text(payload: Mapping[str, Any], *path: str) -> str | None:
    """The words at the end of a path, which Meta may have filled with anything."""
    value: Any = payload
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None


def _quote(row: Any) -> Quote:
    words = " ".join(_words(row).split())
    return Quote(row.id, row.author, words if len(words) <= QUOTED_LENGTH else f"{words[:QUOTED_LENGTH]}…", row.type)


# Items


def _item(row: Any, told: Told) -> Item:
    if _is_message(row):
        return _bubble(row, told)
    name = told.names.get(row.staff_id)
    if row.kind == "note":
        return Note(row.id, row.at, name, row.body)
    colleagues = {key: told.names.get(staff_id) for key, staff_id in _colleagues(row.details).items()}
    return Event(row.id, row.at, row.kind, name, {**row.details, **colleagues})


def _bubble(row: Any, told: Told) -> Bubble:
    revoked = row.wamid in told.revoked
    edited = told.edits.get(row.wamid) if not revoked else None
    return Bubble(
        id=row.id,
        at=row.sent_at or row.created_at if row.direction == "in" else row.created_at,
        direction=row.direction,
        author=row.author,
        staff_name=told.names.get(row.staff_id),
        type="revoke" if revoked else row.type,
        text="" if revoked else edited or _words(row),
        status=row.status,
        handling=row.handling,
        choices=_choices(row.payload),
        location=None if revoked else _location(row),
        picture=_picture(row),
        quote=told.quotes.get(_quoted(row) or ""),
        attachments=() if revoked else told.attachments.get(row.id, ()),
        reaction=told.reactions.get(row.wamid),
        edited=edited is not None,
        error_code=row.error_code,
        error_text=row.error_text,
        can=MAY.get(row.status, ()),
    )


def _words(row: Any) -> str:
    """What was said in words: none where the body only names the picture, the file or the place."""
    if row.type in MEDIA_TYPES:
        return row.body if row.direction == "out" else _text(row.payload, row.type, "caption") or ""
    if row.type == "revoke" or (row.type == "location" and _location(row)):
        return ""
    if row.type == "edit":
        return str(row.body).removeprefix("✏️").strip()
    return words_beside(row.type, row.body)


def _choices(payload: Mapping[str, Any]) -> tuple[Choice, ...]:
    outgoing = payload.get("outgoing") or {}
    offered = outgoing.get("buttons") or outgoing.get("rows") or ()
    return tuple(Choice(one["title"], one.get("description")) for one in offered)


def _picture(row: Any) -> str | None:
    """Of a picture that was sent by its address: what leads there from a page, a path where the file is ours."""
    outgoing = row.payload.get("outgoing") or {}
    link = outgoing.get("link") if row.type == "image" and row.direction == "out" else None
    ours = own_file(link) if link else None
    return f"/static/{ours}" if ours else link


def _location(row: Any) -> tuple[float, float, str | None, str | None] | None:
    place = row.payload.get("outgoing" if row.direction == "out" else "location")
    if row.type != "location" or not isinstance(place, dict):
        return None
    try:
        point = float(place["latitude"]), float(place["longitude"])
    except (KeyError, TypeError, ValueError):
        return None
    return (*point, _text(place, "name"), _text(place, "address"))
