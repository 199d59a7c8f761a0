"""RQ Dashboard behind our sign-in: whose, from where, and without guests' words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.serializers import JSONSerializer

from hotel_agent import queues
from hotel_agent.audit.recording import entries
from hotel_agent.operations import routes
from hotel_agent.redis import redis
from workers import nudges
from workers.worker import AppWorker

ROOT = Path(__file__).resolve().parents[2]
HERE = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
PAGES = ("", "/", "/0/view/queues", "/0/view/workers", "/0/view/jobs", "/0/view/jobs/answers/failed/8/asc/1")
WORDS = "Hola, soy Marta"
DEAD = "/ops/rq/0/data/jobs/answers/failed/8/asc/1.json"


@pytest.fixture
def olga(sign_in):
    return sign_in("olga@miramar.example")


@pytest.fixture
def worker(app) -> AppWorker:
    worker = AppWorker([queues.queue(name) for name in queues.ALL], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    return worker


@pytest.fixture
def dead(worker, monkeypatch) -> str:
    from hotel_agent.conversations import answering

    def broken(*_):
        raise ValueError(WORDS)

    monkeypatch.setattr(answering, "answer", broken)
    nudges.answer(7)
    worker.work(burst=True, logging_level="CRITICAL")
    (job_id,) = queues.queue(queues.ANSWERS).failed_job_registry.get_job_ids()
    return job_id


def test_ops_and_admins_only(app, sign_in, browser):
    assert browser.get("/ops/rq").status_code == 303
    for person in ("ana@miramar.example", "luis@miramar.example", "oscar@andes.example"):
        assert sign_in(person).get("/ops/rq").status_code == 403, person
    for person in ("olga@miramar.example", "eva@miramar.example"):
        assert sign_in(person).get("/ops/rq").status_code == 200, person
    assert sign_in("ana@miramar.example").get("/ops/rq/0/data/queues.json").status_code == 403
    assert sign_in("ana@miramar.example").get("/ops/rq/static/css/main.css").status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_with_a_policy_of_their_own(olga, dead, page):
    answer = olga.get(f"/ops/rq{page}", follow_redirects=True)
    assert answer.status_code == 200
    assert "RQ dashboard" in answer.text
    assert "'unsafe-inline'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert redis().connection_pool.connection_kwargs["password"] not in answer.text
    assert "/ops/rq/static/css/bootstrap.min.css" in answer.text


def test_other_pages_keep_the_strict_policy(olga):
    assert "unsafe" not in olga.get("/healthz").headers["Content-Security-Policy"]


def test_its_scripts_and_styles_are_served(olga):
    for name in ("js/jquery-3.5.1.min.js", "css/bootstrap.min.css", "favicon.ico"):
        assert olga.get(f"/ops/rq/static/{name}").status_code == 200


def test_our_queues_and_workers_are_seen(olga, worker, dead):
    worker.register_birth()
    names = {each["name"] for each in olga.get("/ops/rq/0/data/queues.json").json["queues"]}
    assert names == {queues.ANSWERS}  # Those in which something ever was.
    (seen,) = olga.get("/ops/rq/0/data/workers.json").json["workers"]
    assert seen["name"] == worker.name
    assert seen["queues"] == list(queues.ALL)
    worker.register_death()


def test_a_worker_at_its_job_is_seen(olga, worker):
    nudges.answer(7)
    (job_id,) = queues.queue(queues.ANSWERS).job_ids
    worker.register_birth()
    worker.set_current_job_id(job_id)
    (seen,) = olga.get("/ops/rq/0/data/workers.json").json["workers"]
    assert seen["current_job"]["call_string"] == "workers.messages.answer(7)"
    worker.register_death()


def test_a_dead_job_opens_without_a_guests_words(olga, dead):
    assert olga.get(f"/ops/rq/0/view/job/{dead}").status_code == 200
    for answer in (olga.get(f"/ops/rq/0/data/job/{dead}.json"), olga.get(DEAD)):
        assert "ValueError" in answer.text
        assert "messages.py" in answer.text
        assert WORDS not in answer.text


def test_what_a_job_returned_is_not_shown(olga, app, worker, monkeypatch):
    from hotel_agent.conversations import replying

    monkeypatch.setattr(replying, "answer_message", lambda *_: {"replies": [{"text": WORDS}]})
    job = queues.queue(queues.API).enqueue_call(nudges.PROCESS, args=(1, None, None), result_ttl=30)
    worker.work(burst=True, logging_level="CRITICAL")
    answer = olga.get(f"/ops/rq/0/data/job/{job.id}.json")
    assert answer.json["status"] == "finished"
    assert WORDS not in answer.text


def test_a_dead_job_is_put_back_and_thrown_away_on_the_record(olga, dead):
    assert olga.post(f"/ops/rq/job/{dead}/requeue", headers=HERE).json == {"status": "OK"}
    assert queues.queue(queues.ANSWERS).job_ids == [dead]
    assert olga.post(f"/ops/rq/job/{dead}/delete", headers=HERE).json == {"status": "OK"}
    assert queues.queue(queues.ANSWERS).job_ids == []
    assert [(entry.actor, entry.action, entry.subject) for entry in entries(1)] == [
        ("olga@miramar.example", "queue_changed", f"job/{dead}/delete"),
        ("olga@miramar.example", "queue_changed", f"job/{dead}/requeue"),
    ]


def test_all_are_put_back(olga, dead):
    assert olga.post("/ops/rq/requeue/answers", headers=HERE).json == {"status": "OK", "count": 1}


@pytest.mark.parametrize(
    "from_where",
    [
        {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:81", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_page_can_change_the_queues(olga, dead, from_where):
    for page in (f"job/{dead}/delete", "requeue/answers", "queue/answers/failed/empty"):
        assert olga.post(f"/ops/rq/{page}", headers=from_where).status_code == 403
    assert queues.queue(queues.ANSWERS).failed_job_registry.get_job_ids() == [dead]
    assert entries(1) == []


def test_looking_changes_nothing(olga, dead):
    """Following a link from a mail must not put jobs back."""
    assert olga.get("/ops/rq/requeue/answers").status_code == 405
    assert olga.get(f"/ops/rq/job/{dead}/delete").status_code == 405
    assert queues.queue(queues.ANSWERS).job_ids == []


@pytest.mark.parametrize("page", ["nowhere", "0/view/job/nothing", "0/data/job/nothing.json", "1/view/queues"])
def test_what_is_not_there_is_not_found(olga, page):
    assert olga.get(f"/ops/rq/{page}").status_code == 404


def test_without_valkey_a_page_of_ours_says_so(olga, app, monkeypatch):
    nowhere = Redis(port=9, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(routes, "quick_redis", lambda: nowhere)
    answer = olga.get("/ops/rq")
    assert answer.status_code == 503
    assert "RQ dashboard" not in answer.text
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert olga.get("/ops/rq/0/data/queues.json", headers={"Accept": "application/json"}).status_code == 503


def test_workers_and_commands_do_not_load_it():
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from hotel_agent import create_app; create_app(); import workers.worker;"
            "print([name for name in sys.modules if name.startswith('rq_dashboard')])",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert found.stdout.strip().splitlines()[-1] == "[]"
