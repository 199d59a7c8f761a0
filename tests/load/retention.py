"""Two old months of half a million messages each are forgotten while guests go on writing.

Of the first nobody needs anything, so that it goes as a whole; in the second one conversation in a hundred waits for a
person, so that the others go row by row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import psycopg
from sqlalchemy import text

from hotel_agent import partitions
from hotel_agent.db import db
from hotel_agent.privacy import retention

MESSAGES, TALKS = 500_000, 25_000
WRITES_EVERY_SECONDS = 0.005
FILL = """
    create temp table talks as
    with ours as (
        insert into guests (hotel_id, name) select h.id, 'Guest ' || n
        from hotels h, generate_series(1, %(talks)s) n where h.slug = 'miramar' returning id, hotel_id)
    select id as guest_id, hotel_id from ours;
    insert into conversations (hotel_id, guest_id, channel, status, last_message_at, last_message_author,
        last_message_type, last_message_text)
    select hotel_id, guest_id, 'api', 'closed', %(at)s, 'agent', 'text', 'words' from talks;
    create temp table numbered as
        select id, hotel_id, row_number() over (order by id) - 1 as place from conversations
        where guest_id in (select guest_id from talks);
    insert into messages (created_at, conversation_id, hotel_id, direction, author, wamid, type, body, status, sent_at)
    select %(at)s + make_interval(secs => n), c.id, c.hotel_id, case n %% 2 when 0 then 'in' else 'out' end,
        case n %% 2 when 0 then 'guest' else 'agent' end, 'wamid.' || %(at)s || n, 'text',
        'What a guest of long ago has asked and what was answered, number ' || n,
        case n %% 2 when 0 then 'received' else 'read' end, %(at)s
    from generate_series(1, %(messages)s) n join numbered c on c.place = n %% %(talks)s;
    insert into message_ids (hotel_id, wamid, message_id, message_created_at)
    select hotel_id, wamid, id, created_at from messages where created_at >= %(at)s and created_at < %(beyond)s;
    update conversations set status = 'waiting', waiting_since = now()
    where id in (select id from numbered where %(waits)s and place %% 100 = 0);
    drop table talks, numbered;
"""


@dataclass
class Guest:
    """Somebody who writes all the while; how long each message took to be on disk."""

    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Month:
    """What became of one, and what guests noticed of it."""

    seconds: float
    turns: int
    longest_turn: float
    left: int
    guest: Guest


def fill(url: str, month: date, *, waits: bool, messages: int = MESSAGES, talks: int = TALKS) -> None:
    beyond = partitions.kept_since(-1, month)
    with psycopg.connect(url, options="-c TimeZone=UTC -c synchronous_commit=off") as connection:
        values = {"at": month, "beyond": beyond, "messages": messages, "talks": talks, "waits": waits}
        psycopg.ClientCursor(connection).execute(FILL, values)
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")


def forget(url: str) -> Month:
    """As the recurring job does it, turn after turn."""
    turns: list[float] = []
    with somebody_writes(url) as guest:
        began = time.perf_counter()
        more = True
        while more:
            turn = time.perf_counter()
            more = retention.forget("messages")
            turns.append(time.perf_counter() - turn)
        took = time.perf_counter() - began
    left = db.session.scalar(text("select count(*) from messages where created_at < now() - interval '25 months'"))
    db.session.rollback()
    return Month(took, len(turns), max(turns), left or 0, guest)


def quiet(url: str, seconds: float) -> Guest:
    """What a message costs while nothing else goes on."""
    with somebody_writes(url) as guest:
        time.sleep(seconds)
    return guest


@contextmanager
def somebody_writes(url: str) -> Iterator[Guest]:
    guest, over = Guest(), threading.Event()
    writing = threading.Thread(target=_write, args=(url, guest, over))
    writing.start()
    try:
        yield guest
    finally:
        over.set()
        writing.join()


def _write(url: str, guest: Guest, over: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "with writes as (insert into guests (hotel_id, name) select id, 'Writes' from hotels where slug = 'miramar'"
            " returning id, hotel_id) insert into conversations (hotel_id, guest_id, channel)"
            " select hotel_id, id, 'api' from writes returning id, hotel_id"
        ).fetchone()
        assert found is not None
        number = 0
        while not over.wait(WRITES_EVERY_SECONDS):
            number += 1
            began = time.perf_counter()
            with connection.transaction():
                connection.execute("update conversations set last_message_at = now() where id = %s", found[:1])
                connection.execute(
                    "insert into messages (conversation_id, hotel_id, direction, author, type, body, status)"
                    " values (%s, %s, 'in', 'guest', 'text', 'Hello', 'received')",
                    found,
                )
                connection.execute(
                    "insert into message_ids (hotel_id, wamid, message_id, message_created_at)"
                    " values (%s, gen_random_uuid()::text, 0, now())",
                    found[1:],
                )
            guest.seconds.append(time.perf_counter() - began)
