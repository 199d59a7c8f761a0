"""What a hotel says about itself, written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select
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


def texts(hotel_id: int, topic: str | None = None) -> Sequence[Knowledge]:
    """What a hotel has written, by topic and language."""
    query = select(Knowledge).where(Knowledge.hotel_id == hotel_id).order_by(Knowledge.topic, Knowledge.language)
    return db.session.scalars(query.where(Knowledge.topic == topic) if topic else query).all()


class WrittenMeanwhile(Exception):
    """Somebody else has written other words since; `now` maps the language to them."""

    def __init__(self, now: Mapping[str, str]) -> None:
        super().__init__(", ".join(now))
        self.now = now


def write(hotel_id: int, topic: str, wanted: Mapping[str, str], seen: Mapping[str, str]) -> bool:
    """Bring a topic's texts into line; an empty one is taken away. False where nothing was to be changed.

    `seen` is what whoever writes had before their eyes, by language. Raises BadInput with the language as its field
    for a text that will not do, WrittenMeanwhile. Commits.
    """
    check_topic(topic)
    now = {row.language: row.text for row in _locked(hotel_id, topic)}
    changed = {language: text.strip() for language, text in wanted.items() if _differs(text, now.get(language, ""))}
    overtaken = {one: now.get(one, "") for one in changed if _differs(seen[one], now.get(one, ""))}
    if overtaken:
        db.session.rollback()
        raise WrittenMeanwhile(overtaken)
    for language, text in changed.items():
        _write_one(hotel_id, topic, language, text)
    db.session.commit()
    return bool(changed)


def remove(hotel_id: int, topic: str) -> bool:
    """Take a topic away in every language; the agent will ask a colleague instead. Commits."""
    gone = db.session.scalars(
        delete(Knowledge).where(Knowledge.hotel_id == hotel_id, Knowledge.topic == topic).returning(Knowledge.language)
    ).all()
    if gone:
        record("knowledge_removed", topic, hotel_id=hotel_id, languages=", ".join(sorted(gone)))
    db.session.commit()
    return bool(gone)


def _locked(hotel_id: int, topic: str) -> Sequence[Knowledge]:
    query = select(Knowledge).where(Knowledge.hotel_id == hotel_id, Knowledge.topic == topic)
    return db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def _differs(one: str, other: str) -> bool:
    """Browsers send other line ends than they were given."""
    return one.replace("\r\n", "\n").strip() != other.replace("\r\n", "\n").strip()


def _write_one(hotel_id: int, topic: str, language: str, text: str) -> None:
    if not text:
        db.session.execute(
            delete(Knowledge).where(
                Knowledge.hotel_id == hotel_id, Knowledge.topic == topic, Knowledge.language == language
            )
        )
        record("knowledge_removed", topic, hotel_id=hotel_id, languages=language)
        return
    if len(text) > LONGEST:
        db.session.rollback()
        raise BadInput(language, f"the text is too long: at most {LONGEST} characters")
    set_text(hotel_id, topic, language, text)
