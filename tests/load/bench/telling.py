"""How figures are told: tables, targets, quantiles, what the processes and the machine are."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from tests.load.installation import Demo, memory_mb
from tests.load.posting import quantile

WEB_MB, WORKER_MB = 200, 350
ROLES = ("web master", "web worker", "supervisor", "worker", "scheduler", "postgres", "valkey")

Figures = dict[str, Any]


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    print(f"\n{title}\n")
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(flush=True)


def milliseconds(seconds: list[float], *shares: int, digits: int = 1) -> Figures:
    """Quantiles by name: {"p95": 12.3}."""
    return {f"p{share}": round(quantile(seconds, share / 100) * 1000, digits) for share in shares}


def target(what: str, figure: float, wanted: float, *, at_least: bool = False) -> None:
    met = figure >= wanted if at_least else figure <= wanted
    print(f"  {'met   ' if met else 'MISSED'}  {what}: {figure:g} ({'at least' if at_least else 'at most'} {wanted:g})")


def machine() -> Figures:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    return {
        "cpus": os.cpu_count(),
        "cpu": model,
        "memory_mb": memory,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def memory_of(demo: Demo) -> list[Figures]:
    figures = []
    for process in demo.processes():
        if process.role in ROLES:
            pss, rss = memory_mb(process.pid)
            figures.append({"process": process.role, "pss": round(pss), "rss": round(rss)})
    return sorted(figures, key=lambda one: ROLES.index(one["process"]))


def tell_memory(memory: list[Figures]) -> None:
    rows = [[one["process"], str(one["pss"]), str(one["rss"])] for one in memory]
    table("memory after that load", ["process", "PSS MB", "RSS MB"], rows)
    for role, most in (("web worker", WEB_MB), ("worker", WORKER_MB)):
        target(f"largest {role}, RSS MB", max(one["rss"] for one in memory if one["process"] == role), most)
