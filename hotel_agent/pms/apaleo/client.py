"""The wire to Apaleo: says plainly whether something was answered, was not done, or nobody knows.

A client is known by its id and secret (OAuth 2, client credentials) and asks with a token that is good for an hour or
so. Nothing there is 204; what breaks a rule is 422 and says so in words; who asks too often hears 429 and for how long
to wait.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx

from hotel_agent.logs import get_logger
from hotel_agent.pms import limits
from hotel_agent.pms.contract import OutcomeUnknown, PmsUnavailable
from hotel_agent.pms.limits import AskAgain
from hotel_agent.pms.orders.system import Refused
from hotel_agent.pms.wire import LATER, Answer, asking, exchange, read_json, write_json, writing

log = get_logger(__name__)

READ_SECONDS = 5.0
WRITE_SECONDS = 12.0
READ_ATTEMPTS = 2
PAUSE_SECONDS = 0.1
EARLY_SECONDS = 60.0  # A token is not used in its last minute.
PAGE = 200
MOST_PAGES = 50
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Credentials:
    """Of one client, and where they are good for a token."""

    url: str
    id: str
    secret: str


class Client:
    """One account's API. `base` is without a slash at its end."""

    def __init__(self, base: str, credentials: Credentials) -> None:
        self.base = base.rstrip("/")
        self.credentials = credentials

    def read(self, path: str, **query: object) -> Any:
        """What is there as JSON, money as Decimal; None where there is nothing. Lists go with commas.

        Raises PmsUnavailable. What is asked wrongly is too: it will be right when somebody has mended it.
        """
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return _meaning(self._asked(path, _worded(query)))
            except (_Garbled, AskAgain) as trouble:
                if attempt == READ_ATTEMPTS or (isinstance(trouble, AskAgain) and limits.is_asked_again()):
                    raise
            time.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

    def pages(self, path: str, name: str, **query: object) -> Iterator[Mapping[str, Any]]:
        """Every row of a list. Raises PmsUnavailable when there is no end of them."""
        for number in range(1, MOST_PAGES + 1):
            rows = self.page(path, name, number, size=PAGE, **query)
            yield from rows
            if len(rows) < PAGE:
                return
        raise PmsUnavailable(f"Apaleo lists {name} without an end")

    def page(self, path: str, name: str, number: int, *, size: int = PAGE, **query: object) -> list[Mapping[str, Any]]:
        """One page of them, counted from 1. A name that is a word of Python's has a line at its end."""
        said = self.read(path, pageNumber=number, pageSize=size, **query)
        return rows_of(said, name)

    def write(self, method: str, path: str, body: Any = None, *, key: str = "", says: bool = False) -> Any:
        """The JSON of a clean answer, where it `says` something. The same `key` creates once.

        Raises Refused, OutcomeUnknown, or PmsUnavailable where nothing was done.
        """
        sent = None if body is None else write_json(body)
        headers = {"Idempotency-Key": key} if key else {}

        def ask(token: str) -> Answer:
            with writing():
                seconds = limits.may_request(WRITE_SECONDS, writes=True)
                return self._exchange(method, path, token, seconds, body=sent, headers=headers)

        return _outcome(self._let_in(ask), says)

    def _asked(self, path: str, query: Mapping[str, str]) -> Answer:
        def ask(token: str) -> Answer:
            with asking():
                return self._exchange("GET", path, token, limits.may_request(READ_SECONDS), query=query)

        return self._let_in(ask)

    def _let_in(self, ask: Callable[[str], Answer]) -> Answer:
        """With a token; one that is refused may have been taken back before its time, and nothing was done with it."""
        answer = ask(_tokens().token(self.credentials))
        if answer.status != 401:
            return answer
        _tokens().forget(self.credentials)
        return ask(_tokens().token(self.credentials))

    def _exchange(
        self,
        method: str,
        path: str,
        token: str,
        seconds: float,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return exchange(
            method,
            f"{self.base}/{path}",
            seconds,
            query=query,
            body=body,
            content_type="application/json" if body is not None else None,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json", **(headers or {})},
        )


def rows_of(said: Any, name: str) -> list[Mapping[str, Any]]:
    """The list of an answer, of which nothing is none. Raises PmsUnavailable."""
    if said is None:
        return []
    rows = said.get(name) if isinstance(said, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PmsUnavailable(f"Apaleo answers without {name}")
    return rows


def _worded(query: Mapping[str, object]) -> dict[str, str]:
    return {name.rstrip("_"): words for name, value in query.items() if (words := _words_of(value))}


def _words_of(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


class _Garbled(PmsUnavailable):
    """An answer that tells nothing."""


def _meaning(answer: Answer) -> Any:
    """What a question was answered."""
    if answer.status == 204 or (answer.status == 404 and not _messages(answer)):
        return None
    if answer.status in LATER:
        raise AskAgain(f"Apaleo answers {answer.status}", answer.wait)
    if answer.status in (401, 403):
        log.error("pms_refuses_us", status=answer.status)
        raise PmsUnavailable(f"Apaleo refuses the client or the scope ({answer.status})")
    if 300 <= answer.status < 500:
        raise PmsUnavailable(f"Apaleo answers {answer.status}")
    if answer.status != 200:
        raise _Garbled(f"Apaleo answers {answer.status}")
    try:
        said = read_json(answer.body)
    except ValueError:
        raise _Garbled("Apaleo answers something that is no JSON") from None
    if not isinstance(said, dict):
        raise _Garbled("Apaleo answers something else than an object")
    return said


def _outcome(answer: Answer, says: bool) -> Any:
    """What became of a write."""
    if answer.status in (401, 403):
        log.error("pms_refuses_us", status=answer.status)
        raise PmsUnavailable(f"Apaleo refuses the client or the scope ({answer.status})")
    if answer.status == 429 or 300 <= answer.status < 400:
        raise PmsUnavailable(f"Apaleo answers {answer.status}")
    messages = _messages(answer)
    if 400 <= answer.status < 500 and (messages or answer.status == 404):
        raise Refused(messages or "it is not there")
    if not says and answer.status == 204:
        return None
    if answer.status in (200, 201):
        try:
            said = read_json(answer.body)
        except ValueError:
            said = None
        if isinstance(said, dict) and said:
            return said
    raise OutcomeUnknown(f"an answer of {answer.status} that does not tell")


def _messages(answer: Answer) -> str:
    try:
        said = read_json(answer.body)
    except ValueError:
        return ""
    messages = said.get("messages") if isinstance(said, dict) else None
    return " ".join(map(str, messages))[:300] if isinstance(messages, list) else ""


# Tokens


class _Tokens:
    """Those that are out, by whose they are; one is asked for at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Credentials, tuple[float, str]] = {}

    def token(self, credentials: Credentials) -> str:
        """Raises PmsUnavailable."""
        with self._lock:
            until, token = self._kept.get(credentials, (0.0, ""))
            if time.monotonic() >= until:
                token, seconds = _token(credentials)
                # One that lives less than that is asked for each time.
                self._kept[credentials] = (time.monotonic() + seconds - EARLY_SECONDS, token)
            return token

    def forget(self, credentials: Credentials) -> None:
        with self._lock:
            self._kept.pop(credentials, None)


@lru_cache
def _tokens() -> _Tokens:
    return _Tokens()


def forget_tokens() -> None:
    _tokens.cache_clear()


def _token(credentials: Credentials) -> tuple[str, float]:
    """A new one, and for how many seconds it is good. Nothing else has been asked yet, so any trouble is only that."""
    body = urlencode({"grant_type": "client_credentials"}).encode()
    auth = httpx.BasicAuth(credentials.id, credentials.secret)
    with asking():
        seconds = limits.may_request(READ_SECONDS)
        answer = exchange("POST", credentials.url, seconds, body=body, content_type=_FORM, auth=auth)
    if answer.status in LATER:
        raise AskAgain(f"Apaleo's identity server answers {answer.status}", answer.wait)
    if answer.status != 200:
        log.error("pms_refuses_us", status=answer.status)
        raise PmsUnavailable(f"Apaleo's identity server answers {answer.status}")
    try:
        said = read_json(answer.body)
        return str(said["access_token"]), float(said["expires_in"])
    except (ValueError, KeyError, TypeError):
        raise PmsUnavailable("Apaleo's identity server gives no token") from None
