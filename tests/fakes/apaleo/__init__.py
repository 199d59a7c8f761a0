"""A double of Apaleo's identity, booking, inventory, availability and rate plan API, over real HTTP.

    with Apaleo(miramar()) as pms:
        client(pms.url, pms.client_id, pms.client_secret, pms.property_id)
        pms.inject(reset_after_write(), method="POST", path="/bookings")
        pms.desk.book("Doble", arrival, departure)

Written from Apaleo's public documentation, by somebody who has not read our client: the Swagger copies of 2021 in
`apaleo/oss-traces` (MIT), the guides of apaleo.dev (creating a booking, offers, client credentials, rate limiting)
and, for the availability API, the answers that other clients read. It has never been held against the real Apaleo:
the words of its messages are made up, and so is what `tests/pms/test_apaleo_double.py` does not name a source for.
By hand: `python -m tests.fakes.apaleo --help`.
"""

from tests.fakes.apaleo.desk import Desk
from tests.fakes.apaleo.faults import (
    broken_json,
    empty_body,
    garbage,
    rival,
    stale_availability,
    token_expired,
    too_many_requests,
    wrong_price,
)
from tests.fakes.apaleo.house import Booking, House, RatePlan, Reservation, Slice, Unit, UnitGroup
from tests.fakes.apaleo.identity import CLIENT_ID, CLIENT_SECRET, SCOPES
from tests.fakes.apaleo.seeds import add_non_refundable, miramar
from tests.fakes.apaleo.server import Apaleo, Heard
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

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "SCOPES",
    "Apaleo",
    "Booking",
    "Desk",
    "Fault",
    "Heard",
    "House",
    "RatePlan",
    "Reservation",
    "Slice",
    "Unit",
    "UnitGroup",
    "add_non_refundable",
    "answers_twice",
    "broken_json",
    "cut_short",
    "does_twice",
    "empty_body",
    "error_after_success",
    "garbage",
    "hang",
    "hang_before",
    "latency",
    "miramar",
    "reset_after_write",
    "reset_before_write",
    "rival",
    "stale_availability",
    "token_expired",
    "too_many_requests",
    "unavailable",
    "wrong_price",
]
