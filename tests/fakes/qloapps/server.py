"""The double itself: a QloApps that listens on a port of its own."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests.fakes import double
from tests.fakes.double import PATIENCE, Answer, Double, Fault
from tests.fakes.qloapps.call import Call, Mode, Request
from tests.fakes.qloapps.faults import Lie, stale_availability
from tests.fakes.qloapps.seeds import hotel_prime
from tests.fakes.qloapps.shop import Line, Order, Shop
from tests.fakes.qloapps.webservice import Settings, answer

KEY = "QLOTESTKEY0123456789ABCDEFGHIJKL"


@dataclass
class Heard(double.Heard):
    request: Request

    @property
    def resource(self) -> str:
        return self.request.segments[0]


@dataclass
class Pace:
    """How long a POST of `bookings` takes in between, in seconds: time in which others come in.

    Bookings that meet `before_decision` see each other: all but one are moved to other rooms or flagged. Bookings
    that meet `before_write` do not: the room is sold to all of them, and nothing says so.
    """

    before_decision: float = 0.0
    before_write: float = 0.0


class QloApps(Double[Heard]):
    """`with QloApps() as pms`: the recorded hotel; `QloApps(miramar())`: ours.

    `shop` is what it keeps, `requests` what it has heard. `mode`, `settings`, `pace` and the shop may be changed at
    any time. `on_step(step, heard)` is called between the steps of a booking: checked, customer, order, write, and
    at the end of every request: answered.
    """

    def __init__(
        self,
        shop: Shop | None = None,
        *,
        mode: Mode = "masked",
        key: str = KEY,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.shop = shop or hotel_prime()
        self.shop.clock = clock or self.shop.clock
        self.settings = Settings(key, mode)
        self.pace = pace or Pace()
        self.on_step: Callable[[str, Heard], None] | None = None
        super().__init__(host, port, Heard, Request)

    @property
    def url(self) -> str:
        """The base of the API, without a slash at its end."""
        return f"{self.origin}/api"

    @property
    def key(self) -> str:
        return self.settings.key

    @property
    def mode(self) -> Mode:
        return self.settings.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self.settings.mode = mode

    # What tests do to it

    def freeze_availability(self, times: int | None = None) -> None:
        """Availability is told from now on as it is now; bookings go on."""
        with self.shop.lock:
            fault = stale_availability(self.shop.lines)
        for path in ("/hotel_ari", "/qlo/"):
            self.inject(fault, path=path, times=times)

    # What tests ask it

    def heard(self, method: str | None = None, resource: str | None = None) -> list[Heard]:
        return [one for one in self.requests if method in (None, one.method) and resource in (None, one.resource)]

    def orders(self, source: str = "") -> list[Order]:
        """Orders whose source starts so."""
        with self.shop.lock:
            return [order for order in self.shop.orders if order.source.startswith(source)]

    def active_lines(self, order: Order | None = None) -> list[Line]:
        """Rooms that are sold: of one order, or of all."""
        with self.shop.lock:
            lines = list(self.shop.lines)
        sold = [line for line in lines if not (line.is_refunded or line.is_cancelled or line.is_back_order)]
        return [line for line in sold if order is None or line.id_order == order.id]

    def double_sales(self) -> list[tuple[Line, Line]]:
        """Pairs of lines that have one room for one night."""
        lines = self.active_lines()
        return [
            (one, other)
            for place, one in enumerate(lines)
            for other in lines[place + 1 :]
            if one.id_room == other.id_room and one.date_from < other.date_to and other.date_from < one.date_to
        ]

    # What the handler does with it

    def answer(self, heard: Heard, faults: tuple[Fault, ...]) -> Answer:
        if not heard.path.startswith("/api"):
            return Answer(404)
        return answer(self._call(heard, faults), self.settings)

    def further_headers(self, given: Answer) -> dict[str, str]:
        if not given.body or "PSWS-Version" not in given.headers:
            return {}
        return {"Execution-Time": "0.021", "Content-Sha1": hashlib.sha1(given.body).hexdigest()}

    def _call(self, heard: Heard, faults: tuple[Fault, ...]) -> Call:
        gap = bool(
            self.pace.before_write
            or self.on_step
            or any(isinstance(fault, Lie) and fault.rival == "write" for fault in faults)
        )
        return Call(heard.request, self.shop, self.settings.mode, faults, lambda step: self._pass_by(step, heard), gap)

    def _pass_by(self, step: str, heard: Heard) -> None:
        if self.on_step:
            self.on_step(step, heard)
        wait = {"order": self.pace.before_decision, "write": self.pace.before_write}.get(step, 0.0)
        if wait:
            time.sleep(wait)

    def answered(self, heard: Heard, given: Answer) -> None:
        super().answered(heard, given)
        if self.on_step:
            self.on_step("answered", heard)


class Turns:
    """Who does which step of a booking when: `Turns(by, [("ana", "customer"), ("eva", "customer"), …])` as `on_step`.

    A step that is named waits for its turn, and keeps it until the same request comes to its next named step or is
    answered. `by` gives the name of a request.
    """

    def __init__(self, by: Callable[[Heard], str], order: list[tuple[str, str]]) -> None:
        self._by, self._order = by, order
        self._place = 0
        self._holder: str | None = None
        self._changed = threading.Condition()

    def __call__(self, step: str, heard: Heard) -> None:
        name = self._by(heard)
        with self._changed:
            if (name, step) not in self._order and step != "answered":
                return
            self._leave(name)
            if step != "answered":
                assert self._changed.wait_for(lambda: self._is_turn_of(name, step), PATIENCE), f"{name} waits in vain"
                self._holder, self._place = name, self._place + 1

    def _leave(self, name: str) -> None:
        if self._holder == name:
            self._holder = None
            self._changed.notify_all()

    def _is_turn_of(self, name: str, step: str) -> bool:
        return self._holder is None and self._order[self._place : self._place + 1] == [(name, step)]
