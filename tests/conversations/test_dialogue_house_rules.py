"""What a guest is told of the rules of a hotel that keeps its rooms here: least stays, closed days, taxes, fees."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hotel_agent.db import db
from hotel_agent.hotels import changing as settings_of
from hotel_agent.pms.local import closing, seasons
from hotel_agent.pms.local.seasons import Season
from hotel_agent.reservations import desk
from tests.conversations.chat import Chat, day, new_guest, span, told
from tests.pms.own_rooms import own_hotel

LANGUAGES = ("es", "en", "pt")
ASKS = {
    "es": "Hola, ¿tienen habitación {span} para 2 adultos?",
    "en": "Hello, do you have a room {span} for 2 adults?",
    "pt": "Olá, vocês têm um quarto {span} para 2 adultos?",
}
POLICY = {
    "es": "¿Cuál es la política de cancelación?",
    "en": "What is your cancellation policy?",
    "pt": "Qual é a política de cancelamento?",
}


@pytest.fixture
def playa(app):
    hotel = own_hotel("playa", {"doble": ("101", "102")}, {"doble": Decimal("100.00")}, day(-70), day(90))
    hotel.country = "ES"
    db.session.commit()
    return hotel


@pytest.fixture
def marta(playa):
    return Chat(playa, new_guest(playa))


def with_settings(hotel, **given):
    settings_of.change(hotel.id, {name.replace("tax_", "tax."): value for name, value in given.items()})
    db.session.refresh(hotel)


def asks(chat, language, first, last):
    return chat.says(ASKS[language].format(span=span(language, day(first), day(last))))


def held(chat, language, first=0, last=2):
    asks(chat, language, first, last)
    return chat.taps("offer:doble")


@pytest.mark.parametrize(("language", "words"), [("es", "3 noches"), ("en", "3 nights"), ("pt", "3 noites")])
def test_a_stay_that_is_too_short_is_told_how_many_nights_it_takes(marta, playa, language, words):
    seasons.put(playa, Season("alta", day(0), day(9), min_stay=3))
    said = asks(marta, language, 0, 2)
    assert said.says(words)
    assert said.asks_for == "check_out"
    assert marta.locks("active") == 0
    offered = marta.taps(f"dates:{day(0)}:{day(3)}")
    assert offered.says("300")
    assert marta.taps("offer:doble").says(words)
    assert marta.locks("active") == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "no tenemos habitaciones a la venta"), ("en", "nothing on sale"), ("pt", "não temos quartos à venda")],
)
def test_closed_days_are_told_as_closed_and_not_as_full(marta, playa, language, words):
    closing.close(playa, "sale", day(1), day(3))
    said = asks(marta, language, 0, 2)
    assert said.says(words)
    assert said.asks_for == "dates"
    assert asks(marta, language, 4, 6).says("200")


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "no admitimos llegadas"), ("en", "no arrivals"), ("pt", "não recebemos chegadas")],
)
def test_a_day_without_arrivals_is_named(marta, playa, language, words):
    closing.close(playa, "arrival", day(0), day(0))
    assert asks(marta, language, 0, 2).says(words, told(language, day(0)))


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "no puede ser el día de salida"), ("en", "No stay can end on"), ("pt", "Nenhuma estadia pode terminar")],
)
def test_a_day_without_departures_is_named_and_another_one_is_enough(marta, playa, language, words):
    closing.close(playa, "departure", day(2), day(2))
    said = asks(marta, language, 0, 2)
    assert said.says(words, told(language, day(2)))
    assert marta.says(told(language, day(3))).says("300")


@pytest.mark.parametrize(
    ("language", "words", "amount"),
    [
        ("es", "de los que {} son impuestos", "20,00 €"),
        ("en", "of which {} are taxes", "€20.00"),
        ("pt", "dos quais {} são impostos", "20,00"),
    ],
)
def test_taxes_that_come_on_top_are_in_the_price_and_told(marta, playa, language, words, amount):
    with_settings(playa, tax_percent="10", tax_added="yes")
    before, after = words.split("{}")
    for said in (asks(marta, language, 0, 2), marta.taps("offer:doble")):
        assert said.says("220", before, amount, after)


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "impuestos incluidos"), ("en", "taxes included"), ("pt", "impostos incluídos")],
)
def test_taxes_that_are_in_the_rates_are_told_as_included(marta, playa, language, words):
    with_settings(playa, tax_percent="10")
    assert asks(marta, language, 0, 2).says("200", words)
    assert marta.taps("offer:doble").says("200", words)


FEES = {
    "percent:50": {"es": "se cobra el 50 % del precio", "en": "50% of the price is charged", "pt": "50% do preço"},
    "total": {"es": "se cobra toda la estancia", "en": "the whole stay is charged", "pt": "a estadia inteira"},
    "nights:2": {
        "es": "se cobran las 2 primeras noches",
        "en": "the first 2 nights are charged",
        "pt": "as 2 primeiras noites",
    },
    "amount:35.00": {"es": "hay un cargo", "en": "there is a charge", "pt": "há uma taxa"},
}
COST = {"percent:50": "150", "total": "300", "nights:2": "200", "amount:35.00": "35"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fee", FEES)
def test_a_fee_is_told_as_what_it_is_before_and_when_it_is_asked_for(marta, playa, language, fee):
    with_settings(playa, cancellation_fee=fee)
    read_back = held(marta, language, 0, 3)
    assert read_back.says(FEES[fee][language], COST[fee])
    assert marta.says(POLICY[language]).says(FEES[fee][language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_refundable_is_told_so_before_it_is_booked_and_when_it_is_cancelled(marta, playa, language):
    with_settings(playa, non_refundable="yes")
    whole = FEES["total"][language]
    free = {"es": "gratuita", "en": "free", "pt": "grátis"}[language]
    read_back = held(marta, language)
    assert read_back.says(whole, "200")
    assert not read_back.says(free)
    marta.taps("confirm")
    assert marta.bookings()[0].status == "booked"
    asked = marta.says(
        {"es": "Quiero cancelar mi reserva", "en": "I want to cancel my booking", "pt": "Quero cancelar minha reserva"}[
            language
        ]
    )
    assert asked.says(whole, "200")
    assert not asked.says(free)
    assert not asked.says("1970")
    cancelled = marta.taps("cancel_yes")
    assert cancelled.says("200")
    assert marta.bookings()[0].cancellation_fee == Decimal("200.00")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_policy_without_a_free_time_is_told_without_one(marta, playa, language):
    with_settings(playa, non_refundable="yes")
    said = marta.says(POLICY[language])
    assert said.says(FEES["total"][language])
    assert not said.says({"es": "gratis", "en": "free of charge", "pt": "grátis"}[language])


@pytest.mark.parametrize(
    ("language", "asked", "words"),
    [
        ("es", "¿Cómo está mi reserva {}?", "Cargo por no presentarse: 100,00 €"),
        ("en", "What is the status of my booking {}?", "Charge for the no-show: €100.00"),
        ("pt", "Qual é o status da minha reserva {}?", "Taxa por não comparecimento: € 100,00"),
    ],
)
def test_who_did_not_come_is_told_what_it_costs(marta, playa, language, asked, words):
    with_settings(playa, no_show_fee="percent:50")
    held(marta, language)
    marta.taps("confirm")
    booking = marta.bookings()[0]
    desk.no_show(playa, booking.code, today=booking.check_in)
    assert marta.says(asked.format(booking.code)).says(words)


@pytest.mark.parametrize(
    ("language", "asked", "words"),
    [
        ("es", "Quiero cambiar mi reserva {}", "la estancia mínima es de 4 noches"),
        ("en", "I want to change my booking to {}", "the shortest stay we offer is 4 nights"),
        ("pt", "Quero mudar minha reserva para {}", "a estadia mínima é de 4 noites"),
    ],
)
def test_a_change_is_told_of_the_least_stay_too(marta, playa, language, asked, words):
    held(marta, language)
    marta.taps("confirm")
    seasons.put(playa, Season("alta", day(10), day(20), min_stay=4))
    said = marta.says(asked.format(span(language, day(10), day(12))))
    assert said.says(words)
    booking = marta.bookings()[0]
    assert (booking.check_in, booking.check_out) == (day(0), day(2))
