"""Everything that is kept about a guest as one file (GDPR, Articles 15 and 20): a ZIP of guest.json and their media.

A row asks for it, a job makes it, and it is kept for the colleague who asked until its time is over.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import IO, Any

from sqlalchemy import delete, select, text, update

from hotel_agent.audit.recording import record
from hotel_agent.db import db, one_at_a_time, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _
from hotel_agent.logs import get_logger
from hotel_agent.privacy.models import GuestExport, GuestExportPart
from hotel_agent.privacy.tables import EXPORTED

KEPT = timedelta(hours=24)
GIVE_UP_AFTER = 3
PIECE = 1024 * 1024
FORMAT = 1
# Of attachments the bytes are files of their own: JSON would make twice as much of them.
SOURCES = {
    "media": "(select id, hotel_id, conversation_id, message_id, graph_id, status, mime_type, file_name, size, seconds,"
    " playable_type, attempts, next_attempt_at, error, created_at from media)"
}

log = get_logger(__name__)


def ask(guest_id: int, staff_id: int, *, hotel_id: int) -> int:
    """Ask for the file; whoever has asked already and waits for it is given the same. Raises NotFound, BadInput."""
    guest = _guest(guest_id, hotel_id)
    if guest.erased_at is not None:
        raise BadInput("guest", _("This guest has been erased."))
    db.session.execute(select(Guest.id).where(Guest.id == guest_id).with_for_update())
    waiting = select(GuestExport.id).where(
        GuestExport.guest_id == guest_id, GuestExport.staff_id == staff_id, GuestExport.state == "asked"
    )
    found = db.session.scalar(waiting)
    if found is None:
        row = GuestExport(hotel_id=hotel_id, guest_id=guest_id, staff_id=staff_id)
        db.session.add(row)
        record("guest_exported", str(guest_id), hotel_id=hotel_id)
        db.session.flush()
        found = row.id
    db.session.commit()
    return found


def make(export_id: int) -> None:
    """Make the file. Running twice makes it once; one that breaks each time is given up."""
    with one_at_a_time("guest_export", export_id) as mine:
        row = db.session.get(GuestExport, export_id, populate_existing=True) if mine else None
        if row is None or row.state != "asked":
            db.session.rollback()
            return
        row.attempts += 1
        if row.attempts > GIVE_UP_AFTER:
            row.state = "failed"
            db.session.commit()
            return
        db.session.commit()
        guest_id, hotel_id = row.guest_id, row.hotel_id
        with tempfile.TemporaryFile() as file:
            write(guest_id, hotel_id, file, lambda done, total: _progress(export_id, done, total))
            size = _keep(export_id, file)
        log.info("guest_exported", guest=guest_id, export=export_id, bytes=size)


def write(guest_id: int, hotel_id: int, file: IO[bytes], progress: Callable[[int, int], None]) -> None:
    """Write the ZIP; `progress` hears how many of the files are in it. Raises NotFound."""
    document = document_of(guest_id, hotel_id)
    media = [row for row in document["media"] if row["status"] == "stored"]
    progress(0, len(media) + 1)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("guest.json", json.dumps(document, ensure_ascii=False, indent=2))
        for number, row in enumerate(media, 1):
            content = db.session.scalar(text("select content from media where id = :id"), {"id": row["id"]})
            db.session.rollback()
            if content is not None:
                archive.writestr(f"media/{row['file']}", bytes(content))
            progress(number, len(media) + 1)


def document_of(guest_id: int, hotel_id: int) -> dict[str, Any]:
    """What guest.json says: the rows of each table as they are, times in UTC. Raises NotFound."""
    _guest(guest_id, hotel_id)
    keys = _keys(guest_id)
    hotel = db.session.get_one(Hotel, hotel_id)
    tables = {table: _rows(table, keys) for table in EXPORTED}
    for row in tables["media"]:
        row["file"] = _file_name(row)
    document = {
        "format": FORMAT,
        "made_at": utcnow().isoformat(timespec="seconds"),
        "hotel": {"slug": hotel.slug, "name": hotel.name, "timezone": hotel.timezone},
        **tables,
    }
    db.session.rollback()
    return document


def note(guest_id: int, hotel_id: int) -> None:
    """That a file was made at the command line."""
    record("guest_exported", str(guest_id), hotel_id=hotel_id)
    db.session.commit()


def exports_of(guest_id: int, staff_id: int) -> list[GuestExport]:
    """A colleague's own ones that are being made or can be had, the latest first."""
    query = (
        select(GuestExport)
        .where(
            GuestExport.guest_id == guest_id,
            GuestExport.staff_id == staff_id,
            (GuestExport.expires_at > utcnow()) | GuestExport.expires_at.is_(None),
        )
        .order_by(GuestExport.id.desc())
        .limit(3)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(query))


def ready(export_id: int, guest_id: int, staff_id: int, hotel_id: int) -> GuestExport:
    """The file of the colleague who asked for it, while it is kept. Raises NotFound."""
    found = db.session.scalar(
        select(GuestExport).where(
            GuestExport.id == export_id,
            GuestExport.guest_id == guest_id,
            GuestExport.staff_id == staff_id,
            GuestExport.hotel_id == hotel_id,
            GuestExport.state == "ready",
            GuestExport.expires_at > utcnow(),
        )
    )
    if found is None:
        raise NotFound("There is no such file.")
    record("guest_export_fetched", str(guest_id), hotel_id=hotel_id)
    db.session.commit()
    return found


def pieces_of(engine: Any, export_id: int) -> Iterator[bytes]:
    """The file piece by piece, each on a connection of the moment: whoever reads slowly holds none."""
    place = 0
    while True:
        with engine.connect() as connection:
            piece = connection.scalar(
                select(GuestExportPart.content).where(
                    GuestExportPart.export_id == export_id, GuestExportPart.place == place
                )
            )
        if piece is None:
            return
        yield bytes(piece)
        place += 1


def unfinished() -> list[int]:
    query = select(GuestExport.id).where(GuestExport.state == "asked").order_by(GuestExport.id)
    found = list(db.session.scalars(query))
    db.session.rollback()
    return found


def forget_old() -> None:
    """Files whose time is over, and what has failed a day ago."""
    now = utcnow()
    db.session.execute(
        delete(GuestExport).where(
            (GuestExport.expires_at < now) | ((GuestExport.state == "failed") & (GuestExport.created_at < now - KEPT))
        )
    )
    db.session.commit()


def _guest(guest_id: int, hotel_id: int) -> Guest:
    guest = db.session.scalar(
        select(Guest).where(Guest.id == guest_id, Guest.hotel_id == hotel_id).execution_options(populate_existing=True)
    )
    if guest is None:
        raise NotFound("There is no such guest.")
    return guest


def _keys(guest_id: int) -> dict[str, Any]:
    reservations = db.session.execute(
        text("select id, code from reservations where guest_id = :guest"), {"guest": guest_id}
    ).all()
    conversations = db.session.scalars(
        text("select id from conversations where guest_id = :guest"), {"guest": guest_id}
    ).all()
    return {
        "guest": guest_id,
        "conversations": list(conversations),
        "reservations": [row.id for row in reservations],
        "codes": [row.code for row in reservations],
    }


def _rows(table: str, keys: dict[str, Any]) -> list[dict[str, Any]]:
    part = EXPORTED[table]
    bound = {name: value for name, value in keys.items() if f":{name}" in part.where}
    without = "".join(f" - '{column}'" for column in part.without)
    query = f"select to_jsonb(t){without} from {SOURCES.get(table, table)} t where {part.where} order by {part.order}"
    rows = db.session.scalars(text(query), bound)
    return [dict(row) for row in rows]


def _file_name(row: dict[str, Any]) -> str:
    """One of its own for each, which every system takes."""
    plain = re.sub(r"[^\w.\- ]+", "_", row["file_name"] or "").strip(". ")[-80:]
    kind = re.sub(r"[^a-z0-9]+", "", row["mime_type"].partition(";")[0].rpartition("/")[2]) or "bin"
    return f"{row['id']}-{plain}" if plain else f"{row['id']}.{kind}"


def _progress(export_id: int, done: int, total: int) -> None:
    db.session.execute(update(GuestExport).where(GuestExport.id == export_id).values(done=done, total=total))
    db.session.commit()


def _keep(export_id: int, file: IO[bytes]) -> int:
    """Put the bytes where every process of the installation finds them."""
    file.seek(0)
    db.session.execute(delete(GuestExportPart).where(GuestExportPart.export_id == export_id))
    size = place = 0
    while piece := file.read(PIECE):
        db.session.execute(
            text("insert into guest_export_parts (export_id, place, content) values (:export, :place, :content)"),
            {"export": export_id, "place": place, "content": piece},
        )
        size, place = size + len(piece), place + 1
    db.session.execute(
        update(GuestExport)
        .where(GuestExport.id == export_id)
        .values(state="ready", size=size, done=GuestExport.total, expires_at=utcnow() + KEPT)
    )
    db.session.commit()
    return size
