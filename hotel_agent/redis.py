"""Valkey or Redis: queues, nudges, caches. Whatever is in it may vanish at any moment."""

from __future__ import annotations

from functools import lru_cache

from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from hotel_agent.config import settings

__all__ = ["RedisConnectionError", "RedisError", "redis"]

QUICK_SECONDS = 0.3


@lru_cache
def redis() -> Redis:
    """This process's client. It answers bytes (as RQ wants); calls raise RedisError when the server is away."""
    return _client()


@lru_cache
def patient_redis() -> Redis:
    """A client with connections of its own, for requests that wait for an answer: they must not use up the others."""
    return _client()


@lru_cache
def quick_redis() -> Redis:
    """A client that gives up at once, for what can be known otherwise too: a server that hangs costs a moment."""
    pool = ConnectionPool.from_url(
        settings().redis_url, socket_connect_timeout=QUICK_SECONDS, socket_timeout=QUICK_SECONDS, socket_keepalive=True
    )
    return Redis(connection_pool=pool)


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
    )
    return Redis(connection_pool=pool)
