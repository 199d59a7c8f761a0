"""Kinds of room as they are sold: their rooms that can be let, what each night costs, and what is not sold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import Claim
from hotel_agent.pms.contract import PmsRejected, Stay
from hotel_agent.pms.local import restrictions
from hotel_agent.pms.local.pricing import GROSS, shares, values_of
from hotel_agent.pms.local.restrictions import CLOSURES, Closed

# A room that can be let for a stay [check_in, check_out) as far as it itself goes.
IN_ORDER = """
    not exists (select from room_outages o where o.room_id = r.id and o.first_night < :check_out
        and (o.until is null or o.until > :check_in))
"""


@dataclass(frozen=True)
class Kind:
    """A kind of room as the tables have it: its rooms, lowest number first, and today's rates by night."""

    row: Any
    rooms: tuple[int, ...]
    rates: Mapping[date, Decimal]
    min_stays: Mapping[date, int]
    closed: Sequence[Closed]

    def check(self, stay: Stay, before: Stay | None = None) -> None:
        """Raises PmsRejected where such a stay is not sold; of `before` nothing is asked that was sold with it."""
        reason = restrictions.why_not(self.closed, stay, self.min_stays.get(stay.check_in, 1), before)
        if reason:
            raise PmsRejected(reason)

    def nightly(self, stay: Stay) -> tuple[Decimal, ...]:
        """Raises PmsRejected("not_for_sale")."""
        if any(night not in self.rates for night in nights_of(stay)):
            raise PmsRejected("not_for_sale")
        return tuple(self.rates[night] for night in nights_of(stay))


def nights_of(stay: Stay) -> list[date]:
    return [stay.check_in + timedelta(days=night) for night in range(stay.nights)]


def kinds_for(hotel: Hotel, codes: Collection[str], stay: Stay, before: Stay | None = None) -> dict[str, Kind]:
    """These kinds by code, with the rates of all nights of both stays. Raises PmsRejected where one is unknown."""
    first = min(stay.check_in, before.check_in) if before else stay.check_in
    end = max(stay.check_out, before.check_out) if before else stay.check_out
    rows = db.session.execute(
        text(
            "select t.id, t.code, t.capacity, t.names, t.descriptions, t.words,"
            " (select array_agg(r.id order by length(r.number), r.number) from rooms r"
            f"  where r.room_type_id = t.id and {IN_ORDER}) as rooms,"
            f" (select array_agg(array[n.night - cast(:first as date), {GROSS}, n.min_stay]) from rates n"
            "  where n.room_type_id = t.id and n.night >= :first and n.night < :end) as rates,"
            f" ({CLOSURES}) as closures from room_types t where t.hotel_id = :hotel and t.code = any(:codes)"
        ),
        {
            "hotel": hotel.id,
            "codes": list(codes),
            "check_in": stay.check_in,
            "check_out": stay.check_out,
            "first": first,
            "end": end,
            **values_of(hotel),
        },
    ).all()
    if {row.code for row in rows} != set(codes):
        raise PmsRejected("not_for_sale")
    return {row.code: _kind(row, first) for row in rows}


def _kind(row: Any, first: date) -> Kind:
    rates = [(first + timedelta(days=int(night)), price, least) for night, price, least in row.rates or ()]
    return Kind(
        row,
        tuple(row.rooms or ()),
        {night: Decimal(price) for night, price, _ in rates},
        {night: int(least) for night, _, least in rates if least},
        restrictions.closures_of(row.closures, row.id),
    )


def nightly_of(hotel: Hotel, claims: Sequence[Claim]) -> list[tuple[Decimal, ...]]:
    """What each of these rooms costs night by night, at the prices that were agreed."""
    stay = Stay(claims[0].check_in, claims[0].check_out)
    rates = rates_now(hotel, [claim.resource_id for claim in claims], stay)
    return [tuple(shares(rates[claim.resource_id], nights_of(stay), claim.price).values()) for claim in claims]


def rates_now(hotel: Hotel, rooms: Iterable[int], stay: Stay) -> dict[int, dict[date, Decimal]]:
    """By room, what the nights of a stay cost now; a night that is not for sale is not among them."""
    found: dict[int, dict[date, Decimal]] = {room: {} for room in rooms}
    rows = db.session.execute(
        text(
            f"select r.id, n.night, {GROSS} as price from rooms r join rates n on n.room_type_id = r.room_type_id"
            " where r.id = any(:rooms) and n.night >= :check_in and n.night < :check_out order by n.night"
        ),
        {"rooms": list(found), "check_in": stay.check_in, "check_out": stay.check_out, **values_of(hotel)},
    )
    for row in rows:
        found[row.id][row.night] = row.price
    return found
