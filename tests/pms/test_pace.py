"""Which hotels' systems keep one waiting is known from calls that somebody waits for, and from any request."""

from __future__ import annotations

import time

import pytest

from hotel_agent.pms import limits, pace
from hotel_agent.pms.door import call, pms_for
from hotel_agent.redis import RedisError
from tests.pms.at_a_pms import at_a_pms
from tests.reservations.cast import hotel_named

MIRAMAR, ANDES = 1, 2


@pytest.fixture
def everything_is_slow(monkeypatch):
    monkeypatch.setattr(pace, "SLOW_SECONDS", 0.0)


@pytest.fixture
def nothing_is_slow(monkeypatch):
    monkeypatch.setattr(pace, "SLOW_SECONDS", 3600.0)


def test_a_call_that_took_long_makes_its_hotel_slow(app, everything_is_slow):
    with pace.a_call(MIRAMAR):
        assert pace.slow_hotels() == set()
    assert pace.slow_hotels() == {MIRAMAR}


def test_one_that_fails_after_a_while_does_too(app, everything_is_slow):
    with pytest.raises(ZeroDivisionError), pace.a_call(ANDES):
        raise ZeroDivisionError
    assert pace.slow_hotels() == {ANDES}


def test_one_that_was_quick_does_not(app, nothing_is_slow):
    with pace.a_call(MIRAMAR), limits.calling(MIRAMAR, 10, is_asked_again=False), pace.a_request():
        pass
    assert pace.slow_hotels() == set()


def test_what_nobody_waits_for_may_take_long_but_not_its_requests(app, everything_is_slow):
    with limits.in_background(), pace.a_call(MIRAMAR), limits.calling(MIRAMAR, 10, is_asked_again=False):
        pass
    assert pace.slow_hotels() == set()
    with limits.in_background(), limits.calling(MIRAMAR, 10, is_asked_again=False), pace.a_request():
        pass
    assert pace.slow_hotels() == {MIRAMAR}


def test_a_request_of_no_call_is_no_hotels(app, everything_is_slow):
    with pace.a_request():
        pass
    assert pace.slow_hotels() == set()


@pytest.mark.parametrize("later", [pace.REMEMBERED_SECONDS + 1, -60.0], ids=["forgotten", "clock put back"])
def test_it_is_known_for_a_while(app, everything_is_slow, monkeypatch, later):
    with pace.a_call(MIRAMAR):
        pass
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + later)
    assert pace.slow_hotels() == set()
    with pace.a_call(ANDES):
        pass
    assert pace.slow_hotels() == {ANDES}


def test_without_valkey_nobody_is_slow_and_the_call_goes_on(app, everything_is_slow, monkeypatch):
    def away(_work):
        raise RedisError("away")

    monkeypatch.setattr(pace, "spared", away)
    with pace.a_call(MIRAMAR):
        done = True
    assert done
    assert pace.slow_hotels() == set()


def test_the_door_watches_its_calls(app, everything_is_slow):
    call(hotel_named("miramar"), "availability", lambda: None)
    assert pace.slow_hotels() == {hotel_named("miramar").id}


def test_and_the_wire_its_requests(app, everything_is_slow, monkeypatch):
    with at_a_pms("miramar", monkeypatch) as (hotel, _), limits.in_background():
        pms_for(hotel).room_kinds(fresh=True)
        assert pace.slow_hotels() == {hotel.id}
