"""docker-compose.yml as Compose itself reads it: each set of services whole, each container bound and watched."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotel_agent.config import Settings
from ops.grafana import make
from tests.ops.promql import ROOT
from workers.supervisor import STOP_SECONDS

Json = dict[str, Any]

REQUIRED = ("SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD", "PUBLIC_URL")
SMALL = {"migrate", "web", "worker", "scheduler", "postgres", "redis"}
PROFILES = {
    "edge": {"nginx"},
    "monitoring": {"prometheus", "alertmanager", "grafana", "postgres-exporter", "redis-exporter"},
    "tracing": {"jaeger"},
}
EVERYTHING = SMALL.union(*PROFILES.values())
PROGRAM = {"migrate", "web", "worker", "scheduler"}
# Those that end by themselves have nobody who asks how they are.
ENDS = {"migrate"}
# Of gunicorn and of the image alone.
OF_THE_IMAGE = {"GRACEFUL_SECONDS", "TZ"}
# What containers have no use for: their places are fixed, and they are no demo and no test.
NOT_HERE = {"PORT", "DEMO_STAFF_PASSWORD", "TLS_CERTIFICATE", "FAULTS"}


@cache
def told(*profiles: str, without: str = "") -> subprocess.CompletedProcess[str]:
    compose = Path(sys.executable).with_name("docker-compose")
    settings = dict.fromkeys((name for name in REQUIRED if name != without), "x")
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    return subprocess.run(
        [compose, "--env-file", "/dev/null", *chosen, "config", "--format", "json"],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
    )


def read(*profiles: str) -> Json:
    answer = told(*profiles)
    assert answer.returncode == 0, answer.stderr
    found: Json = json.loads(answer.stdout)
    return found


def whole() -> dict[str, Json]:
    found: dict[str, Json] = read(*PROFILES)["services"]
    return found


def megabytes(service: Json) -> float:
    return int(service["deploy"]["resources"]["limits"]["memory"]) / 2**20


def test_the_small_set_starts_alone():
    assert set(read()["services"]) == SMALL


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_adds_its_own(profile: str):
    assert set(read(profile)["services"]) == SMALL | PROFILES[profile]


@pytest.mark.parametrize("name", REQUIRED)
def test_what_has_to_be_set_is_asked_for_by_name(name: str):
    answer = told(without=name)
    assert answer.returncode != 0
    assert f"set {name}" in answer.stderr


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_a_container_is_bound_and_has_no_rights(name: str):
    service = whole()[name]
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert megabytes(service) >= 128
    assert int(limits["pids"]) > 0
    assert service["user"] not in ("", "0", "root")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "privileged" not in service
    assert not {"pid", "ipc", "network_mode", "cap_add"} & service.keys()


@pytest.mark.parametrize("name", sorted(EVERYTHING - ENDS))
def test_a_container_that_stays_is_asked_how_it_is(name: str):
    check = whole()[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert check["interval"]
    assert check["timeout"]
    assert check["retries"]
    assert whole()[name]["restart"] == "unless-stopped"


def test_images_are_exact_and_ours_is_one():
    ours = {service["image"] for name, service in whole().items() if name in PROGRAM}
    assert ours == {"hotel-agent:latest"}
    for name, service in whole().items():
        if name not in PROGRAM:
            assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?(@sha256:[0-9a-f]{64})?$", service["image"]), name
            assert "build" not in service


def test_the_image_is_built_once_and_by_whom_all_wait_for():
    """Several that build one name at once keep each other from it, as a first start shows and no later one."""
    builds = {name for name, service in whole().items() if "build" in service}
    assert builds == {"migrate"}
    assert all("migrate" in whole()[name]["depends_on"] for name in PROGRAM - builds)
    assert {whole()[name]["pull_policy"] for name in PROGRAM - builds} == {"never"}
    told = "\n".join(page.read_text() for page in (ROOT / "docs").rglob("*.md"))
    assert set(re.findall(r"docker compose build (\w+)", told)) == builds


def test_what_the_image_is_made_of_is_given_to_whoever_builds_it():
    ignored, *rest = (ROOT / ".dockerignore").read_text().split()
    assert ignored == "*"
    given = {line.removeprefix("!") for line in rest if line.startswith("!")}
    taken = re.findall(r"^COPY (\S+) \S+$", (ROOT / "ops/Dockerfile").read_text(), re.MULTILINE)
    assert set(taken) == given
    assert all((ROOT / name).exists() for name in given)


def test_nobody_but_nginx_is_reached_from_elsewhere():
    for name, service in whole().items():
        addresses = {one.get("host_ip") for one in service.get("ports", ())}
        assert addresses == ({None} if name == "nginx" else addresses & {"127.0.0.1"}), name
    assert not whole()["postgres"].get("ports")
    assert not whole()["redis"].get("ports")


def test_the_two_servers_are_in_a_network_that_leads_nowhere():
    assert read()["networks"]["data"]["internal"] is True
    inside = {name for name, service in whole().items() if "data" in service["networks"]}
    assert inside == PROGRAM | {"postgres", "redis", "postgres-exporter", "redis-exporter"}
    assert set(whole()["postgres"]["networks"]) == set(whole()["redis"]["networks"]) == {"data"}


def test_nothing_starts_before_what_it_needs():
    for name in PROGRAM - {"migrate"}:
        waits = {needed: how["condition"] for needed, how in whole()[name]["depends_on"].items()}
        assert waits["migrate"] == "service_completed_successfully"
        assert waits["postgres"] == waits["redis"] == "service_healthy"
    assert whole()["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for service in whole().values():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in whole()[needed]


def test_it_is_given_the_programs_settings_and_no_others():
    settings = {name.upper() for name in Settings.model_fields}
    for name in PROGRAM:
        given = whole()[name]["environment"].keys()
        assert given - OF_THE_IMAGE <= settings, name
        assert settings - given <= NOT_HERE, name


def test_it_has_the_time_to_finish_what_it_has_in_hand():
    graceful = int(whole()["web"]["environment"]["GRACEFUL_SECONDS"])
    assert seconds(whole()["web"]["stop_grace_period"]) > graceful
    assert seconds(whole()["worker"]["stop_grace_period"]) > STOP_SECONDS
    assert seconds(whole()["nginx"]["stop_grace_period"]) >= graceful


def seconds(words: str) -> int:
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", words)
    assert found is not None, words
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def test_what_people_are_told_to_type_names_what_there_is():
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "ops/grafana/README.md"]
    words = "\n".join(page.read_text() for page in pages)
    takes = r"docker compose (?:ps|logs|up|stop|exec|build|restart)((?: --?[\w-]+(?: \d+\w?)?)*)((?: [a-z][\w-]*)*)"
    commands = re.findall(takes, words)
    assert len(commands) > 10
    for _options, services in commands:
        # What comes after the first word may be a command within it.
        assert set(services.split()[:1]) <= EVERYTHING, services
    assert set(re.findall(r"--profile (\w+)", words)) == PROFILES.keys()


def test_valkey_refuses_before_it_is_killed():
    bound = re.fullmatch(r"(\d+)mb", whole()["redis"]["environment"]["VALKEY_MEMORY"])
    assert bound is not None
    # Writing the append-only file anew may need as much again.
    assert int(bound[1]) * 2 <= megabytes(whole()["redis"])
    assert "noeviction" in whole()["redis"]["command"][-1]


def test_what_is_mounted_from_here_is_here():
    for name, service in whole().items():
        for one in service.get("volumes", ()):
            if one["type"] == "bind":
                assert one["read_only"], name
                source = Path(one["source"])
                assert source.exists() or source == ROOT / "var/tls", source


def test_the_configuration_of_the_images_is_where_they_look():
    services = whole()
    (site,) = [one for one in services["nginx"]["volumes"] if one["source"].endswith("compose.conf")]
    assert site["target"] == "/etc/nginx/conf.d/default.conf"
    mounted = {one["source"]: one["target"] for one in services["grafana"]["volumes"] if one["type"] == "bind"}
    assert services["grafana"]["environment"]["DASHBOARDS"] == mounted[str(ROOT / "ops/grafana/dashboards")]
    assert mounted[str(ROOT / "docs/runbooks")].endswith(make.RUNBOOKS.rstrip("/"))
    secrets = {one["source"] for one in services["alertmanager"]["secrets"]}
    asked = set(re.findall(r"_file: /run/secrets/(\w+)", (ROOT / "ops/alertmanager/alertmanager.yml").read_text()))
    assert secrets == asked


def test_prometheus_asks_each_process_and_each_exporter():
    config = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())
    targets = {
        target for job in config["scrape_configs"] for given in job["static_configs"] for target in given["targets"]
    }
    port = whole()["worker"]["environment"]["METRICS_PORT"]
    assert {f"worker:{port}", f"scheduler:{port}", "web:8000"} <= targets
    hosts = {target.partition(":")[0] for target in targets} - {"localhost"}
    assert hosts == {"web", "worker", "scheduler", "postgres-exporter", "redis-exporter", "alertmanager"} <= EVERYTHING
    offered = {f"/run/secrets/{one['source']}" for one in whole()["prometheus"]["secrets"]}
    assert set(re.findall(r"credentials_file: (\S+)", (ROOT / "ops/prometheus/prometheus.yml").read_text())) == offered
    assert f"127.0.0.1:{port}/readyz" in whole()["worker"]["healthcheck"]["test"][-1]
