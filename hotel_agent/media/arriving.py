"""A message with something attached: the row that says it is to be fetched."""

from __future__ import annotations

from hotel_agent.channels.whatsapp.payload import LONGEST_ID, InboundMessage
from hotel_agent.conversations.models import Message
from hotel_agent.db import db
from hotel_agent.media.kinds import essence
from hotel_agent.media.models import Media


def await_media(row: Message, message: InboundMessage) -> None:
    """Write down that what came with a message just taken in is to be fetched. In the caller's transaction."""
    media = message.media
    if media is None or media.type != message.type or not media.id or len(media.id) > LONGEST_ID:
        return
    db.session.add(
        Media(
            hotel_id=row.hotel_id,
            conversation_id=row.conversation_id,
            message_id=row.id,
            graph_id=media.id,
            mime_type=essence(media.mime_type),
            file_name=media.filename or "",
        )
    )
