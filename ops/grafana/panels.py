"""Panels of Grafana as small values, and the JSON that Grafana reads.

Expressions name no variable of Grafana's, so that Prometheus alone can run each of them as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "prometheus"}
DATASOURCE_NAME = "Prometheus"  # The list of alerts goes by it.
TAG = "hotel-agent"
COLUMNS = 24
# Fields and options as Grafana 10 and later read them; older files are brought up to date when they are opened.
SCHEMA_VERSION = 39
GREEN, YELLOW, RED = "green", "yellow", "red"
# A bar gauge shows the buckets of a histogram, each with what fell into it alone.
FORMATS = {"table": "table", "bargauge": "heatmap"}
UP_OR_DOWN = {0: ("down", RED), 1: ("up", GREEN)}


@dataclass(frozen=True)
class Query:
    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """`warn` and `bad` are where a value turns yellow and red; with `bad` below `warn` small values are the bad ones.

    `runbooks` are names of pages in docs/runbooks.
    """

    title: str
    queries: Sequence[Query]
    meaning: str
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 7
    warn: float | None = None
    bad: float | None = None
    most: float | None = None
    words: dict[int, tuple[str, str]] | None = None
    runbooks: Sequence[str] = ()
    stacked: bool = False

    def json(self, id_: int, x: int, y: int, runbook_urls: str) -> Json:
        return {
            "id": id_,
            "type": self.kind,
            "title": self.title,
            "description": " ".join(
                [self.meaning, *(f"What to do: docs/runbooks/{name}.md." for name in self.runbooks)]
            ),
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "links": [
                {
                    "title": f"What to do: {name.replace('-', ' ')}",
                    "url": f"{runbook_urls}{name}.md",
                    "targetBlank": True,
                }
                for name in self.runbooks
            ],
            "targets": [self._target(number, query) for number, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._field(), "overrides": []},
            "options": self._options(),
        }

    @property
    def _is_now(self) -> bool:
        """Whether it shows the present alone, and no course."""
        return self.kind not in ("timeseries", "state-timeline")

    def _target(self, number: int, query: Query) -> Json:
        return {
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            "format": FORMATS.get(self.kind, "time_series"),
            "instant": self._is_now,
            "range": not self._is_now,
        }

    def _field(self) -> Json:
        field: Json = {"unit": self.unit, "min": 0, "thresholds": self._thresholds(), "color": self._color()}
        if self.kind in ("stat", "piechart") and self.unit == "short":
            field["decimals"] = 0  # A count over a window is an estimate.
        if self.most is not None:
            field["max"] = self.most
        if self.words:
            options = {str(value): {"text": text, "color": color} for value, (text, color) in self.words.items()}
            field["mappings"] = [{"type": "value", "options": options}]
        if self.kind == "timeseries":
            field["custom"] = {
                "lineWidth": 1,
                "fillOpacity": 40 if self.stacked else 5,
                "showPoints": "never",
                "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "off" if self.bad is None else "line"},
            }
        return field

    def _color(self) -> Json:
        if self.kind == "timeseries" or self.kind == "piechart" or (self.bad is None and not self.words):
            return {"mode": "palette-classic"}
        return {"mode": "thresholds"}

    def _thresholds(self) -> Json:
        """Each color with where it begins."""
        if self.warn is not None and self.bad is not None and self.bad < self.warn:
            steps: list[tuple[float | None, str]] = [(None, RED), (self.bad, YELLOW), (self.warn, GREEN)]
        else:
            steps = [(None, GREEN)]
            if self.warn is not None and self.warn != self.bad:
                steps.append((self.warn, YELLOW))
            if self.bad is not None:
                steps.append((self.bad, RED))
        return {"mode": "absolute", "steps": [{"color": color, "value": begins} for begins, color in steps]}

    def _options(self) -> Json:
        if self.kind == "timeseries":
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        if self.kind == "state-timeline":
            return {"mergeValues": True, "showValue": "auto"}
        if self.kind == "table":
            return {"showHeader": True}
        if self.kind == "alertlist":
            shown = {"firing": True, "pending": True, "noData": False, "normal": False, "error": True}
            return {"viewMode": "list", "datasource": DATASOURCE_NAME, "stateFilter": shown, "maxItems": 20}
        values = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
        if self.kind == "piechart":
            legend = {"displayMode": "table", "placement": "right", "showLegend": True, "values": ["percent"]}
            return values | {"pieType": "donut", "legend": legend}
        if self.kind == "bargauge":
            return values | {"orientation": "horizontal", "displayMode": "gradient"}
        if self.kind == "stat":
            return values | {"colorMode": "none" if self._plain else "background", "graphMode": "none"}
        return values

    @property
    def _plain(self) -> bool:
        return self.bad is None and not self.words


@dataclass(frozen=True)
class Row:
    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    """`name` is its file and its address in Grafana."""

    name: str
    title: str
    meaning: str
    rows: Sequence[Row]
    span: str = "now-1h"

    def json(self, runbook_urls: str) -> Json:
        return {
            "uid": self.name,
            "title": self.title,
            "description": self.meaning,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": {"from": self.span, "to": "now"},
            "timezone": "browser",
            "templating": {"list": []},
            "annotations": {"list": [_firing()]},
            "links": [
                {"type": "dashboards", "title": "Dashboards", "tags": [TAG], "asDropdown": True, "keepTime": True},
                {"type": "link", "title": "Runbooks", "url": f"{runbook_urls}README.md", "targetBlank": True},
            ],
            "panels": list(self._placed(runbook_urls)),
        }

    def _placed(self, runbook_urls: str) -> list[Json]:
        """Rows one below the other; within one, panels from left to right, on a further line where one is full."""
        placed: list[Json] = []
        y = 0
        for row in self.rows:
            placed.append(_heading(len(placed) + 1, row.title, y))
            x, y, tallest = 0, y + 1, 0
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y, tallest = 0, y + tallest, 0
                placed.append(panel.json(len(placed) + 1, x, y, runbook_urls))
                x, tallest = x + panel.width, max(tallest, panel.height)
            y += tallest
        return placed


def _heading(id_: int, title: str, y: int) -> Json:
    place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
    return {"id": id_, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _firing() -> Json:
    """Marks on every graph from when to when an alert fired."""
    return {
        "name": "Alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": RED,
        "expr": 'ALERTS{alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "step": "30s",
    }
