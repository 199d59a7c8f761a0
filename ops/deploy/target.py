"""Where to deploy to: one machine's folders, ports and patience, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ops.deploy.errors import CannotDeploy

BLUE, GREEN = "blue", "green"
SLOTS = (BLUE, GREEN)

Part = TypeVar("Part")


@dataclass(frozen=True)
class Nginx:
    listen: str = "8080"
    name: str = "_"
    certificate: str = ""
    key: str = ""
    user: str = "www-data"
    config: str = ""


@dataclass(frozen=True)
class Source:
    url: str = ""


@dataclass(frozen=True)
class Canary:
    """How a new version is judged; see example.toml."""

    share: int = 10
    seconds: float = 300
    seconds_after: float = 60
    longest_seconds: float = 1200
    requests: int = 200
    more_errors: float = 0.005
    slower: float = 1.5
    slower_seconds: float = 0.05


@dataclass(frozen=True)
class Seconds:
    start: float = 60
    stop: float = 45
    drain: float = 10


@dataclass(frozen=True)
class Target:
    folder: Path
    environment: Path
    address: str
    python: Path | None = None
    ports: Mapping[str, int] = field(default_factory=lambda: {BLUE: 8001, GREEN: 8002})
    nginx: Nginx = Nginx()
    prometheus: str = ""
    canary: Canary = Canary()
    seconds: Seconds = Seconds()

    def path(self, *parts: str) -> Path:
        """A path below the folder; the folder above it exists then."""
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def other(slot: str) -> str:
    return GREEN if slot == BLUE else BLUE


def read(path: Path) -> Target:
    """Raises CannotDeploy with the name of what is wrong."""
    try:
        told = tomllib.loads(path.read_text())
    except OSError as error:
        raise CannotDeploy(
            f"{path}: {error.strerror}. --target names the file, or DEPLOY_TARGET; ops/deploy/example.toml is one"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise CannotDeploy(f"{path}: {error}") from None
    known = {"folder", "environment", "address", "python", "ports", "nginx", "prometheus", "canary", "seconds"}
    if unknown := told.keys() - known:
        raise CannotDeploy(f"{path}: nobody knows {', '.join(sorted(unknown))}")
    for name in ("folder", "environment", "address"):
        if not isinstance(told.get(name), str):
            raise CannotDeploy(f"{path}: {name} is missing")
    for name in ("ports", "nginx", "prometheus", "canary", "seconds"):
        if not isinstance(told.get(name, {}), dict):
            raise CannotDeploy(f"{path}: {name} is a table: a line [{name}], and its settings below it")
    if not isinstance(told.get("python", ""), str):
        raise CannotDeploy(f"{path}: python is the path of an interpreter, in quotes")
    ports = told.get("ports", {BLUE: 8001, GREEN: 8002})
    if set(ports) != set(SLOTS) or len(set(ports.values())) != 2 or not all(map(_is_port, ports.values())):
        raise CannotDeploy(f"{path}: ports: two different ones are wanted, blue and green")
    here = path.resolve().parent
    return Target(
        folder=here / told["folder"],
        environment=here / told["environment"],
        address=told["address"].rstrip("/"),
        python=here / told["python"] if "python" in told else None,
        ports=ports,
        nginx=_part(Nginx, told, "nginx", path),
        prometheus=_part(Source, told, "prometheus", path).url.rstrip("/"),
        canary=_canary(_part(Canary, told, "canary", path), path),
        seconds=_part(Seconds, told, "seconds", path),
    )


def _part(kind: type[Part], told: Mapping[str, Any], name: str, path: Path) -> Part:
    given = told.get(name, {})
    wanted = get_type_hints(kind)
    for key, value in given.items():
        if key not in wanted:
            raise CannotDeploy(f"{path}: nobody knows {key} in [{name}]")
        fits = isinstance(value, wanted[key]) or (wanted[key] is float and isinstance(value, int))
        if not fits or isinstance(value, bool) or (isinstance(value, int | float) and value < 0):
            raise CannotDeploy(f"{path}: {key} in [{name}] is no {wanted[key].__name__}: {value!r}")
    return kind(**given)


def _canary(canary: Canary, path: Path) -> Canary:
    if not 0 < canary.share < 100:
        raise CannotDeploy(f"{path}: share in [canary] is a percentage between 1 and 99, not {canary.share}")
    if canary.requests < 1 or canary.slower < 1 or canary.longest_seconds < canary.seconds:
        raise CannotDeploy(
            f"{path}: [canary] wants requests of at least 1, slower of at least 1, longest_seconds from seconds on"
        )
    return canary


def _is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536
