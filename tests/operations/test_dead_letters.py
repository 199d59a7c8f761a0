"""Jobs that failed: which, of what error, never what a guest wrote; tried again or thrown away, on the record."""

from __future__ import annotations

from traceback import format_exc

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.serializers import JSONSerializer

from hotel_agent import queues
from hotel_agent.audit.models import AuditEntry
from hotel_agent.conversations import answering
from hotel_agent.db import db
from hotel_agent.errors import NotFound
from hotel_agent.operations import dead_letters as letters
from hotel_agent.operations.dead_letters import dead_letters, delete, retry
from hotel_agent.redis import redis
from hotel_agent.tracebacks import error_type, without_words
from workers import nudges
from workers.worker import AppWorker

WORDS = "Mi tarjeta es\nHola: 4111\n  y algo más"


@pytest.fixture
def work(app):
    """Empty the queues as a worker does."""

    def work() -> None:
        worker = AppWorker([queues.queue(name) for name in queues.ALL], connection=redis(), serializer=JSONSerializer)
        worker.app = app
        worker.work(burst=True, logging_level="CRITICAL")

    return work


@pytest.fixture
def dead(work, monkeypatch) -> str:
    """The id of a job that died with a guest's words on its lips."""

    def broken(*_):
        try:
            raise KeyError(WORDS)
        except KeyError as error:
            raise ValueError(WORDS) from error

    monkeypatch.setattr(answering, "answer", broken)
    nudges.answer(7)
    work()
    return dead_letters().letters[0].id


def test_a_dead_letter_says_what_died_of_what_and_no_word_of_a_guest(dead):
    (letter,) = dead_letters().letters
    assert (letter.queue, letter.job, letter.ids) == (queues.ANSWERS, "workers.messages.answer", (7,))
    assert (letter.error, letter.attempts) == ("ValueError", 1)
    assert letter.failed_at
    assert "tarjeta" not in repr(letter)
    assert "Hola" not in repr(letter)


def test_of_what_a_job_was_given_only_ids_are_shown(work):
    queues.queue(queues.API).enqueue_call("workers.messages.nothing", args=(5, "words of a guest", True))
    work()
    (letter,) = dead_letters().letters
    assert letter.ids == (5,)
    assert "words" not in repr(letter)


def test_it_is_tried_again_and_each_failure_counts(dead, work):
    retry(dead)
    assert dead_letters().letters == ()
    assert queues.queue(queues.ANSWERS).job_ids == [dead]
    work()
    assert [(letter.id, letter.attempts) for letter in dead_letters().letters] == [(dead, 2)]


def test_once_mended_it_works(dead, work, monkeypatch):
    answered = []
    monkeypatch.setattr(answering, "answer", lambda conversation_id, _announce: answered.append(conversation_id))
    monkeypatch.setattr("hotel_agent.conversations.outbox.deliver", lambda *_: None)
    retry(dead)
    work()
    assert answered == [7]
    assert dead_letters().letters == ()


def test_it_is_thrown_away(dead):
    delete(dead)
    assert dead_letters().letters == ()
    assert not redis().exists(f"rq:job:{dead}")


def test_who_did_it_is_on_the_record(dead, work):
    retry(dead)
    work()
    delete(dead)
    rows = db.session.query(AuditEntry).order_by(AuditEntry.id).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("command", "dead_letter_retried", dead),
        ("command", "dead_letter_deleted", dead),
    ]
    assert rows[0].details == {"queue": "answers", "job": "workers.messages.answer", "ids": [7]}


@pytest.mark.parametrize("verb", [retry, delete])
def test_what_is_no_dead_letter_is_not_found(app, verb):
    nudges.answer(7)
    (alive,) = queues.queue(queues.ANSWERS).job_ids
    for job_id in (alive, "nothing", ""):
        with pytest.raises(NotFound):
            verb(job_id)
    assert queues.queue(queues.ANSWERS).job_ids == [alive]


def test_a_job_of_which_only_the_id_is_left_is_not_shown(dead):
    redis().delete(f"rq:job:{dead}")
    assert dead_letters().letters == ()
    with pytest.raises(NotFound):
        retry(dead)
    redis().hset(f"rq:job:{dead}", "last_heartbeat", "2030-01-01T00:00:00Z")
    assert dead_letters().letters == ()


def test_the_latest_ones_are_shown_newest_first(app, work, monkeypatch):
    monkeypatch.setattr(letters, "MOST", 3)
    for number in range(5):
        name = queues.ALL[number % 2]
        queues.queue(name).enqueue_call("workers.messages.nothing", args=(number,))
        work()
    assert [letter.ids for letter in dead_letters().letters] == [(4,), (3,), (2,)]


def test_without_valkey_nothing_is_known(app, monkeypatch):
    nowhere = Redis(port=9, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(letters, "quick_redis", lambda: nowhere)
    assert dead_letters() == letters.DeadLetters((), known=False)
    monkeypatch.setattr(letters, "redis", lambda: nowhere)
    for words in (("list",), ("retry", "x"), ("delete", "x")):
        failed = app.test_cli_runner().invoke(args=["dead-letters", *words])
        assert failed.exit_code != 0
        assert "Valkey does not answer" in failed.output
        assert "Traceback" not in failed.output


def test_commands_list_retry_and_delete(app, dead, work):
    def flask(*words: str):
        return app.test_cli_runner().invoke(args=["dead-letters", *words])

    listed = flask("list").output
    assert f"{dead}\t" in listed
    assert "workers.messages.answer\t7\tValueError\t1" in listed
    assert flask("retry", dead).exit_code == 0
    assert flask("retry", dead).exit_code != 0
    work()
    assert flask("delete", dead).exit_code == 0
    assert flask("list").output == ""


# Tracebacks


def test_a_traceback_keeps_where_and_of_which_class():
    try:
        try:
            raise KeyError(WORDS)
        except KeyError as error:
            raise ValueError(WORDS) from error
    except ValueError:
        trace = format_exc()
    assert "4111" in trace
    kept = without_words(trace)
    assert "test_dead_letters.py" in kept
    assert kept.splitlines()[-1] == "ValueError"
    assert "KeyError" in kept
    for words in ("4111", "Hola", "algo más"):
        assert words not in kept


@pytest.mark.parametrize(
    ("trace", "kind"),
    [
        ("Traceback (most recent call last):\n  File 'x'\nsqlalchemy.exc.DataError: (x) y\nKey: z", "DataError"),
        ("Traceback (most recent call last):\n  File 'x'\nTimeoutError", "TimeoutError"),
        ("Moved to FailedJobRegistry, due to AbandonedJobError, at 2030-01-01", "AbandonedJobError"),
        ("Hola: soy Marta", "unknown"),
        ("Traceback (most recent call last):\n  File 'x'\n¿Hola? soy Marta", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_only_the_class_of_an_error_is_told(trace, kind):
    assert error_type(trace) == kind
    assert "Marta" not in without_words(trace)
