"""Signing in and out, as a browser does it: the cookie, where it leads, how long it lasts."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event, select

from hotel_agent.db import db
from hotel_agent.staff import accounts, sessions
from hotel_agent.staff.access import own_path
from hotel_agent.staff.models import Staff, StaffSession


@pytest.fixture
def signs_in(browser, password):
    def signs_in(who, way="/", **more):
        form = {"email": who.email, "password": password, "next": way, **more}
        return browser.post("/login", data=form)

    return signs_in


def cookie_of(answer):
    return next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(sessions.cookie_name() + "="))


def token_of(browser):
    kept = browser.get_cookie(sessions.cookie_name())
    return kept.value if kept else None


def test_ana_signs_in_with_the_real_form_and_is_led_to_where_she_wanted(client, ana, password):
    page = client.get("/login?next=/account", headers={"Accept": "text/html"})
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    form = {"email": "Ana@Miramar.example ", "password": password, "next": "/account", "csrf_token": token and token[1]}
    answer = client.post("/login", data=form)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert all(word in cookie_of(answer) for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
    shown = client.get("/account", headers={"Accept": "text/html"})
    assert "ana@miramar.example" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"


def test_with_https_the_cookie_is_secure_and_of_this_host_alone(ana, signs_in, monkeypatch):
    from hotel_agent.config import settings

    monkeypatch.setattr(settings(), "public_url", "https://hotel.example")
    cookie = cookie_of(signs_in(ana))
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie


def test_a_wrong_password_says_no_more_than_an_unknown_address(browser, ana):
    wrong = browser.post("/login", data={"email": ana.email, "password": "not hers at all"})
    unknown = browser.post("/login", data={"email": "nobody@miramar.example", "password": "not hers at all"})
    assert wrong.status_code == unknown.status_code == 401
    csrf = re.compile(r'name="csrf_token" value="[^"]+"')
    assert csrf.sub("", wrong.text).replace(ana.email, "") == csrf.sub("", unknown.text).replace(
        "nobody@miramar.example", ""
    )


@pytest.mark.parametrize("way", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)",
                                 "/\t/evil.example", "evil.example", "///evil.example", "\\\\evil.example", "/login",
                                 "http:evil.example", " /account", "/%0d\n/evil", ""])  # fmt: skip
def test_signing_in_leads_nowhere_else(ana, signs_in, way):
    assert signs_in(ana, way).location == "/"


@pytest.mark.parametrize("way", ["/conversations/7?view=mine&q=a%20b", "/account", "/"])
def test_signing_in_leads_to_our_own_pages(way):
    assert own_path(way) == way


def test_who_is_signed_out_is_sent_to_sign_in_and_a_script_is_told_so(browser):
    assert browser.get("/account?x=1").location == "/login?next=/account?x%3D1"
    assert browser.get("/account", headers={"HX-Request": "true"}).status_code == 401
    assert browser.get("/account", headers={"Accept": "text/event-stream"}).status_code == 401
    assert browser.get("/account", headers={"Accept": "application/json"}).status_code == 401


def test_a_token_from_before_sign_in_is_worth_nothing_after_it(browser, ana, signs_in):
    browser.set_cookie(sessions.cookie_name(), "chosen-by-somebody-else", domain="localhost")
    signs_in(ana)
    first = token_of(browser)
    assert first not in (None, "chosen-by-somebody-else")
    signs_in(ana)
    assert token_of(browser) != first
    assert sessions.find(first) is None


def test_signing_out_ends_the_session_and_not_only_the_cookie(sign_in):
    ana = sign_in("ana@miramar.example")
    token = token_of(ana)
    assert ana.post("/logout").location == "/login"
    assert sessions.find(token) is None
    assert ana.get("/account").status_code == 303


def test_a_session_ends_after_idle_hours(sign_in, change):
    ana = sign_in("ana@miramar.example")
    change("update staff_sessions set last_seen_at = now() - interval '7 hours 59 minutes'")
    assert ana.get("/account").status_code == 200
    change("update staff_sessions set last_seen_at = now() - interval '8 hours 1 minute'")
    assert ana.get("/account").status_code == 303


def test_a_session_ends_after_a_week_however_busy(sign_in, change):
    ana = sign_in("ana@miramar.example")
    change("update staff_sessions set created_at = now() - interval '7 days 1 minute', last_seen_at = now()")
    assert ana.get("/account").status_code == 303


def test_what_a_page_asks_by_itself_keeps_no_session_alive(sign_in, change):
    ana = sign_in("ana@miramar.example")
    change("update staff_sessions set last_seen_at = now() - interval '1 hour'")
    long_ago = db.session.scalars(select(StaffSession.last_seen_at)).one()
    ana.get("/account", headers={sessions.BY_ITSELF: "1"})
    assert db.session.scalars(select(StaffSession.last_seen_at)).one() == long_ago
    ana.get("/account")
    assert db.session.scalars(select(StaffSession.last_seen_at)).one() > long_ago


def test_a_disabled_account_is_out_at_once(sign_in):
    ana = sign_in("ana@miramar.example")
    accounts.disable(accounts.by_email("ana@miramar.example"))
    assert ana.get("/account").status_code == 303


def test_a_disabled_account_does_not_sign_in_again(ana, signs_in):
    accounts.disable(ana)
    assert signs_in(ana).status_code == 401
    accounts.enable(ana)
    assert signs_in(ana).status_code == 303


def test_who_belongs_to_no_hotel_does_not_sign_in(ana, signs_in, change):
    change("delete from staff_hotels where staff_id = :ana", ana=ana.id)
    assert signs_in(ana).status_code == 401


def test_knowing_who_asks_costs_one_select_and_no_write(app, sign_in):
    ana = sign_in("ana@miramar.example")
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    ana.get("/login")
    assert len(asked) == 1
    assert asked[0].lower().startswith("select")


def test_a_form_without_the_token_does_nothing_and_gives_back_what_was_typed(client, sign_in):
    ana = sign_in("ana@miramar.example")
    headers = {"X-CSRFToken": "made up", "Referer": "http://localhost/conversations/7"}
    answer = ana.post("/account/profile", data={"name": "Ana, recepción"}, headers=headers)
    assert answer.status_code == 400
    assert "Ana, recepción" in answer.text
    assert 'href="/conversations/7"' in answer.text
    assert db.session.scalar(select(Staff.name).where(Staff.email == "ana@miramar.example")) == "Ana"


@pytest.mark.parametrize("elsewhere", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_nobody_is_signed_in_by_a_page_of_somebody_else(client, ana, password, elsewhere):
    form = {"email": ana.email, "password": password}
    assert client.post("/login", data=form, headers={"Accept": "text/html", **elsewhere}).status_code == 403


def test_a_program_signs_in_without_having_read_the_form(client, ana, password):
    assert client.post("/login", data={"email": ana.email, "password": password}).status_code == 303
    assert client.get("/account").status_code == 200


def test_a_hash_of_older_parameters_is_renewed_at_sign_in(ana, signs_in, monkeypatch):
    from argon2 import PasswordHasher

    before = ana.password_hash
    newer = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: newer)
    assert signs_in(ana).status_code == 303
    db.session.expire_all()
    assert ana.password_hash != before
    assert signs_in(ana).status_code == 303


def test_pages_say_what_browsers_may_do_with_them(browser):
    headers = browser.get("/login").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("awkward", ["ana\x00@miramar.example", "ana@miramar.example" * 50, "", "'; drop table staff"])
def test_awkward_input_is_only_wrong(browser, awkward):
    assert browser.post("/login", data={"email": awkward, "password": "\x00" + "x" * 5000}).status_code == 401
