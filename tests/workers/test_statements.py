"""How many statements a guest's message costs PostgreSQL: a bound that only a deliberate change should raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import event

from hotel_agent.conversations import writing
from hotel_agent.conversations.models import Message
from hotel_agent.db import db
from tests.conversations import bodies
from tests.conversations.cast import ana, hotel_of
from workers import messages


@contextmanager
def statements(app) -> Iterator[list[str]]:
    """What goes to the database meanwhile, commits and rollbacks included."""
    heard: list[str] = []

    def said(_connection, _cursor, statement, *_rest) -> None:
        heard.append(statement)

    def ended(_connection) -> None:
        heard.append("end of transaction")

    event.listen(db.engine, "before_cursor_execute", said)
    event.listen(db.engine, "commit", ended)
    event.listen(db.engine, "rollback", ended)
    try:
        yield heard
    finally:
        event.remove(db.engine, "before_cursor_execute", said)
        event.remove(db.engine, "commit", ended)
        event.remove(db.engine, "rollback", ended)


@pytest.fixture
def known_guest(marta_says, run_jobs, echo, graph) -> None:
    marta_says("Hola", wamid="before")
    run_jobs()


def test_the_price_of_a_message(app, known_guest, marta_says, deliver, graph, sent):
    marta_says("¿Tienen parking?", wamid="asked")
    with statements(app) as taking_in:
        messages.take_in()
    conversation_id = db.session.query(Message.conversation_id).filter_by(wamid="asked").scalar()
    db.session.rollback()
    with statements(app) as answering:
        messages.answer(conversation_id)
    assert len(sent) == 2
    deliver(bodies.status(sent[-1].wamid, "delivered"))
    with statements(app) as hearing:
        messages.take_in()
    assert len(taking_in) <= 15, "\n".join(taking_in)
    assert len(answering) <= 31, "\n".join(answering)
    assert len(hearing) <= 9, "\n".join(hearing)


def test_the_price_of_a_colleagues_reply(app, known_guest, marta_says):
    marta_says("¿Tienen parking?")
    messages.take_in()
    conversation_id = db.session.query(Message.conversation_id).limit(1).scalar()
    staff_id, hotel_id = ana(), hotel_of("miramar")
    db.session.rollback()
    with statements(app) as writing_it:
        writing.write(conversation_id, staff_id, "Sí", uuid4(), hotel_id=hotel_id)
    assert len(writing_it) <= 10, "\n".join(writing_it)
