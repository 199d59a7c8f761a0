"""Hotels take turns: one that floods delays the others by a turn."""

from __future__ import annotations

import threading

import pytest
from rq.serializers import JSONSerializer
from sqlalchemy import select, text

from hotel_agent import queues
from hotel_agent.conversations import sweeping, taking_in, turns
from hotel_agent.conversations.models import Conversation, InboundEvent, Message
from hotel_agent.db import db, one_at_a_time
from hotel_agent.redis import redis
from tests.conversations.bodies import merged, said
from tests.reservations.cast import hotel_named
from workers import messages, nudges
from workers.worker import SHARES, AppWorker

ANDES = "100000000000002"
TAKEN_IN = text("select count(*) from inbound_events where processed_at is not null")


@pytest.fixture
def flood(deliver):
    """Sixty guests of Miramar write, then one of Andes."""
    for number in range(60):
        assert deliver(said("Hola", phone=f"346000000{number:02d}")).status_code == 200
    assert deliver(said("Hola", phone="573000000000", to=ANDES)).status_code == 200


@pytest.fixture
def owed(flood) -> int:
    """All of them are owed an answer by now; the conversation of Andes."""
    taking_in.take_in(limit=100)
    db.session.execute(text("update conversations set answer_due_at = now() - interval '1 second' * (70 - id % 50)"))
    db.session.commit()
    return db.session.scalars(select(Conversation.id).where(Conversation.hotel_id == hotel_named("andes").id)).one()


def of_andes(rows) -> list[bool]:
    return [row.number == ANDES for row in rows]


def test_bodies_of_each_hotel_are_in_the_next_handful(flood):
    rows, are_left = turns.next_bodies(20)
    assert not are_left
    assert (len(rows), sum(of_andes(rows))) == (20, 1)
    db.session.rollback()
    assert taking_in.take_in(limit=20).bodies == 20
    assert db.session.scalar(
        select(Message.id).join(Conversation).where(Conversation.hotel_id == hotel_named("andes").id)
    )


def test_a_job_is_a_handful_so_that_whoever_comes_meanwhile_waits_for_no_more(flood):
    """And fewer while answers wait, of whose time what it has taken is repaid."""

    def taken_by_one_job() -> int:
        before = db.session.scalar(TAKEN_IN)
        messages.take_in()
        return (db.session.scalar(TAKEN_IN) or 0) - (before or 0)

    assert taken_by_one_job() == taking_in.TOGETHER
    assert queues.queue(queues.INTAKE).count
    nudges.answer(1)
    assert 1 < taken_by_one_job() < taking_in.TOGETHER / 2
    assert queues.queue(queues.INTAKE).count


def test_those_of_one_hotel_stay_in_their_order_and_none_is_left(flood):
    seen = []
    while rows := turns.next_bodies(20)[0]:
        seen += [row.id for row in rows if row.number != ANDES]
        for row in rows:
            row.processed_at = row.received_at
        db.session.commit()
    assert seen == sorted(seen)
    assert len(seen) == 60


def test_what_another_has_in_hand_is_passed_by(flood, app):
    with db.engine.connect() as other:
        taken = other.execute(
            text("select id from inbound_events where processed_at is null order by id limit 20 for update")
        ).all()
        ours, _ = turns.next_bodies(20)
        assert not {row.id for row in taken} & {row.id for row in ours}
        assert len(ours) == 20
        other.rollback()
    db.session.rollback()


def test_a_body_that_is_put_off_keeps_nobody_waiting(flood):
    db.session.execute(text("update inbound_events set retry_at = now() + interval '1 hour' where id % 2 = 0"))
    db.session.commit()
    rows, _ = turns.next_bodies(100)
    assert rows
    assert all(row.retry_at is None for row in rows)
    db.session.rollback()


def test_every_hotel_that_owes_an_answer_gets_its_turn(owed):
    """Of many draws for a hotel that floods about half go to the other one."""
    ours = db.session.scalars(select(Conversation.id).where(Conversation.id != owed)).all()
    drawn = [turns.before(ours[0]) for _ in range(80)]
    assert {tuple(one) for one in drawn} == {(), (owed,)}
    of_theirs = [turns.before(owed) for _ in range(80)]
    assert {len(one) for one in of_theirs} == {0, 3}
    longest = db.session.scalars(sweeping.DUE_ANSWERS).all()
    assert owed in longest[:2]


def test_nothing_due_is_nobodys_turn(app):
    assert turns.before(1) == []
    assert turns.next_bodies(5) == ([], False)
    db.session.rollback()


def test_a_job_for_a_hotel_that_floods_does_anothers_answer_and_its_own_comes_again(owed, graph, sent, monkeypatch):
    redis().flushdb()
    monkeypatch.setattr(turns, "before", lambda *_: [owed])
    theirs = db.session.scalars(select(Conversation.id).where(Conversation.id != owed)).all()[0]
    messages.answer(theirs)
    assert [heard.to for heard in sent] == ["573000000000"]
    (waiting,) = queues.queue(queues.ANSWERS).jobs
    assert waiting.args == [theirs]


def test_an_answer_that_somebody_has_in_hand_holds_up_nobody(owed, app, graph, sent, monkeypatch):
    """Neither those of its own hotel nor the job that found it taken."""
    redis().flushdb()
    ours, others = db.session.scalars(select(Conversation.id).where(Conversation.id != owed)).all()[:2]
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with app.app_context(), one_at_a_time("conversation", owed):
            taken.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(5)
    try:
        monkeypatch.setattr(turns, "before", lambda *_: [owed])
        messages.answer(ours)
        messages.answer(others)
    finally:
        done.set()
        holder.join()
    assert len(sent) == 2
    assert queues.queue(queues.ANSWERS).jobs == []


def test_large_bodies_are_taken_in_alone_so_that_nobody_waits_for_a_thousand_messages(deliver, echo, graph):
    for body in range(3):
        several = [said("Hola", phone=f"3460000{body}{number:03d}") for number in range(60)]
        assert deliver(merged(*several)).status_code == 200
    assert deliver(said("Hola", phone="573000000000", to=ANDES)).status_code == 200
    rows, are_left = turns.next_bodies(20)
    assert are_left
    assert len(rows) < 4
    assert sum(len(row.body) for row in rows) <= turns.TOGETHER_BYTES
    assert ANDES in {row.number for row in rows}
    db.session.rollback()
    while taking_in.take_in(20).more:
        pass
    assert db.session.scalar(text("select count(*) from messages")) == 181


def test_within_a_flood_everybody_is_answered_once(flood, run_jobs, sent):
    run_jobs()
    assert len(sent) == 61
    assert len({heard.to for heard in sent}) == 61
    assert not db.session.scalars(select(InboundEvent).where(InboundEvent.processed_at.is_(None))).all()


def test_guests_and_programs_share_the_time_and_sweeps_come_first(app):
    worker = AppWorker([queues.queue(name) for name in queues.ALL], connection=redis())
    cost = {"answers": 0.08, "sends": 0.02, "intake": 0.3, "api": 0.15, "slow_answers": 0.2}
    had = dict.fromkeys(cost, 0.0)
    for _ in range(400):  # All of them are full.
        worker.reorder_queues(worker.queues[0])
        order = [one.name for one in worker._ordered_queues]
        assert (order[:1], order[6:]) == (["sweeps"], ["pms", "background"])
        assert set(order) == set(queues.ALL)
        had[order[1]] += cost[order[1]]
        worker._had[order[1]] += cost[order[1]] / SHARES[order[1]]
    assert had["answers"] / sum(had.values()) == pytest.approx(3 / 7, abs=0.05)
    for name in ("intake", "api", "slow_answers"):
        assert had[name] / sum(had.values()) == pytest.approx(1 / 7, abs=0.05), name


def test_a_program_that_asks_without_end_keeps_no_guest_waiting(app, monkeypatch):
    done = []
    monkeypatch.setattr(messages, "process", lambda number: done.append(number))
    monkeypatch.setattr(messages, "answer", lambda _: done.append("guest"))
    worker = AppWorker([queues.queue(name) for name in queues.ALL], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    worker._had[queues.API] = 1.0
    for number in range(5):
        queues.queue(queues.API).enqueue_call(nudges.PROCESS, args=(number,))
    nudges.answer(7)
    worker.work(burst=True, logging_level="CRITICAL")
    assert sorted(map(str, done)) == ["0", "1", "2", "3", "4", "guest"]
    assert done.index("guest") <= 1


def test_whoever_had_nothing_to_do_does_not_make_the_others_wait_for_long_afterwards(app):
    worker = AppWorker([queues.queue(name) for name in queues.ALL], connection=redis())
    worker._had["answers"] = 3600.0
    worker.reorder_queues(worker.queues[0])
    assert max(worker._had.values()) - min(worker._had.values()) <= 0.5


def test_what_a_person_has_written_goes_before_what_many_are_sent(app):
    for conversation in (1, 2, 3):
        nudges.send_in_turn(conversation)
    nudges.send(9)
    assert [job.args[0] for job in queues.queue(queues.SENDS).jobs] == [9, 1, 2, 3]
