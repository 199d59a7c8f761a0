"""A guest's message: kept on disk, answered, beside another hotel's flood, through the API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Iterator
from datetime import date, timedelta

import httpx
import psycopg

from tests.chaos.history import WAMID
from tests.load import fairness as fair
from tests.load import meta
from tests.load.bench.ground import bare_server, folder_of_its_own
from tests.load.bench.telling import Figures, memory_of, milliseconds, table, target, tell_memory
from tests.load.installation import APP_SECRET, Demo, Graph, kill, running_demo, wait_until
from tests.load.posting import PLACE, Posts, Round, closed_loop, open_loop, quantile

VIEWS = {"real": "/api/webhooks/whatsapp", "noop": "/bench/noop", "insert": "/bench/insert"}
LINES = 64
ROUNDS = 3
ROUND_SECONDS = 6.0
KILL_SECONDS = 14.0
BODY_BYTES = 850
RATES = (1, 20, 50)
LATENCY_SECONDS = 20.0
ANSWER_SECONDS = 30.0
FLOODED, FLOOD_COSTS_MS, FLOOD_SECONDS = 2000, 2000, 300.0
ASKING, PMS_SECONDS = 60, 0.6
QUANTILES = {"p50": 0.5, "p95": 0.95, "max": 1.0}
QUESTIONS = (
    "¿Tenéis parking?", "¿A qué hora es el desayuno?", "¿Hay piscina?", "¿Admitís perros?", "¿Cómo llego al hotel?",
    "Is there Wi-Fi in the room?", "How can I pay?", "Can you keep our luggage?", "Is the hotel accessible?",
    "Vocês têm academia?", "Onde fica o hotel?", "Pode fumar no quarto?",
)  # fmt: skip
WARM_UP, ASKED, PROCESS_MS = 60, 240, 200


def intake() -> Figures:
    with folder_of_its_own() as folder, bare_server(folder) as (port, database_url):
        rounds = asyncio.run(_alternate(port))
        missing = _not_on_disk(database_url, {*rounds["real"].accepted, *rounds["insert"].accepted})
    figures: Figures = {view: told(done) for view, done in rounds.items()}
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


def kills() -> Figures:
    """Every 200 is found on disk although the server and PostgreSQL died in mid-load."""
    deaths = {2: "web worker", 5: "postgres", 8: "web worker"}
    posts = Posts(_a_status(), APP_SECRET, VIEWS["real"], "KX")
    with folder_of_its_own() as folder, running_demo(folder) as (demo, _):

        def strike(second: int) -> None:
            victims = [process for process in demo.processes() if process.role == deaths.get(second)]
            if victims:
                kill(victims[0])

        done = asyncio.run(closed_loop(demo.port, posts, LINES, KILL_SECONDS, strike))
        wait_until(demo.ready, 60, "the demo does not come back")
        missing = _not_on_disk(demo.database_url, set(done.accepted))
    figures = told(done) | {"accepted_and_not_on_disk": len(missing), "killed": list(deaths.values())}
    table(
        f"kill -9 of {', '.join(deaths.values())} in {KILL_SECONDS:.0f} s of load",
        ["posts with a 200", "without", "200s not on disk"],
        [[str(len(done.accepted)), str(done.others), str(len(missing))]],
    )
    target("200s not on disk", len(missing), 0)
    return figures


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


def told(done: Round) -> Figures:
    quantiles = milliseconds(done.latencies, 50, 95, 99)
    return {"per_second": round(done.rate, 1), **quantiles, "posts": len(done.accepted), "not_200": done.others}


def latency() -> Figures:
    figures: Figures = {}
    with folder_of_its_own() as folder, running_demo(folder, {"ANSWER_PAUSE_SECONDS": "0"}) as (demo, graph):
        asyncio.run(open_loop(demo.port, _conversations(10, "349"), 5, 4))
        for rate in RATES:
            figures[f"{rate}/s"] = _one_rate(demo, graph, rate)
        memory = memory_of(demo)
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
    tell_memory(memory)
    return figures | {"memory_mb": memory}


def _one_rate(demo: Demo, graph: Graph, rate: int) -> Figures:
    wires = _conversations(max(20, rate * 10), f"34{rate:0>2}")
    posted, done = asyncio.run(open_loop(demo.port, wires, rate, LATENCY_SECONDS))
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not set(posted) - _answered(demo, graph).keys(), ANSWER_SECONDS, "answers", 0.5)
    answered = _answered(demo, graph)
    took = [answered[wamid] - at for wamid, at in posted.items() if wamid in answered]
    quantiles = milliseconds(took, 50, 95, 99)
    return {
        "sent": len(posted),
        "unanswered": len(posted) - len(took),
        **quantiles,
        "webhook_p95": told(done)["p95"],
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


def fairness() -> Figures:
    """Guests of one hotel write every half second, while nothing else is to do and while another hotel is flooded."""
    with folder_of_its_own() as folder, running_demo(folder, {"ANSWER_PAUSE_SECONDS": "0"}) as (demo, graph):
        heard = fair.Heard(graph)

        async def story() -> None:
            await fair.trickle(demo, heard, 20, "5731")
            await fair.until_answered(heard, "5731", ANSWER_SECONDS)
            await fair.flood(demo, heard, FLOODED)
            await fair.trickle(demo, heard, 20, "5732")
            await fair.until_answered(heard, "573", ANSWER_SECONDS)
            await fair.until_answered(heard, "3461", FLOOD_SECONDS)

        asyncio.run(story())
    return _later(heard, f"the {FLOODED} of the flood")


def slow_pms() -> Figures:
    """The same, where each guest of the flood asks for rooms at a hotel whose PMS takes its time."""
    settings = {"ANSWER_PAUSE_SECONDS": "0"}
    with folder_of_its_own() as folder, running_demo(folder, settings) as (demo, graph):
        heard = fair.Heard(graph)

        async def story() -> None:
            await fair.trickle(demo, heard, 20, "5731")
            await fair.until_answered(heard, "5731", ANSWER_SECONDS)
            with fair.at_a_slow_pms(demo, PMS_SECONDS):
                await fair.ask_about_rooms(demo, heard, ASKING)
                await fair.trickle(demo, heard, 20, "5732")
                await fair.until_answered(heard, "573", ANSWER_SECONDS)
                await fair.until_answered(heard, "3461", FLOOD_SECONDS)

        asyncio.run(story())
    return _later(heard, f"the {ASKING} that wait for a PMS of {PMS_SECONDS} s a request")


def _later(heard: fair.Heard, flood: str) -> Figures:
    rows = {"alone": "5731", "during the flood": "5732", flood: "3461"}
    figures: Figures = {}
    for name, prefix in rows.items():
        took = heard.delays(prefix)
        figures[name] = {q: round(quantile(took, share) * 1000) for q, share in QUANTILES.items()}
    later: int = figures["during the flood"]["max"] - figures["alone"]["p50"]
    table(
        "from a guest's message to the reply at the Graph double, two hotels, two workers",
        ["guests", *QUANTILES],
        [[name, *(str(one[q]) for q in QUANTILES)] for name, one in figures.items()],
    )
    target("later by another hotel's flood, at most, ms", later, FLOOD_COSTS_MS)
    return figures | {"later_ms": later}


def process() -> Figures:
    with (
        folder_of_its_own() as folder,
        running_demo(folder, {"ANSWER_PAUSE_SECONDS": "0"}) as (demo, _),
        httpx.Client(base_url=f"http://127.0.0.1:{demo.port}", trust_env=False, timeout=30) as caller,
    ):
        token = demo.flask("token", "create", "--hotel", "miramar")
        caller.headers["Authorization"] = f"Bearer {token}"
        times = [_asked(caller, number) for number in range(WARM_UP + ASKED)]
    times = times[WARM_UP:]
    figures: Figures = milliseconds(times, 50, 95, 99)
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
