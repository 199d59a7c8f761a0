"""Every change of a claim leaves a row that nobody can change, whoever made it and however."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hotel_agent.db import db, utcnow
from hotel_agent.guests.moving import move_belongings
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import auditing, holding, telling
from hotel_agent.locks.auditing import AGENT, SYSTEM, Who, acting
from hotel_agent.pms.local.models import Reservation
from hotel_agent.reservations import RoomTaken
from hotel_agent.reservations.booking import book, cancel, release_hold
from tests.conversations.chat import Chat, day, new_guest, span
from tests.reservations.cast import all_at_once, fill, guest_of, holds, hotel_named, lapse, nights


@pytest.fixture
def miramar(app):
    return hotel_named("miramar")


@pytest.fixture
def marta(miramar):
    return guest_of(miramar)


def trail(hotel, hold):
    return [(step.action, step.who, step.why) for step in telling.of_hold(hotel.id, hold.hold_key)]


def booked(hotel, guest, *kinds: str, key: str = "m1"):
    hold = holds(hotel, guest, nights(0, 2), *kinds, key=key)
    return hold, book(hotel, hold.hold_key, guest, "Marta García", f"yes {key}")


def number_of(code: str) -> int:
    return db.session.query(Reservation.id).filter_by(code=code).scalar()


def rows() -> int:
    found = db.session.scalar(text("select count(*) from lock_audit"))
    db.session.rollback()
    return found


# Who, when, why, before and after


def test_a_hold_leaves_a_row_for_each_of_its_rooms(miramar, marta):
    begun = utcnow()
    hold = holds(miramar, marta, nights(0, 2), "suite", "doble", key="m1")
    steps = telling.of_hold(miramar.id, hold.hold_key)
    assert [(step.action, step.who, step.why) for step in steps] == [
        ("held", Who("guest", marta), "asked for by m1")
    ] * 2
    claims = holding.claims_of(hold.hold_key)
    assert [step.after["resource_id"] for step in steps] == [claim.resource_id for claim in claims]
    assert [step.before for step in steps] == [{}, {}]
    assert begun - timedelta(seconds=1) < steps[0].at < utcnow() + timedelta(seconds=1)


def test_a_hold_asked_for_twice_is_one_change(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    holds(miramar, marta, nights(0, 2), key="m1")
    assert [action for action, *_ in trail(miramar, hold)] == ["held"]


def test_a_booking_is_told_from_its_hold_to_its_end(miramar, marta):
    hold, booking = booked(miramar, marta)
    cancel(miramar, booking.code, marta)
    steps = telling.of_reservation(miramar.id, number_of(booking.code))
    assert [(step.action, step.who.kind) for step in steps] == [
        ("held", "guest"),
        ("booked", "guest"),
        ("freed", "system"),
    ]
    assert [step.after["status"] for step in steps] == ["active", "booked", "released"]
    assert [step.before.get("status") for step in steps] == [None, "active", "booked"]
    assert trail(miramar, hold) == [(step.action, step.who, step.why) for step in steps]


def test_a_hold_that_another_replaces_says_so(miramar, marta):
    old = holds(miramar, marta, nights(0, 2), key="m1")
    holds(miramar, marta, nights(0, 2), key="m2", replaces=old.hold_key)
    assert trail(miramar, old)[1:] == [("released", Who("guest", marta), "another hold takes its place")]


def test_a_lapse_is_the_systems_whoever_comes_upon_it(miramar, marta):
    stay = nights(0, 2)
    fill(miramar, "suite", stay, leave=1)
    lapsed = holds(miramar, marta, stay, key="m1")
    lapse(lapsed)
    other = holds(miramar, guest_of(miramar, "Pedro Ruiz"), stay, key="m2")
    assert trail(miramar, lapsed)[-1] == ("expired", SYSTEM, "its time was over")
    lapse(other)
    holding.release_expired()
    assert trail(miramar, other)[-1] == ("expired", SYSTEM, "its time was over")


def test_a_moved_booking_tells_where_it_was_and_where_it_is(miramar, marta):
    _, booking = booked(miramar, marta)
    reservation = number_of(booking.code)
    [was] = holding.claims_of_booking(reservation)
    stay = nights(5, 3)
    wanted = [holding.Wanted((was.resource_id,), was.price, 2, 0)]
    holding.rebook(reservation, stay.check_in, stay.check_out, wanted)
    holding.release_booked(reservation)
    db.session.commit()
    *_, left, taken, freed = telling.of_reservation(miramar.id, reservation)
    assert [step.action for step in (left, taken, freed)] == ["moved", "moved", "freed"]
    assert left.before["check_in"] == was.check_in.isoformat()
    assert (left.after["status"], taken.after["status"]) == ("released", "booked")
    assert taken.after["check_in"] == stay.check_in.isoformat()


def test_what_was_refused_leaves_nothing(miramar, marta):
    fill(miramar, "suite", nights(0, 2))
    before = rows()
    with pytest.raises(RoomTaken):
        holds(miramar, marta, nights(0, 2), key="m1")
    assert rows() == before


def test_whoever_acts_for_the_guest_is_told(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    with acting(AGENT, "no longer what was asked for"):
        release_hold(miramar, hold.hold_key, marta, "quoted_again")
    assert trail(miramar, hold)[-1] == ("released", AGENT, "no longer what was asked for: quoted_again")


def test_staff_let_a_hold_go_with_a_reason(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    assert holding.release(miramar.id, hold.hold_key, auditing.staff(7), "pipe burst")
    assert trail(miramar, hold)[-1] == ("released", Who("staff", 7), "pipe burst")


def test_in_the_chat_it_is_the_guest_who_cancels(miramar):
    chat = Chat(miramar, new_guest(miramar))
    chat.says(f"Quiero reservar una doble {span('es', day(0), day(2))} para 2 adultos")
    chat.taps("offer:doble")
    chat.says("sí")
    [booking] = chat.bookings()
    chat.says("quiero cancelar mi reserva")
    chat.says("sí")
    steps = telling.of_reservation(miramar.id, booking.id)
    assert [step.action for step in steps] == ["held", "booked", "freed"]
    assert {step.who for step in steps} == {Who("guest", chat.guest.id)}
    assert all(step.why.startswith("in the chat") for step in steps)


def test_two_guests_who_are_one_leave_a_trace(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    move_belongings(marta, guest_of(miramar, "Marta G."))
    db.session.commit()
    assert trail(miramar, hold)[-1] == ("changed", SYSTEM, "two guests turned out to be one")


def test_sql_that_no_verb_knows_of_is_on_record_too(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    for statement in ("update reservation_locks set price = price + 1", "delete from reservation_locks"):
        db.session.execute(text(f"{statement} where hold_key = :hold"), {"hold": hold.hold_key})
        db.session.commit()
    [_, changed, deleted] = telling.of_hold(miramar.id, hold.hold_key)
    assert (changed.action, deleted.action) == ("changed", "deleted")
    assert changed.after["price"] == changed.before["price"] + 1
    assert deleted.after == {}
    assert {step.who for step in (changed, deleted)} == {SYSTEM}
    assert changed.why.startswith("SQL of ")


def test_a_change_that_changes_nothing_leaves_nothing(miramar, marta):
    hold = holds(miramar, marta, nights(0, 2), key="m1")
    for column in ("price = price", "lapse_told_at = now()"):
        db.session.execute(text(f"update reservation_locks set {column} where hold_key = :h"), {"h": hold.hold_key})
    db.session.commit()
    assert len(trail(miramar, hold)) == 1


def test_nobody_reads_the_trail_of_another_hotel(miramar, marta):
    hold, booking = booked(miramar, marta)
    andes = hotel_named("andes")
    assert telling.of_hold(andes.id, hold.hold_key) == ()
    assert telling.of_reservation(andes.id, number_of(booking.code)) == ()
    hour = timedelta(hours=1)
    seen = telling.between(andes.id, utcnow() - hour, utcnow() + hour)
    assert hold.hold_key not in {step.hold_key for step in seen}
    ours = telling.between(miramar.id, utcnow() - hour, utcnow() + hour)
    assert [step.action for step in ours if step.hold_key == hold.hold_key] == ["booked", "held"]
    assert telling.between(miramar.id, ours[0].at + hour, utcnow() + 2 * hour) == ()


def test_the_trail_agrees_with_the_claims_after_a_crush(app, miramar, marta):
    """Sixty guests hold, book, let go: the last row of each claim is the claim as it stands."""
    hotel_id = miramar.id

    def ask(number):
        hotel = db.session.get_one(Hotel, hotel_id)
        kinds = [("suite",), ("doble", "suite"), ("familiar",)][number % 3]
        hold = holds(hotel, marta, nights(number % 4, 2), *kinds, key=f"guest {number}")
        if number % 4 == 1:
            release_hold(hotel, hold.hold_key, marta, "declined")
        elif number % 4 == 2:
            book(hotel, hold.hold_key, marta, "Marta García", f"yes {number}")

    all_at_once(app, 60, ask)
    agree = db.session.execute(
        text(
            "select to_jsonb(l) - 'lapse_told_at' = (select a.after from lock_audit a where a.lock_id = l.id"
            " order by a.id desc limit 1) from reservation_locks l where l.guest_id = :guest"
        ),
        {"guest": marta},
    ).scalars()
    assert set(agree) == {True}


# Append-only


@pytest.mark.parametrize("table", ["lock_audit", "the partition of this month", "lock_audit_default"])
@pytest.mark.parametrize("change", ["update {} set why = 'else'", "delete from {}", "truncate {}"])
def test_nobody_changes_what_is_on_record(miramar, marta, table, change):
    holds(miramar, marta, nights(0, 2), key="m1")
    name = f"lock_audit_{utcnow():%Y%m}" if table.startswith("the") else table
    if name == "lock_audit_default":
        insert = (
            "insert into lock_audit (at, hotel_id, lock_id, hold_key, action, actor, why)"
            " values ('2001-01-01', 1, 1, 'h', 'held', 'system', '')"
        )
        db.session.execute(text(insert))
        db.session.commit()
    before = rows()
    with pytest.raises(DBAPIError, match="append-only") as refused:
        db.session.execute(text(change.format(name)))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
    db.session.rollback()
    assert rows() == before > 0


def test_claims_are_never_truncated(app):
    with pytest.raises(DBAPIError, match="never truncated"):
        db.session.execute(text("truncate reservation_locks"))
    db.session.rollback()


def test_a_room_that_was_held_and_cannot_be_written_down_is_not_held(miramar, marta):
    """The trail is part of the change: without the one there is not the other."""
    db.session.execute(text("alter table lock_audit add constraint no_room check (hold_key is null) not valid"))
    db.session.commit()
    try:
        with pytest.raises(DBAPIError):
            holds(miramar, marta, nights(0, 2), key="m1")
        db.session.rollback()
        assert not db.session.scalar(text("select count(*) from reservation_locks where guest_id = :g"), {"g": marta})
    finally:
        db.session.rollback()
        db.session.execute(text("alter table lock_audit drop constraint no_room"))
        db.session.commit()
