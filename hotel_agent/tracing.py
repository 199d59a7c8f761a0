"""Spans of what takes time, sent by OTLP over HTTP where OTEL_EXPORTER_OTLP_ENDPOINT is set; else they cost nothing.

Attributes are names and numbers of ours, never a guest's words nor what an exception says. Spans leave in a thread of
their own: a collector that is away costs some memory and a line in the log now and then.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from hotel_agent.config import settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer

SERVICE = "hotel-agent"
SEND_SECONDS = 2.0
BATCH_SECONDS = 2.0
MOST_WAITING = 2048
LOG_EVERY_SECONDS = 600.0


class Span:
    """One span while it is under way; nothing where none are sent."""

    def __init__(self, span: OtelSpan | None = None) -> None:
        self._span = span

    def set(self, **attributes: str | int | float | bool) -> None:
        if self._span is not None:
            self._span.set_attributes(attributes)


_NOTHING = Span()


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[Span]:
    """Time what is done within, as a part of the span that is under way here if there is one."""
    tracer = _of_this_process.tracer()
    if tracer is None:
        yield _NOTHING
        return
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as begun:
        yield Span(begun)


def carried() -> dict[str, str]:
    """What another process needs so that its spans become parts of the one that is under way here."""
    if _of_this_process.tracer() is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier


@contextmanager
def carried_on(carrier: Mapping[str, Any]) -> Iterator[None]:
    """Be a part of the span that `carried` was asked in."""
    if "traceparent" not in carrier or _of_this_process.tracer() is None:
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    token = context.attach(TraceContextTextMapPropagator().extract({"traceparent": str(carrier["traceparent"])}))
    try:
        yield
    finally:
        context.detach(token)


class _Process:
    """What sends this process's spans. Begun by the first span, as its thread would not outlive a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun_in = 0
        self._tracer: Tracer | None = None

    def tracer(self) -> Tracer | None:
        if self._begun_in != os.getpid():
            with self._lock:
                if self._begun_in != os.getpid():
                    endpoint = settings().otel_exporter_otlp_endpoint
                    self._tracer = _tracer_to(endpoint) if endpoint else None
                    self._begun_in = os.getpid()
        return self._tracer


_of_this_process = _Process()


def _tracer_to(endpoint: str) -> Tracer:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    for name in ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(name).addFilter(_seldom)
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE, "process.pid": os.getpid()}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING, schedule_delay_millis=BATCH_SECONDS * 1000)
    )
    return provider.get_tracer(SERVICE)


class _Seldom(logging.Filter):
    """A collector that is away is told of once in a while, not with every batch."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at = -LOG_EVERY_SECONDS

    def filter(self, _record: logging.LogRecord) -> bool:
        if monotonic() - self._said_at < LOG_EVERY_SECONDS:
            return False
        self._said_at = monotonic()
        return True


_seldom = _Seldom()
