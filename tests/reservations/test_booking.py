import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.errors import NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.policy import free_until
from hotel_agent.reservations import Booking, HoldLapsed, PmsRejected, RoomTaken, Stay
from hotel_agent.reservations.booking import (
    NeedsSurname,
    book,
    cancel,
    cancellation_terms,
    is_surname_of,
    look_up,
    normal_code,
    release_hold,
    upcoming_of,
)
from tests.reservations.cast import (
    all_at_once,
    day,
    fill,
    guest_of,
    holds,
    hotel_named,
    lapse,
    nights,
    offer_of,
    statuses,
)


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return guest_of(miramar)


@pytest.fixture
def pedro(miramar):
    return guest_of(miramar, "Pedro Ruiz")


@pytest.fixture
def booked(miramar, marta):
    """Marta's booking of two rooms for three nights."""
    hold = holds(miramar, marta, nights(0, 3), "doble", "suite", key="m1")
    return book(miramar, hold.hold_key, marta, "Marta García López", "m2")


def set_status(booking, status):
    db.session.execute(
        text("update reservations set status = :status where code = :code"),
        {"status": status, "code": booking.code},
    )
    db.session.commit()


def test_a_booking_is_told_from_the_record_that_was_read_back(booked, miramar, marta):
    assert booked.is_confirmed
    assert re.fullmatch(r"MIR-[2-9A-HJKMNP-TV-Z]{6}", booked.code)
    assert (booked.guest_id, booked.guest_name, booked.stay) == (marta, "Marta García López", nights(0, 3))
    assert (booked.adults, booked.children) == (4, 0)
    assert [(room.kind.code, room.number, room.price) for room in booked.rooms] == [
        ("doble", "201", Decimal("285.00")),
        ("suite", "401", Decimal("630.00")),
    ]
    assert (booked.total, booked.currency, booked.late_fee) == (Decimal("915.00"), "EUR", Decimal("305.00"))


def test_the_hold_becomes_the_booking_in_the_same_rows(miramar, marta):
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    before = list(db.session.execute(text("select id from reservation_locks where status = 'active'")).scalars())
    booking = book(miramar, hold.hold_key, marta, "Marta García", "m2")
    after = db.session.execute(
        text(
            "select l.id from reservation_locks l join reservations r on r.id = l.reservation_id"
            " where r.code = :code and l.status = 'booked'"
        ),
        {"code": booking.code},
    )
    assert list(after.scalars()) == before


def test_a_booking_keeps_its_rooms_when_the_holds_time_is_over(booked, miramar):
    assert offer_of(miramar, "suite", nights(0, 3)).free == 3


def test_saying_yes_twice_books_once(miramar, marta):
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    first = book(miramar, hold.hold_key, marta, "Marta García", "m2")
    assert book(miramar, hold.hold_key, marta, "Marta García", "m2") == first
    assert book(miramar, hold.hold_key, marta, "Marta García", "m3") == first


def test_saying_yes_from_everywhere_books_once(app, miramar, marta):
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    hotel_id = miramar.id

    def yes(number):
        return book(db.session.get_one(Hotel, hotel_id), hold.hold_key, marta, "Marta García", f"yes {number}")

    bookings = all_at_once(app, 20, yes)
    assert len({booking.code for booking in bookings}) == 1


def test_a_lapsed_hold_is_booked_while_the_room_is_still_free(miramar, marta):
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    lapse(hold)
    assert book(miramar, hold.hold_key, marta, "Marta García", "m2").is_confirmed
    assert statuses(hold) == ["booked"]


def test_a_lapsed_hold_whose_room_is_gone_is_refused(miramar, marta):
    fill(miramar, "suite", nights(0, 1), leave=1)
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    lapse(hold)
    fill_hold = holds(miramar, guest_of(miramar, "Pedro Ruiz"), nights(0, 1), key="p1")
    with pytest.raises(RoomTaken):
        book(miramar, hold.hold_key, marta, "Marta García", "m2")
    assert statuses(fill_hold) == ["active"]
    assert upcoming_of(miramar, marta) == ()


def test_a_lapsed_hold_is_not_sold_at_yesterdays_price(miramar, marta):
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    lapse(hold)
    raise_price = text(
        "update rates set price = price + :more where night = :night and room_type_id in"
        " (select t.id from room_types t join hotels h on h.id = t.hotel_id where h.slug = 'miramar')"
    )
    db.session.execute(raise_price, {"night": day(0), "more": 5})
    db.session.commit()
    try:
        with pytest.raises(HoldLapsed):
            book(miramar, hold.hold_key, marta, "Marta García", "m2")
    finally:
        db.session.execute(raise_price, {"night": day(0), "more": -5})
        db.session.commit()


def test_nobody_books_what_was_let_go_or_is_not_theirs(miramar, marta, pedro):
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    with pytest.raises(HoldLapsed):
        book(miramar, hold.hold_key, pedro, "Pedro Ruiz", "p1")
    with pytest.raises(HoldLapsed):
        book(hotel_named("andes"), hold.hold_key, marta, "Marta García", "m2")
    release_hold(miramar, hold.hold_key, marta, "changed her mind")
    with pytest.raises(HoldLapsed):
        book(miramar, hold.hold_key, marta, "Marta García", "m3")
    with pytest.raises(HoldLapsed):
        book(miramar, "no such hold", marta, "Marta García", "m4")


def test_a_stay_that_should_have_begun_is_not_booked(miramar, marta):
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    with pytest.raises(HoldLapsed):
        book(miramar, hold.hold_key, marta, "Marta García", "m2", today=day(1))


@pytest.mark.parametrize("typed", ["MIR-4K7XQZ", "mir 4k7xqz", "MIR4K7XQZ", "Mir - 4K7 XQZ."])
def test_a_code_is_understood_as_guests_type_it(typed):
    assert normal_code(typed) == "MIR-4K7XQZ"


def test_a_guest_sees_their_own_booking(booked, miramar, marta):
    assert look_up(miramar, marta, booked.code.lower().replace("-", " ")) == booked


def test_a_stranger_needs_code_and_surname(booked, miramar, pedro):
    assert look_up(miramar, pedro, booked.code) == NeedsSurname()
    assert look_up(miramar, pedro, booked.code, "garcia") == booked
    assert look_up(miramar, None, booked.code, "LÓPEZ") == booked


def test_a_wrong_surname_and_an_unknown_code_look_the_same(booked, miramar, pedro):
    assert look_up(miramar, pedro, booked.code, "Ruiz") is None
    assert look_up(miramar, pedro, booked.code, "Marta") is None
    assert look_up(miramar, pedro, "MIR-222222", "García") is None
    assert look_up(miramar, pedro, "MIR-222222") == NeedsSurname()
    assert look_up(hotel_named("andes"), pedro, booked.code, "García") is None


@pytest.mark.parametrize(
    ("said", "name", "fits"),
    [
        ("Garcia", "Marta García", True),
        ("GARCÍA LÓPEZ", "Marta García López", True),
        ("Marta García", "Marta García López", True),
        ("de la Cruz", "Inés de la Cruz", True),
        ("ONeill", "Sean O’Neill", True),
        ("Sánchez", "Ana García-Sánchez", True),
        ("Madonna", "Madonna", True),
        ("Marta", "Marta García", False),
        ("de la", "Inés de la Cruz", False),
        ("Garc", "Marta García", False),
        ("", "Marta García", False),
        ("López Ruiz", "Marta García López", False),
        ("👍", "👍", False),
    ],
)
def test_a_surname_is_told_from_a_name(said, name, fits):
    assert is_surname_of(said, name) is fits


def test_upcoming_bookings_are_the_guests_own_and_not_over(booked, miramar, marta, pedro):
    assert upcoming_of(miramar, marta) == (booked,)
    assert upcoming_of(miramar, pedro) == ()
    assert upcoming_of(hotel_named("andes"), marta) == ()
    assert upcoming_of(miramar, marta, today=day(4)) == ()


def test_cancelling_in_time_is_free_and_frees_the_rooms(booked, miramar, marta):
    cancelled = cancel(miramar, booked.code, guest_id=marta)
    assert (cancelled.booking.status, cancelled.fee, cancelled.already) == ("cancelled", Decimal(0), False)
    assert cancelled.booking.rooms == booked.rooms
    assert offer_of(miramar, "suite", nights(0, 3)).free == 4


def test_cancelling_twice_cancels_once_at_the_first_fee(booked, miramar, marta):
    late = booked.free_until + timedelta(hours=1)
    first = cancel(miramar, booked.code, guest_id=marta, now=late)
    again = cancel(miramar, booked.code, guest_id=marta, now=late + timedelta(days=1))
    assert (first.fee, again.fee, again.already) == (Decimal("305.00"), Decimal("305.00"), True)
    assert again.booking == first.booking


@pytest.mark.parametrize(
    ("after", "fee"),
    [(timedelta(0), 0), (timedelta(microseconds=1), Decimal("305.00")), (timedelta(days=-3), 0)],
)
def test_the_deadline_is_48_hours_before_check_in_time(booked, after, fee):
    arrival = datetime.combine(booked.stay.check_in, datetime.min.time(), ZoneInfo("Europe/Madrid")).replace(hour=15)
    deadline = arrival.astimezone(UTC) - timedelta(hours=48)
    assert booked.free_until == deadline
    terms = cancellation_terms(booked, deadline + after)
    assert (terms.fee, terms.is_free) == (fee, not fee)


def test_48_hours_are_48_hours_when_the_clocks_change(miramar):
    """On 28 March 2027 Madrid loses an hour, on 31 October it gains one."""
    assert free_until(miramar, date(2027, 3, 29)).isoformat() == "2027-03-27T14:00:00+01:00"
    assert free_until(miramar, date(2027, 10, 31)).isoformat() == "2027-10-29T16:00:00+02:00"
    assert free_until(miramar, date(2027, 6, 10)).isoformat() == "2027-06-08T15:00:00+02:00"


def test_only_the_guest_or_who_knows_code_and_surname_cancels(booked, miramar, pedro):
    with pytest.raises(NotFound):
        cancel(miramar, booked.code, guest_id=pedro)
    with pytest.raises(NotFound):
        cancel(miramar, booked.code, guest_id=pedro, surname="Ruiz")
    assert cancel(miramar, booked.code, guest_id=pedro, surname="López").booking.status == "cancelled"


@pytest.mark.parametrize("status", ["in_house", "departed", "no_show"])
def test_a_stay_that_has_begun_is_not_cancelled(booked, miramar, marta, status):
    set_status(booked, status)
    with pytest.raises(PmsRejected, match=status):
        cancel(miramar, booked.code, guest_id=marta)


def test_a_stay_that_is_over_is_not_cancelled(booked, miramar, marta):
    over = datetime.combine(booked.stay.check_out, datetime.min.time(), UTC) + timedelta(hours=9)
    with pytest.raises(PmsRejected, match="over"):
        cancel(miramar, booked.code, guest_id=marta, now=over)


def test_a_cancelled_room_can_be_booked_by_the_next_guest(miramar, marta, pedro):
    fill(miramar, "suite", nights(0, 1), leave=1)
    hold = holds(miramar, marta, nights(0, 1), key="m1")
    cancel(miramar, book(miramar, hold.hold_key, marta, "Marta García", "m2").code, guest_id=marta)
    his = holds(miramar, pedro, nights(0, 1), key="p1")
    assert isinstance(book(miramar, his.hold_key, pedro, "Pedro Ruiz", "p2"), Booking)


def test_the_late_fee_is_that_of_the_day_of_booking(booked, miramar, marta):
    """What was agreed stands, whatever the hotel changes afterwards."""
    miramar.free_cancellation_hours = 24
    db.session.commit()
    found = look_up(miramar, marta, booked.code)
    assert isinstance(found, Booking)
    assert (found.free_until, found.late_fee) == (booked.free_until, booked.late_fee)
    assert free_until(miramar, Stay(day(0), day(1)).check_in) > booked.free_until
