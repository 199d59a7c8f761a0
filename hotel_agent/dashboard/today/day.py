"""What a day at the desk looks like, from our own rows: a hotel's PMS is mirrored there, and is not asked here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms import caching
from hotel_agent.pms.adapters import adapter_of
from hotel_agent.pms.contract import Capabilities, Stay, in_language
from hotel_agent.pms.door import pms_for

# Every booking of whoever comes, leaves or is there, and of those whose day has passed without anything said of it.
STAYS = text("""
    select r.id, r.code, r.guest_id, r.guest_name, r.status, r.check_in, r.check_out, r.adults, r.children,
        coalesce(claimed.numbers, told.numbers, '{}') as numbers, coalesce(claimed.types, told.types) as types,
        late.at_time as leaves_at, early.at_time as comes_at, g.vip, g.opted_out_at is not null as opted_out, (
            select c.id from conversations c where c.guest_id = r.guest_id
            order by c.last_inbound_at desc nulls last, c.id desc limit 1) as conversation_id, exists (
            select from room_conflicts x where r.id in (x.reservation_id, x.other_id)) as conflict
    from reservations r
    left join guests g on g.id = r.guest_id
    left join lateral (
        select array_agg(o.number order by length(o.number), o.number) as numbers,
            jsonb_agg(t.names || jsonb_build_object('code', t.code) order by t.position, t.id) as types
        from reservation_locks l
        join rooms o on o.id = l.resource_id
        join room_types t on t.id = o.room_type_id
        where l.reservation_id = r.id and l.status = 'booked'
    ) claimed on true
    left join lateral (
        select array_agg(p.number order by p.place) filter (where p.number <> '') as numbers,
            jsonb_agg(p.names || jsonb_build_object('code', p.kind) order by p.place) as types
        from reservation_rooms p where p.reservation_id = r.id
    ) told on true
    left join reservation_extras late
        on late.reservation_id = r.id and late.code = 'late_checkout' and late.status = 'granted'
    left join reservation_extras early
        on early.reservation_id = r.id and early.code = 'early_checkin' and early.status = 'granted'
    where r.hotel_id = :hotel and (
        (r.check_in = :today and r.status in ('pending', 'booked', 'in_house', 'departed', 'no_show'))
        or (r.check_out = :today and r.status in ('booked', 'in_house', 'departed'))
        or r.status = 'in_house'
        or (r.status = 'booked' and r.check_in < :today and r.check_out > :today))
    order by lower(r.guest_name), r.id
    limit :most
""")
# Of tonight and of tomorrow night: the rooms that are in order, those that are sold, and those kept for who decides.
OWN_ROOMS = text("""
    with nights as (select cast(:today as date) + n as night, n from generate_series(0, 1) n)
    select nights.n, (select count(*) from rooms o where o.hotel_id = :hotel and not o.out_of_order
            and not exists (select from room_outages x where x.room_id = o.id and x.first_night <= nights.night
                and (x.until is null or x.until > nights.night))) as rooms,
        (select count(distinct l.resource_id) from reservation_locks l where l.hotel_id = :hotel
            and l.check_in <= nights.night and l.check_out > nights.night and l.status = 'booked') as sold,
        (select count(distinct l.resource_id) from reservation_locks l where l.hotel_id = :hotel
            and l.check_in <= nights.night and l.check_out > nights.night and l.status = 'active'
            and l.expires_at > clock_timestamp()) as held
    from nights order by nights.n
""")
ROOMS_TOLD = text("""
    with nights as (select cast(:today as date) + n as night, n from generate_series(0, 1) n)
    select nights.n, (select count(*) from reservation_rooms p join reservations r on r.id = p.reservation_id
        where p.hotel_id = :hotel and p.check_in <= nights.night and p.check_out > nights.night
          and r.status in ('booked', 'in_house')) as sold
    from nights order by nights.n
""")
WAITING = text("""
    select (select count(*) from guest_requests where hotel_id = :hotel and status = 'open') as requests,
        (select count(*) from conversations where hotel_id = :hotel and status = 'waiting') as conversations,
        m.as_of, m.failed_since
    from (select 1) one left join pms_mirrors m on m.hotel_id = :hotel
""")
MOST = 1000
NOT_YET, DONE = ("pending", "booked"), ("in_house", "departed")


@dataclass(frozen=True)
class Line:
    """One booking of the day. `is_late`: its time is past and nothing was said of it."""

    code: str
    name: str
    status: str
    stay: Stay
    adults: int
    children: int
    rooms: tuple[str, ...]
    kinds: tuple[str, ...]
    leaves_at: time | None
    comes_at: time | None
    vip: bool
    opted_out: bool
    conflict: bool
    conversation_id: int | None
    guest_id: int | None
    is_late: bool = False


@dataclass(frozen=True)
class Night:
    """How full a night is. `rooms` are those that can be slept in, `free` those to sell; None where nobody knows."""

    sold: int
    held: int
    rooms: int | None
    free: int | None

    @property
    def share(self) -> float | None:
        return min(self.sold / self.rooms, 1.0) if self.rooms else None


@dataclass(frozen=True)
class Day:
    """`as_of` is when the PMS was read, None where rooms are kept here; `away_since` while it does not answer."""

    today: date
    arrivals: tuple[Line, ...]
    departures: tuple[Line, ...]
    in_house: tuple[Line, ...]
    tonight: Night
    tomorrow: Night
    requests: int
    waiting: int
    can: Capabilities
    as_of: datetime | None
    away_since: datetime | None

    @property
    def coming(self) -> int:
        return sum(line.status in NOT_YET for line in self.arrivals)

    @property
    def come(self) -> int:
        return sum(line.status in DONE for line in self.arrivals)

    @property
    def leaving(self) -> int:
        return sum(line.status != "departed" for line in self.departures)

    @property
    def left(self) -> int:
        return sum(line.status == "departed" for line in self.departures)


def day_of(hotel: Hotel, language: str, now: datetime | None = None) -> Day:
    """In four statements, and a question to what is kept of a PMS that is far away."""
    here = (now or utcnow()).astimezone(hotel.zone)
    today = here.date()
    key = {"hotel": hotel.id, "today": today}
    rows = db.session.execute(STAYS, key | {"most": MOST}).all()
    waiting = db.session.execute(WAITING, {"hotel": hotel.id}).one()
    adapter = adapter_of(hotel.pms)
    can = adapter.capabilities if adapter is not None else Capabilities("none")
    tonight, tomorrow = _nights_told(hotel, key) if can.is_remote else _own_nights(hotel, key)
    db.session.commit()
    return Day(
        today=today,
        arrivals=tuple(_line(row, language, _comes_late(row, today)) for row in rows if _arrives(row, today)),
        departures=tuple(_line(row, language, _stays_on(hotel, row, here)) for row in rows if _departs(row, today)),
        in_house=tuple(_line(row, language) for row in rows if row.status == "in_house"),
        tonight=tonight,
        tomorrow=tomorrow,
        requests=waiting.requests,
        waiting=waiting.conversations,
        can=can,
        as_of=waiting.as_of if can.is_remote else None,
        away_since=waiting.failed_since if can.is_remote else None,
    )


# Who


def _arrives(row: Any, today: date) -> bool:
    return bool(row.check_in == today) or _comes_late(row, today)


def _comes_late(row: Any, today: date) -> bool:
    """The day of arrival is over, and nobody has said whether they came."""
    return bool(row.status == "booked" and row.check_in < today < row.check_out)


def _departs(row: Any, today: date) -> bool:
    if row.check_out == today:
        return row.status in ("booked", "in_house", "departed")
    return bool(row.status == "in_house" and row.check_out < today)


def _stays_on(hotel: Hotel, row: Any, here: datetime) -> bool:
    """Past the hotel's time, or the one that was granted."""
    if row.status == "departed":
        return False
    leaves = datetime.combine(row.check_out, row.leaves_at or hotel.check_out_time, hotel.zone)
    return here > leaves


def _line(row: Any, language: str, is_late: bool = False) -> Line:
    return Line(
        code=row.code,
        name=row.guest_name,
        status=row.status,
        stay=Stay(row.check_in, row.check_out),
        adults=row.adults,
        children=row.children,
        rooms=tuple(row.numbers),
        kinds=_kinds(row.types or (), language),
        leaves_at=row.leaves_at,
        comes_at=row.comes_at,
        vip=bool(row.vip),
        opted_out=bool(row.opted_out),
        conflict=row.conflict,
        conversation_id=row.conversation_id,
        guest_id=row.guest_id,
        is_late=is_late,
    )


def _kinds(types: Sequence[Mapping[str, str]], language: str) -> tuple[str, ...]:
    named = [in_language({key: name for key, name in one.items() if key != "code"}, language) for one in types]
    return tuple(dict.fromkeys(name or one["code"] for name, one in zip(named, types, strict=True)))


# How full


def _own_nights(hotel: Hotel, key: Mapping[str, Any]) -> tuple[Night, Night]:
    first, second = db.session.execute(OWN_ROOMS, key).all()
    return _own_night(hotel, first, key["today"]), _own_night(hotel, second, key["today"] + timedelta(days=1))


def _own_night(hotel: Hotel, row: Any, night: date) -> Night:
    offers = pms_for(hotel).availability(Stay(night, night + timedelta(days=1))).offers
    free = sum(offer.free for offer in offers if offer.total is not None)
    return Night(row.sold, row.held, row.rooms, free)


def _nights_told(hotel: Hotel, key: Mapping[str, Any]) -> tuple[Night, Night]:
    first, second = db.session.execute(ROOMS_TOLD, key).all()
    return _night_told(hotel, first, key["today"]), _night_told(hotel, second, key["today"] + timedelta(days=1))


def _night_told(hotel: Hotel, row: Any, night: date) -> Night:
    """How many rooms a far PMS has it does not tell: those that are sold, and those that it would still sell."""
    kept = caching.kept(hotel, [caching.rooms(Stay(night, night + timedelta(days=1)))])
    free = sum(offer.free for offer in kept[0].offers) if kept else None
    return Night(row.sold, 0, row.sold + free if free is not None else None, free)
