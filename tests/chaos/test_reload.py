"""gunicorn that is told to load the program anew (HUP): whoever asks meanwhile is answered by the workers before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.installation import ROOT, clean_environment, end, free_port, wait_until

PROGRAM = """
import os, pathlib, time

gate = pathlib.Path(__file__).with_name("gate")
while not gate.exists():
    time.sleep(0.05)

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""
WORKERS = 2
# A worker that has been told to end looks each second whether it has been.
ASKING_SECONDS = 3.0
_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Web:
    """gunicorn with our settings and a program that does not load before the gate is open."""

    def __init__(self, folder: Path) -> None:
        self.gate, self.port, self.output = folder / "gate", free_port(), folder / "web.out"
        (folder / "gated.py").write_text(PROGRAM)
        command = [sys.executable, "-m", "gunicorn", "-c", "ops/gunicorn.conf.py", "gated:app"]
        settings = clean_environment(
            PORT=str(self.port), WEB_WORKERS=str(WORKERS), GRACEFUL_SECONDS="5", PYTHONPATH=str(folder)
        )
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=out, stderr=out)

    def ask(self) -> int:
        """Who answers; 0 where nobody does."""
        try:
            with _no_proxy.open(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
                return int(answer.read())
        except OSError:
            return 0

    def begun(self) -> int:
        return self.output.read_text().count("Booting worker")

    def load_anew(self) -> None:
        begun = self.begun()
        os.kill(self.process.pid, signal.SIGHUP)
        wait_until(lambda: self.begun() == begun + WORKERS, 30, "new workers begin")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path)
    try:
        web.gate.touch()
        wait_until(web.ask, 30, "somebody answers")
        yield web
    finally:
        end(web.process)


def test_the_workers_before_answer_until_the_new_ones_have_loaded_the_program(web: Web) -> None:
    web.gate.unlink()
    web.load_anew()
    end_of_asking, before = time.monotonic() + ASKING_SECONDS, set()
    while time.monotonic() < end_of_asking:
        before.add(web.ask())
    assert 0 not in before, "nobody answers while the new workers load"
    web.gate.touch()
    wait_until(lambda: "Worker exiting" in web.output.read_text(), 30, "the workers before end")
    wait_until(lambda: not {web.ask() for _ in range(10)} & before, 30, "the new ones answer alone")
    assert web.ask()


def test_one_that_is_told_so_twice_ends_with_the_newest_alone(web: Web) -> None:
    first = {web.ask() for _ in range(20)}
    web.load_anew()
    wait_until(lambda: not {web.ask() for _ in range(10)} & first, 30, "the second ones answer")
    second = {web.ask() for _ in range(20)}
    web.load_anew()
    wait_until(lambda: not {web.ask() for _ in range(10)} & (first | second), 30, "the third ones answer")
    wait_until(lambda: web.output.read_text().count("Worker exiting") == 2 * WORKERS, 30, "all others have ended")
