"""PostgreSQL's own programs: where they are, and whom they talk to, without a password on their command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from hotel_agent.embedded import postgres_folders
from hotel_agent.errors import ConfigurationError


def program(name: str, server: int) -> Path:
    """One that is at least as new as the server, whose major version is given. Raises ConfigurationError."""
    folders = [*postgres_folders(), *map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    seen = []
    for folder in folders:
        path = folder / name
        if path.is_file() and os.access(path, os.X_OK):
            major = _major(path)
            if major >= server:
                return path
            seen.append(f"{path} ({major})")
    known = f"; too old: {', '.join(seen)}" if seen else ""
    raise ConfigurationError(f"{name} of PostgreSQL {server} or later is missing: apt install postgresql-client{known}")


def environment(url: str) -> dict[str, str]:
    """For these programs to find the very database that psycopg finds there. Raises ConfigurationError."""
    try:
        given = conninfo_to_dict(plain(url))
    except Exception as error:  # What is wrong with an address may have a password in it.
        raise ConfigurationError(f"This is no address of a database: {type(error).__name__}") from None
    variables = {option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    told = {variables[name]: str(value) for name, value in given.items() if name in variables}
    ours = {"PGAPPNAME": "hotel-agent backup", "LC_ALL": "C"}
    return {"PGCONNECT_TIMEOUT": "10"} | os.environ | ours | told


def plain(url: str) -> str:
    """As psycopg and libpq take it, whatever driver SQLAlchemy is told in it."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql{separator}{rest}" if separator and scheme.startswith("postgres") else url


def what_went_wrong(said: bytes) -> str:
    """Of all that such a program has said the line with its error: what follows may be statements, or rows."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line.lower()), lines[-1] if lines else "it said nothing")[:300]


@lru_cache
def _major(path: Path) -> int:
    found = shutil.which(str(path))
    said = subprocess.run([found or str(path), "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)", said)
    return int(number[1]) if number else 0
