"""Keeps the wished number of worker processes running: a dead one is replaced, all end with the supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from time import monotonic

from prometheus_client import multiprocess

from hotel_agent.embedded import die_with_parent
from hotel_agent.logs import get_logger

STOP_SECONDS = 25.0
LONGEST_BACKOFF = 10.0
STEADY_SECONDS = 20.0

log = get_logger(__name__)


@dataclass
class Slot:
    """A place for one worker process; one that is quick leaves to others what may take long."""

    number: int
    is_quick: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    backoff: float = field(default=0.5)


def supervise(count: int, stop: Event, turns: Callable[[], None]) -> None:
    slots = [Slot(number, is_quick=number == 0 < count - 1) for number in range(count)]
    while not stop.is_set():
        for slot in slots:
            _keep_running(slot)
        turns()
        stop.wait(0.2)
    _stop(slots)


def _keep_running(slot: Slot) -> None:
    now = monotonic()
    if slot.process is not None:
        status = slot.process.poll()
        if status is None:
            return
        log.error("worker_died", slot=slot.number, pid=slot.process.pid, status=status)
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            multiprocess.mark_process_dead(slot.process.pid)  # type: ignore[no-untyped-call]
        steady = now - slot.started_at > STEADY_SECONDS
        slot.backoff = 0.5 if steady else min(slot.backoff * 2, LONGEST_BACKOFF)
        slot.process, slot.start_at = None, now + slot.backoff
    if now >= slot.start_at:
        command = [sys.executable, "-m", "workers", "one", *(["--quick"] if slot.is_quick else [])]
        slot.process = subprocess.Popen(command, preexec_fn=die_with_parent(signal.SIGTERM))
        slot.started_at = now


def _stop(slots: list[Slot]) -> None:
    """Let each finish the job it has in hand, for a while."""
    running = [slot.process for slot in slots if slot.process is not None and slot.process.poll() is None]
    for process in running:
        process.terminate()
    deadline = monotonic() + STOP_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            log.error("worker_killed", pid=process.pid)
            process.kill()
            process.wait()
