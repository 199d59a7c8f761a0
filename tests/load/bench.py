"""The measurements: `python -m tests.load.bench [PART]` (all by default); tables here, figures in var/bench.

intake   durable posts a second beside a no-op and a per-request insert; what kill -9 in mid-load leaves of the 200s
latency  from a guest's message to the reply heard at the Graph double, at 1, 20 and 50 messages a second; memory
inbox    the receptionist's pages among 100,000 conversations and a million messages: time, bytes, statements
indexes  the six of the blueprint among a million sessions and 200,000 bookings, with and without each; BRIN's size
availability  what is free in thirty days, at 500 rooms with three years of stays kept here; their tape chart
fairness one hotel is flooded: how much later a guest of another is answered
retention  two old months of half a million messages forgotten, as a whole and row by row, while a guest writes
backups  five million messages dumped, sealed, restored and compared table by table
cache    a PMS that takes 0.3 s for every answer: what is kept of it answers how many questions, and how fast
hang     a PMS that hangs for 10 s: what the sixth call costs in every process, and how many try when it is back
holds    a thousand guests at ten rooms at once: holds a second, and that no two overlap
process  POST /api/orchestrator/process with questions about the hotel, one after the other, caches warm
live     open screens of the front desk: what 50 cost while nothing happens, and how soon a message is on one
start    from a fresh clone to the first answered message, and the second start

Figures are taken on a machine that does everything at once (load, server, PostgreSQL): read the ratios. A target
that is missed is said so and does not fail the run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from hotel_agent import create_app
from hotel_agent.backups import restoring, taking
from hotel_agent.backups.store import Store
from hotel_agent.embedded import Embedded
from hotel_agent.partitions import kept_since, make_partitions
from tests.chaos.history import WAMID
from tests.fakes import qloapps as far
from tests.load import availability as searches
from tests.load import crowd, far_pms, meta, screens
from tests.load import fairness as fair
from tests.load import holds as rooms
from tests.load import indexes as grande
from tests.load import retention as old
from tests.load.installation import (
    APP_SECRET,
    ROOT,
    Demo,
    Graph,
    clean_environment,
    end,
    free_port,
    kill,
    memory_mb,
    running_demo,
    wait_until,
)
from tests.load.posting import PLACE, Posts, Round, closed_loop, open_loop, quantile

BACKED_UP, RTO_SECONDS = 5_000_000, 3600.0
FLOODED, FLOOD_COSTS_MS, FLOOD_SECONDS = 2000, 2000, 300.0
QUANTILES = {"p50": 0.5, "p95": 0.95, "max": 1.0}
GUEST_WAITS_MS, FORGOTTEN_A_SECOND = 400, 5000
LINES = 64
ROUNDS = 3
ROUND_SECONDS = 6.0
KILL_SECONDS = 14.0
RATES = (1, 20, 50)
LATENCY_SECONDS = 20.0
ANSWER_SECONDS = 30.0
WEB_MB, WORKER_MB = 200, 350
BODY_BYTES = 850
WARM_UP, VISITS = 5, 60
PAGE_MS, PAGE_STATEMENTS, FIRST_VISIT_KB = 50, 20, 150
INDEX_RATIO = 3
AVAILABILITY_MS = 10
CACHE_MS, HIT_RATIO, SIXTH_MS = 5, 0.85, 50
SCREENS, QUIET_SECONDS, ON_SCREEN = 50, 20.0, 40
QUESTIONS = (
    "¿Tenéis parking?", "¿A qué hora es el desayuno?", "¿Hay piscina?", "¿Admitís perros?", "¿Cómo llego al hotel?",
    "Is there Wi-Fi in the room?", "How can I pay?", "Can you keep our luggage?", "Is the hotel accessible?",
    "Vocês têm academia?", "Onde fica o hotel?", "Pode fumar no quarto?",
)  # fmt: skip
ASKED, PROCESS_MS = 240, 200
ANA, GUEST = "ana@miramar.example", "34600999000"
PASSWORD = "a password that is only for the bench"
AS_BROWSER = {"Accept": "text/html,*/*", "Accept-Encoding": "gzip"}

VIEWS = {"real": "/api/webhooks/whatsapp", "noop": "/bench/noop", "insert": "/bench/insert"}
ROLES = ("web master", "web worker", "supervisor", "worker", "scheduler", "postgres", "valkey")

Figures = dict[str, Any]


# --- intake -------------------------------------------------------------------------------------------------


def intake() -> Figures:
    with _folder() as folder, _bare_server(folder) as (port, database_url):
        rounds = asyncio.run(_alternate(port))
        missing = _not_on_disk(database_url, {*rounds["real"].accepted, *rounds["insert"].accepted})
    figures: Figures = {view: _told(done) for view, done in rounds.items()}
    figures["accepted_and_not_on_disk"] = len(missing)
    figures["real_to_noop"] = round(rounds["real"].rate / rounds["noop"].rate, 2)
    figures["real_to_insert"] = round(rounds["real"].rate / rounds["insert"].rate, 2)
    table(
        f"intake, {LINES} connections, {ROUNDS} alternated rounds of {ROUND_SECONDS:.0f} s, durable PostgreSQL",
        ["view", "req/s", "p50 ms", "p95 ms", "p99 ms", "not 200"],
        [
            [
                view,
                f"{figures[view]['per_second']:.0f}",
                *(f"{figures[view][q]:.0f}" for q in ("p50", "p95", "p99")),
                str(figures[view]["not_200"] or ""),
            ]
            for view in VIEWS
        ],
    )
    target("real to no-op", figures["real_to_noop"], 0.8, at_least=True)
    target("real to insert", figures["real_to_insert"], 2.0, at_least=True)
    target("p95 of real, ms", figures["real"]["p95"], 200)
    target("200s not on disk", figures["accepted_and_not_on_disk"], 0)
    return figures


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hotel-agent-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def _bare_server(folder: Path, fill: Callable[[str], object] | None = None) -> Iterator[tuple[int, str]]:
    """PostgreSQL, Valkey and gunicorn as the demo has them, with nobody who takes in what is kept.

    With `fill` the demo's hotels and accounts are there, and what it does to the database at that address.
    """
    port = free_port()
    metrics = folder / "metrics"
    metrics.mkdir()
    with Embedded(folder / "data") as servers:
        environment = clean_environment(
            APP_ENV="production",
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            WHATSAPP_APP_SECRET=APP_SECRET,
            DATA_DIR=str(folder / "data"),
            PORT=str(port),
            PROMETHEUS_MULTIPROC_DIR=str(metrics),
            GRACEFUL_SECONDS="3",
            LOG_LEVEL="warning",
            DEMO_STAFF_PASSWORD=PASSWORD,
        )
        _flask(environment, "db", "upgrade")
        if fill:
            _flask(environment | {"APP_ENV": "demo"}, "demo", "load")
            fill(servers.database_url)
        command = [sys.executable, "-m", "gunicorn", "-c", "ops/gunicorn.conf.py", "tests.load.bench_app:create_app()"]
        with (folder / "web.log").open("wb") as log:
            web = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            demo = Demo(folder / "data", port, None)
            wait_until(demo.ready, 60, f"gunicorn does not start:\n{(folder / 'web.log').read_text()[-2000:]}")
            yield port, servers.database_url
        finally:
            end(web)


def _flask(environment: dict[str, str], *command: str) -> None:
    whole = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
    subprocess.run(whole, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


async def _alternate(port: int) -> dict[str, Round]:
    rounds = {view: Round() for view in VIEWS}
    for number in range(ROUNDS + 1):
        for view, path in VIEWS.items():
            posts = Posts(_a_message(), APP_SECRET, path, f"{view[0].upper()}{number}X")
            # The first round warms up; what it kept must be on disk too.
            done = await closed_loop(port, posts, LINES, ROUND_SECONDS if number else 2.0)
            if number:
                rounds[view].add(done)
            else:
                rounds[view].accepted += done.accepted
            await asyncio.sleep(0.3)
    return rounds


def _a_message() -> bytes:
    """A text message as long as Meta's usually are."""
    body = meta.messages_body([meta.text("34600111222", "hola", PLACE.decode())])
    padding = max(0, BODY_BYTES - len(body))
    return meta.messages_body([meta.text("34600111222", "hola " + "a" * padding, PLACE.decode())])


def _a_status() -> bytes:
    return meta.statuses_body([{"id": PLACE.decode(), "status": "sent", "timestamp": str(int(time.time()))}])


def _not_on_disk(database_url: str, accepted: set[str]) -> set[str]:
    missing = set(accepted)
    with psycopg.connect(database_url) as database, database.cursor("bodies") as bodies:
        bodies.itersize = 2000
        for (body,) in bodies.execute("select body from inbound_events"):
            missing.difference_update(wamid.decode() for wamid in WAMID.findall(bytes(body)))
    return missing


def _told(done: Round) -> Figures:
    quantiles = {f"p{share}": round(quantile(done.latencies, share / 100) * 1000, 1) for share in (50, 95, 99)}
    return {"per_second": round(done.rate, 1), **quantiles, "posts": len(done.accepted), "not_200": done.others}


def kills() -> Figures:
    """Every 200 is found on disk although the server and PostgreSQL died in mid-load."""
    deaths = {2: "web worker", 5: "postgres", 8: "web worker"}
    posts = Posts(_a_status(), APP_SECRET, VIEWS["real"], "KX")
    with _folder() as folder, running_demo(folder) as (demo, _):

        def strike(second: int) -> None:
            victims = [process for process in demo.processes() if process.role == deaths.get(second)]
            if victims:
                kill(victims[0])

        done = asyncio.run(closed_loop(demo.port, posts, LINES, KILL_SECONDS, strike))
        wait_until(demo.ready, 60, "the demo does not come back")
        missing = _not_on_disk(demo.database_url, set(done.accepted))
    figures = _told(done) | {"accepted_and_not_on_disk": len(missing), "killed": list(deaths.values())}
    table(
        f"kill -9 of {', '.join(deaths.values())} in {KILL_SECONDS:.0f} s of load",
        ["posts with a 200", "without", "200s not on disk"],
        [[str(len(done.accepted)), str(done.others), str(len(missing))]],
    )
    target("200s not on disk", len(missing), 0)
    return figures


# --- latency ------------------------------------------------------------------------------------------------


def latency() -> Figures:
    figures: Figures = {}
    with _folder() as folder, running_demo(folder, {"ANSWER_PAUSE_SECONDS": "0"}) as (demo, graph):
        asyncio.run(open_loop(demo.port, _conversations(10, "349"), 5, 4))
        for rate in RATES:
            figures[f"{rate}/s"] = _one_rate(demo, graph, rate)
        memory = _memory(demo)
    rows = [
        [
            rate,
            str(one["sent"]),
            str(one["unanswered"]),
            *(f"{one[q]:.0f}" for q in ("p50", "p95", "p99", "webhook_p95")),
        ]
        for rate, one in figures.items()
    ]
    table(
        f"from a guest's message to the reply at the Graph double, {LATENCY_SECONDS:.0f} s each, pause 0, statuses on",
        ["messages", "sent", "unanswered", "p50 ms", "p95 ms", "p99 ms", "webhook p95 ms"],
        rows,
    )
    target("p95 at 20/s, ms", figures["20/s"]["p95"], 500)
    _tell_memory(memory)
    return figures | {"memory_mb": memory}


def _one_rate(demo: Demo, graph: Graph, rate: int) -> Figures:
    wires = _conversations(max(20, rate * 10), f"34{rate:0>2}")
    posted, done = asyncio.run(open_loop(demo.port, wires, rate, LATENCY_SECONDS))
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not set(posted) - _answered(demo, graph).keys(), ANSWER_SECONDS, "answers", 0.5)
    answered = _answered(demo, graph)
    took = [answered[wamid] - at for wamid, at in posted.items() if wamid in answered]
    quantiles = {f"p{share}": round(quantile(took, share / 100) * 1000, 1) for share in (50, 95, 99)}
    return {
        "sent": len(posted),
        "unanswered": len(posted) - len(took),
        **quantiles,
        "webhook_p95": _told(done)["p95"],
        "webhook_not_200": done.others,
    }


def _conversations(guests: int, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Guests in turn, each with one of the things guests write."""
    chance = random.Random(guests)
    number = 0
    while True:
        wamid = meta.new_wamid()
        phone = f"{prefix}{number % guests:0>7}"
        body = meta.messages_body([meta.text(phone, something_to_say(chance), wamid)])
        yield wamid, meta.request(body, APP_SECRET)
        number += 1


def something_to_say(chance: random.Random) -> str:
    arrival = date.today() + timedelta(days=chance.randint(60, 110))
    departure = arrival + timedelta(days=chance.randint(1, 5))
    return chance.choice(
        [
            "Hola, buenas tardes",
            "Hello!",
            f"¿Tienen una habitación doble del {arrival:%d/%m/%Y} al {departure:%d/%m/%Y} para 2 personas?",
            f"Is there a room from {arrival:%d %B} to {departure:%d %B} for two adults?",
            "¿A qué hora es el desayuno?",
            "Do you have parking?",
            "Qual é a senha do wifi?",
        ]
    )


def _answered(demo: Demo, graph: Graph) -> dict[str, float]:
    """When the first reply to each message was heard: by the row's `answers_to`, so that no bubble is mistaken."""
    heard: dict[str, float] = {}
    for line in graph.log.read_bytes().split(b"\n")[:-1]:
        if line.startswith(b'{"kind": "message"'):
            told = json.loads(line)
            heard.setdefault(told["callback"], told["at"])
    with demo.connect() as database:
        rows = database.execute(
            "select asked.wamid, 'm' || reply.id from messages reply join messages asked on asked.id = reply.answers_to"
            " where reply.direction = 'out'"
        ).fetchall()
    answered: dict[str, float] = {}
    for wamid, callback in rows:
        if callback in heard:
            answered[wamid] = min(heard[callback], answered.get(wamid, float("inf")))
    return answered


def _memory(demo: Demo) -> list[Figures]:
    figures = []
    for process in demo.processes():
        if process.role in ROLES:
            pss, rss = memory_mb(process.pid)
            figures.append({"process": process.role, "pss": round(pss), "rss": round(rss)})
    return sorted(figures, key=lambda one: ROLES.index(one["process"]))


def _tell_memory(memory: list[Figures]) -> None:
    rows = [[one["process"], str(one["pss"]), str(one["rss"])] for one in memory]
    table("memory after that load", ["process", "PSS MB", "RSS MB"], rows)
    for role, most in (("web worker", WEB_MB), ("worker", WORKER_MB)):
        target(f"largest {role}, RSS MB", max(one["rss"] for one in memory if one["process"] == role), most)


# --- inbox --------------------------------------------------------------------------------------------------


def inbox() -> Figures:
    with _folder() as folder, _bare_server(folder, crowd.fill) as (port, database_url):
        with psycopg.connect(database_url) as database:
            conversations, messages, pages = _pages(database)
        with contextlib.closing(screens.sign_in(f"http://127.0.0.1:{port}", ANA, PASSWORD)) as browser:
            figures = {name: _visits(browser, addresses) for name, addresses in pages.items()}
            first_visit = _first_visit(browser)
    table(
        f"Ana's pages among {conversations:,} conversations and {messages:,} messages, one at a time, by gunicorn",
        ["page", "p50 ms", "p95 ms", "kB", "statements"],
        [
            [name, f"{one['p50']:.0f}", f"{one['p95']:.0f}", f"{one['kb']:.0f}", str(one["statements"])]
            for name, one in figures.items()
        ],
    )
    target("slowest page's p95, ms", max(one["p95"] for one in figures.values()), PAGE_MS)
    target("first visit with styles and scripts, kB", first_visit, FIRST_VISIT_KB)
    target("most statements of a page", max(one["statements"] for one in figures.values()), PAGE_STATEMENTS)
    return figures | {"first_visit_kb": first_visit, "conversations": conversations, "messages": messages}


def _pages(database: psycopg.Connection[Any]) -> tuple[int, int, dict[str, list[str]]]:
    """What is looked at, by what it is: many conversations, and the longest one; common words, rare ones, none."""
    conversations, messages = database.execute(
        "select (select count(*) from conversations), (select count(*) from messages)"
    ).fetchall()[0]
    recent = database.execute(
        "select c.id, c.guest_id, (select value from guest_identities i where i.guest_id = c.guest_id limit 1),"
        " (select code from reservations r where r.guest_id = c.guest_id limit 1)"
        " from conversations c order by c.last_message_at desc nulls last limit 2000"
    ).fetchall()
    (longest,) = database.execute(
        "select conversation_id from messages group by 1 order by count(*) desc limit 1"
    ).fetchall()[0]
    views = {f"list: {view}": [f"?view={view}"] for view in ("waiting", "mine", "all", "agent", "closed")}
    words = ("hola", "habitación doble", "sauna", "calefacción", "xyzzy", "garcía lópez", "maría", "de", "a")
    searches = {f"search: {word}": [f"?view=all&q={word}"] for word in words}
    some = random.Random(7).sample(recent, VISITS)
    return (
        conversations,
        messages,
        {
            **{name: [f"/conversations{each}" for each in addresses] for name, addresses in (views | searches).items()},
            "search: a phone": [f"/conversations?q={phone[-9:]}" for _, _, phone, _ in some],
            "search: a booking": [f"/conversations?q={code}" for *_, code in some if code],
            "a conversation": [f"/conversations/{number}" for number, *_ in some],
            "the longest one": [f"/conversations/{longest}"],
        },
    )


def _visits(browser: httpx.Client, addresses: list[str]) -> Figures:
    took, size, statements = [], [], []
    for number in range(WARM_UP + VISITS):
        began = time.perf_counter()
        answer = browser.get(addresses[number % len(addresses)], headers=AS_BROWSER)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200, f"{addresses[number % len(addresses)]}: {answer.status_code}"
        if number >= WARM_UP:
            took.append(seconds)
            size.append(answer.num_bytes_downloaded)
            statements.append(int(answer.headers["X-Statements"]))
    quantiles = {f"p{share}": round(quantile(took, share / 100) * 1000, 1) for share in (50, 95)}
    return {**quantiles, "kb": round(max(size) / 1000, 1), "statements": max(statements)}


def _first_visit(browser: httpx.Client) -> float:
    """kB of the inbox with all that the page asks for."""
    page = browser.get("/conversations", headers=AS_BROWSER)
    asked_for = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
    parts = [browser.get(html.unescape(address), headers=AS_BROWSER) for address in sorted(asked_for)]
    return round(sum(part.num_bytes_downloaded for part in [page, *parts]) / 1000, 1)


# --- indexes ------------------------------------------------------------------------------------------------


def indexes() -> Figures:
    with _folder() as folder, Embedded(folder / "data") as servers:
        environment = clean_environment(
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            DATA_DIR=str(folder / "data"),
        )
        _flask(environment, "db", "upgrade")
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


# --- availability -------------------------------------------------------------------------------------------


def availability() -> Figures:
    sizes = searches.SIZES
    with _folder() as folder, Embedded(folder / "data") as servers:
        environment = clean_environment(
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            DATA_DIR=str(folder / "data"),
        )
        _flask(environment, "db", "upgrade")
        print(f"  filling in {sizes.rooms} rooms with {sizes.reservations:,} stays", flush=True)
        print(f"  … took {grande.fill(servers.database_url, sizes):.0f} s", flush=True)
        os.environ.update(environment)
        app = create_app()
        asked, charts = searches.measure(app), searches.measure_charts(app)
    asked |= {f"{what}, {size / 1000:.0f} kB": times for what, (times, size) in charts.items()}
    figures: Figures = {
        what: {f"p{share}": round(quantile(one, share / 100) * 1000, 1) for share in (50, 95, 99)}
        for what, one in asked.items()
    }
    table(
        f"what is free in our own tables: {sizes.rooms} rooms, {searches.YEARS} years of stays, {sizes.reservations:,}",
        ["asked", "p50 ms", "p95 ms", "p99 ms"],
        [[what, *(str(one[f"p{share}"]) for share in (50, 95, 99))] for what, one in figures.items()],
    )
    for what, one in figures.items():
        if what in searches.QUESTIONS:
            target(f"{what}, p95 ms", one["p95"], AVAILABILITY_MS)
    return figures


# --- backups ------------------------------------------------------------------------------------------------


def backups() -> Figures:
    """As `flask backup now` and `flask backup restore` do it, sealed, nobody else at work."""
    with _folder() as folder, Embedded(folder / "data") as servers:
        environment = clean_environment(
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            DATA_DIR=str(folder / "data"),
            APP_ENV="demo",
            BACKUP_DIR=str(folder / "backups"),
            BACKUP_KEY="a-key-that-is-only-for-the-bench",
        )
        _flask(environment, "db", "upgrade")
        _flask(environment, "demo", "load")
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


def fairness() -> Figures:
    """Guests of one hotel write every half second, while nothing else is to do and while another hotel is flooded."""
    with _folder() as folder, running_demo(folder, {"ANSWER_PAUSE_SECONDS": "0"}) as (demo, graph):
        heard = fair.Heard(graph)

        async def story() -> None:
            await fair.trickle(demo, heard, 20, "5731")
            await fair.until_answered(heard, "5731", ANSWER_SECONDS)
            await fair.flood(demo, heard, FLOODED)
            await fair.trickle(demo, heard, 20, "5732")
            await fair.until_answered(heard, "573", ANSWER_SECONDS)
            await fair.until_answered(heard, "3461", FLOOD_SECONDS)

        asyncio.run(story())
    rows = {"alone": "5731", "during the flood": "5732", f"the {FLOODED} of the flood": "3461"}
    figures: Figures = {}
    for name, prefix in rows.items():
        took = heard.delays(prefix)
        figures[name] = {q: round(quantile(took, share) * 1000) for q, share in QUANTILES.items()}
    later = figures["during the flood"]["max"] - figures["alone"]["p50"]
    table(
        "from a guest's message to the reply at the Graph double, two hotels, two workers",
        ["guests", *QUANTILES],
        [[name, *(str(one[q]) for q in QUANTILES)] for name, one in figures.items()],
    )
    target("later by another hotel's flood, at most, ms", later, FLOOD_COSTS_MS)
    return figures | {"later_ms": later}


def retention() -> Figures:
    """As the recurring job does it, a turn at a time; the guest's messages are on disk before the next is written."""
    figures: Figures = {}
    with _folder() as folder, Embedded(folder / "data") as servers:
        environment = clean_environment(
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            DATA_DIR=str(folder / "data"),
            APP_ENV="demo",
            LOG_LEVEL="error",
        )
        _flask(environment, "db", "upgrade")
        _flask(environment, "demo", "load")
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
    return {"messages": len(seconds), "p50": round(quantile(seconds, 0.5) * 1000, 1),
            "p99": round(quantile(seconds, 0.99) * 1000, 1), "worst": round(max(seconds) * 1000, 1)}  # fmt: skip


# --- a PMS far away -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _far_pms(folder: Path) -> Iterator[tuple[far.QloApps, dict[str, str], date]]:
    """The demo hotel works with a QloApps; who asks it begins from that environment."""
    with Embedded(folder / "data") as servers, far.QloApps(far.miramar()) as pms:
        environment = clean_environment(
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            DATA_DIR=str(folder / "data"),
            APP_ENV="demo",
            LOG_LEVEL="error",
        )
        _flask(environment, "db", "upgrade")
        _flask(environment, "demo", "load")
        _flask(environment, "hotel", "set", "miramar", f"pms_url={pms.url}", f"pms_key={pms.key}", "pms_hotel_id=1")
        _flask(environment, "hotel", "set", "miramar", "pms=qloapps", "pms_rate=1000")
        yield pms, environment, datetime.now(UTC).date() + timedelta(days=1)


def cache() -> Figures:
    with _folder() as folder, _far_pms(folder) as (pms, environment, today):
        kept = far_pms.cache(pms, environment, today)
    figures: Figures = {
        source: {"answers": len(took), **{f"p{n}": round(quantile(took, n / 100) * 1000, 2) for n in (50, 95, 99)}}
        for source, took in sorted(kept.took.items())
    }
    table(
        f"{far_pms.STAYS} stays asked about, {kept.asked} questions, a PMS {far_pms.LATENCY:.1f} s away",
        ["answered from", "answers", "p50 ms", "p95 ms", "p99 ms"],
        [[source, *(str(value) for value in one.values())] for source, one in figures.items()],
    )
    print(f"  the mix: {far_pms.mix()}\n")
    figures |= {"mix": far_pms.mix(), "hit_ratio": round(kept.ratio, 3)}
    figures |= {"warm_up_seconds": round(kept.warm_up, 1), "requests": kept.requests}
    target("a hit, p95 ms", figures["cache"]["p95"], CACHE_MS)
    target("hit ratio", figures["hit_ratio"], HIT_RATIO, at_least=True)
    return figures


def hang() -> Figures:
    with _folder() as folder, _far_pms(folder) as (pms, environment, today):
        hung = far_pms.hang(pms, environment, today)
    figures: Figures = {
        "failures_ms": [round(took * 1000) for took in hung.failures],
        "sixth_ms": [round(took * 1000, 1) for took in hung.sixth],
        "told": sorted(hung.refusals),
        "trials": hung.trials,
        "rest_seconds": round(hung.rest, 1),
        "rounds": hung.rounds,
    }
    table(
        f"a PMS that hangs for {far_pms.HANG:.0f} s, {far_pms.PROCESSES} processes",
        ["", "ms"],
        [
            ["the first five calls", ", ".join(map(str, figures["failures_ms"]))],
            ["the sixth, in each process", ", ".join(map(str, figures["sixth_ms"]))],
        ],
    )
    target("the sixth call, ms", max(figures["sixth_ms"]), SIXTH_MS)
    target("trials at once when it is back", hung.trials, 1)
    target("rounds until everybody is answered", hung.rounds, 2)
    return figures


# --- holds --------------------------------------------------------------------------------------------------


def holds() -> Figures:
    with _folder() as folder, Embedded(folder / "data") as servers:
        environment = clean_environment(
            DATABASE_URL=servers.database_url,
            REDIS_URL=servers.redis_url,
            SECRET_KEY="a-secret-key-that-is-only-for-the-bench",
            DATA_DIR=str(folder / "data"),
            POSTGRES_POOL_TIMEOUT="60",
        )
        _flask(environment, "db", "upgrade")
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
            **{f"p{share}": round(quantile(one.latencies, share / 100) * 1000, 1) for share in (50, 95)},
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


# --- live ---------------------------------------------------------------------------------------------------


def live() -> Figures:
    with _folder() as folder:
        demo = Demo(folder, free_port(), None, ANSWER_PAUSE_SECONDS="0.2", DEMO_STAFF_PASSWORD=PASSWORD)
        try:
            demo.start()
            with contextlib.closing(screens.sign_in(f"http://127.0.0.1:{demo.port}", ANA, PASSWORD)) as browser:
                screens.say(demo, GUEST, "Quiero hablar con una persona")
                conversation = screens.conversation_with(demo, GUEST)
                without, quiet = screens.quiet_cost(demo, browser, conversation, SCREENS, QUIET_SECONDS)
                times = screens.on_screen(demo, browser, GUEST, ON_SCREEN)
        finally:
            demo.stop()
    figures: Figures = {
        "screens": SCREENS,
        "core_percent_without": round(without, 2),
        "core_percent_quiet": round(quiet, 2),
        "on_screen_ms": {f"p{share}": round(quantile(times, share / 100) * 1000) for share in (50, 95)},
    }
    table(
        f"{SCREENS} open screens while nothing happens, and a guest's message on one of them",
        ["core % without", "core % with", "on screen p50 ms", "p95 ms"],
        [[f"{without:.1f}", f"{quiet:.1f}", *(str(figures["on_screen_ms"][each]) for each in ("p50", "p95"))]],
    )
    target(f"{SCREENS} quiet screens, % of one core", figures["core_percent_quiet"], 10)
    target("message on screen, p95 ms", figures["on_screen_ms"]["p95"], 1000)
    return figures


def process() -> Figures:
    with (
        _folder() as folder,
        running_demo(folder, {"ANSWER_PAUSE_SECONDS": "0"}) as (demo, _),
        httpx.Client(base_url=f"http://127.0.0.1:{demo.port}", trust_env=False, timeout=30) as caller,
    ):
        token = demo.flask("token", "create", "--hotel", "miramar")
        caller.headers["Authorization"] = f"Bearer {token}"
        times = [_asked(caller, number) for number in range(WARM_UP * len(QUESTIONS) + ASKED)]
    times = times[WARM_UP * len(QUESTIONS) :]
    figures: Figures = {f"p{share}": round(quantile(times, share / 100) * 1000, 1) for share in (50, 95, 99)}
    table(
        f"POST /api/orchestrator/process, {ASKED} questions about the hotel by 20 senders, one after the other",
        ["p50 ms", "p95 ms", "p99 ms"],
        [[f"{figures[each]:.0f}" for each in ("p50", "p95", "p99")]],
    )
    target("p95 of a knowledge question, ms", figures["p95"], PROCESS_MS)
    return figures


def _asked(caller: httpx.Client, number: int) -> float:
    asked = {"hotel": "miramar", "sender_id": f"bench-{number % 20}", "text": QUESTIONS[number % len(QUESTIONS)]}
    began = time.perf_counter()
    answer = caller.post("/api/orchestrator/process", json=asked)
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    assert answer.json()["replies"], answer.text
    return took


# --- start --------------------------------------------------------------------------------------------------


def start() -> Figures:
    with _folder() as folder:
        clone = folder / "clone"
        began = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        cloned = time.monotonic() - began
        first = _first_answer(clone, folder)
        second = _first_answer(clone, folder)
    figures = {"clone": round(cloned, 1), "first": first, "second": second}
    table(
        "from `git clone` and `make demo` to an answer, seconds",
        ["", "greeted", "first message answered"],
        [
            ["first start", f"{first['greeted']:.0f}", f"{first['answered']:.0f} (and {cloned:.1f} to clone)"],
            ["second start", f"{second['greeted']:.1f}", f"{second['answered']:.1f}"],
        ],
    )
    _tell_memory(second["memory_mb"])
    return figures


def _first_answer(clone: Path, folder: Path) -> Figures:
    port, graph_port = free_port(), free_port()
    with Graph(folder / f"heard-{port}.jsonl", graph_port) as graph:
        demo = Demo(folder / "data", port, graph_port)
        # What a person's shell has set for their package index goes with them.
        demo.environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
        began = time.monotonic()
        try:
            greeted = demo.start(["make", "demo"], cwd=clone)
            body = meta.messages_body([meta.text("34600111222", "Hola")])
            status = asyncio.run(meta.Line(port).post(meta.request(body, APP_SECRET)))
            assert status == 200, f"the webhook answered {status}"
            wait_until(lambda: any(line["kind"] == "message" for line in graph.news()), 60, "no answer came", 0.02)
            answered = time.monotonic() - began
            return {"greeted": round(greeted, 1), "answered": round(answered, 1), "memory_mb": _memory(demo)}
        finally:
            demo.stop()


# --- telling ------------------------------------------------------------------------------------------------


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    print(f"\n{title}\n")
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(flush=True)


def target(what: str, figure: float, wanted: float, *, at_least: bool = False) -> None:
    met = figure >= wanted if at_least else figure <= wanted
    print(f"  {'met   ' if met else 'MISSED'}  {what}: {figure:g} ({'at least' if at_least else 'at most'} {wanted:g})")


def machine() -> Figures:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    return {
        "cpus": os.cpu_count(),
        "cpu": model,
        "memory_mb": memory,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


PARTS: dict[str, tuple[Callable[[], Figures], ...]] = {
    "intake": (intake, kills),
    "latency": (latency,),
    "inbox": (inbox,),
    "indexes": (indexes,),
    "availability": (availability,),
    "fairness": (fairness,),
    "retention": (retention,),
    "backups": (backups,),
    "cache": (cache,),
    "hang": (hang,),
    "holds": (holds,),
    "process": (process,),
    "live": (live,),
    "start": (start,),
    "all": (intake, kills, latency, inbox, indexes, availability, fairness, retention, backups, cache, hang, holds,
            process, live, start),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.bench", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=PARTS)
    part = parser.parse_args().part
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    for measure in PARTS[part]:
        facts = machine()
        told = {"command": f"python -m tests.load.bench {part}", "at": datetime.now(UTC).isoformat(), "machine": facts}
        told["figures"] = measure()
        (folder / f"{measure.__name__}.json").write_text(json.dumps(told, indent=2) + "\n")
    print(f"\nfigures: {(folder).relative_to(ROOT)}/*.json")


if __name__ == "__main__":
    main()
