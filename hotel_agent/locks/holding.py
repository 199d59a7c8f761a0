"""Holding rooms so that no two guests can have the same one.

Everybody who claims a room first locks the rows of all rooms in question, in the order of their ids: then the
exclusion constraint is never met in anger and nobody deadlocks. A hold whose time is over blocks nobody,
whether or not `release_expired` has come by.

Every change leaves a row in `lock_audit`; the verbs tell who and why (locks/auditing.py), PostgreSQL does the rest.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hotel_agent.config import settings
from hotel_agent.db import db, lock_until_commit
from hotel_agent.errors import BadInput
from hotel_agent.locks.auditing import SYSTEM, Who, guest, tell
from hotel_agent.locks.transaction import in_one_transaction
from hotel_agent.logs import get_logger

log = get_logger(__name__)

holds = Counter("holds_total", "Holds on rooms by what became of them.", ["outcome"])
extensions = Counter("hold_extensions_total", "Wishes to have rooms held for longer, by outcome.", ["outcome"])

MOST_EXTENSIONS = 2

LIVE = "(l.status = 'booked' or (l.status = 'active' and l.expires_at > clock_timestamp()))"
COLUMNS = (
    "id, hotel_id, resource_id, status, check_in, check_out, expires_at, reservation_id, guest_id, hold_key, "
    "price, adults, children, extensions"
)


class RoomTaken(Exception):
    """Somebody was faster: too few of the rooms are free."""


class HoldLapsed(Exception):
    """The hold can no longer become a booking: it was let go, is not this guest's, or its terms are over."""


class NotExtended(Exception):
    """The hold stays as it is.

    `reason`: unknown (there is none of that guest), booked, over (its time is, or it was let go), often_enough.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Wanted:
    """One room out of `candidates` (best first). `price` is for the whole stay.

    `since`: only for the nights from then on, of a stay that has begun in another room.
    """

    candidates: tuple[int, ...]
    price: Decimal
    adults: int
    children: int
    since: date | None = None


@dataclass(frozen=True)
class Claim:
    """A row of reservation_locks."""

    id: int
    hotel_id: int
    resource_id: int
    status: str
    check_in: date
    check_out: date
    expires_at: datetime | None
    reservation_id: int | None
    guest_id: int | None
    hold_key: str
    price: Decimal
    adults: int
    children: int
    extensions: Sequence[str] = ()


def hold(
    hotel_id: int,
    check_in: date,
    check_out: date,
    wanted: Sequence[Wanted],
    guest_id: int,
    request_key: str,
    replaces: str | None = None,
    not_to_be_let: Callable[[set[int]], set[int]] | None = None,
) -> tuple[Claim, ...]:
    """Keep a room for each of `wanted`, all or none, for HOLD_SECONDS. Raises RoomTaken.

    `not_to_be_let`: which of these rooms cannot be had for another reason, asked when nobody can change it any more.

    The same `request_key` gives the same live hold, however often and from wherever it is asked. The guest's
    hold named by `replaces` is let go in the same transaction, and survives when RoomTaken is raised.
    """

    def work() -> tuple[Claim, ...]:
        lock_until_commit([f"hold:{hotel_id}:{request_key}"])
        already = _live_of_request(hotel_id, request_key)
        if already:
            return already
        rooms = {room for one in wanted for room in one.candidates}
        old = claims_of(replaces) if replaces else ()
        _lock_rooms(rooms | {claim.resource_id for claim in old})
        if old:
            tell(guest(guest_id), "another hold takes its place")
            _let_go(hotel_id, replaces, guest_id)
        _expire_lapsed(rooms)
        out = not_to_be_let(rooms) if not_to_be_let else set()
        chosen = _choose(wanted, {None: _taken(rooms, check_in, check_out) | out})
        tell(guest(guest_id), f"asked for by {request_key}")
        return _insert(hotel_id, check_in, check_out, wanted, chosen, guest_id, request_key)

    try:
        claims = in_one_transaction(work)
    except RoomTaken:
        holds.labels("taken").inc()
        raise
    except IntegrityError as error:
        if not is_overlap(error):
            raise
        holds.labels("taken").inc()
        raise RoomTaken from error
    holds.labels("held").inc()
    return claims


def extend(hotel_id: int, hold_key: str, by: Who, request_key: str) -> tuple[Claim, ...]:
    """Keep a live hold for HOLD_SECONDS from now, for its own guest or because staff say so; MOST_EXTENSIONS times.

    The same `request_key`, asked again, changes nothing more. Raises NotExtended.
    """

    def work() -> tuple[Claim, ...]:
        _lock_rooms({claim.resource_id for claim in claims_of(hold_key)})
        claims = claims_of(hold_key)
        if not claims or claims[0].hotel_id != hotel_id or not _may(by, claims[0]):
            raise NotExtended("unknown")
        if claims[0].status == "booked":
            raise NotExtended("booked")
        if any(claim.status != "active" for claim in claims) or has_lapsed(claims):
            raise NotExtended("over")
        if request_key in claims[0].extensions:
            return claims
        if len(claims[0].extensions) >= MOST_EXTENSIONS:
            raise NotExtended("often_enough")
        tell(by, f"asked for by {request_key}")
        return _extend(hold_key, request_key, len(claims))

    try:
        claims = in_one_transaction(work)
    except NotExtended as refusal:
        extensions.labels(refusal.reason).inc()
        raise
    extensions.labels("extended").inc()
    return claims


def release(hotel_id: int, hold_key: str, by: Who, reason: str) -> bool:
    """Let a live hold go: its own guest, or staff, who have to say why. False when there was none of theirs.

    Raises BadInput without a reason.
    """
    if not reason.strip():
        raise BadInput("reason", "Say why the room is let go.")

    def work() -> bool:
        _lock_rooms({claim.resource_id for claim in claims_of(hold_key)})
        tell(by, reason)
        return _let_go(hotel_id, hold_key, by.id if by.kind == "guest" else None) > 0

    released = in_one_transaction(work)
    if released:
        holds.labels("released").inc()
        log.info("hold released", hold_key=hold_key, reason=reason)
    return released


def release_expired(limit: int = 500) -> tuple[Claim, ...]:
    """Mark holds whose time is over, and answer them. What somebody is working on waits for the next time."""

    def work() -> tuple[Claim, ...]:
        tell(SYSTEM, "its time was over")
        rows = db.session.execute(
            text(
                "update reservation_locks set status = 'expired' where id in ("
                " select id from reservation_locks"
                " where status = 'active' and expires_at <= clock_timestamp()"
                f" order by id limit :limit for update skip locked) returning {COLUMNS}"
            ),
            {"limit": limit},
        )
        return _claims(rows)

    expired = in_one_transaction(work)
    if expired:
        holds.labels("expired").inc(len(expired))
    return expired


def convert(hold_key: str, reservation_id: int) -> tuple[Claim, ...]:
    """Make a hold a booked stay, in the same rows and in the caller's transaction.

    A hold whose time is over is taken up again when its rooms are still free. Raises RoomTaken when they are
    not, HoldLapsed when the hold was let go or never was.
    """
    _lock_rooms({claim.resource_id for claim in claims_of(hold_key)})
    claims = claims_of(hold_key)
    if not claims or any(claim.status not in ("active", "expired") for claim in claims):
        raise HoldLapsed
    rooms = {claim.resource_id for claim in claims}
    _expire_lapsed(rooms, but=hold_key)
    if _taken(rooms, claims[0].check_in, claims[0].check_out, but=hold_key):
        raise RoomTaken
    tell(guest(claims[0].guest_id), "booked")
    rows = db.session.execute(
        text(
            "update reservation_locks"
            " set status = 'booked', expires_at = null, reservation_id = :reservation"
            f" where hold_key = :hold returning {COLUMNS}"
        ),
        {"reservation": reservation_id, "hold": hold_key},
    )
    holds.labels("booked").inc()
    return _claims(rows)


def release_booked(reservation_id: int, why: str = "the booking was cancelled") -> int:
    """Free the rooms of a booking that nobody comes for, in the caller's transaction; how many."""
    tell(SYSTEM, why)
    return _free(reservation_id)


def free_from(reservation_id: int, night: date) -> None:
    """Free the rooms of whoever has left for that night and those after it, in the caller's transaction."""
    _lock_rooms({claim.resource_id for claim in claims_of_booking(reservation_id)})
    tell(SYSTEM, "the guest has left")
    for change in ("status = 'released' where check_in >= :night", "check_out = :night where check_out > :night"):
        db.session.execute(
            text(f"update reservation_locks set {change} and reservation_id = :reservation and status = 'booked'"),
            {"night": night, "reservation": reservation_id},
        )


def _free(reservation_id: int) -> int:
    rows = db.session.execute(
        text(
            "update reservation_locks set status = 'released'"
            " where reservation_id = :reservation and status = 'booked' returning id"
        ),
        {"reservation": reservation_id},
    )
    return len(rows.all())


def rebook(reservation_id: int, check_in: date, check_out: date, wanted: Sequence[Wanted]) -> tuple[Claim, ...]:
    """Give a booked stay other rooms or nights, in the caller's transaction: old claims released, new ones booked.

    Raises RoomTaken, with which the caller's savepoint goes back to the old claims.
    """
    old = claims_of_booking(reservation_id)
    rooms = {room for one in wanted for room in one.candidates}
    _lock_rooms(rooms | {claim.resource_id for claim in old})
    _expire_lapsed(rooms)
    tell(SYSTEM, "the booking was changed", moving=True)
    _free(reservation_id)
    chosen = _choose(wanted, _taken_since(wanted, check_in, check_out))
    rows = db.session.execute(
        text(
            "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, reservation_id,"
            " guest_id, hold_key, price, adults, children)"
            " select r.hotel_id, room, 'booked', coalesce(w.since, :check_in), :check_out, r.id, r.guest_id, :hold,"
            " w.price, w.adults, w.children"
            " from reservations r, unnest(cast(:rooms as integer[]), cast(:prices as numeric[]),"
            " cast(:adults as integer[]), cast(:children as integer[]), cast(:since as date[]))"
            " as w(room, price, adults, children, since)"
            f" where r.id = :reservation returning {_of_table('reservation_locks')}"
        ),
        {
            "reservation": reservation_id,
            "check_in": check_in,
            "check_out": check_out,
            "hold": uuid.uuid4().hex,
            "rooms": chosen,
            "prices": [one.price for one in wanted],
            "adults": [one.adults for one in wanted],
            "children": [one.children for one in wanted],
            "since": [one.since for one in wanted],
        },
    )
    moved = _claims(rows)
    tell(SYSTEM, "")  # What else happens in the caller's transaction is no move.
    return moved


def rooms_for(reservation_id: int, check_in: date, check_out: date, wanted: Sequence[Wanted]) -> list[int]:
    """The rooms that `rebook` would choose now. Raises RoomTaken."""
    return _choose(wanted, _taken_since(wanted, check_in, check_out, of_others_than=reservation_id))


def is_free(reservation_id: int, rooms: Iterable[int], night: date) -> bool:
    """Whether nobody else has any of these rooms on that night."""
    return not _taken(set(rooms), night, night + timedelta(days=1), of_others_than=reservation_id)


def lock_rooms(rooms: Iterable[int]) -> None:
    """Let nobody else claim these rooms until the transaction ends."""
    _lock_rooms(set(rooms))


def claims_of_booking(reservation_id: int) -> tuple[Claim, ...]:
    """The live claims of a booking."""
    rows = db.session.execute(
        text(
            f"select {COLUMNS} from reservation_locks where reservation_id = :reservation and status = 'booked'"
            " order by id"
        ),
        {"reservation": reservation_id},
    )
    return _claims(rows)


def claims_of(hold_key: str) -> tuple[Claim, ...]:
    """The rows of one hold, whatever their status."""
    rows = db.session.execute(
        text(f"select {COLUMNS} from reservation_locks where hold_key = :hold order by id"),
        {"hold": hold_key},
    )
    return _claims(rows)


def has_lapsed(claims: Iterable[Claim]) -> bool:
    """True when the time of any of these holds is over, by the database's clock."""
    now: datetime = db.session.execute(text("select clock_timestamp()")).scalar_one()
    return any(
        claim.status == "expired" or (claim.status == "active" and (claim.expires_at or now) <= now) for claim in claims
    )


def is_overlap(error: IntegrityError) -> bool:
    """True when the exclusion constraint said no."""
    return isinstance(error.orig, psycopg.errors.ExclusionViolation)


def _live_of_request(hotel_id: int, request_key: str) -> tuple[Claim, ...]:
    rows = db.session.execute(
        text(
            f"select {COLUMNS} from reservation_locks l where hotel_id = :hotel and request_key = :request"
            f" and {LIVE} order by id"
        ),
        {"hotel": hotel_id, "request": request_key},
    )
    return _claims(rows)


def _lock_rooms(rooms: set[int]) -> None:
    db.session.execute(
        text("select id from rooms where id = any(:rooms) order by id for update"), {"rooms": sorted(rooms)}
    )


def _may(by: Who, claim: Claim) -> bool:
    """A guest has a say in their own holds, staff in all of their hotel."""
    return by.kind != "guest" or by.id == claim.guest_id


def _extend(hold_key: str, request_key: str, count: int) -> tuple[Claim, ...]:
    """All rooms of a hold or none: its time may run out, and the job come by, at this very moment."""
    rows = db.session.execute(
        text(
            "update reservation_locks set extensions = extensions || cast(:request as text),"
            " expires_at = statement_timestamp() + make_interval(secs => :seconds)"
            " where hold_key = :hold and status = 'active' and expires_at > clock_timestamp()"
            f" returning {COLUMNS}"
        ),
        {"request": request_key, "seconds": settings().hold_seconds, "hold": hold_key},
    )
    claims = _claims(rows)
    if len(claims) < count:
        raise NotExtended("over")
    return claims


def _let_go(hotel_id: int, hold_key: str | None, guest_id: int | None) -> int:
    rows = db.session.execute(
        text(
            "update reservation_locks set status = 'released' where hold_key = :hold and status = 'active'"
            " and hotel_id = :hotel and (cast(:guest as integer) is null or guest_id = :guest) returning id"
        ),
        {"hotel": hotel_id, "hold": hold_key, "guest": guest_id},
    )
    return len(rows.all())


def _expire_lapsed(rooms: set[int], but: str = "") -> None:
    """The exclusion constraint cannot look at a clock, so lapsed holds leave its sight here."""
    db.session.execute(
        text(
            "update reservation_locks set status = 'expired' where resource_id = any(:rooms)"
            " and status = 'active' and expires_at <= clock_timestamp() and hold_key <> :but"
        ),
        {"rooms": sorted(rooms), "but": but},
    )


def _taken(
    rooms: set[int], check_in: date, check_out: date, but: str = "", of_others_than: int | None = None
) -> set[int]:
    rows = db.session.execute(
        text(
            f"select l.resource_id from reservation_locks l where l.resource_id = any(:rooms) and {LIVE}"
            " and l.status in ('active', 'booked') and l.hold_key <> :but"
            " and (cast(:reservation as integer) is null or l.reservation_id is distinct from :reservation)"
            " and daterange(l.check_in, l.check_out) && daterange(:check_in, :check_out)"
        ),
        {
            "rooms": sorted(rooms),
            "but": but,
            "reservation": of_others_than,
            "check_in": check_in,
            "check_out": check_out,
        },
    )
    return set(rows.scalars())


def _taken_since(
    wanted: Sequence[Wanted], check_in: date, check_out: date, of_others_than: int | None = None
) -> dict[date | None, set[int]]:
    """Which of the rooms are taken, by the day from which they are wanted."""
    rooms = {room for one in wanted for room in one.candidates}
    return {
        since: _taken(rooms, since or check_in, check_out, of_others_than=of_others_than)
        for since in {one.since for one in wanted}
    }


def _choose(wanted: Sequence[Wanted], taken: Mapping[date | None, set[int]]) -> list[int]:
    chosen: list[int] = []
    for one in wanted:
        room = next((room for room in one.candidates if room not in taken[one.since] and room not in chosen), None)
        if room is None:
            raise RoomTaken
        chosen.append(room)
    return chosen


def _insert(
    hotel_id: int,
    check_in: date,
    check_out: date,
    wanted: Sequence[Wanted],
    chosen: list[int],
    guest_id: int,
    request_key: str,
) -> tuple[Claim, ...]:
    rows = db.session.execute(
        text(
            "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, expires_at,"
            " guest_id, hold_key, request_key, price, adults, children)"
            " select :hotel, room, 'active', :check_in, :check_out,"
            " statement_timestamp() + make_interval(secs => :seconds),"
            " :guest, :hold, :request, price, adults, children"
            " from unnest(cast(:rooms as integer[]), cast(:prices as numeric[]), cast(:adults as integer[]),"
            f" cast(:children as integer[])) as w(room, price, adults, children) returning {COLUMNS}"
        ),
        {
            "hotel": hotel_id,
            "check_in": check_in,
            "check_out": check_out,
            "seconds": settings().hold_seconds,
            "guest": guest_id,
            "hold": uuid.uuid4().hex,
            "request": request_key,
            "rooms": chosen,
            "prices": [one.price for one in wanted],
            "adults": [one.adults for one in wanted],
            "children": [one.children for one in wanted],
        },
    )
    return _claims(rows)


def _of_table(table: str) -> str:
    return ", ".join(f"{table}.{column.strip()}" for column in COLUMNS.split(","))


def _claims(rows: Iterable[Any]) -> tuple[Claim, ...]:
    return tuple(sorted((Claim(*row) for row in rows), key=lambda claim: claim.id))
