"""Bodies that Meta sent to others: the shared corpus where it is at hand, else a handful of our own of each kind."""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

from tests.conversations import bodies

Json = dict[str, Any]
SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared")
CORPUS = SHARED / "whatsapp" / "corpus"


def source() -> str:
    return str(CORPUS) if CORPUS.is_dir() else "tests/conversations/recorded.py"


def recorded() -> list[Json]:
    """Every body, each with wamids of its own, as in life: fixtures use one id for many messages."""
    if not CORPUS.is_dir():
        return _ours()
    files = [path for path in sorted(CORPUS.glob("*.json")) if path.name != "INDEX.json"]
    return _with_own_ids([json.loads(path.read_text()) for path in files])


def recent(given: list[Json]) -> list[Json]:
    """The same, written within the last hour in the order in which they were written."""
    copies = copy.deepcopy(given)
    items = sorted(_items(copies), key=lambda item: int(item.get("timestamp") or 0))
    for place, item in enumerate(items):
        item["timestamp"] = str(int(time()) - len(items) + place)
    return copies


def one_by_one(given: list[Json]) -> list[Json]:
    """Each message and each status in a body of its own."""
    return [split for body in given for split in _split(body)]


def numbers(given: list[Json]) -> set[str]:
    found = {value.get("metadata", {}).get("phone_number_id") for value in _values(given)}
    return {str(number) for number in found if number}


def _with_own_ids(given: list[Json]) -> list[Json]:
    items = [item for item in _items(given) if item.get("id")]
    seen = Counter(item["id"] for item in items)
    for place, item in enumerate(items):
        if seen[item["id"]] > 1:
            item["id"] = f"{item['id']}:{place}"
    return given


def _items(given: list[Json]) -> list[Json]:
    lists = ("messages", "statuses")
    return [item for value in _values(given) for name in lists for item in value.get(name, [])]


def _values(given: list[Json]) -> Iterator[Json]:
    for body in given:
        for entry in body.get("entry", []):
            for change in entry.get("changes", []):
                if isinstance(change.get("value"), dict):
                    yield change["value"]


def _split(body: Json) -> Iterator[Json]:
    for entry in body.get("entry", []):
        for change in entry.get("changes", []):
            for name in ("messages", "statuses"):
                for item in change["value"].get(name, []):
                    others = {key: kept for key, kept in change["value"].items() if key not in ("messages", "statuses")}
                    alone = change | {"value": others | {name: [item]}}
                    yield body | {"entry": [entry | {"changes": [alone]}]}


def _ours() -> list[Json]:
    """A few of every kind in WHATSAPP.md 3 and 4."""
    message, from_guest = bodies.message, bodies.from_guest
    media = {"id": "1", "mime_type": "image/jpeg", "sha256": "x="}
    return [
        bodies.said("Hola", "wamid.1", bsuid="ES.1"),
        bodies.said("¿Hay sitio?", "wamid.2", phone=None, bsuid="ES.1"),
        bodies.said("Boa tarde", "wamid.3", phone="553188887777", name="Ana"),
        bodies.said("Boa noite", "wamid.4", phone="5531988887777", name="Ana"),
        from_guest(message("image", "wamid.5", image=media | {"caption": "el baño"})),
        from_guest(message("audio", "wamid.6", audio=media | {"voice": True})),
        from_guest(message("document", "wamid.7", document=media | {"filename": "a/b.pdf"})),
        from_guest(message("sticker", "wamid.8", sticker=media)),
        from_guest(message("location", "wamid.9", location={"latitude": 40.1, "longitude": -3.2})),
        from_guest(message("contacts", "wamid.10", contacts=[{"name": {"formatted_name": "Luis"}}])),
        from_guest(
            message(
                "interactive",
                "wamid.11",
                interactive={"type": "button_reply", "button_reply": {"id": "yes", "title": "Sí"}},
            ),
            message(
                "interactive",
                "wamid.12",
                interactive={"type": "nfm_reply", "nfm_reply": {"response_json": "{"}},
            ),
            message("button", "wamid.13", button={"text": "Sí", "payload": "yes"}),
        ),
        from_guest(message("reaction", "wamid.14", reaction={"message_id": "wamid.1", "emoji": "👍"})),
        from_guest(message("order", "wamid.15", order={"catalog_id": "1", "product_items": []})),
        bodies.number_change("34600111333", "34600111444", wamid="wamid.16"),
        bodies.said("Soy Eva", "wamid.17", phone="34600111333", name="Eva", at=time() - 60),
        bodies.said("Soy Eva otra vez", "wamid.18", phone="34600111444", name="Eva"),
        bodies.placeholder("wamid.19"),
        from_guest(message("unknown_to_everybody", "wamid.20", unknown_to_everybody={"a": [1]})),
        from_guest(
            message(
                "edit",
                "wamid.21",
                edit={
                    "original_message_id": "wamid.1",
                    "message": {"type": "text", "text": {"body": "Hola!"}},
                },
            )
        ),
        from_guest(message("revoke", "wamid.22", revoke={"original_message_id": "wamid.1"})),
        *(bodies.status("wamid.OUT1", what) for what in ("delivered", "sent", "read")),
        bodies.status("wamid.OUT2", "failed", code=131026),
        {"object": "whatsapp_business_account", "entry": []},
        bodies.envelope({"event": "VERIFIED_ACCOUNT"}, field="account_update"),
    ]
