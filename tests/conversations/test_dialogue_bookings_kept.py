"""Told stories about bookings that exist: seeing, cancelling, and who may."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest

from hotel_agent.channels.whatsapp.limits import OutList
from hotel_agent.conversations.dialogue import Heard
from hotel_agent.reservations import Booking, RoomRequest, Stay
from hotel_agent.reservations.booking import book, hold_quote
from hotel_agent.reservations.quoting import room_kinds
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span, told


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


def booked(chat: Chat, first: int = 0, nights: int = 2) -> Booking:
    stay, key = Stay(day(first), day(first + nights)), f"before:{first}:{chat.guest.id}"
    hold = hold_quote(chat.hotel, chat.guest.id, stay, [RoomRequest("doble", 2)], key)
    return book(chat.hotel, hold.hold_key, chat.guest.id, chat.guest.name or "", key)


@pytest.mark.parametrize(
    ("language", "wish", "free", "yes", "done"),
    [
        ("es", "quiero cancelar mi reserva", "gratis", "sí, cancélala", "está cancelada"),
        ("en", "I want to cancel my booking", "free", "yes", "is cancelled"),
        ("pt", "quero cancelar minha reserva", "grátis", "sim", "está cancelada"),
    ],
)
def test_cancelling_tells_the_cost_first_and_waits_for_a_yes(marta, language, wish, free, yes, done):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(wish)
    assert asked.says(booking.code, free)
    assert [one.split(":")[0] for one in asked.ids] == ["cancel_yes", "cancel_no"]
    assert [one.status for one in marta.bookings()] == ["booked"]
    assert marta.says(yes).says(booking.code, done)
    assert [(one.status, one.cancellation_fee) for one in marta.bookings()] == [("cancelled", Decimal(0))]


def test_cancelling_late_costs_the_first_night_and_says_so(marta):
    booking = booked(marta)
    marta.language = "es"
    marta.today = day(0) - timedelta(days=1)
    marta.now = datetime.combine(marta.today, time(12), marta.hotel.zone)
    assert marta.says("cancela mi reserva").says("primera noche", "95,00")
    assert marta.taps("cancel_yes:").says("95,00", "está cancelada", booking.code)
    assert [one.cancellation_fee for one in marta.bookings()] == [Decimal("95.00")]


def test_no_keeps_the_booking(marta):
    booking = booked(marta)
    marta.says("quiero cancelar la reserva")
    assert marta.says("no, déjala").says(booking.code, "sigue como estaba")
    assert [one.status for one in marta.bookings()] == ["booked"]


def test_when_the_cost_changes_meanwhile_the_guest_is_asked_again(marta):
    booked(marta)
    marta.today = day(0) - timedelta(days=3)
    marta.now = datetime.combine(marta.today, time(12), marta.hotel.zone)
    assert marta.says("quiero cancelar la reserva").says("gratis")
    marta.today += timedelta(days=2)
    marta.now += timedelta(days=2)
    again = marta.says("sí")
    assert again.says("ha cambiado el coste", "95,00")
    assert [one.status for one in marta.bookings()] == ["booked"]


def test_of_several_bookings_the_guest_picks_one(marta):
    first, second = booked(marta), booked(marta, 10)
    asked = marta.says("quiero cancelar una reserva")
    assert isinstance(asked.answer.bubbles[-1], OutList)
    assert marta.taps(f"cancel:{second.code}").says(second.code)
    marta.says("sí")
    now = {one.code: one.status for one in marta.bookings()}
    assert now == {first.code: "booked", second.code: "cancelled"}


def test_a_question_before_the_yes_is_answered_and_the_cancelling_goes_on(marta):
    booked(marta)
    marta.says("quiero cancelar mi reserva")
    middle = marta.says("¿tenéis piscina?")
    assert middle.says("piscina", "gratis")
    assert any(one.startswith("cancel_yes:") for one in middle.ids)


def test_cancelling_what_is_only_being_prepared_lets_the_room_go(marta):
    marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    marta.taps("offer:doble")
    assert marta.says("cancelar").says("no reservo nada")
    assert marta.locks("active") == 0


def test_an_old_cancel_button_asks_before_it_does_anything(marta):
    booking = booked(marta)
    asked = marta.taps(f"cancel_yes:{booking.code}")
    assert asked.says(booking.code, "gratis")
    assert [one.status for one in marta.bookings()] == ["booked"]


def test_cancelling_again_after_a_crash_cancels_once(marta):
    booked(marta)
    marta.says("quiero cancelar mi reserva")
    before, count = marta.state, marta.count
    first = marta.says("sí")
    marta.state, marta.count = before, count
    assert marta.says("sí").answer.bubbles == first.answer.bubbles


def test_the_guest_sees_their_own_bookings(marta):
    booking = booked(marta)
    assert marta.says("¿me confirmas mi reserva?").says(booking.code, "confirmada", "190,00")


def test_a_code_and_a_surname_open_a_booking_made_elsewhere(marta, miramar):
    luisa = Chat(miramar, new_guest(miramar, "Luisa Pérez"))
    booking = booked(luisa)
    assert marta.says(f"quiero ver mi reserva {booking.code}").says("apellido")
    assert marta.says("Pérez").says(booking.code, "Luisa Pérez", "190,00")


def test_a_code_and_a_surname_may_cancel(marta, miramar):
    luisa = Chat(miramar, new_guest(miramar, "Luisa Pérez"))
    booking = booked(luisa)
    assert marta.says("quiero cancelar una reserva").says("código")
    assert marta.says(booking.code).says("apellido")
    assert marta.says("Pérez").says(booking.code, "gratis")
    assert marta.says("sí").says("está cancelada")
    assert [one.status for one in luisa.bookings()] == ["cancelled"]


def test_a_wrong_code_and_a_wrong_surname_look_the_same(marta, miramar):
    booking = booked(Chat(miramar, new_guest(miramar, "Luisa Pérez")))
    stranger = Chat(miramar, new_guest(miramar, "Otro"))
    told = []
    for chat, code in ((marta, booking.code), (stranger, "MIR-222222")):
        asked = chat.says(f"información de la reserva {code}")
        wrong = chat.says("Rodríguez")
        told.append((asked.text, wrong.text))
        assert "Luisa" not in asked.text + wrong.text
    assert told[0] == told[1]


def test_three_wrong_tries_go_to_a_colleague(marta):
    marta.says("quiero ver mi reserva MIR-222222")
    assert marta.says("Pérez").reason is None
    marta.says("MIR-333333")
    assert marta.says("Pérez").reason is None
    marta.says("MIR-444444")
    last = marta.says("Pérez")
    assert last.says("compañero")
    assert last.reason == "unsure"


def test_nobody_learns_whether_somebody_else_stays_there(marta, miramar):
    booking = booked(Chat(miramar, new_guest(miramar, "Luisa Pérez")))
    for question in ("¿está alojada Luisa Pérez en el hotel?", "dame la reserva de Luisa Pérez"):
        reply = marta.says(question)
        assert booking.code not in reply.text
        assert "Luisa" not in reply.text


def test_a_booking_of_another_hotel_is_not_found(app, marta):
    andes = hotel_named("andes")
    oscar = Chat(andes, new_guest(andes, "Oscar Ruiz"))
    stay = Stay(day(0), day(1))
    kind = room_kinds(andes)[0]
    hold = hold_quote(andes, oscar.guest.id, stay, [RoomRequest(kind.code, 1)], "andes")
    booking = book(andes, hold.hold_key, oscar.guest.id, "Oscar Ruiz", "andes")
    marta.says(f"quiero ver mi reserva {booking.code}")
    assert marta.says("Ruiz").says("no encuentro")


def test_cancelling_and_booking_in_one_message_are_done_one_after_the_other(marta):
    booked(marta)
    wish = f"quiero reservar una suite {span('es', day(20), day(22))} para 2 adultos"
    asked = marta.says(f"cancela mi reserva y {wish}")
    assert asked.says("seguimos con tu nueva reserva")
    goes_on = marta.says("sí")
    assert goes_on.says("está cancelada")
    assert [one.status for one in marta.bookings()] == ["cancelled"]
    assert goes_on.says("suite") or goes_on.says("días")


def test_a_correction_just_after_the_booking_is_about_that_booking(marta):
    marta.says(f"una doble {span('es', day(0), day(2))} para 2 adultos")
    marta.says("sí")
    marta.says("sí")
    corrected = marta.says(f"perdón, me he equivocado, era {span('es', day(1), day(3))}")
    assert corrected.intent == "modify_reservation"
    assert corrected.says("¿Hago el cambio?", "sin coste adicional")
    assert marta.locks("active") == 0


def test_code_and_surname_come_in_one_sentence(marta, miramar):
    booking = booked(Chat(miramar, new_guest(miramar, "Luisa Pérez")))
    assert marta.says(f"el código es {booking.code} y el apellido Pérez").says(booking.code, "190,00")


@pytest.mark.parametrize(
    "words",
    ["{code} Romero", "Hola, ¿está confirmada mi reserva {code} Romero?", "reserva {code}, Romero", "Romero {code}"],
)
def test_the_surname_may_stand_beside_the_code(miramar, words):
    theirs = Chat(miramar, new_guest(miramar, "Lucía Romero"))
    booking = booked(theirs)
    stranger = Chat(miramar, new_guest(miramar))
    assert stranger.says(words.format(code=booking.code)).says(booking.code, "confirmada")


def test_guessing_surnames_beside_a_code_ends_with_a_colleague(miramar):
    booking = booked(Chat(miramar, new_guest(miramar, "Lucía Romero")))
    stranger = Chat(miramar, new_guest(miramar))
    reasons = [stranger.says(f"{booking.code} {guess}").reason for guess in ("García", "López", "Pérez")]
    assert reasons == [None, None, "unsure"]


def test_a_code_does_not_change_the_language(miramar):
    stranger = Chat(miramar, new_guest(miramar))
    assert stranger.says("cancela la reserva MIR-ZY9Q2X").says("apellido")


def test_more_media_is_not_acknowledged_again(marta):
    photo = Heard(0, "image", "", None, "acknowledge")
    assert marta.hears(photo).answer.bubbles
    marta.waiting = "media"
    again = marta.hears(photo)
    assert (again.answer.bubbles, again.reason) == ((), "media")


def test_another_wish_to_cancel_is_no_yes_to_the_first(marta):
    first, second = booked(marta), booked(marta, 10)
    marta.language = "es"
    marta.says("quiero cancelar una reserva")
    marta.taps(f"cancel:{first.code}")
    reply = marta.says(f"perdona, quiero cancelar la del {told('es', day(10))}")
    assert reply.says(second.code)
    assert {one.status for one in marta.bookings()} == {"booked"}
