"""Two places for a version of the program, blue and green: its processes, and which of the two is in use."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from time import time
from typing import IO

from dotenv import dotenv_values
from redis import Redis
from redis.exceptions import RedisError

from ops.deploy.errors import CannotDeploy
from ops.deploy.processes import INHERITED, Daemon, children, wait_until
from ops.deploy.target import SLOTS, Target

WEB, WORKERS, SCHEDULER = "web", "workers", "scheduler"
# In this order they end: whoever accepts work before whoever does it.
ROLES = (WEB, SCHEDULER, WORKERS)
COMMANDS = {
    WEB: ("-m", "gunicorn", "-c", "ops/gunicorn.conf.py", "wsgi:app"),
    WORKERS: ("-m", "workers"),
    SCHEDULER: ("-m", "workers", "scheduler"),
}
FLASK_SECONDS = 3600
LOCK_SECONDS = 10
# Where workers say that they are alive (hotel_agent/queues.py). Only what this release's own say counts here.
HEARTBEATS, HEARTBEAT_SECONDS = "workers:heartbeats", 20


@dataclass(frozen=True)
class Release:
    """A version as a folder with the program in it; its name is the folder's."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def version(self) -> str:
        """What `build_info` tells of it."""
        told = (self.folder / "hotel_agent" / "__init__.py").read_text()
        found = re.search(r'^VERSION = "([^"]+)"', told, re.MULTILINE)
        return found[1] if found else ""


@dataclass(frozen=True)
class Placed:
    slot: str
    release: str

    @property
    def of(self) -> Release:
        return Release(Path(self.release))


@dataclass(frozen=True)
class State:
    """`active` answers; `previous` did before it."""

    active: Placed | None = None
    previous: Placed | None = None


class Slots:
    """The processes on this machine, and the file that says which are to be there."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._state = target.path("state.json")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One deployment at a time; waits a little, as each minute's `up` is done in a moment. Raises CannotDeploy."""
        with self.target.path("lock").open("w") as lock:
            if not wait_until(lambda: _locked(lock), LOCK_SECONDS):
                raise CannotDeploy("another deployment is under way on this machine")
            yield

    def state(self) -> State:
        if not self._state.exists():
            return State()
        try:
            told = json.loads(self._state.read_text())
            return State(*(Placed(**told[name]) if told.get(name) else None for name in ("active", "previous")))
        except (ValueError, TypeError, AttributeError):
            raise CannotDeploy(
                f"{self._state} is not as a deployment writes it: put it right, or where nothing is in use, remove it"
            ) from None

    def save(self, state: State) -> None:
        partial = self._state.with_suffix(".partial")
        with partial.open("w") as file:
            json.dump(asdict(state), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._state)

    # Releases

    def release(self, name: str) -> Release:
        """By its folder, or its name below `releases`. Raises CannotDeploy."""
        for folder in (Path(name), self.target.folder / "releases" / name):
            if (folder / "wsgi.py").is_file():
                return Release(folder.resolve())
        raise CannotDeploy(f"{name}: no such release; `python -m ops.deploy build` makes one of a commit")

    def python(self, release: Release) -> str:
        own = release.folder / ".venv" / "bin" / "python"
        return str(own if own.exists() else self.target.python or sys.executable)

    # Processes

    def daemon(self, slot: str, role: str) -> Daemon:
        return Daemon(self.target.path("run", slot, f"{role}.json"), self.target.path("log", f"{slot}-{role}.log"))

    def running(self, slot: str) -> list[str]:
        return [role for role in ROLES if self.daemon(slot, role).pid is not None]

    def ended(self, slot: str) -> list[str]:
        """The roles that nobody has, or whoever was told to end already."""
        daemons = {role: self.daemon(slot, role) for role in ROLES}
        return [role for role, daemon in daemons.items() if daemon.pid is None or daemon.is_ending]

    def start(self, placed: Placed, role: str) -> None:
        """Unless it runs already; one that was told to end does so first. Raises CannotDeploy."""
        daemon = self.daemon(placed.slot, role)
        if daemon.is_ending:
            self.stop(placed.slot, role)
        if daemon.pid is not None:
            return
        if not self.running(placed.slot):
            self._forget_figures(placed.slot)
        command = [self.python(placed.of), *COMMANDS[role]]
        try:
            daemon.start(command, placed.of.folder, self.environment(placed.slot))
        except OSError as problem:
            raise CannotDeploy(f"{placed.of.name} cannot be started: {problem}") from None

    def stop(self, slot: str, role: str) -> bool:
        return self.daemon(slot, role).stop(self.target.seconds.stop)

    def workers(self, slot: str) -> set[int]:
        """The processes of this slot's workers that live."""
        supervisor = self.daemon(slot, WORKERS).pid
        return set() if supervisor is None else set(children(supervisor))

    def workers_reporting(self, slot: str) -> int:
        """How many of this slot's own have said lately that they wait for jobs; those of the other do not count."""
        ours = {str(pid).encode() for pid in self.workers(slot)}
        if not ours:
            return 0
        try:
            with Redis.from_url(self.settings()["REDIS_URL"], socket_timeout=5) as valkey:
                names = valkey.zrangebyscore(HEARTBEATS, time() - HEARTBEAT_SECONDS, "+inf")
                return sum(valkey.hget(f"rq:worker:{name.decode()}", "pid") in ours for name in names)
        except RedisError:
            return 0

    def environment(self, slot: str) -> dict[str, str]:
        """What the program's processes in a slot are given."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        port = str(self.target.ports[slot])
        ours = {
            "PORT": port,
            "BIND": f"127.0.0.1:{port}",
            "PROMETHEUS_MULTIPROC_DIR": str(self._figures(slot)),
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
        }
        # What is to outlive a release is in no release's folder.
        defaults = {"TRUSTED_PROXIES": "1", "DATA_DIR": str(self.target.folder / "data")}
        return {**inherited, **defaults, **self.settings(), **ours}

    def settings(self) -> Mapping[str, str]:
        """The program's own, from the file that the target names. Raises CannotDeploy."""
        path = self.target.environment
        if not path.is_file():
            raise CannotDeploy(f"{path}: the program's settings are missing (the table in README.md)")
        return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}

    def flask(self, release: Release, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """An administration command of that release, whatever becomes of it."""
        return subprocess.run(
            [self.python(release), "-m", "flask", "--app", "wsgi", *words],
            cwd=release.folder,
            env={name: value for name, value in self.environment(SLOTS[0]).items() if "MULTIPROC" not in name},
            capture_output=True,
            text=True,
            timeout=FLASK_SECONDS,
        )

    def _figures(self, slot: str) -> Path:
        return self.target.path("run", slot, "metrics")

    def _forget_figures(self, slot: str) -> None:
        """Those of an earlier version are none of this one's."""
        shutil.rmtree(self._figures(slot), ignore_errors=True)
        self._figures(slot).mkdir()


def _locked(file: IO[str]) -> bool:
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True
