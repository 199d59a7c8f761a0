"""Faults on purpose look like the real thing at every door, and nobody can switch them on where guests are."""

from __future__ import annotations

import re
import subprocess
import sys

import httpx
import psycopg
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hotel_agent import ROOT, create_app, db, faults
from hotel_agent.channels.whatsapp.client import GraphClient, NotSent, OutcomeUnknown, Refused
from hotel_agent.config import settings
from hotel_agent.db import db as orm
from hotel_agent.faults import BadFaults, Fault, FaultInjector, valkey
from hotel_agent.pms import contract, door
from tests.fakes.graph import Graph
from tests.load.installation import clean_environment
from tests.reservations.cast import hotel_named

TEXT = {"messaging_product": "whatsapp", "to": "34600111222", "type": "text", "text": {"body": "hola"}}


@pytest.fixture
def with_faults(app, monkeypatch):
    """`with_faults("graph:error=1")`; waiting is remembered instead of done."""
    slept: list[float] = []

    def on(told: str) -> list[float]:
        injector = FaultInjector(told, slept.append)
        monkeypatch.setattr(faults, "injector", lambda: injector)
        return slept

    return on


def counted(place: str, kind: str) -> float:
    return faults.injected.labels(place, kind)._value.get()


# What can be said


def test_faults_are_read_with_their_options_and_the_seed():
    found, seed = faults.read("pms:latency=10; graph:error=0.3,status=500;database:latency=0.2,chance=0.1;seed=7;")
    assert found == (
        Fault("pms", "latency", 10.0),
        Fault("graph", "error", 0.3, {"status": 500.0}),
        Fault("database", "latency", 0.2, {"chance": 0.1}),
    )
    assert seed == 7
    assert faults.read("") == ((), 1)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("kitchen:error=1", "doors are pms, graph, database, valkey"),
        ("pms:explode=1", "pms:error=… or pms:hang=…"),
        ("database:partial=0.5", "database:error=…"),
        ("pms:error", "say pms:error=…"),
        ("pms:error=often", "'often' is no number"),
        ("pms:error=1.5", "from 0 to 1"),
        ("pms:latency=-1", "below 0"),
        ("pms:latency=nan", "below 0"),
        ("pms:latency=1,chance=2", "from 0 to 1"),
        ("pms:error=1,chance=0.5", "has status options"),
        ("valkey:error=1,status=500", "has no options"),
        ("graph:error=1,status=200", "from 400 to 599"),
        ("database:lost_commit=1,seconds=3", "has no options"),
        ("pms:lost_answer=1", "pms:error=… or pms:hang=…"),
        ("seed=x", "is no number"),
        ("seed=7,chance=1", "the doors are"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong(told, says):
    with pytest.raises(BadFaults, match=says):
        faults.read(told)


@pytest.mark.parametrize(
    ("env", "told", "says"),
    [("production", "pms:error=1", "FAULTS: .*refused in production"), ("demo", "pms:bang=1", "FAULTS: .*pms:error")],
)
def test_the_program_does_not_start_with_them_in_production_nor_with_nonsense(env, told, says):
    environment = clean_environment(
        APP_ENV=env, FAULTS=told, SECRET_KEY="x" * 32, DATABASE_URL="postgresql://x/y", REDIS_URL="redis://x"
    )
    done = subprocess.run(
        [sys.executable, "-m", "workers", "scheduler"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert re.search(says, done.stderr)


def test_without_the_setting_nothing_stands_between_a_door_and_the_world(app):
    assert faults.injector() is None
    real = httpx.HTTPTransport()
    assert faults.http.transport("pms", real) is real
    assert valkey.redis_connections("redis://x") == {}


def test_the_same_seed_strikes_at_the_same_calls():
    def story(seed: int) -> list[bool]:
        injector = FaultInjector(f"pms:error=0.4;seed={seed}")
        return [bool(injector.strikes("pms", "error")) for _ in range(200)]

    assert story(3) == story(3)
    assert story(3) != story(4)
    assert 50 < sum(story(3)) < 110


# Graph


@pytest.fixture
def send(far_end: Graph):
    far_end.forget()

    def send() -> object:
        with GraphClient(far_end.url, timeout=2.0) as client:
            return client.send("100000000000001", "token-of-a-test", TEXT)

    return send


def test_a_graph_that_refuses_to_be_called_has_not_sent(with_faults, send, far_end):
    with_faults("graph:error=1")
    with pytest.raises(NotSent):
        send()
    assert far_end.sent == []


def test_a_graph_that_answers_500_refuses_for_now(with_faults, send, far_end):
    with_faults("graph:error=1,status=500")
    with pytest.raises(Refused) as refusal:
        send()
    assert refusal.value.http_status == 500
    assert far_end.sent == []


@pytest.mark.parametrize("told", ["graph:hang=1", "graph:partial=1"])
def test_a_graph_that_falls_silent_may_have_sent(with_faults, send, far_end, told):
    slept = with_faults(told)
    with pytest.raises(OutcomeUnknown):
        send()
    assert len(far_end.sent) == 1
    assert all(seconds <= 2 for seconds in slept)


def test_a_graph_that_is_slow_sends_later_and_too_slow_not_at_all(with_faults, send, far_end):
    slept = with_faults("graph:latency=0.5")
    send()
    assert 0.5 in slept
    assert len(far_end.sent) == 1
    with_faults("graph:latency=60")
    with pytest.raises(NotSent):
        send()
    assert max(slept) <= 2


# Rooms of our own


def test_a_pms_that_fails_opens_the_breaker_and_is_left_alone(with_faults):
    with_faults("pms:error=1")
    hotel = hotel_named("miramar")
    before = counted("pms", "error")
    for _ in range(5):
        with pytest.raises(contract.PmsUnavailable):
            door.call(hotel, "read", lambda: "done")
    with pytest.raises(door.Resting):
        door.call(hotel, "read", lambda: "done")
    assert counted("pms", "error") == before + 5


def test_a_pms_that_takes_ten_seconds_is_not_waited_for_so_long(with_faults):
    slept = with_faults("pms:latency=10")
    with pytest.raises(contract.PmsUnavailable):
        door.call(hotel_named("miramar"), "availability", lambda: "done")
    assert [seconds for seconds in slept if seconds] == [pytest.approx(5, abs=0.5)]


def test_a_pms_that_falls_silent_has_done_it_and_nobody_knows(with_faults):
    with_faults("pms:hang=1,seconds=3")
    done = []
    with pytest.raises(contract.OutcomeUnknown):
        door.call(hotel_named("miramar"), "book", lambda: done.append("booked"))
    assert done == ["booked"]


# The database


def test_a_database_that_is_lost_is_what_its_driver_says_of_it_and_comes_back(with_faults):
    with_faults("database:error=1")
    with create_app(settings(), ping=False).app_context():
        with pytest.raises(OperationalError) as lost:
            orm.session.execute(text("select 1"))
        assert lost.value.connection_invalidated
        orm.session.rollback()
        with pytest.raises(psycopg.OperationalError), db.connect() as connection:
            connection.execute("select 1")
        with_faults("database:latency=0.1")
        assert orm.session.scalar(text("select 1")) == 1
        orm.session.rollback()


NAME = "select name from hotels where slug = 'andes'"
RENAME = "update hotels set name = 'Hostal Nuevo' where slug = 'andes'"


def test_a_server_that_takes_no_writes_is_as_good_as_lost_and_the_next_connection_is_another(app):
    with create_app(settings(), ping=False).app_context():
        orm.session.execute(text("set session characteristics as transaction read only"))
        orm.session.commit()
        with pytest.raises(OperationalError) as lost:
            orm.session.execute(text(RENAME))
        assert lost.value.connection_invalidated
        assert db.is_lost(lost.value)
        orm.session.rollback()
        orm.session.execute(text(RENAME))
        orm.session.rollback()
        orm.engine.dispose()


@pytest.mark.parametrize(("told", "kept"), [("database:lost_commit=1", False), ("database:lost_answer=1", True)])
def test_a_commit_is_lost_on_the_way_there_or_back_and_looks_the_same(with_faults, told, kept):
    with_faults(told)
    with create_app(settings(), ping=False).app_context():
        before = orm.session.scalar(text(NAME))
        orm.session.execute(text(RENAME))
        with pytest.raises(OperationalError, match="closed the connection unexpectedly") as lost:
            orm.session.commit()
        assert db.is_lost(lost.value)
        orm.session.rollback()
        assert orm.session.scalar(text(NAME)) == ("Hostal Nuevo" if kept else before)
        orm.session.rollback()
        orm.engine.dispose()


@pytest.mark.parametrize(("told", "kept"), [("database:lost_commit=1", False), ("database:lost_answer=1", True)])
def test_a_statement_that_commits_itself_is_lost_likewise(with_faults, told, kept):
    with_faults(told)
    with db.connect() as connection:
        with pytest.raises(psycopg.OperationalError, match="closed the connection unexpectedly"):
            connection.execute(RENAME)
        assert connection.closed
    with_faults("pms:error=1")
    with db.connect() as connection:
        assert (connection.execute(NAME).fetchone() == ("Hostal Nuevo",)) is kept


def test_what_has_nothing_to_commit_loses_nothing(with_faults):
    with_faults("database:lost_commit=1")
    before = counted("database", "lost_commit")
    with create_app(settings(), ping=False).app_context():
        orm.session.commit()
        with orm.engine.connect() as connection:
            connection.commit()
        orm.engine.dispose()
    assert counted("database", "lost_commit") == before


# Valkey


@pytest.fixture
def shaky(app):
    client = Redis.from_url(settings().redis_url, connection_class=valkey.FaultyRedisConnection, socket_timeout=1)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("told", "trouble"),
    [
        ("valkey:error=1", RedisConnectionError),
        ("valkey:hang=1", RedisTimeoutError),
        ("valkey:latency=5", RedisTimeoutError),
        ("valkey:partial=1", RedisConnectionError),
    ],
)
def test_a_valkey_in_trouble_is_what_redis_says_of_it(with_faults, shaky, told, trouble):
    slept = with_faults(told)
    with pytest.raises(trouble):
        shaky.set("a", "b")
    assert all(seconds <= 1 for seconds in slept)
    with_faults("pms:error=1")
    assert shaky.set("a", "b")


def test_a_slow_valkey_is_only_slow(with_faults, shaky):
    slept = with_faults("valkey:latency=0.2")
    assert shaky.set("a", "b")
    assert 0.2 in slept


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://x", valkey.FaultyRedisConnection),
        ("rediss://x", valkey.FaultyTlsConnection),
        ("unix:///x", valkey.FaultySocketConnection),
    ],
)
def test_a_shaky_valkey_is_reached_as_its_address_wants(with_faults, url, kind):
    with_faults("valkey:error=1")
    assert valkey.redis_connections(url) == {"connection_class": kind}
