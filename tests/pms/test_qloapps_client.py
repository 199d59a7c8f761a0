"""The wire: no redirect is followed, nothing is read without end, and the key goes to one place only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hotel_agent.pms import wire
from hotel_agent.pms.contract import OutcomeUnknown, PmsUnavailable
from hotel_agent.pms.qloapps import client
from hotel_agent.pms.qloapps.client import Client


class Server(ThreadingHTTPServer):
    """Answers every request with `status`, `headers` and `body`, a chunk at a time, until nobody listens."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body = 200, [b"{}"]
        self.headers: dict[str, str] = {}
        self.paths: list[str] = []
        self.pause = threading.Event()
        self.wait = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for chunk in self.server.body:
                self.wfile.write(chunk)
                self.server.pause.wait(self.server.wait)
        except OSError:
            pass

    do_GET = do_POST = answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(app) -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.pause.set()
        server.shutdown()


def test_the_address_may_name_the_api_or_not(server):
    for address in (server.url, f"{server.url}/", f"{server.url}/api", f"{server.url}/api/"):
        assert Client(address, "key").read("orders") == {}
    assert {path.partition("?")[0] for path in server.paths} == {"/api/orders"}


def test_no_redirect_is_followed(server):
    server.status, server.headers = 302, {"Location": f"{server.url}/elsewhere"}
    with pytest.raises(PmsUnavailable):
        Client(server.url, "key").read("orders")
    with pytest.raises(PmsUnavailable):
        Client(server.url, "key").write("POST", "bookings", b"{}", "application/json")
    assert [path for path in server.paths if "elsewhere" in path] == []


def test_an_answer_without_end_is_not_read_to_its_end(server, monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 10_000)
    server.body = [b"x" * 1000] * 100
    with pytest.raises(PmsUnavailable):
        Client(server.url, "key").read("orders")
    with pytest.raises(OutcomeUnknown):
        Client(server.url, "key").write("POST", "bookings", b"{}", "application/json")


def test_an_answer_that_drips_is_given_up(server):
    server.body, server.wait = [b" "] * 1000, 0.05
    with pytest.raises(PmsUnavailable):
        Client(server.url, "key", read_seconds=0.3).read("orders")
    with pytest.raises(OutcomeUnknown):
        Client(server.url, "key", write_seconds=0.3).write("POST", "bookings", b"{}", "application/json")


def test_nobody_there_means_that_nothing_was_written(server):
    with pytest.raises(PmsUnavailable) as away:
        Client("http://127.0.0.1:9/api", "key").write("POST", "bookings", b"{}", "application/json")
    assert not isinstance(away.value, OutcomeUnknown)


def test_garbage_is_asked_for_once_more_and_no_more(server):
    server.body = [b"Fatal error"]
    with pytest.raises(PmsUnavailable):
        Client(server.url, "key").read("orders")
    assert len(server.paths) == client.READ_ATTEMPTS
