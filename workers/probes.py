"""Probes and figures of workers and of the scheduler, at METRICS_PORT: where each runs in a container of its own, no
web process sees their folder of figures, and whoever restarts containers asks each by itself.

    /healthz   its loop still turns
    /readyz    it does what it is there for: a worker of this host reports; the scheduler has looked for its lock
    /metrics   what its processes have counted; guarded by METRICS_TOKEN as that of the web process is
"""

from __future__ import annotations

import hmac
import os
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from hotel_agent import queues
from hotel_agent.health.hits import HitRatio
from hotel_agent.logs import get_logger
from hotel_agent.redis import RedisError

# Longer than anything that a loop does between two turns: waiting for PostgreSQL, letting workers finish.
STILL_SECONDS = 90.0

log = get_logger(__name__)


class Turns:
    """A loop says each time that it goes round; from the first on it is taken for one that should."""

    def __init__(self) -> None:
        self._last: float | None = None

    def __call__(self) -> None:
        self._last = monotonic()

    @property
    def has_begun(self) -> bool:
        return self._last is not None

    @property
    def goes_on(self) -> bool:
        return self._last is None or monotonic() - self._last < STILL_SECONDS


def a_worker_reports() -> bool:
    """Whether a worker process of this host has said lately that it is alive; not while Valkey is away."""
    try:
        return socket.gethostname() in queues.hosts_of_workers()
    except RedisError:
        return False


class Probes(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, turns: Turns, is_ready: Callable[[], bool], token: str | None) -> None:
        self.turns, self.is_ready, self.token = turns, is_ready, token
        super().__init__(("", port), _Answers)

    def start(self) -> None:
        Thread(target=self.serve_forever, name="probes", daemon=True).start()
        log.info("probes", port=self.server_port)

    def handle_error(self, *_: Any) -> None:
        """Whoever asks may go before the answer comes, and that is nothing to tell."""


class _Answers(BaseHTTPRequestHandler):
    server: Probes
    timeout = 10

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._say("alive" if self.server.turns.goes_on else None)
        elif self.path == "/readyz":
            self._say("ready" if self.server.turns.goes_on and self.server.is_ready() else None)
        elif self.path != "/metrics":
            self._answer(404, b"")
        elif self._may_see():
            self._answer(200, _figures(), CONTENT_TYPE_LATEST)
        else:
            self._answer(401, b"Send the metrics token as a bearer token.")

    def _may_see(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return not self.server.token or hmac.compare_digest(self.server.token.encode(), given.encode())

    def _say(self, words: str | None) -> None:
        self._answer(200 if words else 503, (words or "not well").encode())

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _figures() -> bytes:
    """Of all processes that share this one's folder; of this one alone where there is none."""
    registry, found = REGISTRY, CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    counted = generate_latest(registry)
    found.register(HitRatio(counted.decode()))
    return counted + generate_latest(found)
