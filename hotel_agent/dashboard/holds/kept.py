"""Every hold of the last days with its trail, whoever it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from hotel_agent.dashboard.shapes import HoldLine
from hotel_agent.dashboard.stay import HOLDS_TOLD, hold_line, holds_where, was_kept
from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel

MOST = 200
# By the trail, which knows when they began; a hold lasts for minutes.
HOLDS = holds_where("""
    l.hold_key in (
        select a.hold_key from lock_audit a where a.hotel_id = :hotel and a.at >= :since and a.action = 'held'
        group by a.hold_key order by max(a.at) desc limit :most)
""")
GUESTS = text("""
    select g.id, coalesce(g.name, '') as name, g.vip, g.opted_out_at is not null as opted_out, (
        select c.id from conversations c where c.guest_id = g.id
        order by c.last_inbound_at desc nulls last, c.id desc limit 1) as conversation_id
    from guests g where g.hotel_id = :hotel and g.id = any(:guests)
""")


@dataclass(frozen=True)
class Kept:
    """A hold and whom it is for; `guest` is None where nobody knows any more."""

    hold: HoldLine
    guest: Any


@dataclass(frozen=True)
class Board:
    """`live`, the first to end first; `over`, the last first. `is_cut`: there were more."""

    live: tuple[Kept, ...]
    over: tuple[Kept, ...]
    is_cut: bool
    span: timedelta


def board(hotel: Hotel, language: str) -> Board:
    since = utcnow() - HOLDS_TOLD
    rows = db.session.execute(HOLDS, {"hotel": hotel.id, "since": since, "most": MOST}).all()
    guests = _guests(hotel, {row.guest_id for row in rows if row.guest_id})
    live = tuple(_kept(row, hotel, language, guests) for row in rows if row.is_live)
    over = sorted(
        (_kept(row, hotel, language, guests) for row in rows if was_kept(row)),
        key=lambda kept: kept.hold.trail[-1].at,
        reverse=True,
    )
    return Board(live, tuple(over), len(rows) >= MOST, HOLDS_TOLD)


def _guests(hotel: Hotel, ids: set[int]) -> Mapping[int, Any]:
    rows = db.session.execute(GUESTS, {"hotel": hotel.id, "guests": sorted(ids)})
    return {row.id: row for row in rows}


def _kept(row: Any, hotel: Hotel, language: str, guests: Mapping[int, Any]) -> Kept:
    return Kept(hold_line(row, hotel, language), guests.get(row.guest_id))
