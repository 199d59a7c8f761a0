"""The guest and the stay: what the list says of it in a word, and the card beside the thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import TextClause, text

from hotel_agent.dashboard.shapes import Card, ExtraLine, HoldLine, HoldStep, StayLine
from hotel_agent.db import db, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import MOST_EXTENSIONS
from hotel_agent.pms.contract import in_language

# The card is no archive.
MOST_STAYS = 50
HOLDS_TOLD = timedelta(days=7)
GONE = ("cancelled", "no_show")


@dataclass(frozen=True)
class Whereabouts:
    """Where a guest is today. `rooms` while in house, `arrives` is the next arrival when not."""

    in_house: bool = False
    rooms: str | None = None
    arrives: date | None = None
    leaving: bool = False
    returning: bool = False


NOWHERE = Whereabouts()

# The rooms of a stay matter to the list only while the guest may be in them. They are claims of ours, or what the PMS
# of a hotel that has one told of them.
STAYS = text("""
    select r.guest_id, r.status, r.check_in, r.check_out,
        case when r.check_in <= :today and r.check_out >= :today then coalesce((
            select string_agg(o.number, ', ' order by length(o.number), o.number)
            from reservation_locks l join rooms o on o.id = l.resource_id
            where l.reservation_id = r.id and l.status = 'booked'), (
            select string_agg(p.number, ', ' order by p.place)
            from reservation_rooms p where p.reservation_id = r.id and p.number <> '')) end as rooms
    from reservations r
    where r.hotel_id = :hotel and r.guest_id = any(:guests) and r.status not in ('cancelled', 'no_show')
    order by r.check_in, r.id
""")


def whereabouts(hotel: Hotel, guest_ids: Iterable[int], today: date | None = None) -> dict[int, Whereabouts]:
    """Of each of these guests who has a stay, in one statement."""
    today = today or hotel.today()
    rows = db.session.execute(STAYS, {"hotel": hotel.id, "guests": sorted(set(guest_ids)), "today": today})
    stays: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        stays[row.guest_id].append(row)
    return {guest_id: _where(of_guest, today) for guest_id, of_guest in stays.items()}


def _where(stays: Sequence[Any], today: date) -> Whereabouts:
    inside = [stay for stay in stays if is_in_house(stay, today)]
    coming = [stay for stay in stays if is_coming(stay, today)]
    return Whereabouts(
        in_house=bool(inside),
        rooms=", ".join(stay.rooms for stay in inside if stay.rooms) or None,
        arrives=coming[0].check_in if coming and not inside else None,
        leaving=bool(inside) and all(stay.check_out == today for stay in inside),
        returning=any(is_over(stay, today) for stay in stays),
    )


def is_in_house(stay: Any, today: date) -> bool:
    """A stay that nobody has checked in counts from its second day on; one that has been, until somebody ends it."""
    if stay.status == "in_house":
        return bool(stay.check_in <= today <= stay.check_out)
    return bool(stay.status == "booked" and stay.check_in < today <= stay.check_out)


def is_coming(stay: Any, today: date) -> bool:
    return bool(stay.status in ("booked", "pending") and stay.check_in >= today)


def is_over(stay: Any, today: date) -> bool:
    return bool(stay.status == "departed" or (stay.status in ("booked", "in_house") and stay.check_out < today))


# The card

GUEST = text("""
    select g.id, g.name, g.language, g.vip, g.opted_out_at, g.preferences, g.created_at, (
        select i.wire from guest_identities i
        where i.guest_id = g.id and i.kind = 'phone' and i.retired_at is null order by i.id limit 1) as phone,
        m.as_of as pms_as_of, m.failed_since as pms_away_since
    from guests g left join pms_mirrors m on m.hotel_id = g.hotel_id
    where g.id = :guest and g.hotel_id = :hotel
""")
RESERVATIONS = text("""
    select r.code, r.status, r.check_in, r.check_out, r.adults, r.children, r.total, r.currency, r.guest_name,
        coalesce(claimed.numbers, told.numbers) as numbers, coalesce(claimed.types, told.types) as types, (
            select array_agg(distinct c.number) from room_conflicts c where r.id in (c.reservation_id, c.other_id)
            ) as conflicts, (
            select jsonb_agg(jsonb_build_array(e.code, cast(e.price as text), e.currency, to_char(e.at_time, 'HH24:MI'))
                order by e.id)
            from reservation_extras e where e.reservation_id = r.id and e.status = 'granted') as extras
    from reservations r
    left join lateral (
        select array_agg(o.number order by length(o.number), o.number) as numbers,
            jsonb_agg(t.names || jsonb_build_object('code', t.code) order by t.position, t.id) as types
        from reservation_locks l
        join rooms o on o.id = l.resource_id
        join room_types t on t.id = o.room_type_id
        where l.reservation_id = r.id and (l.status = 'booked'
            or r.status in ('cancelled', 'no_show') and l.hold_key = (
                select last.hold_key from reservation_locks last where last.reservation_id = r.id
                order by last.id desc limit 1))
    ) claimed on true
    left join lateral (
        select array_agg(p.number order by p.place) filter (where p.number <> '') as numbers,
            jsonb_agg(p.names || jsonb_build_object('code', p.kind) order by p.place) as types
        from reservation_rooms p where p.reservation_id = r.id
    ) told on true
    where r.hotel_id = :hotel and r.guest_id = :guest
    order by r.check_in desc, r.id desc
    limit :most
""")
# Ours, and what the hotel's own PMS keeps for us: live ones, and with those of the last days what became of them. The
# rooms of one hold go the same way, so that one of them tells the trail.
_HOLDS = """
    with kept as (
        select l.hold_key, false as at_pms, min(l.id) as lock_id, min(l.guest_id) as guest_id,
            bool_or(l.status = 'active' and l.expires_at > clock_timestamp()) as is_live,
            min(l.check_in) as check_in, max(l.check_out) as check_out, sum(l.price) as total, null as currency,
            coalesce(min(l.expires_at), min(l.created_at)) as expires_at, max(cardinality(l.extensions)) as extensions,
            array_agg(o.number order by length(o.number), o.number) as numbers,
            jsonb_agg(t.names || jsonb_build_object('code', t.code) order by t.position, t.id) as types
        from reservation_locks l
        join rooms o on o.id = l.resource_id
        join room_types t on t.id = o.room_type_id
        where l.hotel_id = :hotel and (which)
        group by l.hold_key
        union all
        select l.hold_key, true, l.id, l.guest_id, l.status = 'active' and l.expires_at > clock_timestamp(),
            l.check_in, l.check_out, l.total, l.currency, l.expires_at, l.extensions,
            array(select room ->> 'number' from jsonb_array_elements(l.rooms) room where room ->> 'number' <> ''),
            (select jsonb_agg(coalesce(l.names -> (room -> 'request' ->> 0), '{}')
                || jsonb_build_object('code', room -> 'request' ->> 0)) from jsonb_array_elements(l.rooms) room)
        from pms_holds l
        where l.hotel_id = :hotel and l.status <> 'asked' and (which)
    )
    select kept.*, (
        select jsonb_agg(jsonb_build_array(to_char(a.at, 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'), a.action, a.actor,
            coalesce(nullif(s.name, ''), s.email), a.why) order by a.id)
        from lock_audit a left join staff s on a.actor = 'staff' and s.id = a.actor_id
        where a.hold_key = kept.hold_key and a.hotel_id = :hotel and a.at >= :since
            and a.lock_id = kept.lock_id and a.at_pms = kept.at_pms
            and a.action in ('held', 'extended', 'released', 'expired', 'booked', 'refused')) as trail
    from kept
    order by kept.expires_at, kept.lock_id
"""


def holds_where(which: str) -> TextClause:
    """`which` is a condition on `l`, a row of reservation_locks or of pms_holds."""
    return text(_HOLDS.replace("(which)", f"({which})"))


HOLDS = holds_where(
    "l.guest_id = :guest and (l.created_at > :since or l.status = 'active' and l.expires_at > clock_timestamp())"
)


def card(hotel: Hotel, guest_id: int, language: str) -> Card:
    """Raises NotFound for a guest of another hotel."""
    keys = {"hotel": hotel.id, "guest": guest_id}
    guest = db.session.execute(GUEST, keys).first()
    if guest is None:
        raise NotFound(f"guest {guest_id}")
    stays = db.session.execute(RESERVATIONS, keys | {"most": MOST_STAYS}).all()
    holds = db.session.execute(HOLDS, keys | {"since": utcnow() - HOLDS_TOLD}).all()
    today = hotel.today()
    current = [stay for stay in stays if is_in_house(stay, today) or is_coming(stay, today)]
    return Card(
        guest_id=guest.id,
        name=guest.name,
        phone=guest.phone,
        language=guest.language,
        vip=guest.vip,
        opted_out=guest.opted_out_at is not None,
        preferences=tuple(guest.preferences),
        since=guest.created_at,
        stays_before=sum(is_over(stay, today) for stay in stays),
        current=tuple(_stay_line(stay, language) for stay in reversed(current)),
        past=tuple(_stay_line(stay, language) for stay in stays if stay not in current),
        holds=tuple(hold_line(hold, hotel, language) for hold in holds if hold.is_live),
        holds_over=tuple(hold_line(hold, hotel, language) for hold in reversed(holds) if was_kept(hold)),
        pms_as_of=guest.pms_as_of,
        pms_away_since=guest.pms_away_since if hotel.pms != "local" else None,
    )


def _stay_line(stay: Any, language: str) -> StayLine:
    return StayLine(
        code=stay.code,
        status=stay.status,
        arrival=stay.check_in,
        departure=stay.check_out,
        adults=stay.adults,
        children=stay.children,
        rooms=tuple(stay.numbers or ()),
        room_types=_names(stay.types, language),
        total=stay.total,
        currency=stay.currency,
        guest_name=stay.guest_name,
        conflicts=tuple(stay.conflicts or ()),
        extras=tuple(ExtraLine(code, Decimal(price), currency, at) for code, price, currency, at in stay.extras or ()),
    )


def was_kept(hold: Any) -> bool:
    """Not so the rooms of a booking that was moved, or made without a hold."""
    return not hold.is_live and any(action == "held" for _, action, *_ in hold.trail or ())


def hold_line(hold: Any, hotel: Hotel, language: str) -> HoldLine:
    expires_at: datetime = hold.expires_at
    return HoldLine(
        key=hold.hold_key,
        arrival=hold.check_in,
        departure=hold.check_out,
        rooms=tuple(hold.numbers),
        room_types=_names(hold.types, language),
        total=hold.total,
        currency=hold.currency or hotel.currency,
        expires_at=expires_at,
        may_be_extended=hold.extensions < MOST_EXTENSIONS,
        trail=tuple(_step(*step) for step in hold.trail or ()),
    )


def _step(at: str, action: str, who: str, name: str | None, why: str) -> HoldStep:
    """A reason in a person's own words is told where they had to give one."""
    said = why if who == "staff" and action == "released" else ""
    return HoldStep(datetime.fromisoformat(at), action, who, name, said)


def _names(types: Sequence[Mapping[str, str]] | None, language: str) -> tuple[str, ...]:
    """Each kind of room once, by the hotel's name for it; without one by its code."""
    names = [
        in_language({key: kind[key] for key in kind if key != "code"}, language) or kind["code"] for kind in types or ()
    ]
    return tuple(dict.fromkeys(names))
