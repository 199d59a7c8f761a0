"""The tape chart by keyboard and by mouse: where one is, what is there, and what is kept for how long."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.cast import ANA
from tests.browser.test_holds import in_spanish

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WHERE = """() => {
    const cell = document.activeElement.closest("td");
    if (!cell) return null;
    let start = 0;
    for (const each of [...cell.parentElement.cells].slice(1)) {
        if (each === cell) return [cell.closest("tr").dataset.room, start];
        start += each.colSpan;
    }
}"""


def where(page: Page) -> list[object] | None:
    found: list[object] | None = page.evaluate(WHERE)
    return found


@pytest.fixture
def far_ahead() -> str:
    """Where the demo has no stays."""
    return (date.today() + timedelta(days=300)).isoformat()


def test_arrow_keys_go_over_rooms_and_nights(works_as, far_ahead):
    page = works_as(ANA, f"/reservations/chart?first={far_ahead}&nights=7")
    rooms = page.locator("tr[data-room]")
    first, second = (rooms.nth(place).get_attribute("data-room") for place in (0, 1))
    expect(page.locator("#tape [tabindex='0']")).to_have_count(1)
    page.locator("#tape [tabindex='0']").focus()
    for key, there in (
        ("ArrowRight", [first, 1]),
        ("ArrowDown", [second, 1]),
        ("End", [second, 6]),
        ("ArrowRight", [second, 6]),
        ("Home", [second, 0]),
        ("ArrowUp", [first, 0]),
        ("Control+End", [rooms.last.get_attribute("data-room"), 6]),
        ("Control+Home", [first, 0]),
    ):
        page.keyboard.press(key)
        assert where(page) == there, key
    expect(page.locator("#tape [tabindex='0']")).to_have_count(1)


def test_enter_opens_a_booking(works_as):
    page = works_as(ANA, "/reservations/chart")
    bar = page.locator("td.booked a").first
    code = str(bar.get_attribute("href")).rpartition("/")[2]
    bar.focus()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(code)


def test_what_is_kept_counts_down_and_leads_to_the_guest(works_as, guest):
    marta = guest("Marta Tablero")
    arrival = date.today() + timedelta(days=80)
    marta.says(
        f"Quiero reservar una doble del {in_spanish(arrival)} al {in_spanish(arrival + timedelta(days=2))} para 2"
    )
    marta.hears("¿Te hago la reserva?")
    marta.says("sí")
    marta.hears("Te lo guardo hasta")
    page = works_as(ANA, f"/reservations/chart?first={arrival}&nights=7")
    kept = page.locator("td.held", has_text="Marta Tablero")
    expect(kept).to_have_attribute("colspan", "2")
    left = kept.locator("[data-until]")
    before = left.inner_text()
    expect(left).not_to_have_text(before)
    kept.locator("a").click()
    page.wait_for_url(f"**/conversations/{marta.conversation}*")


def test_it_goes_on_by_itself_and_keeps_the_place(works_as, far_ahead):
    page = works_as(ANA, f"/reservations/chart?first={far_ahead}&nights=7")
    page.locator("#tape [tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    place = where(page)
    with page.expect_response(lambda answer: "/reservations/chart" in answer.url):
        page.locator("#tape").dispatch_event("tape-over")
    expect(page.locator("#tape table")).to_have_attribute("role", "grid")
    expect(page.locator("#tape td:focus")).to_have_count(1)
    assert where(page) == place


def test_without_scripts_every_booking_is_a_link(works_as, opens):
    page = works_as(ANA, "/reservations/chart")
    bare = opens("/reservations/chart", storage_state=page.context.storage_state(), java_script_enabled=False)
    bare.locator("td.booked a").first.click()
    bare.wait_for_url("**/reservations/MIR-*")


def test_free_nights_are_pulled_and_booked(works_as, far_ahead):
    page = works_as(ANA, f"/reservations/chart?first={far_ahead}&nights=7&kind=doble")
    row = page.locator("tr[data-room]").first
    row.locator("td[data-n='1']").hover()
    page.mouse.down()
    row.locator("td[data-n='3']").hover()
    expect(row.locator("td.picked")).to_have_count(3)
    page.mouse.up()
    page.wait_for_url("**/reservations/new?*room_type=doble*")
    first = date.fromisoformat(far_ahead)
    expect(page.locator("#check_in")).to_have_value((first + timedelta(days=1)).isoformat())
    expect(page.locator("#check_out")).to_have_value((first + timedelta(days=4)).isoformat())
    expect(page.locator("input[name=choice]:checked")).to_have_value(re.compile("^doble:"))
    page.locator("#name").fill("Ada Arrastrada")
    page.get_by_role("button", name="Reservar", exact=True).click()
    page.wait_for_url("**/reservations/MIR-*")
    expect(page.locator("main")).to_contain_text("Ada Arrastrada")
    page.goto(page.url.partition("/reservations")[0] + f"/reservations/chart?first={far_ahead}&nights=7&kind=doble")
    expect(page.locator("td.booked", has_text="Ada Arrastrada")).to_have_attribute("colspan", "3")


def test_free_nights_are_booked_by_keyboard(works_as, far_ahead):
    page = works_as(ANA, f"/reservations/chart?first={far_ahead}&nights=7&kind=suite")
    page.locator("#tape [tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("td.picked")).to_have_count(2)
    page.keyboard.press("Enter")
    page.wait_for_url("**/reservations/new?*")
    last = date.fromisoformat(far_ahead) + timedelta(days=7)
    expect(page.locator("#check_in")).to_have_value((last - timedelta(days=2)).isoformat())
    expect(page.locator("#check_out")).to_have_value(last.isoformat())
