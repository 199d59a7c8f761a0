"""Where a guest is: in the house, in which room; still to come; or gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.evidence import recorded
from hotel_agent.hotels.models import Hotel

# What somebody forgot is asked for soon, a receipt may be wanted for the tax year.
LATELY = timedelta(days=180)

_STAYS = text("""
    select r.id, r.code, r.status, r.check_in, r.check_out, coalesce((
        select string_agg(o.number, ', ' order by length(o.number), o.number)
        from reservation_locks l join rooms o on o.id = l.resource_id
        where l.reservation_id = r.id and l.status = 'booked'), (
        select string_agg(p.number, ', ' order by p.place)
        from reservation_rooms p where p.reservation_id = r.id and p.number <> '')) as rooms
    from reservations r
    where r.hotel_id = :hotel and r.guest_id = :guest and r.check_out >= :since
        and r.status in ('pending', 'booked', 'in_house', 'departed')
    order by r.check_in, r.id
""")


@dataclass(frozen=True)
class Whereabouts:
    """A guest's stay that matters now. `when`: here, coming or past; `room` is told of one who is here only."""

    reservation_id: int
    code: str
    when: str
    room: str | None


@recorded
def stay_of(hotel: Hotel, guest_id: int, today: date, now: datetime) -> Whereabouts | None:
    """The stay the guest is in, else the next one, else the last one that ended lately."""
    rows = db.session.execute(_STAYS, {"hotel": hotel.id, "guest": guest_id, "since": today - LATELY}).all()
    here = [row for row in rows if _is_here(row, hotel, today, now)]
    coming = [row for row in rows if row not in here and row.status != "departed" and row.check_in >= today]
    past = [row for row in rows if row not in here and row not in coming]
    if here:
        return Whereabouts(here[0].id, here[0].code, "here", here[0].rooms)
    if coming:
        return Whereabouts(coming[0].id, coming[0].code, "coming", None)
    return Whereabouts(past[-1].id, past[-1].code, "past", None) if past else None


def _is_here(row: Any, hotel: Hotel, today: date, now: datetime) -> bool:
    """A stay that nobody has checked in counts from the hour at which rooms are ready."""
    if row.status == "in_house":
        return bool(row.check_in <= today <= row.check_out)
    arrived = row.check_in < today or (
        row.check_in == today and now.astimezone(hotel.zone).time() >= hotel.check_in_time
    )
    return bool(row.status == "booked" and arrived and today <= row.check_out)
