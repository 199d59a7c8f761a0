"""Finding a conversation by a name, a phone, a booking or words that were said, however they are typed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hotel_agent.dashboard.search import around
from hotel_agent.db import db
from hotel_agent.guests.models import GuestIdentity
from hotel_agent.partitions import _make
from tests.dashboard.cast import ago, answers, books, happens, ids, list_of, says, talk


def found(query: str, slug: str = "miramar") -> list[int]:
    return ids(list_of("closed", query, slug=slug).lines)


def told(query: str) -> str | None:
    return list_of("all", query).lines[0].found


# Names


@pytest.mark.parametrize(
    "query",
    ["jose", "José", "JOSÉ", "jóse", "garcia", "garcia lopez", "lopez jose", "garc", "arcía", "jo lo", "García,López"],
)
def test_a_name_is_found_without_accents_in_any_order_and_by_its_parts(app, query):
    talk("Ana Pérez")
    wanted = talk("José García López")
    assert found(query) == [wanted]


def test_one_letter_finds_names_and_nothing_else(app):
    wanted, other = talk("José"), talk("Marta")
    says(other, "jota")
    assert found("j") == [wanted]


def test_short_words_begin_a_name(app):
    wanted = talk("Marta de la Cruz")
    talk("Adela")
    assert found("de") == [wanted]


def test_names_with_signs_in_them_are_found(app):
    irish, french, spanish = talk("Siobhán O'Brien"), talk("Jean-Pierre"), talk("100% Marta_1")
    assert found("o'brien") == found("siobhan o brien") == [irish]
    assert found("jean-pierre") == [french]
    assert found("100% marta") == [spanish]


def test_closed_and_assigned_ones_are_found_from_any_view(app):
    closed, open_ = talk("José", status="closed", minutes=5), talk("José", minutes=9)
    assert found("jose") == [closed, open_]


def test_who_wrote_last_comes_first(app):
    old, new = talk("José", minutes=500), talk("José", minutes=5)
    assert found("jose") == [new, old]


# Phones


@pytest.mark.parametrize(
    "query",
    [
        "34600111222",
        "+34 600 111 222",
        "600111222",
        "600-11-12-22",
        "(600) 111 222",
        "0034600111222",
        "1112",
        "0600111222",
    ],
)
def test_a_phone_is_found_however_it_is_written(app, query):
    wanted = talk("Marta", phone="34600111222")
    talk("Julia", phone="34699000333")
    assert found(query) == [wanted]
    assert told(query) == "+34600111222"


def test_a_mexican_mobile_is_found_with_and_without_its_one(app):
    wanted = talk("Lupita", phone="525512345678")
    assert found("+52 1 55 1234 5678") == found("52 55 1234 5678") == [wanted]


def test_three_digits_are_too_few_and_a_number_that_has_moved_on_names_nobody(app):
    talk("Marta", phone="34600111222")
    assert found("600") == []
    db.session.query(GuestIdentity).update({"retired_at": ago(days=1)})
    db.session.commit()
    assert found("600111222") == []


# Bookings


@pytest.mark.parametrize("query", ["MIR-ABC234", "mir-abc234", "ABC234", "abc234", "mir abc234", "MIRABC234", "abc2"])
def test_a_booking_is_found_by_its_code(app, query):
    wanted, other = talk("Marta"), talk("Julia")
    books(wanted, 3, 5, code="MIR-ABC234")
    books(other, 3, 5, code="MIR-XYZ987")
    assert found(query) == [wanted]
    assert told(query) == "MIR-ABC234 · Marta"


def test_a_booking_is_found_by_the_name_it_was_made_in(app):
    wanted = talk("Marta")
    books(wanted, 3, 5, guest_name="Asunción Núñez")
    assert found("nunez asuncion") == [wanted]
    assert "Asunción Núñez" in (told("nunez") or "")


# Words


@pytest.mark.parametrize(
    "query", ["habitacion", "HABITACIÓN", "habit", "doble habitación", "hay habitacion mañana", "manana"]
)
def test_words_are_found_without_accents_in_any_order_and_from_their_beginning(app, query):
    wanted = talk("Marta")
    says(wanted, "¿Hay habitación doble para mañana?")
    says(talk("Julia"), "Hola")
    assert found(query) == [wanted]
    assert told(query) == "¿Hay habitación doble para mañana?"


def test_all_words_are_in_one_message(app):
    apart, together = talk("Marta"), talk("Julia")
    says(apart, "Una toalla")
    says(apart, "blanca")
    answers(together, "Le llevamos una toalla blanca")
    assert found("toalla blanca") == [together]
    assert found("oalla") == []


def test_notes_are_found_and_other_events_are_not(app):
    noted, other = talk("Marta"), talk("Julia")
    happens(noted, "note", body="Alérgica a los cacahuetes")
    happens(other, "handed_over", body="cacahuetes")
    assert found("alergica cacahuetes") == [noted]


def test_what_was_never_sent_was_not_said(app):
    answers(talk("Marta"), "Se lo regalamos", status="cancelled")
    assert found("regalamos") == []


@pytest.mark.parametrize(
    "query", ["marta@example.com", "2026-10-05", "https://example.com/a", "check-in", "10:30", "24,50"]
)
def test_what_is_no_plain_word_is_found_too(app, query):
    wanted = talk("Marta")
    says(wanted, f"Es esto: {query}, gracias")
    says(talk("Julia"), "Es esto: nada")
    assert wanted in found(query)


def test_the_latest_word_comes_first_and_people_before_words(app):
    old, new, named = talk("Marta"), talk("Julia"), talk("Sol Pérez", minutes=9000)
    says(old, "Qué sol", minutes=50)
    says(new, "Hace sol", minutes=5)
    says(old, "Sol y playa", minutes=60)
    assert found("sol") == [named, new, old]
    assert [line.found for line in list_of("all", "sol").lines] == [None, "Hace sol", "Qué sol"]


def test_words_are_found_in_every_month_and_outside_of_them(app):
    months = (date(2031, 1, 1), date(2031, 2, 1))
    for first in months:
        _make(f"messages_{first:%Y%m}", "messages", "created_at", first)
    db.session.commit()
    try:
        spoken = []
        for moment in (
            datetime(2031, 1, 9, tzinfo=UTC),
            datetime(2031, 2, 9, tzinfo=UTC),
            datetime(2019, 5, 5, tzinfo=UTC),
        ):
            spoken.append(talk("Marta"))
            says(spoken[-1], "murciélago", created_at=moment)
        assert set(found("murcielago")) == set(spoken)
    finally:
        db.session.execute(text("truncate messages cascade"))
        for first in months:
            db.session.execute(text(f"drop table messages_{first:%Y%m}"))
        db.session.commit()


def test_thirty_are_found_at_most(app):
    for number in range(35):
        says(talk(f"José {number}"), "paraguas")
    assert len(found("jose")) == 30
    assert len(found("paraguas")) == 30


def test_nothing_of_another_hotel_is_found(app):
    theirs = talk("José García", slug="andes", phone="34600111222")
    says(theirs, "habitación")
    happens(theirs, "note", body="cacahuetes")
    books(theirs, 1, 2, code="AND-ABC234")
    for query in ("jose", "600111222", "habitacion", "cacahuetes", "AND-ABC234", "abc234", "j"):
        assert found(query) == []
        assert found(query, slug="andes") == [theirs]


# Whatever is typed

ODD = [
    "'",
    "%",
    "_",
    "&",
    ":",
    "*",
    "!",
    "|",
    "(",
    ")",
    "<->",
    "\\",
    "''",
    "a:*",
    "a&b",
    "!hola",
    "hola:*",
    "a'b",
    "\\'",
    ":x",
    "🎉",
    "👨‍👩‍👧",
    "\x00",
    "a\x00b",
    "\ud800",
    "ß",
    "’",
    "«hola»",
    "ﬁ",
    "́",
    "%s",
    "%(hotel)s",
    ":hotel",
    "x" * 10_000,
    "a " * 5000,
    "'; --",
    "é" * 3000,
]


@pytest.mark.parametrize("query", ODD)
def test_no_sign_breaks_a_search(app, query):
    wanted = talk("Marta García")
    says(wanted, "Hola")
    list_of("all", query)
    assert found("marta") == [wanted]


def test_signs_stand_for_nothing_but_themselves(app):
    talk("Marta")
    for query in ("%", "_", "m%a", "*", "🎉", "marta | julia"):
        assert found(query) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=40))
def test_any_text_can_be_searched_for(app, query):
    list_of("all", query)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=2, max_size=12), min_size=1, max_size=5
    )
)
def test_any_words_are_found_again(app, words):
    """Letters of any script, in any order."""
    wanted = talk(None)
    says(wanted, " ".join(words))
    assert wanted in found(" ".join(reversed(words)))
    db.session.execute(text("delete from conversations"))
    db.session.commit()


def test_space_alone_is_no_search(app):
    shown = talk("Marta")
    assert ids(list_of("all", "  \n ").lines) == [shown]


# The words around


def test_the_words_around_are_cut_at_spaces_and_on_one_line():
    body = "Hola, buenas tardes. " * 9 + "Quería\nsaber si la habitación da al mar. " + "Gracias por todo. " * 9
    shown = around(body, ("habitacion",))
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "Quería saber si la habitación da al mar." in shown
    assert len(shown) < 125


@given(body=st.text(max_size=300), words=st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=3))
def test_any_words_around_are_words_of_the_body(body, words):
    shown = around(body, tuple(words))
    assert shown.strip("…") in " ".join(body.split())
