"""One worker of several is kept for what is quick, as long as somebody else takes the rest."""

from __future__ import annotations

import subprocess
from threading import Event
from types import SimpleNamespace

import pytest
from rq.serializers import JSONSerializer
from sqlalchemy import func, select, text

from hotel_agent import live, metrics, queues
from hotel_agent.conversations import taking_in, turns
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db
from hotel_agent.pms import pace
from hotel_agent.redis import RedisError, redis
from hotel_agent.reservations import telling
from hotel_agent.staff import bearer
from tests.conversations.bodies import said
from tests.reservations.cast import day, hotel_named
from workers import __main__ as program
from workers import messages, nudges, quick, supervisor
from workers import worker as workers

ANDES = "100000000000002"


@pytest.fixture
def of_miramar(deliver, app, echo, graph) -> int:
    """A guest of each hotel is owed an answer; the conversation of Miramar."""
    deliver(said("Hola", phone="34600000001"))
    deliver(said("Hola", phone="573000000000", to=ANDES))
    taking_in.take_in(limit=10)
    db.session.execute(text("update conversations set answer_due_at = now() - interval '1 second'"))
    db.session.commit()
    redis().flushdb()
    return db.session.scalars(select(Conversation.id).where(Conversation.hotel_id == hotel_named("miramar").id)).one()


@pytest.fixture
def slow(app, monkeypatch) -> set[int]:
    """Whose PMS keeps one waiting: Miramar's."""
    hotels = {hotel_named("miramar").id}
    monkeypatch.setattr(pace, "slow_hotels", lambda: frozenset(hotels))
    return hotels


@pytest.fixture
def quick_one(app, monkeypatch) -> None:
    """This process is the worker that is kept, and there is another."""
    monkeypatch.setitem(app.config, quick.IS_QUICK, True)
    for name in ("this", "other"):
        queues.heartbeat(name)


def waiting(name: str) -> list[int]:
    return [job.args[0] for job in queues.queue(name).jobs]


def an_ordinary_worker(app) -> workers.AppWorker:
    lanes = [queues.queue(name) for name in queues.ALL]
    worker = workers.AppWorker(lanes, connection=redis(), serializer=JSONSerializer)
    worker.app = app
    return worker


def test_an_answer_of_a_hotel_that_is_slow_is_handed_on(of_miramar, slow, quick_one, sent):
    messages.answer(of_miramar)
    assert [*sent] == []
    assert waiting(queues.SLOW_ANSWERS) == [of_miramar]


def test_and_given_by_the_other_worker(of_miramar, slow, quick_one, sent, app, monkeypatch):
    messages.answer(of_miramar)
    monkeypatch.setitem(app.config, quick.IS_QUICK, False)
    monkeypatch.setattr(turns, "before", lambda *_: [])
    an_ordinary_worker(app).work(burst=True, logging_level="CRITICAL")
    assert [heard.to for heard in sent] == ["34600000001"]


def test_whoever_waits_longest_is_answered_first_whichever_reminder_comes(deliver, of_miramar, slow, quick_one, sent):
    deliver(said("Hola", phone="34600000002"))
    taking_in.take_in(limit=10)
    db.session.execute(text("update conversations set answer_due_at = now() - interval '1 minute' / id"))
    db.session.commit()
    last = db.session.scalars(select(func.max(Conversation.id))).one()
    messages.answer(last)
    (handed_on,) = queues.queue(queues.SLOW_ANSWERS).jobs
    assert handed_on.args[0] == last
    slow.clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(turns, "before", lambda *_: [])
        messages.answer(*handed_on.args)
    assert [heard.to for heard in sent] == ["34600000001"]
    assert waiting(queues.ANSWERS) == [last]


def test_however_often_it_is_reminded_the_other_is_once(of_miramar, slow, quick_one):
    for _ in range(5):
        messages.answer(of_miramar)
    assert waiting(queues.SLOW_ANSWERS) == [of_miramar]
    assert nudges.answer_slowly(of_miramar)
    assert waiting(queues.SLOW_ANSWERS) == [of_miramar]


def test_one_of_another_hotel_is_given_and_the_slow_one_has_no_turn_before_it(of_miramar, slow, quick_one, sent):
    andes = db.session.scalars(select(Conversation.id).where(Conversation.id != of_miramar)).one()
    assert {tuple(turns.before(andes, slow)) for _ in range(30)} == {()}
    assert (of_miramar,) in {tuple(turns.before(andes)) for _ in range(60)}
    messages.answer(andes)
    assert [heard.to for heard in sent] == ["573000000000"]


def test_a_worker_that_is_not_kept_leaves_nothing(of_miramar, slow, sent, monkeypatch):
    monkeypatch.setattr(turns, "before", lambda *_: [])
    messages.answer(of_miramar)
    assert [heard.to for heard in sent] == ["34600000001"]


def test_where_nobody_is_slow_nothing_is_left(slow, quick_one):
    assert quick.left_to_others() == slow
    slow.clear()
    assert quick.left_to_others() == set()


def test_where_every_hotel_is_slow_nothing_is_left(slow, quick_one):
    slow.add(hotel_named("andes").id)
    assert quick.left_to_others() == set()


def test_a_hotel_that_no_guest_can_write_to_is_nobody_to_be_kept_for(slow, quick_one):
    andes = {"andes": hotel_named("andes").id}
    db.session.execute(text("update tenant_user_identifiers set stopped_at = now() where hotel_id = :andes"), andes)
    db.session.commit()
    assert quick.left_to_others() == set()


def test_where_no_other_worker_is_alive_nothing_is_left(slow, app, monkeypatch):
    monkeypatch.setitem(app.config, quick.IS_QUICK, True)
    queues.heartbeat("this")
    assert quick.left_to_others() == set()


def test_what_a_program_asks_of_a_slow_hotel_waits_where_the_kept_one_does_not_look(slow, app):
    andes, miramar = hotel_named("andes").id, next(iter(slow))
    assert quick.lane_of(miramar) == queues.API, "no worker lives that could be another"
    for name in ("this", "other"):
        queues.heartbeat(name)
    assert (quick.lane_of(miramar), quick.lane_of(andes)) == (queues.SLOW_ANSWERS, queues.API)
    slow.add(andes)
    assert quick.lane_of(miramar) == queues.API, "the kept one would be kept for nobody"


def test_every_question_of_a_program_goes_there(slow, client, monkeypatch):
    asked = []
    monkeypatch.setattr(quick, "lane_of", lambda hotel_id: f"lane {hotel_id}")
    monkeypatch.setattr(queues, "ask", lambda lane, job, *_given, **_more: asked.append((lane, job)))
    monkeypatch.setattr(telling, "known_availability", lambda *_: None)
    hotel = hotel_named("miramar")
    token = {"Authorization": f"Bearer {bearer.create_token(hotel)}"}
    days = {"check_in": day(0).isoformat(), "check_out": day(2).isoformat()}
    client.get("/api/pms/availability", query_string={"hotel": "miramar", **days}, headers=token)
    client.post("/api/orchestrator/process", json={"hotel": "miramar", "sender_id": "x", "text": "Hola"}, headers=token)
    room = {"hotel": "miramar", "adults": 2, "room_type": "doble", "guest": {"name": "Marta"}, **days}
    client.post("/api/reservations", json=room, headers={**token, "Idempotency-Key": "k1"})
    assert asked == [(f"lane {hotel.id}", job) for job in (nudges.AVAILABILITY, nudges.PROCESS, nudges.CARRY_OUT)]


def test_guests_of_a_slow_hotel_go_before_programs(app):
    queues.queue(queues.SLOW_ANSWERS).enqueue_call(nudges.AVAILABILITY, args=(1,))
    nudges.answer_slowly(7)
    assert waiting(queues.SLOW_ANSWERS) == [7, 1]


seen_from_within: list[frozenset[int]] = []


def look() -> None:
    seen_from_within.append(quick.left_to_others())


@pytest.mark.parametrize(("name", "leaves"), [(queues.BACKGROUND, False), (queues.SLOW_ANSWERS, True)])
def test_nor_while_the_other_takes_a_backup(slow, app, monkeypatch, name, leaves):
    monkeypatch.setitem(app.config, quick.IS_QUICK, True)
    queues.heartbeat("this")
    seen_from_within.clear()
    queues.queue(name).enqueue_call(look)
    an_ordinary_worker(app).work(burst=True, logging_level="CRITICAL")
    assert seen_from_within == [slow if leaves else set()]


def test_nor_without_valkey(slow, quick_one, monkeypatch):
    def away():
        raise RedisError("away")

    monkeypatch.setattr(queues, "workers_alive", away)
    assert quick.left_to_others() == set()


@pytest.mark.parametrize(("count", "kept"), [(1, [False]), (2, [True, False]), (4, [True, False, False, False])])
def test_a_supervisor_keeps_one_of_several(monkeypatch, count, kept):
    started, stop = [], Event()
    ended = SimpleNamespace(pid=1, poll=lambda: 0, terminate=lambda: None, wait=lambda _: 0)

    def start(command, **_):
        started.append(command)
        return ended

    monkeypatch.setattr(subprocess, "Popen", start)
    supervisor.supervise(count, stop, stop.set)
    assert [command[-1] == "--quick" for command in started] == kept


@pytest.mark.parametrize(("is_quick", "names"), [(True, queues.QUICK), (False, queues.ALL)])
def test_what_may_take_long_is_not_its(app, monkeypatch, is_quick, names):
    seen = []
    monkeypatch.setattr(workers, "create_app", lambda **_: app)
    monkeypatch.setattr(workers, "warm_up", lambda _: None)
    monkeypatch.setattr(live.listener, "start", lambda: None)
    monkeypatch.setattr(metrics, "role", "")
    monkeypatch.setitem(app.config, quick.IS_QUICK, None)
    monkeypatch.setattr(workers.AppWorker, "work", lambda worker, **_: seen.append(worker.queue_names()))
    workers.work(is_quick=is_quick)
    assert seen == [list(names)]
    assert app.config[quick.IS_QUICK] is is_quick


def test_quick_is_a_word_for_one_worker_alone(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["workers", "scheduler", "--quick"])
    with pytest.raises(SystemExit):
        program.main()
    assert "--quick is for one worker" in capsys.readouterr().err
