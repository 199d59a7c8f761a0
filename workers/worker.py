"""An RQ worker that does not fork: models, pools and caches load once and stay warm."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import structlog
from flask import Flask
from redis.client import Pipeline
from rq import SimpleWorker
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from sqlalchemy.exc import DBAPIError

from hotel_agent import create_app, live, metrics, nlu, queues, tracing
from hotel_agent.db import db
from hotel_agent.redis import redis
from workers import messages

log = structlog.get_logger(__name__)

# RQ waits for jobs, and then says that it is alive, for fifteen seconds less than this.
TTL_SECONDS = 15 + queues.HEARTBEAT_SECONDS // 2


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
    """Runs each job in an application context of its own, under RQ's job time limit."""

    app: Flask
    job_class = AppJob

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        super().heartbeat(timeout, pipeline)
        queues.heartbeat(self.name)
        metrics.note_memory()

    def perform_job(self, job: Job, queue: Queue) -> bool:
        structlog.contextvars.bind_contextvars(job=job.id)
        began = perf_counter()
        with self.app.app_context(), tracing.carried_on(job.meta):
            done = super().perform_job(job, queue)
        metrics.job_seconds.labels(job.func_name).observe(perf_counter() - began)
        metrics.jobs.labels(job.func_name, "done" if done else "failed").inc()
        structlog.contextvars.clear_contextvars()
        return bool(done)


def work() -> None:
    """Load what answering needs, then work until told to stop."""
    metrics.role = "worker"
    app = create_app(ping=False)
    live.listener.start()
    warm_up(app)
    worker = AppWorker(
        [queues.queue(name) for name in queues.ALL],
        connection=redis(),
        serializer=JSONSerializer,
        worker_ttl=TTL_SECONDS,
        log_job_description=False,
    )
    worker.app = app
    worker.work(logging_level="WARNING")


def warm_up(app: Flask) -> None:
    """Pay for loading before the first guest waits for it."""
    for words in ("¿Tienen habitación mañana?", "Is there a room tomorrow?", "Tem quarto amanhã?"):
        nlu.understand(words, datetime.now(UTC).date())
    log.info("nlu_ready", **nlu.engine())
    with app.app_context():
        messages.graph()
