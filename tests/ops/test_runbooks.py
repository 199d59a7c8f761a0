"""Whoever is woken at night finds a page for every alert, and what the page tells them to type exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask
from sqlalchemy import text

from hotel_agent.db import db
from tests.ops.promql import ROOT, asked, known

DOCS = ROOT / "docs"
RUNBOOKS = DOCS / "runbooks"
INDEX = RUNBOOKS / "README.md"
ALERTS = ROOT / "ops/prometheus/rules/alerts.yml"
PAGES = sorted(RUNBOOKS.glob("*.md"))
BESIDE = (
    "operations",
    "slo",
    "DATABASE_MIGRATIONS",
    "backups",
    "onboarding",
    "troubleshooting",
    "deploying",
    "scaling",
    "chaos",
)
ALL = [*PAGES, *(DOCS / f"{name}.md" for name in BESIDE)]
# What goes wrong without an alert of its own.
BESIDES = {"rollback.md", "restore.md", "number-blocked.md", "rate-limit.md", "meta-token-expired.md"}


def alerts() -> list[tuple[str, str]]:
    """(alert, address of its runbook) of every rule."""
    return re.findall(r"- alert: (\w+)\n.*?runbook_url: (\S+)", ALERTS.read_text(), re.DOTALL)


def typed(page: Path, pattern: str) -> list[str]:
    return re.findall(pattern, page.read_text())


def named(page: Path) -> object:
    return pytest.param(page, id=page.stem)


def test_each_alert_has_its_page_and_the_index_names_it():
    found = alerts()
    assert len(found) == ALERTS.read_text().count("- alert: ") > 14
    index = INDEX.read_text()
    for alert, address in found:
        assert address.startswith("docs/runbooks/"), alert
        assert (ROOT / address).is_file(), f"{alert}: {address}"
        page = Path(address).name
        assert f"| `{alert}` | [{page}]({page}) |" in index, alert
        assert re.search(rf"`{alert}`|`…?Burns\w*`", (ROOT / address).read_text()), f"{address} does not name {alert}"


def test_each_page_is_for_an_alert_or_for_what_has_none():
    wanted = {Path(address).name for _, address in alerts()} | BESIDES
    assert {page.name for page in PAGES} == wanted | {"README.md"}


@pytest.mark.parametrize("page", [named(page) for page in ALL])
def test_links_lead_somewhere(page: Path):
    for link in typed(page, r"\]\(([^)#\s]+)"):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def commands(page: Path) -> Iterator[list[str]]:
    for command in typed(page, r"flask --app wsgi ([^`\n|;)#]+)"):
        yield command.replace("\\", "").split()


@pytest.mark.parametrize("page", [named(page) for page in ALL])
def test_commands_and_their_options_exist(page: Path, app: Flask):
    for words in commands(page):
        found: click.Command = app.cli
        for word in words:
            if not isinstance(found, click.Group) or word == "…":
                break
            inner = found.get_command(click.Context(found), word)
            assert inner is not None, " ".join(words)
            found = inner
        options = {"--help"} | {name for each in found.params for name in each.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, " ".join(words)


@pytest.mark.parametrize("page", [named(page) for page in ALL])
def test_statements_are_understood_by_our_tables(page: Path, app: Flask):
    for statement in typed(page, r'psql "\$(?:DATABASE_URL|NEW)" -c "(select [^"]+)"'):
        db.session.execute(text(f"explain {statement}"))
    db.session.rollback()


@pytest.mark.parametrize("page", [named(page) for page in ALL])
def test_what_is_asked_of_prometheus_is_recorded_somewhere(page: Path):
    names = known()
    for expression in typed(page, r"promtool query instant \"\$PROMETHEUS\" '([^']+)'"):
        for one in asked(expression):
            assert one.metric in names or "__name__" in one.labels, expression
            labels = set(one.labels) - {"__name__"}
            assert labels <= names.get(one.metric, set()), expression


@pytest.mark.parametrize("page", [named(page) for page in ALL])
def test_figures_that_are_looked_for_exist(page: Path):
    names = known()
    for pattern in typed(page, r"/metrics\" \| grep (?:-E )?'?\^\(?([^')\n]+)"):
        for figure in pattern.split("|"):
            start = re.match(r"\w+", figure)
            assert start is not None, pattern
            assert any(name.startswith(start[0]) for name in names), f"{figure} of {pattern}"
