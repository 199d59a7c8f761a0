"""What Prometheus is told: who may ask, what there is, and that figures are true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hotel_agent import metrics, queues
from hotel_agent.config import settings
from hotel_agent.db import CountedPool, connect, db
from hotel_agent.redis import RedisError, redis
from tests.conversations import bodies
from tests.operations import metrics_table


def figures(client: Any, **headers: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By name and labels."""
    told = client.get("/metrics", headers=headers).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def figure(client: Any, name: str, **labels: str) -> float:
    return figures(client)[name, tuple(sorted(labels.items()))]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer ", 401),
        ("Basic token", 401),
        ("Bearer the-token-of-the-tests", 200),
    ],
)
def test_with_a_token_only_whoever_has_it_is_told(client, monkeypatch, header, status):
    monkeypatch.setattr(settings(), "metrics_token", "the-token-of-the-tests")
    headers = {"Authorization": header} if header else {}
    assert client.get("/metrics", headers=headers).status_code == status


def test_the_page_about_metrics_is_true(app):
    wanted, written = metrics_table.table(), metrics_table.on_the_page()
    assert written == wanted, "run: python -m tests.operations.metrics_table"


def test_labels_have_few_values(client, marta_says, run_jobs):
    marta_says("¿A qué hora es el desayuno?")
    run_jobs()
    told = figures(client)
    guests = re.compile(r"Marta|346\d{8}|wamid|/conversations/\d")
    assert not [key for key in told if guests.search(str(key))]
    by_name = Counter(name for name, _ in told)
    assert max(by_name.values()) < 10_000  # All routes, by method and status, in eleven buckets each.


def test_what_a_body_calls_things_is_no_label(client, deliver, run_jobs):
    """A name that Meta's pages do not have may be anything, also what a guest has said."""
    words = "soy alérgica"
    message = bodies.message(words, from_=bodies.MARTA)
    status = {"id": "wamid.1", "status": words, "timestamp": message["timestamp"], "recipient_id": bodies.MARTA}
    contacts = [{"profile": {"name": "Marta"}, "wa_id": bodies.MARTA}]
    deliver(bodies.envelope(bodies.value(messages=[message], contacts=contacts), bodies.value(statuses=[status])))
    run_jobs()
    assert words not in client.get("/metrics").text
    assert figure(client, "inbound_items_total", kind="unknown") >= 1
    assert figure(client, "inbound_items_total", kind="status_unknown") >= 1


def test_what_a_guest_asks_is_counted(client, marta_says, run_jobs):
    before = figures(client)
    marta_says("¿A qué hora es el desayuno?")
    run_jobs()
    after = figures(client)
    for wanted in ("answers_total", "intents_total", "intent_confidence_count"):
        was, now = (sum(value for (name, _), value in told.items() if name == wanted) for told in (before, after))
        assert now == was + 1, wanted


def test_signing_in_is_counted_by_what_came_of_it(client, browser):
    before = figures(client).get(("sign_ins_total", (("outcome", "wrong_password"),)), 0)
    browser.post("/login", data={"email": "ana@miramar.example", "password": "wrong"})
    assert figure(client, "sign_ins_total", outcome="wrong_password") == before + 1


def test_connections_and_statements_are_told(client):
    db.session.execute(text("select 1"))
    assert figure(client, "db_connections_active", process="web") >= 1
    before = figure(client, "db_statement_seconds_count")
    slow = figure(client, "db_slow_statements_total")
    db.session.execute(text("select pg_sleep(0.11)"))
    assert figure(client, "db_statement_seconds_count") > before
    assert figure(client, "db_slow_statements_total") == slow + 1


def test_connections_are_told_also_after_the_pool_was_made_anew(client):
    db.session.remove()
    db.engine.dispose()
    db.session.execute(text("select 1"))
    assert figure(client, "db_connections_active", process="web") >= 1


def test_a_pool_that_is_used_up_is_counted(app):
    pool = CountedPool(connect, pool_size=1, max_overflow=0, timeout=0.01)  # type: ignore[arg-type]
    before = metrics.db_pool_exhausted._value.get()
    held = pool.connect()
    with pytest.raises(PoolTimeout):
        pool.connect()
    held.invalidate()
    assert metrics.db_pool_exhausted._value.get() == before + 1


def test_queues_are_told_with_how_long_the_oldest_waits(client):
    assert figure(client, "queue_lag_seconds", queue="background") == 0
    queues.nudge(queues.BACKGROUND, "workers.media.fetch")
    assert figure(client, "queue_length", queue="background") == 1
    assert figure(client, "queue_lag_seconds", queue="background") >= 0
    redis().flushdb()


def test_an_overdue_hold_is_told(client):
    assert figure(client, "holds_overdue_seconds") == 0
    db.session.execute(
        text("""
            insert into reservation_locks
                (hotel_id, resource_id, status, check_in, check_out, expires_at, hold_key, price)
            select hotel_id, id, 'active', '2031-01-01', '2031-01-02', now() - interval '5 minutes', 'k', 1
            from rooms limit 1
        """)
    )
    db.session.commit()
    assert 300 <= figure(client, "holds_overdue_seconds") < 400


def test_flags_are_told_as_they_stand_for_everybody(client):
    assert figure(client, "flag_on", flag="agent") == 1
    db.session.execute(text("insert into feature_flags (key, enabled) values ('agent', false)"))
    db.session.execute(text("insert into feature_flags (key, enabled, percentage) values ('booking', true, 25)"))
    db.session.commit()
    assert (figure(client, "flag_on", flag="agent"), figure(client, "flag_on", flag="booking")) == (0, 0.25)


def test_the_certificate_is_told_and_one_that_cannot_be_read_is_over(client, monkeypatch, tmp_path):
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=90))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "cert.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setattr(settings(), "tls_certificate", str(path))
    assert figure(client, "certificate_expiry_timestamp_seconds") == ends.timestamp()
    path.write_text("nothing")
    assert figure(client, "certificate_expiry_timestamp_seconds") == 0


def test_without_valkey_the_rest_is_told(client, monkeypatch):
    def away() -> None:
        raise RedisError

    monkeypatch.setattr(queues, "workers_alive", away)
    assert figure(client, "valkey_up") == 0
    assert figure(client, "postgres_up") == 1


def test_what_several_processes_count_is_one_sum(tmp_path):
    """Also of those that have ended; what means "now" is only of those that live."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    counts = (
        "from hotel_agent import metrics; metrics.jobs.labels('workers.media.fetch', 'done').inc(3);"
        "metrics.db_connections_active.labels('worker').set(2)"
    )
    tells = (
        "from prometheus_client import CollectorRegistry, generate_latest, multiprocess as m; r = CollectorRegistry();"
        "m.MultiProcessCollector(r); print(generate_latest(r).decode())"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", counts], env=environment, check=True, cwd=Path(__file__).parents[2])
    told = subprocess.run(
        [sys.executable, "-c", tells], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert 'jobs_total{name="workers.media.fetch",outcome="done"} 6.0' in told
    assert 'db_connections_active{process="worker"} 4.0' in told
