"""`/admin/hotel/approvals`: about what the agent only proposes."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.topics import APPROVABLE

PAGE = "/admin/hotel/approvals"


@pytest.fixture
def luis(sign_in):
    return sign_in("luis@miramar.example")


def approved() -> dict[str, Any]:
    db.session.rollback()
    kept: dict[str, Any] = by_slug("miramar").settings.get("approve", {})
    return kept


def form_of(browser) -> dict[str, str]:
    """What the page would send as it is."""
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", browser.get(PAGE).text):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and ("checkbox" not in tag or " checked" in tag):
            fields[html.unescape(name[1])] = html.unescape(value[1])
    return fields


def test_topics_are_ticked_and_taken_back(luis):
    answer = luis.post(PAGE, data=form_of(luis) | {"approve.ask_parking": "yes", "approve.stays": "yes"})
    assert answer.status_code == 303
    assert approved() == {"ask_parking": "yes", "stays": "yes"}
    form = form_of(luis)
    assert form["approve.ask_parking"] == "yes"
    del form["approve.ask_parking"]
    luis.post(PAGE, data=form)
    assert approved() == {"stays": "yes"}


def test_nothing_changed_is_told(luis):
    assert "No se cambió nada." in luis.post(PAGE, data=form_of(luis), follow_redirects=True).text


def test_every_topic_is_there_once(luis):
    page = luis.get(PAGE).text
    assert [page.count(f'name="approve.{topic}"') for topic in APPROVABLE] == [1] * len(APPROVABLE)


def test_what_a_colleague_changed_meanwhile_is_not_undone(luis):
    form = form_of(luis)
    changing.change(by_slug("miramar").id, {"approve.ask_pool": "yes"})
    answer = luis.post(PAGE, data=form | {"approve.stays": "yes"})
    assert answer.status_code == 303
    assert approved() == {"ask_pool": "yes", "stays": "yes"}


def test_both_changed_the_same_to_something_else(luis):
    changing.change(by_slug("miramar").id, {"approve.ask_pool": "yes"})
    form = form_of(luis)
    changing.change(by_slug("miramar").id, {"approve.ask_pool": ""})
    form["seen-approve.ask_pool"], form["approve.ask_pool"] = "maybe", "yes"
    answer = luis.post(PAGE, data=form)
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert approved() == {}


def test_reception_may_not(sign_in):
    assert sign_in("ana@miramar.example").get(PAGE).status_code == 403
