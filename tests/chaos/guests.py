"""Guests who write, wait and tap, and a Meta that brings what they say: in batches, out of order, some of it twice,
and again and again until it gets a 200."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.history import Accepted, confirmation_patterns, read_graph_log
from tests.load import meta
from tests.load.installation import APP_SECRET, Demo, Graph

MONTHS_ES = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
MONTHS_EN = "January February March April May June July August September October November December".split()
CHATTER = (
    "Hola",
    "Good morning!",
    "¿A qué hora es el desayuno?",
    "Is there parking?",
    "¿Admiten perros?",
    "Qual é a senha do wifi?",
    "gracias",
    "¿tienen piscina?",
)
MOST_IN_A_BODY = 4
PATIENCE_SECONDS = 15.0
UNREST = """
    select (select count(*) from inbound_events where processed_at is null) as bodies,
           (select count(*) from messages where handling = 'pending') as pending,
           (select count(*) from messages where direction = 'out' and status in ('queued', 'sending')) as on_their_way,
           (select count(*) from messages where status = 'unknown' and notified_at is null) as unknown,
           (select count(*) from conversations where answer_due_at is not null and channel = 'whatsapp') as due
"""


@dataclass
class Meta:
    """Delivers each message until it gets a 200; remembers every post that did, and what others got: a status, a
    line that broke, or nothing for so long that Meta has hung up."""

    port: int
    chance: random.Random
    twice: float = 0.15
    accepted: list[Accepted] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    _waiting: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _posting: int = 0

    def bring(self, *messages: dict[str, Any], after: float = 0.0) -> None:
        due = time.monotonic() + after
        self._waiting += [(due, message) for message in messages]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as posts:
            while True:
                for body in self._bodies():
                    self._posting += 1
                    posts.create_task(self._post(body))
                await asyncio.sleep(0.03)

    @property
    def refused(self) -> int:
        """Posts that got no 200."""
        return self.refusals.total()

    @property
    def has_delivered_everything(self) -> bool:
        return not self._waiting and not self._posting

    def _bodies(self) -> list[list[dict[str, Any]]]:
        """What is due, shuffled and cut into bodies of one to four messages."""
        now = time.monotonic()
        due = [message for at, message in self._waiting if at <= now]
        self._waiting = [(at, message) for at, message in self._waiting if at > now]
        self.chance.shuffle(due)
        bodies = []
        while due:
            size = self.chance.randint(1, MOST_IN_A_BODY)
            bodies.append(due[:size])
            due = due[size:]
        return bodies

    async def _post(self, messages: list[dict[str, Any]]) -> None:
        line, began = meta.Line(self.port), time.monotonic()
        try:
            outcome = str(await line.post(meta.request(meta.messages_body(messages), APP_SECRET), PATIENCE_SECONDS))
        except OSError:
            outcome = "too late" if time.monotonic() - began >= PATIENCE_SECONDS else "broken"
        finally:
            line.close()
        if outcome == "200":
            self.accepted.append(Accepted(tuple(message["id"] for message in messages)))
            again = [message for message in messages if self.chance.random() < self.twice]
        else:
            self.refusals[outcome] += 1
            again = messages
        self.bring(*again, after=self.chance.uniform(0.3, 1.5))
        self._posting -= 1

    def save(self, path: Path) -> None:
        path.write_text("".join(json.dumps({"wamids": list(post.wamids)}) + "\n" for post in self.accepted))


class Phone:
    """What one guest has heard, as it comes in."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def next(self, seconds: float) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(seconds):
                return await self.heard.get()
        except TimeoutError:
            return None


class Town:
    """All guests of one run, and the post between them and the Graph double."""

    def __init__(self, bearer: Meta, graph: Graph) -> None:
        self.meta = bearer
        self.graph = graph
        self.phones: dict[str, Phone] = {}
        self.heard = 0
        self.confirmed: set[str] = set()
        self.closing = asyncio.Event()

    async def listen(self) -> None:
        while True:
            for line in self.graph.news():
                phone = self.phones.get(line.get("to", "").lstrip("+"))
                if phone and line["kind"] == "message" and line["outcome"] != "refused":
                    self.heard += 1
                    phone.heard.put_nowait(line)
            await asyncio.sleep(0.02)

    def new_phone(self) -> Phone:
        phone = Phone(f"346{len(self.phones) + 1:08d}")
        self.phones[phone.number] = phone
        return phone

    async def a_talker(self) -> None:
        """Small talk and questions, in bursts whose parts may arrive in any order; a reaction now and then."""
        phone, chance = self.new_phone(), self.meta.chance
        while not self.closing.is_set():
            for words in chance.sample(CHATTER, chance.randint(1, 3)):
                self.meta.bring(meta.text(phone.number, words))
            answer = await phone.next(seconds=20)
            if answer and chance.random() < 0.2:
                self.meta.bring(meta.reaction(phone.number, answer["wamid"]))
            await asyncio.sleep(chance.uniform(0.1, 1.0))

    async def a_booker(self, room: str, days_ahead: int) -> None:
        """One booking after the other, each by a guest of its own, many of whom want the same few rooms."""
        while not self.closing.is_set():
            await self._book(self.new_phone(), room, date.today() + timedelta(days=days_ahead))
            days_ahead += self.meta.chance.randint(0, 3)

    async def _book(self, phone: Phone, room: str, arrival: date) -> None:
        self.meta.bring(meta.text(phone.number, _wish(room, arrival, arrival + timedelta(days=2))))
        for _ in range(8):
            heard = await phone.next(seconds=25)
            if heard is None:
                return
            if any(pattern.search(heard["text"]) for pattern in confirmation_patterns()):
                self.confirmed.add(phone.number)
                return
            choice = _choice_of(heard["body"])
            if choice:
                kind, option = choice
                self.meta.bring(meta.tap(phone.number, kind, option, of=heard["wamid"]))


def _wish(room: str, arrival: date, departure: date) -> str:
    if room in ("double", "family room"):
        return (
            f"I'd like to book a {room} from {MONTHS_EN[arrival.month - 1]} {arrival.day} to"
            f" {MONTHS_EN[departure.month - 1]} {departure.day} for 2 adults"
        )
    return (
        f"Quiero reservar una habitación {room} del {arrival.day} de {MONTHS_ES[arrival.month - 1]} al"
        f" {departure.day} de {MONTHS_ES[departure.month - 1]} para 2 adultos"
    )


def _choice_of(body: dict[str, Any]) -> tuple[str, dict[str, str]] | None:
    """The first room on offer, or the yes to what was read back."""
    action = body.get("interactive", {}).get("action", {})
    buttons = [("button_reply", button["reply"]) for button in action.get("buttons", [])]
    rows = [("list_reply", row) for section in action.get("sections", []) for row in section["rows"]]
    return next((one for one in [*buttons, *rows] if one[1]["id"].startswith(("offer:", "confirm:"))), None)


def is_quiet(demo: Demo, graph: Graph) -> bool:
    """Nothing waits anywhere, and every status has been told."""
    with contextlib.suppress(psycopg.Error), demo.connect() as database:
        unrest = database.execute(UNREST).fetchone()
        heard, told = read_graph_log(graph.log)
        owed = 3 * sum(one.outcome != "refused" for one in heard)
        return not any(unrest or (1,)) and len({(one.wamid, one.status) for one in told}) >= owed
    return False
