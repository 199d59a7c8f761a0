"""What may be sent, cut to what Meta takes, and as the body that the Graph API wants.

Lengths are counted in UTF-16 units, the strictest of the ways in which Meta may count an emoji.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

TEXT, CAPTION = 4096, 1024
BUTTONS, BUTTON_TITLE, BUTTON_ID, BUTTON_BODY = 3, 20, 256, 1024
ROWS, ROW_TITLE, ROW_ID, ROW_DESCRIPTION, LIST_BODY = 10, 24, 200, 72, 4096
LIST_BUTTON, SECTION_TITLE, FOOTER, CALLBACK_DATA = 20, 24, 60, 512

_JOINER = "\u200d"
# Where a text is best cut, best first. Each match ends with the space that may be lost.
_CUTS = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"\s*\n\s*"),
    re.compile(r"(?<=[.!?…。])[\"'»”’)\]]*\s+"),
    re.compile(r"\s+"),
)


@dataclass(frozen=True)
class Choice:
    id: str
    title: str


@dataclass(frozen=True)
class Row:
    id: str
    title: str
    description: str | None = None


@dataclass(frozen=True)
class OutText:
    text: str
    preview_url: bool = False


@dataclass(frozen=True)
class OutButtons:
    """Up to three buttons; with more it becomes a list that opens with `more`, in the guest's language."""

    text: str
    buttons: tuple[Choice, ...]
    footer: str | None = None
    more: str = "☰"


@dataclass(frozen=True)
class OutList:
    text: str
    button: str
    rows: tuple[Row, ...]
    title: str | None = None
    footer: str | None = None


@dataclass(frozen=True)
class OutLocation:
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class OutImage:
    """An image by public `link` or by the `media_id` of an upload."""

    link: str | None = None
    media_id: str | None = None
    caption: str | None = None


@dataclass(frozen=True)
class OutTemplate:
    """`words` are what the guest reads, as far as we know Meta's template; they are not sent."""

    name: str
    language: str
    components: tuple[dict[str, Any], ...] = field(default=())
    words: str = ""


_Item = TypeVar("_Item", Choice, Row)
OutMessage = OutText | OutButtons | OutList | OutLocation | OutImage | OutTemplate


@dataclass(frozen=True)
class Recipient:
    """A phone in digits as WhatsApp wrote it (`Sender.wa_id`), or a business-scoped id when there is none."""

    phone: str | None = None
    bsuid: str | None = None


def fit(message: OutMessage) -> list[OutMessage]:
    """The messages that carry `message` within Meta's limits, in order; none if it has nothing to say."""
    match message:
        case OutText():
            return [replace(message, text=piece) for piece in split_text(message.text)]
        case OutButtons():
            return _fit_buttons(message)
        case OutList():
            return _fit_list(message)
        case OutImage(caption=str() as caption):
            first, *rest = split_text(caption, CAPTION) or [""]
            left = caption.strip()[len(first) :]
            texts = [OutText(piece) for piece in split_text(left)] if rest else []
            return [replace(message, caption=first or None), *texts]
        case _:
            return [message]


def to_graph(
    message: OutMessage,
    to: Recipient,
    callback_data: str | None = None,
    quoted_wamid: str | None = None,
) -> dict[str, Any]:
    """The body of POST /<phone number id>/messages. What does not fit is cut: `fit` it before.

    Raises ValueError without a recipient and for callback data over 512 characters.
    """
    if callback_data is not None and len(callback_data) > CALLBACK_DATA:
        raise ValueError("callback data is too long")
    kind, content = _content(message)
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_address(to),
        "type": kind,
        kind: content,
    }
    if quoted_wamid:
        body["context"] = {"message_id": quoted_wamid}
    if callback_data:
        body["biz_opaque_callback_data"] = callback_data
    return body


def split_text(text: str, limit: int = TEXT) -> list[str]:
    """`text` in pieces of at most `limit`: at the end of a paragraph, else a line, a sentence, a word.

    Only the space at the cuts is lost. A word or link longer than `limit` is cut between characters as seen.
    """
    pieces = []
    rest = text.strip()
    while length(rest) > limit:
        end, start = _cut(rest, limit)
        pieces.append(rest[:end])
        rest = rest[start:]
    return [*pieces, rest] if rest else pieces


def length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def shorten(text: str, limit: int) -> str:
    """`text` on one line, ending in "…" if it had to be cut."""
    line = " ".join(text.split())
    return line if length(line) <= limit else f"{line[: _whole(line, limit - 1)].rstrip()}…"


def _cut(text: str, limit: int) -> tuple[int, int]:
    """Where the first piece ends and the next begins. Only the end of a word may lie in the first half."""
    most = _whole(text, limit)
    for cut in _CUTS:
        last = None
        for found in cut.finditer(text, 0, most + 1):
            words_end = found.start() + len(found[0].rstrip())
            if 0 < words_end <= most:
                last = words_end
        if last is not None and (last >= most // 2 or cut is _CUTS[-1]):
            return last, last + len(text[last:]) - len(text[last:].lstrip())
    return most, most


def _whole(text: str, limit: int) -> int:
    """The index up to which `text` fits `limit` without cutting a character as people see it; at least 1."""
    end = used = 0
    while end < len(text) and used + length(text[end]) <= limit:
        used += length(text[end])
        end += 1
    best = end
    while 0 < best < len(text) and _joined(text, best):
        best -= 1
    return best or max(end, 1)


def _joined(text: str, at: int) -> bool:
    """Whether the characters around `at` look like one: accents, skin tones, families, keycaps, flags."""
    after = text[at]
    if text[at - 1] == _JOINER or after == _JOINER or unicodedata.category(after).startswith("M"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    flags = 0
    while flags < at and _is_flag_half(text[at - 1 - flags]):
        flags += 1
    return _is_flag_half(after) and flags % 2 == 1


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _fit_buttons(message: OutButtons) -> list[OutMessage]:
    buttons = _unique(message.buttons)
    if not buttons:
        return fit(OutText(message.text))
    if len(buttons) > BUTTONS:
        rows = tuple(Row(button.id, button.title) for button in buttons)
        return _fit_list(OutList(message.text, message.more, rows, footer=message.footer))
    texts, body = _before_the_end(message.text, BUTTON_BODY)
    titles = _different([_title(button, BUTTON_TITLE) for button in buttons], BUTTON_TITLE)
    fitted = tuple(Choice(button.id[:BUTTON_ID], title) for button, title in zip(buttons, titles, strict=True))
    return [*texts, OutButtons(body, fitted, _short(message.footer, FOOTER), message.more)]


def _fit_list(message: OutList) -> list[OutMessage]:
    rows = _unique(message.rows)[:ROWS]
    if not rows:
        return fit(OutText(message.text))
    texts, body = _before_the_end(message.text, LIST_BODY)
    titles = _different([_title(row, ROW_TITLE) for row in rows], ROW_TITLE)
    fitted = tuple(_fit_row(row, title) for row, title in zip(rows, titles, strict=True))
    return [
        *texts,
        OutList(
            body,
            shorten(message.button, LIST_BUTTON) or "☰",
            fitted,
            _short(message.title, SECTION_TITLE),
            _short(message.footer, FOOTER),
        ),
    ]


def _fit_row(row: Row, title: str) -> Row:
    """A title that had to be cut is told in full in the description."""
    whole = " ".join(row.title.split())
    words = " · ".join(filter(None, (whole if whole and whole != title else None, row.description)))
    return Row(row.id[:ROW_ID], title, _short(words, ROW_DESCRIPTION))


def _before_the_end(text: str, limit: int) -> tuple[list[OutMessage], str]:
    """The texts to say first, and the last piece, which goes with the choices."""
    pieces = split_text(text, limit) or ["…"]
    before = text.strip()[: -len(pieces[-1])]
    return [OutText(piece) for piece in split_text(before)] if len(pieces) > 1 else [], pieces[-1]


def _unique(items: Sequence[_Item]) -> list[_Item]:
    """Meta refuses two choices of one id: the first stays."""
    return list({item.id: item for item in reversed(items) if item.id}.values())[::-1]


def _title(item: Choice | Row, limit: int) -> str:
    return shorten(item.title, limit) or shorten(item.id, limit)


def _different(titles: Iterable[str], limit: int) -> list[str]:
    """Titles made different by a number: Meta refuses equal ones, and people could not choose."""
    made: list[str] = []
    for title in titles:
        count, different = 1, title
        while different.casefold() in (other.casefold() for other in made):
            count += 1
            different = f"{shorten(title, limit - len(str(count)) - 1)} {count}"
        made.append(different)
    return made


def _short(text: str | None, limit: int) -> str | None:
    return shorten(text, limit) or None if text else None


def _address(to: Recipient) -> dict[str, str]:
    if to.phone:
        # Without "+" Meta puts the business's own country code before the number.
        return {"to": f"+{to.phone.lstrip('+')}"}
    if to.bsuid:
        return {"recipient": to.bsuid}
    raise ValueError("nobody to send to")


def _content(message: OutMessage) -> tuple[str, dict[str, Any]]:
    match message:
        case OutText(text, preview_url):
            return "text", {"body": _first(text, TEXT), "preview_url": preview_url}
        case OutButtons() | OutList():
            return _choices(message)
        case OutLocation(latitude, longitude, name, address):
            named = {"name": name, "address": address}
            return "location", {"latitude": latitude, "longitude": longitude, **_told(named)}
        case OutImage(link, media_id, caption):
            source = {"id": media_id} if media_id else {"link": link}
            return "image", {**source, **_told({"caption": _first(caption, CAPTION) if caption else None})}
        case OutTemplate(name, language, components):
            known = {"name": name, "language": {"code": language}}
            return "template", {**known, **_told({"components": list(components)})}


def _choices(message: OutButtons | OutList) -> tuple[str, dict[str, Any]]:
    fitted = fit(message)[-1] if message.text.strip() else fit(replace(message, text="…"))[-1]
    if isinstance(fitted, OutButtons):
        buttons = [{"type": "reply", "reply": {"id": one.id, "title": one.title}} for one in fitted.buttons]
        return "interactive", _interactive("button", fitted, {"buttons": buttons})
    if isinstance(fitted, OutList):
        rows = [_told({"id": row.id, "title": row.title, "description": row.description}) for row in fitted.rows]
        section = {**_told({"title": fitted.title}), "rows": rows}
        return "interactive", _interactive("list", fitted, {"button": fitted.button, "sections": [section]})
    return _content(fitted)


def _interactive(kind: str, message: OutButtons | OutList, action: dict[str, Any]) -> dict[str, Any]:
    footer = {"footer": {"text": message.footer}} if message.footer else {}
    return {"type": kind, "body": {"text": message.text}, **footer, "action": action}


def _first(text: str, limit: int) -> str:
    pieces = split_text(text, limit - 1) if length(text) > limit else [text]
    return pieces[0] if len(pieces) == 1 else f"{pieces[0]}…"


def _told(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
