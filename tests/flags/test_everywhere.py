"""The kill switch acts in every process within a second, with Valkey and without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

from hotel_agent.flags.switches import switch

ROOT = Path(__file__).resolve().parents[2]
MIRAMAR = 1
WATCHER = """
import time
from hotel_agent import live
from hotel_agent.flags.switches import is_on

live.listener.start()
while not live.listener.hears:
    time.sleep(0.01)
before = None
while True:
    now = is_on("agent", 1)
    if now != before:
        print("agent", now, time.time(), flush=True)
    before = now
    time.sleep(0.005)
"""


class Watcher:
    """Another process that asks all the time whether the agent is on."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", WATCHER], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.seen: Queue[tuple[bool, float]] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("agent "):
                _, state, at = line.split()
                self.seen.put((state == "True", float(at)))

    def sees(self, state: bool, since: float) -> float:
        """The seconds from `since` until it saw that."""
        while True:
            now, at = self.seen.get(timeout=20)
            if now == state:
                return at - since


@pytest.fixture
def watchers(app) -> Iterator[list[Watcher]]:
    both = [Watcher(), Watcher()]
    for each in both:
        each.sees(True, 0)
    yield both
    for each in both:
        each.process.kill()
        each.process.wait()


def flip(watchers: list[Watcher], state: bool) -> float:
    """Switch, and tell how long the slowest process took to act."""
    began = time.time()
    switch("agent", state, MIRAMAR)
    return max(each.sees(state, began) for each in watchers)


def test_every_process_acts_within_a_second(watchers):
    took = [flip(watchers, bool(number % 2)) for number in range(20)]
    print("slowest of 20:", round(max(took), 3))
    assert max(took) < 1


def test_also_while_valkey_is_away_and_once_it_is_back(watchers, servers):
    flip(watchers, False)
    os.kill(servers.pids["valkey"], signal.SIGKILL)
    servers._wait_for_end(servers._servers["valkey"])
    try:
        time.sleep(0.5)
        away = [flip(watchers, True), flip(watchers, False)]
    finally:
        servers.restart("valkey")
    time.sleep(2)
    back = [flip(watchers, True), flip(watchers, False)]
    print("away:", away, "back:", back)
    assert max(away) < 2
    assert max(back) < 1
