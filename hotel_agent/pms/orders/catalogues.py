"""Kinds of room, and what else hardly changes, as a system has told them; kept in the process for a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

SECONDS = 60.0

Kinds = TypeVar("Kinds", bound=tuple[Any, ...])


def kept(key: Hashable, read: Callable[[], Kinds]) -> Kinds:
    """What was told of `key` within the last minute, else what `read` tells now; nothing at all is not kept."""
    found: Kinds | None = _catalogues().get(key)
    if found is None:
        found = read()
        _catalogues().put(key, found)
    return found


def forget() -> None:
    """Ask anew."""
    _catalogues.cache_clear()


class _Catalogues:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable) -> Any:
        with self._lock:
            at, kinds = self._kept.get(key, (-SECONDS, ()))
        return kinds if time.monotonic() - at < SECONDS and kinds else None

    def put(self, key: Hashable, kinds: tuple[Any, ...]) -> None:
        with self._lock:
            self._kept[key] = (time.monotonic(), kinds)


@lru_cache
def _catalogues() -> _Catalogues:
    return _Catalogues()
