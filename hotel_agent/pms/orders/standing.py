"""Whether what we asked for really stands. A yes is no booking: there are systems without locks, that move bookings
silently to other rooms, flag those they have sold too often, and now and then sell a room twice without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hotel_agent.locks.holding import RoomTaken
from hotel_agent.logs import get_logger
from hotel_agent.pms.contract import OutcomeUnknown, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.orders.system import Line, Order, Refused, System, order_of, standing_lines

log = get_logger(__name__)

CANCEL_ATTEMPTS = 2


@dataclass(frozen=True)
class Wanted:
    """One room as it should stand there; `children` with those in cots."""

    kind: str
    adults: int
    children: int

    @classmethod
    def of(cls, request: RoomRequest) -> Wanted:
        return cls(request.room_type, request.adults, request.children + request.cots)

    @classmethod
    def seen(cls, line: Line) -> Wanted:
        return cls(line.kind, line.adults, line.children)


class Otherwise(Exception):
    """Something stands, but not what was asked for."""


class GuestIsIn(Exception):
    """Somebody lives in a room of this order; a machine does not cancel that."""


def check_standing(system: System, order: Order, stay: Stay, wanted: Sequence[Wanted]) -> tuple[Line, ...]:
    """The order's rooms, if they are what was wanted and nobody else's. Raises RoomTaken, Otherwise, PmsUnavailable."""
    lines = standing_lines(system, order.id)
    if order.is_off or len(lines) < len(wanted):
        raise RoomTaken
    if any(line.stay != stay for line in lines):
        raise Otherwise("other nights")
    if Counter(map(Wanted.seen, lines)) != Counter(wanted):
        raise Otherwise("other rooms or people")
    for line in lines:
        check_alone(system, line)
    return lines


def check_alone(system: System, line: Line) -> None:
    """Raises RoomTaken when anybody else has the room on one of its nights."""
    others = system.lines_beside(line, line.stay)
    if others:
        log.warning("pms_sold_twice", room=line.number, orders=[line.order_id, *(one.order_id for one in others)])
        raise RoomTaken


def only_one(system: System, token: str) -> Order | None:
    """The live order with this token; when somebody on the way has asked twice, the others are cancelled."""
    live = [order for order in system.orders_of(token) if not order.is_off]
    for extra in live[1:]:
        log.warning("pms_booked_twice", orders=[order.id for order in live])
        undo(system, extra.id)
    return live[0] if live else None


def undo(system: System, order_id: str, token: str = "") -> None:
    """Cancel an order and see that none of its rooms stands; with a `token`, only the order that carries it.

    Raises OutcomeUnknown, GuestIsIn, PmsUnavailable.
    """
    for _ in range(CANCEL_ATTEMPTS):
        lines = standing_lines(system, order_id)
        order = order_of(system, order_id)
        if token and order is not None and order.token != token:
            return
        if any(line.guest_is_in or line.guest_has_left for line in lines):
            raise GuestIsIn(order_id)
        if not lines and (order is None or order.is_off):
            return
        try:
            system.cancel(order_id)
        except Refused:
            log.error("pms_refuses_to_cancel", order=order_id)
            raise PmsUnavailable("the PMS refuses to cancel") from None
        except OutcomeUnknown:
            continue  # It is looked up before it is tried again.
    if standing_lines(system, order_id):
        raise OutcomeUnknown(f"order {order_id} is asked to be cancelled and still stands")
