"""A hold's time is over: the thread shows it, and the guest is told once, where they still have it in mind.

It goes on with their own talk, so that it needs no consent; but nobody has asked for it just now, so that whoever wants
no messages on the hotel's own account gets none. And none is owed to whoever has moved on: let it go,
asked for something else, booked meanwhile, or been told when they said yes. Then the talk forgets the hold, so that a
"sí" that comes after "I keep it no longer" is a wish to look again and books nothing.

`lapse_told_at` of its rows (`reservation_locks`, or `pms_holds` where the hotel's PMS kept the rooms) is set with all
this in one transaction: two jobs at once tell once, and what a job that died has not told the next one tells.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import text

from hotel_agent.channels.whatsapp.limits import Choice, OutButtons
from hotel_agent.conversations import outbox, session, words
from hotel_agent.conversations.acting import in_own_transaction
from hotel_agent.conversations.dialogue import State
from hotel_agent.conversations.events import note_once
from hotel_agent.conversations.guest_requests import spoken_with
from hotel_agent.conversations.models import Conversation
from hotel_agent.conversations.skills.rooms_told import in_words
from hotel_agent.db import db, done_reading, locked
from hotel_agent.flags.switches import is_on
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import in_language

log = get_logger(__name__)

# What a guest who has been told is asked; a yes looks again, a no ends it.
LOOK_AGAIN = "look_again"

# Nobody wants to hear of a hold of last week, nor is there a talk any more in which it could be told.
UNTOLD = text("""
    select hold_key from (
        select hold_key, expires_at from reservation_locks
        where status = 'expired' and lapse_told_at is null and expires_at > now() - interval '7 days'
        union all
        select hold_key, expires_at from pms_holds
        where status = 'expired' and lapse_told_at is null and expires_at > now() - interval '7 days') lapsed
    group by hold_key order by min(expires_at), hold_key limit :most
""")
# The conversation in which it was made; of a hold that came from elsewhere, the one in which the guest wrote last.
CONVERSATION = text("""
    select c.id from conversations c
    where c.guest_id = coalesce(
        (select guest_id from reservation_locks where hold_key = :hold order by id limit 1),
        (select guest_id from pms_holds where hold_key = :hold))
    order by exists (select from conversation_events e
        where e.conversation_id = c.id and e.kind = 'hold_made' and e.details ->> 'hold' = :hold) desc,
      c.last_inbound_at desc nulls last, c.id
    limit 1
""")
# Nobody else writes it: whoever finds rows here is the one who tells.
MARK = text("""
    with ours as (
        update reservation_locks set lapse_told_at = now()
        where hold_key = :hold and status = 'expired' and lapse_told_at is null
        returning hotel_id, guest_id, check_in, check_out, created_at),
    of_the_pms as (
        update pms_holds set lapse_told_at = now()
        where hold_key = :hold and status = 'expired' and lapse_told_at is null
        returning hotel_id, guest_id, check_in, check_out, created_at)
    select * from ours union all select * from of_the_pms
""")
# Something else is held for the guest, or they have got a room for those nights since.
HAS_OTHERS = text("""
    select exists (select from reservation_locks
            where guest_id = :guest and hold_key <> :hold and status = 'active' and expires_at > clock_timestamp())
        or exists (select from pms_holds
            where guest_id = :guest and hold_key <> :hold and status = 'active' and expires_at > clock_timestamp())
        or exists (select from reservations
            where guest_id = :guest and status in ('pending', 'booked', 'in_house') and created_at >= :since
              and daterange(check_in, check_out) && daterange(:check_in, :check_out))
""")
# Of a PMS's rooms the names are those of when they were held: it may not be asked here.
ROOMS = text("""
    select names from (
        select t.names, t.position, l.id from reservation_locks l join rooms r on r.id = l.resource_id
        join room_types t on t.id = r.room_type_id where l.hold_key = :hold
        union all
        select coalesce(h.names -> (kept -> 'request' ->> 0), jsonb_build_object('', kept -> 'request' ->> 0)), 0, place
        from pms_holds h, jsonb_array_elements(h.rooms) with ordinality as room(kept, place)
        where h.hold_key = :hold) held
    order by position, id
""")


def tell_lapsed(most: int = 200) -> list[int]:
    """Tell of the holds whose time is over; answers the conversations that have something to send."""
    holds = db.session.scalars(UNTOLD, {"most": most}).all()
    done_reading()
    told = [_tell_alone(hold_key) for hold_key in holds]
    return [conversation_id for conversation_id in told if conversation_id]


def _tell_alone(hold_key: str) -> int | None:
    """One that breaks the program costs the other guests nothing."""
    try:
        return in_own_transaction(partial(_tell, hold_key))
    except Exception:
        log.exception("lapse_not_told", hold_key=hold_key)
        return None


def _tell(hold_key: str) -> int | None:
    found = db.session.scalar(CONVERSATION, {"hold": hold_key})
    conversation = locked(Conversation, found) if found else None
    if conversation and conversation.answer_due_at:
        return None  # They have just written, and the answer comes first.
    lapsed = db.session.execute(MARK, {"hold": hold_key}).first()
    if lapsed is None or conversation is None:
        return None
    note_once(
        conversation, "hold_expired", {"hold": hold_key, "check_in": lapsed.check_in, "check_out": lapsed.check_out}
    )
    if not _wants_to_know(conversation, hold_key, lapsed):
        return None
    outbox.put(conversation, _words(conversation, hold_key, lapsed.check_in, lapsed.check_out))
    _forget(conversation)
    return conversation.id


def _wants_to_know(conversation: Conversation, hold_key: str, lapsed: Any) -> bool:
    if conversation.channel != "whatsapp" or conversation.owner != "agent" or not conversation.window_is_open:
        return False
    if db.session.get_one(Guest, conversation.guest_id).opted_out_at:
        return False
    if not is_on("agent", conversation.hotel_id, conversation.id):
        return False
    if lapsed.check_in < db.session.get_one(Hotel, conversation.hotel_id).today():
        return False
    kept = session.last_session(conversation)
    if kept is None or State.from_json(kept.state).hold != hold_key:
        return False
    others = {
        "guest": conversation.guest_id,
        "hold": hold_key,
        "since": lapsed.created_at,
        "check_in": lapsed.check_in,
        "check_out": lapsed.check_out,
    }
    return not db.session.scalar(HAS_OTHERS, others)


def _words(conversation: Conversation, hold_key: str, check_in: date, check_out: date) -> OutButtons:
    spoken = spoken_with(conversation)
    names = db.session.scalars(ROOMS, {"hold": hold_key}).all()
    rooms = in_words(in_language(name, words.language_of(spoken)) for name in names)
    told = words.say(spoken, "book.hold_over", rooms=rooms, check_in=check_in, check_out=check_out)
    again = Choice(f"dates:{check_in}:{check_out}", words.say(spoken, "buttons.look_again"))
    return OutButtons(told, (again,))


def _forget(conversation: Conversation) -> None:
    """The talk goes on without the hold, from what is known of the stay."""
    kept = session.last_session(conversation)
    if kept is None:
        return
    state = State.from_json(kept.state)
    state.hold, state.offers, state.expected = None, [], LOOK_AGAIN
    state.booking.goal = state.booking.goal or "book"
    kept.state = state.to_json()
