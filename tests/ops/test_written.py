"""Words and secrets planted at every door of a running installation, and looked for in everything that it writes:
logs of every process, traces, metrics, descriptions of jobs. The database, which is to keep what guests say, is not
searched; nor the demo's own file of secrets.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from dotenv import dotenv_values
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from tests.fakes import qloapps
from tests.load import meta
from tests.load.installation import APP_SECRET, Demo, Graph, running_demo, wait_until
from tests.load.screens import sign_in
from tests.test_tracing import Collector

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PHONE = "34655443322"
NAME = "Aurelia Zanzibar"
WORD = "cachalote"
CARD = "4111 1111 1111 1111"
MAIL = "aurelia@zanzibar.example"
PASSWORD = "contraseña-de-cachalote-1"
TOKEN = "EAAcachalotecachalotecachalote"
PMS_KEY = "CACHALOTECACHALOTECACHALOTE1234X"
PLANTED = ("zanzibar", WORD, PHONE, PHONE[2:], "4111 1111", "4111111111111111", APP_SECRET)
SETTINGS = {
    "LOG_LEVEL": "debug",
    "LOG_FORMAT": "json",
    "ANSWER_PAUSE_SECONDS": "0.2",
    "WHATSAPP_ACCESS_TOKEN": TOKEN,
    "METRICS_TOKEN": "cachalote-of-the-metrics",
}
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, args=(0.02,), daemon=True).start()
        yield collector
        collector.shutdown()


def test_what_guests_say_and_what_is_secret_is_in_nothing_that_is_written(tmp_path: Path, collector: Collector) -> None:
    traced = SETTINGS | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    with (
        qloapps.QloApps(qloapps.miramar()) as pms,
        running_demo(tmp_path, traced, {"seed": 1, "rate_500": 0.3}) as (demo, graph),
    ):
        ours = Written(demo, collector)
        _a_pms_that_refuses_us(demo, pms)
        _guests_write(demo)
        _strangers_knock(demo)
        _a_program_asks(demo, pms)
        _a_colleague_searches(demo)
        _jobs_break(demo, ours)
        _everybody_was_answered(demo, graph)
        ours.remember_jobs()
        ours.remember_metrics()
        demo.stop()
        texts = ours.everything()
    secrets = [value for name, value in ours.secrets.items() if value and "PASSWORD" not in name]
    found = {
        f"{planted!r} in {place}"
        for place, text in texts.items()
        for planted in (*PLANTED, *secrets)
        if planted.lower() in text.lower()
    }
    assert found == set()
    assert {"web.log", "workers.log", "scheduler.log", "traces", "metrics", "jobs"} <= texts.keys()
    assert all(texts[place] for place in ("traces", "metrics", "web.log", "workers.log"))
    for place in ("web.log", "workers.log", "scheduler.log"):
        assert _not_json(texts[place]) == []
    events = {json.loads(line)["event"] for line in texts["workers.log"].splitlines()}
    assert "job_failed" in events, "no job broke: the most talkative lines were not tried"


def _not_json(log: str) -> list[str]:
    odd = []
    for line in log.splitlines():
        try:
            if not isinstance(json.loads(line), dict):
                odd.append(line)
        except ValueError:
            odd.append(line)
    return odd


class Written:
    """Everything that an installation writes."""

    def __init__(self, demo: Demo, collector: Collector) -> None:
        self.demo = demo
        self.collector = collector
        given = dotenv_values(demo.data_dir / "env")
        self.secrets: Mapping[str, str | None] = {
            name: value
            for name, value in given.items()
            if name.endswith(("_KEY", "_TOKEN", "_SECRET")) and len(value or "") >= 8
        } | {"pms_key": PMS_KEY, "password": PASSWORD}
        self.valkey: Any = Redis.from_url(given["REDIS_URL"] or "")
        self._metrics = self._jobs = ""

    def remember_metrics(self) -> None:
        with httpx.Client(trust_env=False) as client:
            answer = client.get(
                f"http://127.0.0.1:{self.demo.port}/metrics",
                headers={"Authorization": f"Bearer {SETTINGS['METRICS_TOKEN']}"},
                timeout=30,
            )
        assert answer.status_code == 200
        self._metrics = answer.text

    def remember_jobs(self) -> None:
        """What RQ's pages and tools show of a job: all but its own data."""
        told = []
        for key in self.valkey.scan_iter("rq:job:*"):
            with contextlib.suppress(Exception):  # Streams of results have another type, and are read below.
                fields = self.valkey.hgetall(key)
                told.append(b" ".join(value for name, value in fields.items() if name != b"data"))
        for key in self.valkey.scan_iter("rq:results:*"):
            told += [value for _, fields in self.valkey.xrange(key) for value in fields.values()]
        self._jobs = b"\n".join(told).decode(errors="replace")

    def everything(self) -> dict[str, str]:
        files = [*(self.demo.data_dir / "log").iterdir(), self.demo.output]
        texts = {file.name: file.read_text(errors="replace") for file in files if file.is_file()}
        traces = b"\n".join(self.collector.bodies).decode(errors="replace")
        return texts | {"traces": traces, "metrics": self._metrics, "jobs": self._jobs}


# Who comes to the doors


def _post(demo: Demo, body: bytes, signature: str) -> int:
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
    post = urllib.request.Request(f"http://127.0.0.1:{demo.port}/api/webhooks/whatsapp", body, headers)
    try:
        with _no_proxy.open(post, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _a_pms_that_refuses_us(demo: Demo, pms: qloapps.QloApps) -> None:
    demo.flask("hotel", "create", "costa", "Costa")
    demo.flask("hotel", "set", "costa", f"pms_url={pms.url}", f"pms_key={PMS_KEY}", "pms_hotel_id=1")
    demo.flask("hotel", "set", "costa", "pms=qloapps")


def _guests_write(demo: Demo) -> None:
    for words in (
        f"Hola, soy {NAME} y quiero una habitación para mi {WORD}",
        f"my card is {CARD}, mail {MAIL}, call me at +{PHONE}",
        f"¿A qué hora es el desayuno para el {WORD}?",
        f"tengo una alergia grave a {WORD}, quiero hablar con una persona",
    ):
        body = meta.messages_body([meta.text(PHONE, words)], name=NAME)
        assert _post(demo, body, meta.signature(body, APP_SECRET)) == 200
    unnamed = meta.text(PHONE, WORD) | {"type": f"{NAME} {WORD}"}
    told = {"id": meta.new_wamid(), "status": WORD, "timestamp": unnamed["timestamp"], "recipient_id": PHONE}
    for body in (meta.messages_body([unnamed], name=NAME), meta.statuses_body([told])):
        assert _post(demo, body, meta.signature(body, APP_SECRET)) == 200
    odd = json.dumps({"object": "whatsapp_business_account", "entry": [{"changes": [{"value": WORD}]}]}).encode()
    assert _post(demo, odd, meta.signature(odd, APP_SECRET)) == 200
    nonsense = f"{{{NAME}: {WORD}".encode()
    assert _post(demo, nonsense, meta.signature(nonsense, APP_SECRET)) in (200, 400)


def _strangers_knock(demo: Demo) -> None:
    body = meta.messages_body([meta.text(PHONE, WORD)], name=NAME)
    assert _post(demo, body, "sha256=" + WORD) == 401
    with httpx.Client(base_url=f"http://127.0.0.1:{demo.port}", trust_env=False, timeout=30) as stranger:
        stranger.get("/api/webhooks/whatsapp", params={"hub.mode": "subscribe", "hub.verify_token": WORD})
        stranger.get(f"/{WORD}", params={"q": NAME})
        stranger.get("/api/pms/availability", headers={"Authorization": f"Bearer {WORD * 4}"})
        stranger.post("/api/auth/token", json={"email": MAIL, "password": PASSWORD})
        stranger.post("/api/auth/token", content=f'{{"email": "{MAIL}", {WORD}')
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", demo.port), 5) as line:
        line.sendall(f"GET /{WORD} HTTP/{WORD}\r\n\r\n".encode())
        line.recv(100)


def _a_program_asks(demo: Demo, pms: qloapps.QloApps) -> None:
    pms.inject(qloapps.unavailable(), path="/hotel_ari", times=2)
    for hotel in ("miramar", "costa"):
        token = demo.flask("token", "create", "--hotel", hotel)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{demo.port}",
            trust_env=False,
            timeout=60,
            headers={"Authorization": f"Bearer {token}"},
        ) as program:
            said = {"hotel": hotel, "sender_id": PHONE, "text": f"soy {NAME}, una doble para el {WORD} mañana"}
            program.post("/api/orchestrator/process", json=said)
            program.post("/api/orchestrator/process", json=said | {"today": WORD})
            program.post("/api/orchestrator/process", content=f'{{"text": "{WORD}')
            program.get("/api/pms/availability", params={"hotel": hotel, "check_in": WORD, "check_out": NAME})
            rooms = {"hotel": hotel, "check_in": "2031-03-01", "check_out": "2031-03-02", "adults": 2}
            program.get("/api/pms/availability", params=rooms)


def _a_colleague_searches(demo: Demo) -> None:
    password = dotenv_values(demo.data_dir / "env")["DEMO_STAFF_PASSWORD"] or ""
    with contextlib.closing(sign_in(f"http://127.0.0.1:{demo.port}", "ana@miramar.example", password)) as ana:
        for page in ("/conversations", "/reservations", "/guests", "/"):
            ana.get(page, params={"q": f"{NAME} {PHONE} {WORD}"})
        ana.post("/conversations/1/messages", data={"text": WORD})


def _jobs_break(demo: Demo, written: Written) -> None:
    """A table that refuses what guests say: the database quotes the row in its error."""
    with demo.connect() as connection:
        connection.execute(
            "create function refuse() returns trigger language plpgsql as"
            " $$ begin raise exception 'no %', new.body using detail = new.payload::text; end $$"
        )
        connection.execute("create trigger refuse before insert on messages for each row execute function refuse()")
    body = meta.messages_body([meta.text(PHONE, f"y otro {WORD} más")], name=NAME)
    assert _post(demo, body, meta.signature(body, APP_SECRET)) == 200
    wait_until(lambda: "take_in_failed" in (demo.data_dir / "log" / "workers.log").read_text(), 60, "nothing breaks")
    with demo.connect() as connection:
        connection.execute("drop function refuse() cascade")
    # What was asked of a worker in a guest's words, and fails.
    Queue("api", connection=written.valkey, serializer=JSONSerializer).enqueue_call(
        "workers.messages.process", args=(WORD, NAME, PHONE), description="workers.messages.process", failure_ttl=60
    )
    wait_until(lambda: "job_failed" in (demo.data_dir / "log" / "workers.log").read_text(), 60, "no job fails")


def _everybody_was_answered(demo: Demo, graph: Graph) -> None:
    def is_answered() -> bool:
        with demo.connect() as connection:
            left = connection.execute(
                "select count(*) from messages where handling = 'pending' or status in ('queued', 'sending')"
            ).fetchone()
        return left == (0,)

    wait_until(is_answered, 90, "not everything is answered")
    assert graph.news()
