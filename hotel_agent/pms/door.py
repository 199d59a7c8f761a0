"""The one door to a hotel's PMS: every call is timed and goes through the breaker."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from prometheus_client import Histogram
from pybreaker import CircuitBreakerError

from hotel_agent.errors import ConfigurationError
from hotel_agent.evidence import record
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import HoldLapsed, RoomTaken
from hotel_agent.pms.breaker import breaker_of
from hotel_agent.pms.contract import (
    Availability,
    Booking,
    BookRequest,
    Capabilities,
    Change,
    ChangeQuote,
    ChangeRequest,
    ExtraRequest,
    Hold,
    HoldRequest,
    PmsAdapter,
    PmsRejected,
    PmsUnavailable,
    RoomKind,
    Stay,
    Unsettled,
)
from hotel_agent.pms.local.adapter import LocalPms
from hotel_agent.pms.qloapps.adapter import QloAppsPms

Result = TypeVar("Result")

ADAPTERS: dict[str, PmsAdapter] = {"local": LocalPms(), "qloapps": QloAppsPms()}

REFUSALS = (PmsRejected, RoomTaken, HoldLapsed)  # The PMS is well; it said no.

call_seconds = Histogram(
    "pms_call_seconds",
    "Calls to property-management systems.",
    ["operation", "outcome"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class Door:
    """A hotel's PMS as the rest of the program sees it: `PmsAdapter` with the hotel filled in."""

    def __init__(self, hotel: Hotel, adapter: PmsAdapter) -> None:
        self.hotel = hotel
        self._pms = adapter

    @property
    def capabilities(self) -> Capabilities:
        return self._pms.capabilities

    def room_kinds(self) -> tuple[RoomKind, ...]:
        return call(self.hotel, "room_kinds", lambda: self._pms.room_kinds(self.hotel))

    def availability(self, stay: Stay) -> Availability:
        return call(self.hotel, "availability", lambda: self._pms.availability(self.hotel, stay))

    def availability_from(self, first: date, last: date, nights: int) -> tuple[Availability, ...]:
        return call(self.hotel, "calendar", lambda: self._pms.availability_from(self.hotel, first, last, nights))

    def last_night_for_sale(self) -> date | None:
        return call(self.hotel, "calendar", lambda: self._pms.last_night_for_sale(self.hotel))

    def hold(self, request: HoldRequest) -> Hold:
        return call(self.hotel, "hold", lambda: self._pms.hold(self.hotel, request))

    def held(self, hold_key: str) -> Hold | None:
        return call(self.hotel, "held", lambda: self._pms.held(self.hotel, hold_key))

    def extend(self, hold_key: str, guest_id: int, request_key: str) -> Hold:
        return call(self.hotel, "extend", lambda: self._pms.extend(self.hotel, hold_key, guest_id, request_key))

    def release(self, hold_key: str, guest_id: int, reason: str) -> bool:
        return call(self.hotel, "release", lambda: self._pms.release(self.hotel, hold_key, guest_id, reason))

    def book(self, request: BookRequest) -> str:
        return call(self.hotel, "book", lambda: self._pms.book(self.hotel, request))

    def read(self, code: str) -> Booking | None:
        return call(self.hotel, "read", lambda: self._pms.read(self.hotel, code))

    def upcoming(self, guest_id: int, today: date) -> tuple[Booking, ...]:
        return call(self.hotel, "read", lambda: self._pms.upcoming(self.hotel, guest_id, today))

    def cancel(self, code: str, fee: Decimal) -> bool:
        return call(self.hotel, "cancel", lambda: self._pms.cancel(self.hotel, code, fee))

    def change_quote(self, request: ChangeRequest) -> ChangeQuote:
        return call(self.hotel, "change_quote", lambda: self._pms.change_quote(self.hotel, request))

    def modify(self, request: ChangeRequest) -> Change:
        return call(self.hotel, "change", lambda: self._pms.modify(self.hotel, request))

    def change_of(self, code: str, request_key: str) -> Change | None:
        return call(self.hotel, "read", lambda: self._pms.change_of(self.hotel, code, request_key))

    def is_free_on(self, code: str, night: date) -> bool:
        return call(self.hotel, "availability", lambda: self._pms.is_free_on(self.hotel, code, night))

    def add_extra(self, request: ExtraRequest) -> bool:
        return call(self.hotel, "add_extra", lambda: self._pms.add_extra(self.hotel, request))

    def settle(self) -> tuple[Unsettled, ...]:
        return call(self.hotel, "settle", lambda: self._pms.settle(self.hotel))


def pms_for(hotel: Hotel) -> Door:
    """The door to that hotel's PMS."""
    adapter = ADAPTERS.get(hotel.pms)
    if adapter is None:
        raise ConfigurationError(f"hotel {hotel.slug}: no adapter for the PMS {hotel.pms!r}")
    return Door(hotel, adapter)


def call(hotel: Hotel, operation: str, work: Callable[[], Result]) -> Result:
    """Run one call to the hotel's PMS; what it returns may be told to guests.

    Raises PmsUnavailable at once while the breaker is open.
    """
    breaker = breaker_of(f"{hotel.pms}:{hotel.slug}")
    started = time.perf_counter()
    outcome = "error"
    try:
        breaker.admit()
        result: Result = breaker.call(work)
        outcome = "ok"
        return record(result)
    except REFUSALS:
        outcome = "refused"
        raise
    except CircuitBreakerError as error:
        outcome = "open"
        raise PmsUnavailable("the PMS has been failing; it is given a rest") from error
    except PmsUnavailable:
        outcome = "unavailable"
        raise
    finally:
        if outcome in ("ok", "refused"):
            breaker.succeeded()
        call_seconds.labels(operation, outcome).observe(time.perf_counter() - started)
