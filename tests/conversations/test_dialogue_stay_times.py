"""Told stories about leaving later on the last day and entering earlier on the first."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.channels.whatsapp.limits import OutList
from hotel_agent.conversations.dialogue import Request
from hotel_agent.db import db
from hotel_agent.hotels.models import Extra
from hotel_agent.reservations import Booking, RoomRequest, Stay
from hotel_agent.reservations.booking import book, cancel, hold_quote, look_up
from tests.conversations.chat import Chat, day, hotel_named, new_guest
from tests.reservations.cast import fill


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


def now(chat: Chat, booking: Booking) -> Booking:
    found = look_up(chat.hotel, chat.guest.id, booking.code)
    assert isinstance(found, Booking)
    return found


def extras(chat: Chat, booking: Booking) -> list[tuple]:
    return [(one.code, one.price, one.at_time) for one in now(chat, booking).extras]


LATE = [("late_checkout", Decimal("30.00"), time(14))]
EARLY = [("early_checkin", Decimal("20.00"), time(12))]


@pytest.fixture
def early_rule(miramar):
    """Miramar puts a price to entering earlier."""
    db.session.add(
        Extra(hotel_id=miramar.id, code="early_checkin", price=Decimal("20.00"), unit="stay", until=time(12))
    )
    db.session.commit()


@pytest.mark.parametrize(
    ("language", "wish", "price", "yes", "done"),
    [
        ("es", "¿podría salir más tarde el último día?", "30,00 €", "sí", "hecho"),
        ("es", "quiero dejar la habitación a las 13:00", "30,00 €", "vale, añádelo", "hecho"),
        ("en", "late checkout please", "€30.00", "yes please", "done"),
        ("en", "can I have a late checkout at 2pm?", "€30.00", "yes", "done"),
        ("pt", "posso sair às 14h?", "30,00", "sim", "pronto"),
        ("pt", "check-out tardio por favor", "30,00", "sim, por favor", "pronto"),
    ],
)
def test_leaving_later_is_told_with_its_price_and_recorded_after_a_yes(marta, language, wish, price, yes, done):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(wish)
    assert asked.says(booking.code, "14:00", price), asked.text
    assert [one.split(":")[0] for one in asked.ids] == ["add_yes", "add_no"]
    assert extras(marta, booking) == [], "nothing is added before the yes"
    assert asked.intent == "late_checkout"
    told = marta.says(yes)
    assert told.says(booking.code, done, "14:00", price), told.text
    assert extras(marta, booking) == LATE
    assert now(marta, booking).total == booking.total
    assert [one.kind for one in told.answer.happenings] == ["extra_added"]
    assert told.reason is None


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("es", "¿cuánto cuesta salir más tarde?"),
        ("en", "how much is late check-out?"),
        ("pt", "quanto custa sair mais tarde?"),
    ],
)
def test_whoever_asks_for_the_rule_hears_it_and_is_offered_it(marta, language, question):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(question)
    assert asked.says("11:00", "14:00", "30"), asked.text
    assert any(one.startswith("add_yes:") for one in asked.ids)
    assert extras(marta, booking) == []


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("es", "¿puedo salir más tarde?"),
        ("en", "could I check out later?"),
        ("pt", "posso fazer o check-out mais tarde?"),
    ],
)
def test_without_a_booking_the_rule_is_told_and_the_code_asked(marta, language, question):
    marta.language = language
    asked = marta.says(question)
    assert asked.says("14:00", "30"), asked.text
    assert asked.asks_for == "booking_code"


def test_a_code_and_a_surname_find_the_booking_it_is_for(marta, miramar):
    luisa = Chat(miramar, new_guest(miramar, "Luisa Pérez"))
    booking = booked(luisa)
    marta.says("quiero salir más tarde el último día")
    assert marta.says(booking.code).says("apellido")
    assert marta.says("Pérez").says(booking.code, "14:00")
    marta.says("sí")
    assert extras(luisa, booking) == LATE


@pytest.mark.parametrize(
    ("language", "wish", "latest"),
    [
        ("es", "quiero salir a las 17:00", "lo más tarde posible son las 14:00"),
        ("en", "can I have a late checkout at 5pm?", "the latest possible is 14:00"),
        ("pt", "posso sair às 17h?", "o mais tarde possível são as 14:00"),
    ],
)
def test_a_time_beyond_the_rule_is_answered_with_the_latest_possible(marta, language, wish, latest):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(wish)
    assert asked.says(latest), asked.text
    assert "17:00" not in asked.text
    marta.taps("add_yes:")
    assert extras(marta, booking) == LATE


def test_a_time_that_everybody_has_needs_nothing(marta):
    booking = booked(marta)
    assert marta.says("¿podemos salir más tarde, a las 10:30?").says("11:00", "no tienes que pedir nada")
    assert extras(marta, booking) == []


@pytest.mark.parametrize(
    ("language", "wish", "taken"),
    [
        ("es", "quiero salir más tarde", "no es posible salir más tarde"),
        ("en", "late checkout please", "leaving later is not possible"),
        ("pt", "check-out tardio por favor", "não é possível sair mais tarde"),
    ],
)
def test_a_room_that_is_taken_that_day_is_said_without_by_whom(marta, miramar, language, wish, taken):
    booking = booked(marta)
    booked(Chat(miramar, new_guest(miramar, "Luisa Pérez")), 2)
    marta.language = language
    refused = marta.says(wish)
    assert refused.says(taken, "11:00"), refused.text
    assert refused.says({"es": "equipaje", "en": "luggage", "pt": "bagagem"}[language])
    assert "Luisa" not in refused.text
    assert refused.ids == []
    assert extras(marta, booking) == []


def test_a_room_taken_between_question_and_yes_is_not_promised(marta, miramar):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    fill(miramar, "doble", Stay(day(2), day(3)))
    assert marta.says("sí").says("no es posible")
    assert extras(marta, booking) == []


def test_no_leaves_all_as_it_is(marta):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    assert marta.says("no, gracias").says("lo dejo como está", "11:00")
    assert extras(marta, booking) == []
    assert marta.state["adding"] == {}


def test_what_was_granted_is_told_and_not_sold_twice(marta):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    marta.says("sí")
    assert marta.says("quiero salir más tarde").says("ya lo tienes", "14:00")
    assert marta.says("¿qué tengo reservado?").says(booking.code, "salida tardía hasta las 14:00", "30,00")
    assert extras(marta, booking) == LATE


def test_after_a_crash_the_same_yes_adds_once_and_says_the_same(marta):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    before, count = marta.state, marta.count
    first = marta.says("sí")
    marta.state, marta.count = before, count
    again = marta.says("sí")
    assert (again.answer.bubbles, again.answer.happenings) == (first.answer.bubbles, first.answer.happenings)
    assert extras(marta, booking) == LATE


def test_of_several_bookings_the_guest_picks_one(marta):
    first, second = booked(marta), booked(marta, 10)
    asked = marta.says("quiero salir más tarde")
    assert isinstance(asked.answer.bubbles[-1], OutList)
    marta.taps(f"add:late_checkout:{second.code}")
    marta.says("sí")
    assert (extras(marta, first), extras(marta, second)) == ([], LATE)


def test_whoever_is_in_the_house_means_the_stay_they_are_in(marta):
    here, later = booked(marta, 0, 3), booked(marta, 10)
    db.session.execute(text("update reservations set status = 'in_house' where code = :code"), {"code": here.code})
    db.session.commit()
    marta.today = day(2)
    marta.now = datetime.combine(marta.today, time(12), marta.hotel.zone)
    assert marta.says("¿puedo dejar la habitación a las 13?").says(here.code)
    marta.says("sí")
    assert (extras(marta, here), extras(marta, later)) == (LATE, [])


def test_a_question_in_the_middle_is_answered_and_the_offer_stays(marta):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    middle = marta.says("¿tenéis piscina?")
    assert middle.says("piscina", "30,00")
    marta.taps("add_yes:")
    assert extras(marta, booking) == LATE


def test_an_old_button_asks_before_it_does_anything(marta):
    booking = booked(marta)
    assert marta.taps(f"add_yes:late_checkout:{booking.code}").says("¿Lo añado")
    assert extras(marta, booking) == []


def test_a_cancelled_booking_tells_no_extras(marta):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    marta.says("sí")
    cancel(marta.hotel, booking.code, marta.guest.id)
    told = marta.says(f"¿cómo está mi reserva {booking.code}?")
    assert told.says("cancelada")
    assert "14:00" not in told.text


@pytest.mark.parametrize(
    ("language", "wish", "rule", "no_promise"),
    [
        ("es", "¿podemos entrar antes?", "15:00", "no te lo puedo garantizar"),
        ("en", "can we check in early, at 11am?", "15:00", "I can't guarantee it"),
        ("pt", "posso fazer check-in mais cedo?", "15h", "não posso garantir"),
    ],
)
def test_entering_earlier_without_a_price_is_a_wish_that_is_passed_on(marta, language, wish, rule, no_promise):
    booking = booked(marta)
    marta.language = language
    told = marta.says(wish)
    assert told.says(rule, no_promise), told.text
    assert told.reason == "request"
    assert [isinstance(one, Request) for one in told.answer.filed] == [True]
    assert extras(marta, booking) == []


def test_entering_earlier_is_not_possible_while_somebody_is_in_the_room(marta, miramar):
    booked(Chat(miramar, new_guest(miramar, "Luisa Pérez")), -1, 1)
    booked(marta)
    told = marta.says("¿podemos entrar antes?")
    assert told.says("no es posible entrar antes", "15:00")
    assert "Luisa" not in told.text
    assert told.reason is None


@pytest.mark.parametrize(
    ("language", "wish", "price", "yes"),
    [
        ("es", "¿podemos entrar a las 13:00?", "20,00 €", "sí"),
        ("en", "can we check in early, at 1pm?", "€20.00", "yes"),
        ("pt", "podemos entrar mais cedo, às 13:00?", "20,00", "sim"),
    ],
)
def test_entering_earlier_with_a_price_is_added_after_a_yes(marta, early_rule, language, wish, price, yes):
    booking = booked(marta)
    marta.language = language
    assert marta.says(wish).says("12:00", price, booking.code)
    assert marta.says(yes).says(booking.code, "12:00")
    assert extras(marta, booking) == EARLY


def test_earlier_than_the_rule_is_answered_with_the_earliest_possible(marta, early_rule):
    booked(marta)
    assert marta.says("¿podemos hacer el check-in antes, a las 9:00?").says("lo antes posible son las 12:00")


def test_a_change_of_days_tells_what_it_loses(marta, miramar):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    marta.says("sí")
    fill(miramar, "doble", Stay(day(3), day(4)))
    assert marta.says("quiero quedarme una noche más").says("dejaría de ser posible la salida tardía")
    marta.says("sí")
    assert extras(marta, booking) == []


def test_days_are_no_hours(marta):
    booking = booked(marta)
    marta.says(f"quiero alargar mi estancia hasta el {(booking.stay.check_out + timedelta(days=1)).day}")
    assert marta.state["adding"] == {}
    assert marta.state["changing"]["code"] == booking.code


def test_asking_what_it_costs_tells_it_once_more(marta):
    booking = booked(marta)
    marta.says("¿podemos dejar la habitación más tarde?")
    assert marta.says("¿cuánto cuesta?").says("30,00", booking.code)
    marta.says("vale")
    assert extras(marta, booking) == LATE


def test_both_hours_are_seen_to_one_after_the_other(marta, early_rule):
    booking = booked(marta)
    assert marta.says("queremos entrar antes el primer día y salir más tarde el último").says("14:00")
    assert marta.says("sí").says("hecho", "12:00", "20,00")
    marta.says("sí")
    assert extras(marta, booking) == LATE + EARLY


@pytest.mark.parametrize(
    ("language", "wish"),
    [("es", "quita la salida tardía"), ("en", "cancel the late checkout"), ("pt", "não quero mais o check-out tardio")],
)
def test_what_was_added_comes_off_by_a_person(marta, language, wish):
    booking = booked(marta)
    marta.says("quiero salir más tarde")
    marta.says("sí")
    marta.language = language
    reply = marta.says(wish)
    assert reply.reason == "change"
    assert now(marta, booking).status == "booked"
    assert reply.ids == []
