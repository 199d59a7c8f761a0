"""`/reservations/new`: a booking by the front desk, by the rules of the agent, made once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from hotel_agent import queues
from hotel_agent.db import db
from hotel_agent.pms.contract import Party
from hotel_agent.pms.local import seasons
from hotel_agent.pms.local.seasons import Season
from hotel_agent.reservations.quoting import find_offers
from tests.conversations.cast import oscar
from tests.dashboard.cast import guest, hotel, statements
from tests.fakes import qloapps as far
from tests.pms.front_desk import FrontDesk

NEW = "/reservations/new"


@pytest.fixture
def desk(sign_in, api_worker):
    return sign_in("ana@miramar.example")


def day(shift: int) -> date:
    return hotel().today() + timedelta(days=shift)


def asked(arrives: int = 30, leaves: int = 32, **more: Any) -> dict[str, Any]:
    return {"check_in": str(day(arrives)), "check_out": str(day(leaves)), "adults": "2"} | more


def choices(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'name="choice" value="([^"]+)"', page)]


def checked(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'name="choice" value="([^"]+)" checked', page)]


def key_in(page: str) -> str:
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    return key


def filled(desk, name: str = "Marta García", kind: str = "doble", **more: Any) -> dict[str, Any]:
    """The form as the page has it, with a room chosen and a name typed."""
    page = desk.get(NEW, query_string=asked()).text
    choice = next(one for one in choices(page) if one.startswith(f"{kind}:"))
    return asked(step="book", key=key_in(page), choice=choice, name=name) | more


def bookings(name: str) -> list[Any]:
    db.session.rollback()
    return list(
        db.session.execute(
            text("select code, status, total, check_in, guest_id from reservations where guest_name = :name"),
            {"name": name},
        )
    )


# Looking


def test_what_is_free_is_what_the_agent_would_quote(desk):
    page = desk.get(NEW, query_string=asked()).text
    quotes = find_offers(hotel(), day(30), day(32), Party(2)).choices
    assert [one.split("|")[1] for one in choices(page)] == [f"{quote.total:.2f}" for quote in quotes]


def test_it_begins_with_an_empty_form(desk):
    page = desk.get(NEW).text
    assert 'name="check_in" value=""' in page
    assert "Ver qué hay libre" in page
    assert choices(page) == []


def test_where_a_night_was_pointed_at_the_kind_is_chosen(desk):
    page = desk.get(NEW, query_string=asked(room_type="suite")).text
    [one] = checked(page)
    assert one.startswith("suite:")


def test_children_and_several_rooms_are_thought_of(desk):
    page = desk.get(NEW, query_string=asked(adults="4", children="2", ages="1, 7", rooms="2")).text
    assert choices(page)
    for one in choices(page):
        rooms = one.partition("|")[0].split("+")
        assert len(rooms) == 2
        assert sum(int(room.split(":")[3]) for room in rooms) == 1  # The one-year-old sleeps in a cot.


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"check_in": "ayer"}, "check_in", "2027-02-01"),
        ({"check_in": "2020-01-01"}, "check_in", "La llegada ya pasó"),
        ({"check_out": "2020-01-01"}, "check_out", "tiene que ser posterior a la llegada"),
        ({"adults": "0"}, "adults", "del 1 al 50"),
        ({"adults": "-1"}, "adults", "del 1 al 50"),
        ({"children": "x"}, "children", "del 0 al 50"),
        ({"children": "1", "ages": "7, 9"}, "ages", "Hay más edades que niños"),
        ({"ages": "99"}, "ages", "edades de 0 a 17"),
        ({"rooms": "0"}, "rooms", "del 1 al 20"),
        ({"rooms": "3"}, "rooms", "No hay un adulto para cada habitación"),
        ({"adults": "49"}, "adults", "personas como máximo"),
    ],
)
def test_what_cannot_be_is_told_beside_the_field_and_what_was_typed_stays(desk, typed, field, words):
    for answer in (
        desk.get(NEW, query_string=asked() | typed),
        desk.post(NEW, data=asked(step="look", name="Marta Ruiz") | typed),
    ):
        assert re.search(rf'id="{field}-problem">[^<]*{words}', answer.text), answer.text[:100]
        assert f'name="{next(iter(typed))}" value="{next(iter(typed.values()))}"' in answer.text
    assert answer.status_code == 400
    assert 'value="Marta Ruiz"' in answer.text


def test_where_nothing_is_free_other_days_are_shown(desk):
    db.session.execute(
        text("insert into closures (hotel_id, kind, first_day, last_day) values (:hotel, 'sale', :day, :day)"),
        {"hotel": hotel().id, "day": day(30)},
    )
    db.session.commit()
    page = desk.get(NEW, query_string=asked(30, 31)).text
    assert re.search(r'id="check_in-problem">El hotel no vende', page)
    db.session.execute(
        text(
            "insert into room_outages (hotel_id, room_id, first_night, until) select hotel_id, id, :first, :until"
            " from rooms where hotel_id = :hotel"
        ),
        {"hotel": hotel().id, "first": day(40), "until": day(41)},
    )
    db.session.commit()
    page = desk.get(NEW, query_string=asked(40, 41)).text
    assert "No hay nada libre" in page
    assert f"check_in={day(41)}" in page or f"check_in={day(39)}" in page


# Booking


def test_it_is_booked_at_the_price_that_was_shown_in_the_name_of_whoever_did_it(desk):
    form = filled(desk, phone="+34 600 777 111", language="en")
    answer = desk.post(NEW, data=form)
    [(code, status, total, check_in, guest_id)] = bookings("Marta García")
    assert answer.status_code == 303
    assert answer.location == f"/reservations/{code}"
    assert (status, total, check_in) == ("booked", Decimal(form["choice"].split("|")[1]), day(30))
    page = desk.get(answer.location).text
    assert "Reservado para Marta García" in page
    assert re.search(r"Reservad[ao] · Ana", page)
    entry = db.session.execute(text("select action, actor from audit_log where subject = :code"), {"code": code}).one()
    assert entry == ("reservation_booked", "ana@miramar.example")
    assert db.session.scalar(text("select language from guests where id = :id"), {"id": guest_id}) == "en"


def test_sent_twice_it_is_booked_once(desk, sign_in):
    form = filled(desk)
    again = sign_in("ana@miramar.example")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda browser: browser.post(NEW, data=form), (desk, again)))
    assert len(bookings("Marta García")) == 1
    assert 303 in {answer.status_code for answer in answers}
    third = desk.post(NEW, data=form)
    assert (third.status_code, len(bookings("Marta García"))) == (303, 1)


def test_another_form_books_another_time(desk):
    desk.post(NEW, data=filled(desk))
    desk.post(NEW, data=filled(desk))
    assert len(bookings("Marta García")) == 2


def test_when_the_price_has_changed_nobody_books_unawares(desk):
    form = filled(desk)
    seasons.add(hotel(), Season("Feria", day(30), day(32), seasons.WEEK, {"doble": Decimal("777.00")}))
    answer = desk.post(NEW, data=form)
    assert answer.status_code == 409
    assert bookings("Marta García") == []
    assert "El precio ahora es otro" in answer.text
    assert 'value="Marta García"' in answer.text
    new = next(one for one in choices(answer.text) if one.startswith("doble:"))
    done = desk.post(NEW, data=form | {"choice": new, "key": key_in(answer.text)})
    assert done.status_code == 303
    seasons.remove(hotel(), "Feria")  # Rates are not put back after a test.
    db.session.commit()


def test_when_somebody_was_faster_what_is_left_is_shown(desk):
    form = filled(desk, kind="suite")
    db.session.execute(
        text(
            "insert into room_outages (hotel_id, room_id, first_night, until) select o.hotel_id, o.id, :first, :until"
            " from rooms o join room_types t on t.id = o.room_type_id where o.hotel_id = :hotel and t.code = 'suite'"
        ),
        {"hotel": hotel().id, "first": day(30), "until": day(32)},
    )
    db.session.commit()
    answer = desk.post(NEW, data=form)
    assert answer.status_code == 409
    assert "Las habitaciones ya no están libres" in answer.text
    assert not any(one.startswith("suite:") for one in choices(answer.text))
    assert choices(answer.text)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "123"}, "name"),
        ({"phone": "600123456"}, "phone"),
        ({"phone": "+34"}, "phone"),
        ({"choice": ""}, "choice"),
        ({"choice": "doble"}, "choice"),
        ({"choice": "doble:x:0:0|90.00|{in}|{out}"}, "choice"),
        ({"choice": "doble:2:0:0|gratis|{in}|{out}"}, "choice"),
        ({"adults": "3"}, "choice"),  # Not those for whom the offers were.
    ],
)
def test_bad_input_books_nothing_and_is_told(desk, typed, field):
    typed = {name: value.replace("{in}", str(day(30))).replace("{out}", str(day(32))) for name, value in typed.items()}
    answer = desk.post(NEW, data=filled(desk) | typed)
    assert answer.status_code == 400
    assert f'id="{field}-problem"' in answer.text
    assert bookings("Marta García") == []


def test_a_price_of_ones_own_is_not_taken(desk):
    form = filled(desk)
    answer = desk.post(NEW, data=form | {"choice": form["choice"].replace(form["choice"].split("|")[1], "1.00")})
    assert answer.status_code == 409
    assert bookings("Marta García") == []


def test_a_room_that_is_too_small_is_not_taken(desk):
    form = filled(desk)
    answer = desk.post(NEW, data=form | {"adults": "5", "choice": f"individual:5:0:0|90.00|{day(30)}|{day(32)}"})
    assert answer.status_code == 400
    assert bookings("Marta García") == []


def test_without_a_worker_it_is_told_and_the_same_form_books_once(sign_in, monkeypatch):
    desk = sign_in("ana@miramar.example")
    form = filled(desk)
    with monkeypatch.context() as patch:
        patch.setattr(queues, "ask", lambda *_given, **_more: None)
        answer = desk.post(NEW, data=form)
    assert answer.status_code == 503
    assert "no se reserva dos veces" in answer.text
    assert key_in(answer.text) == form["key"]
    again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    assert {name: unescape(again[name]) for name in form if name != "step"} == {n: form[n] for n in form if n != "step"}
    assert 'type="radio"' not in answer.text  # Only what was asked for can be asked for again.


def test_what_was_begun_and_then_changed_is_not_booked_beside_it(desk, monkeypatch):
    form = filled(desk)
    with monkeypatch.context() as patch:
        patch.setattr(queues, "ask", lambda *_given, **_more: None)
        desk.post(NEW, data=form)
    answer = desk.post(NEW, data=form | {"name": "Marta Ruiz"})
    assert answer.status_code == 409
    assert "mira primero las reservas" in answer.text
    assert key_in(answer.text) != form["key"]


# For somebody we know


def test_from_a_guests_card_it_is_that_guests(desk):
    marta = guest("Marta Ruiz", "34600999111")
    page = desk.get(NEW, query_string=asked(guest_id=marta.id)).text
    assert 'value="Marta Ruiz"' in page
    assert 'name="phone"' not in page  # It is theirs already.
    answer = desk.post(NEW, data=filled(desk, name="Marta Ruiz", guest_id=marta.id))
    assert answer.status_code == 303
    [(_, _, _, _, guest_id)] = bookings("Marta Ruiz")
    assert guest_id == marta.id
    assert f"{NEW}?guest_id={marta.id}" in desk.get(f"/guests/{marta.id}").text


def test_another_hotels_guest_is_nobody(desk, sign_in):
    stranger = guest("Otra", slug="andes")
    assert desk.get(NEW, query_string={"guest_id": stranger.id}).status_code == 404
    assert desk.post(NEW, data=filled(desk, guest_id=stranger.id)).status_code == 404
    assert desk.get(NEW, query_string={"guest_id": "x"}).status_code == 404


def test_a_look_costs_few_statements(desk):
    desk.get(NEW, query_string=asked())
    with statements() as heard:
        desk.get(NEW, query_string=asked(33, 35))
    assert len(heard) <= 6


# A hotel's own PMS


@pytest.fixture
def far_desk(app, monkeypatch):
    with far.QloApps(far.miramar()) as pms:
        yield FrontDesk(pms)


def test_at_a_far_pms_it_is_booked_there(far_desk, sign_in, api_worker):
    oscar()
    desk = sign_in("oscar@andes.example")
    page = desk.get(NEW, query_string=asked()).text
    [choice, *_] = choices(page)
    answer = desk.post(NEW, data=asked(step="book", key=key_in(page), choice=choice, name="Marta García"))
    assert answer.status_code == 303
    [(code, status, *_)] = bookings("Marta García")
    assert status == "booked"
    assert answer.location == f"/reservations/{code}"


def test_a_far_pms_that_is_away_is_told_and_nothing_is_lost(far_desk, sign_in, api_worker):
    oscar()
    desk = sign_in("oscar@andes.example")
    far_desk.pms.inject(far.unavailable(500), times=None)
    answer = desk.post(NEW, data=asked(step="look", name="Marta García"))
    assert "No hubo respuesta a tiempo" in answer.text
    assert 'value="Marta García"' in answer.text


def test_where_a_single_room_was_pointed_at_it_is_for_one(desk):
    page = desk.get(NEW, query_string={"check_in": day(30), "room_type": "individual"}).text
    assert 'name="adults" value="1"' in page
    [one] = checked(page)
    assert one.startswith("individual:1:")


def test_a_nul_is_left_out(desk):
    assert desk.post(NEW, data=filled(desk, name="Marta\0 Ruiz") | {"key": "a\0b"}).status_code == 303
    assert len(bookings("Marta Ruiz")) == 1
    assert desk.get("/reservations/MIR-%00000").status_code == 404
