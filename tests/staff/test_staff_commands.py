"""`flask staff …` as the installation's operator types it."""

from __future__ import annotations

import pytest

from hotel_agent.db import db
from hotel_agent.staff import accounts, second_factor

NEW = "el faro que nadie enciende"


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *words, **more: runner.invoke(args=list(words), **more)


FIRST = ("staff", "create", "boss@miramar.example", "--hotel", "miramar", "--role", "admin", "--name", "Berta")


@pytest.mark.parametrize("how", [{"input": f"{NEW}\n"}, {"env": {"STAFF_PASSWORD": NEW}}])
def test_the_first_admin_comes_by_command(flask, how):
    assert flask(*FIRST, **how).exit_code == 0
    assert accounts.is_password(accounts.by_email("boss@miramar.example"), NEW)


def test_without_a_password_nobody_is_made(flask):
    result = flask(*FIRST)
    assert (result.exit_code, result.output.strip()) == (1, "Error: no password was given")


def test_a_bad_password_is_refused_in_english(flask):
    result = flask(*FIRST, "--password", "short")
    assert (result.exit_code, result.output.strip()) == (1, "Error: A password has at least 15 characters.")
    result = flask(*FIRST, "--password", "Miramar Berta Boss")
    assert "made of your name" in result.output


def test_another_hotel_for_who_is_known_asks_for_no_password(flask, ana, password):
    assert flask("staff", "create", ana.email, "--hotel", "andes", "--role", "manager").exit_code == 0
    db.session.expire_all()
    assert accounts.is_password(ana, password)
    assert f"{ana.email}\tAna\tandes\tmanager\tactive" in flask("staff", "list").output


def test_an_account_is_shut_out_and_let_in_again(flask, ana, sign_in, password):
    browser = sign_in(ana.email)
    assert flask("staff", "disable", ana.email).exit_code == 0
    assert browser.get("/account").status_code == 303
    assert "\tdisabled" in flask("staff", "list").output
    assert flask("staff", "enable", ana.email).exit_code == 0
    assert browser.get("/account").status_code == 303
    assert accounts.signed_in(ana.email, password) is not None


def test_sign_out_and_new_passwords_reach_every_browser(flask, ana, sign_in):
    browser = sign_in(ana.email)
    assert "of 1 browser" in flask("staff", "sign-out", ana.email).output
    assert browser.get("/account").status_code == 303
    browser = sign_in(ana.email)
    assert flask("staff", "set-password", ana.email, "--password", NEW).exit_code == 0
    assert browser.get("/account").status_code == 303


def test_a_lost_phone(flask, ana):
    second_factor.begin(ana)
    ana.totp_confirmed_at = ana.created_at
    db.session.commit()
    assert flask("staff", "reset-totp", ana.email).exit_code == 0
    assert not second_factor.is_on(accounts.by_email(ana.email))


def test_the_demo_keeps_whatever_password_the_installation_sets(flask, monkeypatch):
    from hotel_agent.config import settings

    monkeypatch.setattr(settings(), "demo_staff_password", "demo")
    assert flask("demo", "load").exit_code == 0
    ana = accounts.by_email("ana@miramar.example")
    set_at = ana.password_set_at
    assert accounts.is_password(ana, "demo")
    assert flask("demo", "load").exit_code == 0
    db.session.expire_all()
    assert ana.password_set_at == set_at
