"""Which hotels' systems keep whoever asks waiting these days, so that not every worker waits for the same one.

A hotel is slow for a while after a call that somebody waited for, or one request of any call, took long: what nobody
waits for, such as the mirror, may ask for much, but it too finds out how soon a request is answered. What is known is
in Valkey; while that is away nobody is slow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hotel_agent.pms import limits
from hotel_agent.redis import RedisError, spared

SLOW_SECONDS = 0.5
REMEMBERED_SECONDS = 600.0
KEY = "pms:slow"


@contextmanager
def a_call(hotel_id: int) -> Iterator[None]:
    """What is done within is one call to a hotel's system, with its turns and repetitions."""
    with _watched(None if limits.is_in_background() else hotel_id):
        yield


@contextmanager
def a_request() -> Iterator[None]:
    """What is done within is one request of the call under way."""
    with _watched(limits.hotel_asked()):
        yield


def slow_hotels() -> frozenset[int]:
    """The hotels (their ids) that were slow lately. A mark from beyond that time is of a clock that was put back."""
    now = time.time()
    try:
        told: Any = spared(lambda valkey: valkey.zrangebyscore(KEY, now - REMEMBERED_SECONDS, now))
    except RedisError:
        return frozenset()
    return frozenset(map(int, told))


@contextmanager
def _watched(hotel_id: int | None) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        if hotel_id is not None and time.monotonic() - began >= SLOW_SECONDS:
            _note(hotel_id)


def _note(hotel_id: int) -> None:
    now = time.time()
    with suppress(RedisError):
        spared(lambda valkey: valkey.zadd(KEY, {str(hotel_id): now}))
        spared(lambda valkey: valkey.zremrangebyscore(KEY, "-inf", now - REMEMBERED_SECONDS))
