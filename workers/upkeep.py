"""Recurring jobs: bring forgotten work back, let holds lapse, keep the tables in shape."""

from __future__ import annotations

from hotel_agent import partitions
from hotel_agent.conversations import outbox, session, statuses, sweeping
from hotel_agent.locks import holding
from workers import nudges


def bring_back() -> None:
    outbox.open_lanes_with_new_tokens()
    forgotten = sweeping.find_forgotten()
    if forgotten.bodies:
        nudges.take_in()
    for conversation_id in forgotten.answers:
        nudges.answer(conversation_id)
    for conversation_id in forgotten.sends:
        nudges.send(conversation_id)


def settle_unknown_sends() -> None:
    outbox.overdue_unknown()


def release_expired_holds() -> None:
    holding.release_expired()


def make_partitions() -> None:
    partitions.make_partitions()


def forget_old() -> None:
    statuses.forget_early()
    session.forget_expired()
