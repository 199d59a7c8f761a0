from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, text

from hotel_agent.db import db
from hotel_agent.reservations import Party, RoomRequest, RoomTaken, Stay
from hotel_agent.reservations.quoting import BadStay, alternatives, check_stay, find_offers, quote, search
from tests.reservations.cast import COUPLE, day, fill, hotel_named, nights, offer_of


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


def offers(hotel, stay, party, **wishes):
    return find_offers(hotel, stay.check_in, stay.check_out, party, **wishes)


def summary(quotes):
    return [([room.room_type for room in quote.rooms], quote.total) for quote in quotes]


def test_a_couple_is_offered_every_kind_of_room_that_fits_the_cheapest_first(miramar):
    found = offers(miramar, nights(0, 3), COUPLE)
    assert found.status == "found"
    assert summary(found.choices) == [
        (["doble"], Decimal("285.00")),
        (["familiar"], Decimal("420.00")),
        (["suite"], Decimal("630.00")),
    ]
    assert found.choices[0].late_fee == Decimal("95.00")


def test_every_kind_is_listed_with_what_is_free_in_one_query(miramar):
    fill(miramar, "suite", nights(0, 3))
    db.session.refresh(miramar)
    queries = []

    def count(*call):
        queries.append(call[2])

    event.listen(db.engine, "before_cursor_execute", count)
    there = search(miramar, nights(0, 3))
    event.remove(db.engine, "before_cursor_execute", count)
    assert len(queries) == 1
    assert [(offer.kind.code, offer.free, offer.total) for offer in there.offers] == [
        ("individual", 10, Decimal("195.00")),
        ("doble", 14, Decimal("285.00")),
        ("familiar", 8, Decimal("420.00")),
        ("suite", 0, Decimal("630.00")),
    ]


def test_a_room_out_of_order_is_not_offered(miramar):
    db.session.execute(text("update rooms set out_of_order = true where number in ('401', '402')"))
    assert offer_of(miramar, "suite", nights(0, 1)).free == 2


def test_a_night_without_a_price_is_not_for_sale(miramar):
    db.session.execute(
        text(
            "delete from rates where night = :night and room_type_id in"
            " (select id from room_types where code = 'suite')"
        ),
        {"night": day(1)},
    )
    suite = offer_of(miramar, "suite", nights(0, 3))
    db.session.rollback()
    assert (suite.free, suite.total, suite.nightly) == (0, None, ())


@pytest.mark.parametrize(
    ("party", "beds"),
    [
        (Party(2, 1), 3),
        (Party(2, 1, (1,)), 2),
        (Party(2, 2, (0, 5)), 3),
        (Party(1, 1, (1,)), 1),
    ],
)
def test_a_child_counts_as_one_person_and_a_baby_as_none(miramar, party, beds):
    assert party.persons == beds
    found = offers(miramar, nights(0, 1), party)
    assert all(quote.lines[0].kind.capacity >= beds for quote in found.choices)
    assert found.choices[0].rooms[0].cots == party.cots


def test_a_group_gets_the_cheapest_rooms_with_an_adult_in_each(miramar):
    found = offers(miramar, nights(0, 2), Party(6))
    assert summary(found.choices) == [(["familiar", "doble"], Decimal("470.00"))]
    assert [room.adults for room in found.choices[0].rooms] == [4, 2]


def test_children_of_a_group_never_sleep_without_an_adult(miramar):
    (choice,) = offers(miramar, nights(0, 1), Party(2, 5, (3, 4, 6, 7, 9))).choices
    assert summary([choice]) == [(["familiar", "familiar"], Decimal("280.00"))]
    assert all(room.adults >= 1 for room in choice.rooms)
    assert sum(room.persons for room in choice.rooms) == 7


def test_who_asks_for_two_rooms_is_offered_two_rooms(miramar):
    found = offers(miramar, nights(0, 1), Party(4), rooms=2)
    assert summary(found.choices)[0] == (["doble", "doble"], Decimal("190.00"))
    assert all(len(choice.rooms) == 2 for choice in found.choices)
    (asked,) = offers(miramar, nights(0, 1), Party(3), rooms=2, room_type="suite").choices
    assert summary([asked]) == [(["suite", "suite"], Decimal("420.00"))]


def test_a_group_takes_more_kinds_of_rooms_when_few_are_left(miramar):
    fill(miramar, "familiar", nights(0, 1), leave=1)
    fill(miramar, "doble", nights(0, 1), leave=1)
    (choice,) = offers(miramar, nights(0, 1), Party(8)).choices
    assert sorted(room.room_type for room in choice.rooms) == [
        "doble",
        "familiar",
        "individual",
        "individual",
    ]


def test_the_kind_that_was_asked_for_is_the_only_choice(miramar):
    found = offers(miramar, nights(0, 1), COUPLE, room_type="suite")
    assert (found.status, summary(found.choices)) == ("found", [(["suite"], Decimal("210.00"))])


def test_when_that_kind_is_sold_out_or_too_small_the_others_are_named(miramar):
    fill(miramar, "suite", nights(0, 1))
    sold_out = offers(miramar, nights(0, 1), COUPLE, room_type="suite")
    too_small = offers(miramar, nights(0, 1), COUPLE, room_type="individual")
    assert (sold_out.status, too_small.status) == ("type_sold_out", "type_too_small")
    assert [choice.rooms[0].room_type for choice in sold_out.choices] == ["doble", "familiar"]


def test_a_full_house_says_so_and_the_nearest_other_days_come_first(miramar):
    for kind in ("doble", "familiar", "suite"):
        fill(miramar, kind, nights(-1, 3))
    assert offers(miramar, nights(0, 1), COUPLE).status == "sold_out"
    ways = alternatives(miramar, nights(0, 1), COUPLE)
    assert ways.other_types == ()
    assert [choice.stay for choice in ways.other_dates] == [nights(-2, 1), nights(2, 1), nights(-3, 1)]


def test_alternatives_name_other_kinds_and_other_days_of_the_kind_wanted(miramar):
    fill(miramar, "suite", nights(0, 4))
    ways = alternatives(miramar, nights(0, 2), COUPLE, room_type="suite")
    assert [choice.rooms[0].room_type for choice in ways.other_types] == ["doble", "familiar"]
    assert [choice.stay.check_in for choice in ways.other_dates] == [day(-2), day(-3), day(-4)]
    assert all(choice.rooms[0].room_type == "suite" for choice in ways.other_dates)


def test_no_alternative_lies_in_the_past(miramar):
    fill(miramar, "suite", nights(0, 1))
    ways = alternatives(miramar, nights(0, 1), COUPLE, room_type="suite", today=day(0))
    assert [choice.stay.check_in for choice in ways.other_dates] == [day(1), day(2), day(3)]


TODAY = date(2027, 3, 10)


@pytest.mark.parametrize(
    ("check_in", "check_out", "reason"),
    [
        (date(2027, 3, 9), date(2027, 3, 12), "past_date"),
        (date(2027, 3, 15), date(2027, 3, 12), "reversed"),
        (date(2027, 3, 15), date(2027, 3, 15), "same_day"),
        (date(2027, 3, 15), date(2027, 4, 15), "too_long"),
    ],
)
def test_impossible_days_are_refused_with_a_reason(miramar, check_in, check_out, reason):
    with pytest.raises(BadStay) as bad:
        check_stay(miramar, check_in, check_out, TODAY)
    assert bad.value.reason == reason


def test_tonight_and_the_longest_stay_are_possible(miramar):
    assert check_stay(miramar, TODAY, TODAY + timedelta(days=30), TODAY).nights == 30


@pytest.mark.parametrize(
    ("party", "rooms", "reason"),
    [
        (Party(0, 2), None, "no_adults"),
        (Party(21), None, "too_many_people"),
        (Party(2), 3, "more_rooms_than_adults"),
    ],
)
def test_impossible_parties_are_refused_with_a_reason(miramar, party, rooms, reason):
    with pytest.raises(BadStay) as bad:
        offers(miramar, nights(0, 1), party, rooms=rooms)
    assert bad.value.reason == reason


def test_days_beyond_the_last_price_are_too_far(miramar):
    far = date.today() + timedelta(days=5 * 365)
    with pytest.raises(BadStay) as bad:
        find_offers(miramar, far, far + timedelta(days=2), COUPLE)
    assert bad.value.reason == "too_far"
    assert bad.value.detail["last"] > date.today() + timedelta(days=1000)


def test_a_kind_of_room_that_the_hotel_does_not_have_is_refused(miramar):
    with pytest.raises(BadStay, match="unknown_room_type"):
        offers(miramar, nights(0, 1), COUPLE, room_type="triple")


def test_a_choice_is_priced_again_and_refused_once_it_is_gone(miramar):
    rooms = [RoomRequest("suite", 2)]
    assert quote(miramar, nights(0, 2), COUPLE, rooms).total == Decimal("420.00")
    fill(miramar, "suite", nights(0, 2))
    with pytest.raises(RoomTaken):
        quote(miramar, nights(0, 2), COUPLE, rooms)


def test_a_stay_of_no_night_cannot_be_made():
    with pytest.raises(ValueError, match="night"):
        Stay(day(1), day(1))


def test_the_other_hotel_sells_its_own_rooms_in_its_own_money(app):
    found = offers(hotel_named("andes"), nights(0, 2), COUPLE)
    assert found.choices[0].currency == "COP"
    assert summary(found.choices)[0] == (["doble"], Decimal("240000.00"))


def test_what_the_guest_chose_can_wait_in_a_session(miramar):
    room = RoomRequest("familiar", 2, 1, 1)
    assert RoomRequest.unpacked(room.packed()) == room
