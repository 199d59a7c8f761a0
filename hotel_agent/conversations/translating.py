"""A guest's message in the words of a colleague, by a service that understands LibreTranslate's API.

Without TRANSLATION_URL there is no such service, and no page offers it. What is translated is kept nowhere.
Source: https://docs.libretranslate.com/guides/api_usage/ (POST /translate).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx
from sqlalchemy import select

from hotel_agent.config import settings
from hotel_agent.conversations.models import Conversation, Message
from hotel_agent.db import db, done_reading
from hotel_agent.errors import NotFound
from hotel_agent.logs import get_logger

log = get_logger(__name__)

SECONDS = 6.0
LONGEST = 5000
LARGEST_ANSWER = 200_000


class Untranslated(Exception):
    """The service did not answer, or not with words."""


@dataclass(frozen=True)
class Translation:
    """`language` is the ISO 639-1 code of what it was translated from, empty where the service does not tell."""

    text: str
    language: str


def is_configured() -> bool:
    return settings().translation_url is not None


def words_of(hotel_id: int, conversation_id: int, message_id: int) -> str:
    """What stands in a message. Raises NotFound."""
    words = db.session.scalar(
        select(Message.body)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.id == conversation_id,
            Conversation.hotel_id == hotel_id,
            Message.conversation_id == conversation_id,
            Message.id == message_id,
        )
    )
    done_reading()
    if not words:
        raise NotFound("There is no such message.")
    return words


def translate(words: str, language: str) -> Translation:
    """Raises Untranslated."""
    asked = {"q": words[:LONGEST], "source": "auto", "target": language, "format": "text"}
    if key := settings().translation_key:
        asked["api_key"] = key
    try:
        answer = _http().post(f"{(settings().translation_url or '').rstrip('/')}/translate", json=asked)
        answer.raise_for_status()
        return _read(answer)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        log.warning("not_translated", why=type(error).__name__)
        raise Untranslated(type(error).__name__) from None


def _read(answer: httpx.Response) -> Translation:
    if len(answer.content) > LARGEST_ANSWER:
        raise ValueError("the answer is too large")
    said: Any = answer.json()
    text = said.get("translatedText") if isinstance(said, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise ValueError("no words came back")
    found = said.get("detectedLanguage")
    language = found.get("language") if isinstance(found, dict) else None
    return Translation(text.strip(), language if isinstance(language, str) else "")


@lru_cache
def _http() -> httpx.Client:
    return httpx.Client(timeout=SECONDS, trust_env=False, follow_redirects=False)
