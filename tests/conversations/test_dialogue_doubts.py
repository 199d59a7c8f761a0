"""Told stories about guests who are not sure, or want something besides: nothing is done, and nothing is lost."""

from __future__ import annotations

import pytest

from hotel_agent.conversations.doubts import is_in_doubt
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span, told
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
NOTHING_YET = {
    "es": "todavía no hay nada reservado",
    "en": "nothing is booked yet",
    "pt": "ainda não há nada reservado",
}
YES = {"es": "sí", "en": "yes", "pt": "sim"}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "no sé si confirmar"),
        ("es", "mmm no sé"),
        ("es", "no lo tengo claro"),
        ("es", "estoy dudando"),
        ("en", "not sure if I should confirm"),
        ("en", "I don't know yet"),
        ("en", "I haven't decided"),
        ("pt", "não sei se confirmo"),
        ("pt", "ainda não decidi"),
        ("pt", "estou em dúvida"),
    ],
)
def test_who_is_not_sure_hears_until_when_the_room_is_kept(marta, language, said):
    marta.says(WISH[language])
    marta.taps("offer:doble")
    reply = marta.says(said)
    assert reply.says(NOTHING_YET[language])
    assert [one.split(":")[0] for one in reply.ids] == ["confirm", "decline"]
    assert marta.bookings() == []
    assert marta.locks("active") == 1
    marta.says(YES[language])
    assert len(marta.bookings()) == 1


@pytest.mark.parametrize(
    "said",
    [
        "no se permite fumar, ¿verdad?",
        "no sé si hay parking",
        "no estoy seguro de la fecha de mi vuelo",
        "quiero confirmar",
        "I'm sure",
        "tengo dudas sobre el desayuno",
        "do you know if there is a pool?",
        "não tem problema",
    ],
)
def test_other_words_are_no_doubt(said):
    assert not is_in_doubt(said)


def test_who_is_not_sure_about_an_offer_has_reserved_nothing(marta):
    marta.says(WISH["es"])
    reply = marta.says("no sé si reservar")
    assert reply.says("no he reservado nada", "¿Sigo adelante")
    assert marta.locks("active") == 0


def test_who_is_not_sure_about_cancelling_keeps_the_booking(marta):
    booked(marta)
    marta.says("quiero cancelar mi reserva")
    assert marta.says("no sé si cancelar, la verdad").says("no he cancelado nada", "¿La cancelo?")
    assert [one.status for one in marta.bookings()] == ["booked"]


def test_who_does_not_know_the_days_yet_is_not_pressed(marta):
    marta.language = "pt"
    marta.says("quero um quarto")
    assert marta.says("ainda não sei").says("Sem pressa")
    assert marta.says(f"{span('pt', day(0), day(2))}, 2 adultos").says("190")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "quiero reservar otra habitación más"),
        ("es", "añade otra habitación"),
        ("en", "I also want to book another room"),
        ("en", "one more room please"),
        ("pt", "quero reservar mais um quarto"),
        ("pt", "quero reservar outro quarto também"),
    ],
)
def test_another_room_besides_does_not_drop_the_one_on_hold(marta, language, said):
    marta.says(WISH[language])
    marta.taps("offer:doble")
    first = marta.says(said)
    assert [one.split(":")[0] for one in first.ids] == ["confirm", "decline"]
    assert marta.locks("active") == 1
    then = marta.says(YES[language])
    assert len(marta.bookings()) == 1
    assert then.ids[0].startswith("offer:doble")
    marta.says(YES[language])
    marta.says(YES[language])
    assert [one.total for one in marta.bookings()] == [190, 190]


def test_what_was_said_of_the_other_room_is_known_when_it_comes_to_it(marta):
    marta.says(WISH["en"])
    marta.taps("offer:doble")
    marta.says("and I also want to book a single room for my mother")
    assert marta.locks("active") == 1
    assert marta.says("yes").says("130.00", "confirmed")


def test_a_refused_room_takes_the_other_with_it(marta):
    marta.says(WISH["es"])
    marta.taps("offer:doble")
    marta.says("quiero reservar otra habitación más")
    marta.says("no")
    assert marta.remembered.then == ""
    assert marta.locks("active") == 0


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "quiero otra habitación"), ("es", "prefiero otra más barata"), ("en", "I'd rather have another room"),
     ("pt", "prefiro outro quarto")],
)  # fmt: skip
def test_a_room_instead_shows_what_else_there_is_on_those_days(marta, language, said):
    marta.says(WISH[language])
    marta.taps("offer:doble")
    reply = marta.says(said)
    assert reply.says("190")
    assert reply.asks_for != "dates"


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "¿y la otra sigue en pie?"), ("en", "and the other one?"), ("pt", "e a outra continua certinha?")],
)
def test_of_two_bookings_the_other_one_is_told(marta, language, said):
    marta.language = language
    cancelled, other = booked(marta), booked(marta, 20)
    wish = {"es": "cancela la reserva del", "en": "cancel my booking for", "pt": "cancela a reserva do dia"}[language]
    marta.says(f"{wish} {told(language, day(0))}")
    marta.says(YES[language])
    reply = marta.says(said)
    assert reply.says(other.code)
    assert not reply.says(cancelled.code)


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "no necesito taxi, gracias"), ("en", "we don't need breakfast"), ("pt", "não preciso de estacionamento")],
)
def test_who_does_without_something_is_not_told_about_it(marta, language, said):
    marta.language = language
    reply = marta.says(said)
    assert reply.reason is None
    assert not any(sign in reply.text for sign in ("€", "35", "18", "12"))


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "lo hablo con mi pareja"), ("en", "let me talk to my wife"), ("pt", "deixa eu falar com minha esposa")],
)
def test_who_asks_at_home_first_is_not_passed_to_reception(marta, language, said):
    marta.says(WISH[language])
    reply = marta.says(said)
    assert reply.reason is None
    assert reply.ids[0].startswith("offer:doble")
    marta.taps("offer:doble")
    assert marta.says(said).reason is None
    assert marta.locks("active") == 1
    assert marta.bookings() == []


def test_who_wants_to_talk_to_nobody_is_not_passed_on_but_who_wants_no_machine_is(marta):
    assert marta.says("no quiero hablar con nadie").reason is None
    assert marta.says("no quiero hablar con una máquina").reason == "human"


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "cancela la reserva del {}"), ("pt", "cancela a reserva do dia {}"), ("en", "cancel my booking for {}")],
)
def test_naming_a_booking_to_cancel_it_wishes_for_no_new_one(marta, language, said):
    marta.language = language
    booking = booked(marta)
    asked = marta.says(said.format(told(language, day(0))))
    assert asked.says(booking.code)
    assert marta.remembered.booking.goal == ""


@pytest.mark.parametrize(
    ("language", "wish", "question"),
    [("es", "quiero cancelar mi reserva", "¿cuánto me cobráis?"), ("pt", "não vou mais poder ir", "quanto vou pagar?"),
     ("en", "I need to cancel my booking", "how much will you charge me?")],
)  # fmt: skip
def test_what_cancelling_costs_is_told_again_to_who_asks(marta, language, wish, question):
    booking = booked(marta)
    marta.language = language
    marta.says(wish)
    again = marta.says(question)
    assert again.ids == [f"cancel_yes:{booking.code}", f"cancel_no:{booking.code}"]
    assert again.text.count(booking.code) == 1


def test_another_booking_that_is_named_instead_is_the_one_to_cancel(marta):
    first, second = booked(marta), booked(marta, 20)
    marta.language = "en"
    assert marta.says("cancel the second one").says(second.code)
    assert marta.says("no sorry the first one").says(first.code)
    marta.says("yes")
    assert {one.code: one.status for one in marta.bookings()} == {first.code: "cancelled", second.code: "booked"}


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_who_books_it_for_themselves_does_not_come_alone_for_that(marta, language):
    marta.says(WISH[language])
    reply = marta.says({"es": "resérvala para mí", "en": "book it for me", "pt": "reserva pra mim"}[language])
    assert reply.says({"es": "2 adultos", "en": "2 adults", "pt": "2 adultos"}[language])


def test_after_a_no_a_second_thought_looks_again(marta):
    marta.says(WISH["en"])
    marta.taps("offer:doble")
    marta.says("no")
    assert marta.says("actually yes").says("190.00")


@pytest.mark.parametrize(
    ("language", "said"), [("es", "¿y el siguiente?"), ("en", "and the next one?"), ("pt", "e no seguinte?")]
)
def test_the_next_one_is_a_week_later(marta, language, said):
    marta.says(WISH[language])
    marta.says(said)
    assert marta.remembered.booking.check_in == day(7)


def test_a_list_that_was_asked_is_shown_again_and_no_code_wanted(marta):
    booked(marta)
    booked(marta, 20)
    marta.language = "es"
    listed = marta.says("quiero cancelar una reserva").ids
    assert marta.says("blrrp").ids == listed


def test_an_order_that_is_refused_is_not_passed_on(marta):
    marta.language = "pt"
    reply = marta.says(f"não quero café da manhã, só o quarto duplo {span('pt', day(0), day(2))} para 2")
    assert reply.reason is None
    assert reply.says("190")


def test_what_is_not_to_be_done_is_passed_on_without_saying_the_opposite(marta):
    reply = marta.says("que no limpien la habitación hoy, por favor")
    assert reply.reason == "request"
    assert not reply.says("limpieza")
