"""The rules as Debian's own programs take them: whole, each alert with a case that fires and one that does not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

OPS = Path(__file__).resolve().parents[2] / "ops"
RULES, CASES = OPS / "prometheus" / "rules", OPS / "prometheus" / "tests"
ALERTS = re.findall(r"- alert: (\w+)", (RULES / "alerts.yml").read_text())
OF_THE_BLUEPRINT = {"HighErrorRate", "CircuitBreakerOpen", "DatabaseConnectionPoolExhausted", "HighLatency"}


def program(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases() -> list[tuple[str, bool]]:
    """(alert, whether it is to fire) of every case."""
    told = "".join(path.read_text() for path in CASES.glob("*.yml"))
    return [(name, not quiet) for name, quiet in re.findall(r"alertname: (\w+)\n\s+exp_alerts:( \[\])?", told)]


def test_there_are_enough_and_those_of_the_blueprint_by_name():
    assert len(ALERTS) == len(set(ALERTS)) >= 15
    assert set(ALERTS) >= OF_THE_BLUEPRINT


@pytest.mark.parametrize("alert", ALERTS)
def test_each_has_a_case_that_fires_and_one_that_does_not(alert):
    assert {fires for name, fires in cases() if name == alert} == {True, False}


@pytest.mark.system
def test_prometheus_takes_the_rules_and_its_configuration():
    assert program("promtool", "check", "rules", *RULES.glob("*.yml")).count("SUCCESS") == 2
    program("promtool", "check", "config", OPS / "prometheus" / "prometheus.yml")


@pytest.mark.system
@pytest.mark.parametrize("path", sorted(CASES.glob("*.yml")), ids=lambda path: path.stem)
def test_the_cases_come_out_as_they_are_told(path):
    assert "SUCCESS" in program("promtool", "test", "rules", path)


@pytest.mark.system
def test_alertmanager_takes_its_configuration_and_sends_what_is_grave_at_once():
    config = OPS / "alertmanager" / "alertmanager.yml"
    program("amtool", "check-config", config)
    route = ("amtool", "config", "routes", "test", f"--config.file={config}")
    assert program(*route, "severity=critical", "alertname=PostgresDown").strip() == "at-once"
    assert program(*route, "severity=warning", "alertname=DeadLetters").strip() == "e-mail"
