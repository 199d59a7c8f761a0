"""What can go wrong with one request beyond what Apaleo does by itself.

double.inject(reset_after_write(), method="POST", path="/bookings")
double.inject(latency(0.3), times=None)
double.inject(hang(until), path="/offers")
double.inject(too_many_requests(7))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tests.fakes.apaleo.house import House, Sales
from tests.fakes.double import Fault, Spoilt


@dataclass(frozen=True)
class Lie(Fault):
    """A fault of which the work itself has to know."""

    sales: Sales | None = None
    price: Decimal = Decimal(1)
    first: Callable[[], object] | None = None


def too_many_requests(retry_after: int = 1) -> Fault:
    """429 with the seconds to wait; nothing was done."""
    spoilt = Spoilt(429, lambda body: b"", None, {"Retry-After": str(retry_after)})
    return Fault("429", works=0, spoilt=spoilt)


def token_expired() -> Fault:
    """401 for this request, whatever its token; nothing was done."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return Fault("token expired", works=0, spoilt=Spoilt(401, lambda body: b"", None, headers))


def empty_body(status: int | None = None) -> Fault:
    """The work is done and nothing is said, under the true status or another."""
    return Fault("empty body", spoilt=Spoilt(status, lambda body: b"", None))


def garbage(body: bytes = b"<html><body>Checking your browser</body></html>", status: int = 200) -> Fault:
    """The work is done, and the answer is a page of somebody else."""
    return Fault("garbage", spoilt=Spoilt(status, lambda true: body))


def broken_json() -> Fault:
    """The work is done, and half of the answer's JSON is all there is: length and type fit."""
    return Fault("broken json", spoilt=Spoilt(None, lambda body: body[: len(body) // 2], "application/json"))


def stale_availability(house: House) -> Fault:
    """Offers and availability are told as they were when this was made."""
    with house.lock:
        return Lie("stale availability", sales=house.sales())


def wrong_price(factor: Decimal | str = "1.5") -> Fault:
    """Every price that this request is told, or that it writes, is that many times the true one."""
    return Lie("wrong price", price=Decimal(factor))


def rival(acts: Callable[[], object]) -> Fault:
    """Somebody else does this right before the request is worked on: `rival(lambda: pms.desk.fill(…))`."""
    return Lie("rival", first=acts)
