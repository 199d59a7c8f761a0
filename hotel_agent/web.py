"""What every HTTP request shares: problem answers, headers, request metrics, process start."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from math import ceil
from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from hotel_agent import logs, metrics, tracing
from hotel_agent.config import Settings
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.logs import get_logger

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; "
    "base-uri 'none'; object-src 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}
HSTS = "max-age=31536000"
BIGGEST_ID = 2**63 - 1
BIGGEST_SMALL_ID = 2**31 - 1
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

log = get_logger(__name__)

_starters: list[Callable[[Flask], object]] = []


def _always() -> bool:
    return True


_is_serving: Callable[[], bool] = _always


class Row(IntegerConverter):
    """`<row:staff_id>` of an address: a number that a row of a small table may have."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=BIGGEST_SMALL_ID)


def on_process_start(start: Callable[[Flask], object]) -> None:
    """Register what must begin once in each serving process, after a fork (threads, pools, writers)."""
    _starters.append(start)


def start_process(app: Flask, is_serving: Callable[[], bool] | None = None) -> None:
    """Called by the server once in each process that will answer requests.

    `is_serving` turns false when the process has been told to finish what it has in hand and end.
    """
    global _is_serving
    _is_serving = is_serving or _is_serving
    logs.tell_of_ends()
    for start in _starters:
        start(app)


def is_draining() -> bool:
    """Whether this process ends soon: probes send requests elsewhere, open streams close."""
    return not _is_serving()


def init_app(app: Flask, config: Settings) -> None:
    """`TRUSTED_PROXIES` says how many proxies stand before us: so many of the addresses they tell are believed."""
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.config["HEADERS"] = HEADERS | ({"Strict-Transport-Security": HSTS} if config.is_https else {})
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(BadInput, _bad_input)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(HTTPException, _http_error)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(away, _postgres_away)
    app.url_map.converters["row"] = Row


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


def busy(detail: str, seconds: float = 5) -> Response:
    """503: nobody answered in time, trying again may help after so many seconds."""
    answer = problem(503, detail)
    answer.headers["Retry-After"] = str(max(1, ceil(seconds)))
    return answer


def sorry(status: int, words: str = "", template: str = "error.html", **more: Any) -> Response:
    """A page that says in a person's words what went wrong."""
    answer = make_response(render_template(template, status=status, words=words, **more), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def csv_of(rows: Iterable[Iterable[object]], name: str) -> Response:
    """A file for spreadsheets. Words that a spreadsheet would reckon with are marked as words, as guests may write
    anything (OWASP, CSV Injection)."""
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    answer = make_response("\ufeff" + written.getvalue())  # They take it for UTF-8 only with this mark.
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def is_page() -> bool:
    """Whether somebody looks at what we answer; programs are told in JSON."""
    kinds = request.accept_mimetypes
    wanted = kinds.best_match(["application/json", "text/html"], default="application/json")
    return not request.path.startswith("/api/") and wanted == "text/html"


def row_id(given: str) -> int:
    """The number of a row that an address or a form names. Raises ValueError for what cannot be one."""
    number = int(given)
    if not 0 < number <= BIGGEST_ID:
        raise ValueError
    return number


def _begin() -> None:
    for name in list(g):  # A test's context outlives the request.
        g.pop(name)
    g.began = perf_counter()
    if "\0" in request.path:  # No text of PostgreSQL's can have it, so no row is named by it.
        raise NoSuchPage
    if b"%00" in request.query_string:
        raise BadRequest("An address cannot have the character NUL.")


def _finish(response: Response) -> Response:
    method = request.method if request.method in METHODS else "other"
    labels = (method, request.endpoint or "none", str(response.status_code))
    tracing.note(method=method, endpoint=labels[1])
    metrics.note_memory()
    metrics.http_requests.labels(*labels).inc()
    metrics.http_request_seconds.labels(*labels).observe(perf_counter() - g.get("began", perf_counter()))
    if not getattr(g, "own_headers", False):
        for name, value in current_app.config["HEADERS"].items():
            response.headers.setdefault(name, value)
    return response


def _bad_input(error: BadInput) -> Response:
    return sorry(400, str(error)) if is_page() else problem(400, str(error), field=error.field)


def _not_found(error: NotFound) -> Response:
    return sorry(404) if is_page() else problem(404, str(error) or "There is nothing of that name here.")


def _postgres_away(error: Exception) -> Response:
    """Nobody knows who asks, and asking for it again would fail again: the page says so to anybody."""
    log.error("postgres_away", error=type(error).__name__, endpoint=request.endpoint)
    g.me = None
    if not is_page():
        return busy("The database does not answer.")
    answer = sorry(503)
    answer.headers["Retry-After"] = "5"
    return answer


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    if not is_page() and not request.path.startswith("/api/"):
        return error
    answer = sorry(error.code) if is_page() else problem(error.code, error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def form_key() -> str:
    """What a form calls itself by, so that sending it twice does one thing; one of our own where it has none."""
    given = request.form.get("key", "")
    return given if re.fullmatch(r"[0-9A-Za-z-]{1,64}", given) else new_form_key()


def new_form_key() -> str:
    return uuid4().hex
