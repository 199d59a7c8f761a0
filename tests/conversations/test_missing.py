"""Questions without an answer: kept for a colleague, whose answer the guest gets, and the next guest too."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hotel_agent.conversations import filing, missing, waiting
from hotel_agent.conversations.dialogue import Question
from hotel_agent.conversations.models import Conversation, Message, MissingAnswer
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Knowledge
from tests.conversations.cast import ana
from tests.conversations.chat import Chat, new_guest
from tests.dashboard.cast import answers, talk

BIKES = Question("¿Alquiláis bicicletas?", None, "es", "m1:question")


@pytest.fixture
def marta(app) -> int:
    return talk("Marta García", minutes=1, language="es")


@pytest.fixture
def miramar(app) -> int:
    return by_slug("miramar").id


def conversation(one: int) -> Conversation:
    db.session.rollback()
    return db.session.get_one(Conversation, one, populate_existing=True)


def asks(one: int, *questions: Question) -> list[int]:
    row = conversation(one)
    filing.file(row, questions)
    waiting.hand_over(row, missing.REASON)
    db.session.commit()
    return list(db.session.scalars(select(MissingAnswer.id).order_by(MissingAnswer.id)))


def told(one: int) -> list[str]:
    return list(
        db.session.scalars(select(Message.body).where(Message.conversation_id == one, Message.author == "automatic"))
    )


def test_a_question_is_filed_once(marta):
    assert len(asks(marta, BIKES)) == 1
    assert len(asks(marta, BIKES)) == 1
    row = db.session.scalars(select(MissingAnswer)).one()
    assert (row.question, row.language, row.status) == ("¿Alquiláis bicicletas?", "es", "open")


def test_the_answer_reaches_the_guest_word_for_word_and_ends_the_waiting(marta, miramar):
    (bikes,) = asks(marta, BIKES)
    settled = missing.answer(bikes, " Sí, a 10,00 € al día. ", ana(), hotel_id=miramar)
    assert settled.told
    assert len(told(marta)) == 1
    assert "Sí, a 10,00 € al día." in told(marta)[0]
    after = conversation(marta)
    assert after.waiting_reasons == []
    assert after.owner == "agent"
    row = db.session.get_one(MissingAnswer, bikes)
    assert (row.status, row.answer, row.settled_by) == ("answered", "Sí, a 10,00 € al día.", ana())
    assert db.session.scalars(select(Knowledge).where(Knowledge.topic == "bicycles")).all() == []


@pytest.mark.parametrize(
    ("language", "question", "answer"),
    [
        ("es", "¿Alquiláis bicicletas?", "Alquilamos bicicletas por 10,00 € al día."),
        ("en", "Do you rent bicycles?", "We rent bicycles for €10.00 a day."),
        ("pt", "Vocês alugam bicicletas?", "Alugamos bicicletas por 10,00 € por dia."),
    ],
)
def test_with_a_topic_the_next_guest_is_answered(miramar, language, question, answer):
    first = talk("Marta", minutes=1, language=language)
    (bikes,) = asks(first, Question(question, None, language, "m1:question"))
    missing.answer(bikes, answer, ana(), hotel_id=miramar, topic="bicycles")
    hotel = by_slug("miramar")
    assert Chat(hotel, new_guest(hotel, "Luisa")).says(question).says(answer)


@pytest.mark.parametrize(
    "given",
    [
        {"text": "  "},
        {"text": "x" * 5000},
        {"text": "Sí", "topic": "Con Espacios"},
        {"text": "Sí", "topic": "bicycles", "language": "fr"},
    ],
)
def test_what_will_not_do_changes_nothing(marta, miramar, given):
    (bikes,) = asks(marta, BIKES)
    text = given.pop("text")
    with pytest.raises(BadInput):
        missing.answer(bikes, text, ana(), hotel_id=miramar, **given)
    assert db.session.get_one(MissingAnswer, bikes, populate_existing=True).status == "open"
    assert told(marta) == []


def test_an_answer_may_look_like_a_template_and_is_none(marta, miramar):
    (bikes,) = asks(marta, BIKES)
    missing.answer(bikes, "Sí {{ 7*7 }}", ana(), hotel_id=miramar)
    assert "{{ 7*7 }}" in told(marta)[0]


def test_a_closed_window_is_reported_and_the_answer_kept(miramar):
    late = talk("Marta", minutes=25 * 60, language="es")
    (bikes,) = asks(late, BIKES)
    settled = missing.answer(bikes, "Sí", ana(), hotel_id=miramar, topic="bicycles")
    assert not settled.told
    assert settled.kept == "bicycles"
    assert told(late) == []
    assert db.session.get_one(MissingAnswer, bikes).answer == "Sí"


def test_a_question_is_settled_once(marta, miramar):
    (bikes,) = asks(marta, BIKES)
    missing.dismiss(bikes, ana(), hotel_id=miramar)
    assert conversation(marta).waiting_reasons == []
    with pytest.raises(BadInput):
        missing.answer(bikes, "Sí", ana(), hotel_id=miramar)
    assert told(marta) == []


def test_the_reason_stays_while_another_question_is_open(marta, miramar):
    bikes, _kayak = asks(marta, BIKES, Question("¿Y kayak?", None, "es", "m2:question"))
    missing.answer(bikes, "Sí", ana(), hotel_id=miramar)
    assert conversation(marta).waiting_reasons == [missing.REASON]


def test_what_else_was_promised_stays_when_a_question_is_settled(marta, miramar):
    """The agent was not sure about a cancellation either: that is for a person all the same."""
    (bikes,) = asks(marta, BIKES)
    waiting.hand_over(conversation(marta), "unsure")
    db.session.commit()
    missing.answer(bikes, "Sí", ana(), hotel_id=miramar)
    assert conversation(marta).waiting_reasons == ["unsure"]


def test_another_hotel_answers_nothing(marta):
    (bikes,) = asks(marta, BIKES)
    with pytest.raises(NotFound):
        missing.answer(bikes, "Sí", ana(), hotel_id=by_slug("andes").id)


def test_the_page_shows_it_says_who_wrote_since_and_takes_the_answer(sign_in, marta):
    (bikes,) = asks(marta, BIKES)
    desk = sign_in("ana@miramar.example")
    html = desk.get(f"/conversations/{marta}").text
    assert f'data-question-id="{bikes}"' in html
    assert "Después ha escrito al huésped un compañero" not in html
    answers(marta, "Sí, tenemos", author="staff", minutes=-1)
    assert "Después ha escrito al huésped un compañero" in desk.get(f"/conversations/{marta}").text
    assert desk.post(f"/conversations/{marta}/questions/{bikes}/answer", data={"text": ""}).status_code == 400
    answer = desk.post(f"/conversations/{marta}/questions/{bikes}/answer", data={"text": "Sí, a 10,00 €"})
    assert answer.status_code == 303
    assert "Sí, a 10,00 €" in told(marta)[0]
    assert "data-question-id" not in desk.get(f"/conversations/{marta}").text
