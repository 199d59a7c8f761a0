"""One reservation with everything that is on record about it, whoever did it and wherever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.reservations.api import listing
from hotel_agent.reservations.api.listing import Kept

MOST = 200
ROW = text("""
    select r.id, r.guest_id, r.request_key is not null or h.id is not null as is_ours, r.net, r.tax, r.tax_percent,
        r.policy, r.pms_id, m.as_of, m.failed_since, coalesce(g.vip, false) as vip,
        g.opted_out_at is not null as opted_out, (
            select c.id from conversations c where c.guest_id = r.guest_id
            order by c.last_inbound_at desc nulls last, c.id desc limit 1) as conversation_id, (
            select array_agg(distinct x.number) from room_conflicts x where r.id in (x.reservation_id, x.other_id)
            ) as conflicts
    from reservations r
    left join guests g on g.id = r.guest_id
    left join pms_mirrors m on m.hotel_id = r.hotel_id
    left join lateral (select id from pms_holds where reservation_id = r.id limit 1) h on true
    where r.hotel_id = :hotel and r.code = :code
""")
# Of the guests of these reservations, what is to be known of them before anything else.
MARKS = text("""
    select r.code, g.vip, g.opted_out_at is not null
    from reservations r join guests g on g.id = r.guest_id
    where r.hotel_id = :hotel and r.code = any(:codes) and (g.vip or g.opted_out_at is not null)
""")
# What was changed, what became of its rooms, what a PMS was asked and what it did itself, and what colleagues did. The
# rooms of one hold go the same way, so that one of them tells.
STEPS = text("""
    with steps as (
        select c.at, 'changed' as what, '' as who, '' as why,
            jsonb_build_object('before', c.before, 'after', c.after) as details, c.id
        from reservation_changes c where c.reservation_id = :id
        union all
        select min(a.at), a.action, coalesce(min(s.name), min(a.actor)), min(a.why),
            jsonb_build_object('kind', 'room', 'rooms', count(distinct a.lock_id)), min(a.id)
        from lock_audit a left join staff s on a.actor = 'staff' and s.id = a.actor_id
        where a.hotel_id = :hotel and (a.lock_id, a.at_pms) in (
            select lock_id, at_pms from lock_audit where reservation_id = :id)
        group by a.hold_key, a.action, date_trunc('second', a.at)
        union all
        select w.created_at, 'write', '', w.why, jsonb_build_object('operation', w.operation, 'state', w.state), w.id
        from pms_writes w where w.reservation_id = :id
            or w.token in (select token from pms_holds where reservation_id = :id)
        union all
        select n.at, 'there', '', '', jsonb_build_object('before', n.before, 'after', n.after), n.id
        from pms_news n where n.reservation_id = :id
        union all
        select e.at, 'desk', coalesce(s.name, e.actor), '', jsonb_build_object('action', e.action, 'room',
            e.details -> 'room'), e.id
        from audit_log e left join staff s on s.id = e.staff_id
        where e.hotel_id = :hotel and e.subject = :code
    )
    select at, what, who, why, details from steps order by at, id limit :most
""")


@dataclass(frozen=True)
class Step:
    """`what`: changed, write (to a PMS), there (the PMS did it), desk, else an action of the trail of rooms."""

    at: datetime
    what: str
    who: str
    why: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """`is_ours`: booked with us, not at the desk. `as_of` and `away_since` are of the hotel's own PMS."""

    kept: Kept
    guest_id: int | None
    conversation_id: int | None
    vip: bool
    opted_out: bool
    is_ours: bool
    net: Decimal | None
    tax: Decimal | None
    tax_percent: Decimal | None
    conflicts: Sequence[str]
    as_of: datetime | None
    away_since: datetime | None
    steps: tuple[Step, ...]


def marks_of(hotel: Hotel, codes: Sequence[str]) -> dict[str, tuple[bool, bool]]:
    """(VIP, wants no offers) of whoever is one of them, by the booking's code."""
    rows = db.session.execute(MARKS, {"hotel": hotel.id, "codes": list(codes)})
    return {code: (vip, opted_out) for code, vip, opted_out in rows}


def story_of(hotel: Hotel, code: str) -> Story | None:
    """In few statements; None where this hotel has no such reservation."""
    kept = listing.find(hotel, code)
    if kept is None:
        return None
    row = db.session.execute(ROW, {"hotel": hotel.id, "code": kept.booking.code}).one()
    key = {"hotel": hotel.id, "code": kept.booking.code, "id": row.id, "most": MOST}
    steps = tuple(Step(*step) for step in db.session.execute(STEPS, key))
    is_far = hotel.pms != "local"
    return Story(
        kept=kept,
        guest_id=row.guest_id,
        conversation_id=row.conversation_id,
        vip=row.vip,
        opted_out=row.opted_out,
        is_ours=row.is_ours,
        net=row.net,
        tax=row.tax,
        tax_percent=row.tax_percent,
        conflicts=row.conflicts or (),
        as_of=row.as_of if is_far else None,
        away_since=row.failed_since if is_far else None,
        steps=steps,
    )
