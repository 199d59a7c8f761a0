"""The double itself: an Apaleo that listens on a port of its own, identity and API on the same one."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes.apaleo.api import Api
from tests.fakes.apaleo.call import Answer, Lies, Request
from tests.fakes.apaleo.desk import Desk
from tests.fakes.apaleo.faults import LONGEST_HANG, Fault, Until, stale_availability
from tests.fakes.apaleo.house import House, Reservation
from tests.fakes.apaleo.identity import CLIENT_ID, CLIENT_SECRET, Identity
from tests.fakes.apaleo.seeds import miramar

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
    def status(self) -> int | None:
        return self.answer.status if self.answer else None

    def json(self) -> Any:
        """The body that was sent."""
        return json.loads(self.request.body)


@dataclass
class _Injected:
    fault: Fault
    method: str | None
    path: str
    times: int | None
    skip: int = 0

    def meets(self, request: Request) -> bool:
        return self.method in (None, request.method) and self.path in unquote(request.path)


class Apaleo:
    """`with Apaleo(miramar()) as pms`.

    `house` is what it keeps, `desk` the other hands in it, `requests` what it has heard. `identity` has the client
    and its scopes. All of it may be changed at any time.
    """

    def __init__(
        self,
        house: House | None = None,
        *,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.house = house or miramar()
        self.desk = Desk(self.house)
        self.identity = Identity(lambda: self.house.clock(), client_id, client_secret)
        self.requests: list[Heard] = []
        self._api = Api(self.house, self.identity)
        self._host = host
        self._injected: list[_Injected] = []
        self._changed = threading.Condition()
        self._server = _Server((host, port), _handler_of(self))

    def __enter__(self) -> Apaleo:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base of the API and of the identity server (`/connect/token`), without a slash at its end."""
        return f"http://{self._host}:{self._server.server_address[1]}"

    @property
    def property_id(self) -> str:
        return self.house.id

    @property
    def client_id(self) -> str:
        return self.identity.client_id

    @property
    def client_secret(self) -> str:
        return self.identity.client_secret

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
        fault = stale_availability(self.house)
        for path in ("/offers", "/availability/"):
            self.inject(fault, path=path, times=times)

    def expire_tokens(self) -> None:
        """Every token that was given out is refused with 401 from now on; new ones are to be had."""
        self.identity.expire()

    def forget(self) -> None:
        """The log and the faults; bookings stay."""
        with self._changed:
            self.requests.clear()
            self._injected.clear()

    # What tests ask it

    def heard(self, method: str | None = None, path: str = "") -> list[Heard]:
        with self._changed:
            return [one for one in self.requests if method in (None, one.method) and path in one.path]

    def count(self, method: str | None = None, path: str = "") -> int:
        return len(self.heard(method, path))

    def wait_for(self, enough: Callable[[Apaleo], bool], seconds: float = PATIENCE) -> None:
        """Until something has been heard or answered. Raises AssertionError when it has not by then."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self), seconds), "not heard in time"

    def reservations(self, external_code: str = "") -> list[Reservation]:
        """Whatever their status; with a code, those whose external code starts so."""
        with self.house.lock:
            return [one for one in self.house.reservations.values() if _has_code(one, external_code)]

    def standing(self, external_code: str = "") -> list[Reservation]:
        """Those that keep a unit from others: neither canceled nor no-show."""
        return [one for one in self.reservations(external_code) if one.status not in ("Canceled", "NoShow")]

    def oversold(self) -> list[tuple[str, date]]:
        """Unit group and night of which more is sold than there is."""
        with self.house.lock:
            sales = self.house.sales()
            nights = {(night.group.id, night.night) for one in self.standing() for night in one.slices}
            return sorted(
                (group, night) for group, night in nights if self.house.free(self.house.groups[group], night, sales) < 0
            )

    def double_sales(self) -> list[tuple[str, date]]:
        """Room and night that two reservations have."""
        with self.house.lock:
            taken = Counter(
                (night.unit.name, night.night)
                for one in self.standing()
                for night in one.slices
                if night.unit and one.takes(night.night)
            )
        return sorted(place for place, count in taken.items() if count > 1)

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
        for fault in faults:
            if fault.first:
                fault.first()
        times = [fault.works for fault in faults] or [1]
        found = Answer()
        for _ in range(max(times) if all(times) else 0):
            found = self._api.answer(heard.request, _lies(faults))
        return found

    def answered(self, heard: Heard, given: Answer) -> None:
        with self._changed:
            heard.answer, heard.took = given, time.monotonic() - heard.at
            self._changed.notify_all()


def _has_code(one: Reservation, start: str) -> bool:
    return not start or (one.external_code or "").startswith(start)


def _lies(faults: tuple[Fault, ...]) -> Lies:
    price = Decimal(1)
    for fault in faults:
        price *= fault.price
    return Lies(price, next((fault.sales for fault in faults if fault.sales), None))


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


def _handler_of(pms: Apaleo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536  # headers and body leave together
        server: _Server

        def handle_any(self) -> None:
            heard, faults = pms.hear(self._request())
            for fault in faults:
                time.sleep(fault.delay)
                _wait(fault.hang_before)
            if any(fault.reset == "before" for fault in faults):
                self._tear()
                return
            given = pms.work(heard, faults)
            for fault in faults:
                _wait(fault.hang_after)
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
            if given.status != 204:
                self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _wait(until: Until | None) -> None:
    """For the event, or for so many seconds."""
    if isinstance(until, threading.Event):
        until.wait(LONGEST_HANG)
    elif until:
        time.sleep(min(until, LONGEST_HANG))


def _spoilt(given: Answer, fault: Fault) -> Answer:
    if fault.spoilt is None:
        return given
    status = given.status if fault.spoilt.status is None else fault.spoilt.status
    return Answer(status, fault.spoilt.body(given.body), fault.spoilt.content_type, dict(fault.spoilt.headers))
