"""What `kubectl kustomize` makes of ops/k8s, as far as ops/k8s asks of it: resources, components, namespace, images,
replicas and JSON patches. Whatever else a kustomization says is refused, so that nothing is silently left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
KNOWN = {"apiVersion", "kind", "namespace", "resources", "components", "images", "replicas", "patches"}
NAMESPACES = "Namespace"


def build(folder: Path) -> list[Json]:
    """Every object of an overlay. Raises ValueError where it asks for something that is not known here."""
    return list(_layered(folder, []))


def _layered(folder: Path, below: list[Json]) -> list[Json]:
    """A component changes what is below it; anything else only what it names itself."""
    asked = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if unknown := set(asked) - KNOWN:
        raise ValueError(f"{folder}: {sorted(unknown)}")
    objects = list(below)
    for name in asked.get("resources", ()):
        path = folder / name
        objects += _layered(path, []) if path.is_dir() else _read(path)
    for name in asked.get("components", ()):
        objects = _layered(folder / name, objects)
    for one in objects:
        _change(one, asked)
    return objects


def _read(path: Path) -> list[Json]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def _change(one: Json, asked: Json) -> None:
    if "namespace" in asked and one["kind"] != NAMESPACES:
        one["metadata"]["namespace"] = asked["namespace"]
    for image in asked.get("images", ()):
        for container in containers(one):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
    for wanted in asked.get("replicas", ()):
        if one["kind"] == "Deployment" and one["metadata"]["name"] == wanted["name"]:
            one["spec"]["replicas"] = wanted["count"]
    for patch in asked.get("patches", ()):
        if (one["kind"], one["metadata"]["name"]) == (patch["target"]["kind"], patch["target"]["name"]):
            for step in yaml.safe_load(patch["patch"]):
                _patch(one, step)


def _patch(one: Json, step: Json) -> None:
    """RFC 6902, of objects within objects; what is replaced or removed has to be there."""
    *way, last = step["path"].lstrip("/").split("/")
    within = one
    for name in way:
        within = within[name]
    if step["op"] in ("replace", "remove"):
        del within[last]
    elif step["op"] != "add":
        raise ValueError(step["op"])
    if step["op"] != "remove":
        within[last] = step["value"]


def pod(one: Json) -> Json | None:
    """What a deployment or a job says of its pods."""
    found: Json | None = one.get("spec", {}).get("template", {}).get("spec")
    return found


def containers(one: Json) -> Iterator[Json]:
    spec = pod(one) or {}
    yield from (*spec.get("initContainers", ()), *spec.get("containers", ()))
