"""An adapter for systems that know orders and no holds: it holds, books and changes, and is told the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from hotel_agent.db import done_reading, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import (
    Availability,
    Booking,
    BookRequest,
    Capabilities,
    Change,
    ChangeQuote,
    ChangeRequest,
    Changes,
    ExtraRequest,
    GuestProfile,
    Hold,
    HoldRequest,
    Offer,
    PmsRejected,
    Record,
    RoomKind,
    RoomStatus,
    Stay,
    Unsettled,
)
from hotel_agent.pms.local.adapter import later
from hotel_agent.pms.orders import booking, changing, holds, settling, writes
from hotel_agent.pms.orders.system import Free, Offered, System

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def asked(verb: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """No transaction stays open across the network, and our own tables may be away as well as the PMS."""

    @wraps(verb)
    def ask(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with later():
            done_reading()
            return verb(*args, **kwargs)

    return ask


class Lists(Protocol):
    """What `PmsAdapter` says of these; a system's page of lists has them as functions."""

    def arrivals(self, hotel: Hotel, day: date) -> tuple[Record, ...]: ...

    def departures(self, hotel: Hotel, day: date) -> tuple[Record, ...]: ...

    def in_house(self, hotel: Hotel) -> tuple[Record, ...]: ...

    def changes_since(self, hotel: Hotel, cursor: str) -> Changes: ...

    def guest(self, hotel: Hotel, code: str) -> GuestProfile | None: ...

    def room_status(self, hotel: Hotel) -> tuple[RoomStatus, ...]: ...


class FrontDesk(Protocol):
    """The same for guests who come and go."""

    def check_in(self, hotel: Hotel, code: str, today: date) -> bool: ...

    def check_out(self, hotel: Hotel, code: str, today: date) -> bool: ...

    def no_show(self, hotel: Hotel, code: str, today: date) -> bool: ...

    def move(self, hotel: Hotel, code: str, from_room: str, to_room: str) -> bool: ...


class OrdersPms:
    """The operations of `PmsAdapter` by a `System`. `system_of` raises PmsUnavailable while settings are missing."""

    def __init__(
        self,
        capabilities: Capabilities,
        system_of: Callable[[Hotel], System],
        lists: Lists,
        front_desk: FrontDesk,
        *,
        requests_per_second: float,
    ) -> None:
        self.capabilities = capabilities
        self.system_of = system_of
        self.requests_per_second = requests_per_second
        self.arrivals = asked(lists.arrivals)
        self.departures = asked(lists.departures)
        self.in_house = asked(lists.in_house)
        self.changes_since = asked(lists.changes_since)
        self.guest = asked(lists.guest)
        self.room_status = asked(lists.room_status)
        self.check_in = asked(front_desk.check_in)
        self.check_out = asked(front_desk.check_out)
        self.no_show = asked(front_desk.no_show)
        self.move = asked(front_desk.move)

    @asked
    def room_kinds(self, hotel: Hotel) -> tuple[RoomKind, ...]:
        return tuple(kind.room for kind in self.system_of(hotel).kinds())

    @asked
    def availability(self, hotel: Hotel, stay: Stay) -> Availability:
        return _told(hotel, self.system_of(hotel).offered(stay))

    @asked
    def availability_from(self, hotel: Hotel, first: date, last: date, nights: int) -> tuple[Availability, ...]:
        return tuple(_told(hotel, offered) for offered in self.system_of(hotel).offered_from(first, last, nights))

    @asked
    def last_night_for_sale(self, hotel: Hotel) -> date | None:
        return _last_night(hotel)

    @asked
    def hold(self, hotel: Hotel, request: HoldRequest) -> Hold:
        return holds.hold(self.system_of(hotel), hotel, request)

    @asked
    def held(self, hotel: Hotel, hold_key: str) -> Hold | None:
        return holds.held(self.system_of(hotel), hotel, hold_key)

    @asked
    def extend(self, hotel: Hotel, hold_key: str, guest_id: int, request_key: str) -> Hold:
        return holds.extend(self.system_of(hotel), hotel, hold_key, guest_id, request_key)

    @asked
    def release(self, hotel: Hotel, hold_key: str, guest_id: int, reason: str) -> bool:
        return holds.release(self.system_of(hotel), hotel, hold_key, guest_id, reason)

    @asked
    def book(self, hotel: Hotel, request: BookRequest) -> str:
        return booking.book(self.system_of(hotel), hotel, request)

    @asked
    def read(self, hotel: Hotel, code: str) -> Booking | None:
        return booking.read(self.system_of(hotel), hotel, code)

    @asked
    def upcoming(self, hotel: Hotel, guest_id: int, today: date) -> tuple[Booking, ...]:
        return booking.upcoming(self.system_of(hotel), hotel, guest_id, today)

    @asked
    def cancel(self, hotel: Hotel, code: str, fee: Decimal) -> bool:
        return booking.cancel(self.system_of(hotel), hotel, code, fee)

    @asked
    def change_quote(self, hotel: Hotel, request: ChangeRequest) -> ChangeQuote:
        return changing.quote(self.system_of(hotel), hotel, request)

    @asked
    def modify(self, hotel: Hotel, request: ChangeRequest) -> Change:
        return changing.modify(self.system_of(hotel), hotel, request)

    @asked
    def change_of(self, hotel: Hotel, code: str, request_key: str) -> Change | None:
        return changing.change_of(hotel, code, request_key)

    @asked
    def is_free_on(self, hotel: Hotel, code: str, night: date) -> bool:
        return changing.is_free_on(self.system_of(hotel), hotel, code, night)

    def add_extra(self, hotel: Hotel, request: ExtraRequest) -> bool:  # noqa: ARG002  Of every adapter's operations.
        """Nobody at the front desk would see it there: people of the hotel add it. Raises PmsRejected."""
        raise PmsRejected("not_supported")

    @asked
    def settle(self, hotel: Hotel) -> tuple[Unsettled, ...]:
        return settling.settle(self.system_of, hotel)


def _last_night(hotel: Hotel) -> date:
    """A system may sell any night, and what its own limit is cannot be asked: the hotel's setting counts."""
    return hotel.today() + timedelta(days=writes.horizon_of(hotel) - 1)


def _told(hotel: Hotel, offered: Offered) -> Availability:
    beyond = _last_night(hotel) + timedelta(days=1)
    is_sold = hotel.today() <= offered.stay.check_in and offered.stay.check_out <= beyond
    offers = tuple(_offer(free, is_sold) for free in offered.kinds)
    return Availability(hotel.id, offered.stay, offered.currency or hotel.currency, "pms", utcnow(), offers)


def _offer(free: Free, is_sold: bool) -> Offer:
    """There are systems that call the past and the far future free as well."""
    if free.price is None or not is_sold:
        return Offer(free.kind.room, 0, (), None)
    return Offer(free.kind.room, free.rooms, free.price.nightly, free.price.total)
