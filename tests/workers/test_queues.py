"""Nudges: few, never lost while Valkey lives, and harmless to lose."""

from __future__ import annotations

import threading
from time import monotonic

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import select

from hotel_agent import metrics, queues
from hotel_agent.config import settings
from hotel_agent.conversations import taking_in
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db
from hotel_agent.redis import patient_redis, redis
from workers import messages, nudges
from workers.worker import AppWorker


@pytest.fixture
def valkey(app) -> None:
    """An empty one: the `app` fixture has flushed it."""


def jobs(name: str) -> list[str]:
    return [str(job.func_name) for job in queues.queue(name).jobs]


def test_wishes_for_the_same_work_make_one_job(valkey):
    assert all(nudges.answer(7) for _ in range(5))
    assert nudges.answer(8)
    assert len(jobs(queues.ANSWERS)) == 2


def test_what_is_committed_after_the_job_began_is_nudged_anew(marta_says, valkey, echo, graph):
    nudges.take_in()
    queues.clear("take_in")  # The job begins, and has not read rows yet.
    nudges.take_in()
    assert len(jobs(queues.INTAKE)) == 2


def test_a_job_that_was_lost_is_wished_for_again_after_a_moment(valkey):
    nudges.answer(7)
    queues.queue(queues.ANSWERS).empty()
    assert 0 < redis().pttl("nudge:answer:7") <= queues.DEBOUNCE_MS


def test_where_too_many_programs_wait_the_next_hears_so_at_once(valkey, monkeypatch):
    monkeypatch.setattr(settings(), "api_most_waiting", 3)
    for _ in range(3):
        queues.queue(queues.API).enqueue_call("workers.messages.process", args=(1, None, None))
    before = metrics.requests_shed.labels("programs")._value.get()
    began = monotonic()
    assert queues.ask(queues.API, nudges.PROCESS, 1, wait_seconds=60) is None
    assert monotonic() - began < 5
    assert metrics.requests_shed.labels("programs")._value.get() == before + 1
    assert len(jobs(queues.API)) == 3


def test_who_looks_at_a_screen_goes_before_programs_however_many_wait(app, valkey, monkeypatch):
    monkeypatch.setattr(settings(), "api_most_waiting", 3)
    for number in range(3):
        queues.queue(queues.API).enqueue_call("workers.messages.process", args=(number, None, None))
    taken = []

    def wait(*_given: object, **_more: object) -> None:
        taken.append(queues.queue(queues.API).jobs[0].func_name)

    monkeypatch.setattr(Job, "latest_result", wait)
    assert queues.ask(queues.API, nudges.TRY_QUESTION, 1, "¿Hay piscina?", "es", wait_seconds=60, first=True) is None
    assert taken == [nudges.TRY_QUESTION]
    assert len(jobs(queues.API)) == 4


def test_programs_that_wait_leave_connections_to_people(valkey, monkeypatch):
    monkeypatch.setattr(Job, "latest_result", lambda *_given, **_more: None)
    of_programs = patient_redis(False).connection_pool
    held = [of_programs.get_connection() for _ in range(settings().redis_pool_size)]
    try:
        assert queues.ask(queues.API, nudges.PROCESS, 1, wait_seconds=60) is None
        assert jobs(queues.API) == []
        assert queues.ask(queues.API, nudges.TRY_QUESTION, 1, "x", "es", wait_seconds=60, first=True) is None
        assert jobs(queues.API) == [nudges.TRY_QUESTION]
    finally:
        for connection in held:
            of_programs.release(connection)


def test_without_valkey_a_nudge_is_false_and_quick(monkeypatch, valkey):
    nowhere = Redis(port=9, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(queues, "redis", lambda: nowhere)
    monkeypatch.setattr(queues, "patient_redis", lambda _: nowhere)
    began = monotonic()
    assert nudges.take_in() is False
    queues.remind(queues.SWEEPS, "workers.upkeep.bring_back", ttl=4)
    assert queues.ask(queues.API, nudges.PROCESS, 1, wait_seconds=60) is None
    assert monotonic() - began < 5


def test_many_wishes_become_few_nudges_and_the_last_wish_is_heard():
    nudged, enough, gate = [], threading.Event(), threading.Event()

    def nudge() -> None:
        nudged.append(1)
        enough.set()
        gate.wait(5)

    nudger = queues.Nudger(nudge)
    nudger.wake()
    assert enough.wait(5)
    enough.clear()
    for _ in range(100):
        nudger.wake()
    assert len(nudged) == 1
    gate.set()
    assert enough.wait(5), "what was wished for meanwhile is nudged"
    assert len(nudged) <= 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_nudger_whose_thread_broke_begins_again():
    heard = threading.Semaphore(0)
    failures = iter([RuntimeError("no")])

    def nudge() -> None:
        heard.release()
        for failure in failures:
            raise failure

    nudger = queues.Nudger(nudge)
    nudger.wake()
    assert heard.acquire(timeout=5)
    if nudger._thread:
        nudger._thread.join(5)
    nudger.wake()
    assert heard.acquire(timeout=5)


def test_every_job_that_is_nudged_or_scheduled_exists():
    from importlib import import_module

    from workers.schedule import SCHEDULE

    names = [nudges.TAKE_IN, nudges.ANSWER, nudges.SEND, nudges.PROCESS, nudges.AVAILABILITY]
    for name in (*names, *(recurring.job for recurring in SCHEDULE)):
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function)), name


def test_every_recurring_job_runs(app, graph):
    from importlib import import_module

    from workers.schedule import SCHEDULE

    for recurring in SCHEDULE:
        module, _, function = recurring.job.rpartition(".")
        getattr(import_module(module), function)()


def test_a_worker_runs_jobs_in_the_application_and_says_that_it_lives(app, valkey):
    queues.queue(queues.SWEEPS).enqueue_call("workers.upkeep.bring_back")
    worker = AppWorker([queues.queue(queues.SWEEPS)], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    worker.work(burst=True, logging_level="CRITICAL")
    assert queues.queue(queues.SWEEPS).failed_job_registry.get_job_ids() == []


def test_a_job_over_its_time_is_stopped(app, valkey, monkeypatch):
    monkeypatch.setattr(taking_in, "take_in", lambda *_: threading.Event().wait(30))
    queues.nudge(queues.INTAKE, nudges.TAKE_IN, timeout=1)
    worker = AppWorker([queues.queue(queues.INTAKE)], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    began = monotonic()
    worker.work(burst=True, logging_level="CRITICAL")
    assert monotonic() - began < 10
    assert len(queues.queue(queues.INTAKE).failed_job_registry.get_job_ids()) == 1


def test_a_typing_indicator_that_fails_does_not_cost_the_answer(marta_says, run_jobs, sent, graph, echo, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(type(messages.graph()), "mark_read", broken)
    marta_says("Hola")
    run_jobs()
    assert len(sent) == 1
    assert db.session.scalars(select(Conversation)).one().status == "open"
