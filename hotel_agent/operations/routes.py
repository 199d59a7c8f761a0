"""`/ops/rq`: the queues as RQ Dashboard shows them, behind our sign-in."""

from __future__ import annotations

from flask import Blueprint, abort, request
from rq.exceptions import NoSuchJobError
from werkzeug import Response
from werkzeug.exceptions import NotFound, ServiceUnavailable

from hotel_agent.audit.recording import record
from hotel_agent.db import db
from hotel_agent.redis import RedisError, quick_redis
from hotel_agent.staff.access import ORIGIN, may

MOUNTED = "/ops/rq"
# Its pages have scripts and styles within, and its templates become functions in the browser. Only here.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'"
)

bp = Blueprint("operations", __name__)


@bp.route(MOUNTED, methods=["GET", "POST"])
@bp.route(f"{MOUNTED}/", methods=["GET", "POST"])
@bp.route(f"{MOUNTED}/<path:page>", methods=["GET", "POST"])
@may("operations", proof=ORIGIN)
def rq(page: str = "") -> Response:
    from hotel_agent.operations.rq_pages import pages

    inner = request.environ.copy()
    inner["SCRIPT_NAME"] = request.environ.get("SCRIPT_NAME", "") + MOUNTED
    inner["PATH_INFO"] = request.environ["PATH_INFO"].removeprefix(MOUNTED) or "/"
    try:
        quick_redis().ping()
        answer = Response.from_app(pages().wsgi_app, inner, buffered=True)
    except RedisError:
        raise ServiceUnavailable("Valkey does not answer.") from None
    except NoSuchJobError:
        raise NotFound from None
    if answer.status_code >= 400:
        abort(answer.status_code)
    if request.method == "POST":
        record("queue_changed", page)
        db.session.commit()
    answer.headers["Content-Security-Policy"] = POLICY
    return answer
