"""The real application with two more views, to be measured beside it under the same server; never in production.

Every answer says in X-Statements how much was asked of the database for it.

gunicorn -c ops/gunicorn.conf.py "tests.load.bench_app:create_app()"
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from typing import Any

import psycopg
from flask import Flask, Response, g, has_request_context, request
from sqlalchemy import event

from hotel_agent import create_app as create_real_app
from hotel_agent import db
from hotel_agent.channels.whatsapp.signature import matching_secret

POOL = 8
INSERT = "insert into inbound_events (body, signed_by) values (%s, %s)"


class Pool:
    """As many connections as fit in a queue; whoever finds it empty waits."""

    def __init__(self, size: int) -> None:
        self._free: queue.LifoQueue[psycopg.Connection[tuple[Any, ...]] | None] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(None)

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        connection = self._free.get() or db.connect("bench insert")
        try:
            yield connection
        finally:
            self._free.put(connection)


def create_app() -> Flask:
    app = create_real_app()
    pool = Pool(POOL)

    @app.post("/bench/noop")
    def noop() -> Response:
        """What Flask costs under this server, and nothing else."""
        return Response(status=200, mimetype="text/plain")

    @app.post("/bench/insert")
    def insert() -> Response:
        """The same promise as the webhook's, kept by every request for itself."""
        body = request.get_data(cache=False)
        secrets = app.extensions["whatsapp_secrets"]
        signed_by = matching_secret(body, request.headers.get("X-Hub-Signature-256"), secrets.pairs())
        if signed_by is None:
            return Response(status=401)
        with pool.connection() as connection:
            connection.execute(INSERT, (body, signed_by))
        return Response(status=200, mimetype="text/plain")

    _count_statements(app)
    return app


def _count_statements(app: Flask) -> None:
    def count(*_: object) -> None:
        if has_request_context():
            g.statements = g.get("statements", 0) + 1

    with app.app_context():
        event.listen(db.db.engine, "before_cursor_execute", count)

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers["X-Statements"] = str(g.get("statements", 0))
        return response
