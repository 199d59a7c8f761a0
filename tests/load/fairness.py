"""One hotel is flooded while guests of another write: how much later those are answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from tests.load import meta
from tests.load.installation import APP_SECRET, Demo, Graph

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


async def write(demo: Demo, heard: Heard, phone: str, to: str, line: meta.Line) -> None:
    """One guest writes; Meta brings it until it is taken."""
    body = meta.request(meta.messages_body([meta.text(phone, "Hola, buenas tardes")], to), APP_SECRET)
    while await line.post(body) != 200:  # noqa: ASYNC110  Meta waits, too.
        await asyncio.sleep(0.2)
    heard.wrote[phone] = time.time()


async def flood(demo: Demo, heard: Heard, guests: int, prefix: str = "3461") -> None:
    """So many guests of Miramar write at once."""
    phones = [f"{prefix}{number:07d}" for number in range(guests)]

    async def bring() -> None:
        with contextlib.closing(meta.Line(demo.port)) as line:
            while phones:
                await write(demo, heard, phones.pop(), MIRAMAR, line)

    await asyncio.gather(*(bring() for _ in range(LINES)))


async def trickle(demo: Demo, heard: Heard, messages: int, prefix: str) -> None:
    """Guests of Andes write, one after the other, whether or not those before were answered."""
    with contextlib.closing(meta.Line(demo.port)) as line:
        for number in range(messages):
            await write(demo, heard, f"{prefix}{number:07d}", ANDES, line)
            await asyncio.sleep(WRITES_EVERY)


async def until_answered(heard: Heard, prefix: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not heard.has_answered(prefix):
            heard.look()
            await asyncio.sleep(0.05)
