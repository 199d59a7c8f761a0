"""Figures read from rows and queues at scrape time: true however many processes there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hotel_agent import queues
from hotel_agent.backups.standing import standing
from hotel_agent.db import db
from hotel_agent.partitions import ROWS_IN_DEFAULT
from hotel_agent.pms import breaker
from hotel_agent.redis import RedisError

ROWS = text(f"""
    select
      (select count(*) from inbound_events where processed_at is null),
      (select coalesce(extract(epoch from now() - min(received_at)), 0) from inbound_events where processed_at is null),
      (select count(*) from conversations where answer_due_at <= now()),
      (select coalesce(extract(epoch from now() - min(answer_due_at)), 0) from conversations
         where answer_due_at <= now()),
      (select count(*) from messages where status = 'queued'),
      (select coalesce(extract(epoch from now() - min(created_at)), 0) from messages where status = 'queued'),
      (select count(*) from messages where status = 'unknown'),
      (select count(*) from conversations where status = 'waiting'),
      (select count(*) from tenant_user_identifiers where stopped_at is not null),
      (select count(*) from reservation_locks where status = 'active' and expires_at > now())
        + (select coalesce(sum(jsonb_array_length(rooms)), 0) from pms_holds
            where status = 'active' and expires_at > now()),
      (select coalesce(pg_sequence_last_value(pg_get_serial_sequence('lock_audit', 'id')::regclass), 0)),
      (select count(*) from webhook_failures where resolved_at is null),
      {ROWS_IN_DEFAULT}
""")
NAMES = (
    ("intake_waiting", "Webhook bodies kept and not yet taken in."),
    ("intake_lag_seconds", "Age of the oldest body that waits to be taken in."),
    ("answers_due", "Conversations whose answer is due."),
    ("answers_lag_seconds", "How long the most overdue answer has been due."),
    ("outbox_queued", "Messages that wait to be sent."),
    ("outbox_lag_seconds", "Age of the oldest message that waits to be sent."),
    ("outbox_unknown", "Sends whose outcome is unknown."),
    ("conversations_waiting", "Conversations that wait for a person."),
    ("lanes_stopped", "WhatsApp numbers from which nothing is sent because Meta refuses the credentials."),
    ("holds_active", "Rooms held for guests who decide."),
    ("lock_audit_rows", "Rows that lock_audit has been given so far, those that were rolled back included."),
    ("webhook_failures_open", "Bodies that could not be taken in and wait to be looked at."),
    ("default_partition_rows", "Rows for whose month there was no partition, at most a thousand of each table."),
)
# A hotel that works with a PMS of its own has a row of pms_mirrors.
MIRRORS = text("""
    select h.slug, (select count(*) from room_conflicts c where c.hotel_id = h.id),
        extract(epoch from now() - coalesce(m.as_of, m.failed_since))
    from pms_mirrors m join hotels h on h.id = m.hotel_id where h.pms <> 'local' order by h.slug
""")


class Rows(Collector):
    """Needs an application context. What cannot be read is left out, and `up` says so."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._of_postgres()
        yield from self._of_valkey()
        states = GaugeMetricFamily("pms_circuit_breaker_state", "0 closed, 1 open, 2 half-open.", labels=["pms"])
        for name, state in breaker.states().items():
            states.add_metric([name], state)
        yield states

    def _of_postgres(self) -> Iterator[GaugeMetricFamily]:
        try:
            row = db.session.execute(ROWS).one()
            mirrors = db.session.execute(MIRRORS).all()
        except SQLAlchemyError:
            yield GaugeMetricFamily("postgres_up", "PostgreSQL answers.", value=0)
            return
        finally:
            db.session.rollback()
        yield GaugeMetricFamily("postgres_up", "PostgreSQL answers.", value=1)
        for (name, meaning), value in zip(NAMES, row, strict=True):
            yield GaugeMetricFamily(name, meaning, value=float(value))
        yield from _of_backups()
        conflicts = GaugeMetricFamily("pms_conflicts", "Rooms that a PMS has sold twice.", labels=["hotel"])
        age = GaugeMetricFamily(
            "pms_mirror_age_seconds",
            "How long ago a PMS's arrivals, departures and guests were read, or since when they cannot be.",
            labels=["hotel"],
        )
        for slug, count, seconds in mirrors:
            conflicts.add_metric([slug], count)
            if seconds is not None:
                age.add_metric([slug], float(seconds))
        yield from (conflicts, age)

    def _of_valkey(self) -> Iterator[GaugeMetricFamily]:
        lengths = GaugeMetricFamily("queue_length", "Jobs that wait, by queue.", labels=["queue"])
        try:
            for name in queues.ALL:
                lengths.add_metric([name], queues.queue(name).count)
            alive = queues.workers_alive()
        except RedisError:
            yield GaugeMetricFamily("valkey_up", "Valkey answers.", value=0)
            return
        yield GaugeMetricFamily("valkey_up", "Valkey answers.", value=1)
        yield lengths
        yield GaugeMetricFamily("workers_alive", "Worker processes that report.", value=alive)


def _of_backups() -> Iterator[GaugeMetricFamily]:
    """What has not happened yet is left out, so that an alert asks for what is absent."""
    now = standing()
    db.session.rollback()
    told = (
        ("backup_last_success_timestamp_seconds", "When the newest backup was finished.", _seconds(now.at)),
        ("backup_last_size_bytes", "How large the newest backup is.", now.size),
        ("backup_last_duration_seconds", "How long the newest backup took.", now.seconds),
        ("backup_failures", "Backups that failed, of those on record.", now.failures),
        ("backup_copy_failed", "1 where the newest backup should have a copy elsewhere.", bool(now.copy_error)),
        ("backup_drill_last_timestamp_seconds", "When a backup was last tried.", _seconds(now.tried_at)),
        ("backup_drill_failed", "1 where the backup that was tried last could not be restored.",
         bool(now.trouble) if now.tried_at else None),
    )  # fmt: skip
    for name, meaning, value in told:
        if value is not None:
            yield GaugeMetricFamily(name, meaning, value=float(value))


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None


COUNTED = re.compile(r'^pms_cache_requests_total\{layer="(\w+)"\} (\S+)$', re.MULTILINE)


class HitRatio(Collector):
    """From what all processes have counted since they share the counters."""

    def __init__(self, counted: str) -> None:
        self._counted = counted

    def collect(self) -> Iterator[GaugeMetricFamily]:
        asked: Counter[str] = Counter()
        for layer, count in COUNTED.findall(self._counted):
            asked[layer] += int(float(count))
        known = asked["l1"] + asked["l2"]
        ratio = GaugeMetricFamily("pms_cache_hit_ratio", "Share of questions about rooms that no PMS was asked for.")
        if known + asked["pms"]:
            ratio.add_metric([], known / (known + asked["pms"]))
        yield ratio
