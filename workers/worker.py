"""An RQ worker that does not fork: models, pools and caches load once and stay warm."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter, sleep
from typing import Any

import structlog
from flask import Flask
from redis.client import Pipeline
from rq import SimpleWorker
from rq.job import Job
from rq.queue import Queue
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker_registration import register
from sqlalchemy.exc import DBAPIError

from hotel_agent import create_app, live, metrics, nlu, queues, tracebacks, tracing
from hotel_agent.db import db
from hotel_agent.redis import RedisError, redis
from workers import messages, quick

log = structlog.get_logger(__name__)

# RQ waits for jobs, and then says that it is alive, for fifteen seconds less than this.
TTL_SECONDS = 15 + queues.HEARTBEAT_SECONDS // 2

# Of a worker's time while all these queues are full; whoever had nothing to do saves up so many seconds.
SHARES = {queues.ANSWERS: 3, queues.SENDS: 1, queues.INTAKE: 1, queues.API: 1, queues.SLOW_ANSWERS: 1}
MOST_SAVED = 0.5
# While Valkey is away, whoever has nothing to do without it looks again after so many seconds.
LOOK_AGAIN_SECONDS = 0.5


class AppJob(Job):
    """A job may run twice: it does when its first statement finds that PostgreSQL had closed the connection."""

    def _execute(self) -> Any:
        try:
            return super()._execute()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            db.session.rollback()
            return super()._execute()


class AppWorker(SimpleWorker):
    """Runs each job in an application context of its own, under RQ's job time limit.

    RQ's own ends when Valkey goes in the middle of its book-keeping. This one stays, as what it has loaded takes
    seconds to load again: it looks for Valkey until that answers, and writes itself down anew where it is forgotten.
    """

    app: Flask
    job_class = AppJob
    max_connection_wait_time = 1.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._had = dict.fromkeys(SHARES, 0.0)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        with suppress(RedisError):
            super().heartbeat(timeout, pipeline)
            queues.heartbeat(self.name)
            if pipeline is None and not self.connection.hexists(self.key, "birth"):
                self.connection.hset(self.key, mapping=self.serialize())
                register(self)
        metrics.note_memory()

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        with suppress(RedisError):
            super().set_state(state, pipeline)

    def check_for_suspension(self, burst: bool) -> None:
        with suppress(RedisError):
            super().check_for_suspension(burst)

    def run_maintenance_tasks(self) -> None:
        with suppress(RedisError):
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except RedisError as error:
                log.warning("worker_without_valkey", error=type(error).__name__)
                sleep(LOOK_AGAIN_SECONDS)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """A job that Valkey could not be told of is as good as a nudge that was lost: its rows tell that they wait."""
        try:
            super().execute_job(job, queue)
        except RedisError as error:
            log.warning("job_without_valkey", name=job.func_name, error=type(error).__name__)

    def set_shutdown_requested_date(self) -> None:
        """Nobody asks for it, and a signal must not wait for Valkey in the middle of a job, or break it off."""

    def teardown(self) -> None:
        with suppress(RedisError):
            super().teardown()  # type: ignore[no-untyped-call]

    def reorder_queues(self, reference_queue: Queue) -> None:  # noqa: ARG002  What it has cost is known when it is done.
        """Queues share the time by SHARES, so that none waits for a flood of another: bodies that are taken in while
        answers wait are only more that waits, and each of them may be another hotel's first; a program that asks
        without end would keep every guest of every hotel waiting."""
        latest = max(self._had.values()) - MOST_SAVED
        self._had = {name: max(had, latest) for name, had in self._had.items()}
        turns = iter(sorted(filter(self._takes_turns, self._ordered_queues), key=lambda one: self._had[one.name]))
        self._ordered_queues = [next(turns) if self._takes_turns(one) else one for one in self._ordered_queues]

    @staticmethod
    def _takes_turns(one: Queue) -> bool:
        return one.name in SHARES

    def perform_job(self, job: Job, queue: Queue) -> bool:
        structlog.contextvars.bind_contextvars(job=job.id)
        began, done = perf_counter(), False
        try:
            with (
                self.app.app_context(),
                tracing.carried_on(job.meta),
                tracing.span("job", job=job.func_name or "", queue=queue.name),
            ):
                done = bool(super().perform_job(job, queue))
        finally:
            took = perf_counter() - began
            if queue.name in SHARES:
                self._had[queue.name] += took / SHARES[queue.name]
            metrics.job_seconds.labels(job.func_name).observe(took)
            metrics.jobs.labels(job.func_name, "done" if done else "failed").inc()
            structlog.contextvars.clear_contextvars()
        return done

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """RQ would write what the exception says and what the job was given, and both may be a guest's words."""
        log.error("job_failed", name=job.func_name, queue=job.origin, error=exc_info[0].__name__, exc_info=exc_info)

    def handle_job_failure(
        self, job: Job, queue: Queue, started_job_registry: StartedJobRegistry | None = None, exc_string: str = ""
    ) -> None:
        """Nor are they kept with the dead letters."""
        error = sys.exc_info()[1]
        kept = tracebacks.of(error) if error else exc_string and tracebacks.without_words(exc_string)
        super().handle_job_failure(job, queue, started_job_registry, kept)


def work(*, is_quick: bool = False) -> None:
    """Load what answering needs, then work until told to stop; one that is quick leaves to others what takes long."""
    metrics.role = "worker"
    app = create_app(ping=False)
    app.config[quick.IS_QUICK] = is_quick
    live.listener.start()
    warm_up(app)
    worker = AppWorker(
        [queues.queue(name) for name in (queues.QUICK if is_quick else queues.ALL)],
        connection=redis(),
        serializer=JSONSerializer,
        worker_ttl=TTL_SECONDS,
        log_job_description=False,
    )
    worker.app = app
    wait_for_valkey()
    worker.work(logging_level="WARNING")


def wait_for_valkey() -> None:
    """What has been loaded is not thrown away because Valkey comes up later than we do."""
    while True:
        try:
            redis().ping()
        except RedisError as error:
            log.warning("worker_without_valkey", error=type(error).__name__)
            sleep(LOOK_AGAIN_SECONDS)
        else:
            return


def warm_up(app: Flask) -> None:
    """Pay for loading before the first guest waits for it."""
    for words in ("¿Tienen habitación mañana?", "Is there a room tomorrow?", "Tem quarto amanhã?"):
        nlu.understand(words, datetime.now(UTC).date())
    log.info("nlu_ready", **nlu.engine())
    with app.app_context():
        messages.graph()
