"""Told stories about what a stay costs with extras."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Chat, day, hotel_named, new_guest, span
from tests.conversations.test_dialogue_bookings_kept import booked


@pytest.fixture
def marta(app):
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel))


@pytest.mark.parametrize(
    ("wish", "question", "sums"),
    [
        (
            f"quiero una doble {span('es', day(0), day(2))} para 2 adultos",
            "¿cuánto sería en total con desayuno y parking?",
            ("48,00 €", "36,00 €", "190,00 €", "274,00 €"),
        ),
        (
            f"I want a double {span('en', day(0), day(2))} for 2 adults",
            "how much would it be with breakfast and parking?",
            ("€48.00", "€36.00", "€190.00", "€274.00"),
        ),
        (
            f"quero um quarto duplo {span('pt', day(0), day(2))} para 2 adultos",
            "quanto fica no total com café da manhã e estacionamento?",
            ("48,00", "36,00", "190,00", "274,00"),
        ),
    ],
)
def test_extras_are_added_up_and_the_booking_goes_on(marta, wish, question, sums):
    marta.says(wish)
    reply = marta.says(question)
    assert reply.says(*sums)
    assert reply.ids


def test_all_in_one_message(marta):
    dates = span("es", day(0), day(2))
    reply = marta.says(f"viajamos 2 adultos, un niño de 6 y un perro, {dates}. ¿cuánto pagaría en total con el perro?")
    assert reply.says("30,00 €", "280,00 €", "310,00 €")


def test_a_baby_eats_no_breakfast_from_the_buffet(marta):
    marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos y un bebé de 1 año")
    assert marta.says("¿y el total con desayuno?").says("48,00 €")


def test_after_the_booking_the_sum_is_of_what_was_booked(marta):
    marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    marta.says("sí")
    assert marta.says("sí").says("confirmada")
    assert marta.says("¿y cuánto sería en total con parking?").says("36,00 €", "190,00 €", "226,00 €")


def test_without_a_stay_the_prices_are_told(marta):
    assert marta.says("¿cuánto cuesta en total con desayuno?").says("12,00 €")


def test_with_several_rooms_on_the_table_only_the_extras_are_added_up(marta):
    marta.says(f"¿hay sitio {span('es', day(0), day(2))} para 2 adultos?")
    reply = marta.says("¿cuánto sería en total con desayuno y parking?")
    assert reply.says("84,00 €", "aparte de la habitación")


@pytest.mark.parametrize(
    ("language", "said", "total", "never"),
    [
        ("es", "cuánto es en total sin desayuno", "190,00", "238,00"),
        ("en", "how much is it in total, no breakfast", "190.00", "238.00"),
        ("pt", "quanto fica no total sem café da manhã", "190,00", "238,00"),
        ("es", "cuánto sale en total con parking pero sin desayuno", "226,00", "274,00"),
        ("en", "how much in total with parking but without breakfast?", "226.00", "274.00"),
        ("pt", "quanto fica no total com estacionamento e sem café da manhã?", "226,00", "274,00"),
        ("es", "cuánto es en total sin desayuno ni parking", "190,00", "36,00"),
    ],
)
def test_what_is_not_wanted_is_not_added(app, language, said, total, never):
    hotel = hotel_named("miramar")
    marta = Chat(hotel, new_guest(hotel))
    room = {"es": "quiero una doble {} para 2 adultos", "en": "a double room {} for 2 adults",
            "pt": "quero um quarto duplo {} para 2 adultos"}[language]  # fmt: skip
    marta.says(room.format(span(language, day(0), day(2))))
    reply = marta.says(said)
    assert reply.says(total)
    assert not reply.says(never)


@pytest.mark.parametrize("said", ["¿cuánto es una hora de masaje?", "¿hay masajes? ¿cuánto es?"])
def test_the_price_of_something_else_is_not_that_of_the_booking(app, said):
    hotel = hotel_named("miramar")
    marta = Chat(hotel, new_guest(hotel))
    booking = booked(marta)
    assert not marta.says(said).says(booking.code)
    assert marta.says("¿y cuánto pago en total?").says(booking.code, "190,00")
