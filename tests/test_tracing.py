"""Traces: one tree from the request to the PMS, sent by OTLP; nothing at all where no collector is named."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hotel_agent import ROOT, tracing
from hotel_agent.config import settings
from hotel_agent.pms import caching, door
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.staff import bearer
from tests.fakes import qloapps as far
from tests.pms.at_a_pms import at_a_pms
from tests.reservations.cast import day, hotel_named


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
def collector(app, monkeypatch) -> Iterator[Collector]:
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(settings(), "otel_exporter_otlp_endpoint", f"http://127.0.0.1:{collector.server_port}")
        monkeypatch.setattr(tracing, "BATCH_SECONDS", 0.05)
        monkeypatch.setattr(tracing, "_of_this_process", tracing._Process())
        yield collector
        collector.shutdown()


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
        spans = collector.wait_for(lambda spans: any(span.name == "availability" for span in spans))
    (request,) = [span for span in spans if span.name == "availability"]
    assert told_by(request) == {"hotel": "andes", "nights": 1, "status": 200}
    calls = [span for span in spans if span.name == "pms" and span.trace_id == request.trace_id]
    assert [(told_by(span)["attempt"], told_by(span)["outcome"]) for span in calls] == [(1, "unavailable"), (2, "ok")]
    assert {span.parent_span_id for span in calls} == {request.span_id}
    assert {(told_by(span)["hotel"], told_by(span)["pms"], told_by(span)["operation"]) for span in calls} == {
        ("andes", "qloapps", "availability")
    }
    assert all(request.start_time_unix_nano <= span.start_time_unix_nano for span in calls)


def test_what_an_exception_says_leaves_no_house(collector):
    def fails() -> None:
        raise PmsUnavailable("Marta García 34600111222")

    with pytest.raises(PmsUnavailable):
        door.call(hotel_named("andes"), "book", fails)
    (span,) = collector.wait_for(bool)
    assert told_by(span)["outcome"] == "unavailable"
    assert not any(word in body for body in collector.bodies for word in (b"Marta", b"34600111222"))


def test_a_collector_that_is_away_costs_nobody_anything(app, monkeypatch):
    monkeypatch.setattr(settings(), "otel_exporter_otlp_endpoint", "http://127.0.0.1:9")
    monkeypatch.setattr(tracing, "_of_this_process", tracing._Process())
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
