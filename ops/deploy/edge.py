"""nginx: which slot answers what share of requests, and what it saw each of them answer."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from ops.deploy.errors import CannotDeploy
from ops.deploy.judging import Figures
from ops.deploy.processes import INHERITED, children, wait_until
from ops.deploy.target import Nginx, Target

TEMPLATES = Path(__file__).resolve().parent.parent / "nginx"
RELOAD_SECONDS = 15
BEGINS = "# Written by the deployment; the shares are percent.\nupstream hotel_agent {\n    zone hotel_agent 128k;\n"
ENDS = "    keepalive 32;\n}\n"
NOBODY = "    server 127.0.0.1:9 down;\n"
SERVER = re.compile(r"^\s*server 127\.0\.0\.1:(\d+) (?:weight=(\d+)|backup)", re.MULTILINE)


class Edge:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._folder = target.folder / "nginx"
        self._main = Path(target.nginx.config) if target.nginx.config else self._folder / "nginx.conf"

    # Configuration

    def write(self) -> list[Path]:
        """Fill in the templates; what answers stays as it was. Answers the files."""
        (self._folder / "tmp").mkdir(parents=True, exist_ok=True)
        files = ["site.conf"] if self._target.nginx.config else ["site.conf", "main.conf"]
        written = []
        for name in files:
            path = self._main if name == "main.conf" else self._folder / name
            path.write_text(_filled((TEMPLATES / name).read_text(), self._folder, self._target.nginx))
            written.append(path)
        if not self._shares_file.exists():
            self._shares_file.write_text(_upstream({}, self._target.ports))
        return written

    def test(self) -> None:
        """Raises CannotDeploy with nginx' own words."""
        done = subprocess.run([_program(), "-t", "-q", "-c", self._main], capture_output=True, text=True)
        if done.returncode != 0:
            raise CannotDeploy(f"nginx does not take its configuration:\n{done.stderr.strip()}")

    @property
    def _shares_file(self) -> Path:
        return self._folder / "upstream.conf"

    @property
    def _untaken(self) -> Path:
        """There while nginx may not have read what the file of shares says."""
        return self._folder / "upstream.untaken"

    def shares(self) -> dict[str, int]:
        """The percentage of each slot that answers; 0 of one that does where the other fails."""
        told = self._shares_file.read_text() if self._shares_file.exists() else ""
        slots = {str(port): slot for slot, port in self._target.ports.items()}
        return {slots[port]: int(share or 0) for port, share in SERVER.findall(told) if port in slots}

    def point_to(self, shares: Mapping[str, int]) -> None:
        """From now on these answer; one with 0 percent is asked where the other fails. What is under way is finished
        where it began. Raises CannotDeploy."""
        if shares == self.shares() and not self._untaken.exists():
            return
        before = self._shares_file.read_text() if self._shares_file.exists() else ""
        self._untaken.touch()  # Whoever comes after a deployment that was killed here has to tell nginx again.
        partial = self._shares_file.with_suffix(".partial")
        partial.write_text(_upstream(shares, self._target.ports))
        partial.replace(self._shares_file)
        try:
            self.test()
        except CannotDeploy:
            self._shares_file.write_text(before)
            raise
        self._reload()
        self._untaken.unlink()

    # The process

    def start(self) -> bool:
        """Start our own nginx unless it runs. False where it is not ours to start. Raises CannotDeploy."""
        if self._target.nginx.config or self.master is not None:
            return False
        self.test()
        # No marks of whoever deploys: a runner of CI ends all that has its own.
        given = {name: os.environ[name] for name in INHERITED if name in os.environ}
        done = subprocess.run([_program(), "-c", self._main], capture_output=True, text=True, env=given)
        if done.returncode != 0:
            raise CannotDeploy(f"nginx does not start:\n{done.stderr.strip()}")
        wait_until(lambda: self.master is not None and bool(children(self.master)), RELOAD_SECONDS)
        return True

    def stop(self) -> None:
        """End our own nginx, once it has answered what is under way."""
        master = self.master
        if master is None or self._target.nginx.config:
            return
        os.kill(master, signal.SIGQUIT)
        if not wait_until(lambda: self.master is None, self._target.seconds.stop):
            os.kill(master, signal.SIGTERM)

    @property
    def master(self) -> int | None:
        """nginx' master process, if it runs."""
        path = self._folder / "nginx.pid"
        if self._target.nginx.config:
            told = subprocess.run([_program(), "-T", "-q", "-c", self._main], capture_output=True, text=True).stdout
            named = [line.split()[1].rstrip(";") for line in told.splitlines() if line.startswith("pid ")]
            path = Path(named[0] if named else "/run/nginx.pid")
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text())
            if b"nginx" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        return None

    def _reload(self) -> None:
        """Raises CannotDeploy where no nginx takes the new shares."""
        master = self.master
        if master is None:
            raise CannotDeploy("nginx does not run: `python -m ops.deploy up`, or start the machine's own")
        before = set(children(master))
        os.kill(master, signal.SIGHUP)

        def taken() -> bool:
            now = children(master)
            return bool(now.keys() - before) and all("shutting down" in now[pid] for pid in before & now.keys())

        if not wait_until(taken, RELOAD_SECONDS):
            raise CannotDeploy(f"nginx has not read its configuration; see {self._folder / 'error.log'}")

    def wait_for_earlier(self, seconds: float) -> None:
        """For requests that go by an earlier configuration; streams of news may stay longer."""
        master = self.master
        if master is not None:
            wait_until(lambda: not any("shutting down" in line for line in children(master).values()), seconds)

    # What it saw

    def look(self) -> Look:
        return Look(
            self._folder / "access.log", {f"127.0.0.1:{port}": slot for slot, port in self._target.ports.items()}
        )


class Look:
    """What each slot answered from now on, also where nginx then asked the other one."""

    def __init__(self, log: Path, slots: Mapping[str, str]) -> None:
        self._log = log
        self._slots = slots
        self._read = log.stat().st_size if log.exists() else 0
        self._times: dict[str, list[float]] = {slot: [] for slot in slots.values()}
        self._errors = dict.fromkeys(slots.values(), 0)
        self._refused = dict.fromkeys(slots.values(), 0)

    def figures(self) -> dict[str, Figures]:
        for line in self._news():
            with contextlib.suppress(ValueError, KeyError):
                self._add(json.loads(line))
        return {
            slot: Figures(len(times), self._errors[slot], self._refused[slot], _p95(times))
            for slot, times in self._times.items()
        }

    def _news(self) -> Iterator[str]:
        if not self._log.exists():
            return
        if self._log.stat().st_size < self._read:  # It was rotated.
            self._read = 0
        with self._log.open("rb") as log:
            log.seek(self._read)
            whole = log.read().rpartition(b"\n")[0]
        if whole:
            self._read += len(whole) + 1
            yield from whole.decode(errors="replace").split("\n")

    def _add(self, told: Mapping[str, str]) -> None:
        """One request may have been put to two: then there are two of each, with commas between."""
        tries = (told["upstreams"].split(", "), told["statuses"].split(", "), told["times"].split(", "))
        for address, status, seconds in zip(*tries, strict=True):
            slot = self._slots.get(address)
            if slot is None or status in ("", "-", "499"):  # Nobody was asked, or whoever asked has left.
                continue
            self._times[slot].append(float(seconds) if seconds not in ("", "-") else 0.0)
            self._errors[slot] += status >= "500"
            self._refused[slot] += "400" <= status < "500"


def _p95(times: list[float]) -> float | None:
    return sorted(times)[int(0.95 * (len(times) - 1))] if times else None


def _upstream(shares: Mapping[str, int], ports: Mapping[str, int]) -> str:
    # Neither is ever left out after a failure: the one before is all there is, and of the new one we want to know.
    servers = [
        f"    server 127.0.0.1:{ports[slot]} {f'weight={share}' if share else 'backup'} max_fails=0;\n"
        for slot, share in shares.items()
    ]
    return BEGINS + ("".join(servers) or NOBODY) + ENDS


def _filled(template: str, folder: Path, nginx: Nginx) -> str:
    values = {
        "FOLDER": str(folder),
        "NAME": nginx.name,
        "LISTEN": _listening(nginx),
        "ELSEWHERE": _elsewhere(nginx),
        "USER": f"user {nginx.user};"
        if os.getuid() == 0
        else "# Not root: the worker processes are whoever starts it.",
    }
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _listening(nginx: Nginx) -> str:
    every = [nginx.listen, f"[::]:{nginx.listen}"] if nginx.listen.isdigit() else [nginx.listen]
    if not nginx.certificate:
        return "\n    ".join(f"listen {one};" for one in every)
    lines = [f"listen {one} ssl http2;" for one in every]
    lines += [f"ssl_certificate {nginx.certificate};", f"ssl_certificate_key {nginx.key or nginx.certificate};"]
    lines += ["ssl_protocols TLSv1.2 TLSv1.3;", "ssl_session_cache shared:hotel_agent_tls:4m;"]
    lines += ["ssl_session_timeout 1d;", "ssl_session_tickets off;"]
    return "\n    ".join(lines)


def _elsewhere(nginx: Nginx) -> str:
    """Whoever comes without TLS is sent on, where it is spoken on its usual port."""
    if not nginx.certificate or nginx.listen != "443":
        return ""
    return (
        f"server {{\n    listen 80;\n    listen [::]:80;\n    server_name {nginx.name};\n"
        "    return 308 https://$host$request_uri;\n}\n"
    )


def _program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise CannotDeploy("nginx is missing: apt install nginx")
    return found
