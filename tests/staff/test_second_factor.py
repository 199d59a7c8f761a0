"""The code from the phone: turning it on, signing in with it, never twice with the same one."""

from __future__ import annotations

import re
from time import time

import pyotp
import pytest

from hotel_agent.db import db
from hotel_agent.hotels.credentials import unseal
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import accounts, people, second_factor


def code_of(account, steps=0):
    return pyotp.TOTP(unseal(account.totp_secret)).generate_otp(int(time()) // 30 + steps)


@pytest.fixture
def with_code(ana):
    second_factor.begin(ana)
    assert second_factor.confirm(ana, code_of(ana, -1), 0)
    db.session.expire_all()
    return ana


@pytest.fixture
def half_way(browser, with_code, password):
    answer = browser.post("/login", data={"email": with_code.email, "password": password, "next": "/account"})
    assert answer.location == "/login/code"
    return browser


def test_ana_turns_it_on_and_other_browsers_are_out(sign_in, ana, password):
    here, elsewhere = sign_in(ana.email), sign_in(ana.email)
    assert here.post("/account/code/begin", data={"current": password}).location == "/account/code"
    page = here.get("/account/code").text
    assert 'src="data:image/svg+xml' in page
    db.session.expire_all()
    assert unseal(ana.totp_secret) in re.sub(r"\s", "", page)
    assert unseal(ana.totp_secret) != ana.totp_secret
    assert here.post("/account/code/confirm", data={"code": "000000"}).status_code == 400
    assert here.post("/account/code/confirm", data={"code": code_of(ana)}).status_code == 303
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303


def test_setting_it_up_needs_the_password(sign_in, ana):
    assert sign_in(ana.email).post("/account/code/begin", data={"current": "not hers"}).status_code == 400
    db.session.expire_all()
    assert ana.totp_secret is None


def test_the_password_alone_opens_nothing(half_way):
    assert half_way.get("/account").status_code == 303
    assert half_way.get("/account", headers={"HX-Request": "true"}).status_code == 401


def test_password_and_code_sign_in(half_way, with_code):
    answer = half_way.post("/login/code", data={"code": f"{code_of(with_code)[:3]} {code_of(with_code)[3:]}"})
    assert answer.location == "/account"
    assert half_way.get("/account").status_code == 200


def test_who_is_half_way_when_the_password_changes_begins_anew(half_way, with_code):
    accounts.change_password(with_code, "otra llave de la 204")
    assert half_way.get("/login/code").location == "/login"
    assert half_way.post("/login/code", data={"code": code_of(with_code)}).location == "/login"


def test_a_code_counts_once(half_way, with_code, password):
    code = code_of(with_code)
    assert half_way.post("/login/code", data={"code": code}).status_code == 303
    half_way.post("/logout")
    half_way.post("/login", data={"email": with_code.email, "password": password})
    assert half_way.post("/login/code", data={"code": code}).status_code == 401
    assert half_way.post("/login/code", data={"code": code_of(with_code, -1)}).status_code == 401


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_codes_of_other_times_do_not_count(half_way, with_code, steps):
    assert half_way.post("/login/code", data={"code": code_of(with_code, steps)}).status_code == 401


@pytest.mark.parametrize("code", ["", "abcdef", "12345", "١٢٣٤٥٦", "\x00", "1" * 5000])
def test_what_is_no_code_is_refused(half_way, code):
    assert half_way.post("/login/code", data={"code": code}).status_code == 401


def test_guessing_codes_ends_soon(half_way, with_code):
    assert [half_way.post("/login/code", data={"code": "000000"}).status_code for _ in range(6)] == [401] * 5 + [429]
    assert half_way.post("/login/code", data={"code": code_of(with_code)}).status_code == 429


def test_the_page_of_the_code_is_for_who_gave_a_password(browser, half_way):
    assert half_way.get("/login/code").status_code == 200
    with half_way.session_transaction() as kept:
        kept["half_way"] = kept["half_way"] | {"since": time() - 301}
    assert half_way.get("/login/code").location == "/login"


def test_turning_it_off_needs_the_password_and_a_long_one(sign_in, with_code, password):
    ana = sign_in(with_code.email)
    assert ana.post("/account/code/off", data={"current": "not hers"}).status_code == 400
    accounts.change_password(with_code, "kfu3 zwt")
    ana = sign_in(with_code.email)
    assert ana.post("/account/code/off", data={"current": "kfu3 zwt"}).status_code == 400
    accounts.change_password(with_code, password)
    ana = sign_in(with_code.email)
    assert ana.post("/account/code/off", data={"current": password}).status_code == 303
    db.session.expire_all()
    assert with_code.totp_secret is None


def test_eva_resets_it_for_who_lost_the_phone(with_code, sign_in):
    eva = accounts.by_email("eva@miramar.example")
    ana = sign_in(with_code.email)
    people.reset_code(by_slug("miramar"), with_code.id, eva.id)
    assert not second_factor.is_on(with_code)
    assert ana.get("/account").status_code == 303


def test_programs_give_the_code_too(client, with_code, password):
    given = {"email": with_code.email, "password": password}
    missing = client.post("/api/auth/token", json=given)
    assert (missing.status_code, missing.json["field"]) == (400, "code")
    assert client.post("/api/auth/token", json=given | {"password": "wrong"}).status_code == 401
    assert client.post("/api/auth/token", json=given | {"code": "000000"}).status_code == 401
    assert client.post("/api/auth/token", json=given | {"code": code_of(with_code)}).status_code == 200
