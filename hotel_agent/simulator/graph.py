"""The stand-in for Meta's Graph API: what the agent sends is checked as Meta checks it, and heard by a phone.

Limits and error codes follow Meta's pages "Messages" and "Error codes". It is more lenient in two places: a
mark as read for a message that no phone here wrote succeeds, since tests post webhooks of their own, and the
window of 24 hours is not watched.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hotel_agent.simulator import meta
from hotel_agent.simulator.meta import Errand
from hotel_agent.simulator.numbers import Number
from hotel_agent.simulator.phones import (
    Bubble,
    Chat,
    Option,
    Place,
    Section,
    Tick,
    chat_of,
    is_online,
    new_wamid,
    phone_of_user,
)

DELIVERED_AFTER_ONLINE = 0.3
DELIVERED_AFTER = 1.0
MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")
KINDS = ("text", "interactive", "location", "template", "contacts", "reaction", *MEDIA_KINDS)


class Refused(Exception):
    """Graph says no. `details` is what Meta puts below error_data."""

    def __init__(self, code: int, message: str, details: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.details, self.status = code, message, details, status

    def as_json(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": "OAuthException", "code": self.code}
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        return {"error": {**error, "fbtrace_id": "A" + secrets.token_urlsafe(16)}}


def check_token(header: str | None, *accepted: str | None) -> None:
    """Raises Refused with code 190, as Meta answers a bad access token."""
    scheme, _, given = (header or "").partition(" ")
    matches = [hmac.compare_digest(given.encode(), token.encode()) for token in accepted if token]
    if scheme.lower() != "bearer" or not any(matches):
        raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)


def unknown_object(name: str) -> Refused:
    return Refused(
        100,
        f"Unsupported post request. Object with ID '{name}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation",
    )


def hear(number: Number, body: object) -> dict[str, Any]:
    """Take in one request of the agent. Raises Refused."""
    if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
        raise Refused(100, "(#100) The parameter messaging_product is required.")
    if "status" in body:
        return _hear_read(body)
    return _hear_message(number, body)


def _hear_read(body: Mapping[str, Any]) -> dict[str, Any]:
    if body["status"] != "read":
        raise Refused(100, "(#100) Param status must be one of {read}")
    wamid = _string(body, "message_id", 1024)
    indicator = body.get("typing_indicator")
    if indicator is not None and (not isinstance(indicator, dict) or indicator.get("type") != "text"):
        raise Refused(100, "(#100) Param typing_indicator['type'] must be one of {text}")
    if chat := chat_of(wamid):
        chat.move_up_to(wamid, Tick.READ)
        if indicator:
            chat.type()
    return {"success": True}


def _hear_message(number: Number, body: Mapping[str, Any]) -> dict[str, Any]:
    to = _recipient(body)
    reference = _string(body, "biz_opaque_callback_data", 512, needed=False)
    bubble = replace(_bubble(body, new_wamid(to.phone, inbound=False)), reference=reference)
    chat = Chat(to.phone, number.id)
    chat.add(bubble, Tick.SENT)
    _report(chat, bubble)
    return {
        "messaging_product": "whatsapp",
        "contacts": [to.contact],
        "messages": [{"id": bubble.id}],
    }


def _report(chat: Chat, bubble: Bubble) -> None:
    """The status webhooks that follow. `read` comes when the page shows it; a reaction yields `sent` only."""

    def errand(tick: Tick) -> Errand:
        return Errand("status", chat.phone, chat.number, bubble.id, tick, bubble.reference)

    meta.later(0, errand(Tick.SENT))
    if bubble.kind != "reaction":
        pause = DELIVERED_AFTER_ONLINE if is_online(chat.phone) else DELIVERED_AFTER
        meta.later(pause, errand(Tick.DELIVERED))


@dataclass(frozen=True)
class Recipient:
    phone: str
    contact: dict[str, str]


def _recipient(body: Mapping[str, Any]) -> Recipient:
    """By phone, else by business-scoped user id; the answer echoes the way that was used."""
    if body.get("recipient_type", "individual") != "individual":
        raise Refused(100, "(#100) Param recipient_type must be one of {INDIVIDUAL}")
    if body.get("to"):
        digits = re.sub(r"[\s().+-]", "", str(body["to"]))
        if not re.fullmatch(r"[1-9]\d{6,14}", digits):
            raise Refused(131009, "(#131009) Parameter value is not valid", "Invalid parameter: to")
        return Recipient(digits, {"input": str(body["to"]), "wa_id": digits})
    if body.get("recipient"):
        user = str(body["recipient"])
        phone = phone_of_user(user)
        if phone is None:
            raise Refused(131026, "(#131026) Message undeliverable", "Message Undeliverable.")
        return Recipient(phone, {"input": user, "user_id": user})
    raise Refused(100, "(#100) The parameter to is required.")


def _bubble(body: Mapping[str, Any], wamid: str) -> Bubble:
    kind = body.get("type", "text")
    if kind not in KINDS:
        raise Refused(100, "(#100) Param type must be one of {" + ", ".join(KINDS).upper() + "}")
    part = _object(body, kind) if kind != "contacts" else {"contacts": body.get("contacts")}
    context = body.get("context") or {}
    quotes = _string(context, "message_id", 1024) if context else ""
    read = {"quotes": quotes, **_readers()[kind](part, kind)}
    return Bubble(id=wamid, by="hotel", at=time.time(), **read)


def _readers() -> dict[str, Any]:
    return {
        "text": _text,
        "interactive": _interactive,
        "location": _location,
        "template": _template,
        "contacts": _contacts,
        "reaction": _reaction,
        **dict.fromkeys(MEDIA_KINDS, _media),
    }


def _text(part: Mapping[str, Any], _kind: str) -> dict[str, Any]:
    if len(str(part.get("body") or "")) > 4096:
        raise Refused(100, "(#100) Param text['body'] must be at most 4096 characters long.")
    return {"kind": "text", "text": _string(part, "body", 4096)}


def _media(part: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if not (part.get("id") or part.get("link")):
        raise Refused(131008, "(#131008) Required parameter is missing", f"{kind} needs an id or a link")
    link = _string(part, "link", 2000, needed=False)
    if link and not link.startswith(("https://", "http://")):
        raise Refused(131009, "(#131009) Parameter value is not valid", "link is no http(s) URL")
    caption = _string(part, "caption", 1024, needed=False)
    name = _string(part, "filename", 240, needed=False)
    return {"kind": kind, "text": caption, "header": name, "media": link}


def _location(part: Mapping[str, Any], _kind: str) -> dict[str, Any]:
    try:
        latitude, longitude = float(part["latitude"]), float(part["longitude"])
    except (KeyError, TypeError, ValueError):
        raise Refused(131008, "(#131008) Required parameter is missing", "latitude and longitude") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Refused(131009, "(#131009) Parameter value is not valid", "latitude or longitude out of range")
    name = _string(part, "name", 1000, needed=False)
    address = _string(part, "address", 1000, needed=False)
    return {"kind": "location", "place": Place(latitude, longitude, name, address)}


def _template(part: Mapping[str, Any], _kind: str) -> dict[str, Any]:
    name = _string(part, "name", 512)
    _string(_object(part, "language"), "code", 20)
    values = [
        str(parameter.get("text") or "")
        for component in part.get("components") or []
        for parameter in component.get("parameters") or []
        if parameter.get("type") == "text"
    ]
    return {"kind": "template", "header": name, "text": " · ".join(values)}


def _contacts(part: Mapping[str, Any], _kind: str) -> dict[str, Any]:
    cards = part.get("contacts")
    if not isinstance(cards, list) or not cards:
        raise Refused(131008, "(#131008) Required parameter is missing", "contacts")
    names = [_string(_object(card, "name"), "formatted_name", 1024) for card in cards]
    return {"kind": "contacts", "text": ", ".join(names)}


def _reaction(part: Mapping[str, Any], _kind: str) -> dict[str, Any]:
    emoji = _string(part, "emoji", 32, needed=False)
    return {"kind": "reaction", "text": emoji, "quotes": _string(part, "message_id", 1024)}


def _interactive(part: Mapping[str, Any], _kind: str) -> dict[str, Any]:
    kind = part.get("type")
    readers = {
        "button": _buttons,
        "list": _list,
        "cta_url": _link_button,
        "location_request_message": _location_request,
    }
    if kind not in readers:
        every = ", ".join(readers).upper()
        raise Refused(100, f"(#100) Param interactive['type'] must be one of {{{every}}}")
    body_limit = 4096 if kind == "list" else 1024
    header = _object(part, "header", needed=False)
    words = {
        "text": _string(_object(part, "body"), "text", body_limit),
        "header": _string(header, "text", 60) if header.get("type") == "text" else "",
        "footer": _string(_object(part, "footer", needed=False), "text", 60, needed=False),
    }
    return {**words, **readers[kind](_object(part, "action"))}


def _buttons(action: Mapping[str, Any]) -> dict[str, Any]:
    replies = [_object(button, "reply") for button in _objects(action, "buttons", 1, 3)]
    options = tuple(Option(_string(reply, "id", 256), _string(reply, "title", 20)) for reply in replies)
    _unique([option.title for option in options], "Button title")
    _unique([option.id for option in options], "Button id")
    return {"kind": "buttons", "sections": (Section("", options),)}


def _list(action: Mapping[str, Any]) -> dict[str, Any]:
    given = _objects(action, "sections", 1, 10)
    sections = []
    for section in given:
        title = _string(section, "title", 24, needed=len(given) > 1)
        rows = _objects(section, "rows", 1, 10)
        sections.append(Section(title, tuple(_row(row) for row in rows)))
    every = [option.id for section in sections for option in section.options]
    if len(every) > 10:
        details = "Total row count exceed max allowed count: 10"
        raise Refused(131009, "(#131009) Parameter value is not valid", details)
    _unique(every, "Row id")
    return {"kind": "list", "opens": _string(action, "button", 20), "sections": tuple(sections)}


def _row(row: Mapping[str, Any]) -> Option:
    description = _string(row, "description", 72, needed=False)
    return Option(_string(row, "id", 200), _string(row, "title", 24), description)


def _link_button(action: Mapping[str, Any]) -> dict[str, Any]:
    parameters = _object(action, "parameters")
    url = _string(parameters, "url", 2000)
    if not url.startswith(("https://", "http://")):
        raise Refused(131009, "(#131009) Parameter value is not valid", "url must start with http:// or https://")
    return {"kind": "link", "opens": _string(parameters, "display_text", 20), "media": url}


def _location_request(action: Mapping[str, Any]) -> dict[str, Any]:
    if action.get("name") != "send_location":
        raise Refused(131009, "(#131009) Parameter value is not valid", "action name must be send_location")
    return {"kind": "location_request"}


def _object(holder: Any, name: str, *, needed: bool = True) -> Mapping[str, Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, dict):
        return value
    if value is None and not needed:
        return {}
    raise Refused(131008, "(#131008) Required parameter is missing", f"Parameter '{name}' is mandatory")


def _objects(holder: Mapping[str, Any], name: str, least: int, most: int) -> list[Mapping[str, Any]]:
    value = holder.get(name)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Refused(131008, "(#131008) Required parameter is missing", f"Parameter '{name}' is mandatory")
    if not least <= len(value) <= most:
        raise Refused(
            131009,
            "(#131009) Parameter value is not valid",
            f"Invalid {name} count. Min allowed: {least}, max allowed: {most}",
        )
    return value


def _string(holder: Mapping[str, Any], name: str, limit: int, *, needed: bool = True) -> str:
    value = holder.get(name)
    if value in (None, "") and not needed:
        return ""
    if value is None:
        raise Refused(131008, "(#131008) Required parameter is missing", f"Parameter '{name}' is mandatory")
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        details = f"Parameter '{name}' length invalid. Min length: 1, Max length: {limit}"
        raise Refused(131009, "(#131009) Parameter value is not valid", details)
    return value


def _unique(values: list[str], what: str) -> None:
    if len(set(values)) < len(values):
        raise Refused(131009, "(#131009) Parameter value is not valid", f"Duplicated {what}")
