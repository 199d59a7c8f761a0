"""GET /api/pms/availability: what is free, from what is kept or asked by a worker; the web process asks no PMS."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hotel_agent.pms import breaker, caching, wire
from hotel_agent.pms.contract import PmsUnavailable
from hotel_agent.pms.door import breaker_name, call, pms_for
from hotel_agent.redis import RedisConnectionError, redis
from hotel_agent.reservations import routes
from hotel_agent.staff import bearer
from tests.fakes import qloapps as far
from tests.pms.at_a_pms import at_a_pms
from tests.reservations.cast import day, fill, hotel_named, nights

URL = "/api/pms/availability"


@pytest.fixture
def there(app, monkeypatch):
    caching._memory = caching._Memory()
    with at_a_pms("andes", monkeypatch) as (hotel, pms):
        yield hotel, pms


@pytest.fixture
def asks(client):
    """`asks("andes", 0, 2)`: a program of that hotel's asks for two nights."""
    tokens: dict[str, str] = {}

    def ask(slug: str = "andes", first: int = 0, count: int = 1, by: str = "", **given: Any) -> Any:
        owner = by or slug
        if owner not in tokens:
            tokens[owner] = bearer.create_token(hotel_named(owner))
        query = {
            "hotel": slug,
            "check_in": str(day(first)),
            "check_out": str(day(first + count)),
            "adults": "2",
            "children": "0",
        } | given
        wanted = {name: value for name, value in query.items() if value is not None}
        return client.get(URL, query_string=wanted, headers={"Authorization": f"Bearer {tokens[owner]}"})

    return ask


def rest(hotel) -> None:
    for _ in range(breaker.FAIL_MAX):
        with pytest.raises(PmsUnavailable):
            call(hotel, "read", lambda: (_ for _ in ()).throw(PmsUnavailable("away")))


def nobody_asks_here(monkeypatch) -> None:
    """Whoever asks a PMS from this thread, which is the web process's, fails the test."""
    web, really = threading.get_ident(), wire.exchange

    def asked(*given: Any, **more: Any) -> Any:
        assert threading.get_ident() != web, "the web process asks the PMS"
        return really(*given, **more)

    for module in ("hotel_agent.pms.qloapps.client.exchange", "hotel_agent.pms.wire.exchange"):
        monkeypatch.setattr(module, asked)


# The answer


def test_our_own_rooms_are_told_as_they_are(app, asks, api_worker):
    miramar = hotel_named("miramar")
    fill(miramar, "suite", nights(0, 2))
    began = datetime.now(UTC).replace(microsecond=0)
    answer = asks("miramar", 0, 2)
    assert answer.status_code == 200, answer.text
    told = answer.json
    assert {name: told[name] for name in ("hotel", "check_in", "check_out", "nights", "currency", "source")} == {
        "hotel": "miramar",
        "check_in": str(day(0)),
        "check_out": str(day(2)),
        "nights": 2,
        "currency": "EUR",
        "source": "pms",
    }
    assert began <= datetime.fromisoformat(told["as_of"]) <= datetime.now(UTC)
    kinds = {kind["code"]: kind for kind in told["room_types"]}
    assert {code: (kind["capacity"], kind["free"], kind["nightly"], kind["total"]) for code, kind in kinds.items()} == {
        "individual": (1, 10, "65.00", "130.00"),
        "doble": (2, 14, "95.00", "190.00"),
        "familiar": (4, 8, "140.00", "280.00"),
        "suite": (2, 0, "210.00", "420.00"),
    }
    assert all(kind["name"] for kind in kinds.values())


def test_a_pms_is_asked_by_a_worker_and_once(there, asks, api_worker, monkeypatch):
    _hotel, pms = there
    nobody_asks_here(monkeypatch)
    first, second = asks(), asks()
    assert [answer.json["source"] for answer in (first, second)] == ["pms", "cache"]
    assert {**first.json, "source": ""} == {**second.json, "source": ""}
    assert len(pms.heard("POST", "hotel_ari")) == 1
    for kind in first.json["room_types"]:
        assert str(Decimal(kind["total"])) == kind["total"]


def test_what_is_kept_needs_no_worker(there, asks):
    """Nobody works here, so whatever had to wait for a job would wait in vain."""
    hotel, _pms = there
    pms_for(hotel).availability(nights(0, 1))
    started = time.monotonic()
    answer = asks()
    assert (answer.status_code, answer.json["source"]) == (200, "cache")
    assert time.monotonic() - started < 5


# While the PMS is away


def test_a_pms_that_rests_and_of_which_nothing_is_known_is_503(there, asks, api_worker):
    hotel, pms = there
    rest(hotel)
    heard = len(pms.requests)
    started = time.monotonic()
    answer = asks()
    assert time.monotonic() - started < 5
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    left = breaker.rest_of(breaker_name(hotel))
    assert left <= int(answer.headers["Retry-After"]) <= breaker.reset_seconds()
    assert len(pms.requests) == heard


def test_what_was_said_before_it_went_away_is_stale_with_its_time(there, asks, api_worker):
    hotel, _pms = there
    said = asks().json
    caching.invalidate(hotel)
    rest(hotel)
    old = asks()
    assert old.status_code == 200
    assert old.json == {**said, "source": "stale"}


def test_a_pms_that_fails_and_does_not_rest_yet_is_503_though_something_was_said(there, asks, api_worker):
    hotel, pms = there
    assert asks().status_code == 200
    caching.invalidate(hotel)
    pms.inject(far.unavailable(500), path="/hotel_ari", times=None)
    answer = asks()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_pms_that_hangs_is_503_in_time_and_at_once_when_it_rests(there, asks, api_worker, monkeypatch):
    hotel, pms = there
    until = threading.Event()
    monkeypatch.setattr(routes, "JOB_SECONDS", 0.5)
    asks(first=20)
    pms.inject(far.hang(until), path="/hotel_ari", times=None)
    for number in range(breaker.FAIL_MAX):
        started = time.monotonic()
        assert asks(first=number).status_code == 503
        assert time.monotonic() - started < 3
    heard = len(pms.requests)
    sixth = asks(first=9)
    assert len(pms.requests) == heard
    assert sixth.status_code == 503
    assert int(sixth.headers["Retry-After"]) > 5
    assert breaker.state_of(breaker_name(hotel)) == 1
    until.set()


def test_without_workers_or_without_valkey_it_is_503(there, asks, monkeypatch):
    monkeypatch.setattr(routes, "WAIT_SECONDS", 1)
    assert asks().status_code == 503

    def away(*_: Any, **__: Any) -> None:
        raise RedisConnectionError("nobody listens")

    for module in (breaker, caching):
        monkeypatch.setattr(module, "spared", away)
    monkeypatch.setattr("hotel_agent.queues.patient_redis", away)
    answer = asks()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


# Who may ask, and for what


def test_only_the_hotels_own_programs_ask(app, client, asks):
    assert client.get(URL, query_string={"hotel": "andes"}).status_code == 401
    assert asks("miramar", by="andes").status_code == 403
    assert asks("nowhere", by="andes").status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"hotel": None}, "hotel"),
        ({"check_in": None}, "check_in"),
        ({"check_in": "2027-02-30"}, "check_in"),
        ({"check_in": "01/02/2027"}, "check_in"),
        ({"check_in": day(0).strftime("%Y%m%d")}, "check_in"),
        ({"check_in": day(0).strftime("%G-W%V-%u")}, "check_in"),
        ({"check_out": None}, "check_out"),
        ({"check_out": "soon"}, "check_out"),
        ({"check_out": str(day(0))}, "check_out"),
        ({"check_out": str(day(-1))}, "check_out"),
        ({"check_in": str(date.today() - timedelta(days=3))}, "check_in"),
        ({"check_out": str(day(2000))}, "check_out"),
        ({"adults": "0"}, "adults"),
        ({"adults": "two"}, "adults"),
        ({"adults": "-1"}, "adults"),
        ({"adults": "1.5"}, "adults"),
        ({"adults": "٢"}, "adults"),
        ({"adults": "9" * 400}, "adults"),
        ({"children": "-1"}, "children"),
        ({"children": ""}, "children"),
    ],
)
def test_what_is_wrong_is_named(app, asks, given, field):
    answer = asks("miramar", by="miramar", **given)
    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["field"] == field
    assert not redis().keys("rq:job:*")
