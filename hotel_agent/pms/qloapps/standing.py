"""Whether what we asked for really stands. A yes from QloApps is no booking: it has no locks, moves bookings silently
to other rooms, flags those it has sold too often, and now and then sells a room twice without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hotel_agent.locks.holding import RoomTaken
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import OutcomeUnknown, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.qloapps import writing
from hotel_agent.pms.qloapps.client import Refused
from hotel_agent.pms.qloapps.reading import CANCELED, Line, Order, Shop

log = get_logger(__name__)

CANCEL_ATTEMPTS = 2


@dataclass(frozen=True)
class Wanted:
    """One room as it should stand there; `children` with those in cots."""

    kind_id: int
    adults: int
    children: int

    @classmethod
    def of(cls, request: RoomRequest) -> Wanted:
        return cls(int(request.room_type), request.adults, request.children + request.cots)


class Otherwise(Exception):
    """Something stands, but not what was asked for."""


class GuestIsIn(Exception):
    """Somebody lives in a room of this order; a machine does not cancel that."""


def check_standing(shop: Shop, order: Order, stay: Stay, wanted: Sequence[Wanted]) -> tuple[Line, ...]:
    """The order's rooms, if they are what was wanted and nobody else's. Raises RoomTaken, Otherwise, PmsUnavailable."""
    lines = tuple(line for line in shop.lines_of([order.id]) if line.stands)
    if order.state == CANCELED or len(lines) < len(wanted):
        raise RoomTaken
    if any(line.stay != stay for line in lines):
        raise Otherwise("other nights")
    if Counter(Wanted(line.kind_id, line.adults, line.children) for line in lines) != Counter(wanted):
        raise Otherwise("other rooms or people")
    for line in lines:
        check_alone(shop, line)
    return lines


def check_alone(shop: Shop, line: Line) -> None:
    """Raises RoomTaken when anybody else has the room on one of its nights."""
    others = [other for other in shop.lines_in(line.room_id, line.stay) if other.id != line.id]
    if others:
        log.warning("pms_sold_twice", room=line.number, orders=[line.order_id, *(one.order_id for one in others)])
        raise RoomTaken


def only_one(shop: Shop, token: str) -> Order | None:
    """The live order with this token; when a gateway has asked twice, the others are cancelled."""
    live = [order for order in shop.orders_of(token) if order.state != CANCELED]
    for extra in live[1:]:
        log.warning("pms_booked_twice", orders=[order.id for order in live])
        undo(shop, extra.id)
    return live[0] if live else None


def undo(shop: Shop, order_id: int) -> None:
    """Cancel an order and see that none of its rooms stands. Raises OutcomeUnknown, GuestIsIn, PmsUnavailable."""
    for _ in range(CANCEL_ATTEMPTS):
        lines = [line for line in shop.lines_of([order_id]) if line.stands]
        if any(line.guest_is_in or line.guest_has_left for line in lines):
            raise GuestIsIn(order_id)
        order = shop.order(order_id)
        if not lines and (order is None or order.state == CANCELED):
            return
        try:
            writing.cancel(shop, order_id)
        except Refused as refusal:
            log.error("pms_refuses_to_cancel", order=order_id, words=refusal.words)
            raise PmsUnavailable("QloApps refuses to cancel") from None
        except OutcomeUnknown:
            continue  # It is looked up before it is tried again.
    if any(line.stands for line in shop.lines_of([order_id])):
        raise OutcomeUnknown(f"order {order_id} is asked to be cancelled and still stands")
