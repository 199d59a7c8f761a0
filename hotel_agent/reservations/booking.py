"""Holding, booking, finding and cancelling. What a guest is told is always what was read back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.evidence import recorded
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import (
    Booking,
    BookRequest,
    Hold,
    HoldRequest,
    OutcomeUnknown,
    PmsRejected,
    RoomRequest,
    Stay,
)
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.keeping import remember_names

# Words of a name that are no surname by themselves.
MOST_NOT_OVER = 5
PARTICLES = frozenset(
    (
        "da",
        "das",
        "de",
        "del",
        "den",
        "der",
        "do",
        "dos",
        "du",
        "e",
        "el",
        "i",
        "la",
        "las",
        "los",
        "van",
        "von",
        "y",
    )
)


@dataclass(frozen=True)
class NeedsSurname:
    """Whoever asks must give the surname too. Says nothing about whether there is such a booking."""


@dataclass(frozen=True)
class Terms:
    """What cancelling costs at one moment."""

    fee: Decimal
    free_until: datetime

    @property
    def is_free(self) -> bool:
        return self.fee == 0


@dataclass(frozen=True)
class Cancelled:
    """A booking that is cancelled on record, what that costs, and whether it was so already."""

    booking: Booking
    fee: Decimal
    already: bool


class FeeChanged(Exception):
    """Cancelling costs another fee by now than whoever asks for it believes."""

    def __init__(self, fee: Decimal) -> None:
        super().__init__(str(fee))
        self.fee = fee


def hold_quote(
    hotel: Hotel,
    guest_id: int,
    stay: Stay,
    rooms: Sequence[RoomRequest],
    request_key: str,
    replaces: str | None = None,
) -> Hold:
    """Keep these rooms at the prices of now. Raises RoomTaken; then the hold named by `replaces` survives."""
    hold = pms_for(hotel).hold(HoldRequest(stay, tuple(rooms), guest_id, request_key, replaces))
    if hotel.pms != "local":
        remember_names(hold)
    return hold


def find_hold(hotel: Hotel, hold_key: str, guest_id: int) -> Hold | None:
    """The guest's hold if it is live or has become a booking."""
    hold = pms_for(hotel).held(hold_key)
    return hold if hold is not None and hold.guest_id == guest_id else None


def extend_hold(hotel: Hotel, hold_key: str, guest_id: int, request_key: str) -> Hold:
    """Keep the guest's live hold for its whole time from now, twice at most.

    The same `request_key` extends once. Raises PmsRejected with "unknown", "booked", "over" or "often_enough".
    """
    return pms_for(hotel).extend(hold_key, guest_id, request_key)


def release_hold(hotel: Hotel, hold_key: str, guest_id: int, reason: str) -> bool:
    """Let the guest's live hold go; False when there was none."""
    return pms_for(hotel).release(hold_key, guest_id, reason)


def book(
    hotel: Hotel,
    hold_key: str,
    guest_id: int,
    guest_name: str,
    request_key: str,
    today: date | None = None,
) -> Booking:
    """Turn the guest's hold into a booking and read it back. Raises RoomTaken, HoldLapsed.

    Asking again with the same hold or the same request gives the same booking, as it stands by then. Raises
    OutcomeUnknown when the record cannot be found afterwards.
    """
    pms = pms_for(hotel)
    code = pms.book(BookRequest(hold_key, guest_id, guest_name, request_key, today or hotel.today()))
    return _read_back(hotel, code)


def read_for_hotel(hotel: Hotel, code: str) -> Booking | None:
    """The booking as the PMS has it, for the hotel's own people and programs."""
    return pms_for(hotel).read(code)


def upcoming_of(hotel: Hotel, guest_id: int, today: date | None = None) -> tuple[Booking, ...]:
    """The guest's live bookings that are not over, soonest first."""
    return pms_for(hotel).upcoming(guest_id, today or hotel.today())


def codes_not_over(hotel: Hotel, guest_id: int, today: date | None = None) -> tuple[tuple[str, bool], ...]:
    """The guest's bookings whose days are not over, as our rows have them: the code, and whether the row is live."""
    rows = db.session.execute(
        text(
            "select code, status in ('pending', 'booked', 'in_house') as live from reservations"
            " where hotel_id = :hotel and guest_id = :guest and check_out > :today"
            " order by live desc, check_in, id limit :most"
        ),
        {"hotel": hotel.id, "guest": guest_id, "today": today or hotel.today(), "most": MOST_NOT_OVER},
    ).all()
    db.session.commit()
    return tuple((row.code, row.live) for row in rows)


def look_up(hotel: Hotel, guest_id: int | None, code: str, surname: str | None = None) -> Booking | NeedsSurname | None:
    """The booking, for its own guest or for whoever knows its code and surname.

    A wrong surname and an unknown code look the same: None. Without a surname, a stranger gets NeedsSurname
    for any code, known or not.
    """
    booking = pms_for(hotel).read(normal_code(code))
    if booking is not None and guest_id is not None and booking.guest_id == guest_id:
        return booking
    if surname is None:
        return NeedsSurname()
    if booking is not None and is_surname_of(surname, booking.guest_name):
        return booking
    return None


@recorded
def cancellation_terms(booking: Booking, now: datetime | None = None) -> Terms:
    """Nothing until the deadline, afterwards the fee that the booking has on record."""
    free = (now or utcnow()) <= booking.free_until
    return Terms(Decimal(0) if free else booking.late_fee, booking.free_until)


def cancel(
    hotel: Hotel,
    code: str,
    guest_id: int | None = None,
    surname: str | None = None,
    now: datetime | None = None,
) -> Cancelled:
    """Cancel a booking of the guest, or of whoever knows code and surname, and read it back.

    Cancelling twice cancels once, at the first fee. Raises NotFound for a stranger, PmsRejected with
    "in_house", "departed", "no_show" or "over" when it is too late.
    """
    booking = look_up(hotel, guest_id, code, surname)
    if not isinstance(booking, Booking):
        raise NotFound("no such booking for this person")
    return cancel_for_hotel(hotel, booking, now)


def cancel_for_hotel(
    hotel: Hotel, booking: Booking, now: datetime | None = None, expected_fee: Decimal | None = None
) -> Cancelled:
    """The same at the wish of the hotel's own people and programs, who may name the fee that they expect.

    Raises FeeChanged where it is another one, and PmsRejected.
    """
    now = now or utcnow()
    if booking.status == "cancelled":
        return Cancelled(booking, booking.cancellation_fee or Decimal(0), already=True)
    if now.astimezone(hotel.zone).date() >= booking.stay.check_out:
        raise PmsRejected("over")
    fee = cancellation_terms(booking, now).fee
    if expected_fee is not None and fee != expected_fee:
        raise FeeChanged(fee)
    changed = pms_for(hotel).cancel(booking.code, fee)
    cancelled = _read_back(hotel, booking.code)
    return Cancelled(cancelled, cancelled.cancellation_fee or Decimal(0), already=not changed)


def normal_code(code: str) -> str:
    """The code as it is stored, however the guest typed it: "mir 4k7 xqz" is MIR-4K7XQZ."""
    letters = re.sub(r"[^0-9A-Z]", "", code.upper())
    return f"{letters[:-6]}-{letters[-6:]}"


def is_surname_of(surname: str, guest_name: str) -> bool:
    """True when these words are of that name and one is a surname: not the first, unless that is all."""
    names = _words(guest_name)
    said = [word for word in _words(surname) if word not in PARTICLES]
    surnames = [word for word in names[1:] if word not in PARTICLES] or names
    return bool(said) and set(said) <= set(names) and bool(set(said) & set(surnames))


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[^\W\d_]+", re.sub(r"['’`´]", "", letters))


def _read_back(hotel: Hotel, code: str) -> Booking:
    booking = pms_for(hotel).read(code)
    if booking is None:
        raise OutcomeUnknown(code)
    return booking
