"""What the agent tells guests: written by language, tried out, and filled in where it was missing."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, text

from hotel_agent.audit.models import AuditEntry
from hotel_agent.conversations import missing, trying
from hotel_agent.conversations.dialogue import Question
from hotel_agent.conversations.models import Conversation, Message, MissingAnswer
from hotel_agent.db import db
from hotel_agent.hotels import telling
from tests.dashboard.cast import hotel, statements, talk

KEYS = iter(range(1_000_000))


@pytest.fixture
def ana(sign_in):
    return sign_in("ana@miramar.example")


@pytest.fixture
def luis(sign_in):
    return sign_in("luis@miramar.example")


@pytest.fixture
def marta(app) -> int:
    return talk("Marta García", minutes=1, language="es")


def asks(one: int, question: str = "¿Hay piano?", topic: str | None = None) -> int:
    db.session.rollback()
    missing.file(db.session.get_one(Conversation, one), Question(question, topic, "es", f"k{next(KEYS)}"))
    db.session.commit()
    return db.session.scalars(select(MissingAnswer.id).order_by(MissingAnswer.id.desc()).limit(1)).one()


def told(topic: str) -> dict[str, str]:
    db.session.rollback()
    return {row.language: row.text for row in telling.texts(hotel().id, topic)}


def said(one: int) -> list[str]:
    db.session.rollback()
    query = select(Message.body).where(Message.conversation_id == one, Message.direction == "out")
    return list(db.session.scalars(query))


# Writing


def test_a_manager_writes_a_topic_in_every_language(luis):
    answer = luis.post("/knowledge/piano_bar", data={"es": "Piano cada noche.", "en": "Piano every night.", "pt": ""})
    assert answer.status_code == 303
    assert told("piano_bar") == {"es": "Piano cada noche.", "en": "Piano every night."}
    html = luis.get("/knowledge").text
    assert "Piano bar" in html
    kept = db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "piano_bar")).all()
    assert kept == ["knowledge_set", "knowledge_set"]


def test_what_a_colleague_has_written_meanwhile_is_shown_and_not_lost(luis):
    before = told("ask_wifi")
    seen = {f"seen-{language}": words for language, words in before.items()}
    telling.set_text(hotel().id, "ask_wifi", "es", "La clave está en la llave.")
    db.session.commit()
    typed = before | {"es": "La clave es miramar."}
    answer = luis.post("/knowledge/ask_wifi", data=typed | seen)
    assert answer.status_code == 409
    assert "La clave está en la llave." in answer.text
    assert "La clave es miramar." in answer.text
    assert told("ask_wifi")["es"] == "La clave está en la llave."
    again = dict(re.findall(r'name="(seen-es)" value="([^"]*)"', answer.text))
    assert luis.post("/knowledge/ask_wifi", data=typed | seen | again).status_code == 303
    assert told("ask_wifi")["es"] == "La clave es miramar."


def test_saving_what_was_not_changed_changes_nothing(luis):
    before = told("ask_wifi")
    seen = {f"seen-{language}": words for language, words in before.items()}
    luis.post("/knowledge/ask_wifi", data={name: words.replace("\n", "\r\n") for name, words in before.items()} | seen)
    assert told("ask_wifi") == before
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.subject == "ask_wifi")).all() == []


def test_an_empty_text_is_taken_away(luis):
    before = told("ask_pool")
    seen = {f"seen-{language}": words for language, words in before.items()}
    luis.post("/knowledge/ask_pool", data=before | seen | {"pt": "  "})
    assert set(told("ask_pool")) == {"es", "en"}


def test_a_text_that_is_too_long_is_told_beside_its_field_and_kept_in_it(luis):
    answer = luis.post("/knowledge/piano_bar", data={"es": "x" * 5000})
    assert answer.status_code == 400
    assert 'id="es-problem"' in answer.text
    assert "x" * 5000 in answer.text
    assert told("piano_bar") == {}


def test_a_topic_is_taken_away_after_a_question(luis):
    assert "¿Quitar esta respuesta?" in luis.get("/knowledge/ask_pool/remove").text
    luis.post("/knowledge/ask_pool/remove")
    assert told("ask_pool") == {}
    assert luis.post("/knowledge/ask_pool/remove").status_code == 404


@pytest.mark.parametrize("topic", ["x", "Piano!", "ñandú", "a" * 60])
def test_a_name_that_is_none_is_told(luis, topic):
    answer = luis.post("/knowledge/new", data={"topic": topic})
    assert answer.status_code == 400
    assert 'id="new-problem"' in answer.text


def test_a_name_of_words_becomes_one(luis):
    assert luis.post("/knowledge/new", data={"topic": "Piano bar"}).headers["Location"].endswith("/knowledge/piano_bar")


# Missing answers


def test_the_answer_reaches_the_guest_and_is_kept_for_the_next(luis, marta):
    question = asks(marta)
    assert f'data-question-id="{question}"' in luis.get("/knowledge").text
    luis.post(f"/knowledge/questions/{question}/answer", data={"text": "Sí, cada noche.", "topic": "piano_bar"})
    assert any("Sí, cada noche." in body for body in said(marta))
    assert told("piano_bar") == {"es": "Sí, cada noche."}
    assert "data-question-id" not in luis.get("/knowledge").text


def test_reception_answers_the_guest_and_writes_nothing_for_others(ana, marta):
    question = asks(marta)
    ana.post(f"/knowledge/questions/{question}/answer", data={"text": "Sí, cada noche.", "topic": "piano_bar"})
    assert any("Sí, cada noche." in body for body in said(marta))
    assert told("piano_bar") == {}


def test_who_cannot_be_told_is_named(ana):
    late = talk("Marta", minutes=25 * 60, language="es")
    ana.post(f"/knowledge/questions/{asks(late)}/answer", data={"text": "Sí"})
    assert "no se le ha dicho al huésped" in ana.get("/knowledge").text


def test_an_empty_answer_is_told_beside_its_field(ana, marta):
    question = asks(marta)
    answer = ana.post(f"/knowledge/questions/{question}/answer", data={"text": "   "})
    assert answer.status_code == 400
    assert 'id="answer-problem"' in answer.text
    assert said(marta) == []


def test_what_was_typed_for_a_topic_that_is_none_is_kept(luis, marta):
    question = asks(marta)
    answer = luis.post(f"/knowledge/questions/{question}/answer", data={"text": "Sí, cada noche.", "topic": "¡Piano!"})
    assert answer.status_code == 400
    assert "Sí, cada noche." in answer.text
    assert "¡Piano!" in answer.text


def test_a_question_is_answered_once(ana, marta):
    question = asks(marta)
    ana.post(f"/knowledge/questions/{question}/answer", data={"text": "Sí"})
    assert ana.post(f"/knowledge/questions/{question}/answer", data={"text": "No"}).status_code == 409
    assert len(said(marta)) == 1


def test_taking_it_off_tells_the_guest_nothing(ana, marta):
    question = asks(marta)
    assert "¿Quitar esta pregunta de la lista?" in ana.get(f"/knowledge/questions/{question}/dismiss").text
    ana.post(f"/knowledge/questions/{question}/dismiss")
    assert said(marta) == []
    assert "data-question-id" not in ana.get("/knowledge").text


# Trying


def test_a_question_is_tried_and_told_from_which_text(app):
    found = trying.try_question(hotel(), "¿A qué hora es el desayuno?", None)
    assert found["intents"][0]["intent"] == "ask_breakfast"
    assert found["from"] == ["ask_breakfast"]
    assert told("ask_breakfast")["es"] in found["replies"][0]["text"]
    assert found["intents"][0]["why"]


def test_a_question_without_an_answer_says_that_a_colleague_would_be_asked(app):
    found = trying.try_question(hotel(), "¿Alquiláis motos de agua?", "es")
    assert found["asked_of_staff"]
    assert found["from"] == []


TABLES = (
    "reservation_locks reservations guests conversations messages missing_answers guest_requests sessions pms_holds"
)


@pytest.mark.parametrize(
    "question",
    [
        "Quiero reservar una doble del 3 al 5 de febrero para 2 a nombre de Elena Ruiz, sí, confirmo",
        "Cancela mi reserva MIR-ABC234 a nombre de Ruiz, sí, seguro",
        "BAJA",
        "¡Fuego en la habitación 201!",
        "Necesito toallas en la 203 y una factura",
    ],
)
def test_trying_writes_nothing(app, question):
    before = _everything()
    trying.try_question(hotel(), question, None)
    db.session.rollback()
    assert _everything() == before


def _everything() -> dict[str, str]:
    query = "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {} t"
    return {table: db.session.execute(text(query.format(table))).scalar_one() for table in TABLES.split()}


def test_the_page_shows_what_would_be_said(ana, api_worker):
    html = ana.post("/knowledge/try", data={"text": "¿A qué hora es el desayuno?"}).text
    assert "Respondería el agente" in html
    assert "ask_breakfast" in html


def test_without_workers_it_says_so_and_keeps_the_question(ana, monkeypatch):
    monkeypatch.setattr("hotel_agent.dashboard.knowledge.routes.WAIT_SECONDS", 1)
    answer = ana.post("/knowledge/try", data={"text": "¿A qué hora es el desayuno?"})
    assert answer.status_code == 503
    assert "¿A qué hora es el desayuno?" in answer.text


@pytest.mark.parametrize("question", ["", "x" * 501])
def test_what_is_no_question_is_told_beside_the_field(ana, question):
    answer = ana.post("/knowledge/try", data={"text": question})
    assert answer.status_code == 400
    assert 'id="try-problem"' in answer.text


# Who may


def test_reception_reads_and_does_not_write(ana):
    assert "<textarea" not in ana.get("/knowledge/ask_wifi").text
    assert ana.post("/knowledge/ask_wifi", data={"es": "x"}).status_code == 403
    assert ana.post("/knowledge/ask_wifi/remove").status_code == 403
    assert ana.post("/knowledge/new", data={"topic": "piano_bar"}).status_code == 403


def test_another_hotels_questions_are_not_there(sign_in, marta):
    question = asks(marta)
    oscar = sign_in("oscar@andes.example")
    assert "data-question-id" not in oscar.get("/knowledge").text
    assert oscar.post(f"/knowledge/questions/{question}/answer", data={"text": "Sí"}).status_code == 404
    assert oscar.get(f"/knowledge/questions/{question}/dismiss").status_code == 404
    assert oscar.post(f"/knowledge/questions/{question}/dismiss").status_code == 404


def test_ops_reads_none_of_it(sign_in):
    assert sign_in("olga@miramar.example").get("/knowledge").status_code == 403


def test_what_guests_ask_is_no_html(ana, marta):
    asks(marta, "<b>¿Hay piano?</b>")
    assert "&lt;b&gt;¿Hay piano?" in ana.get("/knowledge").text


def test_the_page_asks_as_often_for_thirty_questions_as_for_one(ana, marta):
    asks(marta)
    ana.get("/knowledge")
    with statements() as few:
        ana.get("/knowledge")
    for _ in range(30):
        asks(marta)
    with statements() as many:
        ana.get("/knowledge")
    assert len(many) == len(few)
    assert len(few) <= 5
