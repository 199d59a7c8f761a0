"""Which hotel is meant.

A name's ids are kept for five minutes in each process, never its rows: those are read anew in each transaction, once
for all that is of one hotel, and looked up by the name again where they do not bear it any more.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import Generic, TypeVar

from prometheus_client import Counter
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm.util import identity_key

from hotel_agent.db import db
from hotel_agent.errors import NotFound
from hotel_agent.hotels.models import Hotel, HotelIdentifier

Ids = TypeVar("Ids")

KEPT_SECONDS = 300.0
MOST_KEPT = 10_000

lookups = Counter("tenant_lookups_total", "Names of hotels by whether their ids were known.", ["outcome"])


class _Names(Generic[Ids]):
    """Ids by name, as this process has found them lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Ids]] = {}

    def get(self, name: str) -> Ids | None:
        with self._lock:
            until, ids = self._kept.get(name, (0.0, None))
        known = ids if monotonic() < until else None
        lookups.labels("miss" if known is None else "hit").inc()
        return known

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()

    def put(self, name: str, ids: Ids) -> None:
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[name] = (monotonic() + KEPT_SECONDS, ids)


_slugs: _Names[int] = _Names()
_numbers: _Names[tuple[int, int]] = _Names()


def by_slug(slug: str) -> Hotel:
    """Raises NotFound."""
    known = _slugs.get(slug)
    hotel = db.session.get(Hotel, known) if known is not None else None
    if hotel is None or hotel.slug != slug:
        hotel = db.session.scalar(select(Hotel).where(Hotel.slug == slug))
    if hotel is None:
        raise NotFound(f"There is no hotel {slug!r}.")
    _slugs.put(slug, hotel.id)
    return hotel


def of_number(phone_number_id: str | None) -> tuple[Hotel, HotelIdentifier] | None:
    """The hotel that answers on a WhatsApp number, with the number's row."""
    number = phone_number_id or ""
    ids = _numbers.get(number)
    found = _of_ids(number, *ids) if ids else None
    if found is None:
        found = _found(HotelIdentifier.channel == "whatsapp", HotelIdentifier.identifier_value == number)
    if found is not None:
        _numbers.put(number, (found[0].id, found[1].id))
    return found


def forget() -> None:
    """Know no ids, as a process that has just begun."""
    _slugs.forget()
    _numbers.forget()


def _of_ids(number: str, hotel_id: int, identifier_id: int) -> tuple[Hotel, HotelIdentifier] | None:
    """None where they do not belong to that number any more."""
    rows = [(Hotel, hotel_id), (HotelIdentifier, identifier_id)]
    if not all(identity_key(model, row_id) in db.session.identity_map for model, row_id in rows):
        found = _found(HotelIdentifier.id == identifier_id, Hotel.id == hotel_id)
    else:
        hotel, identifier = db.session.get(Hotel, hotel_id), db.session.get(HotelIdentifier, identifier_id)
        found = (hotel, identifier) if hotel and identifier and identifier.hotel_id == hotel_id else None
    is_it = found is not None and (found[1].channel, found[1].identifier_value) == ("whatsapp", number)
    return found if is_it else None


def _found(*which: ColumnElement[bool]) -> tuple[Hotel, HotelIdentifier] | None:
    query = select(Hotel, HotelIdentifier).join(HotelIdentifier, HotelIdentifier.hotel_id == Hotel.id).where(*which)
    row = db.session.execute(query).first()
    return (row[0], row[1]) if row else None
