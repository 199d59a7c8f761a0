"""Who arrives, leaves and stays in a QloApps, and what has changed there: nothing is lost, and nothing made up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hotel_agent.pms.contract import Changes, HoldRequest, PmsUnavailable, Record, RoomRequest, Stay
from hotel_agent.pms.qloapps import client, listing
from tests.fakes import qloapps as far
from tests.pms.front_desk import FrontDesk, rows
from tests.reservations.cast import guest_of

MODES = ("masked", "hidden", "display_errors")


@pytest.fixture
def desk(app, monkeypatch) -> Iterator[FrontDesk]:
    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 1.0)
    with far.QloApps(far.miramar()) as pms:
        yield FrontDesk(pms)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


def told(changes: Changes) -> list[str]:
    return [record.pms_id for record in changes.records]


def everything(desk: FrontDesk, cursor: str = "") -> tuple[list[Record], str]:
    """All pages, as they are asked for."""
    found: list[Record] = []
    for _ in range(200):
        changes = desk.door.changes_since(cursor)
        found += changes.records
        cursor = changes.cursor
        if not changes.more:
            return found, cursor
    raise AssertionError("there is no end of it")


# Lists


def test_who_arrives_leaves_and_is_in(desk, mode):
    desk.pms.mode = mode
    today, coming = desk.sells("201", desk.nights(0), "Ana Pérez"), desk.sells("202", desk.nights(1))
    inside = desk.sells("203", desk.nights(-2), "Eva Ruiz")
    desk.rewrites(inside, id_status=2)
    off = desk.sells("204", desk.nights(0))
    desk.cancels(off)
    [arrives] = desk.door.arrivals(desk.day(0))
    assert (arrives.pms_id, arrives.guest_name, arrives.status) == (str(today.id), "Ana Pérez", "booked")
    assert (arrives.stay, arrives.adults, arrives.total) == (desk.nights(0), 2, Decimal("190.00"))
    assert [(room.kind, room.number) for room in arrives.rooms] == [("2", "201")]
    assert (arrives.currency, arrives.code) == ("EUR", "")
    assert [record.pms_id for record in desk.door.arrivals(desk.day(1))] == [str(coming.id)]
    assert [(record.pms_id, record.status) for record in desk.door.departures(desk.day(0))] == [
        (str(inside.id), "in_house")
    ]
    assert [record.guest_name for record in desk.door.in_house()] == ["Eva Ruiz"]


def test_names_are_read_without_the_signs_of_html(desk):
    desk.sells("201", desk.nights(0), "Zo&euml; O&#039;Neill &amp; Co")
    desk.sells("202", desk.nights(0), "Cher -")
    assert sorted(record.guest_name for record in desk.door.arrivals(desk.day(0))) == ["Cher", "Zoë O'Neill & Co"]


def test_another_hotel_of_the_same_shop_is_not_ours(desk):
    elsewhere = desk.sells("201", desk.nights(0))
    desk.rewrites(elsewhere, id_hotel=2)
    assert desk.door.arrivals(desk.day(0)) == ()
    assert everything(desk)[0] == []


def test_a_hold_is_no_booking_and_a_booking_of_ours_has_its_code(desk):
    marta = guest_of(desk.hotel)
    desk.door.hold(HoldRequest(desk.nights(3), (RoomRequest("2", 2),), marta, "kept"))
    assert everything(desk)[0] == []
    code = desk.books(desk.nights(5))
    assert [record.code for record in everything(desk)[0]] == [code]
    assert [record.code for record in desk.door.arrivals(desk.day(5))] == [code]


def test_what_is_written_in_the_room_counts_and_not_what_its_line_remembers(desk):
    """A PUT of a line moves it to another room and keeps the number of the old one."""
    order = desk.sells("201", desk.nights(0))
    desk.rewrites(order, id_room=desk.room("202").id)
    [record] = desk.door.arrivals(desk.day(0))
    assert [room.number for room in record.rooms] == ["202"]


def test_a_room_that_was_left_early_is_kept_no_longer(desk):
    order = desk.sells("201", desk.nights(-2, 5))
    left = f"{desk.day(0)} 10:12:00"
    desk.rewrites(order, id_status=3, check_out=left)
    [record] = desk.door.departures(desk.day(3))
    assert (record.status, record.stay) == ("departed", desk.nights(-2, 5))
    assert [room.stay for room in record.rooms] == [Stay(desk.day(-2), desk.day(0))]


def test_a_booking_that_makes_no_sense_keeps_no_other_from_being_told(desk):
    broken, fine = desk.sells("201", desk.nights(0)), desk.sells("202", desk.nights(0))
    desk.rewrites(broken, date_to=f"{desk.day(0)} 00:00:00")
    assert [record.pms_id for record in desk.door.arrivals(desk.day(0))] == [str(fine.id)]
    assert [record.pms_id for record in everything(desk)[0]] == [str(fine.id)]


# Changes


def test_everything_that_is_not_over_is_told_first_and_then_what_changes(desk, mode):
    desk.pms.mode = mode
    over, coming = desk.sells("201", desk.nights(-9)), desk.sells("202", desk.nights(4))
    found, cursor = everything(desk)
    assert [record.pms_id for record in found] == [str(coming.id)]
    desk.cancels(coming)
    new = desk.sells("203", desk.nights(6))
    changed, cursor = everything(desk, cursor)
    assert {record.pms_id: record.status for record in changed} == {
        str(over.id): "booked",  # It was written lately, and is told once too often.
        str(coming.id): "cancelled",
        str(new.id): "booked",
    }


def test_a_change_of_a_room_alone_is_noticed(desk):
    """A PUT of a line leaves the order's date_upd as it was."""
    clock = datetime.now(UTC).replace(tzinfo=None)
    desk.pms.shop.clock = lambda: clock - timedelta(days=3)
    order = desk.sells("201", desk.nights(4))
    _, cursor = everything(desk)
    desk.pms.shop.clock = lambda: clock
    desk.moves(order, desk.nights(5))
    assert order.date_upd < str(clock - timedelta(days=2))
    changed, _ = everything(desk, cursor)
    assert [(record.pms_id, record.stay) for record in changed] == [(str(order.id), desk.nights(5))]


@pytest.mark.parametrize("page", [2, 3, 7])
def test_no_second_is_too_full(desk, monkeypatch, page):
    """All that is sold in one second is told, however small the pages and wherever they end."""
    monkeypatch.setattr(listing, "PAGE", page)
    _, cursor = everything(desk)
    second = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    desk.pms.shop.clock = lambda: second
    sold = [desk.sells(f"2{number:02}", desk.nights(3)) for number in range(1, 8)]
    desk.pms.shop.clock = lambda: second + timedelta(seconds=1)
    sold.append(desk.sells("208", desk.nights(3)))
    found, cursor = everything(desk, cursor)
    assert {record.pms_id for record in found} == {str(order.id) for order in sold}
    late = desk.sells("209", desk.nights(3))  # In the very second in which we have asked.
    found, _ = everything(desk, cursor)
    assert str(late.id) in {record.pms_id for record in found}


def test_what_changes_while_it_is_walked_is_told(desk, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    sold = [desk.sells(f"2{number:02}", desk.nights(3)) for number in range(1, 7)]
    first = desk.door.changes_since("")
    assert first.more
    desk.cancels(sold[0])  # It was on the first page, and every other row moves up.
    rest, cursor = everything(desk, first.cursor)
    assert set(told(first)) | {record.pms_id for record in rest} == {str(order.id) for order in sold}
    changed, _ = everything(desk, cursor)
    assert {record.pms_id: record.status for record in changed}[str(sold[0].id)] == "cancelled"


def test_an_hour_that_the_shops_clock_lives_twice_loses_nothing(desk):
    now = datetime.now(UTC).replace(tzinfo=None)
    desk.pms.shop.clock = lambda: now
    desk.sells("201", desk.nights(3))
    _, cursor = everything(desk)
    desk.pms.shop.clock = lambda: now - timedelta(minutes=59)
    new = desk.sells("202", desk.nights(3))
    assert str(new.id) in {record.pms_id for record in everything(desk, cursor)[0]}


@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_a_row_from_the_future_stops_nothing_wherever_the_shop_is(desk, hours):
    now = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=hours)
    desk.pms.shop.clock = lambda: now + timedelta(days=900)
    desk.sells("201", desk.nights(3))
    _, cursor = everything(desk)
    desk.sells("202", desk.nights(3))
    _, cursor = everything(desk, cursor)
    desk.pms.shop.clock = lambda: now
    for number in ("203", "204"):
        new = desk.sells(number, desk.nights(3))
        found, cursor = everything(desk, cursor)
        assert str(new.id) in {record.pms_id for record in found}


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", '[["x",null],["y",null],null]', "7"])
def test_a_cursor_that_is_none_of_ours_begins_anew(desk, cursor):
    coming = desk.sells("202", desk.nights(4))
    assert told(desk.door.changes_since(cursor)) == [str(coming.id)]


@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_pms_that_is_away_says_so(desk, status):
    _, cursor = everything(desk)
    desk.pms.inject(far.unavailable(status), times=None)
    with pytest.raises(PmsUnavailable):
        desk.door.changes_since(cursor)


# Guests and rooms


def test_who_booked_is_told_without_what_we_have_made_up(desk):
    code = desk.books(desk.nights(4))
    ours = desk.door.guest(code)
    assert (ours.name, ours.email, ours.phone) == ("Marta García", "", "")
    order = desk.sells("201", desk.nights(3), "Eva Ruiz")
    customer = desk.pms.shop.customers[order.id_customer]
    customer.email, customer.phone = "eva@example.com", "+34600111222"
    desk.mirror()
    [code] = [code for code, guest_id in desk.rows("code, guest_id") if guest_id is None]
    there = desk.door.guest(code)
    assert (there.name, there.email, there.phone) == ("Eva Ruiz", "eva@example.com", "+34600111222")
    assert desk.door.guest("AND-NOBODY") is None


def test_every_room_is_told_with_who_is_in_it_and_what_is_out_of_order(desk):
    inside = desk.sells("201", desk.nights(-1))
    desk.rewrites(inside, id_status=2)
    desk.sells("202", desk.nights(0))
    desk.room("203").id_status = 2
    status = {room.number: room for room in desk.door.room_status()}
    assert len(status) == 36
    assert [number for number, room in status.items() if room.occupied] == ["201"]
    assert [number for number, room in status.items() if room.out_of_order] == ["203"]
    assert {room.housekeeping for room in status.values()} == {""}
    assert rows("reservations where pms_id is not null", "code") == []
