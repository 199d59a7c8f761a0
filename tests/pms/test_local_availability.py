"""What is free in a hotel's own tables, however it came to be taken, is what anybody would count by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from hotel_agent.db import db
from hotel_agent.pms.contract import Stay
from hotel_agent.pms.local import availability, rooms
from tests.pms.own_rooms import offer, own_hotel
from tests.reservations.cast import day

ROOMS = {"doble": ("101", "102", "103"), "suite": ("201", "202")}
DAYS = 14


@dataclass(frozen=True)
class Taken:
    """Something that keeps a room from being let, if `how` is one that does."""

    number: str
    first: int
    nights: int
    how: str


def stays() -> st.SearchStrategy[list[Taken]]:
    numbers = [number for kind in ROOMS.values() for number in kind]
    ways = ("booked", "held", "lapsed", "released", "expired", "out", "out for good")
    return st.lists(
        st.builds(Taken, st.sampled_from(numbers), st.integers(-4, DAYS + 4), st.integers(1, 9), st.sampled_from(ways)),
        max_size=14,
    )


@pytest.fixture
def playa(app):
    return own_hotel("playa", ROOMS, {"doble": Decimal("90.00"), "suite": Decimal("150.00")}, day(-10), day(60))


@given(stays(), st.integers(1, 5))
@given_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_free_is_what_one_counts_by_hand(playa, taken, nights):
    db.session.execute(text("delete from reservation_locks where hotel_id = :hotel"), {"hotel": playa.id})
    db.session.execute(text("delete from room_outages where hotel_id = :hotel"), {"hotel": playa.id})
    taken = put(playa, taken)
    found = availability.availability_from(playa, day(0), day(DAYS - 1), nights)
    db.session.commit()
    assert [there.stay for there in found] == [Stay(day(n), day(n + nights)) for n in range(DAYS)]
    for arrival, there in enumerate(found):
        free = {offer.kind.code: offer.free for offer in there.offers}
        assert free == {kind: counted(taken, numbers, arrival, nights) for kind, numbers in ROOMS.items()}
        alone = availability.availability(playa, there.stay)
        assert {offer.kind.code: offer.free for offer in alone.offers} == free
        db.session.commit()


def put(hotel, taken):
    """As far as the tables let them be: of two live claims that overlap the second is left out."""
    kept: list[Taken] = []
    for one in taken:
        overlaps = any(
            other.number == one.number
            and other.first < one.first + one.nights
            and one.first < other.first + other.nights
            for other in kept
            if other.how in ("booked", "held", "lapsed")
        )
        if one.how in ("booked", "held", "lapsed") and overlaps:
            continue
        kept.append(one)
        if one.how.startswith("out"):
            until = None if one.how == "out for good" else day(one.first + one.nights)
            rooms.put_out_of_order(hotel, one.number, day(one.first), until)
        else:
            claim(hotel, one)
    db.session.commit()
    said_last = {(one.number, one.first): one for one in kept if one.how.startswith("out")}
    return [one for one in kept if not one.how.startswith("out") or said_last[one.number, one.first] is one]


def claim(hotel, one):
    status = {"held": "active", "lapsed": "active"}.get(one.how, one.how)
    db.session.execute(
        text(
            "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, expires_at, hold_key,"
            " price) select :hotel, id, :status, :first, :until, case when :status = 'active' then now() + :left end,"
            " gen_random_uuid()::text, 0 from rooms where hotel_id = :hotel and number = :number"
        ),
        {
            "hotel": hotel.id,
            "number": one.number,
            "status": status,
            "first": day(one.first),
            "until": day(one.first + one.nights),
            "left": timedelta(minutes=-1 if one.how == "lapsed" else 15),
        },
    )


def counted(taken, numbers, arrival, nights):
    return sum(not any(blocks(one, number, night) for one in taken for night in range(arrival, arrival + nights))
               for number in numbers)  # fmt: skip


def free_of(there, kind):
    return next(one.free for one in there.offers if one.kind.code == kind)


def blocks(one, number, night):
    if one.number != number or one.how not in ("booked", "held", "out", "out for good"):
        return False
    return one.first <= night and (one.how == "out for good" or night < one.first + one.nights)


def test_arrivals_of_many_months_are_told_in_order(playa):
    claim(playa, Taken("101", 64, 3, "booked"))
    found = availability.availability_from(playa, day(-5), day(130), 1)
    assert [there.stay.check_in for there in found] == [day(n) for n in range(-5, 131)]
    free = {(there.stay.check_in - day(0)).days: free_of(there, "doble") for there in found}
    assert [free[n] for n in (59, 60, 61, 63, 64, 130)] == [3, 3, 0, 0, 0, 0]  # Priced until the 60th.
    assert availability.availability_from(playa, day(1), day(0), 1) == ()


def test_thirty_days_are_one_query(playa):
    queries = []

    def count(*call):
        queries.append(call[2])

    zone = playa.zone  # So that the row is there.
    event.listen(db.engine, "before_cursor_execute", count)
    availability.availability_from(playa, day(0), day(29), 7)
    event.remove(db.engine, "before_cursor_execute", count)
    assert zone
    assert len(queries) == 1


def test_another_hotels_rooms_do_not_count(playa):
    own_hotel("otra", {"doble": ("101",)}, {"doble": Decimal(1)}, day(0), day(10))
    claim(playa, Taken("101", 0, 1, "booked"))
    assert offer(playa, "doble", Stay(day(0), day(1))).free == 2


def test_the_old_column_still_puts_a_room_out_of_order_and_back(playa):
    today = db.session.scalar(text("select current_date"))

    def set_to(value):
        db.session.execute(
            text("update rooms set out_of_order = :value where hotel_id = :hotel and number = '201'"),
            {"value": value, "hotel": playa.id},
        )
        return offer(playa, "suite", Stay(day(0), day(1))).free

    assert set_to(True) == 1
    assert [(out.number, out.until) for out in rooms.outages(playa, today)] == [("201", None)]
    assert set_to(True) == 1
    assert set_to(False) == 2
    assert rooms.outages(playa, today) == ()


def test_a_room_made_out_of_order_from_the_start_is(playa):
    db.session.execute(
        text(
            "insert into rooms (hotel_id, room_type_id, number, out_of_order)"
            " select hotel_id, id, '104', true from room_types where hotel_id = :hotel and code = 'doble'"
        ),
        {"hotel": playa.id},
    )
    assert offer(playa, "doble", Stay(day(0), day(1))).free == 3
    assert date.today() < day(0)
