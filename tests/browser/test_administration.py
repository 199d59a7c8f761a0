"""Eva's and Olga's pages in a browser: by keyboard, without scripts, on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import is_clean
from tests.browser.cast import EVA, OLGA
from tests.browser.desk import sideways

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
SWITCHES = "/admin/flags"


def the_switch(page):
    return page.locator("#agent").get_by_role("switch")


@pytest.fixture
def eva(works_as):
    """`eva()`: her browser at the switches; afterwards the agent answers again."""
    yield lambda **options: works_as(EVA, SWITCHES, locale="en-GB", **options)
    page = works_as(EVA, SWITCHES, locale="en-GB")
    back = page.locator("#agent").get_by_role("button", name="Back to what holds everywhere")
    if back.count():
        back.click()
    expect(the_switch(page)).to_be_checked()


def test_the_agent_is_switched_off_by_keyboard_alone(eva):
    page = eva()
    the_switch(page).focus()
    page.keyboard.press("Space")
    question = page.get_by_role("dialog", name="Switch the automatic answers off?")
    expect(question).to_be_visible()
    expect(question.get_by_role("link", name="Leave it as it is")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(the_switch(page)).to_be_focused()
    expect(the_switch(page)).to_be_checked()

    the_switch(page).dblclick()
    expect(question).to_have_count(1)
    expect(question.get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(question).to_have_count(0)
    expect(the_switch(page)).to_be_checked()

    page.keyboard.press("Enter")
    expect(question.get_by_role("link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(question.get_by_role("button", name="Switch off")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Automatic answers: off.")).to_be_visible()
    expect(the_switch(page)).not_to_be_checked()


def test_without_scripts_the_question_is_a_page(eva):
    page = eva(java_script_enabled=False)
    the_switch(page).click()
    expect(page).to_have_url(re.compile("/admin/flags/agent/sure"))
    page.get_by_role("button", name="Switch off").click()
    expect(the_switch(page)).not_to_be_checked()
    the_switch(page).click()
    expect(the_switch(page)).to_be_checked()


def test_a_share_is_asked_about_too(eva):
    page = eva()
    page.locator("#agent-share").fill("40")
    page.locator("#agent-share").press("Enter")
    question = page.get_by_role("dialog")
    expect(question.get_by_role("heading")).to_have_text("Let the agent answer only 40 of 100 conversations?")
    question.get_by_role("button").click()
    expect(page.locator("#agent .state")).to_have_text("on for 40%")


@pytest.mark.parametrize("width", [1280, 375])
def test_failures_are_chosen_and_put_back(works_as, asks_sql, width):
    asks_sql("delete from webhook_failures")
    for number, reason in enumerate(("error", "unreadable", "wrong_secret", "unknown_number", "no_sender")):
        asks_sql(
            "insert into webhook_failures (event_id, reason, detail, place, body, hotel_id)"
            " values (%s, %s, 'wamid.HBgLMzQ2MDAwMDAwMDEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA', 'change 0', '{}', 1)",
            width * 1000 + number,
            reason,
        )
    page = works_as(OLGA, "/ops/webhook-failures", width=width, locale="en-GB", reduced_motion="reduce")
    assert sideways(page) <= 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        is_clean(page, f"failures, {width}, {scheme}")
    boxes = page.get_by_role("checkbox", name="Choose number")
    page.get_by_role("checkbox", name="All on this page").check()
    assert all(box.is_checked() for box in boxes.all())
    boxes.first.uncheck()
    page.get_by_role("button", name="Put the chosen ones back").click()
    question = page.get_by_role("dialog", name="Put 4 deliveries back?")
    is_clean(page, f"the question, {width}")
    question.get_by_role("button", name="Put 4 back").click()
    expect(
        page.get_by_role("status").filter(has_text="4 put back; they appear here again if they fail again.")
    ).to_be_visible()
