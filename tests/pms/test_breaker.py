import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.pms import breaker as breakers
from hotel_agent.pms import door
from hotel_agent.pms.contract import PmsRejected, PmsUnavailable
from hotel_agent.redis import RedisConnectionError, redis
from hotel_agent.reservations import RoomTaken, Stay
from tests.fakes import qloapps as far
from tests.pms.front_desk import FrontDesk
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


def test_of_many_who_come_when_it_has_rested_one_tries(miramar):
    break_it(miramar)
    wait_until_rested()
    start, over, tried = threading.Barrier(8, timeout=10), threading.Barrier(8, timeout=10), []

    def trial():
        tried.append(threading.get_ident())
        over.wait()
        return "back"

    def come():
        start.wait()
        try:
            return door.call(miramar, "availability", trial)
        except PmsUnavailable as away:
            over.wait()
            return away

    with ThreadPoolExecutor(8) as pool:
        told = [one.result() for one in [pool.submit(come) for _ in range(8)]]
    assert len(tried) == 1
    assert sorted(type(one).__name__ for one in told) == ["Resting"] * 7 + ["str"]


def test_a_call_that_began_before_it_opened_changes_nothing_when_it_fails_late(miramar):
    def fails_late():
        in_thread(lambda: break_it(miramar))
        fails()

    with pytest.raises(PmsUnavailable, match="away"):
        door.call(miramar, "availability", fails_late)
    left = door.rest_left(miramar)
    wait_until_rested()
    assert left <= breakers.reset_seconds()
    assert door.call(miramar, "availability", lambda: "back") == "back"


def test_a_success_that_began_before_it_opened_does_not_close_it(miramar):
    def answers_late():
        in_thread(lambda: break_it(miramar))
        return "late"

    assert door.call(miramar, "availability", answers_late) == "late"
    assert breakers.state_of(NAME) == 1


def test_valkeys_clock_put_back_prolongs_no_rest(app, monkeypatch):
    monkeypatch.setattr(settings(), "pms_reset_seconds", 30)
    miramar = hotel_named("miramar")
    break_it(miramar)
    assert door.rest_left(miramar) > 20
    redis().hset(f"breaker:{NAME}", "opened", int((time.time() + 3600) * 1000))
    assert door.rest_left(miramar) == 0

    during = []

    def trial():
        during.append(in_thread(lambda: door.call(miramar, "availability", lambda: "a second one")))
        return "back"

    assert door.call(miramar, "availability", trial) == "back"
    assert isinstance(during[0], door.Resting)
    assert breakers.state_of(NAME) == 0


@pytest.mark.parametrize("garbled", ["", "what", "\xff"])
def test_a_state_that_is_garbled_is_a_closed_breaker(app, garbled):
    miramar = hotel_named("miramar")
    redis().hset(f"breaker:{NAME}", mapping={"opened": garbled, "trial": garbled, "failures": garbled, "last": garbled})
    assert door.call(miramar, "availability", lambda: "asked") == "asked"
    break_it(miramar)
    assert breakers.state_of(NAME) == 1


@pytest.mark.parametrize("step", ["closed", "open", "trial"])
def test_valkey_may_go_away_and_come_back_at_any_step(app, monkeypatch, step):
    """Nobody is let through to a PMS that rests, and whatever happens meanwhile it is asked again in the end."""
    monkeypatch.setattr(settings(), "pms_reset_seconds", 0.2)
    miramar = hotel_named("miramar")
    break_it(miramar, 4 if step == "closed" else 5)
    with monkeypatch.context() as patched:
        if step == "trial":
            wait_until_rested()

            def trial():
                patched.setattr(breakers, "spared", _away)
                return "back"

            assert door.call(miramar, "availability", trial) == "back"
            assert door.call(miramar, "availability", lambda: "asked") == "asked"
        else:
            patched.setattr(breakers, "spared", _away)
            if step == "closed":
                break_it(miramar, 1)
            with pytest.raises(door.Resting):
                door.call(miramar, "availability", lambda: "never asked")
    deadline = time.monotonic() + 10
    while breakers.rest_of(NAME) > 0:
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    assert door.call(miramar, "availability", lambda: "back") == "back"
    assert breakers.state_of(NAME) == 0


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


def test_a_sweep_that_has_nothing_to_ask_says_nothing_of_the_pms(app, monkeypatch):
    """Else it would be the trial, and the breaker would close on a PMS that is as dead as before."""
    with far.QloApps(far.miramar()) as pms:
        desk = FrontDesk(pms)
        monkeypatch.setattr(settings(), "pms_reset_seconds", 0.05)
        pms.inject(far.unavailable(500), times=None)
        for _ in range(10):
            with pytest.raises(PmsUnavailable):
                desk.door.arrivals(desk.day(0))
        [name] = [name for name in breakers.states() if "andes" in name]
        assert breakers.states()[name] == 1
        wait_until_rested()
        assert desk.door.settle() == ()
        assert breakers.states()[name] != 0
        pms.heal()
        desk.door.arrivals(desk.day(0))
        assert breakers.states()[name] == 0
