"""`/reservations`: the list with its filters and CSV, and one reservation with its story."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.pms.contract import BookRequest, ChangeRequest, HoldRequest, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.reservations import desk as front_desk
from tests.conversations.cast import ana
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


def shown(html: str) -> list[str]:
    return re.findall(r'<tr data-code="([^"]+)"', html)


def booked(name: str, arrives: int, leaves: int, status: str = "booked") -> str:
    return books(talk(who=guest(name)), arrives, leaves, status)


def day(shift: int) -> str:
    return (hotel().today() + timedelta(days=shift)).isoformat()


def test_it_begins_with_whoever_comes_or_is_there(empty, desk):
    coming, inside = booked("Ada", 3, 5), booked("Berta", -1, 1, "in_house")
    for status in ("departed", "cancelled", "no_show"):
        booked(status, -5, -2, status)
    assert shown(desk.get("/reservations").text) == [inside, coming]


@pytest.mark.parametrize("only", ["in_house", "departed", "cancelled", "no_show", "pending"])
def test_one_status_alone(empty, desk, only):
    codes = {
        one: booked(one, 1, 2, one) for one in ("booked", "in_house", "departed", "cancelled", "no_show", "pending")
    }
    assert shown(desk.get(f"/reservations?only={only}").text) == [codes[only]]
    assert len(shown(desk.get("/reservations?only=all").text)) == 6


@pytest.mark.parametrize("query", ["garcía", "GARCIA", "ada gar"])
def test_found_by_name(empty, desk, query):
    code = booked("Ada García", 3, 5)
    booked("Berta Ruiz", 3, 5)
    assert shown(desk.get("/reservations", query_string={"q": query}).text) == [code]


def test_found_by_code_however_it_is_written(empty, desk):
    code = books(talk(), 3, 5, code="MIR-G7G7G7")
    booked("Berta", 3, 5)
    for query in ("MIR-G7G7G7", "mir-g7g7g7", "g7g7g7"):
        assert shown(desk.get("/reservations", query_string={"q": query}).text) == [code], query


def test_found_by_day_of_arrival(empty, desk):
    codes = [booked(f"G{shift}", shift, shift + 1) for shift in (1, 2, 3, 4)]
    found = desk.get("/reservations", query_string={"first": day(2), "last": day(3)}).text
    assert shown(found) == codes[1:3]


def test_days_that_are_none_are_told(empty, desk):
    answer = desk.get("/reservations?first=tomorrow")
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    assert desk.get("/reservations/reservations.csv?first=tomorrow").status_code == 400


def test_nothing_found_says_what_to_do(empty, desk):
    assert "Aquí aparece lo que los huéspedes reservan" in desk.get("/reservations").text
    assert "Ver todas las que están por llegar" in desk.get("/reservations?q=nobody").text


def test_page_after_page_each_is_there_once(empty, desk):
    codes = [booked(f"G{number:02}", 1 + number, 3 + number) for number in range(45)]
    first = desk.get("/reservations").text
    link = re.search(r'href="(/reservations\?[^"]*cursor=[^"]*)"', first)
    assert link
    second = desk.get(link[1].replace("&amp;", "&")).text
    assert shown(first) + shown(second) == codes


def test_the_csv_has_the_whole_list_and_no_formulas(empty, desk):
    booked('=HYPERLINK("http://x.example")', 1, 3)
    for number in range(45):
        booked(f"G{number:02}", 2, 3)
    booked("Nobody", 1, 2, "cancelled")
    answer = desk.get("/reservations/reservations.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert len(rows) == 46
    assert rows[0]["guest"] == '\'=HYPERLINK("http://x.example")'
    assert (rows[0]["check_in"], rows[0]["nights"], rows[0]["total"]) == (day(1), "2", "190.00")


# One of them


@pytest.fixture
def lived() -> str:
    """Held, booked, changed and checked in."""
    here, who = hotel(), guest("Ada Mar")
    talk(who=who)
    door, today = pms_for(here), here.today()
    stay = Stay(today, today + timedelta(days=2))
    hold = door.hold(HoldRequest(stay, (RoomRequest("doble", 2),), who.id, "h"))
    code = door.book(BookRequest(hold.hold_key, who.id, "Ada Mar", "b", today))
    longer = Stay(today, today + timedelta(days=3))
    door.modify(ChangeRequest(code, longer, (RoomRequest("doble", 2),), "Ada Mar", "c", Decimal("285.00")))
    front_desk.check_in(here, code, ana())
    return code


def test_a_reservation_has_its_whole_story(app, desk, lived):
    page = desk.get(f"/reservations/{lived}").text
    text_of = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for words in ("Ada Mar", lived, "285 €", "Habitación doble", "La conversación", "El huésped"):
        assert words in text_of, words
    history = page[page.index('id="history"') :]
    places = [history.index(words) for words in ("Habitación guardada", "Reservado", "Cambiado", "Entrada registrada")]
    assert places == sorted(places)
    assert "Entrada registrada · Ana" in history


def test_a_cancelled_one_says_what_it_cost(app, desk):
    code = books(talk(), 3, 5, "cancelled", cancelled_at=None, cancellation_fee=Decimal("95.00"))
    assert desk.get(f"/reservations/{code}").status_code == 200


def test_a_booking_of_a_far_pms_tells_what_the_pms_was_asked(empty, sign_in, monkeypatch):
    with far.QloApps(far.miramar()) as pms:
        there = FrontDesk(pms)
        code = there.books(there.nights(5))
        there.mirror()
        there.moves(there.order("1"), there.nights(6))
        there.mirror()
        page = sign_in("oscar@andes.example").get(f"/reservations/{code}").text
    assert "Se pidió al PMS reservar: hecho" in page
    assert "Cambiada en el PMS: llegada" in page
    assert re.search(r"Como lo tenía el PMS a las|hoy a las", page)


def test_one_made_elsewhere_says_so(empty, sign_in) -> None:
    with far.QloApps(far.miramar()) as pms:
        there = FrontDesk(pms)
        there.sells("201", there.nights(3), "Eva Ruiz")
        there.mirror()
        [(code,)] = there.rows("code")
        page = sign_in("oscar@andes.example").get(f"/reservations/{code}").text
    assert "Hecha fuera" in page
    assert "Eva Ruiz" in page


@pytest.mark.parametrize("code", ["MIR-222222", "x" * 20, "abc"])
def test_what_is_not_there_is_not_found(desk, code):
    assert desk.get(f"/reservations/{code}").status_code == 404


def test_another_hotels_is_not_found(app, sign_in):
    code = booked("Ada", 1, 2)
    oscar = sign_in("oscar@andes.example")
    assert oscar.get(f"/reservations/{code}").status_code == 404
    assert code not in oscar.get("/reservations?only=all").text


def test_ops_may_not(sign_in):
    for address in ("", "/reservations.csv", "/MIR-222222"):
        assert sign_in("olga@miramar.example").get(f"/reservations{address}").status_code == 403


def test_the_price_of_the_pages(desk, lived):
    desk.get("/reservations")
    for address, most in (("/reservations?only=all", 10), (f"/reservations/{lived}", 12)):
        with statements() as asked:
            assert desk.get(address).status_code == 200
        assert len(asked) <= most, "\n".join(asked)


def test_who_wants_no_offers_is_marked_in_the_list_and_on_the_page(empty, desk):
    code, other = booked("Ada", 1, 3), booked("Berta", 1, 3)
    db.session.execute(text("update guests set opted_out_at = now() where name = 'Ada'"))
    db.session.commit()
    assert desk.get("/reservations").text.count("No quiere ofertas") == 1
    assert "No quiere ofertas" in desk.get(f"/reservations/{code}").text
    assert "No quiere ofertas" not in desk.get(f"/reservations/{other}").text
