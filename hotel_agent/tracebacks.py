"""Tracebacks without the messages of exceptions, which may quote what a guest wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from traceback import format_tb

BEGINS = "Traceback (most recent call last):"
JOINS = ("During handling of the above exception", "The above exception was the direct cause")
CLASS = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)(?::|$)")
# What RQ writes itself when a worker vanished.
ABANDONED = re.compile(r"due to (\w+Error)\b")
UNKNOWN = "unknown"


def of(error: BaseException) -> str:
    """As Python writes it, with what led to it, but of the exceptions their classes alone: what they say is not read,
    as it may look like a traceback itself."""
    pieces: list[str] = []
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        pieces.append("".join([f"{BEGINS}\n", *format_tb(now.__traceback__), _name(type(now))]))
        before = now.__context__ if now.__cause__ is None and not now.__suppress_context__ else now.__cause__
        if before is not None and id(before) not in seen:
            pieces.append(JOINS[now.__cause__ is not None])
        now = before
    return "\n".join(reversed(pieces))


def _name(kind: type[BaseException]) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def error_type(trace: str | None) -> str:
    """The class of the exception that ended a job, without its module."""
    found = [name for kind, name in _pieces(trace or "") if kind == "class"]
    if found:
        return found[-1].rpartition(".")[2]
    abandoned = ABANDONED.search(trace.partition("\n")[0]) if trace else None
    return abandoned[1] if abandoned else UNKNOWN


def without_words(trace: str | None) -> str:
    """The same traceback: where it happened and of which class, but nothing that the exceptions say."""
    lines = [line for _, line in _pieces(trace or "")]
    return "\n".join(lines) if lines else error_type(trace)


def _pieces(trace: str) -> Iterator[tuple[str, str]]:
    """(kind, text): after the frames comes one line with the class; what follows it is the message."""
    in_frames, may_begin = False, True
    for line in trace.splitlines():
        if line == BEGINS and may_begin:
            in_frames, may_begin = True, False
            yield "frame", line
        elif in_frames and line.startswith(" "):
            yield "frame", line
        elif in_frames:
            in_frames = False
            found = CLASS.match(line)
            yield "class", found[1] if found else UNKNOWN
        elif line.startswith(JOINS):
            may_begin = True
            yield "frame", line.partition(",")[0]
