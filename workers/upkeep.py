"""Recurring jobs: bring forgotten work back, let holds lapse, wake what was put off, keep the tables in shape."""

from __future__ import annotations

from hotel_agent import partitions
from hotel_agent.conversations import lapsing, outbox, session, statuses, sweeping, tending, writing
from hotel_agent.locks import holding
from hotel_agent.pms import keeping as pms_rows
from hotel_agent.reservations.api import keeping
from hotel_agent.staff import sessions
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
    pms_rows.expire_overdue()
    for conversation_id in lapsing.tell_lapsed():
        nudges.send(conversation_id)


def wake_snoozed() -> None:
    tending.wake_snoozed()


def make_partitions() -> None:
    partitions.make_partitions()


def forget_old() -> None:
    statuses.forget_early()
    session.forget_expired()
    sessions.forget_old()
    writing.forget_client_ids()
    keeping.forget_old()
    pms_rows.forget_old()
    partitions.drop_old_partitions()
