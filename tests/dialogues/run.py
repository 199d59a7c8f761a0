"""How often the stories hold: `python -m tests.dialogues.run [--runs 4] [--stories FOLDER] [--only WORDS]`.

Prints a table by language and channel and what failed, and writes var/bench/dialogues.json. A failing story does not
fail the run: this measures. pass^1 is the chance that a story holds when it is told, pass^k that it holds k times.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import comb
from pathlib import Path
from typing import Any

import pytest

from tests.dialogues.story import STORIES, MalformedStory, Story, read_all

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "var" / "bench" / "dialogues.json"


@dataclass
class Told:
    """One story, all times that it was told."""

    story: Story
    faults: list[list[tuple[int, str]]] = field(default_factory=list)
    transcript: str = ""

    @property
    def held(self) -> int:
        return sum(not each for each in self.faults)

    def chance(self, times: int) -> float:
        """That it holds so many times of those that it was told, drawn without putting back."""
        return comb(self.held, times) / comb(len(self.faults), times)


class Gathering:
    """Hears from pytest what became of each story; the module is imported by pytest, not by us."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.ready = 0
        self.broken = ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken = report.longreprtext

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.failed:
            self.broken = report.longreprtext
        if report.when == "call":
            print("." if report.passed else "x", end="", flush=True)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        verdicts = item.module.VERDICTS  # type: ignore[attr-defined]
        for _, story, verdict in verdicts[self.ready :]:
            told = self.told.setdefault(story.name, Told(story))
            told.faults.append(verdict.faults)
            if verdict.faults or not told.transcript:
                told.transcript = verdict.told()
        self.ready = len(verdicts)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--stories", type=Path, default=STORIES)
    parser.add_argument("--only", default="", help="stories whose name holds these words")
    parser.add_argument("--failures", type=Path, help="write the failures with transcripts there")
    parser.add_argument("--blind", type=Path, help="and those of blind stories there")
    parser.add_argument("--json", type=Path, default=FIGURES)
    asked = parser.parse_args(arguments)
    try:
        stories = [story for story in read_all(asked.stories) if asked.only in story.name]
    except MalformedStory as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    if not stories or asked.runs < 1:
        print("error: no story to tell", file=sys.stderr)
        return 2
    gathering = _tell(asked.stories.resolve(), asked.runs, asked.only)
    told = sorted(gathering.told.values(), key=lambda each: each.story.name)
    if len(told) < len(stories) or any(len(each.faults) < asked.runs for each in told):
        print(f"\nerror: the stories could not be told: {gathering.broken[-1500:]}", file=sys.stderr)
        return 1
    table = _table(told, asked.runs)
    print(f"\n\n{_shown(table, asked.runs)}")
    _write(asked.json, table, told, asked.runs)
    failures = _failures(told)
    if asked.failures:
        asked.failures.write_text(failures, encoding="utf-8")
    elif failures:
        print(f"\n{failures}")
    if asked.blind:
        asked.blind.write_text(_with_transcripts(each for each in told if each.story.blind), encoding="utf-8")
    return 0


def _tell(folder: Path, runs: int, only: str) -> Gathering:
    os.environ.update(DIALOGUE_RUNS=str(runs), DIALOGUE_STORIES=str(folder), DIALOGUE_ONLY=only)
    gathering = Gathering()
    options = ["-o", "addopts=--import-mode=importlib", "-p", "no:terminal", "-p", "no:cacheprovider"]
    pytest.main(
        [*options, "--rootdir", str(ROOT), str(Path(__file__).with_name("bench_stories.py"))], plugins=[gathering]
    )
    return gathering


Table = list[dict[str, Any]]


def _table(told: Iterable[Told], runs: int) -> Table:
    groups: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for each in told:
        story = each.story
        for key in (
            ("language", story.language),
            ("channel", story.channel),
            ("seen" if not story.blind else "blind", ""),
            ("all", ""),
        ):
            groups[key].append(each)
    order = ("language", "channel", "seen", "blind", "all")
    return [
        {
            "of": " ".join(filter(None, key)),
            "stories": len(group),
            "pass_1": sum(each.chance(1) for each in group) / len(group),
            f"pass_{runs}": sum(each.chance(runs) for each in group) / len(group),
        }
        for key, group in sorted(groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
    ]


def _shown(table: Table, runs: int) -> str:
    head = f"{'':18}{'stories':>8}{'pass^1':>9}{f'pass^{runs}':>9}"
    lines = [f"{row['of']:18}{row['stories']:>8}{row['pass_1']:>9.1%}{row[f'pass_{runs}']:>9.1%}" for row in table]
    return "\n".join([head, *lines])


def _write(place: Path, table: Table, told: Iterable[Told], runs: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    figures = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs": runs,
        "table": table,
        "stories": {each.story.name: {"held": each.held, "told": len(each.faults)} for each in told},
    }
    place.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _failures(told: Iterable[Told]) -> str:
    """What went wrong with whole transcripts; of blind stories only which turn."""
    failed = [each for each in told if each.held < len(each.faults)]
    seen = _with_transcripts(each for each in failed if not each.story.blind)
    blind = [f"- {each.story.name}: {_turns(each)}" for each in failed if each.story.blind]
    return "\n".join([seen, *(["## blind", *blind] if blind else [])]).strip()


def _with_transcripts(told: Iterable[Told]) -> str:
    failed = (each for each in told if each.held < len(each.faults))
    return "\n".join(f"## {each.transcript}\n  held {each.held} of {len(each.faults)}\n" for each in failed)


def _turns(told: Told) -> str:
    turns = sorted({turn for faults in told.faults for turn, _ in faults})
    return f"turn {', '.join(str(turn or 'end') for turn in turns)}; held {told.held} of {len(told.faults)}"


if __name__ == "__main__":
    sys.exit(main())
