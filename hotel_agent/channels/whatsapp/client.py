"""The one door to the Graph API: says plainly whether a message was sent, was not, or nobody knows.

The send call has no idempotency key, so "nobody knows" must never be taken for "not sent". Exceptions name
codes, never a token or words of a guest.
"""

import email.utils
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from hotel_agent.channels.whatsapp.cards import mask_cards
from hotel_agent.channels.whatsapp.errors import ErrorClass, classify
from hotel_agent.channels.whatsapp.json_body import read_json

CONNECT_SECONDS = 3.0
KEEPALIVE_SECONDS = 2.0  # A connection that the far end dropped meanwhile would make an outcome unknown.
LARGEST_ANSWER = 1_000_000
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SendTrouble(Exception):
    """Any way in which a call may fail to be a plain yes."""


class NotSent(SendTrouble):
    """The request cannot have reached Meta: try again later."""

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


@dataclass(frozen=True)
class Accepted:
    """Meta took the message; statuses tell whether it arrives. `input` is the number or id as we wrote it."""

    wamid: str
    input: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    message_status: str | None = None


class GraphClient:
    """Keeps connections; one for a process, safe to share between threads. `timeout` is for a whole call."""

    def __init__(self, base_url: str, timeout: float = 10.0) -> None:
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._http = httpx.Client(
            follow_redirects=False,
            # A proxy of the environment leads outside, where a Graph stand-in on this machine is not.
            trust_env=httpx.URL(self._base).host not in _LOOPBACK,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=KEEPALIVE_SECONDS),
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

    def _post(self, phone_number_id: str, token: str, body: dict[str, Any]) -> Any:
        """The JSON of a 2xx answer, or None if it has none."""
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise Refused(ErrorClass.AUTH, None, 0, "The access token is missing or malformed")
        call = _Call(self._timeout)
        try:
            status, headers, content = self._exchange(call, phone_number_id, token, body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = type(error).__name__
            trouble = OutcomeUnknown(reason) if call.sending else NotSent(reason)
            raise trouble from None
        if 200 <= status < 300:
            return content
        raise _refusal(status, headers, content, token)

    def _exchange(
        self, call: "_Call", phone_number_id: str, token: str, body: dict[str, Any]
    ) -> tuple[int, httpx.Headers, Any]:
        request = self._http.build_request(
            "POST",
            f"{self._base}/{quote(phone_number_id, safe='')}/messages",
            content=json.dumps(body, separators=(",", ":")).encode("ascii"),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
            extensions={"trace": call.follow, "timeout": call.timeouts},
        )
        response = self._http.send(request, stream=True)
        try:
            return response.status_code, response.headers, _read(response, call)
        finally:
            response.close()


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


def _refusal(status: int, headers: httpx.Headers, content: Any, token: str) -> Refused:
    error = _object(_object(content).get("error"))
    code = error.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
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
