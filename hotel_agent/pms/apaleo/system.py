"""Apaleo as the verbs of holds, bookings and changes ask it. It keeps the last room from two by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.apaleo import staying, writing
from hotel_agent.pms.apaleo.properties import property_of
from hotel_agent.pms.apaleo.reading import CONFIRMED, IN_HOUSE, Price, Property
from hotel_agent.pms.contract import PmsRejected, RoomRequest, Stay
from hotel_agent.pms.orders.changing import Plan
from hotel_agent.pms.orders.records import Booked
from hotel_agent.pms.orders.system import Kind, Line, Offered, Order, Person, Refused, Room, Wish


def system_of(hotel: Hotel) -> Apaleo:
    """Raises PmsUnavailable while the settings are not complete."""
    return Apaleo(property_of(hotel))


class Apaleo:
    """The operations of `orders.System` on an Apaleo. One is made for each call."""

    def __init__(self, house: Property) -> None:
        self.house = house
        self._before: dict[str, writing.Stands] = {}

    def kinds(self) -> tuple[Kind, ...]:
        return self.house.kinds()

    def offered(self, stay: Stay) -> Offered:
        return self.house.offered(stay)

    def offered_from(self, first: date, last: date, nights: int) -> tuple[Offered, ...]:
        return self.house.offered_from(first, last, nights)

    def nightly(self, stay: Stay) -> dict[str, dict[date, Decimal]]:
        return self.house.nightly(stay)

    def fixed(self, room: Room, nightly: tuple[Decimal, ...]) -> Price:
        assert isinstance(room.price, Price)  # As it was offered.
        return Price(sum(nightly, Decimal(0)), tuple(nightly), room.price.plan)

    def orders_of(self, token: str) -> tuple[Order, ...]:
        """Codes are found by how they begin."""
        rows = self.house.reservations(externalCode=token, sort="created:asc")
        return self.house.orders(row for row in rows if row.get("externalCode") == token)

    def newest_orders(self, prefix: str) -> tuple[Order, ...]:
        rows = self.house.client.page(
            "booking/v1/reservations",
            "reservations",
            1,
            propertyIds=self.house.id,
            externalCode=prefix,
            sort="created:desc",
        )
        return self.house.orders(rows)

    def orders(self, order_ids: Iterable[str]) -> tuple[Order, ...]:
        return self.house.orders(self.house.reservations_of(order_ids))

    def lines_of(self, order_ids: Iterable[str]) -> tuple[Line, ...]:
        return self.house.lines(self.house.reservations_of(order_ids))

    def lines_beside(self, line: Line, stay: Stay) -> tuple[Line, ...]:
        """None where no room is assigned: those are kept by number."""
        if not line.room:
            return ()
        rows = self.house.reservations(
            unitIds=line.room,
            status=[CONFIRMED, IN_HOUSE],
            dateFilter="Stay",
            from_=f"{stay.check_in}T00:00:00Z",
            to=f"{stay.check_out}T23:59:59Z",
        )
        others = [other for other in self.house.lines(rows) if other.id != line.id]
        return tuple(other for other in others if other.room == line.room and _meet(other.stay, stay))

    def can_stay(self, line: Line, stay: Stay) -> bool:
        """With the group's other rooms, as Apaleo itself moves whoever has none assigned."""
        if any(other.order_id != line.order_id for other in self.lines_beside(line, stay)):
            return False
        ages = [writing.AGE_OF_A_CHILD] * line.children
        return any(offer.free > 0 for offer in self.house.offers_to(line, stay, line.kind, line.adults, ages))

    def create(self, wish: Wish) -> None:
        writing.create(self.house, wish)

    def cancel(self, order_id: str) -> None:
        for row in self.house.reservations(bookingId=order_id):
            writing.let_go(self.house, row)

    def put_name(self, order: Order, person: Person) -> None:
        writing.rename(self.house, order.id, [line.id for line in self.lines_of([order.id])], person)

    def with_rooms(self, plan: Plan) -> Plan:
        """Each reservation becomes one of the rooms; how many there are stays. Raises RoomTaken, PmsRejected."""
        if len(plan.rooms) != len(plan.seen.standing):
            raise PmsRejected("not_supported")
        for room, line in zip(plan.rooms, _paired(plan), strict=True):
            ages = writing.ages_of(room.request)
            offers = self.house.offers_to(line, plan.stay, room.kind.room.code, room.request.adults, ages)
            if not any(offer.is_sold and offer.free > 0 for offer in offers):
                raise RoomTaken if any(offer.is_sold for offer in offers) else PmsRejected("not_for_sale")
        return plan.at(plan.rooms, plan.way, same_rooms=plan.same_kinds)

    def change(self, plan: Plan) -> None:
        """One reservation after the other."""
        for room, line in zip(plan.rooms, _paired(plan), strict=True):
            before = self._before.setdefault(line.id, writing.stands(self.house, line.id))
            writing.amend(self.house, before, before.changed(plan.stay, room))

    def change_back(self, plan: Plan) -> None:  # noqa: ARG002  What was changed is known better here.
        for reservation, before in self._before.items():
            writing.amend(self.house, writing.stands(self.house, reservation), before)

    def meaning(
        self,
        refusal: Refused,  # noqa: ARG002  Its words are nowhere documented: what is free tells.
        stay: Stay,
        rooms: Sequence[RoomRequest],
    ) -> RoomTaken | PmsRejected:
        offered = self.offered(stay)
        for code, count in Counter(room.room_type for room in rooms).items():
            free = offered.of(code)
            if free is None or free.price is None:
                return PmsRejected("not_for_sale")
            if free.rooms < count:
                return RoomTaken()
        return PmsRejected("refused")

    def looked_up(
        self,
        booked: Booked,
        operation: str,
        payload: Mapping[str, Any],  # noqa: ARG002  What it was about tells enough.
    ) -> tuple[str, str]:
        return staying.looked_up(self, booked, operation)


def _paired(plan: Plan) -> list[Line]:
    """For each room the reservation that becomes it: its own, else one that is left."""
    taken = {line.id for line in plan.lines if line is not None}
    left = [line for line in plan.seen.standing if line.id not in taken]
    return [line if line is not None else left.pop(0) for line in plan.lines]


def _meet(one: Stay, other: Stay) -> bool:
    return one.check_in < other.check_out and other.check_in < one.check_out
