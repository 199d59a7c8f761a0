"""What every request shares: addresses of nothing, and a database that does not answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from hotel_agent import web
from hotel_agent.health import routes as health
from hotel_agent.staff import sessions


@pytest.fixture
def eva(sign_in):
    return sign_in("eva@miramar.example")


@pytest.fixture
def postgres_away(monkeypatch, eva):
    def find(*_args, **_options):
        raise OperationalError("select", {}, Exception("connection refused"))

    monkeypatch.setattr(sessions, "find", find)


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
@pytest.mark.parametrize("address", ["/admin/people/{}", "/admin/tokens/{}/revoke", "/replies/{}",
                                     "/replies/templates/{}", "/conversations/{}", "/media/{}"])  # fmt: skip
def test_a_number_that_no_row_has_is_of_nothing(eva, address, number):
    assert eva.get(address.format(number)).status_code == 404


def test_a_session_that_nobody_has_cannot_be_ended(eva):
    assert eva.post(f"/account/sessions/{2**63}/end").status_code == 404


@pytest.mark.parametrize("address", ["/admin/flags/%00", "/admin/flags/no", "/ops/rq/0/data/jobs/x/y/8/asc/z.json"])
def test_a_name_of_nothing_is_of_nothing(eva, address):
    assert eva.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/reservations?q=%00a", "/reservations/new?room_type=%00", "/guests?x=%00"])
def test_no_address_has_nul_in_what_it_asks(eva, address):
    assert eva.get(address).status_code == 400


def test_while_postgres_is_away_people_are_told_to_try_again(eva, postgres_away):
    answer = eva.get("/admin/people", headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "The hotel cannot be reached right now" in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_while_postgres_is_away_programs_are_told_in_json(eva, postgres_away):
    answer = eva.get("/admin/people", headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"


def test_a_process_that_is_told_to_end_says_so_to_the_proxy(client, monkeypatch):
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr(web, "_is_serving", lambda: False)
    draining = client.get("/readyz")
    assert (draining.status_code, draining.json["status"]) == (503, "draining")
    assert client.get("/healthz").status_code == 200


def test_however_many_ask_whether_it_is_ready_they_have_one_connection_and_no_old_answer(app, monkeypatch):
    many, connections, everybody_came, looks = 20, [], threading.Event(), count(1)

    def clock() -> float:
        looked = next(looks)
        if looked >= many + 1:  # Each when it comes, and the first when it asks.
            everybody_came.set()
        return float(looked)

    def connect(*_given: object, **_more: object) -> None:
        connections.append(1)
        assert everybody_came.wait(20)
        raise psycopg.OperationalError

    monkeypatch.setattr(health, "monotonic", clock)
    monkeypatch.setattr(health, "connect", connect)
    monkeypatch.setattr(health, "_asked_together", health.Together(health._figures))
    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(lambda _: app.test_client().get("/readyz").status_code, range(many)))
    assert answers == [503] * many
    assert len(connections) <= 2, "more than the first's, and one for those who came meanwhile"
    connections.clear()
    assert app.test_client().get("/readyz").status_code == 503
    assert len(connections) == 1
