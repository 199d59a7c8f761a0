"""One's own account: language, password, browsers; and several hotels."""

from __future__ import annotations

import pytest

from hotel_agent import live
from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts, bearer, sessions
from hotel_agent.staff.browsers import browser_of

NEW = "el faro que nadie enciende"


@pytest.fixture
def told(monkeypatch):
    news = []
    monkeypatch.setattr(live, "tell", lambda topic, **what: news.append((topic, what)))
    return news


def test_ana_chooses_her_language_and_silence(sign_in, ana):
    browser = sign_in(ana.email)
    browser.post("/account/profile", data={"name": " Ana \n Gómez\x00", "language": "pt"})
    db.session.expire_all()
    assert (ana.name, ana.language, ana.sound) == ("Ana Gómez", "pt", False)
    assert '<html lang="pt">' in browser.get("/account").text
    assert browser.post("/account/profile", data={"name": " ", "language": "pt"}).status_code == 400
    browser.post("/account/profile", data={"name": "Ana", "language": "xx", "sound": "on"})
    db.session.expire_all()
    assert (ana.language, ana.sound) == (None, True)


def test_a_new_password_ends_every_other_browser_and_renews_this_one(sign_in, ana, password, told):
    here, elsewhere = sign_in(ana.email), sign_in(ana.email)
    copied = token_of(here)
    assert here.post("/account/password", data={"current": password, "password": NEW}).status_code == 303
    assert here.get("/account").status_code == 200
    assert token_of(here) != copied
    assert sessions.find(copied) is None
    assert elsewhere.get("/account").status_code == 303
    assert [topic for topic, _ in told] == ["session_ended"]
    db.session.expire_all()
    assert accounts.is_password(ana, NEW)


def test_the_present_password_is_asked_for_and_the_new_one_judged(sign_in, ana, password):
    browser = sign_in(ana.email)
    assert browser.post("/account/password", data={"current": "not hers", "password": NEW}).status_code == 400
    answer = browser.post("/account/password", data={"current": password, "password": "short"})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    db.session.expire_all()
    assert accounts.is_password(ana, password)


def test_guessing_the_present_password_from_an_open_screen_ends_soon(sign_in, ana, password):
    browser = sign_in(ana.email)
    for _ in range(5):
        browser.post("/account/password", data={"current": "guess", "password": NEW})
    browser.post("/account/password", data={"current": password, "password": NEW})
    db.session.expire_all()
    assert not accounts.is_password(ana, NEW)


def test_ana_signs_out_a_browser_she_left_open(sign_in, told):
    here, elsewhere = sign_in("ana@miramar.example"), sign_in("ana@miramar.example")
    left_open = next(
        row.id
        for row in sessions.of(accounts.by_email("ana@miramar.example").id)
        if row.id != session_of(here).session_id
    )
    assert here.post(f"/account/sessions/{left_open}/end").status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert here.get("/account").status_code == 200
    assert told == [("session_ended", {"session": left_open})]


def test_nobody_signs_out_somebody_else(sign_in):
    ana, luis = sign_in("ana@miramar.example"), sign_in("luis@miramar.example")
    assert luis.post(f"/account/sessions/{session_of(ana).session_id}/end").status_code == 404
    assert ana.get("/account").status_code == 200


def test_sign_out_everywhere_means_here_too_and_programs(sign_in, ana, client):
    here, elsewhere = sign_in(ana.email), sign_in(ana.email)
    token, _ = bearer.issue(ana)
    assert asks_rooms(client, token) != 401
    assert here.post("/account/sessions/end").location == "/login"
    assert here.get("/account").status_code == elsewhere.get("/account").status_code == 303
    assert asks_rooms(client, token) == 401


@pytest.mark.parametrize("what", [accounts.disable, lambda ana: accounts.change_password(ana, NEW)])
def test_tokens_from_before_are_spent(ana, client, what):
    token, _ = bearer.issue(ana)
    what(ana)
    assert asks_rooms(client, token) == 401
    accounts.enable(ana)
    assert asks_rooms(client, token) == 401
    token, _ = bearer.issue(ana)
    assert asks_rooms(client, token) != 401


def test_eva_looks_at_her_other_hotel_with_her_role_there(sign_in, both_hotels):
    eva = sign_in(both_hotels.email)
    before = token_of(eva)
    assert session_of(eva).here.hotel.slug == "andes"  # "Hostal Andes" comes first until she chooses.
    assert eva.post("/hotels/miramar/enter").location == "/"
    assert sessions.find(before) is None
    here = session_of(eva).here
    assert (here.hotel.slug, here.role) == ("miramar", "admin")
    assert "Hotel Miramar" in eva.get("/account").text
    eva.post("/hotels/enter", data={"hotel": "andes"})
    assert session_of(eva).here.role == "reception"


def test_a_form_of_the_hotel_before_changes_nothing_of_the_other_one(sign_in, both_hotels):
    accounts.put(both_hotels.email, by_slug("andes").id, "admin")
    eva = sign_in(both_hotels.email)
    eva.post("/hotels/miramar/enter")
    of_the_first_tab = {"X-CSRFToken": eva.form_token()}
    assert eva.post("/admin/tokens", data={"name": "PMS"}, headers=of_the_first_tab).status_code == 303
    eva.post("/hotels/andes/enter")
    answer = eva.post("/admin/tokens", data={"name": "PMS"}, headers={**of_the_first_tab, "Accept-Language": "es"})
    assert answer.status_code == 400
    assert "o de cambiar de hotel" in answer.text
    assert eva.post("/admin/tokens", data={"name": "PMS"}).status_code == 303


def test_the_hotel_looked_at_last_is_there_at_the_next_sign_in(sign_in, both_hotels):
    eva = sign_in(both_hotels.email)
    eva.post("/hotels/miramar/enter")
    eva.post("/logout")
    assert session_of(sign_in(both_hotels.email)).here.hotel.slug == "miramar"


def test_nobody_enters_a_hotel_that_is_not_theirs(sign_in):
    ana = sign_in("ana@miramar.example")
    assert ana.post("/hotels/andes/enter").status_code == ana.post("/hotels/nowhere/enter").status_code == 404


def test_old_sessions_are_forgotten(sign_in, change):
    sign_in("ana@miramar.example")
    assert sessions.forget_old() == 0
    change("update staff_sessions set ended_at = now() - interval '40 days'")
    assert sessions.forget_old() == 1


@pytest.mark.parametrize("slug", ["\0", "mira\0mar\0s"])
def test_an_awkward_hotel_is_no_hotel(sign_in, slug):
    assert sign_in("ana@miramar.example").post("/hotels/enter", data={"hotel": slug}).status_code == 404


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("curl/8.0", ""),
    ],
)
def test_browsers_have_names(says, name):
    assert browser_of(says) == name


def token_of(browser):
    return browser.get_cookie(sessions.cookie_name()).value


def session_of(browser):
    found = sessions.find(token_of(browser))
    assert found is not None
    return found


def asks_rooms(client, token):
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/api/pms/availability?hotel=miramar&check_in=x", headers=headers).status_code


def test_a_hotel_read_with_the_session_is_a_copy(sign_in):
    browser = sign_in("ana@miramar.example")
    hotel = session_of(browser).here.hotel
    db.session.rollback()
    assert (hotel.name, hotel.id) == ("Hotel Miramar", by_slug("miramar").id)
