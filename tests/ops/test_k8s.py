"""What ops/k8s gives to a cluster: valid by Kubernetes' own schemas, and in step with the program."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dotenv import dotenv_values

from hotel_agent import queues
from hotel_agent.config import Settings
from tests.ops import kustomize
from tests.ops.promql import ROOT, asked, known
from workers.probes import STILL_SECONDS
from workers.supervisor import STOP_SECONDS

Json = dict[str, Any]

FOLDER = ROOT / "ops/k8s"
OVERLAYS = ("staging", "production")
# Oldest and newest that it is to work on: before 1.30 a pod could not sleep before it ends.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
# Of operators, whose schemas are theirs.
FOREIGN = {"ScaledObject": "keda.sh/v1alpha1", "PodMonitor": "monitoring.coreos.com/v1"}
DEPLOYMENTS = ("web", "worker", "scheduler")
OF_THE_IMAGE = {"GRACEFUL_SECONDS", "TZ"}
# What docs/scaling.md asks PostgreSQL for.
MOST_CONNECTIONS = 500


@cache
def built(overlay: str) -> list[Json]:
    return kustomize.build(FOLDER / "overlays" / overlay)


def the(overlay: str, kind: str, name: str) -> Json:
    (found,) = [one for one in built(overlay) if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def template(overlay: str, name: str) -> Json:
    found = kustomize.pod(the(overlay, "Job" if name == "migrate" else "Deployment", name))
    assert found is not None
    return found


def container(overlay: str, name: str) -> Json:
    (one,) = template(overlay, name)["containers"]
    return one


def test_both_overlays_are_there():
    assert sorted(path.name for path in (FOLDER / "overlays").iterdir()) == sorted(OVERLAYS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_takes_each_object(overlay: str, version: str):
    for one in built(overlay):
        if one["kind"] in FOREIGN:
            assert one["apiVersion"] == FOREIGN[one["kind"]]
        else:
            kubernetes_validate.validate(one, version, strict=True)


def test_the_schemas_refuse_what_is_misspelt():
    wrong = {**the("production", "Deployment", "web"), "spek": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_one_namespace_and_named_once(overlay: str):
    names = [(one["kind"], one["metadata"]["name"]) for one in built(overlay)]
    assert len(set(names)) == len(names)
    (namespace,) = [one for one in built(overlay) if one["kind"] == "Namespace"]
    spaces = {one["metadata"]["namespace"] for one in built(overlay) if one is not namespace}
    assert spaces == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", ["migrate", *DEPLOYMENTS])
def test_a_pod_is_bound_and_has_no_rights(overlay: str, name: str):
    pod, one = template(overlay, name), container(overlay, name)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001  # That of ops/Dockerfile.
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for what in ("cpu", "memory"):
        assert one["resources"]["requests"][what]
        assert one["resources"]["limits"][what]
    mounted = {mount["mountPath"] for mount in one["volumeMounts"]}
    assert {"/tmp", "/run/metrics"} <= mounted
    assert {mount["name"] for mount in one["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_the_image_is_the_one_of_the_dockerfile():
    assert "useradd --system --uid 10001" in (ROOT / "ops/Dockerfile").read_text()
    for overlay in OVERLAYS:
        images = {one["image"] for part in built(overlay) for one in kustomize.containers(part)}
        assert len(images) == 1
        assert not next(iter(images)).endswith(":latest")


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_each_is_probed_where_it_answers(overlay: str, name: str, app):
    one = container(overlay, name)
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    web, own = {str(rule) for rule in app.url_map.iter_rules()}, {"/healthz", "/readyz", "/metrics"}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        path, port = one[probe]["httpGet"]["path"], one[probe]["httpGet"]["port"]
        assert path in (web if name == "web" else own)
        assert port in ports
    assert one["readinessProbe"]["httpGet"]["path"] == "/readyz"
    # PostgreSQL or Valkey being away is no reason to start anew.
    assert one["livenessProbe"]["httpGet"]["path"] == one["startupProbe"]["httpGet"]["path"] == "/healthz"
    settings = the(overlay, "ConfigMap", "settings")["data"]
    assert list(ports.values()) == ([8000] if name == "web" else [int(settings["METRICS_PORT"])])


def test_a_loop_is_given_longer_than_one_turn_of_it_may_last():
    assert STILL_SECONDS > STOP_SECONDS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_has_the_time_to_finish_what_it_has_in_hand(overlay: str):
    settings = the(overlay, "ConfigMap", "settings")["data"]
    web = container(overlay, "web")
    waits = web["lifecycle"]["preStop"]["sleep"]["seconds"] + int(settings["GRACEFUL_SECONDS"])
    assert template(overlay, "web")["terminationGracePeriodSeconds"] > waits
    assert template(overlay, "worker")["terminationGracePeriodSeconds"] > STOP_SECONDS
    # Longer than it takes until nobody is sent to a pod that ends.
    assert web["readinessProbe"]["periodSeconds"] <= web["lifecycle"]["preStop"]["sleep"]["seconds"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_roll_out_takes_nothing_away_before_its_place_is_taken(overlay: str):
    for name in ("web", "worker"):
        strategy = the(overlay, "Deployment", name)["spec"]["strategy"]
        assert (strategy["type"], strategy["rollingUpdate"]["maxUnavailable"]) == ("RollingUpdate", 0)
    scheduler = the(overlay, "Deployment", "scheduler")["spec"]
    assert (scheduler["replicas"], scheduler["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_find_their_pods_and_no_others(overlay: str):
    labels = {name: the(overlay, "Deployment", name)["spec"]["template"]["metadata"]["labels"] for name in DEPLOYMENTS}
    for kind, name, selector in (
        *(("Deployment", name, ("spec", "selector", "matchLabels")) for name in DEPLOYMENTS),
        ("Service", "web", ("spec", "selector")),
        ("PodDisruptionBudget", "web", ("spec", "selector", "matchLabels")),
        ("PodDisruptionBudget", "worker", ("spec", "selector", "matchLabels")),
        ("NetworkPolicy", "web-is-asked", ("spec", "podSelector", "matchLabels")),
    ):
        wanted = the(overlay, kind, name)
        for step in selector:
            wanted = wanted[step]
        found = {one for one, its in labels.items() if wanted.items() <= its.items()}
        assert found == {"web" if name == "web-is-asked" else name}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_disruption_takes_one_at_a_time(overlay: str):
    budgets = [one for one in built(overlay) if one["kind"] == "PodDisruptionBudget"]
    assert {one["metadata"]["name"] for one in budgets} == {"web", "worker"}
    assert all(one["spec"]["maxUnavailable"] == 1 for one in budgets)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_passes_that_is_not_allowed(overlay: str):
    rules = {one["metadata"]["name"]: one["spec"] for one in built(overlay) if one["kind"] == "NetworkPolicy"}
    assert rules["nothing-else"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    asked_at = {port["port"] for way in rules["web-is-asked"]["ingress"] for port in way["ports"]}
    assert asked_at == {one["containerPort"] for one in container(overlay, "web")["ports"]}
    assert all(way["from"] for name in rules for way in rules[name].get("ingress", ()))
    assert all(way["to"] for name in rules for way in rules[name].get("egress", ()))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_is_given_the_programs_settings_and_no_others(overlay: str):
    names = {name.upper() for name in Settings.model_fields}
    config = the(overlay, "ConfigMap", "settings")["data"]
    secret = dotenv_values(FOLDER / "secret.example.env")
    assert config.keys() - OF_THE_IMAGE <= names
    assert secret.keys() <= names
    assert not config.keys() & secret.keys()
    Settings(**{name.lower(): value for name, value in config.items()} | given(secret), _env_file=None)
    for name in ("migrate", *DEPLOYMENTS):
        one = container(overlay, name)
        assert one["envFrom"] == [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "hotel-agent"}}]
        assert {each["name"] for each in one.get("env", ())} <= names


def given(secret: dict[str, str | None]) -> dict[str, str]:
    return {name.lower(): value or "sixteen-letters-x" for name, value in secret.items()}


def test_workers_are_as_many_as_work_waits():
    scaled = the("production", "ScaledObject", "worker")["spec"]
    assert scaled["scaleTargetRef"] == {"name": "worker"}
    assert 0 < scaled["minReplicaCount"] < scaled["maxReplicaCount"]
    assert scaled["minReplicaCount"] <= scaled["fallback"]["replicas"] <= scaled["maxReplicaCount"]
    assert "replicas" not in the("production", "Deployment", "worker")["spec"]
    names = known()
    queries = [asked(trigger["metadata"]["query"]) for trigger in scaled["triggers"]]
    for selectors in queries:
        for one in selectors:
            assert one.metric in names
            assert set(one.labels) <= names[one.metric]
    assert any(one.metric == "queue_length" for selectors in queries for one in selectors)
    assert all(float(trigger["metadata"]["threshold"]) > 0 for trigger in scaled["triggers"])
    assert "replicas" not in the("production", "Deployment", "web")["spec"]
    assert the("production", "HorizontalPodAutoscaler", "web")["spec"]["scaleTargetRef"]["name"] == "web"


def test_the_queues_that_are_counted_are_those_of_guests():
    (query,) = [
        trigger["metadata"]["query"]
        for trigger in the("production", "ScaledObject", "worker")["spec"]["triggers"]
        if trigger["name"] == "queue"
    ]
    counted = re.search(r'queue=~"([^"]+)"', query)
    assert counted is not None
    assert set(counted[1].split("|")) == set(queues.ALL) - {queues.BACKGROUND, queues.PMS}


def test_postgresql_has_enough_connections_at_the_largest():
    settings = the("production", "ConfigMap", "settings")["data"]
    pools = (Settings.model_fields[f"postgres_{name}"].default for name in ("pool_size", "max_overflow"))
    web = int(settings["WEB_WORKERS"]) * sum(pools)
    worker = int(settings["WORKERS"]) * sum(int(one["value"]) for one in container("production", "worker")["env"])
    most_web = the("production", "HorizontalPodAutoscaler", "web")["spec"]["maxReplicas"]
    most_workers = the("production", "ScaledObject", "worker")["spec"]["maxReplicaCount"]
    # One pod more of each while a version is rolled out, and two connections of each process outside its pool.
    connections = (most_web + 1) * (web + 2 * int(settings["WEB_WORKERS"]))
    connections += (most_workers + 1) * (worker + 2 * int(settings["WORKERS"]))
    assert connections < MOST_CONNECTIONS
    assert f"`max_connections={MOST_CONNECTIONS}`" in (ROOT / "docs/scaling.md").read_text()


def test_each_pod_is_asked_for_its_figures_with_the_token():
    rules = (ROOT / "ops/prometheus/rules/alerts.yml").read_text()
    jobs = {}
    for name in ("web", "workers"):
        spec = the("production", "PodMonitor", name)["spec"]
        (endpoint,) = spec["podMetricsEndpoints"]
        parts = spec["selector"].get("matchLabels", {}).values() or spec["selector"]["matchExpressions"][0]["values"]
        for part in parts:
            assert endpoint["port"] in {port["name"] for port in container("production", part)["ports"]}
        assert endpoint["authorization"]["credentials"] == {"name": "hotel-agent", "key": "METRICS_TOKEN"}
        jobs[name] = endpoint["relabelings"][0]["replacement"]
    assert "METRICS_TOKEN" in dotenv_values(FOLDER / "secret.example.env")
    assert set(re.findall(r'up\{job="([^"]+)"', rules)) == {jobs["web"]}
    config = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())
    assert set(jobs.values()) <= {job["job_name"] for job in config["scrape_configs"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_address_is_the_same_everywhere(overlay: str):
    spec = the(overlay, "Ingress", "web")["spec"]
    (rule,), (tls,) = spec["rules"], spec["tls"]
    assert the(overlay, "ConfigMap", "settings")["data"]["PUBLIC_URL"] == f"https://{rule['host']}"
    assert tls["hosts"] == [rule["host"]]
    (path,) = rule["http"]["paths"]
    service = the(overlay, "Service", path["backend"]["service"]["name"])
    assert path["backend"]["service"]["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def test_what_the_reader_does_not_know_it_refuses(tmp_path: Path):
    (tmp_path / "kustomization.yaml").write_text("namePrefix: x-\n")
    with pytest.raises(ValueError, match="namePrefix"):
        kustomize.build(tmp_path)
