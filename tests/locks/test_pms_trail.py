"""What a hotel's own PMS keeps for a guest leaves the same trail as our own claims on rooms."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import count

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.health import figures
from hotel_agent.hotels import changing
from hotel_agent.locks import auditing, telling
from hotel_agent.locks.auditing import AGENT, SYSTEM, Who, acting, doing
from hotel_agent.pms import keeping
from hotel_agent.pms.contract import RoomRequest, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.orders import records
from hotel_agent.reservations import PmsRejected, RoomTaken
from hotel_agent.reservations.booking import book, cancel, extend_hold, find_hold, hold_quote, release_hold
from tests.pms.at_a_pms import at_a_pms, its_time_is_over
from tests.reservations.cast import all_at_once, guest_of, holds, hotel_named, nights


@pytest.fixture
def andes(app, monkeypatch):
    with at_a_pms("andes", monkeypatch) as (hotel, _):
        yield hotel


@pytest.fixture
def marta(andes):
    return guest_of(andes)


def kept(hotel, guest, stay: Stay | None = None, key: str = "m1", replaces: str | None = None, rooms: int = 1):
    kind = next(kind.code for kind in pms_for(hotel).room_kinds() if "doble" in kind.name_in("es").casefold())
    wanted = [RoomRequest(kind, 2)] * rooms
    return hold_quote(hotel, guest, stay or nights(0, 2), wanted, key, replaces)


def trail(hotel, hold):
    return [(step.action, step.who, step.why) for step in telling.of_hold(hotel.id, hold.hold_key)]


def fill_up(hotel) -> None:
    """Others have every other room kept."""
    other = guest_of(hotel, "Pedro Ruiz")
    with suppress(RoomTaken):
        for number in count():
            kept(hotel, other, key=f"other {number}")


def number_of(code: str) -> int:
    return db.session.scalar(text("select id from reservations where code = :code"), {"code": code})


def rows(table: str) -> int:
    found: int = db.session.scalar(text(f"select count(*) from {table}"))
    db.session.rollback()
    return found


# Who, when, why, before and after


def test_a_hold_is_told_from_the_asking_to_the_holding(andes, marta):
    hold = kept(andes, marta)
    asked, held = telling.of_hold(andes.id, hold.hold_key)
    assert (asked.action, held.action) == ("asked", "held")
    assert {(step.who, step.why) for step in (asked, held)} == {(Who("guest", marta), "asked for by m1")}
    assert {step.at_pms for step in (asked, held)} == {True}
    assert (asked.before, held.before["status"], held.after["status"]) == ({}, "asked", "active")
    assert held.after["guest_id"] == marta


def test_a_booking_is_told_from_its_hold_to_its_end(andes, marta):
    hold = kept(andes, marta)
    booking = book(andes, hold.hold_key, marta, "Marta García", "yes m1")
    cancel(andes, booking.code, marta)
    pms_for(andes).settle()
    steps = telling.of_reservation(andes.id, number_of(booking.code))
    assert [(step.action, step.who.kind) for step in steps][:3] == [
        ("asked", "guest"),
        ("held", "guest"),
        ("booked", "guest"),
    ]
    assert steps[2].why == "booked"
    assert steps[2].after["reservation_id"] == number_of(booking.code)


def test_longer_let_go_and_cleared(andes, marta):
    hold = kept(andes, marta)
    extend_hold(andes, hold.hold_key, marta, "m2")
    assert release_hold(andes, hold.hold_key, marta, "declined")
    assert trail(andes, hold)[2:] == [
        ("extended", Who("guest", marta), "asked for by m2"),
        ("released", Who("guest", marta), "declined"),
        ("cleared", Who("guest", marta), "declined"),
    ]


def test_staff_and_the_agent_are_told_for_what_they_do_and_why(andes, marta):
    first, second = kept(andes, marta), kept(andes, marta, nights(4, 2), "m2")
    with acting(auditing.staff(7)):
        extend_hold(andes, first.hold_key, marta, "desk")
        assert release_hold(andes, first.hold_key, marta, "pipe burst")
    with acting(AGENT, "no longer what was asked for"):
        release_hold(andes, second.hold_key, marta, "quoted_again")
    assert trail(andes, first)[2:4] == [
        ("extended", Who("staff", 7), "asked for by desk"),
        ("released", Who("staff", 7), "pipe burst"),
    ]
    assert trail(andes, second)[2] == ("released", AGENT, "no longer what was asked for: quoted_again")


def test_a_lapse_is_the_systems_and_what_is_cleared_after_it_too(andes, marta):
    hold = kept(andes, marta)
    its_time_is_over(hold.hold_key)
    assert keeping.expire_overdue() == 1
    assert trail(andes, hold)[-1] == ("expired", SYSTEM, "its time was over")
    pms_for(andes).settle()
    assert trail(andes, hold)[-1] == ("cleared", SYSTEM, "settled with the PMS")


def test_a_lapse_is_marked_while_the_pms_is_away(andes, marta):
    hold = kept(andes, marta)
    its_time_is_over(hold.hold_key)
    changing.change(andes.id, {"pms_url": "http://127.0.0.1:9"})
    assert keeping.expire_overdue() == 1
    assert keeping.expire_overdue() == 0


@pytest.mark.parametrize("verb", ["extend", "release", "the same again"])
def test_what_the_sweep_has_marked_meanwhile_stays_over(andes, marta, monkeypatch, verb):
    """It does not wait for whoever is at work at this hotel: the time runs out between their look and their word."""
    hold = kept(andes, marta)
    if verb == "the same again":
        fill_up(andes)
    look = records.hold_of

    def looks(*args):
        found = look(*args)
        its_time_is_over(hold.hold_key)
        keeping.expire_overdue()
        return found

    monkeypatch.setattr(records, "hold_of", looks)
    if verb == "extend":
        with pytest.raises(PmsRejected) as refused:
            extend_hold(andes, hold.hold_key, marta, "longer")
        assert refused.value.reason == "over"
    elif verb == "release":
        assert not release_hold(andes, hold.hold_key, marta, "declined")
    else:
        with pytest.raises(RoomTaken):
            kept(andes, marta, key="m2", replaces=hold.hold_key)
    monkeypatch.undo()
    assert [action for action, *_ in trail(andes, hold)][-1] == "expired"


@pytest.mark.parametrize("hours", [-5, 5])
def test_the_databases_clock_says_when_it_is_over(andes, marta, monkeypatch, hours):
    class Skewed(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=hours)

    monkeypatch.setattr("hotel_agent.db.datetime", Skewed)
    hold = kept(andes, marta)
    assert find_hold(andes, hold.hold_key, marta) == hold
    extend_hold(andes, hold.hold_key, marta, "longer")
    assert keeping.expire_overdue() == 0
    its_time_is_over(hold.hold_key)
    assert find_hold(andes, hold.hold_key, marta) is None
    assert not release_hold(andes, hold.hold_key, marta, "declined")
    assert keeping.expire_overdue() == 1


def test_wishes_for_longer_are_counted_by_what_came_of_them(andes, marta):
    def counted(outcome):
        return REGISTRY.get_sample_value("hold_extensions_total", {"outcome": outcome}) or 0.0

    before = {outcome: counted(outcome) for outcome in ("extended", "often_enough")}
    hold = kept(andes, marta)
    for number in (1, 2):
        extend_hold(andes, hold.hold_key, marta, f"longer {number}")
    with pytest.raises(PmsRejected):
        extend_hold(andes, hold.hold_key, marta, "longer still")
    assert {outcome: counted(outcome) - before[outcome] for outcome in before} == {"extended": 2, "often_enough": 1}


def test_two_sweeps_at_once_mark_a_lapse_once(app, andes, marta):
    hold = kept(andes, marta)
    its_time_is_over(hold.hold_key)
    assert sorted(all_at_once(app, 4, lambda _: keeping.expire_overdue())) == [0, 0, 0, 1]
    assert [action for action, *_ in trail(andes, hold)].count("expired") == 1


def test_what_is_said_of_a_verb_ends_with_it(andes, marta):
    hold = kept(andes, marta)
    with doing(Who("guest", marta), "of a verb"):
        db.session.execute(text("select 1"))
    db.session.execute(text("update pms_holds set total = total + 1 where hold_key = :key"), {"key": hold.hold_key})
    db.session.commit()
    [*_, (action, who, why)] = trail(andes, hold)
    assert (action, who) == ("changed", SYSTEM)
    assert why.startswith("SQL of ")


def test_a_verb_says_it_in_each_of_its_transactions(andes, marta):
    hold = kept(andes, marta)
    with doing(Who("staff", 7), "of a verb"):
        for _ in range(2):
            db.session.commit()
            db.session.execute(text("update pms_holds set total = total + 1 where hold_key = :k"), {"k": hold.hold_key})
        db.session.commit()
    assert trail(andes, hold)[-2:] == [("changed", Who("staff", 7), "of a verb")] * 2


def test_what_changes_nothing_leaves_nothing(andes, marta):
    hold = kept(andes, marta)
    before = len(trail(andes, hold))
    for column in ("total = total", "lapse_told_at = now()", "names = '{}'"):
        db.session.execute(text(f"update pms_holds set {column} where hold_key = :key"), {"key": hold.hold_key})
    db.session.commit()
    assert len(trail(andes, hold)) == before


def test_a_claim_of_ours_with_the_same_number_is_another(andes, marta):
    """Rows of both tables are counted from one: the trail of a booking has its own alone."""
    miramar = hotel_named("miramar")
    pedro = guest_of(miramar, "Pedro Ruiz")
    ours = holds(miramar, pedro, nights(0, 2), key="m1")
    hold = kept(andes, marta)
    db.session.execute(
        text(
            "update pms_holds set id = (select min(id) from reservation_locks where hold_key = :ours), hotel_id = :h"
            " where hold_key = :key"
        ),
        {"ours": ours.hold_key, "h": miramar.id, "key": hold.hold_key},
    )
    db.session.commit()
    booking = book(miramar, ours.hold_key, pedro, "Pedro Ruiz", "yes")
    steps = telling.of_reservation(miramar.id, number_of(booking.code))
    assert [(step.action, step.at_pms) for step in steps] == [("held", False), ("booked", False)]


def test_nobody_reads_the_trail_of_another_hotel(andes, marta):
    hold = kept(andes, marta)
    miramar = hotel_named("miramar")
    assert telling.of_hold(miramar.id, hold.hold_key) == ()
    assert telling.hotel_of(hold.hold_key) == andes.id


def test_what_is_on_record_is_never_changed_nor_the_holds_truncated(andes, marta):
    kept(andes, marta)
    for statement in ("update lock_audit set why = 'else' where at_pms", "truncate pms_holds"):
        with pytest.raises(DBAPIError) as refused:
            db.session.execute(text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
        db.session.rollback()


# Metrics


def active() -> float:
    found = {family.name: family for family in figures.Rows().collect()}
    value: float = found["holds_active"].samples[0].value
    return value


def test_rooms_kept_here_and_by_a_pms_are_counted_together(andes, marta):
    before = active()
    miramar = hotel_named("miramar")
    holds(miramar, guest_of(miramar), nights(0, 2), "suite", "doble", key="m1")
    hold = kept(andes, marta, rooms=2)
    assert active() == before + 4
    its_time_is_over(hold.hold_key)
    assert active() == before + 2


# What is long over is forgotten


def grows_old(hotel, months: int) -> None:
    """Everything of the hotel's PMS as it would be after so many months."""
    for statement in (
        "update pms_holds set created_at = created_at - :by, expires_at = expires_at - :by,"
        " cleared_at = cleared_at - :by, check_in = check_in - cast(:days as integer),"
        " check_out = check_out - cast(:days as integer) where hotel_id = :hotel",
        "update pms_writes set created_at = created_at - :by, settled_at = settled_at - :by where hotel_id = :hotel",
        "update reservations set check_in = check_in - cast(:days as integer),"
        " check_out = check_out - cast(:days as integer) where hotel_id = :hotel and pms_id is not null",
    ):
        days = (nights(0, 2).check_out - date.today()).days + 31 * months
        db.session.execute(text(statement), {"by": timedelta(days=days), "days": days, "hotel": hotel.id})
    db.session.commit()


def of_hotel(hotel) -> tuple[list[str], list[str]]:
    """The states of its holds and writes."""
    found = [
        list(db.session.scalars(text(f"select {column} from {table} where hotel_id = :h order by id"), {"h": hotel.id}))
        for column, table in (("status", "pms_holds"), ("state", "pms_writes"))
    ]
    db.session.rollback()
    return found[0], found[1]


def test_what_is_over_and_cleared_is_forgotten_and_its_trail_stays(andes, marta):
    hold = kept(andes, marta)
    release_hold(andes, hold.hold_key, marta, "declined")
    assert of_hotel(andes)[0] == ["released"]
    keeping.forget_old()
    assert of_hotel(andes)[0] == ["released"]
    grows_old(andes, settings().pms_rows_months)
    assert keeping.forget_old() > 0
    assert of_hotel(andes) == ([], [])
    assert trail(andes, hold)[-1] == ("deleted", SYSTEM, "long over, and nothing of it stands")


def test_many_are_forgotten_in_small_batches(andes, marta):
    for number in range(5):
        hold = kept(andes, marta, nights(3 * number, 2), f"m{number}")
        release_hold(andes, hold.hold_key, marta, "declined")
    grows_old(andes, settings().pms_rows_months + 1)
    assert keeping.forget_old(limit=2) == 10
    assert of_hotel(andes) == ([], [])


def test_what_is_open_is_never_forgotten(andes, marta):
    uncleared, asked = kept(andes, marta), kept(andes, marta, nights(4, 2), "m2")
    db.session.execute(
        text("update pms_holds set status = case hold_key when :key then 'released' else 'asked' end"),
        {"key": uncleared.hold_key},
    )
    db.session.execute(
        text("update pms_writes set state = 'unknown', settled_at = null where token = :token"),
        {"token": db.session.scalar(text("select token from pms_holds where hold_key = :k"), {"k": asked.hold_key})},
    )
    db.session.execute(
        text(
            "insert into pms_writes (hotel_id, operation, token, state, settled_at)"
            " values (:hotel, 'cancel', 'order:1', 'to_staff', now())"
        ),
        {"hotel": andes.id},
    )
    db.session.commit()
    before = of_hotel(andes)
    grows_old(andes, 60)
    assert keeping.forget_old() == 0
    assert of_hotel(andes) == before


def test_what_a_live_reservation_refers_to_is_never_forgotten(andes, marta):
    hold = kept(andes, marta)
    booking = book(andes, hold.hold_key, marta, "Marta García", "yes")
    db.session.execute(text("update pms_holds set cleared_at = now()"))
    db.session.commit()
    before = of_hotel(andes)
    assert before[0] == ["booked"]
    grows_old(andes, 60)
    assert keeping.forget_old() == 0
    assert of_hotel(andes) == before
    db.session.execute(text("update reservations set status = 'departed' where code = :code"), {"code": booking.code})
    db.session.commit()
    keeping.forget_old()
    assert of_hotel(andes) == ([], [])
