"""A hotel whose every door sticks now and then (`FAULTS`): guests talk and book all the same, and the history holds."""

from __future__ import annotations

import asyncio
import random
import time
import urllib.request
from pathlib import Path

import pytest

from tests.chaos.guests import Meta, Town, is_quiet
from tests.chaos.history import History, check, read_graph_log
from tests.chaos.reaper import Watcher, until
from tests.load.installation import Demo, Graph, running_demo

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

SEED = 20261
SECONDS, SETTLE_SECONDS, QUIET_SECONDS = 15.0, 20.0, 90.0
FAULTS = (
    "pms:latency=0.3,chance=0.3;pms:error=0.05;"
    "graph:latency=0.2,chance=0.3;graph:error=0.08;graph:error=0.05,status=500;graph:hang=0.02,seconds=1;"
    "graph:partial=0.02;database:latency=0.05,chance=0.02;database:error=0.002;"
    "database:lost_commit=0.004;database:lost_answer=0.004;"
    f"valkey:latency=0.02,chance=0.05;valkey:error=0.01;valkey:partial=0.005;seed={SEED}"
)
SETTINGS = {"FAULTS": FAULTS, "ANSWER_PAUSE_SECONDS": "0.3", "UNKNOWN_SEND_SECONDS": "3", "LOG_LEVEL": "error"}
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def test_doors_that_stick_lose_and_repeat_nothing(tmp_path: Path) -> None:
    with running_demo(tmp_path, SETTINGS) as (demo, graph):
        town, watcher = asyncio.run(_an_evening(demo, graph))
        heard, told = read_graph_log(graph.log)
        struck = _struck(demo)
        with demo.connect() as database:
            violations = check(History(database, heard, told, town.meta.accepted, watcher.samples))
    print(f"seed {SEED}: {len(town.phones)} guests, {len(heard)} sends heard, {len(town.confirmed)} bookings confirmed")
    print(f"struck: {struck}")
    assert [str(violation) for violation in violations] == []
    assert {"pms", "graph", "database", "valkey"} <= {door for door, _ in struck}
    assert town.heard, "nobody was answered"
    assert town.confirmed, "nobody could book"


async def _an_evening(demo: Demo, graph: Graph) -> tuple[Town, Watcher]:
    town, watcher = Town(Meta(demo.port, random.Random(SEED)), graph), Watcher(demo)
    watching = [asyncio.create_task(one) for one in (town.meta.run(), town.listen(), watcher.run())]
    guests = [asyncio.create_task(town.a_talker()) for _ in range(8)]
    guests += [asyncio.create_task(town.a_booker("suite", 70)) for _ in range(2)]
    guests += [asyncio.create_task(town.a_booker("double", 75))]
    try:
        await asyncio.sleep(SECONDS)
        town.closing.set()
        await asyncio.wait(guests, timeout=SETTLE_SECONDS)
        began = time.monotonic()
        assert await until(lambda: town.meta.has_delivered_everything, 30), "Meta could not deliver everything"
        quiet = await until(lambda: is_quiet(demo, graph), QUIET_SECONDS)
        print(f"{'quiet' if quiet else 'NOT QUIET'} {time.monotonic() - began:.1f} s after the last guest fell silent")
        await asyncio.sleep(0.5)
    finally:
        for task in [*guests, *watching]:
            task.cancel()
        await asyncio.gather(*guests, *watching, return_exceptions=True)
    return town, watcher


def _struck(demo: Demo) -> dict[tuple[str, str], int]:
    """How often each fault struck, as the metrics tell."""
    from prometheus_client.parser import text_string_to_metric_families as families

    with _no_proxy.open(f"http://127.0.0.1:{demo.port}/metrics", timeout=10) as answer:
        found = [sample for family in families(answer.read().decode()) for sample in family.samples]
    return {
        (one.labels["door"], one.labels["kind"]): int(one.value)
        for one in found
        if one.name == "faults_injected_total" and one.value
    }
