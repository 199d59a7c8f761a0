"""What every HTTP request shares: problem answers, headers, request metrics, process start."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from hotel_agent import metrics
from hotel_agent.errors import BadInput, NotFound

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_starters: list[Callable[[Flask], object]] = []


def _always() -> bool:
    return True


_is_serving: Callable[[], bool] = _always


def on_process_start(start: Callable[[Flask], object]) -> None:
    """Register what must begin once in each serving process, after a fork (threads, pools, writers)."""
    _starters.append(start)


def start_process(app: Flask, is_serving: Callable[[], bool] | None = None) -> None:
    """Called by the server once in each process that will answer requests.

    `is_serving` turns false when the process has been told to finish what it has in hand and end.
    """
    global _is_serving
    _is_serving = is_serving or _is_serving
    for start in _starters:
        start(app)


def is_draining() -> bool:
    """Whether this process ends soon: probes send requests elsewhere, open streams close."""
    return not _is_serving()


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(BadInput, _bad_input)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(HTTPException, _http_error)


def problem(status: int, detail: str, **members: Any) -> Response:
    """An RFC 9457 answer."""
    answer = jsonify(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            **members,
        }
    )
    answer.status_code = status
    answer.content_type = "application/problem+json"
    return answer


def busy(detail: str) -> Response:
    """503: nobody answered in time, trying again may help."""
    answer = problem(503, detail)
    answer.headers["Retry-After"] = "5"
    return answer


def _begin() -> None:
    structlog.contextvars.clear_contextvars()
    g.began = perf_counter()


def _finish(response: Response) -> Response:
    method = request.method if request.method in METHODS else "other"
    labels = (method, request.endpoint or "none", str(response.status_code))
    metrics.http_requests.labels(*labels).inc()
    metrics.http_request_seconds.labels(*labels).observe(perf_counter() - g.get("began", perf_counter()))
    if not getattr(g, "own_headers", False):
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; "
            "form-action 'self'",
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    return response


def _bad_input(error: BadInput) -> Response:
    return problem(400, str(error), field=error.field)


def _not_found(error: NotFound) -> Response:
    return problem(404, str(error) or "There is nothing of that name here.")


def _http_error(error: HTTPException) -> Response | HTTPException:
    if request.path.startswith("/api/"):
        return problem(error.code or 500, error.description or "")
    return error
