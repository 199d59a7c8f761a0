"""Reservations for programs: one key is one booking, whatever dies in between, and nobody sees another hotel's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import text, update

from hotel_agent import ROOT
from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.guests.models import Guest
from hotel_agent.hotels import changing as hotel_settings
from hotel_agent.hotels.finding import by_slug
from hotel_agent.pms.contract import OutcomeUnknown, PmsUnavailable
from hotel_agent.pms.door import Door
from hotel_agent.redis import redis
from hotel_agent.reservations.api import doing, keeping
from hotel_agent.reservations.api.models import ApiRequest
from hotel_agent.reservations.booking import upcoming_of
from hotel_agent.staff import accounts, bearer
from tests.fakes import qloapps as far
from tests.reservations.cast import all_at_once, day, fill, hotel_named, nights, overlapping_claims
from tests.workers.test_statements import statements
from workers import integrations, upkeep

URL = "/api/reservations"


@pytest.fixture
def worker(api_worker: None) -> None:
    """Somebody does what is asked."""


class Program:
    """A program of Miramar's, or of another hotel's, with a token of its own."""

    def __init__(self, app: Flask, slug: str = "miramar", token: str | None = None) -> None:
        self.app, self.slug = app, slug
        self.token = token or bearer.create_token(by_slug(slug))
        self.keys = 0

    def ask(self, method: str, path: str = "", key: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.app.test_client().open(URL + path, method=method, headers=headers, **more)

    def books(self, key: str | None = None, **given: Any) -> Any:
        self.keys += 1
        return self.ask("POST", key=key or f"key-{self.keys}", json=self.body(**given))

    def body(self, first: int = 0, count: int = 3, **given: Any) -> dict[str, Any]:
        asked = {
            "hotel": self.slug,
            "check_in": day(first).isoformat(),
            "check_out": day(first + count).isoformat(),
            "adults": 2,
            "room_type": "doble",
            "guest": {"name": "Marta García"},
            **given,
        }
        return {name: value for name, value in asked.items() if value is not ...}

    def lists(self, **wanted: Any) -> Any:
        return self.ask("GET", query_string={"hotel": self.slug, **wanted})

    def shows(self, code: str) -> Any:
        return self.ask("GET", f"/{code}", query_string={"hotel": self.slug})

    def changes(self, code: str, key: str | None = None, **given: Any) -> Any:
        return self.ask("PATCH", f"/{code}", key=key, query_string={"hotel": self.slug}, json=given)

    def cancels(self, code: str, key: str | None = None, **given: Any) -> Any:
        return self.ask("DELETE", f"/{code}", key=key, query_string={"hotel": self.slug, **given})


@pytest.fixture
def crm(app: Flask) -> Program:
    return Program(app)


@pytest.fixture
def miramar(app: Flask) -> Any:
    return hotel_named("miramar")


def is_problem(answer: Any, status: int, field: str | None = None, code: str | None = None) -> bool:
    assert answer.content_type == "application/problem+json", answer.text
    assert answer.json["status"] == answer.status_code == status, answer.text
    assert answer.json["detail"]
    if code is not None:
        assert answer.json["code"] == code, answer.text
    return answer.json.get("field") == field


def booked() -> int:
    """How many bookings there are of those days on which nobody books but these tests."""
    found: int = db.session.execute(
        text("select count(*) from reservations where check_in between :first and :last"),
        {"first": day(0), "last": day(35)},
    ).scalar_one()
    db.session.rollback()
    return found


def audit() -> list[tuple[str, str, str]]:
    rows = db.session.query(AuditEntry.action, AuditEntry.subject, AuditEntry.actor).order_by(AuditEntry.id)
    found = [(row.action, row.subject, row.actor) for row in rows if row.action.startswith("reservation_")]
    db.session.rollback()
    return found


# Booking


def test_a_booking_is_told_as_it_was_read_back(crm, worker, miramar):
    answer = crm.books(children=1, children_ages=[1], expected_total="285.00")
    assert answer.status_code == 201, answer.text
    told = answer.json
    assert answer.headers["Location"] == f"{URL}/{told['code']}?hotel=miramar"
    assert {name: told[name] for name in ("status", "nights", "adults", "children", "total", "currency")} == {
        "status": "booked", "nights": 3, "adults": 2, "children": 1, "total": "285.00", "currency": "EUR",
    }  # fmt: skip
    assert [(room["room_type"], room["name"], room["price"]) for room in told["rooms"]] == [
        ("doble", "Habitación doble", "285.00")
    ]
    assert told["rooms"][0]["number"]
    assert told["guest_name"] == "Marta García"
    free_until = datetime.combine(day(0), miramar.check_in_time, ZoneInfo("Europe/Madrid")) - timedelta(hours=48)
    assert datetime.fromisoformat(told["cancellation"]["free_until"]) == free_until
    assert (told["cancellation"]["fee_now"], told["cancellation"]["fee"]) == ("0.00", None)
    shown = crm.shows(told["code"]).json
    assert shown == told | {"changed_at": shown["changed_at"]}
    row = db.session.execute(text("select status, total from reservations where code = :code"), told).one()
    assert tuple(row) == ("booked", Decimal("285.00"))


def test_without_a_kind_of_room_the_cheapest_that_fits_is_booked(crm, worker):
    assert crm.books(room_type=..., adults=1).json["rooms"][0]["room_type"] == "individual"
    assert crm.books(room_type=..., adults=3).json["rooms"][0]["room_type"] == "familiar"


def test_several_rooms_each_with_their_own_people(crm, worker):
    rooms = [
        {"room_type": "doble", "adults": 2, "children": 1, "children_ages": [0]},
        {"room_type": "familiar", "adults": 1, "children": 3},
    ]
    told = crm.books(room_type=..., adults=..., rooms=rooms).json
    assert (told["adults"], told["children"], told["total"]) == (3, 4, "705.00")
    assert [(room["room_type"], room["adults"], room["children"]) for room in told["rooms"]] == [
        ("doble", 2, 1),
        ("familiar", 1, 3),
    ]


def test_a_price_other_than_expected_books_nothing(crm, worker, miramar):
    answer = crm.books(expected_total=284)
    assert is_problem(answer, 409, code="price_changed")
    assert (answer.json["total"], answer.json["currency"]) == ("285.00", "EUR")
    assert booked() == 0
    assert db.session.execute(text("select count(*) from reservation_locks where status = 'active'")).scalar() == 0


def test_a_price_that_changes_while_the_rooms_are_held_books_nothing(crm, worker, monkeypatch):
    """Another price is in force by the time the rooms are kept."""
    choose = doing._chosen

    def then_dearer(*args: Any) -> Any:
        chosen = choose(*args)
        db.session.execute(
            text(
                "update rates set price = price + 5 where night = :night and room_type_id in"
                " (select id from room_types where code = 'doble')"
            ),
            {"night": day(1)},
        )
        db.session.commit()
        return chosen

    monkeypatch.setattr(doing, "_chosen", then_dearer)
    try:
        answer = crm.books(expected_total="285.00")
    finally:
        db.session.execute(
            text(
                "update rates set price = price - 5 where night = :night and room_type_id in"
                " (select id from room_types where code = 'doble')"
            ),
            {"night": day(1)},
        )
        db.session.commit()
    assert is_problem(answer, 409, code="price_changed")
    assert answer.json["total"] == "290.00"
    assert booked() == 0
    statuses = db.session.execute(
        text("select distinct status from reservation_locks where check_in = :day"), {"day": day(0)}
    )
    assert statuses.scalars().all() == ["released"]


def test_a_full_house_is_told_with_what_there_is_instead(crm, worker, miramar):
    fill(miramar, "suite", nights(0, 3))
    answer = crm.books(room_type="suite")
    assert is_problem(answer, 409, code="room_taken")
    instead = answer.json["alternatives"]
    same_days = [one for one in instead if one["check_in"] == day(0).isoformat()]
    other_days = [one for one in instead if one["check_in"] != day(0).isoformat()]
    assert [(one["rooms"][0]["room_type"], one["total"]) for one in same_days] == [
        ("doble", "285.00"),
        ("familiar", "420.00"),
    ]
    assert {one["rooms"][0]["room_type"] for one in other_days} == {"suite"}
    assert booked() == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"check_in": ...}, "check_in"),
        ({"check_in": "2027-2-1"}, "check_in"),
        ({"check_in": 7}, "check_in"),
        ({"check_out": day(0).isoformat()}, "check_out"),
        ({"check_in": "2001-01-01", "check_out": "2001-01-02"}, "check_in"),
        ({"check_out": day(50).isoformat()}, "check_out"),
        ({"check_in": "2190-01-01", "check_out": "2190-01-03"}, "check_out"),
        ({"adults": ...}, "adults"),
        ({"adults": 0}, "adults"),
        ({"adults": True}, "adults"),
        ({"adults": "2"}, "adults"),
        ({"adults": 21, "room_type": ...}, "adults"),
        ({"children": -1}, "children"),
        ({"children": 1, "children_ages": [3, 4]}, "children_ages"),
        ({"children": 1, "children_ages": [18]}, "children_ages"),
        ({"room_type": "iglú"}, "room_type"),
        ({"room_type": ""}, "room_type"),
        ({"room_type": "a\x00b"}, "room_type"),
        ({"room_type": "individual"}, "room_type"),
        ({"rooms": []}, "rooms"),
        ({"rooms": [{"room_type": "doble", "adults": 2}]}, "rooms"),
        ({"room_type": ..., "rooms": [{"room_type": "iglú", "adults": 2}]}, "rooms[0].room_type"),
        ({"room_type": ..., "rooms": [{"room_type": "individual", "adults": 2}]}, "rooms[0].room_type"),
        ({"room_type": ..., "rooms": [{"room_type": "doble", "adults": 1}]}, "adults"),
        ({"room_type": ..., "rooms": [{"room_type": "doble", "adults": 2, "beds": 2}]}, "rooms[0].beds"),
        ({"guest": ...}, "guest"),
        ({"guest": {"name": " "}}, "guest.name"),
        ({"guest": {"name": "Ana", "phone": "600123456"}}, "guest.phone"),
        ({"guest": {"name": "Ana", "language": "xx"}}, "guest.language"),
        ({"guest": {"name": "Ana", "email": "a@b.example"}}, "guest.email"),
        ({"expected_total": "much"}, "expected_total"),
        ({"expected_total": "1e400"}, "expected_total"),
        ({"expected_total": -1}, "expected_total"),
        ({"hold_only": True}, "hold_only"),
        ({"hotel": ...}, "hotel"),
        ({"hotel": "mira\x00mar"}, "hotel"),
    ],
)  # fmt: skip
def test_what_cannot_be_booked_is_told_with_its_field(crm, worker, given, field):
    answer = crm.books("the-key", **given)
    assert is_problem(answer, 400, field)
    assert booked() == 0
    assert crm.books("the-key").status_code == 201  # What was refused has used up no key.


def test_a_body_that_is_none(crm, worker):
    assert is_problem(crm.ask("POST", key="k", data="{", content_type="application/json"), 400, "hotel")
    assert is_problem(crm.ask("POST", key="k", json=["hotel"]), 400, "hotel")
    assert is_problem(crm.ask("POST", key="k", data="[" * 100_000), 400, "hotel")
    assert is_problem(crm.ask("DELETE", "/MIR-222222", query_string={"hotel": "miramar"}, data="x"), 400, "body")


def test_nobody_books_without_a_key(crm, worker):
    assert is_problem(crm.ask("POST", json=crm.body()), 400, "Idempotency-Key")
    assert is_problem(crm.ask("POST", key="", json=crm.body()), 400, "Idempotency-Key")
    assert is_problem(crm.ask("POST", key="x" * 256, json=crm.body()), 400, "Idempotency-Key")
    assert booked() == 0


# One key, one booking


def test_the_same_key_and_body_is_told_the_same_again(crm, worker):
    first, again, quoted = crm.books("k1"), crm.books("k1"), crm.books('"k1"')
    assert first.status_code == again.status_code == quoted.status_code == 201
    assert first.json == again.json == quoted.json
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert booked() == 1
    assert [entry[0] for entry in audit()] == ["reservation_booked"]


def test_a_refusal_is_told_again_too(crm, worker, miramar):
    fill(miramar, "suite", nights(0, 3))
    assert is_problem(crm.books("k1", room_type="suite"), 409, code="room_taken")
    db.session.execute(text("delete from reservation_locks where hold_key like 'full:%'"))
    db.session.commit()
    again = crm.books("k1", room_type="suite")
    assert is_problem(again, 409, code="room_taken")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert crm.books("k2", room_type="suite").status_code == 201


def test_the_same_key_for_something_else_is_refused(crm, worker):
    code = crm.books("k1").json["code"]
    assert is_problem(crm.books("k1", adults=1), 422, "Idempotency-Key", "key_reused")
    assert is_problem(crm.cancels(code, "k1"), 422, "Idempotency-Key", "key_reused")
    assert crm.shows(code).json["status"] == "booked"


def test_keys_are_each_callers_and_each_hotels_own(app, crm, worker):
    other, andes = Program(app), Program(app, "andes")
    assert crm.books("k1").json["code"] != other.books("k1").json["code"]
    assert andes.books("k1", room_type=..., adults=1).json["code"].startswith("AND-")
    assert booked() == 3


def test_twenty_at_once_with_one_key_book_once(app, crm, worker):
    found = at_once(20, lambda _: crm.books("k1"))
    counts = Counter(answer.status_code for answer in found)
    assert counts[201] >= 1
    assert set(counts) <= {201, 409}
    assert all(is_problem(answer, 409, code="in_progress") for answer in found if answer.status_code == 409)
    assert len({answer.json["code"] for answer in found if answer.status_code == 201}) == 1
    assert booked() == 1
    assert crm.books("k1").headers["Idempotent-Replayed"] == "true"


def test_twenty_at_once_for_the_last_suite(app, crm, worker, miramar):
    fill(miramar, "suite", nights(0, 3), leave=1)
    found = at_once(20, lambda number: crm.books(f"k{number}", room_type="suite"))
    assert Counter(answer.status_code for answer in found) == {201: 1, 409: 19}
    assert all(is_problem(answer, 409, code="room_taken") for answer in found if answer.status_code == 409)
    assert booked() == 1
    assert overlapping_claims() == 0


def test_twenty_workers_at_one_request_book_once(app, crm, miramar):
    """Redelivered, swept and asked again at the same moment."""
    request_id = kept(crm)
    told = all_at_once(app, 20, lambda _: integrations.carry_out(request_id))
    assert {answer["body"]["code"] for answer in told if answer} == {
        one("select code from reservations where request_key = :key", key=f"api:{request_id}")
    }
    assert booked() == 1
    assert overlapping_claims() == 0


def test_who_asks_while_a_worker_is_at_it_is_told_so(app, crm, worker):
    request_id = kept(crm, "k1")
    db.session.execute(update(ApiRequest).values(asked_at=None))
    db.session.commit()
    with one_at_a_time(keeping.LOCK, request_id) as mine:
        assert mine
        answer = crm.books("k1")
        assert is_problem(answer, 409, code="in_progress")
        assert answer.headers["Retry-After"] == "2"
    assert crm.books("k1").status_code == 201


def test_keys_are_forgotten_after_two_days(crm, worker):
    crm.books("k1")
    age_requests(timedelta(hours=24))
    upkeep.forget_old()
    assert crm.books("k1").headers["Idempotent-Replayed"] == "true"
    age_requests(timedelta(hours=25))
    upkeep.forget_old()
    assert db.session.query(ApiRequest).count() == 0


# What dies in between


class Died(BaseException):
    """A process ends here."""


@pytest.mark.parametrize("last_words", ["hold_quote", "book", "_done", "_write_down"])
def test_whoever_goes_on_finds_what_there_is(app, crm, miramar, monkeypatch, last_words):
    """A worker dies after the rooms were held, after they were booked, or before the answer is written down."""
    fill(miramar, "suite", nights(0, 3), leave=1)
    request_id = kept(crm, "k1", room_type="suite")
    with app.app_context(), monkeypatch.context() as patched:
        verb: Callable[..., Any] = getattr(doing, last_words)
        patched.setattr(doing, last_words, dies(verb, after=last_words in ("hold_quote", "book")))
        with pytest.raises(Died):
            integrations.carry_out(request_id)
        db.session.rollback()
    told = carried_out(request_id)
    assert told["status"] == 201, told
    assert booked() == 1
    assert overlapping_claims() == 0
    assert [entry[:2] for entry in audit()] == [("reservation_booked", told["body"]["code"])]


def test_a_worker_that_is_killed_between_booking_and_answer(app, crm, worker, servers):
    """Really killed: its lock falls free, the booking is there, and who asks again is told of it."""
    request_id = kept(crm, "k1")
    program = (
        "import os, signal\n"
        "from hotel_agent import create_app\n"
        "from hotel_agent.reservations.api import doing\n"
        "doing._write_down = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"with create_app().app_context(): doing.carry_out({request_id})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=dict(os.environ), timeout=60, check=False)
    assert ended.returncode == -9
    assert booked() == 1
    db.session.execute(update(ApiRequest).values(asked_at=utcnow() - timedelta(seconds=keeping.WAIT_SECONDS + 1)))
    db.session.commit()
    answer = crm.books("k1")
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers
    assert booked() == 1


def test_what_was_done_is_written_down_though_nobody_asks_again(app, crm, monkeypatch):
    request_id = kept(crm)
    untouched = kept(crm, "other")
    with app.app_context(), monkeypatch.context() as patched:
        patched.setattr(doing, "_write_down", dies(doing._write_down))
        with pytest.raises(Died):
            integrations.carry_out(request_id)
        db.session.rollback()
    integrations.write_down_what_was_done()
    assert audit() == []  # Somebody may still be waiting for it.
    age_requests(timedelta(minutes=2))
    integrations.write_down_what_was_done()
    assert [entry[0] for entry in audit()] == ["reservation_booked"]
    assert db.session.get_one(ApiRequest, request_id, populate_existing=True).status == 201
    assert db.session.get_one(ApiRequest, untouched, populate_existing=True).status is None
    assert booked() == 1  # What was not begun is begun for nobody.


def test_a_change_and_a_cancellation_are_done_once_whoever_dies(app, crm, worker, monkeypatch):
    code = crm.books().json["code"]
    for operation, asked in (("change", {"check_out": day(4).isoformat()}), ("cancel", {})):
        request_id = keep_request(crm, "x-" + operation, operation, code, asked)
        with app.app_context(), monkeypatch.context() as patched:
            patched.setattr(doing, "_write_down", dies(doing._write_down))
            with pytest.raises(Died):
                doing.carry_out(request_id)
            db.session.rollback()
        age_requests(timedelta(minutes=2))
        integrations.write_down_what_was_done()
        assert db.session.get_one(ApiRequest, request_id, populate_existing=True).status == 200
    assert [entry[0] for entry in audit()] == ["reservation_booked", "reservation_changed", "reservation_cancelled"]
    assert one("select count(*) from reservation_changes") == 1


def test_no_worker_in_time_is_told_and_the_same_key_goes_on(app, crm, monkeypatch):
    monkeypatch.setattr(keeping, "WAIT_SECONDS", 1)
    started = monotonic()
    answer = crm.books("k1")
    assert is_problem(answer, 503)
    assert monotonic() - started < 3
    assert answer.headers["Retry-After"] == "5"
    assert "Idempotency-Key" in answer.json["detail"]
    assert carried_out(one("select id from api_requests"))["status"] == 201  # The job goes on.
    again = crm.books("k1")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")


def test_a_pms_that_is_away_is_told_and_nothing_is_kept(crm, worker, monkeypatch):
    def away(*_: Any, **__: Any) -> Any:
        raise PmsUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(Door, "availability", away)
        answer = crm.books("k1")
        assert is_problem(answer, 503)
        assert answer.headers["Retry-After"] == "5"
    assert crm.books("k1").status_code == 201
    assert booked() == 1


def test_a_booking_that_was_not_read_back_is_pending_and_then_told(crm, worker, monkeypatch):
    def nothing(*_: Any) -> Any:
        raise OutcomeUnknown("not read back")

    with monkeypatch.context() as patched:
        patched.setattr(Door, "read", nothing)
        answer = crm.books("k1")
    assert (answer.status_code, answer.json["status"], answer.json["pending"]) == (202, "pending", "book")
    assert answer.headers["Location"].startswith(f"{URL}/{answer.json['code']}")
    assert answer.headers["Retry-After"]
    again = crm.books("k1")
    assert (again.status_code, again.json["code"], again.json["status"]) == (201, answer.json["code"], "booked")
    assert booked() == 1


@pytest.mark.parametrize(("verb", "operation"), [("modify", "change"), ("cancel", "cancel")])
def test_a_change_of_which_nobody_knows_is_pending_and_then_told(crm, worker, monkeypatch, verb, operation):
    """It was done, and the PMS's answer was lost."""
    code = crm.books().json["code"]
    really: Callable[..., Any] = getattr(Door, verb)

    def lost(*args: Any) -> Any:
        really(*args)
        raise OutcomeUnknown("the answer was lost")

    def ask() -> Any:
        return crm.cancels(code, "k2") if verb == "cancel" else crm.changes(code, "k2", check_out=day(4).isoformat())

    with monkeypatch.context() as patched:
        patched.setattr(Door, verb, lost)
        answer = ask()
    assert (answer.status_code, answer.json["pending"], answer.json["code"]) == (202, operation, code)
    assert ask().status_code == 200
    assert one("select count(*) from reservation_changes") == (verb == "modify")
    assert len(audit()) == 2


def test_the_web_process_never_calls_a_pms(crm, monkeypatch):
    """Without a worker nothing is asked of any adapter."""

    def never(*_: Any) -> Any:
        raise AssertionError("the web process asks the PMS")

    monkeypatch.setattr(keeping, "WAIT_SECONDS", 1)
    monkeypatch.setattr("hotel_agent.pms.door.call", never)
    code = one("select max(code) from reservations where hotel_id = :hotel", hotel=by_slug("miramar").id)
    assert crm.lists().status_code == crm.shows(code).status_code == 200
    for answer in (crm.books(), crm.changes(code, adults=1), crm.cancels(code)):
        assert is_problem(answer, 503)


# Changing


def test_a_change_costs_what_the_agent_would_say(crm, worker):
    code = crm.books().json["code"]
    answer = crm.changes(code, "c1", check_out=day(4).isoformat(), expected_total="380.00")
    assert answer.status_code == 200, answer.text
    assert (answer.json["check_out"], answer.json["total"]) == (day(4).isoformat(), "380.00")
    answer = crm.changes(code, "c2", room_type="suite", adults=1, guest_name="Marta  García López")
    told = answer.json
    assert (told["rooms"][0]["room_type"], told["total"], told["adults"]) == ("suite", "840.00", 1)
    assert told["guest_name"] == "Marta García López"
    again = crm.changes(code, "c1", check_out=day(4).isoformat(), expected_total="380.00")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert crm.shows(code).json["total"] == "840.00"
    assert one("select count(*) from reservation_changes") == 2
    assert [entry[0] for entry in audit()] == ["reservation_booked", *["reservation_changed"] * 2]


def test_a_change_to_what_it_is_changes_nothing(crm, worker):
    told = crm.books().json
    answer = crm.changes(told["code"], adults=2)
    assert answer.status_code == 200
    assert answer.json["changed_at"] == told["changed_at"]
    assert one("select count(*) from reservation_changes") == 0
    assert len(audit()) == 1


def test_changes_that_do_not_go(crm, worker, miramar):
    fill(miramar, "suite", nights(0, 5))
    code = crm.books().json["code"]
    answer = crm.changes(code, expected_total="1.00", check_out=day(4).isoformat())
    assert is_problem(answer, 409, code="price_changed")
    assert answer.json["total"] == "380.00"
    taken = crm.changes(code, room_type="suite")
    assert is_problem(taken, 409, code="room_taken")
    assert {one["rooms"][0]["room_type"] for one in taken.json["alternatives"]} == {"familiar"}
    assert is_problem(crm.changes(code, room_type="individual"), 409, code="too_small")
    assert is_problem(crm.changes(code, room_type="iglú"), 400, "room_type")
    assert is_problem(crm.changes(code), 400, "body")
    assert is_problem(crm.changes(code, expected_total="1.00"), 400, "body")
    assert is_problem(crm.changes(code, status="cancelled"), 400, "status")
    assert is_problem(crm.changes(code, rooms=[{"room_type": "doble", "adults": 2}]), 400, "rooms[0].adults")
    assert is_problem(crm.changes(code, check_out=day(-1).isoformat()), 400, "check_out")
    assert is_problem(crm.changes("MIR-222222", adults=1), 404)
    assert crm.shows(code).json["total"] == "285.00"


def test_after_the_deadline_people_decide_about_a_change_that_costs_less(crm, worker):
    code = crm.books().json["code"]
    after_the_deadline(code)
    assert is_problem(crm.changes(code, check_out=day(2).isoformat()), 409, code="deadline_passed")
    assert crm.changes(code, check_out=day(4).isoformat()).status_code == 200


# Cancelling


def test_a_cancellation_is_free_and_harmless_to_repeat(crm, worker, miramar):
    code = crm.books().json["code"]
    answer = crm.cancels(code, expected_fee="0")
    assert answer.status_code == 200, answer.text
    told = answer.json
    assert (told["status"], told["cancellation"]["fee"], told["cancellation"]["fee_now"]) == ("cancelled", "0.00", None)
    assert told["cancellation"]["cancelled_at"]
    again = crm.cancels(code, expected_fee="95")
    assert (again.status_code, again.json["cancellation"]) == (200, told["cancellation"])
    assert [entry[0] for entry in audit()] == ["reservation_booked", "reservation_cancelled"]
    assert is_problem(crm.changes(code, adults=1), 409, code="cancelled")


def test_nobody_is_surprised_by_a_fee(crm, worker):
    code = crm.books().json["code"]
    after_the_deadline(code)
    assert crm.shows(code).json["cancellation"]["fee_now"] == "95.00"
    answer = crm.cancels(code, expected_fee="0.00")
    assert is_problem(answer, 409, code="fee_changed")
    assert answer.json["fee"] == "95.00"
    assert crm.shows(code).json["status"] == "booked"
    body = crm.ask("DELETE", f"/{code}", json={"hotel": "miramar", "expected_fee": "95.00"})
    assert body.json["cancellation"]["fee"] == "95.00"


def test_who_is_in_the_house_is_not_cancelled(crm, worker):
    code = crm.books().json["code"]
    db.session.execute(text("update reservations set status = 'in_house' where code = :code"), {"code": code})
    db.session.commit()
    assert is_problem(crm.cancels(code), 409, code="in_house")
    assert is_problem(crm.cancels(code, expected_fee="x"), 400, "expected_fee")
    assert is_problem(crm.cancels(code, fee="0"), 400, "fee")


# Whose guest it is


def test_a_guest_without_a_number_is_nobody_elses(crm, worker):
    """Two bookings in one name are two guests, and neither is anybody of WhatsApp."""
    before = db.session.query(Guest).count()
    crm.books()
    crm.books()
    assert db.session.query(Guest).count() == before + 2


def test_whoever_writes_from_the_number_finds_the_booking(crm, worker, marta_says, run_jobs, graph, echo, miramar):
    marta_says("Hola", phone="34600111222", name="Marta")
    run_jobs()
    marta = one("select guest_id from conversations where hotel_id = :hotel limit 1", hotel=miramar.id)
    guest = {"name": "Marta García", "phone": "+34 600 111 222", "language": "en"}
    code = crm.books(guest=guest).json["code"]
    assert [booking.code for booking in upcoming_of(miramar, marta)] == [code]
    assert one("select name from guests where id = :id", id=marta) == "Marta"  # As she calls herself.
    crm.books(guest={"name": "Luis Gil", "phone": "+34600999888"}, first=5)
    marta_says("Hola", phone="34600999888", name="Luis")
    run_jobs()
    luis = one("select guest_id from conversations where hotel_id = :hotel order by id desc limit 1", hotel=miramar.id)
    assert len(upcoming_of(miramar, luis)) == 1


# Reading


def test_pages_follow_each_other_without_a_gap(crm, miramar):
    for number in range(7):
        put_reservation(miramar, f"MIR-AAAAA{number + 2}", day(number // 3), name=f"Gast {number}")
    window = {"arrival_from": day(0).isoformat(), "arrival_to": day(9).isoformat(), "limit": 3}
    seen, cursor = [], None
    while True:
        page = crm.lists(**window, **({"cursor": cursor} if cursor else {})).json
        assert len(page["reservations"]) <= 3
        seen += [one["code"] for one in page["reservations"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        put_reservation(miramar, f"MIR-BBBB{len(seen):02}", day(0) - timedelta(days=1))
        put_reservation(miramar, f"MIR-CCCC{len(seen):02}", day(9) + timedelta(days=1))
    assert seen == [f"MIR-AAAAA{number + 2}" for number in range(7)]
    assert is_problem(crm.lists(limit=3, cursor=crm.lists(**window).json["next_cursor"]), 400, "cursor")


def test_what_can_be_asked_for(crm, miramar):
    put_reservation(miramar, "MIR-AAAAA2", day(0), name="José Núñez")
    put_reservation(miramar, "MIR-AAAAA3", day(1), name="Ana Li", status="cancelled")
    put_reservation(miramar, "MIR-AAAAA4", day(2), name="100% Ana", status="in_house")
    window = {"arrival_from": day(0).isoformat(), "arrival_to": day(9).isoformat()}

    def codes(**wanted: Any) -> list[str]:
        answer = crm.lists(**wanted)
        assert answer.status_code == 200, answer.text
        return [one["code"][-1] for one in answer.json["reservations"]]

    assert codes(**window) == ["2", "3", "4"]
    assert codes(**window, status="booked,in_house") == ["2", "4"]
    assert codes(**window, status="cancelled") == ["3"]
    assert codes(arrival_from=day(1).isoformat(), arrival_to=day(1).isoformat()) == ["3"]
    assert codes(**window, guest="nunez jose") == ["2"]
    assert codes(**window, guest="li") == ["3"]
    assert codes(**window, guest="100%") == ["4"]
    assert codes(code="mir aaaaa4") == ["4"]
    assert codes(code="nothing") == []


def test_what_has_changed_since(crm, worker, miramar):
    code = crm.books().json["code"]
    since = utcnow()
    assert crm.lists(changed_since=since.isoformat()).json["reservations"] == []
    other = crm.books(first=5).json["code"]
    crm.changes(code, guest_name="Marta Gil")
    changed = crm.lists(changed_since=since.isoformat()).json
    assert [one["code"] for one in changed["reservations"]] == [other, code]
    first = crm.lists(changed_since=since.isoformat(), limit=1).json
    rest = crm.lists(changed_since=since.isoformat(), limit=1, cursor=first["next_cursor"]).json
    assert [one["code"] for page in (first, rest) for one in page["reservations"]] == [other, code]
    later = utcnow()
    db.session.execute(
        text(
            "insert into reservation_extras (hotel_id, reservation_id, code, price, currency, at_time)"
            " select hotel_id, id, 'late_checkout', 30, 'EUR', '14:00' from reservations where code = :code"
        ),
        {"code": other},
    )
    db.session.commit()
    found = crm.lists(changed_since=later.strftime("%Y-%m-%dT%H:%M:%S.%fZ")).json["reservations"]
    assert [one["code"] for one in found] == [other]
    assert found[0]["extras"] == [{"code": "late_checkout", "price": "30.00", "currency": "EUR", "at_time": "14:00"}]


def test_another_room_is_a_change_and_looking_is_none(crm, worker, miramar):
    code = crm.books().json["code"]
    since = utcnow()
    move = (
        "with old as (update reservation_locks set status = 'released' where reservation_id ="
        " (select id from reservations where code = :code) returning *)"
        " insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, reservation_id, hold_key,"
        " price) select hotel_id, (select id from rooms where number = '214' and hotel_id = old.hotel_id), 'booked',"
        " check_in, check_out, reservation_id, 'moved', price from old"
    )
    db.session.execute(text("update reservations set total = total where code = :code"), {"code": code})
    db.session.commit()
    assert crm.lists(changed_since=since.isoformat()).json["reservations"] == []
    db.session.execute(text(move), {"code": code})
    db.session.commit()
    found = crm.lists(changed_since=since.isoformat()).json["reservations"]
    assert [(one["code"], one["rooms"][0]["number"]) for one in found] == [(code, "214")]


def test_a_booking_made_elsewhere_is_told_with_the_rooms_of_the_pms(app):
    andes = Program(app, "andes")
    put_reservation(hotel_named("andes"), "AND-AAAAA2", day(0))
    db.session.execute(text("update reservations set pms_id = '7' where code = 'AND-AAAAA2'"))
    db.session.commit()
    since = utcnow()
    db.session.execute(
        text(
            "insert into reservation_rooms (reservation_id, place, hotel_id, kind, number, names, check_in, check_out)"
            " select id, 0, hotel_id, '2', '11', jsonb_build_object('es', 'Doble'), check_in, check_out"
            " from reservations where code = 'AND-AAAAA2'"
        )
    )
    db.session.commit()
    found = andes.lists(changed_since=since.isoformat()).json["reservations"]
    assert [one["rooms"] for one in found] == [
        [{"room_type": "2", "name": "Doble", "number": "11", "price": "190.00", "adults": 2, "children": 0}]
    ]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"status": "open"}, "status"),
        ({"arrival_from": "tomorrow"}, "arrival_from"),
        ({"arrival_to": "20270101"}, "arrival_to"),
        ({"arrival_from": "2027-02-01", "arrival_to": "2027-01-01"}, "arrival_to"),
        ({"changed_since": "yesterday"}, "changed_since"),
        ({"changed_since": "0001-01-01T00:00:00+14:00"}, "changed_since"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"cursor": "ñ"}, "cursor"),
        ({"cursor": "WzEsMiwzXQ"}, "cursor"),
        ({"guest": "%"}, "guest"),
        ({"guest": "a\x00b"}, None),
        ({"code": "x" * 101}, "code"),
        ({"arrives": "2027-01-01"}, "arrives"),
    ],
)
def test_what_cannot_be_asked_for(crm, wanted, field):
    assert is_problem(crm.lists(**wanted), 400, field)


def test_a_list_costs_as_many_statements_as_one_reservation(app, crm, miramar):
    put_reservation(miramar, "MIR-AAAAA2", day(0))
    crm.lists()  # That a token is used is noted once a minute.
    counts: list[int] = []
    for _ in range(2):
        with statements(app) as heard:
            crm.lists(arrival_from=day(0).isoformat(), arrival_to=day(9).isoformat())
        counts.append(len(heard))
        for number in range(20):
            put_reservation(miramar, f"MIR-BBB{len(counts)}{number:02}", day(number % 5))
    assert counts[0] == counts[1] <= 12


# Who may


def test_another_hotels_are_never_shown(app, crm, worker):
    oscar = Program(app, "andes")
    code = crm.books().json["code"]
    assert is_problem(oscar.ask("GET", query_string={"hotel": "miramar"}), 403)
    assert is_problem(oscar.ask("GET", f"/{code}", query_string={"hotel": "miramar"}), 403)
    assert is_problem(oscar.ask("POST", key="k", json=crm.body()), 403)
    assert is_problem(oscar.ask("PATCH", f"/{code}", query_string={"hotel": "miramar"}, json={"adults": 1}), 403)
    assert is_problem(oscar.ask("DELETE", f"/{code}", query_string={"hotel": "miramar"}), 403)
    assert is_problem(oscar.shows(code), 404)
    assert is_problem(oscar.changes(code, adults=1), 404)
    assert is_problem(oscar.cancels(code), 404)
    assert all(one["code"].startswith("AND-") for one in oscar.lists(limit=200).json["reservations"])
    assert oscar.lists(code=code).json["reservations"] == []
    assert crm.shows(code).json["status"] == "booked"


def test_nobody_without_a_token_and_no_unknown_hotel(app, crm):
    assert is_problem(Program(app, token="hat_guess").lists(), 401)
    assert is_problem(app.test_client().post(URL, data="x"), 401)
    assert is_problem(crm.ask("GET", query_string={"hotel": "atlantis"}), 404)
    assert is_problem(crm.ask("GET"), 400, "hotel")
    assert is_problem(crm.shows("MIR-222222"), 404)


@pytest.mark.parametrize(("email", "may"), [("ana", True), ("luis", True), ("eva", True), ("olga", False)])
def test_people_may_what_their_role_says(app, worker, email, may):
    account = accounts.by_email(f"{email}@miramar.example")
    person = Program(app, token=bearer.issue(account)[0])
    answers = [person.lists(), person.books("k1")]
    assert [answer.status_code for answer in answers] == ([200, 201] if may else [403, 403])
    if may:
        code = answers[1].json["code"]
        assert audit() == [("reservation_booked", code, account.email)]
        who = one("select actor || ':' || actor_id from lock_audit where action = 'booked' order by id desc limit 1")
        assert who == f"staff:{account.id}"


def test_the_token_that_wrote_is_written_down(crm, worker):
    code = crm.books().json["code"]
    token = one("select id from api_tokens")
    assert audit() == [("reservation_booked", code, f"token:{token}")]
    trail = (
        "select string_agg(distinct why, '; ') from lock_audit where action in ('held', 'booked') and why like :words"
    )
    assert f"token:{token} by the API: booked" in one(trail, words="token:%")


# A hotel with a PMS of its own


@pytest.fixture
def qlo(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[far.QloApps]:
    """Andes works with a QloApps, for which our client waits a second."""
    from hotel_agent.pms.qloapps import client, reading

    monkeypatch.setattr(client, "WRITE_SECONDS", 1.0)
    monkeypatch.setattr(client, "READ_SECONDS", 1.0)
    with far.QloApps(far.miramar()) as pms:
        reading.forget()
        told = {"pms": "qloapps", "pms_url": pms.url, "pms_key": pms.key, "pms_hotel_id": "1", "currency": "EUR"}
        hotel_settings.change(hotel_named("andes").id, told)
        yield pms


@pytest.fixture
def andes(app: Flask, qlo: far.QloApps) -> Program:
    return Program(app, "andes")


def stand(pms: far.QloApps) -> int:
    return len([order for order in pms.orders("ha") if pms.active_lines(order)])


@pytest.mark.parametrize(
    "fault",
    [far.error_after_success(), far.fatal_200("after"), far.empty_body(), far.reset_after_write(),
     far.reset_before_write(), far.answers_twice()],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_whatever_the_pms_answers_one_booking_stands(andes, qlo, worker, fault):
    qlo.inject(fault, method="POST", path="/bookings")
    answer = insist(lambda: andes.books("k1", room_type=..., adults=2, expected_total="285.00"))
    assert answer.status_code == 201, answer.text
    assert (answer.json["status"], answer.json["total"]) == ("booked", "285.00")
    assert stand(qlo) == 1
    assert one("select count(*) from reservations where pms_id is not null and status = 'booked'") == 1
    assert andes.books("k1", room_type=..., adults=2, expected_total="285.00").json == answer.json
    shown = andes.shows(answer.json["code"]).json
    assert [(room["room_type"], room["number"], room["price"]) for room in shown["rooms"]] == [
        (room["room_type"], room["number"], room["price"]) for room in answer.json["rooms"]
    ]


@pytest.mark.parametrize("last_words", ["hold_quote", "book", "_write_down"])
def test_who_dies_after_the_write_books_once(app, andes, qlo, monkeypatch, last_words):
    request_id = kept(andes, room_type=...)
    with app.app_context(), monkeypatch.context() as patched:
        verb: Callable[..., Any] = getattr(doing, last_words)
        patched.setattr(doing, last_words, dies(verb, after=last_words != "_write_down"))
        with pytest.raises(Died):
            integrations.carry_out(request_id)
        db.session.rollback()
    assert carried_out(request_id)["status"] == 201
    assert stand(qlo) == 1
    assert qlo.double_sales() == []


def test_a_pms_that_cannot_be_read_leaves_a_pending_booking_that_is_told_later(andes, qlo, worker, monkeypatch):
    book: Callable[..., Any] = getattr(doing, "book")  # noqa: B009  It is the domain's, imported there.

    def then_away(*args: Any, **more: Any) -> Any:
        qlo.inject(far.unavailable(), method="GET", path="/room_bookings", times=None)
        return book(*args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(doing, "book", then_away)
        answer = andes.books("k1", room_type=...)
    assert (answer.status_code, answer.json["status"]) == (202, "pending"), answer.text
    assert andes.shows(answer.json["code"]).json["status"] == "pending"
    qlo.heal()
    redis().flushdb()  # The breaker has had its rest.
    again = insist(lambda: andes.books("k1", room_type=...))
    assert (again.status_code, again.json["code"], again.json["status"]) == (201, answer.json["code"], "booked")
    assert stand(qlo) == 1


def test_a_pms_hotels_booking_is_changed_and_cancelled(andes, qlo, worker):
    code = andes.books("k1", room_type=...).json["code"]
    changed = andes.changes(code, "c1", check_out=day(4).isoformat(), expected_total="380.00")
    assert (changed.status_code, changed.json["total"]) == (200, "380.00"), changed.text
    cancelled = andes.cancels(code, "d1", expected_fee="0")
    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled"), cancelled.text
    assert stand(qlo) == 0
    assert andes.cancels(code).json["cancellation"]["fee"] == "0.00"


def test_a_pms_hotel_that_is_full_says_so(andes, qlo, worker):
    kinds: dict[str, Any] = {
        "room_type": ...,
        "rooms": [{"room_type": suite_of(andes), "adults": 2}] * 4,
        "adults": ...,
    }
    assert andes.books("k1", **kinds).status_code == 201
    answer = andes.books("k2", **(kinds | {"rooms": kinds["rooms"][:1]}))
    assert is_problem(answer, 409, code="room_taken")
    assert answer.json["alternatives"]
    assert stand(qlo) == 1


# Helpers


def at_once(count: int, ask: Callable[[int], Any]) -> list[Any]:
    start = threading.Barrier(count)

    def one_of_them(number: int) -> Any:
        start.wait(timeout=30)
        return ask(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one_of_them, range(count)))


def insist(ask: Callable[[], Any]) -> Any:
    """As a program does that is told to ask again."""
    until = monotonic() + 20
    while True:
        answer = ask()
        if answer.status_code not in (202, 503) and answer.json.get("code") != "in_progress" or monotonic() > until:
            return answer
        sleep(0.2)


def kept(program: Program, key: str = "k1", **given: Any) -> int:
    """What the web process writes down before it asks a worker."""
    return keep_request(program, key, "book", "", program.body(**given))


def keep_request(program: Program, key: str, operation: str, code: str, asked: dict[str, Any]) -> int:
    token_id = one("select max(id) from api_tokens where hotel_id = :hotel", hotel=by_slug(program.slug).id)
    caller = keeping.Caller(f"token:{token_id}", f"token:{token_id}")
    return keeping.keep(by_slug(program.slug).id, caller, f"key:{key}", operation, code, asked).id


def carried_out(request_id: int) -> dict[str, Any]:
    told = integrations.carry_out(request_id)
    assert told is not None
    return told


def dies(verb: Callable[..., Any], after: bool = False) -> Callable[..., Any]:
    def die(*args: Any, **more: Any) -> Any:
        if after:
            verb(*args, **more)
        raise Died

    return die


def one(question: str, **values: Any) -> Any:
    found = db.session.execute(text(question), values).scalar()
    db.session.rollback()
    return found


def age_requests(by: timedelta) -> None:
    db.session.execute(
        text("update api_requests set created_at = created_at - :by, asked_at = asked_at - :by"), {"by": by}
    )
    db.session.commit()


def after_the_deadline(code: str) -> None:
    past = (utcnow() - timedelta(hours=1)).isoformat()
    db.session.execute(
        text(
            "update reservations set policy = policy || jsonb_build_object('free_until', cast(:past as text))"
            " where code = :code"
        ),
        {"past": past, "code": code},
    )
    db.session.commit()


def put_reservation(hotel: Any, code: str, check_in: date, name: str = "Gast", status: str = "booked") -> None:
    db.session.execute(
        text(
            "insert into reservations"
            " (hotel_id, code, guest_name, status, check_in, check_out, adults, total, currency)"
            " values (:hotel, :code, :name, :status, :check_in, :check_out, 2, 190, 'EUR')"
        ),
        {
            "hotel": hotel.id, "code": code, "name": name, "status": status,
            "check_in": check_in, "check_out": check_in + timedelta(days=2),
        },
    )  # fmt: skip
    db.session.commit()


def suite_of(program: Program) -> str:
    from hotel_agent.pms.door import pms_for

    return next(kind.code for kind in pms_for(by_slug(program.slug)).room_kinds() if "uite" in kind.name_in("es"))
