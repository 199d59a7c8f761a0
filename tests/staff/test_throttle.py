"""Failures make whoever tries wait, and nobody else."""

from __future__ import annotations

import pytest
from redis import ConnectionPool, Redis

from hotel_agent.redis import redis
from hotel_agent.staff import throttle
from hotel_agent.staff.throttle import TooManyFailures


@pytest.fixture
def tries(browser):
    def tries(email, password="wrong again", address="192.0.2.7"):
        form = {"email": email, "password": password}
        return browser.post("/login", data=form, environ_overrides={"REMOTE_ADDR": address})

    return tries


@pytest.fixture
def valkey_away(app, monkeypatch):
    nowhere = Redis(connection_pool=ConnectionPool.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.1))
    monkeypatch.setattr(throttle, "quick_redis", lambda: nowhere)
    throttle._shared.cache_clear()
    throttle._own.cache_clear()
    yield
    throttle._shared.cache_clear()
    throttle._own.cache_clear()


def test_after_five_failures_ana_waits_and_is_told_how_long(tries, ana):
    assert [tries(ana.email).status_code for _ in range(5)] == [401] * 5
    answer = tries(ana.email)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert "5 min" in answer.text
    assert f'value="{ana.email}"' in answer.text


def test_the_right_password_does_not_shorten_the_wait(tries, ana, password):
    for _ in range(5):
        tries(ana.email)
    assert tries(ana.email, password).status_code == 429
    redis().flushdb()
    assert tries(ana.email, password).status_code == 303


def test_unknown_accounts_wait_as_well(tries):
    assert [tries("nobody@x.example").status_code for _ in range(6)] == [401] * 5 + [429]


def test_right_passwords_are_never_too_many(tries, ana, password):
    for _ in range(20):
        assert tries(ana.email, password).status_code == 303
    for _ in range(3):
        assert [tries(ana.email).status_code for _ in range(4)] == [401] * 4
        assert tries(ana.email, password).status_code == 303


def test_colleagues_at_the_same_desk_do_not_wait_for_ana(tries, ana, password, with_password):
    luis = with_password("luis@miramar.example")
    for _ in range(10):
        tries(ana.email)
    assert tries(luis.email, password).status_code == 303


def test_strangers_everywhere_are_stopped_but_ana_at_her_own_desk_is_not(tries, ana, password):
    assert tries(ana.email, password, "192.0.2.7").status_code == 303
    statuses = [tries(ana.email, address=f"198.51.100.{number}").status_code for number in range(101)]
    assert statuses == [401] * 100 + [429]
    assert tries(ana.email, password, "203.0.113.5").status_code == 429
    assert tries(ana.email, password, "192.0.2.7").status_code == 303


def test_who_has_stolen_the_password_has_no_more_codes_to_try_than_a_stranger(app):
    """Each address of theirs has signed in with the password, and could otherwise try as many codes as Ana's desk."""
    for number in range(100):
        throttle.attempt("password", "ana@miramar.example", f"198.51.100.{number}").succeeded()
        throttle.attempt("code", "ana@miramar.example", f"198.51.100.{number}")
    throttle.attempt("password", "ana@miramar.example", "198.51.100.200").succeeded()
    with pytest.raises(TooManyFailures):
        throttle.attempt("code", "ana@miramar.example", "198.51.100.200")


def test_one_address_cannot_try_everybody(tries):
    statuses = [tries(f"guest{number}@x.example").status_code for number in range(101)]
    assert statuses == [401] * 100 + [429]


def test_a_whole_ipv6_network_is_one_address():
    assert throttle.neighbourhood("2001:db8::1") == throttle.neighbourhood("2001:db8::ffff:2")
    assert throttle.neighbourhood("2001:db8::1") != throttle.neighbourhood("2001:db8:0:1::1")
    assert throttle.neighbourhood("::ffff:192.0.2.7") == "192.0.2.7"


def test_with_valkey_away_a_process_counts_for_itself(tries, ana, password, valkey_away):
    assert tries(ana.email, password).status_code == 303
    assert [tries(ana.email).status_code for _ in range(6)] == [401] * 5 + [429]


def test_programs_wait_as_well(client, ana, password):
    wrong = {"email": ana.email, "password": "wrong"}
    assert [client.post("/api/auth/token", json=wrong).status_code for _ in range(5)] == [401] * 5
    answer = client.post("/api/auth/token", json={"email": ana.email, "password": password})
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


def test_many_at_once_gain_nothing(app):
    """Each is counted before the password is looked at."""
    for _ in range(5):
        throttle.attempt("password", "ana@miramar.example", "192.0.2.7")
    with pytest.raises(TooManyFailures):
        throttle.attempt("password", "Ana@miramar.example ", "192.0.2.7")


def test_no_address_of_anybody_is_readable_in_valkey(tries, ana):
    tries(ana.email)
    assert not any(b"ana@" in key for key in redis().keys("*"))
