"""Told stories about being asked, once, whether the hotel may write by itself."""

from __future__ import annotations

import pytest

from hotel_agent.channels.whatsapp.outgoing import words_of
from hotel_agent.conversations.dialogue import State
from hotel_agent.db import utcnow
from hotel_agent.flags.switches import switch
from tests.conversations.chat import Chat, Reply, day, hotel_named, new_guest, span

WISH = {
    "es": "quiero reservar una habitación doble {} para 2 personas",
    "en": "I want to book a double room {} for 2 people",
    "pt": "quero reservar um quarto duplo {} para 2 pessoas",
}
YES = {"es": "sí", "en": "yes", "pt": "sim"}
NO = {"es": "no, gracias", "en": "no thanks", "pt": "não, obrigada"}
ASKED = {"es": "¿Te avisamos por aquí", "en": "Shall we write to you here", "pt": "Podemos avisar você por aqui"}
STOP = {"es": "BAJA", "en": "STOP", "pt": "PARAR"}
BREAKFAST = {
    "es": "¿a qué hora es el desayuno?",
    "en": "what time is breakfast?",
    "pt": "a que horas é o café da manhã?",
}
LANGUAGES = pytest.mark.parametrize("language", ["es", "en", "pt"])


@pytest.fixture
def marta(app):
    switch("proactive.check_in", True, 1)
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel))


def books(marta: Chat, language: str = "es", number: int = 0) -> Reply:
    """From the wish to the confirmation."""
    reply = marta.says(WISH[language].format(span(language, day(number), day(number + 2))))
    if not marta.remembered.hold:
        reply = marta.taps("offer:")
    assert reply.ids[0].startswith("confirm:"), reply.text
    reply = marta.taps("confirm:")
    assert len([one for one in marta.bookings() if one.status == "booked"]) >= 1
    return reply


@LANGUAGES
def test_after_a_booking_the_guest_is_asked_in_a_second_bubble_with_two_buttons(marta, language):
    reply = books(marta, language)
    confirmed, asked = (words_of(bubble) for bubble in reply.answer.bubbles)
    assert marta.bookings()[0].code in confirmed
    assert ASKED[language] in asked
    assert STOP[language] in asked
    assert reply.ids == ["consent_yes", "consent_no"]
    assert all(len(choice.title) <= 20 for choice in reply.choices)
    assert marta.guest.consent_asked_at is not None
    assert marta.guest.consented_at is None


@LANGUAGES
@pytest.mark.parametrize("tapped", [True, False])
def test_a_yes_is_consent_and_nothing_else(marta, language, tapped):
    books(marta, language)
    reply = marta.taps("consent_yes") if tapped else marta.says(YES[language])
    assert marta.guest.consented_at is not None
    assert reply.says(STOP[language])
    assert marta.bookings()[0].code not in reply.text
    assert len(marta.bookings()) == 1
    assert reply.intent == "affirm"
    assert not reply.choices


@LANGUAGES
@pytest.mark.parametrize("tapped", [True, False])
def test_a_no_is_no_consent_and_the_booking_stays(marta, language, tapped):
    books(marta, language)
    reply = marta.taps("consent_no") if tapped else marta.says(NO[language])
    assert marta.guest.consented_at is None
    assert [one.status for one in marta.bookings()] == ["booked"]
    assert not reply.choices
    assert reply.reason is None


@LANGUAGES
def test_another_question_simply_goes_on_and_a_later_yes_is_about_something_else(marta, language):
    books(marta, language)
    assert marta.says(BREAKFAST[language]).says("12,00" if language != "en" else "12.00")
    marta.says(YES[language])
    assert marta.guest.consented_at is None


@LANGUAGES
def test_a_yes_with_a_question_is_both(marta, language):
    books(marta, language)
    reply = marta.says(f"{YES[language]}. {BREAKFAST[language]}")
    assert marta.guest.consented_at is not None
    assert reply.says(STOP[language])
    assert reply.says("12,00" if language != "en" else "12.00")


def test_the_question_is_not_repeated_at_the_next_booking(marta):
    books(marta)
    marta.says("vale, hasta luego")
    assert "consent_yes" not in books(marta, number=5).ids


def test_a_yes_to_another_room_is_not_taken_for_consent(marta):
    books(marta)
    marta.says(f"sí, y quiero reservar otra doble {span('es', day(7), day(9))} para 2")
    assert marta.guest.consented_at is None


def test_a_late_yes_is_still_about_the_question(marta):
    books(marta)
    marta.comes_back_later()
    assert marta.says("sí").says("te avisamos por aquí")
    assert marta.guest.consented_at is not None


def test_a_button_tapped_days_later_counts(marta):
    books(marta)
    marta.says("¿hay wifi?")
    marta.comes_back_later()
    marta.taps("consent_yes")
    assert marta.guest.consented_at is not None


def test_an_old_button_does_not_undo_an_opt_out(marta):
    books(marta)
    marta.says("BAJA")
    assert marta.taps("consent_yes").says("ALTA")
    assert marta.guest.opted_out_at is not None
    assert marta.guest.consented_at is None


def test_a_tap_does_not_confirm_the_booking_that_is_being_made(marta):
    books(marta)
    marta.says(WISH["es"].format(span("es", day(5), day(7))))
    if not marta.remembered.hold:
        marta.taps("offer:")
    marta.taps("consent_yes")
    assert len([one for one in marta.bookings() if one.status == "booked"]) == 1
    assert marta.guest.consented_at is not None
    assert marta.remembered.hold


@LANGUAGES
def test_a_guest_who_stops_messages_takes_consent_back_and_who_starts_them_gives_it(marta, language):
    books(marta, language)
    marta.taps("consent_yes")
    told = marta.says(STOP[language])  # As the question and the messages themselves say.
    assert (marta.guest.consented_at, marta.guest.opted_out_at is None) == (None, False)
    start = {"es": "ALTA", "en": "START", "pt": "ALTA"}[language]
    assert start in told.text
    marta.says(start)
    assert marta.guest.opted_out_at is None
    assert marta.guest.consented_at is not None


@pytest.mark.parametrize("column", ["opted_out_at", "consented_at", "consent_asked_at"])
def test_who_has_told_us_already_is_not_asked(marta, column):
    setattr(marta.guest, column, utcnow())
    assert "consent_yes" not in books(marta).ids


def test_nobody_is_asked_where_the_hotel_sends_nothing(marta):
    switch("proactive.check_in", False, 1)
    reply = books(marta)
    assert not reply.choices
    assert marta.guest.consent_asked_at is None


def test_nobody_is_asked_by_the_api(marta):
    marta.channel = "api"
    assert not books(marta).choices
    assert marta.guest.consent_asked_at is None


def test_a_state_of_before_still_loads():
    kept = State().to_json()
    del kept["asks_consent"]
    assert State.from_json(kept).asks_consent is False
