"""The dashboards: whole, in step with what makes them, and asking only for what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from ops.grafana import make
from ops.grafana.boards import ALL
from ops.grafana.panels import COLUMNS, DATASOURCE, DATASOURCE_NAME
from tests.ops.promql import ROOT, asked, known

FILES = sorted(make.FOLDER.glob("*.json"))
PROVISIONING = ROOT / "ops/grafana/provisioning"
NAMES = {f"hotel-{name}" for name in "overview pms orchestrator database redis slo business".split()}
WITHOUT_QUERIES = {"row", "alertlist"}

Json = dict[str, Any]


def read(file: Path) -> Json:
    found: Json = json.loads(file.read_text())
    return found


def panels() -> Iterator[tuple[str, Json]]:
    for file in FILES:
        for panel in read(file)["panels"]:
            yield file.stem, panel


def queries() -> list[Any]:
    return [
        pytest.param(panel, target, id=f"{name}: {panel['title']} {target['refId']}")
        for name, panel in panels()
        for target in panel.get("targets", ())
    ]


def test_the_files_are_what_the_program_makes() -> None:
    assert {file.name for file in FILES} == {make.file_of(dashboard).name for dashboard in ALL}
    for dashboard in ALL:
        assert make.file_of(dashboard).read_text() == make.written(dashboard), "run python -m ops.grafana.make"


def test_there_is_a_dashboard_of_each_kind() -> None:
    assert {read(file)["uid"] for file in FILES} == {file.stem for file in FILES} == NAMES
    assert len({read(file)["title"] for file in FILES}) == len(NAMES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_is_drawn_anew_within_half_a_minute(file: Path) -> None:
    seconds = re.fullmatch(r"(\d+)s", read(file)["refresh"])
    assert seconds
    assert int(seconds[1]) < 30


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_lie_side_by_side(file: Path) -> None:
    shown = read(file)["panels"]
    assert len({panel["id"] for panel in shown}) == len(shown)
    places = [panel["gridPos"] for panel in shown]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_panel_says_what_it_means() -> None:
    for name, panel in panels():
        if panel["type"] == "row":
            continue
        assert panel["description"].endswith("."), (name, panel["title"])
        assert panel["datasource"] == DATASOURCE
        assert panel["targets"] or panel["type"] in WITHOUT_QUERIES, (name, panel["title"])


def test_alerts_show_in_every_dashboard() -> None:
    for file in FILES:
        assert any("ALERTS" in one["expr"] for one in read(file)["annotations"]["list"])
    assert any(panel["type"] == "alertlist" for name, panel in panels() if name == "hotel-overview")


@pytest.mark.parametrize(("panel", "target"), queries())
def test_a_query_asks_for_metrics_and_labels_that_there_are(panel: Json, target: Json) -> None:
    assert target["datasource"] == DATASOURCE
    assert "$" not in target["expr"], "a variable of Grafana's: Prometheus alone could not run it"
    there = known()
    for one in asked(target["expr"]):
        assert one.metric in there, f"{one.metric} is not in docs/metrics.md, nor a recording rule"
        assert ":" in one.metric or one.labels <= there[one.metric], (one, there[one.metric])


@pytest.mark.parametrize(("panel", "target"), queries())
def test_a_legend_names_labels_that_are_left(panel: Json, target: Json) -> None:
    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
        assert re.search(rf"by \([\w, ]*\b{label}\b[\w, ]*\)", target["expr"]) or "topk" in target["expr"], label


def test_what_turns_red_says_what_to_do() -> None:
    """Thresholds are where alerts are, or nearly; somebody who sees red must not be left alone with it."""
    lost = [f"{name}: {panel['title']}" for name, panel in panels() if _turns_red(panel) and not panel["links"]]
    assert lost == ["hotel-overview: Alerts that fire"], "whose list names the runbook of each"


def _turns_red(panel: Json) -> bool:
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    steps = [step["color"] for step in defaults.get("thresholds", {}).get("steps", ())]
    words = [option["color"] for mapping in defaults.get("mappings", ()) for option in mapping["options"].values()]
    return "red" in steps + words


def test_links_lead_to_runbooks_that_there_are() -> None:
    for name, panel in panels():
        for link in panel.get("links", ()):
            page = f"docs/runbooks/{link['url'].removeprefix(make.RUNBOOKS)}"
            assert page in panel["description"], (name, panel["title"])
            assert (ROOT / page).is_file(), (name, panel["title"], page)


def test_every_dashboard_leads_to_all_runbooks() -> None:
    for file in FILES:
        urls = [link["url"] for link in read(file)["links"] if link["type"] == "link"]
        assert urls == [f"{make.RUNBOOKS}README.md"]
    assert (ROOT / "docs/runbooks/README.md").is_file()


def test_what_is_provisioned_is_what_panels_name() -> None:
    source = (PROVISIONING / "datasources/prometheus.yml").read_text()
    assert re.search(rf"^\s+uid: {DATASOURCE['uid']}$", source, re.MULTILINE)
    assert re.search(rf"^\s+- name: {DATASOURCE_NAME}$", source, re.MULTILINE)
    assert re.search(rf"^\s+type: {DATASOURCE['type']}$", source, re.MULTILINE)
    assert re.search(r"^\s+path: \$DASHBOARDS$", (PROVISIONING / "dashboards/hotel.yml").read_text(), re.MULTILINE)
