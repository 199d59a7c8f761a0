"""What can go wrong with one request beyond what QloApps does by itself.

double.inject(error_after_success(), method="POST", path="/bookings")
double.inject(latency(0.3), times=None)
double.inject(hang(until), path="/hotel_ari")
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tests.fakes.double import Fault, Spoilt
from tests.fakes.qloapps.shop import Line

Step = Literal["order", "write"]


@dataclass(frozen=True)
class Lie(Fault):
    """A fault of which the work itself has to know."""

    lines: tuple[Line, ...] | None = None
    price: Decimal | None = None
    rival: Step | None = None


def too_many_requests(retry_after: int = 1) -> Fault:
    """A gateway that counts: 429 with the seconds to wait; the PMS has heard nothing."""
    spoilt = Spoilt(429, lambda body: b"<html></html>", headers={"Retry-After": str(retry_after)})
    return Fault("429", works=0, spoilt=spoilt)


FATAL = (
    b"\nFatal error: Allowed memory size of 268435456 bytes exhausted (tried to allocate 20480 bytes) in "
    b"/srv/qlo/www/classes/db/DbPDO.php on line 198\n"
)


def fatal_200(where: Literal["instead", "before", "after"] = "instead") -> Fault:
    """The work is done, the status is 200, and the body is `Fatal error`, or has it before or after itself."""
    spoilt = {
        "instead": Spoilt(200, lambda body: FATAL),
        "before": Spoilt(200, lambda body: FATAL + body, None),
        "after": Spoilt(200, lambda body: body + FATAL, None),
    }
    return Fault(f"fatal {where}", spoilt=spoilt[where])


def empty_body(status: int = 200) -> Fault:
    """The work is done and nothing is said."""
    return Fault("empty body", spoilt=Spoilt(status, lambda body: b""))


def stale_availability(lines: Iterable[Line]) -> Fault:
    """hotel_ari and getRoomRates answer from the bookings as they were when this was made."""
    return Lie("stale availability", lines=tuple(copy(line) for line in lines))


def wrong_price(factor: Decimal | str = "1.5") -> Fault:
    """Every price that this request is told, or that it writes, is that many times the true one."""
    return Lie("wrong price", price=Decimal(factor))


def rival(step: Step = "write") -> Fault:
    """The front desk sells the very room meanwhile: before `order` QloApps notices (it swaps the room silently, or
    flags the booking when none is left), before `write` it sells the room twice."""
    return Lie(f"rival before {step}", rival=step)
