"""Who has which room on which night, from our own rows: a hotel's PMS is mirrored there, and is not asked here.

Nights are those after their day: a stay [check_in, check_out) has the nights from its arrival to the one before its
departure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import in_language

OWN_ROOMS = text("""
    select o.id, o.number, o.housekeeping, t.code as kind, t.names
    from rooms o join room_types t on t.id = o.room_type_id
    where o.hotel_id = :hotel
    order by t.position, t.id, length(o.number), o.number
""")
# Where rooms are ours every claim has one, and nothing overlaps but for a room that went out of order under a guest.
OWN_BARS = text("""
    with shown as (select cast(:first as date) as first_night, cast(:beyond as date) as beyond)
    select l.resource_id as room, l.check_in, l.check_out, case l.status when 'active' then 'held' else r.status end
            as state, l.expires_at, r.code, coalesce(r.guest_name, g.name, '') as name, coalesce(g.vip, false) as vip,
        g.opted_out_at is not null as opted_out, '' as reason, case l.status when 'active' then (
            select c.id from conversations c where c.guest_id = l.guest_id
            order by c.last_inbound_at desc nulls last, c.id desc limit 1) end as conversation_id
    from shown w
    join reservation_locks l on l.hotel_id = :hotel and l.status in ('active', 'booked')
        and daterange(l.check_in, l.check_out) && daterange(w.first_night, w.beyond)
    left join reservations r on r.id = l.reservation_id
    left join guests g on g.id = coalesce(r.guest_id, l.guest_id)
    where l.status = 'booked' or l.expires_at > clock_timestamp()
    union all
    select x.room_id, x.first_night, coalesce(x.until, w.beyond + 1), 'outage', null, null, '', false, false, x.reason,
        null
    from shown w
    join room_outages x on x.hotel_id = :hotel and x.first_night < w.beyond
        and (x.until is null or x.until > w.first_night)
    order by 2, 1
""")
# Of a hotel's own PMS only those rooms are known that a booking or a hold has; it may have given none yet.
TOLD_BARS = text("""
    with bars as (
        select p.number, p.kind, p.names, p.check_in, p.check_out, r.status as state, cast(null as timestamptz)
            as expires_at, r.code, r.guest_name as name, r.guest_id, false as is_hold
        from reservations r join reservation_rooms p on p.reservation_id = r.id
        where r.hotel_id = :hotel and r.status in ('pending', 'booked', 'in_house', 'departed')
            and r.check_in < :beyond and r.check_out > :first and p.check_in < :beyond and p.check_out > :first
        union all
        select room ->> 'number', room -> 'request' ->> 0, coalesce(h.names -> (room -> 'request' ->> 0), '{}'),
            h.check_in, h.check_out, 'held', h.expires_at, null, '', h.guest_id, true
        from pms_holds h cross join lateral jsonb_array_elements(h.rooms) room
        where h.hotel_id = :hotel and h.status = 'active' and h.expires_at > clock_timestamp()
            and h.check_in < :beyond and h.check_out > :first
    )
    select b.number, b.kind, b.names, b.check_in, b.check_out, b.state, b.expires_at, b.code,
        coalesce(nullif(b.name, ''), g.name, '') as name, coalesce(g.vip, false) as vip,
        g.opted_out_at is not null as opted_out, '' as reason, case when b.is_hold then (
            select c.id from conversations c where c.guest_id = b.guest_id
            order by c.last_inbound_at desc nulls last, c.id desc limit 1) end as conversation_id
    from bars b left join guests g on g.id = b.guest_id
    order by b.kind, length(b.number), b.number, b.check_in
""")
MIRROR = text("select as_of, failed_since from pms_mirrors where hotel_id = :hotel")


@dataclass(frozen=True)
class Bar:
    """Some nights of one room. `state`: held (until `expires_at`), outage, or a booking's own.

    `start` and `nights` are what of it is shown, from the first night of the chart; `goes_on` where it has nights after
    the last one, `overlaps` where another bar has one of its own.
    """

    state: str
    check_in: date
    check_out: date
    start: int
    nights: int
    name: str
    code: str | None
    expires_at: datetime | None
    conversation_id: int | None
    reason: str
    vip: bool
    opted_out: bool
    goes_on: bool
    overlaps: bool = False

    @property
    def end(self) -> int:
        return self.start + self.nights


# A free night, by its place, or what is there.
Cell = int | Bar


@dataclass(frozen=True)
class Lane:
    """A line of the chart. A room has a second one only where two have it; without `number` none is given yet."""

    number: str
    housekeeping: str | None
    cells: tuple[Cell, ...]
    is_first: bool = True


@dataclass(frozen=True)
class Group:
    """The rooms of one kind. `free` is for each night how many are to be had, None where only the PMS knows."""

    code: str
    name: str
    lanes: tuple[Lane, ...]
    free: tuple[int, ...] | None


@dataclass(frozen=True)
class Chart:
    """`kinds` are also those that are not shown; `as_of` and `away_since` are of the hotel's own PMS."""

    nights: tuple[date, ...]
    kinds: Mapping[str, str]
    groups: tuple[Group, ...]
    is_remote: bool
    as_of: datetime | None
    away_since: datetime | None


@dataclass(frozen=True)
class _Room:
    number: str
    housekeeping: str | None
    kind: str
    names: Mapping[str, str]
    bars: Sequence[Bar]


def chart_of(hotel: Hotel, first: date, nights: int, kind: str | None, language: str) -> Chart:
    """`nights` of them from `first` on, of one kind of room, or of all where there is no such kind."""
    is_remote = hotel.pms != "local"
    rooms = (_told_rooms if is_remote else _own_rooms)(hotel, first, nights)
    by_kind: dict[str, list[_Room]] = defaultdict(list)
    for room in rooms:
        by_kind[room.kind].append(room)
    names = {code: in_language(of_kind[0].names, language) or code for code, of_kind in by_kind.items()}
    shown = [kind] if kind in names else list(names)
    mirror = db.session.execute(MIRROR, {"hotel": hotel.id}).first() if is_remote else None
    return Chart(
        nights=tuple(first + timedelta(days=night) for night in range(nights)),
        kinds=names,
        groups=tuple(_group(code, names[code], by_kind[code], nights, is_remote) for code in shown),
        is_remote=is_remote,
        as_of=mirror.as_of if mirror else None,
        away_since=mirror.failed_since if mirror else None,
    )


def _own_rooms(hotel: Hotel, first: date, nights: int) -> Iterable[_Room]:
    bars: dict[int, list[Bar]] = defaultdict(list)
    for row in db.session.execute(OWN_BARS, _window(hotel, first, nights)):
        bars[row.room].append(_bar(row, first, nights))
    for room in db.session.execute(OWN_ROOMS, {"hotel": hotel.id}):
        yield _Room(room.number, room.housekeeping, room.kind, room.names, bars[room.id])


def _told_rooms(hotel: Hotel, first: date, nights: int) -> Iterable[_Room]:
    bars: dict[tuple[str, str], list[Bar]] = defaultdict(list)
    names: dict[str, Mapping[str, str]] = {}
    for row in db.session.execute(TOLD_BARS, _window(hotel, first, nights)):
        bars[row.kind, row.number].append(_bar(row, first, nights))
        names[row.kind] = row.names or names.get(row.kind, {})
    for (kind, number), of_room in bars.items():
        yield _Room(number, None, kind, names[kind], of_room)


def _window(hotel: Hotel, first: date, nights: int) -> dict[str, Any]:
    return {"hotel": hotel.id, "first": first, "beyond": first + timedelta(days=nights)}


def _bar(row: Any, first: date, nights: int) -> Bar:
    start = max((row.check_in - first).days, 0)
    return Bar(
        state=row.state,
        check_in=row.check_in,
        check_out=row.check_out,
        start=start,
        nights=min((row.check_out - first).days, nights) - start,
        name=row.name,
        code=row.code,
        expires_at=row.expires_at,
        conversation_id=row.conversation_id,
        reason=row.reason,
        vip=row.vip,
        opted_out=row.opted_out,
        goes_on=(row.check_out - first).days > nights,
    )


def _group(code: str, name: str, rooms: Sequence[_Room], nights: int, is_remote: bool) -> Group:
    free = None if is_remote else tuple(sum(_is_free(room, night) for room in rooms) for night in range(nights))
    return Group(code, name, tuple(lane for room in rooms for lane in _lanes(room, nights)), free)


def _is_free(room: _Room, night: int) -> bool:
    return not any(bar.start <= night < bar.end for bar in room.bars)


def _lanes(room: _Room, nights: int) -> Iterable[Lane]:
    """Each bar stands in the first line that is free; bookings without a room do not get into each other's way."""
    lanes: list[list[Bar]] = []
    for bar in sorted(room.bars, key=lambda one: one.start):
        lane = next((one for one in lanes if one[-1].end <= bar.start), None)
        if lane is None:
            lanes.append(lane := [])
        lane.append(bar)
    for place, bars in enumerate(lanes or [[]]):
        marked = [replace(bar, overlaps=bool(room.number) and _overlaps(bar, room.bars)) for bar in bars]
        yield Lane(room.number, room.housekeeping, tuple(_cells(marked, nights)), place == 0)


def _overlaps(bar: Bar, bars: Iterable[Bar]) -> bool:
    return any(other is not bar and other.start < bar.end and bar.start < other.end for other in bars)


def _cells(bars: Iterable[Bar], nights: int) -> Iterable[Cell]:
    night = 0
    for bar in bars:
        yield from range(night, bar.start)
        yield bar
        night = bar.end
    yield from range(night, nights)
