"""What is free and what it costs, from our own tables, in one query however many arrivals are asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Availability, Offer, RoomKind, Stay
from hotel_agent.pms.local import restrictions
from hotel_agent.pms.local.pricing import GROSS, values_of
from hotel_agent.pms.local.restrictions import CLOSURES, Closed

MOST_ARRIVALS = 62  # So many bits has a number in PostgreSQL, and a few to spare.

# Of one hotel all that keeps a room from being let in these nights: live claims, and the time that it is out of order.
# The first condition on the status is that of the index; the second takes lapsed holds out. Nights count from :first.
BLOCKED = """
    select l.resource_id as room, l.check_in - :first as since, l.check_out - :first as until
    from reservation_locks l
    where l.hotel_id = :hotel and l.status in ('active', 'booked')
      and (l.status = 'booked' or l.expires_at > clock_timestamp())
      and daterange(l.check_in, l.check_out) && daterange(:first, :end)
    union all
    select o.room_id, o.first_night - :first, coalesce(o.until, :end) - :first
    from room_outages o
    where o.hotel_id = :hotel and o.first_night < :end and (o.until is null or o.until > :first)
"""

# A room is lost to every arrival whose nights meet one that is not free: from so many nights before it until its end.
# Of each room one number says to which arrivals, a bit for each.
OFFERS = text(f"""
    with lost as materialized (
        select room, bit_or(((cast(1 as bigint) << (least(until, :arrivals) - greatest(0, since - :nights + 1))) - 1)
            << greatest(0, since - :nights + 1)) as arrivals
        from ({BLOCKED}) blocked group by room
    ), rooms_of as materialized (
        select r.room_type_id, count(*) as rooms, array_agg(lost.arrivals) filter (where lost.arrivals > 0) as lost
        from rooms r left join lost on lost.room = r.id where r.hotel_id = :hotel group by r.room_type_id
    ), priced as materialized (
        select n.room_type_id, array_agg(n.night - :first) as nights, array_agg({GROSS}) as prices,
            array_agg(n.min_stay) as min_stays
        from room_types t join rates n on n.room_type_id = t.id
        where t.hotel_id = :hotel and n.night >= :first and n.night < :end group by n.room_type_id
    )
    select t.id, t.code, t.capacity, t.names, t.descriptions, t.words, coalesce(o.rooms, 0) as rooms, o.lost, p.nights,
        p.prices, p.min_stays, ({CLOSURES}) as closures
    from room_types t left join rooms_of o on o.room_type_id = t.id left join priced p on p.room_type_id = t.id
    where t.hotel_id = :hotel order by t.position, t.code
""")


def availability(hotel: Hotel, stay: Stay) -> Availability:
    """Every kind of room for one stay, sold out or not; with an unpriced night it has no total, none free."""
    return _for_arrivals(hotel, stay.check_in, 1, stay.nights)[0]


def availability_from(hotel: Hotel, first: date, last: date, nights: int) -> tuple[Availability, ...]:
    """The same for stays of that many nights, one for every arrival from `first` to `last`, in order."""
    days = (last - first).days + 1
    found: tuple[Availability, ...] = ()
    for begin in range(0, days, MOST_ARRIVALS):
        found += _for_arrivals(hotel, first + timedelta(days=begin), min(MOST_ARRIVALS, days - begin), nights)
    return found


def last_night_for_sale(hotel: Hotel) -> date | None:
    latest: date | None = db.session.execute(
        text("select max(night) from rates join room_types t on t.id = room_type_id where t.hotel_id = :hotel"),
        {"hotel": hotel.id},
    ).scalar_one()
    return latest


def room_kinds(hotel: Hotel) -> tuple[RoomKind, ...]:
    """The hotel's kinds of room in its own order."""
    rows = db.session.execute(
        text(
            "select code, capacity, names, descriptions, words, photos from room_types where hotel_id = :hotel"
            " order by position, code"
        ),
        {"hotel": hotel.id},
    )
    return tuple(replace(kind_of(row), photos=tuple(row.photos)) for row in rows)


def kind_of(row: Any) -> RoomKind:
    return RoomKind(row.code, row.capacity, row.names, row.descriptions, tuple(row.words))


def _for_arrivals(hotel: Hotel, first: date, arrivals: int, nights: int) -> tuple[Availability, ...]:
    values = {"hotel": hotel.id, "first": first, "arrivals": arrivals, "nights": nights}
    end = first + timedelta(days=arrivals - 1 + nights)
    rows = db.session.execute(OFFERS, {**values, "end": end, **values_of(hotel)}).all()
    as_of = utcnow()
    offers = [_Kind.read(row, arrivals).offers(first, arrivals, nights) for row in rows]
    found = []
    for day in range(arrivals):
        stay = Stay(first + timedelta(days=day), first + timedelta(days=day + nights))
        of_day = tuple(of_kind[day] for of_kind in offers)
        found.append(Availability(hotel.id, stay, hotel.currency, "pms", as_of, of_day))
    return tuple(found)


@dataclass(frozen=True)
class _Kind:
    """A kind of room. `free` is by arrival, `prices` and `min_stays` by night; both count from the first day."""

    kind: RoomKind
    free: Sequence[int]
    prices: Mapping[int, Decimal]
    min_stays: Mapping[int, int]
    closed: Sequence[Closed]

    @staticmethod
    def read(row: Any, arrivals: int) -> _Kind:
        lost: Sequence[int] = row.lost or ()
        return _Kind(
            kind_of(row),
            [row.rooms - sum(room >> day & 1 for room in lost) for day in range(arrivals)],
            dict(zip(row.nights or (), row.prices or (), strict=True)),
            {night: least for night, least in zip(row.nights or (), row.min_stays or (), strict=True) if least},
            restrictions.closures_of(row.closures, row.id),
        )

    def offers(self, first: date, arrivals: int, nights: int) -> list[Offer]:
        return [self._offer(first + timedelta(days=day), day, nights) for day in range(arrivals)]

    def _offer(self, arrival: date, day: int, nights: int) -> Offer:
        nightly = tuple(self.prices[night] for night in range(day, day + nights) if night in self.prices)
        if len(nightly) < nights:
            return Offer(self.kind, 0, (), None)
        least = self.min_stays.get(day, 1)
        why_not = restrictions.why_not(self.closed, Stay(arrival, arrival + timedelta(days=nights)), least)
        if why_not:
            return Offer(self.kind, 0, (), None, why_not, least)
        return Offer(self.kind, self.free[day], nightly, sum(nightly[1:], nightly[0]), min_stay=least)
