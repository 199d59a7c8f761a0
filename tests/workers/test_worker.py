"""A worker process outlives Valkey: what it has loaded is dear, and rows tell what waits."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace

import pytest
import rq.worker.base
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from rq import Worker
from rq.serializers import JSONSerializer

from hotel_agent import faults, queues
from hotel_agent.config import settings
from hotel_agent.faults import valkey
from hotel_agent.redis import redis
from tests.chaos.nth import OnTheNth
from workers import worker as workers
from workers.worker import AppWorker

JOBS = 3


@pytest.fixture
def lanes(app):
    return [queues.queue(queues.BACKGROUND)]


@pytest.fixture
def at_once(monkeypatch):
    """Nobody waits before looking again."""
    monkeypatch.setattr(workers, "sleep", lambda _: None)
    monkeypatch.setattr(rq.worker.base, "time", SimpleNamespace(sleep=lambda _: None, time=time.time))


@pytest.mark.parametrize("told", ["valkey:error=1", "valkey:hang=1", "valkey:partial=1"])
def test_valkey_lost_at_any_command_ends_no_worker(app, lanes, at_once, monkeypatch, told):
    nth, has_struck = 0, True
    while has_struck:
        nth += 1
        injector = OnTheNth(told, nth)
        monkeypatch.setattr(faults, "injector", lambda injector=injector: injector)
        lanes[0].empty()
        for _ in range(JOBS):
            lanes[0].enqueue_call("time.time")
        _a_worker(app, injector).work(burst=True, logging_level="CRITICAL")
        injector.is_armed = False
        assert lanes[0].count == 0, f"the worker has left with jobs waiting when command {nth} failed"
        has_struck = injector.has_struck
    assert nth > 20


class Armed(AppWorker):
    """Nothing is struck before its loop begins. What would stop its jobs from outside is nobody's concern here."""

    injector: OnTheNth

    def subscribe(self) -> None:
        self.injector.is_armed = True

    def unsubscribe(self) -> None:
        pass


def _a_worker(app, injector: OnTheNth) -> AppWorker:
    lonely = Redis.from_url(
        settings().redis_url, connection_class=valkey.FaultyRedisConnection, retry=Retry(NoBackoff(), 0)
    )
    worker = Armed([queues.queue(queues.BACKGROUND)], connection=lonely, serializer=JSONSerializer)
    worker.app, worker.injector = app, injector
    return worker


def test_a_worker_that_valkey_has_forgotten_writes_itself_down_anew(app, lanes):
    worker = AppWorker(lanes, connection=redis(), serializer=JSONSerializer)
    worker.app = app
    worker.register_birth()
    redis().flushdb()
    assert queues.hosts_of_workers() == frozenset()
    worker.heartbeat()
    assert queues.hosts_of_workers() == {socket.gethostname()}
    assert [one.name for one in Worker.all(connection=redis(), serializer=JSONSerializer)] == [worker.name]


def test_a_worker_that_comes_before_valkey_waits_for_it(app, at_once, monkeypatch):
    asked = []

    def ping() -> bool:
        asked.append(1)
        if len(asked) < 3:
            raise RedisConnectionError
        return True

    monkeypatch.setattr(workers, "redis", lambda: SimpleNamespace(ping=ping))
    workers.wait_for_valkey()
    assert len(asked) == 3
