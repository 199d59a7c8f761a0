"""Eva's page about the API tokens of Miramar: made once, shown once, seen to be used, revoked."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hotel_agent.audit.models import AuditEntry
from hotel_agent.db import db
from hotel_agent.hotels.finding import by_slug
from hotel_agent.staff import bearer
from hotel_agent.staff.models import ApiToken
from tests.dashboard.cast import statements

TOKENS = "/admin/tokens"


@pytest.fixture
def eva(sign_in):
    browser = sign_in("eva@miramar.example")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return browser


def token_in(page):
    found = re.search(r'<code id="token">([^<]+)</code>', page.text)
    return found[1] if found else None


def rows():
    db.session.rollback()
    return db.session.scalars(select(ApiToken).order_by(ApiToken.id)).all()


def actions():
    db.session.rollback()
    return [(entry.actor, entry.action, entry.subject) for entry in db.session.scalars(select(AuditEntry))]


def status(client, token):
    """400 tells that the token was taken, and that the question lacks the rest."""
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/api/pms/availability?hotel=miramar", headers=headers).status_code


def test_a_token_is_made_shown_once_and_works(eva, client):
    assert "No program has a token" in eva.get(TOKENS).text
    answer = eva.post(TOKENS, data={"name": " Channel  manager "})
    assert answer.status_code == 303
    page = eva.get(TOKENS)
    token = token_in(page)
    assert token
    assert "“Channel manager” has a token now." in page.text
    assert token not in eva.get(TOKENS).text
    assert status(client, token) == 400
    assert actions() == [("eva@miramar.example", "token_created", "Channel manager")]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_token_is_for_something(eva, name):
    answer = eva.post(TOKENS, data={"name": name})
    assert answer.status_code == 400
    assert 'id="name-problem"' in answer.text
    assert f'value="{name.strip()}"' in answer.text
    assert not rows()


def test_a_revoked_token_opens_nothing_and_is_still_seen(eva, client):
    token = bearer.create_token(by_slug("miramar"), "Old till")
    (row,) = rows()
    question = eva.get(f"{TOKENS}/{row.id}/revoke")
    assert "Old till" in question.text
    assert status(client, token) == 400
    assert eva.post(f"{TOKENS}/{row.id}/revoke").status_code == 303
    assert status(client, token) == 401
    page = eva.get(TOKENS).text
    assert "Old till" in page
    assert f"{row.id}/revoke" not in page
    revoked_at = rows()[0].revoked_at
    assert eva.post(f"{TOKENS}/{row.id}/revoke").status_code == 303
    assert rows()[0].revoked_at == revoked_at
    assert actions()[1:] == [("eva@miramar.example", "token_revoked", "Old till")]


def test_what_was_revoked_long_ago_is_seen_no_more(eva, change):
    bearer.create_token(by_slug("miramar"), "Older till")
    change("update api_tokens set revoked_at = now() - interval '31 days'")
    assert "Older till" not in eva.get(TOKENS).text


def test_tokens_of_another_hotel_do_not_exist(eva):
    bearer.create_token(by_slug("andes"), "Till of Andes")
    (row,) = rows()
    assert "Till of Andes" not in eva.get(TOKENS).text
    assert eva.get(f"{TOKENS}/{row.id}/revoke").status_code == 404
    assert eva.post(f"{TOKENS}/{row.id}/revoke").status_code == 404
    assert rows()[0].revoked_at is None


def test_its_use_is_noted_at_most_once_a_minute(client, change):
    token = bearer.create_token(by_slug("miramar"))
    assert rows()[0].last_used_at is None
    status(client, token)
    first = rows()[0].last_used_at
    assert first is not None
    status(client, token)
    assert rows()[0].last_used_at == first
    change("update api_tokens set last_used_at = now() - interval '61 seconds'")
    status(client, token)
    assert rows()[0].last_used_at > first


def test_however_many_there_are_the_page_costs_the_same(eva):
    for number in range(9):
        bearer.create_token(by_slug("miramar"), f"till {number}")
    eva.get(TOKENS)
    with statements() as asked:
        eva.get(TOKENS)
    assert len(asked) <= 3
