"""All that is kept about a guest as one file: complete, for whoever asked, and for a time."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from sqlalchemy import text, update

from hotel_agent.db import db, utcnow
from hotel_agent.errors import NotFound
from hotel_agent.guests import keeping
from hotel_agent.hotels.finding import by_slug
from hotel_agent.privacy import exporting
from hotel_agent.privacy.models import GuestExport
from hotel_agent.privacy.tables import EXPORTED, KEPT, NOT_ABOUT_GUESTS, NOT_EXPORTED
from tests.conversations.cast import ana, luis
from tests.dashboard.cast import answers, books, guest, says, talk
from tests.media.conftest import JPEG, make_due, marta_sends, media_of  # noqa: F401

# By these a row is about somebody.
REFERENCES = {"guest_id", "conversation_id", "message_id", "reservation_id", "sender_id", "lock_id", "export_id"}


@pytest.fixture
def marta(app) -> int:
    who = guest("Marta García")
    conversation = talk(who=who)
    says(conversation, "¿Hay piscina?")
    answers(conversation, "Sí, hasta las 20:00")
    books(conversation, -5, -3, "departed")
    keeping.add_note(who.id, ana(), "Le gusta el mar", hotel_id=who.hotel_id)
    keeping.consent(who.id, ana(), "in_person", hotel_id=who.hotel_id)
    return who.id


def file_of(export_id: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(exporting.pieces_of(db.engine, export_id))))


def made(guest_id: int) -> int:
    export_id = exporting.ask(guest_id, luis(), hotel_id=by_slug("miramar").id)
    exporting.make(export_id)
    return export_id


def test_every_table_is_exported_or_said_why_not(app):
    tables = {table.name: set(table.columns.keys()) for table in db.metadata.sorted_tables}
    told = [*EXPORTED, *NOT_EXPORTED, *NOT_ABOUT_GUESTS]
    assert sorted(told) == sorted(tables), "tell privacy/tables.py"
    assert [name for name in NOT_ABOUT_GUESTS if tables[name] & REFERENCES] == []
    assert set(KEPT) <= set(tables)


def test_the_file_has_all_of_it(marta):
    with file_of(made(marta)) as archive:
        document = json.loads(archive.read("guest.json"))
    assert [one["body"] for one in document["messages"]] == ["¿Hay piscina?", "Sí, hasta las 20:00"]
    assert document["guests"][0]["name"] == "Marta García"
    assert document["guest_notes"][0]["body"] == "Le gusta el mar"
    assert [one["what"] for one in document["guest_consents"]] == ["given"]
    assert document["reservations"][0]["status"] == "departed"
    assert set(document) == {"format", "made_at", "hotel", *EXPORTED}


def test_of_somebody_who_never_wrote_there_is_a_file_too(app):
    with file_of(made(guest("Luisa", phone=None).id)) as archive:
        document = json.loads(archive.read("guest.json"))
        assert archive.namelist() == ["guest.json"]
    assert (document["guests"][0]["name"], document["messages"], document["reservations"]) == ("Luisa", [], [])


def test_photos_are_in_it_as_they_were_sent(marta_sends, run_jobs, graph):  # noqa: F811
    marta_sends("image", JPEG, "image/jpeg", caption="la terraza")
    marta_sends("document", JPEG, "application/pdf", filename="../../etc/pasa porte.pdf")
    run_jobs()
    who = db.session.scalar(text("select guest_id from conversations"))
    with file_of(made(who)) as archive:
        document = json.loads(archive.read("guest.json"))
        names = [f"media/{one['file']}" for one in document["media"]]
        assert len(names) == 2
        assert all(".." not in name.split("/") and "/" not in name.removeprefix("media/") for name in names)
        assert all(archive.read(name) == JPEG for name in names)


def test_nobody_elses_data_is_in_it(marta):
    other = talk("Luisa")
    says(other, "mi secreto")
    with file_of(made(marta)) as archive:
        assert "mi secreto" not in archive.read("guest.json").decode()


def test_it_is_of_who_asked_at_their_hotel_until_its_time_is_over(marta):
    export_id, hotel_id = made(marta), by_slug("miramar").id
    assert exporting.ready(export_id, marta, luis(), hotel_id).size
    for guest_id, staff_id, where in (
        (marta, ana(), hotel_id),
        (marta, luis(), by_slug("andes").id),
        (marta + 1, luis(), hotel_id),
    ):
        with pytest.raises(NotFound):
            exporting.ready(export_id, guest_id, staff_id, where)
    db.session.execute(update(GuestExport).values(expires_at=utcnow()))
    db.session.commit()
    with pytest.raises(NotFound):
        exporting.ready(export_id, marta, luis(), hotel_id)
    exporting.forget_old()
    assert db.session.scalar(text("select count(*) from guest_export_parts")) == 0


def test_asking_twice_makes_one_and_making_twice_too(marta):
    hotel_id = by_slug("miramar").id
    first = exporting.ask(marta, luis(), hotel_id=hotel_id)
    assert exporting.ask(marta, luis(), hotel_id=hotel_id) == first
    exporting.make(first)
    whole = b"".join(exporting.pieces_of(db.engine, first))
    exporting.make(first)
    assert b"".join(exporting.pieces_of(db.engine, first)) == whole


def test_one_that_breaks_each_time_is_given_up(marta, monkeypatch):
    def breaks(*_args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(exporting, "write", breaks)
    export_id = exporting.ask(marta, luis(), hotel_id=by_slug("miramar").id)
    for _try in range(exporting.GIVE_UP_AFTER):
        with pytest.raises(RuntimeError):
            exporting.make(export_id)
    exporting.make(export_id)
    assert db.session.get_one(GuestExport, export_id, populate_existing=True).state == "failed"
    assert exporting.unfinished() == []


def test_by_the_command_line_it_is_the_same(app, marta, tmp_path):
    path = tmp_path / "marta.zip"
    answer = app.test_cli_runner().invoke(
        args=["guest", "export", f"#{marta}", "--hotel", "miramar", "--to", str(path)]
    )
    assert answer.exit_code == 0, answer.output
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("guest.json"))["guests"][0]["id"] == marta
    unknown = app.test_cli_runner().invoke(args=["guest", "export", "#999999", "--hotel", "miramar"])
    assert unknown.exit_code == 1
