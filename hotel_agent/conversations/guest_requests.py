"""What guests ask people of the hotel to do: filed by the agent, seen and closed by the staff, the guest told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import outbox, waiting, words
from hotel_agent.conversations.acting import in_own_transaction, locked_conversation
from hotel_agent.conversations.dialogue import Request
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.models import Conversation, GuestRequest
from hotel_agent.conversations.skills.things import named, things_in
from hotel_agent.conversations.tending import may_answer
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _

# By kind, for which reason the conversation waits for a person.
KINDS = {
    "housekeeping": "request",
    "room_service": "request",
    "transport": "request",
    "errand": "request",  # a wake-up call, luggage carried
    "repair": "problem",
    "lost_item": "lost_item",
    "invoice": "invoice",
    "data_request": "data_request",
}
LONGEST = 500


def shortened(said: str) -> str:
    """A guest's words on one line, as colleagues read them in a list."""
    line = " ".join(said.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def file(conversation: Conversation, request: Request) -> None:
    """Write a request down, once for its key. In the caller's transaction, in which the conversation is locked."""
    if request.adds:
        _add(conversation, request)
        return
    made = db.session.scalar(
        insert(GuestRequest)
        .values(
            hotel_id=conversation.hotel_id,
            conversation_id=conversation.id,
            guest_id=conversation.guest_id,
            reservation_id=request.reservation_id,
            request_key=request.key,
            kind=request.kind,
            words=shortened(request.words),
            room=request.room,
        )
        .on_conflict_do_nothing(index_elements=["conversation_id", "request_key"])
        .returning(GuestRequest.id)
    )
    if made:
        metrics.guest_requests.labels(request.kind).inc()
        note_event(conversation, "request_made", request=made, of=request.kind)


def _add(conversation: Conversation, request: Request) -> None:
    """More about a request that is still open. Told again, the same words change nothing."""
    db.session.execute(
        update(GuestRequest)
        .where(
            GuestRequest.conversation_id == conversation.id,
            GuestRequest.request_key == request.key,
            GuestRequest.status == "open",
        )
        .values(words=shortened(request.words))
    )


def open_of(guest_id: int) -> Sequence[GuestRequest]:
    """What is open for a guest, the oldest first."""
    return db.session.scalars(
        select(GuestRequest)
        .where(GuestRequest.guest_id == guest_id, GuestRequest.status == "open")
        .order_by(GuestRequest.id)
    ).all()


@dataclass(frozen=True)
class Settled:
    """What became of a request; `told` says whether the guest hears of it, `again` that it was settled before."""

    conversation_id: int
    told: bool
    again: bool = False


def close(request_id: int, by: int | None, *, hotel_id: int) -> Settled:
    """It is done, and the guest is told, unless WhatsApp's window is closed. `by` is None for an administrator.

    Raises NotFound.
    """
    return _settle(request_id, by, "done", hotel_id)


def cancel(request_id: int, by: int | None, *, hotel_id: int) -> Settled:
    """Nobody will do it; the guest hears nothing, as whoever cancels it has told them why. Raises NotFound."""
    return _settle(request_id, by, "cancelled", hotel_id)


def assign(request_id: int, by: int, to: int | None, *, hotel_id: int) -> None:
    """Make an open request a colleague's (None: nobody's). Raises NotFound, BadInput."""

    def work() -> None:
        conversation, row = _locked(request_id, hotel_id)
        _check_open(row)
        if to == row.assigned_to:
            return
        if to is not None and not may_answer(to, hotel_id):
            raise BadInput("to", _("This person cannot answer guests of this hotel."))
        row.assigned_to = to
        note_event(conversation, "request_assigned", by, request=row.id, of=row.kind, to=to)

    in_own_transaction(work)


def start(request_id: int, by: int, *, hotel_id: int) -> None:
    """Somebody is at it: whoever had it, or else whoever says so. Raises NotFound, BadInput."""

    def work() -> None:
        conversation, row = _locked(request_id, hotel_id)
        _check_open(row)
        if row.started_at is not None:
            return
        row.started_at, row.assigned_to = utcnow(), row.assigned_to or by
        note_event(conversation, "request_started", by, request=row.id, of=row.kind)

    in_own_transaction(work)


def put_back(request_id: int, by: int, *, hotel_id: int) -> None:
    """Nobody is at it after all. Raises NotFound, BadInput."""

    def work() -> None:
        conversation, row = _locked(request_id, hotel_id)
        _check_open(row)
        if row.started_at is None:
            return
        row.started_at = None
        note_event(conversation, "request_put_back", by, request=row.id, of=row.kind)

    in_own_transaction(work)


def _check_open(row: GuestRequest) -> None:
    if row.status != "open":
        raise BadInput("request", _("This request is settled already."))


def _settle(request_id: int, by: int | None, status: str, hotel_id: int) -> Settled:
    def work() -> Settled:
        conversation, row = _locked(request_id, hotel_id)
        if row.status == status:
            return Settled(conversation.id, told=False, again=True)
        _check_open(row)
        row.status, row.closed_at, row.closed_by = status, utcnow(), by
        note_event(conversation, f"request_{status}", by, request=row.id, of=row.kind)
        _needed_no_more(conversation, KINDS.get(row.kind, "request"))
        told = status == "done" and conversation.window_is_open
        if told:
            outbox.put(conversation, OutText(_done(conversation, row)), author="automatic")
        return Settled(conversation.id, told)

    return in_own_transaction(work)


def _locked(request_id: int, hotel_id: int) -> tuple[Conversation, GuestRequest]:
    """The conversation first: whoever joins two of them, or answers in one, locks it before its rows."""
    owner = select(GuestRequest.conversation_id).where(GuestRequest.id == request_id, GuestRequest.hotel_id == hotel_id)
    conversation_id = db.session.scalar(owner)
    if conversation_id is None:
        raise NotFound("There is no such request.")
    conversation = locked_conversation(hotel_id, conversation_id)
    row = db.session.get(GuestRequest, request_id, populate_existing=True, with_for_update=True)
    if row is None or row.conversation_id != conversation.id:
        raise NotFound("There is no such request.")
    return conversation, row


def _needed_no_more(conversation: Conversation, reason: str) -> None:
    """The conversation waits for that reason only while another request of it is open."""
    kinds = [kind for kind, why in KINDS.items() if why == reason]
    db.session.flush()
    still = db.session.scalar(
        select(
            exists().where(
                GuestRequest.conversation_id == conversation.id,
                GuestRequest.kind.in_(kinds),
                GuestRequest.status == "open",
            )
        )
    )
    if not still and reason in conversation.waiting_reasons:
        waiting.drop_reasons(conversation, {reason})


def _done(conversation: Conversation, row: GuestRequest) -> str:
    spoken = spoken_with(conversation)
    things = named(spoken, row.kind, things_in(row.kind, row.words))
    return words.say(spoken, f"{row.kind}.done", things=things)


def spoken_with(conversation: Conversation) -> str:
    """The language in which the guest is written to, as it is spoken where the hotel is."""
    hotel = db.session.get_one(Hotel, conversation.hotel_id)
    return words.spoken_in(language_of(conversation), hotel.country)


def language_of(conversation: Conversation) -> str:
    """The one in which the guest is written to."""
    guest = db.session.get(Guest, conversation.guest_id)
    known = conversation.language or (guest.language if guest else None)
    return db.session.get_one(Hotel, conversation.hotel_id).answers_in(known)


def listed(hotel_id: int, *, also_closed: bool = False) -> list[tuple[GuestRequest, str | None]]:
    """The hotel's requests with their guests' names, the oldest first; of closed ones the latest hundred."""
    query = (
        select(GuestRequest, Guest.name)
        .join(Guest, Guest.id == GuestRequest.guest_id)
        .where(GuestRequest.hotel_id == hotel_id)
    )
    if not also_closed:
        query = query.where(GuestRequest.status == "open").order_by(GuestRequest.id)
        return [(row, name) for row, name in db.session.execute(query)]
    latest = [(row, name) for row, name in db.session.execute(query.order_by(GuestRequest.id.desc()).limit(100))]
    return latest[::-1]


def check_of(request_id: int, hotel_id: int) -> None:
    """Raises NotFound where the hotel has no such request."""
    query = select(GuestRequest.id).where(GuestRequest.id == request_id, GuestRequest.hotel_id == hotel_id)
    if db.session.scalar(query) is None:
        raise NotFound("There is no such request.")


def hotel_of(request_id: int) -> int:
    """Whose request it is, for an administrator. Raises NotFound."""
    found = db.session.scalar(select(GuestRequest.hotel_id).where(GuestRequest.id == request_id))
    if found is None:
        raise NotFound("There is no such request.")
    return found
