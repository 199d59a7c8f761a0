"""`/admin/hotel/policies`: what cancelling and not coming cost, and the taxes."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Any

import pytest

from hotel_agent.db import db
from hotel_agent.hotels import changing
from hotel_agent.hotels.finding import by_slug
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.policy import Fee, fee_of, is_non_refundable, no_show_fee_of

PAGE = "/admin/hotel/policies"


@pytest.fixture
def luis(sign_in):
    return sign_in("luis@miramar.example")


def miramar() -> Hotel:
    db.session.rollback()
    return by_slug("miramar")


def form_of(browser) -> dict[str, str]:
    """What the page would send as it is."""
    page = browser.get(PAGE).text
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and ("checkbox" not in tag or " checked" in tag):
            fields[html.unescape(name[1])] = html.unescape(value[1])
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)".*?>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


def test_fees_are_set_and_read_again(luis):
    form = form_of(luis) | {
        "cancellation_fee": "percent", "cancellation_fee-number": "50", "no_show_fee": "total",
        "free_cancellation_hours": "72",
    }  # fmt: skip
    assert luis.post(PAGE, data=form).status_code == 303
    assert fee_of(miramar()) == Fee("percent", Decimal(50))
    assert no_show_fee_of(miramar()) == Fee("total")
    assert miramar().free_cancellation_hours == 72
    again = form_of(luis)
    assert (again["cancellation_fee"], again["cancellation_fee-number"], again["no_show_fee"]) == (
        "percent", "50", "total",
    )  # fmt: skip
    assert "No se cambió nada." in luis.post(PAGE, data=again, follow_redirects=True).text


def test_an_empty_fee_is_the_usual_one(luis):
    changing.change(miramar().id, {"cancellation_fee": "nights:2", "no_show_fee": "amount:30"})
    luis.post(PAGE, data=form_of(luis) | {"cancellation_fee": "", "no_show_fee": ""})
    assert (fee_of(miramar()), no_show_fee_of(miramar())) == (Fee(), Fee())


def test_nothing_back_and_taxes_on_top(luis):
    luis.post(PAGE, data=form_of(luis) | {"non_refundable": "yes", "tax.percent": "10", "tax.added": "yes"})
    assert is_non_refundable(miramar())
    assert miramar().settings["tax"] == {"percent": "10.00", "added": "yes"}
    form = form_of(luis)
    del form["non_refundable"], form["tax.added"]
    luis.post(PAGE, data=form)
    assert not is_non_refundable(miramar())
    assert miramar().settings["tax"] == {"percent": "10.00"}


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("cancellation_fee", {"cancellation_fee": "percent", "cancellation_fee-number": "150"}),
        ("cancellation_fee", {"cancellation_fee": "nights", "cancellation_fee-number": ""}),
        ("no_show_fee", {"no_show_fee": "amount", "no_show_fee-number": "-5"}),
        ("no_show_fee", {"no_show_fee": "everything"}),
        ("tax.percent", {"tax.percent": "ten"}),
        ("free_cancellation_hours", {"free_cancellation_hours": "two days"}),
        ("free_cancellation_hours", {"free_cancellation_hours": "-1"}),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(luis, key, typed):
    before: dict[str, Any] = miramar().settings
    answer = luis.post(PAGE, data=form_of(luis) | typed)
    assert answer.status_code == 400
    assert f'id="{key}-problem"' in answer.text
    assert miramar().settings == before


def test_what_a_colleague_changed_meanwhile_is_told(luis):
    form = form_of(luis)
    changing.change(miramar().id, {"cancellation_fee": "total"})
    answer = luis.post(PAGE, data=form | {"cancellation_fee": "percent", "cancellation_fee-number": "50"})
    assert answer.status_code == 409
    assert fee_of(miramar()) == Fee("total")


def test_a_hotel_with_a_pms_sets_fees_there(luis):
    changing.change(miramar().id, {"pms": "qloapps"})
    page = luis.get(PAGE).text
    assert 'name="cancellation_fee"' not in page
    assert "free_cancellation_hours" in page


def test_reception_may_not(sign_in):
    assert sign_in("ana@miramar.example").get(PAGE).status_code == 403
