"""Named troubles on a live demo of its own; the history checker after each, and how long it took to recover.

    python -m tests.chaos.run                              every scenario, 20 s each
    python -m tests.chaos.run postgres-killed crowd        these two
    python -m tests.chaos.run --seed 7 --minutes 30        in about half an hour, with other dice

The same seed gives the same guests and the same order of blows; how processes interleave is the machine's affair.
A table at the end, and var/chaos/SCENARIO-SEED.json for each. The exit status is 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.chaos.scenarios import SCENARIOS
from tests.chaos.stage import Outcome, Scenario, Stage
from tests.fakes import qloapps as far
from tests.load.installation import ROOT, running_demo

RESULTS = ROOT / "var" / "chaos"
SECONDS, AROUND_SECONDS, BOOT_SECONDS = 20.0, 25.0, 30.0
GRAPH = {"latency_ms": 20}


def settings_of(folder: Path) -> dict[str, str]:
    return {
        "ANSWER_PAUSE_SECONDS": "0.3",
        "UNKNOWN_SEND_SECONDS": "5",
        "PMS_RESET_SECONDS": "5",
        "LOG_LEVEL": "info",
        "CLOCK_FILE": str(folder / "clock"),
        "PYTHONPATH": str(Path(__file__).with_name("clock")),
    }


def play(scenarios: Sequence[Scenario], seconds: float, seed: int, folder: Path, results: Path) -> list[Outcome]:
    """One demo for the scenarios that need a PMS of its own, one for all others."""
    outcomes = []
    for is_far in (False, True):
        chosen = [one for one in scenarios if one.far == is_far]
        if chosen:
            place = folder / ("far" if is_far else "near")
            place.mkdir()
            print(f"==> starting a demo for {', '.join(one.name for one in chosen)}", flush=True)
            outcomes += _play(chosen, is_far, seconds, seed, place, results)
    return outcomes


def _play(
    scenarios: Sequence[Scenario], is_far: bool, seconds: float, seed: int, folder: Path, results: Path
) -> list[Outcome]:
    with _pms(is_far) as pms, running_demo(folder, settings_of(folder), GRAPH | {"seed": seed}) as (demo, graph):
        if pms:
            demo.flask("hotel", "set", "miramar", f"pms_url={pms.url}", f"pms_key={pms.key}", "pms_hotel_id=1")
            demo.flask("hotel", "set", "miramar", "pms=qloapps", "pms_rate=1000")

        async def all_of_them() -> list[Outcome]:
            async with Stage(demo, graph, pms, seed).open() as stage:
                return [one async for one in _one_by_one(stage, scenarios, seconds, results)]

        return asyncio.run(all_of_them())


async def _one_by_one(
    stage: Stage, scenarios: Sequence[Scenario], seconds: float, results: Path
) -> AsyncIterator[Outcome]:
    for scenario in scenarios:
        print(f"==> {scenario.name}: {scenario.what}", flush=True)
        outcome = await stage.play(scenario, seconds)
        print(row_of(outcome), *(f"      {one}" for one in outcome.violations), sep="\n", flush=True)
        save(outcome, results)
        yield outcome


@contextlib.contextmanager
def _pms(is_far: bool) -> Iterator[far.QloApps | None]:
    if not is_far:
        yield None
        return
    with far.QloApps(far.miramar()) as pms:
        yield pms


def row_of(one: Outcome) -> str:
    times = f"{one.lasted:7.1f} {one.recovered:10.1f} {one.rested:8.1f}"
    figures = f"{times} {one.answered_meanwhile:9} {sum(one.refused.values()):8}"
    return f"    {one.scenario:<18} {figures}  {'holds' if one.holds else 'DOES NOT HOLD'}"


def table(outcomes: Sequence[Outcome]) -> str:
    head = f"    {'scenario':<18} {'lasted':>7} {'recovered':>10} {'rested':>8} {'answered':>9} {'refused':>8}"
    return "\n".join(["", head, *map(row_of, outcomes), ""])


def save(one: Outcome, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    figures = {name: value if value == value else None for name, value in asdict(one).items()}
    path = folder / f"{one.scenario}-{one.seed}.json"
    path.write_text(json.dumps(figures | {"holds": one.holds}, indent=2) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.list:
        print("\n".join(f"{one.name:<18} {one.what}" for one in SCENARIOS.values()))
        return 0
    unknown = sorted(set(given.scenarios) - set(SCENARIOS))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; --list tells what there is")
    chosen = [SCENARIOS[name] for name in given.scenarios or SCENARIOS]
    seconds = given.seconds
    if given.minutes:
        seconds = max(5.0, (given.minutes * 60 - 2 * BOOT_SECONDS) / len(chosen) - AROUND_SECONDS)
    print(f"seed {given.seed}, {len(chosen)} scenarios, {seconds:.0f} s each", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        outcomes = play(chosen, seconds, given.seed, Path(folder), RESULTS)
    print(table(outcomes))
    print(f"{time.monotonic() - began:.0f} s; figures in {RESULTS.relative_to(ROOT)}")
    return 0 if all(one.holds for one in outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="see --list; all by default")
    parser.add_argument("--seed", type=int, default=1, help="of all dice; 1 by default")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for how long each trouble lasts (20)")
    parser.add_argument("--minutes", type=float, help="for all together, instead of --seconds; about")
    parser.add_argument("--list", action="store_true", help="what there is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
