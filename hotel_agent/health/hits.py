"""How often a question found its answer in what is kept, as every process that tells figures tells it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

COUNTED = re.compile(r'^(pms_cache_requests|tenant_lookups)_total\{(?:layer|outcome)="(\w+)"\} (\S+)$', re.MULTILINE)
HITS = {"l1": ("rooms", True), "l2": ("rooms", True), "pms": ("rooms", False), "hit": ("hotels", True),
        "miss": ("hotels", False)}  # fmt: skip


class HitRatio(Collector):
    """From what all processes have counted since they share the counters."""

    def __init__(self, counted: str) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        asked: Counter[tuple[str, bool]] = Counter()
        for _name, label, count in COUNTED.findall(self._counted):
            if label in HITS:
                asked[HITS[label]] += int(float(count))
        hits = CounterMetricFamily("cache_hits", "Questions that what is kept has answered.", labels=["cache"])
        misses = CounterMetricFamily("cache_misses", "Questions that it could not.", labels=["cache"])
        for cache in ("rooms", "hotels"):
            hits.add_metric([cache], asked[cache, True])
            misses.add_metric([cache], asked[cache, False])
        ratio = GaugeMetricFamily("pms_cache_hit_ratio", "Share of questions about rooms that no PMS was asked for.")
        if asked["rooms", True] + asked["rooms", False]:
            ratio.add_metric([], asked["rooms", True] / (asked["rooms", True] + asked["rooms", False]))
        yield from (ratio, hits, misses)
