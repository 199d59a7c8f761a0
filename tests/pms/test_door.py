"""One path for every call: how long it may take, what is asked again, and how many requests a hotel makes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import REGISTRY

from hotel_agent import redis as valkey
from hotel_agent.config import settings
from hotel_agent.errors import BadInput
from hotel_agent.hotels import changing
from hotel_agent.pms import breaker, door, limits
from hotel_agent.pms.contract import HoldRequest, OutcomeUnknown, PmsUnavailable, RoomRequest
from hotel_agent.pms.door import Resting, Rule, pms_for
from hotel_agent.pms.limits import NotOurTurn
from hotel_agent.pms.qloapps.client import Client
from hotel_agent.redis import RedisConnectionError, redis
from tests.fakes import qloapps as far
from tests.pms.at_a_pms import at_a_pms
from tests.reservations.cast import guest_of, hotel_named, nights


@pytest.fixture
def there(app, monkeypatch):
    with at_a_pms("andes", monkeypatch) as (hotel, pms):
        yield hotel, pms


@pytest.fixture
def without_valkey(monkeypatch):
    """Nobody listens where this process looks for what it can do without."""

    def away(_work):
        raise RedisConnectionError("nobody listens")

    for module in (breaker, limits):
        monkeypatch.setattr(module, "spared", away)
    monkeypatch.setattr(breaker, "_own", {})
    monkeypatch.setattr(limits, "_own", {})


class Gate(ThreadingHTTPServer):
    """What stands before a PMS: answers with `status` and `headers`, and knows when it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked_at: list[float] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Gate

    def do_GET(self) -> None:
        self.server.asked_at.append(time.monotonic())
        status, headers = self.server.status, self.server.headers
        self.server.status, self.server.headers = 200, {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gate(app) -> Iterator[Gate]:
    with Gate() as gate:
        threading.Thread(target=gate.serve_forever, args=(0.02,), daemon=True).start()
        yield gate
        gate.shutdown()


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def free(hotel, stay=None):
    return pms_for(hotel).availability(stay or nights(0, 1), fresh=True)


# What is asked again


@pytest.mark.parametrize("fault", [far.unavailable(503), far.unavailable(502), far.reset_before_write()])
def test_a_question_that_was_turned_down_at_once_is_asked_again(there, fault):
    hotel, pms = there
    before = figure("pms_retries_total", operation="availability")
    pms.inject(fault, path="/hotel_ari", times=2)
    assert free(hotel).offers
    assert figure("pms_retries_total", operation="availability") == before + 2
    assert breaker.state_of("qloapps:andes") == 0


def test_nobody_is_asked_more_than_three_times(there):
    hotel, pms = there
    pms.inject(far.unavailable(), path="/hotel_ari", times=None)
    with pytest.raises(PmsUnavailable):
        free(hotel)
    assert len(pms.heard("POST", "hotel_ari")) == door.ATTEMPTS


def test_every_attempt_counts_for_the_breaker(there):
    hotel, pms = there
    pms.inject(far.unavailable(), path="/hotel_ari", times=None)
    for _ in range(2):
        with pytest.raises(PmsUnavailable):
            free(hotel)
    assert len(pms.heard("POST", "hotel_ari")) == breaker.FAIL_MAX
    assert breaker.state_of("qloapps:andes") == 1


def test_a_write_is_never_asked_again_by_the_door(there):
    hotel, pms = there
    kind = pms_for(hotel).room_kinds()[0].code
    pms.inject(far.unavailable(), method="POST", path="/bookings", times=None)
    pms.inject(far.unavailable(), method="GET", path="/orders", times=None)
    request = HoldRequest(nights(0, 1), (RoomRequest(kind, 1),), guest_of(hotel), "k1")
    with pytest.raises(OutcomeUnknown):
        pms_for(hotel).hold(request)
    assert len(pms.heard("POST", "bookings")) == 1


def test_whoever_has_used_up_the_time_is_not_asked_again(there, monkeypatch):
    hotel, pms = there
    pms_for(hotel).room_kinds()
    monkeypatch.setitem(door.RULES, "availability", Rule(0.4))
    until = threading.Event()
    pms.inject(far.hang(until), path="/hotel_ari", times=None)
    started = time.monotonic()
    with pytest.raises(PmsUnavailable):
        free(hotel)
    assert 0.3 < time.monotonic() - started < 3
    assert len(pms.heard("POST", "hotel_ari")) == 1
    until.set()


def test_several_requests_share_the_time_of_one_call(there, monkeypatch):
    """Each of them would be quick enough alone."""
    hotel, pms = there
    monkeypatch.setitem(door.RULES, "room_kinds", Rule(1.0))
    pms.inject(far.latency(0.7), times=None)
    started = time.monotonic()
    with pytest.raises(PmsUnavailable):
        pms_for(hotel).room_kinds(fresh=True)
    assert time.monotonic() - started < 3


def test_an_answer_that_stops_in_the_middle_has_no_longer_than_the_rest(there, monkeypatch, gate):
    """httpx gives every step of a request the whole time."""
    _hotel, _pms = there
    silent = threading.Event()

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        silent.wait(1.8)
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.wfile.flush()
        silent.wait(5)

    monkeypatch.setattr(Handler, "do_GET", answer)
    started = time.monotonic()
    with pytest.raises(PmsUnavailable):
        Client(gate.url, "key", read_seconds=2.0).read("orders")
    assert time.monotonic() - started < 3.5
    silent.set()


@pytest.mark.parametrize("slowly", ["headers", "body", "chunks"])
def test_an_answer_that_drips_has_no_longer_than_the_rest(app, monkeypatch, gate, slowly):
    """Each byte of it comes in time."""
    over = threading.Event()
    begin = {
        "headers": b"HTTP/1.1 200 OK\r\nX-Slow: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    }

    def answer(handler):
        handler.wfile.write(begin[slowly])
        for _ in range(100):
            if over.wait(0.1):
                return
            try:
                handler.wfile.write(b"a")
            except OSError:
                return

    monkeypatch.setattr(Handler, "do_GET", answer)
    started = time.monotonic()
    with pytest.raises(PmsUnavailable):
        Client(gate.url, "key", read_seconds=0.7).read("orders")
    over.set()
    assert time.monotonic() - started < 5


def test_what_comes_after_the_time_is_nobodys_answer(there, monkeypatch):
    hotel, pms = there
    pms_for(hotel).room_kinds()
    monkeypatch.setitem(door.RULES, "availability", Rule(0.4))
    pms.inject(far.latency(0.8), path="/hotel_ari", times=1)
    with pytest.raises(PmsUnavailable):
        free(hotel, nights(0, 1))
    assert free(hotel, nights(5, 2)).stay == nights(5, 2)


# Retry-After


@pytest.mark.parametrize("in_words", [False, True])
@pytest.mark.parametrize("status", [429, 503])
def test_a_pms_that_wants_to_be_left_alone_is(app, gate, status, in_words):
    hotel = hotel_named("andes")
    at = datetime.now(UTC) + timedelta(seconds=3)
    gate.status, gate.headers = status, {"Retry-After": format_datetime(at, usegmt=True) if in_words else "1"}
    client = Client(gate.url, "key")
    assert door.call(hotel, "read", lambda: client.read("orders")) == {}
    first, second = gate.asked_at
    assert second - first >= (1.0 if in_words else 0.99)


def test_whoever_else_asks_meanwhile_waits_too(app, gate):
    hotel = hotel_named("andes")
    gate.status, gate.headers = 429, {"Retry-After": "1"}
    client = Client(gate.url, "key")
    with pytest.raises(PmsUnavailable):
        door.call(hotel, "book", lambda: client.read_xml("orders"))
    assert door.call(hotel, "read", lambda: client.read("orders")) == {}
    first, second = gate.asked_at
    assert second - first >= 0.99


def test_nobody_waits_longer_than_there_is_time(app, gate):
    hotel = hotel_named("andes")
    gate.status, gate.headers = 503, {"Retry-After": "120"}
    client = Client(gate.url, "key")
    started = time.monotonic()
    for _ in range(10):
        with pytest.raises(PmsUnavailable):
            door.call(hotel, "room_kinds", lambda: client.read("orders"))
    assert time.monotonic() - started < 10
    assert len(gate.asked_at) == 1
    assert breaker.state_of("local:andes") == 0


# How many requests


def _asks(hotel, gate, times: int, **how) -> float:
    client = Client(gate.url, "key")
    started = time.monotonic()
    for _ in range(times):
        door.call(hotel, "read", lambda: client.read("orders"))
    return time.monotonic() - started


def test_a_hotel_makes_no_more_requests_than_it_may(app, gate):
    hotel = hotel_named("andes")
    changing.change(hotel.id, {"pms_rate": "20"})
    burst = int(20 * limits.BURST_SECONDS)
    assert _asks(hotel, gate, burst + 20) >= 0.9


def test_what_is_asked_again_counts_as_well(app, gate, monkeypatch):
    """A storm of repetitions is no way around the limit."""
    hotel = hotel_named("andes")
    changing.change(hotel.id, {"pms_rate": "5"})
    monkeypatch.setattr(breaker, "FAIL_MAX", 1000)
    client = Client(gate.url, "key")

    def turned_down(handler):
        handler.server.asked_at.append(time.monotonic())
        handler.send_response(503)
        handler.end_headers()

    monkeypatch.setattr(Handler, "do_GET", turned_down)
    started = time.monotonic()
    for _ in range(7):
        with pytest.raises(PmsUnavailable):
            door.call(hotel, "room_kinds", lambda: client.read("orders"))
    assert len(gate.asked_at) > 7
    assert len(gate.asked_at) <= 5 * limits.BURST_SECONDS + 5 * (time.monotonic() - started) + 1


def test_valkeys_clock_put_back_stops_nobody(app, gate):
    hotel = hotel_named("andes")
    redis().hset(f"pms:turns:{hotel.id}", "given", int((time.time() + 7200) * 1_000_000))
    assert _asks(hotel, gate, 3) < 2


def test_the_limit_holds_without_valkey_in_each_process_for_its_share(app, gate, without_valkey, monkeypatch):
    hotel = hotel_named("andes")
    changing.change(hotel.id, {"pms_rate": "40"})
    monkeypatch.setattr(settings(), "workers", 2)
    assert _asks(hotel, gate, int(20 * limits.BURST_SECONDS) + 20) >= 0.9


def test_two_hotels_have_a_limit_each(app, gate):
    andes, miramar = hotel_named("andes"), hotel_named("miramar")
    for hotel in (andes, miramar):
        changing.change(hotel.id, {"pms_rate": "10"})
    assert _asks(andes, gate, 20) + _asks(miramar, gate, 20) < 1.5


def test_our_own_limit_opens_no_breaker(app, gate, monkeypatch):
    hotel = hotel_named("andes")
    changing.change(hotel.id, {"pms_rate": "1"})
    monkeypatch.setitem(door.RULES, "read", Rule(0.2))
    client = Client(gate.url, "key")
    outcomes = []
    for _ in range(20):
        try:
            outcomes.append(door.call(hotel, "read", lambda: client.read("orders")))
        except NotOurTurn:
            outcomes.append(None)
    assert outcomes[:2] == [{}, {}]
    assert outcomes.count(None) > 10
    assert breaker.state_of("local:andes") == 0


def test_what_was_made_of_our_own_limit_opens_none_either(app):
    hotel = hotel_named("andes")

    def look_up():
        try:
            raise NotOurTurn("too many")
        except PmsUnavailable as away:
            raise OutcomeUnknown("not looked up") from away

    for _ in range(10):
        with pytest.raises(OutcomeUnknown):
            door.call(hotel, "hold", look_up)
    assert breaker.state_of("local:andes") == 0


def test_work_in_the_background_leaves_room_for_those_who_wait(app, gate):
    hotel = hotel_named("andes")
    changing.change(hotel.id, {"pms_rate": "10"})
    with limits.in_background():
        assert _asks(hotel, gate, 18) >= 0.75
    assert _asks(hotel, gate, 8) < 0.7


def test_the_rate_is_a_setting_of_the_hotel(app):
    hotel = hotel_named("andes")
    for wrong in ("0", "-1", "many", "1001"):
        with pytest.raises(BadInput):
            changing.change(hotel.id, {"pms_rate": wrong})
    assert changing.change(hotel.id, {"pms_rate": "7"}) == ["pms_rate"]


# The breaker


def test_a_trial_that_never_reached_the_pms_lets_the_next_try(app, monkeypatch):
    monkeypatch.setattr(settings(), "pms_reset_seconds", 0.2)
    hotel = hotel_named("andes")

    def fails():
        raise PmsUnavailable("away")

    def not_our_turn():
        raise NotOurTurn("too many")

    for _ in range(5):
        with pytest.raises(PmsUnavailable):
            door.call(hotel, "read", fails)
    with pytest.raises(Resting):
        door.call(hotel, "read", lambda: "asked")
    threading.Event().wait(door.rest_left(hotel) + 0.02)
    with pytest.raises(NotOurTurn):
        door.call(hotel, "read", not_our_turn)
    assert door.call(hotel, "read", lambda: "back") == "back"


def test_how_long_it_still_rests_is_known(app, monkeypatch):
    monkeypatch.setattr(settings(), "pms_reset_seconds", 20)
    hotel = hotel_named("andes")
    assert door.rest_left(hotel) == 0
    for _ in range(5):
        with pytest.raises(PmsUnavailable):
            door.call(hotel, "read", lambda: (_ for _ in ()).throw(PmsUnavailable("away")))
    assert 19 < door.rest_left(hotel) <= 20


def test_what_all_knew_is_known_when_valkey_goes_away(app, monkeypatch):
    hotel = hotel_named("andes")
    for _ in range(5):
        with pytest.raises(PmsUnavailable):
            door.call(hotel, "read", lambda: (_ for _ in ()).throw(PmsUnavailable("away")))

    def away(_work):
        raise RedisConnectionError("nobody listens")

    monkeypatch.setattr(breaker, "spared", away)
    with pytest.raises(Resting):
        door.call(hotel, "read", lambda: "asked")


def test_a_valkey_that_is_away_is_not_waited_for_at_every_call(app, monkeypatch):
    asked = []

    def fails(client):
        asked.append(client)
        raise RedisConnectionError("nobody listens")

    monkeypatch.setattr(valkey._away, "until", 0.0)
    for _ in range(5):
        with pytest.raises(RedisConnectionError):
            valkey.spared(fails)
    assert len(asked) == 1
    assert redis().ping()
