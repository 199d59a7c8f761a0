"""People of the hotel keep a guest's rooms for longer, or let them go: on record, and told in the thread.

The guest hears nothing of it: whoever does it talks to them. What the agent says of the rooms it reads anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import text

from hotel_agent.audit.recording import record
from hotel_agent.conversations.acting import in_own_transaction, locked_conversation
from hotel_agent.conversations.events import note_once
from hotel_agent.conversations.lapsing import CONVERSATION
from hotel_agent.db import db, done_reading
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _
from hotel_agent.locks.auditing import SYSTEM, Who, acting, staff
from hotel_agent.reservations import PmsRejected, PmsUnavailable
from hotel_agent.reservations.booking import extend_hold, release_hold

LONGEST_REASON = 300

LIVE = text("""
    select h.*, g.name as guest from (
        select l.hold_key, l.hotel_id, l.guest_id, min(l.check_in) as check_in, max(l.check_out) as check_out,
            min(l.expires_at) as expires_at, max(cardinality(l.extensions)) as extensions, false as at_pms,
            array_agg(r.number order by length(r.number), r.number) as rooms
        from reservation_locks l join rooms r on r.id = l.resource_id
        where l.hotel_id = :hotel and l.status = 'active' and l.expires_at > clock_timestamp()
        group by l.hold_key, l.hotel_id, l.guest_id
        union all
        select hold_key, hotel_id, guest_id, check_in, check_out, expires_at, extensions, true,
            array(select room ->> 'number' from jsonb_array_elements(rooms) room where room ->> 'number' <> '')
        from pms_holds where hotel_id = :hotel and status = 'active' and expires_at > clock_timestamp()) h
    left join guests g on g.id = h.guest_id
    order by h.expires_at, h.hold_key
""")
WHOSE = text("""
    select guest_id from reservation_locks where hotel_id = :hotel and hold_key = :hold
    union all select guest_id from pms_holds where hotel_id = :hotel and hold_key = :hold
    limit 1
""")


class NotDone(Exception):
    """The hold stays as it was. `reason`: booked, over (its time is, or it was let go), often_enough, pms_away, or a
    PMS's own."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class By:
    """Who does it, and how the audit log calls them; without `staff_id` the hotel's administrator."""

    staff_id: int | None
    actor: str

    @property
    def who(self) -> Who:
        return SYSTEM if self.staff_id is None else staff(self.staff_id)


@dataclass(frozen=True)
class Held:
    """A live hold; `at_pms`: the hotel's own PMS keeps the rooms. `expires_at` is UTC."""

    hold_key: str
    guest: str | None
    rooms: tuple[str, ...]
    check_in: date
    check_out: date
    expires_at: datetime
    extensions: int
    at_pms: bool


def live(hotel_id: int) -> tuple[Held, ...]:
    """What is kept at a hotel now, the first to end first."""
    rows = db.session.execute(LIVE, {"hotel": hotel_id}).all()
    done_reading()
    return tuple(
        Held(
            row.hold_key,
            row.guest,
            tuple(row.rooms),
            row.check_in,
            row.check_out,
            row.expires_at,
            row.extensions,
            row.at_pms,
        )
        for row in rows
    )


def extend(hotel: Hotel, hold_key: str, by: By, request_key: str, conversation_id: int | None = None) -> datetime:
    """Keep a live hold for its whole time from now; until when. The same `request_key` extends it once.

    With a conversation, only a hold of its guest. Raises NotFound, NotDone.
    """
    guest_id = _guest_of(hotel, hold_key, conversation_id)
    with acting(by.who):
        hold = _asked(lambda: extend_hold(hotel, hold_key, guest_id, request_key))
    told = {"extension": request_key, "hold": hold_key, "until": hold.expires_at}
    in_own_transaction(partial(_write_down, hotel.id, by, "hold_extended", told, conversation_id))
    until: datetime = hold.expires_at
    return until


def release(hotel: Hotel, hold_key: str, by: By, reason: str, conversation_id: int | None = None) -> None:
    """Let a live hold go, for a reason. With a conversation, only a hold of its guest.

    Raises BadInput without a reason, NotFound, NotDone.
    """
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not reason:
        raise BadInput("reason", _("Say why the room is let go."))
    guest_id = _guest_of(hotel, hold_key, conversation_id)
    with acting(by.who):
        released = _asked(lambda: release_hold(hotel, hold_key, guest_id, reason))
    if not released:
        raise NotDone("over")
    told = {"hold": hold_key, "reason": reason}
    in_own_transaction(partial(_write_down, hotel.id, by, "hold_released", told, conversation_id))


def outcome(work: Callable[[], object]) -> dict[str, str]:
    """For a job whose caller waits: empty, or `reason` of why it was not done; `unknown`: there is no such hold."""
    try:
        work()
    except NotDone as no:
        return {"reason": no.reason}
    except NotFound:
        return {"reason": "unknown"}
    return {}


def _guest_of(hotel: Hotel, hold_key: str, conversation_id: int | None) -> Any:
    """None of a guest who asked for their data to go. Raises NotFound."""
    found = db.session.execute(WHOSE, {"hotel": hotel.id, "hold": hold_key}).first()
    of_the_talk = conversation_id and db.session.scalar(
        text("select guest_id from conversations where id = :id and hotel_id = :hotel"),
        {"id": conversation_id, "hotel": hotel.id},
    )
    done_reading()
    if found is None or (conversation_id and found.guest_id != of_the_talk):
        raise NotFound("There is no such hold.")
    return found.guest_id


def _asked(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except PmsRejected as refusal:
        raise NotDone("over" if refusal.reason == "unknown" else refusal.reason) from refusal
    except PmsUnavailable as away:
        raise NotDone("pms_away") from away


def _write_down(hotel_id: int, by: By, kind: str, told: dict[str, Any], conversation_id: int | None) -> None:
    """In the thread and in the audit log."""
    hold_key: str = told["hold"]
    conversation_id = conversation_id or db.session.scalar(CONVERSATION, {"hold": hold_key})
    if conversation_id:
        note_once(locked_conversation(hotel_id, conversation_id), kind, told, by.staff_id)
    details = {name: value for name, value in told.items() if name in ("until", "reason")}
    record(kind, hold_key, hotel_id=hotel_id, staff_id=by.staff_id, actor=by.actor, **details)
