"""Debian's nginx with our configuration before two slots that answer as they are told."""

from __future__ import annotations

import datetime as dt
import http.client
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.deploy.edge import Edge
from ops.deploy.errors import CannotDeploy
from ops.deploy.target import Nginx, Seconds, Target
from tests.load.installation import free_port

pytestmark = pytest.mark.system

WEBHOOK = "/api/webhooks/whatsapp"


class Slot(ThreadingHTTPServer):
    """Answers everything with one status, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.status = status
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.going = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class _Answers(BaseHTTPRequestHandler):
    server: Slot
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(self.server.status)
        if self.path == "/events":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: 1\n\n")
            self.server.going.wait(20)
            self.close_connection = True
            return
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_: object) -> None:
        pass


class Site:
    def __init__(self, folder: Path, statuses: tuple[int, int]) -> None:
        self.slots = [Slot(status) for status in statuses]
        self.port = free_port()
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        ports = {name: slot.server_port for name, slot in zip(("blue", "green"), self.slots, strict=True)}
        nginx = Nginx(listen=f"127.0.0.1:{self.port}", user=user)
        self.target = Target(folder, folder / "env", "", ports=ports, nginx=nginx, seconds=Seconds(stop=10))
        self.edge = Edge(self.target)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> int:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        line.request(method, path, body, headers or {})
        status = line.getresponse().status
        line.close()
        return status

    def asked(self, method: str) -> int:
        return sum(one == method for slot in self.slots for one, _ in slot.asked)


@pytest.fixture
def site(tmp_path, request) -> Iterator[Site]:
    site = Site(tmp_path, request.param)
    site.edge.write()
    assert site.edge.start()
    site.edge.point_to({"blue": 50, "green": 50})
    try:
        yield site
    finally:
        for slot in site.slots:
            slot.going.set()
        site.edge.stop()
        for slot in site.slots:
            slot.shutdown()
            slot.server_close()


@pytest.mark.parametrize("site", [(500, 200), (503, 200), (404, 200)], indirect=True)
def test_a_body_that_one_cannot_keep_the_other_keeps(site):
    assert {site.ask("POST", WEBHOOK, body=b"{}") for _ in range(20)} == {200}
    assert len(site.slots[1].asked) == 20
    assert len(site.slots[0].asked) >= 5


@pytest.mark.parametrize("site", [(500, 200)], indirect=True)
def test_a_form_is_sent_once_and_a_page_is_asked_for_again(site):
    statuses = [site.ask("POST", "/conversations/1/messages", body=b"text=hola") for _ in range(20)]
    assert statuses.count(500) == len(site.slots[0].asked) == 10
    assert site.asked("POST") == 20
    assert {site.ask("GET", "/conversations") for _ in range(10)} == {200}


@pytest.mark.parametrize("site", [(200, 200)], indirect=True)
def test_who_asks_is_told_by_nginx_alone_and_nobody_sees_the_figures(site):
    claims = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    assert site.ask("GET", "/", {**claims, "Forwarded": "for=1.2.3.4", "Host": "hotel.example"}) == 200
    (heard,) = [headers for slot in site.slots for headers in slot.headers]
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert (heard["host"], heard["x-forwarded-host"]) == ("hotel.example", "hotel.example")
    assert "forwarded" not in heard
    assert site.ask("GET", "/metrics") == 404
    assert site.asked("GET") == 1
    assert site.ask("POST", "/", body=b"x" * 5_000_000) == 413


@pytest.mark.parametrize("site", [(200, 200)], indirect=True)
def test_news_come_at_once(site):
    line = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    line.request("GET", "/events")
    assert line.getresponse().read(9) == b"data: 1\n\n"
    line.close()


@pytest.mark.parametrize("site", [(200, 200)], indirect=True)
def test_shares_are_those_that_were_asked_for_across_all_of_its_processes(site):
    site.edge.point_to({"blue": 90, "green": 10})
    for _ in range(200):
        assert site.ask("POST", WEBHOOK, body=b"{}") == 200
    assert 17 <= len(site.slots[1].asked) <= 23
    look = site.edge.look()
    site.edge.point_to({"green": 100})
    assert site.ask("GET", "/login?next=/guests/34600111222") == 200
    log = (site.target.folder / "nginx" / "access.log").read_text()
    deadline = time.monotonic() + 10
    while not (seen := look.figures()["green"]).requests and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (seen.requests, seen.errors) == (1, 0)
    assert "34600111222" not in log + (site.target.folder / "nginx" / "access.log").read_text()


def test_it_takes_the_configuration_with_tls_and_within_the_machines_own(tmp_path):
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(a_certificate())
    tls = Nginx(listen=f"127.0.0.1:{free_port()}", name="hotel.example", certificate=str(pem))
    edge = Edge(Target(tmp_path / "own", tmp_path / "env", "", nginx=tls))
    edge.write()
    edge.test()
    outer = tmp_path / "nginx.conf"
    outer.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{ include {tmp_path}/part/nginx/site.conf; }}\n")
    part = Edge(Target(tmp_path / "part", tmp_path / "env", "", nginx=Nginx(listen="127.0.0.1:1", config=str(outer))))
    part.write()
    part.test()
    assert part.master is None
    assert not part.start()
    with pytest.raises(CannotDeploy, match="nginx does not run"):
        part.point_to({"blue": 100})


def test_what_it_does_not_take_changes_nothing(tmp_path):
    edge = Edge(Target(tmp_path, tmp_path / "env", "", nginx=Nginx(listen="127.0.0.1:1; nonsense")))
    edge.write()
    with pytest.raises(CannotDeploy, match="nonsense"):
        edge.point_to({"blue": 100})
    assert edge.shares() == {}


def a_certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hotel.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + private
