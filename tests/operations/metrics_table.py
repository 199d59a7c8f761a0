"""The table of docs/metrics.md, as the metrics say: `python -m tests.operations.metrics_table` writes it anew."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from flask_migrate import upgrade
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from hotel_agent import create_app
from hotel_agent.embedded import Embedded
from hotel_agent.health.figures import Rows
from hotel_agent.health.hits import HitRatio
from hotel_agent.health.tables import Tables

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
# Loaded where a hotel has such a PMS; what they count is on the page whether somebody has loaded them or not.
LOADED_LATER = ("hotel_agent.pms.orders.records", "hotel_agent.pms.orders.writes")
KINDS = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}


def counted() -> Iterator[tuple[str, str, str, str]]:
    """(name, kind, labels, meaning) of what every process counts."""
    for name in LOADED_LATER:
        import_module(name)
    for metric in list(REGISTRY._collector_to_names):
        if isinstance(metric, MetricWrapperBase):
            kind = KINDS[type(metric)]
            name = f"{metric._name}_total" if kind == "counter" else metric._name
            yield name, kind, ", ".join(metric._labelnames), metric._documentation


def read() -> Iterator[tuple[str, str, str, str]]:
    """Of what is read at the moment when somebody asks; in an application's context."""
    for family in (*Rows().collect(), *Tables().collect(), *HitRatio("").collect()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = sorted({label for sample in family.samples for label in sample.labels})
        yield name, family.type, ", ".join(labels), family.documentation


def table() -> str:
    rows = {row[0]: row for row in sorted({*counted(), *read(), *MAYBE})}  # One that has labels comes later.
    lines = [f"| `{name}` | {kind} | {labels} | {meaning} |" for name, kind, labels, meaning in rows.values()]
    return "\n".join(("| name | kind | labels | meaning |", "|---|---|---|---|", *lines))


# What is there only where something has happened or is configured.
MAYBE = (
    ("backup_last_success_timestamp_seconds", "gauge", "", "When the newest backup was finished."),
    ("backup_last_size_bytes", "gauge", "", "How large the newest backup is."),
    ("backup_last_duration_seconds", "gauge", "", "How long the newest backup took."),
    ("backup_drill_last_timestamp_seconds", "gauge", "", "When a backup was last tried."),
    ("backup_drill_failed", "gauge", "", "1 where the backup that was tried last could not be restored."),
    ("certificate_expiry_timestamp_seconds", "gauge", "", "When TLS_CERTIFICATE ends."),
    ("pms_circuit_breaker_state", "gauge", "pms", "0 closed, 1 open, 2 half-open."),
    ("pms_conflicts", "gauge", "hotel", "Rooms that a PMS has sold twice."),
    (
        "pms_mirror_age_seconds",
        "gauge",
        "hotel",
        "How long ago a PMS's arrivals, departures and guests were read, or since when they cannot be.",
    ),
)


def on_the_page() -> str:
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Embedded(folder, durable=False) as servers:
        os.environ.update(DATABASE_URL=servers.database_url, REDIS_URL=servers.redis_url, SECRET_KEY="x" * 16)
        with create_app().app_context():
            upgrade()
            before, _, rest = PAGE.read_text().partition(BEGIN)
            PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
