"""Changing a booking: what it costs, who may, and that no room is ever given twice."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.db import db, utcnow
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import ChangeRequest
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.policy import free_until
from hotel_agent.reservations import Booking, PmsRejected, RoomRequest, RoomTaken, Stay
from hotel_agent.reservations.booking import book, cancel, hold_quote, look_up
from hotel_agent.reservations.changing import ForStaff, NotPossible, Wanted, apply, made_before, propose
from hotel_agent.reservations.extras import Rule, grant, is_free_for, rule_of
from hotel_agent.reservations.quoting import BadStay
from tests.reservations.cast import (
    all_at_once,
    day,
    fill,
    guest_of,
    hotel_named,
    nights,
    overlapping_claims,
)

EARLY = timedelta(days=30)


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return guest_of(miramar)


def booked(
    hotel: Hotel, guest: int, stay: Stay, *kinds: str, adults: int = 2, children: int = 0, key: str = ""
) -> Booking:
    rooms = [RoomRequest(kind, adults, children) for kind in kinds or ("doble",)]
    key = key or f"{guest}:{stay.check_in}:{kinds}"
    hold = hold_quote(hotel, guest, stay, rooms, key)
    return book(hotel, hold.hold_key, guest, "Marta García", key)


def proposed(hotel: Hotel, booking: Booking, now: datetime | None = None, **wanted):
    now = now or utcnow()
    return propose(hotel, booking, Wanted(**wanted), now, now.astimezone(hotel.zone).date())


def changed(hotel: Hotel, booking: Booking, key: str = "c1", **wanted) -> Booking:
    return apply(hotel, proposed(hotel, booking, **wanted), key).booking


def on_record(hotel: Hotel, guest: int, booking: Booking) -> Booking:
    found = look_up(hotel, guest, booking.code)
    assert isinstance(found, Booking)
    return found


def late_rule(hotel: Hotel) -> Rule:
    rule = rule_of(hotel, "late_checkout")
    assert rule is not None
    return rule


def set_status(booking: Booking, status: str) -> None:
    db.session.execute(
        text("update reservations set status = :status where code = :code"), {"status": status, "code": booking.code}
    )
    db.session.commit()


def claims(booking: Booking) -> list[tuple[str, str]]:
    rows = db.session.execute(
        text(
            "select o.number, l.status from reservation_locks l join rooms o on o.id = l.resource_id"
            " join reservations r on r.id = l.reservation_id where r.code = :code order by l.id"
        ),
        {"code": booking.code},
    )
    return [(row.number, row.status) for row in rows]


def test_a_night_more_keeps_the_room_and_adds_the_night(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    proposal = proposed(miramar, booking, check_out=day(3))
    assert (proposal.quote.total, proposal.difference) == (Decimal("285.00"), Decimal("95.00"))
    assert proposal.quote.same_rooms
    assert on_record(miramar, marta, booking) == booking, "a quote changes nothing"
    after = apply(miramar, proposal, "c1").booking
    assert (after.stay, after.total) == (nights(0, 3), Decimal("285.00"))
    assert [room.number for room in after.rooms] == [room.number for room in booking.rooms]
    number = booking.rooms[0].number
    assert claims(booking) == [(number, "released"), (number, "booked")]


def test_the_room_taken_on_the_new_night_gives_another_of_the_kind(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    other = booked(miramar, guest_of(miramar, "Pedro Ruiz"), nights(2, 2))
    assert other.rooms[0].number == booking.rooms[0].number
    proposal = proposed(miramar, booking, check_out=day(3))
    assert not proposal.quote.same_rooms
    after = apply(miramar, proposal, "c1").booking
    assert after.rooms[0].number != booking.rooms[0].number
    assert overlapping_claims() == 0


def test_moving_onto_its_own_nights_is_no_clash(miramar, marta):
    fill(miramar, "doble", nights(0, 4), leave=1)
    booking = booked(miramar, marta, nights(0, 3))
    after = changed(miramar, booking, check_in=day(1), check_out=day(4))
    assert after.stay == nights(1, 3)
    assert [room.number for room in after.rooms] == [room.number for room in booking.rooms]


def test_everything_may_change_at_once(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    proposal = proposed(
        miramar,
        booking,
        check_in=day(5),
        check_out=day(8),
        room_types=("familiar",),
        adults=3,
        children=1,
        name="Luis Gómez",
    )
    assert (proposal.moved, proposal.other_rooms, proposal.other_people, proposal.renamed) == (True,) * 4
    after = apply(miramar, proposal, "c1").booking
    assert (after.stay, after.total, after.guest_name) == (nights(5, 3), Decimal("420.00"), "Luis Gómez")
    assert [(room.kind.code, room.adults, room.children) for room in after.rooms] == [("familiar", 3, 1)]
    assert (after.adults, after.children, after.late_fee) == (3, 1, Decimal("140.00"))
    assert after.free_until == free_until(miramar, day(5))


def test_another_name_touches_no_room_and_no_price(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    after = changed(miramar, booking, name="Luis Gómez")
    assert (after.guest_name, after.total, after.stay) == ("Luis Gómez", booking.total, booking.stay)
    assert [status for _, status in claims(booking)] == ["booked"]


def test_asking_twice_changes_once_and_answers_the_same(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    proposal = proposed(miramar, booking, check_out=day(3))
    first = apply(miramar, proposal, "c1")
    assert apply(miramar, proposal, "c1") == first
    assert made_before(miramar, booking.code, "c1") == first
    assert made_before(miramar, booking.code, "c2") is None
    assert db.session.execute(text("select count(*) from reservation_changes")).scalar_one() == 1
    assert (first.change.before.stay, first.change.after.stay) == (nights(0, 2), nights(0, 3))
    assert (first.change.before.total, first.change.after.total) == (Decimal("190.00"), Decimal("285.00"))


def test_asking_from_everywhere_changes_once(app, miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    proposal, hotel_id = proposed(miramar, booking, check_out=day(3)), miramar.id
    done = all_at_once(app, 8, lambda _: apply(db.session.get_one(Hotel, hotel_id), proposal, "c1").change)
    assert len({(one.before, one.after) for one in done}) == 1
    assert [status for _, status in claims(booking)] == ["released", "booked"]


def test_two_guests_who_want_the_last_room_do_not_both_get_it(app, miramar):
    fill(miramar, "suite", nights(2, 2), leave=1)
    guests = [guest_of(miramar, f"Guest {number}") for number in range(4)]
    bookings = [booked(miramar, guest, nights(0, 1)) for guest in guests]
    wishes = [proposed(miramar, one, check_in=day(2), check_out=day(4), room_types=("suite",)) for one in bookings]
    hotel_id = miramar.id
    done = all_at_once(app, 4, lambda n: apply(db.session.get_one(Hotel, hotel_id), wishes[n], f"c{n}"))
    assert sum(isinstance(one, RoomTaken) for one in done) == 3
    assert overlapping_claims() == 0
    stays = [on_record(miramar, guest, one).stay for guest, one in zip(guests, bookings, strict=True)]
    assert sorted(stay.check_in for stay in stays) == [day(0)] * 3 + [day(2)]


def test_a_change_and_a_hold_for_the_last_room_do_not_both_get_it(app, miramar, marta):
    fill(miramar, "suite", nights(2, 2), leave=1)
    booking = booked(miramar, marta, nights(0, 1))
    wish = proposed(miramar, booking, check_in=day(2), check_out=day(4), room_types=("suite",))
    pedro, hotel_id = guest_of(miramar, "Pedro Ruiz"), miramar.id

    def want(number: int):
        hotel = db.session.get_one(Hotel, hotel_id)
        if number == 0:
            return apply(hotel, wish, "c1")
        return hold_quote(hotel, pedro, nights(2, 2), [RoomRequest("suite", 2)], "p1")

    done = all_at_once(app, 2, want)
    assert sum(isinstance(one, RoomTaken) for one in done) == 1
    assert overlapping_claims() == 0


def test_what_is_refused_leaves_the_booking_as_it_was(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    wish = proposed(miramar, booking, check_in=day(4), check_out=day(6), room_types=("suite",))
    fill(miramar, "suite", nights(4, 2))
    with pytest.raises(RoomTaken):
        apply(miramar, wish, "c1")
    assert on_record(miramar, marta, booking) == booking
    assert [status for _, status in claims(booking)] == ["booked"]


def test_what_is_full_comes_with_the_nearest_that_is_not(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    fill(miramar, "doble", nights(4, 2))
    with pytest.raises(NotPossible) as refused:
        proposed(miramar, booking, check_in=day(4), check_out=day(6))
    assert refused.value.reason == "taken"
    kinds = [[room.kind.code for room in one.quote.rooms] for one in refused.value.choices]
    assert kinds == [["familiar"], ["suite"]]
    assert [one.difference for one in refused.value.choices] == [Decimal("90.00"), Decimal("230.00")]


def test_without_any_room_the_nearest_days_are_offered(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    for kind in ("doble", "familiar", "suite"):
        fill(miramar, kind, nights(4, 2))
    with pytest.raises(NotPossible) as refused:
        proposed(miramar, booking, check_in=day(4), check_out=day(6))
    assert [one.quote.stay for one in refused.value.choices] == [nights(2, 2), nights(6, 2)]


def test_people_who_do_not_fit_are_offered_rooms_that_take_them(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    with pytest.raises(NotPossible) as refused:
        proposed(miramar, booking, adults=3)
    assert refused.value.reason == "too_small"
    assert [[room.kind.code for room in one.quote.rooms] for one in refused.value.choices] == [["familiar"]]
    assert refused.value.choices[0].difference == Decimal("90.00")


def test_more_people_than_any_room_takes_are_offered_several(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    with pytest.raises(NotPossible) as refused:
        proposed(miramar, booking, adults=5)
    (choice, *_) = refused.value.choices
    assert sum(room.kind.capacity for room in choice.quote.rooms) >= 5
    after = apply(miramar, choice, "c1").booking
    assert (after.adults, len(after.rooms)) == (5, len(choice.rooms))


def test_a_baby_needs_no_bed(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    after = changed(miramar, booking, children=1, babies=1)
    assert (after.children, after.total) == (1, booking.total)
    longer = changed(miramar, after, "c2", check_out=day(3))
    assert (longer.children, [room.kind.code for room in longer.rooms]) == (1, ["doble"])


@pytest.mark.parametrize("status", ["cancelled", "departed", "no_show"])
def test_what_is_over_is_not_changed(miramar, marta, status):
    booking = booked(miramar, marta, nights(0, 2))
    set_status(booking, status)
    with pytest.raises(ForStaff) as refused:
        proposed(miramar, on_record(miramar, marta, booking), check_out=day(3))
    assert refused.value.reason == status
    request = ChangeRequest(booking.code, nights(0, 3), (RoomRequest("doble", 2),), "Marta", "c1")
    with pytest.raises(PmsRejected) as rejected:
        pms_for(miramar).modify(request)
    assert rejected.value.reason == status


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"check_in": day(-400)}, "past_date"),
        ({"check_out": day(0)}, "same_day"),
        ({"check_out": day(-1)}, "reversed"),
        ({"check_out": day(300)}, "too_long"),
        ({"adults": 0}, "no_adults"),
        ({"adults": 90}, "too_many_people"),
        ({"check_in": day(1500), "check_out": day(1502)}, "too_far"),
        ({"room_types": ("igloo",)}, "unknown_room_type"),
    ],
)
def test_what_no_hotel_could_do_is_refused_with_its_reason(miramar, marta, wanted, reason):
    booking = booked(miramar, marta, nights(0, 2))
    with pytest.raises(BadStay) as refused:
        proposed(miramar, booking, **wanted)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "wanted",
    [{"check_out": day(1)}, {"check_in": day(1)}, {"check_in": day(-1)}, {"room_types": ("individual",), "adults": 1}],
)
def test_after_the_deadline_a_cheaper_stay_or_another_arrival_is_for_a_person(miramar, marta, wanted):
    booking = booked(miramar, marta, nights(0, 2))
    with pytest.raises(ForStaff) as refused:
        proposed(miramar, booking, booking.free_until + timedelta(seconds=1), **wanted)
    assert refused.value.reason == "late"
    assert proposed(miramar, booking, booking.free_until, **wanted).changes_something


@pytest.mark.parametrize(
    "wanted", [{"check_out": day(3)}, {"name": "Luis Gómez"}, {"room_types": ("suite",)}, {"adults": 1}]
)
def test_after_the_deadline_other_changes_go_through(miramar, marta, wanted):
    booking = booked(miramar, marta, nights(0, 2))
    late = booking.free_until + timedelta(hours=1)
    after = apply(miramar, proposed(miramar, booking, late, **wanted), "c1").booking
    assert after != booking
    assert after.free_until == booking.free_until


class TestInTheHouse:
    @pytest.fixture
    def staying(self, miramar, marta):
        """Marta, whose stay began yesterday."""
        booking = booked(miramar, marta, nights(0, 3))
        set_status(booking, "in_house")
        return on_record(miramar, marta, booking)

    @pytest.fixture
    def now(self, miramar):
        return datetime.combine(day(1), miramar.check_in_time, miramar.zone)

    @pytest.mark.parametrize("wanted", [{"check_out": day(4)}, {"name": "Luis Gómez"}, {"adults": 1}])
    def test_a_longer_stay_a_name_and_people_who_fit_may_change(self, miramar, staying, now, wanted):
        after = apply(miramar, proposed(miramar, staying, now, **wanted), "c1").booking
        assert after != staying
        assert [room.number for room in after.rooms] == [room.number for room in staying.rooms]

    @pytest.mark.parametrize("wanted", [{"check_out": day(2)}, {"check_in": day(1)}, {"room_types": ("suite",)}])
    def test_the_rest_is_for_a_person(self, miramar, staying, now, wanted):
        with pytest.raises(ForStaff) as refused:
            proposed(miramar, staying, now, **wanted)
        assert refused.value.reason == "in_house"

    def test_nobody_is_moved_to_another_room(self, miramar, staying, now):
        other = booked(miramar, guest_of(miramar, "Pedro Ruiz"), nights(3, 1))
        assert other.rooms[0].number == staying.rooms[0].number
        with pytest.raises(NotPossible):
            proposed(miramar, staying, now, check_out=day(4))


def test_nights_that_stay_cost_what_they_cost(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    raise_rates = text(
        "update rates set price = price + :more where room_type_id in"
        " (select t.id from room_types t join hotels h on h.id = t.hotel_id where h.slug = 'miramar')"
        " and night >= :first"
    )
    db.session.execute(raise_rates, {"more": 10, "first": day(0)})
    db.session.commit()
    try:
        assert proposed(miramar, booking, check_out=day(3)).quote.total == Decimal("295.00")
        assert proposed(miramar, booking, check_out=day(1)).quote.total == Decimal("95.00")
        assert proposed(miramar, booking, check_in=day(5), check_out=day(7)).quote.total == Decimal("210.00")
        assert proposed(miramar, booking, name="Luis Gómez").difference == 0
    finally:
        db.session.execute(raise_rates, {"more": -10, "first": day(0)})
        db.session.commit()


def test_a_price_that_has_changed_meanwhile_changes_nothing(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    wish = proposed(miramar, booking, check_out=day(3))
    raise_rates = text("update rates set price = price + :more where night = :night")
    db.session.execute(raise_rates, {"more": 5, "night": day(2)})
    db.session.commit()
    try:
        with pytest.raises(PmsRejected) as refused:
            apply(miramar, wish, "c1")
        assert refused.value.reason == "price_changed"
        assert on_record(miramar, marta, booking) == booking
    finally:
        db.session.execute(raise_rates, {"more": -5, "night": day(2)})
        db.session.commit()


def test_two_rooms_move_together(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2), "doble", "suite")
    after = changed(miramar, booking, check_in=day(3), check_out=day(5))
    assert [(room.kind.code, room.adults) for room in after.rooms] == [("doble", 2), ("suite", 2)]
    assert after.total == booking.total


def test_a_changed_booking_that_is_cancelled_tells_its_last_rooms(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    changed(miramar, booking, room_types=("suite",))
    cancel(miramar, booking.code, marta)
    told = on_record(miramar, marta, booking)
    assert [room.kind.code for room in told.rooms] == ["suite"]
    assert {status for _, status in claims(booking)} == {"released"}


# Extras


def test_a_late_checkout_is_put_on_the_booking_once(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    rule = late_rule(miramar)
    assert is_free_for(miramar, booking, "late_checkout")
    first = grant(miramar, booking, rule)
    assert grant(miramar, booking, rule) == first
    assert [(one.code, one.price, one.at_time) for one in first.extras] == [
        ("late_checkout", Decimal("30.00"), time(14))
    ]
    assert first.total == booking.total, "the price of the room stays"


def test_a_room_that_is_taken_the_next_night_has_no_late_checkout(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    booked(miramar, guest_of(miramar, "Pedro Ruiz"), nights(2, 1))
    assert not is_free_for(miramar, booking, "late_checkout")
    assert is_free_for(miramar, booking, "early_checkin")
    with pytest.raises(RoomTaken):
        grant(miramar, booking, late_rule(miramar))


def test_extras_go_with_a_cancelled_booking(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    grant(miramar, booking, late_rule(miramar))
    cancel(miramar, booking.code, marta)
    assert on_record(miramar, marta, booking).extras == ()
    with pytest.raises(PmsRejected):
        grant(miramar, booking, late_rule(miramar))


def test_a_change_tells_which_extra_it_loses(miramar, marta):
    booking = booked(miramar, marta, nights(0, 2))
    booking = grant(miramar, booking, late_rule(miramar))
    fill(miramar, "doble", nights(3, 1))
    proposal = proposed(miramar, booking, check_out=day(3))
    assert proposal.quote.lost_extras == ("late_checkout",)
    assert apply(miramar, proposal, "c1").booking.extras == ()
