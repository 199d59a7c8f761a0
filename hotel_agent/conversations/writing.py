"""What colleagues write: to the guest, freely or by a template, once however often it is asked for; and notes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid5

from flask_babel import gettext as _
from sqlalchemy import delete, select, update

from hotel_agent.channels.whatsapp.cards import mask_cards
from hotel_agent.channels.whatsapp.limits import TEXT, OutMessage, OutTemplate, OutText, length
from hotel_agent.channels.whatsapp.outgoing import from_json
from hotel_agent.conversations import canned, drafting, outbox, statuses, waiting
from hotel_agent.conversations.acting import in_own_transaction, locked_conversation
from hotel_agent.conversations.events import note_event
from hotel_agent.conversations.handover import become_staffs
from hotel_agent.conversations.models import ClientId, Conversation, Message, MessageTemplate
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound

LONGEST = 4 * TEXT
LONGEST_NOTE = 4000
# A template's values may hold no line breaks, and so many characters in all with its own words.
LONGEST_VALUE = 300
# Notes and messages may carry the same client id: what was kept as a note has not been sent.
NOTES = UUID("5b0c7e9a-4f0e-4a52-9a38-7d6a3c1e2f90")


def write(
    conversation_id: int,
    by: int,
    text: str,
    client_id: UUID,
    quoted_message_id: int | None = None,
    *,
    hotel_id: int,
) -> int:
    """Send the guest what a colleague writes, who has the conversation from then on; the id of its (first) message.

    The same `client_id` sends once and answers the same id. Raises NotFound, and BadInput for words that cannot be
    sent, among them any while the window is closed.
    """
    words = _sendable(text)

    def say(conversation: Conversation) -> int:
        if not conversation.window_is_open:
            raise BadInput("text", _("The 24-hour window is closed. Only a template can be sent."))
        quoted = _quoted(conversation, quoted_message_id) if quoted_message_id is not None else None
        return _say(conversation, by, OutText(words), quoted)

    return _once(hotel_id, conversation_id, client_id, say)


def write_template(
    conversation_id: int, by: int, template_id: int, values: list[str], client_id: UUID, *, hotel_id: int
) -> int:
    """Send a template with its places {{1}}, {{2}}, … filled, also while the window is closed. As `write`."""

    def say(conversation: Conversation) -> int:
        template = db.session.get(MessageTemplate, template_id)
        if template is None or template.hotel_id != hotel_id:
            raise NotFound("There is no such template.")
        return _say(conversation, by, filled(template, values), None)

    return _once(hotel_id, conversation_id, client_id, say)


def note(conversation_id: int, by: int, text: str, client_id: UUID, *, hotel_id: int) -> int:
    """Keep a note for colleagues, which no guest ever gets; the id of its event. The same `client_id` keeps it once.

    Raises NotFound, BadInput.
    """
    words = mask_cards(_clean(text))
    if not words:
        raise BadInput("text", _("Write something first."))
    if length(words) > LONGEST_NOTE:
        raise BadInput("text", _("This is too long: at most %(most)s characters.", most=LONGEST_NOTE))

    def keep(conversation: Conversation) -> int:
        event = note_event(conversation, "note", by, body=words)
        db.session.flush()
        return event.id

    return _once(hotel_id, conversation_id, uuid5(NOTES, str(client_id)), keep)


def send_again(message_id: int, by: int, *, hotel_id: int) -> int:
    """Send once more what failed, or may not have arrived, as a new message; its id, the same when asked twice.

    Whose the conversation is stays as it is. Raises NotFound, and BadInput where there is nothing to send again or
    the window is closed.
    """

    def work() -> int:
        conversation, old = _outbound(hotel_id, message_id)
        again = old.payload.get("sent_again_as")
        if isinstance(again, int):
            return again
        if old.status not in ("failed", "unknown"):
            raise BadInput("message", _("Only what was not sent can be sent again."))
        if not conversation.window_is_open and old.type != "template":
            raise BadInput("message", _("The 24-hour window is closed. Only a template can be sent."))
        new = _put(conversation, by, from_json(old.payload["outgoing"]), old.payload.get("context", {}).get("id"), old)
        old.status, old.payload = "cancelled", old.payload | {"sent_again_as": new}
        note_event(conversation, "sent_again", by, message=old.id)
        waiting.settle(conversation)
        return new

    return in_own_transaction(work)


def forget_client_ids() -> None:
    """Nobody asks again after a week."""
    db.session.execute(delete(ClientId).where(ClientId.created_at < utcnow() - timedelta(days=7)))
    db.session.commit()


# The one message


def _once(hotel_id: int, conversation_id: int, client_id: UUID, say: Callable[[Conversation], int]) -> int:
    def work() -> int:
        conversation = locked_conversation(hotel_id, conversation_id)
        known = db.session.get(ClientId, (conversation_id, client_id))
        if known:
            return known.message_id
        written = say(conversation)
        db.session.add(ClientId(conversation_id=conversation_id, client_id=client_id, message_id=written))
        return written

    return in_own_transaction(work)


def _say(conversation: Conversation, by: int, outgoing: OutMessage, quoted_wamid: str | None) -> int:
    """Whoever writes to the guest answers all that they said, and has the conversation when nobody else has it."""
    if conversation.owner == "agent":
        become_staffs(conversation, by)
    elif conversation.assignee_id is None:
        conversation.assignee_id = by
        note_event(conversation, "assigned", by, to=by)
    db.session.execute(
        update(Message)
        .where(Message.conversation_id == conversation.id, Message.handling.in_(("staff", "pending")))
        .values(handling="answered")
    )
    if conversation.status == "closed":
        note_event(conversation, "reopened", by)
    drafting.overtake(conversation, by)
    waiting.person_answered(conversation)
    return _put(conversation, by, outgoing, quoted_wamid)


def _put(
    conversation: Conversation, by: int, outgoing: OutMessage, quoted_wamid: str | None, old: Message | None = None
) -> int:
    answers_to = old.answers_to if old else None
    rows = outbox.put(
        conversation, outgoing, author="staff", answers_to=answers_to, staff_id=by, quoted_wamid=quoted_wamid
    )
    db.session.flush()
    return rows[0].id


def _quoted(conversation: Conversation, message_id: int) -> str:
    wamid = db.session.scalar(
        select(Message.wamid).where(Message.conversation_id == conversation.id, Message.id == message_id)
    )
    if wamid is None:
        raise BadInput("quoted", _("This message cannot be quoted."))
    return wamid


def _outbound(hotel_id: int, message_id: int) -> tuple[Conversation, Message]:
    """The hotel's own message with its conversation, both locked. Raises NotFound."""
    key = db.session.execute(
        select(Message.id, Message.created_at).where(
            Message.id == message_id, Message.hotel_id == hotel_id, Message.direction == "out"
        )
    ).first()
    found = statuses.lock_message(*key) if key else None
    if found is None:
        raise NotFound("There is no such message.")
    return found


# Words


def _sendable(text: str) -> str:
    words = _clean(text)
    if not words:
        raise BadInput("text", _("Write something first."))
    if length(words) > LONGEST:
        raise BadInput("text", _("This is too long: at most %(most)s characters.", most=LONGEST))
    empty = canned.variables_in(words)
    if empty:
        raise BadInput("text", _("Fill in %(names)s first.", names=", ".join(f"{{{{ {name} }}}}" for name in empty)))
    if mask_cards(words) != words:
        raise BadInput("text", _("This looks like a card number, which must not be sent by chat."))
    return words


def _clean(text: str) -> str:
    """Without what PostgreSQL cannot keep, and without the space around."""
    return text.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "replace").decode().strip()


def filled(template: MessageTemplate, values: list[str]) -> OutTemplate:
    """The template with its places filled in, in their order. Raises BadInput."""
    places = canned.places_in(template.body)
    given = [" ".join(_clean(value).split()) for value in values]
    missing = [f"{{{{{number}}}}}" for number in places if number > len(given) or not given[number - 1]]
    if missing:
        raise BadInput("values", _("Fill in %(names)s first.", names=", ".join(missing)))
    used = given[: max(places, default=0)]
    for value in used:
        if length(value) > LONGEST_VALUE:
            raise BadInput("values", _("This is too long: at most %(most)s characters.", most=LONGEST_VALUE))
        if mask_cards(value) != value:
            raise BadInput("values", _("This looks like a card number, which must not be sent by chat."))
    words = canned.with_places(template.body, used)
    parameters = [{"type": "text", "text": value} for value in used]
    components = ({"type": "body", "parameters": parameters},) if parameters else ()
    return OutTemplate(template.name, template.language, components, words)
