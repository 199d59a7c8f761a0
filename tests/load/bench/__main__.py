"""The measurements: `python -m tests.load.bench [PART]` (all by default); tables here, figures in var/bench.

intake   durable posts a second beside a no-op and a per-request insert; what kill -9 in mid-load leaves of the 200s
latency  from a guest's message to the reply heard at the Graph double, at 1, 20 and 50 messages a second; memory
inbox    the receptionist's pages among 100,000 conversations and a million messages: time, bytes, statements
indexes  the six of the blueprint among a million sessions and 200,000 bookings, with and without each; BRIN's size
availability  what is free in thirty days, at 500 rooms with three years of stays kept here; their tape chart
fairness one hotel is flooded, and its PMS is slow: how much later a guest of another is answered
retention  two old months of half a million messages forgotten, as a whole and row by row, while a guest writes
backups  five million messages dumped, sealed, restored and compared table by table
cache    a PMS that takes 0.3 s for every answer: what is kept of it answers how many questions, and how fast
hang     a PMS that hangs for 10 s: what the sixth call costs in every process, and how many try when it is back
holds    a thousand guests at ten rooms at once: holds a second, and that no two overlap
process  POST /api/orchestrator/process with questions about the hotel, one after the other, caches warm
live     open screens of the front desk: what 50 cost while nothing happens, and how soon a message is on one
start    from a fresh clone to the first answered message, and the second start

Figures are taken on a machine that does everything at once (load, server, PostgreSQL): read the ratios. A target
that is missed is said so and does not fail the run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime

from tests.load.bench.far_away import cache, hang
from tests.load.bench.messages import fairness, intake, kills, latency, process, slow_pms
from tests.load.bench.pages import inbox, live
from tests.load.bench.starting import start
from tests.load.bench.tables import availability, backups, holds, indexes, retention
from tests.load.bench.telling import Figures, machine
from tests.load.installation import ROOT

PARTS: dict[str, tuple[Callable[[], Figures], ...]] = {
    "intake": (intake, kills),
    "latency": (latency,),
    "inbox": (inbox,),
    "indexes": (indexes,),
    "availability": (availability,),
    "fairness": (fairness, slow_pms),
    "retention": (retention,),
    "backups": (backups,),
    "cache": (cache,),
    "hang": (hang,),
    "holds": (holds,),
    "process": (process,),
    "live": (live,),
    "start": (start,),
    "all": (intake, kills, latency, inbox, indexes, availability, fairness, slow_pms, retention, backups, cache, hang,
            holds, process, live, start),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.bench", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=PARTS)
    part = parser.parse_args().part
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    for measure in PARTS[part]:
        facts = machine()
        told = {"command": f"python -m tests.load.bench {part}", "at": datetime.now(UTC).isoformat(), "machine": facts}
        told["figures"] = measure()
        (folder / f"{measure.__name__}.json").write_text(json.dumps(told, indent=2) + "\n")
    print(f"\nfigures: {(folder).relative_to(ROOT)}/*.json")


if __name__ == "__main__":
    main()
