"""Recurring jobs: bring forgotten work back, let holds lapse, wake what was put off, keep the tables in shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rq.timeouts import JobTimeoutException

from hotel_agent import metrics, partitions
from hotel_agent.conversations import lapsing, outbox, session, statuses, sweeping, tending, writing
from hotel_agent.db import db
from hotel_agent.locks import holding
from hotel_agent.logs import get_logger
from hotel_agent.pms import keeping as pms_rows
from hotel_agent.reservations.api import keeping
from hotel_agent.staff import sessions
from workers import nudges

log = get_logger(__name__)


def bring_back() -> None:
    outbox.open_lanes_with_new_tokens()
    forgotten = sweeping.find_forgotten()
    if forgotten.bodies:
        nudges.take_in()
    for conversation_id in forgotten.answers:
        nudges.answer(conversation_id)
    for conversation_id in forgotten.sends:
        nudges.send_in_turn(conversation_id)


def settle_unknown_sends() -> None:
    outbox.overdue_unknown()


def release_expired_holds() -> None:
    holding.release_expired()
    pms_rows.expire_overdue()
    for conversation_id in lapsing.tell_lapsed():
        nudges.send_in_turn(conversation_id)


def wake_snoozed() -> None:
    tending.wake_snoozed()


def make_partitions() -> None:
    partitions.make_partitions()


def forget_old() -> None:
    """Everything that is forgotten by itself. Raises what the first step that failed has raised, after the others."""
    failed: list[Exception] = []
    for name, step in FORGETTING.items():
        try:
            step()
        except JobTimeoutException:
            raise
        except Exception as error:  # The others must not wait for somebody to mend it.
            db.session.rollback()
            metrics.upkeep_failures.labels(name).inc()
            log.error("upkeep_step_failed", step=name, error=type(error).__name__, exc_info=error)
            failed.append(error)
    if failed:
        raise failed[0]


FORGETTING: Mapping[str, Callable[[], object]] = {
    "early_statuses": statuses.forget_early,
    "sessions": session.forget_expired,
    "staff_sessions": sessions.forget_old,
    "client_ids": writing.forget_client_ids,
    "api_requests": keeping.forget_old,
    "pms_rows": pms_rows.forget_old,
    "default_partitions": partitions.make_partitions,  # What lies in them would stay.
    "partitions": partitions.drop_old_partitions,
}
