"""One person's pieces cut out of webhook bodies that Meta may have filled with several people's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Where a body names a message; in JSON a slash may be escaped.
_IDS = re.compile(rb'"(?:id|message_id|original_message_id)"\s*:\s*"((?:[^"\\]|\\.)*)"')
# What tells whose a piece is, wherever in it it stands: of a change of number the new one is further inside.
_WHOSE = (
    "from",
    "wa_id",
    "user_id",
    "from_user_id",
    "parent_user_id",
    "from_parent_user_id",
    "recipient_id",
    "recipient_user_id",
    "recipient_parent_user_id",
    "recipient_participant_id",
    "customer",
    "new_wa_id",
)


@dataclass(frozen=True)
class Known:
    """Somebody by all the names under which WhatsApp speaks of them (digits, scoped ids), and the ids of messages.

    `elsewhere` are the numbers of other hotels: what the same person said there is no business of this one.
    """

    names: frozenset[str]
    wamids: frozenset[str]
    elsewhere: frozenset[str] = frozenset()

    def may_be_in(self, body: bytes) -> bool:
        """A quick look, before anything is parsed."""
        if any(name.encode() in body for name in self.names):
            return True
        return any(_plain(found) in self.wamids for found in _IDS.findall(body)) if self.wamids else False

    def is_of(self, item: Any) -> bool:
        """Whether a message, a status, a contact or a preference is theirs."""
        if not isinstance(item, dict):
            return False
        if item.get("id") in self.wamids:
            return True
        own = [item, *(item[name] for name in ("system", "profile") if isinstance(item.get(name), dict))]
        return any(self._names(part.get(key)) for part in own for key in _WHOSE)

    def _names(self, value: Any) -> bool:
        return isinstance(value, str) and value.lstrip("+") in self.names


def without(body: bytes, known: Known) -> bytes | None:
    """The body without their pieces, itself where there is none in it; None where nothing of anybody else is left."""
    try:
        whole = json.loads(body)
    except ValueError:
        return None if known.may_be_in(body) else body
    if not isinstance(whole, dict) or not any(_items(whole)):
        return None if known.may_be_in(body) else body
    cut = 0
    for value in _values(whole):
        if _number(value) in known.elsewhere:
            continue
        for name, items in value.items():
            if isinstance(items, list):
                kept = [item for item in items if not known.is_of(item)]
                cut += len(items) - len(kept)
                value[name] = kept
    if not cut:
        return body
    return json.dumps(whole).encode("ascii") if any(_items(whole)) else None


def _values(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`entry[].changes[].value`, as far as it is there."""
    for entry in _dicts(whole.get("entry")):
        for change in _dicts(entry.get("changes")):
            if isinstance(change.get("value"), dict):
                yield change["value"]


def _number(value: dict[str, Any]) -> str | None:
    """Of the hotel, as Meta calls it."""
    metadata = value.get("metadata")
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    return number if isinstance(number, str) else None


def _items(whole: dict[str, Any]) -> Iterator[Any]:
    """What is told of somebody; contacts alone tell nothing."""
    for value in _values(whole):
        for name, items in value.items():
            if isinstance(items, list) and name != "contacts":
                yield from items


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _plain(found: bytes) -> str:
    return found.decode("utf-8", "replace").replace("\\/", "/")
