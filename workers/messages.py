"""Jobs on the way of a guest's message. Each belongs to rows and may run twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from datetime import date
from functools import lru_cache, partial
from typing import Any

from hotel_agent import queues
from hotel_agent.channels.whatsapp.client import GraphClient
from hotel_agent.config import settings
from hotel_agent.conversations import answering, outbox, replying, taking_in, turns
from hotel_agent.db import utcnow
from hotel_agent.media import fetching
from workers import nudges, quick

# Bodies of one job, while somebody waits for an answer, and else: another hotel's first waits for a job that is under
# way, and then for the share of time that it has cost.
FEW_BODIES, MOST_BODIES = 6, taking_in.TOGETHER


def take_in() -> None:
    queues.clear("take_in")
    taken = taking_in.take_in(FEW_BODIES if queues.is_waited_for(queues.ANSWERS) else MOST_BODIES)
    for conversation_id, due in taken.to_answer.items():
        if due <= utcnow():
            nudges.answer(conversation_id)
    if fetching.something_due():
        nudges.fetch_media()
    if taken.more:
        nudges.take_in()


def answer(conversation_id: int, longest_first: bool = False) -> None:
    """Answer the conversation, or one of the hotel whose turn it is; this one comes again then.

    `longest_first`, where reminders come in no order: of its own hotel it is whoever waits longest.
    """
    left = quick.left_to_others()
    if left and turns.is_of(conversation_id, left):
        nudges.answer_slowly(conversation_id)
        return
    queues.clear(f"answer:{conversation_id}", f"slow:{conversation_id}")
    ours = turns.longest_waiting(conversation_id) if longest_first else []
    for other in turns.before(conversation_id, left) or ours:
        if answering.answer(other, announce):
            outbox.deliver(other, graph())
            if other != conversation_id:
                nudges.answer(conversation_id)
            return
    answering.answer(conversation_id, announce)
    outbox.deliver(conversation_id, graph())


def send(conversation_id: int) -> None:
    queues.clear(f"send:{conversation_id}")
    outbox.deliver(conversation_id, graph())


def process(message_id: int, today: str | None, language: str | None) -> dict[str, Any] | None:
    return replying.answer_message(message_id, date.fromisoformat(today) if today else None, language)


@lru_cache
def graph() -> GraphClient:
    return GraphClient(settings().graph_url)


@lru_cache
def _announcers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, thread_name_prefix="announce")


@contextmanager
def announce(starting: answering.Starting) -> Iterator[None]:
    """Tell WhatsApp that work has begun, beside the work; the reply never overtakes the typing indicator."""
    told = _announcers().submit(
        copy_context().run,
        partial(graph().mark_read, starting.phone_number_id, starting.token, starting.wamid, typing=True),
    )
    try:
        yield
    finally:
        wait([told], timeout=2)
