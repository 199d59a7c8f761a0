"""What an expression asks for, and which metrics there are, as docs/metrics.md and the recording rules tell them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import promql_parser
from promql_parser import AggregateExpr, Expr, MatrixSelector, VectorSelector

ROOT = Path(__file__).resolve().parents[2]
METRICS = ROOT / "docs/metrics.md"
RULES = ROOT / "ops/prometheus/rules"
# Of Prometheus itself.
ITS_OWN = {"ALERTS": {"alertname", "alertstate", "severity"}, "up": {"job", "instance"}}


@dataclass(frozen=True)
class Asked:
    """One selector: its words, its metric, and the labels that it, or what it is summed by, relies on."""

    words: str
    metric: str
    labels: frozenset[str]


def asked(expr: str) -> tuple[Asked, ...]:
    """Raises ValueError where the expression is none."""
    return tuple(_within(promql_parser.parse(expr), frozenset()))


def _within(expr: Expr, grouped: frozenset[str]) -> Iterator[Asked]:
    if isinstance(expr, MatrixSelector):
        expr = expr.vector_selector
    if isinstance(expr, VectorSelector):
        labels = {matcher.name for matcher in expr.matchers.matchers}
        yield Asked(str(expr), expr.name or "", grouped | labels)
        return
    if isinstance(expr, AggregateExpr) and expr.modifier:
        grouped |= frozenset(expr.modifier.labels)
    for part in (getattr(expr, "lhs", None), getattr(expr, "rhs", None), getattr(expr, "expr", None)):
        if part is not None:
            yield from _within(part, grouped)
    for part in getattr(expr, "args", None) or ():
        yield from _within(part, grouped)


def known() -> dict[str, set[str]]:
    """Every series' name with its labels."""
    names = dict(ITS_OWN)
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", METRICS.read_text(), re.MULTILINE):
        has = {label.strip() for label in labels.split(",") if label.strip()}
        for ending, more in _series(kind):
            names[name + ending] = names.get(name + ending, set()) | has | more
    for record in recorded():
        names[record] = set()
    return names


def _series(kind: str) -> list[tuple[str, set[str]]]:
    return [("_bucket", {"le"}), ("_sum", set()), ("_count", set())] if kind == "histogram" else [("", set())]


def recorded() -> list[str]:
    """The names of the recording rules."""
    files = sorted(RULES.glob("*.yml"))
    return [name for file in files for name in re.findall(r"^\s*(?:- )?record: (\S+)$", file.read_text(), re.MULTILINE)]
