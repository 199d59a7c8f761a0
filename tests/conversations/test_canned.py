"""Replies kept ready: filled from the guest's stay, in the guest's language, and never sent half filled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from hotel_agent.conversations import canned, words
from hotel_agent.conversations.models import CannedReply, MessageTemplate
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.demo import load_demo
from hotel_agent.hotels.demo_data import REPLIES
from hotel_agent.hotels.finding import by_slug
from tests.conversations.cast import conversation, hotel_of


@pytest.fixture
def asked(marta_says, run_jobs, graph, echo) -> int:
    marta_says("Hola", name="Marta García")
    run_jobs()
    return conversation().id


@pytest.fixture
def miramar(app) -> int:
    return hotel_of("miramar")


def stays(from_today: int, status: str = "booked", code: str = "MIR-TEST22", room: str = "101") -> None:
    """Marta has this room for two nights."""
    today = by_slug("miramar").today()
    values = {
        "guest": conversation().guest_id,
        "hotel": hotel_of("miramar"),
        "code": code,
        "status": status,
        "arrival": today + timedelta(days=from_today),
        "departure": today + timedelta(days=from_today + 2),
        "room": room,
    }
    db.session.execute(
        text("""
        with r as (
            insert into reservations
              (hotel_id, code, guest_id, guest_name, status, check_in, check_out, adults, total, currency)
            values (:hotel, :code, :guest, 'Marta', :status, :arrival, :departure, 1, 65, 'EUR') returning id)
        insert into reservation_locks
            (hotel_id, resource_id, status, check_in, check_out, reservation_id, guest_id, hold_key, price)
        select :hotel, rooms.id, 'booked', :arrival, :departure, r.id, :guest, :code, 65
        from rooms, r where rooms.number = :room and rooms.hotel_id = :hotel"""),
        values,
    )
    db.session.commit()


def free_room() -> str:
    """A room with nobody in it for weeks."""
    found = db.session.scalar(
        text(
            "select number from rooms where hotel_id = :hotel and id not in"
            " (select resource_id from reservation_locks where status = 'booked') order by number limit 1"
        ),
        {"hotel": hotel_of("miramar")},
    )
    db.session.rollback()
    return str(found)


# Filling in


def test_variables_are_filled_from_the_stay_and_the_hotel(asked):
    room = free_room()
    stays(3, room=room)
    hotel = by_slug("miramar")
    values = canned.values_for(hotel, asked, "Ana López", "es")
    assert values == {
        "guest": "Marta",
        "hotel": "Hotel Miramar",
        "arrival": words.day("es", hotel.today() + timedelta(days=3)),
        "departure": words.day("es", hotel.today() + timedelta(days=5)),
        "room": room,
        "code": "MIR-TEST22",
        "check_in": "15:00",
        "check_out": "11:00",
        "me": "Ana",
    }
    body = "Hola, {{ guest }}: {{code}}, {{ room }}"
    assert canned.fill(body, values) == (f"Hola, Marta: MIR-TEST22, {room}", ())


def test_days_are_told_in_the_language_of_the_conversation(asked):
    stays(3, room=free_room())
    db.session.execute(text("update conversations set language = 'en'"))
    db.session.commit()
    hotel = by_slug("miramar")
    arrival = hotel.today() + timedelta(days=3)
    assert canned.values_for(hotel, asked, "Ana")["arrival"] == words.day("en", arrival)


def test_what_nobody_knows_is_named_and_stays_as_it_is(asked):
    values = canned.values_for(by_slug("miramar"), asked, "Ana")
    assert {"room", "code", "arrival", "departure"}.isdisjoint(values)
    filled, missing = canned.fill("{{ guest }}, habitación {{ room }}, {{room}} {{ code }}", values)
    assert (filled, missing) == ("Marta, habitación {{ room }}, {{room}} {{ code }}", ("room", "code"))


def test_the_stay_that_is_going_on_counts_before_the_next_and_none_that_is_over(asked):
    room = free_room()
    stays(-9, status="departed", code="MIR-OVER22", room=room)
    stays(20, code="MIR-LATER2", room=room)
    assert canned.values_for(by_slug("miramar"), asked, "Ana")["code"] == "MIR-LATER2"
    stays(-1, status="in_house", code="MIR-NOWW22", room=room)
    assert canned.values_for(by_slug("miramar"), asked, "Ana")["code"] == "MIR-NOWW22"


def test_what_a_guest_is_called_is_never_read_as_a_variable(asked):
    db.session.execute(text("update guests set name = '{{code}} x' where name = 'Marta García'"))
    db.session.commit()
    values = canned.values_for(by_slug("miramar"), asked, "Ana")
    assert canned.fill("{{ guest }}", values | {"code": "secret"}) == ("{{code}}", ())


def test_another_hotels_conversation_has_no_values(asked):
    with pytest.raises(NotFound):
        canned.values_for(by_slug("andes"), asked, "Oscar")


# Keeping


def test_each_shortcut_is_told_once_in_the_guests_language_or_the_hotels_or_any(miramar):
    db.session.execute(text("delete from canned_replies"))
    db.session.commit()
    for shortcut, languages in {"a": "es pt", "b": "es en", "c": "pt"}.items():
        for language in languages.split():
            canned.put_canned(miramar, shortcut, language, f"{shortcut} {language}")
    assert [row.body for row in canned.canned_replies(miramar, "en")] == ["a es", "b en", "c pt"]
    assert canned.canned_replies(hotel_of("andes"), "en") == []


def test_a_reply_is_changed_by_its_name_or_its_id(miramar):
    one = canned.put_canned(miramar, " Piscina ", "es", "Abre a las 10\r\n")
    assert canned.put_canned(miramar, "piscina", "es", "Abre a las 9") == one
    assert canned.put_canned(miramar, "pool", "en", "Opens at 9", one) == one
    db.session.expire_all()
    kept = db.session.get_one(CannedReply, one)
    assert (kept.shortcut, kept.language, kept.body) == ("pool", "en", "Opens at 9")
    other = canned.put_canned(miramar, "piscina", "es", "Abre a las 9")
    with pytest.raises(BadInput):
        canned.put_canned(miramar, "pool", "en", "Opens at 8", other)
    canned.delete_canned(miramar, one)
    with pytest.raises(NotFound):
        canned.delete_canned(miramar, one)


@pytest.mark.parametrize(
    ("shortcut", "language", "body", "field"),
    [
        ("", "es", "Hola", "shortcut"),
        ("dos palabras", "es", "Hola", "shortcut"),
        ("x" * 41, "es", "Hola", "shortcut"),
        ("hola", "fr", "Bonjour", "language"),
        ("hola", "es", " \x00 ", "body"),
        ("hola", "es", "x" * 4097, "body"),
        ("hola", "es", "Hola, {{ name }}", "body"),
    ],
)
def test_a_reply_that_cannot_be_used_is_not_kept(miramar, shortcut, language, body, field):
    with pytest.raises(BadInput) as told:
        canned.put_canned(miramar, shortcut, language, body)
    assert told.value.field == field


@pytest.mark.parametrize(
    ("name", "language", "body", "field"),
    [
        ("Con Espacio", "es", "Hola", "name"),
        ("hola", "fr", "Bonjour", "language"),
        ("hola", "es", "", "body"),
        ("hola", "es", "x" * 1025, "body"),
        ("hola", "es", "Hola, {{2}}", "body"),
        ("hola", "es", "Hola, {{1}} {{ guest }}", "body"),
    ],
)
def test_a_template_that_meta_cannot_have_approved_is_not_kept(miramar, name, language, body, field):
    with pytest.raises(BadInput) as told:
        canned.put_template(miramar, name, language, body)
    assert told.value.field == field


def test_a_template_is_kept_changed_and_deleted(miramar):
    one = canned.put_template(miramar, "bienvenida", "es", "Hola, {{1}} y {{2}} y {{1}}")
    assert canned.put_template(miramar, "bienvenida", "es", "Hola, {{1}}") == one
    assert one in [row.id for row in canned.message_templates(miramar, "es")]
    canned.delete_template(miramar, one)
    assert one not in [row.id for row in canned.message_templates(miramar, "es")]


def test_another_hotels_texts_are_out_of_reach(miramar):
    andes = hotel_of("andes")
    reply = db.session.scalars(select(CannedReply.id).filter_by(hotel_id=miramar)).first()
    template = db.session.scalars(select(MessageTemplate.id).filter_by(hotel_id=miramar)).first()
    assert reply
    assert template
    for verb in (
        lambda: canned.put_canned(andes, "hola", "es", "Hola", reply),
        lambda: canned.delete_canned(andes, reply),
        lambda: canned.put_template(andes, "hola", "es", "Hola", template),
        lambda: canned.delete_template(andes, template),
    ):
        with pytest.raises(NotFound):
            verb()


# The demo hotels


def test_the_demo_hotels_have_replies_and_templates_that_could_be_kept(miramar):
    for slug in ("miramar", "andes"):
        hotel_id = hotel_of(slug)
        assert len(canned.canned_replies(hotel_id, "pt")) >= 8
        assert {row.language for row in canned.message_templates(hotel_id)} == set(words.LANGUAGES)
        for shortcut, texts in REPLIES["canned"].items():
            for language, body in texts.items():
                canned.put_canned(hotel_id, shortcut, language, body)
        for name, texts in REPLIES["templates"].items():
            for language, body in texts.items():
                canned.put_template(hotel_id, name, language, body)


def test_loading_the_demo_again_leaves_what_colleagues_changed(miramar):
    canned.put_canned(miramar, "saludo", "es", "Muy buenas")
    before = db.session.query(CannedReply).count()
    load_demo()
    assert db.session.query(CannedReply).count() == before
    assert "Muy buenas" in [row.body for row in canned.canned_replies(miramar, "es")]
