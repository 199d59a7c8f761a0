"""What is free and what it costs, from our own tables, in one query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Availability, Offer, RoomKind, Stay

# A room is free when no live claim overlaps the stay. The first condition on the status is that of the
# exclusion constraint, so that its index answers; the second takes lapsed holds out.
FREE = """
    not r.out_of_order and not exists (
        select 1 from reservation_locks l
        where l.resource_id = r.id and l.status in ('active', 'booked')
          and (l.status = 'booked' or l.expires_at > clock_timestamp())
          and daterange(l.check_in, l.check_out) && daterange(a.check_in, a.check_in + :nights))
"""

OFFERS = text(f"""
    select a.check_in, t.code, t.capacity, t.names, t.descriptions, t.words, f.free, p.nightly
    from unnest(cast(:arrivals as date[])) as a(check_in)
    cross join room_types t
    cross join lateral (select count(*) as free from rooms r where r.room_type_id = t.id and {FREE}) f
    cross join lateral (
        select array_agg(price order by night) as nightly from rates
        where room_type_id = t.id and night >= a.check_in and night < a.check_in + :nights) p
    where t.hotel_id = :hotel
    order by a.check_in, t.position, t.code
""")


def availability(hotel: Hotel, stay: Stay) -> Availability:
    """Every kind of room for one stay, sold out or not; with an unpriced night it has no total, none free."""
    return _for_arrivals(hotel, [stay.check_in], stay.nights)[0]


def availability_from(hotel: Hotel, first: date, last: date, nights: int) -> tuple[Availability, ...]:
    """The same for stays of that many nights, one for every arrival from `first` to `last`, in order."""
    days = (last - first).days + 1
    return _for_arrivals(hotel, [first + timedelta(days=day) for day in range(days)], nights)


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


def _for_arrivals(hotel: Hotel, arrivals: Sequence[date], nights: int) -> tuple[Availability, ...]:
    rows = db.session.execute(OFFERS, {"hotel": hotel.id, "arrivals": list(arrivals), "nights": nights})
    as_of = utcnow()
    by_arrival = {
        arrival: tuple(_offers(group, nights)) for arrival, group in groupby(rows, key=lambda row: row.check_in)
    }
    return tuple(
        Availability(
            hotel.id,
            Stay(arrival, arrival + timedelta(days=nights)),
            hotel.currency,
            "pms",
            as_of,
            by_arrival.get(arrival, ()),
        )
        for arrival in arrivals
    )


def _offers(rows: Iterable[Any], nights: int) -> Iterable[Offer]:
    for row in rows:
        nightly = tuple(row.nightly or ())
        if len(nightly) == nights:
            yield Offer(kind_of(row), row.free, nightly, sum(nightly[1:], nightly[0]))
        else:
            yield Offer(kind_of(row), 0, (), None)
