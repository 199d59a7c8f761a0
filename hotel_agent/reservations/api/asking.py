"""A write that somebody waits for: written down under their key, carried out by a worker, and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hotel_agent import queues
from hotel_agent.hotels.models import Hotel
from hotel_agent.reservations.api import keeping
from hotel_agent.reservations.api.keeping import Caller, Told


@dataclass(frozen=True)
class Asked:
    """`told` is None where nobody answered in time; what was begun goes on, and the same key is told of it.

    `is_replayed`: it was told before.
    """

    told: Told | None
    is_replayed: bool = False


def ask(
    hotel: Hotel,
    caller: Caller,
    key: str,
    operation: str,
    code: str,
    body: dict[str, Any],
    carry_out: str,
    *,
    lane: str = queues.API,
    first: bool = False,
) -> Asked:
    """Have the job `carry_out` do it, once for each key; `first` for who looks at a screen. Raises KeyReused,
    InProgress."""
    kept = keeping.keep(hotel.id, caller, key, operation, code, body)
    if kept.told is not None:
        return Asked(kept.told, is_replayed=True)
    found = queues.ask(lane, carry_out, kept.id, wait_seconds=keeping.WAIT_SECONDS, first=first)
    told = Told(found["status"], found["body"]) if found else keeping.told_to(kept.id)
    if told is None or told.status in (202, 503):
        keeping.nobody_waits(kept.id)
    return Asked(told)
