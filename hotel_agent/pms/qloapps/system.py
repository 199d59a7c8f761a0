"""QloApps as the verbs of holds, bookings and changes ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hotel_agent.hotels.models import Hotel
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import PmsRejected, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.orders.changing import Plan
from hotel_agent.pms.orders.records import Booked
from hotel_agent.pms.orders.system import Line, Offered, Order, Person, Refused, Room, Wish
from hotel_agent.pms.qloapps import changing, reading, staying, writing
from hotel_agent.pms.qloapps.reading import CANCELED, Kind, Price, Shop
from hotel_agent.pms.qloapps.shops import shop_of

NEWEST_ORDERS = 200


def system_of(hotel: Hotel) -> QloApps:
    """Raises PmsUnavailable while the settings are not complete."""
    return QloApps(hotel, shop_of(hotel))


class QloApps:
    """The operations of `orders.System` on a QloApps."""

    def __init__(self, hotel: Hotel, shop: Shop) -> None:
        self.hotel, self.shop = hotel, shop

    def kinds(self) -> tuple[Kind, ...]:
        return self.shop.kinds()

    def offered(self, stay: Stay) -> Offered:
        return self.shop.offered(stay)

    def offered_from(self, first: date, last: date, nights: int) -> tuple[Offered, ...]:
        return self.shop.offered_from(first, last, nights)

    def nightly(self, stay: Stay) -> dict[str, dict[date, Decimal]]:
        return self.shop.nightly(stay)

    def fixed(self, room: Room, nightly: tuple[Decimal, ...]) -> Price:
        kind, price = room.kind, room.price
        assert isinstance(kind, Kind)
        assert isinstance(price, Price)  # As both were offered.
        return reading.fixed(kind, nightly, price.rate)

    def orders_of(self, token: str) -> tuple[Order, ...]:
        return _orders(self.shop.orders_of(token))

    def newest_orders(self, prefix: str) -> tuple[Order, ...]:
        return _orders(self.shop.orders_like(prefix, NEWEST_ORDERS))

    def orders(self, order_ids: Iterable[str]) -> tuple[Order, ...]:
        return _orders(self.shop.orders(order_ids))

    def lines_of(self, order_ids: Iterable[str]) -> tuple[Line, ...]:
        return tuple(map(_line, self.shop.lines_of(order_ids)))

    def lines_beside(self, line: Line, stay: Stay) -> tuple[Line, ...]:
        return tuple(_line(other) for other in self.shop.lines_in(int(line.room), stay) if str(other.id) != line.id)

    def can_stay(self, line: Line, stay: Stay) -> bool:
        others = [other for other in self.lines_beside(line, stay) if other.order_id != line.order_id]
        return not others and self.shop.is_in_service(int(line.room))

    def create(self, wish: Wish) -> None:
        customer = writing.customer_of(self.hotel, wish.person)
        writing.create(self.shop, wish.token, wish.currency, customer, wish.stay, wish.rooms, wish.remark)

    def cancel(self, order_id: str) -> None:
        writing.cancel(self.shop, int(order_id))

    def put_name(self, order: Order, person: Person) -> None:
        there = self.shop.orders([order.id])
        if not there:
            raise PmsUnavailable("QloApps does not know the order any more")
        writing.rename(self.shop, there[0].customer_id, writing.customer_of(self.hotel, person))

    def with_rooms(self, plan: Plan) -> Plan:
        return changing.with_rooms(self, plan)

    def change(self, plan: Plan) -> None:
        changing.ask(self.shop, self.hotel, plan)

    def change_back(self, plan: Plan) -> None:
        changing.ask_back(self, self.shop, self.hotel, plan)

    def meaning(
        self,
        refusal: Refused,
        stay: Stay,  # noqa: ARG002  Its words tell enough.
        rooms: Sequence[RoomRequest],  # noqa: ARG002
    ) -> RoomTaken | PmsRejected:
        return writing.meaning(refusal)

    def looked_up(self, booked: Booked, operation: str, payload: Mapping[str, Any]) -> tuple[str, str]:
        return staying.looked_up(self.shop, booked, operation, payload)


def _orders(found: Iterable[reading.Order]) -> tuple[Order, ...]:
    return tuple(
        Order(str(order.id), order.source, order.state == CANCELED, order.total, order.reference) for order in found
    )


def _line(line: reading.Line) -> Line:
    return Line(
        id=str(line.id),
        order_id=str(line.order_id),
        kind=str(line.kind_id),
        room=str(line.room_id),
        number=line.number,
        stay=line.stay,
        adults=line.adults,
        children=line.children,
        gross=line.gross,
        stands=line.stands,
        guest_is_in=line.guest_is_in,
        guest_has_left=line.guest_has_left,
    )
