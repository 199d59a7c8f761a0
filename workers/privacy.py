"""Jobs about guests' data. Each belongs to a row, and goes on where an earlier run has ended."""

from __future__ import annotations

from hotel_agent.logs import get_logger
from hotel_agent.privacy import erasing, exporting
from workers import nudges

log = get_logger(__name__)


def export(export_id: int) -> None:
    exporting.make(export_id)


def erase(erasure_id: int) -> None:
    try:
        erasing.carry_out(erasure_id)
    except erasing.Busy as busy:
        log.info("erasure_waits", erasure=erasure_id, why=str(busy))


def go_on() -> None:
    """What a nudge has lost, or a worker that died."""
    exporting.forget_old()
    for export_id in exporting.unfinished():
        nudges.export_guest(export_id)
    for erasure_id in erasing.unfinished():
        nudges.erase_guest(erasure_id)
