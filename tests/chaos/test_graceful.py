"""Whoever is told to end (SIGTERM) finishes what is in hand: requests that wait for the disk, a job that is sending."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.guests import is_quiet
from tests.chaos.history import Accepted, History, check, read_graph_log
from tests.load import meta
from tests.load.installation import APP_SECRET, Demo, Process, descendants, running_demo, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

BODIES = 12
SETTINGS = {"ANSWER_PAUSE_SECONDS": "0", "GRACEFUL_SECONDS": "20", "LOG_LEVEL": "info"}


def roles(demo: Demo, role: str) -> list[Process]:
    return [process for process in demo.processes() if process.role == role]


@contextlib.contextmanager
def standing_still(demo: Demo) -> Iterator[None]:
    """PostgreSQL and all its processes, so that every commit waits."""
    (master,) = roles(demo, "postgres")
    everybody = [master.pid, *(one.pid for one in descendants(master.pid))]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in everybody:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_what_is_in_hand_is_finished_before_a_process_ends(tmp_path: Path) -> None:
    with running_demo(tmp_path, SETTINGS, {"latency_ms": 1500}) as (demo, graph):
        accepted = asyncio.run(_requests_that_wait_for_the_disk(demo))
        wait_until(lambda: is_quiet(demo, graph), 120, "rest")
        accepted.append(_a_job_that_is_sending(demo))
        wait_until(lambda: is_quiet(demo, graph), 60, "rest")
        heard, told = read_graph_log(graph.log)
        with demo.connect() as database:
            violations = check(History(database, heard, told, accepted))
            unknown = database.execute("select count(*) from messages where status = 'unknown'").fetchone()
    assert [str(violation) for violation in violations] == []
    assert unknown == (0,), "a send was cut off"


async def _requests_that_wait_for_the_disk(demo: Demo) -> list[Accepted]:
    """The committer has bodies that it cannot write yet; the web process is told to end, and the disk comes back."""
    masters = roles(demo, "web master")
    messages = [meta.text(f"3469{number:07d}", "Hola") for number in range(BODIES)]
    lines = [meta.Line(demo.port) for _ in messages]
    with standing_still(demo):
        posts = [
            asyncio.create_task(line.post(meta.request(meta.messages_body([message]), APP_SECRET), 30))
            for line, message in zip(lines, messages, strict=True)
        ]
        await asyncio.sleep(0.5)
        assert not any(post.done() for post in posts), "nobody waits for the disk"
        os.kill(masters[0].pid, signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert not any(post.done() for post in posts), "whoever ends has let go of what was in hand"
    assert [await post for post in posts] == [200] * BODIES
    for line in lines:
        line.close()
    wait_until(lambda: roles(demo, "web master") not in ([], masters) and demo.ready(), 60, "the web comes back")
    return [Accepted((message["id"],)) for message in messages]


def _a_job_that_is_sending(demo: Demo) -> Accepted:
    """A reply is on the wire for a second and a half; its worker is told to end meanwhile."""

    def is_sending() -> bool:
        with demo.connect() as database:
            return bool(database.execute("select 1 from messages where status = 'sending'").fetchone())

    workers = roles(demo, "worker")
    message = meta.text("34690009999", "¿A qué hora es el desayuno?")
    body = meta.request(meta.messages_body([message]), APP_SECRET)
    assert asyncio.run(meta.Line(demo.port).post(body)) == 200
    wait_until(is_sending, 60, "a send", 0.02)
    for worker in workers:
        os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: not set(workers) & set(roles(demo, "worker")), 30, "the workers end")
    wait_until(lambda: len(roles(demo, "worker")) == len(workers), 30, "others take their places")
    return Accepted((message["id"],))
