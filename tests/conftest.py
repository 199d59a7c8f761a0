"""The ground of all tests: a private PostgreSQL and Valkey per test process, the schema from the real migrations,
both demo hotels, and a database that is as new at the start of every test.

A test that fills rows of a hotel's rates does so on a hotel of its own; everything else is put back.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.update(
    APP_ENV="test",
    SECRET_KEY="a-secret-key-that-is-only-for-tests",
    DATA_DIR=tempfile.mkdtemp(prefix="hotel-agent-env-"),
    WHATSAPP_APP_SECRET="app-secret-of-the-tests",
    WHATSAPP_ACCESS_TOKEN="access-token-of-the-tests",
    WHATSAPP_VERIFY_TOKEN="verify-token-of-the-tests",
    WHATSAPP_API_URL="http://127.0.0.1:9/v26.0",
    ANSWER_PAUSE_SECONDS="0",
    SIGN_IN_RATE="100000 per minute",
    API_RATE="100000 per minute",
    LOG_FORMAT="console",
    LOG_LEVEL="error",
)
for name in ("DATABASE_URL", "REDIS_URL", "PROMETHEUS_MULTIPROC_DIR"):
    os.environ.pop(name, None)

import pytest
from flask import Flask, g
from flask import session as flask_session
from flask.testing import FlaskClient
from rq.serializers import JSONSerializer
from sqlalchemy import text
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from hotel_agent.embedded import Embedded
from tests.conversations import bodies
from tests.fakes.graph import Graph, Heard

if TYPE_CHECKING:
    from hotel_agent.conversations.dialogue import Turn

# Large and never changed in place: rates of hotels that are not the demo's are deleted instead.
KEPT = {"rates", "alembic_version"}


def pytest_collection_finish() -> None:
    """Thousands of tests are there to the end: the collector of garbage need not look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def servers() -> Iterator[Embedded]:
    with (
        tempfile.TemporaryDirectory(prefix="hotel-agent-tests-") as folder,
        Embedded(Path(folder), durable=False) as embedded,
    ):
        os.environ.update(DATABASE_URL=embedded.database_url, REDIS_URL=embedded.redis_url)
        yield embedded


@pytest.fixture(scope="session")
def migrated_app(servers: Embedded) -> Flask:
    from flask_migrate import upgrade

    from hotel_agent import create_app, live
    from hotel_agent import redis as valkey
    from hotel_agent.config import settings
    from hotel_agent.db import db
    from hotel_agent.hotels.commands import DEMO_ACCOUNTS
    from hotel_agent.hotels.demo import load_demo
    from hotel_agent.hotels.finding import by_slug
    from hotel_agent.partitions import make_partitions
    from hotel_agent.staff import accounts

    settings.cache_clear()
    # A machine that stands still for a moment is no Valkey that is away.
    valkey.QUICK_SECONDS = valkey.SPARED_SECONDS = live.TELL_SECONDS = 20.0
    app = create_app()
    app.testing = True
    with app.app_context():
        upgrade()
        make_partitions()
        load_demo()
        for email, name, slug, role in DEMO_ACCOUNTS:
            accounts.put(email, by_slug(slug).id, role, name)
        db.session.execute(text(_snapshot()))
        db.session.commit()
    return app


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application in a context of its own, with both demo hotels loaded and nothing said yet."""
    from hotel_agent import live
    from hotel_agent import redis as valkey
    from hotel_agent.conversations import presence
    from hotel_agent.db import db
    from hotel_agent.flags import switches
    from hotel_agent.hotels import finding
    from hotel_agent.pms import breaker, limits

    valkey.redis().flushdb()
    valkey._away.until = presence._away.until = live._lost.silent_until = 0.0
    switches.forget()
    finding.forget()
    breaker._own.clear()
    limits._own.clear()
    with migrated_app.app_context():
        _put_back()
        yield migrated_app
        db.session.rollback()


@pytest.fixture
def impatient(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who asks Valkey waits for no more than a moment, and looks for it where the settings now say."""
    from hotel_agent import live
    from hotel_agent import redis as valkey

    def forget() -> None:
        for client in (valkey.quick_redis, valkey._spared_redis, live._teller):
            client.cache_clear()

    monkeypatch.setattr(valkey, "QUICK_SECONDS", 0.3)
    monkeypatch.setattr(valkey, "SPARED_SECONDS", 0.3)
    monkeypatch.setattr(live, "TELL_SECONDS", 0.3)
    forget()
    yield
    forget()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


# The cast: Ana, Luis, Eva and Olga work at Miramar, Oscar at Andes.


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., Browser]:
    """`sign_in("ana@miramar.example")`: a browser of hers that is signed in, without the slow password."""
    from hotel_agent.staff import accounts, sessions

    def sign_in(email: str) -> Browser:
        browser = Browser(app)
        token = sessions.begin(accounts.by_email(email).id, "Browser of the tests")
        browser.set_cookie(sessions.cookie_name(), token, domain="localhost")
        return browser

    return sign_in


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(app)


class Browser(FlaskClient):
    """A client that asks for pages, and sends every form with the token of the page that it was on."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app, app.response_class, use_cookies=True)

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        headers = Headers(kwargs.pop("headers", None))
        headers.setdefault("Accept", "text/html,application/xhtml+xml")
        if kwargs.get("method", "GET") == "POST":
            headers.setdefault("Origin", "http://localhost")
            if "X-CSRFToken" not in headers:
                headers["X-CSRFToken"] = self.form_token()
        return super().open(*args, headers=headers, **kwargs)

    def form_token(self) -> str:
        """What `csrf_token()` would put into a page for this browser."""
        from flask_wtf.csrf import generate_csrf

        with self.session_transaction() as kept:
            before = dict(kept)
        with self.application.test_request_context():
            flask_session.update(before)
            g.pop("csrf_token", None)
            token: str = generate_csrf()
            g.pop("csrf_token", None)
            after = dict(flask_session)
        if after != before:
            with self.session_transaction() as kept:
                kept.update(after)
        return token


# Marta and other guests speak to the signed webhook, a double of the Graph API hears the replies.


@pytest.fixture(scope="session")
def far_end() -> Iterator[Graph]:
    with Graph() as graph:
        yield graph


@pytest.fixture
def graph(app: Flask, far_end: Graph, monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    """Meta's side of sending; our client waits for it two seconds."""
    from hotel_agent.channels.whatsapp.client import GraphClient
    from workers import messages

    far_end.forget()
    with GraphClient(far_end.url, timeout=2.0) as client:
        monkeypatch.setattr(messages, "graph", lambda: client)
        yield far_end


@pytest.fixture
def sent(graph: Graph) -> Sequence[Heard]:
    """What guests have on their phones so far, in order."""
    return Sent(graph)


class Sent(Sequence[Heard]):
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __getitem__(self, place: Any) -> Any:
        return self._graph.sent[place]

    def __len__(self) -> int:
        return len(self._graph.sent)


@pytest.fixture
def deliver(client: FlaskClient) -> Callable[..., TestResponse]:
    """Post a body (a dict, or bytes as they are) to the webhook, signed as Meta does."""

    def deliver(body: Any, secret: str | None = os.environ["WHATSAPP_APP_SECRET"]) -> TestResponse:
        data = body if isinstance(body, bytes) else bodies.raw(body)
        headers = {"X-Hub-Signature-256": bodies.sign(data, secret)} if secret else {}
        return client.post("/api/webhooks/whatsapp", data=data, headers=headers, content_type="application/json")

    return deliver


@pytest.fixture
def marta_says(deliver: Callable[..., TestResponse]) -> Callable[..., None]:
    """`marta_says("Hola", wamid="w1")`; other guests by `phone`, `bsuid`, `name`, other hotels by `to`."""

    def say(text: str, wamid: str | None = None, **who: Any) -> None:
        assert deliver(bodies.said(text, wamid, **who)).status_code == 200

    return say


BODIES_LEFT = text("""
    select exists (select from inbound_events where processed_at is null and (retry_at is null or retry_at <= now()))
""")


@pytest.fixture
def run_jobs(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Empty the queues as a worker does, and be the scheduler meanwhile; a job that fails fails the test."""
    from hotel_agent import queues
    from hotel_agent.conversations.sweeping import DUE_ANSWERS
    from hotel_agent.db import db
    from hotel_agent.redis import redis
    from workers import nudges
    from workers.worker import AppWorker

    worker = AppWorker([queues.queue(name) for name in queues.ALL], connection=redis(), serializer=JSONSerializer)
    worker.app = app
    # The turns of queues go by the time that their jobs took, which is another one each time.
    monkeypatch.setattr(worker, "reorder_queues", lambda reference_queue: None)

    def nudge_due() -> bool:
        """On a busy machine a nudge ends before its turn comes."""
        bodies, due = db.session.scalar(BODIES_LEFT), db.session.scalars(DUE_ANSWERS).all()
        db.session.rollback()
        if bodies:
            nudges.take_in()
        for conversation_id in due:
            nudges.answer(conversation_id)
        return bool(bodies or due)

    def run(*, may_fail: bool = False) -> None:
        nudges.take_in()
        nudge_due()
        worker.work(burst=True, logging_level="CRITICAL")
        while nudge_due() and not may_fail:
            worker.work(burst=True, logging_level="CRITICAL")
        failed = [
            f"{job.func_name}: {result.exc_string if (result := job.latest_result()) else ''}"
            for queue in worker.queues
            for job_id in queue.failed_job_registry.get_job_ids()
            if (job := queue.fetch_job(job_id))
        ]
        assert may_fail or not failed, "\n".join(failed)

    return run


class _NoTimeLimit:
    """Signals are for main threads."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


@pytest.fixture
def lines(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of the log since the last time they were read."""
    import structlog

    from hotel_agent import logs
    from hotel_agent.config import settings

    written = StringIO()
    monkeypatch.setattr(sys, "stderr", written)

    def read() -> list[dict[str, Any]]:
        told = [json.loads(line) for line in written.getvalue().splitlines()]
        written.truncate(written.seek(0))
        return told

    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers, level, known = root.handlers[:], root.level, structlog.get_config()
    logs.configure(settings().model_copy(update={"log_format": "json", "log_level": "info"}))
    logs.tell_of_ends()
    yield read
    logging.captureWarnings(False)
    logging.basicConfig(handlers=handlers, level=level, force=True)
    structlog.configure(**known)
    sys.excepthook, threading.excepthook = hooks


@pytest.fixture
def api_worker(app: Flask) -> Iterator[None]:
    """Four workers in threads do what requests wait for."""
    from hotel_agent import queues
    from hotel_agent.redis import redis
    from workers.worker import AppWorker

    lanes, over = [queues.queue(name) for name in (queues.API, queues.SLOW_ANSWERS)], threading.Event()

    def work() -> None:
        worker = AppWorker(lanes, connection=redis(), serializer=JSONSerializer)
        worker.app = app
        worker.death_penalty_class = _NoTimeLimit  # type: ignore[assignment]
        while not over.is_set():
            found = lanes[0].dequeue_any(
                lanes, None, connection=redis(), job_class=worker.job_class, serializer=JSONSerializer
            )
            if found:
                worker.execute_job(*found)
            else:
                over.wait(0.005)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> list[Turn]:
    """In place of the dialogue: answers with what it heard. The list of turns that it was asked for."""
    from hotel_agent.channels.whatsapp.limits import OutText
    from hotel_agent.conversations import answering
    from hotel_agent.conversations.dialogue import Answer

    turns: list[Turn] = []

    def reply_to(turn: Turn) -> Answer:
        turns.append(turn)
        words = " + ".join(heard.text for heard in turn.heard)
        state = {"answers": turn.state.get("answers", 0) + 1}
        return Answer((OutText(f"re: {words}"),), None, state, turn.language or "es")

    monkeypatch.setattr(answering, "reply_to", reply_to)
    return turns


def _tables() -> list[str]:
    from hotel_agent.db import db

    return [table.name for table in db.metadata.sorted_tables if table.name not in KEPT]


def _snapshot() -> str:
    return "create schema snapshot;" + "".join(
        f"create table snapshot.{name} as table public.{name};" for name in _tables()
    )


# How many rows each table has when it is as new, and the last transaction that wrote one of them.
_as_new: dict[str, tuple[int, int]] = {}


def _put_back() -> None:
    """Only the rows that were touched: to write hundreds of stays anew takes longer than most tests.

    Foreign keys sleep meanwhile, so that the order of tables does not matter and nothing cascades.
    """
    from hotel_agent.db import db

    touched = [name for name, *state in db.session.execute(text(_states(_tables()))) if _as_new.get(name) != (*state,)]
    if touched:
        db.session.execute(text("set local session_replication_role = replica"))
        for name in touched:
            _, last = _as_new.get(name, (0, 0))
            same = " and ".join(f"now.{key.name} = was.{key.name}" for key in db.metadata.tables[name].primary_key)
            db.session.execute(text(f"delete from public.{name} where xmin::text::bigint > {last}"))
            db.session.execute(
                text(
                    f"insert into public.{name} select * from snapshot.{name} was"
                    f" where not exists (select from public.{name} now where {same})"
                )
            )
        for name, *state in db.session.execute(text(_states(touched))):
            _as_new[name] = (*state,)
    if "room_types" in touched:
        db.session.execute(text("delete from rates where room_type_id not in (select id from room_types)"))
    db.session.commit()


def _states(names: list[str]) -> str:
    return " union all ".join(
        f"select '{name}', count(*), coalesce(max(xmin::text::bigint), 0) from public.{name}" for name in names
    )
