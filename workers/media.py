"""The job that fetches what guests sent."""

from __future__ import annotations

from hotel_agent import queues
from hotel_agent.media import fetching
from workers import messages, nudges


def fetch() -> None:
    queues.clear("media")
    if fetching.fetch_due(messages.graph()):
        nudges.fetch_media()
