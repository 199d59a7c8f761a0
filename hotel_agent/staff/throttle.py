"""Failures to sign in are counted, in Valkey; too many of them make whoever tries wait.

An attempt is counted before the password is looked at, so that many at once gain nothing, and taken off again
when it was right. While Valkey is away each process counts for itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from time import time
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage

from hotel_agent import metrics
from hotel_agent.config import settings
from hotel_agent.logs import get_logger
from hotel_agent.redis import RedisError, quick_redis

Result = TypeVar("Result")
Counter = tuple[RateLimitItem, tuple[str, ...]]

HERE = (RateLimitItemPerMinute(5, 5), RateLimitItemPerDay(30))  # One account from one address: 5 in 5 minutes.
ACCOUNT = (RateLimitItemPerDay(100),)  # One account from all addresses together (NIST SP 800-63B-4, 3.2.2).
ADDRESS = (RateLimitItemPerHour(100),)  # One address, behind which a whole hotel may sit.
KNOWN_SECONDS = 30 * 24 * 3600

log = get_logger(__name__)


class TooManyFailures(Exception):
    """Nothing was looked at. Try again in so many `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed attempts. Try again in {in_words(seconds)}.")
        self.seconds = seconds


def in_words(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    if minutes >= 120:
        return f"{ceil(minutes / 60)} hours"
    return f"{minutes} minutes" if minutes > 1 else "1 minute"


@dataclass(frozen=True)
class Attempt:
    """One try to prove something: `what` is password or code."""

    what: str
    account: str
    address: str

    def succeeded(self) -> None:
        """It was no failure, and this address is one that the account's owner uses."""
        for item, names in self._counters():
            if names == self._here:
                _clear(item, names)
            else:
                _add(item, names, -1)
        _in_storage(lambda storage: storage.incr(self._known, KNOWN_SECONDS))

    @property
    def _here(self) -> tuple[str, ...]:
        return (self.what, "here", self.account, self.address)

    @property
    def _known(self) -> str:
        """Who has the password is no stranger at the password, but still one at the code."""
        return f"known:{self.what}:{self.account}:{self.address}"

    def _counters(self) -> list[Counter]:
        """From the narrowest to the widest. Strangers cannot shut somebody out of an address that they know."""
        counters: list[Counter] = [(item, self._here) for item in HERE]
        if not _in_storage(lambda storage: storage.get(self._known)):
            counters += [(item, (self.what, "account", self.account)) for item in ACCOUNT]
        return counters + [(item, (self.what, "address", self.address)) for item in ADDRESS]


def attempt(what: str, email: str, address: str | None) -> Attempt:
    """Count an attempt. Raises TooManyFailures."""
    account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:24]
    tried = Attempt(what, account, neighbourhood(address or ""))
    counted: list[Counter] = []
    for item, names in tried._counters():
        counted.append((item, names))
        if _add(item, names, 1) > item.amount:
            log.warning("sign_in_throttled", what=what, bound=names[1])
            metrics.sign_ins.labels("throttled").inc()
            for each in counted:
                _add(*each, -1)
            raise TooManyFailures(_wait(item, names))
    return tried


def neighbourhood(address: str) -> str:
    """One subscriber has a whole /64 of IPv6."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False).network_address)
    return str(known)


def _add(item: RateLimitItem, names: tuple[str, ...], amount: int) -> int:
    return _in_storage(lambda storage: storage.incr(item.key_for(*names), item.get_expiry(), amount))


def _clear(item: RateLimitItem, names: tuple[str, ...]) -> None:
    _in_storage(lambda storage: storage.clear(item.key_for(*names)))


def _wait(item: RateLimitItem, names: tuple[str, ...]) -> int:
    until = _in_storage(lambda storage: storage.get_expiry(item.key_for(*names)))
    return max(1, ceil(until - time()))


def _in_storage(do: Callable[[RedisStorage | MemoryStorage], Result]) -> Result:
    try:
        return do(_shared(settings().redis_url))
    except RedisError as error:
        log.warning("throttle_counts_alone", error=type(error).__name__)
        return do(_own())


@lru_cache
def _shared(url: str) -> RedisStorage:
    return RedisStorage(url, connection_pool=quick_redis().connection_pool)


@lru_cache
def _own() -> MemoryStorage:
    return MemoryStorage()
