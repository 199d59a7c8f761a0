"""The job that does what a program has asked for, and the one that goes on where such a job has died."""

from __future__ import annotations

from typing import Any

from hotel_agent.reservations.api import doing, keeping


def carry_out(request_id: int) -> dict[str, Any] | None:
    told = doing.carry_out(request_id)
    return None if told is None else {"status": told.status, "body": told.body}


def write_down_what_was_done() -> None:
    for request_id in keeping.done_and_untold():
        doing.carry_out(request_id)
