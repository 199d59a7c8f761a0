"""Every panel against a real Prometheus that scrapes a live demo at a busy hour."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.grafana import make
from tests.fakes import qloapps
from tests.load.installation import clean_environment, end, free_port, running_demo, wait_until
from tests.ops import busy
from tests.ops.promql import RULES, asked

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

SETTINGS = {"ANSWER_PAUSE_SECONDS": "0.3"}
FAULTS = {"seed": 1, "latency_ms": 20, "rate_500": 0.05}
LONGEST_SECONDS = 180.0
BREAKER = f'max_over_time(pms_circuit_breaker_state{{pms="qloapps:{busy.GONE}"}}[10m])'
# Of what no busy hour has, each in the words of an expression. A panel shows 0 for these.
RARE = {
    'ALERTS{alertstate="firing"}': "nothing may be wrong",
    "certificate_expiry_timestamp_seconds{}": "where TLS_CERTIFICATE is set",
    "answers_blocked_total{}": "an answer that is untrue",
    "drafts_total{}": "a colleague asks for a draft",
    "proactive_messages_total{}": "the flags are off until a hotel wants them",
    "pms_records_unread_total{}": "a PMS tells nonsense",
    "pms_writes_total{}": "somebody books at a PMS across the network",
    'pms_cache_requests_total{layer="stale"}': "a PMS goes away after it was asked",
    'pms_call_seconds_count{outcome="refused"}': "a PMS says no",
}
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Prometheus:
    """Debian's, with the rules of ops/prometheus and a look at the demo every second."""

    def __init__(self, folder: Path, target: int) -> None:
        self.port = free_port()
        self.config = folder / "prometheus.yml"
        rules = [str(file) for file in sorted(RULES.glob("*.yml"))]
        self.config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": rules,
                    "scrape_configs": [
                        {"job_name": "hotel-agent", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
                    ],
                }
            )
        )
        self.output = folder / "prometheus.out"
        self.command = [
            "prometheus",
            f"--config.file={self.config}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def ask(self, path: str, **words: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        with _no_proxy.open(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, expr: str) -> list[float]:
        return [float(one["value"][1]) for one in self.ask("query", query=expr)["result"]]

    def has(self, selector: str) -> bool:
        return bool(self.ask("series", **{"match[]": selector}))

    @property
    def answers(self) -> bool:
        with contextlib.suppress(OSError), _no_proxy.open(f"http://127.0.0.1:{self.port}/-/ready", timeout=2):
            return True
        return False


@contextlib.contextmanager
def watching(folder: Path, target: int) -> Iterator[Prometheus]:
    prometheus = Prometheus(folder, target)
    with prometheus.output.open("wb") as out:
        process = subprocess.Popen(prometheus.command, env=clean_environment(), stdout=out, stderr=out)
    try:
        wait_until(lambda: prometheus.answers, 30, f"Prometheus does not start; see {prometheus.output}")
        yield prometheus
    finally:
        end(process)


def expressions() -> list[tuple[str, str]]:
    """(dashboard and panel, expression), as the files have them."""
    return [
        (f"{file.stem}: {panel['title']}", target["expr"])
        for file in sorted(make.FOLDER.glob("*.json"))
        for panel in json.loads(file.read_text())["panels"]
        for target in panel.get("targets", ())
    ]


def never_seen(prometheus: Prometheus) -> set[str]:
    """Selectors without a series that are not rare."""
    selectors = {one.words for _, expr in expressions() for one in asked(expr)}
    return {words for words in selectors - RARE.keys() if not prometheus.has(words)}


def empty(prometheus: Prometheus) -> list[str]:
    """Panels with nothing to show: no element, or none that is a number."""
    return [f"{title}: {expr}" for title, expr in expressions() if not any(map(math.isfinite, prometheus.value(expr)))]


def test_no_panel_is_empty_while_the_hotels_are_busy(tmp_path: Path) -> None:
    with (
        qloapps.QloApps(qloapps.miramar()) as pms,
        running_demo(tmp_path, SETTINGS, FAULTS) as (demo, graph),
        watching(tmp_path, demo.port) as prometheus,
    ):
        busy.prepare(demo, pms)
        demo.flask("backup", "now")

        def is_full() -> bool:
            return (
                not never_seen(prometheus) and not empty(prometheus) and max(prometheus.value(BREAKER), default=0) > 0
            )

        with contextlib.suppress(TimeoutError):
            asyncio.run(asyncio.wait_for(busy.be_busy(demo, graph, is_full), LONGEST_SECONDS))
        assert never_seen(prometheus) == set()
        assert empty(prometheus) == []
        assert max(prometheus.value(BREAKER)) >= 1, "the breaker of a PMS that nobody answers for has not opened"
        assert {one.words for _, expr in expressions() for one in asked(expr)} >= RARE.keys()
