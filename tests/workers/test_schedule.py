"""The loop of the scheduler, with a PostgreSQL that is not as it should be."""

from __future__ import annotations

from contextlib import nullcontext
from threading import Event
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from hotel_agent.conversations.sweeping import DUE_ANSWERS
from workers import nudges, schedule


@pytest.mark.parametrize(
    "trouble", [psycopg.errors.UndefinedTable, psycopg.OperationalError, psycopg.errors.InternalError_]
)
def test_it_stays_where_tables_are_still_to_come_and_schedules_when_they_are_there(app, monkeypatch, trouble):
    stop, asked = Event(), []

    def execute(question: str, *_given: object) -> Any:
        if question != DUE_ANSWERS.text:
            return SimpleNamespace(fetchone=lambda: (True,))
        asked.append(1)
        if len(asked) == 1:
            raise trouble
        return [(7,)]

    monkeypatch.setattr(schedule, "connect", lambda _name: nullcontext(SimpleNamespace(execute=execute)))
    monkeypatch.setattr(schedule, "RETRY_SECONDS", 0)
    monkeypatch.setattr(schedule, "TICK_SECONDS", 0)
    monkeypatch.setattr(nudges, "answer", lambda _: stop.set())
    schedule.run(stop, lambda: None)
    assert len(asked) == 2
