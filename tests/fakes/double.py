"""What the doubles of a PMS have in common: a server that writes down what it hears, goes wrong as it is told to, and
answers."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

PATIENCE = 20.0
LONGEST_HANG = 60.0
HTML = "text/html; charset=utf-8"
Until = threading.Event | float


@dataclass
class Answer:
    """`content_type` None: the header is missing, as it is on every answer without a body."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Request:
    """As it came."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


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


# What can go wrong with one request


@dataclass(frozen=True)
class Spoilt:
    """An answer that replaces the true one; `body` gets the true body. A status or type of None leaves the true one,
    and such a type the true headers, too."""

    status: int | None
    body: Callable[[bytes], bytes]
    content_type: str | None = HTML
    headers: dict[str, str] = field(default_factory=dict)

    def instead_of(self, true: Answer) -> Answer:
        body, kind = self.body(true.body), self.content_type
        return Answer(
            true.status if self.status is None else self.status,
            body,
            kind or (true.content_type if body else None),
            {**({} if kind else true.headers), **self.headers},
        )


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
    """A gateway answers 500, 502, 503 …; the PMS has heard nothing."""
    page = f"<html><body><h1>{status}</h1></body></html>".encode()
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(str(status), works=0, spoilt=Spoilt(status, lambda body: page, HTML, headers))


def error_after_success(status: int = 500) -> Fault:
    """The work is done, the answer is an empty 500."""
    return Fault(f"{status} after success", spoilt=Spoilt(status, lambda body: b""))


def answers_twice() -> Fault:
    """The answer comes twice on one connection: the second waits there for whoever asks next."""
    return Fault("answers twice", answers=2)


def does_twice() -> Fault:
    """A gateway repeats the request: the work is done twice, the second answer arrives."""
    return Fault("does twice", works=2)


@dataclass
class _Injected:
    fault: Fault
    method: str | None
    path: str
    times: int | None
    skip: int = 0

    def meets(self, request: Request) -> bool:
        return self.method in (None, request.method) and self.path in unquote(request.path)


# The server

H = TypeVar("H", bound=Heard)


class Double(Generic[H]):
    """`requests` is what it has heard. Whoever makes one of it says how it writes that down, and how it answers."""

    def __init__(self, host: str, port: int, heard: type[H], request: type[Request]) -> None:
        self.requests: list[H] = []
        self._host = host
        self._heard, self._request = heard, request
        self._injected: list[_Injected] = []
        self._changed = threading.Condition()
        self._server = _Server((host, port), _handler_of(self))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://{self._host}:{self._server.server_address[1]}"

    def answer(self, heard: H, faults: tuple[Fault, ...]) -> Answer:
        raise NotImplementedError

    def further_headers(self, given: Answer) -> dict[str, str]:
        return {}

    # What tests do to it, and ask it

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

    def forget(self) -> None:
        """The log and the faults; bookings stay."""
        with self._changed:
            self.requests.clear()
            self._injected.clear()

    def wait_for(self, enough: Callable[[Self], bool], seconds: float = PATIENCE) -> None:
        """Until something has been heard or answered. Raises AssertionError when it has not by then."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self), seconds), "not heard in time"

    # What the handler does with it

    def hear(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[H, tuple[Fault, ...]]:
        request = self._request(method, path, query, headers, body)
        with self._changed:
            faults = tuple(self._faults_of(request))
            heard = self._heard(time.monotonic(), request, tuple(fault.name for fault in faults))
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

    def work(self, heard: H, faults: tuple[Fault, ...]) -> Answer:
        """As often as the faults want it done; the last answer counts."""
        times = [fault.works for fault in faults] or [1]
        found = Answer()
        for _ in range(max(times) if all(times) else 0):
            found = self.answer(heard, faults)
        return found

    def answered(self, heard: H, given: Answer) -> None:
        with self._changed:
            heard.answer, heard.took = given, time.monotonic() - heard.at
            self._changed.notify_all()


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


def _handler_of(pms: Double[Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65536  # headers and body leave together
        server: _Server

        def handle_any(self) -> None:
            heard, faults = pms.hear(*self._sent())
            for fault in faults:
                time.sleep(fault.delay)
                _wait(fault.hang_before)
            if any(fault.reset == "before" for fault in faults):
                self._tear()
                return
            given = pms.work(heard, faults)
            for fault in faults:
                _wait(fault.hang_after)
                given = fault.spoilt.instead_of(given) if fault.spoilt else given
            pms.answered(heard, given)
            if any(fault.reset == "after" for fault in faults):
                self._tear()
            else:
                self._say(given, faults)

        def _sent(self) -> tuple[str, str, str, dict[str, str], bytes]:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            return self.command, parts.path, parts.query, dict(self.headers.items()), body

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
            for name, told in {**given.headers, **pms.further_headers(given)}.items():
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
