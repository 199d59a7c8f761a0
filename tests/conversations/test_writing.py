"""What colleagues write is sent once, ends the waiting, and is told apart from what must not or cannot be sent."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hotel_agent.channels.whatsapp.limits import OutText
from hotel_agent.conversations import answering, asking, outbox, taking_in, tending, writing
from hotel_agent.conversations.dialogue import Answer, Handover
from hotel_agent.conversations.handover import take_over
from hotel_agent.conversations.models import ClientId, ConversationEvent, Message, MessageTemplate
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from tests.conversations.cast import (
    ana,
    conversation,
    events,
    handlings,
    hotel_of,
    luis,
    messages,
    out,
    reasons,
    time_passes,
)
from tests.fakes.graph import DROP, error
from workers import messages as jobs
from workers import nudges, upkeep


@pytest.fixture
def asked(marta_says, run_jobs, graph, echo) -> int:
    marta_says("Hola", wamid="wamid.hola")
    run_jobs()
    return conversation().id


def write(
    conversation_id: int, words: str = "Buenos días", client_id: UUID | None = None, by: int | None = None, **more: Any
) -> int:
    miramar = hotel_of("miramar")
    return writing.write(conversation_id, by or ana(), words, client_id or uuid4(), **more, hotel_id=miramar)


def send(conversation_id: int) -> None:
    outbox.deliver(conversation_id, jobs.graph())


def refused(field: str, do: Any) -> str:
    """What the person is told; nothing is changed by it."""
    before = (out(), events(), conversation().status)
    with pytest.raises(BadInput) as told:
        do()
    assert told.value.field == field
    assert (out(), events(), conversation().status) == before
    return str(told.value)


# A reply


def test_a_reply_reaches_the_guest_and_is_the_colleagues(asked, graph):
    written = write(asked, "Buenos días, soy Ana")
    send(asked)
    assert graph.sent[-1].text == "Buenos días, soy Ana"
    message = messages("out")[-1]
    assert (message.id, message.author, message.staff_id, message.status) == (written, "staff", ana(), "sent")


def test_replying_takes_over_and_ends_the_waiting(asked, marta_says, run_jobs, sent, monkeypatch):
    person = Answer((OutText("Aviso"),), None, {}, "es", Handover("emergency", urgent=True))
    monkeypatch.setattr(answering, "reply_to", lambda turn: person)
    marta_says("¡Fuego!")
    run_jobs()
    assert (conversation().status, conversation().urgent, reasons()) == ("waiting", True, ["emergency"])
    write(asked)
    kept = conversation()
    assert (kept.owner, kept.assignee_id, kept.status) == ("staff", ana(), "open")
    assert (kept.waiting_since, kept.waiting_reason, reasons(), kept.urgent) == (None, None, [], False)
    assert events("taken_over") == [("taken_over", ana(), {"from": None})]


def test_a_reply_answers_all_that_was_owed_and_silences_the_agent(asked, marta_says, run_jobs, sent):
    marta_says("¿Hay piscina?")
    marta_says("¿Y gimnasio?")
    taking_in.take_in()
    write(asked, "Sí, las dos cosas")
    assert handlings() == ["answered"] * 3
    nudges.send(asked)
    run_jobs()
    assert [heard.text for heard in sent] == ["re: Hola", "Sí, las dos cosas"]


def test_a_colleague_who_helps_out_leaves_the_conversation_where_it_is(asked):
    take_over(asked, luis(), hotel_id=hotel_of("miramar"))
    write(asked)
    assert conversation().assignee_id == luis()


def test_what_was_the_agents_becomes_the_writers_whoever_it_was_meant_for(asked):
    tending.assign(asked, ana(), luis(), hotel_id=hotel_of("miramar"))
    write(asked)
    assert conversation().assignee_id == ana()
    assert events("taken_over") == [("taken_over", ana(), {"from": luis()})]


@pytest.mark.parametrize("way", ["closed", "snoozed"])
def test_a_reply_opens_again_what_was_closed_or_put_off(asked, way):
    if way == "closed":
        tending.close(asked, ana(), hotel_id=hotel_of("miramar"))
    else:
        tending.snooze(asked, ana(), utcnow() + timedelta(hours=1), hotel_id=hotel_of("miramar"))
    write(asked)
    kept = conversation()
    assert (kept.status, kept.closed_at, kept.snoozed_until, kept.owner) == ("open", None, None, "staff")


def test_a_reply_that_fails_leaves_the_guest_waiting(asked, graph):
    graph.behave(error(131026))
    write(asked)
    send(asked)
    assert (conversation().status, reasons()) == ("waiting", ["send_failed"])


def test_a_reply_by_the_api_counts_as_sent(app, echo):
    asking.ask(by_slug("miramar"), "crm-7", "Hola", None)
    write(conversation().id)
    assert out() == [("staff", "Buenos días", "sent")]


# Once


def test_a_double_click_sends_once(asked, graph):
    client_id = uuid4()
    assert write(asked, client_id=client_id) == write(asked, client_id=client_id)
    send(asked)
    assert len(graph.sent) == 2


def test_two_requests_at_once_send_once(app, asked):
    client_id, together = uuid4(), threading.Barrier(4)

    def ask() -> int:
        with app.app_context():
            together.wait()
            return write(asked, client_id=client_id)

    with ThreadPoolExecutor(4) as pool:
        ids = {done.result() for done in [pool.submit(ask) for _ in range(4)]}
    assert len(ids) == 1
    assert len(out()) == 2


class Killed(BaseException):
    """kill -9."""


@pytest.mark.parametrize("when", ["before the commit", "after it"])
def test_a_reply_whose_server_was_killed_is_sent_once_when_it_is_asked_for_again(asked, monkeypatch, when):
    commit, client_id = Session.commit, uuid4()

    def deadly(session: Session) -> None:
        if when == "after it":
            commit(session)
        raise Killed

    staff = ana()
    monkeypatch.setattr(Session, "commit", deadly)
    with pytest.raises(Killed):
        write(asked, client_id=client_id, by=staff)
    monkeypatch.undo()
    assert len(out()) == (2 if when == "after it" else 1)
    assert write(asked, client_id=client_id) == messages("out")[-1].id
    assert len(out()) == 2


def test_other_words_of_another_click_are_another_message(asked):
    assert write(asked) != write(asked)


def test_after_a_week_nobody_asks_again(asked):
    write(asked)
    time_passes(days=8)
    note(asked)
    upkeep.forget_old()
    assert db.session.query(ClientId).count() == 1


# What cannot be sent


@pytest.mark.parametrize("words", ["", "  \n ", "\x00", "x" * (4 * 4096 + 1)])
def test_nothing_and_far_too_much_is_not_sent(asked, words):
    refused("text", lambda: write(asked, words))


def test_a_variable_that_nobody_filled_in_is_named_and_not_sent(asked):
    assert "{{ room }}" in refused("text", lambda: write(asked, "Su habitación es la {{ room }}, {{guest}}"))


def test_a_card_number_is_not_sent(asked):
    refused("text", lambda: write(asked, "Su tarjeta 4111 1111 1111 1111"))


def test_what_postgresql_cannot_keep_is_left_out(asked):
    write(asked, "Buenos\x00 días \ud800")
    assert out()[-1][1] == "Buenos días ?"


def test_a_closed_window_is_told_before_anything_is_written(asked, marta_says):
    time_passes(hours=24, minutes=1)
    refused("text", lambda: write(asked))
    assert conversation().owner == "agent"
    marta_says("¿Sigue ahí?")
    taking_in.take_in()
    write(asked)
    assert len(out()) == 2


def test_a_retry_of_what_was_written_in_time_is_not_refused(asked):
    client_id = uuid4()
    written = write(asked, client_id=client_id)
    time_passes(hours=25)
    assert write(asked, client_id=client_id) == written


def test_long_words_are_split_and_keep_their_order(asked, graph):
    client_id = uuid4()
    words = " ".join(f"{number}. Una frase corta." for number in range(500))
    first = write(asked, words, client_id)
    rows = messages("out")[1:]
    assert len(rows) > 1
    assert rows[0].id == first == write(asked, words, client_id)
    send(asked)
    assert " ".join(heard.text for heard in graph.sent[1:]) == words


# Quoting


def test_a_quoted_message_is_quoted_on_the_guests_phone(asked, graph):
    write(asked, "A las 15:00. " * 500, quoted_message_id=messages("in")[0].id)
    send(asked)
    assert graph.sent[1].body["context"] == {"message_id": "wamid.hola"}
    assert "context" not in graph.sent[2].body
    assert messages("out")[1].payload["context"] == {"id": "wamid.hola"}


def test_nobody_elses_message_can_be_quoted(asked, marta_says):
    marta_says("Hola", phone="34600999888", name="Eva")
    taking_in.take_in()
    [other] = [message.id for message in messages("in") if message.conversation_id != asked]
    for quoted in (other, 4711):
        with pytest.raises(BadInput) as told:
            write(asked, quoted_message_id=quoted)
        assert told.value.field == "quoted"
    assert len(out()) == 1


# Templates


def template(slug: str = "miramar") -> int:
    query = select(MessageTemplate.id).filter_by(name="detalles_de_llegada", language="es", hotel_id=hotel_of(slug))
    return db.session.scalars(query).one()


def write_template(conversation_id: int, values: list[str], client_id: UUID | None = None) -> int:
    miramar = hotel_of("miramar")
    return writing.write_template(conversation_id, ana(), template(), values, client_id or uuid4(), hotel_id=miramar)


def test_a_template_is_sent_while_the_window_is_closed(asked, graph):
    time_passes(hours=30)
    write_template(asked, ["Marta", "lunes 5\nde octubre", "15:00"])
    send(asked)
    assert graph.sent[-1].body["template"] == {
        "name": "detalles_de_llegada",
        "language": {"code": "es"},
        "components": [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "Marta"},
                    {"type": "text", "text": "lunes 5 de octubre"},
                    {"type": "text", "text": "15:00"},
                ],
            }
        ],
    }
    author, words, status = out()[-1]
    assert (author, status) == ("staff", "sent")
    assert words == "Hola, Marta. Te esperamos el lunes 5 de octubre a partir de las 15:00. ¿A qué hora piensas llegar?"
    assert conversation().owner == "staff"


def test_a_template_is_sent_once(asked):
    client_id = uuid4()
    assert write_template(asked, ["a", "b", "c"], client_id) == write_template(asked, ["a", "b", "c"], client_id)
    assert len(out()) == 2


@pytest.mark.parametrize(
    ("values", "missing"),
    [([], "{{1}}, {{2}}, {{3}}"), (["Marta"], "{{2}}, {{3}}"), (["Marta", " ", "15:00"], "{{2}}")],
    ids=str,
)
def test_a_template_with_an_empty_place_is_not_sent(asked, values, missing):
    told = refused("values", lambda: write_template(asked, values))
    assert ", ".join(re.findall(r"{{\d}}", told)) == missing


def test_a_template_of_another_hotel_cannot_be_sent(asked):
    theirs = template(slug="andes")
    with pytest.raises(NotFound):
        writing.write_template(asked, ana(), theirs, ["a", "b", "c"], uuid4(), hotel_id=hotel_of("miramar"))
    assert len(out()) == 1


# Once more


@pytest.fixture
def lost(asked, graph) -> int:
    """What the agent said may not have arrived; the message's id."""
    graph.behave(DROP)
    db.session.rollback()
    [row] = outbox.put(conversation(), OutText("¿Sigue ahí?"))
    db.session.commit()
    send(asked)
    assert row.status == "unknown"
    return row.id


def again(message_id: int) -> int:
    return writing.send_again(message_id, ana(), hotel_id=hotel_of("miramar"))


def test_what_may_not_have_arrived_is_sent_again_by_a_person(asked, lost, graph):
    new = again(lost)
    send(asked)
    assert [heard.text for heard in graph.sent[1:]] == ["¿Sigue ahí?", "¿Sigue ahí?"]
    assert out()[1:] == [("agent", "¿Sigue ahí?", "cancelled"), ("staff", "¿Sigue ahí?", "sent")]
    assert (messages("out")[-1].id, messages("out")[-1].staff_id) == (new, ana())
    assert events() == [("sent_again", ana(), {"message": lost})]
    assert (conversation().owner, conversation().assignee_id) == ("agent", None)


def test_what_failed_is_sent_again_and_nobody_waits_for_it_any_more(asked, graph):
    graph.behave(error(131026))
    failed = write(asked, "La piscina abre a las 10", quoted_message_id=messages("in")[0].id)
    send(asked)
    assert reasons() == ["send_failed"]
    again(failed)
    assert (conversation().status, reasons(), conversation().waiting_since) == ("open", [], None)
    send(asked)
    assert graph.sent[-1].body["context"] == {"message_id": "wamid.hola"}


def test_sending_again_does_not_end_the_waiting_for_something_else(asked, marta_says, run_jobs, graph, monkeypatch):
    complaint = Answer((OutText("Lo sentimos"),), None, {}, "es", Handover("complaint"))
    monkeypatch.setattr(answering, "reply_to", lambda turn: complaint)
    graph.behave(error(131026))
    marta_says("Esto es un desastre")
    run_jobs()
    assert reasons() == ["complaint", "send_failed"]
    again(messages("out")[-1].id)
    assert (conversation().status, reasons()) == ("waiting", ["complaint"])


def test_a_double_click_sends_again_once(asked, lost):
    assert again(lost) == again(lost)
    assert len(out()) == 3


def test_two_who_send_again_at_once_send_once(app, asked, lost):
    together = threading.Barrier(3)

    def ask() -> int:
        with app.app_context():
            together.wait()
            return again(lost)

    with ThreadPoolExecutor(3) as pool:
        ids = {done.result() for done in [pool.submit(ask) for _ in range(3)]}
    assert len(ids) == 1
    assert len(out()) == 3


def test_what_was_sent_is_not_sent_again(asked):
    refused("message", lambda: again(messages("out")[0].id))


def test_a_guests_message_is_not_sent_again(asked):
    with pytest.raises(NotFound):
        again(messages("in")[0].id)


def test_nothing_is_sent_again_once_the_window_is_closed(asked, lost):
    time_passes(hours=25)
    refused("message", lambda: again(lost))


def test_a_template_that_failed_is_sent_again_also_then(asked, graph):
    time_passes(hours=25)
    graph.behave(error(131026))
    failed = write_template(asked, ["a", "b", "c"])
    send(asked)
    again(failed)
    send(asked)
    assert graph.sent[-1].body["type"] == "template"


# Notes


def note(conversation_id: int, words: str = "Llega tarde", client_id: UUID | None = None) -> int:
    return writing.note(conversation_id, ana(), words, client_id or uuid4(), hotel_id=hotel_of("miramar"))


def test_a_note_is_kept_for_colleagues_and_changes_nothing_else(asked, marta_says, run_jobs, graph):
    take_over(asked, luis(), hotel_id=hotel_of("miramar"))
    marta_says("¿Hola?")
    taking_in.take_in()
    before = conversation().waiting_since
    noted = note(asked)
    db.session.rollback()
    kept = db.session.get_one(ConversationEvent, noted)
    assert (kept.kind, kept.body, kept.staff_id) == ("note", "Llega tarde", ana())
    send(asked)
    assert len(graph.sent) == len(out()) == 1
    assert (conversation().waiting_since, conversation().assignee_id) == (before, luis())
    assert conversation().last_message_text == "¿Hola?"


def test_a_note_is_kept_once(asked):
    client_id = uuid4()
    assert note(asked, client_id=client_id) == note(asked, client_id=client_id)
    assert len(events("note")) == 1


def test_what_was_kept_as_a_note_has_not_been_sent(asked):
    client_id = uuid4()
    note(asked, client_id=client_id)
    write(asked, "Llega tarde", client_id)
    assert out()[-1][1] == "Llega tarde"


def test_a_card_number_in_a_note_is_masked(asked):
    note(asked, "pagó con 4111 1111 1111 1111")
    assert db.session.scalar(text("select body from conversation_events")) == "pagó con **** 1111"


@pytest.mark.parametrize("words", ["", " ", "x" * 4001])
def test_a_note_says_something_and_not_a_book(asked, words):
    refused("text", lambda: note(asked, words))


def test_ids_follow_the_order_in_which_things_were_said(asked):
    """Rows of one answer are written together; their ids tell their order."""
    marta = conversation()
    rows = outbox.put(marta, OutText("Una frase. " * 2000))
    rows += outbox.put(marta, OutText("Y otra."))
    db.session.commit()
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert db.session.scalars(select(Message.body).order_by(Message.id.desc()).limit(1)).one() == "Y otra."
