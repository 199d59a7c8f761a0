"""Bodies that failed: seen by those whose hotel it is, without their words, and put back on the record."""

from __future__ import annotations

import pytest

from hotel_agent.audit.recording import entries
from hotel_agent.conversations.models import Conversation, InboundEvent, WebhookFailure
from hotel_agent.db import db
from hotel_agent.operations.failures import replay, webhook_failures
from tests.conversations.bodies import said
from workers import messages

MIRAMAR, ANDES = 1, 2


@pytest.fixture
def failed(app):
    """`failed("error", hotel=MIRAMAR)`: a failure that waits; its id."""
    numbers = iter(range(1_000_000, 2_000_000))

    def fail(reason: str, hotel: int | None = None, event: int | None = None, place: str = "") -> int:
        row = WebhookFailure(
            event_id=event or next(numbers), place=place, hotel_id=hotel, reason=reason, body=b"{}", signed_by="s"
        )
        db.session.add(row)
        db.session.commit()
        return row.id

    return fail


def waiting(*hotel_ids: int) -> list[int]:
    return [failure.id for failure in webhook_failures(hotel_ids)]


def test_a_hotel_sees_its_own_and_those_of_nobody(failed):
    mine, nobodys, theirs = failed("error", MIRAMAR), failed("unreadable"), failed("error", ANDES)
    assert waiting(MIRAMAR) == [nobodys, mine]
    assert waiting(MIRAMAR, ANDES) == [theirs, nobodys, mine]
    assert [failure.id for failure in webhook_failures(None)] == [theirs, nobodys, mine]


def test_what_is_shown_says_why_and_never_what_was_written(app, deliver):
    deliver(said("Mi secreto es 42", to="999"))
    messages.take_in()
    (failure,) = webhook_failures([MIRAMAR])
    assert (failure.reason, failure.detail, failure.hotel, failure.resolved_at) == ("unknown_number", "999", None, None)
    assert "secreto" not in repr(failure)


def test_a_failure_knows_its_hotel(app, deliver, monkeypatch):
    from hotel_agent.conversations import taking_in

    def broken(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(taking_in, "_take_in_message", broken)
    monkeypatch.setattr(taking_in, "GIVE_UP_AFTER", 1)
    two = said("uno")
    two["entry"] += said("dos")["entry"]
    deliver(two)
    messages.take_in()
    assert {(failure.hotel, failure.reason) for failure in webhook_failures([MIRAMAR])} == {("Hotel Miramar", "error")}
    assert webhook_failures([ANDES]) == []


def test_they_are_read_page_by_page(failed):
    ids = [failed("error", MIRAMAR) for _ in range(5)]
    first = webhook_failures([MIRAMAR], limit=2)
    rest = webhook_failures([MIRAMAR], before=first[-1].id, limit=10)
    assert [failure.id for failure in (*first, *rest)] == ids[::-1]


def test_what_was_settled_lately_is_shown_apart(failed):
    one, other = failed("error", MIRAMAR), failed("error", MIRAMAR)
    replay([one], hotel_ids=[MIRAMAR])
    assert waiting(MIRAMAR) == [other]
    assert [failure.id for failure in webhook_failures([MIRAMAR], resolved=True)] == [one]


def test_replaying_all_leaves_the_unreadable(failed):
    """They would only fail again; by name they can be tried, once the program has learnt to read them."""
    readable, unreadable = failed("unknown_number"), failed("unreadable")
    assert [failure.may_work_again for failure in webhook_failures([])] == [False, True]
    assert replay() == 1
    assert waiting() == [unreadable]
    assert db.session.query(InboundEvent).count() == 1
    assert replay([unreadable]) == 1
    assert waiting() == []
    assert readable


def test_pieces_of_one_body_come_back_once_and_together(failed):
    for place in ("change 0", "unreadable 0"):
        failed("unreadable" if place.startswith("un") else "unknown_number", event=77, place=place)
    assert replay() == 1
    assert db.session.query(InboundEvent).count() == 1
    assert waiting() == []


def test_another_hotels_body_is_not_touched(failed):
    theirs = failed("error", ANDES)
    assert replay([theirs], hotel_ids=[MIRAMAR]) == 0
    assert replay(hotel_ids=[MIRAMAR]) == 0
    assert waiting(ANDES) == [theirs]
    assert entries(ANDES) == []


def test_a_replay_is_on_the_record_of_each_hotel(failed):
    mine, theirs = failed("error", MIRAMAR), failed("error", ANDES)
    replay()
    assert [(entry.action, entry.actor, entry.details) for entry in entries(MIRAMAR)] == [
        ("bodies_replayed", "command", {"count": 1, "ids": [mine]})
    ]
    assert entries(ANDES)[0].details["ids"] == [theirs]
    replay()  # Nothing waits: nothing was done.
    assert len(entries(MIRAMAR)) == 1


def test_a_body_that_came_too_early_is_taken_in_after_all(app, deliver, run_jobs, sent, echo):
    deliver(said("Hola", to="777"))
    messages.take_in()
    cli = app.test_cli_runner()
    assert "unknown_number" in cli.invoke(args=["inbox", "failures"]).output
    cli.invoke(args=["hotel", "add-number", "andes", "777"])
    assert cli.invoke(args=["inbox", "replay"]).exit_code == 0
    run_jobs()
    assert db.session.query(Conversation).one().hotel_id == ANDES
    assert webhook_failures(None) == []
