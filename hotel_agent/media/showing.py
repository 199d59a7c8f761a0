"""What is attached to messages, for pages; and the bytes, a piece at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from hotel_agent.dashboard.shapes import Attachment
from hotel_agent.db import db
from hotel_agent.errors import NotFound
from hotel_agent.media.kinds import name_of
from hotel_agent.media.models import Media

# Small enough not to hold up other requests of the process, large enough to need few queries.
PIECE = 256 * 1024


def attachments_of(message_ids: Sequence[int]) -> dict[int, tuple[Attachment, ...]]:
    """What came with each message, in one query and without the bytes."""
    if not message_ids:
        return {}
    rows = db.session.execute(
        select(
            Media.message_id,
            Media.id,
            Media.status,
            func.coalesce(Media.playable_type, Media.mime_type).label("shown_type"),
            Media.file_name,
            Media.size,
            Media.seconds,
            Media.error,
        )
        .where(Media.message_id.in_(message_ids))
        .order_by(Media.id)
    )
    found: dict[int, tuple[Attachment, ...]] = defaultdict(tuple)
    for row in rows:
        shown = Attachment(row.id, row.status, row.shown_type, row.file_name, row.size, row.seconds, row.error)
        found[row.message_id] += (shown,)
    return dict(found)


@dataclass(frozen=True)
class File:
    """Something stored, as it is to be served. `column` says which of its two forms."""

    media_id: int
    column: str
    mime_type: str
    name: str
    length: int
    made_at: datetime

    @property
    def tag(self) -> str:
        """Names these bytes: they never change once they are stored."""
        return f"{self.media_id}-{self.column}-{self.length}-{self.made_at.timestamp():.0f}"


def file_of(media_id: int, hotel_id: int, *, original: bool) -> File:
    """The form that browsers play, or the `original`. Raises NotFound."""
    row = db.session.execute(
        select(
            Media.mime_type,
            Media.file_name,
            Media.playable_type,
            func.octet_length(Media.content).label("length"),
            func.octet_length(Media.playable).label("playable_length"),
            Media.created_at,
        ).where(Media.id == media_id, Media.hotel_id == hotel_id, Media.status == "stored")
    ).first()
    if row is None:
        raise NotFound
    if row.playable_type and not original:
        kind, column, length = row.playable_type, "playable", row.playable_length
    else:
        kind, column, length = row.mime_type, "content", row.length
    return File(media_id, column, kind, name_of(row.file_name, kind, media_id), length, row.created_at)


def pieces_of(engine: Engine, file: File, start: int, stop: int) -> Iterator[bytes]:
    """The bytes from `start` to before `stop`. No connection is held while the browser takes its time."""
    column = Media.playable if file.column == "playable" else Media.content
    for at in range(start, stop, PIECE):
        piece = select(func.substr(column, at + 1, min(PIECE, stop - at))).where(Media.id == file.media_id)
        with engine.connect() as connection:
            found = connection.scalar(piece)
        if found is None:
            return  # It has been erased meanwhile.
        yield bytes(found)
