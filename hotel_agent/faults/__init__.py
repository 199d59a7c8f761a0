"""Faults on purpose, at the doors to the PMS, the Graph API, the database and Valkey; never in production.

`FAULTS` says which: faults are separated by `;`, each `DOOR:KIND=VALUE` with options behind commas.

    FAULTS="pms:latency=10"
    FAULTS="graph:error=0.3,status=500;valkey:error=0.05;database:latency=0.2,chance=0.1;pms:hang=0.1,seconds=30;seed=7"

| kind | VALUE is | what happens |
|---|---|---|
| `latency` | seconds | the call begins so much later; option `chance` (1) |
| `error` | chance, 0 to 1 | it fails at once: refused connections; with `status` (pms, graph) that HTTP answer |
| `hang` | chance | it is asked, and no answer comes for `seconds` (30), or until the caller gives up |
| `partial` | chance | the answer breaks off in the middle (pms, graph, valkey) |
| `lost_commit` | chance | the COMMIT never arrives, and nothing of the transaction is kept (database) |
| `lost_answer` | chance | it is committed, and whoever asked for it is not told (database) |

A fault looks like the real thing: callers see the exceptions of the library that they use. `seed` (1) makes chance
repeatable in a process.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from prometheus_client import Counter

Result = TypeVar("Result")

DOORS: Mapping[str, frozenset[str]] = {
    "pms": frozenset({"latency", "error", "hang", "partial"}),
    "graph": frozenset({"latency", "error", "hang", "partial"}),
    "database": frozenset({"latency", "error", "hang", "lost_commit", "lost_answer"}),
    "valkey": frozenset({"latency", "error", "hang", "partial"}),
}
OPTIONS = {"latency": {"chance"}, "error": {"status"}, "hang": {"seconds"}}
HANG_SECONDS = 30.0

injected = Counter("faults_injected_total", "Faults on purpose, where FAULTS asks for them.", ["door", "kind"])


class BadFaults(ValueError):
    """The setting cannot be read; the text says what of it."""


@dataclass(frozen=True)
class Fault:
    """`value` is seconds of latency, else a chance."""

    door: str
    kind: str
    value: float
    options: Mapping[str, float] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        return self.options.get("chance", 1.0) if self.kind == "latency" else self.value


class FaultInjector:
    """Strikes at the doors as it is told. `sleep` is what waiting is done with."""

    def __init__(self, told: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.faults, seed = read(told)
        self._chance = random.Random(seed)
        self._sleep = sleep

    def is_at(self, door: str) -> bool:
        return any(fault.door == door for fault in self.faults)

    def delay(self, door: str, most: float = float("inf")) -> bool:
        """Wait as latency asks; True where that is longer than the caller waits."""
        wanted = sum(fault.value for fault in self._struck(door, "latency"))
        self._sleep(min(wanted, most))
        return wanted >= most

    def strikes(self, door: str, kind: str) -> Fault | None:
        """A fault of this kind that strikes this time."""
        return next(self._struck(door, kind), None)

    def hang(self, fault: Fault, most: float = float("inf")) -> None:
        self._sleep(min(fault.options.get("seconds", HANG_SECONDS), most))

    def _struck(self, door: str, kind: str) -> Iterator[Fault]:
        for fault in self.faults:
            if (fault.door, fault.kind) == (door, kind) and self._chance.random() < fault.chance:
                injected.labels(door, kind).inc()
                yield fault


def read(told: str) -> tuple[tuple[Fault, ...], int]:
    """The faults and the seed. Raises BadFaults."""
    seed, faults = 1, []
    for one in filter(None, map(str.strip, told.split(";"))):
        head, *options = one.split(",")
        if head.startswith("seed=") and not options:
            seed = int(_number(head.removeprefix("seed="), one))
            continue
        place, given, value = head.partition("=")
        door, _, kind = place.partition(":")
        if door not in DOORS:
            raise BadFaults(f"{one!r}: the doors are {', '.join(DOORS)}")
        if kind not in DOORS[door] or not given:
            raise BadFaults(f"{one!r}: say {' or '.join(f'{door}:{known}=…' for known in sorted(DOORS[door]))}")
        faults.append(_checked(Fault(door, kind, _number(value, one), dict(_options(door, kind, options, one))), one))
    return tuple(faults), seed


def _options(door: str, kind: str, given: list[str], one: str) -> Iterator[tuple[str, float]]:
    known = OPTIONS.get(kind, set()) - (set() if door in ("pms", "graph") else {"status"})
    for option in given:
        name, _, value = option.strip().partition("=")
        if name not in known:
            raise BadFaults(f"{one!r}: {kind} of {door} has {' and '.join(sorted(known)) or 'no'} options")
        yield name, _number(value, one)


def _number(words: str, one: str) -> float:
    try:
        number = float(words)
    except ValueError:
        raise BadFaults(f"{one!r}: {words!r} is no number") from None
    if not 0 <= number < 1e6:
        raise BadFaults(f"{one!r}: {words} is below 0 or too large")
    return number


def _checked(fault: Fault, one: str) -> Fault:
    if fault.chance > 1:
        raise BadFaults(f"{one!r}: a chance is from 0 to 1")
    status = fault.options.get("status", 500)
    if not 400 <= status <= 599 or status != int(status):
        raise BadFaults(f"{one!r}: the status of an error is from 400 to 599")
    return fault


def injector() -> FaultInjector | None:
    """This process's, where FAULTS is set."""
    from hotel_agent.config import configured

    known = configured()
    return _injector_of(known.faults) if known and known.faults else None


@lru_cache
def _injector_of(told: str) -> FaultInjector:
    return FaultInjector(told)


def at(door: str) -> FaultInjector | None:
    """The injector, where it has something to do at this door."""
    known = injector()
    return known if known is not None and known.is_at(door) else None


def around(
    work: Callable[[], Result],
    seconds_left: Callable[[], float],
    away: Callable[[str], Exception],
    unknown: Callable[[str], Exception],
) -> Result:
    """Do what a PMS without requests is asked, our own rooms, with whatever is to go wrong there.

    Raises what `away` makes of a reason where nothing was done, and what `unknown` does where it was.
    """
    faults = at("pms")
    if faults is None:
        return work()
    if faults.delay("pms", max(seconds_left(), 0.0)) or faults.strikes("pms", "error"):
        raise away("injected")
    silence, broken = faults.strikes("pms", "hang"), faults.strikes("pms", "partial")
    done = work()
    if silence:
        faults.hang(silence, max(seconds_left(), 0.0))
    if silence or broken:
        raise unknown("injected")
    return done
