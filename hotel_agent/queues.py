"""RQ queues, and nudges: plain jobs that remind a worker of rows. Losing one loses nothing but seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, sleep, time
from typing import Any

from rq import Queue, Worker
from rq.results import Result
from rq.serializers import JSONSerializer

from hotel_agent import metrics, tracing
from hotel_agent.config import settings
from hotel_agent.logs import get_logger
from hotel_agent.redis import RedisError, patient_redis, quick_redis, redis

# A worker looks into them in this order, but for those that take turns: sweeps are few and bring lost work back.
SWEEPS, API, SENDS, ANSWERS, INTAKE = "sweeps", "api", "sends", "answers", "intake"
SLOW_ANSWERS, PMS, BACKGROUND = "slow_answers", "pms", "background"
QUICK = (SWEEPS, API, SENDS, ANSWERS, INTAKE)
ALL = (*QUICK, SLOW_ANSWERS, PMS, BACKGROUND)
DEBOUNCE_MS = 2000
# A reminder that nobody has taken by then is worth less than the sweep that brings the row back.
NUDGE_SECONDS = 10
# Under load a worker finds several bodies at once, which costs far less than one at a time.
PACE_SECONDS = 0.04
# Of work that grows with everything that is kept.
LONGEST_JOB_SECONDS = 6 * 3600
HEARTBEATS = "workers:heartbeats"
HEARTBEAT_SECONDS = 10

log = get_logger(__name__)


def queue(name: str) -> Queue:
    return Queue(name, connection=redis(), serializer=JSONSerializer)


def nudge(
    queue_name: str, job: str, *args: Any, once: str | None = None, timeout: int = 120, first: bool = False
) -> bool:
    """Enqueue `job` (a dotted name), `first` of its queue or last, unless one under the same `once` waits already.
    False when Valkey is away.

    The job clears the `once` key by `clear()` before it reads rows, so whatever is committed later nudges anew.
    """
    try:
        if once and not redis().set(_key(once), b"1", nx=True, px=DEBOUNCE_MS):
            return True
        queue(queue_name).enqueue_call(
            job,
            args=args,
            meta=tracing.carried(),
            ttl=NUDGE_SECONDS,
            result_ttl=0,
            failure_ttl=86_400,
            timeout=timeout,
            at_front=first,
        )
    except RedisError as error:
        log.warning("nudge_lost", job=job, error=type(error).__name__)
        return False
    return True


def remind(queue_name: str, job: str, ttl: int) -> None:
    """Enqueue recurring work that is not worth doing later than `ttl` seconds from now."""
    try:
        queue(queue_name).enqueue_call(job, ttl=ttl, result_ttl=0, failure_ttl=86_400, timeout=300)
    except RedisError as error:
        log.warning("reminder_lost", job=job, error=type(error).__name__)


def ask(queue_name: str, job: str, *args: Any, wait_seconds: int, first: bool = False) -> Any | None:
    """Run `job` in a worker and wait for what it returns. None when that takes too long or fails, or too many wait.

    `first`, for who looks at a screen, goes before what programs wait for, however many do.
    It goes on with what is under way here. What it is given may be in people's own words, which no log
    needs: it is described by its name.
    """
    try:
        lane = Queue(queue_name, connection=patient_redis(first), serializer=JSONSerializer)
        if not first and lane.count >= settings().api_most_waiting:
            metrics.requests_shed.labels("programs").inc()
            return None
        asked = lane.enqueue_call(
            job,
            args=args,
            description=job,
            meta=tracing.carried(),
            result_ttl=30,
            ttl=wait_seconds,
            failure_ttl=3600,
            timeout=60,
            at_front=first,
        )
        result = asked.latest_result(timeout=wait_seconds)
    except RedisError as error:
        log.warning("not_asked", job=job, error=type(error).__name__)
        return None
    if result is None or result.type is not Result.Type.SUCCESSFUL:
        return None
    return result.return_value


def is_waited_for(name: str) -> bool:
    """Whether jobs wait in a queue; none are known of while Valkey is away."""
    try:
        return Queue(name, connection=redis(), serializer=JSONSerializer).count > 0
    except RedisError:
        return False


def under_way(name: str) -> int:
    """How many jobs of a queue workers have in hand. Raises RedisError, and soon where Valkey hangs."""
    lane = Queue(name, connection=quick_redis(), serializer=JSONSerializer)
    return int(lane.started_job_registry.get_job_count(cleanup=False))


def heartbeat(worker: str) -> None:
    """A worker process says that it is alive."""
    redis().zadd(HEARTBEATS, {worker: time()})


def workers_alive() -> int:
    """How many worker processes have said so lately. Raises RedisError, and soon where Valkey hangs."""
    quick_redis().zremrangebyscore(HEARTBEATS, "-inf", time() - HEARTBEAT_SECONDS * 4)
    return quick_redis().zcount(HEARTBEATS, time() - HEARTBEAT_SECONDS * 2, "+inf")


def hosts_of_workers() -> frozenset[str]:
    """The hosts whose worker processes have said lately that they are alive. Raises RedisError, soon where it hangs."""
    names = quick_redis().zrangebyscore(HEARTBEATS, time() - HEARTBEAT_SECONDS * 2, "+inf")
    told = (quick_redis().hget(Worker.redis_worker_namespace_prefix + _word(name), "hostname") for name in names)
    return frozenset(_word(host) for host in told if host)


def _word(given: object) -> str:
    return given.decode() if isinstance(given, bytes) else str(given)


def standing(name: str) -> tuple[int, float, int]:
    """How many jobs wait in a queue, how old the oldest is in seconds, and how many have failed. Raises RedisError."""
    lane = Queue(name, connection=quick_redis(), serializer=JSONSerializer)
    first = next(iter(lane.get_jobs(0, 1)), None)
    since = first.enqueued_at if first else None
    age = (datetime.now(UTC) - since.replace(tzinfo=UTC)).total_seconds() if since else 0.0
    return lane.count, max(age, 0.0), lane.failed_job_registry.get_job_count(cleanup=False)


class Nudger:
    """Turns many wishes to nudge into few: one thread per process nudges, at a pace.

    The first wish after a quiet moment is passed on at once; what is wished meanwhile is never forgotten.
    """

    def __init__(self, nudge: Callable[[], object]) -> None:
        self._nudge = nudge
        self._wanted = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        self._wanted.set()
        if not (self._thread and self._thread.is_alive()):
            with self._starting:
                if not (self._thread and self._thread.is_alive()):
                    self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        last = 0.0
        while True:
            self._wanted.wait()
            sleep(max(0.0, last + PACE_SECONDS - monotonic()))
            self._wanted.clear()
            last = monotonic()
            self._nudge()


def clear(*once: str) -> None:
    """Called by the job that the nudge asked for, before it reads rows."""
    redis().delete(*map(_key, once))


def _key(once: str) -> str:
    return f"nudge:{once}"
