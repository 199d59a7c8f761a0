"""Several workers at once on the same guests: nothing is answered twice, lost, or left waiting for a lock."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from sqlalchemy import select, text

from hotel_agent.conversations import answering, outbox, taking_in
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db
from tests.conversations import bodies
from workers import messages as jobs

GUESTS, WORDS, WORKERS = 12, 4, 6


def test_a_busy_evening(app, deliver, graph, echo):
    chance = random.Random(7)
    client = jobs.graph()
    echoes: list[dict[str, Any]] = []
    given = [
        bodies.said(f"{guest}.{word}", f"wamid.{guest}.{word}", phone=phone, bsuid=bsuid)
        for guest in range(GUESTS)
        for word in range(WORDS)
        for phone, bsuid in [
            chance.choice([(f"3460000{guest:04}", None), (None, f"ES.{guest}"), (f"3460000{guest:04}", f"ES.{guest}")])
        ]
    ]
    given += [
        bodies.said("otra vez", f"wamid.{guest}.x", phone=f"3460000{guest:04}", bsuid=f"ES.{guest}")
        for guest in range(GUESTS)
    ]
    chance.shuffle(given)

    def webhook(heard: Any) -> None:
        """Meta tells of a send while our client still reads the answer."""

        def tell() -> None:
            with app.app_context():
                statuses_body = bodies.merged(
                    *(bodies.status(heard.wamid, what, data=heard.callback_data) for what in ("delivered", "sent"))
                )
                echoes.append(statuses_body)
                deliver(statuses_body)

        threading.Thread(target=tell).start()

    graph.while_sending = webhook
    over = monotonic() + 60

    def work() -> None:
        own = random.Random(threading.get_ident())
        while monotonic() < over:
            with app.app_context():
                taken = taking_in.take_in(3)
                ids = list(db.session.scalars(select(Conversation.id)))
                owed = db.session.scalar(text(OWED))
                db.session.rollback()
                own.shuffle(ids)
                for conversation_id in ids:
                    answering.answer(conversation_id)
                    outbox.deliver(conversation_id, client)
                if not taken.bodies and not owed:
                    return

    for place in range(0, len(given), 5):
        batch = bodies.merged(*given[place : place + 5])
        deliver(batch)
        if place % 2:
            deliver(batch)
    began = monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(work) for _ in range(WORKERS)]:
            done.result()
    took = monotonic() - began
    with app.app_context():
        while taking_in.take_in().bodies:
            pass
    db.session.rollback()

    def count(query: str) -> Any:
        return db.session.scalar(text(f"select count(*) from {query}"))

    answered = [heard.text for turn in echo for heard in turn.heard]
    assert count("messages where direction = 'in' and handling <> 'answered'") == 0
    assert count("messages where direction = 'in'") == GUESTS * (WORDS + 1)
    assert count("inbound_events where attempts > 0 or processed_at is null") == 0
    assert count("conversations") == GUESTS
    heard = [word for send in graph.sent for word in send.text.removeprefix("re: ").split(" + ")]
    assert sorted(heard) == sorted(
        [f"{guest}.{word}" for guest in range(GUESTS) for word in range(WORDS)] + ["otra vez"] * GUESTS
    )
    assert len(answered) >= len(heard)
    assert db.session.execute(text("select distinct status from messages where direction = 'out'")).all() == [
        ("delivered",)
    ]
    print(f"{took:.1f} s, {len(graph.sent)} sends, {len(answered)} messages heard by the dialogue")


OWED = """
    select exists (select from messages where handling = 'pending' or status in ('queued', 'sending'))
        or exists (select from inbound_events where processed_at is null)
"""
