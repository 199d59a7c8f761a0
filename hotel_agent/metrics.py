"""Prometheus metrics that several features count; in every process they land in PROMETHEUS_MULTIPROC_DIR."""

from __future__ import annotations

import os
from time import monotonic

from prometheus_client import Counter, Gauge, Histogram

# What kind of process this is: web, worker or scheduler. Whoever starts one that is not web says so.
role = "web"

http_requests = Counter("http_requests_total", "HTTP requests answered.", ["method", "endpoint", "status"])
http_request_seconds = Histogram(
    "http_request_duration_seconds",
    "Time to answer an HTTP request.",
    ["method", "endpoint", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5, 5, 10),
)

webhook_bodies = Counter("webhook_bodies_total", "Webhook bodies by what was answered.", ["outcome"])
requests_shed = Counter("requests_shed_total", "Requests turned away at the door: too much at once.", ["reason"])
inbound_items = Counter("inbound_items_total", "Messages and statuses taken in, by what they were.", ["kind"])
webhook_failures = Counter("webhook_failures_total", "Bodies or pieces that could not be taken in.", ["reason"])
answers = Counter("answers_total", "Inbound messages by what became of them.", ["outcome"])
answers_blocked = Counter("answers_blocked_total", "Answers not sent because a fact in them is on no record.", ["kind"])
intents = Counter("intents_total", "Intents understood in guests' messages.", ["intent", "language"])
intent_confidence = Histogram(
    "intent_confidence",
    "How sure the engine was of the first intent of a message.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1),
)
fallbacks = Counter("fallbacks_total", "Messages that were not understood, by what was done.", ["reason"])
understanding_seconds = Histogram(
    "understanding_seconds",
    "Time to understand one message of a guest.",
    buckets=(0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5),
)
handovers = Counter("handovers_total", "Conversations handed to a person, by reason.", ["reason"])
drafts = Counter("drafts_total", "Answers proposed to people of the hotel, and what became of them.", ["outcome"])
guest_requests = Counter("guest_requests_total", "What guests asked people of a hotel to do, by kind.", ["kind"])
missing_answers = Counter("missing_answers_total", "Questions for which a colleague was promised to be asked.")
proactive_messages = Counter(
    "proactive_messages_total", "Messages of the hotel's own account, by what became of them.", ["kind", "outcome"]
)
sends = Counter("sends_total", "Attempts to send a message, by outcome and Graph error code.", ["outcome", "code"])
media_fetches = Counter("media_fetches_total", "Attempts to fetch what a guest sent, by outcome.", ["outcome"])
answer_seconds = Histogram(
    "answer_seconds",
    "From the webhook's arrival to the reply accepted by WhatsApp, those that a person has approved left out.",
    buckets=(0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300),
)
sign_ins = Counter("sign_ins_total", "Attempts of people to sign in, by outcome.", ["outcome"])

db_connections_active = Gauge(
    "db_connections_active", "Connections to PostgreSQL in use.", ["process"], multiprocess_mode="livesum"
)
db_connections_idle = Gauge(
    "db_connections_idle", "Connections to PostgreSQL that wait in pools.", ["process"], multiprocess_mode="livesum"
)
db_pool_exhausted = Counter("db_pool_exhausted_total", "Times that no connection of a pool came free in time.")
db_connection_wait = Histogram(
    "db_connection_wait_time_seconds",
    "Time to be given a connection of a pool, a new one included.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5),
)
db_statement_seconds = Histogram(
    "db_statement_seconds",
    "Statements that the ORM's session sent to PostgreSQL.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
db_slow_statements = Counter("db_slow_statements_total", "Statements that took longer than 100 ms.")
valkey_command_seconds = Histogram(
    "valkey_command_seconds",
    "Commands to Valkey, those that wait for something left out.",
    buckets=(0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5),
)
jobs = Counter("jobs_total", "Jobs that workers have done, by what came of them.", ["name", "outcome"])
job_seconds = Histogram(
    "job_seconds",
    "Time that workers were at a job.",
    ["name"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600),
)
rows_forgotten = Counter("rows_forgotten_total", "Rows that were older than they are kept, by table.", ["table"])
upkeep_failures = Counter("upkeep_failures_total", "Steps of the hourly upkeep that failed.", ["step"])
memory = Gauge(
    "process_memory_bytes", "Memory of our own processes, by kind.", ["process"], multiprocess_mode="livesum"
)

_PAGE = os.sysconf("SC_PAGE_SIZE")
MEMORY_EVERY_SECONDS = 5.0


class _Noted:
    memory = 0.0


def note_memory() -> None:
    """From time to time, by whatever the process does anyway."""
    if monotonic() < _Noted.memory + MEMORY_EVERY_SECONDS:
        return
    _Noted.memory = monotonic()
    try:
        with open("/proc/self/statm", "rb") as file:
            memory.labels(role).set(int(file.read().split()[1]) * _PAGE)
    except OSError:  # No /proc: not Linux.
        return
