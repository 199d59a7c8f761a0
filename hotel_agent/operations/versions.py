"""What runs here, and of which version: the program, Python, PostgreSQL, Valkey, and the tables."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import text

from hotel_agent import ROOT, VERSION
from hotel_agent.db import db

_DATABASE = text("select current_setting('server_version'), (select max(version_num) from alembic_version)")
_COMMIT_LETTERS = 10


@dataclass(frozen=True)
class Versions:
    """`valkey` is None while it is away, `commit` where the program is no checkout of Git.

    `schema` is the revision of the tables, `head` the one that this program was made for.
    """

    program: str
    commit: str | None
    python: str
    postgresql: str
    valkey: str | None
    schema: str | None
    head: str | None

    @property
    def are_in_step(self) -> bool:
        return self.schema == self.head


def versions(valkey_info: Mapping[str, Any] | None) -> Versions:
    """`valkey_info` is what it says of itself, as INFO tells it."""
    postgresql, schema = db.session.execute(_DATABASE).one()
    valkey = _valkey(valkey_info) if valkey_info else None
    return Versions(VERSION, COMMIT, platform.python_version(), postgresql, valkey, schema, _head())


def _valkey(info: Mapping[str, Any]) -> str:
    """Valkey tells the version of Redis that it is compatible with as well."""
    own = info.get("valkey_version")
    return f"Valkey {own}" if own else f"Redis {info.get('redis_version', '')}"


@cache
def _head() -> str | None:
    """Of the migrations that this process has come with."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def _commit(root: Path) -> str | None:
    head = _read(root / ".git" / "HEAD")
    if not head.startswith("ref: "):
        return head[:_COMMIT_LETTERS] or None
    branch = head.removeprefix("ref: ")
    packed = (line.split() for line in _read(root / ".git" / "packed-refs").splitlines())
    found = _read(root / ".git" / branch) or next((pair[0] for pair in packed if pair[1:] == [branch]), "")
    return found[:_COMMIT_LETTERS] or None


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


# Read when the process starts: the files may be newer than what runs.
COMMIT = _commit(ROOT)
