"""The troubles by name: real processes killed, stopped, cut off; doubles of Meta and of a PMS that fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import redis
from dotenv import dotenv_values

from tests.chaos.reaper import until
from tests.chaos.stage import TALKERS, Scenario, Stage
from tests.fakes import qloapps as far
from tests.load.installation import ROOT, Demo, Process, end, kill

# PostgreSQL's own log files are this large: a limit on the size of files that spares them is met by tables alone.
LOG_FILE_BYTES = 16 * 1024 * 1024
ROW_BYTES, PAGE_ROWS = 1900, 4
SCHEDULER_LOCK = 6_012_311
CROWD = 10
WHOLE_SECONDS = 60.0
JUMPS = (3 * 3600.0, -6 * 3600.0, 30 * 86400.0)


# --- the PMS ------------------------------------------------------------------------------------------------


async def pms_hangs(stage: Stage, seconds: float) -> list[str]:
    with _spoilt(stage, far.latency(10)):
        await asyncio.sleep(max(seconds, 12))
    return []


async def pms_lies(stage: Stage, seconds: float) -> list[str]:
    """Success without words, half a body, a crash with status 200, answers meant for others, rooms long sold."""
    assert stage.pms
    lies = [far.fatal_200(), far.empty_body(), far.cut_short(), far.answers_twice(), far.stale_availability(())]
    stage.chance.shuffle(lies)
    for lie in lies:
        with _spoilt(stage, lie):
            await asyncio.sleep(seconds / len(lies))
    return []


async def pms_dies_after_write(stage: Stage, seconds: float) -> list[str]:
    """What is booked is booked, and nobody is told so; after that the PMS is away."""
    assert stage.pms
    for fault in (far.reset_after_write(), far.error_after_success()):
        stage.pms.inject(fault, method="POST", path="/bookings", times=None)
        await asyncio.sleep(seconds / 2)
        with _spoilt(stage, far.unavailable()):
            await asyncio.sleep(seconds / 4)
    return []


@contextlib.contextmanager
def _spoilt(stage: Stage, fault: far.Fault) -> Iterator[None]:
    assert stage.pms
    stage.pms.inject(fault, times=None)
    try:
        yield
    finally:
        stage.pms.heal()


# --- Valkey -------------------------------------------------------------------------------------------------


async def valkey_killed(stage: Stage, seconds: float) -> list[str]:
    """Workers stay: what they have loaded takes seconds to load again."""
    before = _pids(stage, "worker")
    said = await _killed_again_and_again(stage, "valkey", seconds)
    return said + ([] if _pids(stage, "worker") == before else ["workers ended with Valkey"])


async def valkey_wiped(stage: Stage, seconds: float) -> list[str]:
    url = dotenv_values(stage.demo.data_dir / "env")["REDIS_URL"] or ""
    with redis.Redis.from_url(url) as valkey:
        async for _ in _every(stage, seconds, 0.5, 2.0):
            await asyncio.to_thread(valkey.flushall)
    return []


async def valkey_paused(stage: Stage, seconds: float) -> list[str]:
    with _stopped(stage.of_role("valkey")):
        await asyncio.sleep(seconds)
    return []


# --- PostgreSQL ---------------------------------------------------------------------------------------------


async def postgres_killed(stage: Stage, seconds: float) -> list[str]:
    return await _killed_again_and_again(stage, "postgres", seconds)


async def postgres_paused(stage: Stage, seconds: float) -> list[str]:
    with _stopped(stage.of_role("postgres", "postgres backend")):
        await asyncio.sleep(seconds)
    return []


async def connections_cut(stage: Stage, seconds: float) -> list[str]:
    async for _ in _every(stage, seconds, 0.1, 0.6):
        await asyncio.to_thread(_cut_connections, stage.demo)
    return []


def _cut_connections(demo: Demo) -> None:
    with contextlib.suppress(psycopg.Error), demo.connect() as database:
        database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


async def disk_full(stage: Stage, seconds: float) -> list[str]:
    """The table of bodies cannot grow: Meta gets no 200 for what is not kept."""
    await asyncio.to_thread(_fill_up_to_the_limit, stage.demo)
    with _file_limit(stage):
        before = len(stage.town.meta.accepted), stage.town.meta.refused
        await asyncio.sleep(seconds)
        accepted, refused = len(stage.town.meta.accepted) - before[0], stage.town.meta.refused - before[1]
    return [] if refused else [f"the disk was not full: {accepted} bodies were taken and none refused"]


def _fill_up_to_the_limit(demo: Demo) -> None:
    """Bodies long taken in, in the partition that new ones go to, until its file is as large as may be."""
    with demo.connect() as database:
        partition, size = database.execute(
            "select tableoid::regclass::text, pg_relation_size(tableoid) from inbound_events order by id desc limit 1"
        ).fetchone() or ("", 0)
        rows = max(0, (LOG_FILE_BYTES - size) // 8192 * PAGE_ROWS)
        database.execute(
            f"insert into {partition} (received_at, processed_at, signed_by, body)"
            f" select now(), now(), '', decode(repeat('20', {ROW_BYTES}), 'hex') from generate_series(1, {rows})"
        )


@contextlib.contextmanager
def _file_limit(stage: Stage) -> Iterator[None]:
    """No file of PostgreSQL's may grow beyond the size of its own log files; processes begun meanwhile inherit that."""
    limited = stage.of_role("postgres", "postgres backend")
    _, hard = resource.prlimit(limited[0].pid, resource.RLIMIT_FSIZE)
    try:
        _limit(limited, LOG_FILE_BYTES, hard)
        yield
    finally:
        _limit(stage.of_role("postgres", "postgres backend"), hard, hard)


def _limit(processes: Sequence[Process], soft: int, hard: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))


# --- our own processes --------------------------------------------------------------------------------------


async def processes_killed(stage: Stage, seconds: float) -> list[str]:
    await stage.reaper.run(seconds)
    return []


async def clock_jumps(stage: Stage, seconds: float) -> list[str]:
    """The scheduler's wall clock goes ahead by hours, back by more, ahead by a month; then it stands still a while."""
    clock = Path(stage.demo.environment["CLOCK_FILE"])
    for jump in JUMPS:
        await asyncio.to_thread(clock.write_text, str(jump))
        await asyncio.sleep(seconds / 4)
    await asyncio.to_thread(clock.write_text, "0")
    with _stopped(stage.of_role("scheduler")):
        await asyncio.sleep(seconds / 4)
    return []


async def two_schedulers(stage: Stage, seconds: float) -> list[str]:
    """A second one waits its turn; when the first is killed it takes over, while a third has come."""
    first = stage.of_role("scheduler")
    second = await asyncio.to_thread(_one_more, first[0], stage.demo.data_dir / "second-scheduler.out")
    holders = set()
    try:
        await asyncio.sleep(seconds / 2)
        holders.add(await asyncio.to_thread(_schedulers_at_work, stage.demo))
        kill(first[0])
        took_over = await until(lambda: _schedulers_at_work(stage.demo) == 1, 10)
        await asyncio.sleep(seconds / 2)
        holders.add(await asyncio.to_thread(_schedulers_at_work, stage.demo))
        alive = second.poll() is None
    finally:
        await asyncio.to_thread(end, second)
    said = [] if holders == {1} else [f"{sorted(holders)} schedulers held the lock"]
    return said + ([] if took_over and alive else ["the second scheduler did not take over"])


def _one_more(process: Process, output: Path) -> subprocess.Popen[bytes]:
    """Another scheduler with the very settings of that one."""
    settings = Path(f"/proc/{process.pid}/environ").read_text().split("\0")
    environment = dict(line.split("=", 1) for line in settings if "=" in line)
    with output.open("wb") as out:
        command = [sys.executable, "-m", "workers", "scheduler"]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)


def _schedulers_at_work(demo: Demo) -> int:
    with contextlib.suppress(psycopg.Error), demo.connect() as database:
        query = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and granted"
        row = database.execute(query, (SCHEDULER_LOCK,)).fetchone()
        return int(row[0]) if row else 0
    return 0


async def rolling_deploy(stage: Stage, seconds: float) -> list[str]:
    """Web by HUP, workers and the scheduler by TERM, each when the one before is whole again: nobody is refused."""
    finish = time.monotonic() + seconds
    while time.monotonic() < finish:
        old = _pids(stage, "web worker")
        _signal(stage.of_role("web master"), signal.SIGHUP)
        if not await until(lambda old=old: not old & _pids(stage, "web worker"), 30):  # type: ignore[misc]
            return ["the old web workers do not end"]
        for role in ("supervisor", "scheduler"):
            await stage.reaper.recovered(time.monotonic(), WHOLE_SECONDS)
            old = _pids(stage, role)
            _signal(stage.of_role(role), signal.SIGTERM)
            if not await until(lambda old=old, role=role: not old & _pids(stage, role), 30):  # type: ignore[misc]
                return [f"the old {role} does not end"]
        await stage.reaper.recovered(time.monotonic(), WHOLE_SECONDS)
    return []


async def crowd(stage: Stage, seconds: float) -> list[str]:
    """Ten times as many guests, all talking."""
    guests = [asyncio.create_task(stage.town.a_talker()) for _ in range(TALKERS * (CROWD - 1))]
    await asyncio.sleep(seconds)
    for guest in guests:
        guest.cancel()
    await asyncio.gather(*guests, return_exceptions=True)
    return []


# --- Meta's Graph API ---------------------------------------------------------------------------------------


async def graph_slow(stage: Stage, seconds: float) -> list[str]:
    return await _graph(stage, seconds, latency_ms=4000)


async def graph_429(stage: Stage, seconds: float) -> list[str]:
    return await _graph(stage, seconds, rate_429=0.9)


async def graph_500(stage: Stage, seconds: float) -> list[str]:
    return await _graph(stage, seconds, rate_500=0.9)


async def graph_twice(stage: Stage, seconds: float) -> list[str]:
    """Each answer and each status comes twice, some answers never."""
    return await _graph(stage, seconds, twice_rate=1.0, repeat_rate=0.6, hang_rate=0.1, hang_seconds=2)


async def _graph(stage: Stage, seconds: float, **faults: float) -> list[str]:
    await asyncio.to_thread(_tell_graph, stage, faults)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(_tell_graph, stage, dict.fromkeys(faults, 0))
    return []


def _tell_graph(stage: Stage, faults: dict[str, Any]) -> None:
    url, body = f"http://127.0.0.1:{stage.graph.port}/faults", json.dumps(faults).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=20).close()


# --- what they share ----------------------------------------------------------------------------------------


async def _every(stage: Stage, seconds: float, least: float, most: float) -> AsyncIterator[None]:
    finish = time.monotonic() + seconds
    while time.monotonic() < finish:
        yield
        await asyncio.sleep(stage.chance.uniform(least, most))


async def _killed_again_and_again(stage: Stage, role: str, seconds: float) -> list[str]:
    """Again as soon as it is there again, sooner or later."""
    async for _ in _every(stage, seconds, 1.0, 4.0):
        for process in stage.of_role(role):
            kill(process)
    return []


@contextlib.contextmanager
def _stopped(processes: Sequence[Process]) -> Iterator[None]:
    _signal(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: Sequence[Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _pids(stage: Stage, role: str) -> set[int]:
    return {process.pid for process in stage.of_role(role)}


SCENARIOS = {
    one.name: one
    for one in (
        Scenario(
            "processes-killed", "web, workers, scheduler, PostgreSQL, Valkey: kill -9 at random", processes_killed
        ),
        Scenario("valkey-killed", "Valkey: kill -9, again and again", valkey_killed),
        Scenario("valkey-wiped", "Valkey forgets everything (FLUSHALL), again and again", valkey_wiped),
        Scenario("valkey-paused", "Valkey stands still (SIGSTOP)", valkey_paused),
        Scenario("postgres-killed", "PostgreSQL: kill -9, again and again", postgres_killed),
        Scenario("postgres-paused", "PostgreSQL with all its processes stands still (SIGSTOP)", postgres_paused),
        Scenario("connections-cut", "every connection to PostgreSQL is cut, several times a second", connections_cut),
        Scenario("disk-full", "the table of webhook bodies cannot grow", disk_full),
        Scenario("graph-slow", "the Graph API takes 4 s", graph_slow),
        Scenario("graph-429", "the Graph API refuses nine in ten with 429", graph_429),
        Scenario("graph-500", "the Graph API fails nine in ten with 500", graph_500),
        Scenario("graph-twice", "the Graph API answers twice, reports twice, hangs", graph_twice),
        Scenario("clock-jumps", "the scheduler's clock jumps by hours and a month, then it stands still", clock_jumps),
        Scenario("two-schedulers", "two schedulers at once, the first is killed", two_schedulers),
        Scenario(
            "rolling-deploy",
            "web, workers and scheduler are replaced, again and again",
            rolling_deploy,
            may_refuse=False,
        ),
        Scenario("crowd", "ten times the normal traffic", crowd),
        Scenario("pms-hangs", "the PMS answers after 10 s", pms_hangs, far=True),
        Scenario("pms-lies", "the PMS: crashes with 200, half bodies, old availability", pms_lies, far=True),
        Scenario("pms-dies", "the PMS books, does not say so, and dies", pms_dies_after_write, far=True),
    )
}
