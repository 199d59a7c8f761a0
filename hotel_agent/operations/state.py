"""How the installation is: what waits and for how long, who works, what is not well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from hotel_agent import queues
from hotel_agent.backups.standing import Standing, standing
from hotel_agent.db import db
from hotel_agent.health.figures import NAMES, ROWS
from hotel_agent.operations.versions import Versions, versions
from hotel_agent.pms import breaker
from hotel_agent.redis import RedisError, quick_redis

# What waits longer than this does not merely wait for its turn.
LATE_SECONDS = 30
BREAKERS = ("closed", "open", "half_open")


@dataclass(frozen=True)
class Lane:
    """A queue: how many jobs wait in it, how many of it have failed."""

    name: str
    waiting: int
    failed: int


@dataclass(frozen=True)
class State:
    """`rows` are the figures of health/figures.py; `lanes` and `workers` are None while Valkey is away."""

    rows: Mapping[str, int]
    lanes: tuple[Lane, ...] | None
    workers: int | None
    pms: Mapping[str, str]
    versions: Versions | None = None
    backups: Standing | None = None

    @property
    def failed(self) -> int | None:
        return None if self.lanes is None else sum(lane.failed for lane in self.lanes)

    @property
    def waiting(self) -> int | None:
        return None if self.lanes is None else sum(lane.waiting for lane in self.lanes)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is not well, gravest first: schema, valkey, workers, lanes, intake, answers, outbox, backups, pms."""
        return tuple(self._troubles())

    def _troubles(self) -> Iterator[str]:
        if self.versions is not None and not self.versions.are_in_step:
            yield "schema"
        if self.lanes is None:
            yield "valkey"
        if self.workers == 0:
            yield "workers"
        if self.rows["lanes_stopped"]:
            yield "lanes"
        for name in ("intake", "answers", "outbox"):
            if self.rows[f"{name}_lag_seconds"] > LATE_SECONDS:
                yield name
        if self.backups is not None and not self.backups.is_well:
            yield "backups"
        if "open" in self.pms.values():
            yield "pms"


def state() -> State:
    """Of the whole installation; figures only."""
    row = db.session.execute(ROWS).one()
    rows = {name: int(value) for (name, _meaning), value in zip(NAMES, row, strict=True)}
    lanes, workers, info = _of_valkey()
    pms = {name: BREAKERS[number] for name, number in breaker.states().items()} if lanes is not None else {}
    return State(rows, lanes, workers, pms, versions(info), standing())


def _of_valkey() -> tuple[tuple[Lane, ...] | None, int | None, Mapping[str, Any] | None]:
    """In one go, and given up at once: a page must not wait for who does not answer."""
    valkey = quick_redis()
    try:
        with valkey.pipeline(transaction=False) as together:
            for name in queues.ALL:
                together.llen(queues.queue(name).key)
                together.zcard(FailedJobRegistry(name, connection=valkey, serializer=JSONSerializer).key)
            together.zcount(queues.HEARTBEATS, time() - queues.HEARTBEAT_SECONDS * 2, "+inf")
            together.info("server")
            *lengths, workers, info = together.execute()
    except RedisError:
        return None, None, None
    pairs = zip(queues.ALL, lengths[::2], lengths[1::2], strict=True)
    return tuple(Lane(name, waiting, failed) for name, waiting, failed in pairs), workers, info
