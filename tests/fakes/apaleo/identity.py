"""identity.apaleo.com: tokens for client credentials, and what they allow."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote

from tests.fakes.apaleo.call import Refusal, Request, told
from tests.fakes.double import Answer

CLIENT_ID, CLIENT_SECRET = "MIRA-AC-GUESTDESK", "s3cr3t-0f-the-double"
SCOPES = (
    "availability.read",
    "offers.read",
    "properties.read",
    "rateplans.read-corporate",
    "rateplans.read-negotiated",
    "rates.read",
    "reservations.create",
    "reservations.manage",
    "reservations.read",
    "reservations.assign-unit",
    "unitgroups.read",
    "units.read",
    "units.manage",
)


class Identity:
    """`scopes` is what the client may have at most; taking one away works on tokens that are out too.

    A token is good for `lifetime` seconds of the house's clock. Wrong credentials are refused with 401; RFC 6749 5.2
    allows 400 too for those that come in a body: `refuses_with`.
    """

    def __init__(self, clock: Callable[[], datetime], client_id: str, client_secret: str) -> None:
        self.client_id, self.client_secret = client_id, client_secret
        self.scopes = set(SCOPES)
        self.lifetime = 3600
        self.refuses_with = 401
        self.given = 0
        self._clock = clock
        self._tokens: dict[str, tuple[datetime, set[str]]] = {}
        self._lock = threading.Lock()

    def expire(self) -> None:
        """Every token that is out becomes worthless."""
        with self._lock:
            self._tokens.clear()

    def token(self, asked: Request) -> Answer:
        """POST /connect/token."""
        if asked.method != "POST":
            return Answer(405)
        form = {name: values[0] for name, values in parse_qs(asked.body.decode("utf-8", "replace")).items()}
        if "x-www-form-urlencoded" not in asked.header("Content-Type"):
            return told({"error": "invalid_request"}, 400)
        if _credentials(asked, form) != (self.client_id, self.client_secret):
            return told({"error": "invalid_client"}, self.refuses_with)
        if form.get("grant_type") != "client_credentials":
            return told({"error": "unsupported_grant_type"}, 400)
        wanted = set(form.get("scope", "").split())
        if not wanted <= self.scopes:
            return told({"error": "invalid_scope"}, 400)
        return self._give(wanted or set(self.scopes))

    def _give(self, scopes: set[str]) -> Answer:
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = (self._clock() + timedelta(seconds=self.lifetime), scopes)
            self.given += 1
        found = told(
            {
                "access_token": token,
                "expires_in": self.lifetime,
                "token_type": "Bearer",
                "scope": " ".join(sorted(scopes)),
            }
        )
        found.headers["Cache-Control"] = "no-store"
        return found

    def check(self, asked: Request, needed: tuple[str, ...]) -> None:
        """Raises Refusal: 401 without a good token, 403 without any of the scopes."""
        kind, _, token = asked.header("Authorization").partition(" ")
        with self._lock:
            until, scopes = self._tokens.get(token, (None, set()))
        if kind.lower() != "bearer" or until is None:
            raise Refusal(401, headers={"WWW-Authenticate": "Bearer"})
        if self._clock() >= until:
            raise Refusal(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if not scopes & self.scopes & set(needed):
            raise Refusal(403)


def _credentials(asked: Request, form: dict[str, str]) -> tuple[str, str]:
    kind, _, given = asked.header("Authorization").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(given).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return unquote(name), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret", "")
