"""Every story, told several times in an order of its own each time; started by `python -m tests.dialogues.run`."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.dialogues.story import Story, read_all
from tests.dialogues.telling import Verdict, tell

RUNS = int(os.environ.get("DIALOGUE_RUNS", "1"))
FOLDER = Path(os.environ["DIALOGUE_STORIES"])
ONLY = os.environ.get("DIALOGUE_ONLY", "")

VERDICTS: list[tuple[int, Story, Verdict]] = []


def _all() -> list[tuple[int, Story]]:
    told = []
    for run in range(1, RUNS + 1):
        stories = [story for story in read_all(FOLDER) if ONLY in story.name]
        random.Random(run).shuffle(stories)
        told += [(run, story) for story in stories]
    return told


@pytest.mark.bench
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("run", "story"), _all(), ids=lambda given: getattr(given, "name", str(given)))
def test_a_story(run, story, app, client, graph, run_jobs):
    try:
        verdict = tell(story, app, client, graph, run_jobs)
    except Exception as failure:
        verdict = Verdict(story.name, [(0, f"it could not be told: {failure!r}")])
        VERDICTS.append((run, story, verdict))
        raise
    VERDICTS.append((run, story, verdict))
    assert verdict.holds, verdict.told()
