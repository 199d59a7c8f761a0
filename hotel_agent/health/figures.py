"""Figures read from rows and queues at scrape time: true however many processes there are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hotel_agent import VERSION, queues
from hotel_agent.backups.standing import standing
from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.flags.switches import DEFAULTS
from hotel_agent.operations.versions import COMMIT
from hotel_agent.partitions import ROWS_IN_DEFAULT
from hotel_agent.pms import breaker
from hotel_agent.redis import RedisError, quick_redis

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
      (select greatest(coalesce(extract(epoch from now() - min(due)), 0), 0) from (
          select min(expires_at) as due from reservation_locks where status = 'active'
          union all select min(expires_at) from pms_holds where status = 'active') overdue),
      (select count(*) from staff_sessions where last_seen_at > now() - interval '15 minutes'),
      (select count(*) from guest_requests where status = 'open'),
      (select coalesce(sum(made), 0) from hotels h cross join lateral (
          select count(*) as made from reservations r
          where r.hotel_id = h.id and r.changed_at > now() - interval '1 day'
            and r.created_at > now() - interval '1 day' and r.status <> 'cancelled') bookings),
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
    ("holds_overdue_seconds", "How long ago the most overdue hold should have been let go."),
    ("staff_online", "Sessions of people who have looked at a page in the last quarter of an hour."),
    ("guest_requests_open", "What guests have asked the house for, and is not done."),
    ("bookings_of_the_day", "Bookings that were made in the last 24 hours, whoever made them."),
    ("default_partition_rows", "Rows for whose month there was no partition, at most a thousand of each table."),
)
FLAGS = text("select key, enabled, percentage from feature_flags where hotel_id is null")
OF_VALKEY = (
    ("valkey_memory_used_bytes", "Memory that Valkey uses.", "used_memory"),
    ("valkey_memory_max_bytes", "Memory that Valkey may use, 0 without a bound.", "maxmemory"),
    ("valkey_clients", "Connections to Valkey.", "connected_clients"),
    ("valkey_evictions_total", "Keys that Valkey threw away because its memory was full.", "evicted_keys"),
    ("valkey_keyspace_hits_total", "Looks for a key that was there.", "keyspace_hits"),
    ("valkey_keyspace_misses_total", "Looks for a key that was not there.", "keyspace_misses"),
)
# A hotel that works with a PMS of its own has a row of pms_mirrors.
MIRRORS = text("""
    select h.slug, (select count(*) from room_conflicts c where c.hotel_id = h.id),
        extract(epoch from now() - coalesce(m.as_of, m.failed_since))
    from pms_mirrors m join hotels h on h.id = m.hotel_id where h.pms <> 'local' order by h.slug
""")


class Rows(Collector):
    """Needs an application context. What cannot be read is left out, and `up` says so."""

    def collect(self) -> Iterator[Metric]:
        yield from self._of_postgres()
        yield from self._of_valkey()
        yield from _of_the_machine()
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
        yield from _of_flags()
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

    def _of_valkey(self) -> Iterator[Metric]:
        lengths = GaugeMetricFamily("queue_length", "Jobs that wait, by queue.", labels=["queue"])
        lags = GaugeMetricFamily("queue_lag_seconds", "Age of the job that has waited longest.", labels=["queue"])
        letters = GaugeMetricFamily("dead_letters", "Jobs that failed and are kept to be looked at.", labels=["queue"])
        try:
            alive, info = queues.workers_alive(), quick_redis().info()
            for name in queues.ALL:
                waiting, age, failed = queues.standing(name)
                lengths.add_metric([name], waiting)
                lags.add_metric([name], age)
                letters.add_metric([name], failed)
        except RedisError:
            yield GaugeMetricFamily("valkey_up", "Valkey answers.", value=0)
            return
        yield GaugeMetricFamily("valkey_up", "Valkey answers.", value=1)
        yield from (lengths, lags, letters)
        yield GaugeMetricFamily("workers_alive", "Worker processes that report.", value=alive)
        for metric, meaning, key in OF_VALKEY:
            kind = CounterMetricFamily if metric.endswith("_total") else GaugeMetricFamily
            yield kind(metric.removesuffix("_total"), meaning, value=float(info.get(key, 0)))


def _of_flags() -> Iterator[GaugeMetricFamily]:
    """How each switch stands where a hotel has not set it itself."""
    rows = db.session.execute(FLAGS).all()
    db.session.rollback()
    on = GaugeMetricFamily("flag_on", "1 where a switch is on for all, a share where for some.", labels=["flag"])
    told = {name: 1.0 if enabled and percentage is None else (percentage or 0) / 100 if enabled else 0.0
            for name, enabled, percentage in rows}  # fmt: skip
    for name, default in DEFAULTS.items():
        on.add_metric([name], told.get(name, float(default)))
    yield on


def _of_the_machine() -> Iterator[GaugeMetricFamily]:
    """The disks that we write to, the program, and the certificate that guests' phones are shown."""
    free = GaugeMetricFamily("disk_free_bytes", "Room that is left, by what is written there.", labels=["path"])
    size = GaugeMetricFamily("disk_size_bytes", "How large that disk is.", labels=["path"])
    for name, folder in (("backups", settings().backup_folder), ("temporary", Path(tempfile.gettempdir()))):
        there = next((one for one in (folder, *folder.parents) if one.exists()), None)
        if there is not None:
            usage = shutil.disk_usage(there)
            free.add_metric([name], usage.free)
            size.add_metric([name], usage.total)
    yield from (free, size)
    build = GaugeMetricFamily("build_info", "Which program runs.", labels=["version", "commit"])
    build.add_metric([VERSION, COMMIT or ""], 1)
    yield build
    expiry = _certificate_expiry()
    if expiry is not None:
        yield GaugeMetricFamily("certificate_expiry_timestamp_seconds", "When TLS_CERTIFICATE ends.", value=expiry)


def _certificate_expiry() -> float | None:
    """Of the first one in the file, which is our own; 0 where it cannot be read, as if it were over."""
    path = settings().tls_certificate
    if path is None:
        return None
    try:
        return x509.load_pem_x509_certificate(Path(path).read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return 0.0


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
