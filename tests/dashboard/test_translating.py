"""A guest's message in a colleague's language, where a service is configured."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hotel_agent.config import settings
from hotel_agent.dashboard import routes
from tests.dashboard.cast import says, statements, talk

AS_HTMX = {"HX-Request": "true", "HX-Target": "form#t1"}


class Service(ThreadingHTTPServer):
    """As LibreTranslate: `heard` is what it was asked, `answer` status and body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[dict[str, Any]] = []
        said = {"translatedText": "¿Tienen <b>piscina</b>?", "detectedLanguage": {"language": "en"}}
        self.answer: tuple[int, bytes] = (200, json.dumps(said).encode())


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append({"path": self.path, **json.loads(body)})
        status, said = self.server.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def service(app, monkeypatch) -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(settings(), "translation_url", f"http://127.0.0.1:{server.server_address[1]}/")
        monkeypatch.setattr(settings(), "translation_key", "the key")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def desk(sign_in):
    return sign_in("ana@miramar.example")


@pytest.fixture
def asked(app) -> tuple[int, int]:
    """A conversation in English, and the guest's message in it."""
    one = talk("John Smith", language="en")
    return one, says(one, "Do you have a pool?")


def translated(browser, asked: tuple[int, int], **headers: str):
    return browser.post(f"/conversations/{asked[0]}/messages/{asked[1]}/translate", headers=headers)


def test_a_message_is_translated_below_itself(desk, asked, service, api_worker):
    assert 'data-action="translate"' in desk.get(f"/conversations/{asked[0]}").text
    answer = translated(desk, asked, **AS_HTMX)
    assert answer.status_code == 200
    assert f'id="t{asked[1]}"' in answer.text
    assert "¿Tienen &lt;b&gt;piscina&lt;/b&gt;?" in answer.text
    [heard] = service.heard
    assert heard == {
        "path": "/translate", "q": "Do you have a pool?", "source": "auto", "target": "es", "format": "text",
        "api_key": "the key",
    }  # fmt: skip


def test_without_scripts_the_whole_page_has_it(desk, asked, service, api_worker):
    answer = translated(desk, asked)
    assert "¿Tienen" in answer.text
    assert "Do you have a pool?" in answer.text


@pytest.mark.parametrize(
    "wrong", [(500, b"{}"), (200, b"no json"), (200, b"[]"), (200, b'{"translatedText": "  "}'), (403, b"")]
)
def test_a_service_that_fails_is_told(desk, asked, service, api_worker, wrong):
    service.answer = wrong
    answer = translated(desk, asked, **AS_HTMX)
    assert (answer.status_code, 'class="problem"' in answer.text) == (503, True)


def test_without_workers_it_is_told_too(desk, asked, service, monkeypatch):
    monkeypatch.setattr(routes, "TRANSLATION_SECONDS", 1)
    assert translated(desk, asked, **AS_HTMX).status_code == 503


def test_without_a_service_nothing_offers_it(desk, asked):
    assert 'data-action="translate"' not in desk.get(f"/conversations/{asked[0]}").text
    assert translated(desk, asked).status_code == 404


def test_who_reads_the_language_is_not_offered_it(desk, service):
    one = talk("Marta", language="es")
    says(one, "¿Hay piscina?")
    assert 'data-action="translate"' not in desk.get(f"/conversations/{one}").text


def test_another_conversations_message_is_not_found(desk, asked, service):
    other = talk("Marta", language="en")
    theirs = says(talk("Oscars guest", slug="andes", language="en"), "Hello")
    for conversation, message in ((other, asked[1]), (asked[0], theirs), (asked[0], 999_999)):
        assert translated(desk, (conversation, message)).status_code == 404
    assert service.heard == []


def test_the_offer_costs_no_statement(desk, asked, service, monkeypatch):
    address = f"/conversations/{asked[0]}"
    desk.get(address)
    with statements() as with_it:
        desk.get(address)
    monkeypatch.setattr(settings(), "translation_url", None)
    with statements() as without:
        desk.get(address)
    assert len(with_it) == len(without)
