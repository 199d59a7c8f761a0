"""What tools have returned while an answer is made: nothing else may be told to a guest as a fact.

Whoever asks the outside, or computes a figure from what it said, puts the result here with `record`. Outside of
`recording` that does nothing, and every answer has a record of its own, also where several are made at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Result = TypeVar("Result")
Given = ParamSpec("Given")

_found: ContextVar[list[Any] | None] = ContextVar("evidence", default=None)


@contextmanager
def recording() -> Iterator[list[Any]]:
    """Everything that is recorded within, in order."""
    found: list[Any] = []
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


def record(result: Result) -> Result:
    """Write down what a tool returned; the result itself, to go on with."""
    found = _found.get()
    if found is not None and result is not None:
        found.append(result)
    return result


def recorded(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Of a verb that computes what guests are told: its results are written down."""

    @wraps(work)
    def and_record(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        return record(work(*args, **kwargs))

    return and_record
