"""Named troubles, a short while each, on two demos: whatever breaks, nothing is lost, doubled or left lying.

CHAOS_SEED chooses the run. `python -m tests.chaos.run` plays them all, for longer.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.run import play, table
from tests.chaos.scenarios import SCENARIOS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

SEED = int(os.environ.get("CHAOS_SEED") or 1)
SECONDS = 5.0
AT_HOME = (
    "valkey-killed",
    "valkey-wiped",
    "postgres-paused",
    "connections-cut",
    "disk-full",
    "graph-twice",
    "two-schedulers",
    "rolling-deploy",
)
FAR_AWAY = ("pms-dies",)


@pytest.mark.parametrize("names", [AT_HOME, FAR_AWAY], ids=["rooms-kept-here", "rooms-kept-far-away"])
def test_whatever_breaks_nothing_is_lost_or_doubled(names: tuple[str, ...], tmp_path: Path) -> None:
    outcomes = play([SCENARIOS[name] for name in names], SECONDS, SEED, tmp_path, tmp_path / "figures")
    print(table(outcomes))
    assert [one.scenario for one in outcomes] == list(names)
    assert {one.scenario: one.violations for one in outcomes if not one.holds} == {}
    assert all(one.answered_meanwhile for one in outcomes if one.scenario == "rolling-deploy"), "nobody was answered"
