"""Seasons: other prices and minimum stays for some nights, written into the rates of those nights.

Of two seasons over one night the one that was made later wins, each for what it says: a price, a minimum stay, or both.
Changing a season leaves its place. A night that no season prices any more has its standing price again; where it never
had one it is not for sale again. Bookings and holds keep the price that they were made at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db, lock_until_commit
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.transaction import in_one_transaction

WEEK = (1, 2, 3, 4, 5, 6, 7)
LONGEST = 3 * 366  # Nights: more of them are a slip of the pen.
LONGEST_NAME = 60


@dataclass(frozen=True)
class Season:
    """Both nights are within it; `weekdays` are 1 (Monday) to 7; `prices` by the code of the kind of room.

    `id` is that of its row, which it has once it is kept.
    """

    name: str
    first: date
    last: date
    weekdays: tuple[int, ...] = WEEK
    prices: Mapping[str, Decimal] | None = None
    min_stay: int | None = None
    id: int | None = field(default=None, compare=False)


class Overtaken(Exception):
    """Somebody else has changed the season since it was shown."""


# What the seasons make of each kind of room and night from :first to :last.
COVERED = """
    covered as (
        select t.id as room_type_id, cast(night as date) as night, (
            select cast(s.prices ->> t.code as numeric) from seasons s where s.hotel_id = t.hotel_id
              and night between s.first_night and s.last_night and extract(isodow from night) = any(s.weekdays)
              and s.prices ? t.code order by s.id desc limit 1) as price, (
            select s.min_stay from seasons s where s.hotel_id = t.hotel_id
              and night between s.first_night and s.last_night and extract(isodow from night) = any(s.weekdays)
              and s.min_stay is not null and (s.prices = '{}' or s.prices ? t.code)
              order by s.id desc limit 1) as min_stay
        from room_types t cross join generate_series(cast(:first as timestamp), cast(:last as timestamp), '1 day') night
        where t.hotel_id = :hotel
    )
"""
WRITE = text(f"""
    with {COVERED}
    insert into rates as n (room_type_id, night, price, seasonal, min_stay)
    select room_type_id, night, price, true, min_stay from covered where price is not null
    on conflict (room_type_id, night) do update set price = excluded.price, seasonal = true,
        standing = case when n.seasonal then n.standing else n.price end, min_stay = excluded.min_stay
""")
TAKE_BACK = text(f"""
    with {COVERED}, gone as (
        delete from rates n using covered c where n.room_type_id = c.room_type_id and n.night = c.night
          and c.price is null and n.seasonal and n.standing is null
    )
    update rates n set price = coalesce(n.standing, n.price), standing = null, seasonal = false, min_stay = c.min_stay
    from covered c where n.room_type_id = c.room_type_id and n.night = c.night and c.price is null
      and not (n.seasonal and n.standing is null)
      and (n.seasonal or n.min_stay is distinct from c.min_stay)
""")


def put(hotel: Hotel, season: Season) -> bool:
    """Make a season, or change the one of that name; whether it is new. Raises BadInput.

    In a transaction of its own, as are the other verbs here.
    """
    return _put(hotel, season, lambda _before: None)


def add(hotel: Hotel, season: Season) -> None:
    """Make a season. Raises BadInput, also where there is one of that name."""

    def check(before: Any) -> None:
        if before is not None:
            raise BadInput("name", f"{hotel.slug} has a season {season.name!r} already")

    _put(hotel, season, check)


def change(hotel: Hotel, season: Season, seen: Season) -> None:
    """Change the season of that name, which was `seen` before. Raises BadInput, NotFound, Overtaken."""

    def check(before: Any) -> None:
        if before is None:
            raise NotFound(f"{hotel.slug} has no season {season.name!r}")
        if _read(before) != seen:
            raise Overtaken

    _put(hotel, season, check)


def _put(hotel: Hotel, season: Season, check: Callable[[Any], None]) -> bool:
    """`check` is shown the row of that name, if there is one, while nobody else changes it."""
    _check(hotel, season)

    def work() -> bool:
        _alone(hotel)
        before = _row(hotel, season.name)
        check(before)
        _keep(hotel, season)
        write_rates(hotel, season.first, season.last)
        if before is not None:
            write_rates(hotel, before.first_night, before.last_night)
        return before is None

    return in_one_transaction(work)


def remove(hotel: Hotel, name: str) -> None:
    """Take a season away; its nights are as they were without it. Raises NotFound."""

    def work() -> None:
        _alone(hotel)
        row = _row(hotel, name)
        if row is None:
            raise NotFound(f"{hotel.slug} has no season {name!r}")
        db.session.execute(text("delete from seasons where id = :id"), {"id": row.id})
        write_rates(hotel, row.first_night, row.last_night)

    in_one_transaction(work)


def of_hotel(hotel: Hotel) -> tuple[Season, ...]:
    """In the order in which they were made: a later one wins over an earlier one."""
    rows = db.session.execute(text("select * from seasons where hotel_id = :hotel order by id"), {"hotel": hotel.id})
    return tuple(_read(row) for row in rows)


def _read(row: Any) -> Season:
    prices = {code: Decimal(price) for code, price in row.prices.items()}
    return Season(row.name, row.first_night, row.last_night, tuple(row.weekdays), prices, row.min_stay, row.id)


def met(hotel: Hotel, season: Season) -> tuple[tuple[str, bool], ...]:
    """Other seasons with some of its nights that say something of the same kinds, and whether each wins over it."""
    order = of_hotel(hotel)
    place = next((at for at, one in enumerate(order) if one.name == season.name), len(order))
    return tuple((one.name, at > place) for at, one in enumerate(order) if at != place and _meet(one, season))


def _meet(one: Season, other: Season) -> bool:
    first, last = max(one.first, other.first), min(one.last, other.last)
    nights = range(min((last - first).days + 1, len(WEEK)))
    shared = any(
        (first + timedelta(days=night)).isoweekday() in {*one.weekdays} & {*other.weekdays} for night in nights
    )
    kinds = not one.prices or not other.prices or set(one.prices) & set(other.prices)
    return shared and bool(kinds)


def set_price(hotel: Hotel, code: str, price: Decimal, first: date, last: date) -> int:
    """The standing price of a kind of room for these nights; how many have it for sale now. Raises BadInput, NotFound.

    Nights on which a season prices the kind keep the season's price.
    """
    _check_nights(first, last)
    check_price(price)

    def work() -> int:
        _alone(hotel)
        rows = db.session.execute(
            text(
                "insert into rates as n (room_type_id, night, price)"
                " select t.id, cast(night as date), :price from room_types t"
                " cross join generate_series(cast(:first as timestamp), cast(:last as timestamp), '1 day') night"
                " where t.hotel_id = :hotel and t.code = :code on conflict (room_type_id, night) do update"
                " set price = case when n.seasonal then n.price else excluded.price end,"
                " standing = case when n.seasonal then excluded.price end returning n.night"
            ),
            {"hotel": hotel.id, "code": code, "price": price, "first": first, "last": last},
        ).all()
        if not rows:
            raise NotFound(f"{hotel.slug} has no kind of room {code!r}")
        write_rates(hotel, first, last)
        return len(rows)

    return in_one_transaction(work)


def write_rates(hotel: Hotel, first: date, last: date) -> None:
    """Write what the seasons say into the nights from `first` to `last`, in the caller's transaction."""
    values = {"hotel": hotel.id, "first": first, "last": last}
    db.session.execute(TAKE_BACK, values)
    db.session.execute(WRITE, values)


def _alone(hotel: Hotel) -> None:
    lock_until_commit([f"seasons:{hotel.id}"])


def _row(hotel: Hotel, name: str) -> Any:
    return db.session.execute(
        text("select * from seasons where hotel_id = :hotel and name = :name"),
        {"hotel": hotel.id, "name": name},
    ).first()


def _keep(hotel: Hotel, season: Season) -> None:
    db.session.execute(
        text(
            "insert into seasons (hotel_id, name, first_night, last_night, weekdays, prices, min_stay)"
            " values (:hotel, :name, :first, :last, cast(:weekdays as smallint[]), cast(:prices as jsonb), :min_stay)"
            " on conflict (hotel_id, name) do update set first_night = excluded.first_night,"
            " last_night = excluded.last_night, weekdays = excluded.weekdays, prices = excluded.prices,"
            " min_stay = excluded.min_stay"
        ),
        {
            "hotel": hotel.id,
            "name": season.name,
            "first": season.first,
            "last": season.last,
            "weekdays": list(season.weekdays),
            "prices": json.dumps({code: str(price) for code, price in (season.prices or {}).items()}),
            "min_stay": season.min_stay,
        },
    )


# What can be one; each raises BadInput


def _check(hotel: Hotel, season: Season) -> None:
    if not 0 < len(season.name) <= LONGEST_NAME or not season.name.isprintable():
        raise BadInput("name", f"give the season a name of at most {LONGEST_NAME} characters")
    _check_nights(season.first, season.last)
    if not season.weekdays or not set(season.weekdays) <= set(WEEK):
        raise BadInput("weekdays", "give at least one day of the week")
    if not season.prices and season.min_stay is None:
        raise BadInput("prices", "give a price for a kind of room, or a minimum stay")
    if season.min_stay is not None and not 1 <= season.min_stay <= hotel.longest_stay_nights:
        raise BadInput("min_stay", f"the minimum stay is from 1 to {hotel.longest_stay_nights} nights here")
    for price in (season.prices or {}).values():
        check_price(price)
    known = set(
        db.session.scalars(text("select code from room_types where hotel_id = :hotel"), {"hotel": hotel.id}).all()
    )
    unknown = sorted(set(season.prices or {}) - known)
    if unknown:
        raise BadInput("prices", f"{hotel.slug} has no kind of room {unknown[0]!r}; it has {_listed(sorted(known))}")


def _check_nights(first: date, last: date) -> None:
    if last < first:
        raise BadInput("last", f"the last night, {last}, is before the first, {first}")
    if (last - first).days >= LONGEST:
        raise BadInput("last", f"give at most {LONGEST} nights")


def check_price(price: Decimal) -> None:
    """Raises BadInput."""
    if not Decimal(0) < price < Decimal(10) ** 9 or price != price.quantize(Decimal("0.01")):
        raise BadInput("price", f"{price} is not a price: give an amount above 0 with at most two decimals")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
