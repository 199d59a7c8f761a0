"""Told stories about what the hotel wrote: it is told if it speaks of what was asked, else a colleague is asked.

What the NLU makes of the words is given where the story depends on it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import delete

from hotel_agent.conversations import listening
from hotel_agent.conversations.dialogue import Heard
from hotel_agent.conversations.reply import reply_to
from hotel_agent.db import db
from hotel_agent.hotels.models import Knowledge
from hotel_agent.nlu import Scored, encoder, understand
from tests.conversations.chat import Chat, Reply, day, hotel_named, new_guest, span
from tests.dashboard.cast import statements

pytestmark = pytest.mark.skipif(not encoder.available(), reason="the encoder's package is not installed")

BICYCLES = "We rent bicycles for €10.00 a day. Helmet and lock are included."
SUNBEDS = "Alquilamos hamacas y sombrillas en la playa por 8,00 € al día."
IRON = "En recepción prestamos plancha y tabla de planchar."


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


@pytest.fixture
def writes(app):
    """`flask knowledge set`, as the hotel's administrator types it."""
    runner = app.test_cli_runner()

    def writes(topic: str, language: str, text: str) -> None:
        result = runner.invoke(args=["knowledge", "set", "miramar", topic, language, text])
        assert result.exit_code == 0, result.output

    return writes


@pytest.fixture
def understood(monkeypatch):
    """`with understood(("ask_pool", 0.9)):` whatever is said means that."""

    @contextmanager
    def understood(*intents: tuple[str, float]):
        scored = tuple(Scored(*one) for one in intents)
        with monkeypatch.context() as patch:
            patch.setattr(listening, "understand", lambda *said: replace(understand(*said), intents=scored))
            yield

    return understood


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("Do you rent bicycles?", ("ask_amenities", 0.9)),
        ("¿Alquilan bicicletas?", ("ask_amenities", 0.9)),
        ("Alugam bicicletas?", ("ask_amenities", 0.9)),
        ("Do you rent bicycles?", ("ask_transport", 0.9)),
        ("¿Cuánto cuesta alquilar una bicicleta?", ("ask_price", 0.9)),
        ("can you recommend a bicycle rental", ("ask_recommendation", 0.9)),
        ("do you rent bikes", ("out_of_scope", 0.4)),
        ("¿Alquilan bicicletas?", ("out_of_scope", 0.3)),
    ],
)
def test_any_topic_of_the_hotels_own_is_told_whatever_kind_of_question_it_was_taken_for(
    marta, writes, understood, question, intent
):
    writes("bicycles", "en", BICYCLES)
    with understood(intent):
        reply = marta.says(question)
    assert reply.says("Helmet and lock")
    assert reply.reason is None
    assert not reply.says("días", "€18.00")


def test_a_text_in_the_guests_language_is_preferred_then_the_hotels(marta, writes, understood):
    writes("hairdryer", "es", "Hay secador en todas las habitaciones.")
    writes("hairdryer", "pt", "Há secador em todos os quartos.")
    db.session.execute(delete(Knowledge).where(Knowledge.topic == "ask_amenities"))
    db.session.commit()
    with understood(("ask_amenities", 0.9)):
        assert marta.says("Is there a hairdryer in our room?").says("hay secador")
        assert marta.says("Vocês têm secador de cabelo no quarto?").says("há secador")


@pytest.mark.parametrize("question", ["¿Hay casino?", "¿Tienen pista de tenis?", "¿Hay misa los domingos?"])
def test_what_no_text_speaks_of_is_asked_of_a_colleague(marta, understood, question):
    with understood(("ask_amenities", 0.9)):
        reply = marta.says(question)
    assert reply.says("se lo pregunto a un compañero")
    assert reply.reason == "question"
    assert not reply.says("aire acondicionado")


@pytest.mark.parametrize(
    "question", ["¿Qué servicios ofrece el hotel?", "¿Hay secador?", "¿La habitación tiene nevera?"]
)
def test_what_there_is_in_the_hotel_is_told_to_who_asks_for_it(marta, understood, question):
    with understood(("ask_amenities", 0.9)):
        assert marta.says(question).says("secador", "nevera")


def test_a_question_that_was_not_understood_is_answered_by_a_clear_text(marta, understood):
    with understood(("out_of_scope", 0.4)):
        reply = marta.says("¿Hay secador en el baño?")
    assert reply.says("secador")
    assert reply.intent == "ask_amenities"
    assert marta.remembered.failures == 0


@pytest.mark.parametrize(("words", "confidence"), [("el secador", 0.4), ("¿Hay casino?", 0.4), ("¿Hay secador?", 0.9)])
def test_what_is_no_question_or_no_clear_match_or_surely_not_ours_stays_unanswered(
    marta, understood, words, confidence
):
    with understood(("out_of_scope", confidence)):
        reply = marta.says(words)
    assert not reply.says("aire acondicionado")
    assert reply.ids == ["ask:availability", "ask:status", "ask:human"]


def test_after_such_an_answer_the_booking_goes_on(marta, understood):
    marta.says("quiero reservar una habitación")
    with understood(("out_of_scope", 0.4)):
        assert marta.says("¿Hay secador en el baño?").says("secador", "días")


@pytest.mark.parametrize("question", ["¿Tenéis piscina?", "¿Hasta qué hora abre la piscina?", "¿y la piscina?"])
def test_the_text_of_a_specific_question_stays_its_answer(marta, writes, understood, question):
    writes("sunbeds", "es", SUNBEDS)
    with understood(("ask_pool", 0.9)):
        reply = marta.says(question)
    assert reply.says("piscina exterior")
    assert not reply.says("hamacas")


def test_a_text_that_answers_much_better_is_told_instead(marta, writes, understood):
    writes("sunbeds", "es", SUNBEDS)
    with understood(("ask_pool", 0.9)):
        reply = marta.says("¿Tenéis hamacas y sombrillas para la playa?")
    assert reply.says("hamacas")
    assert not reply.says("piscina exterior")


def test_two_questions_in_one_message_are_both_answered(marta, writes, understood):
    writes("iron", "es", IRON)
    with understood(("ask_pool", 0.9)):
        assert marta.says("¿Tenéis piscina? ¿Y me prestáis una plancha?").says("piscina exterior", "plancha")
    with understood(("ask_pool", 0.9), ("ask_amenities", 0.8)):
        reply = marta.says("¿Tenéis piscina? ¿Y me prestáis una plancha?")
    assert reply.says("plancha")
    assert reply.text.count("piscina exterior") == 1
    assert reply.reason is None


def test_the_price_of_a_stay_stays_one(marta, writes):
    writes("meeting_room", "es", "Tenemos una sala de reuniones para 20 personas. Media jornada cuesta 80,00 €.")
    asked = marta.says(f"¿cuánto cuesta una habitación doble {span('es', day(0), day(2))}?")
    assert not asked.says("reuniones")
    assert marta.says("¿cuánto cuesta la habitación?").reason is None
    assert marta.last is not None
    assert not marta.last.says("reuniones")


def test_the_hotels_texts_are_read_once_a_turn(marta, understood):
    turn = marta.turn((Heard(0, "text", "¿Tenéis piscina? ¿Y parking? ¿Y secador?", None, "answerable"),))
    with understood(("ask_pool", 0.9), ("ask_parking", 0.8), ("ask_amenities", 0.7)), statements() as asked:
        assert Reply(reply_to(turn)).says("piscina", "18,00", "secador")
    assert sum("from knowledge" in " ".join(one.lower().split()) for one in asked) == 1


@pytest.mark.parametrize("topic", ["Hair dryer", "secador!", "ña", "_x", "wi-fi", "a" * 50])
def test_a_topic_that_cannot_be_one_is_refused_with_what_it_should_look_like(app, topic):
    result = app.test_cli_runner().invoke(args=["knowledge", "set", "miramar", topic, "es", "Sí."])
    assert result.exit_code == 1
    assert "small letters" in result.output
    assert "piano_bar" in result.output
