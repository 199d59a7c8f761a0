"""What others have done to a booking in the hotel's PMS: the thread shows it, and the guest hears once that it is off.

What was changed at the front desk its people know. A booking that is off is another matter: the guest reads it where
they booked, in their language, while their window is open and nobody else is talking to them, and the conversation goes
to people either way: to see what the guest says to it, or to reach them. `pms_news.told_at` is set with all this in one
transaction: two jobs at once tell once, and what a job that died has not told the next one tells. Of a room that was
sold twice its people hear once, as long as it is so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import text

from hotel_agent.audit.recording import record
from hotel_agent.channels.whatsapp.limits import Choice, OutButtons
from hotel_agent.conversations import outbox, waiting, words
from hotel_agent.conversations.acting import in_own_transaction
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.guest_requests import spoken_with
from hotel_agent.conversations.models import Conversation
from hotel_agent.conversations.skills.rooms_told import in_words
from hotel_agent.db import db, done_reading, locked
from hotel_agent.flags.switches import is_on
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms.agreeing import GONE, MISSING, nights_of
from hotel_agent.pms.contract import in_language

log = get_logger(__name__)

SYNC = "pms sync"  # Who did it, in the audit log.

UNTOLD = text("select id from pms_news where hotel_id = :hotel and told_at is null order by id limit :most")
# The conversation in which it was booked; of a booking that came from elsewhere, the one in which the guest wrote last.
CONVERSATION = text("""
    select c.id from conversations c
    where c.hotel_id = :hotel and c.guest_id = :guest
    order by exists (select from conversation_events e
        where e.conversation_id = c.id and e.kind = 'booked' and e.details ->> 'code' = :code) desc,
      c.last_inbound_at desc nulls last, c.id
    limit 1
""")
BOOKING = text("""
    select r.hotel_id, r.guest_id, r.code, r.status, r.currency from pms_news n
    join reservations r on r.id = n.reservation_id where n.id = :news
""")
# Nobody else writes it: whoever finds a row here is the one who tells.
MARK = text("""
    update pms_news set told_at = now() where id = :news and told_at is null returning reservation_id, before, after
""")
ROOMS = text("""
    select names, kind from reservation_rooms where reservation_id = :reservation order by place
""")
CONFLICTS = text("""
    select c.id from room_conflicts c where c.hotel_id = :hotel and c.told_at is null and c.found_at < :before
    order by c.id limit :most
""")
MARK_CONFLICT = text("""
    update room_conflicts c set told_at = now() from reservations one, reservations other
    where c.id = :conflict and c.told_at is null and one.id = c.reservation_id and other.id = c.other_id
    returning c.hotel_id, c.number, c.check_in, c.check_out, one.guest_id as one_guest, one.code as one_code,
        other.guest_id as other_guest, other.code as other_code
""")


def tell_news(hotel_id: int, most: int = 100) -> list[int]:
    """Tell what was changed in the PMS; answers the conversations that have something to send."""
    news = db.session.scalars(UNTOLD, {"hotel": hotel_id, "most": most}).all()
    done_reading()
    told = [_alone(partial(_tell, news_id), news=news_id) for news_id in news]
    return list(dict.fromkeys(conversation_id for conversation_id in told if conversation_id))


def tell_conflicts(hotel_id: int, before: datetime, most: int = 100) -> None:
    """Tell of rooms that were sold twice before then, and still are: what is read while it changes may look like it."""
    conflicts = db.session.scalars(CONFLICTS, {"hotel": hotel_id, "before": before, "most": most}).all()
    done_reading()
    for conflict_id in conflicts:
        _alone(partial(_tell_conflict, conflict_id), conflict=conflict_id)


def _alone(tell: Callable[[], int | None], **what: int) -> int | None:
    """One that breaks the program costs the other guests nothing."""
    try:
        return in_own_transaction(tell)
    except Exception:
        log.exception("pms_news_not_told", **what)
        return None


# Changes


def _tell(news_id: int) -> int | None:
    booking = db.session.execute(BOOKING, {"news": news_id}).first()
    conversation = _conversation(booking.hotel_id, booking.guest_id, booking.code) if booking else None
    if conversation and conversation.answer_due_at:
        return None  # They have just written, and the answer comes first.
    news = db.session.execute(MARK, {"news": news_id}).first()
    if booking is None or news is None or conversation is None:
        return None
    what = _what(news.before, news.after)
    note_event(conversation, "changed_in_pms", what=what, code=booking.code, **_told(booking, news))
    if what == MISSING:
        waiting.hand_over(conversation, "pms_failed")
    if what != "cancelled" or booking.status != "cancelled" or _is_over(conversation, news.before):
        return None
    waiting.hand_over(conversation, "cancelled_there")
    if not _can_be_told(conversation):
        return None
    outbox.put(conversation, _words(conversation, booking.code, news))
    return conversation.id


def _conversation(hotel_id: int, guest_id: int | None, code: str) -> Conversation | None:
    found = db.session.scalar(CONVERSATION, {"hotel": hotel_id, "guest": guest_id, "code": code})
    return locked(Conversation, found) if found else None


def _what(before: dict[str, Any], after: dict[str, Any]) -> str:
    if after["status"] in (*GONE, MISSING):
        return str(after["status"])
    return "back" if before["status"] in GONE else "changed"


def _told(booking: Any, news: Any) -> dict[str, Any]:
    """As the events of our own changes tell it."""
    now, was = _version(news.after, booking.currency), _version(news.before, booking.currency)
    return {**now, "before": was} if now != was else now


def _version(standing: dict[str, Any], currency: str) -> dict[str, Any]:
    first, last = nights_of(standing)
    return {
        "check_in": first,
        "check_out": last,
        "adults": standing["adults"],
        "children": standing["children"],
        "total": Decimal(standing["total"]),
        "currency": currency,
    }


def _is_over(conversation: Conversation, was: dict[str, Any]) -> bool:
    first, _ = nights_of(was)
    return first < db.session.get_one(Hotel, conversation.hotel_id).today()


def _can_be_told(conversation: Conversation) -> bool:
    if conversation.channel != "whatsapp" or conversation.owner != "agent" or not conversation.window_is_open:
        return False
    return is_on("agent", conversation.hotel_id, conversation.id)


def _words(conversation: Conversation, code: str, news: Any) -> OutButtons:
    spoken = spoken_with(conversation)
    language = words.language_of(spoken)
    rooms = in_words(
        in_language(row.names, language) or row.kind
        for row in db.session.execute(ROOMS, {"reservation": news.reservation_id})
    )
    first, last = nights_of(news.before)
    told = words.say(spoken, "cancel.at_the_desk", code=code, rooms=rooms, check_in=first, check_out=last)
    again = Choice(f"dates:{first}:{last}", words.say(spoken, "buttons.look_again"))
    return OutButtons(told, (again,))


# Conflicts


def _tell_conflict(conflict_id: int) -> int | None:
    conflict = db.session.execute(MARK_CONFLICT, {"conflict": conflict_id}).first()
    if conflict is None:
        return None
    days = {"check_in": conflict.check_in, "check_out": conflict.check_out}
    codes = (conflict.one_code, conflict.other_code)
    record("room_sold_twice", conflict.number, hotel_id=conflict.hotel_id, actor=SYNC, bookings=list(codes), **days)
    for guest_id, code, other in zip((conflict.one_guest, conflict.other_guest), codes, reversed(codes), strict=True):
        conversation = _conversation(conflict.hotel_id, guest_id, code) if guest_id else None
        if conversation is not None:
            note_event(conversation, "room_conflict", room=conflict.number, code=code, other=other, **days)
            waiting.hand_over(conversation, "room_conflict")
    return None
