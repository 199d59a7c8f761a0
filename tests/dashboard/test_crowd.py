"""A crowd in a database of its own: what searches find there is what reading every word would, and pages stay cheap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from hotel_agent import create_app
from hotel_agent.config import Settings, settings
from hotel_agent.dashboard.inbox import listing
from hotel_agent.dashboard.search import MOST, find, words_of
from hotel_agent.dashboard.shapes import VIEWS
from hotel_agent.dashboard.stay import card
from hotel_agent.dashboard.thread import head, thread
from hotel_agent.db import db
from hotel_agent.hotels.demo import load_demo
from hotel_agent.partitions import make_partitions
from hotel_agent.staff import accounts
from tests.dashboard.cast import hotel, says, statements, talk
from tests.load import crowd

pytestmark = pytest.mark.xdist_group("crowd")

CONVERSATIONS, MESSAGES = 400, 6000


@pytest.fixture(scope="module")
def crowded(servers, migrated_app) -> Iterator[Flask]:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("drop database if exists crowd with (force)")
        connection.execute("create database crowd")
    base, _, query = servers.database_url.partition("?")
    url = base.rpartition("/")[0] + "/crowd" + (f"?{query}" if query else "")
    app = create_app(Settings.model_validate(settings().model_dump() | {"database_url": url}))
    with app.app_context():
        upgrade()
        make_partitions()
        load_demo()
        accounts.put("ana@miramar.example", hotel().id, "reception", "Ana")
        db.session.commit()
        crowd.fill(url.replace("+psycopg", ""), CONVERSATIONS, MESSAGES)
        yield app
        db.session.remove()
        db.engine.dispose()


def ana() -> int:
    return accounts.by_email("ana@miramar.example").id


def column(question: str, **values: Any) -> list[int]:
    return list(db.session.execute(text(question), values | {"hotel": hotel().id}).scalars())


@pytest.mark.parametrize(
    "query",
    ["hola", "habitación", "habitación doble", "sauna", "calefaccion", "pequeno", "de", "el", "gracias", "miramar"],
)
def test_a_search_finds_what_was_said_last(crowded, query):
    """However common the words are, and in whatever month they were said."""
    every_word = " and ".join(
        f"lower(unaccent(body)) ~ ('\\m' || :word{number})" for number in range(len(query.split()))
    )
    words = {f"word{number}": word for number, word in enumerate(crowd_fold(query).split())}
    said = column(
        f"select conversation_id from messages where hotel_id = :hotel and {every_word} order by id desc", **words
    )
    noted = column(f"select conversation_id from conversation_events where kind = 'note' and {every_word}", **words)
    named = column(
        "select c.id from conversations c join guests g on g.id = c.guest_id where "
        + every_word.replace("body", "g.name"),
        **words,
    )
    named += column(
        "select c.id from conversations c join reservations r on r.guest_id = c.guest_id where "
        + every_word.replace("body", "r.guest_name"),
        **words,
    )
    found = find(hotel(), words_of(query) or pytest.fail(query))
    assert set(found) <= {*said, *noted, *named}
    if len({*said, *noted, *named}) <= MOST:
        assert set(found) >= {*said, *noted}
    elif not named:
        latest = list(dict.fromkeys(said))[:20]
        assert set(latest) <= set(found)


def crowd_fold(query: str) -> str:
    return str(db.session.scalar(text("select fold(:query)"), {"query": query}))


def test_a_word_that_was_said_once_is_found_wherever_it_lies(crowded):
    rows = db.session.execute(
        text(
            "select conversation_id, (regexp_match(body, '[0-9A-F]{6}'))[1] as word from messages"
            " where body ~ '[0-9A-F]{6}' order by id"
        )
    ).all()
    assert len({row.word for row in rows}) > 100
    for row in rows[:: len(rows) // 20]:
        assert row.conversation_id in find(hotel(), words_of(row.word) or pytest.fail(row.word))


def test_a_word_common_long_ago_and_not_since_is_found(crowded):
    """The planner's statistics know nothing of when: the search must not give up where it expected to be done."""
    old = talk("Marta")
    db.session.execute(
        text(
            "insert into messages (created_at, conversation_id, hotel_id, direction, author, type, body, status)"
            " select now() - interval '40 days', :conversation, :hotel, 'in', 'guest', 'text', 'nevada', 'received'"
            " from generate_series(1, 3000)"
        ),
        {"conversation": old, "hotel": hotel().id},
    )
    for number in range(30):
        says(talk(f"Guest {number}"), "nada", minutes=60 * 24 * 35)
    new = talk("Julia")
    says(new, "nevada", minutes=60 * 24 * 39)
    db.session.execute(text("analyze messages"))
    db.session.commit()
    assert set(find(hotel(), words_of("nevada") or pytest.fail("no words"))) == {old, new}


@pytest.mark.parametrize("view", VIEWS)
def test_a_list_costs_six_statements_in_a_crowd_too(crowded, view):
    here, me = hotel(), ana()
    for query in ("", "hola", "xyzzy"):
        with statements() as asked:
            shown = listing(here, me, view, query)
        assert len(asked) <= 6
        assert query != "hola" or shown.lines


def test_every_thread_of_the_crowd_can_be_read(crowded):
    here = hotel()
    for number in column("select id from conversations where hotel_id = :hotel order by id desc limit 60"):
        with statements() as asked:
            told = head(here, number)
            thread(here, number)
            card(here, told.guest_id, "pt")
        assert len(asked) <= 2 + 7 + 3
    longest = column("select conversation_id from messages group by 1 order by count(*) desc limit 1")[0]
    seen, cursor = 0, None
    while True:
        page = thread(here, longest, cursor)
        seen, cursor = seen + len(page.items), page.older
        if cursor is None:
            break
    in_all = column(
        "select count(*) from messages where conversation_id = :one and type <> 'reaction' union all"
        " select count(*) from conversation_events where conversation_id = :one",
        one=longest,
    )
    assert seen == sum(in_all)
