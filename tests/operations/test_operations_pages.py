"""Olga's pages: how the installation is, what failed, and trying it again; never a word of a guest's."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from time import time

import pytest
from flask_babel import force_locale
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.serializers import JSONSerializer
from sqlalchemy import select, text

from hotel_agent import VERSION, queues
from hotel_agent.audit.models import AuditEntry
from hotel_agent.conversations import taking_in
from hotel_agent.conversations.models import InboundEvent, WebhookFailure
from hotel_agent.db import db
from hotel_agent.health.figures import NAMES
from hotel_agent.operations import dead_letters, routes, runbooks, state, versions
from hotel_agent.operations.wording import JOBS, QUEUES, REASONS
from hotel_agent.redis import redis
from tests.conversations.bodies import said
from tests.dashboard.cast import statements
from workers import nudges, schedule
from workers.worker import AppWorker

MIRAMAR, ANDES = 1, 2
FAILURES, REPLAY = "/ops/webhook-failures", "/ops/webhook-failures/replay"
LETTERS = "/ops/dead-letters"


@pytest.fixture
def olga(sign_in):
    browser = sign_in("olga@miramar.example")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return browser


@pytest.fixture
def failed(app):
    """`failed("error", hotel=MIRAMAR)`: a failure that waits; its id."""
    numbers = iter(range(1_000_000, 2_000_000))

    def fail(reason="error", hotel=MIRAMAR, **more):
        row = WebhookFailure(
            event_id=next(numbers), hotel_id=hotel, reason=reason, body=b"MI SECRETO", signed_by="s", **more
        )
        db.session.add(row)
        db.session.commit()
        return row.id

    return fail


@pytest.fixture
def dead(app):
    """`dead(3)`: jobs that died; their ids, latest first."""

    def die(count=1):
        for number in range(count):
            queues.queue(queues.ANSWERS).enqueue_call("workers.messages.gone", args=(number, "MI SECRETO"))
        worker = AppWorker([queues.queue(name) for name in queues.ALL], connection=redis(), serializer=JSONSerializer)
        worker.app = app
        worker.work(burst=True, logging_level="CRITICAL")
        return [letter.id for letter in dead_letters.dead_letters().letters]

    return die


@pytest.fixture
def valkey_away(monkeypatch):
    nowhere = Redis(port=9, retry=Retry(NoBackoff(), 0))
    for module in (dead_letters, state):
        monkeypatch.setattr(module, "quick_redis", lambda: nowhere)
    monkeypatch.setattr(dead_letters, "redis", lambda: nowhere)


def read(browser, path, status=200):
    answer = browser.get(path)
    assert answer.status_code == status
    return answer.text


def read_after(browser, path, form):
    answer = browser.post(path, data=form)
    assert answer.status_code == 303
    return read(browser, answer.location)


def words(page):
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def waiting():
    query = select(WebhookFailure.id).where(WebhookFailure.resolved_at.is_(None)).order_by(WebhookFailure.id)
    return list(db.session.scalars(query))


def put_back():
    return db.session.query(InboundEvent).count()


# How the installation is


def test_olga_begins_at_the_state_of_the_installation(olga):
    answer = olga.get("/")
    assert (answer.status_code, answer.location) == (303, "/ops")
    queues.heartbeat("w1")
    page = read(olga, "/ops")
    assert "Everything runs" in page
    for path in (FAILURES, LETTERS, "/ops/rq"):
        assert f'href="{path}' in page


def test_what_failed_is_counted(olga, failed, dead):
    failed(), failed(hotel=None), failed(hotel=ANDES)
    dead(3)
    page = words(read(olga, "/ops"))
    assert "2 Webhook failures" in page
    assert "3 Dead letters" in page


def test_what_is_not_well_is_told_with_what_to_do(olga, app):
    page = read(olga, "/ops")
    assert "No worker reports" in page
    queues.heartbeat("w1")
    assert "Everything runs" in read(olga, "/ops")
    redis().zadd(queues.HEARTBEATS, {"w1": time() - 25})
    assert "No worker reports" in read(olga, "/ops")


def test_late_work_and_stopped_numbers_are_troubles(app):
    rows = {name: 0 for name, _ in NAMES} | {"intake_lag_seconds": 31, "outbox_lag_seconds": 30}
    ill = state.State(rows | {"lanes_stopped": 1}, (), 0, {"local": "open"})
    assert ill.troubles == ("workers", "lanes", "intake", "pms")
    assert state.State(rows | {"intake_lag_seconds": 0}, None, None, {}).troubles == ("valkey",)


def test_without_valkey_the_page_says_so(olga, valkey_away):
    page = read(olga, "/ops")
    assert "Valkey does not answer" in page
    assert "Everything runs" not in page


# What runs


def test_every_version_is_told(olga):
    page = words(read(olga, "/ops"))
    server, revision = db.session.execute(text("show server_version")).scalar_one(), versions._head()
    for told in (VERSION, platform.python_version(), server, revision):
        assert told in page
    assert re.search(r"(?:Valkey|Redis) \d+\.\d+", page)


def test_tables_of_another_version_are_a_trouble(olga, monkeypatch):
    queues.heartbeat("w1")
    monkeypatch.setattr(versions, "_head", lambda: "9999")
    page = words(read(olga, "/ops"))
    assert "The tables and the program are not of the same version" in page
    assert "The program wants 9999" in page
    assert "Everything runs" not in page


def test_while_valkey_is_away_only_its_version_is_unknown(olga, valkey_away):
    page = words(read(olga, "/ops"))
    assert platform.python_version() in page
    assert "Valkey or Redis –" in page


def test_the_commit_is_read_from_the_checkout(tmp_path):
    git = tmp_path / ".git"
    assert versions._commit(tmp_path) is None
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert versions._commit(tmp_path) is None
    (git / "packed-refs").write_text(f"# pack-refs\n{'b' * 40} refs/heads/main\n")
    assert versions._commit(tmp_path) == "b" * 10
    (git / "refs/heads/main").write_text("a" * 40)
    assert versions._commit(tmp_path) == "a" * 10
    (git / "HEAD").write_text("c" * 40)
    assert versions._commit(tmp_path) == "c" * 10


def test_redis_goes_by_its_own_name():
    assert versions._valkey({"redis_version": "7.2.4"}) == "Redis 7.2.4"
    assert versions._valkey({"redis_version": "7.2.4", "valkey_version": "8.1.1"}) == "Valkey 8.1.1"


def test_the_state_costs_a_handful_of_statements(olga):
    read(olga, "/ops")
    with statements() as heard:
        read(olga, "/ops")
    assert len(heard) <= 5


# Bodies that could not be taken in


def test_with_nothing_failed_the_page_says_so(olga):
    assert "Everything was taken in" in read(olga, FAILURES)
    assert "Nothing was settled lately" in read(olga, f"{FAILURES}?view=settled")


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_explained(olga, failed, reason):
    failed(reason, detail="what it was")
    page = read(olga, FAILURES)
    with force_locale("en"):
        for told in REASONS[reason]:
            assert str(told) in words(page).replace("&#39;", "'")
    assert "what it was" in page
    assert "SECRETO" not in page


def test_every_reason_there_is_has_words():
    told = re.findall(r'_fail\([\w.]+, "(\w+)"', Path(taking_in.__file__).read_text())
    assert set(told) == set(REASONS)


def test_a_hotel_sees_its_own_and_nobodys(olga, failed):
    mine, nobodys, theirs = (
        failed(detail="mine"),
        failed(hotel=None, detail="nobodys"),
        failed(hotel=ANDES, detail="of the other hotel"),
    )
    page = read(olga, FAILURES)
    assert "mine" in page
    assert "nobodys" in page
    assert "nobody knows" in page
    assert "of the other hotel" not in page
    olga.post(REPLAY, data={"id": [mine, nobodys, theirs]})
    assert waiting() == [theirs]
    assert "Nothing was put back" in read_after(olga, REPLAY, {"id": theirs})
    assert waiting() == [theirs]


def test_one_is_put_back_taken_in_and_told(olga, failed, monkeypatch):
    nudged = []
    monkeypatch.setattr(nudges, "take_in", lambda: nudged.append(1))
    one, other = failed(), failed()
    page = read_after(olga, REPLAY, {"id": one})
    assert "1 put back; it appears here again if it fails again." in page
    assert waiting() == [other]
    assert nudged == [1]
    assert "Settled" in read(olga, f"{FAILURES}?view=settled")
    (entry,) = db.session.scalars(select(AuditEntry)).all()
    assert (entry.actor, entry.action, entry.details) == (
        "olga@miramar.example",
        "bodies_replayed",
        {"count": 1, "ids": [one]},
    )


def test_the_chosen_ones_are_asked_about_by_number(olga, failed):
    ids = [failed(), failed(), failed("unreadable"), failed()]
    page = read(olga, f"{REPLAY}?id={ids[0]}&id={ids[1]}&id={ids[2]}")
    assert "Put 3 deliveries back?" in page
    assert "1 of them cannot be read" in page
    assert re.findall(r'name="id" value="(\d+)"', page) == [str(each) for each in ids[:3]]
    assert put_back() == 0
    assert "3 put back; they appear here again" in read_after(olga, REPLAY, {"id": ids[:3]})
    assert waiting() == ids[3:]


def test_all_leaves_out_what_cannot_be_read_and_says_so(olga, failed):
    failed(), failed()
    unreadable = failed("unreadable")
    assert "Put all back (2)" in read(olga, FAILURES)
    page = read(olga, f"{REPLAY}?all=1")
    assert "Put 2 deliveries back?" in page
    assert "1 that cannot be read stays" in page
    assert "2 put back" in read_after(olga, REPLAY, {"all": "1"})
    assert waiting() == [unreadable]
    assert "Put all back" not in read(olga, FAILURES)
    assert "Nothing to put back" in read(olga, f"{REPLAY}?all=1")


@pytest.mark.parametrize("form", [{}, {"id": "x"}, {"id": "9" * 30}])
def test_to_choose_none_is_told_on_the_page(olga, failed, form):
    failed()
    for answer in (olga.get(REPLAY, query_string=form), olga.post(REPLAY, data=form)):
        assert answer.status_code == 400
        assert "Choose at least one." in answer.text
    assert put_back() == 0


def test_what_was_mended_is_taken_in(olga, deliver, run_jobs):
    deliver(said("Hola", to="999"))
    run_jobs()
    assert "For a number that no hotel has" in read(olga, FAILURES)
    page = read_after(olga, REPLAY, {"all": "1"})
    assert "1 put back" in page
    run_jobs()
    assert "For a number that no hotel has" in read(olga, FAILURES)


def test_the_pager_walks_all_failures(olga, failed, monkeypatch):
    monkeypatch.setattr(routes, "PAGE", 2)
    for number in range(5):
        failed(detail=f"d{number}d")
    page = read(olga, FAILURES)
    seen = re.findall(r"d\dd", page)
    while older := re.search(r'href="([^"]*before=\d+)"', page):
        page = read(olga, older[1])
        seen += re.findall(r"d\dd", page)
    assert seen == ["d4d", "d3d", "d2d", "d1d", "d0d"]


# Jobs that failed


def test_with_no_dead_letters_the_page_says_so(olga):
    assert "No job has failed" in read(olga, LETTERS)


def test_a_dead_letter_is_told_in_words(olga, dead):
    dead()
    page = read(olga, LETTERS)
    assert "workers.messages.gone" in page
    assert "Answers" in page
    assert "failed once" in page
    assert "SECRETO" not in page


def test_every_job_and_queue_has_words():
    reminders = {value for name, value in vars(nudges).items() if name.isupper()}
    assert reminders | {recurring.job for recurring in schedule.SCHEDULE} == set(JOBS)
    assert set(QUEUES) == set(queues.ALL)


def test_one_is_tried_again(olga, dead):
    first, second = dead(2)
    assert "1 job is back in its queue." in read_after(olga, f"{LETTERS}/retry", {"id": first})
    assert [letter.id for letter in dead_letters.dead_letters().letters] == [second]
    assert queues.queue(queues.ANSWERS).job_ids == [first]
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.actor, entry.action) == ("olga@miramar.example", "dead_letter_retried")


def test_one_is_deleted_after_a_question(olga, dead):
    first, second = dead(2)
    page = read(olga, f"{LETTERS}/delete?id={first}")
    assert "Delete 1 failed job?" in page
    assert re.findall(r'name="id" value="([^"]+)"', page) == [first]
    assert "1 job deleted." in read_after(olga, f"{LETTERS}/delete", {"id": first})
    assert [letter.id for letter in dead_letters.dead_letters().letters] == [second]


@pytest.mark.parametrize(
    ("verb", "question"), [("retry", "Try 3 failed jobs again?"), ("delete", "Delete 3 failed jobs?")]
)
def test_all_are_asked_about_by_number_and_later_ones_left_out(olga, dead, verb, question):
    dead(3)
    page = read(olga, f"{LETTERS}/{verb}?all=1")
    assert question in page
    ids = re.findall(r'name="id" value="([^"]+)"', page)
    later = (set(dead(1)) - set(ids)).pop()
    read_after(olga, f"{LETTERS}/{verb}", {"id": ids})
    assert [letter.id for letter in dead_letters.dead_letters().letters] == [later]


@pytest.mark.parametrize("verb", ["retry", "delete"])
def test_what_is_gone_meanwhile_is_told(olga, dead, verb):
    (gone,) = dead()
    dead_letters.delete(gone)
    assert "None of them is here any more." in read_after(olga, f"{LETTERS}/{verb}", {"id": gone})
    assert "None of them is here any more." in read(olga, f"{LETTERS}/{verb}?id={gone}", 400)


def test_without_valkey_nobody_knows(olga, dead, valkey_away):
    for path, status in ((LETTERS, 200), (f"{LETTERS}/delete?all=1", 503)):
        page = read(olga, path, status)
        assert "Valkey does not answer" in page
        assert "No job has failed" not in page
    answer = olga.post(f"{LETTERS}/retry", data={"id": "x"})
    assert answer.status_code == 503
    assert "Valkey does not answer" in answer.text
    assert db.session.query(AuditEntry).count() == 0


# All of them


def test_the_pages_ask_little_of_the_database(olga, failed, dead):
    for _ in range(60):
        failed()
    dead(5)
    for path, most in (
        ("/ops", 5),
        (FAILURES, 4),
        (f"{REPLAY}?all=1", 3),
        (LETTERS, 2),
        (f"{LETTERS}/delete?all=1", 2),
    ):
        with statements() as asked:
            read(olga, path)
        assert len(asked) <= most, (path, asked)


# What to do


def test_every_trouble_leads_to_a_page_that_is_there(olga):
    for name in runbooks.OF_TROUBLES.values():
        page = read(olga, f"/docs/runbooks/{name}.md")
        assert "<h2>" in page
        assert "<pre>" in page


def test_the_page_of_operations_leads_to_them(olga):
    db.session.execute(text("insert into backups (name, state, error) values ('n', 'failed', 'no room')"))
    db.session.commit()
    page = read(olga, "/ops")
    assert 'href="/docs/runbooks/README.md"' in page
    assert 'href="/docs/runbooks/backup-failed.md"' in page


@pytest.mark.parametrize(
    "name", ["nothing", "../README", "runbooks/../../.env", "runbooks/", "%2e%2e/README", "adr/.."]
)
def test_nothing_else_is_shown(olga, name):
    assert olga.get(f"/docs/{name}.md").status_code == 404


def test_tags_in_a_page_are_text(tmp_path, monkeypatch):
    monkeypatch.setattr(runbooks, "DOCS", tmp_path)
    (tmp_path / "bad.md").write_text("# A <b>title\n\n<script>alert(1)</script> [x](javascript:alert(1))\n")
    found = runbooks.page.__wrapped__("bad")
    assert found is not None
    assert "<script" not in found.body
    assert 'href="javascript' not in found.body
