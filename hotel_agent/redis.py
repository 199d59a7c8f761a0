"""Valkey or Redis: queues, nudges, caches. Whatever is in it may vanish at any moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from time import monotonic, perf_counter
from typing import Any, TypeVar

from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from hotel_agent import metrics, tracing
from hotel_agent.config import settings
from hotel_agent.faults import valkey
from hotel_agent.logs import get_logger

__all__ = ["RedisConnectionError", "RedisError", "redis", "spared"]

Result = TypeVar("Result")

WAITING = {"BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "XREAD", "XREADGROUP", "SUBSCRIBE"}
QUICK_SECONDS = 0.3
SPARED_SECONDS = 1.0
# Whoever can do without is not kept waiting again for so long after a failure.
AWAY_SECONDS = 5.0

log = get_logger(__name__)


class Timed(Redis):
    """Tells how long its commands take, but for those that wait for something to come."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if str(args[0]).upper() in WAITING:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        began = perf_counter()
        span = tracing.part("valkey", command=str(args[0])) if tracing.is_on() else None
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        finally:
            if span:
                span.end()
            metrics.valkey_command_seconds.observe(perf_counter() - began)


@lru_cache
def redis() -> Redis:
    """This process's client. It answers bytes (as RQ wants); calls raise RedisError when the server is away."""
    return _client()


@lru_cache
def patient_redis(_of_people: bool) -> Redis:
    """A client with connections of its own, for requests that wait for an answer: they must not use up the others,
    nor those of programs those of people."""
    return _client()


@lru_cache
def quick_redis() -> Redis:
    """A client that gives up at once, for what can be known otherwise too: a server that hangs costs a moment."""
    pool = ConnectionPool.from_url(
        settings().redis_url,
        socket_connect_timeout=QUICK_SECONDS,
        socket_timeout=QUICK_SECONDS,
        socket_keepalive=True,
        **valkey.redis_connections(settings().redis_url),
    )
    return Timed(connection_pool=pool)


def spared(work: Callable[[Redis], Result]) -> Result:
    """Do something that can be done without Valkey too. Raises RedisError, and at once for a while after a failure."""
    if monotonic() < _away.until:
        raise RedisConnectionError("left alone after a failure")
    try:
        return work(_spared_redis())
    except RedisError as error:
        log.warning("without_valkey", seconds=AWAY_SECONDS, error=type(error).__name__)
        _away.until = monotonic() + AWAY_SECONDS
        raise


class _Away:
    """Until when this process does without Valkey where it can."""

    until = 0.0


_away = _Away()


@lru_cache
def _spared_redis() -> Redis:
    pool = ConnectionPool.from_url(
        settings().redis_url,
        socket_connect_timeout=SPARED_SECONDS,
        socket_timeout=SPARED_SECONDS,
        socket_keepalive=True,
        # A server that was started again has closed our connection; one that hangs is not asked twice.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        **valkey.redis_connections(settings().redis_url),
    )
    return Timed(connection_pool=pool)


def _client() -> Redis:
    config = settings()
    pool = BlockingConnectionPool.from_url(
        config.redis_url,
        max_connections=config.redis_pool_size,
        timeout=2,
        socket_connect_timeout=2,
        socket_timeout=8,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.1, base=0.02), 1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
        **valkey.redis_connections(config.redis_url),
    )
    return Timed(connection_pool=pool)
