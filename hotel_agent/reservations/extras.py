"""Staying longer on the last day, entering earlier on the first: the hotel's rule, and putting it on a booking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal

from sqlalchemy import select

from hotel_agent.db import db
from hotel_agent.evidence import recorded
from hotel_agent.hotels.models import Extra, Hotel
from hotel_agent.pms.contract import Booking, ExtraRequest, OutcomeUnknown
from hotel_agent.pms.door import pms_for

LATE_CHECKOUT, EARLY_CHECKIN = "late_checkout", "early_checkin"


@dataclass(frozen=True)
class Rule:
    """What the hotel grants for a price: late check-out until `at_time`, early check-in from then on."""

    code: str
    price: Decimal
    currency: str
    at_time: time | None


@recorded
def rule_of(hotel: Hotel, code: str) -> Rule | None:
    """The hotel's rule, where it has put a price to it."""
    extra = db.session.scalar(select(Extra).where(Extra.hotel_id == hotel.id, Extra.code == code))
    return Rule(code, extra.price, hotel.currency, extra.until) if extra else None


def is_free_for(hotel: Hotel, booking: Booking, code: str) -> bool:
    """Whether the booking's own rooms are free on the night that this needs."""
    return pms_for(hotel).is_free_on(booking.code, night_for(booking, code))


def grant(hotel: Hotel, booking: Booking, rule: Rule) -> Booking:
    """Put it on the booking, once, and read the booking back. Raises RoomTaken, PmsRejected, OutcomeUnknown."""
    pms = pms_for(hotel)
    pms.add_extra(ExtraRequest(booking.code, rule.code, rule.price, rule.at_time, (night_for(booking, rule.code),)))
    found = pms.read(booking.code)
    if found is None or found.added(rule.code) is None:
        raise OutcomeUnknown(booking.code)
    return found


def night_for(booking: Booking, code: str) -> date:
    """The night on which nobody else may have the room: the one after the stay, or the one before it."""
    if code == EARLY_CHECKIN:
        return booking.stay.check_in - timedelta(days=1)
    return booking.stay.check_out
