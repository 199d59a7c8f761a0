"""What a hotel says about itself, written down."""

from __future__ import annotations

import re

from sqlalchemy.dialects.postgresql import insert

from hotel_agent.audit.recording import record
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput
from hotel_agent.hotels.changing import LANGUAGES
from hotel_agent.hotels.models import Knowledge

_TOPIC = re.compile(r"[a-z][a-z_]{2,40}")
# What is told in one message.
LONGEST = 4096


def check_topic(topic: str) -> None:
    if not _TOPIC.fullmatch(topic):
        raise BadInput(
            "topic",
            f"{topic!r} is no topic: it has 3 to 41 small letters without accents, or underscores, like the intent"
            " ask_parking or a topic of your own, piano_bar",
        )


def check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise BadInput("language", f"{language!r} is no language that guests are written to in: {', '.join(LANGUAGES)}")


def check_text(text: str) -> None:
    if not text.strip():
        raise BadInput("text", "the text is empty")
    if len(text.strip()) > LONGEST:
        raise BadInput("text", f"the text is too long: at most {LONGEST} characters")


def set_text(hotel_id: int, topic: str, language: str, text: str) -> None:
    """Write what a hotel says about a topic in one language. In the caller's transaction. Raises BadInput."""
    check_topic(topic)
    check_language(language)
    check_text(text)
    statement = insert(Knowledge).values(
        hotel_id=hotel_id, topic=topic, language=language, text=text.strip(), updated_at=utcnow()
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["hotel_id", "topic", "language"],
            set_={"text": statement.excluded.text, "updated_at": statement.excluded.updated_at},
        )
    )
    record("knowledge_set", topic, hotel_id=hotel_id, language=language)
