"""One worker of several is kept for what is quick: whatever a backup, an export or a slow PMS takes, a guest of
another hotel finds somebody free.

It takes no work of queues that may take long, and hands on answers of hotels whose PMS keeps one waiting. What programs
ask of such a hotel is not put before it at all.
"""

from __future__ import annotations

from flask import current_app
from sqlalchemy import text

from hotel_agent import queues
from hotel_agent.db import db, glance
from hotel_agent.pms import pace
from hotel_agent.redis import RedisError

IS_QUICK = "IS_QUICK_WORKER"
# Somebody for whom it is worth being kept.
OTHERS = "select exists (select from tenant_user_identifiers where stopped_at is null and hotel_id <> all(%s))"


def left_to_others() -> frozenset[int]:
    """Hotels (their ids) whose answers are not for this worker: none where nobody else is free of long work to give
    them, or where every hotel is slow and this one would be kept for nobody."""
    if not current_app.config.get(IS_QUICK):
        return frozenset()
    slow = pace.slow_hotels()
    if not slow or not _others_are_free():
        return frozenset()
    found = glance(OTHERS, list(slow))
    return slow if found and found[0] else frozenset()


def lane_of(hotel_id: int) -> str:
    """The queue in which what a program asks of that hotel waits, by the same rule."""
    slow = pace.slow_hotels()
    if hotel_id not in slow or not _others_are_free():
        return queues.API
    others = db.session.scalar(text(OTHERS.replace("%s", ":slow")), {"slow": list(slow)})
    return queues.SLOW_ANSWERS if others else queues.API


def _others_are_free() -> bool:
    try:
        return queues.workers_alive() - queues.under_way(queues.BACKGROUND) > 1
    except RedisError:
        return False
