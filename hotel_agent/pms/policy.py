"""The hotel's cancellation policy: until when cancelling costs nothing, what it costs then, and what not coming does.

A hotel whose rooms are kept in a PMS of its own has the first night as its fee, which is what its adapter writes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import FIRST_NIGHT, NEVER_FREE

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Fee:
    """What is charged. `kind`: first_night, nights (so many of each room), percent, total, amount."""

    kind: str = FIRST_NIGHT
    number: Decimal = Decimal(1)

    @staticmethod
    def read(words: str) -> Fee:
        """As hotels and bookings keep it: "first_night", "nights:2", "percent:50", "total", "amount:30"."""
        kind, _, number = words.partition(":")
        return Fee(kind, Decimal(number or 1))

    def __str__(self) -> str:
        return self.kind if self.kind in (FIRST_NIGHT, "total") else f"{self.kind}:{self.number}"

    def of(self, nightly: Sequence[Sequence[Decimal]]) -> Decimal:
        """The fee for rooms of which each costs so much night by night; never more than they cost together."""
        total = sum((sum(nights, Decimal(0)) for nights in nightly), Decimal(0))
        if self.kind == "percent":
            return (total * self.number / 100).quantize(CENT, ROUND_HALF_UP)
        if self.kind == "amount":
            return min(self.number, total)
        if self.kind == "total":
            return total
        return sum((sum(nights[: int(self.number)], Decimal(0)) for nights in nightly), Decimal(0))


def free_until(hotel: Hotel, check_in: date) -> datetime:
    """Until when cancelling costs nothing, in the hotel's zone; NEVER_FREE where it always costs something.

    The hours before check-in time are real hours: where the clocks change in between, the time of day moves.
    """
    if is_non_refundable(hotel):
        return NEVER_FREE.astimezone(hotel.zone)
    arrival = datetime.combine(check_in, hotel.check_in_time, hotel.zone)
    deadline = arrival.astimezone(UTC) - timedelta(hours=hotel.free_cancellation_hours)
    return deadline.astimezone(hotel.zone)


def is_non_refundable(hotel: Hotel) -> bool:
    return _setting(hotel, "non_refundable") == "yes"


def fee_of(hotel: Hotel) -> Fee:
    """What cancelling late costs; everything where nothing is ever given back."""
    return Fee("total") if is_non_refundable(hotel) else Fee.read(_setting(hotel, "cancellation_fee") or FIRST_NIGHT)


def no_show_fee_of(hotel: Hotel) -> Fee:
    """What not coming costs: as cancelling late, where the hotel says nothing else."""
    words = _setting(hotel, "no_show_fee")
    return Fee.read(words) if words else fee_of(hotel)


def _setting(hotel: Hotel, key: str) -> str:
    return str((hotel.settings or {}).get(key) or "") if hotel.pms == "local" else ""
