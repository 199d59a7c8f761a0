"""What a stay costs together with extras, by the hotel's own prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from hotel_agent.db import db
from hotel_agent.evidence import recorded
from hotel_agent.hotels.models import Extra, Hotel


@dataclass(frozen=True)
class Added:
    """One extra: `price` for each of `persons` (1 where it is not by person) and `nights` (1 where it is once)."""

    code: str
    price: Decimal
    persons: int
    nights: int
    by_person: bool
    by_night: bool

    @property
    def total(self) -> Decimal:
        return self.price * self.persons * self.nights


@dataclass(frozen=True)
class Sum:
    """`rooms` is what the rooms cost, or None where that is not known yet."""

    lines: tuple[Added, ...]
    extras: Decimal
    rooms: Decimal | None
    total: Decimal
    totals: tuple[Decimal, ...]


@recorded
def sum_of(hotel: Hotel, codes: Iterable[str], nights: int, persons: int, rooms: Decimal | None) -> Sum | None:
    """The stay with these extras, or None where the hotel sells none of them. There is one breakfast a night."""
    wanted = list(codes)
    rows = db.session.scalars(select(Extra).where(Extra.hotel_id == hotel.id, Extra.code.in_(wanted)))
    found = sorted(rows, key=lambda row: wanted.index(row.code))
    lines = tuple(_added(row, nights, persons) for row in found)
    if not lines:
        return None
    extras = sum((line.total for line in lines), Decimal(0))
    return Sum(lines, extras, rooms, extras + (rooms or Decimal(0)), tuple(line.total for line in lines))


def _added(row: Extra, nights: int, persons: int) -> Added:
    by_person, by_night = row.unit == "person_day", row.unit in ("person_day", "night")
    return Added(row.code, row.price, persons if by_person else 1, nights if by_night else 1, by_person, by_night)
