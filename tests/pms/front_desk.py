"""A hotel of ours whose PMS is the double of QloApps, and its front desk, which works there and knows nothing of us."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms import mirroring
from hotel_agent.pms.contract import BookRequest, HoldRequest, RoomRequest, Stay
from hotel_agent.pms.door import Door, pms_for
from hotel_agent.pms.mirroring import Mirrored
from hotel_agent.pms.qloapps import reading
from tests.fakes import qloapps as far
from tests.fakes.qloapps.shop import Customer, Line, Order, Room
from tests.reservations.cast import guest_of, hotel_named

CANCELED, REFUNDED = 4, 5


class FrontDesk:
    """`hotel` is ours, `pms` the far end."""

    def __init__(self, pms: far.QloApps, currency: str = "EUR") -> None:
        reading.forget()
        self.pms = pms
        self.hotel: Hotel = hotel_named("andes")
        told = {"pms": "qloapps", "pms_url": pms.url, "pms_key": pms.key, "pms_hotel_id": "1"}
        changing.change(self.hotel.id, {**told, "currency": currency, "language": "es"})
        db.session.refresh(self.hotel)
        self.asked = 0

    @property
    def door(self) -> Door:
        return pms_for(self.hotel)

    def day(self, number: int) -> date:
        return self.hotel.today() + timedelta(days=number)

    def nights(self, first: int, count: int = 2) -> Stay:
        return Stay(self.day(first), self.day(first + count))

    def room(self, number: str) -> Room:
        return next(room for room in self.pms.shop.rooms if room.room_num == number)

    # What the front desk does there

    def sells(self, number: str, stay: Stay, name: str = "", source: str = "front desk") -> Order:
        order = far.front_desk_sells(self.pms.shop, self.room(number), stay.check_in, stay.check_out, source)
        with self.pms.shop.lock:
            for line in self.lines(order):
                line.room_num = number
            if name:
                first, _, last = name.partition(" ")
                order.id_customer = self.pms.shop.customers.add(Customer(firstname=first, lastname=last)).id
        return order

    def lines(self, order: Order) -> list[Line]:
        return self.pms.shop.lines_of(order.id)

    def order(self, pms_id: str) -> Order:
        return self.pms.shop.orders[int(pms_id)]

    def cancels(self, order: Order) -> None:
        with self.pms.shop.lock:
            self.pms.shop.change_state(order, CANCELED)
            for line in self.lines(order):
                self.pms.shop.lines.touch(line)

    def rewrites(self, order: Order, *, touch: bool = True, **fields: Any) -> None:
        """Its rooms, and nothing of the order itself."""
        with self.pms.shop.lock:
            for line in self.lines(order):
                for name, value in fields.items():
                    setattr(line, name, value)
                if touch:
                    self.pms.shop.lines.touch(line)

    def moves(self, order: Order, stay: Stay) -> None:
        self.rewrites(order, date_from=f"{stay.check_in} 00:00:00", date_to=f"{stay.check_out} 00:00:00")

    # What a guest does with us

    def books(self, stay: Stay, guest_id: int | None = None, kind: str = "2") -> str:
        """A booking of Marta's, or of that guest's; its code."""
        self.asked += 1
        guest_id = guest_id or guest_of(self.hotel, "Marta García")
        hold = self.door.hold(HoldRequest(stay, (RoomRequest(kind, 2),), guest_id, f"h{self.asked}"))
        return self.door.book(
            BookRequest(hold.hold_key, guest_id, "Marta García", f"b{self.asked}", self.hotel.today())
        )

    # What comes of it

    def mirror(self) -> Mirrored:
        done = mirroring.mirror(self.hotel)
        assert not done.is_busy
        return done

    def rows(self, what: str = "guest_name, status, check_in, check_out") -> list[tuple[Any, ...]]:
        return rows(f"reservations where pms_id is not null and hotel_id = {self.hotel.id}", what)

    def whole_anew(self) -> None:
        """The next turn reads everything, as it does from time to time."""
        db.session.execute(text("update pms_mirrors set whole_at = whole_at - interval '1 day'"))
        db.session.commit()


def rows(table: str, what: str, order: str = "1") -> list[tuple[Any, ...]]:
    found = [tuple(row) for row in db.session.execute(text(f"select {what} from {table} order by {order}"))]
    db.session.commit()
    return found
