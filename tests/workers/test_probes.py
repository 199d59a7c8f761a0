"""What workers and the scheduler answer to whoever restarts containers, and to Prometheus."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
from rq import Worker

from hotel_agent import queues
from hotel_agent.redis import redis
from tests.load.installation import free_port
from workers import probes
from workers.probes import Probes, Turns, a_worker_reports

ROOT = Path(__file__).parents[2]
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(port: int, path: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"} if token else {}
    )
    try:
        with _no_proxy.open(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, ""


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def port(turns: Turns) -> Iterator[int]:
    served = Probes(0, turns, lambda: turns.has_begun, token="t0ken")
    served.start()
    yield served.server_port
    served.shutdown()
    served.server_close()


def test_it_is_ready_when_it_has_begun_and_alive_while_it_turns(port: int, turns: Turns, monkeypatch):
    assert (ask(port, "/healthz")[0], ask(port, "/readyz")[0]) == (200, 503)
    turns()
    assert (ask(port, "/healthz")[0], ask(port, "/readyz")[0]) == (200, 200)
    monkeypatch.setattr(probes, "STILL_SECONDS", -1.0)
    assert (ask(port, "/healthz")[0], ask(port, "/readyz")[0]) == (503, 503)


def test_figures_are_for_whoever_has_the_token(port: int):
    assert ask(port, "/metrics")[0] == ask(port, "/metrics", "other")[0] == 401
    status, told = ask(port, "/metrics", "t0ken")
    assert status == 200
    assert "# TYPE jobs_total counter" in told
    assert "# TYPE cache_hits_total counter" in told


def test_nothing_else_is_answered(port: int):
    assert ask(port, "/")[0] == 404


def test_a_worker_reports_from_its_own_host_only(app):
    def comes_alive(name: str, host: str) -> None:
        redis().hset(f"{Worker.redis_worker_namespace_prefix}{name}", "hostname", host)
        queues.heartbeat(name)

    comes_alive("one", "another-host")
    assert not a_worker_reports()
    comes_alive("two", socket.gethostname())
    assert a_worker_reports()


def test_a_worker_that_has_been_silent_reports_no_more(app):
    redis().hset(f"{Worker.redis_worker_namespace_prefix}three", "hostname", socket.gethostname())
    redis().zadd(queues.HEARTBEATS, {"three": 1})
    assert not a_worker_reports()


@pytest.mark.system
def test_a_port_that_another_has_is_told_by_the_settings_name(app, port: int):
    environment = os.environ | {"METRICS_PORT": str(port)}
    ended = subprocess.run(
        [sys.executable, "-m", "workers", "scheduler"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "METRICS_PORT" in ended.stderr


@pytest.mark.system
@pytest.mark.parametrize("role", ["supervisor", "scheduler"])
def test_the_real_processes_answer_and_end(role: str, app, tmp_path: Path):
    port = free_port()
    environment = os.environ | {"METRICS_PORT": str(port), "WORKERS": "1", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "workers", role], cwd=ROOT, env=environment)
    try:
        until = monotonic() + 60
        while monotonic() < until:
            with contextlib.suppress(OSError):  # Nobody listens yet.
                if ask(port, "/readyz")[0] == 200:
                    break
            assert process.poll() is None
            sleep(0.1)
        assert ask(port, "/readyz")[0] == ask(port, "/healthz")[0] == 200
        assert "valkey_command_seconds" in ask(port, "/metrics")[1]
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
