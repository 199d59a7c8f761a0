"""What the agent does is told inline in the thread: what was asked, what came, never a guest's words."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from sqlalchemy import text

from hotel_agent.conversations import answering, taking_in
from hotel_agent.conversations.events import KINDS
from hotel_agent.db import db, utcnow
from hotel_agent.reservations import HoldLapsed, OutcomeUnknown, PmsRejected, PmsUnavailable, RoomTaken
from tests.conversations.bodies import from_guest, message
from tests.conversations.cast import conversation, events, messages, reasons
from tests.conversations.chat import day, span
from workers import upkeep

STAY = {"check_in": day(0).isoformat(), "check_out": day(2).isoformat(), "adults": 2, "children": 0}


@pytest.fixture
def taps(deliver, run_jobs):
    """Marta taps the choice whose id begins so, of all that she was shown."""

    def taps(beginning: str) -> None:
        shown = json.dumps([row.payload for row in messages("out")])
        [*_, reply_id] = [piece for piece in shown.split('"') if piece.startswith(beginning)]
        reply = {"type": "button_reply", "button_reply": {"id": reply_id, "title": "Sí"}}
        deliver(from_guest(message("interactive", interactive=reply)))
        run_jobs()

    return taps


@pytest.fixture
def held(marta_says, run_jobs, graph, taps) -> None:
    marta_says(f"Quiero reservar una doble {span('es', day(0), day(2))} para 2 adultos", name="Marta García")
    run_jobs()
    taps("offer:doble")


def told(kind: str) -> dict:
    [(_, staff_id, details)] = events(kind)
    assert staff_id is None
    assert set(details) <= set(KINDS[kind])
    return details


def test_a_hold_is_told_with_its_stay_and_price(held):
    details = told("hold_made")
    assert details.pop("hold")
    assert details.pop("until") > utcnow().isoformat()
    assert details == STAY | {"room_types": ["doble"], "total": "190.00", "currency": "EUR"}


def test_a_booking_is_told_with_its_code(held, taps):
    taps("confirm:")
    details = told("booked")
    code = db.session.scalar(text("select code from reservations order by id desc limit 1"))
    assert details == STAY | {"code": code, "room_types": ["doble"], "total": "190.00", "currency": "EUR"}
    taps("confirm:")
    assert len(events("booked")) == 1


def test_events_stand_where_they_happened(held):
    [_, chose] = messages("in")
    [made] = [at for (at,) in db.session.execute(text("select at from conversation_events")).all()]
    assert chose.created_at < made < messages("out")[-1].created_at


def test_a_cancellation_is_told_with_its_cost(held, taps, marta_says, run_jobs):
    taps("confirm:")
    marta_says("Quiero cancelar mi reserva")
    run_jobs()
    taps("cancel_yes:")
    details = told("cancelled")
    assert details["code"] == told("booked")["code"]
    assert Decimal(details["fee"]) == 0


def test_a_hold_that_is_let_go_is_told(held, taps):
    taps("decline:")
    details = told("hold_released")
    assert details == {"hold": told("hold_made")["hold"], "reason": "declined"}


def test_a_hold_whose_time_is_over_is_told_once(held):
    db.session.execute(
        text("update reservation_locks set expires_at = now() - interval '1 second' where status = 'active'")
    )
    db.session.commit()
    upkeep.release_expired_holds()
    upkeep.release_expired_holds()
    details = told("hold_expired")
    assert details == {
        "hold": told("hold_made")["hold"],
        "check_in": STAY["check_in"],
        "check_out": STAY["check_out"],
    }


@pytest.mark.parametrize(
    ("error", "reason"),
    [(RoomTaken(), "room_taken"), (HoldLapsed(), "hold_lapsed"), (PmsRejected("closed"), "closed")],
    ids=["taken", "lapsed", "rejected"],
)
def test_a_booking_that_is_refused_is_told_with_the_reason_and_what_was_asked(held, taps, monkeypatch, error, reason):
    monkeypatch.setattr("hotel_agent.conversations.skills.book.book", lambda *_: (_ for _ in ()).throw(error))
    taps("confirm:")
    details = told("booking_refused")
    assert details["reason"] == reason
    assert (details["room_types"], details["check_in"]) == (["doble"], STAY["check_in"])


@pytest.mark.parametrize("error", [OutcomeUnknown("x"), PmsUnavailable()], ids=["unknown", "away"])
def test_a_pms_that_fails_is_told_with_what_it_was_to_do(held, taps, monkeypatch, error):
    monkeypatch.setattr("hotel_agent.conversations.skills.book.book", lambda *_: (_ for _ in ()).throw(error))
    taps("confirm:")
    details = told("pms_failed")
    assert (details["action"], details["room_types"]) == ("book", ["doble"])
    assert reasons() == ["pms_failed"]
    assert events("handed_over")[0][2] == {"reason": "pms_failed"}


def test_an_answer_that_is_made_twice_tells_once_what_it_did(held, deliver, run_jobs, monkeypatch):
    """The first process booked and died before it wrote its answer down."""
    hold = told("hold_made")["hold"]
    reply = {"type": "button_reply", "button_reply": {"id": f"confirm:{hold}", "title": "Sí"}}
    deliver(from_guest(message("interactive", interactive=reply)))
    taking_in.take_in()
    write = answering._write

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(answering, "_write", die)
    run_jobs(may_fail=True)
    assert events("booked") == []
    monkeypatch.setattr(answering, "_write", write)
    db.session.execute(text("update conversations set answer_due_at = now()"))
    db.session.commit()
    run_jobs(may_fail=True)
    assert len(events("booked")) == 1
    assert db.session.scalar(text("select count(*) from reservations where guest_id is not null")) == 1


def test_no_event_holds_words_of_a_guest(held, taps, marta_says, run_jobs):
    taps("confirm:")
    marta_says("Quiero hablar con una persona, soy alérgica a los gatos")
    run_jobs()
    kept = json.dumps([details for *_, details in events()])
    assert "gatos" not in kept
    assert "Marta" not in kept
    assert conversation().status == "waiting"
    assert {kind for kind, *_ in events()} <= set(KINDS)
