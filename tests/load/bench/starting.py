"""From a fresh clone to the first answered message."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path

from tests.load import meta
from tests.load.bench.ground import folder_of_its_own
from tests.load.bench.telling import Figures, memory_of, table, tell_memory
from tests.load.installation import APP_SECRET, ROOT, Demo, Graph, free_port, wait_until


def start() -> Figures:
    with folder_of_its_own() as folder:
        clone = folder / "clone"
        began = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        cloned = time.monotonic() - began
        first = _first_answer(clone, folder)
        second = _first_answer(clone, folder)
    figures = {"clone": round(cloned, 1), "first": first, "second": second}
    table(
        "from `git clone` and `make demo` to an answer, seconds",
        ["", "greeted", "first message answered"],
        [
            ["first start", f"{first['greeted']:.0f}", f"{first['answered']:.0f} (and {cloned:.1f} to clone)"],
            ["second start", f"{second['greeted']:.1f}", f"{second['answered']:.1f}"],
        ],
    )
    tell_memory(second["memory_mb"])
    return figures


def _first_answer(clone: Path, folder: Path) -> Figures:
    port, graph_port = free_port(), free_port()
    with Graph(folder / f"heard-{port}.jsonl", graph_port) as graph:
        demo = Demo(folder / "data", port, graph_port)
        # What a person's shell has set for their package index goes with them.
        demo.environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
        began = time.monotonic()
        try:
            greeted = demo.start(["make", "demo"], cwd=clone)
            body = meta.messages_body([meta.text("34600111222", "Hola")])
            status = asyncio.run(meta.Line(port).post(meta.request(body, APP_SECRET)))
            assert status == 200, f"the webhook answered {status}"
            wait_until(lambda: any(line["kind"] == "message" for line in graph.news()), 60, "no answer came", 0.02)
            answered = time.monotonic() - began
            return {"greeted": round(greeted, 1), "answered": round(answered, 1), "memory_mb": memory_of(demo)}
        finally:
            demo.stop()
