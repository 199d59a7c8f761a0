"""`/reservations/chart`: rooms down, nights across, and what is where."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.dashboard.chart.tape import Bar, Chart, Lane, chart_of
from hotel_agent.db import db
from hotel_agent.pms.contract import BookRequest, HoldRequest, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.local.rooms import put_out_of_order
from tests.conversations.cast import oscar
from tests.dashboard.cast import guest, hotel, statements, talk
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


def day(shift: int) -> date:
    return hotel().today() + timedelta(days=shift)


def held(name: str, arrives: int, leaves: int, kind: str = "doble") -> tuple[int, str]:
    """The guest and the key of the hold."""
    who = guest(name)
    talk(who=who)
    request = HoldRequest(Stay(day(arrives), day(leaves)), (RoomRequest(kind, 2),), who.id, f"h {name}")
    return who.id, pms_for(hotel()).hold(request).hold_key


def booked(name: str, arrives: int, leaves: int, kind: str = "doble") -> str:
    guest_id, key = held(name, arrives, leaves, kind)
    return pms_for(hotel()).book(BookRequest(key, guest_id, name, f"b {name}", day(0)))


def chart(first: int = 0, nights: int = 14, kind: str | None = None, slug: str = "miramar") -> Chart:
    db.session.rollback()
    return chart_of(hotel(slug), day(first), nights, kind, "es")


def lanes(found: Chart) -> list[Lane]:
    return [lane for group in found.groups for lane in group.lanes]


def bars(found: Chart) -> dict[str, list[tuple[str, int, int]]]:
    """By the name on it: the room, and where on the chart it begins and how long it is."""
    shown: dict[str, list[tuple[str, int, int]]] = {}
    for lane in lanes(found):
        for cell in lane.cells:
            if isinstance(cell, Bar):
                shown.setdefault(cell.name or cell.reason, []).append((lane.number, cell.start, cell.nights))
    return shown


def bar(found: Chart, name: str) -> Bar:
    [one] = [
        cell
        for lane in lanes(found)
        for cell in lane.cells
        if isinstance(cell, Bar) and name in (cell.name, cell.reason)
    ]
    return one


def room_of(name: str) -> str:
    [(room, _, _)] = bars(chart(-30, 28 * 3))[name]
    return room


def width(lane: Lane) -> int:
    return sum(cell.nights if isinstance(cell, Bar) else 1 for cell in lane.cells)


def test_every_room_has_its_line_by_kind_and_number(empty):
    found = chart()
    rooms = db.session.execute(text("select number from rooms where hotel_id = :hotel"), {"hotel": hotel().id})
    assert sorted(lane.number for lane in lanes(found)) == sorted(rooms.scalars())
    assert [group.code for group in found.groups] == list(found.kinds)
    assert all(width(lane) == 14 for lane in lanes(found))


def test_a_booking_takes_its_nights_and_not_the_day_of_departure(empty):
    booked("Ada", 2, 5)
    room = room_of("Ada")
    assert bars(chart())["Ada"] == [(room, 2, 3)]
    assert bars(chart(3))["Ada"] == [(room, 0, 2)]  # It began before.
    assert bars(chart(-4, 7))["Ada"] == [(room, 6, 1)]  # It goes on after.
    assert "Ada" not in bars(chart(5))
    assert "Ada" not in bars(chart(-5, 7))


def test_one_leaves_and_the_next_arrives_in_the_same_room(empty):
    booked("Ada", 2, 4)
    room = room_of("Ada")
    others = db.session.scalars(
        text("select number from rooms o where hotel_id = :hotel and number <> :room and room_type_id ="
             " (select room_type_id from rooms where hotel_id = :hotel and number = :room)"),
        {"hotel": hotel().id, "room": room},
    ).all()  # fmt: skip
    for number in others:
        put_out_of_order(hotel(), number, day(0), None, "obras")
    booked("Berta", 4, 5)
    found = chart()
    assert (bars(found)["Ada"], bars(found)["Berta"]) == ([(room, 2, 2)], [(room, 4, 1)])
    assert len([lane for lane in lanes(found) if lane.number == room]) == 1


def test_a_hold_is_there_until_its_time_is_over(empty):
    _, key = held("Ada", 1, 3)
    assert bar(chart(), "Ada").state == "held"
    assert bar(chart(), "Ada").conversation_id is not None
    db.session.execute(
        text("update reservation_locks set expires_at = clock_timestamp() where hold_key = :key"), {"key": key}
    )
    db.session.commit()
    assert "Ada" not in bars(chart())


@pytest.mark.parametrize("status", ["cancelled", "released"])
def test_what_is_given_up_is_gone(empty, status):
    if status == "cancelled":
        code = booked("Ada", 1, 3)
        pms_for(hotel()).cancel(code, Decimal(0))
    else:
        guest_id, key = held("Ada", 1, 3)
        pms_for(hotel()).release(key, guest_id, "no longer wanted")
    assert "Ada" not in bars(chart())


def test_a_room_that_is_out_of_order_says_why_also_under_a_guest(empty):
    booked("Ada", 1, 4)
    room = room_of("Ada")
    put_out_of_order(hotel(), room, day(2), day(6), "fuga de agua")
    found = chart()
    assert bars(found)["fuga de agua"] == [(room, 2, 4)]
    assert [lane.is_first for lane in lanes(found) if lane.number == room] == [True, False]
    assert bar(found, "Ada").overlaps


def test_free_rooms_are_counted_as_the_pms_would_sell_them(empty):
    booked("Ada", 1, 4)
    held("Berta", 2, 3)
    put_out_of_order(hotel(), room_of("Ada"), day(2), day(6), "obras")
    [group] = [group for group in chart().groups if group.code == "doble"]
    sold = pms_for(hotel())
    for night in range(14):
        offers = sold.availability(Stay(day(night), day(night + 1))).offers
        free = next(offer.free for offer in offers if offer.kind.code == "doble")
        assert group.free is not None
        assert group.free[night] == free, night


def test_another_hotel_sees_nothing_of_it(empty):
    booked("Ada", 1, 4)
    oscar()
    assert "Ada" not in bars(chart(slug="andes"))


def test_one_kind_alone_and_no_such_kind(empty):
    assert [group.code for group in chart(kind="suite").groups] == ["suite"]
    assert len(chart(kind="suite").kinds) > 1
    assert chart(kind="palacio").groups == chart().groups


# The page


def test_the_page_leads_to_whatever_is_on_it(empty, desk):
    code = booked("Ada", 1, 4)
    held("Berta", 2, 3)
    page = desk.get("/reservations/chart").text
    assert f'href="/reservations/{code}"' in page
    assert re.search(r'href="/conversations/\d+" title="Berta: ', page)
    assert re.search(r'data-until="[^"]+">\d+:\d\d<', page)
    assert 'aria-current="page">Reservas' in page


def test_from_any_day_on_in_three_lengths(empty, desk):
    booked("Ada", 20, 22)
    assert "Ada" not in desk.get("/reservations/chart").text
    assert ">Ada</a>" in desk.get("/reservations/chart?nights=28").text
    page = desk.get(f"/reservations/chart?first={day(18)}&nights=7").text
    assert ">Ada</a>" in page
    assert f'value="{day(18)}"' in page
    assert page.count('<th scope="col" class="night') == 7


@pytest.mark.parametrize("first", ["mañana", "2027-02-30", "0001-01-01", "9999-12-31", "2027-2-1"])
def test_no_day_is_told_and_today_is_shown(empty, desk, first):
    answer = desk.get("/reservations/chart", query_string={"first": first})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert f'data-first="{day(0)}"' in answer.text


@pytest.mark.parametrize("nights", ["0", "-3", "9999", "x", ""])
def test_another_length_is_the_usual_one(empty, desk, nights):
    assert 'class="tape-table nights-14"' in desk.get(f"/reservations/chart?nights={nights}").text


def test_names_are_words_and_no_markup(empty, desk):
    booked("<b>Ada</b>", 1, 4)
    assert "<b>Ada" not in desk.get("/reservations/chart").text


def test_who_wants_no_offers_and_who_is_a_vip_is_marked(empty, desk):
    booked("Ada", 1, 4)
    db.session.execute(text("update guests set opted_out_at = now(), vip = true where name = 'Ada'"))
    db.session.commit()
    page = desk.get("/reservations/chart").text
    assert re.search(r'title="Ada: [^"]*VIP, no quiere ofertas"', page)


def test_a_full_house_costs_the_same_few_statements(empty, desk):
    desk.get("/reservations/chart")
    with statements() as few:
        desk.get("/reservations/chart")
    for number in range(12):
        booked(f"Ada {number}", number % 9, number % 9 + 2)
    with statements() as many:
        desk.get("/reservations/chart")
    assert len(many) == len(few) <= 4


# A hotel's own PMS


@pytest.fixture
def far_desk(empty, monkeypatch):
    with far.QloApps(far.miramar()) as pms:
        yield FrontDesk(pms)


def test_rooms_of_a_far_pms_are_those_it_has_told_of(far_desk, sign_in):
    oscar()
    far_desk.sells("201", far_desk.nights(1), "Eva Ruiz")
    far_desk.sells("202", far_desk.nights(2), "Ada Luz")
    far_desk.mirror()
    found = chart(slug="andes")
    assert [lane.number for lane in lanes(found)] == ["201", "202"]
    assert found.is_remote
    assert found.as_of is not None
    assert all(group.free is None for group in found.groups)
    page = sign_in("oscar@andes.example").get("/reservations/chart").text
    assert ">Eva Ruiz</a>" in page
    assert "Como lo tenía el PMS" in page
    assert "data-new" not in page


def test_a_room_that_was_sold_twice_there_has_two_lines(far_desk, sign_in):
    oscar()
    far_desk.sells("201", far_desk.nights(1), "Eva Ruiz")
    far_desk.sells("201", far_desk.nights(1), "Ada Luz")
    far_desk.mirror()
    found = chart(slug="andes")
    assert [(lane.number, lane.is_first) for lane in lanes(found)] == [("201", True), ("201", False)]
    assert bar(found, "Eva Ruiz").overlaps
    assert bar(found, "Ada Luz").overlaps
    assert "habitación vendida dos veces" in sign_in("oscar@andes.example").get("/reservations/chart").text


def test_bookings_without_a_room_lie_side_by_side(far_desk):
    oscar()
    far_desk.sells("201", far_desk.nights(1), "Eva Ruiz")
    far_desk.sells("202", far_desk.nights(1), "Ada Luz")
    far_desk.mirror()
    db.session.execute(text("update reservation_rooms set number = ''"))
    db.session.commit()
    found = chart(slug="andes")
    assert [lane.number for lane in lanes(found)] == ["", ""]
    assert not bar(found, "Eva Ruiz").overlaps
