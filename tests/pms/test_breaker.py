import threading
import time

import pytest

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.pms import breaker as breakers
from hotel_agent.pms import door
from hotel_agent.pms.contract import PmsRejected, PmsUnavailable
from hotel_agent.redis import RedisConnectionError
from hotel_agent.reservations import RoomTaken, Stay
from tests.reservations.cast import day, hotel_named

NAME = "local:miramar"


@pytest.fixture(params=["shared", "alone"])
def miramar(app, request, monkeypatch):
    """The hotel with a breaker that rests for a moment only, with Valkey there and with Valkey away."""
    monkeypatch.setattr(settings(), "pms_reset_seconds", 0.2)
    monkeypatch.setattr(breakers, "_own", {})
    if request.param == "alone":
        monkeypatch.setattr(breakers, "spared", _away)
    return hotel_named("miramar")


def _away(_work):
    raise RedisConnectionError("nobody listens")


def fails():
    raise PmsUnavailable("away")


def break_it(hotel, times=5):
    for _ in range(times):
        with pytest.raises(PmsUnavailable, match="away"):
            door.call(hotel, "availability", fails)


def in_thread(work):
    """Run it in a thread, which has breaker objects of its own, and hand back what it gave or raised."""
    found = []

    def run():
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def wait_until_rested():
    deadline = time.monotonic() + breakers.reset_seconds()
    threading.Event().wait(deadline - time.monotonic() + 0.02)


def test_five_failures_open_the_breaker_for_every_thread(miramar):
    assert breakers.state_of(NAME) == 0
    break_it(miramar)
    assert breakers.state_of(NAME) == 1
    refused = in_thread(lambda: door.call(miramar, "availability", lambda: "never asked"))
    assert isinstance(refused, PmsUnavailable)


def test_four_failures_and_a_success_start_again(miramar):
    break_it(miramar, 4)
    assert door.call(miramar, "availability", lambda: "ok") == "ok"
    break_it(miramar, 4)
    assert breakers.state_of(NAME) == 0


def test_failures_of_different_threads_count_together(miramar):
    for _ in range(5):
        in_thread(lambda: door.call(miramar, "availability", fails))
    assert breakers.state_of(NAME) == 1


def test_after_the_rest_one_call_alone_may_try(miramar):
    break_it(miramar)
    wait_until_rested()
    during = []

    def trial():
        during.append(breakers.state_of(NAME))
        during.append(in_thread(lambda: door.call(miramar, "availability", lambda: "a second one")))
        return "back again"

    assert door.call(miramar, "availability", trial) == "back again"
    assert during[0] == 2
    assert isinstance(during[1], PmsUnavailable)
    assert breakers.state_of(NAME) == 0
    assert door.call(miramar, "availability", lambda: "open to all") == "open to all"


def test_a_trial_that_fails_opens_the_breaker_again_for_the_whole_rest(miramar):
    break_it(miramar)
    wait_until_rested()
    with pytest.raises(PmsUnavailable, match="away"):
        door.call(miramar, "availability", fails)
    assert breakers.state_of(NAME) == 1
    with pytest.raises(PmsUnavailable, match="rest"):
        door.call(miramar, "availability", lambda: "too early")


def test_a_trial_whose_process_died_gives_way_to_the_next(miramar):
    break_it(miramar)
    wait_until_rested()
    breakers.breaker_of(NAME).admit(0.1)
    assert breakers.state_of(NAME) == 2
    wait_until_rested()
    assert door.call(miramar, "availability", lambda: "ok") == "ok"


@pytest.mark.parametrize("refusal", [PmsRejected("no"), RoomTaken(), KeyError("a fault of ours")])
def test_a_refusal_is_no_failure(miramar, refusal):
    def refuse():
        raise refusal

    for _ in range(10):
        with pytest.raises(type(refusal)):
            door.call(miramar, "hold", refuse)
    assert breakers.state_of(NAME) == 0


def test_a_slow_call_holds_up_nobody(miramar):
    """pybreaker alone would make the threads queue for one lock."""
    meet = threading.Barrier(4, timeout=5)
    threads = [threading.Thread(target=lambda: door.call(miramar, "availability", meet.wait)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not meet.broken


def test_every_breaker_shows_in_the_metric(miramar):
    door.pms_for(miramar).availability(Stay(day(0), day(1)))
    assert breakers.states()[NAME] == 0


def test_postgresql_away_is_the_pms_away(app, monkeypatch):
    from sqlalchemy.exc import OperationalError

    miramar = hotel_named("miramar")
    slug, pms = miramar.slug, miramar.pms

    def away(*_, **__):
        raise OperationalError("select", {}, Exception("connection refused"))

    monkeypatch.setattr(db.session, "execute", away)
    with pytest.raises(PmsUnavailable):
        door.pms_for(miramar).room_kinds()
    assert (slug, pms) == ("miramar", "local")
