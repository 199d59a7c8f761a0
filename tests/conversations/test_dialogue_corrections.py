"""Told stories about guests who correct themselves or say days that mean something only in the talk."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hotel_agent.db import utcnow
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span, told


@pytest.fixture
def marta(app):
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel))


def wish(language: str, first: date, last: date) -> str:
    words = {
        "es": "quiero una doble {} para 2 adultos",
        "en": "I want a double room {} for 2 adults",
        "pt": "quero um quarto duplo {} para 2 adultos",
    }
    return words[language].format(span(language, first, last))


def mid_month() -> date:
    """A tenth of a month so far ahead that nobody has booked there."""
    return (utcnow().date() + timedelta(days=70)).replace(day=1) + timedelta(days=9)


@pytest.mark.parametrize(
    ("language", "correction"),
    [
        ("es", "no, del 12 al 15"),
        ("es", "perdona, en realidad quiero del 12 al 15"),
        ("es", "mejor del 12 al 15"),
        ("en", "no, from 12 to 15"),
        ("en", "actually I want 12 to 15"),
        ("en", "sorry, the 12th to the 15th"),
        ("pt", "na verdade quero de 12 a 15"),
        ("pt", "não, de 12 a 15"),
        ("pt", "melhor do dia 12 ao 15"),
    ],
)
def test_a_correction_replaces_the_days_and_lets_the_old_hold_go(marta, language, correction):
    first = mid_month()
    marta.says(wish(language, first, first + timedelta(days=2)))
    marta.taps("offer:doble")
    assert marta.locks("active") == 1
    reply = marta.says(correction)
    assert reply.says("285"), reply.text
    assert marta.locks("active") == 0
    assert (marta.remembered.booking.check_in, marta.remembered.booking.check_out) == (
        first + timedelta(days=2),
        first + timedelta(days=5),
    )


@pytest.mark.parametrize(
    ("language", "later"),
    [("es", "¿y la semana siguiente?"), ("en", "and the following week?"), ("pt", "e na semana seguinte?")],
)
def test_the_week_after_is_that_of_the_days_that_are_talked_about(marta, language, later):
    marta.says(wish(language, day(0), day(2)))
    marta.says(later)
    draft = marta.remembered.booking
    assert (draft.check_in, draft.check_out) == (day(7), day(9))


@pytest.mark.parametrize(
    ("language", "weekdays"),
    [("es", "mejor de viernes a domingo"), ("en", "friday to sunday please"), ("pt", "de sexta a domingo")],
)
def test_weekdays_are_of_the_week_that_is_talked_about(marta, language, weekdays):
    monday = day(0) - timedelta(days=day(0).weekday()) + timedelta(weeks=1)
    marta.says(wish(language, monday, monday + timedelta(days=2)))
    marta.says(weekdays)
    draft = marta.remembered.booking
    assert (draft.check_in, draft.check_out) == (monday + timedelta(days=4), monday + timedelta(days=6))


def test_next_friday_is_next_friday(marta):
    marta.says(wish("es", day(0), day(2)))
    marta.says("no, mejor este viernes, hasta el domingo")
    assert marta.remembered.booking.check_in <= marta.today + timedelta(days=7)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "me llamo Luisa Pérez, ¿a qué hora es la entrada?"),
        ("en", "what time is check in? my name is Luisa Pérez"),
        ("pt", "meu nome é Luisa Pérez. a que horas é o check-in?"),
    ],
)
def test_a_name_beside_a_question_is_taken_and_the_question_answered(app, language, words):
    hotel = hotel_named("miramar")
    marta = Chat(hotel, new_guest(hotel, None), language=language)
    marta.says(wish(language, day(0), day(2)))
    marta.taps("offer:doble")
    assert marta.remembered.expected == "name"
    reply = marta.says(words)
    assert reply.says("15:00") or reply.says("15h")
    assert reply.says("Luisa Pérez")
    assert reply.asks_for == "confirm_booking"


@pytest.mark.parametrize("words", ["¿qué tiempo hará mañana?", "what will the weather be like tomorrow?"])
def test_the_weather_of_a_day_is_no_stay(marta, words):
    reply = marta.says(words)
    assert not marta.remembered.booking.goal
    assert reply.intent == "out_of_scope"


def test_people_that_are_corrected_replace_those_before(marta):
    marta.says(f"¿hay sitio {span('es', day(0), day(2))} para 2 adultos y un niño?")
    marta.says("perdona, somos 3 adultos y sin niños")
    draft = marta.remembered.booking
    assert (draft.adults, draft.children) == (3, 0)
    assert marta.says(f"y no, hasta el {told('es', day(3))}").says("420,00")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "va, esa. soy Rocío Méndez"),
        ("es", "sí, confírmala"),
        ("en", "that one please"),
        ("pt", "sim pode confirmar"),
    ],
)
def test_the_one_offer_is_taken_in_other_words_than_yes(marta, language, words):
    marta.says(wish(language, day(0), day(2)))
    marta.says(words)
    assert marta.locks("active") == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "ok never mind, no thanks"), ("es", "déjalo, no gracias"), ("pt", "deixa pra lá, obrigado")],
)
def test_never_mind_is_no(marta, language, words):
    marta.says(wish(language, day(0), day(2)))
    marta.taps("offer:doble")
    marta.says(words)
    assert marta.locks("active") == 0
    assert marta.bookings() == []


def test_the_cheapest_is_of_all_kinds_once_one_was_too_dear(marta):
    marta.says(f"quero a suíte {span('pt', day(0), day(2))} para 2 adultos")
    marta.says("não, muito caro. deixa pra lá")
    assert marta.says("qual é o mais barato pra nós dois nessas datas?").says("190,00")


@pytest.mark.parametrize(
    ("language", "words", "told"),
    [
        ("es", "quiero pagar ya, visa **** 1111 [..]", "no los envíes"),
        ("en", "I want to pay now, visa **** 1111 [..]", "don't send them"),
        ("pt", "quero pagar agora, visa **** 1111 [..]", "não os envie"),
    ],
)
def test_who_sends_a_card_is_told_where_to_pay(marta, language, words, told):
    marta.language = language
    assert marta.says(words).says(told)


@pytest.mark.parametrize("words", ["somos 3 cuates", "vamos 3 cuates"])
def test_mates_are_no_children(marta, words):
    marta.says(f"{words}, {span('es', day(0), day(2))}")
    assert (marta.remembered.booking.adults, marta.remembered.booking.children) == (3, 0)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "quiero reservar un masaje"),
        ("en", "I want to book a massage"),
        ("es", "ok, ¿y tienen parking?"),
        ("en", "ok, and do you have parking?"),
        ("pt", "ok, e tem estacionamento?"),
        ("es", "vale, ¿y aceptan perros?"),
        ("es", "sí, pero espera que lo consulte con mi mujer"),
        ("pt", "sim, mas espera que vou falar com minha esposa"),
        ("es", "no, no la confirmes"),
    ],
)
def test_what_is_held_is_booked_by_a_plain_yes_only(marta, language, words):
    marta.says(wish(language, day(0), day(2)))
    marta.taps("offer:doble")
    marta.says(words)
    assert marta.bookings() == []


@pytest.mark.parametrize(
    "words",
    ["reserva", "quiero reservarla", "sí, resérvala, y te aviso de la hora de llegada", "ya lo pensé, sí, confírmala"],
)
def test_what_is_held_is_booked_by_words_that_mean_it(marta, words):
    marta.says(wish("es", day(0), day(2)))
    marta.taps("offer:doble")
    marta.says(words)
    assert len(marta.bookings()) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "perdón, 2 noches, que el sábado trabajo"),
        ("en", "sorry, 2 nights, because on Saturday I work"),
        ("pt", "desculpa, 2 noites, porque no sábado eu trabalho"),
    ],
)
def test_a_day_that_is_a_reason_is_no_arrival(marta, language, said):
    first = mid_month()
    marta.says(wish(language, first, first + timedelta(days=3)))
    marta.says(said)
    draft = marta.remembered.booking
    assert (draft.check_in, draft.check_out) == (first, first + timedelta(days=2))
