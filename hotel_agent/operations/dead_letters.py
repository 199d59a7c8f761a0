"""Jobs that failed: which, on which rows, of what error; tried again or thrown away.

The rows say what is owed and sweeps bring it back, so a dead letter is a thing to learn from rather than lost work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis import Redis
from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.results import Result, get_key
from rq.serializers import JSONSerializer

from hotel_agent import queues
from hotel_agent.audit.recording import record
from hotel_agent.db import db
from hotel_agent.errors import NotFound
from hotel_agent.redis import RedisError, quick_redis, redis
from hotel_agent.tracebacks import error_type

MOST = 200


@dataclass(frozen=True)
class DeadLetter:
    """`job` is the function's dotted name, `ids` the rows that it was about, `attempts` how often it has failed."""

    id: str
    queue: str
    job: str
    ids: tuple[int, ...]
    failed_at: datetime | None
    error: str
    attempts: int


@dataclass(frozen=True)
class DeadLetters:
    """The latest ones, newest first; not `known` while Valkey is away."""

    letters: tuple[DeadLetter, ...]
    known: bool = True


def dead_letters() -> DeadLetters:
    try:
        return DeadLetters(tuple(_latest(quick_redis())))
    except RedisError:
        return DeadLetters((), known=False)


def retry(job_id: str) -> None:
    """Put a job back into its queue. Raises NotFound when it is no dead letter, RedisError."""
    registry = _registry_of(job_id)
    _record("dead_letter_retried", registry, job_id)
    try:
        registry.requeue(job_id)
    except (InvalidJobOperation, NoSuchJobError):
        _gone(registry, job_id)
    db.session.commit()


def delete(job_id: str) -> None:
    """Throw a job away. Raises NotFound when it is no dead letter, RedisError."""
    registry = _registry_of(job_id)
    _record("dead_letter_deleted", registry, job_id)
    registry.remove(job_id, delete_job=True)
    db.session.commit()


def _latest(valkey: Redis) -> list[DeadLetter]:
    dead = [
        (name, job_id) for name in queues.ALL for job_id in _registry(name, valkey).get_job_ids(0, MOST - 1, desc=True)
    ]
    with valkey.pipeline(transaction=False) as together:
        for _, job_id in dead:
            results = get_key(job_id)  # type: ignore[no-untyped-call]
            together.hgetall(Job.key_for(job_id))
            together.xrevrange(results, count=1)
            together.xlen(results)
        answers = together.execute()
    found = [
        _read(name, job_id, valkey, *answers[3 * place : 3 * place + 3]) for place, (name, job_id) in enumerate(dead)
    ]
    letters = [letter for letter in found if letter is not None]
    return sorted(letters, key=lambda letter: letter.failed_at.timestamp() if letter.failed_at else 0, reverse=True)[
        :MOST
    ]


def _read(
    name: str, job_id: str, valkey: Redis, raw: dict[Any, Any], results: list[Any], attempts: int
) -> DeadLetter | None:
    """None where only the id is left of the job."""
    job = Job(job_id, connection=valkey, serializer=JSONSerializer)
    try:
        job.restore(raw)
    except NoSuchJobError:
        return None
    trace = None
    for result_id, payload in results:
        trace = Result.restore(job_id, result_id.decode(), payload, valkey, JSONSerializer).exc_string
    return DeadLetter(
        id=job_id,
        queue=name,
        job=_function(job),
        ids=_ids(job),
        failed_at=job.ended_at,
        error=error_type(trace),
        attempts=max(1, attempts),
    )


def _function(job: Job) -> str:
    try:
        return str(job.func_name)
    except DeserializationError:
        return ""


def _ids(job: Job) -> tuple[int, ...]:
    """Numbers only: whatever else a job was given stays unseen."""
    try:
        return tuple(value for value in job.args if isinstance(value, int) and not isinstance(value, bool))
    except DeserializationError:
        return ()


def _registry(name: str, valkey: Redis) -> FailedJobRegistry:
    return FailedJobRegistry(name, connection=valkey, serializer=JSONSerializer)


def _registry_of(job_id: str) -> FailedJobRegistry:
    for name in queues.ALL:
        registry = _registry(name, redis())
        if redis().zscore(registry.key, job_id) is not None:
            return registry
    raise NotFound(f"{job_id} is no dead letter.")


def _record(action: str, registry: FailedJobRegistry, job_id: str) -> None:
    try:
        job = Job.fetch(job_id, connection=redis(), serializer=JSONSerializer)
    except NoSuchJobError:
        record(action, job_id, queue=registry.name)
    else:
        record(action, job_id, queue=registry.name, job=_function(job), ids=_ids(job))


def _gone(registry: FailedJobRegistry, job_id: str) -> None:
    db.session.rollback()
    registry.remove(job_id)
    raise NotFound(f"{job_id} is no dead letter any more.")
