"""The folder of backups: a dump and, beside it, what it is. What has another name there is nobody's business."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from time import time
from typing import Any

from hotel_agent.backups.fingerprints import Fingerprints
from hotel_agent.errors import ConfigurationError, NotFound

DAILY, WEEKLY, MONTHLY = 7, 4, 12
ALL_WITHIN = timedelta(days=1)
PARTIAL = ".partial"
ASIDE = ".fetched-"
NAME = re.compile(r"(\d{8}T\d{6})Z(?:-\d+)?")
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """What a dump is. `tables` are rows and checksum of each at the moment of the dump; `revision` of the schema."""

    name: str
    taken_at: str
    size: int
    sha256: str
    is_sealed: bool
    revision: str
    postgres: str
    program: str
    tables: Fingerprints = field(default_factory=dict)
    format: int = FORMAT

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.taken_at)

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.tables.values())


class Store:
    """Raises ConfigurationError where the folder cannot be had."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"BACKUP_DIR {folder} cannot be made: {error.strerror}") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigurationError(f"BACKUP_DIR {folder} cannot be written to by this user")

    def dump(self, name: str) -> Path:
        return self.folder / f"{name}.dump"

    def manifest_path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def partial(self, name: str) -> Path:
        return self.folder / f"{name}.dump{PARTIAL}"

    def finish(self, manifest: Manifest) -> None:
        """Both aside, then the dump, then what it is: only what has both is a backup."""
        aside = self._manifest_aside(manifest.name)
        with aside.open("w") as file:
            os.chmod(aside, 0o600)
            json.dump(asdict(manifest), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.partial(manifest.name), self.dump(manifest.name))
        os.replace(aside, self.manifest_path(manifest.name))
        self._settle()

    def take_over(self, other: Store, name: str) -> None:
        """A backup from a folder on the same disk, instead of one that has its name."""
        for path in (other.dump(name), other.manifest_path(name)):
            os.chmod(path, 0o600)
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
        os.replace(other.dump(name), self.dump(name))
        os.replace(other.manifest_path(name), self.manifest_path(name))
        self._settle()

    def give_up(self, name: str) -> None:
        """What was not finished takes no room."""
        for path in (self.partial(name), self._manifest_aside(name)):
            path.unlink(missing_ok=True)

    def manifests(self) -> list[Manifest]:
        """What is there, newest first; what cannot be read is left out."""
        found = [self._read(path) for path in self.folder.glob("*.json") if NAME.fullmatch(path.stem)]
        whole = [one for one in found if one is not None and self.dump(one.name).exists()]
        return sorted(whole, key=lambda one: (one.at, one.name), reverse=True)

    def find(self, name: str | None = None) -> Manifest:
        """That one, or the newest. Raises NotFound."""
        there = self.manifests()
        found = next((one for one in there if name in (None, one.name)), None)
        if found is None:
            raise NotFound(self._why_not(name) if name else f"{self.folder} has no backup.")
        return found

    def _why_not(self, name: str) -> str:
        one, other = self.dump(name), self.manifest_path(name)
        if not NAME.fullmatch(name) or not (one.exists() or other.exists()):
            return f"There is no backup {name} in {self.folder}: `flask backup list` tells which there are."
        lost = f"{other} cannot be read" if one.exists() else f"{one} is missing"
        return f"{lost}: bring it back with `flask backup fetch {name}`, or take an older backup."

    def remove(self, name: str) -> None:
        """What it is first: without that the dump is none."""
        for path in (self.manifest_path(name), self.dump(name)):
            path.unlink(missing_ok=True)
        self._settle()

    def clear_away(self) -> list[str]:
        """Delete what somebody who was killed has left half-written, and dumps without a word of what they are."""
        gone = []
        known = {one.name for one in self.manifests()}
        for path in self.folder.iterdir():
            name = path.name.split(".")[0]
            is_half = path.name.endswith(PARTIAL) or (path.suffix == ".dump" and name not in known)
            if NAME.fullmatch(name) and is_half and not self.manifest_path(name).exists():
                with suppress(OSError):  # What cannot go is in nobody's way.
                    path.unlink()
                    gone.append(path.name)
        for path in self.folder.glob(f"{ASIDE}*"):
            with suppress(OSError):  # Somebody may be at a young one.
                if path.stat().st_mtime < time() - ALL_WITHIN.total_seconds():
                    rmtree(path)
        return gone

    def _read(self, path: Path) -> Manifest | None:
        try:
            told: dict[str, Any] = json.loads(path.read_text())
            tables = {name: (int(rows), str(total)) for name, (rows, total) in told.pop("tables").items()}
            found = Manifest(**told, tables=tables)
            return found if found.name == path.stem else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _manifest_aside(self, name: str) -> Path:
        return self.folder / f"{name}.json{PARTIAL}"

    def _settle(self) -> None:
        """What was renamed or deleted is so also after the power has failed."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def checksum(path: Path) -> str:
    total = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def to_keep(taken: Iterable[Manifest], now: datetime, good: Iterable[str] = ()) -> set[str]:
    """Names: of each of the last days, weeks and months that have one the newest; and the newest of those known good.

    Whatever was taken within a day stays, too: who takes one to be safe does not lose that of the morning. Weeks begin
    on Monday; all is counted in UTC.
    """
    newest_first = sorted(taken, key=lambda one: (one.at, one.name), reverse=True)
    keep = {one.name for one in newest_first if one.at > now - ALL_WITHIN}
    for most, period in ((DAILY, _day), (WEEKLY, _week), (MONTHLY, _month)):
        chosen: dict[Any, str] = {}
        for one in newest_first:
            chosen.setdefault(period(one.at.astimezone(UTC).date()), one.name)
        keep |= set(list(chosen.values())[:most])
    known_good = set(good)
    last_good = next((one.name for one in newest_first if one.name in known_good), None)
    return keep | ({last_good} if last_good else set())


def _day(day: date) -> date:
    return day


def _week(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month
