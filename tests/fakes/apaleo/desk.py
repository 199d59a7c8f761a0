"""Other hands in the same property: what its reception and other channels do, past every API and its rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from tests.fakes.apaleo.house import (
    ONE_DAY,
    Condition,
    House,
    Maintenance,
    MaintenanceType,
    Reservation,
    Slice,
    Unit,
    UnitGroup,
    nights_of,
)


class Desk:
    """Groups go by id, code or name, reservations by id; nothing is refused."""

    def __init__(self, house: House) -> None:
        self._house = house

    def book(
        self,
        group: str,
        arrival: date,
        departure: date,
        guest: str = "Otto Berg",
        *,
        adults: int = 1,
        channel: str = "BookingCom",
        external_code: str | None = None,
        phone: str | None = None,
        email: str | None = None,
        unit: str | None = None,
        price: Decimal | int | None = None,
    ) -> Reservation:
        """A booking made elsewhere; into a full house too. `unit` is the name of a room, `price` one for a night."""
        house = self._house
        with house.lock:
            plan = next(plan for plan in house.plans.values() if plan.group is self.group(group))
            room = self.unit(unit) if unit else None
            first, _, last = guest.rpartition(" ")
            person = {"firstName": first, "lastName": last, "phone": phone, "email": email}
            person = {name: value for name, value in person.items() if value}
            booking = house.add_booking()
            booking.booker = dict(person)
            return house.add_reservation(
                booking,
                arrival=house.at(arrival, house.check_in),
                departure=house.at(departure, house.check_out),
                adults=adults,
                children=[],
                slices=[
                    Slice(night, plan, plan.price_on(night) if price is None else Decimal(price), room)
                    for night in nights_of(arrival, departure)
                ],
                channel=channel,
                external_code=external_code,
                guest=person,
            )

    def fill(self, group: str, arrival: date, departure: date, *, leave: int = 0) -> list[Reservation]:
        """Books single nights until only so many units of the group are left on each of them."""
        house, made = self._house, []
        with house.lock:
            for night in nights_of(arrival, departure):
                for _ in range(house.free(self.group(group), night) - leave):
                    made.append(self.book(group, night, night + ONE_DAY))
        return made

    def cancel(self, number: str) -> None:
        with self._changing(number) as one:
            one.status, one.canceled = "Canceled", self._house.now()

    def check_in(self, number: str, unit: str | None = None) -> None:
        """Into that room, or into any that is free so long."""
        with self._changing(number) as one:
            room = self.unit(unit) if unit else one.units[0] if one.units else self._any_for(one)
            for night in one.slices:
                night.unit = room
            one.status, one.checked_in = "InHouse", self._house.now()

    def check_out(self, number: str) -> None:
        with self._changing(number) as one:
            one.status, one.checked_out = "CheckedOut", self._house.now()

    def no_show(self, number: str) -> None:
        with self._changing(number) as one:
            one.status, one.no_show = "NoShow", self._house.now()

    def assign(self, number: str, unit: str) -> None:
        with self._changing(number) as one:
            for night in one.slices:
                night.unit = self.unit(unit)

    def move(self, number: str, arrival: date, departure: date) -> None:
        """To other dates, at the price that the rate plan has now and without a room of its own."""
        house = self._house
        with self._changing(number) as one:
            one.slices = [Slice(night, one.plan, one.plan.price_on(night)) for night in nights_of(arrival, departure)]
            one.arrival = house.at(arrival, house.check_in)
            one.departure = house.at(departure, house.check_out)

    def move_group(self, number: str, group: str) -> None:
        """To another unit group, for the same dates."""
        with self._changing(number) as one:
            plan = next(plan for plan in self._house.plans.values() if plan.group is self.group(group))
            one.slices = [Slice(night, plan, plan.price_on(night)) for night in one.nights]

    def set_condition(self, unit: str, condition: Condition) -> None:
        with self._house.lock:
            self.unit(unit).condition = condition

    def maintain(self, unit: str, first: date, until: date, kind: MaintenanceType = "OutOfOrder") -> Maintenance:
        """Out of order for these nights, the last one excluded."""
        with self._house.lock:
            return self._house.add_maintenance(self.unit(unit), kind, first, until)

    def set_price(self, group: str, night: date, price: Decimal | int) -> None:
        """Of every rate plan of the group."""
        with self._house.lock:
            for plan in self._house.plans.values():
                if plan.group is self.group(group):
                    plan.prices[night] = Decimal(price)

    # Looking

    def reservation(self, number: str) -> Reservation:
        with self._house.lock:
            return self._house.reservations[number]

    def group(self, name: str) -> UnitGroup:
        return next(one for one in self._house.groups.values() if name in (one.id, one.code, one.name))

    def unit(self, name: str) -> Unit:
        return next(one for one in self._house.units.values() if name in (one.id, one.name))

    def _any_for(self, one: Reservation) -> Unit:
        house = self._house
        rooms = house.units_of(one.group)
        return next(room for room in rooms if all(house.is_free(room, night, but=one) for night in one.nights))

    @contextmanager
    def _changing(self, number: str) -> Iterator[Reservation]:
        with self._house.lock:
            one = self._house.reservations[number]
            yield one
            self._house.touch(one)
