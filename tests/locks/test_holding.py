from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import holding
from hotel_agent.reservations import Hold, RoomTaken
from hotel_agent.reservations.booking import book, find_hold, release_hold
from tests.reservations.cast import (
    all_at_once,
    fill,
    guest_of,
    holds,
    hotel_named,
    lapse,
    nights,
    offer_of,
    overlapping_claims,
    statuses,
)


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return guest_of(miramar)


def free_suites(hotel, stay):
    return offer_of(hotel, "suite", stay).free


def test_a_hold_keeps_the_lowest_room_for_the_time_of_the_settings(miramar, marta):
    before = datetime.now(UTC)
    hold = holds(miramar, marta, nights(0, 3), "doble", key="m1")
    kept = timedelta(seconds=settings().hold_seconds)
    assert [room.number for room in hold.rooms] == ["201"]
    assert before + kept - timedelta(seconds=2) < hold.expires_at < datetime.now(UTC) + kept + timedelta(seconds=2)
    assert statuses(hold) == ["active"]


def test_the_day_of_departure_is_free_for_the_next_guest(miramar, marta):
    fill(miramar, "suite", nights(0, 3), leave=1)
    first = holds(miramar, marta, nights(0, 3), key="m1")
    fill(miramar, "suite", nights(3, 2), leave=1)
    second = holds(miramar, marta, nights(3, 2), key="m2")
    assert first.rooms[0].number == second.rooms[0].number
    with pytest.raises(RoomTaken):
        holds(miramar, marta, nights(2, 2), key="m3")


def test_two_hundred_guests_ask_for_the_last_suite_and_one_gets_it(app, miramar, marta):
    stay = nights(10, 4)
    fill(miramar, "suite", stay, leave=1)
    hotel_id = miramar.id

    def ask(number):
        return holds(db.session.get_one(Hotel, hotel_id), marta, stay, key=f"guest {number}")

    results = all_at_once(app, 200, ask)
    assert sum(isinstance(result, Hold) for result in results) == 1
    assert sum(isinstance(result, RoomTaken) for result in results) == 199
    assert overlapping_claims() == 0


def test_guests_racing_for_overlapping_groups_of_rooms_never_share_one(app, miramar, marta):
    hotel_id = miramar.id
    wishes = [("suite", "doble"), ("doble", "suite"), ("familiar", "suite"), ("suite", "suite", "familiar")]

    def ask(number):
        hotel = db.session.get_one(Hotel, hotel_id)
        return holds(hotel, marta, nights(20 + number % 3, 2), *wishes[number % 4], key=f"guest {number}")

    results = all_at_once(app, 60, ask)
    assert {type(result) for result in results} == {Hold, RoomTaken}
    assert overlapping_claims() == 0


def test_the_same_message_asked_from_everywhere_holds_once(app, miramar, marta):
    hotel_id = miramar.id

    def ask(_):
        return holds(db.session.get_one(Hotel, hotel_id), marta, nights(0, 2), key="the same message")

    results = all_at_once(app, 20, ask)
    assert len({hold.hold_key for hold in results}) == 1
    assert free_suites(miramar, nights(0, 2)) == 3


def test_a_lapsed_hold_blocks_nobody_even_before_the_job_has_run(miramar, marta):
    stay = nights(0, 2)
    fill(miramar, "suite", stay, leave=1)
    lapsed = holds(miramar, marta, stay, key="m1")
    assert free_suites(miramar, stay) == 0
    lapse(lapsed)
    assert free_suites(miramar, stay) == 1
    assert find_hold(miramar, lapsed.hold_key, marta) is None
    other = holds(miramar, guest_of(miramar, "Pedro Ruiz"), stay, key="m2")
    assert statuses(lapsed) == ["expired"]
    assert statuses(other) == ["active"]


def test_the_job_marks_lapsed_holds_and_only_those(miramar, marta):
    lapsed = holds(miramar, marta, nights(0, 2), key="m1")
    live = holds(miramar, marta, nights(0, 2), key="m2")
    lapse(lapsed)
    assert [claim.hold_key for claim in holding.release_expired()] == [lapsed.hold_key]
    assert holding.release_expired() == ()
    assert (statuses(lapsed), statuses(live)) == (["expired"], ["active"])


def test_a_guests_new_hold_replaces_the_old_one_in_the_same_step(miramar, marta):
    stay = nights(0, 2)
    fill(miramar, "suite", stay, leave=1)
    old = holds(miramar, marta, stay, key="m1")
    new = holds(miramar, marta, stay, key="m2", replaces=old.hold_key)
    assert (statuses(old), statuses(new)) == (["released"], ["active"])


def test_the_old_hold_survives_when_the_new_rooms_are_taken(miramar, marta):
    fill(miramar, "suite", nights(0, 2))
    old = holds(miramar, marta, nights(0, 2), "doble", key="m1")
    with pytest.raises(RoomTaken):
        holds(miramar, marta, nights(0, 2), "suite", key="m2", replaces=old.hold_key)
    assert find_hold(miramar, old.hold_key, marta) is not None


def test_nobody_replaces_or_releases_another_guests_hold(miramar, marta):
    pedro = guest_of(miramar, "Pedro Ruiz")
    his = holds(miramar, pedro, nights(0, 2), key="p1")
    holds(miramar, marta, nights(0, 2), key="m1", replaces=his.hold_key)
    assert not release_hold(miramar, his.hold_key, marta, "not mine")
    assert not release_hold(hotel_named("andes"), his.hold_key, pedro, "not that hotel's")
    assert statuses(his) == ["active"]
    assert release_hold(miramar, his.hold_key, pedro, "changed his mind")
    assert not release_hold(miramar, his.hold_key, pedro, "again")


def test_a_refusal_leaves_what_the_caller_had_pending(miramar, marta):
    fill(miramar, "suite", nights(0, 2))
    miramar.name = "Hotel Miramar Playa"
    with pytest.raises(RoomTaken):
        holds(miramar, marta, nights(0, 2), key="m1")
    db.session.commit()
    assert hotel_named("miramar").name == "Hotel Miramar Playa"


def test_postgresql_itself_refuses_a_second_live_claim(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    copy = text(
        "insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, hold_key, price)"
        " select hotel_id, resource_id, 'booked', check_in + 1, check_out + 1, 'a copy', price"
        " from reservation_locks where hold_key = :hold"
    )
    with pytest.raises(IntegrityError) as refused:
        db.session.execute(copy, {"hold": hold.hold_key})
    assert holding.is_overlap(refused.value)
    db.session.rollback()


def test_holding_and_booking_and_lapsing_together_never_overlap(app, miramar, marta):
    """Lapsed holds are taken up again by their guests while others take the rooms: one of them wins."""
    stay = nights(30, 2)
    old = [holds(miramar, marta, stay, key=f"old {number}") for number in range(4)]
    for hold in old:
        lapse(hold)
    hotel_id = miramar.id

    def ask(number):
        hotel = db.session.get_one(Hotel, hotel_id)
        if number % 2:
            return holds(hotel, marta, stay, key=f"new {number}")
        return book(hotel, old[number % 8 // 2].hold_key, marta, "Marta García", f"yes {number}")

    all_at_once(app, 32, ask)
    assert overlapping_claims() == 0
    assert free_suites(miramar, stay) == 0
