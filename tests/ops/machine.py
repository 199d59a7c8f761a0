"""One machine as `ops.deploy` finds it: PostgreSQL, Valkey, nginx, Prometheus, builds of the program, and guests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from hotel_agent.embedded import Embedded
from tests.load import meta
from tests.load.installation import APP_SECRET, ROOT, clean_environment, end, free_port, wait_until

PARTS = ("hotel_agent", "workers", "templates", "static", "migrations", "docs", "ops", "wsgi.py")
METRICS_TOKEN = "metrics-token-of-this-machine"
POSTS_A_SECOND, PAGES_A_SECOND, WORDS_A_SECOND = 40, 4, 2
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Machine:
    def __init__(self, folder: Path, servers: Embedded) -> None:
        self.folder = folder
        self.servers = servers
        self.port, self.prometheus_port = free_port(), free_port()
        self.ports = {"blue": free_port(), "green": free_port()}
        self.environment = folder / "env"
        self.target = folder / "deploy.toml"
        self.program = folder / "program"
        self._take_the_program()
        self._write_settings()
        self._write_target()

    def _take_the_program(self) -> None:
        """As it is now, whoever works on it meanwhile."""
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, self.program / part, ignore=shutil.ignore_patterns("images"))
            else:
                shutil.copy2(ROOT / part, self.program / part)

    def _write_settings(self) -> None:
        settings = {
            "APP_ENV": "demo",
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": self.servers.database_url,
            "REDIS_URL": self.servers.redis_url,
            "SECRET_KEY": "a-key-of-this-machine-alone",
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "WHATSAPP_APP_SECRET": APP_SECRET,
            "WHATSAPP_ACCESS_TOKEN": "EAA0123456789012345678901234",
            "WHATSAPP_VERIFY_TOKEN": "verify-token-of-this-machine",
            "METRICS_TOKEN": METRICS_TOKEN,
            "DEMO_STAFF_PASSWORD": "not-a-secret",
            "PASSWORD_LENGTH": "8",
            "WEB_WORKERS": "1",
            "WORKERS": "1",
            "GRACEFUL_SECONDS": "10",
            "LOG_LEVEL": "warning",
        }
        self.environment.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def _write_target(self) -> None:
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.target.write_text(f"""
            folder = "there"
            environment = "env"
            address = "http://127.0.0.1:{self.port}"
            [ports]
            blue = {self.ports["blue"]}
            green = {self.ports["green"]}
            [nginx]
            listen = "127.0.0.1:{self.port}"
            user = "{user}"
            [prometheus]
            url = "http://127.0.0.1:{self.prometheus_port}"
            [canary]
            share = 20
            seconds = 8
            seconds_after = 6
            longest_seconds = 45
            requests = 40
            slower_seconds = 0.35
            [seconds]
            drain = 3
        """)

    def build(self, name: str, wsgi: str = "", migration: str = "") -> Path:
        """A version of the program, of which `wsgi` goes after the application was made."""
        folder = self.folder / "there" / "releases" / name
        shutil.copytree(self.program, folder, copy_function=_linked)
        if wsgi:
            self.add(folder / "wsgi.py", wsgi)
        if migration:
            (folder / "migrations" / "versions" / "9999_last.py").write_text(migration)
        return folder

    @staticmethod
    def add(file: Path, words: str) -> None:
        """To a file of one build, which it shares with the others until then."""
        told = file.read_text()
        file.unlink()
        file.write_text(told + words)

    def deploy(self, *words: str, seconds: float = 200) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops.deploy", "--target", str(self.target), *words]
        return subprocess.run(
            command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=seconds
        )

    def begin_to_deploy(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ops.deploy", "--target", str(self.target), *words]
        return subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.DEVNULL)

    def shares(self, slot: str) -> int:
        """The percentage of requests that nginx is told to give to a slot."""
        told = (self.folder / "there" / "nginx" / "upstream.conf").read_text()
        found = re.search(rf"127\.0\.0\.1:{self.ports[slot]} weight=(\d+)", told)
        return int(found[1]) if found else 0

    def flask(self, *words: str) -> None:
        given = dict(line.split("=", 1) for line in self.environment.read_text().splitlines())
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        subprocess.run(command, cwd=self.program, env=clean_environment(**given), check=True, capture_output=True)

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.servers.database_url, autocommit=True) as seen:
            return seen.execute(query).fetchall()

    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "there" / "state.json").read_text())

    @property
    def active(self) -> str:
        return Path(self.state()["active"]["release"]).name

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Prometheus, which looks every second at the slots that a deployment names."""
        slots = self.folder / "there" / "prometheus" / "slots.json"
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {
                    "job_name": "hotel-agent",
                    "authorization": {"credentials": METRICS_TOKEN},
                    "file_sd_configs": [{"files": [str(slots)], "refresh_interval": "1s"}],
                }
            ],
        }
        path = self.folder / "prometheus.yml"
        path.write_text(json.dumps(config))
        listen = f"--web.listen-address=127.0.0.1:{self.prometheus_port}"
        command = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.folder / 'tsdb'}", listen]
        with (self.folder / "prometheus.out").open("wb") as out:
            process = subprocess.Popen(command, env=clean_environment(), stdout=out, stderr=out)
        try:
            wait_until(self._prometheus_answers, 30, "Prometheus does not start")
            yield
        finally:
            end(process)

    def _prometheus_answers(self) -> bool:
        with contextlib.suppress(OSError):
            return _no_proxy.open(f"http://127.0.0.1:{self.prometheus_port}/-/ready", timeout=2).status == 200
        return False


def _linked(source: str, there: str) -> None:
    try:
        os.link(source, there)
    except OSError:
        shutil.copy2(source, there)


@contextlib.contextmanager
def a_machine(folder: Path) -> Iterator[Machine]:
    with Embedded(folder / "data") as servers:
        machine = Machine(folder, servers)
        try:
            with machine.watched():
                yield machine
        finally:
            machine.deploy("down")


@dataclass
class Guests:
    """Posts and pages by nginx, whatever is deployed meanwhile. Each on a line of its own, as nobody can tell whether a
    line that the other side closes at that moment had brought its request."""

    port: int
    kept: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    pages: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Guests]:
        thread = threading.Thread(target=lambda: asyncio.run(self._write()))
        thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            thread.join()

    async def _write(self) -> None:
        began, number = time.perf_counter(), 0
        async with asyncio.TaskGroup() as tasks:
            while not self._closing.is_set():
                tasks.create_task(self._post())
                if number % (POSTS_A_SECOND // PAGES_A_SECOND) == 0:
                    tasks.create_task(self._page())
                if number % (POSTS_A_SECOND // WORDS_A_SECOND) == 0:
                    tasks.create_task(self._words(number))
                number += 1
                await asyncio.sleep(max(0.0, began + number / POSTS_A_SECOND - time.perf_counter()))

    async def _post(self) -> None:
        wamid = meta.new_wamid()
        told = {"id": wamid, "status": "delivered", "timestamp": str(int(time.time())), "recipient_id": "34600111222"}
        if await self._ask(meta.request(meta.statuses_body([told]), APP_SECRET), f"post {wamid}"):
            self.kept.append(wamid)

    async def _words(self, number: int) -> None:
        message = meta.text(f"3469{random.randrange(10**7):07}", "Hola, ¿a qué hora es el desayuno?")
        if await self._ask(meta.request(meta.messages_body([message]), APP_SECRET), f"words {number}"):
            self.asked.append(message["id"])

    async def _page(self) -> None:
        head = "GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n"
        self.pages += await self._ask(head.encode(), "page")

    async def _ask(self, wire: bytes, what: str) -> bool:
        line = meta.Line(self.port)
        status: int | str = 0
        try:
            status = await line.post(wire, seconds=30)
        except OSError as error:
            status = type(error).__name__
        finally:
            line.close()
        if status != 200:
            self.troubles.append(f"{what}: {status}")
        return status == 200
