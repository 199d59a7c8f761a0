"""A live demo loses processes to kill -9 at random, while guests write and book. Afterwards its history must hold.

CHAOS_SEED chooses the run, CHAOS_SECONDS (25) says for how long processes die.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.chaos.guests import Meta, Town
from tests.chaos.history import History, Sample, check, read_graph_log
from tests.load.installation import Demo, Graph, Process, kill, running_demo

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

SEED = int(os.environ.get("CHAOS_SEED") or 1)
SECONDS = float(os.environ.get("CHAOS_SECONDS") or 25)
MORTAL = ("web master", "web worker", "worker", "supervisor", "scheduler", "postgres", "valkey")
SETTLE_SECONDS = 25.0
QUIET_SECONDS = 120.0
RECOVERY_SECONDS = 60.0
SETTINGS = {"ANSWER_PAUSE_SECONDS": "0.3", "UNKNOWN_SEND_SECONDS": "5", "LOG_LEVEL": "info"}
FAULTS = {
    "seed": SEED,
    "latency_ms": 20,
    "rate_500": 0.02,
    "rate_429": 0.005,
    "hang_rate": 0.01,
    "hang_seconds": 2,
    "repeat_rate": 0.2,
}

UNREST = """
    select (select count(*) from inbound_events where processed_at is null) as bodies,
           (select count(*) from messages where handling = 'pending') as pending,
           (select count(*) from messages where direction = 'out' and status in ('queued', 'sending')) as on_their_way,
           (select count(*) from messages where status = 'unknown' and notified_at is null) as unknown,
           (select count(*) from conversations where answer_due_at is not null and channel = 'whatsapp') as due
"""


@dataclass(frozen=True)
class Death:
    at: float
    role: str
    recovered_after: float


class Reaper:
    """Kills processes of one demo, and waits for each time it comes back."""

    def __init__(self, demo: Demo, chance: random.Random) -> None:
        self.demo = demo
        self.chance = chance
        self.deaths: list[Death] = []
        self._next_roles: list[str] = []
        self.whole = self._roles()

    async def run(self, seconds: float) -> None:
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            await asyncio.sleep(self.chance.uniform(0.3, 2.0))
            victim = self._victim()
            if victim is None or not kill(victim):
                continue
            died = time.monotonic()
            await _until(lambda victim=victim: victim not in self.demo.processes(), 5)  # type: ignore[misc]
            # Two deaths out of three come while the one before is still being mended.
            patience = RECOVERY_SECONDS if self.chance.random() < 0.34 else 0.0
            recovered = await self._recovered(died, patience)
            self.deaths.append(Death(died - began, victim.role, recovered))

    async def all_back(self) -> float:
        began = time.monotonic()
        return await self._recovered(began, RECOVERY_SECONDS)

    def _victim(self) -> Process | None:
        """One of the next role in turn: each dies before any dies again."""
        if not self._next_roles:
            self._next_roles = self.chance.sample(MORTAL, len(MORTAL))
        role = self._next_roles.pop()
        living = [process for process in self.demo.processes() if process.role == role]
        return self.chance.choice(living) if living else None

    async def _recovered(self, died: float, patience: float) -> float:
        """Seconds until every process is there again and the web says that it is ready; nan when not waited for."""
        while time.monotonic() - died < patience:
            if self._roles() == self.whole:
                told = await asyncio.to_thread(self.demo.ready)
                if told and told["workers"] and "valkey" not in told["degraded"]:
                    return time.monotonic() - died
            await asyncio.sleep(0.05)
        return float("nan")

    def _roles(self) -> dict[str, int]:
        roles = [process.role for process in self.demo.processes()]
        return {role: roles.count(role) for role in MORTAL}


class Watcher:
    """Writes down how far each outbound row is, several times a second, whenever PostgreSQL lets it."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.samples: list[Sample] = []
        self._last: dict[int, str] = {}
        self._database: psycopg.Connection[Any] | None = None

    async def run(self) -> None:
        while True:
            await asyncio.to_thread(self._watch)
            await asyncio.sleep(0.15)

    def _watch(self) -> None:
        try:
            self._database = self._database or self.demo.connect()
            rows = self._database.execute("select id, status from messages where direction = 'out'").fetchall()
        except psycopg.Error:
            self._database = None
            return
        now = time.time()
        self.samples += [Sample(now, id_, status) for id_, status in rows if self._last.get(id_) != status]
        self._last = dict(rows)


async def _until(happened: Callable[[], Any], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await asyncio.to_thread(happened):
            return True
        await asyncio.sleep(0.05)
    return False


async def _torment(demo: Demo, graph: Graph) -> tuple[Town, Reaper, Watcher]:
    chance = random.Random(SEED)
    town = Town(Meta(demo.port, chance), graph)
    reaper, watcher = Reaper(demo, random.Random(SEED)), Watcher(demo)
    watching = [asyncio.create_task(one) for one in (town.meta.run(), town.listen(), watcher.run())]
    guests = [asyncio.create_task(one) for one in _guests(town)]
    try:
        await reaper.run(SECONDS)
        print(f"all processes back {await reaper.all_back():.1f} s after the last death")
        town.closing.set()
        await asyncio.wait(guests, timeout=SETTLE_SECONDS)
        stopped = time.monotonic()
        assert await _until(lambda: town.meta.has_delivered_everything, 30), "Meta could not deliver everything"
        quiet = await _until(lambda: _is_quiet(demo, graph), QUIET_SECONDS)
        after = f"{time.monotonic() - stopped:.1f} s after the last guest fell silent"
        print(f"{'quiet' if quiet else 'NOT QUIET'} {after}")
        await asyncio.sleep(0.5)
    finally:
        for task in [*guests, *watching]:
            task.cancel()
        await asyncio.gather(*guests, *watching, return_exceptions=True)
    return town, reaper, watcher


def _guests(town: Town) -> list[Coroutine[Any, Any, None]]:
    """Sixteen who talk; six who book, four of them after the four suites of the same nights."""
    bookers = [town.a_booker("suite", 70) for _ in range(4)]
    bookers += [town.a_booker("double", 75), town.a_booker("family room", 80)]
    return [*(town.a_talker() for _ in range(16)), *bookers]


def _is_quiet(demo: Demo, graph: Graph) -> bool:
    """Nothing waits anywhere, and every status has been told."""
    with contextlib.suppress(psycopg.Error), demo.connect() as database:
        unrest = database.execute(UNREST).fetchone()
        heard, told = read_graph_log(graph.log)
        owed = 3 * sum(one.outcome != "refused" for one in heard)
        return not any(unrest or (1,)) and len({(one.wamid, one.status) for one in told}) >= owed
    return False


def _print_deaths(deaths: list[Death]) -> None:
    for death in deaths:
        back = f"all back after {death.recovered_after:.1f} s" if death.recovered_after >= 0 else "next death follows"
        print(f"  {death.at:5.1f} s  kill -9 {death.role:<10}  {back}")


def test_no_kill_loses_or_repeats_anything(tmp_path: Path) -> None:
    with running_demo(tmp_path, SETTINGS, FAULTS) as (demo, graph):
        town, reaper, watcher = asyncio.run(_torment(demo, graph))
        town.meta.save(tmp_path / "accepted.jsonl")
        heard, told = read_graph_log(graph.log)
        with demo.connect() as database:
            violations = check(History(database, heard, told, town.meta.accepted, watcher.samples))
            booked_twice = database.execute(
                "select guest_id, count(*) from reservations where created_at > now() - interval '1 hour'"
                " and guest_id in (select guest_id from conversations) group by 1 having count(*) > 1"
            ).fetchall()
    posts = f"{len(town.meta.accepted)} posts with a 200 and {town.meta.refused} without"
    print(f"seed {SEED}: {len(reaper.deaths)} deaths, {len(town.phones)} guests, {posts}")
    print(f"{len(heard)} sends heard, {len(told)} statuses told, {len(town.confirmed)} bookings confirmed")
    _print_deaths(reaper.deaths)
    assert [str(violation) for violation in violations] == []
    assert booked_twice == []
    assert reaper.deaths, "nobody died"
    assert town.heard, "nobody was answered"
    assert town.confirmed, "nobody could book"
