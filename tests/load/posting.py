"""The load generator: signed posts over keep-alive lines, closed loop (as fast as answers come) or open loop (as
fast as told, whatever the answers do)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.load import meta

PLACE = b"wamid.MARKER00000000000000000000"
SIGNATURE = b"sha256=" + b"0" * 64


@dataclass
class Round:
    """What came of one round. Latencies are of posts that got a 200, in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def add(self, other: Round) -> None:
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.accepted += other.accepted
        for name, count in other.others.items():
            self.others[name] = self.others.get(name, 0) + count

    def not_ok(self, what: str) -> None:
        self.others[what] = self.others.get(what, 0) + 1


def quantile(values: list[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")


class Posts:
    """Requests that differ in their marker, and are signed anew for it: a few microseconds each."""

    def __init__(self, body: bytes, secret: str, path: str, run: str) -> None:
        wire = meta.request(body, secret, path)
        head, self._before, self._after = *wire.split(b"\r\n\r\n", 1), b""
        self._before, self._after = self._before.split(PLACE)
        start = head.index(b"sha256=")
        self._head = (head[:start] + b"sha256=", head[start + len(SIGNATURE) :] + b"\r\n\r\n")
        self._key = secret.encode()
        self._run = run
        self._numbers = itertools.count()

    def next(self) -> tuple[str, bytes]:
        """A marker of its own, and the post that carries it."""
        marker = f"wamid.{self._run}{next(self._numbers):0>{len(PLACE) - 6 - len(self._run)}}"
        body = self._before + marker.encode() + self._after
        digest = hmac.new(self._key, body, hashlib.sha256).hexdigest().encode()
        return marker, self._head[0] + digest + self._head[1] + body


async def closed_loop(
    port: int, posts: Posts, lines: int, seconds: float, on_second: Callable[[int], None] | None = None
) -> Round:
    """Each line posts as soon as it has its answer. A line that breaks is made again."""
    done = Round()
    began = time.perf_counter()
    end = began + seconds

    async def one() -> None:
        line = meta.Line(port)
        while time.perf_counter() < end:
            marker, wire = posts.next()
            at = time.perf_counter()
            try:
                status = await line.post(wire)
            except OSError as error:
                done.not_ok(type(error).__name__)
                await asyncio.sleep(0.05)
                continue
            if status == 200:
                done.latencies.append(time.perf_counter() - at)
                done.accepted.append(marker)
            else:
                done.not_ok(str(status))
        line.close()

    async def clock() -> None:
        for second in range(int(seconds)):
            if on_second:
                on_second(second)
            await asyncio.sleep(1)

    await asyncio.gather(clock(), *(one() for _ in range(lines)))
    done.seconds = time.perf_counter() - began
    return done


async def open_loop(
    port: int, wires: Iterator[tuple[str, bytes]], rate: float, seconds: float
) -> tuple[dict[str, float], Round]:
    """Posts at the given rate on as many lines as that takes; answers when (wall clock) each was posted."""
    posted: dict[str, float] = {}
    done = Round(seconds=seconds)
    idle: list[meta.Line] = []

    async def one(wamid: str, wire: bytes) -> None:
        line = idle.pop() if idle else meta.Line(port)
        at = time.perf_counter()
        posted[wamid] = time.time()
        try:
            status = await line.post(wire)
        except OSError as error:
            done.not_ok(type(error).__name__)
            return
        idle.append(line)
        if status == 200:
            done.latencies.append(time.perf_counter() - at)
            done.accepted.append(wamid)
        else:
            done.not_ok(str(status))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, (wamid, wire) in enumerate(itertools.islice(wires, int(rate * seconds))):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.create_task(one(wamid, wire))
    for line in idle:
        line.close()
    return posted, done
