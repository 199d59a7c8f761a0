"""`/today`: who comes, leaves and is there, how full the house is, and what is done about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import text

from hotel_agent.audit.models import AuditEntry
from hotel_agent.dashboard.today import routes
from hotel_agent.dashboard.today.day import Day, Line, day_of
from hotel_agent.db import db
from hotel_agent.locks.models import ReservationLock
from hotel_agent.pms.contract import BookRequest, HoldRequest, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.local.models import Reservation, ReservationExtra
from tests.conversations.cast import oscar
from tests.dashboard.cast import books, guest, hotel, statements, talk
from tests.fakes import qloapps as far
from tests.pms.front_desk import FrontDesk


@pytest.fixture
def empty(app) -> None:
    """Without the demo's stays."""
    db.session.execute(text("delete from reservation_locks"))
    db.session.execute(text("delete from reservations"))
    db.session.commit()


@pytest.fixture
def desk(sign_in):
    return sign_in("ana@miramar.example")


def booked(name: str, arrives: int, leaves: int, status: str = "booked") -> str:
    return books(talk(who=guest(name)), arrives, leaves, status)


def really_booked(name: str, arrives: int, leaves: int, kind: str = "doble") -> str:
    """With a room of its own for just these nights."""
    here, who = hotel(), guest(name)
    door, today = pms_for(here), here.today()
    stay = Stay(today + timedelta(days=arrives), today + timedelta(days=leaves))
    hold = door.hold(HoldRequest(stay, (RoomRequest(kind, 2),), who.id, f"h {name}"))
    return door.book(BookRequest(hold.hold_key, who.id, name, f"b {name}", today))


def of_today(hour: int = 10) -> Day:
    here = hotel()
    return day_of(here, "es", datetime.combine(here.today(), time(hour), here.zone))


def names(lines: tuple[Line, ...]) -> list[str]:
    return [line.name for line in lines]


def status_of(code: str) -> str:
    db.session.rollback()
    return db.session.query(Reservation).filter(Reservation.code == code).one().status


def room_of(code: str) -> str:
    db.session.rollback()
    found = db.session.scalar(
        text(
            "select o.number from reservation_locks l join rooms o on o.id = l.resource_id join reservations r"
            " on r.id = l.reservation_id where r.code = :code and l.status = 'booked'"
        ),
        {"code": code},
    )
    return str(found)


# Who


def test_everybody_is_in_the_lists_they_belong_to(empty):
    booked("Ada", 0, 2)
    booked("Berta", 0, 1, "in_house")
    booked("Carla", -1, 2)  # Nobody has said whether she came.
    booked("Dora", -2, 0, "in_house")
    booked("Elsa", -2, 0, "departed")
    booked("Flora", -3, 3, "in_house")
    booked("Gala", -3, -1, "in_house")  # She should have left yesterday.
    booked("Hilda", 0, 3, "cancelled")
    booked("Irma", 1, 3)
    booked("Jana", 0, 3, "no_show")
    booked("Katia", -4, -1, "departed")
    day = of_today()
    assert names(day.arrivals) == ["Ada", "Berta", "Carla", "Jana"]
    assert (day.coming, day.come) == (2, 1)
    assert names(day.departures) == ["Dora", "Elsa", "Gala"]
    assert (day.leaving, day.left) == (2, 1)
    assert names(day.in_house) == ["Berta", "Dora", "Flora", "Gala"]
    assert {line.name for line in (*day.arrivals, *day.departures) if line.is_late} == {"Carla", "Gala"}


def test_who_stays_past_the_time_is_late_but_for_a_late_checkout(empty):
    booked("Dora", -2, 0, "in_house")
    granted = booked("Elsa", -2, 0, "in_house")
    row = db.session.query(Reservation).filter(Reservation.code == granted).one()
    db.session.add(
        ReservationExtra(
            hotel_id=row.hotel_id,
            reservation_id=row.id,
            code="late_checkout",
            price=30,
            currency="EUR",
            at_time=time(14),
            status="granted",
        )
    )
    db.session.commit()
    for hour, late in ((10, set()), (12, {"Dora"}), (15, {"Dora", "Elsa"})):
        assert {line.name for line in of_today(hour).departures if line.is_late} == late, hour
    assert [line.leaves_at for line in of_today().departures] == [None, time(14)]


def test_an_empty_day_says_so(empty, desk):
    page = desk.get("/today").text
    for words in ("Hoy no llega nadie.", "Hoy no sale nadie.", "No hay nadie registrado."):
        assert words in page


# How full


def test_how_full_it_is_is_what_the_tables_say(app):
    day, key = of_today(), {"hotel": hotel().id, "today": hotel().today()}
    for night, shift in ((day.tonight, 0), (day.tomorrow, 1)):
        sold = db.session.scalar(
            text(
                "select count(*) from reservation_locks where hotel_id = :hotel and status = 'booked'"
                " and daterange(check_in, check_out) @> cast(:today as date) + cast(:shift as int)"
            ),
            key | {"shift": shift},
        )
        assert (night.sold, night.rooms, night.free) == (sold, 36, 36 - (sold or 0))
        assert night.share == pytest.approx((sold or 0) / 36)


def test_rooms_that_are_held_or_out_of_order_are_not_to_sell(empty):
    here = hotel()
    stay = Stay(here.today(), here.today() + timedelta(days=1))
    pms_for(here).hold(HoldRequest(stay, (RoomRequest("suite", 2),), guest().id, "h"))
    db.session.execute(
        text(
            "insert into room_outages (hotel_id, room_id, first_night, until, reason) select hotel_id, id, :today,"
            " :today + 1, 'x' from rooms where hotel_id = :hotel and number = '101'"
        ),
        {"hotel": here.id, "today": here.today()},
    )
    db.session.commit()
    day = of_today()
    assert (day.tonight.sold, day.tonight.held, day.tonight.rooms, day.tonight.free) == (0, 1, 35, 34)
    assert (day.tomorrow.held, day.tomorrow.rooms, day.tomorrow.free) == (0, 36, 36)


# What is done


def test_a_guest_is_checked_in_and_out(empty, desk):
    code = really_booked("Ada Mar", 0, 2)
    answer = desk.post(f"/today/{code}/check-in", follow_redirects=True)
    assert "Entrada de Ada Mar registrada." in answer.text
    assert status_of(code) == "in_house"
    question = desk.get(f"/today/{code}/check-out")
    assert "¿Ha salido Ada Mar?" in question.text
    assert status_of(code) == "in_house"
    desk.post(f"/today/{code}/check-out")
    assert status_of(code) == "departed"
    told = db.session.query(AuditEntry).filter(AuditEntry.subject == code).order_by(AuditEntry.id).all()
    assert [(one.action, one.actor) for one in told] == [
        ("checked_in", "ana@miramar.example"),
        ("checked_out", "ana@miramar.example"),
    ]


def test_who_did_not_come_leaves_the_room_to_others(empty, desk):
    code = really_booked("Ada Mar", 0, 2, "suite")
    before = of_today().tonight.free
    assert "¿No se presentó Ada Mar?" in desk.get(f"/today/{code}/no-show").text
    desk.post(f"/today/{code}/no-show")
    assert status_of(code) == "no_show"
    assert of_today().tonight.free == (before or 0) + 1


def test_another_room(empty, desk):
    code = really_booked("Ada Mar", 0, 2)
    other = really_booked("Berta", 0, 2)
    was = room_of(code)
    answer = desk.post(f"/today/{code}/move", data={"was": was, "now": room_of(other)})
    assert answer.status_code == 409
    assert "La habitación no está libre" in answer.text
    assert f'value="{room_of(other)}"' in answer.text
    answer = desk.post(f"/today/{code}/move", data={"was": was, "now": "214"}, follow_redirects=True)
    assert "Ada Mar está ahora en la habitación 214." in answer.text
    assert room_of(code) == "214"
    for now, status in (("", 400), ("x" * 30, 400), ("999", 409)):
        answer = desk.post(f"/today/{code}/move", data={"was": "214", "now": now})
        assert (answer.status_code, 'role="alert"' in answer.text) == (status, True)
    assert room_of(code) == "214"


def test_what_does_not_go_is_told_at_the_booking(empty, desk):
    code = booked("Ada Mar", 1, 3)
    answer = desk.post(f"/today/{code}/check-in")
    assert answer.status_code == 409
    assert "Aún no es el día de llegada." in answer.text
    assert status_of(code) == "booked"


def test_done_twice_it_is_done_once(empty, desk):
    code = really_booked("Ada Mar", 0, 2)
    for _ in range(2):
        assert desk.post(f"/today/{code}/check-in").status_code == 303
    assert db.session.query(AuditEntry).filter(AuditEntry.action == "checked_in").count() == 1


def test_another_hotels_booking_is_not_found(app, sign_in):
    code = booked("Ada", 0, 2)
    for address in ("check-out", "no-show"):
        assert sign_in("oscar@andes.example").get(f"/today/{code}/{address}").status_code == 404
    assert sign_in("oscar@andes.example").post(f"/today/{code}/check-in").status_code == 404


def test_ops_may_not(sign_in):
    assert sign_in("olga@miramar.example").get("/today").status_code == 403


# A PMS of the hotel's own


@pytest.fixture
def far_desk(empty, monkeypatch) -> Iterator[FrontDesk]:
    with far.QloApps(far.miramar()) as pms:
        yield FrontDesk(pms)


@pytest.fixture
def oscars(sign_in):
    assert oscar()
    return sign_in("oscar@andes.example")


def test_a_far_pms_is_shown_as_it_was_read(far_desk, oscars):
    far_desk.sells("201", far_desk.nights(0), "Eva Ruiz")
    far_desk.mirror()
    page = oscars.get("/today").text
    assert "Eva Ruiz" in page
    assert re.search(r"Como lo tenía el PMS a las \d", page)
    assert 'data-action="no-show"' not in page  # QloApps has no word for it.
    far_desk.pms.inject(far.unavailable(500), times=None)
    far_desk.mirror()
    assert re.search(r"El PMS no responde desde las \d", oscars.get("/today").text)


def test_a_guest_of_a_far_pms_is_checked_in_there(far_desk, oscars, api_worker):
    order = far_desk.sells("201", far_desk.nights(0), "Eva Ruiz")
    far_desk.mirror()
    [(code,)] = far_desk.rows("code")
    assert oscars.post(f"/today/{code}/check-in").status_code == 303
    assert {line.id_status for line in far_desk.lines(order)} == {2}
    assert status_of(code) == "in_house"


def test_a_far_pms_that_does_not_answer_is_told(far_desk, oscars, monkeypatch):
    monkeypatch.setattr(routes, "PMS_SECONDS", 1)
    far_desk.sells("201", far_desk.nights(0), "Eva Ruiz")
    far_desk.mirror()
    [(code,)] = far_desk.rows("code")
    answer = oscars.post(f"/today/{code}/check-in")
    assert (answer.status_code, "El PMS no ha respondido." in answer.text) == (503, True)


# What it costs


def test_the_price_of_the_page(desk):
    desk.get("/today")
    with statements() as asked:
        assert desk.get("/today").status_code == 200
    assert len(asked) <= 12, "\n".join(asked)
    assert db.session.query(ReservationLock).count() > 0
