"""Webhook bodies as Meta writes them, for what a test wants to say."""

from __future__ import annotations

import hashlib
import hmac
import json
from itertools import count
from time import time
from typing import Any

MIRAMAR, ANDES = "100000000000001", "100000000000002"
MARTA = "34600111222"
_numbers = count(1)

Json = dict[str, Any]


def sign(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def raw(body: Json) -> bytes:
    """Meta writes other letters than ASCII as escapes, and signs those bytes."""
    return json.dumps(body).encode("ascii")


def envelope(*values: Json, field: str = "messages") -> Json:
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "WABA", "changes": [{"field": field, "value": value} for value in values]}],
    }


def value(*, to: str = MIRAMAR, **lists: Any) -> Json:
    metadata = {"display_phone_number": "34910000000", "phone_number_id": to}
    return {"messaging_product": "whatsapp", "metadata": metadata} | lists


def message(kind: str = "text", wamid: str | None = None, at: float | None = None, **fields: Any) -> Json:
    """One of `messages[]`. Sender's fields are `from_` (the phone) and `from_user_id`."""
    sender = {"from": fields.pop("from_")} if fields.get("from_") else {}
    fields.pop("from_", None)
    return (
        {
            "id": wamid or f"wamid.IN{next(_numbers)}",
            "timestamp": str(int(time() if at is None else at)),
            "type": kind,
        }
        | sender
        | fields
    )


def said(
    text: str,
    wamid: str | None = None,
    *,
    phone: str | None = MARTA,
    bsuid: str | None = None,
    name: str | None = "Marta",
    at: float | None = None,
    to: str = MIRAMAR,
) -> Json:
    """A whole body: one text of one guest."""
    return from_guest(message("text", wamid, at, text={"body": text}), phone=phone, bsuid=bsuid, name=name, to=to)


def from_guest(
    *messages: Json,
    phone: str | None = MARTA,
    bsuid: str | None = None,
    name: str | None = "Marta",
    to: str = MIRAMAR,
) -> Json:
    ids = ({"from": phone} if phone else {}) | ({"from_user_id": bsuid} if bsuid else {})
    known = ({"wa_id": phone} if phone else {}) | ({"user_id": bsuid} if bsuid else {})
    contact = known | ({"profile": {"name": name}} if name else {})
    return envelope(value(to=to, contacts=[contact], messages=[ids | each for each in messages]))


def placeholder(wamid: str, **who: Any) -> Json:
    errors = [{"code": 131060, "title": "This message is currently unavailable."}]
    return from_guest(message("unsupported", wamid, errors=errors, unsupported={"type": "unknown"}), **who)


def number_change(old: str, new: str, at: float | None = None, wamid: str | None = None, to: str = MIRAMAR) -> Json:
    system = {"body": f"Marta changed from {old} to {new}", "wa_id": new, "type": "user_changed_number"}
    return envelope(value(to=to, messages=[message("system", wamid, at, from_=old, system=system)]))


def status(wamid: str, what: str, *, data: str | None = None, code: int | None = None, to: str = MIRAMAR) -> Json:
    item: Json = {"id": wamid, "status": what, "timestamp": str(int(time())), "recipient_id": MARTA}
    if data:
        item["biz_opaque_callback_data"] = data
    if code:
        item["errors"] = [{"code": code, "title": "Message undeliverable"}]
    return envelope(value(to=to, statuses=[item]))


def merged(*bodies: Json) -> Json:
    """The same messages in one delivery."""
    return {
        "object": "whatsapp_business_account",
        "entry": [entry for body in bodies for entry in body.get("entry", [])],
    }
