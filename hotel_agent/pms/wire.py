"""HTTP to a PMS: how long it may take, where it may lead, and what it means when nothing comes back.

No connection is used twice: what a PMS says once too often must not answer the next question.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

import httpcore
import httpx

from hotel_agent.faults import http
from hotel_agent.hotels.addresses import may_ask
from hotel_agent.pms import limits, pace
from hotel_agent.pms.contract import OutcomeUnknown, PmsUnavailable
from hotel_agent.pms.limits import AskAgain
from hotel_agent.pms.orders.system import StillUnderWay

CONNECT_SECONDS = 2.0
LARGEST_ANSWER = 5_000_000
LATER = (429, 502, 503)  # Said at once, by whatever stands before the PMS.


@dataclass(frozen=True)
class Answer:
    """`wait` is for how many seconds it asks to be left alone."""

    status: int
    content_type: str
    body: bytes
    wait: float = 0.0


@contextmanager
def writing() -> Iterator[None]:
    """What the end of a request that changes something means: PmsUnavailable where nothing was done."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise PmsUnavailable(type(error).__name__) from None
    except httpx.TimeoutException as error:
        raise StillUnderWay(type(error).__name__) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise OutcomeUnknown(type(error).__name__) from None


@contextmanager
def asking() -> Iterator[None]:
    """The same for a question."""
    try:
        yield
    except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError) as error:
        raise AskAgain(type(error).__name__) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise PmsUnavailable(type(error).__name__) from None


def exchange(
    method: str,
    url: str,
    seconds: float,
    *,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
) -> Answer:
    """One request and its whole answer in so many seconds. Raises what httpx does."""
    deadline = time.monotonic() + seconds
    _deadline.set(deadline)
    sent = {"Accept-Encoding": "identity", "Connection": "close", **(headers or {})}
    if content_type:
        sent["Content-Type"] = content_type
    request = _http().stream(
        method,
        url,
        params=dict(query) if query else None,
        content=body,
        headers=sent,
        auth=auth,
        timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
    )
    with pace.a_request(), request as response:
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > LARGEST_ANSWER:
                raise httpx.HTTPError("the answer is too large")
        wait = limits.asked_to_wait(response.headers.get("Retry-After")) if response.status_code in LATER else 0.0
        return Answer(response.status_code, response.headers.get("Content-Type", ""), bytes(content), wait)


def read_json(body: bytes) -> Any:
    """Raises ValueError. Numbers with a fraction become Decimal."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_number(words: str) -> NoReturn:
    raise ValueError(f"{words} is no number")


def write_json(value: Any) -> bytes:
    """Money goes as a number, in which form no cent is lost."""
    return json.dumps(value, default=_amount, ensure_ascii=True).encode()


def _amount(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value.quantize(Decimal("0.000001")))
    raise TypeError(type(value).__name__)


_deadline: ContextVar[float] = ContextVar("pms_deadline", default=float("inf"))


class _InTime(httpcore.NetworkStream):
    """httpx gives the whole time to every read of a socket; all steps of an exchange together have it here."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        return _InTime(self._stream.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None, too_late: type[httpcore.TimeoutException]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise too_late("the time for this exchange is up")
    return left if timeout is None else min(left, timeout)


class _Guarded(httpcore.SyncBackend):
    """Looks at the address that is connected to, not at the name: a name may lead elsewhere a moment later."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address, deadline = address_of(host, port), _deadline.get()
        timeout = _left(deadline, timeout, httpcore.ConnectTimeout)
        return _InTime(super().connect_tcp(address, port, timeout, local_address, socket_options), deadline)


def address_of(host: str, port: int) -> str:
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise httpcore.ConnectError(f"no address of {host}") from error
    allowed = [address for address in found if may_ask(ipaddress.ip_address(address.partition("%")[0]))]
    if not allowed:
        raise httpcore.ConnectError(f"{host} is at a private address")
    return allowed[0]


_lock = threading.Lock()


def _http() -> httpx.Client:
    with _lock:
        return _made_http()


@lru_cache
def _made_http() -> httpx.Client:
    """One for the process; a proxy of the environment would look up names where we cannot see it."""
    transport = httpx.HTTPTransport(trust_env=False)
    transport._pool.close()
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(trust_env=False),
        max_connections=32,
        max_keepalive_connections=0,
        network_backend=_Guarded(),
    )
    return httpx.Client(transport=http.transport("pms", transport), follow_redirects=False, trust_env=False)
