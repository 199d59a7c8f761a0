"""A receptionist is faster than the network: what she types goes where she looks, and nowhere else."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.browser.cast import ANA, Guest
from tests.browser.desk import is_there, line, reply
from tests.load.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


class Slow:
    """Holds back what is asked of one conversation until somebody lets it go."""

    def __init__(self, page: Page, guest: Guest) -> None:
        self.held: list[Route] = []
        self._page, self._pattern = page, f"**/conversations/{guest.conversation}*"
        page.route(self._pattern, lambda route: self.held.append(route))

    def is_asked(self) -> None:
        # Asking the page something lets the browser's news come in.
        wait_until(lambda: self._page.title() and self.held, 10, "nothing is asked")

    def goes_on(self) -> None:
        for route in self.held:
            with suppress(Error):  # The page may have given it up.
                route.continue_()
        self._page.unroute(self._pattern)


@pytest.fixture
def three_wait(works_as, guest):
    """Marta, Lola and John wait, and Ana looks at the list."""
    marta, lola, john = guest("Marta Prisa"), guest("Lola Prisa"), guest("John Prisa")
    for each in (marta, lola, john):
        each.asks_for_a_person()
    page = works_as(ANA)
    expect(line(page, marta)).to_be_visible()
    expect(line(page, john)).to_be_visible()
    return page, marta, lola, john


def test_a_conversation_that_comes_late_does_not_push_aside_a_later_one(three_wait):
    page, marta, lola, john = three_wait
    slow = Slow(page, marta)
    line(page, marta).click()
    slow.is_asked()
    line(page, lola).click()
    line(page, john).click()
    expect(page.get_by_role("heading", name="John Prisa").first).to_be_visible()
    reply(page).press_sequentially("Hola John, te")
    slow.goes_on()
    line(page, marta).get_by_role("link").hover()
    reply(page).press_sequentially(" escucho")
    expect(page.get_by_role("heading", name="John Prisa").first).to_be_visible()
    expect(page).to_have_url(re.compile(f"/conversations/{john.conversation}\\b"))
    reply(page).press("Enter")
    is_there(page, "Hola John, te escucho")
    john.hears("Hola John, te escucho")
    assert marta.sent("John") == []


def test_what_is_typed_while_a_conversation_opens_is_no_order(three_wait):
    page, marta, lola, _ = three_wait
    line(page, marta).click()
    expect(page.get_by_role("heading", name="Marta Prisa").first).to_be_visible()
    line(page, marta).get_by_role("link").focus()
    slow = Slow(page, lola)
    page.keyboard.press("j")
    slow.is_asked()
    page.keyboard.press("r")
    page.keyboard.type("et")
    slow.goes_on()
    expect(page.get_by_role("heading", name="Lola Prisa").first).to_be_visible()
    expect(reply(page)).to_be_focused()
    page.keyboard.type("et")
    assert "et" in reply(page).input_value()
    for each in (marta, lola):
        assert (each.state("status"), each.state("owner")) == ("waiting", "agent")
    line(page, marta).click()
    expect(page.get_by_role("heading", name="Marta Prisa").first).to_be_visible()
    expect(reply(page)).to_have_value("")


def test_nothing_can_be_written_to_the_guest_before_while_the_next_one_is_on_its_way(works_as, guest):
    carmen, lucia = guest("Carmen Ortega"), guest("Lucía Peña")
    carmen.says("Hola")
    lucia.says("Hola")
    page = works_as(ANA, f"/conversations/{carmen.conversation}?view=all")
    away = f"**/conversations/{lucia.conversation}*"
    page.route(away, lambda route: route.abort())
    line(page, lucia).locator("a").click()
    expect(line(page, carmen).locator("a")).to_have_attribute("aria-current", "true")
    assert page.url.split("?")[0].endswith(f"/{carmen.conversation}")
    page.unroute(away)
    slow = Slow(page, lucia)
    line(page, lucia).locator("a").click()
    slow.is_asked()
    expect(page.locator("#work")).to_have_attribute("inert", "")
    slow.goes_on()
    expect(page.locator("#thread")).to_contain_text("Lucía Peña")
    expect(reply(page)).to_be_editable()
