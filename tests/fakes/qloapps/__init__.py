"""A double of QloApps 1.6.1, over real HTTP: it behaves as its web service was recorded, faults included.

    with QloApps(miramar(), mode="hidden") as pms:
        client(pms.url, pms.key)
        pms.inject(reset_after_write(), method="POST", path="/bookings")

Written from `facts/PMS.md`, the recordings in `../shared/pms/qloapps` and QloApps' own source (tag v1.6.1, for what
was not recorded), by somebody who has not read our client. A test replays every recording against it.
By hand: `python -m tests.fakes.qloapps --help`.
"""

from tests.fakes.double import (
    Fault,
    answers_twice,
    cut_short,
    does_twice,
    error_after_success,
    hang,
    hang_before,
    latency,
    reset_after_write,
    reset_before_write,
    unavailable,
)
from tests.fakes.qloapps.bookings import front_desk_sells
from tests.fakes.qloapps.faults import (
    empty_body,
    fatal_200,
    rival,
    stale_availability,
    too_many_requests,
    wrong_price,
)
from tests.fakes.qloapps.seeds import add_type, hotel_prime, miramar
from tests.fakes.qloapps.server import KEY, Heard, Pace, QloApps, Turns
from tests.fakes.qloapps.shop import Customer, Line, Order, Room, RoomType, Shop

__all__ = [
    "KEY",
    "Customer",
    "Fault",
    "Heard",
    "Line",
    "Order",
    "Pace",
    "QloApps",
    "Room",
    "RoomType",
    "Shop",
    "Turns",
    "add_type",
    "answers_twice",
    "cut_short",
    "does_twice",
    "empty_body",
    "error_after_success",
    "fatal_200",
    "front_desk_sells",
    "hang",
    "hang_before",
    "hotel_prime",
    "latency",
    "miramar",
    "reset_after_write",
    "reset_before_write",
    "rival",
    "stale_availability",
    "too_many_requests",
    "unavailable",
    "wrong_price",
]
