"""The front desk's pages among many conversations, and its open screens."""

from __future__ import annotations

import contextlib
import html
import random
import re
import time
from typing import Any

import httpx
import psycopg

from tests.load import crowd, screens
from tests.load.bench.ground import PASSWORD, bare_server, folder_of_its_own
from tests.load.bench.telling import Figures, milliseconds, table, target
from tests.load.installation import Demo, free_port

WARM_UP, VISITS = 5, 60
PAGE_MS, PAGE_STATEMENTS, FIRST_VISIT_KB = 50, 20, 150
SCREENS, QUIET_SECONDS, ON_SCREEN = 50, 20.0, 40
ANA, GUEST = "ana@miramar.example", "34600999000"
AS_BROWSER = {"Accept": "text/html,*/*", "Accept-Encoding": "gzip"}


def inbox() -> Figures:
    with folder_of_its_own() as folder, bare_server(folder, crowd.fill) as (port, database_url):
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
    quantiles = milliseconds(took, 50, 95)
    return {**quantiles, "kb": round(max(size) / 1000, 1), "statements": max(statements)}


def _first_visit(browser: httpx.Client) -> float:
    """kB of the inbox with all that the page asks for."""
    page = browser.get("/conversations", headers=AS_BROWSER)
    asked_for = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
    parts = [browser.get(html.unescape(address), headers=AS_BROWSER) for address in sorted(asked_for)]
    return round(sum(part.num_bytes_downloaded for part in [page, *parts]) / 1000, 1)


def live() -> Figures:
    with folder_of_its_own() as folder:
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
        "on_screen_ms": milliseconds(times, 50, 95, digits=0),
    }
    table(
        f"{SCREENS} open screens while nothing happens, and a guest's message on one of them",
        ["core % without", "core % with", "on screen p50 ms", "p95 ms"],
        [[f"{without:.1f}", f"{quiet:.1f}", *(str(figures["on_screen_ms"][each]) for each in ("p50", "p95"))]],
    )
    target(f"{SCREENS} quiet screens, % of one core", figures["core_percent_quiet"], 10)
    target("message on screen, p95 ms", figures["on_screen_ms"]["p95"], 1000)
    return figures
