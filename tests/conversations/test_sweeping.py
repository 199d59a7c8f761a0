"""Rows that nobody was reminded of are found within fifteen seconds, sweep and all."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from hotel_agent import queues
from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import answering, outbox, sweeping, taking_in
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db
from hotel_agent.redis import redis
from workers import upkeep
from workers.schedule import SCHEDULE

PERIOD = next(recurring.seconds for recurring in SCHEDULE if recurring.job.endswith("bring_back"))


def seconds_pass(seconds: float) -> None:
    db.session.rollback()
    for table, columns in (
        ("inbound_events", ("received_at", "retry_at")),
        ("messages", ("created_at", "received_at", "next_attempt_at", "sending_at")),
        ("conversations", ("answer_due_at",)),
    ):
        moved = ", ".join(f"{column} = {column} - make_interval(secs => {seconds})" for column in columns)
        db.session.execute(text(f"update {table} set {moved}"))
    db.session.commit()
    redis().flushdb()


def swept() -> list[str]:
    upkeep.bring_back()
    waiting = [queues.queue(name) for name in queues.ALL]
    return [str(job.func_name).rpartition(".")[2] for queue in waiting for job in queue.jobs]


def conversation() -> Conversation:
    return db.session.scalars(select(Conversation)).one()


class Deaf:
    """In place of the nudger: every nudge of the webhook is lost."""

    def wake(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _lost_nudges(app, monkeypatch):
    monkeypatch.setitem(app.extensions, "take_in_nudger", Deaf())


@pytest.fixture
def within() -> float:
    """What is left of fifteen seconds when the sweep has just missed it."""
    return 15 - PERIOD


def test_a_body(marta_says, echo, within):
    marta_says("Hola")
    seconds_pass(within)
    assert swept() == ["take_in"]


def test_an_answer(marta_says, echo, within):
    marta_says("Hola")
    taking_in.take_in()
    seconds_pass(within)
    assert swept() == ["answer"]


def test_an_answer_whose_process_died(marta_says, echo, within, monkeypatch):
    marta_says("Hola")
    taking_in.take_in()
    for _ in range(3):
        db.session.execute(text("update conversations set answer_due_at = now()"))
        db.session.commit()
        assert answering._begin(conversation().id, None, None, None)
        db.session.rollback()
        assert swept() == []
        seconds_pass(within + 1)
        assert swept() == ["answer"]
        redis().flushdb()


def test_a_message_that_lost_its_date(marta_says, echo, within):
    marta_says("Hola")
    taking_in.take_in()
    db.session.execute(text("update conversations set answer_due_at = null"))
    db.session.commit()
    seconds_pass(within)
    assert swept() == ["answer"]


def test_a_message_to_send(marta_says, echo, within):
    marta_says("Hola")
    taking_in.take_in()
    answering.answer(conversation().id)
    assert swept() == []  # Its nudge may be on the way.
    seconds_pass(within)
    assert swept() == ["send"]


def test_a_message_whose_sender_died(marta_says, echo, within):
    marta_says("Hola")
    taking_in.take_in()
    answering.answer(conversation().id)
    assert outbox._claim(conversation().id)
    seconds_pass(within)
    assert swept() == ["send"]


def test_a_message_that_waits_for_its_next_try_is_left_alone_until_then(marta_says, echo):
    marta_says("Hola")
    taking_in.take_in()
    answering.answer(conversation().id)
    seconds_pass(20)
    db.session.execute(text("update messages set next_attempt_at = now() + interval '5 s' where direction = 'out'"))
    db.session.commit()
    assert swept() == []
    seconds_pass(6)
    assert swept() == ["send"]


def test_nothing_is_found_where_all_is_done(marta_says, run_jobs, sent, echo):
    marta_says("Hola")
    run_jobs()
    seconds_pass(60)
    assert sweeping.find_forgotten() == sweeping.Forgotten(False, [], [])


def test_a_message_by_the_api_whose_caller_has_gone_is_laid_to_rest(app):
    from hotel_agent.conversations import asking
    from hotel_agent.hotels.finding import by_slug

    asking.ask(by_slug("miramar"), "crm-7", "Hola", None)
    seconds_pass(61)
    assert swept() == []
    assert db.session.scalar(text("select handling from messages")) == "none"


def test_messages_of_staff_are_swept_too(marta_says, run_jobs, sent, echo, within):
    marta_says("Hola")
    run_jobs()
    outbox.put(conversation(), OutText("Soy Ana"), author="staff")
    db.session.commit()
    seconds_pass(within)
    assert swept() == ["send"]
