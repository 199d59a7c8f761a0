"""A job that translates a message for a colleague who waits."""

from __future__ import annotations

from hotel_agent.conversations import translating
from hotel_agent.conversations.translating import Untranslated


def translate(hotel_id: int, conversation_id: int, message_id: int, language: str) -> dict[str, str]:
    """`text` is empty where the service did not translate it."""
    try:
        found = translating.translate(translating.words_of(hotel_id, conversation_id, message_id), language)
    except Untranslated:
        return {"text": "", "language": ""}
    return {"text": found.text, "language": found.language}
