"""Who asks too often is told to wait; nobody else is, and never Meta."""

from __future__ import annotations

import pytest
from redis import ConnectionPool, Redis

from hotel_agent import create_app, metrics
from hotel_agent.config import settings
from hotel_agent.errors import ConfigurationError
from hotel_agent.staff import bearer, rates
from tests.conversations.bodies import said
from tests.reservations.cast import hotel_named

ROOMS = {"hotel": "miramar", "check_in": "x", "check_out": "x", "adults": "2"}
SPANISH = {"Accept": "text/html", "Accept-Language": "es"}


@pytest.fixture
def strict(app, monkeypatch):
    monkeypatch.setattr(settings(), "sign_in_rate", "3 per minute")
    monkeypatch.setattr(settings(), "api_rate", "4 per minute")
    rates.limiter.reset()


@pytest.fixture
def token(app):
    return lambda hotel: {"Authorization": f"Bearer {bearer.create_token(hotel_named(hotel))}"}


def asked(client, headers, address="192.0.2.1"):
    return client.get(
        "/api/pms/availability", query_string=ROOMS, headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )


def test_a_program_that_asks_too_often_is_told_when_to_come_back(strict, client, token):
    ours, theirs = token("miramar"), token("andes")
    before = metrics.requests_shed.labels("rate")._value.get()
    assert [asked(client, ours).status_code for _ in range(6)] == [400, 400, 400, 400, 429, 429]
    answer = asked(client, ours)
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert asked(client, theirs).status_code == 403, "another program's requests are its own"
    assert metrics.requests_shed.labels("rate")._value.get() == before + 3


def test_all_doors_of_the_api_count_together(strict, client, token):
    ours = token("miramar")
    for _ in range(2):
        asked(client, ours)
        client.post("/api/orchestrator/process", json={}, headers=ours)
    assert client.get("/api/reservations", headers=ours).status_code == 429


def test_other_tokens_do_not_help_whoever_makes_them_up(strict, client):
    answers = [asked(client, {"Authorization": f"Bearer made-up-{number}"}) for number in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {401}
    assert answers[20].status_code == 429
    assert asked(client, {}, address="192.0.2.99").status_code == 401


def test_whoever_signs_in_too_often_waits_in_their_own_language_and_may_look_at_the_page(strict, browser):
    form = {"email": "nobody@x.example", "password": "guess"}

    def tries(address="192.0.2.1"):
        return browser.post("/login", data=form, headers=SPANISH, environ_overrides={"REMOTE_ADDR": address})

    assert [tries().status_code for _ in range(4)] == [401, 401, 401, 429]
    answer = tries()
    assert "Demasiados intentos" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert browser.get("/login", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
    assert tries(address="192.0.2.2").status_code == 401
    given = {"email": "nobody@x.example", "password": "guess"}
    assert (
        browser.post("/api/auth/token", json=given, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 429
    )


def test_signed_webhooks_and_probes_are_never_limited(strict, deliver, client):
    assert {deliver(said("hola")).status_code for _ in range(30)} == {200}
    assert {client.get("/healthz").status_code for _ in range(30)} == {200}
    assert {client.get("/api/webhooks/whatsapp").status_code for _ in range(30)} == {403}


def test_while_valkey_is_away_each_process_counts_for_itself(app, monkeypatch):
    nowhere = Redis(connection_pool=ConnectionPool.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.1))
    monkeypatch.setattr(rates, "quick_redis", lambda: nowhere)
    monkeypatch.setattr(settings(), "api_rate", "4 per minute")
    alone = create_app(settings(), ping=False).test_client()
    try:
        answers = [asked(alone, {"Authorization": "Bearer x"}).status_code for _ in range(6)]
    finally:
        monkeypatch.undo()
        rates.limiter.init_app(app)
    assert answers[:4] == [401] * 4
    assert answers[5] == 429


@pytest.mark.parametrize("rate", ["often", "5", "5 per fortnight", "0 per"])
def test_a_rate_that_is_none_is_refused_by_name(monkeypatch, rate):
    monkeypatch.setenv("API_RATE", rate)
    settings.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"API_RATE: .*no rate"):
            settings()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
