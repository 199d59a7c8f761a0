"""How far a reply got: statuses only move it forward, whenever and in whatever order they come."""

from __future__ import annotations

import threading
from itertools import permutations

import pytest
from sqlalchemy import select, text

from hotel_agent.channels.whatsapp.client import Accepted
from hotel_agent.conversations import outbox, statuses
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import db, utcnow
from tests.conversations import bodies
from tests.conversations.bodies import status
from tests.fakes.graph import DROP, hang


@pytest.fixture
def answered(marta_says, run_jobs, sent, echo):
    """Marta has had an answer; its wamid."""
    marta_says("Hola", "wamid.1")
    run_jobs()
    return sent[0].wamid


def out() -> Message:
    db.session.rollback()
    return db.session.scalars(select(Message).where(Message.direction == "out")).one()


def waiting() -> tuple[str, str | None]:
    db.session.rollback()
    conversation = db.session.scalars(select(Conversation)).one()
    return conversation.status, conversation.waiting_reason


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read", "failed"])))
def test_statuses_move_only_forward_in_any_order(answered, deliver, run_jobs, order):
    for what in order:
        deliver(status(answered, what, code=131026 if what == "failed" else None))
    run_jobs()
    assert out().status == "read"
    assert out().error_code is None
    assert waiting() == ("open", None)


@pytest.mark.parametrize("order", list(permutations(["sent", "failed"])))
def test_a_failure_is_shown_to_staff(answered, deliver, run_jobs, order):
    for what in order:
        deliver(status(answered, what, code=131026 if what == "failed" else None))
    run_jobs()
    assert (out().status, out().error_code) == ("failed", 131026)
    assert waiting() == ("waiting", "send_failed")


def test_played_is_read_and_unknown_words_change_nothing(answered, deliver, run_jobs):
    deliver(status(answered, "warning"))
    deliver(status(answered, "played"))
    deliver(status(answered, "deleted"))
    run_jobs()
    assert out().status == "read"


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "failed"])))
def test_statuses_may_come_before_we_know_the_wamid(marta_says, run_jobs, graph, echo, deliver, order):
    marta_says("Hola")
    for what in order:
        deliver(status("wamid.OUT-early", what, code=131026 if what == "failed" else None))
    run_jobs()
    message = out()
    with_new_wamid(message, "wamid.OUT-early")
    assert out().status == "delivered"
    assert db.session.scalar(text("select count(*) from early_statuses")) == 0


def with_new_wamid(message: Message, wamid: str) -> None:
    """As if the send had been answered only now."""
    db.session.execute(text("delete from message_ids where message_id = :id").bindparams(id=message.id))
    db.session.execute(
        text("update messages set status = 'sending', wamid = null, sent_at = null where id = :id").bindparams(
            id=message.id
        )
    )
    db.session.commit()
    ticket = outbox.Ticket(
        message=(message.id, message.created_at),
        conversation_id=message.conversation_id,
        hotel_id=message.hotel_id,
        identifier_id=1,
        phone_number_id="1",
        token="t",
        body={},
        attempts=0,
        lane_stopped=False,
        claimed_at=utcnow(),
    )
    outbox._write_outcome(ticket, Accepted(wamid))


def test_a_lost_answer_is_settled_by_the_status_that_carries_our_id(marta_says, run_jobs, graph, echo, deliver):
    graph.behave(DROP)
    marta_says("Hola")
    run_jobs()
    assert out().status == "unknown"
    deliver(status(graph.sent[0].wamid, "delivered", data=graph.sent[0].callback_data))
    run_jobs()
    assert (out().status, out().wamid) == ("delivered", graph.sent[0].wamid)
    deliver(status(graph.sent[0].wamid, "read"))
    run_jobs()
    assert out().status == "read"
    assert len(graph.tried) == 1


def test_a_status_that_overtakes_the_answer_to_our_send_loses_nothing(app, marta_says, run_jobs, graph, echo, deliver):
    """Meta's webhook and its answer to us race; the one must not undo the other, nor wait for it for ever."""
    free, told = threading.Event(), threading.Event()

    def tell(heard):
        def webhook():
            with app.app_context():
                for what in ("sent", "delivered"):
                    statuses.hear(1, heard.wamid, what, callback_data=heard.callback_data)
                    db.session.commit()
            told.set()
            free.set()

        threading.Thread(target=webhook).start()

    graph.while_sending = tell
    graph.behave(hang(free))
    marta_says("Hola")
    run_jobs()
    assert told.wait(5)
    assert out().status == "delivered"


@pytest.mark.parametrize("data", ["m99999999999999999999", "m0", "mx", "m1 or 1=1", "ß" * 500])
def test_callback_data_of_nobody_is_harmless(answered, deliver, run_jobs, data):
    deliver(status("wamid.strange", "failed", data=data, code=131026))
    run_jobs()
    assert out().status == "sent"
    assert waiting() == ("open", None)


def test_another_hotel_cannot_move_our_messages(marta_says, run_jobs, graph, echo, deliver):
    graph.behave(DROP)
    marta_says("Hola")
    run_jobs()
    deliver(status("wamid.x", "failed", data=graph.sent[0].callback_data, code=131026, to=bodies.ANDES))
    deliver(status(graph.sent[0].wamid, "read", to=bodies.ANDES))
    run_jobs()
    assert out().status == "unknown"


def test_a_status_about_a_guests_own_message_is_harmless(marta_says, run_jobs, graph, echo, deliver):
    marta_says("Hola", "wamid.1")
    deliver(status("wamid.1", "failed"))
    run_jobs()
    assert db.session.scalar(text("select status from messages where wamid = 'wamid.1'")) == "received"
    assert waiting() == ("open", None)
