"""The door for webhook bodies, before Flask: what Flask does for a page costs more than the disk does here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.signature import matching_secret

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST_BODY = 3 * 1024 * 1024
ENDPOINT = "whatsapp.receive"


class Secrets(Protocol):
    def __call__(self, *, new: bool) -> Iterable[tuple[str, str]]: ...


class Receiver:
    """Answers POSTs to `path` itself and passes everything else on.

    200 means that `keep` has stored the body and said so; everything else makes Meta deliver it again or never.
    Nothing is parsed here. `secrets` gives (fingerprint, secret) pairs; before a body is refused it is asked for
    what is `new`.
    """

    def __init__(
        self,
        app: WSGIApplication,
        path: str,
        secrets: Secrets,
        keep: Callable[[bytes, str], bool],
        kept: Callable[[], object],
    ) -> None:
        self._app = app
        self._path = path
        self._secrets = secrets
        self._keep = keep
        self._kept = kept

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ.get("PATH_INFO") != self._path:
            return self._app(environ, start_response)
        began = perf_counter()
        status, outcome = self._receive(environ)
        metrics.webhook_bodies.labels(outcome).inc()
        metrics.http_requests.labels("POST", ENDPOINT, str(status.value)).inc()
        metrics.http_request_seconds.labels("POST", ENDPOINT, str(status.value)).observe(perf_counter() - began)
        headers = [("Content-Type", "text/plain"), ("Content-Length", "0"), ("X-Content-Type-Options", "nosniff")]
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(("Retry-After", "5"))
        start_response(f"{status.value} {status.phrase}", headers)
        return []

    def _receive(self, environ: WSGIEnvironment) -> tuple[HTTPStatus, str]:
        body = _body(environ)
        if body is None:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"
        signed_by = self._signed_by(body, environ.get("HTTP_X_HUB_SIGNATURE_256"))
        if signed_by is None:
            return HTTPStatus.UNAUTHORIZED, "bad_signature"
        if not self._keep(body, signed_by):
            return HTTPStatus.SERVICE_UNAVAILABLE, "not_kept"
        self._kept()
        return HTTPStatus.OK, "kept"

    def _signed_by(self, body: bytes, header: str | None) -> str | None:
        if not header:
            return None
        known = matching_secret(body, header, self._secrets(new=False))
        return known or matching_secret(body, header, self._secrets(new=True))


def _body(environ: WSGIEnvironment) -> bytes | None:
    """The whole body, of known length or in chunks; None when it is larger than Meta's ever are."""
    stream: Any = environ["wsgi.input"]
    given = environ.get("CONTENT_LENGTH") or ""
    if not given.isdigit():
        body: bytes = stream.read(LARGEST_BODY + 1) if environ.get("wsgi.input_terminated") else b""
        return body if len(body) <= LARGEST_BODY else None
    if int(given) > LARGEST_BODY:
        return None
    return bytes(stream.read(int(given)))
