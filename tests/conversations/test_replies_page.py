"""Luis writes quick replies and WhatsApp templates: seen as a guest reads them, and never over a colleague's."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hotel_agent.audit.models import AuditEntry
from hotel_agent.conversations import canned
from hotel_agent.conversations.models import CannedReply, MessageTemplate
from hotel_agent.db import db
from tests.conversations.cast import hotel_of
from tests.dashboard.cast import statements

REPLIES, TEMPLATES = "/replies", "/replies/templates"
POOL = {"shortcut": "Piscina ", "language": "es", "body": "Hola, {{ guest }}: abre a las *10*."}


def reading_english(browser):
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return browser


@pytest.fixture
def luis(sign_in):
    return reading_english(sign_in("luis@miramar.example"))


@pytest.fixture
def eva(sign_in):
    return reading_english(sign_in("eva@miramar.example"))


@pytest.fixture
def miramar(app):
    return hotel_of("miramar")


@pytest.fixture
def pool(miramar):
    return canned.put_canned(miramar, "piscina", "es", "Abre a las 10.")


@pytest.fixture
def welcome(miramar):
    return canned.put_template(miramar, "bienvenida", "es", "Hola, {{1}}.")


def kept(table, row_id):
    db.session.rollback()
    return db.session.get(table, row_id)


def named(shortcut):
    db.session.rollback()
    return db.session.scalars(select(CannedReply).where(CannedReply.shortcut == shortcut)).all()


def done():
    db.session.rollback()
    return [
        (entry.action, entry.subject, entry.details)
        for entry in db.session.scalars(select(AuditEntry).where(AuditEntry.actor != "command").order_by(AuditEntry.id))
    ]


def seen_in(page):
    found = re.search(r'name="seen" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_the_list_shows_how_each_reads_and_which_language_is_missing(luis, pool):
    page = luis.get(REPLIES).text
    assert "Hola, Marta. Soy Luis, de la recepción de Hotel Miramar." in page
    assert f'href="/replies/{pool}"' in page
    assert 'href="/replies/new?shortcut=piscina&amp;language=pt"' in page
    assert 'shortcut=piscina&amp;language=es"' not in page


def test_a_reply_is_written(luis):
    assert luis.post("/replies/new", data=POOL).location == REPLIES
    assert "Saved." in luis.get(REPLIES).text
    (row,) = named("piscina")
    assert (row.language, row.body) == ("es", POOL["body"])
    (entry,) = done()
    assert entry[:2] == ("reply_set", "piscina")
    assert entry[2]["body"] == {"was": None, "now": POOL["body"]}


def test_the_form_for_a_missing_language_knows_the_shortcut(luis):
    page = luis.get("/replies/new?shortcut=piscina&language=pt").text
    assert 'value="piscina"' in page
    assert re.search(r'value="pt" selected', page)


def test_writing_a_new_one_never_overwrites_another(luis, pool):
    answer = luis.post("/replies/new", data=POOL)
    assert answer.status_code == 400
    assert "There is another one of this name in this language." in answer.text
    assert POOL["body"] in answer.text
    assert kept(CannedReply, pool).body == "Abre a las 10."


def test_what_was_typed_is_shown_as_a_guest_reads_it_and_not_kept(luis):
    answer = luis.post("/replies/new", data=POOL | {"preview": "1"})
    assert answer.status_code == 200
    assert "Hola, Marta: abre a las <strong>10</strong>." in answer.text
    assert POOL["body"] in answer.text
    assert named("piscina") == []


def test_a_variable_that_nobody_can_fill_in_is_refused(luis):
    typed = POOL | {"body": "Hola, {{ nombre }} {{guest}}"}
    preview = luis.post("/replies/new", data=typed | {"preview": "1"})
    assert "{{ nombre }} cannot be filled in." in preview.text
    answer = luis.post("/replies/new", data=typed)
    assert answer.status_code == 400
    assert 'id="body-problem">{{ nombre }} cannot be filled in.' in answer.text
    assert "Hola, {{ nombre }} {{guest}}" in answer.text


@pytest.mark.parametrize(
    ("field", "value"), [("shortcut", "dos palabras"), ("language", "fr"), ("body", "  "), ("body", "x" * 4097)]
)
def test_what_is_wrong_is_told_beside_its_field(luis, field, value):
    answer = luis.post("/replies/new", data=POOL | {field: value})
    assert answer.status_code == 400
    assert f'id="{field}-problem"' in answer.text


def test_a_reply_is_changed_and_what_it_was_is_on_the_record(luis, pool):
    page = luis.get(f"/replies/{pool}")
    typed = {"shortcut": "piscina", "language": "es", "body": "Abre a las 9.", "seen": seen_in(page)}
    assert luis.post(f"/replies/{pool}", data=typed).status_code == 303
    assert kept(CannedReply, pool).body == "Abre a las 9."
    assert done() == [
        ("reply_set", "piscina", {"language": "es", "body": {"was": "Abre a las 10.", "now": "Abre a las 9."}})
    ]


def test_who_comes_second_sees_what_the_first_wrote_and_decides(luis, eva, pool):
    seen = seen_in(luis.get(f"/replies/{pool}"))
    typed = {"shortcut": "piscina", "language": "es", "seen": seen}
    assert eva.post(f"/replies/{pool}", data=typed | {"body": "Abre a las 9."}).status_code == 303
    answer = luis.post(f"/replies/{pool}", data=typed | {"body": "Abre a las 8."})
    assert answer.status_code == 409
    assert "Abre a las 9." in answer.text
    assert "Abre a las 8." in answer.text
    assert kept(CannedReply, pool).body == "Abre a las 9."
    again = typed | {"body": "Abre a las 8.", "seen": seen_in(answer)}
    assert luis.post(f"/replies/{pool}", data=again).status_code == 303
    assert kept(CannedReply, pool).body == "Abre a las 8."


def test_a_reply_is_deleted_after_a_question(luis, pool):
    question = luis.get(f"/replies/{pool}/delete")
    assert "/piscina" in question.text
    assert luis.post(f"/replies/{pool}/delete").location == REPLIES
    assert named("piscina") == []
    assert done() == [("reply_deleted", "piscina", {"language": "es", "body": "Abre a las 10."})]
    assert luis.post(f"/replies/{pool}/delete").status_code == 404


def test_a_template_is_written_changed_and_deleted(luis):
    typed = {"name": "bienvenida", "language": "pt", "body": "Olá, {{1}}."}
    assert luis.post("/replies/templates/new", data=typed).location == TEMPLATES
    page = luis.get(TEMPLATES).text
    assert "Olá, {{1}}." in page
    row = db.session.scalars(select(MessageTemplate).where(MessageTemplate.name == "bienvenida")).one()
    seen = seen_in(luis.get(f"{TEMPLATES}/{row.id}"))
    changed = typed | {"body": "Olá, {{1}} e {{2}}.", "seen": seen}
    assert luis.post(f"{TEMPLATES}/{row.id}", data=changed).status_code == 303
    assert kept(MessageTemplate, row.id).body == "Olá, {{1}} e {{2}}."
    assert luis.post(f"{TEMPLATES}/{row.id}", data=changed).status_code == 409
    assert "bienvenida" in luis.get(f"{TEMPLATES}/{row.id}/delete").text
    assert luis.post(f"{TEMPLATES}/{row.id}/delete").location == TEMPLATES
    assert kept(MessageTemplate, row.id) is None
    assert [action for action, *_ in done()] == ["template_set", "template_set", "template_deleted"]


@pytest.mark.parametrize(
    ("field", "value"), [("name", "Con Espacio"), ("language", "fr"), ("body", "Hola, {{2}}"), ("body", "")]
)
def test_a_template_that_meta_cannot_have_is_told_beside_its_field(luis, welcome, field, value):
    typed = {"name": "otra", "language": "es", "body": "Hola"} | {field: value}
    for address in ("/replies/templates/new", f"{TEMPLATES}/{welcome}"):
        answer = luis.post(address, data=typed)
        assert answer.status_code == 400
        assert f'id="{field}-problem"' in answer.text
    assert kept(MessageTemplate, welcome).body == "Hola, {{1}}."


def test_with_nothing_written_yet_the_pages_say_what_they_are_for(luis):
    db.session.query(CannedReply).delete()
    db.session.query(MessageTemplate).delete()
    db.session.commit()
    assert "There are no quick replies yet" in luis.get(REPLIES).text
    assert "There are no templates yet" in luis.get(TEMPLATES).text


def test_another_hotels_texts_do_not_exist(luis):
    andes = hotel_of("andes")
    reply = canned.put_canned(andes, "hola", "es", "De Andes")
    template = canned.put_template(andes, "hola", "es", "De Andes")
    for address in (f"/replies/{reply}", f"{TEMPLATES}/{template}"):
        for path in (address, f"{address}/delete"):
            assert luis.get(path).status_code == 404
            assert luis.post(path, data=POOL | {"name": "hola"}).status_code == 404
    assert "De Andes" not in luis.get(REPLIES).text + luis.get(TEMPLATES).text
    assert kept(CannedReply, reply).body == "De Andes"


@pytest.mark.parametrize("address", [REPLIES, TEMPLATES])
def test_however_many_there_are_a_page_costs_the_same(luis, miramar, address):
    for number in range(30):
        canned.put_canned(miramar, f"r{number}", "es", "Hola, {{ guest }}")
        canned.put_template(miramar, f"t{number}", "es", "Hola")
    luis.get(address)
    with statements() as asked:
        luis.get(address)
    assert len(asked) <= 2
