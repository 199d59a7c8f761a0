"""The story of `bench latency` for locust: many guests, signed webhooks, and how long each waits for the reply.

    make demo                                     in another terminal, with WHATSAPP_API_URL=http://127.0.0.1:9100/v26.0
    python -m tests.load.graph_server --port 9100 --log var/heard.jsonl
    GRAPH_LOG=var/heard.jsonl .venv/bin/locust -f tests/load/locustfile.py

LOCUST_HEADLESS=true, LOCUST_USERS, LOCUST_SPAWN_RATE and LOCUST_RUN_TIME say how; DATA_DIR (var/demo) says which demo.
Without GRAPH_LOG only the webhook is timed. Nothing but 127.0.0.1 is ever loaded.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
from dotenv import dotenv_values
from locust import FastHttpUser, constant_throughput, events, task

from tests.load import meta
from tests.load.bench.messages import something_to_say

ROOT = Path(__file__).resolve().parents[2]
DEMO = dotenv_values(ROOT / os.environ.get("DATA_DIR", "var/demo") / "env")
GRAPH_LOG = os.environ.get("GRAPH_LOG")
WEBHOOK = "/api/webhooks/whatsapp"

_numbers = itertools.count(1)
_waiting: dict[str, float] = {}


@events.init.add_listener
def stay_at_home(environment: Any, **_: Any) -> None:
    host = environment.host or DEMO.get("PUBLIC_URL") or ""
    if urlsplit(host).hostname != "127.0.0.1":
        raise SystemExit(f"{host or 'no host'}: only a demo on 127.0.0.1 is loaded")
    environment.host = host
    if GRAPH_LOG:
        gevent.spawn(_listen, Path(GRAPH_LOG), environment)


def _listen(log: Path, environment: Any) -> None:
    """Time each guest's wait by what the Graph double writes down."""
    with log.open("rb") as lines:
        lines.seek(0, os.SEEK_END)
        rest = b""
        while True:
            *whole, rest = (rest + lines.read()).split(b"\n")
            for line in whole:
                _hear(json.loads(line), environment)
            gevent.sleep(0.02)


def _hear(line: dict[str, Any], environment: Any) -> None:
    asked_at = _waiting.pop(line.get("to", "").lstrip("+"), None) if line["kind"] == "message" else None
    if asked_at is not None:
        environment.events.request.fire(
            request_type="WhatsApp",
            name="message to reply",
            response_time=(line["at"] - asked_at) * 1000,
            response_length=len(line["text"]),
            exception=None,
            context={},
        )


class Guest(FastHttpUser):
    """Writes every five seconds at the most: 100 of them are 20 messages a second."""

    wait_time = constant_throughput(0.2)

    def on_start(self) -> None:
        self.phone = f"34611{next(_numbers):06}"

    @task
    def write(self) -> None:
        body = meta.messages_body([meta.text(self.phone, something_to_say(random.Random()))])
        _waiting[self.phone] = time.time()
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": meta.signature(body, DEMO.get("WHATSAPP_APP_SECRET") or ""),
        }
        self.client.post(WEBHOOK, data=body.decode(), headers=headers, name="webhook")
