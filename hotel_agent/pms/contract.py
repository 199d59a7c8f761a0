"""What every property-management system can be asked, in values that do not change underway.

Money is `Decimal` in the hotel's currency, taxes included. Stays are half open: the night of
`check_out` is free again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Protocol

from hotel_agent.hotels.models import Hotel

INFANT_BELOW = 2  # A child younger than this sleeps in a cot and takes no bed.

# Why a stay is not sold although the nights have prices.
MIN_STAY, CLOSED, CLOSED_TO_ARRIVAL, CLOSED_TO_DEPARTURE = NOT_SOLD = (
    "min_stay",
    "closed",
    "closed_to_arrival",
    "closed_to_departure",
)
# Until when cancelling costs nothing where it always costs something.
NEVER_FREE = datetime(1970, 1, 1, tzinfo=UTC)
# What is charged when it does: the first night of each room, unless a record says otherwise.
FIRST_NIGHT = "first_night"


class PmsUnavailable(Exception):
    """The PMS cannot answer now; later it may."""


class PmsRejected(Exception):
    """The PMS says no; asking again will not help. `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutcomeUnknown(PmsUnavailable):
    """A write that may or may not have happened; it is looked up before anything is tried again."""


@dataclass(frozen=True)
class Capabilities:
    """What a PMS can do, so that nobody is promised what it cannot.

    `hold` is native, imitated (an unpaid booking that we cancel when its time is over, which keeps its room until
    then) or none. `modify_occupancy` is other people without other nights; `extras` are things added to a stay that
    its people see there; `change_feed`: it can be asked what has changed. `room_status` is none, out_of_order or
    housekeeping (clean and dirty too). `is_remote`: it is asked over the network, so what it says of rooms and rates
    may be kept for a while, and bookings are made there that we have to hear of.
    """

    hold: str
    is_remote: bool = True
    modify_dates: bool = False
    modify_room_type: bool = False
    modify_occupancy: bool = False
    extras: bool = False
    check_in_out: bool = False
    no_show: bool = False
    move_room: bool = False
    room_status: str = "none"
    guest_profile: bool = False
    notes: bool = False
    change_feed: bool = False


@dataclass(frozen=True)
class Stay:
    """The nights [check_in, check_out). Raises ValueError unless there is at least one."""

    check_in: date
    check_out: date

    def __post_init__(self) -> None:
        if self.check_out <= self.check_in:
            raise ValueError(f"a stay needs a night: {self.check_in} to {self.check_out}")

    @property
    def nights(self) -> int:
        return (self.check_out - self.check_in).days


@dataclass(frozen=True)
class Party:
    """Who comes. `children` counts every child; ages are those that were told."""

    adults: int
    children: int = 0
    children_ages: tuple[int, ...] = ()

    @property
    def cots(self) -> int:
        """Children so young that a cot does."""
        return min(self.children, sum(age < INFANT_BELOW for age in self.children_ages))

    @property
    def persons(self) -> int:
        """People who need a bed."""
        return self.adults + self.children - self.cots


@dataclass(frozen=True)
class RoomKind:
    """A kind of room. `names` and `descriptions` are by language; `words` is what guests call it.

    `photos` are paths below /static, or https addresses, the one that shows it best first. Of the `capacity` only so
    many may be adults, or children, where a system says so.
    """

    code: str
    capacity: int
    names: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()
    most_adults: int | None = None
    most_children: int | None = None

    def takes(self, adults: int, children: int) -> bool:
        """`children` are those who need a bed."""
        return adults + children <= self.capacity and (adults, children) == self._let_in(adults, children)

    def beds_for(self, adults: int, children: int) -> int:
        """How many beds it has for people of such a party, if there were many of them."""
        most_adults = self.capacity if self.most_adults is None else self.most_adults
        most_children = self.capacity if self.most_children is None else self.most_children
        return min(self.capacity, (most_adults if adults else 0) + min(children, most_children))

    def _let_in(self, adults: int, children: int) -> tuple[int, int]:
        most_adults = adults if self.most_adults is None else self.most_adults
        most_children = children if self.most_children is None else self.most_children
        return min(adults, most_adults), min(children, most_children)

    def name_in(self, language: str) -> str:
        return in_language(self.names, language) or self.code

    def description_in(self, language: str) -> str:
        return in_language(self.descriptions, language)


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in that language, else in English, else in any; empty when there is none."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


@dataclass(frozen=True)
class RoomRequest:
    """One room that is wanted and who sleeps in it. `children` are those in beds; `cots` come on top."""

    room_type: str
    adults: int
    children: int = 0
    cots: int = 0

    @property
    def persons(self) -> int:
        return self.adults + self.children

    def packed(self) -> list[str | int]:
        """As JSON keeps it."""
        return [self.room_type, self.adults, self.children, self.cots]

    @classmethod
    def unpacked(cls, values: Sequence[str | int]) -> RoomRequest:
        room_type, adults, children, cots = values
        return cls(str(room_type), int(adults), int(children), int(cots))


@dataclass(frozen=True)
class Offer:
    """A kind of room on one stay: `free` rooms at `total` each, or None where the stay is not for sale.

    `why_not` is then one of NOT_SOLD, or empty where a night has no price. `min_stay` is the least number of nights
    from that arrival.
    """

    kind: RoomKind
    free: int
    nightly: tuple[Decimal, ...]
    total: Decimal | None
    why_not: str = ""
    min_stay: int = 1


@dataclass(frozen=True)
class Availability:
    """Every kind of room of a hotel for one stay, sold out or not. `source`: pms, cache, stale."""

    hotel_id: int
    stay: Stay
    currency: str
    source: str
    as_of: datetime
    offers: tuple[Offer, ...]

    def offer(self, room_type: str) -> Offer | None:
        return next((offer for offer in self.offers if offer.kind.code == room_type), None)

    @property
    def for_sale(self) -> bool:
        """False where no kind of room has a price for every night."""
        return any(offer.total is not None for offer in self.offers)


@dataclass(frozen=True)
class Line:
    """`count` rooms of one kind; `price` is one of them for the whole stay."""

    kind: RoomKind
    count: int
    nightly: tuple[Decimal, ...]
    price: Decimal

    @property
    def total(self) -> Decimal:
        return self.price * self.count


@dataclass(frozen=True)
class Quote:
    """What a stay costs in these rooms. Cancelling is free until `free_until`, then costs `late_fee`.

    `late_fee_is` says what that is: first_night, nights:2, percent:50, total or amount:30.00. `tax` is how much of the
    total are taxes that come on top of the hotel's rates, None where its rates include them.
    """

    stay: Stay
    party: Party
    rooms: tuple[RoomRequest, ...]
    lines: tuple[Line, ...]
    total: Decimal
    currency: str
    free_until: datetime
    late_fee: Decimal
    late_fee_is: str = FIRST_NIGHT
    tax: Decimal | None = None


@dataclass(frozen=True)
class BookedRoom:
    """A room that is held or booked. `price` is for the whole stay; `children` include those in cots."""

    kind: RoomKind
    number: str
    price: Decimal
    adults: int
    children: int


@dataclass(frozen=True)
class Hold:
    """Rooms kept for a guest until `expires_at` (UTC). `is_booked` once it has become a booking."""

    hold_key: str
    guest_id: int | None
    expires_at: datetime
    stay: Stay
    rooms: tuple[BookedRoom, ...]
    adults: int
    children: int
    total: Decimal
    currency: str
    free_until: datetime
    late_fee: Decimal
    is_booked: bool = False
    late_fee_is: str = FIRST_NIGHT
    tax: Decimal | None = None


@dataclass(frozen=True)
class BookedExtra:
    """Something added to a stay, at the price that was told; `at_time` is until or from when."""

    code: str
    price: Decimal
    currency: str
    at_time: time | None


@dataclass(frozen=True)
class Booking:
    """A booking as the PMS has it on record. `total` is the price of the rooms; `extras` come beside it."""

    code: str
    status: str
    guest_id: int | None
    guest_name: str
    stay: Stay
    adults: int
    children: int
    rooms: tuple[BookedRoom, ...]
    total: Decimal
    currency: str
    free_until: datetime
    late_fee: Decimal
    cancelled_at: datetime | None = None
    cancellation_fee: Decimal | None = None
    extras: tuple[BookedExtra, ...] = ()
    late_fee_is: str = FIRST_NIGHT

    @property
    def is_confirmed(self) -> bool:
        return self.status == "booked"

    @property
    def is_live(self) -> bool:
        """Whether somebody is still to come, or is there."""
        return self.status in ("pending", "booked", "in_house")

    def added(self, code: str) -> BookedExtra | None:
        return next((extra for extra in self.extras if extra.code == code), None)


@dataclass(frozen=True)
class HoldRequest:
    """Asking twice with the same `request_key` holds once. `replaces` is let go in the same step."""

    stay: Stay
    rooms: tuple[RoomRequest, ...]
    guest_id: int
    request_key: str
    replaces: str | None = None


@dataclass(frozen=True)
class BookRequest:
    """Asking twice with the same `request_key` or `hold_key` books once."""

    hold_key: str
    guest_id: int
    guest_name: str
    request_key: str
    today: date


@dataclass(frozen=True)
class ChangeRequest:
    """What a booking is to become, whole: also what stays as it is.

    Asking twice with the same `request_key` changes once. `total` is the price that the guest was told, in which the
    change is made or not at all.
    """

    code: str
    stay: Stay
    rooms: tuple[RoomRequest, ...]
    guest_name: str
    request_key: str = ""
    total: Decimal | None = None


@dataclass(frozen=True)
class ChangeQuote:
    """What a booking would be after a change.

    Nights that stay, in a kind of room that stays, cost what they cost when they were booked; the others cost what
    they cost today. `same_rooms` is False when somebody would have to move to another room of the kind, or of another.
    `lost_extras` can not go on, as the room is not free for them on the new days.
    """

    stay: Stay
    rooms: tuple[BookedRoom, ...]
    adults: int
    children: int
    guest_name: str
    total: Decimal
    currency: str
    free_until: datetime
    late_fee: Decimal
    same_rooms: bool
    lost_extras: tuple[str, ...] = ()
    late_fee_is: str = FIRST_NIGHT


@dataclass(frozen=True)
class Version:
    """A booking as it was, or became, by a change."""

    stay: Stay
    room_types: tuple[str, ...]
    adults: int
    children: int
    guest_name: str
    total: Decimal


@dataclass(frozen=True)
class Change:
    """A change that is on record."""

    before: Version
    after: Version


@dataclass(frozen=True)
class ExtraRequest:
    """Something to add to a stay, once for each `code`. `nights` must be free in the booking's own rooms."""

    booking_code: str
    code: str
    price: Decimal
    at_time: time | None
    nights: tuple[date, ...] = ()


@dataclass(frozen=True)
class Unsettled:
    """What a person has to settle with a PMS, and for which guest. `action` is hold, book, cancel or change."""

    guest_id: int | None
    action: str
    code: str | None
    why: str


@dataclass(frozen=True)
class RecordRoom:
    """A room of a booking on record; `number` is empty where none is assigned yet.

    `stay` where its nights are others than the booking's: some leave before the others.
    """

    kind: str
    number: str
    stay: Stay | None = None


@dataclass(frozen=True)
class Record:
    """A booking as the PMS has it, whoever made it and wherever.

    `code` is ours, empty for a booking made elsewhere. `status`: booked, in_house, departed, cancelled, no_show.
    `total` is the price of the stay with taxes, as far as the PMS tells it.
    """

    pms_id: str
    code: str
    status: str
    guest_name: str
    stay: Stay
    adults: int
    children: int
    rooms: tuple[RecordRoom, ...]
    total: Decimal
    currency: str


@dataclass(frozen=True)
class Changes:
    """What has changed since a `cursor` that an earlier answer gave; `more` when there is more to ask for at once.

    Everything that changed is told at least once: an answer may repeat what was told before. `as_of` is when the PMS
    was asked.
    """

    records: tuple[Record, ...]
    cursor: str
    as_of: datetime
    more: bool = False


@dataclass(frozen=True)
class GuestProfile:
    """What the PMS knows of whoever booked; empty where it does not. `language` and `country` are ISO codes."""

    name: str
    email: str = ""
    phone: str = ""
    language: str = ""
    country: str = ""


@dataclass(frozen=True)
class RoomStatus:
    """One room now. `housekeeping` is clean, dirty, inspected, or empty where the PMS does not say."""

    number: str
    kind: str
    occupied: bool
    out_of_order: bool
    housekeeping: str = ""


class PmsAdapter(Protocol):
    """One property-management system. Any call may raise PmsUnavailable.

    What its `capabilities` leave out raises PmsRejected("not_supported").
    """

    capabilities: Capabilities

    def room_kinds(self, hotel: Hotel) -> tuple[RoomKind, ...]:
        """The hotel's kinds of room in its own order."""

    def availability(self, hotel: Hotel, stay: Stay) -> Availability: ...

    def availability_from(self, hotel: Hotel, first: date, last: date, nights: int) -> tuple[Availability, ...]:
        """The same for every arrival from `first` to `last`, in order."""

    def last_night_for_sale(self, hotel: Hotel) -> date | None: ...

    def hold(self, hotel: Hotel, request: HoldRequest) -> Hold:
        """Raises RoomTaken when too few rooms are free, PmsRejected with "not_for_sale" or one of NOT_SOLD."""

    def held(self, hotel: Hotel, hold_key: str) -> Hold | None:
        """A hold that is live or has become a booking, else None."""

    def extend(self, hotel: Hotel, hold_key: str, guest_id: int, request_key: str) -> Hold:
        """Keep a live hold of that guest for its whole time from now, once for each `request_key`.

        Raises PmsRejected with "unknown", "booked", "over" or "often_enough".
        """

    def release(self, hotel: Hotel, hold_key: str, guest_id: int, reason: str) -> bool:
        """Let a live hold go; False when there was none of that guest."""

    def book(self, hotel: Hotel, request: BookRequest) -> str:
        """Turn a hold into a booking; its code. Raises RoomTaken, HoldLapsed."""

    def read(self, hotel: Hotel, code: str) -> Booking | None:
        """The record as it stands, read anew."""

    def upcoming(self, hotel: Hotel, guest_id: int, today: date) -> tuple[Booking, ...]:
        """The guest's live bookings that are not over, soonest first."""

    def cancel(self, hotel: Hotel, code: str, fee: Decimal) -> bool:
        """Cancel a booking; False when it was cancelled already. Raises PmsRejected where it is too late."""

    def change_quote(self, hotel: Hotel, request: ChangeRequest) -> ChangeQuote:
        """What the change would come to now.

        Raises RoomTaken, PmsRejected with "not_for_sale", one of NOT_SOLD, or the status.
        """

    def modify(self, hotel: Hotel, request: ChangeRequest) -> Change:
        """Change a booking; the same answer for the same `request_key`.

        Raises as `change_quote` does, and PmsRejected("price_changed") where it would not cost `request.total`.
        """

    def change_of(self, hotel: Hotel, code: str, request_key: str) -> Change | None:
        """The change that this request has made, if it has."""

    def is_free_on(self, hotel: Hotel, code: str, night: date) -> bool:
        """Whether nobody else has the rooms of a booking on a night before or after its own."""

    def add_extra(self, hotel: Hotel, request: ExtraRequest) -> bool:
        """Put an extra on a booking; False when it was there. Raises RoomTaken, PmsRejected with the status."""

    def settle(self, hotel: Hotel) -> tuple[Unsettled, ...]:
        """Look up writes of which nobody knows what became of them, and let go of what holds no more; asked regularly.

        What cannot be settled is told once, for people.
        """

    def arrivals(self, hotel: Hotel, day: date) -> tuple[Record, ...]:
        """Who is to arrive on that day or has: everything but what is cancelled."""

    def departures(self, hotel: Hotel, day: date) -> tuple[Record, ...]:
        """Who is to leave on that day or has."""

    def in_house(self, hotel: Hotel) -> tuple[Record, ...]:
        """Who has been checked in and not out."""

    def changes_since(self, hotel: Hotel, cursor: str) -> Changes:
        """Bookings that were made or changed since; an empty `cursor` asks for everything that is not over yet."""

    def guest(self, hotel: Hotel, code: str) -> GuestProfile | None:
        """Who made a booking, as the PMS knows them."""

    def room_status(self, hotel: Hotel) -> tuple[RoomStatus, ...]:
        """Every room of the hotel, by number."""

    def check_in(self, hotel: Hotel, code: str, today: date) -> bool:
        """The guest is in; False when they were. Raises PmsRejected with the status, "too_early" or "out_of_order"."""

    def check_out(self, hotel: Hotel, code: str, today: date) -> bool:
        """The guest has left, and the nights that are left are free; False when they had. Raises PmsRejected."""

    def no_show(self, hotel: Hotel, code: str, today: date) -> bool:
        """The guest did not come, and the rooms are free; False when it was said. Raises PmsRejected, "too_early"."""

    def move(self, hotel: Hotel, code: str, from_room: str, to_room: str) -> bool:
        """Another room, by number, for the nights that are left, at the price of before; False when it was so.

        Raises RoomTaken, PmsRejected with the status, "unknown_room" or "out_of_order".
        """
