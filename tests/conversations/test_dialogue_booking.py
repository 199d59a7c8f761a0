"""Told stories: from a question to a booking, in the guest's own order and language."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.channels.whatsapp.limits import OutButtons, OutList
from hotel_agent.db import db
from hotel_agent.flags.switches import switch
from hotel_agent.reservations import Stay
from tests.conversations.chat import Chat, day, hotel_named, new_guest, span, told
from tests.reservations.cast import fill


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return Chat(miramar, new_guest(miramar))


def held(chat: Chat, language: str = "es", nights: int = 2):
    """Marta up to the read-back of a double room."""
    words = {
        "es": f"Quiero reservar una doble {span('es', day(0), day(nights))} para 2 adultos",
        "en": f"I'd like to book a double room {span('en', day(0), day(nights))} for 2 adults",
        "pt": f"Quero reservar um quarto duplo {span('pt', day(0), day(nights))} para 2 adultos",
    }
    chat.says(words[language])
    return chat.taps("offer:doble")


@pytest.mark.parametrize(
    ("language", "question", "yes", "confirmed"),
    [
        ("es", "Hola, ¿tenéis habitación {span} para 2 adultos?", "sí", "confirmada"),
        ("en", "Hi, do you have a room {span} for 2 adults?", "yes please", "confirmed"),
        ("pt", "Olá, vocês têm quarto {span} para 2 adultos?", "sim", "confirmada"),
    ],
)
def test_a_guest_asks_chooses_says_yes_and_has_a_room(marta, language, question, yes, confirmed):
    listed = marta.says(question.format(span=span(language, day(0), day(2))))
    assert listed.answer.language == language
    assert isinstance(listed.answer.bubbles[-1], OutList)
    assert [row.split(":")[1] for row in listed.ids] == ["doble", "familiar", "suite"]
    assert listed.says("190")

    read_back = marta.taps("offer:doble")
    assert marta.locks("active") == 1
    assert read_back.says("Marta García", "190")
    assert [one.split(":")[0] for one in read_back.ids] == ["confirm", "decline"]
    assert not read_back.says(f"*{confirmed}*")

    done = marta.says(yes)
    (booking,) = marta.bookings()
    assert (booking.status, booking.total, booking.adults) == ("booked", Decimal("190.00"), 2)
    assert (booking.check_in, booking.check_out) == (day(0), day(2))
    assert done.says(booking.code, f"*{confirmed}*")
    assert marta.locks("booked") == 1


def test_details_come_one_at_a_time_and_in_any_order(marta):
    assert marta.says("quiero reservar una habitación").asks_for == "dates"
    assert marta.says("somos 2 adultos").asks_for == "dates"
    assert marta.says(f"llegamos el {told('es', day(0))}").asks_for == "check_out"
    listed = marta.says("3 noches")
    assert isinstance(listed.answer.bubbles[-1], OutList)
    assert marta.says("la doble").says("285")
    marta.says("sí, confirmo")
    (booking,) = marta.bookings()
    assert (booking.check_in, booking.check_out, booking.total) == (day(0), day(3), Decimal("285.00"))


def test_asking_for_another_kind_of_room_quotes_it(marta):
    marta.says(f"¿hay una habitación doble {span('es', day(0), day(2))} para 2 adultos?")
    assert marta.says("¿y la suite?").says("420,00")
    assert marta.locks("active") == 0


def test_asking_what_one_kind_of_room_is_like_tells_that_one(marta):
    marta.says(f"¿hay una habitación doble {span('es', day(0), day(2))} para 2 adultos?")
    described = marta.says("¿cómo es la suite?")
    assert described.says("terraza privada")
    assert not described.says("individual")


def test_a_weekday_of_departure_is_the_first_after_the_arrival(marta):
    friday = day(0) + timedelta(days=(4 - day(0).weekday()) % 7)
    marta.says("quiero reservar para 2 adultos")
    marta.says(f"llegamos el {told('es', friday)}")
    assert marta.says("hasta el domingo").says("190,00")
    assert marta.remembered.booking.check_out == friday + timedelta(days=2)


def test_a_guest_who_gives_up_is_let_go(marta):
    marta.says("quiero reservar una habitación")
    assert marta.says("no, olvídalo").says("no reservo nada")
    assert marta.remembered.booking.goal == ""


def test_a_burst_of_short_messages_gets_one_answer(marta):
    listed = marta.says("hola", "quería una habitación", span("es", day(0), day(2)), "somos 2 adultos")
    assert listed.says("190")
    assert isinstance(listed.answer.bubbles[-1], OutList)


def test_the_last_words_of_a_burst_correct_the_first(marta):
    marta.says(f"una doble {span('es', day(0), day(2))} para 2", f"no, perdón, {span('es', day(5), day(8))}")
    draft = marta.remembered.booking
    assert (draft.check_in, draft.check_out) == (day(5), day(8))


def test_asking_what_is_free_without_saying_for_how_many_is_answered_at_once(marta):
    told_free = marta.says(f"¿Qué habitaciones tenéis libres {span('es', day(0), day(2))}?")
    assert told_free.says("130,00", "190,00", "280,00", "420,00", "cuántas personas")
    assert marta.says("2 adultos").ids[0].startswith("offer:doble")


def test_a_price_without_dates_asks_for_them(marta):
    asked = marta.says("¿cuánto cuesta la habitación doble?")
    assert asked.says("fechas")
    assert marta.says(f"{span('es', day(0), day(2))}, 2 adultos").says("190,00")


def test_the_only_kind_that_fits_is_offered_with_buttons(marta):
    offered = marta.says(f"quiero reservar {span('es', day(0), day(1))} para 4 adultos")
    assert isinstance(offered.answer.bubbles[-1], OutButtons)
    assert offered.says("140,00")
    assert marta.says("sí, resérvala").says("Marta García", "140,00")
    marta.taps("confirm:")
    assert [booking.adults for booking in marta.bookings()] == [4]


@pytest.mark.parametrize("choice", ["la doble", "la primera", "la más barata", "1"])
def test_an_offer_is_chosen_in_words(marta, choice):
    marta.says(f"¿hay habitación {span('es', day(0), day(2))} para 2 adultos?")
    assert marta.says(choice).says("190,00")
    assert marta.remembered.booking.room_type == "doble"
    assert marta.locks("active") == 1


def test_no_releases_the_room_kindly(marta):
    held(marta)
    assert marta.says("no, gracias").says("de acuerdo")
    assert (marta.locks("active"), marta.locks("released")) == (0, 1)
    assert marta.bookings() == []


def test_a_correction_replaces_the_dates_and_asks_again(marta):
    held(marta)
    quoted = marta.says(f"no, {span('es', day(10), day(13))}")
    assert marta.locks("active") == 0
    assert quoted.says("285,00")
    assert marta.says("sí").says("285,00", "Marta García")
    marta.says("sí")
    (booking,) = marta.bookings()
    assert (booking.check_in, booking.check_out) == (day(10), day(13))


def test_one_night_more_is_counted_from_the_stay_that_is_talked_about(marta):
    held(marta)
    assert marta.says("¿y si me quedo una noche más?").says("3 noches", "285,00")
    assert marta.locks("active") == 0


def test_a_change_of_mind_about_the_room_is_followed(marta):
    marta.says(f"¿hay habitación {span('es', day(0), day(2))} para 2 adultos?")
    marta.taps("offer:doble")
    assert marta.says("mejor la suite").says("420,00")
    assert marta.locks("active") == 1
    marta.taps("confirm:")
    assert [booking.total for booking in marta.bookings()] == [Decimal("420.00")]


def test_the_booking_is_put_in_the_name_that_the_guest_says(marta):
    held(marta)
    assert marta.says("ponla a nombre de Luisa Pérez").says("Luisa Pérez")
    assert marta.locks("active") == 1
    assert marta.says("sí").says("Luisa Pérez")
    assert [booking.guest_name for booking in marta.bookings()] == ["Luisa Pérez"]


def test_the_name_is_asked_only_when_there_is_none(miramar):
    nobody = Chat(miramar, new_guest(miramar, name=None))
    assert held(nobody).says("a nombre de quién")
    assert nobody.locks("active") == 1
    assert nobody.says("Luisa Pérez").says("Luisa Pérez", "190,00")
    nobody.says("sí")
    assert [booking.guest_name for booking in nobody.bookings()] == ["Luisa Pérez"]


def test_a_question_in_the_middle_is_answered_and_the_booking_goes_on(marta):
    marta.says("quiero reservar una habitación")
    middle = marta.says("¿tenéis parking?")
    assert middle.says("18,00", "qué días")
    held(marta)
    middle = marta.says("¿y el desayuno cuánto cuesta?")
    assert middle.says("12,00", "190,00")
    assert any(one.startswith("confirm:") for one in middle.ids)
    assert marta.says("sí").says("confirmada")


def test_two_questions_in_one_message_are_both_answered(marta):
    both = marta.says(f"¿tenéis sitio {span('es', day(0), day(2))} para 2 adultos? ¿y se admiten perros?")
    assert both.says("15,00", "190,00")
    assert len(both.answer.bubbles) == 2


@pytest.mark.parametrize("words", ["un bebé", "un bebé de 1 año", "nuestro bebé de 8 meses"])
def test_children_count_and_a_baby_in_a_cot_does_not(marta, words):
    stay = span("es", day(0), day(1))
    with_children = marta.says(f"una habitación {stay} para 2 adultos y 2 niños de 5 y 7 años")
    assert with_children.says("140,00", "2 adultos y 2 niños")
    baby = Chat(marta.hotel, new_guest(marta.hotel))
    listed = baby.says(f"una habitación {stay} para 2 adultos y {words}")
    assert listed.ids[0].startswith("offer:doble")
    baby.taps("offer:doble")
    baby.says("sí")
    assert [(b.adults, b.children) for b in baby.bookings()] == [(2, 1)]


def test_a_group_gets_several_rooms_read_out(marta):
    marta.says(f"necesito 3 habitaciones dobles {span('es', day(0), day(2))} para 6 adultos")
    read_back = marta.taps("offer:doble")
    assert read_back.says("3 × Habitación doble", "570,00", "6 adultos")
    marta.says("sí")
    assert marta.locks("booked") == 3


def test_a_party_larger_than_any_room_is_shared_out(marta):
    offered = marta.says(f"quiero reservar {span('es', day(0), day(1))} para 6 adultos")
    assert offered.says("6 adultos")
    assert marta.says("sí").says("Marta García")
    marta.taps("confirm:")
    assert [booking.adults for booking in marta.bookings()] == [6]


# --- nothing free, too late, too old ------------------------------------------------------------


def test_a_kind_that_is_full_is_said_to_be_and_the_nearest_is_offered(marta):
    fill(marta.hotel, "doble", Stay(day(0), day(2)))
    offered = marta.says(f"quiero una doble {span('es', day(0), day(2))} para 2 adultos")
    assert offered.says("no nos queda ninguna", "habitación doble")
    kinds = [one.split(":")[1] for one in offered.ids]
    assert kinds[:2] == ["familiar", "suite"]
    assert "doble" in kinds[2:]
    other_days = next(one for one in offered.ids if one.startswith("offer:doble"))
    assert marta.taps(other_days).says("Marta García", "190,00")
    assert marta.locks("active") == 1


def test_when_all_is_full_other_days_are_offered(marta):
    for kind in ("individual", "doble", "familiar", "suite"):
        fill(marta.hotel, kind, Stay(day(0), day(2)))
    offered = marta.says(f"¿hay habitación {span('es', day(0), day(2))} para 2 adultos?")
    assert offered.says("no nos queda sitio")
    assert offered.ids
    assert all(f":{day(0)}:{day(2)}:" not in one for one in offered.ids)


def test_a_faster_guest_takes_the_last_room_before_the_hold(marta):
    marta.says(f"quiero reservar una suite {span('es', day(0), day(2))} para 2 adultos")
    fill(marta.hotel, "suite", Stay(day(0), day(2)))
    taken = marta.taps("offer:suite")
    assert taken.says("se acaba de adelantar")
    assert any(one.startswith("offer:doble") for one in taken.ids)
    assert marta.locks("active") == 0


def lapse(chat: Chat) -> None:
    db.session.execute(
        text(
            "update reservation_locks set expires_at = now() - interval '1 minute'"
            " where guest_id = :guest and status = 'active'"
        ),
        {"guest": chat.guest.id},
    )
    db.session.commit()


def test_a_lapsed_hold_whose_room_is_still_free_is_booked(marta):
    held(marta)
    lapse(marta)
    assert marta.taps("confirm:").says("confirmada")
    assert len(marta.bookings()) == 1


def test_a_lapsed_hold_whose_room_is_gone_is_said_to_be(marta):
    held(marta)
    lapse(marta)
    db.session.execute(text("update reservation_locks set status = 'expired' where status = 'active'"))
    fill(marta.hotel, "doble", Stay(day(0), day(2)))
    gone = marta.says("sí")
    assert gone.says("se acaba de adelantar")
    assert gone.ids
    assert marta.bookings() == []


def test_a_button_of_an_earlier_proposal_books_nothing(marta):
    read_back = held(marta)
    old = read_back.ids[0]
    marta.says(f"no, {span('es', day(10), day(12))}")
    stale = marta.taps(old)
    assert stale.says("no he reservado nada")
    assert any(one.startswith("offer:doble") for one in stale.ids)
    assert marta.bookings() == []


def test_an_old_row_after_the_session_is_looked_at_anew(marta):
    listed = marta.says(f"¿hay habitación {span('es', day(0), day(2))} para 2 adultos?")
    marta.state, marta.last = {}, listed
    again = marta.taps("offer:suite")
    assert again.says("búsqueda anterior", "420,00")
    assert marta.locks("active") == 0


def test_a_yes_to_nothing_is_asked_about(marta):
    asked = marta.says("sí")
    assert asked.says("a qué te refieres")
    assert marta.bookings() == []


def test_tapping_confirm_twice_books_once(marta):
    read_back = held(marta)
    first = marta.taps("confirm:")
    marta.last = read_back
    second = marta.taps("confirm:")
    assert len(marta.bookings()) == 1
    assert marta.bookings()[0].code in first.text
    assert marta.bookings()[0].code in second.text


def test_answering_again_after_a_crash_holds_and_books_once(marta):
    marta.says(f"quiero reservar una doble {span('es', day(0), day(2))} para 2 adultos")
    marta.says("sí")
    before, count = marta.state, marta.count
    assert marta.locks("active") == 1
    first = marta.says("sí")
    marta.state, marta.count = before, count
    again = marta.says("sí")
    assert len(marta.bookings()) == 1
    assert again.answer.bubbles == first.answer.bubbles


def test_holding_again_after_a_crash_keeps_one_room(marta):
    marta.says(f"quiero reservar una suite {span('es', day(0), day(2))} para 2 adultos")
    fill(marta.hotel, "suite", Stay(day(0), day(2)), leave=1)
    before, count = marta.state, marta.count
    first = marta.says("sí")
    marta.state, marta.count = before, count
    again = marta.says("sí")
    assert again.ids == first.ids
    assert marta.locks("active") == 1


# --- what cannot be ------------------------------------------------------------


def test_days_that_are_over_are_refused_with_a_way_on(marta):
    yesterday = marta.today - timedelta(days=1)
    refused = marta.says(f"¿tenéis habitación del {yesterday:%d/%m/%Y} al {marta.today:%d/%m/%Y} para 2?")
    assert refused.says("ya ha pasado")
    assert marta.says(f"{span('es', day(0), day(2))}").says("190,00")


def test_a_stay_that_is_too_long_is_refused_with_a_way_on(marta):
    refused = marta.says(f"quiero reservar {span('es', day(0), day(45))} para 2 adultos")
    assert refused.says("30 noches")
    assert marta.says("entonces 2 noches").says("190,00")


def test_too_many_people_are_refused_with_a_way_on(marta):
    refused = marta.says(f"somos 35 adultos {span('es', day(0), day(2))}, ¿hay sitio?")
    assert refused.says("20 personas")
    assert "ask:human" in refused.ids
    assert marta.says("somos 2 adultos").says("190,00")


def test_a_departure_before_the_arrival_is_asked_about(marta):
    marta.says("quiero reservar para 2 adultos")
    first, last = day(5), day(2)
    asked = marta.says(f"entrada el {first:%d/%m/%Y}, salida el {last:%d/%m/%Y}")
    assert asked.says("antes")


def test_a_kind_that_the_hotel_has_not_is_said_and_others_are_offered(marta):
    offered = marta.says(f"una habitación triple {span('es', day(0), day(2))} para 3 adultos")
    assert offered.says("no lo tenemos", "280,00")


def test_a_room_too_small_for_the_party_is_said_to_be(marta):
    offered = marta.says(f"una individual {span('es', day(0), day(2))} para 2 adultos")
    assert offered.says("1 persona como máximo", "190,00")


def test_with_bookings_switched_off_a_person_books(marta):
    switch("booking", enabled=False, hotel_id=marta.hotel.id)
    listed = marta.says(f"¿hay habitación {span('es', day(0), day(2))} para 2 adultos?")
    assert listed.says("190,00")
    passed_on = marta.taps("offer:doble")
    assert passed_on.says("nada reservado")
    assert passed_on.reason == "booking_off"
    assert marta.locks("active") == 0


def test_a_guest_of_the_share_that_may_book_books_to_the_end(marta, monkeypatch):
    monkeypatch.setattr("hotel_agent.flags.switches._share", lambda _key, _hotel, who: 0 if who else 99)
    switch("booking", enabled=True, hotel_id=marta.hotel.id, percentage=50)
    held(marta)
    confirmed = marta.says("sí")
    assert confirmed.reason is None
    assert confirmed.says("confirmada")


def test_a_correction_beside_a_question_is_followed(marta):
    held(marta)
    both = marta.says("¿se admiten perros? y al final somos 3 adultos")
    assert both.says("15,00", "140,00", "3 adultos")
    assert marta.locks("active") == 0


def test_yes_once_more_after_the_booking_books_nothing_else(marta):
    held(marta)
    marta.says("sí")
    again = marta.says("sí, resérvala")
    assert again.says(marta.bookings()[0].code, "confirmada")
    assert len(marta.bookings()) == 1


def test_other_dates_without_saying_which_are_asked_for(marta):
    held(marta)
    assert marta.says("mejor otras fechas").says("qué días")
    assert marta.locks("active") == 0
    assert marta.says(span("es", day(10), day(11))).says("95,00")


def test_pesos_are_told_without_cents(app):
    andes = hotel_named("andes")
    oscar = Chat(andes, new_guest(andes, "Oscar Ruiz"))
    listed = oscar.says(f"¿hay habitación {span('es', day(0), day(2))} para 1 persona?")
    assert listed.says("COP")
    assert not listed.says(",00")
    oscar.taps("offer:")
    assert oscar.says("sí").says("confirmada")
    assert [booking.currency for booking in oscar.bookings()] == ["COP"]


def test_yes_to_other_dates_asks_for_them(marta):
    held(marta)
    marta.says("no")
    assert marta.says("sí").says("qué días")


def test_a_long_name_never_pushes_the_price_out_of_a_row(marta):
    listed = marta.says(f"necesito 5 habitaciones {span('es', day(0), day(2))} para 9 adultos")
    for row in listed.choices:
        assert len(row.title) <= 24
        assert "€" in (getattr(row, "description", None) or listed.text)


# --- the talk goes on -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "correction"),
    [("es", "no, del {} al {}"), ("en", "no, from the {} to the {}"), ("pt", "não, de {} a {}")],
)
def test_days_without_a_month_are_of_the_month_that_is_talked_about(miramar, language, correction):
    first = (day(0) + timedelta(days=31)).replace(day=10)
    chat = Chat(miramar, new_guest(miramar), language=language)
    for nights, last in ((2, 12), (3, 14)):
        wish = span(language, first, first.replace(day=last)) if nights == 2 else correction.format(11, 14)
        chat.says(f"{wish}, 2 adultos" if nights == 2 and language != "en" else wish)
    draft = chat.remembered.booking
    assert (draft.check_in, draft.check_out) == (first.replace(day=11), first.replace(day=14))


def test_days_the_wrong_way_round_can_be_turned_with_a_tap_or_said_again(marta):
    first, last = (day(0) + timedelta(days=31)).replace(day=8), (day(0) + timedelta(days=31)).replace(day=10)
    asked = marta.says(f"quiero reservar del {last.day} al {told('es', first)} para 2 adultos")
    assert asked.says("al revés")
    assert asked.ids == [f"dates:{first}:{last}"]
    assert marta.says("perdón, del 8 al 10").says("190,00")
    assert marta.remembered.booking.check_in == first


def test_who_says_yes_to_the_question_for_a_name_is_asked_once_more_and_then_not_held_up(miramar):
    nobody = Chat(miramar, new_guest(miramar, name=None))
    held(nobody)
    assert nobody.says("sí").says("un nombre y un apellido")
    assert nobody.bookings() == []
    read_back = nobody.says("sí")
    assert read_back.says("Llegada", "190,00")
    assert not read_back.says("a nombre de")
    assert nobody.says("sí").says("confirmada")
    assert [booking.guest_name for booking in nobody.bookings()] == [""]


def test_another_one_like_it_is_quoted_and_waits_for_a_yes(marta):
    held(marta)
    marta.says("sí")
    quoted = marta.says("otra igual para las mismas fechas")
    assert quoted.intent == "make_reservation"
    assert quoted.says("190,00", "¿te hago la reserva?")
    assert len(marta.bookings()) == 1
    marta.says("sí")
    marta.says("sí")
    assert [one.check_in for one in marta.bookings()] == [day(0), day(0)]
    marta.says("y otra igual para la semana siguiente")
    assert marta.remembered.booking.check_in == day(7)


def test_asking_what_is_free_on_full_days_shows_the_nearest_free_ones(marta):
    for kind in ("individual", "doble", "familiar", "suite"):
        fill(marta.hotel, kind, Stay(day(0), day(2)))
    full = marta.says(f"¿qué tenéis libre {span('es', day(0), day(2))}?")
    assert full.says("estamos completos")
    assert len(full.ids) == 3
    assert marta.taps("dates:").says("Habitación doble", "cuántas personas")


def test_the_rows_of_a_group_say_how_many_rooms_and_which(marta):
    listed = marta.says(f"necesitamos 3 habitaciones para 7 personas {span('es', day(0), day(3))}")
    assert isinstance(listed.answer.bubbles[-1], OutList)
    mixed = listed.answer.bubbles[-1].rows[0]
    assert mixed.title == "Opción 1: 3 habitaciones"
    assert mixed.description == "Familiar + Doble + Individual · 300,00 € por noche · 900,00 € en total"


@pytest.mark.parametrize("question", ["¿hay algo más barato?", "¿cuál es la más barata?"])
def test_asking_for_something_cheaper_tells_it_and_takes_nothing(marta, question):
    marta.says(f"¿hay habitación {span('es', day(0), day(2))} para 2 adultos?")
    assert marta.says(question).says("lo más barato", "Habitación doble", "190,00")
    assert marta.locks("active") == 0


def test_something_cheaper_than_the_suite_shows_the_other_rooms(marta):
    marta.says(f"una suite {span('es', day(0), day(2))} para 2 adultos")
    assert marta.says("¿no tenéis algo más barato?").says("190,00", "420,00")


def test_praise_beside_a_question_agrees_to_nothing(marta):
    marta.says(f"una suite {span('es', day(0), day(2))} para 2 adultos")
    assert marta.says("genial, ¿y cuánto cuesta el desayuno?").says("12,00", "¿sigo adelante")
    assert marta.locks("active") == 0


def test_after_the_read_back_another_of_the_offers_can_still_be_taken(marta):
    marta.says(f"¿hay habitación {span('es', day(0), day(2))} para 2 adultos?")
    marta.says("la tercera")
    assert marta.says("no, la primera").says("Habitación doble", "190,00")
    assert marta.locks("active") == 1


def test_children_who_stay_at_home_are_counted_no_more(marta):
    marta.says(f"una familiar {span('es', day(0), day(2))} para 2 adultos y 2 niños")
    assert marta.says("al final solo vamos 2").says("para 2 adultos:")
    assert marta.remembered.booking.children == 0


def test_a_month_named_before_its_days_is_theirs(marta):
    first = (day(0) + timedelta(days=31)).replace(day=10)
    marta.says("¿cuánto cuesta la suite?")
    marta.says(f"3 noches en {told('es', first).split(' de ')[1]}")
    marta.says("del 10 al 13")
    assert marta.remembered.booking.check_in == first


def test_weekdays_for_an_arrival_that_is_known_are_of_that_week(miramar):
    chat = Chat(miramar, new_guest(miramar), language="en")
    monday = day(0) + timedelta(days=(7 - day(0).weekday()) % 7)
    chat.says(f"a family room from {told('en', monday)} for 2 adults and 2 kids")
    chat.says("mon to fri")
    draft = chat.remembered.booking
    assert (draft.check_in, draft.check_out) == (monday, monday + timedelta(days=4))


def test_not_convinced_of_what_is_held_the_guest_sees_what_is_cheaper(marta):
    marta.says(f"una suite {span('es', day(0), day(2))} para 2 adultos")
    marta.says("sí")
    assert marta.says("no me convence, ¿algo más barato?").says("190,00")
    assert marta.locks("active") == 0
