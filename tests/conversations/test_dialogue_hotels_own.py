"""What a hotel has decided of its talks: its own words for an emergency, and the languages it answers in."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hotel_agent.conversations import answering, guest_requests, taking_in
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db, utcnow
from hotel_agent.guests.models import Guest
from hotel_agent.hotels import changing
from hotel_agent.hotels.finding import by_slug
from tests.conversations.chat import Chat, Reply, hotel_named, new_guest


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


def with_settings(hotel, **settings: str) -> Chat:
    changing.change(hotel.id, settings)
    hotel = by_slug(hotel.slug)
    return Chat(hotel, new_guest(hotel))


def is_urgent(reply: Reply) -> bool:
    return bool(reply.answer.handover and reply.answer.handover.urgent)


# Its own words for an emergency


def test_a_word_of_the_hotels_own_is_an_emergency(miramar):
    marta = with_settings(miramar, emergency_words="código rojo, Sala Azul")
    reply = marta.says("codigo ROJO en la sala de calderas")
    assert (reply.intent, reply.reason) == ("emergency", "emergency")
    assert is_urgent(reply)
    assert reply.says("llama ya al 112", "aviso urgente")


def test_without_the_setting_the_same_words_are_none(miramar):
    reply = Chat(miramar, new_guest(miramar)).says("codigo ROJO en la sala de calderas")
    assert reply.reason != "emergency"


def test_in_the_midst_of_a_booking_it_comes_first(miramar):
    marta = with_settings(miramar, emergency_words="código rojo")
    marta.says("¿Hay habitación para dos personas la semana que viene?")
    reply = marta.says("Sí, pero código rojo en el pasillo")
    assert reply.intent == "emergency"
    assert is_urgent(reply)


def test_an_alarm_called_off_stays_one_where_another_is_told(miramar):
    marta = with_settings(miramar, emergency_words="código rojo")
    assert not is_urgent(marta.says("Era una falsa alarma"))
    assert is_urgent(marta.says("Falsa alarma. Código rojo en la 204"))


def test_a_colleague_who_takes_over_meanwhile_hears_it_as_one_too(miramar, marta_says, run_jobs, deliver):
    changing.change(miramar.id, {"emergency_words": "código rojo"})
    marta_says("Hola", wamid="w1")
    run_jobs()
    marta_says("CODIGO ROJO en el pasillo", wamid="w2")
    taking_in.take_in()
    conversation = db.session.scalars(select(Conversation)).one()
    conversation.owner, conversation.answer_due_at = "staff", utcnow()
    db.session.commit()
    answering.answer_once(conversation.id)
    assert (conversation.waiting_reason, conversation.urgent) == ("emergency", True)


# The languages it answers in


def test_a_language_that_is_not_offered_is_understood_and_answered_in_the_hotels_own(miramar):
    marta = with_settings(miramar, languages="es, pt")
    reply = marta.says("Hello, do you have parking? We are coming by car.")
    assert reply.intent == "ask_parking"
    assert reply.says("coche")
    assert reply.answer.language == "en"
    assert marta.guest.language == "en"
    assert marta.says("Is there a room for two people next week?").intent == "check_availability"


def test_the_others_are_answered_in_theirs(miramar):
    assert with_settings(miramar, languages="es, pt").says("Olá, vocês têm estacionamento?").says("carro")


def test_without_the_setting_everybody_is(miramar):
    assert Chat(miramar, new_guest(miramar)).says("Hello, do you have parking?").says("car park")


def test_in_danger_too_it_is_the_hotels_own(miramar):
    reply = with_settings(miramar, languages="es").says("There is a fire in my room!")
    assert reply.says("llama ya al 112")
    assert not reply.says("call")


def test_what_is_written_to_a_guest_later_is_in_an_offered_language(miramar, marta_says, run_jobs):
    marta_says("Hello, do you have parking? We come by car", wamid="w1")
    run_jobs()
    conversation = db.session.scalars(select(Conversation)).one()
    assert conversation.language == db.session.get_one(Guest, conversation.guest_id).language == "en"
    assert guest_requests.language_of(conversation) == "en"
    changing.change(miramar.id, {"languages": "es, pt"})
    assert guest_requests.language_of(db.session.scalars(select(Conversation)).one()) == "es"
