"""A 200 means that the body is on disk; whoever cannot sign it, or sends too much of it, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from time import monotonic
from typing import Any, cast

import psycopg
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import text

from hotel_agent import create_app, metrics, queues
from hotel_agent.config import settings
from hotel_agent.conversations import inbox, sweeping
from hotel_agent.db import connect, db
from hotel_agent.hotels import credentials
from hotel_agent.redis import redis
from tests.conversations import bodies
from tests.conversations.bodies import said
from workers import upkeep


def kept() -> list[bytes]:
    found = [bytes(body) for body in db.session.scalars(text("select body from inbound_events order by id"))]
    db.session.rollback()
    return found


@pytest.fixture
def writer(app):
    """A writer of the test's own, whose INSERTs can be counted and held up."""
    return inbox.Writer(lambda: cast("Any", Watched(connect("hotel-agent intake", timeout=2))))


class Watched:
    """A connection that tells how many rows each INSERT had, and waits while `gate` is closed."""

    inserts: list[int] = []
    gate = threading.Event()
    entered = threading.Event()

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, rows: Any = None) -> Any:
        if rows is None:
            return self._connection.execute(statement)
        self.entered.set()
        self.gate.wait(10)
        self.inserts.append(len(rows[0]))
        return self._connection.execute(statement, rows)

    def close(self) -> None:
        self._connection.close()


def gathered(writer: inbox.Writer, at_least: int) -> None:
    deadline = monotonic() + 5
    while len(writer._gathered) < at_least:
        assert monotonic() < deadline
        threading.Event().wait(0.002)


@pytest.fixture(autouse=True)
def _fresh_watch():
    Watched.inserts, Watched.gate, Watched.entered = [], threading.Event(), threading.Event()
    Watched.gate.set()


def test_what_was_answered_200_is_on_disk_byte_by_byte(deliver):
    body = bodies.raw(said("¿Hay habitación? 🌊"))
    assert deliver(body).status_code == 200
    assert kept() == [body]


def test_what_is_not_json_is_kept_too_since_it_was_signed(deliver):
    assert deliver(b"\x00\xff not json").status_code == 200
    assert kept() == [b"\x00\xff not json"]


@pytest.mark.parametrize("secret", [None, "another secret", ""])
def test_a_bad_or_missing_signature_leaves_nothing(deliver, secret):
    assert deliver(said("Hola"), secret=secret).status_code == 401
    assert kept() == []


@pytest.mark.parametrize("header", ["sha256=", "sha1=abc", "sha256=" + "0" * 64, "nonsense", "sha256=é"])
def test_an_odd_signature_header_is_refused(client, header):
    answer = client.post(
        "/api/webhooks/whatsapp", data=b"{}", headers={"X-Hub-Signature-256": header.encode("latin1").decode("latin1")}
    )
    assert answer.status_code == 401
    assert kept() == []


def test_a_body_signed_for_other_bytes_is_refused(client):
    signature = bodies.sign(b'{"a": "b"}', "app-secret-of-the-tests")
    answer = client.post("/api/webhooks/whatsapp", data=b'{"a":"b"}', headers={"X-Hub-Signature-256": signature})
    assert answer.status_code == 401


def test_three_megabytes_are_taken_and_more_are_not(deliver):
    limit = 3 * 1024 * 1024
    assert deliver(b"x" * limit).status_code == 200
    assert deliver(b"x" * (limit + 1)).status_code == 413
    assert deliver(b"x" * (5 * 1024 * 1024)).status_code == 413
    assert len(kept()) == 1


def test_metas_handshake(client):
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "verify-token-of-the-tests"}
    answer = client.get("/api/webhooks/whatsapp", query_string=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    for wrong in (
        {"hub.verify_token": "guess"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "é"},
        {"hub.mode": "x"},
    ):
        assert client.get("/api/webhooks/whatsapp", query_string=asked | wrong).status_code == 403
    assert client.get("/api/webhooks/whatsapp").status_code == 403


def test_bodies_that_arrive_together_share_inserts(writer):
    Watched.gate.clear()
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(writer.keep, b"0", "s")]
        assert Watched.entered.wait(5)
        waiting += [pool.submit(writer.keep, b"%d" % number, "s") for number in range(1, 40)]
        gathered(writer, 39)
        Watched.gate.set()
        for each in waiting:
            each.result(5)
    assert len(kept()) == 40
    assert Watched.inserts == [1, 39]
    writer.close()


def shed(reason: str) -> float:
    return metrics.requests_shed.labels(reason)._value.get()


def test_a_writer_that_is_full_turns_away_at_once_and_takes_more_afterwards(writer, monkeypatch):
    monkeypatch.setattr(settings(), "intake_most_waiting", 5)
    before = shed("writer")
    Watched.gate.clear()
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(writer.keep, b"0", "s")]
        assert Watched.entered.wait(5)
        waiting += [pool.submit(writer.keep, b"%d" % number, "s") for number in range(1, 6)]
        gathered(writer, 5)
        with pytest.raises(inbox.TooMuch):
            writer.keep(b"one too many", "s")
        Watched.gate.set()
        for each in waiting:
            each.result(5)
    writer.keep(b"6", "s")
    assert len(kept()) == 7
    assert shed("writer") == before + 1
    writer.close()


def test_while_too_many_bodies_wait_no_more_are_kept_until_some_are_taken_in(deliver, run_jobs, echo, monkeypatch):
    monkeypatch.setattr(settings(), "intake_most_backlog", 3)
    monkeypatch.setattr(inbox, "BACKLOG_SECONDS", 0.0)
    answers = [deliver(said("hola", phone=f"3460000000{number}")) for number in range(8)]
    let_in = [answer.status_code for answer in answers].count(200)
    assert 3 <= let_in <= 5, "it is looked at after each commit, which those who are let in do not wait for"
    assert (answers[-1].status_code, answers[-1].headers["Retry-After"]) == (503, "5")
    assert len(kept()) == let_in
    run_jobs()
    deadline = monotonic() + 5
    while deliver(said("hola", phone="34600000009")).status_code != 200:
        assert monotonic() < deadline, "the door does not open again"
        threading.Event().wait(0.05)


def test_bodies_in_hand_are_bounded_and_what_comes_on_top_is_not_even_read(app, client, monkeypatch):
    monkeypatch.setattr(settings(), "intake_most_bytes", 3000)
    small_door = create_app(settings(), ping=False)
    unread = BytesIO(b"x" * 4000)
    before = shed("bytes")
    answer = small_door.test_client().post(
        "/api/webhooks/whatsapp", input_stream=unread, content_length=4000, content_type="application/json"
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert unread.tell() == 0
    assert shed("bytes") == before + 1
    body = bodies.raw(said("cabe"))
    headers = {"X-Hub-Signature-256": bodies.sign(body, os.environ["WHATSAPP_APP_SECRET"])}
    for _ in range(5):  # What was done with is no longer in hand.
        assert small_door.test_client().post("/api/webhooks/whatsapp", data=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b'{"metadata":{"phone_number_id":"100000000000001"}}', "100000000000001"),
        (b'{"phone_number_id" : "1"},{"phone_number_id":"2"}', "1"),
        (b'{"phone_number_id":12}', ""),
        (b'{"phone_number_id":"abc"}', ""),
        (b"\xff\x00 no json", ""),
        (b'{"phone_number_id":"' + b"9" * 5000 + b'"}', ""),
    ],
)
def test_the_number_that_a_body_names_first_is_found_without_reading_it(body, number):
    assert inbox.number_in(body) == number


def test_a_body_that_postgres_refuses_fails_alone(writer, app):
    db.session.execute(
        text("alter table inbound_events add constraint no_poison check (body <> 'poison'::bytea) not valid")
    )
    db.session.commit()
    Watched.gate.clear()
    try:
        with ThreadPoolExecutor(10) as pool:
            asked = {0: pool.submit(writer.keep, b"0", "s")}
            assert Watched.entered.wait(5)
            asked |= {n: pool.submit(writer.keep, b"poison" if n == 5 else b"%d" % n, "s") for n in range(1, 10)}
            gathered(writer, 9)
            Watched.gate.set()
            refused = [n for n, each in asked.items() if isinstance(each.exception(5), inbox.NotKept)]
    finally:
        db.session.execute(text("alter table inbound_events drop constraint no_poison"))
        db.session.commit()
        writer.close()
    assert refused == [5]
    assert len(kept()) == 9


def test_the_writer_survives_the_loss_of_its_connection(deliver):
    assert deliver(said("uno")).status_code == 200
    db.session.execute(
        text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hotel-agent intake'")
    )
    db.session.commit()
    assert deliver(said("dos")).status_code == 200
    assert len(kept()) == 2


def test_nobody_hears_200_while_postgres_is_away(servers, deliver, client):
    assert deliver(said("uno")).status_code == 200
    os.kill(servers.pids["postgres"], signal.SIGINT)
    servers._wait_for_end(servers._servers["postgres"])
    try:
        answer = deliver(said("dos"))
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert deliver(said("dos"), secret="guess").status_code == 401
        assert client.get("/readyz").status_code == 503
    finally:
        servers.restart("postgres")
    db.session.rollback()
    assert deliver(said("dos")).status_code == 200
    assert len(kept()) == 2


def test_valkey_away_is_still_200_and_the_sweep_finds_the_body(marta_says, run_jobs, sent, echo, monkeypatch):
    nowhere = Redis(port=9, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    with monkeypatch.context() as away:
        away.setattr(queues, "redis", lambda: nowhere)
        marta_says("¿Hay sitio?")
        assert queues.nudge(queues.INTAKE, "workers.messages.take_in", once="take_in") is False
    assert not sweeping.find_forgotten().bodies  # A nudge that is on its way is not lost.
    db.session.execute(text("update inbound_events set received_at = received_at - interval '4 seconds'"))
    db.session.commit()
    redis().flushdb()
    upkeep.bring_back()
    assert queues.queue(queues.INTAKE).count == 1
    run_jobs()
    assert len(sent) == 1


def test_a_hotels_own_secret_opens_its_own_door_only(app, deliver, run_jobs, sent, echo):
    cli = app.test_cli_runner()
    assert cli.invoke(args=["hotel", "set", "andes", "whatsapp_app_secret=the-secret-of-andes"]).exit_code == 0
    app.extensions["whatsapp_secrets"]._read_at -= credentials.RETRY_SECONDS
    own, foreign = said("A Andes", "wamid.1", to=bodies.ANDES), said("A Miramar", "wamid.2")
    assert deliver(own, secret="the-secret-of-andes").status_code == 200
    assert deliver(foreign, secret="the-secret-of-andes").status_code == 200
    assert deliver(said("Con la general", "wamid.3", to=bodies.ANDES)).status_code == 200
    run_jobs()
    assert [(heard.phone_number_id, heard.text) for heard in sent] == [(bodies.ANDES, "re: A Andes")]
    reasons = db.session.scalars(text("select reason from webhook_failures")).all()
    assert reasons == ["wrong_secret", "wrong_secret"]


def test_a_credential_sealed_with_a_lost_key_does_not_shut_the_door_to_others(app, deliver):
    db.session.execute(text("update hotels set whatsapp_app_secret = 'not sealed by us' where slug = 'andes'"))
    db.session.commit()
    app.extensions["whatsapp_secrets"] = credentials.KnownSecrets()
    assert deliver(said("Hola")).status_code == 200
