"""Meta's webhook bodies as values. Each message and status is read on its own: one odd item costs no other.

Field names and their traps: Meta's webhook reference, and what its fixtures in the wild show. Words are given
as they came; mask cards in the body first (`cards.mask_cards_in_body`).
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from hotel_agent.channels.whatsapp.json_body import read_json

Json = dict[str, Any]
Kind = Literal["answerable", "acknowledge", "silent"]

LONGEST_ID = 512  # of a wamid or an identity: they become keys of an index
_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")

# What is answered (CONTRACT, "What is answered"). The rest gets one acknowledgement, then staff.
_KINDS: dict[str, Kind] = {
    "text": "answerable",
    "button": "answerable",
    "interactive/button_reply": "answerable",
    "interactive/list_reply": "answerable",
    "location": "answerable",
    "reaction": "silent",
    "edit": "silent",
    "revoke": "silent",
    "system": "silent",
    "unsupported/edit": "silent",  # how an edit arrives on a number without coexistence
}
_MEDIA = ("image", "video", "audio", "document", "sticker")
# The object that tells the type of a message that came without one.
_TELLING = ("text", *_MEDIA, "voice", "location", "contacts", "interactive", "button", "reaction", "order")
_TELLING_LAST = ("edit", "revoke", "system", "unsupported")
# What Meta's pages name. Whatever else a body says is no name for a figure: it may be anything, a guest's words too.
_TYPES = frozenset({*_TELLING, *_TELLING_LAST})
_STATUSES = frozenset({"sent", "delivered", "read", "played", "failed", "deleted", "warning"})
_COMMON = frozenset({"id", "from", "from_user_id", "from_parent_user_id", "timestamp", "type", "group_id"})
_UNAVAILABLE_FOR_NOW = 131060


class UnreadableBody(ValueError):
    """The body as a whole is no WhatsApp webhook; `reason` quotes nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class GraphError:
    code: int | None
    title: str
    message: str
    details: str


@dataclass(frozen=True)
class Contact:
    """One of `contacts[]`. `phone` is canonical (`canonical_phone`), `wa_id` the digits as Meta wrote it."""

    phone: str | None = None
    wa_id: str | None = None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    name: str | None = None
    username: str | None = None


@dataclass(frozen=True)
class Sender(Contact):
    """Who wrote: the message's own ids, completed from the contact that belongs to it."""

    @property
    def known(self) -> bool:
        return bool(self.phone or self.bsuid or self.parent_bsuid)


@dataclass(frozen=True)
class Context:
    quoted_wamid: str | None
    forwarded: bool
    product: Json | None


@dataclass(frozen=True)
class Media:
    """`type` is image, video, audio, document or sticker; `filename` is safe to show and to store under."""

    type: str
    id: str | None
    mime_type: str | None
    sha256: str | None
    filename: str | None
    caption: str | None
    voice: bool
    url: str | None


@dataclass(frozen=True)
class Location:
    latitude: float
    longitude: float
    name: str | None
    address: str | None


@dataclass(frozen=True)
class Reaction:
    target_wamid: str | None
    emoji: str | None  # None: the reaction was taken back


@dataclass(frozen=True)
class SystemEvent:
    """`kind` is Meta's word: user_changed_number, user_changed_user_id, customer_identity_changed …

    The ids before the change are in the message's `sender` too, as far as they were told.
    """

    kind: str
    previous_phone: str | None
    previous_bsuid: str | None
    previous_parent_bsuid: str | None
    new_phone: str | None
    new_wa_id: str | None
    new_bsuid: str | None
    new_parent_bsuid: str | None


@dataclass(frozen=True)
class InboundMessage:
    wamid: str
    sent_at: datetime | None  # Meta's time, UTC, to the second
    type: str
    subtype: str | None  # of interactive, unsupported and system
    body: str  # what staff can read
    reply_id: str | None  # what was tapped: trust this, never the title
    sender: Sender
    context: Context | None = None
    media: Media | None = None
    location: Location | None = None
    reaction: Reaction | None = None
    edit_of: str | None = None
    revoke_of: str | None = None
    system: SystemEvent | None = None
    placeholder: bool = False  # the content may still come under the same wamid (131060)
    errors: tuple[GraphError, ...] = ()
    referral: Json | None = None
    group_id: str | None = None
    trusted_phone: str | None = None  # the guest's own number, given after we asked for it
    payload: Json = field(default_factory=dict)  # what else came, JSON-ready

    @property
    def kind(self) -> Kind:
        """answerable, acknowledge (one acknowledgement, then staff) or silent.

        A location is answerable when it was asked for, which only the caller knows. An "answerable" type that
        says nothing, and words said in a group, go to staff.
        """
        exact = f"{self.type}/{self.subtype}" if self.subtype else self.type
        kind = _KINDS.get(exact) or _KINDS.get(self.type) or "acknowledge"
        says_something = bool(self.location if self.type == "location" else self.body.strip() or self.reply_id)
        if kind == "answerable" and (self.group_id or not says_something):
            return "acknowledge"
        return kind

    @property
    def named(self) -> str:
        """The type as figures and traces tell it."""
        return self.type if self.type in _TYPES else "unknown"


@dataclass(frozen=True)
class StatusUpdate:
    wamid: str
    status: str  # sent, delivered, read, played, failed, or what Meta adds next
    occurred_at: datetime | None
    recipient_phone: str | None
    recipient_bsuid: str | None
    recipient_parent_bsuid: str | None
    callback_data: str | None
    errors: tuple[GraphError, ...]
    pricing_category: str | None
    contacts: tuple[Contact, ...]  # those that belong to the recipient
    group_id: str | None

    @property
    def named(self) -> str:
        """The status as figures tell it."""
        return self.status if self.status in _STATUSES else "unknown"


@dataclass(frozen=True)
class Preference:
    """The guest's own switch in WhatsApp for a business's messages; `value` is stop or resume."""

    phone: str | None
    bsuid: str | None
    category: str
    value: str
    occurred_at: datetime | None


@dataclass(frozen=True)
class Unreadable:
    reason: str
    where: str  # e.g. entry[0].changes[1].value.messages[2]
    raw: Any


@dataclass(frozen=True)
class Change:
    """One change. Only field `messages` (or none at all) has messages and statuses, `user_preferences` has
    preferences; others only `value`."""

    field: str
    phone_number_id: str | None
    waba_id: str | None
    messages: tuple[InboundMessage, ...]
    statuses: tuple[StatusUpdate, ...]
    errors: tuple[GraphError, ...]
    contacts: tuple[Contact, ...]
    value: Json
    preferences: tuple[Preference, ...] = ()


@dataclass(frozen=True)
class Delivery:
    changes: tuple[Change, ...]
    unreadable: tuple[Unreadable, ...]


def parse(body: bytes) -> Delivery:
    """Everything in a webhook body. Raises UnreadableBody only when it is no WhatsApp envelope at all."""
    try:
        envelope = read_json(body)
    except ValueError as error:
        raise UnreadableBody(str(error)) from None
    if not isinstance(envelope, dict):
        raise UnreadableBody("not an object")
    if envelope.get("object") != "whatsapp_business_account":
        raise UnreadableBody("not of object whatsapp_business_account")
    if not isinstance(envelope.get("entry"), list):
        raise UnreadableBody("no list of entries")
    return _Reading().delivery(envelope["entry"])


def canonical_phone(value: object) -> str | None:
    """The digits of a phone in one form, however WhatsApp writes it; None if it is no phone.

    The same mobile comes as 55 31 8… and 55 31 9 8… (Brazil), 52 and 52 1 (Mexico), 54 and 54 9 (Argentina).
    For an identity only: send to the `wa_id` as it came.
    """
    digits = _phone_digits(value)
    if digits is None:
        return None
    if digits.startswith("55") and len(digits) == 12 and digits[4] in "6789":
        return f"{digits[:4]}9{digits[4:]}"
    if digits.startswith("521") and len(digits) == 13:
        return f"52{digits[3:]}"
    if digits.startswith("54") and len(digits) == 12:
        return f"549{digits[2:]}"
    return digits


def same_phone(one: object, other: object) -> bool:
    phone = canonical_phone(one)
    return phone is not None and phone == canonical_phone(other)


class _Odd(Exception):
    """An item that cannot be read, and why."""


class _Reading:
    """Reads one delivery, collecting what cannot be read in the order in which it stood."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.unreadable: list[Unreadable] = []

    def delivery(self, entries: list[Any]) -> Delivery:
        for index, entry in enumerate(entries):
            where = f"entry[{index}]"
            if isinstance(entry, dict):
                read = partial(self.change, waba_id=_text(entry.get("id")))
                for place, change in self.items(entry, "changes", where):
                    self.one(place, change, read)
            else:
                self.give_up("not an object", where, entry)
        return Delivery(tuple(self.changes), tuple(self.unreadable))

    def change(self, raw: Any, where: str, waba_id: str | None) -> None:
        if not isinstance(raw, dict) or not isinstance(raw.get("value"), dict):
            raise _Odd("no value")
        value = raw["value"]
        named = _text(raw.get("field"))
        ours = named == "messages" or (named is None and ("messages" in value or "statuses" in value))
        contacts = tuple(_contact(contact) for contact in _objects(value.get("contacts")))
        messages: list[InboundMessage] = []
        statuses: list[StatusUpdate] = []
        preferences: list[Preference] = []
        if named == "user_preferences":
            for place, one in self.items(value, "user_preferences", f"{where}.value"):
                self.one(place, one, lambda one, _: preferences.append(_preference(one)))
        if ours:
            self.messages(value, contacts, f"{where}.value", messages)
            self.statuses(value, contacts, f"{where}.value", statuses)
        self.changes.append(
            Change(
                field=named or ("messages" if ours else ""),
                phone_number_id=_text(_object(value.get("metadata")).get("phone_number_id")),
                waba_id=waba_id,
                messages=tuple(messages),
                statuses=tuple(statuses),
                errors=_errors(value.get("errors")),
                contacts=contacts,
                value=value,
                preferences=tuple(preferences),
            )
        )

    def messages(self, value: Json, contacts: tuple[Contact, ...], where: str, into: list[InboundMessage]) -> None:
        found = self.items(value, "messages", where)
        authors = {_own_identity(raw) for _, raw in found if isinstance(raw, dict)}
        only = contacts[0] if len(contacts) == 1 and len(authors) == 1 else None
        for place, raw in found:
            self.one(place, raw, lambda raw, _: into.append(_message(raw, contacts, only)))

    def statuses(self, value: Json, contacts: tuple[Contact, ...], where: str, into: list[StatusUpdate]) -> None:
        for place, raw in self.items(value, "statuses", where):
            self.one(place, raw, lambda raw, _: into.append(_status(raw, contacts)))

    def items(self, parent: Json, key: str, where: str) -> list[tuple[str, Any]]:
        found = parent.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            self.give_up("not a list", f"{where}.{key}", found)
            return []
        return [(f"{where}.{key}[{index}]", item) for index, item in enumerate(found)]

    def one(self, where: str, raw: Any, read: Callable[[Any, str], None]) -> None:
        try:
            read(raw, where)
        except _Odd as odd:
            self.give_up(str(odd), where, raw)
        except Exception as error:
            # Neighbours must not be lost over what nobody foresaw; the item is kept and can be replayed.
            self.give_up(type(error).__name__, where, raw)

    def give_up(self, reason: str, where: str, raw: Any) -> None:
        self.unreadable.append(Unreadable(reason, where, raw))


def _message(raw: Any, contacts: tuple[Contact, ...], only: Contact | None) -> InboundMessage:
    if not isinstance(raw, dict):
        raise _Odd("not an object")
    wamid = _wamid(raw)
    kind = _type(raw)
    errors = _errors(raw.get("errors"))
    system = _system(raw) if kind == "system" else None
    edited = _object(_object(raw.get("edit")).get("message")) if kind == "edit" else {}
    shown = edited if kind == "edit" else raw
    media = _media(shown, _type(shown) if edited else kind)
    location = _location(_object(raw.get("location"))) if kind == "location" else None
    reaction = _reaction(_object(raw.get("reaction"))) if kind == "reaction" else None
    return InboundMessage(
        wamid=wamid,
        sent_at=_time(raw.get("timestamp")),
        type=kind,
        subtype=_subtype(raw, kind),
        body=_body(raw, kind, media, location),
        reply_id=_reply_id(raw, kind),
        sender=_sender(raw, contacts, only, system),
        context=_context(raw.get("context")),
        media=media,
        location=location,
        reaction=reaction,
        edit_of=_text(_object(raw.get("edit")).get("original_message_id")) if kind == "edit" else None,
        revoke_of=_text(_object(raw.get("revoke")).get("original_message_id")) if kind == "revoke" else None,
        system=system,
        placeholder=kind in ("unsupported", "unknown") and any(error.code == _UNAVAILABLE_FOR_NOW for error in errors),
        errors=errors,
        referral=_object(raw.get("referral")) or None,
        group_id=_text(raw.get("group_id")),
        trusted_phone=_trusted_phone(raw) if kind == "contacts" else None,
        payload={key: value for key, value in raw.items() if key not in _COMMON and key != "text"},
    )


def _wamid(raw: Json) -> str:
    wamid = _text(raw.get("id"))
    if wamid is None:
        raise _Odd("no id")
    if len(wamid) > LONGEST_ID:
        raise _Odd("id too long")
    return wamid


def _type(raw: Json) -> str:
    told = raw.get("type")
    if isinstance(told, str) and told.strip():
        return "audio" if told == "voice" else told.strip()[:64]
    for name in (*_TELLING, *_TELLING_LAST):
        if name in raw:
            return "audio" if name == "voice" else name
    return "unsupported" if raw.get("errors") else "unknown"


def _subtype(raw: Json, kind: str) -> str | None:
    if kind not in ("interactive", "unsupported", "system"):
        return None
    inner = _object(raw.get(kind))
    told = _text(inner.get("type"))
    if told is None and kind == "interactive":
        return next((name for name in ("button_reply", "list_reply", "nfm_reply") if name in inner), None)
    return told[:64] if told else None


def _interactive(raw: Json) -> tuple[str | None, Json]:
    """The subtype of an interactive message and the object of that name."""
    subtype = _subtype(raw, "interactive")
    return subtype, _object(_object(raw.get("interactive")).get(subtype or ""))


def _reply_id(raw: Json, kind: str) -> str | None:
    if kind == "button":
        return _text(_object(raw.get("button")).get("payload"))
    if kind == "interactive":
        subtype, reply = _interactive(raw)
        return _text(reply.get("id")) if subtype in ("button_reply", "list_reply") else None
    return None


def _body(raw: Json, kind: str, media: Media | None, location: Location | None) -> str:
    """What staff read, in no language of its own."""
    inner = raw.get(kind)
    if kind == "text":
        return _words(inner, "body")
    if media is not None and kind == media.type:
        return _media_words(media)
    if kind == "location":
        return _location_words(location) if location else "📍"
    if kind == "contacts":
        return "\n".join(_card_words(card) for card in _objects(inner)) or "👤"
    if kind == "order":
        return _order_words(_object(inner))
    if kind == "reaction":
        return _words(inner, "emoji") or "[reaction removed]"
    if kind == "button":
        return _words(inner, "text") or _words(inner, "payload")
    if kind == "interactive":
        return _interactive_words(raw)
    if kind == "system":
        return _words(inner, "body") or f"[{_subtype(raw, kind) or 'system'}]"
    if kind == "edit":
        message = _object(_object(inner).get("message"))
        return f"✏️ {_body(message, _type(message), media, None)}" if message else "✏️"
    if kind == "revoke":
        return "[deleted]"
    subtype = _subtype(raw, kind)
    return f"[{kind}: {subtype}]" if subtype else f"[{kind}]"


def _words(inner: Any, key: str) -> str:
    return _text(inner.get(key) if isinstance(inner, dict) else inner) or ""


def _media_words(media: Media) -> str:
    if media.type == "sticker":
        return "[sticker]"
    if media.type == "document":
        return "\n".join(filter(None, (f"📄 {media.filename or 'document'}", media.caption)))
    return media.caption or {"image": "📷 image", "video": "🎬 video", "audio": "🎤 audio"}[media.type]


def _location_words(location: Location) -> str:
    place = ", ".join(filter(None, (location.name, location.address)))
    point = f"({location.latitude:.6f}, {location.longitude:.6f})"
    return f"📍 {place} {point}" if place else f"📍 {point}"


def _card_words(card: Json) -> str:
    name = _object(card.get("name"))
    full = _text(name.get("formatted_name")) or " ".join(
        filter(None, (_text(name.get("first_name")), _text(name.get("last_name"))))
    )
    phones = [_text(phone.get("phone") or phone.get("wa_id")) for phone in _objects(card.get("phones"))]
    emails = [_text(email.get("email")) for email in _objects(card.get("emails"))]
    return f"👤 {', '.join(filter(None, (full, *phones, *emails)))}".strip()


def _order_words(order: Json) -> str:
    lines = [_order_line(item) for item in _objects(order.get("product_items"))]
    return "\n".join(filter(None, (_text(order.get("text")), *lines))) or "🛒"


def _order_line(item: Json) -> str:
    price = " ".join(filter(None, (_text(item.get("item_price")), _text(item.get("currency")))))
    what = f"{_text(item.get('quantity')) or '1'} × {_text(item.get('product_retailer_id')) or '?'}"
    return f"🛒 {what} ({price})" if price else f"🛒 {what}"


def _interactive_words(raw: Json) -> str:
    subtype, reply = _interactive(raw)
    if subtype == "nfm_reply":
        return _answers_words(reply)
    if subtype == "call_permission_reply":
        return f"📞 {_text(reply.get('response')) or ''}".strip()
    return _text(reply.get("title")) or _text(reply.get("id")) or f"[{subtype or 'interactive'}]"


def _answers_words(reply: Json) -> str:
    """A Flow's answers, a line each; only its label when Meta's inner JSON is broken."""
    told = reply.get("response_json")
    try:
        answers = read_json(told.encode("utf-8", "replace")) if isinstance(told, str) else told
    except ValueError:
        answers = None
    lines = [
        f"{key}: {_text(value) if not isinstance(value, dict | list) else value}"
        for key, value in _object(answers).items()
        if key != "flow_token"
    ]
    return "📋 " + ("\n".join(lines) or _text(reply.get("body")) or _text(reply.get("name")) or "")


def _media(raw: Json, kind: str) -> Media | None:
    if kind not in _MEDIA:
        return None
    inner = _object(raw.get(kind)) or (_object(raw.get("voice")) if kind == "audio" else {})
    return Media(
        type=kind,
        id=_text(inner.get("id")),
        mime_type=_text(inner.get("mime_type")),
        sha256=_text(inner.get("sha256")),
        filename=_filename(inner.get("filename")),
        caption=_text(inner.get("caption")),
        voice=inner.get("voice") is True or "voice" in raw or raw.get("type") == "voice",
        url=_text(inner.get("url")),
    )


def _filename(value: Any) -> str | None:
    name = _text(value)
    if name is None:
        return None
    safe = re.sub(r'[/\\:*?"<>|\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]', "_", name).strip(". ")
    return safe[-200:] or "_"


def _location(inner: Json) -> Location | None:
    latitude, longitude = _degrees(inner.get("latitude"), 90), _degrees(inner.get("longitude"), 180)
    if latitude is None or longitude is None:
        return None
    return Location(latitude, longitude, _text(inner.get("name")), _text(inner.get("address")))


def _degrees(value: Any, most: int) -> float | None:
    try:
        degrees = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= most else None


def _reaction(inner: Json) -> Reaction:
    return Reaction(_text(inner.get("message_id")), _text(inner.get("emoji")))


def _context(value: Any) -> Context | None:
    context = _object(value)
    if not context:
        return None
    return Context(
        quoted_wamid=_text(context.get("id")),
        forwarded=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
        product=_object(context.get("referred_product")) or None,
    )


def _trusted_phone(raw: Json) -> str | None:
    for card in _objects(raw.get("contacts")):
        phones = _objects(card.get("phones"))
        if card.get("origin") == "contact_request" and phones:
            return canonical_phone(phones[0].get("wa_id")) or canonical_phone(phones[0].get("phone"))
    return None


def _system(raw: Json) -> SystemEvent:
    inner = _object(raw.get("system"))
    before = _identity(raw.get("from"))
    after = _identity(inner.get("wa_id") or inner.get("new_wa_id"))
    return SystemEvent(
        kind=_subtype(raw, "system") or "",
        previous_phone=before.phone,
        previous_bsuid=_opaque(inner.get("previous_user_id")) or before.bsuid,
        previous_parent_bsuid=_opaque(inner.get("previous_parent_user_id")),
        new_phone=after.phone,
        new_wa_id=after.wa_id,
        new_bsuid=_opaque(inner.get("user_id")) or after.bsuid,
        new_parent_bsuid=_opaque(inner.get("parent_user_id")),
    )


def _sender(raw: Json, contacts: tuple[Contact, ...], only: Contact | None, system: SystemEvent | None) -> Sender:
    own = _own_identity(raw)
    if system is not None:
        return Sender(
            own.phone,
            own.wa_id,
            system.previous_bsuid or own.bsuid,
            system.previous_parent_bsuid or own.parent_bsuid,
        )
    contact = next((contact for contact in contacts if _same_person(own, contact)), None) or only
    if contact is None:
        return Sender(own.phone, own.wa_id, own.bsuid, own.parent_bsuid)
    if _contradict(own, contact):
        # The name is the best there is, but ids of what may be two people must not be joined.
        return Sender(own.phone, own.wa_id, own.bsuid, own.parent_bsuid, contact.name, contact.username)
    return Sender(
        own.phone or contact.phone,
        own.wa_id or contact.wa_id,
        own.bsuid or contact.bsuid,
        own.parent_bsuid or contact.parent_bsuid,
        contact.name,
        contact.username,
    )


def _own_identity(raw: Json) -> Contact:
    shown = _identity(raw.get("from"))
    return Contact(
        phone=shown.phone,
        wa_id=shown.wa_id,
        bsuid=_opaque(raw.get("from_user_id")) or shown.bsuid,
        parent_bsuid=_opaque(raw.get("from_parent_user_id")) or shown.parent_bsuid,
    )


def _same_person(one: Contact, other: Contact) -> bool:
    pairs = ((one.phone, other.phone), (one.bsuid, other.bsuid))
    return any(ours is not None and ours == theirs for ours, theirs in pairs) and not _contradict(one, other)


def _contradict(one: Contact, other: Contact) -> bool:
    """Whether both show the same sort of id, and it differs. The phone may lag behind the scoped id."""
    if one.bsuid and other.bsuid:
        return one.bsuid != other.bsuid
    return bool(one.phone and other.phone and one.phone != other.phone)


def _contact(raw: Json) -> Contact:
    profile = _object(raw.get("profile"))
    shown = _identity(raw.get("wa_id"))
    username = _text(profile.get("username"))
    return Contact(
        phone=shown.phone,
        wa_id=shown.wa_id,
        bsuid=_opaque(raw.get("user_id")) or (shown.bsuid if _BSUID.fullmatch(shown.bsuid or "") else None),
        parent_bsuid=_opaque(raw.get("parent_user_id")) or shown.parent_bsuid,
        name=_text(profile.get("name")),
        username=username.removeprefix("@") or None if username else None,
    )


def _identity(value: Any) -> Contact:
    """What stands under `from`, `wa_id` or `recipient_id`: a phone, or at times a scoped id."""
    told = _opaque(value)
    if told is None:
        return Contact()
    scoped = _BSUID.fullmatch(told)
    if scoped and scoped[1]:
        return Contact(parent_bsuid=told)
    phone = None if scoped else canonical_phone(told)
    return Contact(phone=phone, wa_id=_phone_digits(told)) if phone else Contact(bsuid=told)


def _status(raw: Any, contacts: tuple[Contact, ...]) -> StatusUpdate:
    if not isinstance(raw, dict):
        raise _Odd("not an object")
    wamid = _wamid(raw)
    status = _text(raw.get("status"))
    if status is None:
        raise _Odd("no status")
    group = _text(raw.get("recipient_id")) if raw.get("recipient_type") == "group" else None
    shown = _identity(raw.get("recipient_participant_id") if group else raw.get("recipient_id"))
    recipient = Contact(
        phone=shown.phone,
        bsuid=_opaque(raw.get("recipient_user_id")) or shown.bsuid,
        parent_bsuid=_opaque(raw.get("recipient_parent_user_id"))
        or _opaque(raw.get("parent_user_id"))
        or shown.parent_bsuid,
    )
    return StatusUpdate(
        wamid=wamid,
        status=status.lower()[:32],
        occurred_at=_time(raw.get("timestamp")),
        recipient_phone=recipient.phone,
        recipient_bsuid=recipient.bsuid,
        recipient_parent_bsuid=recipient.parent_bsuid,
        callback_data=_text(raw.get("biz_opaque_callback_data")),
        errors=_errors(raw.get("errors")),
        pricing_category=_text(_object(raw.get("pricing")).get("category")),
        contacts=tuple(contact for contact in contacts if _same_person(recipient, contact)),
        group_id=group,
    )


def _preference(raw: Any) -> Preference:
    if not isinstance(raw, dict):
        raise _Odd("not an object")
    shown = _identity(raw.get("wa_id"))
    return Preference(
        phone=shown.phone,
        bsuid=_opaque(raw.get("user_id")) or shown.bsuid,
        category=_text(raw.get("category")) or "",
        value=(_text(raw.get("value")) or "").lower(),
        occurred_at=_time(raw.get("timestamp")),
    )


def _errors(value: Any) -> tuple[GraphError, ...]:
    return tuple(
        GraphError(
            code=_code(error.get("code")),
            title=_text(error.get("title")) or "",
            message=_text(error.get("message")) or "",
            details=_text(_object(error.get("error_data")).get("details") or error.get("details")) or "",
        )
        for error in _objects(value)
    )


def _code(value: Any) -> int | None:
    code = _text(value)
    return int(code) if code and re.fullmatch(r"[0-9]{1,9}", code) else None


def _time(value: Any) -> datetime | None:
    """Seconds since 1970 as text or number, up to 2099. Some senders give milliseconds."""
    digits = _text(value)
    if digits is None or not re.fullmatch(r"[0-9]{1,13}", digits) or int(digits) == 0:
        return None
    seconds = int(digits) / 1000 if len(digits) > 11 else int(digits)
    return datetime.fromtimestamp(seconds, UTC) if seconds < 4_102_444_800 else None


def _phone_digits(value: object) -> str | None:
    told = _text(value)
    if told is None or not re.fullmatch(r"\+?[0-9 ().\-\u00a0]{5,40}", told):
        return None
    digits = re.sub(r"[^0-9]", "", told).removeprefix("00")
    return digits if 5 <= len(digits) <= 20 else None


def _opaque(value: Any) -> str | None:
    told = _text(value)
    return told.strip() if told is not None and len(told) <= LONGEST_ID else None


def _text(value: Any) -> str | None:
    """Text with something in it; a number counts as its digits, since ids and times come as either."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    found: Iterable[Any] = value if isinstance(value, list) else ()
    return [item for item in found if isinstance(item, dict)]
