"""Replies kept ready, with variables that are filled from the guest's stay; and the templates that Meta approved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select, text
from sqlalchemy.exc import IntegrityError

from hotel_agent.audit.recording import record
from hotel_agent.channels.whatsapp.cards import mask_cards
from hotel_agent.channels.whatsapp.limits import BUTTON_BODY, TEXT, length
from hotel_agent.conversations import words
from hotel_agent.conversations.acting import in_own_transaction
from hotel_agent.conversations.models import CannedReply, Conversation, MessageTemplate
from hotel_agent.db import db, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel

VARIABLES = ("guest", "hotel", "arrival", "departure", "room", "code", "check_in", "check_out", "me")
_VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_PLACE = re.compile(r"\{\{(\d+)\}\}")
_SHORTCUT = re.compile(r"[\w-]{1,40}")
_TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")

# The stay that somebody writes about: the one that is going on, else the next.
STAY = text("""
    select r.code, r.check_in, r.check_out,
        coalesce((select string_agg(rooms.number, ', ' order by length(rooms.number), rooms.number)
            from reservation_locks l join rooms on rooms.id = l.resource_id
            where l.reservation_id = r.id and l.status = 'booked'),
            (select string_agg(p.number, ', ' order by p.place)
            from reservation_rooms p where p.reservation_id = r.id and p.number <> '')) as rooms
    from reservations r
    where r.guest_id = :guest and r.hotel_id = :hotel and r.status in ('booked', 'in_house') and r.check_out >= :today
    order by r.check_in, r.id limit 1
""")


# Using them


def canned_replies(hotel_id: int, language: str | None) -> list[CannedReply]:
    """One of each shortcut, in that language where there is one, else in the hotel's, else in any."""
    home = db.session.scalar(select(Hotel.language).where(Hotel.id == hotel_id))
    rows = db.session.scalars(select(CannedReply).where(CannedReply.hotel_id == hotel_id)).all()
    best: dict[str, CannedReply] = {}
    for row in sorted(rows, key=lambda row: (row.shortcut, row.language != language, row.language != home)):
        best.setdefault(row.shortcut, row)
    return list(best.values())


def values_for(hotel: Hotel, conversation_id: int, me: str, language: str | None = None) -> dict[str, str]:
    """What the variables stand for in this conversation; those that nobody knows are left out.

    In the conversation's language unless another is named. Raises NotFound.
    """
    row = db.session.execute(
        select(Conversation.guest_id, Conversation.language, Guest.name)
        .join(Guest, Guest.id == Conversation.guest_id)
        .where(Conversation.id == conversation_id, Conversation.hotel_id == hotel.id)
    ).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    spoken = language or row.language or hotel.language
    spoken = words.spoken_in(spoken if spoken in words.LANGUAGES else hotel.language, hotel.country)
    known: dict[str, str | None] = {
        "guest": (row.name or "").split(" ")[0],
        "hotel": hotel.name,
        "check_in": words.clock(spoken, hotel.check_in_time),
        "check_out": words.clock(spoken, hotel.check_out_time),
        "me": me.split(" ")[0],
    }
    stay = db.session.execute(STAY, {"guest": row.guest_id, "hotel": hotel.id, "today": hotel.today()}).first()
    if stay:
        known |= {"code": stay.code, "room": stay.rooms}
        known |= {"arrival": words.day(spoken, stay.check_in), "departure": words.day(spoken, stay.check_out)}
    return {name: value for name, value in known.items() if value}


def samples(hotel: Hotel, language: str, me: str) -> dict[str, str]:
    """What every variable might stand for, to see how a reply reads."""
    spoken = words.spoken_in(language if language in words.LANGUAGES else hotel.language, hotel.country)
    return {
        "guest": "Marta",
        "hotel": hotel.name,
        "arrival": words.day(spoken, hotel.today() + timedelta(days=3)),
        "departure": words.day(spoken, hotel.today() + timedelta(days=5)),
        "room": "204",
        "code": f"{hotel.slug[:3].upper()}-7K4M2P",
        "check_in": words.clock(spoken, hotel.check_in_time),
        "check_out": words.clock(spoken, hotel.check_out_time),
        "me": me.split(" ")[0],
    }


def fill(body: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The words with their variables filled in, and the names of those that are not known; these stay as they are."""
    missing = tuple(name for name in variables_in(body) if not values.get(name))
    return _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], body), missing


def variables_in(body: str) -> list[str]:
    return list(dict.fromkeys(_VARIABLE.findall(body)))


def unknown_in(body: str) -> list[str]:
    """What stands where a variable should, as it is written, and is none."""
    return [f"{{{{ {name} }}}}" for name in variables_in(body) if name not in VARIABLES]


def message_templates(hotel_id: int, language: str | None = None) -> list[MessageTemplate]:
    """The hotel's templates by name, those in the given language first."""
    rows = db.session.scalars(select(MessageTemplate).where(MessageTemplate.hotel_id == hotel_id)).all()
    return sorted(rows, key=lambda row: (row.language != language, row.name, row.language))


def places_in(body: str) -> list[int]:
    """The numbers of a template's places, each once, in order."""
    return sorted({int(number) for number in _PLACE.findall(body)})


def with_places(body: str, values: Sequence[str]) -> str:
    return _PLACE.sub(lambda found: values[int(found[1]) - 1], body)


# Keeping them


def all_canned(hotel_id: int) -> dict[str, list[CannedReply]]:
    """Each shortcut with its texts, by language."""
    query = select(CannedReply).where(CannedReply.hotel_id == hotel_id)
    found: dict[str, list[CannedReply]] = {}
    for row in db.session.scalars(query.order_by(CannedReply.shortcut, CannedReply.language)):
        found.setdefault(row.shortcut, []).append(row)
    return found


def canned_reply(hotel_id: int, canned_id: int) -> CannedReply:
    """Raises NotFound."""
    row = db.session.scalar(select(CannedReply).where(CannedReply.id == canned_id, CannedReply.hotel_id == hotel_id))
    if row is None:
        raise NotFound("There is no such text.")
    return row


def message_template(hotel_id: int, template_id: int) -> MessageTemplate:
    """Raises NotFound."""
    own = select(MessageTemplate).where(MessageTemplate.id == template_id, MessageTemplate.hotel_id == hotel_id)
    row = db.session.scalar(own)
    if row is None:
        raise NotFound("There is no such text.")
    return row


class ChangedMeanwhile(BadInput):
    """Somebody else has changed this text since it was shown; `body` and `updated_at` are how it stands."""

    def __init__(self, body: str, updated_at: datetime) -> None:
        super().__init__("body", _("Somebody else has just changed this text. Save again to have yours instead."))
        self.body, self.updated_at = body, updated_at


def put_canned(
    hotel_id: int,
    shortcut: str,
    language: str,
    body: str,
    canned_id: int | None = None,
    *,
    new: bool = False,
    seen: datetime | None = None,
) -> int:
    """Keep a reply under its shortcut and language, or change the one of that id; its id.

    With `new` one that is there already is left alone, with `seen` one that has been changed since then.
    Raises NotFound, BadInput, ChangedMeanwhile.
    """
    shortcut, body = shortcut.strip().lower(), _kept(body)
    if not _SHORTCUT.fullmatch(shortcut):
        raise BadInput("shortcut", _("Use letters, digits and hyphens, at most 40."))
    _check_language(language)
    if length(body) > TEXT:
        raise BadInput("body", _("This is too long: at most %(most)s characters.", most=TEXT))
    if unknown := unknown_in(body):
        raise BadInput("body", _("%(names)s cannot be filled in.", names=", ".join(unknown)))
    values = {"shortcut": shortcut, "language": language, "body": body}
    return in_own_transaction(lambda: _put(CannedReply, "shortcut", hotel_id, values, canned_id, new, seen))


def delete_canned(hotel_id: int, canned_id: int) -> None:
    """Raises NotFound."""
    in_own_transaction(lambda: _delete(CannedReply, "shortcut", hotel_id, canned_id))


def put_template(
    hotel_id: int,
    name: str,
    language: str,
    body: str,
    template_id: int | None = None,
    *,
    new: bool = False,
    seen: datetime | None = None,
) -> int:
    """Keep a template as Meta has approved it, or change the one of that id; its id. As `put_canned` does."""
    name, body = name.strip().lower(), _kept(body)
    if not _TEMPLATE_NAME.fullmatch(name):
        raise BadInput("name", _("Use the name that Meta knows: small letters, digits and underscores."))
    _check_language(language)
    if length(body) > BUTTON_BODY:
        raise BadInput("body", _("This is too long: at most %(most)s characters.", most=BUTTON_BODY))
    places = places_in(body)
    if places != list(range(1, len(places) + 1)):
        raise BadInput("body", _("Number the places {{1}}, {{2}} and so on, without a gap."))
    if len(variables_in(body)) > len(places):
        raise BadInput("body", _("A template has only numbered places, such as {{1}}."))
    values = {"name": name, "language": language, "body": body}
    return in_own_transaction(lambda: _put(MessageTemplate, "name", hotel_id, values, template_id, new, seen))


def delete_template(hotel_id: int, template_id: int) -> None:
    """Raises NotFound."""
    in_own_transaction(lambda: _delete(MessageTemplate, "name", hotel_id, template_id))


def _kept(body: str) -> str:
    body = mask_cards(body.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "replace").decode().strip())
    if not body:
        raise BadInput("body", _("Write something first."))
    return body


def _check_language(language: str) -> None:
    if language not in words.LANGUAGES:
        raise BadInput("language", _("Choose one of the languages."))


Table = type[CannedReply] | type[MessageTemplate]
# What the audit log calls them.
KINDS: dict[Table, str] = {CannedReply: "reply", MessageTemplate: "template"}


def _put(
    table: Table, key: str, hotel_id: int, values: dict[str, str], row_id: int | None, new: bool, seen: datetime | None
) -> int:
    """`key` is the column that names a text, once in each language."""
    named = (getattr(table, key) == values[key]) & (table.language == values["language"])
    found = _locked(table, hotel_id, named | (table.id == row_id))
    row = next((row for row in found if row.id == row_id), None)
    namesake = next((row for row in found if row.id != row_id), None)
    if row_id is not None and row is None:
        raise NotFound("There is no such text.")
    if namesake and (new or row):
        raise BadInput(key, _("There is another one of this name in this language."))
    row = row or namesake
    if row and seen is not None and row.updated_at != seen:
        raise ChangedMeanwhile(row.body, row.updated_at)
    was = {name: getattr(row, name) if row else None for name in values}
    changes: dict[str, Any] = {
        name: {"was": was[name], "now": value} for name, value in values.items() if was[name] != value
    }
    if row is None:
        row = table(hotel_id=hotel_id)
        db.session.add(row)
    if changes:
        for name, value in values.items():
            setattr(row, name, value)
        row.updated_at = utcnow()
        changes = {"language": values["language"], **changes}
        record(f"{KINDS[table]}_set", values[key], hotel_id=hotel_id, **changes)
    try:
        db.session.flush()
    except IntegrityError:
        raise BadInput(key, _("There is another one of this name in this language.")) from None
    return row.id


def _delete(table: Table, key: str, hotel_id: int, row_id: int) -> None:
    found = _locked(table, hotel_id, table.id == row_id)
    if not found:
        raise NotFound("There is no such text.")
    row = found[0]
    db.session.delete(row)
    record(f"{KINDS[table]}_deleted", getattr(row, key), hotel_id=hotel_id, language=row.language, body=row.body)


def _locked(table: Table, hotel_id: int, which: ColumnElement[bool]) -> Sequence[Any]:
    """The hotel's texts of that kind, as they are now."""
    query = select(table).where(table.hotel_id == hotel_id, which).order_by(table.id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).all()
