"""The database alone: indexes, what is free, holds, backups, what is forgotten."""

from __future__ import annotations

import os
import time

from hotel_agent import create_app
from hotel_agent.backups import restoring, taking
from hotel_agent.backups.store import Store
from hotel_agent.partitions import kept_since, make_partitions
from tests.load import availability as searches
from tests.load import crowd
from tests.load import holds as rooms
from tests.load import indexes as grande
from tests.load import retention as old
from tests.load.bench.ground import demo_servers, empty_servers, folder_of_its_own
from tests.load.bench.telling import Figures, milliseconds, table, target

INDEX_RATIO = 3
AVAILABILITY_MS = 10
BACKED_UP, RTO_SECONDS = 5_000_000, 3600.0
GUEST_WAITS_MS, FORGOTTEN_A_SECOND = 400, 5000


def indexes() -> Figures:
    with folder_of_its_own() as folder, empty_servers(folder) as (servers, _):
        print(f"  filling in {grande.SESSIONS:,} sessions and {grande.RESERVATIONS:,} bookings", flush=True)
        print(f"  … took {grande.fill(servers.database_url):.0f} s", flush=True)
        figures = grande.measure(servers.database_url)
    asked, weights = figures["questions"], figures["created_at"]
    table(
        f"the blueprint's indexes, {grande.SESSIONS:,} sessions, {grande.RESERVATIONS:,} bookings, {grande.TENANTS:,}"
        " numbers; medians, without = no index on its columns",
        ["index", "asked", "with, ms", "without, ms", "times", "MB"],
        [
            [
                name,
                one["what"],
                f"{one['with_ms']:.2f}",
                f"{one['without_ms']:.1f}",
                f"{one['ratio']:.0f}",
                f"{one['mb']:.2f}",
            ]
            for name, one in asked.items()
        ],
    )
    print(
        "  on sessions.created_at, MB: BRIN {brin:.2f}, a B-tree {btree:.1f}, the primary key {primary_key:.1f};"
        " the rows {rows:.0f}\n".format(**weights)
    )
    for name, one in asked.items():
        target(f"{name}, times faster", one["ratio"], INDEX_RATIO, at_least=True)
    target(
        "of six, those that PostgreSQL chose",
        sum(one["chosen"] == [name] for name, one in asked.items()),
        6,
        at_least=True,
    )
    return figures


def availability() -> Figures:
    sizes = searches.SIZES
    with folder_of_its_own() as folder, empty_servers(folder) as (servers, environment):
        print(f"  filling in {sizes.rooms} rooms with {sizes.reservations:,} stays", flush=True)
        print(f"  … took {grande.fill(servers.database_url, sizes):.0f} s", flush=True)
        os.environ.update(environment)
        app = create_app()
        asked, charts = searches.measure(app), searches.measure_charts(app)
    asked |= {f"{what}, {size / 1000:.0f} kB": times for what, (times, size) in charts.items()}
    figures: Figures = {what: milliseconds(one, 50, 95, 99) for what, one in asked.items()}
    table(
        f"what is free in our own tables: {sizes.rooms} rooms, {searches.YEARS} years of stays, {sizes.reservations:,}",
        ["asked", "p50 ms", "p95 ms", "p99 ms"],
        [[what, *(str(one[f"p{share}"]) for share in (50, 95, 99))] for what, one in figures.items()],
    )
    for what, one in figures.items():
        if what in searches.QUESTIONS:
            target(f"{what}, p95 ms", one["p95"], AVAILABILITY_MS)
    return figures


def holds() -> Figures:
    with folder_of_its_own() as folder, empty_servers(folder, POSTGRES_POOL_TIMEOUT="60") as (servers, environment):
        os.environ.update(environment)
        app = create_app()
        crushes = {
            "the same nights": rooms.crush(app, servers.database_url, rooms.same_nights),
            "nights of four months": rooms.crush(app, servers.database_url, rooms.spread),
        }
    figures: Figures = {
        wanted: {
            "held": one.held,
            "refused": one.refused,
            "per_second": round(one.rate),
            **milliseconds(one.latencies, 50, 95),
            "overlaps": one.overlaps,
            "audited": one.audited,
        }
        for wanted, one in crushes.items()
    }
    table(
        f"{rooms.GUESTS} guests at {rooms.ROOMS} rooms, all at once through 20 connections, durable PostgreSQL",
        ["all want", "held", "refused", "answers/s", "p50 ms", "p95 ms", "overlaps"],
        [
            [wanted, *(str(one[name]) for name in ("held", "refused", "per_second", "p50", "p95", "overlaps"))]
            for wanted, one in figures.items()
        ],
    )
    target("overlapping claims", sum(one["overlaps"] for one in figures.values()), 0)
    target("held of ten rooms for the same nights", figures["the same nights"]["held"], rooms.ROOMS, at_least=True)
    unwritten = sum(abs(one["held"] - one["audited"]) for one in figures.values())
    target("holds without a row in the trail", unwritten, 0)
    return figures


def backups() -> Figures:
    """As `flask backup now` and `flask backup restore` do it, sealed, nobody else at work."""
    with folder_of_its_own() as folder:
        sealed = {"BACKUP_DIR": str(folder / "backups"), "BACKUP_KEY": "a-key-that-is-only-for-the-bench"}
        with demo_servers(folder, **sealed) as (servers, environment):
            print(f"  filling in {BACKED_UP:,} messages", flush=True)
            crowd.fill(servers.database_url, messages=BACKED_UP)
            os.environ.update(environment)
            with create_app().app_context():
                began = time.perf_counter()
                manifest = taking.take().manifest
                taken = time.perf_counter() - began
                restored = restoring.verify(Store(folder / "backups"), manifest)
    figures: Figures = {
        "messages": manifest.tables["messages"][0],
        "rows": manifest.rows,
        "dump_mb": round(manifest.size / 1e6, 1),
        "taken_s": round(taken, 1),
        "restored_s": round(restored.seconds, 1),
        "differences": len(restored.differences),
    }
    table("a sealed dump, and its restoring with every table compared", ["what", "figure"],
          [[name, str(value)] for name, value in figures.items()])  # fmt: skip
    target("restored and compared, s", restored.seconds, RTO_SECONDS)
    target("tables that are not as they were", len(restored.differences), 0)
    return figures


def retention() -> Figures:
    """As the recurring job does it, a turn at a time; the guest's messages are on disk before the next is written."""
    figures: Figures = {}
    with folder_of_its_own() as folder, demo_servers(folder, LOG_LEVEL="error") as (servers, environment):
        os.environ.update(environment)
        with create_app().app_context():
            figures["nothing"] = {"guest": _waited(old.quiet(servers.database_url, 5).seconds)}
            for name, months_ago in (("as a whole", 28), ("row by row", 27)):
                month = kept_since(months_ago)
                make_partitions(month)
                print(f"  filling in {old.MESSAGES:,} messages of {month:%B %Y}", flush=True)
                old.fill(servers.database_url, month, waits=name == "row by row")
                done = old.forget(servers.database_url)
                figures[name] = {
                    "seconds": round(done.seconds, 1),
                    "a_second": round(old.MESSAGES / done.seconds),
                    "turns": done.turns,
                    "longest_turn_s": round(done.longest_turn, 1),
                    "left": done.left,
                    "guest": _waited(done.guest.seconds),
                }
    table("half a million messages forgotten", ["how", "s", "a second", "turns", "left", "guest p99 ms", "worst ms"],
          [[name, *(str(one.get(key, "")) for key in ("seconds", "a_second", "turns", "left")),
            str(one["guest"]["p99"]), str(one["guest"]["worst"])] for name, one in figures.items()])  # fmt: skip
    for name in ("as a whole", "row by row"):
        target(f"{name}, messages a second", figures[name]["a_second"], FORGOTTEN_A_SECOND, at_least=True)
        target(f"{name}, the guest's worst wait, ms", figures[name]["guest"]["worst"], GUEST_WAITS_MS)
    target("as a whole, messages left", figures["as a whole"]["left"], 0)
    target("row by row, messages left beside those needed", figures["row by row"]["left"] - old.MESSAGES // 100, 0)
    return figures


def _waited(seconds: list[float]) -> Figures:
    return {"messages": len(seconds), **milliseconds(seconds, 50, 99), "worst": round(max(seconds) * 1000, 1)}
