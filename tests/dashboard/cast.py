"""Guests who have written, as rows: what lists, threads and cards are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import event, select, text

from hotel_agent.conversations.models import Conversation, ConversationEvent, Message, MessageId
from hotel_agent.dashboard.inbox import listing
from hotel_agent.dashboard.shapes import Line, Listing
from hotel_agent.db import db, utcnow
from hotel_agent.guests.models import Guest, GuestIdentity
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.locks.models import ReservationLock
from hotel_agent.pms.local.models import Reservation, Room
from tests.conversations.cast import ana

_numbers = count(1)
EMPTY: Mapping[str, Any] = {}


def hotel(slug: str = "miramar") -> Hotel:
    return by_slug(slug)


def ago(**span: float) -> datetime:
    return utcnow() - timedelta(**span)


def guest(name: str | None = "Marta García", phone: str | None = None, slug: str = "miramar", **columns: Any) -> Guest:
    row = Guest(hotel_id=hotel(slug).id, name=name, **columns)
    db.session.add(row)
    db.session.flush()
    phone = phone or f"346{next(_numbers):08}"
    db.session.add(GuestIdentity(hotel_id=row.hotel_id, guest_id=row.id, kind="phone", value=phone, wire=phone))
    db.session.commit()
    return row


def talk(name: str | None = "Marta García", *, slug: str = "miramar", who: Guest | None = None, **columns: Any) -> int:
    """A conversation of a new guest; `minutes` is how long ago it was last heard of."""
    phone, minutes = columns.pop("phone", None), columns.pop("minutes", 60)
    who = who or guest(name, phone, slug)
    number = db.session.scalars(select(HotelIdentifier.id).where(HotelIdentifier.hotel_id == who.hotel_id)).first()
    columns = {"last_message_at": ago(minutes=minutes), "last_inbound_at": ago(minutes=minutes)} | columns
    row = Conversation(
        hotel_id=who.hotel_id,
        guest_id=who.id,
        channel=columns.pop("channel", "whatsapp"),
        identifier_id=number,
        **columns,
    )
    db.session.add(row)
    db.session.commit()
    return row.id


def waiting(name: str = "Marta García", *reasons: str, minutes: float = 10, **columns: Any) -> int:
    """A conversation that waits for a person since so many minutes, nobody's unless said otherwise.

    `status_of` is another status than waiting.
    """
    reasons = reasons or ("human",)
    status = columns.pop("status_of", "waiting")
    given = {"status": status, "waiting_since": ago(minutes=minutes), "waiting_reason": reasons[0]}
    return talk(name, minutes=minutes, **given, waiting_reasons=list(reasons), **columns)


def says(conversation_id: int, body: str = "Hola", wamid: str | None = None, **columns: Any) -> int:
    """A message of the guest, or of the hotel with `direction="out"`; `minutes` ago."""
    at = ago(minutes=columns.pop("minutes", 5))
    out = columns.get("direction") == "out"
    wamid = wamid or f"wamid.D{next(_numbers)}"
    given = {"direction": "in", "type": "text", "created_at": at, "author": "agent" if out else "guest"}
    given |= {"status": "read" if out else "received", "sent_at": at}
    row = Message(
        hotel_id=db.session.get_one(Conversation, conversation_id).hotel_id,
        conversation_id=conversation_id,
        wamid=wamid,
        body=body,
        **given | columns,
    )
    db.session.add(row)
    db.session.flush()
    db.session.add(MessageId(hotel_id=row.hotel_id, wamid=wamid, message_id=row.id, message_created_at=row.created_at))
    db.session.commit()
    return row.id


def answers(conversation_id: int, body: str = "Claro", **columns: Any) -> int:
    return says(conversation_id, body, **{"direction": "out"} | columns)


def happens(conversation_id: int, kind: str, minutes: float = 5, **columns: Any) -> int:
    row = ConversationEvent(
        hotel_id=db.session.get_one(Conversation, conversation_id).hotel_id,
        conversation_id=conversation_id,
        kind=kind,
        **{"at": ago(minutes=minutes)} | columns,
    )
    db.session.add(row)
    db.session.commit()
    return row.id


_days = count(0, 40)


def books(
    who: int,
    arrives: int,
    leaves: int,
    status: str = "booked",
    rooms: tuple[str, ...] = (),
    code: str = "",
    **columns: Any,
) -> str:
    """A reservation of the conversation's guest, by days from today; answers its code.

    The rooms' claims lie years ahead, where the demo's stays are not in the way.
    """
    row = db.session.get_one(Guest, db.session.get_one(Conversation, who).guest_id)
    today = by_id(row.hotel_id).today()
    code = code or f"MIR-{next(_numbers):06}"
    given = {"guest_name": row.name, "adults": 2, "children": 0, "total": Decimal("190.00"), "currency": "EUR"}
    reservation = Reservation(
        hotel_id=row.hotel_id,
        guest_id=row.id,
        code=code,
        status=status,
        check_in=today + timedelta(days=arrives),
        check_out=today + timedelta(days=leaves),
        **given | columns,
    )
    db.session.add(reservation)
    db.session.flush()
    for number in rooms:
        db.session.add(_claim(row, number, "released" if status == "cancelled" else "booked", reservation.id))
    db.session.commit()
    return code


def holds(who: int, *rooms: str, minutes: float) -> None:
    """Rooms kept for the guest for so many minutes more."""
    row = db.session.get_one(Guest, db.session.get_one(Conversation, who).guest_id)
    key = f"hold {next(_numbers)}"
    for number in rooms:
        claim = _claim(row, number, "active")
        claim.expires_at, claim.hold_key = utcnow() + timedelta(minutes=minutes), key
        db.session.add(claim)
    db.session.commit()


def _claim(who: Guest, number: str, status: str, reservation_id: int | None = None) -> ReservationLock:
    room = db.session.scalars(select(Room.id).where(Room.hotel_id == who.hotel_id, Room.number == number)).one()
    first = date.today() + timedelta(days=2000 + next(_days))
    return ReservationLock(
        hotel_id=who.hotel_id,
        resource_id=room,
        status=status,
        check_in=first,
        check_out=first + timedelta(days=2),
        guest_id=who.id,
        reservation_id=reservation_id,
        hold_key=f"claim {next(_numbers)}",
        price=Decimal("95.00"),
    )


def by_id(hotel_id: int) -> Hotel:
    return db.session.get_one(Hotel, hotel_id)


def list_of(view: str = "waiting", query: str = "", after: str | None = None, slug: str = "miramar") -> Listing:
    """What Ana sees."""
    return listing(hotel(slug), ana(), view, query, after)


def ids(lines: tuple[Line, ...]) -> list[int]:
    return [line.id for line in lines]


def kinds(conversation_id: int, view: str = "all") -> list[str]:
    """The chips of a conversation in the list."""
    shown = list_of(view)
    line = next(line for line in (*shown.lines, *shown.pinned) if line.id == conversation_id)
    return [chip.kind for chip in line.chips]


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    heard: list[str] = []

    def said(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        heard.append(statement)

    event.listen(db.engine, "before_cursor_execute", said)
    try:
        yield heard
    finally:
        event.remove(db.engine, "before_cursor_execute", said)


def analyzed() -> None:
    """As autovacuum would have it."""
    db.session.execute(text("analyze conversations, messages, guests"))
    db.session.commit()
