"""Starts what is measured or tormented, each in a folder of its own, and ends exactly what it started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]
APP_SECRET = "app-secret-of-the-load-client"
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "USER", "TMPDIR")
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class TookTooLong(AssertionError):
    """Something did not come about in time; the message says what."""


def wait_until(happened: Callable[[], Any], seconds: float, what: str, step: float = 0.1) -> float:
    """Wait for it; answers how long that took. Raises TookTooLong."""
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > seconds:
            raise TookTooLong(f"{what}: not within {seconds:.0f} s")
        time.sleep(step)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**settings: str) -> dict[str, str]:
    """Nothing of the caller's settings: the tests' own environment is not the demo's."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | settings


@dataclass(frozen=True)
class Process:
    """A descendant, by what it does. `started` tells it from a later process with the same id."""

    pid: int
    started: str
    role: str


def descendants(pid: int) -> list[Process]:
    """The processes below `pid`, as the kernel tells it now."""
    found, parents = [], [pid]
    while parents:
        parent = parents.pop()
        for child in _children(parent):
            parents.append(child)
            with contextlib.suppress(OSError, IndexError):
                command = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace").split("\0")
                started = _started(child)
                found.append(Process(child, started, _role(command, _command_of(parent))))
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                children += [int(child) for child in (task / "children").read_text().split()]
    return children


def _command_of(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []


def _started(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]


def _role(command: Sequence[str], parents: Sequence[str]) -> str:
    line = " ".join(command)
    if " gunicorn " in line or "gunicorn:" in line:
        return "web worker" if "gunicorn" in " ".join(parents) else "web master"
    if "-m workers one" in line:
        return "worker"
    if "-m workers scheduler" in line:
        return "scheduler"
    if "-m workers" in line:
        return "supervisor"
    if "valkey-server" in line or "redis-server" in line:
        return "valkey"
    if "postgres" in line and " -D " in line:
        return "postgres"
    return "postgres backend" if line.startswith("postgres:") else "other"


def kill(process: Process) -> bool:
    """kill -9, if it is still the same process."""
    with contextlib.suppress(OSError):
        if _started(process.pid) == process.started:
            os.kill(process.pid, signal.SIGKILL)
            return True
    return False


def memory_mb(pid: int) -> tuple[float, float]:
    """(PSS, RSS) in MB: PSS shares out what processes have in common."""
    figures = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        figures[name] = int(value.split()[0]) / 1024
    return figures["Pss"], figures["Rss"]


def end(process: subprocess.Popen[Any], seconds: float = 20) -> None:
    """Ask it to end; after that nothing below it may be left."""
    below = descendants(process.pid)
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        below += descendants(process.pid)
        process.kill()
    process.wait()
    for one in below:
        kill(one)


class Demo:
    """`make demo` without make, with data of its own."""

    def __init__(self, data_dir: Path, port: int, graph_port: int | None, **settings: str) -> None:
        self.data_dir = data_dir
        self.port = port
        self.output = data_dir / "demo.out"
        addresses = {"WHATSAPP_API_URL": f"http://127.0.0.1:{graph_port}/v26.0"} if graph_port else {}
        self.environment = clean_environment(
            DATA_DIR=str(data_dir),
            PORT=str(port),
            WHATSAPP_APP_SECRET=APP_SECRET,
            LOG_LEVEL="warning",
        )
        self.environment |= addresses | settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str] = (sys.executable, "-m", "ops.demo"), cwd: Path = ROOT) -> float:
        """Answers how many seconds it took until it greeted."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=cwd, env=self.environment, stdout=out, stderr=out)
        return wait_until(self._has_greeted, 600, f"the demo does not start; see {self.output}", 0.05)

    def _has_greeted(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise TookTooLong(f"the demo ended:\n{self.output.read_text()[-3000:]}")
        return b"The hotel agent is running" in self.output.read_bytes()

    def stop(self) -> None:
        if self.process:
            end(self.process)
        self.process = None

    @property
    def settings(self) -> dict[str, str | None]:
        """Those that it has made up for itself."""
        return dotenv_values(self.data_dir / "env")

    @property
    def database_url(self) -> str:
        return self.settings["DATABASE_URL"] or ""

    def flask(self, *command: str) -> str:
        """What an administration command prints."""
        whole = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
        done = subprocess.run(
            whole, cwd=ROOT, env=self.environment | {"APP_ENV": "demo"}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=3)

    def processes(self) -> list[Process]:
        return descendants(self.process.pid) if self.process else []

    def ready(self) -> dict[str, Any] | None:
        """What /readyz tells, or None when it cannot."""
        try:
            with _no_proxy.open(f"http://127.0.0.1:{self.port}/readyz", timeout=3) as answer:
                told: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            return None
        return told


class Graph:
    """The Graph double as a process, and a reader of its log."""

    def __init__(self, log: Path, port: int, webhook_port: int | None = None, **faults: float) -> None:
        self.log = log
        self.port = port
        words = [f"--{name.replace('_', '-')}={value}" for name, value in faults.items()]
        if webhook_port:
            words += [f"--webhook-port={webhook_port}", f"--secret={APP_SECRET}"]
        self._command = [sys.executable, "-m", "tests.load.graph_server", f"--port={port}", f"--log={log}", *words]
        self._read = 0
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Graph:
        self.log.touch()
        self.process = subprocess.Popen(self._command, cwd=ROOT, env=clean_environment())
        wait_until(self._answers, 15, "the Graph double does not start", 0.05)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            end(self.process)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def news(self) -> list[dict[str, Any]]:
        """The lines written since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            whole = log.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._read += len(whole) + 1
        return [json.loads(line) for line in whole.split(b"\n")]


@contextlib.contextmanager
def running_demo(
    folder: Path, settings: Mapping[str, str] | None = None, faults: Mapping[str, float] | None = None
) -> Iterator[tuple[Demo, Graph]]:
    """A demo with its data in `folder`, and a Graph double that it speaks to."""
    port, graph_port = free_port(), free_port()
    with Graph(folder / "heard.jsonl", graph_port, port, **(faults or {})) as graph:
        demo = Demo(folder / "data", port, graph_port, **(settings or {}))
        try:
            demo.start()
            yield demo, graph
        finally:
            demo.stop()
