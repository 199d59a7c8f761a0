"""`/admin/hotel/pms`: which PMS, where it is, and whether it answers."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db
from hotel_agent.hotels.credentials import unseal
from hotel_agent.hotels.finding import by_slug
from tests.dashboard.cast import statements
from tests.fakes import qloapps as far
from tests.pms.at_a_pms import at_a_pms

PAGE = "/admin/hotel/pms"


@pytest.fixture
def eva(sign_in):
    return sign_in("eva@miramar.example")


@pytest.fixture
def at_the_pms(app, monkeypatch):
    with at_a_pms("miramar", monkeypatch) as (_, pms):
        yield pms


def kept() -> dict[str, Any]:
    db.session.rollback()
    settings: dict[str, Any] = by_slug("miramar").settings
    return settings


def form_of(browser) -> dict[str, str]:
    page = browser.get(PAGE).text
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value:
            fields[html.unescape(name[1])] = html.unescape(value[1])
    chosen = re.search(r'<option value="([^"]*)" selected', page)
    assert chosen
    return fields | {"pms": chosen[1]}


def test_a_hotel_without_a_pms_of_its_own_is_told_so_and_tested(eva, api_worker):
    assert "no hay a nadie más a quien preguntar" in eva.get(PAGE).text
    answer = eva.post(f"{PAGE}/test")
    assert answer.status_code == 200
    assert "Responde" in answer.text
    assert "<code>doble</code>" in answer.text or "<code>DBL</code>" in answer.text


def test_a_pms_that_answers_tells_its_kinds_of_room(eva, at_the_pms, api_worker):
    answer = eva.post(f"{PAGE}/test")
    assert (answer.status_code, "Responde" in answer.text) == (200, True)
    assert answer.text.count('class="title"') >= 2


def test_one_that_has_just_gone_away_is_told(eva, at_the_pms, api_worker):
    assert "Responde" in eva.post(f"{PAGE}/test").text
    at_the_pms.inject(far.unavailable(500), times=None)
    assert "No responde como debería" in eva.post(f"{PAGE}/test").text


def test_a_wrong_key_is_told(eva, at_the_pms, api_worker):
    form = form_of(eva)
    assert eva.post(PAGE, data=form | {"pms_key": "NOT-THE-KEY"}).status_code == 303
    answer = eva.post(f"{PAGE}/test")
    assert answer.status_code == 200
    assert "No responde como debería" in answer.text
    assert "NOT-THE-KEY" not in answer.text


def test_without_workers_it_is_said_that_nobody_could_try(eva, monkeypatch):
    from hotel_agent.pms import routes

    monkeypatch.setattr(routes, "WAIT_SECONDS", 1)
    answer = eva.post(f"{PAGE}/test")
    assert answer.status_code == 503
    assert 'role="alert"' in answer.text


def test_another_system_is_asked_about_before_it_is_saved(eva):
    form = form_of(eva) | {
        "pms": "qloapps",
        "pms_url": "https://pms.example.com/api",
        "pms_key": "ABC123",
        "pms_hotel_id": "1",
    }
    answer = eva.post(PAGE, data=form)
    assert (answer.status_code, 'name="sure"' in answer.text) == (409, True)
    assert "https://pms.example.com/api" in answer.text
    assert by_slug("miramar").pms == "local"
    assert eva.post(PAGE, data=form | {"sure": "yes"}).status_code == 303
    settings = kept()
    assert (by_slug("miramar").pms, settings["pms_url"], settings["pms_hotel_id"]) == (
        "qloapps",
        "https://pms.example.com/api",
        "1",
    )
    assert unseal(settings["pms_key"]) == "ABC123"
    told = db.session.query(AuditEntry).filter(AuditEntry.action == "hotel_set").all()[-1]
    assert "ABC123" not in str(told.details)
    assert "ABC123" not in eva.get(PAGE).text


def test_a_key_does_not_follow_to_another_address(eva, at_the_pms):
    form = form_of(eva)
    assert "pms_key" in kept()
    eva.post(PAGE, data=form | {"pms_url": "https://elsewhere.example.com/api"})
    assert kept()["pms_url"] == "https://elsewhere.example.com/api"
    assert "pms_key" not in kept()


def test_what_cannot_be_is_told_beside_its_field(eva):
    answer = eva.post(PAGE, data=form_of(eva) | {"pms_url": "ftp://x", "pms_rate": "many", "pms_hotel_id": "a b"})
    assert answer.status_code == 400
    for key in ("pms_url", "pms_rate", "pms_hotel_id"):
        assert f'id="{key}-problem"' in answer.text
    assert 'value="many"' in answer.text
    assert "pms_rate" not in kept()


def test_a_system_that_is_none_is_refused(eva):
    answer = eva.post(PAGE, data=form_of(eva) | {"pms": "paper", "sure": "yes"})
    assert (answer.status_code, by_slug("miramar").pms) == (400, "local")


@pytest.mark.parametrize("who", ["ana", "luis", "olga"])
def test_it_is_for_admins(sign_in, who):
    browser = sign_in(f"{who}@miramar.example")
    assert browser.get(PAGE).status_code == 403
    assert browser.post(f"{PAGE}/test").status_code == 403


def test_the_price_of_the_page(eva, at_the_pms):
    eva.get(PAGE)
    with statements() as asked:
        eva.get(PAGE)
    assert len(asked) <= 10, "\n".join(asked)
