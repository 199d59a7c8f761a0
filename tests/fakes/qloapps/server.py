"""The double itself: a QloApps that listens on a port of its own."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes.qloapps.call import Answer, Call, Mode, Request
from tests.fakes.qloapps.faults import LONGEST_HANG, Fault, stale_availability
from tests.fakes.qloapps.seeds import hotel_prime
from tests.fakes.qloapps.shop import Line, Order, Shop
from tests.fakes.qloapps.webservice import Settings, answer

KEY = "QLOTESTKEY0123456789ABCDEFGHIJKL"
PATIENCE = 20.0


@dataclass
class Heard:
    """One request as it came. `answer` is what was made of it, arrived or not; None while it is under way."""

    at: float
    request: Request
    faults: tuple[str, ...] = ()
    answer: Answer | None = None
    took: float = 0.0

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return unquote(self.request.path)

    @property
    def resource(self) -> str:
        return self.request.segments[0]

    @property
    def status(self) -> int | None:
        return self.answer.status if self.answer else None

    def json(self) -> Any:
        """The body that was sent."""
        return json.loads(self.request.body)


@dataclass
class Pace:
    """How long a POST of `bookings` takes in between, in seconds: time in which others come in.

    Bookings that meet `before_decision` see each other: all but one are moved to other rooms or flagged. Bookings
    that meet `before_write` do not: the room is sold to all of them, and nothing says so.
    """

    before_decision: float = 0.0
    before_write: float = 0.0


@dataclass
class _Injected:
    fault: Fault
    method: str | None
    path: str
    times: int | None
    skip: int = 0

    def meets(self, request: Request) -> bool:
        return self.method in (None, request.method) and self.path in unquote(request.path)


class QloApps:
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
        self.requests: list[Heard] = []
        self.on_step: Callable[[str, Heard], None] | None = None
        self._host = host
        self._injected: list[_Injected] = []
        self._changed = threading.Condition()
        self._server = _Server((host, port), _handler_of(self))

    def __enter__(self) -> QloApps:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base of the API, without a slash at its end."""
        return f"http://{self._host}:{self._server.server_address[1]}/api"

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

    def inject(
        self, fault: Fault, *, method: str | None = None, path: str = "", times: int | None = 1, skip: int = 0
    ) -> None:
        """For the next `times` requests of that method whose path has `path` in it, `skip` of them left alone first;
        `times` None means until `heal`."""
        with self._changed:
            self._injected.append(_Injected(fault, method, path, times, skip))

    def heal(self) -> None:
        with self._changed:
            self._injected.clear()

    def freeze_availability(self, times: int | None = None) -> None:
        """Availability is told from now on as it is now; bookings go on."""
        with self.shop.lock:
            fault = stale_availability(self.shop.lines)
        for path in ("/hotel_ari", "/qlo/"):
            self.inject(fault, path=path, times=times)

    def forget(self) -> None:
        """The log and the faults; bookings stay."""
        with self._changed:
            self.requests.clear()
            self._injected.clear()

    # What tests ask it

    def heard(self, method: str | None = None, resource: str | None = None) -> list[Heard]:
        return [one for one in self.requests if method in (None, one.method) and resource in (None, one.resource)]

    def wait_for(self, enough: Callable[[QloApps], bool], seconds: float = PATIENCE) -> None:
        """Until something has been heard or answered. Raises AssertionError when it has not by then."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self), seconds), "not heard in time"

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

    def hear(self, request: Request) -> tuple[Heard, tuple[Fault, ...]]:
        with self._changed:
            faults = tuple(self._faults_of(request))
            heard = Heard(time.monotonic(), request, tuple(fault.name for fault in faults))
            self.requests.append(heard)
            self._changed.notify_all()
        return heard, faults

    def _faults_of(self, request: Request) -> Iterator[Fault]:
        for injected in [one for one in self._injected if one.meets(request)]:
            if injected.skip:
                injected.skip -= 1
                continue
            if injected.times is not None:
                injected.times -= 1
                if not injected.times:
                    self._injected.remove(injected)
            yield injected.fault

    def work(self, heard: Heard, faults: tuple[Fault, ...]) -> Answer:
        """As often as the faults want it done; the last answer counts."""
        times = [fault.works for fault in faults] or [1]
        found = Answer()
        for _ in range(max(times) if all(times) else 0):
            found = answer(self._call(heard, faults), self.settings)
        return found

    def _call(self, heard: Heard, faults: tuple[Fault, ...]) -> Call:
        gap = bool(self.pace.before_write or self.on_step or any(fault.rival == "write" for fault in faults))
        return Call(heard.request, self.shop, self.settings.mode, faults, lambda step: self._pass_by(step, heard), gap)

    def _pass_by(self, step: str, heard: Heard) -> None:
        if self.on_step:
            self.on_step(step, heard)
        wait = {"order": self.pace.before_decision, "write": self.pace.before_write}.get(step, 0.0)
        if wait:
            time.sleep(wait)

    def answered(self, heard: Heard, given: Answer) -> None:
        with self._changed:
            heard.answer, heard.took = given, time.monotonic() - heard.at
            self._changed.notify_all()
        if self.on_step:
            self.on_step("answered", heard)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.torn: set[int] = set()

    def shutdown_request(self, request: Any) -> None:
        """A torn connection is closed without a goodbye."""
        if id(request) in self.torn:
            self.torn.discard(id(request))
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler_of(pms: QloApps) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536  # headers and body leave together
        server: _Server

        def handle_any(self) -> None:
            heard, faults = pms.hear(self._request())
            for fault in faults:
                time.sleep(fault.delay)
                self._wait(fault.hang_before)
            if any(fault.reset == "before" for fault in faults):
                self._tear()
                return
            given = pms.work(heard, faults) if heard.path.startswith("/api") else Answer(404)
            for fault in faults:
                self._wait(fault.hang_after)
                given = _spoilt(given, fault)
            pms.answered(heard, given)
            if any(fault.reset == "after" for fault in faults):
                self._tear()
            else:
                self._say(given, faults)

        def _request(self) -> Request:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            return Request(self.command, parts.path, parts.query, dict(self.headers.items()), body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = handle_any

        def _wait(self, event: threading.Event | None) -> None:
            if event:
                event.wait(LONGEST_HANG)

        def _tear(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.torn.add(id(self.connection))
            self.close_connection = True

        def _say(self, given: Answer, faults: tuple[Fault, ...]) -> None:
            body = b"" if self.command == "HEAD" else given.body
            cut = any(fault.cut for fault in faults)
            for _ in range(max((fault.answers for fault in faults), default=1)):
                self._say_head(given)
                self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = self.close_connection or cut

        def _say_head(self, given: Answer) -> None:
            self.send_response(given.status)
            if given.content_type:
                self.send_header("Content-Type", given.content_type)
            for name, told in given.headers.items():
                self.send_header(name, told)
            if given.body and "PSWS-Version" in given.headers:
                self.send_header("Execution-Time", "0.021")
                self.send_header("Content-Sha1", hashlib.sha1(given.body).hexdigest())
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _spoilt(given: Answer, fault: Fault) -> Answer:
    if fault.spoilt is None:
        return given
    kind = fault.spoilt.content_type
    kept = {**({} if kind else given.headers), **dict(fault.spoilt.headers)}
    return Answer(fault.spoilt.status, fault.spoilt.body(given.body), kind or given.content_type, kept)


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
