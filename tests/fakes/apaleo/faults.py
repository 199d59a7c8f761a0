"""What can go wrong with one request beyond what Apaleo does by itself.

double.inject(reset_after_write(), method="POST", path="/bookings")
double.inject(latency(0.3), times=None)
double.inject(hang(until), path="/offers")
double.inject(too_many_requests(7))
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tests.fakes.apaleo.house import House, Sales

LONGEST_HANG = 60.0
Until = threading.Event | float
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Spoilt:
    """An answer that replaces the true one; `body` gets the true body. A status or type of None leaves the true one."""

    status: int | None
    body: Callable[[bytes], bytes]
    content_type: str | None = HTML
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """Everything that one fault does; the functions below make them. A hang ends with its event, or by its seconds."""

    name: str
    delay: float = 0.0
    hang_before: Until | None = None
    hang_after: Until | None = None
    reset: Literal["", "before", "after"] = ""
    cut: bool = False
    works: int = 1
    answers: int = 1
    spoilt: Spoilt | None = None
    sales: Sales | None = None
    price: Decimal = Decimal(1)
    first: Callable[[], object] | None = None


def latency(seconds: float) -> Fault:
    """Before the work."""
    return Fault("latency", delay=seconds)


def hang(until: Until) -> Fault:
    """The work is done, the answer waits for the event or that many seconds."""
    return Fault("hang", hang_after=until)


def hang_before(until: Until) -> Fault:
    """Nothing is done before the event, or before that many seconds are over."""
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


def unavailable(status: int = 503, retry_after: int | None = None) -> Fault:
    """A gateway answers 500, 502, 503 …; Apaleo has heard nothing."""
    page = f"<html><body><h1>{status}</h1></body></html>".encode()
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(str(status), works=0, spoilt=Spoilt(status, lambda body: page, HTML, headers))


def too_many_requests(retry_after: int = 1) -> Fault:
    """429 with the seconds to wait; nothing was done."""
    spoilt = Spoilt(429, lambda body: b"", None, {"Retry-After": str(retry_after)})
    return Fault("429", works=0, spoilt=spoilt)


def token_expired() -> Fault:
    """401 for this request, whatever its token; nothing was done."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return Fault("token expired", works=0, spoilt=Spoilt(401, lambda body: b"", None, headers))


def error_after_success(status: int = 500) -> Fault:
    """The work is done, the answer is an empty 500."""
    return Fault(f"{status} after success", spoilt=Spoilt(status, lambda body: b""))


def empty_body(status: int | None = None) -> Fault:
    """The work is done and nothing is said, under the true status or another."""
    return Fault("empty body", spoilt=Spoilt(status, lambda body: b"", None))


def garbage(body: bytes = b"<html><body>Checking your browser</body></html>", status: int = 200) -> Fault:
    """The work is done, and the answer is a page of somebody else."""
    return Fault("garbage", spoilt=Spoilt(status, lambda true: body))


def broken_json() -> Fault:
    """The work is done, and half of the answer's JSON is all there is: length and type fit."""
    return Fault("broken json", spoilt=Spoilt(None, lambda body: body[: len(body) // 2], "application/json"))


def answers_twice() -> Fault:
    """The answer comes twice on one connection: the second waits there for whoever asks next."""
    return Fault("answers twice", answers=2)


def does_twice() -> Fault:
    """A gateway repeats the request: the work is done twice, the second answer arrives."""
    return Fault("does twice", works=2)


def stale_availability(house: House) -> Fault:
    """Offers and availability are told as they were when this was made."""
    with house.lock:
        return Fault("stale availability", sales=house.sales())


def wrong_price(factor: Decimal | str = "1.5") -> Fault:
    """Every price that this request is told, or that it writes, is that many times the true one."""
    return Fault("wrong price", price=Decimal(factor))


def rival(acts: Callable[[], object]) -> Fault:
    """Somebody else does this right before the request is worked on: `rival(lambda: pms.desk.fill(…))`."""
    return Fault("rival", first=acts)
