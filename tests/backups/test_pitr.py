"""Recovery to a moment: a server of its own, segments, a base backup, and another server after it."""

from __future__ import annotations

import fcntl
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
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


def put_base(archive: Path, name: str, files: Mapping[str, bytes]) -> None:
    folder = archive / "base" / name
    folder.mkdir(parents=True)
    for packed, inside in (("base", files), ("pg_wal", {})):
        with tarfile.open(folder / f"{packed}.tar.gz", "w:gz") as tar:
            for path, content in inside.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize(
    "moment", ["2026-11-23 14:05:00", "2026-11-23 15:05:00 CET", "2026-11-23T14:05:00Z", "2026-11-23 09:05:00-05"]
)
def test_a_moment_is_the_same_in_whatever_zone_machine_and_server_are(archive, tmp_path, monkeypatch, moment):
    monkeypatch.setenv("TZ", "America/Bogota")
    put_base(archive, "20261123T140500Z", {})
    put_base(archive, "20261123T140501Z", {})
    told = script("recover.sh", archive, tmp_path / "new", moment)
    assert "from 20261123T140500Z" in told.stdout
    settings = (tmp_path / "new" / "postgresql.auto.conf").read_text()
    assert "recovery_target_time = '2026-11-23 14:05:00.000000+00'" in settings


def test_where_a_server_s_settings_lay_elsewhere_it_starts_all_the_same(server, archive, tmp_path):
    """As those of Debian do, in /etc."""
    run(server, "create table told (words text)")
    assert script("base-backup.sh", archive, server=server).returncode == 0
    run(server, "insert into told values ('x')")
    [base] = (archive / "base").glob("2*")
    without_settings(base / "base.tar.gz")
    archived(server, archive)
    server.stop()
    with recovered(tmp_path, archive) as then:
        assert count(then) == 1


ETC = ("postgresql.conf", "pg_hba.conf", "pg_ident.conf")


def without_settings(path: Path) -> None:
    with tarfile.open(path) as tar:
        kept = [(entry, tar.extractfile(entry)) for entry in tar if entry.name not in ETC]
        with tarfile.open(path.with_suffix(".new"), "w:gz") as other:
            for entry, content in kept:
                other.addfile(entry, content)
    path.with_suffix(".new").replace(path)


# Says when it began, and ends in a later second.
SLOW_BASEBACKUP = """#!/bin/sh
folder=${1#--pgdata=}
began=$(date -u +%Y%m%dT%H%M%SZ)
mkdir "$folder"
echo "$began" >"$folder/began"
echo "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)" >"$folder/backup_label"
tar -C "$folder" -czf "$folder/base.tar.gz" backup_label
while [ "$(date -u +%Y%m%dT%H%M%SZ)" = "$began" ]; do :; done
"""


@pytest.fixture
def slow(tmp_path, monkeypatch) -> None:
    program = tmp_path / "pg" / "pg_basebackup"
    program.parent.mkdir()
    program.write_text(SLOW_BASEBACKUP)
    program.chmod(0o755)
    monkeypatch.setattr("tests.backups.test_pitr.postgres_folders", lambda: [program.parent])


@pytest.mark.usefixtures("slow")
def test_a_base_is_named_by_its_end_before_which_nothing_can_be_recovered(archive):
    taken = script("base-backup.sh", archive)
    assert taken.returncode == 0, taken.stderr
    [base] = (archive / "base").glob("2*")
    assert base.name > (base / "began").read_text().strip()


@pytest.mark.usefixtures("slow")
def test_what_was_killed_half_way_goes_and_what_is_somebody_else_s_stays(archive):
    for name in ("20260101T000000Z", "20260108T000000Z", "20260115T000000Z", ".123.partial", "lost+found", "0-mine"):
        (archive / "base" / name).mkdir(parents=True)
    assert script("base-backup.sh", archive).returncode == 0
    left = {path.name for path in (archive / "base").iterdir() if path.is_dir()}
    new = left - {"20260115T000000Z", "lost+found", "0-mine"}
    assert len(left) == 4
    assert re.fullmatch(r"\d{8}T\d{6}Z", new.pop())


@pytest.mark.usefixtures("slow")
def test_of_two_base_backups_at_once_the_second_ends(archive):
    (archive / "base").mkdir()
    with (archive / "base" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = script("base-backup.sh", archive)
    assert (told.returncode, "another one is under way" in told.stderr) == (1, True)
    assert not list((archive / "base").glob("2*"))


def test_two_base_backups_are_kept_and_what_they_need(server, archive):
    run(server, "create table told (words text)")
    needed = []
    for _ in range(3):
        run(server, "insert into told values ('x')")
        archived(server, archive)
        before = {path.name for path in (archive / "base").glob("2*")}
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        wait_until(partial(_is_later_than, now), 5, "time stands still")
        assert script("base-backup.sh", archive, server=server).returncode == 0
        needed.append({path.name for path in (archive / "base").glob("2*")} - before)
    there = {path.name for path in (archive / "base").glob("2*")}
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
