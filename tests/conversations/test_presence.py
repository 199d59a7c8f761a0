"""Who looks and who writes: told to the others when it changes, forgotten by itself, and nobody without Valkey."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hotel_agent import live
from hotel_agent.config import settings
from hotel_agent.conversations import presence
from hotel_agent.conversations.presence import Presence, gone, seen, who
from hotel_agent.redis import redis

HOTEL, TALK, OTHER = 1, 11, 12
ANA, LUIS = 1, 2

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def news(monkeypatch) -> list[Any]:
    told: list[Any] = []
    monkeypatch.setattr(live, "tell", lambda topic, **what: told.append((topic, what)))
    return told


@pytest.fixture
def clock(monkeypatch):
    """Time passes when the test says so."""
    now = [time.time()]
    monkeypatch.setattr(presence, "time", lambda: now[0])

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def test_who_looks_and_who_writes(news):
    seen(HOTEL, TALK, ANA, "Ana", writing=True)
    seen(HOTEL, TALK, LUIS, "Luis", writing=False)
    seen(HOTEL, OTHER, LUIS, "Luis", writing=False)
    assert who([TALK, OTHER, 13]) == {
        TALK: [Presence(ANA, "Ana", True), Presence(LUIS, "Luis", False)],
        OTHER: [Presence(LUIS, "Luis", False)],
    }
    assert who([]) == {}


def test_the_others_are_told_only_when_something_has_changed(news):
    for writing in (False, False, True, True, False):
        seen(HOTEL, TALK, ANA, "Ana", writing)
    gone(HOTEL, TALK, ANA)
    gone(HOTEL, TALK, ANA)
    assert news == [("presence", {"hotel": HOTEL, "id": TALK})] * 4
    assert who([TALK]) == {}


def test_who_says_nothing_more_is_forgotten_writing_first(news, clock):
    seen(HOTEL, TALK, ANA, "Ana", writing=True)
    clock(presence.WRITING_SECONDS + 1)
    assert who([TALK]) == {TALK: [Presence(ANA, "Ana", False)]}
    clock(presence.VIEWING_SECONDS)
    assert who([TALK]) == {}
    seen(HOTEL, TALK, ANA, "Ana", writing=False)
    assert len(news) == 2
    assert 0 < redis().pttl(f"presence:{TALK}") <= presence.VIEWING_SECONDS * 1000


def test_somebody_new_does_not_keep_others_there(news, clock):
    seen(HOTEL, TALK, ANA, "Ana", writing=False)
    clock(presence.VIEWING_SECONDS - 1)
    seen(HOTEL, TALK, LUIS, "Luis", writing=False)
    clock(2)
    assert who([TALK]) == {TALK: [Presence(LUIS, "Luis", False)]}


def client(port: int) -> Redis:
    return Redis(port=port, socket_connect_timeout=0.3, socket_timeout=0.3, retry=Retry(NoBackoff(), 0))


def test_without_valkey_nobody_is_there(news, monkeypatch):
    monkeypatch.setattr(presence, "quick_redis", lambda: client(9))
    began = time.monotonic()
    seen(HOTEL, TALK, ANA, "Ana", writing=True)
    gone(HOTEL, TALK, ANA)
    assert who([TALK]) == {}
    assert time.monotonic() - began < 2
    assert news == []


def test_a_valkey_that_hangs_costs_a_moment(impatient, monkeypatch):
    """The program's own client, and a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(settings(), "redis_url", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        for do in (
            lambda: seen(HOTEL, TALK, ANA, "Ana", writing=True),
            lambda: gone(HOTEL, TALK, ANA),
            lambda: who([TALK]),
        ):
            monkeypatch.setattr(presence, "_away", presence._Away())
            began = time.monotonic()
            do()
            assert time.monotonic() - began < 2
