"""WhatsApp's webhook: the handshake, and the door for bodies."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from flask import Blueprint, Flask, Response, request

from hotel_agent import queues, web
from hotel_agent.channels.whatsapp.receiver import Receiver
from hotel_agent.config import settings
from hotel_agent.conversations import inbox
from hotel_agent.hotels.credentials import KnownSecrets
from hotel_agent.staff.access import public
from workers import nudges

PATH = "/api/webhooks/whatsapp"

bp = Blueprint("whatsapp", __name__, url_prefix=PATH)


def init_app(app: Flask) -> None:
    """Put the receiver before the application; each process's writer starts after the fork."""
    app.extensions["whatsapp_secrets"] = KnownSecrets()
    app.extensions["take_in_nudger"] = queues.Nudger(nudges.take_in)

    def secrets(*, new: bool) -> Iterable[tuple[str, str]]:
        known: KnownSecrets = app.extensions["whatsapp_secrets"]
        if not new and known.is_fresh:
            return known.pairs()
        with app.app_context():
            return known.new_pairs() if new else known.pairs()

    def nudge() -> None:
        app.extensions["take_in_nudger"].wake()

    app.wsgi_app = Receiver(app.wsgi_app, PATH, secrets, _keep, nudge, settings().intake_most_bytes)  # type: ignore[method-assign]
    web.on_process_start(lambda _: inbox.start())


def _keep(body: bytes, signed_by: str) -> bool:
    try:
        inbox.keep(body, signed_by)
    except inbox.NotKept:
        return False
    return True


@bp.get("")
@public
def verify() -> Response:
    """Meta's handshake: echo the challenge to whoever knows the verify token."""
    expected = settings().whatsapp_verify_token or ""
    given = request.args.get("hub.verify_token", "")
    known = hmac.compare_digest(expected.encode(), given.encode())
    if not expected or not known or request.args.get("hub.mode") != "subscribe":
        return Response("wrong verify token\n", 403, mimetype="text/plain")
    return Response(request.args.get("hub.challenge", ""), mimetype="text/plain")
