"""RQ Dashboard, as an application of its own behind our door.

It is loaded by the first person who opens it, and by no worker and no command.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask, Response, abort, request
from rq import serializers

from hotel_agent.config import settings
from hotel_agent.redis import redis
from hotel_agent.tracebacks import without_words

POLL_MS = 5000


@lru_cache
def pages() -> Flask:
    """The dashboard; `SCRIPT_NAME` tells it where it is mounted."""
    from rq_dashboard import web

    # It would open connections without a time limit, a new one for almost every request.
    web.from_url = lambda *_args, **_options: (None, redis())
    # Where it names no serializer RQ reads pickle: our jobs are JSON, and pickle would run whatever lies in Valkey.
    web.config.serializer = serializers.JSONSerializer
    serializers.PickleSerializer = serializers.JSONSerializer  # type: ignore[assignment]
    app = Flask("rq_dashboard")
    app.config.update(
        RQ_DASHBOARD_REDIS_URL=settings().redis_url,
        RQ_DASHBOARD_POLL_INTERVAL=POLL_MS,
        PROPAGATE_EXCEPTIONS=True,
    )
    web.setup_rq_connection(app)
    app.before_request(_refuse)
    app.after_request(_leave_out_words)
    app.register_blueprint(web.blueprint)
    return app


def _refuse() -> None:
    """It would put jobs back for a GET, which any page on the web can make a browser send."""
    if request.endpoint == "rq_dashboard.requeue_all" and request.method != "POST":
        abort(405)
    if (request.view_args or {}).get("instance_number"):
        abort(404)


def _leave_out_words(response: Response) -> Response:
    """Messages of exceptions and what jobs return may hold guests' words, which are not for whoever runs the queues."""
    if not response.is_json:
        return response
    given: dict[str, Any] = response.get_json()
    for job in (given, *given.get("jobs", ())):
        if job.get("exc_info"):
            job["exc_info"] = without_words(job["exc_info"])
        if job.get("result") is not None:
            job["result"] = "…"
    response.set_data(_json(given))
    return response


def _json(given: dict[str, Any]) -> str:
    return pages().json.dumps(given)
