"""What a property-management system is asked for holds, bookings and changes, in values that it shares with others.

An order is what was booked together, a line one room of it. An order that we make carries our token, by which it is
found again whatever was answered. Ids are the system's own, as words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import OutcomeUnknown, PmsRejected, RoomKind, RoomRequest, Stay

if TYPE_CHECKING:
    from hotel_agent.pms.orders.changing import Plan
    from hotel_agent.pms.orders.records import Booked

CENT = Decimal("0.01")


class Refused(Exception):
    """The system says no to a write, in words. They may quote a guest: rows keep them, logs do not."""

    def __init__(self, words: str) -> None:
        super().__init__("it refuses")
        self.words = words


class StillUnderWay(OutcomeUnknown):
    """No answer in time: what was asked may be done even after it was looked up."""


@dataclass(frozen=True)
class Kind:
    """A kind of room: what guests see of it, and for how many nights it is sold."""

    room: RoomKind
    least_nights: int = 1
    most_nights: int | None = None

    def lets_stay(self, nights: int) -> bool:
        return self.least_nights <= nights <= (self.most_nights or nights)


@dataclass(frozen=True)
class Price:
    """What one room costs for a stay. A system may add what it needs to sell it so."""

    total: Decimal
    nightly: tuple[Decimal, ...]


@dataclass(frozen=True)
class Free:
    """How many rooms of a kind are free for a whole stay; `price` None where it is not for sale."""

    kind: Kind
    rooms: int
    price: Price | None


@dataclass(frozen=True)
class Offered:
    """All kinds of room for one stay."""

    stay: Stay
    currency: str
    kinds: tuple[Free, ...]

    def of(self, code: str) -> Free | None:
        return next((free for free in self.kinds if free.kind.room.code == code), None)


@dataclass(frozen=True)
class Order:
    """What was booked together; `is_off` when all of it was cancelled. `reference` is what its people call it."""

    id: str
    token: str
    is_off: bool
    total: Decimal
    reference: str


@dataclass(frozen=True)
class Line:
    """One room of an order. It `stands` unless it was cancelled. `room` is empty where none is assigned yet."""

    id: str
    order_id: str
    kind: str
    room: str
    number: str
    stay: Stay
    adults: int
    children: int
    gross: Decimal
    stands: bool
    guest_is_in: bool
    guest_has_left: bool
    guest_did_not_come: bool = False


@dataclass(frozen=True)
class Room:
    """A room that is wanted, and what it is to cost."""

    kind: Kind
    request: RoomRequest
    price: Price


@dataclass(frozen=True)
class Person:
    """A guest of ours, in the words that they go by."""

    guest_id: int | None
    name: str
    phone: str


@dataclass(frozen=True)
class Wish:
    """An order that is asked for. `remark` is for the people there."""

    token: str
    code: str
    currency: str
    person: Person
    stay: Stay
    rooms: tuple[Room, ...]
    remark: str


class System(Protocol):
    """One hotel in such a system. Any question may raise PmsUnavailable, any write Refused and OutcomeUnknown too."""

    def kinds(self) -> Sequence[Kind]:
        """Those that are for sale, in the system's order."""

    def offered(self, stay: Stay) -> Offered:
        """What is free for the whole stay, and what a room costs."""

    def offered_from(self, first: date, last: date, nights: int) -> Sequence[Offered]:
        """The same for every arrival from `first` to `last`."""

    def nightly(self, stay: Stay) -> Mapping[str, Mapping[date, Decimal]]:
        """What each night costs today, by kind."""

    def fixed(self, room: Room, nightly: tuple[Decimal, ...]) -> Price:
        """The price of that room if its nights cost this."""

    def orders_of(self, token: str) -> Sequence[Order]:
        """Every order that carries it, oldest first: several when somebody on the way has asked twice."""

    def newest_orders(self, prefix: str) -> Sequence[Order]:
        """The newest of those whose token begins so."""

    def orders(self, order_ids: Iterable[str]) -> Sequence[Order]: ...

    def lines_of(self, order_ids: Iterable[str]) -> tuple[Line, ...]: ...

    def lines_beside(self, line: Line, stay: Stay) -> Sequence[Line]:
        """What else keeps this line's room from others during these nights, whoever booked it."""

    def can_stay(self, line: Line, stay: Stay) -> bool:
        """Whether this line could have its room on these nights: nobody else has it then, and one can sleep there."""

    def create(self, wish: Wish) -> None: ...

    def cancel(self, order_id: str) -> None:
        """Twice does no harm."""

    def put_name(self, order: Order, person: Person) -> None:
        """The booking is in that person's name."""

    def with_rooms(self, plan: Plan) -> Plan:
        """The way to make a change for which there are rooms. Raises RoomTaken, PmsRejected."""

    def change(self, plan: Plan) -> None:
        """Ask for it."""

    def change_back(self, plan: Plan) -> None:
        """Make the booking what it was before the change was asked for."""

    def meaning(self, refusal: Refused, stay: Stay, rooms: Sequence[RoomRequest]) -> RoomTaken | PmsRejected:
        """What a refusal of these rooms is to a guest."""

    def looked_up(self, booked: Booked, operation: str, payload: Mapping[str, Any]) -> tuple[str, str]:
        """What became of a write that is the system's own: the state of its row, and why."""


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT)


def shares(total: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """The total in parts that compare as the weights do, each in cents."""
    all_weights = sum(weights, Decimal(0))
    parts = [cents(total * weight / all_weights) for weight in weights]
    parts[-1] += total - sum(parts, Decimal(0))  # What rounding took or gave.
    return tuple(parts)


class Lived(Protocol):
    """A room of which is told who is in it."""

    @property
    def guest_is_in(self) -> bool: ...

    @property
    def guest_has_left(self) -> bool: ...


def status_of(is_off: bool, standing: Sequence[Lived]) -> str:
    """What a booking is by its rooms that stand."""
    if is_off or not standing:
        return "cancelled"
    if any(room.guest_is_in for room in standing):
        return "in_house"
    return "departed" if all(room.guest_has_left for room in standing) else "booked"


def order_of(system: System, order_id: str) -> Order | None:
    return next(iter(system.orders([order_id])), None)


def standing_lines(system: System, order_id: str) -> tuple[Line, ...]:
    return tuple(line for line in system.lines_of([order_id]) if line.stands)
