"""What `make demo` runs: every process of one installation on this machine, until Ctrl-C.

    python -m ops.demo          start, and stay in the foreground
    python -m ops.demo reset    delete DATA_DIR

Whatever the environment or `.env` sets is used as it is. Unset secrets are made once and kept in
DATA_DIR/env. A process that dies is started again; when this one dies, by whatever means, so do the others.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from dotenv import dotenv_values

from hotel_agent import embedded
from hotel_agent.embedded import POSTGRES, VALKEY, Embedded, EmbeddedError

ROOT = Path(__file__).resolve().parent.parent

ACCOUNTS = [
    ("ana@miramar.example", "reception"),
    ("luis@miramar.example", "manager"),
    ("eva@miramar.example", "admin"),
    ("olga@miramar.example", "ops"),
    ("oscar@andes.example", "reception of the other hotel"),
]

# Made once and kept. What says where things are (URLs, PORT) is never taken from an earlier start.
SECRETS = (
    "SECRET_KEY",
    "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_VERIFY_TOKEN",
    "DEMO_STAFF_PASSWORD",
)
ALSO_KEPT_FOR_FLASK = ("PASSWORD_LENGTH", "PORT", "PUBLIC_URL", "WHATSAPP_API_URL", "METRICS_TOKEN")

# Said, so that `.env` does not say otherwise.
NO_FAULTS = "seed=1"

READY_SECONDS = 60
QUICK_DEATH_SECONDS = 10
BIG_LOG = 20 * 1024 * 1024


_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class CannotStart(Exception):
    """The message says why and what to do, in one line."""


def main(arguments: Sequence[str]) -> int:
    given = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
    given |= {name: value for name, value in os.environ.items() if value}
    data_dir = (ROOT / given.get("DATA_DIR", "var/demo")).resolve()
    try:
        if list(arguments) == ["reset"]:
            reset(data_dir)
        else:
            Demo(given, data_dir).run()
    except (CannotStart, EmbeddedError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


class Demo:
    def __init__(self, given: Mapping[str, str], data_dir: Path) -> None:
        self.given = given
        self.data_dir = data_dir
        self.port = _port(given.get("PORT", "8000"))
        self.servers = Embedded(data_dir, wanted=_wanted_servers(given))
        self.children: list[Child] = []
        self.ended = threading.Event()
        self.began = time.monotonic()

    def run(self) -> None:
        if not _is_free(self.port):
            raise CannotStart(
                f"port {self.port} is taken: stop the program that uses it, or choose another one, "
                f"for example: make demo PORT={self.port + 1}"
            )
        self._listen_to_signals()
        try:
            self._start_everything()
            if not self.ended.is_set():
                self._greet()
            while not self.ended.wait(0.2):
                self._keep_alive()
        finally:
            self._stop_everything()

    # Starting

    def _start_everything(self) -> None:
        if self.servers.wanted:
            self._say(f"starting {' and '.join(self.servers.wanted)} in {_short(self.data_dir)}")
        _rotate_logs(self.data_dir / "log")
        self.servers.start()
        self.environment = self._environment()
        self._write_env()
        self._say("bringing the tables up to date")
        self._flask("db", "upgrade")
        self._say("loading the demo hotels")
        self._flask("demo", "load")
        if self.ended.is_set():
            return
        self._say("starting web, workers and scheduler")
        self.environment["PROMETHEUS_MULTIPROC_DIR"] = self._new_metrics_folder()
        python = sys.executable
        self.children = [
            self._child("web", [python, "-m", "gunicorn", "-c", "ops/gunicorn.conf.py", "wsgi:app"]),
            self._child("workers", [python, "-m", "workers"]),
            self._child("scheduler", [python, "-m", "workers", "scheduler"]),
        ]
        for child in self.children:
            child.start()
        self._wait_until_ready()

    def _environment(self) -> dict[str, str]:
        """What every child gets: the given settings, kept or new secrets, and where things are."""
        kept = dotenv_values(self.data_dir / "env") if (self.data_dir / "env").exists() else {}
        made = {name: kept.get(name) or _new_secret(name) for name in SECRETS}
        addresses = {
            "APP_ENV": "demo",
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "PASSWORD_LENGTH": "8",
        }
        if POSTGRES in self.servers.wanted:
            addresses["DATABASE_URL"] = self.servers.database_url
        if VALKEY in self.servers.wanted:
            addresses["REDIS_URL"] = self.servers.redis_url
        ours = {
            "APP_ENV": "demo",
            "DATA_DIR": str(self.data_dir),
            "GRACEFUL_SECONDS": "3",
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
        }
        return {**made, **addresses, **self.given, **ours}

    def _write_env(self) -> None:
        names = ("APP_ENV", "DATABASE_URL", "REDIS_URL", *SECRETS, *ALSO_KEPT_FOR_FLASK)
        lines = [f"{name}={_quoted(self.environment[name])}" for name in names if self.environment.get(name)]
        embedded.write_private(self.data_dir / "env", "\n".join(lines) + "\n")

    def _new_metrics_folder(self) -> str:
        """Shared by the serving processes, and empty: the figures of earlier ones are none of theirs."""
        folder = self.data_dir / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return str(folder)

    def _flask(self, *words: str) -> None:
        if self.ended.is_set():
            return
        done = self._child("setup", [sys.executable, "-m", "flask", "--app", "wsgi", *words])
        if self.environment.get("FAULTS"):
            done.environment = dict(self.environment) | {"FAULTS": NO_FAULTS}
        done.start()
        while done.process and done.process.poll() is None:
            if self.ended.wait(0.05):
                done.stop(5)
                return
        if done.process and done.process.returncode != 0:
            raise CannotStart(f"`flask {' '.join(words)}` failed:\n{done.tail(25)}")

    def _child(self, name: str, command: Sequence[str]) -> Child:
        return Child(name, command, self.environment, self.data_dir / "log" / f"{name}.log")

    def _wait_until_ready(self) -> None:
        missing = "no answer from the web process"
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and not self.ended.wait(0.1):
            self._keep_alive()
            missing = self._missing()
            if not missing:
                return
        if not self.ended.is_set():
            self._say(f"not everything is up yet: {missing}; the logs are in {_short(self.data_dir / 'log')}")

    def _missing(self) -> str:
        """What a first message would wait for; empty when nothing."""
        try:
            with _no_proxy.open(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            return f"/readyz answers {error.code}"
        except (OSError, ValueError):
            return "no answer from the web process"
        return "" if told.get("workers") else f"/readyz answers {json.dumps(told)}"

    def _greet(self) -> None:
        url = self.environment["PUBLIC_URL"]
        password = self.environment["DEMO_STAFF_PASSWORD"]
        seconds = time.monotonic() - self.began
        lines = [
            "",
            f"The hotel agent is running (ready in {seconds:.0f} s).",
            "",
            f"  Address       {url}/",
            f"  Guest's phone {url}/simulator",
            "",
            f"  Accounts, all with the password {password}",
            *[f"    {email:<24}{role}" for email, role in ACCOUNTS],
            "",
            f"  Settings and secrets  {_short(self.data_dir / 'env')}",
            f"  Logs                  {_short(self.data_dir / 'log')}",
            "",
            "Ctrl-C ends it. The data stays; `make demo-reset` starts afresh.",
        ]
        self._print("\n".join(lines))

    # Running

    def _keep_alive(self) -> None:
        for name in self.servers.poll():
            self._say(f"{name} has ended; starting it again")
            try:
                self.servers.restart(name)
            except EmbeddedError as problem:
                self._say(f"{problem}\ntrying again")
        for child in self.children:
            said = child.keep_alive()
            if said:
                self._say(said)
        if _make_was_interrupted():
            self.ended.set()

    # Ending

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup
            signal.signal(number, lambda *_: self.ended.set())
        if _parent_is_make():
            # `kill -9` of make ends us in order.
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)

    def _stop_everything(self) -> None:
        """Within ten seconds in all, the ones that use a server before the server."""
        if self.children:
            self._say("stopping")
        for child, seconds in zip(self.children, (4.0, 3.0, 1.0), strict=False):
            child.stop(seconds)
        self.servers.stop()

    def _say(self, what: str) -> None:
        self._print(f"==> {what}")

    def _print(self, what: str) -> None:
        # Nobody may be listening any more, which is no reason to end.
        with contextlib.suppress(OSError):
            print(what, flush=True)


class Child:
    """A process of ours: its log, its restarts with growing pauses, its end."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.next_start = 0.0
        self.quick_deaths = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we end the children in order
                preexec_fn=embedded.die_with_parent(signal.SIGTERM),
            )
        self.started_at = time.monotonic()

    def keep_alive(self) -> str:
        """Start it again if it has ended; says so in words, once."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.next_start:
                self.start()
            return ""
        if self.process.poll() is None:
            return ""
        code = self.process.returncode
        self._end_family()
        self.process = None
        self.quick_deaths = self.quick_deaths + 1 if now - self.started_at < QUICK_DEATH_SECONDS else 0
        pause = min(5.0, 0.2 * 2**self.quick_deaths) if self.quick_deaths else 0.0
        self.next_start = now + pause
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        said = f"{self.name} has ended ({how}); starting it again"
        if self.quick_deaths and self.quick_deaths % 5 == 0:
            said += f". It ended {self.quick_deaths} times in a row; the last lines of {self.log}:\n"
            said += self.tail(15)
        return said

    def stop(self, seconds: float) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self._end_family()
        self.process.wait()
        self.process = None

    def _end_family(self) -> None:
        """The child leads a process group; nobody of it stays behind."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def tail(self, lines: int) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


# --- reset --------------------------------------------------------------------------------------------------


def reset(data_dir: Path) -> None:
    if not data_dir.exists():
        print(f"nothing to delete: {_short(data_dir)} does not exist")
        return
    if not (data_dir / "servers.json").exists() and not (data_dir / "env").exists():
        raise CannotStart(f"{data_dir} was not made by `make demo`; nothing was deleted")
    if not data_dir.is_relative_to(ROOT / "var"):
        print(f"This deletes {data_dir} and all its data. Type the folder's name to go on: ", end="", flush=True)
        if sys.stdin.readline().strip() not in (data_dir.name, str(data_dir)):
            raise CannotStart("nothing was deleted")
    embedded.remove(data_dir)
    print(f"deleted {_short(data_dir)}")


# --- small things -------------------------------------------------------------------------------------------


def _wanted_servers(given: Mapping[str, str]) -> list[str]:
    return [name for name, url in ((POSTGRES, "DATABASE_URL"), (VALKEY, "REDIS_URL")) if url not in given]


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _new_secret(name: str) -> str:
    return secrets.token_urlsafe(9 if name == "DEMO_STAFF_PASSWORD" else 32)


def _quoted(value: str) -> str:
    """As `.env` readers understand it; shells too, unless a quote or a backslash is in it."""
    if re.fullmatch(r"[\w./:@%+,=~?&*-]*", value, re.ASCII) and "&" not in value:
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _rotate_logs(folder: Path) -> None:
    for log in folder.glob("*.log"):
        if log.stat().st_size > BIG_LOG:
            log.replace(log.with_suffix(".log.1"))


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _parent_is_make() -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{os.getppid()}/comm").read_text().strip() in ("make", "gmake")
    return False


def _make_was_interrupted() -> bool:
    """make that got a SIGINT for itself alone does not pass it on, but waits for us with its handler taken
    off, which the kernel shows. (Ctrl-C at a terminal reaches us directly.)"""
    if not _parent_is_make():
        return False
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{os.getppid()}/status").read_text()
        masks = dict(re.findall(r"^(SigCgt|SigIgn):\s*([0-9a-f]+)$", status, re.MULTILINE))
        interrupt = 1 << (signal.SIGINT - 1)
        return not (int(masks["SigCgt"], 16) | int(masks["SigIgn"], 16)) & interrupt
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
