"""Days on which a hotel does not sell a night, nobody can arrive, or nobody can leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel

KINDS = ("sale", "arrival", "departure")
LONGEST_REASON = 200


@dataclass(frozen=True)
class Closure:
    """Both days are within it; `room_type` is the code of a kind of room, or None for all."""

    id: int
    kind: str
    first: date
    last: date
    room_type: str | None
    reason: str


class Overtaken(Exception):
    """Somebody else has changed the closure since it was shown."""


def close(hotel: Hotel, kind: str, first: date, last: date, room_type: str | None = None, reason: str = "") -> int:
    """Close these days; the number by which it can be taken back. What is booked stays booked. Raises BadInput."""
    _check(kind, first, last, reason)
    number: int = db.session.execute(
        text(
            "insert into closures (hotel_id, room_type_id, kind, first_day, last_day, reason)"
            " values (:hotel, :type, :kind, :first, :last, :reason) returning id"
        ),
        {
            "hotel": hotel.id,
            "type": _type_id(hotel, room_type),
            "kind": kind,
            "first": first,
            "last": last,
            "reason": reason,
        },
    ).scalar_one()
    db.session.commit()
    return number


def change(hotel: Hotel, number: int, now: Closure, seen: Closure) -> None:
    """Make `now` of the closure with that number, which was `seen` before. Raises BadInput, NotFound, Overtaken."""
    _check(now.kind, now.first, now.last, now.reason)
    type_id = _type_id(hotel, now.room_type)
    before = next(iter(_rows("k.hotel_id = :hotel and k.id = :id for update of k", hotel=hotel.id, id=number)), None)
    if before is None or before != seen:
        db.session.rollback()
        raise NotFound(f"{hotel.slug} has no closure {number}") if before is None else Overtaken
    db.session.execute(
        text(
            "update closures set kind = :kind, first_day = :first, last_day = :last, room_type_id = :type,"
            " reason = :reason where id = :id"
        ),
        {"kind": now.kind, "first": now.first, "last": now.last, "type": type_id, "reason": now.reason, "id": number},
    )
    db.session.commit()


def _check(kind: str, first: date, last: date, reason: str) -> None:
    if kind not in KINDS:
        raise BadInput("kind", f"{kind!r} is none of {', '.join(KINDS)}")
    if last < first:
        raise BadInput("last", f"the last day, {last}, is before the first, {first}")
    if len(reason) > LONGEST_REASON:
        raise BadInput("reason", f"give a reason of at most {LONGEST_REASON} characters")


def open_again(hotel: Hotel, number: int) -> None:
    """Take a closure back. Raises NotFound."""
    gone = db.session.execute(
        text("delete from closures where id = :id and hotel_id = :hotel returning id"),
        {"id": number, "hotel": hotel.id},
    ).first()
    if gone is None:
        raise NotFound(f"{hotel.slug} has no closure {number}")
    db.session.commit()


def of_hotel(hotel: Hotel, since: date) -> tuple[Closure, ...]:
    """Those that are not over, soonest first."""
    return _rows("k.hotel_id = :hotel and k.last_day >= :since order by k.first_day, k.id", hotel=hotel.id, since=since)


def find(hotel: Hotel, number: int) -> Closure:
    """Raises NotFound."""
    found = _rows("k.hotel_id = :hotel and k.id = :id", hotel=hotel.id, id=number)
    if not found:
        raise NotFound(f"{hotel.slug} has no closure {number}")
    return found[0]


def _rows(which: str, **values: Any) -> tuple[Closure, ...]:
    rows = db.session.execute(
        text(
            "select k.id, k.kind, k.first_day, k.last_day, t.code, k.reason from closures k"
            f" left join room_types t on t.id = k.room_type_id where {which}"
        ),
        values,
    )
    return tuple(Closure(*row) for row in rows)


def _type_id(hotel: Hotel, code: str | None) -> int | None:
    if code is None:
        return None
    found: int | None = db.session.scalar(
        text("select id from room_types where hotel_id = :hotel and code = :code"), {"hotel": hotel.id, "code": code}
    )
    if found is None:
        raise BadInput("room_type", f"{hotel.slug} has no kind of room {code!r}")
    return found
