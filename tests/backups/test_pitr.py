"""Recovery to a moment: a server of its own, segments, a base backup, and another server after it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hotel_agent.backups.programs import environment
from hotel_agent.embedded import POSTGRES, Embedded, postgres_folders
from tests.load.installation import wait_until

SCRIPTS = Path(__file__).parents[2] / "ops" / "pitr"


@pytest.fixture
def archive(tmp_path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def server(tmp_path, archive) -> Iterator[Embedded]:
    """One that archives as the runbook says."""
    with Embedded(tmp_path / "first", wanted=(POSTGRES,)) as first:
        for line in (
            "alter system set archive_mode = 'on'",
            "alter system set archive_timeout = 300",
            f'alter system set archive_command = \'{SCRIPTS / "archive-wal.sh"} "%p" "%f" {archive}\'',
        ):
            run(first, line)
        first.restart(POSTGRES)
        yield first


def run(server: Embedded, statement: str) -> Any:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        answer = connection.execute(statement.encode())
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def script(name: str, *args: object, server: Embedded | None = None) -> subprocess.CompletedProcess[str]:
    given = environment(server.database_url) if server else environment("")
    given["PATH"] = f"{postgres_folders()[0]}:{given['PATH']}"
    return subprocess.run([SCRIPTS / name, *map(str, args)], env=given, capture_output=True, text=True, check=False)


def archived(server: Embedded, archive: Path) -> None:
    """Everything up to now lies in the archive."""
    segment = run(server, "select pg_walfile_name(pg_switch_wal())")
    wait_until(lambda: (archive / "wal" / f"{segment}.gz").exists(), 30, f"{segment} is not archived")


def recovered(tmp_path: Path, archive: Path, *moment: str) -> Embedded:
    """A second server on what the script makes, known by the first one's password."""
    second = tmp_path / f"second-{len(list(tmp_path.iterdir()))}"
    second.mkdir()
    told = script("recover.sh", archive, second / "postgres", *moment)
    assert told.returncode == 0, told.stderr
    known = json.loads((tmp_path / "first" / "servers.json").read_text())
    (second / "servers.json").write_text(json.dumps(known))
    return Embedded(second, wanted=(POSTGRES,))


def _is_later_than(second: str) -> bool:
    """Base backups are named by the second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}" > second


def count(server: Embedded) -> int:
    wait_until(lambda: not run(server, "select pg_is_in_recovery()"), 30, "it does not end its recovery")
    return int(run(server, "select count(*) from told"))


def test_everything_up_to_a_moment_is_there_again(server, archive, tmp_path):
    run(server, "create table told (words text)")
    taken = script("base-backup.sh", archive, server=server)
    assert taken.returncode == 0, taken.stderr
    run(server, "insert into told select 'before' from generate_series(1, 500)")
    moment = run(server, "select clock_timestamp()")
    run(server, "select pg_sleep(0.05)")
    run(server, "delete from told")
    run(server, "insert into told values ('after')")
    archived(server, archive)
    server.stop()
    with recovered(tmp_path, archive, moment.astimezone(UTC).isoformat(sep=" ")) as then:
        assert count(then) == 500
    with recovered(tmp_path, archive) as last:
        assert count(last) == 1


def test_a_segment_is_kept_once_and_never_over_another(archive, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"a" * 1000)
    other.write_bytes(b"b" * 1000)
    name = "000000010000000000000001"
    assert script("archive-wal.sh", one, name, archive).returncode == 0
    assert script("archive-wal.sh", one, name, archive).returncode == 0
    refused = script("archive-wal.sh", other, name, archive)
    assert refused.returncode == 1
    assert "another segment" in refused.stderr
    assert [path.name for path in (archive / "wal").iterdir()] == [f"{name}.gz"]
    assert script("archive-wal.sh", tmp_path / "missing", "000000010000000000000002", archive).returncode != 0
    assert len(list((archive / "wal").iterdir())) == 1


def test_nothing_is_written_over_and_a_moment_too_early_is_told(archive, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "PG_VERSION").write_text("18")
    assert "not empty" in script("recover.sh", archive, full).stderr
    (archive / "base" / "20261101T000000Z").mkdir(parents=True)
    early = script("recover.sh", archive, tmp_path / "new", "2026-10-31 00:00:00+00")
    assert early.returncode == 1
    assert "no base backup from before 20261031T000000Z" in early.stderr
    assert script("recover.sh", archive).returncode == 2


def test_two_base_backups_are_kept_and_what_they_need(server, archive):
    run(server, "create table told (words text)")
    needed = []
    for _ in range(3):
        run(server, "insert into told values ('x')")
        archived(server, archive)
        before = {path.name for path in (archive / "base").iterdir()} if (archive / "base").exists() else set()
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        wait_until(partial(_is_later_than, now), 5, "time stands still")
        assert script("base-backup.sh", archive, server=server).returncode == 0
        needed.append({path.name for path in (archive / "base").iterdir()} - before)
    there = {path.name for path in (archive / "base").iterdir()}
    assert there == needed[1] | needed[2]
    first = sorted(path.name for path in (archive / "wal").glob("0*.gz"))[0]
    oldest = min(there)
    label = subprocess.run(
        ["tar", "-xzOf", archive / "base" / oldest / "base.tar.gz", "backup_label"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert first.removesuffix(".gz").split(".")[0] >= label.partition("(file ")[2][:24]
    assert shutil.which("gzip")
