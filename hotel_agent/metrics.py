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
answers_blocked = Counter("answers_blocked_total", "Answers not sent because a fact in them is on no record.", ["kind"])
intents = Counter("intents_total", "Intents understood in guests' messages.", ["intent", "language"])
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
    "From the webhook's arrival to the reply accepted by WhatsApp.",
    buckets=(0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300),
)
