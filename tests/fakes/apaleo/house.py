"""What one property keeps: unit groups, units, rate plans, bookings and their reservations, all in memory.

`lock` makes every request one transaction: the last unit is sold once, and the others hear 422.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from string import ascii_uppercase
from typing import Any, Literal
from zoneinfo import ZoneInfo

Status = Literal["Confirmed", "InHouse", "CheckedOut", "Canceled", "NoShow"]
Condition = Literal["Clean", "CleanToBeInspected", "Dirty"]
Sales = Callable[[str, date], int]  # of a unit group, by its id, on a night
MaintenanceType = Literal["OutOfService", "OutOfOrder", "OutOfInventory"]
CHANNELS = ("Direct", "BookingCom", "Ibe", "ChannelManager", "Expedia", "Homelike", "Hrs")
STATUSES = ("Confirmed", "InHouse", "CheckedOut", "Canceled", "NoShow")
GUARANTEES = ("PM6Hold", "CreditCard", "Prepayment", "Company")
ONE_DAY = timedelta(days=1)


@dataclass
class UnitGroup:
    id: str
    code: str
    name: str
    max_persons: int
    description: str = ""


@dataclass
class Unit:
    """A room. The id is not its number: that is its name."""

    id: str
    name: str
    group: UnitGroup
    created: datetime
    condition: Condition = "Clean"
    description: str = ""


@dataclass
class Maintenance:
    """A small repair, one that does not allow to sell the unit, or a unit that is taken out of the count."""

    id: str
    unit: Unit
    type: MaintenanceType
    first: date
    until: date


@dataclass
class Policy:
    """`free_hours` before arrival the first `nights` are due; None means from the booking on."""

    id: str
    code: str
    name: str
    description: str
    free_hours: int | None = None
    nights: int | None = 1


@dataclass
class RatePlan:
    """One price a night, all taxes in it, for one unit group; `prices` has the nights that differ."""

    id: str
    code: str
    name: str
    group: UnitGroup
    price: Decimal
    cancellation: Policy
    no_show: Policy
    description: str = ""
    guarantee: str = "PM6Hold"
    channels: tuple[str, ...] = ("Direct", "Ibe", "BookingCom", "ChannelManager")
    promo_codes: tuple[str, ...] = ()
    prices: dict[date, Decimal] = field(default_factory=dict)
    closed: set[date] = field(default_factory=set)
    closed_on_arrival: set[date] = field(default_factory=set)
    closed_on_departure: set[date] = field(default_factory=set)
    min_nights: int = 1
    max_nights: int | None = None
    is_active: bool = True

    def price_on(self, night: date) -> Decimal:
        return self.prices.get(night, self.price)


@dataclass
class Slice:
    """One night of a reservation."""

    night: date
    plan: RatePlan
    amount: Decimal
    unit: Unit | None = None

    @property
    def group(self) -> UnitGroup:
        return self.plan.group


@dataclass
class Booking:
    id: str
    created: datetime
    modified: datetime
    booker: dict[str, Any] = field(default_factory=dict)
    comment: str | None = None
    booker_comment: str | None = None
    payment_account: dict[str, Any] | None = None
    reservations: list[Reservation] = field(default_factory=list)


@dataclass
class Reservation:
    """A stay. `guest` and `more` (comment, guestComment, …) are kept as they were sent."""

    id: str
    booking: Booking
    arrival: datetime
    departure: datetime
    adults: int
    children: list[int]
    slices: list[Slice]
    channel: str
    created: datetime
    modified: datetime
    guarantee: str = "PM6Hold"
    status: Status = "Confirmed"
    external_code: str | None = None
    source: str | None = None
    guest: dict[str, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)
    checked_in: datetime | None = None
    checked_out: datetime | None = None
    canceled: datetime | None = None
    no_show: datetime | None = None

    @property
    def nights(self) -> list[date]:
        return [one.night for one in self.slices]

    @property
    def plan(self) -> RatePlan:
        return self.slices[0].plan

    @property
    def group(self) -> UnitGroup:
        return self.slices[0].group

    @property
    def total(self) -> Decimal:
        return sum((one.amount for one in self.slices), Decimal())

    @property
    def units(self) -> list[Unit]:
        """Those assigned, in the order of the nights, each once."""
        return list({one.unit.id: one.unit for one in self.slices if one.unit}.values())

    def takes(self, night: date) -> bool:
        """Whether it keeps a unit from others that night: after check-out the nights that are left are free."""
        if self.status in ("Canceled", "NoShow"):
            return False
        return self.status != "CheckedOut" or self.checked_out is None or night < self.checked_out.date()

    @property
    def cancellation_due(self) -> datetime:
        hours = self.plan.cancellation.free_hours
        return self.created if hours is None else self.arrival - timedelta(hours=hours)

    def fee(self, policy: Policy) -> Decimal:
        return sum((one.amount for one in self.slices[: policy.nights]), Decimal())

    @property
    def balance(self) -> Decimal:
        """Below zero: what the guest owes."""
        if self.status == "NoShow":
            return -self.fee(self.plan.no_show)
        if self.status == "Canceled":
            late = self.canceled is not None and self.canceled >= self.cancellation_due
            return -self.fee(self.plan.cancellation) if late else Decimal()
        return -self.total


class House:
    """One property of one account."""

    def __init__(
        self,
        code: str,
        name: str,
        *,
        zone: str = "Europe/Madrid",
        currency: str = "EUR",
        check_in: time = time(15),
        check_out: time = time(11),
        vat: Decimal = Decimal(10),
        address: dict[str, str] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.id, self.name, self.currency = code, name, currency
        self.zone = ZoneInfo(zone)
        self.check_in, self.check_out = check_in, check_out
        self.vat = vat
        self.address = address or {}
        self.clock = clock or (lambda: datetime.now(UTC))
        self.lock = threading.RLock()
        self.created = self.now()
        self.groups: dict[str, UnitGroup] = {}
        self.units: dict[str, Unit] = {}
        self.plans: dict[str, RatePlan] = {}
        self.maintenances: list[Maintenance] = []
        self.bookings: dict[str, Booking] = {}
        self.reservations: dict[str, Reservation] = {}
        self._booking_ids = ("".join(letters) for letters in _words(8))
        self._unit_ids = ("".join(letters) for letters in _words(3))
        self._maintenance_ids = itertools.count(1)

    def now(self) -> datetime:
        """On the clock of the property, to the second."""
        return self.clock().astimezone(self.zone).replace(microsecond=0)

    def today(self) -> date:
        return self.now().date()

    def at(self, day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, self.zone)

    # The house itself

    def add_group(self, code: str, name: str, max_persons: int, rooms: Iterable[str]) -> UnitGroup:
        group = UnitGroup(f"{self.id}-{code}", code, name, max_persons, name)
        self.groups[group.id] = group
        for number in rooms:
            unit = Unit(f"{self.id}-{next(self._unit_ids)}", number, group, self.created)
            self.units[unit.id] = unit
        return group

    def add_plan(
        self, code: str, name: str, group: UnitGroup, price: Decimal, cancellation: Policy, no_show: Policy, **more: Any
    ) -> RatePlan:
        plan = RatePlan(
            f"{self.id}-{code}-{group.code}", f"{code}_{group.code}", name, group, price, cancellation, no_show, **more
        )
        self.plans[plan.id] = plan
        return plan

    def add_maintenance(self, unit: Unit, kind: MaintenanceType, first: date, until: date) -> Maintenance:
        made = Maintenance(f"{unit.id}-{next(self._maintenance_ids)}", unit, kind, first, until)
        self.maintenances.append(made)
        return made

    def units_of(self, group: UnitGroup) -> list[Unit]:
        return [unit for unit in self.units.values() if unit.group is group]

    def maintained(self, night: date, *types: MaintenanceType) -> list[Maintenance]:
        return [one for one in self.maintenances if one.type in types and one.first <= night < one.until]

    # What is sold and what is free

    def sales(self, but: Reservation | None = None) -> Sales:
        """How many reservations have a unit of a group on a night, assigned or not: as it is now."""
        counts = Counter(
            (one.group.id, one.night)
            for reservation in self.reservations.values()
            if reservation is not but
            for one in reservation.slices
            if reservation.takes(one.night)
        )
        return lambda group, night: counts[group, night]

    def sellable(self, group: UnitGroup, night: date) -> int:
        """Units that could be sold that night if nothing were."""
        out = {one.unit.id for one in self.maintained(night, "OutOfOrder", "OutOfInventory")}
        return sum(unit.id not in out for unit in self.units_of(group))

    def free(self, group: UnitGroup, night: date, sales: Sales | None = None) -> int:
        return self.sellable(group, night) - (sales or self.sales())(group.id, night)

    def is_free(self, unit: Unit, night: date, but: Reservation | None = None) -> bool:
        """Whether nobody else has that very unit assigned, and it can be used."""
        if any(one.unit is unit for one in self.maintained(night, "OutOfOrder", "OutOfInventory")):
            return False
        return not any(
            one.night == night and one.unit is unit
            for reservation in self.reservations.values()
            if reservation is not but and reservation.takes(night)
            for one in reservation.slices
        )

    # Bookings

    def add_booking(self) -> Booking:
        booking = Booking(next(self._booking_ids), self.now(), self.now())
        self.bookings[booking.id] = booking
        return booking

    def add_reservation(self, booking: Booking, **given: Any) -> Reservation:
        made = Reservation(
            id=f"{booking.id}-{len(booking.reservations) + 1}",
            booking=booking,
            created=self.now(),
            modified=self.now(),
            **given,
        )
        booking.reservations.append(made)
        self.reservations[made.id] = made
        return made

    def touch(self, changed: Reservation | Booking) -> None:
        """Never earlier than before, so that a change is found by its time of modification."""
        changed.modified = max(self.now(), changed.modified)


def nights_of(first: date, until: date) -> list[date]:
    return [first + ONE_DAY * place for place in range((until - first).days)]


def _words(length: int) -> Iterator[tuple[str, ...]]:
    """Codes in letters, scattered so that one cannot be taken for a counter."""
    count = len(ascii_uppercase) ** length
    step = int(count * 0.6180339887) | 1
    while step % 13 == 0:
        step += 2
    place = step
    while True:
        word, rest = [], place
        for _ in range(length):
            rest, letter = divmod(rest, len(ascii_uppercase))
            word.append(ascii_uppercase[letter])
        yield tuple(word)
        place = (place + step) % count
