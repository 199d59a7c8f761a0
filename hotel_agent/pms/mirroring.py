"""Our rows follow what a hotel's PMS has on record, whoever booked it and wherever.

A booking made elsewhere becomes a row of `reservations`, and its rooms rows of `reservation_rooms`, never a claim in
`reservation_locks`: which rooms are free is for the PMS to say. Two live bookings in one room are kept as a conflict
until they are none. All of it may be done at any time and any number of times: rows are written where they differ.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

from prometheus_client import Counter
from sqlalchemy import select, text

from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms import agreeing, caching, limits
from hotel_agent.pms.adapters import adapter_of
from hotel_agent.pms.agreeing import GONE, Standing
from hotel_agent.pms.contract import PmsRejected, PmsUnavailable, Record, Stay
from hotel_agent.pms.door import Door, pms_for
from hotel_agent.pms.local.booking import CODE_LETTERS

log = get_logger(__name__)

mirrored = Counter("pms_mirrored_total", "Bookings of hotels' PMSs by what became of our rows.", ["outcome"])

# A walk over everything that is not over finds what no list of changes tells: rows that were deleted, or written past
# the program. Between two of them the changes are enough.
WHOLE_EVERY = timedelta(minutes=10)
SECONDS = 25.0  # One hotel's turn; the next goes on where it ended.
MOST_LOOKED_UP = 50


@dataclass(frozen=True)
class Mirrored:
    """What one turn has done. `away` is why the PMS did not answer; `is_busy`: another process is at this hotel;
    `more`: its time was over before it had told everything."""

    seen: int = 0
    changed: int = 0
    away: str = ""
    is_busy: bool = False
    more: bool = False


@dataclass
class _Turn:
    """One turn in its course. `told`: the ids of everything that the PMS has told of; `touched`: nights on which other
    rooms may be free than were."""

    hotel: Hotel
    door: Door
    names: Mapping[str, Mapping[str, str]]
    until: float
    progress: Callable[[int], None] | None
    seen: int = 0
    changed: int = 0
    more: bool = False
    told: set[str] = field(default_factory=set)
    touched: list[Stay] = field(default_factory=list)


def mirrored_hotels() -> Sequence[Hotel]:
    """Those whose bookings are made elsewhere too."""
    hotels = db.session.scalars(select(Hotel).where(Hotel.pms != "local").order_by(Hotel.id)).all()
    db.session.commit()
    return [hotel for hotel in hotels if (pms := adapter_of(hotel.pms)) is not None and pms.capabilities.is_remote]


def mirror(hotel: Hotel, progress: Callable[[int], None] | None = None) -> Mirrored:
    """Bring the hotel's rows into line with its PMS; one process at a time, and nobody is waited for.

    `progress` hears how many bookings the turn has seen, as often as there are more to come.
    """
    with one_at_a_time("pms_mirror", hotel.id) as mine:
        if not mine:
            return Mirrored(is_busy=True)
        turn = _Turn(hotel, pms_for(hotel), {}, monotonic() + SECONDS, progress)
        with limits.in_background():
            away = _turn(turn)
        if turn.touched:
            caching.invalidate(hotel, *turn.touched)
        note_conflicts(hotel)
    return Mirrored(turn.seen, turn.changed, away, more=turn.more)


def _turn(turn: _Turn) -> str:
    """Why the PMS does not answer; empty when it does."""
    try:
        turn.names = {kind.code: dict(kind.names) for kind in turn.door.room_kinds()}
        _follow(turn)
        _look_at_today(turn)
    except (PmsUnavailable, PmsRejected) as trouble:
        away = str(trouble)[:300] or type(trouble).__name__
        log.warning("pms_not_mirrored", hotel=turn.hotel.slug, why=away)
        _keep_state(turn.hotel, failed_since=utcnow(), last_error=away)
        return away
    return ""


# What has changed, and everything


def _follow(turn: _Turn) -> None:
    """Go on from where the last turn ended, or from the beginning where that is due."""
    if not turn.door.capabilities.change_feed:
        return
    cursor, is_due = _state_of(turn.hotel)
    started = None
    if is_due:
        cursor, started = "", agreeing.clock()
    turn.more = True
    while turn.more and monotonic() < turn.until:
        read_at = agreeing.clock()
        changes = turn.door.changes_since(cursor)
        _take_over(turn, changes.records, read_at)
        begins = {"whole_at": changes.as_of} if not cursor else {}
        cursor, turn.more = changes.cursor, changes.more
        _keep_state(turn.hotel, cursor=cursor, **begins)
        if turn.more and turn.progress is not None:
            turn.progress(turn.seen)
    if started is not None and not turn.more:
        _look_for_missing(turn, started)


def _look_at_today(turn: _Turn) -> None:
    """Who arrives, leaves and is in house, which is what people look at."""
    today, as_of = turn.hotel.today(), utcnow()
    read_at = agreeing.clock()
    records = {
        record.pms_id: record
        for told in (turn.door.arrivals(today), turn.door.departures(today), turn.door.in_house())
        for record in told
    }
    _take_over(turn, tuple(records.values()), read_at)
    _keep_state(turn.hotel, as_of=as_of, failed_since=None, last_error="")


def _look_for_missing(turn: _Turn, started: datetime) -> None:
    """Live rows of which the PMS has not told although it has told of everything: it is asked about each."""
    rows = db.session.execute(
        text(
            "select id, code, pms_id from reservations where hotel_id = :hotel and pms_id is not null"
            " and status in ('booked', 'in_house') and check_out > :today and created_at < :started"
            " and not pms_id = any(:told) order by id limit :most"
        ),
        {
            "hotel": turn.hotel.id,
            "today": turn.hotel.today(),
            "started": started - timedelta(minutes=1),
            "told": sorted(turn.told),
            "most": MOST_LOOKED_UP,
        },
    ).all()
    db.session.commit()
    for row in rows:
        try:
            is_gone = turn.door.read(row.code) is None
        except PmsUnavailable as trouble:  # Away, or one that makes no sense: neither is missing.
            log.warning("pms_booking_not_read", hotel=turn.hotel.slug, code=row.code, why=str(trouble))
            return
        if is_gone:
            log.error("pms_booking_missing", hotel=turn.hotel.slug, code=row.code, pms_id=row.pms_id)
            agreeing.went_missing(turn.hotel, row.id)


# Rows


def _take_over(turn: _Turn, records: Sequence[Record], read_at: datetime) -> None:
    """One record that cannot be taken over keeps no other from it; it comes again."""
    kept = _kept(turn.hotel, [record.pms_id for record in records])
    for record in records:
        turn.told.add(record.pms_id)
        turn.seen += 1
        row = kept.get(record.pms_id)
        try:
            outcome = _take_over_one(turn, record, row, read_at)
        except Exception:  # Whatever is wrong with it: the others are other guests'.
            db.session.rollback()
            log.exception("pms_record_not_kept", hotel=turn.hotel.slug, pms_id=record.pms_id)
            outcome = "failed"
        if outcome in ("made", "changed"):
            turn.changed += 1
            turn.touched += [record.stay] if row is None else [record.stay, Stay(row.check_in, row.check_out)]
        mirrored.labels(outcome).inc()


def _kept(hotel: Hotel, pms_ids: Iterable[str]) -> dict[str, Any]:
    rows = db.session.execute(
        text("""
            select r.id, r.pms_id, r.guest_id, r.request_key, r.guest_name, r.currency, r.status, r.check_in,
                r.check_out, r.adults, r.children, r.total, (
                select jsonb_agg(jsonb_build_array(o.kind, o.number, o.names, o.check_in, o.check_out) order by o.place)
                from reservation_rooms o where o.reservation_id = r.id) as rooms, r.code,
                exists (select from pms_holds h where h.reservation_id = r.id) as has_token
            from reservations r where r.hotel_id = :hotel and r.pms_id = any(:ids)
        """),
        {"hotel": hotel.id, "ids": list(pms_ids)},
    ).all()
    db.session.commit()
    return {row.pms_id: row for row in rows}


def _take_over_one(turn: _Turn, record: Record, row: Any, read_at: datetime) -> str:
    if row is not None and row.has_token and record.code != row.code:
        agreeing.number_is_anothers(turn.hotel, row.id)
        row = None
    if row is None:
        if record.status in GONE:
            return "none"
        _put_rooms(turn, _make(turn.hotel, record), record)
        db.session.commit()
        return "made"
    seen = Standing(record.status, record.stay, record.adults, record.children, record.total)
    changed = not _is_so(row, seen) and agreeing.agree(turn.hotel, row.id, seen, read_at)
    if row.guest_id is None and row.request_key is None:  # Of a guest of ours we know better what they are called.
        changed |= _put_name(row, record)
    if [list(room) for room in _rooms(turn, record)] != row.rooms:
        _put_rooms(turn, row.id, record)
        db.session.commit()
        changed = True
    return "changed" if changed else "same"


def _is_so(row: Any, seen: Standing) -> bool:
    return bool(
        (row.status, row.check_in, row.check_out, row.adults, row.children, row.total)
        == (seen.status, seen.stay.check_in, seen.stay.check_out, seen.adults, seen.children, seen.total)
    )


def _make(hotel: Hotel, record: Record) -> int:
    """The row of a booking made elsewhere, without a guest: who it is in our conversations nobody has told us."""
    while True:
        made: int | None = db.session.execute(
            text(
                "insert into reservations (hotel_id, code, guest_name, status, check_in, check_out, adults, children,"
                " total, currency, pms_id) values (:hotel, :code, :name, :status, :check_in, :check_out, :adults,"
                " :children, :total, :currency, :pms_id) on conflict do nothing returning id"
            ),
            {
                "hotel": hotel.id,
                "code": _new_code(hotel.slug),
                "name": record.guest_name,
                "status": record.status,
                "check_in": record.stay.check_in,
                "check_out": record.stay.check_out,
                "adults": record.adults,
                "children": record.children,
                "total": record.total,
                "currency": record.currency,
                "pms_id": record.pms_id,
            },
        ).scalar()
        made = made or db.session.scalar(
            text("select id from reservations where hotel_id = :hotel and pms_id = :pms_id"),
            {"hotel": hotel.id, "pms_id": record.pms_id},
        )
        if made is not None:
            return made


def _new_code(slug: str) -> str:
    prefix = "".join(letter for letter in slug if letter.isalpha())[:3].upper()
    return prefix + "-" + "".join(secrets.choice(CODE_LETTERS) for _ in range(6))


def _put_name(row: Any, record: Record) -> bool:
    if (row.guest_name, row.currency) == (record.guest_name, record.currency):
        return False
    db.session.execute(
        text("update reservations set guest_name = :name, currency = :currency where id = :id"),
        {"name": record.guest_name, "currency": record.currency, "id": row.id},
    )
    db.session.commit()
    return True


def _rooms(turn: _Turn, record: Record) -> list[tuple[str, str, dict[str, str], str, str]]:
    """As the table has them: kind, number, names, first and last day."""
    found = []
    for room in record.rooms:
        stay = room.stay or record.stay
        days = (stay.check_in.isoformat(), stay.check_out.isoformat())
        found.append((room.kind, room.number, dict(turn.names.get(room.kind, {})), *days))
    return found


def _put_rooms(turn: _Turn, reservation_id: int, record: Record) -> None:
    """In the transaction of whoever asks: a booking is not seen without its rooms."""
    db.session.execute(text("delete from reservation_rooms where reservation_id = :id"), {"id": reservation_id})
    rooms = [
        {
            "id": reservation_id,
            "place": place,
            "hotel": turn.hotel.id,
            "kind": kind,
            "number": number,
            "names": json.dumps(names),
            "check_in": check_in,
            "check_out": check_out,
        }
        for place, (kind, number, names, check_in, check_out) in enumerate(_rooms(turn, record))
    ]
    if rooms:
        db.session.execute(
            text(
                "insert into reservation_rooms (reservation_id, place, hotel_id, kind, number, names, check_in,"
                " check_out) values (:id, :place, :hotel, :kind, :number, cast(:names as jsonb), :check_in, :check_out)"
            ),
            rooms,
        )


# What was sold twice

OVERLAPS = """
    with live as (
        select o.reservation_id, o.number, greatest(o.check_in, :today) as check_in, o.check_out
        from reservation_rooms o join reservations r on r.id = o.reservation_id
        where o.hotel_id = :hotel and o.number <> '' and o.check_out > :today and r.status in ('booked', 'in_house')
    ), twice as (
        select one.number, one.reservation_id, other.reservation_id as other_id,
            min(greatest(one.check_in, other.check_in)) as check_in,
            max(least(one.check_out, other.check_out)) as check_out
        from live one join live other on other.number = one.number and other.reservation_id > one.reservation_id
            and other.check_in < one.check_out and one.check_in < other.check_out
        group by one.number, one.reservation_id, other.reservation_id
    )
"""
GONE_CONFLICTS = text(f"""
    {OVERLAPS} delete from room_conflicts c where c.hotel_id = :hotel and not exists (
        select from twice v
        where (v.reservation_id, v.other_id, v.number) = (c.reservation_id, c.other_id, c.number))
    returning c.number
""")
NEW_CONFLICTS = text(f"""
    {OVERLAPS} insert into room_conflicts (hotel_id, number, reservation_id, other_id, check_in, check_out)
    select :hotel, number, reservation_id, other_id, check_in, check_out from twice
    on conflict (reservation_id, other_id, number) do update
        set check_in = excluded.check_in, check_out = excluded.check_out
        where (room_conflicts.check_in, room_conflicts.check_out) <> (excluded.check_in, excluded.check_out)
    returning number, xmax = 0 as is_new
""")


def note_conflicts(hotel: Hotel) -> None:
    """Keep the conflicts of the nights to come as they are now."""
    key = {"hotel": hotel.id, "today": hotel.today()}
    gone = db.session.execute(GONE_CONFLICTS, key).all()
    found = [row for row in db.session.execute(NEW_CONFLICTS, key) if row.is_new]
    db.session.commit()
    for row in gone:
        log.info("pms_conflict_gone", hotel=hotel.slug, room=row.number)
    for row in found:
        log.error("pms_conflict", hotel=hotel.slug, room=row.number)


# How it stands


@dataclass(frozen=True)
class State:
    """How well a hotel's rows tell what its PMS has. `away_since`: since then it does not answer, and why."""

    as_of: datetime | None
    whole_at: datetime | None
    away_since: datetime | None
    last_error: str
    conflicts: tuple[tuple[str, date, date, str, str], ...]
    open_writes: int


def state_of(hotel: Hotel) -> State:
    """For people; without asking the PMS."""
    key = {"hotel": hotel.id}
    row = db.session.execute(
        text("select as_of, whole_at, failed_since, last_error from pms_mirrors where hotel_id = :hotel"), key
    ).first()
    conflicts = db.session.execute(
        text(
            "select c.number, c.check_in, c.check_out, one.code, other.code from room_conflicts c"
            " join reservations one on one.id = c.reservation_id join reservations other on other.id = c.other_id"
            " where c.hotel_id = :hotel order by c.check_in, c.number, c.id"
        ),
        key,
    ).all()
    writes: int = db.session.execute(
        text("select count(*) from pms_writes where hotel_id = :hotel and state in ('asked', 'unknown')"), key
    ).scalar_one()
    db.session.commit()
    told = tuple((number, first, last, one, other) for number, first, last, one, other in conflicts)
    if row is None:
        return State(None, None, None, "", told, writes)
    return State(row.as_of, row.whole_at, row.failed_since, row.last_error, told, writes)


def _state_of(hotel: Hotel) -> tuple[str, bool]:
    """Where to go on, and whether to begin anew."""
    row = db.session.execute(
        text("select cursor, whole_at from pms_mirrors where hotel_id = :hotel"), {"hotel": hotel.id}
    ).first()
    db.session.commit()
    if row is None or not row.cursor or row.whole_at is None:
        return "", True
    return row.cursor, utcnow() - row.whole_at > WHOLE_EVERY


def _keep_state(hotel: Hotel, **columns: Any) -> None:
    """The first failure counts until the PMS answers again."""
    values = {
        name: f"coalesce(pms_mirrors.{name}, excluded.{name})"
        if name == "failed_since" and value
        else f"excluded.{name}"
        for name, value in columns.items()
    }
    sets = ", ".join(f"{name} = {value}" for name, value in values.items())
    names = ", ".join(columns)
    given = ", ".join(f":{name}" for name in columns)
    db.session.execute(
        text(
            f"insert into pms_mirrors (hotel_id, {names}) values (:hotel, {given})"
            f" on conflict (hotel_id) do update set {sets}"
        ),
        {"hotel": hotel.id, **columns},
    )
    db.session.commit()
