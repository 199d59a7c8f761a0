"""A live demo in which guests write and book, and on which troubles come one after the other.

After each trouble everybody falls silent, everything has to come to rest, and the whole history must hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.chaos.guests import UNREST, Meta, Phone, Town, is_quiet
from tests.chaos.history import CHECKS, History, Violation, check, read_graph_log
from tests.chaos.reaper import Reaper, Watcher, until
from tests.fakes import qloapps as far
from tests.load import meta
from tests.load.installation import Demo, Graph, Process

TALKERS = 8
FAR_BOOKERS = (("double", 70), ("suite", 70), ("double", 75))
BOOKERS = (("suite", 70), ("suite", 70), ("double", 75))
BACK_SECONDS, SETTLE_SECONDS, QUIET_SECONDS = 90.0, 30.0, 150.0
# Of a hotel whose rooms another system keeps, we have neither rooms nor rates: the system itself is asked instead.
OF_ROOMS_KEPT_HERE = {"what_is_confirmed_is_booked", "bookings_hold_their_rooms"}
OPEN_AT_THE_PMS = """
    select (select count(*) from pms_writes where state in ('asked', 'unknown')),
           (select count(*) from pms_holds where status not in ('active', 'booked') and cleared_at is null),
           (select count(*) from reservations where status = 'pending' and pms_id is not null)
"""
WHAT_IS_KNOWN_OF = """
    select 'hold', code, status, order_id, cleared_at is not null from pms_holds where token = %(token)s
    union all
    select 'write', operation, state, order_id, settled_at is not null from pms_writes where token = %(token)s
"""

Trouble = Callable[["Stage", float], Awaitable[list[str]]]


@dataclass(frozen=True)
class Scenario:
    """One kind of trouble: what it does to the stage for so many seconds, and answers what was wrong by itself.

    `may_refuse`: whether posts of Meta's may be refused or cut off meanwhile.
    """

    name: str
    what: str
    trouble: Trouble
    far: bool = False
    may_refuse: bool = True


@dataclass
class Outcome:
    """`recovered`: seconds from the trouble's end until everything runs and a guest who wrote then is answered;
    `rested`: until nothing waits anywhere, from when the last guest fell silent."""

    scenario: str
    seed: int
    lasted: float
    recovered: float = float("nan")
    rested: float = float("nan")
    answered_meanwhile: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.violations and self.recovered == self.recovered and self.rested == self.rested


class Stage:
    """One demo with its guests, for all scenarios that are played on it."""

    def __init__(self, demo: Demo, graph: Graph, pms: far.QloApps | None, seed: int) -> None:
        self.demo = demo
        self.graph = graph
        self.pms = pms
        self.seed = seed
        self.chance = random.Random(seed)
        self.town = Town(Meta(demo.port, self.chance), graph)
        self.reaper, self.watcher = Reaper(demo, random.Random(seed)), Watcher(demo)
        # Bookings of the time before this hotel had a PMS are none of its orders.
        self._older = self._codes() if pms else set()
        self._known: set[str] = set()

    def _codes(self) -> set[str]:
        with self.demo.connect() as database:
            return {row[0] for row in database.execute("select code from reservations")}

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Stage]:
        tasks = [asyncio.create_task(one) for one in (self.town.meta.run(), self.town.listen(), self.watcher.run())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def play(self, scenario: Scenario, seconds: float) -> Outcome:
        heard, refusals = self.town.heard, self.town.meta.refusals.copy()
        self.town.closing.clear()
        guests = self._guests()
        await asyncio.sleep(2)
        began = time.monotonic()
        try:
            outcome = Outcome(scenario.name, self.seed, 0)
            outcome.violations += await scenario.trouble(self, seconds)
            outcome.lasted = time.monotonic() - began
            outcome.answered_meanwhile = self.town.heard - heard
            outcome.recovered = await self._recovery()
            outcome.refused = dict(self.town.meta.refusals - refusals)
            if not scenario.may_refuse and outcome.refused.keys() - {"too late"}:
                outcome.violations.append(f"posts got no 200: {outcome.refused}")
            self.town.closing.set()
            await asyncio.wait(guests, timeout=SETTLE_SECONDS)
        finally:
            for guest in guests:
                guest.cancel()
            await asyncio.gather(*guests, return_exceptions=True)
        await self._rest(outcome)
        outcome.violations += await asyncio.to_thread(self._unexplained)
        return outcome

    async def ask(self, phone: Phone, seconds: float) -> bool:
        """A guest says hello; whether they are answered in time."""
        self.town.meta.bring(meta.text(phone.number, "Hola"))
        return await phone.next(seconds) is not None

    def of_role(self, *roles: str) -> list[Process]:
        return [process for process in self.demo.processes() if process.role in roles]

    def _guests(self) -> list[asyncio.Task[None]]:
        wishes = FAR_BOOKERS if self.pms else BOOKERS
        ahead = self.chance.randrange(20)
        guests = [self.town.a_talker() for _ in range(TALKERS)]
        guests += [self.town.a_booker(room, days + ahead) for room, days in wishes]
        return [asyncio.create_task(guest) for guest in guests]

    async def _recovery(self) -> float:
        began = time.monotonic()
        answered = asyncio.create_task(self.ask(self.town.new_phone(), BACK_SECONDS))
        await self.reaper.recovered(began, BACK_SECONDS)
        return time.monotonic() - began if await answered else float("nan")

    async def _rest(self, outcome: Outcome) -> None:
        began = time.monotonic()
        if not await until(lambda: self.town.meta.has_delivered_everything, 60):
            outcome.violations.append("Meta could not deliver everything")
        if await until(self._is_at_rest, QUIET_SECONDS):
            outcome.rested = time.monotonic() - began
        else:
            outcome.violations.append(f"no rest: {self._unrest()}")
        await asyncio.sleep(0.5)

    def _is_at_rest(self) -> bool:
        return is_quiet(self.demo, self.graph) and not (self.pms and self._open_writes())

    def _open_writes(self) -> int:
        with self.demo.connect() as database:
            row = database.execute(OPEN_AT_THE_PMS).fetchone()
        return sum(row or ())

    def _unrest(self) -> str:
        with self.demo.connect() as database:
            cursor = database.execute(UNREST)
            row = cursor.fetchone() or ()
            return json.dumps(dict(zip((one.name for one in cursor.description or ()), row, strict=True)))

    def _unexplained(self) -> list[str]:
        """What the history has that no earlier scenario has been blamed for."""
        heard, told = read_graph_log(self.graph.log)
        with self.demo.connect() as database:
            history = History(database, heard, told, self.town.meta.accepted, self.watcher.samples)
            found = [str(one) for one in self._violations(history)]
            if self.pms:
                found += unlike_the_pms(database, self.pms, self._older)
        fresh = [one for one in found if one not in self._known]
        self._known.update(fresh)
        return fresh

    def _violations(self, history: History) -> list[Violation]:
        assert set(CHECKS) >= OF_ROOMS_KEPT_HERE
        return [one for one in check(history) if not self.pms or one.check not in OF_ROOMS_KEPT_HERE]


def unlike_the_pms(database: psycopg.Connection[Any], pms: far.QloApps, older: set[str]) -> list[str]:
    """Each booking made here is one order there, and each order there is a booking or a living hold here."""
    rows = database.execute(
        "select r.code, coalesce(r.pms_id, '') from reservations r join hotels h on h.id = r.hotel_id"
        " where h.pms = 'qloapps' and r.status = 'booked'"
    )
    booked = [(code, pms_id) for code, pms_id in rows if code not in older]
    held = {row[0] for row in database.execute("select order_id from pms_holds where status = 'active'")}
    orders = {str(order.id): order for order in pms.orders() if pms.active_lines(order)}
    known = held | {pms_id for _, pms_id in booked}
    times = Counter(order.source for order in orders.values() if order.source)
    found = [f"{code} is booked here and no order of the PMS" for code, pms_id in booked if pms_id not in orders]
    found += [f"{source} was ordered {count} times" for source, count in times.items() if count > 1]
    for id_ in orders.keys() - known:
        token = orders[id_].source
        here = database.execute(WHAT_IS_KNOWN_OF, {"token": token}).fetchall()
        found.append(f"order {id_} ({token}) of the PMS is neither booked nor held here: {here}")
    return found
