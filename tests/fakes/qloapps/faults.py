"""What can go wrong with one request beyond what QloApps does by itself.

double.inject(error_500_after_success(), method="POST", path="/bookings")
double.inject(latency(0.3), times=None)
double.inject(hang(until), path="/hotel_ari")
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tests.fakes.qloapps.shop import Line

LONGEST_HANG = 60.0
Step = Literal["order", "write"]


@dataclass(frozen=True)
class Spoilt:
    """An answer that replaces the true one; `body` gets the true body. A type of None leaves the true one."""

    status: int
    body: Callable[[bytes], bytes]
    content_type: str | None = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Fault:
    """Everything that one fault does; the functions below make them."""

    name: str
    delay: float = 0.0
    hang_before: threading.Event | None = None
    hang_after: threading.Event | None = None
    reset: Literal["", "before", "after"] = ""
    cut: bool = False
    works: int = 1
    answers: int = 1
    spoilt: Spoilt | None = None
    lines: tuple[Line, ...] | None = None
    price: Decimal | None = None
    rival: Step | None = None


def latency(seconds: float) -> Fault:
    """Before the work."""
    return Fault("latency", delay=seconds)


def hang(until: threading.Event) -> Fault:
    """The work is done, the answer waits for the event."""
    return Fault("hang", hang_after=until)


def hang_before(until: threading.Event) -> Fault:
    """Nothing is done before the event."""
    return Fault("hang before", hang_before=until)


def reset_before_write() -> Fault:
    """The connection is reset and nothing was done."""
    return Fault("reset before", reset="before", works=0)


def reset_after_write() -> Fault:
    """The connection is reset and everything was done."""
    return Fault("reset after", reset="after")


def cut_short() -> Fault:
    """The headers promise a body of which half arrives."""
    return Fault("cut short", cut=True)


def error_500_after_success() -> Fault:
    """The work is done, the answer is an empty 500."""
    return Fault("500 after success", spoilt=Spoilt(500, lambda body: b""))


def unavailable(status: int = 503) -> Fault:
    """A gateway answers; the PMS has heard nothing."""
    page = f"<html><body><h1>{status}</h1></body></html>".encode()
    return Fault(str(status), works=0, spoilt=Spoilt(status, lambda body: page))


def too_many_requests(retry_after: int = 1) -> Fault:
    """A gateway that counts: 429 with the seconds to wait; the PMS has heard nothing."""
    spoilt = Spoilt(429, lambda body: b"<html></html>", headers=(("Retry-After", str(retry_after)),))
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
    return Fault("stale availability", lines=tuple(copy(line) for line in lines))


def wrong_price(factor: Decimal | str = "1.5") -> Fault:
    """Every price that this request is told, or that it writes, is that many times the true one."""
    return Fault("wrong price", price=Decimal(factor))


def answers_twice() -> Fault:
    """The answer comes twice on one connection: the second waits there for whoever asks next."""
    return Fault("answers twice", answers=2)


def does_twice() -> Fault:
    """A gateway repeats the request: the work is done twice, the second answer arrives."""
    return Fault("does twice", works=2)


def rival(step: Step = "write") -> Fault:
    """The front desk sells the very room meanwhile: before `order` QloApps notices (it swaps the room silently, or
    flags the booking when none is left), before `write` it sells the room twice."""
    return Fault(f"rival before {step}", rival=step)
