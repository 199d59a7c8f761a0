"""What a PMS has said is kept for a while, asked once for all who want to know, and forgotten when it is not so."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from prometheus_client import REGISTRY

from hotel_agent import create_app, evidence
from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.pms import breaker, caching, limits, warming
from hotel_agent.pms.contract import BookRequest, HoldRequest, PmsUnavailable, RoomRequest, Stay
from hotel_agent.pms.door import call, pms_for, rest_left
from hotel_agent.redis import RedisConnectionError, redis
from hotel_agent.reservations import Party
from hotel_agent.reservations.quoting import find_offers, quote
from tests.fakes import qloapps as far
from tests.load.installation import ROOT
from tests.pms.at_a_pms import at_a_pms
from tests.reservations.cast import COUPLE, all_at_once, day, guest_of, hotel_named, nights
from workers import rooms as jobs


@pytest.fixture
def there(app, monkeypatch):
    caching._memory = caching._Memory()
    with at_a_pms("andes", monkeypatch) as (hotel, pms):
        yield hotel, pms


@pytest.fixture
def door(there):
    return pms_for(there[0])


@pytest.fixture
def asked(there, door):
    """How often the PMS was asked what is free, from now on."""
    pms = there[1]
    door.room_kinds()
    before = len(pms.heard("POST", "hotel_ari"))
    return lambda: len(pms.heard("POST", "hotel_ari")) - before


def another_process(monkeypatch) -> None:
    """Goes on as a process that was told nothing yet; Valkey is the same."""
    monkeypatch.setattr(caching, "_memory", caching._Memory())


def counted(layer: str) -> float:
    return REGISTRY.get_sample_value("pms_cache_requests_total", {"layer": layer}) or 0.0


def hold(hotel, stay: Stay, key: str = "k1", kind: str = ""):
    kind = kind or next(kind.code for kind in pms_for(hotel).room_kinds() if kind.capacity == 2)
    return pms_for(hotel).hold(HoldRequest(stay, (RoomRequest(kind, 2),), guest_of(hotel), key))


def free(found) -> dict[str, int]:
    return {offer.kind.code: offer.free for offer in found.offers}


def rest(hotel) -> None:
    """The breaker opens."""
    for _ in range(breaker.FAIL_MAX):
        with pytest.raises(PmsUnavailable):
            call(hotel, "read", lambda: (_ for _ in ()).throw(PmsUnavailable("away")))


# The layers


def test_the_pms_is_asked_once_and_the_answer_says_where_it_comes_from(door, asked, monkeypatch):
    began = datetime.now(UTC)
    first = door.availability(nights(0, 1))
    by_memory = door.availability(nights(0, 1))
    another_process(monkeypatch)
    by_valkey = door.availability(nights(0, 1))
    assert asked() == 1
    assert [found.source for found in (first, by_memory, by_valkey)] == ["pms", "cache", "cache"]
    assert began <= first.as_of == by_memory.as_of == by_valkey.as_of
    assert first.offers == by_memory.offers == by_valkey.offers


def test_each_layer_is_counted(door, asked, monkeypatch):
    before = {layer: counted(layer) for layer in ("pms", "l1", "l2")}
    door.availability(nights(0, 1))
    door.availability(nights(0, 1))
    another_process(monkeypatch)
    door.availability(nights(0, 1))
    assert {layer: counted(layer) - before[layer] for layer in before} == {"pms": 1, "l1": 1, "l2": 1}


@pytest.mark.parametrize("layer", ["MEMORY_SECONDS", "VALKEY_SECONDS"])
def test_each_layer_forgets_after_its_time(door, asked, monkeypatch, layer):
    monkeypatch.setattr(caching, layer, 0.2)
    door.availability(nights(0, 1))
    threading.Event().wait(0.25)
    before = counted("l2")
    door.availability(nights(0, 1))
    assert (asked(), counted("l2") - before) == ((1, 1) if layer == "MEMORY_SECONDS" else (2, 0))


def test_what_is_taken_over_from_valkey_grows_no_younger(door, asked, monkeypatch):
    monkeypatch.setattr(caching, "VALKEY_SECONDS", 0.4)
    door.availability(nights(0, 1))
    threading.Event().wait(0.2)
    another_process(monkeypatch)
    assert door.availability(nights(0, 1)).source == "cache"
    threading.Event().wait(0.25)
    assert door.availability(nights(0, 1)).source == "pms"


def test_kinds_of_room_and_the_calendar_are_kept_too(there, door, asked):
    heard = len(there[1].requests)
    door.room_kinds()
    door.last_night_for_sale()
    door.last_night_for_sale()
    assert len(there[1].requests) == heard
    window = door.availability_from(day(0), day(5), 2)
    assert [found.source for found in window] == ["pms"] * 6
    again = door.availability_from(day(1), day(4), 2)
    assert [(found.stay, found.offers) for found in again] == [(found.stay, found.offers) for found in window[1:5]]
    assert {found.source for found in again} == {"cache"}
    assert door.availability(Stay(day(3), day(5))).source == "cache"
    assert asked() == 1


def test_our_own_rooms_are_never_kept(app):
    hotel = hotel_named("miramar")
    assert [pms_for(hotel).availability(nights(0, 1)).source for _ in range(3)] == ["pms"] * 3
    assert not [key for key in redis().keys("pms:*") if b":said:" in key]


def test_what_is_kept_is_json_without_a_word_about_guests(there, door):
    hotel, _pms = there
    held = hold(hotel, nights(0, 2))
    door.book(BookRequest(held.hold_key, held.guest_id, "Marta García", "b1", date.today()))
    door.availability(nights(0, 2))
    door.room_kinds()
    values = [redis().get(key) for key in redis().keys("pms:said:*")]
    assert len(values) >= 2
    for value in values:
        assert isinstance(value, bytes)
        assert isinstance(json.loads(value), list)
        assert not any(word in value.decode() for word in ("Marta", "Garc", held.hold_key, "guest_id"))


def test_money_is_the_same_to_the_cent(door, asked, monkeypatch):
    first = door.availability(nights(0, 3))
    another_process(monkeypatch)
    again = door.availability(nights(0, 3))
    assert [(offer.total, offer.nightly) for offer in again.offers] == [
        (offer.total, offer.nightly) for offer in first.offers
    ]
    assert all(isinstance(offer.total, Decimal) for offer in again.offers)


def test_what_is_told_from_the_cache_is_evidence_as_well(door):
    door.availability(nights(0, 1))
    with evidence.recording() as found:
        told = door.availability(nights(0, 1))
    assert told.source == "cache"
    assert found == [[told]]


def test_another_address_is_another_pms(there, door, asked):
    hotel, pms = there
    door.availability(nights(0, 1))
    changing.change(hotel.id, {"pms_url": f"{pms.url}/"})
    db.session.refresh(hotel)
    assert pms_for(hotel).availability(nights(0, 1)).source == "pms"


def test_what_another_version_has_written_is_asked_for_anew(door, asked, monkeypatch):
    door.availability(nights(0, 1))
    for key in redis().keys("pms:said:*"):
        redis().set(key, b'[1, "x", {"hotel_id": "what"}]')
    another_process(monkeypatch)
    assert door.availability(nights(0, 1)).source == "pms"


def test_more_that_is_set_of_a_system_makes_it_another(there, door):
    hotel, _pms = there
    door.availability(nights(0, 1))
    changing.change(hotel.id, {"pms.identity_url": "https://elsewhere.example"})
    db.session.refresh(hotel)
    assert pms_for(hotel).availability(nights(0, 1)).source == "pms"


def test_what_one_hotel_was_told_no_other_is(there, door, asked):
    """Both are at the same address with the same key."""
    hotel, pms = there
    other = hotel_named("miramar")
    told = {"pms": "qloapps", "pms_url": pms.url, "pms_key": pms.key, "pms_hotel_id": "1"}
    changing.change(other.id, {**told, "currency": hotel.currency, "language": hotel.language})
    db.session.refresh(other)
    door.availability(nights(0, 1))
    found = pms_for(other).availability(nights(0, 1))
    assert (found.hotel_id, found.source) == (other.id, "pms")
    caching.invalidate(other)
    assert [pms_for(one).availability(nights(0, 1)).source for one in (hotel, other)] == ["cache", "pms"]


GARBLED = [b"", b"\xff\xfe", b"null", b"[]", b"[NaN, null, null]", b"[" * 5000, b'{"a": 1}', b'[1e999, "x", {}]']


@pytest.mark.parametrize("garbled", GARBLED)
def test_what_is_garbled_is_asked_for_anew(door, monkeypatch, garbled):
    said = door.availability(nights(0, 1))
    for key in redis().keys("pms:said:*"):
        redis().set(key, garbled)
    another_process(monkeypatch)
    found = door.availability(nights(0, 1))
    assert (found.source, found.offers) == ("pms", said.offers)
    assert door.availability(nights(0, 1)).source == "cache"


def test_a_key_that_is_no_string_is_as_good_as_empty(door, monkeypatch):
    door.availability(nights(0, 1))
    for key in redis().keys("pms:said:*"):
        redis().delete(key)
        redis().rpush(key, "what")
    another_process(monkeypatch)
    assert door.availability(nights(0, 1)).source == "pms"


def test_an_answer_under_the_name_of_another_question_is_not_believed(door, asked, monkeypatch):
    known = set(redis().keys("pms:said:*"))
    door.availability(nights(0, 1))
    (first,) = set(redis().keys("pms:said:*")) - known
    door.availability(nights(3, 1))
    (second,) = set(redis().keys("pms:said:*")) - known - {first}
    redis().rename(first, second)
    another_process(monkeypatch)
    found = door.availability(nights(3, 1))
    assert (found.source, found.stay) == ("pms", nights(3, 1))


def test_marks_that_are_garbled_break_nothing(there, door, monkeypatch):
    hotel, _pms = there
    door.availability(nights(0, 1))
    redis().hset(f"pms:marks:{hotel.id}", mapping={"all": b"\xff\xfe", nights(0, 1).check_in.isoformat(): b"\xc3"})
    assert [door.availability(nights(0, 1)).source for _ in range(2)] == ["pms", "cache"]


@pytest.mark.parametrize("ahead", [-3600.0, -0.5, 3600.0])
def test_machines_whose_clocks_differ_share_what_is_kept(door, asked, monkeypatch, ahead):
    stay = nights(0, 1)
    door.availability(stay)
    another_process(monkeypatch)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + ahead)
    assert door.availability(stay).source == "cache"
    assert asked() == 1


# Forgetting


def test_our_own_booking_is_seen_at_once_by_every_process(there, door, asked, monkeypatch):
    hotel, _pms = there
    before = free(door.availability(nights(0, 2)))
    held = hold(hotel, nights(0, 2))
    after = free(door.availability(nights(0, 2)))
    assert sum(before.values()) - sum(after.values()) == 1
    door.book(BookRequest(held.hold_key, held.guest_id, "Marta García", "b1", date.today()))
    another_process(monkeypatch)
    assert free(door.availability(nights(0, 2))) == after
    code = door.book(BookRequest(held.hold_key, held.guest_id, "Marta García", "b1", date.today()))
    door.cancel(code, Decimal(0))
    assert free(door.availability(nights(0, 2))) == before


def test_other_nights_are_known_all_the_same(there, door, asked):
    hotel, _pms = there
    door.availability(nights(5, 2))
    hold(hotel, nights(0, 2))
    assert door.availability(nights(5, 2)).source == "cache"


def test_a_hold_that_is_let_go_frees_its_nights_at_once(there, door):
    hotel, _pms = there
    before = free(door.availability(nights(0, 2)))
    held = hold(hotel, nights(0, 2))
    assert free(door.availability(nights(0, 2))) != before
    assert door.release(held.hold_key, held.guest_id, "not wanted")
    assert free(door.availability(nights(0, 2))) == before


def test_a_hold_that_takes_the_place_of_another_frees_its_nights(there, door):
    hotel, _pms = there
    before = free(door.availability(nights(0, 2)))
    held = hold(hotel, nights(0, 2))
    door.availability(nights(0, 2))
    kind = held.rooms[0].kind.code
    door.hold(HoldRequest(nights(5, 2), (RoomRequest(kind, 2),), held.guest_id, "k2", held.hold_key))
    assert free(door.availability(nights(0, 2))) == before


def test_a_longer_hold_changes_nothing_that_is_known(there, door):
    hotel, _pms = there
    held = hold(hotel, nights(0, 2))
    door.availability(nights(0, 2))
    door.extend(held.hold_key, held.guest_id, "longer")
    assert door.availability(nights(0, 2)).source == "cache"


def test_a_sweep_that_put_something_right_is_seen(there, door):
    hotel, _pms = there
    before = free(door.availability(nights(0, 2)))
    hold(hotel, nights(0, 2))
    assert free(door.availability(nights(0, 2))) != before
    door.settle()
    assert door.availability(nights(0, 2)).source == "cache"  # There was nothing to put right.
    db.session.execute(db.text("update pms_holds set expires_at = now() - interval '1 second'"))
    db.session.commit()
    door.settle()
    assert free(door.availability(nights(0, 2))) == before


def test_a_refused_hold_is_no_reason_to_go_on_offering_the_room(there, door):
    """Somebody else was faster, at the PMS's own desk."""
    hotel, pms = there
    kind = next(kind.code for kind in door.room_kinds() if kind.capacity == 2)
    assert door.availability(nights(0, 2)).offer(kind).free > 0
    pms.inject(far.unavailable(), method="POST", path="/bookings", times=None)
    with pytest.raises(PmsUnavailable):
        hold(hotel, nights(0, 2))
    assert door.availability(nights(0, 2)).source == "pms"


def test_an_answer_from_before_a_booking_that_comes_after_it_is_not_kept(there, door, asked):
    hotel, _pms = there
    question = [caching.rooms(nights(0, 2))]

    def ask():
        said = [pms_for(hotel)._pms.availability(hotel, nights(0, 2))]
        hold(hotel, nights(0, 2))
        return said

    old = caching.renew(hotel, question, ask)
    assert free(door.availability(nights(0, 2))) != free(old[0])


@pytest.mark.parametrize("valkey_is_there", [True, False])
def test_whoever_asks_after_a_booking_does_not_wait_for_whoever_asked_before(app, there, asked, valkey_is_there):
    """Both ask the same, and the first has not had its answer yet."""
    began, booked = threading.Event(), threading.Event()
    adapter = pms_for(there[0])._pms
    before = {}

    def slow():
        said = [adapter.availability(hotel_named("andes"), nights(0, 2))]
        began.set()
        assert booked.wait(10)
        return said

    def ask_before() -> None:
        hotel = hotel_named("andes")
        with limits.time_limit(20):
            before["free"] = free(caching.answer(hotel, [caching.rooms(nights(0, 2))], slow, lambda: False)[0])

    def away(_work):
        raise RedisConnectionError("nobody listens")

    with pytest.MonkeyPatch.context() as patched:
        if not valkey_is_there:
            patched.setattr(caching, "spared", away)
        first = threading.Thread(target=_in_context, args=(ask_before,))
        first.start()
        assert began.wait(10)
        hold(there[0], nights(0, 2))
        after = free(pms_for(there[0]).availability(nights(0, 2)))
        booked.set()
        first.join()
        assert sum(before["free"].values()) - sum(after.values()) == 1
        assert free(pms_for(there[0]).availability(nights(0, 2))) == after


def test_the_change_feed_forgets_some_nights_or_all(there, door, asked):
    hotel, _pms = there
    for first in (0, 5):
        door.availability(nights(first, 2))
    caching.invalidate(hotel, nights(1, 3))
    assert [door.availability(nights(first, 2)).source for first in (0, 5)] == ["pms", "cache"]
    caching.invalidate(hotel)
    assert [door.availability(nights(first, 2)).source for first in (0, 5)] == ["pms", "pms"]


def test_marks_that_valkey_has_lost_are_not_taken_for_those_of_before(there, door, asked):
    hotel, _pms = there
    door.availability(nights(0, 2))
    caching.invalidate(hotel, nights(0, 2))
    redis().flushdb()
    assert door.availability(nights(0, 2)).source == "pms"


def test_what_had_to_be_asked_in_any_case_is_no_question_that_was_missed(door, asked):
    before = {layer: counted(layer) for layer in ("pms", "fresh")}
    door.availability(nights(0, 1), fresh=True)
    assert {layer: counted(layer) - before[layer] for layer in before} == {"pms": 0, "fresh": 1}


# One asks for all


def test_of_many_who_ask_the_same_one_asks_the_pms(app, there, asked):
    _hotel, pms = there
    pms.inject(far.latency(0.3), times=None)
    found = all_at_once(app, 8, lambda _n: pms_for(hotel_named("andes")).availability(nights(0, 1)))
    assert asked() == 1
    assert len({told.as_of for told in found}) == 1


def test_whoever_waits_is_told_when_the_one_who_asked_has_failed(app, there, asked):
    _hotel, pms = there
    pms.inject(far.latency(0.3), path="/hotel_ari", times=None)
    pms.inject(far.unavailable(500), path="/hotel_ari", times=None)

    def ask(_number):
        try:
            return pms_for(hotel_named("andes")).availability(nights(0, 1))
        except PmsUnavailable as away:
            return away

    found = all_at_once(app, 4, ask)
    assert all(isinstance(told, PmsUnavailable) for told in found)


PROCESS = """
import sys
from datetime import date
from hotel_agent import create_app
from hotel_agent.hotels.finding import by_slug
from hotel_agent.pms.contract import Stay
from hotel_agent.pms.door import pms_for
with create_app().app_context():
    pms = pms_for(by_slug("andes"))
    pms.room_kinds()
    print("ready", flush=True)
    sys.stdin.readline()
    print(pms.availability(Stay(*map(date.fromisoformat, sys.argv[1:]))).as_of.isoformat(), flush=True)
"""


def processes(count: int, stay: Stay) -> list[subprocess.Popen[str]]:
    """Real ones, that have loaded everything and wait for a line."""
    command = [sys.executable, "-c", PROCESS, str(stay.check_in), str(stay.check_out)]
    started = [
        subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(count)
    ]
    for one in started:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    return started


def begin(one: subprocess.Popen[str]) -> None:
    assert one.stdin
    one.stdin.write("go\n")
    one.stdin.flush()


def test_of_several_processes_one_asks_the_pms(there, asked):
    _hotel, pms = there
    pms.inject(far.latency(0.5), path="/hotel_ari", times=None)
    started = processes(2, nights(0, 1))
    for one in started:
        begin(one)
    told = {one.communicate(timeout=30)[0] for one in started}
    assert asked() == 1
    assert len(told) == 1


def test_a_process_that_dies_while_it_asks_is_replaced(there, door, asked, monkeypatch):
    _hotel, pms = there
    until = threading.Event()
    pms.inject(far.hang(until), path="/hotel_ari", times=1)
    (one,) = processes(1, nights(0, 1))
    begin(one)
    pms.wait_for(lambda pms: asked() == 1)
    one.kill()
    one.communicate()
    started = time.monotonic()
    assert door.availability(nights(0, 1)).offers
    assert time.monotonic() - started < caching.LEASE_SECONDS + 2
    until.set()


def test_a_lease_is_kept_for_as_long_as_the_pms_takes(there, door, asked, monkeypatch):
    _hotel, pms = there
    monkeypatch.setattr(caching, "LEASE_SECONDS", 0.3)
    pms.inject(far.latency(0.9), path="/hotel_ari", times=None)
    caching._leases._hold("warm", "nobody")  # The thread that renews has begun.
    caching._leases._let_go("warm", "nobody")
    (one,) = processes(1, nights(0, 1))
    asking = threading.Thread(
        target=_in_context, args=(lambda: pms_for(hotel_named("andes")).availability(nights(0, 1)),)
    )
    asking.start()
    pms.wait_for(lambda pms: asked() == 1)
    threading.Event().wait(0.5)
    begin(one)
    one.communicate(timeout=30)
    asking.join()
    assert asked() == 1


def _in_context(work) -> None:
    with create_app().app_context():
        work()


# While the PMS is away


def test_while_it_rests_only_whoever_asks_for_it_is_told_what_was_said_before(there, door, asked):
    hotel, _pms = there
    said = door.availability(nights(0, 1))
    caching.invalidate(hotel)
    rest(hotel)
    with pytest.raises(PmsUnavailable):
        door.availability(nights(0, 1))
    old = door.availability(nights(0, 1), even_stale=True)
    assert (old.source, old.as_of, old.offers) == ("stale", said.as_of, said.offers)
    with pytest.raises(PmsUnavailable):
        door.availability(nights(9, 1), even_stale=True)  # Nobody has ever asked.


def test_what_is_fresh_is_told_while_it_rests(there, door):
    hotel, _pms = there
    door.availability(nights(0, 1))
    rest(hotel)
    assert door.availability(nights(0, 1)).source == "cache"


def test_a_pms_that_fails_once_is_no_reason_to_tell_old_things(there, door):
    hotel, pms = there
    door.availability(nights(0, 1))
    caching.invalidate(hotel)
    pms.inject(far.unavailable(500), path="/hotel_ari", times=None)
    with pytest.raises(PmsUnavailable):
        door.availability(nights(0, 1), even_stale=True)


def test_guests_are_not_quoted_from_before_it_went_away(there, door):
    hotel, _pms = there
    door.availability(nights(0, 2))
    caching.invalidate(hotel)
    rest(hotel)
    with pytest.raises(PmsUnavailable):
        find_offers(hotel, day(0), day(2), COUPLE)


def test_nobody_books_by_what_is_kept(there, door, asked):
    """A quote for a booking, a hold and a booking ask the PMS; the front desk there has just sold the last suite."""
    hotel, _pms = there
    kind = next(kind.code for kind in door.room_kinds() if kind.capacity == 2)
    door.availability(nights(0, 2))
    before = asked()
    assert quote(hotel, nights(0, 2), Party(2), (RoomRequest(kind, 2),)).total
    assert asked() > before
    before = asked()
    hold(hotel, nights(0, 2), kind=kind)
    assert asked() > before


# Without Valkey


@pytest.fixture
def without_valkey(monkeypatch):
    def away(_work):
        raise RedisConnectionError("nobody listens")

    for module in (breaker, caching, limits):
        monkeypatch.setattr(module, "spared", away)
    for module in (breaker, limits):
        monkeypatch.setattr(module, "_own", {})


def test_without_valkey_nothing_is_kept_and_nothing_fails(there, door, asked, without_valkey):
    hotel, _pms = there
    assert [door.availability(nights(0, 1)).source for _ in range(3)] == ["pms"] * 3
    assert asked() == 3
    assert hold(hotel, nights(0, 1)).total
    assert warming.warm_up(hotel)
    assert rest_left(hotel) == 0


def test_what_was_done_while_valkey_was_away_is_not_forgotten(there, door, monkeypatch):
    hotel, _pms = there
    before = free(door.availability(nights(0, 2)))

    def away(_work):
        raise RedisConnectionError("nobody listens")

    with monkeypatch.context() as patched:
        patched.setattr(caching, "spared", away)
        hold(hotel, nights(0, 2))
    assert free(door.availability(nights(0, 2))) != before


def test_a_valkey_that_hangs_costs_a_moment_and_not_every_call(there, door, monkeypatch, impatient):
    """It takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        monkeypatch.setattr(settings(), "redis_url", address)
        started = time.monotonic()
        for _ in range(5):
            assert door.availability(nights(0, 1)).source == "pms"
        assert time.monotonic() - started < 3


# Looking ahead


def test_the_coming_nights_are_known_before_anybody_asks(there, door, asked):
    hotel, _pms = there
    assert warming.warm_up(hotel)
    before = asked()
    today = hotel.today()
    for ahead in (0, 1, 30, 59):
        for length in (1, 2, 3):
            arrival = today + timedelta(days=ahead)
            found = door.availability(Stay(arrival, arrival + timedelta(days=length)))
            assert found.source == "cache"
    assert asked() == before


def test_a_warm_answer_is_the_answer(there, door):
    hotel, _pms = there
    hold(hotel, Stay(hotel.today() + timedelta(days=7), hotel.today() + timedelta(days=9)))
    warming.warm_up(hotel)
    for ahead in (6, 7, 8, 9):
        for length in (1, 2, 3):
            arrival = hotel.today() + timedelta(days=ahead)
            stay = Stay(arrival, arrival + timedelta(days=length))
            kept, said = door.availability(stay), door.availability(stay, fresh=True)
            assert (kept.source, said.source) == ("cache", "pms")
            assert kept.offers == said.offers


def test_nobody_looks_ahead_at_a_pms_that_rests(there, door, asked):
    hotel, pms = there
    rest(hotel)
    heard = len(pms.requests)
    assert not warming.warm_up(hotel)
    assert len(pms.requests) == heard


def test_nobody_looks_ahead_at_our_own_rooms(app):
    assert not warming.warm_up(hotel_named("miramar"))


def test_the_job_is_for_every_hotel_with_a_pms(there, run_jobs, door, asked):
    jobs.warm_up()
    run_jobs()
    before = asked()
    arrival = there[0].today() + timedelta(days=20)
    assert door.availability(Stay(arrival, arrival + timedelta(days=1))).source == "cache"
    assert asked() == before > 0
