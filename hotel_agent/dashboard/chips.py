"""Why somebody should look at a conversation: the facts about many of them in two statements, and their chips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from hotel_agent.config import settings
from hotel_agent.conversations.models import WINDOW
from hotel_agent.dashboard.shapes import Chip
from hotel_agent.dashboard.stay import NOWHERE, Whereabouts, whereabouts
from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel

WINDOW_CLOSING = timedelta(hours=2)
HOLD_EXPIRING = timedelta(minutes=5)
# What failed to be sent longer ago than this was dealt with in another way, or nobody ever will.
LOST_SENDS_COUNT = timedelta(days=7)

# Every reason for which a conversation waits (`hand_over`), and how loudly to say it; any other one is a warning.
ALARMS = (
    "emergency",
    "medical",
    "minors",
    "legal",
    "payment",
    "complaint",
    "pms_failed",
    "room_conflict",
    "cancelled_there",
    "send_failed",
    "send_unknown",
    "agent_failed",
)
WARNINGS = (
    "human",
    "problem",
    "draft",
    "question",
    "unsure",
    "window_closed",
    "window_closing",
    "hold_expiring",
    "change",
    "request",
    "lost_item",
    "invoice",
    "data_request",
    "feedback",
    "media",
    "unreadable",
    "too_old",
    "booking_off",
    "agent_off",
    "opted_out",
)
CALM = ("guest_wrote", "vip", "returning", "arriving", "in_house", "leaving", "language")
TONES = dict.fromkeys(ALARMS, "alarm") | dict.fromkeys(WARNINGS, "warn") | dict.fromkeys(CALM, "calm")
ORDER = {kind: place for place, kind in enumerate((*ALARMS, *WARNINGS, "", *CALM))}


@dataclass(frozen=True)
class Facts:
    """What the list and the head know of one conversation: `row` is of FACTS."""

    row: Any
    where: Whereabouts
    chips: tuple[Chip, ...]


# A send is lost when it failed, or nobody has heard of it for so long that staff are told, and no colleague has
# written to the guest since. `m` is the message.
LOST_SEND = (
    "m.status in ('failed', 'unknown') and m.created_at >= :lost_after"
    " and (m.status = 'failed' or coalesce(m.sending_at, m.created_at) < :unknown_before)"
    " and not exists (select from messages n where n.conversation_id = m.conversation_id and n.id > m.id"
    " and n.author = 'staff' and n.status in ('sent', 'delivered', 'read'))"
)
# `asked`: who waits is told by what they asked, not by what the agent said to them meanwhile.
FACTS = text(f"""
    select c.id, c.guest_id, c.channel, c.owner, c.status, c.urgent, c.waiting_since, c.waiting_reason,
        c.waiting_reasons, c.assignee_id, c.snoozed_until, c.last_message_at, c.last_message_author,
        c.last_message_type, c.last_message_text, c.last_inbound_at, c.created_at,
        coalesce(c.language, g.language) as language, g.name, g.vip, g.opted_out_at,
        coalesce(nullif(s.name, ''), s.email) as assignee,
        lost.failed, lost.unknown, asked.type as asked_type, asked.body as asked_text,
        (select i.wire from guest_identities i
            where i.guest_id = c.guest_id and i.kind = 'phone' and i.retired_at is null
            order by i.id limit 1) as phone,
        least((select min(l.expires_at) from reservation_locks l
                where l.guest_id = c.guest_id and l.status = 'active' and l.expires_at > :now),
            (select min(h.expires_at) from pms_holds h
                where h.guest_id = c.guest_id and h.status = 'active' and h.expires_at > :now)) as hold_expires_at
    from conversations c
    join guests g on g.id = c.guest_id
    left join staff s on s.id = c.assignee_id
    left join lateral (
        select count(*) filter (where m.status = 'failed') as failed,
            count(*) filter (where m.status = 'unknown') as unknown
        from messages m
        where m.hotel_id = c.hotel_id and m.conversation_id = c.id and {LOST_SEND}
    ) lost on true
    left join lateral (
        select m.type, left(m.body, 200) as body from messages m
        where c.waiting_since is not null and c.last_message_author in ('agent', 'automatic')
            and m.hotel_id = c.hotel_id and m.conversation_id = c.id and m.direction = 'in'
            and m.type not in ('reaction', 'edit', 'revoke') and m.created_at >= c.waiting_since - interval '1 hour'
        order by m.id desc limit 1
    ) asked on true
    where c.hotel_id = :hotel and c.id = any(:ids)
""")


def lost_sends(now: datetime) -> dict[str, datetime]:
    """The bounds within which a send counts as lost."""
    return {
        "lost_after": now - LOST_SENDS_COUNT,
        "unknown_before": now - timedelta(seconds=settings().unknown_send_seconds),
    }


def facts_of(hotel: Hotel, conversation_ids: Iterable[int]) -> dict[int, Facts]:
    """By conversation, those of the hotel only; two statements however many there are."""
    now, ids = utcnow(), sorted(set(conversation_ids))
    if not ids:
        return {}
    rows = db.session.execute(FACTS, {"hotel": hotel.id, "ids": ids, "now": now} | lost_sends(now)).all()
    where = whereabouts(hotel, [row.guest_id for row in rows])
    return {row.id: _facts(hotel, row, where.get(row.guest_id, NOWHERE), now) for row in rows}


def _facts(hotel: Hotel, row: Any, where: Whereabouts, now: datetime) -> Facts:
    first: dict[str, Chip] = {}
    for chip in (*_of_sends(row), *_of_waiting(row), *_of_clocks(row, now), *_of_guest(hotel, row, where)):
        first.setdefault(chip.kind, chip)
    return Facts(row, where, tuple(sorted(first.values(), key=lambda chip: ORDER.get(chip.kind, ORDER[""]))))


def _chip(kind: str, detail: str = "", until: datetime | None = None) -> Chip:
    return Chip(kind, TONES.get(kind, "warn"), detail, until)


def _of_sends(row: Any) -> Iterator[Chip]:
    if row.failed:
        yield _chip("send_failed", str(row.failed))
    if row.unknown:
        yield _chip("send_unknown", str(row.unknown))


def _of_waiting(row: Any) -> Iterator[Chip]:
    for reason in row.waiting_reasons or filter(None, [row.waiting_reason]):
        yield _chip(reason)


def _of_clocks(row: Any, now: datetime) -> Iterator[Chip]:
    """The window matters where something is owed, a hold while it can still be saved."""
    if row.channel == "whatsapp" and row.last_inbound_at and is_owed(row):
        closes_at = row.last_inbound_at + WINDOW
        if closes_at <= now:
            yield _chip("window_closed")
        elif closes_at - now < WINDOW_CLOSING:
            yield _chip("window_closing", until=closes_at)
    if row.hold_expires_at and row.hold_expires_at - now < HOLD_EXPIRING:
        yield _chip("hold_expiring", until=row.hold_expires_at)


def is_owed(row: Any) -> bool:
    return bool(row.status != "closed" and (row.waiting_since or row.failed or row.unknown))


def _of_guest(hotel: Hotel, row: Any, where: Whereabouts) -> Iterator[Chip]:
    if row.vip:
        yield _chip("vip")
    if row.opted_out_at:
        yield _chip("opted_out")
    if where.returning:
        yield _chip("returning")
    if where.leaving:
        yield _chip("leaving")
    elif where.in_house:
        yield _chip("in_house")
    elif where.arrives == hotel.today():
        yield _chip("arriving")
    if row.language and row.language != hotel.language:
        yield _chip("language", row.language)
