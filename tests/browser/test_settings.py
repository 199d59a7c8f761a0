"""Luis sets up his hotel in a browser, and every page of the menu is in reach on a phone."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from playwright.sync_api import expect

from tests.browser.cast import EVA, LUIS
from tests.browser.desk import sideways
from tests.load.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SEASONS = "/admin/hotel/seasons"
BOXES = """() => [...document.querySelectorAll(".places a, .more > summary")].map((entry) => {
    const box = entry.getBoundingClientRect();
    return [box.left, box.right, box.top, box.bottom];
})"""


def meet(one: list[float], other: list[float]) -> bool:
    return one[1] > other[0] and one[0] < other[1] and one[3] > other[2] and one[2] < other[3]


@pytest.mark.parametrize(("locale", "width"), [("es-ES", 390), ("pt-PT", 390), ("en-GB", 390), ("es-ES", 320)])
def test_no_page_of_the_menu_is_cut_on_a_phone(works_as, locale, width):
    page = works_as(EVA, "/today", width=width, locale=locale)
    for path in page.locator(".places a").evaluate_all("all => all.map(one => one.pathname)"):
        page.goto(path)
        boxes = page.evaluate(BOXES)
        assert all(0 <= left < right <= width for left, right, _top, _bottom in boxes)
        assert not any(meet(one, other) for one, other in combinations(boxes, 2))
        assert page.locator(".places [aria-current]").count() == 1
        assert sideways(page) <= 0
    page.locator("details.menu.more > summary").click()
    for link in page.locator(".more .sheet a").all():
        link.scroll_into_view_if_needed()
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("scripts", [True, False])
def test_luis_makes_a_season_changes_it_and_takes_it_away(works_as, scripts):
    page = works_as(LUIS, SEASONS, locale="en-GB", java_script_enabled=scripts)
    page.get_by_role("link", name="New season").click()
    page.get_by_label("Name").fill("Fair")
    page.get_by_label("First night").fill("2036-03-01")
    page.get_by_label("Last night").fill("2036-02-01")
    page.get_by_label("Nights, at least").fill("2")
    page.get_by_role("button", name="Save the season").click()
    expect(page.locator("#last-problem")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Fair")
    page.get_by_label("Last night").fill("2036-03-05")
    page.get_by_role("button", name="Save the season").click()
    row = page.get_by_role("row").filter(has_text="Fair")
    expect(row).to_contain_text("2 nights")

    row.get_by_role("link", name="Change").click()
    page.get_by_label("Monday").uncheck()
    page.get_by_label("Nights, at least").fill("3")
    page.get_by_role("button", name="Save the season").click()
    expect(row).to_contain_text("3 nights")

    row.get_by_role("link", name="Take away").click()
    asked = page.get_by_role("dialog") if scripts else page
    expect(asked.get_by_role("heading", name="Take the season “Fair” away?")).to_be_visible()
    asked.get_by_role("button", name="Take it away").click()
    expect(page.get_by_role("status")).to_contain_text("is gone")
    expect(row).to_have_count(0)


def test_a_word_that_luis_sets_raises_the_alarm_when_a_guest_writes_it(works_as, guest):
    page = works_as(LUIS, "/admin/hotel/desk", locale="en-GB")
    page.get_by_label("Words and phrases").fill("código granate")
    page.get_by_role("button", name="Save the settings").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    marta = guest("Marta Granate")
    marta.says("Hola. CODIGO GRANATE en el pasillo de la segunda")
    wait_until(lambda: marta.state("status") == "waiting", 30, "Marta does not wait")
    assert marta.state("urgent") is True
    page.goto("/conversations")
    expect(page.locator("#lines").get_by_text("Marta Granate")).to_be_visible()
    page.goto("/admin/hotel/desk")
    page.get_by_label("Words and phrases").fill("")
    page.get_by_role("button", name="Save the settings").click()
    expect(page).to_have_url(re.compile("desk"))


def test_a_guest_whose_language_is_unticked_is_answered_in_the_hotels_own(works_as, guest, asks_sql):
    page = works_as(LUIS, "/admin/hotel", locale="en-GB")
    page.get_by_label("English").uncheck()
    page.get_by_role("button", name="Save the settings").click()
    expect(page.get_by_label("English")).not_to_be_checked()
    john = guest("John Idioma")
    john.says("Hello, do you have parking? We are coming by car")
    wait_until(lambda: john.answers_by("agent") >= 1, 30, "the agent does not answer")
    query = "select string_agg(body, ' ') from messages where conversation_id = %s and direction = 'out'"
    assert "coche" in asks_sql(query, john.conversation)[0][0]
    page.get_by_label("English").check()
    page.get_by_role("button", name="Save the settings").click()
    expect(page.get_by_label("English")).to_be_checked()
