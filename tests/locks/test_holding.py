from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import holding, telling
from hotel_agent.locks.auditing import guest, staff
from hotel_agent.locks.holding import NotExtended
from hotel_agent.reservations import Hold, HoldLapsed, PmsRejected, RoomTaken
from hotel_agent.reservations.booking import book, extend_hold, find_hold, release_hold
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


@pytest.fixture
def another_clock(monkeypatch):
    """That of this process is so many hours ahead of the database's."""

    def another_clock(hours: int) -> None:
        class Skewed(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + timedelta(hours=hours)

        monkeypatch.setattr("hotel_agent.db.datetime", Skewed)

    return another_clock


def ends_in(hold, milliseconds: int) -> None:
    db.session.execute(
        text(
            "update reservation_locks set expires_at = clock_timestamp() + make_interval(secs => :seconds)"
            " where hold_key = :hold"
        ),
        {"seconds": milliseconds / 1000, "hold": hold.hold_key},
    )
    db.session.commit()


def release_for(seconds: float) -> None:
    """As the job, over and over."""
    until = monotonic() + seconds
    while monotonic() < until:
        holding.release_expired()


def for_longer(hotel_id: int, hold_key: str, guest_id: int) -> str:
    try:
        holding.extend(hotel_id, hold_key, guest(guest_id), "longer")
    except NotExtended as refusal:
        return refusal.reason
    return "longer"


def says_yes(hotel_id: int, hold_key: str, guest_id: int, yes: str) -> str:
    try:
        return book(db.session.get_one(Hotel, hotel_id), hold_key, guest_id, "Marta García", yes).status
    except HoldLapsed:
        return "let go"


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


def test_only_staff_of_the_hotel_let_any_hold_go_and_they_say_why(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    with pytest.raises(BadInput):
        holding.release(miramar.id, hold.hold_key, staff(7), "  ")
    assert not holding.release(hotel_named("andes").id, hold.hold_key, staff(9), "not that hotel's")
    assert statuses(hold) == ["active"]
    assert holding.release(miramar.id, hold.hold_key, staff(7), "pipe burst")
    assert statuses(hold) == ["released"]


# For longer


def runs_out_soon(hold):
    """A minute is left."""
    soon = "clock_timestamp() + interval '1 minute'"
    update = text(f"update reservation_locks set expires_at = {soon} where hold_key = :hold")
    db.session.execute(update, {"hold": hold.hold_key})
    db.session.commit()


def extended(hotel, hold, by, request):
    return holding.extend(hotel.id, hold.hold_key, by, request)


def refusal(hotel, hold, by, request="again"):
    with pytest.raises(NotExtended) as refused:
        extended(hotel, hold, by, request)
    return refused.value.reason


def test_a_hold_is_extended_twice_each_time_for_its_whole_time_from_now(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), "suite", "doble", key="m1")
    kept = timedelta(seconds=settings().hold_seconds)
    longer = hold
    for number in (1, 2):
        runs_out_soon(hold)
        now = datetime.now(UTC)
        longer = extend_hold(miramar, hold.hold_key, marta, f"more {number}")
        assert now + kept - timedelta(seconds=2) < longer.expires_at < now + kept + timedelta(seconds=10)
        claims = holding.claims_of(hold.hold_key)
        assert {(len(claim.extensions), claim.expires_at) for claim in claims} == {(number, longer.expires_at)}
    with pytest.raises(PmsRejected, match="often_enough"):
        extend_hold(miramar, hold.hold_key, marta, "more 3")
    assert find_hold(miramar, hold.hold_key, marta) == longer


def test_the_same_wish_extends_once(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    first = extend_hold(miramar, hold.hold_key, marta, "more")
    assert extend_hold(miramar, hold.hold_key, marta, "more").expires_at == first.expires_at
    assert holding.claims_of(hold.hold_key)[0].extensions == ["more"]


def test_the_same_wish_from_everywhere_extends_once(app, miramar, marta):
    hold, hotel_id = holds(miramar, marta, nights(0, 2), key="m1"), miramar.id
    all_at_once(app, 12, lambda number: holding.extend(hotel_id, hold.hold_key, guest(marta), f"more {number % 2}"))
    assert sorted(holding.claims_of(hold.hold_key)[0].extensions) == ["more 0", "more 1"]
    assert [step.action for step in telling.of_hold(hotel_id, hold.hold_key)] == ["held", "extended", "extended"]


def test_nobody_extends_the_hold_of_another_guest_or_hotel(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    assert refusal(miramar, hold, guest(guest_of(miramar, "Pedro Ruiz"))) == "unknown"
    assert refusal(hotel_named("andes"), hold, staff(9)) == "unknown"
    assert not holding.claims_of(hold.hold_key)[0].extensions


def test_staff_extend_any_hold_of_their_hotel(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    assert extended(miramar, hold, staff(7), "by hand")[0].extensions == ["by hand"]
    step = telling.of_hold(miramar.id, hold.hold_key)[-1]
    assert (step.action, step.who) == ("extended", staff(7))
    assert step.before["expires_at"] < step.after["expires_at"]


@pytest.mark.parametrize("job_has_run", [False, True])
def test_a_lapsed_hold_is_not_extended(miramar, marta, job_has_run):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    lapse(hold)
    if job_has_run:
        holding.release_expired()
    assert refusal(miramar, hold, guest(marta)) == "over"


def test_what_was_let_go_or_booked_is_not_extended(miramar, marta):
    gone = holds(miramar, marta, nights(0, 2), key="m1")
    release_hold(miramar, gone.hold_key, marta, "declined")
    assert refusal(miramar, gone, guest(marta)) == "over"
    kept = holds(miramar, marta, nights(0, 2), key="m2")
    book(miramar, kept.hold_key, marta, "Marta García", "yes")
    assert refusal(miramar, kept, guest(marta)) == "booked"


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


def test_longer_and_over_at_the_same_moment_is_one_of_the_two(app, miramar, marta):
    """The job comes by as the guest asks: who was told "longer" has it, whoever was told "over" has not."""
    hotel_id = miramar.id
    for number in range(8):
        hold = holds(miramar, marta, nights(50 + 3 * number, 2), key=f"race {number}")
        ends_in(hold, milliseconds=10 * number)

        def ask(n, key=hold.hold_key):
            return for_longer(hotel_id, key, marta) if n % 2 else release_for(seconds=0.15)

        [told] = set(all_at_once(app, 8, ask)[1::2])
        steps = [step.action for step in telling.of_hold(hotel_id, hold.hold_key)]
        assert (told, statuses(hold), steps) in [
            ("longer", ["active"], ["held", "changed", "extended"]),
            ("over", ["expired"], ["held", "changed", "expired"]),
        ]


def test_a_yes_and_a_colleague_who_lets_the_room_go_at_once(app, miramar, marta):
    """Either the guest is told of a booking and has the room, or one colleague has freed it."""
    hotel_id = miramar.id
    for number in range(8):
        stay = nights(50 + 3 * number, 2)
        hold = holds(miramar, marta, stay, key=f"race {number}")

        def ask(n, key=hold.hold_key, yes=f"yes {number}"):
            if n == 0:
                return says_yes(hotel_id, key, marta, yes)
            return holding.release(hotel_id, key, staff(n), "a group comes")

        said, *freed = all_at_once(app, 3, ask)
        assert (said, sorted(freed), statuses(hold)) in [
            ("let go", [False, True], ["released"]),
            ("booked", [False, False], ["booked"]),
        ]


@pytest.mark.parametrize("hours", [-5, 5])
def test_the_databases_clock_says_when_a_hold_is_over(miramar, marta, another_clock, hours):
    another_clock(hours)
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    assert find_hold(miramar, hold.hold_key, marta) == hold
    extend_hold(miramar, hold.hold_key, marta, "longer")
    assert holding.release_expired() == ()
    lapse(hold)
    with pytest.raises(PmsRejected):
        extend_hold(miramar, hold.hold_key, marta, "longer still")
    assert [claim.hold_key for claim in holding.release_expired()] == [hold.hold_key]


def test_a_hundred_guests_at_ten_rooms_get_ten_holds(app, miramar):
    """As tests/load/holds.py with a thousand: each room once, everybody else is told that it is taken."""
    stay, hotel_id = nights(40, 3), miramar.id
    first_ten = text("select id from rooms where hotel_id = :hotel order by id limit 10")
    rooms = tuple(db.session.scalars(first_ten, {"hotel": hotel_id}))
    guests = [guest_of(miramar, f"Guest {number}") for number in range(5)]

    def ask(number):
        wanted = [holding.Wanted(rooms, Decimal(100), 2, 0)]
        return holding.hold(hotel_id, stay.check_in, stay.check_out, wanted, guests[number % 5], f"guest {number}")

    results = all_at_once(app, 100, ask)
    held = [claim.resource_id for claims in results if not isinstance(claims, RoomTaken) for claim in claims]
    assert sorted(held) == sorted(rooms)
    assert sum(isinstance(result, RoomTaken) for result in results) == 90
    assert overlapping_claims() == 0
