"""What is forgotten every hour: each step is done, whatever becomes of the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import select, text

from hotel_agent import metrics
from hotel_agent.conversations import session
from hotel_agent.conversations.models import EarlyStatus, Session
from hotel_agent.db import db, utcnow
from tests.conversations.cast import hotel_of
from tests.dashboard.cast import talk
from workers import upkeep


def failures(step: str) -> float:
    return metrics.upkeep_failures.labels(step)._value.get()


def test_one_step_that_fails_keeps_none_of_the_others_from_their_work(app, monkeypatch):
    def fails() -> None:
        db.session.execute(text("select 1 / 0"))

    done: list[str] = []
    steps = {name: (lambda name=name: done.append(name)) for name in upkeep.FORGETTING}
    monkeypatch.setattr(upkeep, "FORGETTING", {**steps, "sessions": fails, "early_statuses": fails})
    before = failures("sessions")
    with pytest.raises(Exception, match="division by zero"):
        upkeep.forget_old()
    assert done == [name for name in steps if name not in ("sessions", "early_statuses")]
    assert failures("sessions") == before + 1
    assert db.session.scalar(text("select 1")) == 1, "the broken transaction is over"


def test_the_end_of_its_time_ends_the_job(app, monkeypatch):
    done: list[str] = []

    def takes_for_ever() -> None:
        raise JobTimeoutException("too long")

    monkeypatch.setattr(upkeep, "FORGETTING", {"slow": takes_for_ever, "next": lambda: done.append("next")})
    with pytest.raises(JobTimeoutException):
        upkeep.forget_old()
    assert done == []


def test_a_real_step_that_fails_leaves_the_real_others_done(app, monkeypatch):
    db.session.add(
        EarlyStatus(hotel_id=hotel_of("miramar"), wamid="w", status="read", created_at=utcnow() - timedelta(days=9))
    )
    db.session.commit()

    def fails() -> None:
        raise ValueError("no")

    monkeypatch.setattr(upkeep, "FORGETTING", {"first": fails, **upkeep.FORGETTING})
    with pytest.raises(ValueError, match="no"):
        upkeep.forget_old()
    assert db.session.scalars(select(EarlyStatus)).all() == []


def test_silent_talks_are_forgotten_some_at_a_time(app, monkeypatch):
    monkeypatch.setattr(session, "FORGOTTEN_AT_ONCE", 2)
    marta, now = talk("Marta"), utcnow()
    for days in (30, 20, 9, 8, 8, 6, 0):
        at = now - timedelta(days=days)
        db.session.add(
            Session(hotel_id=hotel_of("miramar"), conversation_id=marta, sender_id="1", created_at=at, last_activity=at)
        )
    goes_on = now - timedelta(days=9, minutes=1)
    db.session.add(
        Session(
            hotel_id=hotel_of("miramar"), conversation_id=marta, sender_id="2", created_at=goes_on, last_activity=now
        )
    )
    db.session.commit()
    session.forget_expired()
    left = db.session.scalars(select(Session.created_at).order_by(Session.created_at)).all()
    assert [(now - at).days for at in left] == [9, 6, 0]
