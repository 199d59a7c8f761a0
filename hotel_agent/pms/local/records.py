"""Bookings of our own tables as every PMS tells of its own: who arrives, leaves and is in, and what has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Changes, GuestProfile, Record, RecordRoom, Stay
from hotel_agent.pms.local.booking import LAST_CLAIMS

PAGE = 200
_CURSOR = re.compile(r"(all|since) (\d{4}-\d\d-\d\dT[\d:.]{8,15}[+-]\d\d:\d\d) (\d{1,18})")

# Until then everything that has changed can be seen: whoever is still at it began later than this, or writes later.
# `statement_timestamp` is before the look at the others, so that nobody can begin and write in between.
SETTLED = text("""
    select least(statement_timestamp(), min(xact_start)) from pg_stat_activity
    where datname = current_database() and backend_xid is not null
""")


def arrivals(hotel: Hotel, day: date) -> tuple[Record, ...]:
    return _records(hotel, "b.check_in = :day and b.status <> 'cancelled'", {"day": day})


def departures(hotel: Hotel, day: date) -> tuple[Record, ...]:
    return _records(hotel, "b.check_out = :day and b.status not in ('cancelled', 'no_show')", {"day": day})


def in_house(hotel: Hotel) -> tuple[Record, ...]:
    return _records(hotel, "b.status = 'in_house'", {})


def guest(hotel: Hotel, code: str) -> GuestProfile | None:
    """Who made a booking; the number that they write from is their phone."""
    row = db.session.execute(
        text(
            "select b.guest_name, g.language, (select i.value from guest_identities i where i.guest_id = g.id"
            " and i.kind = 'phone' and i.retired_at is null order by i.id limit 1) as phone"
            " from reservations b left join guests g on g.id = b.guest_id where b.hotel_id = :hotel and b.code = :code"
        ),
        {"hotel": hotel.id, "code": code},
    ).first()
    if row is None:
        return None
    return GuestProfile(row.guest_name, phone=f"+{row.phone}" if row.phone else "", language=row.language or "")


def changes_since(hotel: Hotel, cursor: str) -> Changes:
    """The cursor is the time until which everything is told and the last row of it, or, on the way through everything
    that is not over, the time at which that began. One that is none of ours begins anew."""
    settled = db.session.execute(SETTLED).scalar_one()
    kind, at, last = _read_cursor(cursor, settled)
    if kind == "all":
        return _everything(hotel, at, last)
    rows = _rows(
        hotel,
        "(b.changed_at, b.id) > (:at, :last)",
        {"at": at, "last": last},
        order=f"b.changed_at, b.id limit {PAGE}",
    )
    at, last = min(max((row.changed_at, row.id) for row in rows), (settled, 0)) if rows else (max(at, settled), 0)
    more = len(rows) == PAGE and at < settled
    return Changes(_told(rows), f"since {at.isoformat()} {last}", utcnow(), more)


def _everything(hotel: Hotel, began: datetime, last: int) -> Changes:
    rows = _rows(
        hotel,
        "b.status in ('pending', 'booked', 'in_house') and (b.check_out >= :today or b.status = 'in_house')"
        " and b.id > :last",
        {"today": hotel.today(), "last": last},
        order=f"b.id limit {PAGE}",
    )
    more = len(rows) == PAGE
    cursor = f"all {began.isoformat()} {rows[-1].id}" if more else f"since {began.isoformat()} 0"
    return Changes(_told(rows), cursor, utcnow(), more)


def _read_cursor(cursor: str, settled: datetime) -> tuple[str, datetime, int]:
    found = _CURSOR.fullmatch(cursor)
    return (found[1], datetime.fromisoformat(found[2]), int(found[3])) if found else ("all", settled, 0)


def _records(hotel: Hotel, condition: str, values: Mapping[str, Any]) -> tuple[Record, ...]:
    return _told(_rows(hotel, condition, values, order="b.check_in, b.id"))


def _rows(hotel: Hotel, condition: str, values: Mapping[str, Any], order: str) -> Sequence[Any]:
    return db.session.execute(
        text(
            "select b.id, b.code, b.status, b.guest_name, b.check_in, b.check_out, b.adults, b.children, b.total,"
            f" b.currency, b.changed_at from reservations b where b.hotel_id = :hotel and {condition} order by {order}"
        ),
        {"hotel": hotel.id, **values},
    ).all()


def _told(rows: Sequence[Any]) -> tuple[Record, ...]:
    rooms = _rooms([row.id for row in rows]) if rows else {}
    return tuple(
        Record(
            pms_id=row.code,
            code=row.code,
            status=row.status,
            guest_name=row.guest_name,
            stay=Stay(row.check_in, row.check_out),
            adults=row.adults,
            children=row.children,
            rooms=tuple(_room(row, claim) for claim in rooms.get(row.id, ())),
            total=row.total,
            currency=row.currency,
        )
        for row in rows
    )


def _rooms(ids: list[int]) -> dict[int, list[Any]]:
    """The claims of each booking; of one that has none any more, those that it had last."""
    rows = db.session.execute(
        text(
            "select l.reservation_id, l.status, l.check_in, l.check_out, r.number, t.code from reservation_locks l"
            f" join rooms r on r.id = l.resource_id join room_types t on t.id = r.room_type_id where {LAST_CLAIMS}"
            " order by t.position, length(r.number), r.number"
        ),
        {"ids": ids},
    ).all()
    live = {row.reservation_id for row in rows if row.status == "booked"}
    found: dict[int, list[Any]] = {}
    for row in rows:
        if row.status == "booked" or row.reservation_id not in live:
            found.setdefault(row.reservation_id, []).append(row)
    return found


def _room(row: Any, claim: Any) -> RecordRoom:
    own = (claim.check_in, claim.check_out) == (row.check_in, row.check_out)
    return RecordRoom(claim.code, claim.number, None if own else Stay(claim.check_in, claim.check_out))
