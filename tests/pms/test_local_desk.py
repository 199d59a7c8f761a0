"""Guests come, leave, do not come and move; rooms break and are cleaned: in a hotel that keeps its rooms here."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.hotels import changing as settings_of
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.contract import ChangeRequest, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.local import rooms, selling
from hotel_agent.reservations import desk
from hotel_agent.reservations.booking import book, hold_quote
from hotel_agent.staff.accounts import by_email
from tests.pms.own_rooms import booked, offer, on_record, own_hotel
from tests.reservations.cast import all_at_once, day, guest_of, hotel_named, nights, overlapping_claims

PRICE = Decimal("90.00")


@pytest.fixture
def playa(app):
    kinds = {"doble": ("101", "102"), "suite": ("201",)}
    hotel = own_hotel("playa", kinds, {"doble": PRICE, "suite": Decimal("150.00")}, day(-90), day(60))
    today = hotel.today()  # A stay of now, for what looks at the clock.
    assert day(-90) < today < day(0)
    return hotel


def stay_from_today(hotel, first, count):
    begin = hotel.today() + timedelta(days=first)
    return Stay(begin, begin + timedelta(days=count))


def number_of(booking):
    return booking.rooms[0].number


def status_of(hotel, number):
    return next(one for one in pms_for(hotel).room_status() if one.number == number)


def refused(work):
    with pytest.raises(desk.Refused) as found:
        work()
    assert str(found.value) == desk.REASONS[found.value.reason]
    return found.value.reason


def codes(records):
    return [record.code for record in records]


# Coming and going


def test_a_guest_comes_and_leaves_and_every_list_knows(playa):
    booking = booked(playa, stay_from_today(playa, 0, 2), "doble")
    today, pms = playa.today(), pms_for(playa)
    assert codes(pms.arrivals(today)) == [booking.code]
    assert pms.in_house() == ()
    assert desk.check_in(playa, booking.code)
    assert not desk.check_in(playa, booking.code)
    assert codes(pms.in_house()) == [booking.code]
    assert status_of(playa, number_of(booking)).occupied
    leaves = booking.stay.check_out
    assert codes(pms.departures(leaves)) == [booking.code]
    assert desk.check_out(playa, booking.code, today=leaves)
    assert not desk.check_out(playa, booking.code, today=leaves)
    assert pms.in_house() == ()
    room = status_of(playa, number_of(booking))
    assert (room.occupied, room.housekeeping) == (False, "dirty")
    assert [(one.code, one.status) for one in pms.arrivals(today)] == [(booking.code, "departed")]


def test_who_leaves_early_leaves_the_nights_that_are_left(playa):
    booking = booked(playa, nights(0, 5), "doble")
    desk.check_in(playa, booking.code, today=day(0))
    assert offer(playa, "doble", nights(2, 3)).free == 1
    assert desk.check_out(playa, booking.code, today=day(2))
    assert offer(playa, "doble", nights(2, 3)).free == 2
    assert offer(playa, "doble", nights(1, 1)).free == 1
    gone = on_record(playa, booking.code)
    assert (gone.status, gone.stay, gone.total) == ("departed", nights(0, 2), PRICE * 5)
    assert codes(pms_for(playa).departures(day(2))) == [booking.code]
    assert pms_for(playa).departures(day(5)) == ()


def test_who_leaves_on_the_day_of_arrival_leaves_that_night_too(playa):
    booking = booked(playa, nights(0, 3), "doble")
    desk.check_in(playa, booking.code, today=day(0))
    desk.check_out(playa, booking.code, today=day(0))
    assert offer(playa, "doble", nights(0, 3)).free == 2
    assert on_record(playa, booking.code).stay == nights(0, 1)


def test_who_does_not_come_frees_the_nights_and_owes_what_was_agreed(playa):
    settings_of.change(playa.id, {"no_show_fee": "percent:80"})
    db.session.refresh(playa)
    booking = booked(playa, nights(0, 2), "doble")
    assert refused(lambda: desk.no_show(playa, booking.code, today=day(-1))) == "too_early"
    assert offer(playa, "doble", nights(0, 2)).free == 1
    assert desk.no_show(playa, booking.code, today=day(0))
    assert not desk.no_show(playa, booking.code, today=day(1))
    assert offer(playa, "doble", nights(0, 2)).free == 2
    gone = on_record(playa, booking.code)
    assert (gone.status, gone.cancellation_fee) == ("no_show", Decimal("144.00"))
    assert [one.status for one in pms_for(playa).arrivals(day(0))] == ["no_show"]
    assert pms_for(playa).departures(day(2)) == ()


def test_what_cannot_be_is_refused_with_a_reason(playa):
    booking = booked(playa, nights(0, 2), "doble")
    assert refused(lambda: desk.check_in(playa, "PLA-ZZZZZZ", today=day(0))) == "unknown"
    assert refused(lambda: desk.check_in(playa, booking.code, today=day(-1))) == "too_early"
    assert refused(lambda: desk.check_in(playa, booking.code, today=day(2))) == "over"
    assert refused(lambda: desk.check_out(playa, booking.code, today=day(0))) == "booked"
    desk.check_in(playa, booking.code, today=day(1))  # A day late, but here.
    assert refused(lambda: desk.no_show(playa, booking.code, today=day(1))) == "in_house"
    desk.check_out(playa, booking.code, today=day(2))
    assert refused(lambda: desk.check_in(playa, booking.code, today=day(1))) == "departed"
    assert refused(lambda: desk.move(playa, booking.code, "101", "102")) == "departed"


def test_a_booking_of_another_hotel_is_unknown(playa):
    booking = booked(playa, nights(0, 2), "doble")
    otra = own_hotel("otra", {"doble": ("101",)}, {"doble": PRICE}, day(0), day(9))
    for verb in (desk.check_in, desk.check_out, desk.no_show):
        assert refused(lambda verb=verb: verb(otra, booking.code, today=day(0))) == "unknown"
    assert on_record(playa, booking.code).status == "booked"


def test_who_did_it_is_written_down_once(playa):
    ana = by_email("ana@miramar.example")
    booking = booked(playa, nights(0, 2), "doble")
    for _ in range(2):
        desk.check_in(playa, booking.code, staff_id=ana.id, today=day(0))
    told = db.session.execute(
        text("select action, actor, subject from audit_log where hotel_id = :hotel"), {"hotel": playa.id}
    ).all()
    assert [tuple(row) for row in told] == [("checked_in", "ana@miramar.example", booking.code)]


def test_what_many_say_at_once_happens_once(app, playa):
    booking = booked(playa, nights(0, 2), "doble")
    said = all_at_once(app, 4, lambda _: desk.no_show(hotel_named("playa"), booking.code, today=day(0)))
    assert sorted(said) == [False, False, False, True]


# Another room


def test_a_booking_moves_with_all_its_nights_at_its_price(playa):
    booking = booked(playa, nights(0, 3), "doble")
    assert desk.move(playa, booking.code, number_of(booking), "201")
    assert not desk.move(playa, booking.code, number_of(booking), "201")
    moved = on_record(playa, booking.code)
    assert (number_of(moved), moved.total, moved.stay) == ("201", PRICE * 3, nights(0, 3))
    assert offer(playa, "doble", nights(0, 3)).free == 2
    assert offer(playa, "suite", nights(0, 3)).free == 0


def test_who_is_in_the_house_moves_from_tonight_on(playa):
    stay = stay_from_today(playa, 0, 3)
    booking = booked(playa, stay, "doble")
    desk.check_in(playa, booking.code)
    assert desk.move(playa, booking.code, number_of(booking), "201")
    assert status_of(playa, "201").occupied
    left = status_of(playa, number_of(booking))
    assert (left.occupied, left.housekeeping) == (False, "dirty")


def test_nobody_moves_into_a_room_that_is_taken_or_unknown(playa):
    booking = booked(playa, nights(0, 3), "doble", key="w1")
    other = booked(playa, nights(2, 3), "suite", key="w2")
    assert refused(lambda: desk.move(playa, booking.code, number_of(booking), "201")) == "taken"
    assert refused(lambda: desk.move(playa, booking.code, number_of(booking), "999")) == "unknown_room"
    assert refused(lambda: desk.move(playa, booking.code, "201", "102")) == "unknown_room"
    assert number_of(on_record(playa, booking.code)) == number_of(booking)
    assert number_of(on_record(playa, other.code)) == "201"
    assert overlapping_claims() == 0


def test_nobody_moves_into_or_checks_into_a_room_that_is_out_of_order(playa):
    booking = booked(playa, stay_from_today(playa, 0, 3), "doble")
    rooms.put_out_of_order(playa, "201", playa.today() + timedelta(days=1), None)
    assert refused(lambda: desk.move(playa, booking.code, number_of(booking), "201")) == "out_of_order"
    rooms.put_out_of_order(playa, number_of(booking), playa.today(), None)
    assert refused(lambda: desk.check_in(playa, booking.code)) == "out_of_order"


# Rooms that are out of order


def test_a_room_that_is_out_of_order_is_never_assigned(playa):
    rooms.put_out_of_order(playa, "101", day(1), day(3), "ducha")
    assert [offer(playa, "doble", nights(n, 1)).free for n in range(4)] == [2, 1, 1, 2]
    assert number_of(booked(playa, nights(0, 2), "doble", key="w1")) == "102"
    with pytest.raises(RoomTaken):
        booked(playa, nights(0, 2), "doble", key="w2")
    assert number_of(booked(playa, nights(3, 1), "doble", key="w3")) == "101"


def test_a_room_that_breaks_while_it_is_held_is_not_booked(playa):
    guest = guest_of(playa)
    held = hold_quote(playa, guest, nights(0, 2), [RoomRequest("suite", 2)], "w1")
    rooms.put_out_of_order(playa, "201", day(1), day(2))
    with pytest.raises(RoomTaken):
        book(playa, held.hold_key, guest, "Marta García", "w2", day(0))
    assert pms_for(playa).upcoming(guest, day(0)) == ()


def test_a_room_that_breaks_while_somebody_asks_for_it_is_not_held(app, playa, monkeypatch):
    """The colleague says so after the guest's search and before their hold."""

    def and_then_it_breaks(*asked):
        found = selling.kinds_for(*asked)
        rooms.put_out_of_order(playa, "101", day(0), None)
        return found

    monkeypatch.setattr("hotel_agent.pms.local.booking.kinds_for", and_then_it_breaks)
    held = hold_quote(playa, guest_of(playa), nights(0, 2), [RoomRequest("doble", 2)], "w1")
    assert held.rooms[0].number == "102"


def test_a_booking_in_a_room_that_breaks_is_told_and_keeps_it_until_moved(playa):
    booking = booked(playa, nights(0, 3), "suite")
    affected = desk.put_out_of_order(playa, "201", day(2), None, "gotera")
    assert [(one.code, one.number, one.check_in, one.check_out) for one in affected] == [
        (booking.code, "201", day(0), day(3))
    ]
    assert number_of(on_record(playa, booking.code)) == "201"
    assert desk.put_out_of_order(playa, "201", day(3), None, "gotera") == ()


def test_a_booking_in_a_broken_room_gets_no_new_night_of_it(playa):
    booking = booked(playa, nights(0, 2), "suite")
    rooms.put_out_of_order(playa, "201", day(2), day(4))
    with pytest.raises(RoomTaken):
        pms_for(playa).change_quote(changed(booking, nights(0, 3)))
    assert pms_for(playa).change_quote(changed(booking, nights(0, 1))).same_rooms
    double = booked(playa, nights(0, 2), "doble", key="w2")
    assert number_of(double) == "101"
    rooms.put_out_of_order(playa, "101", day(2), day(4))
    longer = pms_for(playa).change_quote(changed(double, nights(0, 3)))
    assert [room.number for room in longer.rooms] == ["102"]


@pytest.mark.parametrize("until", [None, day(2)])
def test_no_change_leads_into_a_room_that_is_out_of_order(playa, until):
    booking = booked(playa, nights(0, 2), "doble")
    rooms.put_out_of_order(playa, "201", day(1), until)
    with pytest.raises(RoomTaken):
        pms_for(playa).change_quote(changed(booking, nights(0, 2), "suite"))
    assert [room.number for room in pms_for(playa).change_quote(changed(booking, nights(0, 1), "suite")).rooms] == [
        "201"
    ]


def changed(booking, stay, *kinds):
    rooms_wanted = tuple(RoomRequest(kind, 2) for kind in kinds or [room.kind.code for room in booking.rooms])
    return ChangeRequest(booking.code, stay, rooms_wanted, booking.guest_name, "c1")


def test_a_room_is_let_again_from_the_day_it_is_back(playa):
    today = playa.today()
    desk.put_out_of_order(playa, "201", today, None, "pintura")
    assert status_of(playa, "201").out_of_order
    assert offer(playa, "suite", stay_from_today(playa, 0, 1)).free == 0
    assert desk.back_in_order(playa, "201")
    assert not desk.back_in_order(playa, "201")
    assert not status_of(playa, "201").out_of_order
    assert offer(playa, "suite", stay_from_today(playa, 0, 1)).free == 1


def test_when_a_room_is_back_can_be_said_again(playa):
    rooms.put_out_of_order(playa, "201", day(0), day(5))
    rooms.put_out_of_order(playa, "201", day(0), day(2))
    assert [offer(playa, "suite", nights(n, 1)).free for n in (1, 2)] == [0, 1]


def test_clean_and_dirty(playa):
    assert status_of(playa, "101").housekeeping == "clean"
    assert desk.mark_room(playa, "101", "dirty")
    assert not desk.mark_room(playa, "101", "dirty")
    assert desk.mark_room(playa, "101", "inspected")
    assert status_of(playa, "101").housekeeping == "inspected"
    with pytest.raises(BadInput):
        desk.mark_room(playa, "101", "shiny")
    assert refused(lambda: desk.mark_room(playa, "999", "clean")) == "unknown_room"


# What has changed


def test_everything_the_desk_does_is_among_the_changes(playa):
    pms = pms_for(playa)
    cursor = pms.changes_since("").cursor
    booking = booked(playa, nights(0, 3), "doble")
    seen = []
    for work in (
        lambda: None,
        lambda: desk.move(playa, booking.code, number_of(booking), "201"),
        lambda: desk.check_in(playa, booking.code, today=day(0)),
        lambda: desk.check_out(playa, booking.code, today=day(1)),
    ):
        work()
        found = pms.changes_since(cursor)
        cursor = found.cursor
        seen += [(one.status, [room.number for room in one.rooms], one.stay.nights) for one in found.records[-1:]]
    room = number_of(booking)
    assert seen == [("booked", [room], 3), ("booked", ["201"], 3), ("in_house", ["201"], 3), ("departed", ["201"], 1)]


def test_who_booked_is_known_by_name(playa):
    booking = booked(playa, nights(0, 1), "doble")
    profile = pms_for(playa).guest(booking.code)
    assert profile is not None
    assert profile.name == "Marta García"
    assert pms_for(playa).guest("PLA-ZZZZZZ") is None
