"""Who kills processes of a live demo, waits until it is whole again, and writes down what is seen meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.chaos.history import Sample
from tests.load.installation import Demo, Process, kill

MORTAL = ("web master", "web worker", "worker", "supervisor", "scheduler", "postgres", "valkey")
RECOVERY_SECONDS = 60.0


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
        self.whole = self.roles()

    async def run(self, seconds: float) -> None:
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            await asyncio.sleep(self.chance.uniform(0.3, 2.0))
            victim = self._victim()
            if victim is None or not kill(victim):
                continue
            died = time.monotonic()
            await until(lambda victim=victim: victim not in self.demo.processes(), 5)  # type: ignore[misc]
            # Two deaths out of three come while the one before is still being mended.
            patience = RECOVERY_SECONDS if self.chance.random() < 0.34 else 0.0
            recovered = await self.recovered(died, patience)
            self.deaths.append(Death(died - began, victim.role, recovered))

    async def all_back(self) -> float:
        began = time.monotonic()
        return await self.recovered(began, RECOVERY_SECONDS)

    def _victim(self) -> Process | None:
        """One of the next role in turn: each dies before any dies again."""
        if not self._next_roles:
            self._next_roles = self.chance.sample(MORTAL, len(MORTAL))
        role = self._next_roles.pop()
        living = [process for process in self.demo.processes() if process.role == role]
        return self.chance.choice(living) if living else None

    async def recovered(self, died: float, patience: float) -> float:
        """Seconds until every process is there again and the web says that it is ready; nan when not waited for."""
        while time.monotonic() - died < patience:
            if self.roles() == self.whole:
                told = await asyncio.to_thread(self.demo.ready)
                if told and told["workers"] and "valkey" not in told["degraded"]:
                    return time.monotonic() - died
            await asyncio.sleep(0.05)
        return float("nan")

    def roles(self) -> dict[str, int]:
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


async def until(happened: Callable[[], Any], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await asyncio.to_thread(happened):
            return True
        await asyncio.sleep(0.05)
    return False
