"""What belongs together: one id from the webhook to the reply, and spans of what takes time.

Whatever begins something (a request, a webhook's body, a job of its own accord) gets a W3C `traceparent`
(https://www.w3.org/TR/trace-context/). It travels with rows and with jobs, and its trace id is the `correlation_id` of
every line that is logged meanwhile. Where OTEL_EXPORTER_OTLP_ENDPOINT is set, spans of the same trace are sent by OTLP
over HTTP; else they cost nothing.

Attributes are names and numbers of ours, never a guest's words nor what an exception says. Spans leave in a thread of
their own: a collector that is away costs some memory and a line in the log now and then.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any

from structlog.contextvars import bound_contextvars

from hotel_agent.config import configured

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import SpanContext, Tracer

SERVICE = "hotel-agent"
SEND_SECONDS = 2.0
BATCH_SECONDS = 2.0
MOST_WAITING = 2048
LOG_EVERY_SECONDS = 600.0
HEADER = "X-Request-ID"
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_here: ContextVar[str | None] = ContextVar("traceparent", default=None)
_led_here: ContextVar[SpanContext | None] = ContextVar("led_here", default=None)


def here() -> str | None:
    """The `traceparent` of what is under way, for a row that others go on with; None where nothing has begun."""
    span = _current()
    if span is None:
        return _here.get()
    told = span.get_span_context()
    return f"00-{told.trace_id:032x}-{told.span_id:016x}-01"


@contextmanager
def begun(traceparent: str | None = None) -> Iterator[str]:
    """Go on with what `traceparent` names, or begin something of its own; yields the correlation id.

    A span that is under way is what led here: the first span within is linked with it and not a part of it.
    """
    given = traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None
    now = given or _new()
    correlation_id = now[3:35]
    token = _here.set(now)
    leaves = _enter(given)
    try:
        with bound_contextvars(correlation_id=correlation_id):
            yield correlation_id
    finally:
        leaves()
        _here.reset(token)


def _new() -> str:
    whole = os.urandom(24).hex()
    return f"00-{whole[:32]}-{whole[32:]}-01"


def _enter(given: str | None) -> Callable[[], object]:
    """Make the span that is named the parent of what comes; answers how to leave again."""
    if _of_this_process.tracer() is None:
        return _stay
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    outside = trace.set_span_in_context(trace.INVALID_SPAN)
    parent = TraceContextTextMapPropagator().extract({"traceparent": given}, outside) if given else outside
    span = _current()
    led = _led_here.set(span.get_span_context() if span else None)
    token = context.attach(parent)

    def leave() -> None:
        context.detach(token)
        _led_here.reset(led)

    return leave


def _stay() -> None:
    pass


def carried() -> dict[str, str]:
    """What another process needs so that it goes on with what is under way here."""
    traceparent = here()
    return {"traceparent": traceparent} if traceparent else {}


@contextmanager
def carried_on(carrier: Mapping[str, Any]) -> Iterator[None]:
    """Go on with what `carried` was asked in, or begin something of its own."""
    given = carrier.get("traceparent")
    with begun(given if isinstance(given, str) else None):
        yield


class Span:
    """One span while it is under way; nothing where none are sent."""

    def __init__(self, span: OtelSpan | None = None) -> None:
        self._span = span

    def set(self, **attributes: str | int | float | bool) -> None:
        if self._span is not None:
            self._span.set_attributes(attributes)

    def end(self) -> None:
        if self._span is not None:
            self._span.end()


_NOTHING = Span()


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[Span]:
    """Time what is done within, as a part of the span that is under way here if there is one."""
    tracer = _of_this_process.tracer()
    if tracer is None:
        yield _NOTHING
        return
    with tracer.start_as_current_span(
        name, attributes=attributes, links=_links(), record_exception=False, set_status_on_exception=False
    ) as begun:
        yield Span(begun)


def part(name: str, **attributes: str | int | float | bool) -> Span:
    """A small part of the span that is under way, for the caller to `end`; nothing where none is."""
    tracer = _of_this_process.tracer()
    if tracer is None or _current() is None:
        return _NOTHING
    return Span(tracer.start_span(name, attributes=attributes))


def is_on() -> bool:
    """Whether spans are sent at all."""
    return _of_this_process.tracer() is not None


def note(**attributes: str | int | float | bool) -> None:
    """Tell more about the span that is under way."""
    span = _current()
    if span is not None:
        span.set_attributes(attributes)


def _links() -> list[Any]:
    led = _led_here.get()
    if led is None:
        return []
    from opentelemetry.trace import Link

    _led_here.set(None)
    return [Link(led)]


def _current() -> OtelSpan | None:
    """The span that is under way here, if any is and spans are sent."""
    if _of_this_process.tracer() is None:
        return None
    from opentelemetry import trace

    span = trace.get_current_span()
    return span if span.get_span_context().is_valid else None


class Traced:
    """Before the application: each request goes on with what its `traceparent` names, or begins something; the answer
    tells the correlation id."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with begun(environ.get("HTTP_TRACEPARENT")) as correlation_id, span("request") as told:

            def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                told.set(status=int(status[:3]))
                return start_response(status, [*headers, (HEADER, correlation_id)], *more)

            return self._app(environ, start)


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
                    known = configured()
                    endpoint = known.otel_exporter_otlp_endpoint if known else None
                    self._tracer = _tracer_to(endpoint) if endpoint else None
                    self._begun_in = os.getpid()
        return self._tracer


_of_this_process = _Process()


def _tracer_to(endpoint: str) -> Tracer:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    for name in ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(name).addFilter(_seldom)
    provider = TracerProvider(
        resource=Resource.create({"service.name": SERVICE, "process.pid": os.getpid()}),
        id_generator=_ids(),
        sampler=ALWAYS_ON,  # A caller who does not want its own spans has no say in ours.
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING, schedule_delay_millis=BATCH_SECONDS * 1000)
    )
    return provider.get_tracer(SERVICE)


def _ids() -> Any:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        """A trace that begins here has the correlation id for its own."""

        def generate_trace_id(self) -> int:
            now = _here.get()
            return int(now[3:35], 16) if now else super().generate_trace_id()

    return Ids()


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
