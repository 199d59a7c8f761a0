"""WhatsApp's webhook: verify, keep the raw body, answer. Nothing is parsed here."""

from __future__ import annotations

import hmac

from flask import Blueprint, Flask, Response, current_app, request

from hotel_agent import metrics, queues, web
from hotel_agent.channels.whatsapp.signature import matching_secret
from hotel_agent.config import settings
from hotel_agent.conversations import inbox
from hotel_agent.hotels.credentials import KnownSecrets
from workers import nudges

LARGEST_BODY = 3 * 1024 * 1024

bp = Blueprint("whatsapp", __name__, url_prefix="/api/webhooks/whatsapp")


def init_app(app: Flask) -> None:
    app.extensions["whatsapp_secrets"] = KnownSecrets()
    app.extensions["take_in_nudger"] = queues.Nudger(nudges.take_in)
    web.on_process_start(lambda _: inbox.start())


@bp.get("")
def verify() -> Response:
    """Meta's handshake: echo the challenge to whoever knows the verify token."""
    expected = settings().whatsapp_verify_token or ""
    given = request.args.get("hub.verify_token", "")
    known = hmac.compare_digest(expected.encode(), given.encode())
    if not expected or not known or request.args.get("hub.mode") != "subscribe":
        return Response("wrong verify token\n", 403, mimetype="text/plain")
    return Response(request.args.get("hub.challenge", ""), mimetype="text/plain")


@bp.post("")
def receive() -> Response:
    """200 means that the body is on disk; everything else makes Meta deliver it again or never."""
    if (request.content_length or 0) > LARGEST_BODY:
        return _answer(413, "too_large")
    body = request.get_data(cache=False)
    if len(body) > LARGEST_BODY:
        return _answer(413, "too_large")
    signed_by = _signed_by(body)
    if signed_by is None:
        return _answer(401, "bad_signature")
    try:
        inbox.keep(body, signed_by)
    except inbox.NotKept:
        answer = _answer(503, "not_kept")
        answer.headers["Retry-After"] = "5"
        return answer
    current_app.extensions["take_in_nudger"].wake()
    return _answer(200, "kept")


def _signed_by(body: bytes) -> str | None:
    header = request.headers.get("X-Hub-Signature-256")
    if not header:
        return None
    secrets: KnownSecrets = current_app.extensions["whatsapp_secrets"]
    found = matching_secret(body, header, secrets.pairs())
    if found is None and secrets.refresh():
        found = matching_secret(body, header, secrets.pairs())
    return found


def _answer(status: int, outcome: str) -> Response:
    metrics.webhook_bodies.labels(outcome).inc()
    return Response(status=status, mimetype="text/plain")
