"""A PMS that is far away, and one that hangs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.fakes import qloapps as far
from tests.load import far_pms
from tests.load.bench.ground import demo_servers, flask, folder_of_its_own
from tests.load.bench.telling import Figures, milliseconds, table, target

CACHE_MS, HIT_RATIO, SIXTH_MS = 5, 0.85, 50


@contextlib.contextmanager
def at_a_far_pms(folder: Path) -> Iterator[tuple[far.QloApps, dict[str, str], date]]:
    """The demo hotel works with a QloApps; who asks it begins from that environment."""
    with demo_servers(folder, LOG_LEVEL="error") as (_, environment), far.QloApps(far.miramar()) as pms:
        flask(environment, "hotel", "set", "miramar", f"pms_url={pms.url}", f"pms_key={pms.key}", "pms_hotel_id=1")
        flask(environment, "hotel", "set", "miramar", "pms=qloapps", "pms_rate=1000")
        yield pms, environment, datetime.now(UTC).date() + timedelta(days=1)


def cache() -> Figures:
    with folder_of_its_own() as folder, at_a_far_pms(folder) as (pms, environment, today):
        kept = far_pms.cache(pms, environment, today)
    figures: Figures = {
        source: {"answers": len(took), **milliseconds(took, 50, 95, 99, digits=2)}
        for source, took in sorted(kept.took.items())
    }
    table(
        f"{far_pms.STAYS} stays asked about, {kept.asked} questions, a PMS {far_pms.LATENCY:.1f} s away",
        ["answered from", "answers", "p50 ms", "p95 ms", "p99 ms"],
        [[source, *(str(value) for value in one.values())] for source, one in figures.items()],
    )
    print(f"  the mix: {far_pms.mix()}\n")
    figures |= {"mix": far_pms.mix(), "hit_ratio": round(kept.ratio, 3)}
    figures |= {"warm_up_seconds": round(kept.warm_up, 1), "requests": kept.requests}
    target("a hit, p95 ms", figures["cache"]["p95"], CACHE_MS)
    target("hit ratio", figures["hit_ratio"], HIT_RATIO, at_least=True)
    return figures


def hang() -> Figures:
    with folder_of_its_own() as folder, at_a_far_pms(folder) as (pms, environment, today):
        hung = far_pms.hang(pms, environment, today)
    figures: Figures = {
        "failures_ms": [round(took * 1000) for took in hung.failures],
        "sixth_ms": [round(took * 1000, 1) for took in hung.sixth],
        "told": sorted(hung.refusals),
        "trials": hung.trials,
        "rest_seconds": round(hung.rest, 1),
        "rounds": hung.rounds,
    }
    table(
        f"a PMS that hangs for {far_pms.HANG:.0f} s, {far_pms.PROCESSES} processes",
        ["", "ms"],
        [
            ["the first five calls", ", ".join(map(str, figures["failures_ms"]))],
            ["the sixth, in each process", ", ".join(map(str, figures["sixth_ms"]))],
        ],
    )
    target("the sixth call, ms", max(figures["sixth_ms"]), SIXTH_MS)
    target("trials at once when it is back", hung.trials, 1)
    target("rounds until everybody is answered", hung.rounds, 2)
    return figures
