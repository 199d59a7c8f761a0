"""Bodies as Meta sends them: the public corpus where it is at hand, and one of every type written here."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(os.environ.get("WHATSAPP_CORPUS", Path(__file__).parents[4] / "shared" / "whatsapp" / "corpus"))


@pytest.fixture(scope="session")
def corpus():
    """File name to body; empty where the corpus is not at hand."""
    files = sorted(CORPUS.glob("[0-9]*.json")) if CORPUS.is_dir() else []
    return {file.stem: file.read_bytes() for file in files}


@pytest.fixture(scope="session")
def every_type():
    """A body with every type of message and status, from Marta."""
    own = {"from": "34600123456", "from_user_id": "ES.1349", "timestamp": "1750000000"}
    media = {"id": "900", "mime_type": "image/jpeg", "sha256": "abc="}
    contents: list[dict[str, Any]] = [
        {"type": "text", "text": {"body": "Hola"}},
        {"type": "image", "image": {**media, "caption": "La vista"}},
        {"type": "video", "video": media},
        {"type": "voice", "voice": media},
        {"type": "document", "document": {**media, "filename": "../dni/á.pdf"}},
        {"type": "sticker", "sticker": media},
        {"type": "location", "location": {"latitude": 39.5, "longitude": -0.25, "name": "Playa"}},
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Marta"},
                    "phones": [{"phone": "+34 600 12 34 56", "wa_id": "34600123456"}],
                    "origin": "contact_request",
                }
            ],
        },
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "b", "title": "Sí"}},
        },
        {
            "type": "interactive",
            "interactive": {"type": "list_reply", "list_reply": {"id": "l", "title": "Doble"}},
        },
        {
            "type": "interactive",
            "interactive": {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": '{"a": 1}'}},
        },
        {"type": "button", "button": {"text": "Vale", "payload": "p"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.0"}},
        {"type": "order", "order": {"product_items": [{"product_retailer_id": "x", "quantity": 2}]}},
        {"type": "system", "system": {"type": "user_changed_number", "wa_id": "34600999999"}},
        {"type": "unsupported", "errors": [{"code": 131060, "title": "Unavailable"}]},
        {
            "type": "edit",
            "edit": {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "Ay"}}},
        },
        {"type": "revoke", "revoke": {"original_message_id": "wamid.1"}},
        {"type": "something_new", "something_new": {"x": 1}},
        {"text": {"body": "sin tipo"}},
    ]
    messages = [{**own, "id": f"wamid.{index}", **content} for index, content in enumerate(contents)]
    status = {
        "id": "wamid.out",
        "status": "failed",
        "timestamp": "1750000001",
        "recipient_id": "34600123456",
        "biz_opaque_callback_data": "42",
        "errors": [{"code": 131047, "title": "Re-engagement", "error_data": {"details": "24 hours"}}],
    }
    return envelope(messages, statuses=[status])


class Bodies:
    """Many bodies that a failing test does not print."""

    def __init__(self, bodies):
        self.bodies = bodies


@pytest.fixture(scope="session")
def every_body(corpus, every_type):
    return Bodies([every_type, *corpus.values()])


def envelope(messages=(), statuses=(), contacts=None, **value) -> bytes:
    """A signed-to-be body from number 100 of our account."""
    if contacts is None:
        contacts = [{"profile": {"name": "Marta"}, "wa_id": "34600123456", "user_id": "ES.1349"}]
    value |= {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "34960000000", "phone_number_id": "100"},
        "contacts": contacts,
        "messages": list(messages),
        "statuses": list(statuses),
    }
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


@pytest.fixture(scope="session")
def body_of():
    return envelope
