"""Programs that outlive whoever started them: found again by process id and the kernel's time of their start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

STEP_SECONDS = 0.1
# Of the environment of whoever deploys, what a program that stays is given.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "USER", "TMPDIR")


def wait_until(happened: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(STEP_SECONDS)
    return True


class Daemon:
    """One program, with a file that says which process it is, and a log."""

    def __init__(self, note: Path, log: Path) -> None:
        self.note = note
        self.log = log

    def start(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        with self.log.open("ab") as log:
            begins = log.tell()
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the deployment.
            )
        self._write({"pid": process.pid, "started": _started(process.pid), "log": begins})

    def _write(self, told: Mapping[str, Any]) -> None:
        partial = self.note.with_suffix(".partial")
        partial.write_text(json.dumps(told))
        partial.replace(self.note)

    def _told(self) -> dict[str, Any]:
        """The note, while it is of a process that lives; else empty."""
        with contextlib.suppress(OSError, ValueError):
            told: dict[str, Any] = json.loads(self.note.read_text())
            if _started(told["pid"]) == told["started"] is not None:
                return told
        return {}

    @property
    def pid(self) -> int | None:
        """Of the process while it lives."""
        return self._told().get("pid")

    @property
    def is_ending(self) -> bool:
        """Whether it lives, and was told to end; also by a deployment that was cut off since."""
        return bool(self._told().get("ending"))

    def stop(self, seconds: float) -> bool:
        """Ask it to end, and make it end after a while; answers whether it ended by itself."""
        told = self._told()
        pid = told.get("pid")
        willing = True
        if pid is not None:
            self._write(told | {"ending": True})
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            willing = wait_until(lambda: self.pid is None, seconds)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # It leads a group; nobody of it stays behind.
            wait_until(lambda: self.pid is None, 5)
        self.note.unlink(missing_ok=True)
        return willing

    def tail(self, lines: int = 15) -> str:
        """The latest of what it wrote; what another wrote before it is none of its."""
        with contextlib.suppress(OSError, ValueError):
            begins = json.loads(self.note.read_text()).get("log", 0)
            return "\n".join(self.log.read_bytes()[begins:].decode(errors="replace").splitlines()[-lines:])
        return ""


def _started(pid: int) -> str | None:
    """When the kernel started that process, which tells it from a later one of the same id; None once it has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # Ours, if this deployment started it: a dead child is a zombie until then.
    with contextlib.suppress(OSError, IndexError):
        told = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return None if told[0] == "Z" else told[19]
    return None


def children(pid: int) -> dict[int, str]:
    """The processes below one, with their command lines."""
    found = {}
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ")
                found[int(child)] = line.decode(errors="replace")
    return found
