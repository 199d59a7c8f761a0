"""What `make demo` decides before it starts anything."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values

from hotel_agent import faults
from ops import demo
from ops.demo import CannotStart, Demo

OUTSIDE = {"DATABASE_URL": "postgresql://outside/hotel", "REDIS_URL": "redis://outside/0"}


@pytest.fixture
def starts(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Settle the settings of one start, as the children would get them, and keep them in DATA_DIR/env."""

    def settle(**given: str) -> dict[str, str]:
        one = Demo({**OUTSIDE, **given}, tmp_path)
        one.environment = one._environment()
        one._write_env()
        return one.environment

    return settle


def test_secrets_are_made_once_and_kept_for_the_owner_alone(starts, tmp_path: Path) -> None:
    first, second = starts(), starts()
    for name in demo.SECRETS:
        assert first[name] == second[name] != ""
    assert len({first[name] for name in demo.SECRETS}) == len(demo.SECRETS)
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_the_environment_wins_on_restarts_too(starts, tmp_path: Path) -> None:
    starts()
    assert starts(WHATSAPP_APP_SECRET="chosen", PORT="8077")["WHATSAPP_APP_SECRET"] == "chosen"
    kept = dotenv_values(tmp_path / "env")
    assert (kept["WHATSAPP_APP_SECRET"], kept["PORT"]) == ("chosen", "8077")
    assert kept["PUBLIC_URL"] == "http://127.0.0.1:8077"
    assert kept["DATABASE_URL"] == OUTSIDE["DATABASE_URL"]


def test_an_address_of_an_earlier_start_is_forgotten(starts, tmp_path: Path) -> None:
    starts(WHATSAPP_API_URL="http://127.0.0.1:9/v26.0", PORT="8077", METRICS_TOKEN="m")
    now = starts()
    assert now["PORT"] == "8000"
    for name in ("WHATSAPP_API_URL", "METRICS_TOKEN"):
        assert name not in now
        assert name not in dotenv_values(tmp_path / "env")


def test_only_servers_without_an_address_are_started() -> None:
    assert demo._wanted_servers({}) == ["postgres", "valkey"]
    assert demo._wanted_servers({"REDIS_URL": "redis://x"}) == ["postgres"]
    assert demo._wanted_servers(OUTSIDE) == []


@pytest.mark.parametrize("secret", ["plain-1_2.3", "a b", "do$HOME&more", 'double"quote', "back\\slash", "#hash"])
def test_env_reads_the_same_in_python_and_in_a_shell(secret: str, starts, tmp_path: Path) -> None:
    starts(SECRET_KEY=secret)
    assert dotenv_values(tmp_path / "env")["SECRET_KEY"] == secret
    shell = subprocess.run(
        ["sh", "-c", '. "$1"; printf %s "$SECRET_KEY"', "sh", tmp_path / "env"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == secret or "\\" in secret


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"port {port} is taken.*make demo PORT="):
            Demo({**OUTSIDE, "PORT": str(port)}, tmp_path / "data").run()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("port", ["", "abc", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(port: str, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="PORT must be a number"):
        Demo({**OUTSIDE, "PORT": port}, tmp_path)


def test_faults_on_purpose_spare_what_prepares_the_demo(tmp_path: Path) -> None:
    told = tmp_path / "told"
    (tmp_path / "flask.py").write_text(f"import os; open({str(told)!r}, 'w').write(os.environ['FAULTS'])")
    one = Demo({**OUTSIDE, "FAULTS": "database:error=1", "PYTHONPATH": str(tmp_path)}, tmp_path)
    one.environment = one._environment()
    (tmp_path / "log").mkdir()
    one._flask("db", "upgrade")
    assert faults.read(told.read_text()) == ((), 1)
    assert one._child("web", []).environment["FAULTS"] == "database:error=1"


def test_reset_deletes_only_what_the_demo_made(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CannotStart, match="not made by"):
        demo.reset(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_reset_outside_var_asks_for_the_folders_name(starts, tmp_path: Path, monkeypatch, capsys) -> None:
    starts()
    with open("/dev/null") as nobody_answers:
        monkeypatch.setattr("sys.stdin", nobody_answers)
        with pytest.raises(CannotStart, match="nothing was deleted"):
            demo.reset(tmp_path)
    assert (tmp_path / "env").exists()

    answer = tmp_path.parent / "answer"
    answer.write_text(f"{tmp_path.name}\n")
    with answer.open() as luis_answers:
        monkeypatch.setattr("sys.stdin", luis_answers)
        demo.reset(tmp_path)
    assert not tmp_path.exists()


def test_a_child_that_dies_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    child = demo.Child("web", ["sh", "-c", "echo no room; exit 3"], {"PATH": "/bin:/usr/bin"}, tmp_path / "log")
    said = []
    for _ in range(5):
        child.next_start = 0
        child.keep_alive()
        assert child.process is not None
        child.process.wait()
        said.append(child.keep_alive())
    assert all(line.startswith("web has ended (exit code 3); starting it again") for line in said)
    assert "no room" not in said[3]
    assert "no room" in said[4]
    assert child.next_start - child.started_at > 3
