"""A live demo loses processes to kill -9 at random, while guests write and book. Afterwards its history must hold.

CHAOS_SEED chooses the run, CHAOS_SECONDS (25) says for how long processes die.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.guests import Meta, Town, is_quiet
from tests.chaos.history import History, check, read_graph_log
from tests.chaos.reaper import Death, Reaper, Watcher, until
from tests.load.installation import Demo, Graph, running_demo

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

SEED = int(os.environ.get("CHAOS_SEED") or 1)
SECONDS = float(os.environ.get("CHAOS_SECONDS") or 25)
SETTLE_SECONDS = 25.0
QUIET_SECONDS = 120.0
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
        assert await until(lambda: town.meta.has_delivered_everything, 30), "Meta could not deliver everything"
        quiet = await until(lambda: is_quiet(demo, graph), QUIET_SECONDS)
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
