"""Outgoing messages as rows keep them: what they are, the words in them, JSON and back."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from hotel_agent.channels.whatsapp.limits import (
    Choice,
    OutButtons,
    OutImage,
    OutList,
    OutLocation,
    OutMessage,
    OutTemplate,
    OutText,
    Row,
)

_KINDS: dict[str, type[OutMessage]] = {
    "text": OutText,
    "buttons": OutButtons,
    "list": OutList,
    "location": OutLocation,
    "image": OutImage,
    "template": OutTemplate,
}
_NAMES = {message_type: kind for kind, message_type in _KINDS.items()}


def kind_of(message: OutMessage) -> str:
    """text, buttons, list, location, image or template."""
    return _NAMES[type(message)]


def words_of(message: OutMessage) -> str:
    """What the person on the other side reads, buttons and rows aside."""
    match message:
        case OutText() | OutButtons() | OutList():
            return message.text
        case OutLocation():
            return "\n".join(filter(None, (message.name, message.address)))
        case OutImage():
            return message.caption or ""
        case OutTemplate():
            return message.words or message.name


def to_json(message: OutMessage) -> dict[str, Any]:
    return {"kind": kind_of(message)} | asdict(message)


def from_json(kept: dict[str, Any]) -> OutMessage:
    """Raises KeyError for a kind that nobody writes."""
    message_type = _KINDS[kept["kind"]]
    known = {field.name: kept[field.name] for field in fields(message_type) if field.name in kept}
    if "buttons" in known:
        known["buttons"] = tuple(Choice(**choice) for choice in known["buttons"])
    if "rows" in known:
        known["rows"] = tuple(Row(**row) for row in known["rows"])
    if "components" in known:
        known["components"] = tuple(known["components"])
    return message_type(**known)
