"""The one door to the Graph API: says plainly whether a message was sent, was not, or nobody knows; and fetches files.

The send call has no idempotency key, so "nobody knows" must never be taken for "not sent". Exceptions name
codes, never a token or words of a guest.
"""

import email.utils
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from hotel_agent import faults, tracing
from hotel_agent.channels.whatsapp.cards import mask_cards
from hotel_agent.channels.whatsapp.errors import ErrorClass, classify
from hotel_agent.channels.whatsapp.json_body import read_json
from hotel_agent.faults import http

CONNECT_SECONDS = 3.0
# No connection is used twice: an answer that comes twice would be taken for that of the next question, a wamid or a
# file for another guest's.
_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=0)
LARGEST_ANSWER = 1_000_000
LARGEST_CODE = 999_999  # Rows and figures keep them; a larger number is none of Meta's codes, but may be a phone.
MOST_REDIRECTS = 3
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Where Meta keeps files. Only names: no address, private or not, is among them, and https proves who answers.
_METAS_DOMAINS = ("facebook.com", "fbcdn.net", "fbsbx.com", "whatsapp.com", "whatsapp.net")


class SendTrouble(Exception):
    """Any way in which a call may fail to be a plain yes."""


class NotSent(SendTrouble):
    """The request cannot have reached Meta, or only asked for something: try again later."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutcomeUnknown(SendTrouble):
    """The request may have been carried out: do not send it again before a status or a person settles it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(SendTrouble):
    """Meta said no; `error_class` says what to do. `title` and `details` are Meta's words, cards masked."""

    def __init__(
        self,
        error_class: ErrorClass,
        code: int | None,
        http_status: int,
        title: str = "",
        details: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{error_class} (code {code}, HTTP {http_status})")
        self.error_class = error_class
        self.code = code
        self.http_status = http_status
        self.title = title
        self.details = details
        self.retry_after = retry_after


class TooLarge(SendTrouble):
    """The file is larger than whoever asked for it wants."""


class ForeignAddress(SendTrouble):
    """The file is said to be at a place that must not see the token."""


@dataclass(frozen=True)
class Accepted:
    """Meta took the message; statuses tell whether it arrives. `input` is the number or id as we wrote it."""

    wamid: str
    input: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    message_status: str | None = None


@dataclass(frozen=True)
class MediaPlace:
    """Where a file can be had for some minutes, and Meta's word on it. `sha256` is hexadecimal or base64."""

    url: str
    mime_type: str
    sha256: str | None
    size: int | None


class GraphClient:
    """One for a process, safe to share between threads.

    `timeout` is for a whole call, `download_timeout` for a whole file.
    """

    def __init__(self, base_url: str, timeout: float = 10.0, download_timeout: float = 20.0) -> None:
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._download_timeout = download_timeout
        self._http = httpx.Client(
            follow_redirects=False,
            # A proxy of the environment leads outside, where a Graph stand-in on this machine is not.
            trust_env=httpx.URL(self._base).host not in _LOOPBACK,
            limits=_LIMITS,
            transport=http.transport("graph", httpx.HTTPTransport(limits=_LIMITS)) if faults.at("graph") else None,
        )

    def __enter__(self) -> "GraphClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, phone_number_id: str, token: str, body: dict[str, Any]) -> Accepted:
        """Send what `limits.to_graph` made. Raises NotSent, Refused or OutcomeUnknown."""
        answer = self._post(phone_number_id, token, body)
        told = _object(answer)
        message = _object(_first(told.get("messages")))
        contact = _object(_first(told.get("contacts")))
        wamid = _text(message.get("id"))
        if wamid is None:
            raise OutcomeUnknown("the answer names no message")
        return Accepted(
            wamid=wamid,
            input=_text(contact.get("input")),
            wa_id=_text(contact.get("wa_id")),
            user_id=_text(contact.get("user_id")),
            message_status=_text(message.get("message_status")),
        )

    def mark_read(self, phone_number_id: str, token: str, wamid: str, typing: bool = False) -> None:
        """Show blue ticks, and "typing…" for at most 25 seconds. Safe to repeat; raises as `send` does."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        if typing:
            body["typing_indicator"] = {"type": "text"}
        self._post(phone_number_id, token, body)

    def media(self, media_id: str, token: str) -> MediaPlace:
        """Where the file is that a guest sent. Safe to repeat; raises NotSent or Refused."""
        call = _Call(self._timeout)
        with self._asked(call, f"{self._base}/{quote(media_id, safe='')}", token) as response:
            told = _object(_read(response, call))
            if not response.is_success:
                raise _refusal(response.status_code, response.headers, told, token)
        url = _text(told.get("url"))
        if url is None:
            raise NotSent("the answer names no address")
        return MediaPlace(
            url=url,
            mime_type=_text(told.get("mime_type")) or "",
            sha256=_text(told.get("sha256")),
            size=_whole(told.get("file_size")),
        )

    def download(self, url: str, token: str, most: int) -> bytes:
        """The file at the place that `media` told. Raises NotSent, Refused, TooLarge or ForeignAddress.

        Each address is looked at before it sees the token, that of a redirect like the first.
        """
        call = _Call(self._download_timeout)
        for _ in range(1 + MOST_REDIRECTS):
            self._only_to_meta(url)
            with self._asked(call, url, token) as response:
                if response.is_success:
                    return _file(response, call, most)
                if not response.has_redirect_location:
                    raise _refusal(response.status_code, response.headers, _read(response, call), token)
                url = _joined(url, response.headers["Location"])
        raise NotSent("too many redirects")

    def _only_to_meta(self, url: str) -> None:
        """Meta's own domains over https, or the host that is asked anyway. Raises ForeignAddress."""
        try:
            there, base = httpx.URL(url), httpx.URL(self._base)
        except httpx.InvalidURL:
            raise ForeignAddress from None
        local = there.host in _LOOPBACK and base.host in _LOOPBACK
        if (there.host == base.host or local) and there.scheme == base.scheme and not there.userinfo:
            return
        metas = any(f".{there.host}".endswith(f".{domain}") for domain in _METAS_DOMAINS)
        if not metas or there.scheme != "https" or there.port not in (None, 443) or there.userinfo:
            raise ForeignAddress

    @contextmanager
    def _asked(self, call: "_Call", url: str, token: str) -> Iterator[httpx.Response]:
        """The answer to a question, still open. Raises NotSent for whatever happens to the network meanwhile."""
        with tracing.span("graph", method="GET") as told, self._open(call, url, token) as response:
            told.set(status=response.status_code)
            yield response

    @contextmanager
    def _open(self, call: "_Call", url: str, token: str) -> Iterator[httpx.Response]:
        _refuse_malformed(token)
        try:
            response = self._http.send(self._request(call, "GET", url, token), stream=True)
            try:
                yield response
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotSent(type(error).__name__) from None

    def _post(self, phone_number_id: str, token: str, body: dict[str, Any]) -> Any:
        """The JSON of a 2xx answer, or None if it has none."""
        _refuse_malformed(token)
        call = _Call(self._timeout)
        with tracing.span("graph", method="POST", kind=str(body.get("status") or body.get("type"))) as told:
            try:
                status, headers, content = self._exchange(call, phone_number_id, token, body)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                reason = type(error).__name__
                told.set(error=reason)
                trouble = OutcomeUnknown(reason) if call.sending else NotSent(reason)
                raise trouble from None
            told.set(status=status)
        if 200 <= status < 300:
            return content
        raise _refusal(status, headers, content, token)

    def _exchange(
        self, call: "_Call", phone_number_id: str, token: str, body: dict[str, Any]
    ) -> tuple[int, httpx.Headers, Any]:
        url = f"{self._base}/{quote(phone_number_id, safe='')}/messages"
        content = json.dumps(body, separators=(",", ":")).encode("ascii")
        response = self._http.send(self._request(call, "POST", url, token, content), stream=True)
        try:
            return response.status_code, response.headers, _read(response, call)
        finally:
            response.close()

    def _request(self, call: "_Call", method: str, url: str, token: str, content: bytes | None = None) -> httpx.Request:
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._http.build_request(
            method,
            url,
            content=content,
            headers=headers,
            extensions={"trace": call.follow, "timeout": call.timeouts},
        )


def _refuse_malformed(token: str) -> None:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Refused(ErrorClass.AUTH, None, 0, "The access token is missing or malformed")


class _Call:
    """The clock of one call, and whether any of it may have reached the other side.

    httpx times each step by itself; the limits of the steps to come are lowered to what is left of the whole.
    """

    def __init__(self, seconds: float) -> None:
        self.sending = False
        self._deadline = time.monotonic() + seconds
        short = min(CONNECT_SECONDS, seconds)
        self.timeouts = {"connect": short, "pool": short, "write": seconds, "read": seconds}

    def follow(self, event: str, _: dict[str, Any]) -> None:
        """What httpcore calls at each step of the request."""
        if event.endswith("send_request_headers.started"):
            self.sending = True
        left = max(self._deadline - time.monotonic(), 0.001)
        for step, limit in self.timeouts.items():
            self.timeouts[step] = min(limit, left)

    @property
    def overdue(self) -> bool:
        return time.monotonic() > self._deadline


def _read(response: httpx.Response, call: _Call) -> Any:
    """The answer's JSON, or None. When Meta said no, a broken answer changes nothing."""
    content = b""
    try:
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > LARGEST_ANSWER:
                return None
            if call.overdue:
                raise httpx.ReadTimeout("the answer took too long")
        return read_json(content)
    except ValueError:
        return None
    except httpx.HTTPError:
        if response.is_success:
            raise
        return None


def _file(response: httpx.Response, call: _Call, most: int) -> bytes:
    """The bytes as they come, until they are too many or take too long."""
    if (_whole(response.headers.get("Content-Length")) or 0) > most:
        raise TooLarge
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > most:
            raise TooLarge
        if call.overdue:
            raise httpx.ReadTimeout("the file took too long")
    return bytes(content)


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except httpx.InvalidURL:
        raise ForeignAddress from None


def _refusal(status: int, headers: httpx.Headers, content: Any, token: str) -> Refused:
    error = _object(_object(content).get("error"))
    code = error.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) and 0 <= code <= LARGEST_CODE else None
    title = _text(error.get("message")) or _text(error.get("title")) or ""
    details = _text(_object(error.get("error_data")).get("details")) or ""
    return Refused(
        classify(status, code),
        code,
        status,
        _harmless(title, token),
        _harmless(details, token),
        _seconds(headers.get("Retry-After")),
    )


def _harmless(words: str, token: str) -> str:
    return mask_cards(words.replace(token, "[token]"))[:1000]


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After is a number of seconds or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal() and len(retry_after) < 10:
        return float(retry_after)
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _whole(value: Any) -> int | None:
    """Meta writes sizes as numbers on some pages and as words on others."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
