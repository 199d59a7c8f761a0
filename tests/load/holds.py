"""A thousand guests at ten rooms: how many holds a second, and that no two of them are the same room and night.

Two crushes, both with all guests waiting for one start: in the first all of them want the same nights, so that ten can
have a room; in the second they want nights spread over four months, as guests of a busy evening do. Each guest is a
hold of `locks/holding.py` from beginning to end, with its row in `lock_audit`, in a thread of its own, through the pool
of connections that a process has.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier

import psycopg
from flask import Flask

from hotel_agent.locks import holding
from hotel_agent.locks.holding import RoomTaken, Wanted

GUESTS, ROOMS = 1000, 10
NIGHTS_AHEAD = 120

HOTEL = "insert into hotels (slug, name) values ('crush', 'Hotel Crush') returning id"
OVERLAPS = """
    select count(*) from reservation_locks a join reservation_locks b
      on a.resource_id = b.resource_id and a.id < b.id
      and daterange(a.check_in, a.check_out) && daterange(b.check_in, b.check_out)
    where a.status in ('active', 'booked') and b.status in ('active', 'booked')
"""


@dataclass(frozen=True)
class Crush:
    """What came of it; `latencies` in seconds, of refusals too."""

    held: int
    refused: int
    seconds: float
    latencies: list[float]
    overlaps: int
    audited: int

    @property
    def rate(self) -> float:
        return (self.held + self.refused) / self.seconds


def same_nights(_: int) -> tuple[date, date]:
    first = date.today() + timedelta(days=30)
    return first, first + timedelta(days=3)


def spread(number: int) -> tuple[date, date]:
    rng = random.Random(number)
    first = date.today() + timedelta(days=30 + rng.randrange(NIGHTS_AHEAD))
    return first, first + timedelta(days=rng.randint(1, 4))


def crush(app: Flask, database_url: str, nights: Callable[[int], tuple[date, date]]) -> Crush:
    """Let every guest ask for a room at once; the rooms are free before."""
    hotel, rooms, guests = _rooms(database_url)
    together = Barrier(GUESTS + 1)

    def one(number: int) -> tuple[bool, float]:
        with app.app_context():
            together.wait()
            began = time.perf_counter()
            got = _ask(hotel, rooms, guests[number], number, nights(number))
            return got, time.perf_counter() - began

    with ThreadPoolExecutor(GUESTS) as pool:
        running = [pool.submit(one, number) for number in range(GUESTS)]
        together.wait()
        began = time.perf_counter()
        results = [asked.result() for asked in running]
        seconds = time.perf_counter() - began
    held = sum(got for got, _ in results)
    overlaps, audited = _judged(database_url, hotel)
    return Crush(held, len(results) - held, seconds, [took for _, took in results], overlaps, audited)


def _ask(hotel: int, rooms: tuple[int, ...], guest: int, number: int, nights: tuple[date, date]) -> bool:
    try:
        holding.hold(hotel, *nights, [Wanted(rooms, Decimal(300), 2, 0)], guest, f"guest {number}")
    except RoomTaken:
        return False
    return True


def _rooms(database_url: str) -> tuple[int, tuple[int, ...], list[int]]:
    """Ten rooms of a hotel of their own, and a thousand guests; whoever was there before is gone."""
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("delete from hotels where slug = 'crush'")
        [hotel] = database.execute(HOTEL).fetchone() or [0]
        [kind] = database.execute(
            "insert into room_types (hotel_id, code, capacity) values (%s, 'doble', 2) returning id", [hotel]
        ).fetchone() or [0]
        rooms = database.execute(
            "insert into rooms (hotel_id, room_type_id, number) select %s, %s, number::text"
            " from generate_series(1, %s) as number returning id",
            [hotel, kind, ROOMS],
        ).fetchall()
        guests = database.execute(
            "insert into guests (hotel_id) select %s from generate_series(1, %s) returning id", [hotel, GUESTS]
        ).fetchall()
    return hotel, tuple(room for (room,) in rooms), [guest for (guest,) in guests]


def _judged(database_url: str, hotel: int) -> tuple[int, int]:
    """Pairs of live claims that overlap, and rows of the trail that say "held"."""
    with psycopg.connect(database_url) as database:
        [overlaps] = database.execute(OVERLAPS).fetchone() or [0]
        [audited] = database.execute(
            "select count(*) from lock_audit where hotel_id = %s and action = 'held'", [hotel]
        ).fetchone() or [0]
    return overlaps, audited
