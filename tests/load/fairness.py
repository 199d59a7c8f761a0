"""One hotel is flooded while guests of another write: how much later those are answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from redis import Redis

from hotel_agent.pms import pace
from tests.fakes import qloapps as far
from tests.load import meta
from tests.load.installation import APP_SECRET, Demo, Graph, wait_until

MIRAMAR, ANDES = "100000000000001", "100000000000002"
LINES = 16
WRITES_EVERY = 0.5


@dataclass
class Heard:
    """When somebody wrote, and when they were answered first, by their phone."""

    graph: Graph
    wrote: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        for line in self.graph.news():
            if line["kind"] == "message" and line["outcome"] == "accepted":
                self.answered.setdefault(line["to"].lstrip("+"), line["at"])

    def delays(self, prefix: str) -> list[float]:
        return [self.answered[phone] - at for phone, at in self.wrote.items() if phone.startswith(prefix)]

    def has_answered(self, prefix: str) -> bool:
        return all(phone in self.answered for phone in self.wrote if phone.startswith(prefix))

    def how_many(self, prefix: str) -> int:
        return sum(phone.startswith(prefix) for phone in self.answered)

    def meanwhile(self, prefix: str, others: str) -> list[int]:
        """How many of the others were answered while each of these waited."""
        times = [at for phone, at in self.answered.items() if phone.startswith(others)]
        return [
            sum(at < other < self.answered[phone] for other in times)
            for phone, at in self.wrote.items()
            if phone.startswith(prefix)
        ]


async def write(heard: Heard, phone: str, to: str, line: meta.Line, words: str = "Hola, buenas tardes") -> None:
    """One guest writes; Meta brings it until it is taken."""
    body = meta.request(meta.messages_body([meta.text(phone, words)], to), APP_SECRET)
    while await line.post(body) != 200:  # noqa: ASYNC110  Meta waits, too.
        await asyncio.sleep(0.2)
    heard.wrote[phone] = time.time()


async def flood(demo: Demo, heard: Heard, guests: int, prefix: str = "3461") -> None:
    """So many guests of Miramar write at once."""
    phones = [f"{prefix}{number:07d}" for number in range(guests)]

    async def bring() -> None:
        with contextlib.closing(meta.Line(demo.port)) as line:
            while phones:
                await write(heard, phones.pop(), MIRAMAR, line)

    await asyncio.gather(*(bring() for _ in range(LINES)))


def about_rooms(number: int) -> str:
    """A question that no other of these asks."""
    arrival = date.today() + timedelta(days=2 + number % 150)
    departure = arrival + timedelta(days=1 + number // 150)
    return f"¿Tienen habitación doble del {arrival:%d/%m/%Y} al {departure:%d/%m/%Y}?"


async def ask_about_rooms(demo: Demo, heard: Heard, guests: int, prefix: str = "3461") -> None:
    """So many guests of Miramar want to know what its PMS has to be asked for."""
    with contextlib.closing(meta.Line(demo.port)) as line:
        for number in range(guests):
            await write(heard, f"{prefix}{number:07d}", MIRAMAR, line, about_rooms(number))


@contextlib.contextmanager
def at_a_slow_pms(demo: Demo, seconds: float) -> Iterator[None]:
    """Miramar works with a QloApps that takes so long for each request, as the mirror has found out."""
    with far.QloApps(far.miramar()) as pms, Redis.from_url(demo.settings["REDIS_URL"] or "") as valkey:
        demo.flask("hotel", "set", "miramar", f"pms_url={pms.url}", f"pms_key={pms.key}", "pms_hotel_id=1")
        demo.flask("hotel", "set", "miramar", "pms=qloapps")
        pms.inject(far.latency(seconds), times=None)
        wait_until(lambda: valkey.zcard(pace.KEY), 60, "nobody finds out that the PMS is slow")
        yield


async def trickle(demo: Demo, heard: Heard, messages: int, prefix: str) -> None:
    """Guests of Andes write, one after the other, whether or not those before were answered."""
    with contextlib.closing(meta.Line(demo.port)) as line:
        for number in range(messages):
            await write(heard, f"{prefix}{number:07d}", ANDES, line)
            await asyncio.sleep(WRITES_EVERY)


async def until_answered(heard: Heard, prefix: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not heard.has_answered(prefix):
            heard.look()
            await asyncio.sleep(0.05)
