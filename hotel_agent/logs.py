"""Structured logs: JSON or console lines with ids, never with guests' words nor secrets.

Our own lines give ids and names. What others say (libraries, exceptions, the database that quotes rows in its errors)
is told by where it happened and of which class; what looks like a secret is taken out of whatever is left.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from hotel_agent import tracebacks
from hotel_agent.config import Settings

HIDDEN = "[hidden]"
# Names that hold secrets, as they stand in addresses, headers and what libraries print.
_NAMED = re.compile(
    r"(?i)\b((?:[a-z0-9]+[_-])*(?:token|secret|password|passwd|api_?key|ws_key|access_?key|signature|proof))"
    r"(['\"]?\s*[=:]\s*)(?!['\"]?\[hidden\])(?:'[^']*'|\"[^\"]*\"|['\"]?[^\s&'\",;)}\]]+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)\s+[\w.~+/=-]{8,}")
_IN_ADDRESS = re.compile(r"(?<=://)[^\s/@]*@")
# Meta's access tokens begin so; ours of /api/auth/token are JWTs.
_SHAPED = re.compile(r"(?:(?<=%3D)|\b)EAA[A-Za-z0-9]{16,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w.-])(?:\+\d[\d ()-]{7,18}\d|\d{9,15})(?![\w.-])")
# The database tells in further lines which values it did not like, and on which statement and parameters.
_ROW = re.compile(r"(?s)\s*(?:\bDETAIL:|\bCONTEXT:|\bKey \(|\[SQL:|\[parameters:).*")
_SECRET_SETTINGS = re.compile(r"_(?:key|token|secret|password)$")
_KEPT_UNDER = re.compile(r"(?i)(?:access_?token|secret|password|api_?key|ws_key|authorization)$")
_SHORTEST_SECRET = 8

_secrets: tuple[str, ...] = ()

Event = MutableMapping[str, Any]


def configure(settings: Settings) -> None:
    """Send our own and the libraries' log lines to stderr in the chosen form."""
    global _secrets
    _secrets = _of(settings)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(lambda exc_info: tracebacks.of(exc_info[1])),
        _where_it_happened,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(default=_unknown)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    level = logging.getLevelName(settings.log_level.upper())
    structlog.configure(
        processors=[*shared, _without_secrets, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Written(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _of_a_library],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_secrets, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.captureWarnings(True)


def tell_of_ends() -> None:
    """From now on what ends this process or one of its threads is a line of the log as well."""
    sys.excepthook = _process_ended
    threading.excepthook = _thread_ended


def get_logger(name: str) -> structlog.BoundLogger:
    """A logger whose lines carry `source=name` and the correlation id bound by the edge."""
    return cast("structlog.BoundLogger", structlog.get_logger(source=name))


class _Written:
    """One line at a time; where nobody takes it, the work goes on without."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, *_given: Any) -> _Written:
        return self

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(f"{message}\n")
            self._stream.flush()

    log = debug = info = warn = warning = fatal = critical = failure = err = error = exception = msg


def _of(settings: Settings) -> tuple[str, ...]:
    """The secrets that this installation was given."""
    values = [value for name, value in settings if isinstance(value, str) and _SECRET_SETTINGS.search(name)]
    return tuple(value for value in values if len(value) >= _SHORTEST_SECRET)


def _where_it_happened(_logger: Any, _method: str, event: Event) -> Event:
    if "exception" in event:
        event["exception"] = tracebacks.without_words(event["exception"])
    return event


def _of_a_library(_logger: Any, _method: str, event: Event) -> Event:
    """What a library says may quote a person or the database's rows."""
    record: logging.LogRecord | None = event.get("_record")
    event["source"] = record.name if record else "unknown"
    said = str(event.get("event", ""))
    head, traceback, _ = said.partition("Traceback (most recent call last):")
    if traceback:
        event["exception"] = tracebacks.without_words(said[len(head) :])
    event["event"] = _PHONE.sub(HIDDEN, _MAIL.sub(HIDDEN, _ROW.sub("", head.strip())))
    return event


def _without_secrets(_logger: Any, _method: str, event: Event) -> Event:
    return cast("Event", _clean(event))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _without_secret(value)
    if isinstance(value, Mapping):
        return {name: HIDDEN if _is_secret(name, part) else _clean(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(part) for part in value]
    return value


def _is_secret(name: Any, value: Any) -> bool:
    return isinstance(value, str) and isinstance(name, str) and bool(_KEPT_UNDER.search(name))


def _without_secret(words: str) -> str:
    for secret in _secrets:
        words = words.replace(secret, HIDDEN)
    if len(words) < _SHORTEST_SECRET:
        return words
    words = _BEARER.sub(rf"\1 {HIDDEN}", words)
    words = _NAMED.sub(rf"\1\2{HIDDEN}", words)
    words = _IN_ADDRESS.sub(f"{HIDDEN}@", words)
    return _SHAPED.sub(HIDDEN, words)


def _unknown(value: Any) -> str:
    """Of what JSON has no word for: dates and numbers as they are written, of anything else its class alone."""
    return str(value) if type(value).__module__ in ("datetime", "decimal", "uuid") else type(value).__name__


def _process_ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    get_logger(__name__).critical("process_ended", error=kind.__name__, exc_info=(kind, error, trace))


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not issubclass(ended.exc_type, SystemExit):
        get_logger(__name__).critical(
            "thread_ended",
            thread=ended.thread.name if ended.thread else None,
            error=ended.exc_type.__name__,
            exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback),
        )
