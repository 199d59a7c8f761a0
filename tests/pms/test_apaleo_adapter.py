"""What is Apaleo's own about its adapter; what every adapter does is in conformance.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from hotel_agent.hotels import changing
from hotel_agent.locks.holding import RoomTaken
from hotel_agent.pms.apaleo import client, listing
from hotel_agent.pms.apaleo.writing import person_of
from hotel_agent.pms.contract import ChangeRequest, HoldRequest, PmsRejected, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.orders.system import Person
from hotel_agent.redis import redis
from tests.fakes import apaleo as far
from tests.pms.conformance import Stage, everything, of
from tests.pms.ends import Apaleo, apaleo_end

DOUBLE, SUITE = "MIR-DBL", "MIR-STE"


@pytest.fixture
def stage(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with apaleo_end(monkeypatch) as end:
        yield Stage(app, end)


@pytest.fixture
def pms(stage: Stage) -> far.Apaleo:
    return cast(Apaleo, stage.end).pms


def hold(stage: Stage, stay: Stay, *rooms: RoomRequest, key: str = "own") -> str:
    return stage.door.hold(HoldRequest(stay, rooms, stage.marta, key)).hold_key


class TestLettingIn:
    @pytest.mark.parametrize("key", ["no-colon-in-it", ":secret-alone", "id-alone:"])
    def test_a_key_is_an_id_and_a_secret(self, stage, key):
        changing.change(stage.hotel.id, {"pms_key": key})
        with pytest.raises(PmsUnavailable, match="CLIENT_ID:CLIENT_SECRET"):
            stage.door.room_kinds(fresh=True)

    def test_a_secret_that_is_none_is_told(self, stage, pms):
        changing.change(stage.hotel.id, {"pms_key": f"{pms.client_id}:something-else"})
        with pytest.raises(PmsUnavailable, match="identity server answers 401"):
            stage.door.room_kinds(fresh=True)

    def test_a_property_that_is_none_is_told(self, stage):
        changing.change(stage.hotel.id, {"pms_hotel_id": "XYZ"})
        with pytest.raises(PmsUnavailable, match="no unit groups"):
            stage.door.room_kinds(fresh=True)

    def test_one_token_is_used_until_its_time_is_over(self, stage, pms):
        stage.booked(stage.nights(1))
        assert pms.identity.given == 1
        pms.identity.lifetime = int(client.EARLY_SECONDS)
        client.forget_tokens()
        for night in (4, 5):
            stage.free(stage.nights(night))
        assert pms.identity.given > 2

    def test_a_token_that_was_taken_back_is_replaced_in_a_question_and_in_a_write(self, stage, pms):
        pms.expire_tokens()
        assert stage.free(stage.nights(3)) > 0
        pms.inject(far.token_expired(), method="POST", path="/bookings")
        stage.booked(stage.nights(1))
        assert len(pms.standing()) == 1

    def test_no_token_no_booking(self, stage, pms):
        key = pms.identity.client_secret
        pms.identity.client_secret = "another one by now"
        client.forget_tokens()
        with pytest.raises(PmsUnavailable):
            stage.hold(stage.nights(1))
        pms.identity.client_secret = key
        redis().flushdb()
        assert stage.settle() == ()
        assert pms.reservations() == []


class TestAsking:
    def test_a_booking_is_asked_for_with_one_key_and_once(self, stage, pms):
        pms.inject(far.does_twice(), method="POST", path="/bookings")
        stage.hold(stage.nights(1), stage.few, stage.few)
        (heard,) = pms.heard("POST", "/bookings")
        codes = {one.external_code for one in pms.standing()}
        assert codes == {heard.request.header("Idempotency-Key")}
        assert len(pms.reservations()) == 2
        assert pms.count("PUT", "/cancel") == 0

    def test_babies_take_no_bed_and_children_have_an_age(self, stage, pms):
        key = hold(stage, stage.nights(1), RoomRequest(DOUBLE, 2, 0, cots=1), RoomRequest(DOUBLE, 1, 1))
        with_baby, with_child = pms.standing()
        assert (with_baby.adults, with_baby.children) == (2, [])
        assert (with_child.adults, len(with_child.children)) == (1, 1)
        held = stage.door.held(key)
        assert (held.adults, held.children) == (3, 2)
        assert stage.read(stage.book(held)).children == 2

    def test_it_costs_what_was_told_whatever_the_rate_plan_says_by_then(self, stage, pms):
        stay = stage.nights(1)
        told = stage.price(stay, DOUBLE)
        dearer = far.rival(lambda: pms.desk.set_price("Doble", stay.check_in, 400))
        pms.inject(dearer, method="POST", path="/bookings")
        booking = stage.booked(stay, DOUBLE)
        assert booking.total == told == pms.standing()[0].total

    def test_the_rate_plan_that_can_be_cancelled_is_sold_though_another_is_cheaper(self, stage, pms):
        far.add_non_refundable(pms.house)
        stage.booked(stage.nights(1), DOUBLE)
        (sold,) = pms.standing()
        assert (sold.plan.code, sold.total) == ("FLEX_DBL", Decimal(190))

    def test_what_a_rate_plan_does_not_allow_is_not_for_sale(self, stage, pms):
        plan = next(plan for plan in pms.house.plans.values() if plan.group.id == DOUBLE)
        plan.closed.add(stage.nights(1).check_in)
        plan.min_nights = 2
        assert stage.offer(stage.nights(1), DOUBLE).total is None
        assert stage.offer(stage.nights(3, 1), DOUBLE).total is None
        assert stage.offer(stage.nights(3, 2), DOUBLE).total == 190
        with pytest.raises(PmsRejected, match="not_for_sale"):
            stage.hold(stage.nights(1), DOUBLE)

    def test_a_refusal_is_understood_by_what_is_free(self, stage, pms):
        """Its words are for people, and in any language."""
        stay = stage.nights(1)
        pms.inject(
            far.rival(lambda: pms.desk.fill("Doble", stay.check_in, stay.check_out)), method="POST", path="/bookings"
        )
        with pytest.raises(RoomTaken):
            stage.hold(stay, DOUBLE)
        assert pms.oversold() == []

    def test_a_calendar_may_begin_in_the_past(self, stage):
        today = stage.hotel.today()
        told = stage.door.availability_from(today - timedelta(days=1), today + timedelta(days=1), 1)
        assert [one.for_sale for one in told] == [False, True, True]


class TestHolds:
    def test_a_hold_for_tonight_is_let_go_after_the_hour_of_arrival(self, stage, pms):
        """Apaleo cancels nothing from then on: nobody came."""
        today = stage.hotel.today()
        tonight = Stay(today, today + timedelta(days=1))
        free = stage.free(tonight)
        stage.lapse(stage.hold(tonight))
        assert stage.settle() == ()
        assert (pms.standing(), pms.reservations()[0].status) == ([], "NoShow")
        assert stage.free(tonight) == free


class TestChanging:
    def test_of_two_rooms_both_change_or_none(self, stage, pms):
        booking = stage.booked(stage.nights(1), DOUBLE, DOUBLE)
        stay = stage.nights(4)
        request = stage.request(booking, stay)
        total = stage.door.change_quote(request).total
        last = far.rival(lambda: pms.desk.fill("Doble", stay.check_in, stay.check_out))
        pms.inject(last, method="PUT", path="/amend", skip=1)
        with pytest.raises((RoomTaken, PmsRejected)):
            stage.door.modify(stage.request(booking, stay, total=total))
        assert stage.read(booking.code) == booking
        assert [one.nights[0] for one in pms.standing(pms.reservations()[0].external_code)] == [
            booking.stay.check_in
        ] * 2

    def test_nights_that_stay_keep_their_price_and_their_rate_plan(self, stage, pms):
        booking = stage.booked(stage.nights(1, 2), DOUBLE)
        for night in range(6):
            pms.desk.set_price("Doble", stage.nights(night).check_in, 120)
        stage.change(booking, stage.nights(1, 3))
        (one,) = pms.standing()
        assert [night.amount for night in one.slices] == [95, 95, 120]
        assert stage.read(booking.code).total == 310

    def test_how_many_rooms_there_are_stays(self, stage):
        booking = stage.booked(stage.nights(1), DOUBLE)
        with pytest.raises(PmsRejected, match="not_supported"):
            stage.change(booking, stage.nights(1), DOUBLE, DOUBLE)

    def test_another_name_stands_there(self, stage, pms):
        booking = stage.booked(stage.nights(1))
        rooms = (RoomRequest(stage.few, 2),)
        stage.door.modify(ChangeRequest(booking.code, booking.stay, rooms, "Marta García López"))
        (one,) = pms.standing()
        assert one.guest == {"firstName": "Marta", "lastName": "García López"}
        assert stage.door.guest(booking.code).name == "Marta García López"


class TestLists:
    def test_many_changes_of_one_second_are_all_told(self, stage, pms):
        _, cursor = everything(stage.door, "")
        now = pms.house.now()
        pms.house.clock = lambda: now
        stay = stage.nights(1)
        made = {
            pms.desk.book("Doble", stay.check_in, stay.check_out).booking.id for _ in range(2 * listing.AT_ONCE + 5)
        }
        told, cursor = everything(stage.door, cursor)
        assert {record.pms_id for record in told} == made
        again, _ = everything(stage.door, "")
        assert {record.pms_id for record in again} == made

    def test_what_others_do_is_told(self, stage, pms):
        stay = stage.nights(1)
        theirs = pms.desk.book("Suite", stay.check_in, stay.check_out, "Ida Lind", adults=2, unit="401")
        (record,) = stage.door.arrivals(stay.check_in)
        assert (record.code, record.guest_name, record.status) == ("", "Ida Lind", "booked")
        assert [(room.kind, room.number) for room in record.rooms] == [(SUITE, "401")]
        _, cursor = everything(stage.door, "")
        pms.desk.cancel(theirs.id)
        told, _ = everything(stage.door, cursor)
        assert [record.status for record in told if record.pms_id == theirs.booking.id] == ["cancelled"]
        assert stage.door.arrivals(stay.check_in) == ()

    def test_how_rooms_are(self, stage, pms):
        today = stage.hotel.today()
        pms.desk.set_condition("401", "Dirty")
        pms.desk.set_condition("402", "CleanToBeInspected")
        pms.desk.maintain("403", today, today + timedelta(days=1))
        rooms = {room.number: room for room in stage.door.room_status()}
        assert [rooms[number].housekeeping for number in ("401", "402", "404")] == ["dirty", "clean", "inspected"]
        assert [number for number, room in rooms.items() if room.out_of_order] == ["403"]


class TestComingAndGoing:
    def test_who_comes_is_given_a_room_and_none_that_is_out_of_order(self, stage, pms):
        today = stage.hotel.today()
        booking = stage.booked(Stay(today, today + timedelta(days=1)), SUITE)
        for number in ("401", "402", "403"):
            pms.desk.maintain(number, today, today + timedelta(days=1))
        assert stage.door.check_in(booking.code, today)
        assert [room.number for room in stage.read(booking.code).rooms] == ["404"]
        assert of(stage.door.in_house(), booking.code).rooms[0].number == "404"

    def test_whose_room_broke_is_not_let_in(self, stage, pms):
        today = stage.hotel.today()
        booking = stage.booked(Stay(today, today + timedelta(days=1)), SUITE)
        pms.desk.assign(pms.standing()[0].id, "401")
        pms.desk.maintain("401", today, today + timedelta(days=1))
        with pytest.raises(PmsRejected, match="out_of_order"):
            stage.door.check_in(booking.code, today)

    def test_who_leaves_long_before_their_time_has_the_stay_shortened_by_people(self, stage, pms):
        today = stage.hotel.today()
        booking = stage.booked(Stay(today, today + timedelta(days=4)), SUITE)
        stage.door.check_in(booking.code, today)
        with pytest.raises(PmsRejected, match="too_early"):
            stage.door.check_out(booking.code, today)
        assert stage.read(booking.code).status == "in_house"

    @pytest.mark.parametrize("verb", ["checkin", "checkout", "noshow"])
    def test_what_was_done_without_an_answer_is_found(self, stage, pms, verb):
        today = stage.hotel.today()
        code = stage.booked(Stay(today, today + timedelta(days=1)), SUITE).code
        if verb == "checkout":
            stage.door.check_in(code, today)
        pms.inject(far.error_after_success(), method="PUT", path=f"/{verb}")
        ask = {"checkin": stage.door.check_in, "checkout": stage.door.check_out, "noshow": stage.door.no_show}[verb]
        assert ask(code, today)
        assert not ask(code, today)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Marta García López", "Marta", "García López"), ("Ida", "", "Ida"), ("", "", "-")],
)
def test_everybody_has_a_surname(name, first, last):
    told = person_of(Person(1, name, "34600111222"))
    assert (told.get("firstName", ""), told["lastName"], told["phone"]) == (first, last, "+34600111222")
