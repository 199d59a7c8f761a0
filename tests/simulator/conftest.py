"""A demo installation whose webhook is somebody else's: what the simulator posts is caught on the wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hotel_agent.channels.whatsapp.payload import Change, parse
from hotel_agent.channels.whatsapp.signature import is_genuine
from hotel_agent.config import settings
from hotel_agent.redis import redis
from hotel_agent.simulator import meta, numbers
from hotel_agent.simulator.phones import Bubble, Chat, Tick

MIRAMAR, ANDES = "100000000000001", "100000000000002"
MARTA, JOHN = "34600111222", "447700900123"
SECRET, TOKEN = "app-secret-of-the-tests", "access-token-of-the-tests"


@dataclass
class Webhook:
    """Answers like the hotel's webhook and keeps what came."""

    port: int = 0
    answer: int = 200
    refusals: int = 0  # So many bodies are answered 503 first.
    bodies: list[tuple[bytes, str | None]] = field(default_factory=list)

    def changes(self) -> list[Change]:
        """Everything that came, each body checked for its signature first."""
        found: list[Change] = []
        for body, signature in self.bodies:
            assert is_genuine(body, signature, SECRET)
            delivery = parse(body)
            assert not delivery.unreadable
            found.extend(delivery.changes)
        return found

    def messages(self) -> list[Any]:
        return [message for change in self.changes() for message in change.messages]

    def statuses(self) -> list[Any]:
        return [status for change in self.changes() for status in change.statuses]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    caught = Webhook()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/webhooks/whatsapp":
                caught.bodies.append((body, self.headers["X-Hub-Signature-256"]))
            refused, caught.refusals = caught.refusals > 0, max(0, caught.refusals - 1)
            self.send_response(503 if refused else caught.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    caught.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield caught
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def demo(app: Flask, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    from hotel_agent import create_app

    monkeypatch.setenv("APP_ENV", "demo")
    monkeypatch.setenv("PORT", str(webhook.port))
    monkeypatch.delenv("WHATSAPP_API_URL")
    settings.cache_clear()
    monkeypatch.setattr(numbers, "_known", (-numbers.FRESH_SECONDS, {}))
    monkeypatch.setattr(meta, "_running", True)  # Errands run when a test says so, not beside it.
    yield create_app()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def page(demo: Flask) -> FlaskClient:
    return demo.test_client()


@pytest.fixture
def marta_says(page: FlaskClient) -> Callable[..., TestResponse]:
    def say(text: str = "", **form: str) -> TestResponse:
        given = {"hotel": MIRAMAR, **({"text": text} if text else {}), **form}
        return page.post(f"/simulator/phones/{MARTA}/messages", data=given)

    return say


@pytest.fixture
def hotel_sends(page: FlaskClient) -> Callable[..., TestResponse]:
    """One request of the agent to the Graph stand-in."""

    def send(body: dict[str, Any], token: str = TOKEN, number: str = MIRAMAR) -> TestResponse:
        return page.post(
            f"/simulator/graph/v26.0/{number}/messages",
            json={"messaging_product": "whatsapp", **body},
            headers={"Authorization": f"Bearer {token}"},
        )

    return send


@pytest.fixture
def hotel_writes(hotel_sends: Callable[..., TestResponse]) -> Callable[..., str]:
    """A message of the agent to Marta that is accepted; answers its wamid."""

    def write(body: dict[str, Any] | str = "Buenos días", **more: Any) -> str:
        part = {"type": "text", "text": {"body": body}} if isinstance(body, str) else body
        answer = hotel_sends({"to": f"+{MARTA}", "recipient_type": "individual", **part, **more})
        assert answer.status_code == 200, answer.json
        return str(answer.get_json()["messages"][0]["id"])

    return write


@pytest.fixture
def run_errands(demo: Flask) -> Callable[[], None]:
    """Run what is to happen later, until nothing is left."""

    def run() -> None:
        with demo.app_context():
            while redis().zcard(meta.ERRANDS):
                time.sleep(meta.run_due())

    return run


@pytest.fixture
def chat(demo: Flask) -> Chat:
    """Marta's chat with Hotel Miramar."""
    return Chat(MARTA, MIRAMAR)


@pytest.fixture
def last(chat: Chat) -> Callable[[], tuple[Bubble, Tick]]:
    return lambda: chat.bubbles()[-1]
