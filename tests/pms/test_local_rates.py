"""What a hotel of our own sells and for how much: seasons, minimum stays, closed days, taxes, policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels import changing as settings_of
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import NEVER_FREE, ChangeRequest, Party, PmsRejected, RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.local import closing, seasons
from hotel_agent.pms.local.seasons import Season
from hotel_agent.pms.policy import Fee
from hotel_agent.reservations.booking import cancellation_terms, hold_quote
from hotel_agent.reservations.changing import ForStaff, Wanted, apply, propose
from hotel_agent.reservations.quoting import BadStay, find_offers, quote
from tests.pms.own_rooms import booked, offer, on_record, own_hotel
from tests.reservations.cast import COUPLE, day, guest_of, nights

LOW, HIGH = Decimal("80.00"), Decimal("120.00")
EARLY = datetime.combine(day(-60), datetime.min.time(), UTC)


@pytest.fixture
def playa(app):
    rooms = {"doble": ("101", "102"), "suite": ("201",)}
    return own_hotel("playa", rooms, {"doble": LOW, "suite": Decimal("150.00")}, day(-10), day(60))


def with_settings(hotel: Hotel, **given: str) -> Hotel:
    settings_of.change(hotel.id, {name.replace("tax_", "tax."): value for name, value in given.items()})
    db.session.refresh(hotel)
    return hotel


def season(hotel: Hotel, first: int, last: int, name: str = "alta", min_stay: int | None = None, **prices: str) -> None:
    told = {kind: Decimal(price) for kind, price in prices.items()}
    seasons.put(hotel, Season(name, day(first), day(last), prices=told, min_stay=min_stay))


def asked(hotel: Hotel, booking, stay: Stay, *kinds: str) -> ChangeRequest:
    rooms = tuple(RoomRequest(kind, 2) for kind in kinds or ("doble",))
    return ChangeRequest(booking.code, stay, rooms, booking.guest_name, "c1")


# Seasons


def test_a_stay_over_the_edge_of_a_season_pays_each_night_its_own_price(playa):
    season(playa, 2, 3, doble="120.00")
    found = offer(playa, "doble", nights(1, 4))
    assert found.nightly == (LOW, HIGH, HIGH, LOW)
    assert found.total == Decimal("400.00")
    assert booked(playa, nights(1, 4), "doble").total == Decimal("400.00")


def test_the_last_night_is_within_the_season_and_the_next_is_not(playa):
    season(playa, 2, 3, doble="120.00")
    assert offer(playa, "doble", nights(3, 1)).total == HIGH
    assert offer(playa, "doble", nights(4, 1)).total == LOW
    assert offer(playa, "suite", nights(3, 1)).total == Decimal("150.00")


def test_a_season_may_be_for_some_days_of_the_week(playa):
    seasons.put(playa, Season("fines", day(0), day(13), (5, 6), {"doble": HIGH}))
    found = offer(playa, "doble", nights(0, 14))
    assert found.nightly == tuple(HIGH if day(n).isoweekday() in (5, 6) else LOW for n in range(14))


def test_of_two_seasons_over_one_night_the_later_wins_and_gives_it_back(playa):
    season(playa, 0, 9, "verano", doble="100.00")
    season(playa, 4, 5, "feria", doble="200.00")
    assert offer(playa, "doble", nights(3, 3)).nightly == (Decimal(100), Decimal(200), Decimal(200))
    seasons.remove(playa, "feria")
    assert offer(playa, "doble", nights(3, 3)).total == Decimal(300)
    seasons.remove(playa, "verano")
    assert offer(playa, "doble", nights(3, 3)).total == LOW * 3


def test_a_season_that_is_moved_leaves_nothing_where_it_was(playa):
    season(playa, 0, 3, doble="120.00")
    season(playa, 6, 7, doble="120.00")
    assert offer(playa, "doble", nights(0, 8)).nightly == (LOW,) * 6 + (HIGH,) * 2


def test_a_price_outside_of_seasons_waits_until_the_season_is_gone(playa):
    season(playa, 0, 3, doble="120.00")
    seasons.set_price(playa, "doble", Decimal("85.00"), day(0), day(3))
    assert offer(playa, "doble", nights(0, 1)).total == HIGH
    seasons.remove(playa, "alta")
    assert offer(playa, "doble", nights(0, 1)).total == Decimal("85.00")


def test_nights_that_only_a_season_prices_are_for_sale_as_long_as_it_stands(playa):
    season(playa, 61, 62, doble="120.00")
    assert offer(playa, "doble", nights(61, 2)).free == 2
    seasons.remove(playa, "alta")
    assert offer(playa, "doble", nights(61, 2)).total is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Season("", day(0), day(1), prices={"doble": HIGH}), "name"),
        (Season("x", day(1), day(0), prices={"doble": HIGH}), "last"),
        (Season("x", day(0), day(1200), prices={"doble": HIGH}), "last"),
        (Season("x", day(0), day(1), (), {"doble": HIGH}), "weekdays"),
        (Season("x", day(0), day(1), (8,), {"doble": HIGH}), "weekdays"),
        (Season("x", day(0), day(1), prices={"ático": HIGH}), "prices"),
        (Season("x", day(0), day(1), prices={"doble": Decimal(0)}), "price"),
        (Season("x", day(0), day(1), prices={"doble": Decimal("1.005")}), "price"),
        (Season("x", day(0), day(1), min_stay=0), "min_stay"),
        (Season("x", day(0), day(1), min_stay=1000), "min_stay"),
        (Season("x", day(0), day(1)), "prices"),
    ],
)
def test_what_is_no_season_is_refused_and_changes_nothing(playa, wrong, field):
    with pytest.raises(BadInput) as refused:
        seasons.put(playa, wrong)
    assert refused.value.field == field
    assert seasons.of_hotel(playa) == ()
    assert offer(playa, "doble", nights(0, 2)).total == LOW * 2


def test_there_is_no_removing_what_is_not(playa):
    with pytest.raises(NotFound, match="no season 'alta'"):
        seasons.remove(playa, "alta")


def test_a_season_is_of_its_own_hotel(playa):
    otra = own_hotel("otra", {"doble": ("1",)}, {"doble": LOW}, day(0), day(9))
    season(playa, 0, 3, doble="120.00")
    assert offer(otra, "doble", nights(0, 1)).total == LOW
    with pytest.raises(NotFound):
        seasons.remove(otra, "alta")


# Minimum stay


def test_the_least_stay_is_that_of_the_arrival(playa):
    season(playa, 2, 9, min_stay=3)
    assert [offer(playa, "doble", nights(2, n)).free for n in (1, 2, 3)] == [0, 0, 2]
    assert offer(playa, "doble", nights(2, 2)).why_not == "min_stay"
    assert offer(playa, "doble", nights(1, 2)).free == 2  # It only ends within the season.
    assert offer(playa, "doble", nights(9, 2)).free == 0  # It begins with the last night of it.


def test_a_least_stay_is_for_the_kinds_that_the_season_prices(playa):
    season(playa, 2, 9, min_stay=3, suite="180.00")
    assert offer(playa, "doble", nights(2, 1)).free == 2
    assert offer(playa, "suite", nights(2, 1)).why_not == "min_stay"


def test_who_asks_for_too_few_nights_is_told_how_many_it_takes(playa):
    season(playa, 2, 9, min_stay=3)
    with pytest.raises(BadStay) as refused:
        find_offers(playa, day(2), day(4), COUPLE)
    assert (refused.value.reason, refused.value.detail) == ("min_stay", {"nights": 3, "check_in": day(2)})
    with pytest.raises(PmsRejected, match="min_stay"):
        hold_quote(playa, guest_of(playa), nights(2, 2), [RoomRequest("doble", 2)], "w1")


# Closed days


def test_a_night_that_is_closed_is_in_no_stay(playa):
    closing.close(playa, "sale", day(5), day(6))
    free = [offer(playa, "doble", nights(n, 1)).free for n in range(4, 8)]
    assert free == [2, 0, 0, 2]
    assert offer(playa, "doble", nights(3, 2)).free == 2  # Its last night is the one before.
    assert offer(playa, "doble", nights(3, 5)).why_not == "closed"
    with pytest.raises(PmsRejected, match="closed"):
        hold_quote(playa, guest_of(playa), nights(4, 2), [RoomRequest("doble", 2)], "w1")


def test_closed_to_arrival_and_departure_leave_who_stays_through(playa):
    closing.close(playa, "arrival", day(5), day(5))
    closing.close(playa, "departure", day(7), day(7))
    assert offer(playa, "doble", nights(5, 1)).why_not == "closed_to_arrival"
    assert offer(playa, "doble", nights(6, 1)).why_not == "closed_to_departure"
    assert offer(playa, "doble", nights(4, 4)).free == 2
    assert offer(playa, "doble", nights(7, 1)).free == 2
    assert offer(playa, "doble", nights(4, 1)).free == 2


def test_one_kind_may_be_closed_and_is_opened_again(playa):
    number = closing.close(playa, "sale", day(5), day(5), "suite", "pintura")
    assert offer(playa, "suite", nights(5, 1)).why_not == "closed"
    assert offer(playa, "doble", nights(5, 1)).free == 2
    assert [one.reason for one in closing.of_hotel(playa, day(0))] == ["pintura"]
    closing.open_again(playa, number)
    assert offer(playa, "suite", nights(5, 1)).free == 1
    with pytest.raises(NotFound):
        closing.open_again(playa, number)


def test_a_closure_of_another_hotel_is_neither_felt_nor_opened(playa):
    otra = own_hotel("otra", {"doble": ("1",)}, {"doble": LOW}, day(0), day(9))
    number = closing.close(playa, "sale", day(5), day(5))
    assert offer(otra, "doble", nights(5, 1)).free == 1
    with pytest.raises(NotFound):
        closing.open_again(otra, number)


def test_what_was_sold_before_the_day_was_closed_stays_and_gets_no_new_night_of_it(playa):
    booking = booked(playa, nights(4, 2), "doble")
    closing.close(playa, "sale", day(5), day(6))
    pms = pms_for(playa)
    assert pms.change_quote(asked(playa, booking, nights(3, 3))).total == LOW * 3
    with pytest.raises(PmsRejected, match="closed"):
        pms.change_quote(asked(playa, booking, nights(4, 3)))
    with pytest.raises(BadStay) as refused:
        propose(playa, booking, Wanted(check_out=day(7)), EARLY, day(-60))
    assert refused.value.reason == "closed"


def test_a_change_may_not_come_below_the_least_stay_but_lengthen_what_is(playa):
    booking = booked(playa, nights(2, 4), "doble")
    season(playa, 2, 9, min_stay=3)
    assert pms_for(playa).change_quote(asked(playa, booking, nights(2, 3))).total == LOW * 3
    with pytest.raises(PmsRejected, match="min_stay"):
        pms_for(playa).change_quote(asked(playa, booking, nights(2, 2)))
    season(playa, 2, 9, min_stay=8)
    assert pms_for(playa).change_quote(asked(playa, booking, nights(2, 5))).total == LOW * 5


# Taxes


def test_taxes_that_are_included_change_no_price_and_are_told_apart(playa):
    with_settings(playa, tax_percent="10")
    booking = booked(playa, nights(0, 2), "doble")
    assert booking.total == Decimal("160.00")
    assert parts_of(booking) == (Decimal("145.46"), Decimal("14.54"), Decimal("10.00"))
    found = quote(playa, nights(0, 2), COUPLE, [RoomRequest("doble", 2)])
    assert (found.total, found.tax) == (Decimal("160.00"), None)


def test_taxes_that_come_on_top_are_in_every_price_and_told(playa):
    with_settings(playa, tax_percent="21", tax_added="yes")
    seasons.set_price(playa, "doble", Decimal("33.33"), day(0), day(9))
    found = quote(playa, nights(0, 3), Party(4), [RoomRequest("doble", 2)] * 2)
    assert found.lines[0].nightly == (Decimal("40.33"),) * 3  # 40.3293: each night is rounded by itself.
    assert found.total == Decimal("241.98")
    assert found.tax == Decimal("42.00")  # What is left of the total are six nights of 33.33.
    held = hold_quote(playa, guest_of(playa), nights(0, 3), [RoomRequest("doble", 2)] * 2, "w1")
    assert (held.total, held.tax) == (found.total, found.tax)
    assert booked(playa, nights(4, 1), "doble").total == Decimal("40.33")


def test_half_a_cent_is_rounded_up_and_the_parts_add_up(playa):
    with_settings(playa, tax_percent="10", tax_added="yes")
    seasons.set_price(playa, "doble", Decimal("100.05"), day(0), day(9))
    booking = booked(playa, nights(0, 1), "doble")
    assert booking.total == Decimal("110.06")
    assert parts_of(booking) == (Decimal("100.05"), Decimal("10.01"), Decimal("10.00"))


def test_taxes_on_top_are_in_whole_pesos_where_there_are_no_cents(app):
    santiago = own_hotel("santiago", {"doble": ("1",)}, {"doble": Decimal(45990)}, day(0), day(9), currency="CLP")
    with_settings(santiago, tax_percent="19", tax_added="yes")
    assert offer(santiago, "doble", nights(0, 1)).total == Decimal(54728)  # 54728.1


def test_taxes_over_the_edge_of_a_season(playa):
    with_settings(playa, tax_percent="10", tax_added="yes")
    season(playa, 1, 1, doble="120.00")
    booking = booked(playa, nights(0, 2), "doble")
    assert booking.total == Decimal("220.00")
    assert parts_of(booking)[:2] == (Decimal("200.00"), Decimal("20.00"))


def parts_of(booking):
    row = db.session.execute(
        text("select net, tax, tax_percent from reservations where code = :code"), {"code": booking.code}
    ).one()
    db.session.commit()
    return tuple(row)


# Changes


def test_a_change_across_seasons_keeps_the_old_prices_of_the_nights_that_stay(playa):
    season(playa, 2, 9, doble="120.00")
    booking = booked(playa, nights(0, 4), "doble")  # 80, 80, 120, 120
    season(playa, 0, 9, doble="200.00")
    longer = pms_for(playa).change_quote(asked(playa, booking, nights(0, 5)))
    assert longer.total == booking.total + Decimal("200.00")
    shorter = pms_for(playa).change_quote(asked(playa, booking, nights(0, 3)))
    assert shorter.total < booking.total
    done = apply(playa, propose(playa, booking, Wanted(check_out=day(5)), EARLY, day(-60)), "c1")
    assert done.booking.total == Decimal("600.00")


def test_shortening_a_stay_over_the_edge_of_a_season_gives_the_dear_nights_back(playa):
    season(playa, 2, 9, doble="120.00")
    booking = booked(playa, nights(0, 4), "doble")
    assert pms_for(playa).change_quote(asked(playa, booking, nights(0, 2))).total == LOW * 2
    assert pms_for(playa).change_quote(asked(playa, booking, nights(1, 2))).total == LOW + HIGH


def test_another_kind_of_room_costs_what_it_costs_today(playa):
    booking = booked(playa, nights(0, 2), "doble")
    season(playa, 1, 1, suite="190.00")
    assert pms_for(playa).change_quote(asked(playa, booking, nights(0, 2), "suite")).total == Decimal("340.00")


# Policies


@pytest.mark.parametrize(
    ("fee", "late_fee"),
    [
        ("first_night", "160.00"),  # Of each of two rooms.
        ("nights:2", "400.00"),
        ("nights:9", "640.00"),
        ("percent:50", "320.00"),
        ("total", "640.00"),
        ("amount:30.00", "30.00"),
        ("amount:99999", "640.00"),
    ],
)
def test_the_fee_is_what_the_hotel_says(playa, fee, late_fee):
    with_settings(playa, cancellation_fee=fee)
    season(playa, 1, 2, doble="120.00")
    told = quote(playa, nights(0, 3), Party(4), [RoomRequest("doble", 2)] * 2)
    booking = booked(playa, nights(0, 3), "doble", "doble")
    assert booking.total == Decimal("640.00")
    assert (told.late_fee, told.late_fee_is) == (Decimal(late_fee), fee)
    assert (booking.late_fee, booking.late_fee_is) == (Decimal(late_fee), fee)


def test_a_percentage_is_rounded_to_cents(playa):
    assert Fee.read("percent:12.5").of([[Decimal("33.33")], [Decimal("33.33")]]) == Decimal("8.33")
    assert Fee.read("percent:50").of([[Decimal("0.05")]]) == Decimal("0.03")


def test_cancelling_is_free_until_the_deadline_and_costs_the_fee_after_it(playa):
    with_settings(playa, cancellation_fee="percent:50")
    booking = booked(playa, nights(0, 2), "doble")
    late = booking.free_until + timedelta(seconds=1)
    assert cancellation_terms(booking, booking.free_until).fee == 0
    assert cancellation_terms(booking, late).fee == LOW


def test_what_is_not_refundable_is_never_free(playa):
    with_settings(playa, non_refundable="yes", cancellation_fee="first_night")
    booking = booked(playa, nights(0, 2), "doble")
    assert booking.free_until == NEVER_FREE
    assert (booking.late_fee, booking.late_fee_is) == (LOW * 2, "total")
    assert cancellation_terms(booking, EARLY).fee == LOW * 2
    with pytest.raises(ForStaff, match="late"):
        propose(playa, booking, Wanted(check_out=day(1)), EARLY, day(-60))


def test_terms_stay_those_of_the_day_of_booking_unless_the_arrival_moves(playa):
    with_settings(playa, cancellation_fee="first_night")
    booking = booked(playa, nights(0, 2), "doble")
    with_settings(playa, cancellation_fee="total")
    pms = pms_for(playa)
    assert pms.change_quote(asked(playa, booking, nights(0, 3))).late_fee == LOW
    assert pms.change_quote(asked(playa, booking, nights(1, 3))).late_fee == LOW * 3


def test_the_fee_for_not_coming_is_another_one_where_the_hotel_says_so(playa):
    with_settings(playa, cancellation_fee="first_night", no_show_fee="total")
    booking = booked(playa, nights(0, 3), "doble")
    assert pms_for(playa).no_show(booking.code, day(0))
    gone = on_record(playa, booking.code)
    assert (gone.status, gone.cancellation_fee) == ("no_show", LOW * 3)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cancellation_fee", "half"),
        ("cancellation_fee", "percent:101"),
        ("cancellation_fee", "percent:0"),
        ("cancellation_fee", "nights:0"),
        ("cancellation_fee", "amount:0"),
        ("no_show_fee", "nights"),
        ("non_refundable", "maybe"),
        ("tax.percent", "-1"),
        ("tax.percent", "abc"),
        ("tax.added", "1"),
    ],
)
def test_a_policy_that_is_none_is_refused(playa, key, value):
    with pytest.raises(BadInput):
        settings_of.change(playa.id, {key: value})
