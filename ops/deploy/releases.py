"""A release: a commit's files in a folder of its own, with an environment of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ops.deploy.errors import CannotDeploy
from ops.deploy.slots import Release, Slots

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = 5


def build(slots: Slots, commit: str, tell: Callable[[str], None]) -> Release:
    """The same commit is built once. Raises CannotDeploy."""
    name = _run("git", "-C", str(ROOT), "rev-parse", "--verify", "--short=12", f"{commit}^{{commit}}")
    folder = slots.target.path("releases", name)
    if not folder.exists():
        tell(f"==> taking {name} out of the repository")
        partial = folder.with_name(f".{name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        archive = partial.with_suffix(".tar")
        _run("git", "-C", str(ROOT), "archive", "--output", str(archive), name)
        _run("tar", "-xf", str(archive), "-C", str(partial))
        archive.unlink()
        partial.rename(folder)
    if slots.target.python is None:
        tell("==> its packages, as pinned")
        _run(sys.executable, str(folder / "ops" / "bootstrap.py"), "requirements.txt")
    return Release(folder)


def forget_old(slots: Slots) -> list[str]:
    """All but the newest and those in use; answers their names."""
    state = slots.state()
    needed = {Path(placed.release).resolve() for placed in (state.active, state.previous) if placed}
    folders = [one.parent for one in (slots.target.folder / "releases").glob("*/wsgi.py")]
    folders.sort(key=lambda one: one.stat().st_mtime, reverse=True)
    gone = [folder for folder in folders[KEPT:] if folder.resolve() not in needed]
    for folder in gone:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
    return [folder.name for folder in gone]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotDeploy(f"`{' '.join(command[:4])} …` failed: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()
