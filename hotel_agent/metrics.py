"""Prometheus metrics that several features count; in every process they land in PROMETHEUS_MULTIPROC_DIR."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

http_requests = Counter("http_requests_total", "HTTP requests answered.", ["method", "endpoint", "status"])
http_request_seconds = Histogram(
    "http_request_duration_seconds",
    "Time to answer an HTTP request.",
    ["method", "endpoint", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5, 5, 10),
)

webhook_bodies = Counter("webhook_bodies_total", "Webhook bodies by what was answered.", ["outcome"])
inbound_items = Counter("inbound_items_total", "Messages and statuses taken in, by what they were.", ["kind"])
webhook_failures = Counter("webhook_failures_total", "Bodies or pieces that could not be taken in.", ["reason"])
answers = Counter("answers_total", "Inbound messages by what became of them.", ["outcome"])
intents = Counter("intents_total", "Intents understood in guests' messages.", ["intent", "language"])
understanding_seconds = Histogram(
    "understanding_seconds",
    "Time to understand one message of a guest.",
    buckets=(0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5),
)
handovers = Counter("handovers_total", "Conversations handed to a person, by reason.", ["reason"])
sends = Counter("sends_total", "Attempts to send a message, by outcome and Graph error code.", ["outcome", "code"])
media_fetches = Counter("media_fetches_total", "Attempts to fetch what a guest sent, by outcome.", ["outcome"])
answer_seconds = Histogram(
    "answer_seconds",
    "From the webhook's arrival to the reply accepted by WhatsApp.",
    buckets=(0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300),
)
