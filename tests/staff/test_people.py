"""Eva looks after the people of Miramar, and of no other hotel."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts, people, sessions
from hotel_agent.staff.people import LastAdmin

NEW = "el faro que nadie enciende"


@pytest.fixture
def miramar(app):
    return by_slug("miramar")


@pytest.fixture
def eva(with_password):
    return with_password("eva@miramar.example")


def role_of(email, hotel):
    return next((person.role for person in people.people_of(hotel) if person.email == email), None)


def actions():
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_eva_invites_nuria_who_chooses_a_password_and_is_in(miramar, eva, browser):
    token = people.invite(miramar, "Nuria@miramar.example", "Nuria", "reception", eva.id)
    page = browser.get(f"/invitation/{token}")
    assert "nuria@miramar.example" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert browser.post(f"/invitation/{token}", data={"name": "Núria", "password": "short"}).status_code == 400
    assert browser.post(f"/invitation/{token}", data={"name": "Núria", "password": NEW}).location == "/"
    assert "Núria" in browser.get("/account").text
    assert browser.get(f"/invitation/{token}").status_code == 404
    assert actions() == ["person_invited", "invitation_accepted"]


def test_an_invitation_lasts_a_week_and_a_new_one_ends_the_old(miramar, eva, browser, change):
    old = people.invite(miramar, "nuria@miramar.example", "Nuria", "reception", eva.id)
    nuria = accounts.by_email("nuria@miramar.example")
    new = people.invite_again(miramar, nuria.id, eva.id)
    assert browser.get(f"/invitation/{old}").status_code == 404
    assert browser.get(f"/invitation/{new}").status_code == 200
    change("update staff set invite_expires_at = now() - interval '1 second'")
    assert browser.get(f"/invitation/{new}").status_code == 404


def test_who_has_an_account_elsewhere_is_let_in_but_keeps_the_password(miramar, eva, with_password):
    oscar = with_password("oscar@andes.example")
    assert people.invite(miramar, oscar.email, "Not Oscar", "manager", eva.id) is None
    assert (role_of(oscar.email, miramar), oscar.name) == ("manager", "Oscar")
    with pytest.raises(BadInput):
        people.invite_again(miramar, oscar.id, eva.id)
    with pytest.raises(BadInput):
        people.reset_code(miramar, oscar.id, eva.id)
    with pytest.raises(BadInput):
        people.invite(miramar, oscar.email, "", "manager", eva.id)


def test_a_new_role_counts_at_once(miramar, eva, sign_in):
    ana = sign_in("ana@miramar.example")
    people.change_role(miramar, accounts.by_email("ana@miramar.example").id, "manager", eva.id)
    seen = sessions.find(ana.get_cookie(sessions.cookie_name()).value)
    assert seen is not None
    assert seen.here.role == "manager"
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.actor, entry.action, entry.subject) == (eva.email, "role_changed", "ana@miramar.example")
    assert entry.details == {"role": {"from": "reception", "to": "manager"}}


def test_the_last_admin_stays(miramar, eva):
    for leave in (
        lambda: people.change_role(miramar, eva.id, "manager", eva.id),
        lambda: people.remove_from_hotel(miramar, eva.id, eva.id),
        lambda: people.disable(miramar, eva.id, eva.id),
    ):
        with pytest.raises(LastAdmin):
            leave()
    assert role_of(eva.email, miramar) == "admin"


def test_an_admin_who_cannot_sign_in_is_none(miramar, eva, with_password):
    people.invite(miramar, "nuria@miramar.example", "Nuria", "admin", eva.id)
    with pytest.raises(LastAdmin):
        people.disable(miramar, eva.id, eva.id)
    nuria = with_password("nuria@miramar.example")
    people.disable(miramar, eva.id, nuria.id)
    assert eva.disabled_at is not None


def test_who_is_removed_sees_the_hotel_no_more(miramar, eva, sign_in):
    ana = sign_in("ana@miramar.example")
    people.remove_from_hotel(miramar, accounts.by_email("ana@miramar.example").id, eva.id)
    assert ana.get("/account").status_code == 303
    assert role_of("ana@miramar.example", miramar) is None


def test_disabling_somebody_of_two_hotels_only_removes_them_here(miramar, eva, with_password):
    oscar = with_password("oscar@andes.example")
    people.invite(miramar, oscar.email, "", "reception", eva.id)
    people.disable(miramar, oscar.id, eva.id)
    assert oscar.disabled_at is None
    assert role_of(oscar.email, by_slug("andes")) == "reception"
    assert role_of(oscar.email, miramar) is None


def test_people_of_another_hotel_do_not_exist(miramar, eva):
    oscar = accounts.by_email("oscar@andes.example")
    for verb in (people.invite_again, people.disable, people.enable, people.reset_code, people.remove_from_hotel):
        with pytest.raises(NotFound):
            verb(miramar, oscar.id, eva.id)
    with pytest.raises(NotFound):
        people.change_role(miramar, oscar.id, "ops", eva.id)


@pytest.mark.parametrize(("email", "role"), [("nobody", "reception"), ("n@x.example", "boss")])
def test_nonsense_is_no_invitation(miramar, eva, email, role):
    with pytest.raises(BadInput):
        people.invite(miramar, email, "", role, eva.id)


def test_the_list_tells_who_is_who(miramar, eva, sign_in):
    sign_in("ana@miramar.example")
    people.invite(miramar, "nuria@miramar.example", "", "ops", eva.id)
    told = {person.email: person for person in people.people_of(miramar)}
    assert told["ana@miramar.example"].last_seen_at is not None
    assert told["nuria@miramar.example"].invited_until is not None
    assert told[eva.email].has_password
    assert not told["luis@miramar.example"].elsewhere
    assert "oscar@andes.example" not in told


def test_what_somebody_does_with_an_account_is_written_down_at_its_hotels(miramar, with_password):
    oscar = with_password("oscar@andes.example")
    accounts.put(oscar.email, miramar.id, "reception")
    accounts.sign_out_everywhere(oscar)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "signed_out_everywhere")).all()
    assert {entry.hotel_id for entry in entries} == {miramar.id, by_slug("andes").id}
