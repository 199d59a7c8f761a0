"""Eva's page about the people of Miramar: who they are, inviting them, changing what they may do, letting them go."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db, utcnow
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts, people, second_factor, sessions
from tests.dashboard.cast import statements

PEOPLE = "/admin/people"
NURIA = "nuria@miramar.example"


@pytest.fixture
def eva(with_password, sign_in):
    with_password("eva@miramar.example")
    browser = sign_in("eva@miramar.example")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return browser


@pytest.fixture
def luis(app):
    return accounts.by_email("luis@miramar.example")


def person(email):
    """As the list has them now; None when they are not on it."""
    db.session.rollback()
    return next((one for one in people.people_of(by_slug("miramar")) if one.email == email), None)


def written_down():
    db.session.rollback()
    return [(entry.actor, entry.action, entry.subject) for entry in db.session.scalars(select(AuditEntry))]


def link_in(page):
    found = re.search(r'<code id="link">[^<]*(/invitation/[^<]+)</code>', page.text)
    return found[1] if found else None


def test_the_list_tells_who_works_here_and_of_nobody_else(eva, luis):
    page = eva.get(PEOPLE).text
    for words in ("Ana", "luis@miramar.example", "Manager", "Operations", "No password yet", "Not lately"):
        assert words in page
    assert "oscar" not in page
    people.disable(by_slug("miramar"), luis.id, accounts.by_email("eva@miramar.example").id)
    assert "Shut out" in eva.get(PEOPLE).text


@pytest.mark.parametrize("email", ["nuria\0@miramar.example", "nuria\u202e@miramar.example", "nuria"])
def test_what_is_no_address_is_not_invited(eva, email):
    answer = eva.post(PEOPLE, data={"email": email, "name": "Nuria", "role": "reception"})
    assert answer.status_code == 400
    assert "This is not an e-mail address." in answer.text


def test_whoever_is_invited_gets_a_link_that_is_shown_once(eva, browser):
    answer = eva.post(PEOPLE, data={"email": f" {NURIA.upper()} ", "name": "Nuria", "role": "reception"})
    assert answer.status_code == 303
    page = eva.get(answer.location)
    assert f"{NURIA} is invited." in page.text
    link = link_in(page)
    assert link
    assert link_in(eva.get(answer.location)) is None
    assert browser.get(link).status_code == 200
    assert person(NURIA).state == "invited"
    assert ("eva@miramar.example", "person_invited", NURIA) in written_down()


def test_the_link_is_shown_with_the_person_whom_it_is_for(eva, luis):
    answer = eva.post(PEOPLE, data={"email": NURIA, "name": "", "role": "ops"})
    assert link_in(eva.get(f"{PEOPLE}/{luis.id}")) is None
    assert link_in(eva.get(answer.location))


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"email": "nobody", "name": "Nuria", "role": "manager"}, "email", "This is not an e-mail address."),
        ({"email": "luis@miramar.example", "name": "L", "role": "ops"}, "email", "belongs to the hotel already"),
        ({"email": NURIA, "name": "Nuria", "role": "boss"}, "role", "Choose one of the roles."),
    ],
)
def test_an_invitation_that_cannot_be_made_keeps_what_was_typed(eva, typed, field, words):
    answer = eva.post(PEOPLE, data=typed)
    assert answer.status_code == 400
    assert f'id="{field}-problem">{words}' in answer.text or words in answer.text
    assert f'value="{typed["email"]}"' in answer.text
    assert written_down() == []


def test_who_has_an_account_elsewhere_gets_no_link(eva, with_password):
    oscar = with_password("oscar@andes.example")
    answer = eva.post(PEOPLE, data={"email": oscar.email, "name": "", "role": "reception"})
    page = eva.get(answer.location)
    assert "has an account already" in page.text
    assert link_in(page) is None
    for verb in ("invitation", "code/off", "sign-out"):
        answer = eva.post(f"{PEOPLE}/{oscar.id}/{verb}")
        assert answer.status_code == 400
        assert "belongs to other hotels too" in answer.text


def test_whom_another_hotel_has_invited_cannot_be_signed_in_as_from_here(eva):
    """A link of ours would let us choose the password of somebody of theirs; theirs would let them in here."""
    andes = by_slug("andes")
    people.invite(andes, "teresa@andes.example", "Teresa", "admin", accounts.by_email("oscar@andes.example").id)
    teresa = accounts.by_email("teresa@andes.example")
    before = teresa.invite_hash
    answer = eva.post(PEOPLE, data={"email": teresa.email, "name": "", "role": "reception"})
    assert answer.status_code == 400
    assert link_in(answer) is None
    assert eva.post(f"{PEOPLE}/{teresa.id}/invitation").status_code == 404
    db.session.rollback()
    assert accounts.by_email("teresa@andes.example").invite_hash == before


def test_a_new_invitation_ends_the_earlier_one(eva, browser):
    first = eva.post(PEOPLE, data={"email": NURIA, "name": "", "role": "reception"})
    old = link_in(eva.get(first.location))
    again = eva.post(f"{first.location}/invitation")
    new = link_in(eva.get(again.location))
    assert (browser.get(old).status_code, browser.get(new).status_code) == (404, 200)


def test_the_role_is_changed_and_counts_at_once(eva, luis, sign_in):
    his = sign_in(luis.email)
    assert his.get("/admin/hotel").status_code == 200
    answer = eva.post(f"{PEOPLE}/{luis.id}/role", data={"role": "reception"})
    assert answer.status_code == 303
    assert "The role is changed." in eva.get(answer.location).text
    assert his.get("/admin/hotel").status_code == 403
    assert written_down() == [("eva@miramar.example", "role_changed", luis.email)]


def test_a_role_that_there_is_not_is_told_beside_the_roles(eva, luis):
    answer = eva.post(f"{PEOPLE}/{luis.id}/role", data={"role": "boss"})
    assert answer.status_code == 400
    assert 'id="role-problem">Choose one of the roles.' in answer.text
    assert person(luis.email).role == "manager"


@pytest.mark.parametrize("verb", ["role", "remove", "shut-out", "code/off", "sign-out", "invitation"])
def test_nobody_changes_their_own_access(eva, with_password, verb):
    """Not even with another admin there: a colleague does it, on purpose."""
    with_password("luis@miramar.example")
    accounts.put("luis@miramar.example", by_slug("miramar").id, "admin")
    me = accounts.by_email("eva@miramar.example")
    answer = eva.post(f"{PEOPLE}/{me.id}/{verb}", data={"role": "reception"})
    assert answer.status_code == 400
    assert "Nobody changes their own access" in answer.text
    assert (person(me.email).role, person(me.email).state) == ("admin", "active")
    page = eva.get(f"{PEOPLE}/{me.id}").text
    assert "<form" not in page[page.index("<main") :]


def test_the_last_admin_who_can_sign_in_stays(eva, luis):
    """Nobody but Eva is one, and Luis is made one without a password."""
    accounts.put(luis.email, by_slug("miramar").id, "admin")
    me = accounts.by_email("eva@miramar.example")
    for verb in ("remove", "shut-out", "role"):
        answer = eva.post(f"{PEOPLE}/{me.id}/{verb}", data={"role": "reception"})
        assert answer.status_code == 400
        assert "The hotel needs an admin" in answer.text


@pytest.mark.parametrize(
    ("verb", "action"), [("remove", "person_removed"), ("shut-out", "person_disabled"), ("code/off", "totp_reset")]
)
def test_what_is_not_easily_undone_is_asked_first(eva, luis, verb, action):
    question = eva.get(f"{PEOPLE}/{luis.id}/{verb}")
    assert question.status_code == 200
    assert f'action="{PEOPLE}/{luis.id}/{verb}"' in question.text
    assert "Luis" in question.text
    assert written_down() == []
    assert eva.post(f"{PEOPLE}/{luis.id}/{verb}").status_code == 303
    assert written_down() == [("eva@miramar.example", action, luis.email)]


def test_who_is_removed_is_on_no_list_any_more(eva, luis, sign_in):
    his = sign_in(luis.email)
    answer = eva.post(f"{PEOPLE}/{luis.id}/remove")
    assert answer.location == PEOPLE
    assert luis.email not in eva.get(PEOPLE).text
    assert his.get("/conversations").status_code == 303
    assert eva.get(f"{PEOPLE}/{luis.id}").status_code == 404


def test_who_is_shut_out_can_be_let_in_again(eva, luis, sign_in):
    his = sign_in(luis.email)
    eva.post(f"{PEOPLE}/{luis.id}/shut-out")
    assert his.get("/conversations").status_code == 303
    assert person(luis.email).state == "disabled"
    assert "Let in again" in eva.get(f"{PEOPLE}/{luis.id}").text
    eva.post(f"{PEOPLE}/{luis.id}/let-in")
    assert not person(luis.email).disabled


def test_who_lost_their_phone_signs_in_without_its_codes(eva, luis):
    second_factor.begin(luis)
    luis.totp_confirmed_at = utcnow()
    db.session.commit()
    assert "Reset the codes" in eva.get(f"{PEOPLE}/{luis.id}").text
    eva.post(f"{PEOPLE}/{luis.id}/code/off")
    assert not person(luis.email).has_code


def test_every_browser_of_somebody_can_be_signed_out(eva, luis, sign_in):
    his = sign_in(luis.email)
    assert "Sign out everywhere" in eva.get(f"{PEOPLE}/{luis.id}").text
    assert eva.post(f"{PEOPLE}/{luis.id}/sign-out").status_code == 303
    assert his.get("/conversations").status_code == 303
    assert sessions.of(luis.id) == []
    assert ("eva@miramar.example", "person_signed_out", luis.email) in written_down()


def test_however_many_work_here_the_list_costs_the_same(eva):
    def cost():
        with statements() as asked:
            assert eva.get(PEOPLE).status_code == 200
        return len(asked)

    eva.get(PEOPLE)
    few = cost()
    for number in range(12):
        accounts.put(f"temp{number}@miramar.example", by_slug("miramar").id, "reception")
    assert cost() == few <= 4
