"""Told stories about guests who come back: what was open is looked at anew, and what lasts is remembered."""

from __future__ import annotations

import pytest

from hotel_agent.db import db
from hotel_agent.guests.models import Guest
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span
from tests.conversations.test_dialogue_bookings_kept import booked


@pytest.fixture
def marta(app):
    hotel = hotel_named("miramar")
    return Chat(hotel, new_guest(hotel))


WISH = {
    "es": f"quiero una doble {span('es', day(0), day(2))} para 2 adultos",
    "en": f"I want a double room {span('en', day(0), day(2))} for 2 adults",
    "pt": f"quero um quarto duplo {span('pt', day(0), day(2))} para 2 adultos",
}
YES = {"es": "sí", "en": "yes", "pt": "sim"}


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_a_late_yes_books_nothing_and_asks_again_about_what_was_offered(marta, language):
    assert marta.says(WISH[language]).says("190")
    marta.comes_back_later()
    again = marta.says(YES[language])
    assert again.says("190")
    assert marta.bookings() == []
    assert marta.locks("active") == 0
    marta.says(YES[language])
    marta.says(YES[language])
    assert [one.total for one in marta.bookings()] == [190]


def test_a_late_yes_to_a_read_back_is_asked_once_more(marta):
    marta.says(WISH["es"])
    marta.taps("offer:doble")
    marta.comes_back_later()
    assert marta.says("sí").says("¿Lo confirmo?")
    assert marta.bookings() == []
    assert marta.says("sí").says("confirmada")


def test_a_late_yes_to_a_cancellation_tells_the_cost_again(marta):
    booking = booked(marta)
    marta.says("quiero cancelar mi reserva")
    marta.comes_back_later()
    assert marta.says("sí").says(booking.code, "gratis")
    assert [one.status for one in marta.bookings()] == ["booked"]
    assert marta.says("sí").says("cancelada")


def test_a_late_no_leaves_everything(marta):
    marta.says(WISH["es"])
    marta.comes_back_later()
    assert marta.says("no, gracias").says("no reservo nada")


def test_late_details_go_on_with_what_was_open(marta):
    marta.says(f"quiero una doble {span('es', day(0), day(2))}")
    assert marta.last.asks_for == "party"
    marta.comes_back_later()
    assert marta.says("somos 2").says("190,00")


def test_a_late_yes_after_nothing_was_open_is_asked_about(marta):
    marta.says("¿hay wifi?")
    marta.comes_back_later()
    assert marta.says("sí").says("nada pendiente")


def test_a_late_wish_is_a_new_talk(marta):
    marta.says(WISH["es"])
    marta.comes_back_later()
    asked = marta.says(f"quiero una suite {span('es', day(10), day(12))}")
    assert asked.asks_for == "party"
    assert not asked.says("190,00")


def test_who_has_booked_before_is_asked_whether_they_are_as_many(marta):
    marta.says(f"quiero una familiar {span('es', day(0), day(2))} para 2 adultos y un niño de 5 años")
    marta.taps("offer:familiar")
    assert marta.says("sí").says("confirmada")
    guest = db.session.get_one(Guest, marta.guest.id)
    assert guest.usual_party == {"adults": 2, "children": 1, "ages": [5]}
    marta.state = {}
    asked = marta.says(f"¿tenéis sitio {span('es', day(20), day(22))}?")
    assert asked.says("2 adultos y 1 niño")
    assert marta.taps("party:2:1").says("280,00")


@pytest.mark.parametrize(("hello", "language"), [("hola", "es"), ("hi there", "en"), ("oi, bom dia", "pt")])
def test_a_hello_before_the_late_yes_loses_nothing(marta, hello, language):
    marta.says(WISH[language])
    marta.taps("offer:doble")
    marta.comes_back_later()
    marta.says(hello)
    assert marta.says(YES[language]).ids[0].startswith("confirm:")
    assert marta.bookings() == []
    marta.says(YES[language])
    assert len(marta.bookings()) == 1


def test_a_question_before_the_late_yes_loses_nothing(marta):
    marta.says(WISH["es"])
    marta.comes_back_later()
    marta.says("¿hay wifi?")
    assert marta.says("sí, resérvala").says("190,00")


def test_what_was_left_open_is_over_once_something_else_begins(marta):
    marta.says(WISH["es"])
    marta.comes_back_later()
    marta.says(f"quiero una suite {span('es', day(10), day(12))}")
    assert marta.remembered.left_open == {} or marta.remembered.booking.goal
    marta.says("2 adultos")
    assert marta.remembered.left_open == {}


def test_it_lasts_over_another_silence(marta):
    marta.says(WISH["es"])
    marta.comes_back_later()
    marta.says("hola")
    marta.comes_back_later()
    assert marta.says("sí").says("190,00")


@pytest.mark.parametrize(
    ("language", "wish", "extra"),
    [("es", "quiero salir más tarde", "30,00"), ("en", "can I check out later?", "30.00"),
     ("pt", "quero sair mais tarde", "30,00")],
)  # fmt: skip
def test_a_late_yes_to_an_extra_is_asked_once_more(marta, language, wish, extra):
    booking = booked(marta)
    marta.language = language
    assert marta.says(wish).says(extra)
    marta.comes_back_later()
    again = marta.says(YES[language])
    assert again.says(extra, booking.code)
    assert again.ids[0].startswith("add_yes:")
    marta.says(YES[language])
    assert marta.says({"es": "mi reserva", "en": "show me my booking", "pt": "minha reserva"}[language]).says(extra)


def test_a_late_no_to_an_extra_leaves_everything(marta):
    booked(marta)
    marta.says("quiero salir más tarde")
    marta.comes_back_later()
    assert marta.says("no, gracias").says("lo dejo como está")


def test_a_no_that_is_tapped_after_the_talk_is_told_from_the_record(marta):
    booking = booked(marta)
    marta.says("quiero cancelar mi reserva")
    tapped = marta.last.ids[1]
    marta.comes_back_later()
    assert marta.taps(tapped).says(booking.code, "sigue como estaba")
    assert marta.taps("cancel_no:MIR-ZZZZ22").says("Ese botón era de antes")


def test_a_no_to_a_cancellation_that_has_happened_since_says_so(marta):
    booking = booked(marta)
    marta.says("quiero cancelar mi reserva")
    tapped = marta.last.ids[1]
    marta.says("sí")
    marta.comes_back_later()
    assert marta.taps(tapped).says(booking.code, "ya estaba cancelada")
