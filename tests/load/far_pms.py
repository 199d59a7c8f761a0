"""A hotel whose PMS is far away: what its guests wait for, and what a PMS that hangs costs everybody.

The PMS is the double of QloApps, in the process that measures; whoever asks it are processes of their own, as workers
are, and ask through the door.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from tests.fakes import qloapps as far
from tests.load.installation import ROOT

LATENCY = 0.3
STAYS = 600
# By how many nights, and how far ahead: guests ask about weekends soon far more often than about a fortnight next year.
NIGHTS, NIGHTS_WEIGHTS = (1, 2, 3, 4, 5, 7), (30, 36, 18, 7, 5, 4)
SOON_DAYS, LATER_DAYS, SOON_SHARE = 55, 150, 0.9
# The agent looks once to quote and once more when the guest has chosen; now and then for a night more or less.
LOOKS, ANOTHER_SHARE = 2, 0.25

HANG = 10.0
PROCESSES = 3
FAILURES = 5
ANSWERED = {"pms", "cache"}

# A line is a stay to look at; the answer where it came from, or what was raised, and the milliseconds.
ASKER = """
import sys, time
from datetime import date
from hotel_agent import create_app
from hotel_agent.hotels.finding import by_slug
from hotel_agent.pms.contract import PmsUnavailable, Stay
from hotel_agent.pms.door import pms_for
from hotel_agent.pms.warming import warm_up
with create_app().app_context():
    hotel = by_slug("miramar")
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        try:
            if line.strip() == "warm up":
                told = str(warm_up(hotel))
            else:
                told = pms_for(hotel).availability(Stay(*map(date.fromisoformat, line.split()))).source
        except PmsUnavailable as away:
            told = type(away).__name__
        print(told, (time.perf_counter() - began) * 1000, flush=True)
"""


class Asker:
    """One process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ASKER],
            cwd=ROOT,
            env=dict(environment),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._line()

    def begin(self, question: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()

    def end(self) -> tuple[str, float]:
        """What was told, and the seconds that it took."""
        told, milliseconds = self._line().split()
        return told, float(milliseconds) / 1000

    def ask(self, question: str) -> tuple[str, float]:
        self.begin(question)
        return self.end()

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that asks the PMS has died")
        return line.strip()


@contextmanager
def askers(count: int, environment: Mapping[str, str]) -> Iterator[list[Asker]]:
    with ExitStack() as stack:
        started = [Asker(environment) for _ in range(count)]
        for one in started:
            stack.callback(one.stop)
        yield started


# What is kept


@dataclass
class Kept:
    """Seconds by where an answer came from."""

    took: dict[str, list[float]] = field(default_factory=dict)
    warm_up: float = 0.0
    requests: int = 0

    @property
    def hits(self) -> list[float]:
        return self.took.get("cache", [])

    @property
    def asked(self) -> int:
        return sum(map(len, self.took.values()))

    @property
    def ratio(self) -> float:
        return len(self.hits) / self.asked


def cache(pms: far.QloApps, environment: Mapping[str, str], today: date) -> Kept:
    """After one warm-up, as the scheduler has it done; two workers take turns."""
    pms.inject(far.latency(LATENCY), times=None)
    kept = Kept()
    with askers(2, environment) as workers:
        _, kept.warm_up = workers[0].ask("warm up")
        before = len(pms.requests)
        for number, stay in enumerate(_mix(today)):
            told, seconds = workers[number % 2].ask(stay)
            kept.took.setdefault(told, []).append(seconds)
        kept.requests = len(pms.requests) - before
    pms.heal()
    return kept


def mix() -> str:
    """What is asked, in words."""
    nights = ", ".join(f"{count}: {share} %" for count, share in zip(NIGHTS, NIGHTS_WEIGHTS, strict=True))
    return (
        f"{SOON_SHARE:.0%} of arrivals within {SOON_DAYS} days, the others within {LATER_DAYS}; nights {nights};"
        f" each stay asked about {LOOKS} times, {ANOTHER_SHARE:.0%} once more with a night more; two workers in turn"
    )


def _mix(today: date) -> Iterator[str]:
    """Always the same guests."""
    luck = random.Random(6)
    for _ in range(STAYS):
        ahead = luck.randrange(SOON_DAYS) if luck.random() < SOON_SHARE else luck.randrange(SOON_DAYS, LATER_DAYS)
        nights = luck.choices(NIGHTS, NIGHTS_WEIGHTS)[0]
        yield from [_stay(today, ahead, nights)] * LOOKS
        if luck.random() < ANOTHER_SHARE:
            yield _stay(today, ahead, nights + 1)


def _stay(today: date, ahead: int, nights: int) -> str:
    arrival = today + timedelta(days=ahead)
    return f"{arrival} {arrival + timedelta(days=nights)}"


# One that hangs


@dataclass(frozen=True)
class Hung:
    """`failures` is what the calls that waited took, `sixth` the next one in each process, `refusals` what it was told.

    `trials` is how many questions the PMS heard of those that all processes put at once when it had rested, `rest` the
    seconds from its recovery until then, `rounds` in how many of such rounds everybody was answered.
    """

    failures: list[float]
    sixth: list[float]
    refusals: set[str]
    trials: int
    rest: float
    rounds: int


def hang(pms: far.QloApps, environment: Mapping[str, str], today: date) -> Hung:
    nights = count(2)
    with askers(PROCESSES, environment) as workers:
        for one in workers:
            one.ask(_stay(today, 1, 1))
        pms.inject(far.latency(HANG), times=None)
        failures = [workers[0].ask(_stay(today, next(nights), 1))[1] for _ in range(FAILURES)]
        refused = [one.ask(_stay(today, next(nights), 1)) for one in workers]
        pms.heal()
        # Were it quicker, whoever is told to ask last would ask after the trial.
        pms.inject(far.latency(LATENCY), times=None)
        healed = time.monotonic()
        while True:
            told, trials = _round(pms, workers, [_stay(today, next(nights), 1) for _ in workers])
            if trials:
                break
            time.sleep(0.1)
        rest, rounds = time.monotonic() - healed, 1
        while not told <= ANSWERED:
            told, _ = _round(pms, workers, [_stay(today, next(nights), 1) for _ in workers])
            rounds += 1
    return Hung(failures, [took for _, took in refused], {told for told, _ in refused}, trials, rest, rounds)


def _round(pms: far.QloApps, workers: Sequence[Asker], stays: Sequence[str]) -> tuple[set[str], int]:
    """Everybody at once: what they were told, and how many of the questions the PMS heard."""
    before = len(pms.heard("POST", "hotel_ari"))
    for one, stay in zip(workers, stays, strict=True):
        one.begin(stay)
    told = {one.end()[0] for one in workers}
    return told, len(pms.heard("POST", "hotel_ari")) - before
