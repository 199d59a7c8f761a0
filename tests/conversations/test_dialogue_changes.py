"""Told stories about bookings that are to be otherwise: other days, another room, other people, another name."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.channels.whatsapp.limits import OutList
from hotel_agent.conversations.events import KINDS
from hotel_agent.db import db
from hotel_agent.flags import switches
from hotel_agent.pms.contract import Change, ChangeRequest, PmsUnavailable
from hotel_agent.pms.door import Door
from hotel_agent.reservations import Booking, RoomRequest, Stay
from hotel_agent.reservations.booking import book, hold_quote, look_up
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span, told
from tests.reservations.cast import fill, overlapping_claims


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


def booked(
    chat: Chat, first: int = 0, nights: int = 2, kind: str = "doble", adults: int = 2, children: int = 0
) -> Booking:
    stay, key = Stay(day(first), day(first + nights)), f"before:{first}:{chat.guest.id}"
    hold = hold_quote(chat.hotel, chat.guest.id, stay, [RoomRequest(kind, adults, children)], key)
    return book(chat.hotel, hold.hold_key, chat.guest.id, chat.guest.name or "", key)


def now(chat: Chat, booking: Booking) -> Booking:
    found = look_up(chat.hotel, chat.guest.id, booking.code)
    assert isinstance(found, Booking)
    return found


def happenings(reply, kind: str) -> list[dict]:
    return [one.details for one in reply.answer.happenings if one.kind == kind]


MORE = {"es": "más", "en": "more", "pt": "a mais"}
LESS = {"es": "menos", "en": "less", "pt": "a menos"}
SAME = {"es": "sin coste adicional", "en": "at no extra cost", "pt": "sem custo adicional"}
YES = {"es": "sí, cámbiala", "en": "yes, please", "pt": "sim"}
DONE = {"es": "está cambiada", "en": "has been changed", "pt": "foi alterada"}


@pytest.mark.parametrize(
    ("language", "wish", "days", "costs"),
    [
        ("es", "quiero quedarme una noche más", (0, 3), "95,00 € más"),
        ("en", "add a night to my booking", (0, 3), "€95.00 more"),
        ("pt", "quero ficar mais uma noite", (0, 3), "95,00 a mais"),
        ("es", "¿podemos llegar un día antes?", (-1, 2), "95,00 € más"),
        ("en", "we want to arrive a day earlier", (-1, 2), "€95.00 more"),
        ("pt", "queremos chegar um dia antes", (-1, 2), "95,00 a mais"),
        ("es", "queremos salir un día antes", (0, 1), "95,00 € menos"),
        ("en", "we'd like to leave one day early", (0, 1), "€95.00 less"),
        ("pt", "quero sair um dia antes", (0, 1), "95,00 a menos"),
        ("es", "quítale una noche a mi reserva", (0, 1), "95,00 € menos"),
        ("en", "can I stay one more night?", (0, 3), "€95.00 more"),
        ("pt", "mais uma noite, por favor", (0, 3), "95,00 a mais"),
        ("es", "mueve mi reserva una semana", (7, 9), "sin coste adicional"),
        ("en", "can you move my booking to a week later?", (7, 9), "at no extra cost"),
        ("pt", "muda a minha reserva para a semana seguinte", (7, 9), "sem custo adicional"),
        ("es", "quiero llegar un día más tarde", (1, 2), "95,00 € menos"),
        ("en", "we will arrive one day later", (1, 2), "€95.00 less"),
        ("es", "adelanta la salida un día", (0, 1), "95,00 € menos"),
        ("es", "quiero ampliar mi estancia dos noches", (0, 4), "190,00 € más"),
        ("en", "extend my stay by two nights", (0, 4), "€190.00 more"),
        ("pt", "quero estender a minha estadia duas noites", (0, 4), "190,00 a mais"),
    ],
)
def test_days_that_are_counted_from_the_stay_change_it_after_a_yes(marta, language, wish, days, costs):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(wish)
    assert asked.says(booking.code, costs), asked.text
    assert [one.split(":")[0] for one in asked.ids] == ["change_yes", "change_no"]
    assert now(marta, booking) == booking, "nothing changes before the yes"
    assert asked.intent == "modify_reservation"
    done = marta.says(YES[language])
    assert done.says(booking.code, DONE[language]), done.text
    assert now(marta, booking).stay == Stay(day(days[0]), day(days[1]))
    assert marta.state["changing"] == {}


def test_a_change_that_stands_and_cannot_be_read_goes_to_people_who_hear_which_booking_it_is(marta, monkeypatch):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    make, read, made = Door.modify, Door.read, []

    def make_it(door: Door, request: ChangeRequest) -> Change:
        made.append(request.code)
        return make(door, request)

    def read_it(door: Door, code: str) -> Booking | None:
        if made:
            raise PmsUnavailable(made.pop())
        return read(door, code)

    monkeypatch.setattr(Door, "modify", make_it)
    monkeypatch.setattr(Door, "read", read_it)
    reply = marta.says("sí, cámbiala")
    assert [event["code"] for event in happenings(reply, "pms_failed")] == [booking.code]
    assert reply.answer.handover is not None
    assert reply.says("compañero"), reply.text
    assert now(marta, booking).stay == Stay(day(0), day(3))


@pytest.mark.parametrize(
    ("language", "wish"),
    [
        ("es", "cambia mi reserva {span}"),
        ("es", "quiero cambiar las fechas de mi reserva, {span}"),
        ("en", "please change my booking, {span}"),
        ("pt", "quero mudar as datas da minha reserva, {span}"),
    ],
)
def test_new_days_are_read_whole(marta, language, wish):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(wish.format(span=span(language, day(10), day(13))))
    assert asked.says("285" if language != "en" else "€285.00"), asked.text
    change = happenings(marta.taps("change_yes:"), "changed")
    assert [one["code"] for one in change] == [booking.code]
    assert set(change[0]) <= set(KINDS["changed"])
    assert (change[0]["before"]["check_in"], change[0]["check_in"]) == (day(0), day(10))
    assert now(marta, booking).stay == Stay(day(10), day(13))


@pytest.mark.parametrize(
    ("language", "wish", "costs"),
    [
        ("es", "cámbiame a una suite", "230,00 € más"),
        ("en", "switch me to a suite", "€230.00 more"),
        ("pt", "muda para uma suíte", "230,00 a mais"),
    ],
)
def test_another_room_is_told_with_its_difference(marta, language, wish, costs):
    booking = booked(marta)
    marta.language = language
    assert marta.says(wish).says(booking.code, costs)
    assert marta.says(YES[language]).says("suite" if language != "pt" else "suíte")
    assert [room.kind.code for room in now(marta, booking).rooms] == ["suite"]


@pytest.mark.parametrize(
    ("language", "wish", "people"),
    [
        ("es", "al final somos 3", (3, 0)),
        ("en", "we will be 3 in the end", (3, 0)),
        ("pt", "no final somos 3", (3, 0)),
        ("es", "viene también mi hijo de 5 años", (2, 1)),
        ("en", "my 5 year old son is coming too", (2, 1)),
        ("pt", "vem meu filho de 5 anos também", (2, 1)),
        ("es", "viene una persona más", (3, 0)),
        ("en", "one more person is coming", (3, 0)),
    ],
)
def test_people_who_do_not_fit_are_offered_rooms_that_take_them(marta, language, wish, people):
    booking = booked(marta)
    marta.language = language
    offered = marta.says(wish)
    assert isinstance(offered.answer.bubbles[-1], OutList), offered.text
    assert any(one.startswith("change_to:") and "familiar" in one for one in offered.ids)
    assert offered.says("280"), offered.text
    asked = marta.taps(offered.ids[0])
    assert asked.says(booking.code, MORE[language])
    assert marta.says(YES[language]).says(DONE[language])
    after = now(marta, booking)
    assert (after.adults, after.children, [room.kind.code for room in after.rooms]) == (*people, ["familiar"])


def test_people_who_fit_cost_nothing_more(marta):
    booking = booked(marta, kind="familiar")
    assert marta.says("al final somos 3").says(SAME["es"])
    marta.says("sí")
    assert now(marta, booking).adults == 3


def test_a_baby_fits_into_any_room(marta):
    booking = booked(marta)
    assert marta.says("al final vamos con un bebé").says(SAME["es"])
    marta.says("sí")
    assert (now(marta, booking).children, [room.kind.code for room in now(marta, booking).rooms]) == (1, ["doble"])


@pytest.mark.parametrize(
    ("language", "wish"),
    [
        ("es", "ponla a nombre de Luis Gómez"),
        ("es", "cambia el nombre de la reserva a Luis Gómez"),
        ("en", "put it under the name of Luis Gómez"),
        ("en", "change the name on my booking to Luis Gómez"),
        ("pt", "coloca no nome de Luis Gómez"),
        ("pt", "quero mudar o nome da reserva para Luis Gómez"),
    ],
)
def test_another_name_costs_nothing(marta, language, wish):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(wish)
    assert asked.says("Luis Gómez", SAME[language]), asked.text
    done = marta.says(YES[language])
    assert done.says("Luis Gómez", DONE[language])
    assert now(marta, booking).guest_name == "Luis Gómez"
    assert happenings(done, "changed")[0]["renamed"]


@pytest.mark.parametrize(
    ("language", "wish"),
    [("es", "quiero cambiar mi reserva"), ("en", "I want to change my booking"), ("pt", "quero mudar minha reserva")],
)
def test_it_is_asked_what_is_to_change_where_nothing_is_said(marta, language, wish):
    booking = booked(marta)
    marta.language = language
    asked = marta.says(wish)
    assert asked.says(booking.code)
    assert asked.ids == ["change_what:dates", "change_what:room", "change_what:people"]
    assert marta.taps("change_what:dates").asks_for == "dates"
    assert marta.says(span(language, day(5), day(8))).says(MORE[language])
    marta.taps("change_yes:")
    assert now(marta, booking).stay == Stay(day(5), day(8))


def test_rooms_are_listed_with_what_each_would_cost(marta):
    booking = booked(marta)
    marta.says("quiero cambiar mi reserva")
    rooms = marta.taps("change_what:room")
    assert rooms.says("familiar", "280,00 € en total (90,00 € más)", "suite", "420,00")
    assert marta.says("la suite").says("230,00 € más")
    marta.says("sí")
    assert [room.kind.code for room in now(marta, booking).rooms] == ["suite"]


def test_the_second_of_the_list_is_meant_by_its_number(marta):
    booked(marta)
    marta.says("quiero cambiar de habitación")
    assert marta.says("la segunda").says("suite", "230,00 € más")


def test_people_are_asked_for_and_changed(marta):
    booking = booked(marta, kind="familiar")
    marta.says("quiero cambiar mi reserva")
    assert marta.taps("change_what:people").asks_for == "party"
    assert marta.says("3 adultos y un niño de 4").says("3 adultos", "1 niño", SAME["es"])
    marta.says("sí")
    assert (now(marta, booking).adults, now(marta, booking).children) == (3, 1)


@pytest.mark.parametrize(
    ("language", "no", "kept"),
    [("es", "no, déjala", "sigue como estaba"), ("en", "no", "stays as it was"), ("pt", "não", "continua como estava")],
)
def test_no_leaves_the_booking_as_it_was(marta, language, no, kept):
    booking = booked(marta)
    marta.language = language
    marta.says({"es": "una noche más", "en": "one more night", "pt": "mais uma noite"}[language])
    assert marta.says(no).says(booking.code, kept)
    assert now(marta, booking) == booking
    assert marta.state["changing"] == {}


def test_a_correction_in_the_middle_replaces(marta):
    booking = booked(marta)
    marta.says(f"cambia mi reserva {span('es', day(10), day(12))}")
    asked = marta.says(f"no, mejor {span('es', day(20), day(23))}")
    assert asked.says("285,00")
    assert f"change_yes:{booking.code}:{day(20)}:{day(23)}:doble:2:0" in asked.ids
    marta.says("sí")
    assert now(marta, booking).stay == Stay(day(20), day(23))


def test_a_later_departure_named_by_its_weekday_is_the_one_after_the_arrival(marta):
    monday = next(number for number in range(7) if day(number).weekday() == 0)
    booking = booked(marta, monday, 2)
    marta.says("quiero quedarme una noche más")
    assert marta.says("no, mejor hasta el domingo").says("380,00 € más")
    marta.says("sí")
    assert now(marta, booking).stay == Stay(day(monday), day(monday + 6))


@pytest.mark.parametrize("word", ["mejor hasta el {}", "mejor el {}"])
def test_a_bare_day_is_read_beside_what_is_being_changed(marta, word):
    booking = booked(marta, 0, 2)
    marta.says("quiero quedarme una noche más")
    marta.says(word.format(told("es", day(5))))
    marta.says("sí")
    assert now(marta, booking).stay == Stay(day(0), day(5))


def test_a_question_in_the_middle_is_answered_and_the_change_goes_on(marta):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    middle = marta.says("¿tenéis piscina?")
    assert middle.says("piscina", "95,00 € más")
    assert any(one.startswith("change_yes:") for one in middle.ids)
    marta.says("sí")
    assert now(marta, booking).stay.nights == 3


def test_more_may_be_added_before_the_yes(marta):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    assert marta.says("y en una suite").says("440,00 € más")
    marta.says("sí")
    after = now(marta, booking)
    assert (after.stay.nights, after.total) == (3, Decimal("630.00"))


def test_of_several_bookings_the_guest_picks_one(marta):
    first, second = booked(marta), booked(marta, 10)
    asked = marta.says("quiero quedarme una noche más")
    assert isinstance(asked.answer.bubbles[-1], OutList)
    assert marta.taps(f"change:{second.code}").says(second.code, "95,00 € más")
    marta.says("sí")
    assert (now(marta, first).stay.nights, now(marta, second).stay.nights) == (2, 3)


def test_a_booking_made_elsewhere_is_opened_by_code_and_surname(marta, miramar):
    luisa = Chat(miramar, new_guest(miramar, "Luisa Pérez"))
    booking = booked(luisa)
    assert marta.says("quiero quedarme una noche más").says("código")
    assert marta.says(booking.code).says("apellido")
    assert marta.says("Pérez").says(booking.code, "95,00 € más")
    marta.says("sí")
    assert now(luisa, booking).stay.nights == 3


def test_a_stranger_changes_nothing(marta, miramar):
    booking = booked(Chat(miramar, new_guest(miramar, "Luisa Pérez")))
    told = marta.says(f"cambia la reserva {booking.code} a una suite").text + marta.says("Rodríguez").text
    assert "Luisa" not in told
    assert "210" not in told


@pytest.mark.parametrize(
    ("language", "sorry"),
    [
        ("es", "perdón, me he equivocado, era"),
        ("en", "sorry, I made a mistake, it was"),
        ("pt", "desculpa, errei, era"),
    ],
)
def test_a_correction_just_after_the_booking_is_about_that_booking(marta, language, sorry):
    marta.language = language
    kind = {
        "es": "una doble {} para 2 adultos",
        "en": "a double room {} for 2 adults",
        "pt": "um quarto duplo {} para 2 adultos",
    }
    marta.says(kind[language].format(span(language, day(0), day(2))))
    marta.taps("offer:doble")
    marta.taps("confirm:")
    (booking,) = marta.bookings()
    asked = marta.says(f"{sorry} {span(language, day(1), day(4))}")
    assert asked.intent == "modify_reservation"
    assert asked.says(booking.code, MORE[language])
    marta.says(YES[language])
    (booking,) = marta.bookings()
    assert (booking.check_in, booking.check_out) == (day(1), day(4))
    assert marta.locks("active") == 0


def test_what_is_full_is_said_and_the_nearest_offered(marta):
    booking = booked(marta)
    fill(marta.hotel, "doble", Stay(day(2), day(3)))
    refused = marta.says("quiero quedarme una noche más")
    assert refused.says("no nos queda libre", "familiar", "420,00")
    marta.taps(next(one for one in refused.ids if "suite" in one))
    marta.says("sí")
    assert now(marta, booking).total == Decimal("630.00")


def test_what_is_full_may_stay_as_it_was(marta):
    booking = booked(marta)
    fill(marta.hotel, "doble", Stay(day(2), day(3)))
    marta.says("quiero quedarme una noche más")
    assert marta.taps("change_no:").says("sigue como estaba")
    assert now(marta, booking) == booking


def test_a_room_lost_between_question_and_yes_is_told(marta):
    booking = booked(marta)
    marta.says("cámbiame a una suite")
    fill(marta.hotel, "suite", booking.stay)
    refused = marta.says("sí")
    assert refused.says("no nos queda libre")
    assert now(marta, booking) == booking
    assert overlapping_claims() == 0


def test_a_price_that_has_changed_meanwhile_is_asked_about_again(marta):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    raise_rates = text("update rates set price = price + :more where night = :night")
    db.session.execute(raise_rates, {"more": 5, "night": day(2)})
    db.session.commit()
    try:
        again = marta.says("sí")
        assert again.says("ha cambiado", "100,00 € más")
        assert now(marta, booking) == booking
        marta.says("sí")
        assert now(marta, booking).total == Decimal("290.00")
    finally:
        db.session.execute(raise_rates, {"more": -5, "night": day(2)})
        db.session.commit()


def test_after_a_crash_the_same_yes_changes_once_and_says_the_same(marta):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    before, count = marta.state, marta.count
    first = marta.says("sí")
    marta.state, marta.count = before, count
    assert marta.says("sí").answer.bubbles == first.answer.bubbles
    assert now(marta, booking).stay.nights == 3
    assert db.session.execute(text("select count(*) from reservation_changes")).scalar_one() == 1


def test_an_old_button_asks_before_it_does_anything(marta):
    booking = booked(marta)
    asked = marta.taps(f"change_yes:{booking.code}:{day(0)}:{day(3)}:doble:2:0")
    assert asked.says("vuelto a mirar", "95,00 € más")
    assert now(marta, booking) == booking


def test_a_late_yes_is_asked_about_anew(marta):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    marta.comes_back_later()
    assert marta.says("sí").says("95,00 € más")
    assert now(marta, booking) == booking
    marta.says("sí")
    assert now(marta, booking).stay.nights == 3


@pytest.mark.parametrize(
    ("language", "wish", "late"),
    [
        ("es", "quiero salir un día antes", "lo tiene que ver recepción"),
        ("en", "we want to leave one day earlier", "front desk has to look"),
        ("pt", "quero sair um dia antes", "a recepção precisa ver"),
    ],
)
def test_after_the_deadline_a_cheaper_stay_is_for_a_person(marta, language, wish, late):
    booking = booked(marta)
    marta.language = language
    marta.today = day(0) - timedelta(days=1)
    marta.now = datetime.combine(marta.today, time(12), marta.hotel.zone)
    reply = marta.says(wish)
    assert reply.says(late), reply.text
    assert reply.reason == "change"
    assert now(marta, booking) == booking


def test_after_the_deadline_a_longer_stay_goes_through(marta):
    booking = booked(marta)
    marta.today = day(0) - timedelta(days=1)
    marta.now = datetime.combine(marta.today, time(12), marta.hotel.zone)
    assert marta.says("quiero quedarme una noche más").says("95,00 € más")
    marta.says("sí")
    assert now(marta, booking).stay.nights == 3


def test_whoever_is_in_the_house_stays_longer_in_the_same_room(marta):
    booking = booked(marta, 0, 3)
    db.session.execute(text("update reservations set status = 'in_house' where code = :code"), {"code": booking.code})
    db.session.commit()
    marta.today = day(1)
    marta.now = datetime.combine(marta.today, time(12), marta.hotel.zone)
    assert marta.says("¿me puedo quedar una noche más?").says("misma habitación", "95,00 € más")
    marta.says("sí")
    assert now(marta, booking).stay == Stay(day(0), day(4))
    shorter = marta.says("quiero irme un día antes")
    assert shorter.reason == "change"
    assert now(marta, booking).stay == Stay(day(0), day(4))


def test_while_booking_is_switched_off_changes_are_for_a_person(marta):
    booking = booked(marta)
    switches.switch("booking", False, marta.hotel.id)
    reply = marta.says("quiero quedarme una noche más")
    assert reply.says("lo hace recepción")
    assert reply.reason == "change"
    assert now(marta, booking) == booking


@pytest.mark.parametrize(
    ("language", "wish", "after"),
    [
        ("es", "al final somos dos adultos y dos niños de 6 y 8 años, ¿cabemos?", "3 noches"),
        ("en", "can I move my check-in to {d}?", "2 nights"),
        ("pt", "dá para ficar até {d}?", "5 noites"),
        ("es", "quería quitar la última noche", "1 noche"),
        ("es", "quiero cancelar la primera noche", "1 noche"),
        ("en", "Could we check out on {d} instead?", "5 nights"),
        ("en", "we need to postpone our trip by a week", "2 nights"),
        ("es", "ponla a nombre de luis gómez", "Luis Gómez"),
        ("es", "cambia la reserva a nombre de mi marido, Luis Gómez", "2 adultos, a nombre de Luis Gómez"),
        ("en", "my wife isn't coming", "1 adult"),
        ("en", "add one child aged 7", "2 adults and 1 child"),
    ],
)
def test_it_is_understood_in_many_words(marta, language, wish, after):
    nights = 3 if after == "3 noches" else 2
    booking = booked(marta, nights=nights, kind="familiar" if "child" in wish or "niños" in wish else "doble")
    marta.language = language
    asked = marta.says(wish.format(d=told(language, day(5))))
    assert asked.says(after), asked.text
    assert asked.ids[-1] == f"change_no:{booking.code}"


def test_another_room_to_book_is_no_change(marta):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    asked = marta.says(f"quiero reservar otra habitación {span('es', day(5), day(8))} para 2 adultos")
    assert any(one.startswith("offer:") for one in asked.ids), asked.text
    assert marta.state["changing"] == {}
    assert now(marta, booking) == booking


def test_whoever_asks_what_changing_costs_hears_it(marta):
    booked(marta)
    assert marta.says("¿puedo cambiar la fecha de mi reserva gratis?").says(
        "no tiene ningún cargo", "¿Qué días querrías?"
    )


def test_an_hour_beside_the_days_is_seen_to_once_they_are_changed(marta):
    booking = booked(marta)
    assert marta.says("quiero quedarme un día más y salir a las 13:00").says("95,00 € más", "salida tardía")
    offered = marta.says("sí")
    assert offered.says("está cambiada", "30,00 €")
    marta.says("sí")
    assert [one.code for one in now(marta, booking).extras] == ["late_checkout"]


def test_cancelling_instead_ends_the_talk_about_the_change(marta):
    booking = booked(marta)
    marta.says("quiero quedarme una noche más")
    assert marta.says("mejor cancela la reserva").says("gratis")
    marta.says("sí")
    assert now(marta, booking).status == "cancelled"


def test_a_booking_that_is_being_made_is_changed_as_before(marta):
    marta.says(f"una doble {span('es', day(0), day(2))} para 2 adultos")
    changed = marta.says("mejor una noche más")
    assert changed.says("285,00")
    assert marta.state["changing"] == {}


def test_days_that_can_not_be_are_said_kindly(marta):
    booking = booked(marta)
    marta.says("quiero cambiar las fechas de mi reserva")
    assert marta.says("del 30 al 31 de febrero").says("no existe")
    assert marta.says(span("es", day(4), day(6))).says(SAME["es"])
    marta.says("sí")
    assert now(marta, booking).stay == Stay(day(4), day(6))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "quiero llegar un día después pero las mismas noches"),
        ("en", "can I push my arrival by one day and keep the same number of nights?"),
        ("pt", "quero chegar um dia depois, com o mesmo número de noites"),
    ],
)
def test_a_later_arrival_for_as_long_moves_the_departure_too(marta, language, said):
    booked(marta)
    marta.language = language
    marta.says(said)
    assert marta.says({"es": "sí", "en": "yes", "pt": "sim"}[language])
    assert [(one.check_in, one.check_out) for one in marta.bookings()] == [(day(1), day(3))]
