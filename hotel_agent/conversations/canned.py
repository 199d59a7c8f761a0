"""Replies kept ready, with variables that are filled from the guest's stay; and the templates that Meta approved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

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
        (select string_agg(rooms.number, ', ' order by length(rooms.number), rooms.number)
            from reservation_locks l join rooms on rooms.id = l.resource_id
            where l.reservation_id = r.id and l.status = 'booked') as rooms
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
    spoken = spoken if spoken in words.LANGUAGES else hotel.language
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


def fill(body: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The words with their variables filled in, and the names of those that are not known; these stay as they are."""
    missing = tuple(name for name in variables_in(body) if not values.get(name))
    return _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], body), missing


def variables_in(body: str) -> list[str]:
    return list(dict.fromkeys(_VARIABLE.findall(body)))


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


def put_canned(hotel_id: int, shortcut: str, language: str, body: str, canned_id: int | None = None) -> int:
    """Keep a reply under its shortcut and language, or change the one of that id; its id. Raises NotFound, BadInput."""
    shortcut, body = shortcut.strip().lower(), _kept(body)
    if not _SHORTCUT.fullmatch(shortcut):
        raise BadInput("shortcut", _("Use letters, digits and hyphens, at most 40."))
    _check_language(language)
    if length(body) > TEXT:
        raise BadInput("body", _("This is too long: at most %(most)s characters.", most=TEXT))
    unknown = [name for name in variables_in(body) if name not in VARIABLES]
    if unknown:
        names = ", ".join(f"{{{{ {name} }}}}" for name in unknown)
        raise BadInput("body", _("%(names)s cannot be filled in.", names=names))
    values = {"shortcut": shortcut, "language": language, "body": body}
    return in_own_transaction(lambda: _put(CannedReply, "shortcut", hotel_id, values, canned_id))


def delete_canned(hotel_id: int, canned_id: int) -> None:
    """Raises NotFound."""
    in_own_transaction(lambda: _delete(CannedReply, hotel_id, canned_id))


def put_template(hotel_id: int, name: str, language: str, body: str, template_id: int | None = None) -> int:
    """Keep a template as Meta has approved it, or change the one of that id; its id. Raises NotFound, BadInput."""
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
    return in_own_transaction(lambda: _put(MessageTemplate, "name", hotel_id, values, template_id))


def delete_template(hotel_id: int, template_id: int) -> None:
    """Raises NotFound."""
    in_own_transaction(lambda: _delete(MessageTemplate, hotel_id, template_id))


def _kept(body: str) -> str:
    body = mask_cards(body.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "replace").decode().strip())
    if not body:
        raise BadInput("body", _("Write something first."))
    return body


def _check_language(language: str) -> None:
    if language not in words.LANGUAGES:
        raise BadInput("language", _("Choose one of the languages."))


Table = type[CannedReply] | type[MessageTemplate]


def _put(table: Table, key: str, hotel_id: int, values: dict[str, str], row_id: int | None) -> int:
    """`key` is the column that names a text, once in each language."""
    if row_id is None:
        statement = insert(table).values(hotel_id=hotel_id, updated_at=utcnow(), **values)
        kept = statement.on_conflict_do_update(
            index_elements=["hotel_id", key, "language"], set_={"body": values["body"], "updated_at": utcnow()}
        )
        return int(db.session.execute(kept.returning(table.id)).scalar_one())
    named = (getattr(table, key) == values[key]) & (table.language == values["language"])
    if db.session.scalar(select(table.id).where(table.hotel_id == hotel_id, named, table.id != row_id)):
        raise BadInput(key, _("There is another one of this name in this language."))
    changed = update(table).where(table.id == row_id, table.hotel_id == hotel_id)
    if db.session.scalar(changed.values(updated_at=utcnow(), **values).returning(table.id)) is None:
        raise NotFound("There is no such text.")
    return row_id


def _delete(table: Table, hotel_id: int, row_id: int) -> None:
    gone = delete(table).where(table.id == row_id, table.hotel_id == hotel_id)
    if db.session.scalar(gone.returning(table.id)) is None:
        raise NotFound("There is no such text.")
