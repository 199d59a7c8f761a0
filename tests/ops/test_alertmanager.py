"""From a figure that is wrong to whoever is called: Debian's Prometheus and Alertmanager, a webhook, a mail server."""

from __future__ import annotations

import json
import re
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.load.installation import free_port, wait_until

pytestmark = pytest.mark.system
OPS = Path(__file__).resolve().parents[2] / "ops"
SECONDS = 60


class Figures:
    """What the program's /metrics says; `body` may be changed at any time."""

    body = "postgres_up 1\n"


class Sinks:
    """What has arrived: bodies of the webhook, and letters."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.letters: list[str] = []


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[index, misc]
    finally:
        server.shutdown()
        server.server_close()


def web(figures: Figures, sinks: Sinks) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = figures.body.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sinks.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None: ...

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def mail(sinks: Sinks) -> socketserver.ThreadingTCPServer:
    class Handler(socketserver.StreamRequestHandler):
        """As much of SMTP as a client needs that neither signs in nor encrypts."""

        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    sinks.letters.append(b"".join(lines).decode())
                elif word == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                self.wfile.write(b"250 ok\r\n")

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    return socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)


@contextmanager
def running(*command: object, ready: str, log: Path) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(list(map(str, command)), stdout=said, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: _answers(ready), SECONDS, f"{command[0]} does not start: {log.read_text()[-500:]}")
            yield
        finally:
            process.terminate()
            process.wait(20)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.HTTPError:
        return False


def our_alertmanager(folder: Path, hook: int, smtp: int) -> Path:
    """Our own configuration, with sinks of this machine for the addresses in it, and no time to gather."""
    words = (OPS / "alertmanager" / "alertmanager.yml").read_text()
    secret = folder / "slack_webhook"
    secret.write_text(f"http://127.0.0.1:{hook}/hook")
    words = words.replace("/run/secrets/slack_webhook", str(secret)).replace(
        "smtp.example.org:587", f"127.0.0.1:{smtp}"
    )
    words = re.sub(r"  smtp_auth_.*\n", "", words).replace("global:\n", "global:\n  smtp_require_tls: false\n", 1)
    words = words.replace("templates/*.tmpl", str(OPS / "alertmanager" / "templates" / "*.tmpl"))
    words = re.sub(r"group_wait: \w+", "group_wait: 1s", words)
    words = re.sub(r"group_interval: \w+", "group_interval: 1s", words)
    path = folder / "alertmanager.yml"
    path.write_text(words)
    return path


def our_prometheus(folder: Path, target: int, alertmanager: int) -> Path:
    """Our own rules, which fire at once instead of after minutes."""
    rules = (OPS / "prometheus" / "rules" / "alerts.yml").read_text()
    (folder / "alerts.yml").write_text(re.sub(r"        for: \w+\n", "", rules))
    words = (OPS / "prometheus" / "prometheus.yml").read_text()
    words = words.replace("rules/*.yml", str(folder / "alerts.yml")).replace('"web:8000"', f'"127.0.0.1:{target}"')
    words = words.replace("alertmanager:9093", f"127.0.0.1:{alertmanager}").replace("interval: 15s", "interval: 1s")
    path = folder / "prometheus.yml"
    path.write_text(words)
    return path


@pytest.fixture
def told(tmp_path) -> Iterator[tuple[Figures, Sinks]]:
    figures, sinks = Figures(), Sinks()
    prometheus, alertmanager = free_port(), free_port()
    with (
        serving(web(figures, sinks)) as target,
        serving(mail(sinks)) as smtp,
        running(
            "prometheus-alertmanager",
            f"--config.file={our_alertmanager(tmp_path, target, smtp)}",
            f"--storage.path={tmp_path / 'am'}",
            f"--web.listen-address=127.0.0.1:{alertmanager}",
            "--cluster.listen-address=",
            ready=f"http://127.0.0.1:{alertmanager}/-/ready",
            log=tmp_path / "alertmanager.log",
        ),
        running(
            "prometheus",
            f"--config.file={our_prometheus(tmp_path, target, alertmanager)}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{prometheus}",
            ready=f"http://127.0.0.1:{prometheus}/-/ready",
            log=tmp_path / "prometheus.log",
        ),
    ):
        yield figures, sinks


def hook_words(sinks: Sinks) -> str:
    return json.dumps(sinks.posts, ensure_ascii=False)


def test_what_is_grave_reaches_both_at_once_and_its_end_too(told):
    figures, sinks = told
    figures.body = "postgres_up 0\n"
    wait_until(lambda: "PostgresDown" in hook_words(sinks), SECONDS, "the webhook hears nothing")
    wait_until(lambda: any("PostgresDown" in letter for letter in sinks.letters), SECONDS, "no letter comes")
    assert "docs/runbooks/postgres-down.md" in hook_words(sinks)
    [letter, *_] = [letter for letter in sinks.letters if "PostgresDown" in letter]
    assert "PostgreSQL does not answer" in letter
    assert "docs/runbooks/postgres-down.md" in letter
    figures.body = "postgres_up 1\n"
    wait_until(lambda: "over: PostgresDown" in hook_words(sinks), SECONDS, "its end is not told")


def test_what_can_wait_is_a_letter_alone(told):
    figures, sinks = told
    figures.body = 'postgres_up 1\ndead_letters{queue="pms"} 1\n'
    wait_until(lambda: any("DeadLetters" in letter for letter in sinks.letters), SECONDS, "no letter comes")
    assert "DeadLetters" not in hook_words(sinks)


def test_of_what_follows_from_something_graver_nobody_is_told(told):
    figures, sinks = told
    figures.body = "postgres_up 0\n"
    wait_until(lambda: "PostgresDown" in hook_words(sinks), SECONDS, "the webhook hears nothing")
    figures.body = "postgres_up 0\nintake_lag_seconds 900\nvalkey_up 0\n"
    wait_until(lambda: "ValkeyDown" in hook_words(sinks), SECONDS, "the webhook hears nothing more")
    assert "IntakeLag" not in hook_words(sinks)
