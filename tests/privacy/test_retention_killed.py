"""Processes that forget are killed in the middle of it: whatever they were at nothing is torn, and the next goes on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.partitions import make_partitions
from tests.load.retention import fill

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[2]
WHOLE, IN_PART = date(2019, 5, 1), date(2019, 6, 1)
MESSAGES, TALKS, SEED = 30_000, 2000, 7
# Of conversations one in a hundred waits.
NEEDED = MESSAGES // 100
TORN = """
    select (select count(*) from message_ids i where not exists (
            select from messages m where m.id = i.message_id and m.created_at = i.message_created_at)),
        (select count(*) from messages m join conversations c on c.id = m.conversation_id
            where c.status = 'waiting' and not exists (select from message_ids i where i.message_id = m.id))
"""


def rows(table: str) -> int:
    count: int = db.session.scalar(text(f"select count(*) from {table}"))
    db.session.rollback()
    return count


def torn() -> tuple[int, int]:
    found = db.session.execute(text(TORN)).one()
    db.session.rollback()
    return found[0], found[1]


def begin() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "retention", "run"]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def test_nothing_is_torn_by_kills(app):
    for month, waits in ((WHOLE, False), (IN_PART, True)):
        make_partitions(month)
        fill(settings().database_url, month, waits=waits, messages=MESSAGES, talks=TALKS)
    print(f"seed {SEED}")
    chance, kills = random.Random(SEED), 0
    left = rows("message_ids")
    assert left == 2 * MESSAGES
    while kills < 4:
        process = begin()
        goal = left - chance.randrange(1000, MESSAGES // 3)
        until = time.monotonic() + 60
        while rows("message_ids") > goal:
            assert time.monotonic() < until, "nothing is forgotten any more"
            assert process.poll() is None, "it was done before it was killed"
        process.kill()
        process.wait()
        kills, left = kills + 1, rows("message_ids")
        assert torn() == (0, 0), f"after kill {kills} with {left} left"
    assert left > NEEDED, "the last kill came in the middle"
    last = begin()
    told, _ = last.communicate(timeout=120)
    assert last.returncode == 0
    assert "rows of messages" in told.decode()
    assert (rows("messages"), rows("message_ids"), torn()) == (NEEDED, NEEDED, (0, 0))
    assert db.session.scalar(text("select to_regclass('messages_201905')")) is None
    db.session.execute(text("drop table messages_201906"))
    db.session.commit()
