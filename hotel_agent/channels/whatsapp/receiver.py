"""The door for webhook bodies, before Flask: what Flask does for a page costs more than the disk does here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from hotel_agent import metrics, tracing
from hotel_agent.channels.whatsapp.signature import matching_secret

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST_BODY = 3 * 1024 * 1024
PIECE = 256 * 1024
ENDPOINT = "whatsapp.receive"


class Secrets(Protocol):
    def __call__(self, *, new: bool) -> Iterable[tuple[str, str]]: ...


class Receiver:
    """Answers POSTs to `path` itself and passes everything else on.

    200 means that `keep` has stored the body and said so; everything else makes Meta deliver it again or never.
    Nothing is parsed here. `secrets` gives (fingerprint, secret) pairs; before a body is refused it is asked for
    what is `new`. Bodies of `most_bytes` together are in hand at most; what comes on top is turned away unread.
    """

    def __init__(
        self,
        app: WSGIApplication,
        path: str,
        secrets: Secrets,
        keep: Callable[[bytes, str], bool],
        kept: Callable[[], object],
        most_bytes: int,
    ) -> None:
        self._app = app
        self._path = path
        self._secrets = secrets
        self._keep = keep
        self._kept = kept
        self.most_bytes = most_bytes
        self.bytes_in_hand = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ.get("PATH_INFO") != self._path:
            return self._app(environ, start_response)
        began = perf_counter()
        held = _Held(self)
        try:
            status, outcome = self._receive(environ, held)
        except TooMuchInHand:
            metrics.requests_shed.labels("bytes").inc()
            status, outcome = HTTPStatus.SERVICE_UNAVAILABLE, "shed"
        finally:
            self.bytes_in_hand -= held.size
        tracing.note(method="POST", endpoint=ENDPOINT, outcome=outcome)
        metrics.webhook_bodies.labels(outcome).inc()
        metrics.http_requests.labels("POST", ENDPOINT, str(status.value)).inc()
        metrics.http_request_seconds.labels("POST", ENDPOINT, str(status.value)).observe(perf_counter() - began)
        headers = [("Content-Type", "text/plain"), ("Content-Length", "0"), ("X-Content-Type-Options", "nosniff")]
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(("Retry-After", "5"))
        start_response(f"{status.value} {status.phrase}", headers)
        return []

    def _receive(self, environ: WSGIEnvironment, held: _Held) -> tuple[HTTPStatus, str]:
        body = _body(environ, held)
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


class TooMuchInHand(Exception):
    """The bodies in this process's memory have no room for more."""


class _Held:
    """What one request has in memory: counted as it comes, since what it says of itself costs whoever lies nothing."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.size = 0

    def read(self, stream: Any, most: int) -> bytes:
        """So many bytes, or those that there are. Raises TooMuchInHand."""
        pieces: list[bytes] = []
        while self.size < most:
            wanted = min(PIECE, most - self.size)
            if self._receiver.bytes_in_hand + wanted > self._receiver.most_bytes:
                raise TooMuchInHand
            piece = stream.read(wanted)
            if not piece:
                break
            pieces.append(piece)
            self.size += len(piece)
            self._receiver.bytes_in_hand += len(piece)
        return b"".join(pieces)


def _body(environ: WSGIEnvironment, held: _Held) -> bytes | None:
    """The whole body, of known length or in chunks; None when it is larger than Meta's ever are."""
    stream = environ["wsgi.input"]
    given = environ.get("CONTENT_LENGTH") or ""
    if not given.isdigit():
        body = held.read(stream, LARGEST_BODY + 1) if environ.get("wsgi.input_terminated") else b""
        return body if len(body) <= LARGEST_BODY else None
    if int(given) > LARGEST_BODY:
        return None
    return held.read(stream, int(given))
