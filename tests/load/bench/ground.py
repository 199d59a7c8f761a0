"""What the measured programs stand on: a folder, servers, a web process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from hotel_agent.embedded import Embedded
from tests.load.installation import APP_SECRET, ROOT, Demo, clean_environment, end, free_port, wait_until

PASSWORD = "a password that is only for the bench"


@contextlib.contextmanager
def folder_of_its_own() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hotel-agent-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def empty_servers(folder: Path, **more: str) -> Iterator[tuple[Embedded, dict[str, str]]]:
    """PostgreSQL with our tables and Valkey as the demo has them; the environment of who works with them."""
    with Embedded(folder / "data") as servers:
        environment = clean_environment(
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            DATA_DIR=str(folder / "data"),
            **more,
        )
        flask(environment, "db", "upgrade")
        yield servers, environment


@contextlib.contextmanager
def demo_servers(folder: Path, **more: str) -> Iterator[tuple[Embedded, dict[str, str]]]:
    """With the demo's hotels and accounts in them."""
    with empty_servers(folder, APP_ENV="demo", **more) as (servers, environment):
        flask(environment, "demo", "load")
        yield servers, environment


@contextlib.contextmanager
def bare_server(folder: Path, fill: Callable[[str], object] | None = None) -> Iterator[tuple[int, str]]:
    """Gunicorn on such servers, with nobody who takes in what is kept.

    With `fill` the demo's hotels and accounts are there, and what it does to the database at that address.
    """
    port = free_port()
    metrics = folder / "metrics"
    metrics.mkdir()
    servers_for = demo_servers if fill else empty_servers
    with servers_for(folder, DEMO_STAFF_PASSWORD=PASSWORD) as (servers, environment):
        if fill:
            fill(servers.database_url)
        environment |= {
            "APP_ENV": "production",
            "WHATSAPP_APP_SECRET": APP_SECRET,
            "PORT": str(port),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "GRACEFUL_SECONDS": "3",
            "LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-m", "gunicorn", "-c", "ops/gunicorn.conf.py", "tests.load.bench_app:create_app()"]
        with (folder / "web.log").open("wb") as log:
            web = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            demo = Demo(folder / "data", port, None)
            wait_until(demo.ready, 60, f"gunicorn does not start:\n{(folder / 'web.log').read_text()[-2000:]}")
            yield port, servers.database_url
        finally:
            end(web)


def flask(environment: dict[str, str], *command: str) -> None:
    whole = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
    subprocess.run(whole, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
