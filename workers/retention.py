"""Jobs that forget what is too old, a turn at a time: what is left then waits in its queue as everybody does."""

from __future__ import annotations

from hotel_agent import queues
from hotel_agent.privacy import retention
from workers import nudges


def forget_messages() -> None:
    _forget("messages")


def forget_media() -> None:
    _forget("media")


def forget_webhook_failures() -> None:
    _forget("webhook_failures")


def forget_audit_log() -> None:
    _forget("audit_log")


def _forget(what: str) -> None:
    queues.clear(f"forget:{what}")
    if retention.forget(what):
        nudges.forget(what)
