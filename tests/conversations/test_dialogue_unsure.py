"""Told stories about words that are not clear: asked about once, never guessed, then a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hotel_agent import nlu
from hotel_agent.conversations import listening, words
from hotel_agent.nlu import Scored
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span


@pytest.fixture
def marta(app):
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel), language="es")


@pytest.fixture
def heard_as(monkeypatch):
    """Let a sentence be understood with these chances; its entities stay what they are."""

    def hear(text: str, **chances: float) -> str:
        real = nlu.understand

        def understand(said, today, hints):
            understood = real(said, today, hints)
            scored = tuple(Scored(intent, chance) for intent, chance in chances.items())
            return replace(understood, intents=scored) if said == text else understood

        monkeypatch.setattr(listening, "understand", understand)
        return text

    return hear


MUMBLED = "eso de la otra vez pero ahora"


def test_of_two_likely_wishes_the_guest_picks_one(marta, heard_as):
    asked = marta.says(heard_as(MUMBLED, ask_parking=0.4, ask_wifi=0.3))
    assert asked.ids == ["meant:ask_parking", "meant:ask_wifi", "meant:none"]
    assert marta.taps("meant:ask_wifi").says("wifi es gratis")


def test_a_likely_wish_is_confirmed_by_a_yes(marta, heard_as):
    assert marta.says(heard_as(MUMBLED, ask_parking=0.45)).ids == ["meant:ask_parking", "meant:none"]
    reply = marta.says("sí")
    assert reply.says("aparcamiento", "18,00")
    assert reply.intent == "ask_parking"


def test_a_yes_to_two_possibilities_is_not_guessed(marta, heard_as):
    marta.says(heard_as(MUMBLED, ask_parking=0.4, ask_wifi=0.3))
    reply = marta.says("sí")
    assert not reply.says("18,00")
    assert not reply.says("wifi es gratis")


def test_nobody_is_set_to_work_on_a_guess(marta, heard_as):
    asked = marta.says(heard_as(MUMBLED, request_housekeeping=0.55))
    assert asked.reason is None
    assert marta.taps("meant:request_housekeeping").reason == "request"


@pytest.mark.parametrize(("intent", "reason"), [("complaint", "complaint"), ("talk_to_human", "human")])
def test_who_may_want_a_person_gets_one_even_on_a_guess(marta, heard_as, intent, reason):
    assert marta.says(heard_as(MUMBLED, **{intent: 0.4})).reason == reason


def test_none_of_these_and_not_understood_again_goes_to_a_person(marta, heard_as):
    marta.says(heard_as(MUMBLED, ask_parking=0.4))
    assert marta.taps("meant:none").reason is None or marta.last.says("compañero")
    assert marta.last.reason == "unsure"


def test_another_message_instead_of_an_answer_is_served(marta, heard_as):
    marta.says(heard_as(MUMBLED, ask_parking=0.4))
    assert marta.says("¿hay piscina?").says("piscina", "terraza")
    assert not marta.says("sí").says("18,00")


def test_the_booking_goes_on_after_the_question_about_the_words(marta, heard_as):
    marta.says(f"quiero una doble {span('es', day(0), day(2))}")
    assert marta.last.asks_for == "party"
    marta.says(heard_as(MUMBLED, ask_wifi=0.4))
    answered = marta.taps("meant:ask_wifi")
    assert answered.says("wifi es gratis", "personas")
    assert answered.asks_for == "party"


def test_a_wish_beside_a_surer_one_is_named_as_open(marta, heard_as):
    reply = marta.says(heard_as(f"{MUMBLED} el wifi", request_housekeeping=0.44, ask_wifi=0.99))
    assert reply.says("wifi es gratis")
    assert "meant:request_housekeeping" in reply.ids
    assert marta.says("sí").reason == "request"


def test_details_of_a_talk_that_goes_on_need_no_wish(marta, heard_as):
    marta.says("quiero reservar una doble para 2 personas")
    dates = span("es", day(0), day(2))
    assert marta.says(heard_as(f"na, {dates}", modify_reservation=0.27)).says("190,00")


@pytest.mark.parametrize(("language", "words"), [("en", "sure"), ("pt", "certeza")])
def test_it_is_asked_in_the_guests_language(marta, heard_as, language, words):
    marta.language = language
    text = {"en": "that thing from before please", "pt": "aquela coisa de antes por favor"}[language]
    assert marta.says(heard_as(text, ask_parking=0.4, ask_wifi=0.3)).says(words)


def test_every_intent_has_a_name_for_its_button():
    sentences = Path(nlu.__file__).parent / "sentences" / "es"
    silent = {"greet", "thank", "goodbye", "affirm", "deny", "inform", "out_of_scope"}
    for intent in {file.stem for file in sentences.glob("*.tsv")} - silent:
        for language in words.LANGUAGES:
            assert 0 < len(words.say(language, f"unsure.{intent}")) <= 20


def test_a_choice_is_what_it_says_one_message_later(marta, heard_as):
    marta.says(heard_as(MUMBLED, ask_parking=0.4, ask_wifi=0.3))
    marta.says("¿hay piscina?")
    assert marta.taps("meant:ask_wifi").says("wifi es gratis")


@pytest.mark.parametrize(("intent", "told"), [("ask_parking", "18,00"), ("ask_wifi", "wifi es gratis")])
def test_a_choice_is_what_it_says_in_another_session(marta, intent, told):
    assert marta.taps(f"meant:{intent}").says(told)


def test_a_choice_that_nobody_offered_means_nothing(marta):
    assert not marta.taps("meant:which").says("¿Cuál de estas")
    marta.taps("meant:nonsense")
