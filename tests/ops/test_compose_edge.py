"""The nginx of docker-compose.yml: Debian's, with the very file, before a web process that tells what it hears."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.load.installation import free_port, wait_until
from tests.ops.promql import ROOT
from tests.ops.test_nginx import a_certificate

pytestmark = pytest.mark.system
SITE = ROOT / "ops/nginx/compose.conf"


class _Tells(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heard = {name.lower(): value for name, value in self.headers.items()} | {"path": self.path}
        body = json.dumps(heard).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


class Front:
    def __init__(self, folder: Path, web: int) -> None:
        self.plain, self.secure, self.own = free_port(), free_port(), free_port()
        (folder / "fullchain.pem").write_bytes(a_certificate())
        shutil.copy(folder / "fullchain.pem", folder / "privkey.pem")
        words = SITE.read_text()
        for there, here in {
            "listen 8080": f"listen 127.0.0.1:{self.plain}",
            "listen 8443": f"listen 127.0.0.1:{self.secure}",
            "listen 127.0.0.1:8081": f"listen 127.0.0.1:{self.own}",
            "/etc/nginx/tls": str(folder),
            "http://web:8000": f"http://127.0.0.1:{web}",
            "/dev/stdout": str(folder / "access.log"),
        }.items():
            assert there in words, there
            words = words.replace(there, here)
        (folder / "site.conf").write_text(words)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = f"user {os.environ.get('USER') or 'root'};" if os.geteuid() == 0 else ""
        self.config = folder / "nginx.conf"
        self.config.write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ {temporary} include {folder}/site.conf; }}\n"
        )

    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None):
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        line = http.client.HTTPSConnection("127.0.0.1", self.secure, timeout=10, context=trust)
        line.request(method, path, body, headers or {})
        answer = line.getresponse()
        told = answer.read()
        line.close()
        return answer.status, told


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("edge")
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Tells)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    front = Front(folder, web.server_port)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(front.config), "-e", str(folder / "error.log")])
    try:
        wait_until(lambda: (folder / "pid").exists() or process.poll() is not None, 10, "nginx starts")
        assert process.poll() is None, (folder / "error.log").read_text()
        yield front
    finally:
        process.terminate()
        process.wait(20)
        web.shutdown()
        web.server_close()


def test_who_asks_is_told_by_nginx_alone(front: Front):
    claims = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "gopher", "Forwarded": "for=1.2.3.4"}
    status, told = front.ask("/login", headers={**claims, "Host": "hotel.example"})
    heard = json.loads(told)
    assert (status, heard["path"]) == (200, "/login")
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert (heard["host"], heard["x-forwarded-host"]) == ("hotel.example", "hotel.example")
    assert "forwarded" not in heard


def test_a_webhook_passes_with_its_words_and_figures_do_not(front: Front):
    status, told = front.ask("/api/webhooks/whatsapp?hub.mode=subscribe", "POST", body=b"x" * 3_000_000)
    assert (status, json.loads(told)["path"]) == (200, "/api/webhooks/whatsapp?hub.mode=subscribe")
    assert front.ask("/metrics")[0] == 404
    assert front.ask("/", "POST", body=b"x" * 5_000_000)[0] == 413


def test_without_tls_one_is_sent_to_tls(front: Front):
    line = http.client.HTTPConnection("127.0.0.1", front.plain, timeout=10)
    line.request("GET", "/login?next=/", headers={"Host": "hotel.example"})
    answer = line.getresponse()
    assert (answer.status, answer.headers["Location"]) == (308, "https://hotel.example/login?next=/")
    line.close()


def test_its_health_check_asks_where_it_answers(front: Front):
    line = http.client.HTTPConnection("127.0.0.1", front.own, timeout=10)
    line.request("GET", "/healthz")
    assert line.getresponse().status == 200
    line.close()
    assert re.search(r'"http://127.0.0.1:8081/healthz"', (ROOT / "docker-compose.yml").read_text())
