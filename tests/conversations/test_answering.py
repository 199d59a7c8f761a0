"""One answer per message, whatever is delivered twice, comes in bursts, dies half-way or is taken over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.config import settings
from hotel_agent.conversations import answering, outbox, taking_in
from hotel_agent.conversations.dialogue import Answer, Handover, Turn
from hotel_agent.conversations.handover import give_back, take_over
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import db
from hotel_agent.flags.switches import switch
from tests.conversations.cast import ana
from tests.fakes.graph import Graph
from workers import messages as jobs
from workers import upkeep


def conversation() -> Conversation:
    db.session.rollback()
    return db.session.scalars(select(Conversation)).one()


def handlings() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Message.handling).where(Message.direction == "in").order_by(Message.id)))


def outgoing() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Message.status).where(Message.direction == "out").order_by(Message.id)))


def make_all_due() -> None:
    """Time passes."""
    db.session.rollback()
    db.session.execute(text("update conversations set answer_due_at = now() where answer_due_at is not null"))
    db.session.execute(text("update messages set next_attempt_at = now() where status = 'queued';"))
    db.session.commit()


def test_a_redelivered_message_is_answered_once(marta_says, run_jobs, sent, echo):
    marta_says("¿Hay habitación?", wamid="w1")
    marta_says("¿Hay habitación?", wamid="w1")
    run_jobs()
    marta_says("¿Hay habitación?", wamid="w1")
    run_jobs()
    assert [heard.text for heard in sent] == ["re: ¿Hay habitación?"]


def test_a_burst_gets_one_answer(marta_says, run_jobs, sent, echo):
    for word in ("Hola", "¿Hay sitio?", "Para dos"):
        marta_says(word)
    run_jobs()
    assert [heard.text for heard in sent] == ["re: Hola + ¿Hay sitio? + Para dos"]


def test_a_burst_is_awaited_for_the_pause_but_not_for_ever(marta_says, run_jobs, sent, echo, monkeypatch):
    monkeypatch.setattr(settings(), "answer_pause_seconds", 30.0)
    marta_says("Hola")
    run_jobs()
    first = conversation().answer_due_at
    marta_says("¿Hay sitio?")
    run_jobs()
    assert not sent
    due = conversation().answer_due_at
    assert due
    assert first
    assert due <= first + taking_in.LONGEST_PAUSE
    make_all_due()
    run_jobs()
    assert len(sent) == 1


def test_marta_sees_blue_ticks_and_typing_before_the_answer(marta_says, run_jobs, graph, echo):
    marta_says("Hola", wamid="w1")
    run_jobs()
    assert [(heard.kind, heard.body.get("message_id")) for heard in graph.heard] == [("typing", "w1"), ("send", None)]


def test_a_message_that_comes_while_the_answer_is_made_gets_its_own(app, marta_says, run_jobs, sent, echo, monkeypatch):
    first = answering.reply_to  # type: ignore[attr-defined]

    def interrupted(turn: Turn) -> Answer:
        if len(echo) == 0:
            marta_says("¿Y desayuno?")
            with app.app_context():
                taking_in.take_in()
        return first(turn)

    monkeypatch.setattr(answering, "reply_to", interrupted)
    marta_says("Hola")
    run_jobs()
    assert [heard.text for heard in sent] == ["re: Hola", "re: ¿Y desayuno?"]


def test_many_workers_give_one_answer(app, marta_says, sent, echo):
    marta_says("Hola")
    taking_in.take_in()
    conversation_id = conversation().id

    def work() -> None:
        with app.app_context():
            jobs.answer(conversation_id)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work) for _ in range(8)]:
            done.result()
    assert len(echo) == 1
    assert len(sent) == 1


@pytest.mark.parametrize("writes_second", [{"phone": None, "bsuid": "ES.1"}, {"phone": "34600111222"}], ids=str)
def test_two_guests_become_one_while_the_answer_is_made(
    app, marta_says, run_jobs, sent, echo, monkeypatch, writes_second
):
    scoped, phone = {"phone": None, "bsuid": "ES.1"}, {"phone": "34600111222"}
    marta_says("Antes", **(phone if writes_second == scoped else scoped))
    run_jobs()
    first = answering.reply_to  # type: ignore[attr-defined]
    joined: list[bool] = []

    def interrupted(turn: Turn) -> Answer:
        if not joined:
            joined.append(True)
            marta_says("Soy la misma", phone="34600111222", bsuid="ES.1")
            in_thread(app, taking_in.take_in)
        return first(turn)

    monkeypatch.setattr(answering, "reply_to", interrupted)
    marta_says("Hola", **writes_second)
    run_jobs()
    make_all_due()
    run_jobs()
    heard = " + ".join(send.text for send in sent)
    assert [heard.count(word) for word in ("Antes", "Hola", "Soy la misma")] == [1, 1, 1]
    assert handlings() == ["answered"] * 3


def in_thread(app: Any, act: Any) -> None:
    thread = threading.Thread(target=in_context(app, act))
    thread.start()
    thread.join()


class Killed(BaseException):
    """kill -9: nothing of ours gets to run any more, and PostgreSQL drops what was not committed."""


class Reaper:
    """Kills at the n-th moment: before each commit, after each commit, before and after each send."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment, self.fatal = 0, 0
        commit = Session.commit
        monkeypatch.setattr(Session, "commit", lambda session: self._around(lambda: commit(session)))

    def client(self, graph: Any) -> Any:
        reaper = self

        class Client:
            def send(self, *arguments: Any) -> Any:
                return reaper._around(lambda: graph.send(*arguments))

        return Client()

    def start(self, fatal: int) -> None:
        self.moment, self.fatal = 0, fatal

    def _around(self, step: Any) -> Any:
        self._pass()
        done = step()
        self._pass()
        return done

    def _pass(self) -> None:
        self.moment += 1
        if self.moment == self.fatal:
            raise Killed


def test_killed_at_any_moment_every_message_is_answered_once_or_with_staff(
    app, marta_says, graph: Graph, echo, monkeypatch
):
    client = jobs.graph()
    reaper = Reaper(monkeypatch)
    deaths = 0
    for fatal in range(1, 100):
        reaper.start(0)
        phone = f"346000002{fatal:02}"
        marta_says("Hola", f"wamid.{fatal}", phone=phone)
        reaper.start(fatal)
        try:
            work(app, reaper.client(client))
        except Killed:
            deaths += 1
        else:
            break
        finally:
            reaper.start(0)
        for _ in range(2):
            make_all_due()
            work(app, client)
        heard = [send for send in graph.tried if send.to == phone]
        [row] = db.session.execute(
            text(
                "select i.handling, count(o.id), min(o.status), c.status from messages i"
                " join conversations c on c.id = i.conversation_id"
                " left join messages o on o.conversation_id = c.id and o.direction = 'out'"
                " where i.wamid = :wamid group by i.handling, c.status"
            ).bindparams(wamid=f"wamid.{fatal}")
        )
        assert row[:2] == ("answered", 1), fatal
        assert (row[2], len(heard)) in [("sent", 1), ("unknown", 1), ("unknown", 0)], fatal
    assert deaths > 10
    assert fatal < 99
    monkeypatch.setattr(settings(), "unknown_send_seconds", 0.0)
    upkeep.settle_unknown_sends()
    unseen = (
        "select count(*) from messages m join conversations c on c.id = conversation_id"
        " where m.status = 'unknown' and c.status <> 'waiting'"
    )
    assert db.session.scalar(text(unseen)) == 0


def work(app: Any, client: Any) -> None:
    with app.app_context():
        taking_in.take_in()
    with app.app_context():
        ids = list(db.session.scalars(select(Conversation.id).order_by(Conversation.id.desc()).limit(1)))
        db.session.rollback()
        for conversation_id in ids:
            answering.answer(conversation_id)
            outbox.deliver(conversation_id, client)


def test_what_the_dialogue_cannot_answer_goes_to_staff_in_the_end(marta_says, run_jobs, sent, monkeypatch):
    tries = []

    def broken(turn: Turn) -> Answer:
        tries.append(turn.request_key)
        raise RuntimeError("no words")

    monkeypatch.setattr(answering, "reply_to", broken)
    marta_says("Hola")
    for _ in range(answering.TRIES + 2):
        run_jobs(may_fail=True)
        make_all_due()
    assert len(tries) == answering.TRIES
    assert len(set(tries)) == 1
    assert handlings() == ["staff"]
    assert (conversation().status, conversation().waiting_reason) == ("waiting", "agent_failed")
    assert not sent


def test_while_a_try_has_failed_the_next_is_never_far(marta_says, run_jobs, monkeypatch):
    monkeypatch.setattr(answering, "reply_to", lambda turn: 1 / 0)
    marta_says("Hola")
    for _ in range(answering.TRIES):
        run_jobs(may_fail=True)
        due = conversation().answer_due_at
        left = db.session.scalar(text("select extract(epoch from :due - now())").bindparams(due=due))
        assert left is not None
        assert left <= 12
        make_all_due()


def test_while_staff_own_the_conversation_the_agent_is_silent(marta_says, run_jobs, sent, echo):
    marta_says("Hola")
    run_jobs()
    take_over(conversation().id, ana(), hotel_id=1)
    marta_says("¿Hay alguien?")
    run_jobs()
    assert len(sent) == len(echo) == 1
    assert handlings() == ["answered", "staff"]
    assert conversation().status == "waiting"
    give_back(conversation().id, ana(), hotel_id=1)
    marta_says("Gracias")
    run_jobs()
    assert [heard.text for heard in sent] == ["re: Hola", "re: ¿Hay alguien?", "re: Gracias"]
    assert (conversation().status, conversation().waiting_since) == ("open", None)


def test_staff_take_over_while_the_answer_is_made(app, marta_says, run_jobs, sent, echo, monkeypatch):
    first = answering.reply_to  # type: ignore[attr-defined]

    def slow(turn: Turn) -> Answer:
        in_thread(app, lambda: take_over(conversation().id, ana(), hotel_id=1))
        return first(turn)

    monkeypatch.setattr(answering, "reply_to", slow)
    marta_says("Hola")
    run_jobs()
    assert outgoing() == []
    assert handlings() == ["staff"]
    assert not sent


def in_context(app: Any, act: Any) -> Any:
    def run() -> None:
        with app.app_context():
            act()

    return run


def test_staff_take_over_before_the_answer_is_sent(marta_says, graph, echo):
    marta_says("Hola")
    taking_in.take_in()
    answering.answer(conversation().id)
    assert outgoing() == ["queued"]
    take_over(conversation().id, ana(), hotel_id=1)
    outbox.deliver(conversation().id, jobs.graph())
    assert outgoing() == ["cancelled"]
    assert not graph.tried


def test_an_answer_written_before_the_owner_changed_is_not_sent_even_if_nobody_cancelled_it(marta_says, graph, echo):
    marta_says("Hola")
    taking_in.take_in()
    answering.answer(conversation().id)
    db.session.execute(text("update conversations set owner = 'staff'"))
    db.session.commit()
    outbox.deliver(conversation().id, jobs.graph())
    assert outgoing() == ["cancelled"]
    assert not graph.tried


@pytest.mark.parametrize("where", ["everywhere", "this hotel"])
def test_the_kill_switch_leaves_messages_to_staff(marta_says, run_jobs, sent, echo, where):
    switch("agent", False, None if where == "everywhere" else 1)
    marta_says("Hola")
    run_jobs()
    assert not sent
    assert not echo
    assert handlings() == ["staff"]
    assert (conversation().status, conversation().waiting_reason) == ("waiting", "agent_off")


def test_a_handover_leaves_the_agent_answering_other_questions(marta_says, run_jobs, sent, echo, monkeypatch):
    first = answering.reply_to  # type: ignore[attr-defined]
    person = Answer((OutText("Aviso a recepción"),), None, {}, "es", Handover("talk_to_human"))
    monkeypatch.setattr(answering, "reply_to", lambda turn: person)
    marta_says("Quiero hablar con una persona")
    run_jobs()
    assert (conversation().status, conversation().owner) == ("waiting", "agent")
    since = conversation().waiting_since
    monkeypatch.setattr(answering, "reply_to", first)
    marta_says("¿Hay piscina?")
    run_jobs()
    assert echo[0].already_waiting == "talk_to_human"
    assert len(sent) == 2
    assert conversation().waiting_since == since


def test_what_was_remembered_comes_back_with_the_next_message_until_it_is_too_old(marta_says, run_jobs, graph, echo):
    for word in ("uno", "dos"):
        marta_says(word)
        run_jobs()
    db.session.execute(text("update sessions set last_activity = now() - interval '31 minutes'"))
    db.session.commit()
    marta_says("tres")
    run_jobs()
    assert [turn.state for turn in echo] == [{}, {"answers": 1}, {}]
    assert [turn.first_contact for turn in echo] == [True, False, False]


def test_two_messages_in_one_second_are_heard_in_the_order_of_their_arrival(marta_says, run_jobs, echo, graph):
    for word in ("a", "b", "c", "d"):
        marta_says(word, at=1_900_000_000)
    run_jobs()
    assert [heard.text for heard in echo[0].heard] == ["a", "b", "c", "d"]


def test_an_answer_without_words_leaves_the_message_with_staff_who_know(marta_says, run_jobs, sent, monkeypatch):
    monkeypatch.setattr("hotel_agent.conversations.answering.reply_to", lambda _turn: Answer((), None, {}, "es"))
    marta_says("Hola", wamid="w1")
    run_jobs()
    row = db.session.execute(
        text("select m.handling, c.status, c.waiting_since is not null from messages m join conversations c on true")
    ).one()
    assert tuple(row) == ("staff", "waiting", True)
    assert not sent
