"""What an answer puts before the staff is written down with it, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable

from hotel_agent.conversations import feedback, guest_requests, missing
from hotel_agent.conversations.dialogue import Filing, Opinion, Question, Request
from hotel_agent.conversations.models import Conversation


def file(conversation: Conversation, filed: Iterable[Filing]) -> None:
    """Each thing once, however often the answer has to be written."""
    for thing in filed:
        match thing:
            case Request():
                guest_requests.file(conversation, thing)
            case Question():
                missing.file(conversation, thing)
            case Opinion():
                feedback.file(conversation, thing)
