"""The desk's guests: found, their card, what is kept of them, merged, exported, erased."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, text

from hotel_agent.dashboard.guests.directory import directory
from hotel_agent.db import db
from hotel_agent.guests import keeping
from hotel_agent.guests.models import Guest, GuestConsent, GuestNote
from hotel_agent.privacy import erasing
from hotel_agent.privacy.models import GuestErasure
from tests.conversations.cast import ana
from tests.dashboard.cast import ago, books, guest, hotel, kinds, says, statements, talk


@pytest.fixture
def desk(sign_in):
    return sign_in("ana@miramar.example")


@pytest.fixture
def office(sign_in):
    return sign_in("luis@miramar.example")


def shown(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'data-guest-id="(\d+)"', html)]


def row(guest_id: int) -> Guest:
    db.session.rollback()
    return db.session.get_one(Guest, guest_id, populate_existing=True)


def with_stay(name: str, arrives: int, leaves: int, status: str = "booked", **columns: Any) -> int:
    who = guest(name, **columns)
    books(talk(who=who), arrives, leaves, status)
    return who.id


# The list


@pytest.mark.parametrize(
    "query", ["garcia", "GARCÍA", "marta gar", "600 12 34 56", "+34600123456", "MIR-G7G7G7", "g7g7g7"]
)
def test_a_guest_is_found_by_name_phone_and_code(desk, query):
    marta, _other = guest("Marta García", "34600123456"), guest("Luisa Pérez", "34699999999")
    books(talk(who=marta), 2, 4, code="MIR-G7G7G7")
    assert shown(desk.get("/guests", query_string={"q": query}).text) == [marta.id]


@pytest.mark.parametrize("query", ["zzzz", "%", "_", "'", "#99999", "x" * 300])
def test_nonsense_finds_nobody_and_says_what_to_do(desk, query):
    guest()
    html = desk.get("/guests", query_string={"q": query}).text
    assert "Ver todos los huéspedes" in html or shown(html)


def test_filters_tell_who_is_who(desk):
    inside, today, vip = with_stay("A", -1, 2, "in_house"), with_stay("B", 0, 2), guest("C", vip=True).id
    out, plain = guest("D", opted_out_at=ago(days=1)).id, guest("E").id
    expected = {"in_house": [inside], "arriving": [today], "vip": [vip], "opted_out": [out], "erased": []}
    for only, ids in expected.items():
        assert shown(desk.get(f"/guests?only={only}").text) == ids, only
    assert set(shown(desk.get("/guests").text)) == {inside, today, vip, out, plain}
    assert set(shown(desk.get("/guests?only=nonsense").text)) == {inside, today, vip, out, plain}


def test_pages_follow_each_other_without_gap_or_repetition(app):
    made = [guest(f"Huésped {number}").id for number in range(9)][::-1]
    seen, before = [], None
    while True:
        page = directory(hotel(), before=before, page=4)
        seen += [line.id for line in page.lines]
        before = page.more
        if before is None:
            break
    assert seen == made


@pytest.mark.parametrize("before", ["x", "-1", "0", "99999999999999999999"])
def test_a_cursor_that_is_none_shows_the_first_page(desk, before):
    marta = guest().id
    assert shown(desk.get(f"/guests?before={before}").text) == [marta]


def test_stays_and_the_last_word_stand_in_the_line(desk):
    marta = guest()
    conversation = talk(who=marta, minutes=3)
    books(conversation, -9, -7, "departed")
    books(conversation, -5, -4, "cancelled")
    line = directory(hotel()).lines[0]
    assert (line.stays, line.heard_at is not None) == (1, True)


def test_another_hotels_guests_are_not_shown_nor_found(sign_in):
    marta = guest("Marta García")
    oscar = sign_in("oscar@andes.example")
    assert shown(oscar.get("/guests?q=Marta").text) == []
    assert oscar.get(f"/guests/{marta.id}").status_code == 404


def test_the_list_asks_as_often_for_forty_as_for_one(desk):
    guest()
    desk.get("/guests")
    with statements() as few:
        desk.get("/guests")
    for _ in range(39):
        talk()
    with statements() as many:
        assert len(shown(desk.get("/guests").text)) == 40
    assert len(many) == len(few) <= 5


# The card


def test_the_card_tells_stays_conversations_and_phones(desk):
    marta = guest("Marta García", "34600123456", preferences=["quiet"], language="en")
    conversation = talk(who=marta)
    codes = [books(conversation, -9, -7, "departed"), books(conversation, 2, 4)]
    html = desk.get(f"/guests/{marta.id}").text
    for told in (*codes, "+34 600 123 456", f"/conversations/{conversation}", "habitación tranquila", "Inglés"):
        assert told in html, told


def test_the_card_asks_as_often_for_much_as_for_little(desk):
    marta = guest("Marta García")
    conversation = talk(who=marta)
    desk.get(f"/guests/{marta.id}")
    with statements() as few:
        desk.get(f"/guests/{marta.id}")
    for number in range(20):
        books(conversation, -50 + number, -49 + number, "departed")
        keeping.add_note(marta.id, ana(), "x", hotel_id=hotel().id)
        says(conversation)
    with statements() as many:
        desk.get(f"/guests/{marta.id}")
    assert len(many) == len(few) <= 12


def test_what_a_guest_likes_is_added_and_removed(desk):
    marta = guest().id
    desk.post(f"/guests/{marta}/preferences", data={"code": "vegan"})
    assert row(marta).preferences == ["vegan"]
    assert desk.post(f"/guests/{marta}/preferences", data={"code": "<b>"}).status_code == 400
    desk.post(f"/guests/{marta}/preferences/drop", data={"code": "vegan"})
    assert row(marta).preferences == []


def test_a_note_has_its_author_and_is_no_html(desk):
    marta = guest().id
    desk.post(f"/guests/{marta}/notes", data={"note": "<b>Le gusta</b> el mar"})
    html = desk.get(f"/guests/{marta}").text
    assert "&lt;b&gt;Le gusta" in html
    assert "Ana" in html
    note = db.session.scalars(select(GuestNote)).one()
    assert "¿Borrar esta nota?" in desk.get(f"/guests/{marta}/notes/{note.id}/delete").text
    desk.post(f"/guests/{marta}/notes/{note.id}/delete")
    assert db.session.scalar(select(GuestNote.id)) is None


@pytest.mark.parametrize(("words", "kept"), [("   ", ""), ("x" * 2001, "x" * 2001)])
def test_a_note_that_cannot_be_is_told_beside_the_field(desk, words, kept):
    answer = desk.post(f"/guests/{guest().id}/notes", data={"note": words})
    assert answer.status_code == 400
    assert 'id="note-problem"' in answer.text
    assert kept in answer.text


def test_consent_is_written_down_with_how_and_refusal_ends_it(desk):
    marta = guest().id
    assert desk.post(f"/guests/{marta}/consent", data={"way": "other", "words": " "}).status_code == 400
    assert desk.post(f"/guests/{marta}/consent", data={"way": "guessed"}).status_code == 400
    desk.post(f"/guests/{marta}/consent", data={"way": "other", "words": "en la boda"})
    assert row(marta).consented_at is not None
    desk.post(f"/guests/{marta}/opt-out")
    assert (row(marta).consented_at, row(marta).opted_out_at is None) == (None, False)
    steps = [(one.what, one.how) for one in db.session.scalars(select(GuestConsent).order_by(GuestConsent.id))]
    assert steps == [("given", "other: en la boda"), ("opted_out", "asked_staff")]
    assert "en la boda" in desk.get(f"/guests/{marta}").text


def test_what_guests_say_themselves_is_in_the_history(marta_says, run_jobs, sent):
    for words in ("Hola", "BAJA", "ALTA"):
        marta_says(words)
        run_jobs()
    steps = [(one.what, one.staff_id) for one in db.session.scalars(select(GuestConsent).order_by(GuestConsent.id))]
    assert steps[0] == ("opted_out", None)


def test_a_refusal_is_shown_wherever_the_guest_is(desk):
    marta = guest("Marta", opted_out_at=ago(days=1))
    conversation = talk(who=marta)
    assert "opted_out" in kinds(conversation)
    db.session.execute(
        text(
            "insert into guest_requests (hotel_id, conversation_id, guest_id, request_key, kind, words)"
            " values (:hotel, :conversation, :guest, 'k', 'repair', 'La ducha')"
        ),
        {"hotel": marta.hotel_id, "conversation": conversation, "guest": marta.id},
    )
    db.session.commit()
    shows = (f"/conversations/{conversation}", "/conversations?view=all", f"/guests/{marta.id}", "/guests", "/requests")
    for path in shows:
        assert "No quiere ofertas" in desk.get(path).text, path


def test_vip_is_a_matter_of_a_button(desk):
    marta = guest().id
    desk.post(f"/guests/{marta}/vip", data={"vip": "1"})
    assert row(marta).vip
    desk.post(f"/guests/{marta}/vip", data={"vip": "0"})
    assert not row(marta).vip


# Two who are one


def test_the_other_is_searched_for_and_seen_beside(desk):
    kept, other = guest("Marta García", "34600123456"), guest("Marta G", "34699999999")
    assert f"/guests/{kept.id}/merge/{other.id}" in desk.get(f"/guests/{kept.id}/merge?q=marta").text
    html = desk.get(f"/guests/{kept.id}/merge/{other.id}").text
    assert "+34 600 123 456" in html
    assert "+34 699 999 999" in html
    assert "no se puede deshacer" in html.casefold()
    assert desk.post(f"/guests/{kept.id}/merge/{other.id}").status_code == 303
    assert db.session.get(Guest, other.id, populate_existing=True) is None


def test_the_question_names_what_will_happen(desk):
    kept, other = guest("Marta García"), guest("Marta G", opted_out_at=ago(days=1))
    html = desk.get(f"/guests/{kept.id}/merge/{other.id}").text
    assert "de Marta G pasan a ser de Marta García" in html
    assert "la ficha de Marta G desaparece" in html
    assert "vale para ambos" in html


def test_a_button_pressed_twice_is_no_mistake(desk):
    kept, other = guest("Marta").id, guest("Marta").id
    for _press in range(2):
        assert desk.post(f"/guests/{kept}/merge/{other}").status_code == 303


def test_a_name_is_no_html_on_any_page(office):
    name = '<b>Marta</b> "><img src=x>'
    marta, other = guest(name, vip=True).id, guest(name).id
    for path in ("", f"/{marta}", f"/{marta}/merge?q=marta", f"/{marta}/merge/{other}", f"/{marta}/erase", "?q=<b>x"):
        html = office.get(f"/guests{path}").text
        assert "&lt;b&gt;" in html, path
        assert "<b>" not in html, path
        assert "<img src=x" not in html, path


def test_who_cannot_be_merged_is_told_so(desk):
    marta = guest().id
    assert desk.post(f"/guests/{marta}/merge/{marta}").status_code == 409
    theirs = guest(slug="andes").id
    assert desk.get(f"/guests/{marta}/merge/{theirs}").status_code == 404
    assert desk.post(f"/guests/{marta}/merge/{theirs}").status_code == 404


# Their data


def test_a_file_is_asked_for_made_and_fetched_by_who_asked(office, sign_in, run_jobs, graph):
    marta = guest().id
    assert office.post(f"/guests/{marta}/exports").status_code == 303
    assert 'data-export="asked"' in office.get(f"/guests/{marta}").text
    run_jobs()
    html = office.get(f"/guests/{marta}").text
    assert 'data-export="ready"' in html
    found = re.search(r"/guests/\d+/exports/\d+", html)
    assert found
    link = found.group(0)
    answer = office.get(link)
    assert (answer.status_code, answer.content_type, answer.data[:2]) == (200, "application/zip", b"PK")
    assert sign_in("eva@miramar.example").get(link).status_code == 404
    assert sign_in("ana@miramar.example").get(link).status_code == 403
    assert sign_in("oscar@andes.example").get(link).status_code == 403


def test_a_guest_is_erased_once_somebody_has_typed_whom(office, run_jobs, graph):
    marta = guest("Marta García").id
    conversation = talk(who=row(marta))
    says(conversation, "mi secreto")
    wrong = office.post(f"/guests/{marta}/erase", data={"who": "Luisa"})
    assert wrong.status_code == 400
    assert 'value="Luisa"' in wrong.text
    assert row(marta).erased_at is None
    assert office.post(f"/guests/{marta}/erase", data={"who": " marta  garcía "}).status_code == 303
    assert 'role="status"' in office.get(f"/guests/{marta}").text
    run_jobs()
    html = office.get(f"/guests/{marta}").text
    assert "data-erased" in html
    assert "Marta" not in html
    assert db.session.scalar(text("select count(*) from messages")) == 0
    assert shown(office.get("/guests?only=erased").text) == [marta]
    assert office.post(f"/guests/{marta}/notes", data={"note": "x"}).status_code == 409


def test_a_guest_without_a_name_is_meant_by_number(app):
    nobody = guest(None)
    assert erasing.is_named(nobody, f"#{nobody.id}")
    assert not erasing.is_named(nobody, "")


def test_whoever_has_a_booking_is_not_erased_and_the_page_says_which(office):
    marta = guest("Marta")
    code = books(talk(who=marta), 1, 3)
    html = office.get(f"/guests/{marta.id}/erase").text
    assert code in html
    assert 'name="who"' not in html
    assert office.post(f"/guests/{marta.id}/erase", data={"who": "Marta"}).status_code == 409
    assert db.session.scalar(select(GuestErasure.id)) is None


def test_reception_neither_exports_nor_erases(desk):
    marta = guest().id
    assert desk.post(f"/guests/{marta}/exports").status_code == 403
    assert desk.get(f"/guests/{marta}/exports/1").status_code == 403
    assert desk.get(f"/guests/{marta}/erase").status_code == 403
    assert desk.post(f"/guests/{marta}/erase", data={"who": f"#{marta}"}).status_code == 403
    assert row(marta).erased_at is None
    assert 'data-action="erase"' not in desk.get(f"/guests/{marta}").text


@pytest.mark.parametrize("verb", ["vip", "preferences", "preferences/drop", "notes", "opt-out", "consent", "erase"])
def test_another_hotel_changes_nothing(sign_in, verb):
    from hotel_agent.hotels.finding import by_slug
    from hotel_agent.staff import accounts

    accounts.put("oscar@andes.example", by_slug("andes").id, "admin")
    marta = guest("Marta").id
    assert sign_in("oscar@andes.example").post(f"/guests/{marta}/{verb}", data={"who": "Marta"}).status_code == 404
