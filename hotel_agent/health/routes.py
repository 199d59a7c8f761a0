"""Probes: alive, ready, and the figures for Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

import psycopg
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_flask_exporter import PrometheusMetrics

from hotel_agent import queues
from hotel_agent.config import settings
from hotel_agent.db import connect
from hotel_agent.health.figures import Rows
from hotel_agent.health.hits import HitRatio
from hotel_agent.health.tables import Tables
from hotel_agent.redis import RedisError
from hotel_agent.staff.access import public
from hotel_agent.web import is_draining, problem

Answer = TypeVar("Answer")

LAG_SECONDS = 30
PROBE_SECONDS = 3
FIGURES = """
    select (select coalesce(extract(epoch from now() - min(received_at)), 0) from inbound_events
              where processed_at is null),
           (select count(*) from tenant_user_identifiers where stopped_at is not null)
"""

bp = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """The exporter gathers what all processes count; requests are counted in web.py, by the blueprint's names."""
    exporter = PrometheusMetrics(app, path=None, export_defaults=False, registry=CollectorRegistry())
    exporter.registry = REGISTRY
    app.extensions["metrics_exporter"] = exporter


class Together(Generic[Answer]):
    """A question that many ask at once is put once at a time. Nobody hears what was asked before they came."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._turn = Lock()
        self._last: tuple[float, Answer] | None = None

    def __call__(self) -> Answer:
        came = monotonic()
        with self._turn:
            if self._last is None or self._last[0] <= came:
                self._last = monotonic(), self._ask()
            return self._last[1]


@bp.get("/healthz")
@public
def healthz() -> Response:
    return jsonify(status="alive")


@bp.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """503 only when nothing can be kept or the process ends; what merely slows answers down is told with 200."""
    if is_draining():
        return jsonify(status="draining", degraded=[], workers=0), 503
    figures = _asked_together()
    if figures is None:
        return jsonify(status="unavailable", degraded=["postgres"], workers=0), 503
    lag, stopped = figures
    degraded = [f"{stopped} WhatsApp numbers stopped"] if stopped else []
    if lag > LAG_SECONDS:
        degraded.append("intake lag")
    workers = _workers()
    if workers is None:
        degraded.append("valkey")
    elif workers == 0:
        degraded.append("workers")
    status = "degraded" if degraded else "ready"
    return jsonify(status=status, degraded=degraded, workers=workers or 0, intake_lag_seconds=round(float(lag), 1)), 200


def _figures() -> tuple[float, int] | None:
    """Intake lag in seconds and numbers stopped; None when PostgreSQL does not answer a new connection in time."""
    try:
        with connect("hotel-agent probe", timeout=PROBE_SECONDS) as connection:
            row = connection.execute(FIGURES).fetchone()
    except psycopg.Error:
        return None
    return (float(row[0]), int(row[1])) if row else None


# Anybody may ask: were each to have a connection, a flood of them would have all that PostgreSQL gives.
_asked_together = Together(_figures)


def _workers() -> int | None:
    try:
        return queues.workers_alive()
    except RedisError:
        return None


@bp.get("/metrics")
@public
def metrics() -> Response:
    token = settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(token.encode(), given.encode()):
        return problem(401, "Send the metrics token as a bearer token.")
    counted, content_type = current_app.extensions["metrics_exporter"].generate_metrics()
    now = CollectorRegistry()
    now.register(Rows())
    now.register(Tables())
    now.register(HitRatio(counted))
    return Response(counted + generate_latest(now).decode(), content_type=content_type)
