"""The wire to a QloApps web service: says plainly whether something was answered, was not done, or nobody knows.

PHP notices turn the answer of a write that was done into a 500, or into text that is no JSON. So of a write only a
clean answer is believed; everything else is `OutcomeUnknown`, and whoever asked looks it up.
"""

from __future__ import annotations

import random
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

import httpx

from hotel_agent.hotels.credentials import fingerprint
from hotel_agent.logs import get_logger
from hotel_agent.pms import limits
from hotel_agent.pms.contract import OutcomeUnknown, PmsUnavailable
from hotel_agent.pms.limits import AskAgain
from hotel_agent.pms.orders.system import Refused
from hotel_agent.pms.wire import LATER, Answer, asking, exchange, read_json, writing

log = get_logger(__name__)

READ_SECONDS = 5.0
WRITE_SECONDS = 12.0  # Two to six tenths of a second are usual; whoever gives up early does not know what happened.
READ_ATTEMPTS = 2
PAUSE_SECONDS = 0.1
_NOTHING_DONE = (401, 403, 405, 429)
_DISABLED = 22  # QloApps' own code of "the web service is disabled".

ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


class Client:
    """One hotel's web service. `base` ends in /api; `key` is the user name of Basic authentication."""

    def __init__(
        self, base: str, key: str, read_seconds: float | None = None, write_seconds: float | None = None
    ) -> None:
        self._base = api_of(base)
        self._auth = httpx.BasicAuth(key, "")
        # Whose answers these are: what one key was told another has to ask for itself.
        self.account = (self._base, fingerprint(f"pms_key:{key}"))
        self._read_seconds = read_seconds or READ_SECONDS
        self._write_seconds = write_seconds or WRITE_SECONDS

    def read(self, path: str, **query: str) -> Any:
        """What is there as JSON, money as Decimal; None where there is nothing. Raises PmsUnavailable."""
        return self._reading("GET", path, query, None)

    def ask(self, path: str, body: str) -> Any:
        """As `read`, for a question that is asked by POST and changes nothing."""
        return self._reading("POST", path, {}, body.encode())

    def read_xml(self, path: str) -> ET.Element:
        """One resource whole, to be sent back with changes. Raises PmsUnavailable."""
        answer = self._asked("GET", path, {}, None)
        if answer.status in LATER:
            raise AskAgain(f"QloApps answers {answer.status}", answer.wait)
        if answer.status != 200:
            raise PmsUnavailable(f"QloApps answers {answer.status}")
        try:
            return safe_xml(answer.body)
        except ValueError as error:
            raise PmsUnavailable(f"QloApps answers {error}") from None

    def write(self, method: str, path: str, body: bytes, content_type: str) -> Any:
        """The JSON of a clean answer. Raises Refused, OutcomeUnknown, or PmsUnavailable where nothing was done."""
        with writing():
            seconds = limits.may_request(self._write_seconds, writes=True)
            answer = self._exchange(method, path, {"output_format": "JSON"}, body, seconds, content_type=content_type)
        return _outcome(answer)

    def _reading(self, method: str, path: str, query: Mapping[str, str], body: bytes | None) -> Any:
        """Asked again when the answer made no sense, and in mid-write, which the door does not repeat, also when there
        was none; whoever takes long is not waited for twice."""
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                return _meaning(self._asked(method, path, {"output_format": "JSON", **query}, body))
            except (_Garbled, AskAgain) as trouble:
                if attempt == READ_ATTEMPTS or isinstance(trouble, AskAgain) and limits.is_asked_again():
                    raise
            time.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

    def _asked(self, method: str, path: str, query: Mapping[str, str], body: bytes | None) -> Answer:
        with asking():
            return self._exchange(method, path, query, body, limits.may_request(self._read_seconds))

    def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None,
        seconds: float,
        content_type: str = "text/xml",
    ) -> Answer:
        return exchange(
            method,
            f"{self._base}/{path}",
            seconds,
            query=query,
            body=body,
            content_type=content_type if body is not None else None,
            auth=self._auth,
        )


class _Garbled(PmsUnavailable):
    """An answer that tells nothing."""


def _meaning(answer: Answer) -> Any:
    """What a question was answered. Raises PmsUnavailable where asking again would not help at once."""
    if answer.status == 404 and not answer.body.strip():
        return None
    if answer.status in LATER:
        raise AskAgain(f"QloApps answers {answer.status}", answer.wait)
    if answer.status in _NOTHING_DONE:
        log.error("pms_refuses_us", status=answer.status)
        raise PmsUnavailable(f"QloApps refuses the key or the permission ({answer.status})")
    if 300 <= answer.status < 500:
        raise PmsUnavailable(f"QloApps answers {answer.status}")
    if answer.status != 200:
        raise _Garbled(f"QloApps answers {answer.status}")
    try:
        said = read_json(answer.body)
    except ValueError:
        raise _Garbled("QloApps answers something that is no JSON") from None
    if isinstance(said, dict) and "errors" in said:
        raise _Garbled("QloApps answers with errors")
    return said


def _outcome(answer: Answer) -> Any:
    """What became of a write."""
    words, codes = _words(answer), _codes(answer)
    if answer.status in _NOTHING_DONE or codes == {_DISABLED}:
        log.error("pms_refuses_us", status=answer.status)
        raise PmsUnavailable(f"QloApps refuses the key or the permission ({answer.status})")
    if 300 <= answer.status < 400:
        raise PmsUnavailable(f"QloApps leads elsewhere ({answer.status})")
    if 400 <= answer.status < 500 and codes:
        raise Refused(words)
    if answer.status in (200, 201):
        try:
            said = read_json(answer.body)
        except ValueError:
            said = None
        if isinstance(said, dict) and said and "errors" not in said:
            return said
    raise OutcomeUnknown(f"an answer of {answer.status} that does not tell")


def _errors(answer: Answer) -> list[dict[str, Any]]:
    try:
        said = read_json(answer.body)
    except ValueError:
        return []
    errors = said.get("errors") if isinstance(said, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _words(answer: Answer) -> str:
    """What it says last: PHP's warnings come first."""
    errors = _errors(answer)
    return str(errors[-1].get("message", ""))[:300] if errors else ""


def _codes(answer: Answer) -> set[Any]:
    return {error.get("code") for error in _errors(answer)}


def safe_xml(body: bytes) -> ET.Element:
    """Raises ValueError, also for a document that declares entities or a type."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\x00" in body:
        raise ValueError("XML that declares what we do not expand")
    try:
        return ET.fromstring(body)  # noqa: S314  Entities are refused above.
    except ET.ParseError:
        raise ValueError("something that is no XML") from None


def changed_xml(document: ET.Element, changes: Mapping[str, str]) -> bytes:
    """The document of one resource with other values in these of its fields. Raises ValueError without such a field."""
    for name, value in changes.items():
        field = document.find(f"./*/{name}")
        if field is None:
            raise ValueError(f"there is no field {name}")
        field.text = value
    whole: bytes = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    return whole


def api_of(address: str) -> str:
    """The base of the web service, whether or not the address names it."""
    base = address.rstrip("/")
    return base if base.endswith("/api") else f"{base}/api"
