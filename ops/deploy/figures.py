"""Prometheus: which slots it asks, and what they count."""

from __future__ import annotations

import json
import math
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from ops.deploy.errors import CannotDeploy
from ops.deploy.judging import Figures
from ops.deploy.target import Target

# Probes say nothing of guests, and streams stay open for as long as somebody looks at a page.
COUNTED = 'slot="{slot}",release="{release}",endpoint!~"health[.].*|dashboard[.]events|static"'
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Prometheus:
    def __init__(self, target: Target) -> None:
        self._url = target.prometheus
        self._ports = target.ports
        self.targets = target.path("prometheus", "slots.json")

    def watch(self, releases: Mapping[str, str]) -> None:
        """Ask these slots from now on. It finds the file by itself (file_sd_configs)."""
        told = [
            {"targets": [f"127.0.0.1:{self._ports[slot]}"], "labels": {"slot": slot, "release": release}}
            for slot, release in releases.items()
        ]
        partial = self.targets.with_suffix(".partial")
        partial.write_text(json.dumps(told, indent=2) + "\n")
        partial.replace(self.targets)

    def sees(self, slot: str, release: str) -> bool:
        return self._value(f'max(up{{slot="{slot}",release="{release}"}})') == 1

    def figures(self, slot: str, release: str, since: float) -> Figures:
        """What that slot has counted since a moment (Unix time). Raises CannotDeploy."""
        chosen = COUNTED.format(slot=slot, release=release)
        at = f"@ {since:.3f}"

        def count(status: str) -> float:
            counter = f'http_requests_total{{{chosen},status=~"{status}"}}'
            return self._value(f"sum({counter}) - (sum({counter} {at}) or vector(0))") or 0.0

        buckets = f"http_request_duration_seconds_bucket{{{chosen}}}"
        grown = f"(sum by (le) ({buckets}) - sum by (le) ({buckets} {at})) or sum by (le) ({buckets})"
        p95 = self._value(f"histogram_quantile(0.95, {grown})")
        return Figures(count(".*"), count("5.."), count("4.."), p95 if p95 is None or math.isfinite(p95) else None)

    def jobs(self, slot: str, release: str) -> Figures:
        """Of that slot's workers since they began, those that failed as errors."""
        counter = f'jobs_total{{slot="{slot}",release="{release}"%s}}'
        every, failed = (self._value(f"sum({counter % chosen})") or 0.0 for chosen in ("", ',outcome="failed"'))
        return Figures(every, failed)

    def answers(self) -> bool:
        try:
            return bool(self._url) and self._value("vector(1)") == 1
        except CannotDeploy:
            return False

    def _value(self, expression: str) -> float | None:
        found = self._ask(expression)
        return float(found[0]["value"][1]) if found else None

    def _ask(self, expression: str) -> list[Any]:
        if not self._url:
            raise CannotDeploy("a canary is judged by Prometheus: url in [prometheus] is missing")
        question = urllib.parse.urlencode({"query": expression, "time": f"{time.time():.3f}"})
        try:
            with _no_proxy.open(f"{self._url}/api/v1/query?{question}", timeout=10) as answer:
                found: list[Any] = json.load(answer)["data"]["result"]
        except (OSError, ValueError, KeyError) as error:
            raise CannotDeploy(f"Prometheus at {self._url} does not answer ({type(error).__name__})") from None
        return found
