"""Traces: one tree from the request to the PMS, sent by OTLP; nothing at all where no collector is named."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import Tracer

from hotel_agent import ROOT, tracing
from hotel_agent.channels.whatsapp.client import GraphClient
from hotel_agent.config import settings
from hotel_agent.conversations import inbox, reply, taking_in
from hotel_agent.logs import get_logger
from hotel_agent.pms import caching, door
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.staff import bearer
from tests.conversations import bodies
from tests.fakes import qloapps as far
from tests.pms.at_a_pms import at_a_pms
from tests.reservations.cast import day, hotel_named

ANDES = "100000000000002"


class Collector(ThreadingHTTPServer):
    """Hears spans as an OpenTelemetry collector does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hears)
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        self.came = threading.Condition()

    def wait_for(self, is_so: Callable[[list[Span]], bool]) -> list[Span]:
        with self.came:
            assert self.came.wait_for(lambda: is_so(self.spans), timeout=15), [span.name for span in self.spans]
            return list(self.spans)


class _Hears(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces"
        told = ExportTraceServiceRequest.FromString(body)
        with self.server.came:
            self.server.bodies.append(body)
            self.server.spans += [
                span for of in told.resource_spans for scope in of.scope_spans for span in scope.spans
            ]
            self.server.came.notify_all()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sends_to(app, monkeypatch) -> Iterator[Callable[[int], None]]:
    """Have this process send its spans to a port. What sends them ends with the test: it has a thread that logs."""
    process = tracing._Process()

    def send_to(port: int) -> None:
        monkeypatch.setattr(settings(), "otel_exporter_otlp_endpoint", f"http://127.0.0.1:{port}")
        monkeypatch.setattr(tracing, "_of_this_process", process)

    yield send_to
    if isinstance(process._tracer, Tracer):
        process._tracer.span_processor.shutdown()


@pytest.fixture
def collector(sends_to, monkeypatch) -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(tracing, "BATCH_SECONDS", 0.05)
        sends_to(collector.server_port)
        yield collector
        collector.shutdown()


def is_whole(spans: list[Span]) -> bool:
    """Whether all that others are a part of, or linked with, has come: it ends, and so comes, after them."""
    named = {span.parent_span_id for span in spans} | {link.span_id for span in spans for link in span.links}
    return named - {b""} <= {span.span_id for span in spans}


def told_by(span: Span) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_a_request_and_the_calls_that_a_worker_makes_for_it_are_one_trace(collector, client, api_worker, monkeypatch):
    caching._memory = caching._Memory()
    with at_a_pms("andes", monkeypatch) as (hotel, pms):
        door.pms_for(hotel).room_kinds()
        pms.inject(far.unavailable(), path="/hotel_ari", times=1)
        answer = client.get(
            "/api/pms/availability",
            query_string={"hotel": "andes", "check_in": str(day(0)), "check_out": str(day(1)), "adults": "2"},
            headers={"Authorization": f"Bearer {bearer.create_token(hotel)}"},
        )
        assert answer.status_code == 200
        spans = collector.wait_for(lambda spans: is_whole(spans) and any(span.name == "availability" for span in spans))
    (request,) = [span for span in spans if span.name == "availability"]
    assert told_by(request) == {"hotel": "andes", "nights": 1, "status": 200}
    calls = [span for span in spans if span.name == "pms" and span.trace_id == request.trace_id]
    assert [(told_by(span)["attempt"], told_by(span)["outcome"]) for span in calls] == [(1, "unavailable"), (2, "ok")]
    jobs = [span for span in spans if span.name == "job" and span.span_id in {span.parent_span_id for span in calls}]
    assert [(span.trace_id, span.parent_span_id) for span in jobs] == [(request.trace_id, request.span_id)]
    assert answer.headers[tracing.HEADER] == request.trace_id.hex()
    assert {(told_by(span)["hotel"], told_by(span)["pms"], told_by(span)["operation"]) for span in calls} == {
        ("andes", "qloapps", "availability")
    }
    assert all(request.start_time_unix_nano <= span.start_time_unix_nano for span in calls)


def test_from_the_webhook_to_the_reply_it_is_one_trace(collector, deliver, run_jobs, sent, monkeypatch):
    words = f"¿Tienen una doble del {day(0):%d/%m/%Y} al {day(2):%d/%m/%Y} para 2 adultos? Soy Aurelia Cachalote"
    with at_a_pms("andes", monkeypatch):
        came = deliver(bodies.said(words, to=ANDES, phone="34655443322"))
        deliver(bodies.said("Hola", phone="34600000001"))  # Somebody else's, taken in beside it.
        run_jobs()
        assert len(sent) == 2
        spans = collector.wait_for(lambda spans: is_whole(spans) and [span.name for span in spans].count("send") == 2)
    (ours,) = {span.trace_id for span in spans if told_by(span).get("outcome") == "kept"} & {
        bytes.fromhex(came.headers[tracing.HEADER])
    }
    tree = {span.span_id: span for span in spans if span.trace_id == ours}
    assert _path_to_the_root(tree, "graph") == ["graph", "send", "answer", "take_in", "keep", "request"]
    assert _path_to_the_root(tree, "pms")[-4:] == ["answer", "take_in", "keep", "request"]
    for part in ("postgres", "valkey", "understand"):
        assert {"answer", "request"} <= set(_path_to_the_root(tree, part)), part
    names = [span.name for span in tree.values()]
    assert (names.count("request"), names.count("take_in"), names.count("answer")) == (1, 1, 1)
    assert "job" not in names, "one job takes in and answers for many; its span is linked"
    jobs = {span.span_id for span in spans if span.name == "job"}
    for name in ("take_in", "answer"):
        (span,) = [span for span in tree.values() if span.name == name]
        assert {link.span_id for link in span.links} <= jobs
        assert span.links
    statements = [told_by(span) for span in tree.values() if span.name == "postgres"]
    assert {"operation": "insert", "table": "messages"} in statements
    planted = (b"Aurelia", b"Cachalote", b"34655443322", b"655443322", b"WHERE", b"where", b"Bearer")
    told = b"".join(collector.bodies)
    assert [word for word in planted if word in told] == []
    assert (settings().whatsapp_access_token or "none").encode() not in told


def _path_to_the_root(tree: dict[bytes, Span], name: str) -> list[str]:
    """The names from the deepest span of that name up to where it began."""
    paths = []
    for span in tree.values():
        if span.name == name:
            path = [name]
            while span.parent_span_id:
                span = tree[span.parent_span_id]
                path.append(span.name)
            paths.append(path)
    return max(paths, key=len)


@pytest.mark.parametrize("is_traced", [True, False])
def test_every_line_of_the_log_says_what_it_belongs_to(
    deliver, run_jobs, graph, lines, request, is_traced, monkeypatch
):
    if is_traced:
        request.getfixturevalue("collector")
    log = get_logger("a test")
    of_a_turn = reply.reply_to

    def reply_to(turn):
        log.warning("replying")
        return of_a_turn(turn)

    monkeypatch.setattr("hotel_agent.conversations.answering.reply_to", reply_to)
    monkeypatch.setattr(GraphClient, "send", _telling(GraphClient.send, lambda: log.warning("sending")))
    monkeypatch.setattr(inbox.Writer, "keep", _telling(inbox.Writer.keep, lambda: log.warning("keeping")))
    monkeypatch.setattr(taking_in, "_take_in_message", _telling(taking_in._take_in_message, lambda: log.warning("in")))
    first, second = (deliver(bodies.said("Hola", phone=phone)) for phone in ("34600000001", "34600000002"))
    run_jobs()
    told = lines()
    for came in (first, second):
        of_this = [line["event"] for line in told if line["correlation_id"] == came.headers[tracing.HEADER]]
        assert of_this == ["keeping", "in", "replying", "sending"]
    assert all(re.fullmatch("[0-9a-f]{32}", line["correlation_id"]) for line in told)


def _telling(work: Callable[..., Any], tell: Callable[[], None]) -> Callable[..., Any]:
    def told(*given: Any, **named: Any) -> Any:
        tell()
        return work(*given, **named)

    return told


def test_a_request_goes_on_with_what_its_caller_has_begun(collector, client):
    traceparent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    answer = client.get("/healthz", headers={"traceparent": traceparent})
    assert answer.headers[tracing.HEADER] == "ab" * 16
    (span,) = collector.wait_for(lambda spans: any(span.name == "request" for span in spans))
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("ab" * 16, "cd" * 8)
    assert told_by(span) == {"method": "GET", "endpoint": "health.healthz", "status": 200}


@pytest.mark.parametrize("nonsense", ["", "x", "00-" + "0" * 32 + "-" + "a" * 16 + "-01", "00-Aurelia-1-1", "a" * 9000])
def test_nonsense_begins_something_of_its_own(client, nonsense):
    answers = [client.get("/healthz", headers={"traceparent": nonsense}) for _ in range(2)]
    ids = {answer.headers[tracing.HEADER] for answer in answers}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_what_an_exception_says_leaves_no_house(collector):
    def fails() -> None:
        raise PmsUnavailable("Marta García 34600111222")

    with pytest.raises(PmsUnavailable):
        door.call(hotel_named("andes"), "book", fails)
    spans = collector.wait_for(lambda spans: any(span.name == "pms" for span in spans))
    assert [told_by(span)["outcome"] for span in spans if span.name == "pms"] == ["unavailable"]
    assert not any(word in body for body in collector.bodies for word in (b"Marta", b"34600111222"))


def test_what_a_body_calls_things_leaves_no_house(collector, deliver, run_jobs):
    deliver(bodies.from_guest(bodies.message("soy alérgica", from_=bodies.MARTA)))
    run_jobs()
    spans = collector.wait_for(lambda spans: any(span.name == "take_in" for span in spans))
    assert [told_by(span)["type"] for span in spans if span.name == "take_in"] == ["unknown"]
    assert not any("alérgica".encode() in body for body in collector.bodies)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody who takes a call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_collector_that_is_away_costs_nobody_anything(sends_to, monkeypatch, silent_port, is_silent):
    monkeypatch.setattr(tracing, "SEND_SECONDS", 0.2)
    sends_to(silent_port if is_silent else 9)
    hotel = hotel_named("andes")
    door.call(hotel, "read", lambda: None)  # The first one loads what sends them.
    started = time.monotonic()
    for _ in range(3000):
        with tracing.span("pms", hotel="andes"):
            pass
    assert door.call(hotel, "read", lambda: "answered") == "answered"
    assert time.monotonic() - started < 3


def test_where_no_collector_is_named_what_sends_them_is_not_even_loaded(app):
    program = (
        "import sys\n"
        "from hotel_agent import create_app, tracing\n"
        "from hotel_agent.hotels.finding import by_slug\n"
        "from hotel_agent.pms.door import pms_for\n"
        "with create_app().app_context():\n"
        "    pms_for(by_slug('miramar')).room_kinds()\n"
        "    assert tracing.carried() == {}\n"
        "those = ('opentelemetry.sdk.trace', 'opentelemetry.exporter')\n"
        "sys.exit(any(name.startswith(those) for name in sys.modules))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
