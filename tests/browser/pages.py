"""Every page that axe looks at: by its path, who looks at it, and what is done there first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.cast import ANA, EVA, LUIS, OLGA, OSCAR
from tests.browser.desk import note, reply


def nothing(_page: Page) -> None: ...


@dataclass(frozen=True)
class Place:
    """`{marta}` in the path is a conversation in which something of everything was said, `{late}` one whose window is
    closed; `{marta_guest}` and `{late_guest}` are whose they are. `role` is an account, or None for somebody who is not
    signed in. `first` brings about what is to be seen, in any language.
    """

    name: str
    path: str
    role: str | None = None
    first: Callable[[Page], None] = nothing


def menu(name: str) -> Callable[[Page], None]:
    """Opens one of the menus above the thread."""
    return lambda page: page.locator(f"#{name}-menu > summary").click()


def more_pages(page: Page) -> None:
    page.locator("details.menu.more > summary").click()


def a_question_tried(page: Page) -> None:
    page.locator("#text").fill("¿Hay piscina?")
    page.locator("#text").press("Enter")
    expect(page.locator(".tried")).to_be_visible(timeout=15_000)


def a_wrong_topic(page: Page) -> None:
    page.locator("#topic").fill("¡Piano!")
    page.locator("#topic").press("Enter")
    expect(page.locator("#new-problem")).to_be_visible()


def a_booking(page: Page) -> None:
    page.locator("td.booked a").first.click()
    expect(page.locator("#history")).to_be_visible()
    page.wait_for_load_state()


def another_name(page: Page) -> None:
    a_booking(page)
    page.locator("a[href$='/change']").click()
    page.locator("#name").fill("Ada Otra")
    page.locator("#name").press("Enter")
    expect(page.locator("[data-preview]")).to_be_visible()


def cancelling(page: Page) -> None:
    a_booking(page)
    page.locator("a[href$='/cancel']").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def a_note_that_is_none(page: Page) -> None:
    page.locator("#note").fill("   ")
    page.locator("[data-action=add-note]").click()
    expect(page.locator("#note-problem")).to_be_visible()


def not_their_name(page: Page) -> None:
    page.locator("#who").fill("Nadie")
    page.locator("#who").press("Enter")
    expect(page.locator("#who-problem")).to_be_visible()


def own_menu(page: Page) -> None:
    page.locator("details.menu.person > summary").click()


def keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def quick_replies(page: Page) -> None:
    reply(page).press("/")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()


def writing_a_note(page: Page) -> None:
    page.locator("label[for^=mode-note]").click()
    expect(note(page)).to_be_visible()


def searching_in_vain(page: Page) -> None:
    page.get_by_role("searchbox").first.fill("zzzz nadie zzzz")
    expect(page.locator("#lines > li")).to_have_count(0)


def offline(page: Page) -> None:
    page.context.set_offline(True)
    expect(page.locator("#notice")).to_be_visible()


def a_template(page: Page) -> None:
    page.locator("details[name=template] > summary").first.click()


def switching_off(page: Page) -> None:
    page.locator("#agent").get_by_role("switch").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def a_wrong_password(page: Page) -> None:
    page.locator("input[name=email]").fill("nobody@miramar.example")
    page.locator("input[name=password]").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


def somebody_already_here(page: Page) -> None:
    page.locator("#email").fill(LUIS)
    page.locator("#email").press("Enter")
    expect(page.locator("#email-problem")).to_be_visible()


def a_person(page: Page) -> None:
    page.get_by_role("link", name="Luis").click()
    expect(page.get_by_role("heading", level=1, name="Luis")).to_be_visible()
    page.wait_for_load_state()  # With its scripts.


def a_question(page: Page) -> None:
    a_person(page)
    page.locator("a[data-asks][href$=remove]").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def a_new_token(page: Page) -> None:
    page.locator("#name").fill("Channel manager")
    page.locator("#name").press("Enter")
    expect(page.locator("#token")).to_be_visible()


def a_wrong_setting(page: Page) -> None:
    page.locator("#front_desk_opens").fill("08:00")
    page.locator("#front_desk_opens").press("Enter")
    expect(page.locator("#front_desk_closes-problem")).to_be_visible()


def a_wrong_reply(page: Page) -> None:
    page.locator("#shortcut").fill("piscina")
    page.locator("#body").fill("Hola, {{ nombre }}")
    page.locator("form button.primary").click()
    expect(page.locator("#body-problem")).to_be_visible()


def a_season_and_a_closed_day(page: Page) -> None:
    """They stay for whoever looks next."""
    if page.locator(".cards").count() == 0:
        page.goto(f"{page.url}/new")
        page.locator("#name").fill("Verano")
        page.locator("#first").fill("2035-07-01")
        page.locator("#last").fill("2035-08-31")
        page.locator("[name=weekdays][value='1']").uncheck()
        page.locator("#min_stay").fill("3")
        page.locator("form button.primary").click()
        page.goto(f"{page.url}/closed/new")
        page.locator("#first").fill("2035-11-02")
        page.locator("#last").fill("2035-11-20")
        page.locator("form button.primary").click()
    expect(page.locator(".cards")).to_have_count(2)


def a_season_to_be_taken_away(page: Page) -> None:
    a_season_and_a_closed_day(page)
    page.wait_for_load_state()
    page.locator("a[data-asks]").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def a_wrong_season(page: Page) -> None:
    page.locator("#first").fill("2035-08-31")
    page.locator("#last").fill("2035-07-01")
    page.locator("form button.primary").click()
    expect(page.locator("#name-problem, #last-problem, #prices-problem").first).to_be_visible()


PLACES = (
    Place("sign-in", "/login"),
    Place("a wrong password", "/login", None, a_wrong_password),
    Place("nobody waits", "/conversations", OSCAR),
    Place("none is closed", "/conversations?view=closed", OSCAR),
    Place("a full inbox", "/conversations?view=all", ANA),
    Place("searching in vain", "/conversations?view=all", ANA, searching_in_vain),
    Place("a conversation", "/conversations/{marta}?view=all", ANA),
    Place("a guest", "/conversations/{marta}?show=guest", LUIS),
    Place("a closed window", "/conversations/{late}", ANA, a_template),
    Place("assigning", "/conversations/{marta}", ANA, menu("assign")),
    Place("putting off", "/conversations/{marta}", ANA, menu("snooze")),
    Place("a note", "/conversations/{marta}", ANA, writing_a_note),
    Place("quick replies", "/conversations/{marta}", ANA, quick_replies),
    Place("quick replies, without scripts", "/conversations/{marta}/replies", ANA),
    Place("keys", "/conversations/{marta}", ANA, keys),
    Place("no connection", "/conversations/{marta}", ANA, offline),
    Place("today", "/today", ANA),
    Place("reservations", "/reservations", ANA),
    Place("tape chart", "/reservations/chart", ANA),
    Place("tape chart of no day", "/reservations/chart?first=x&nights=28", ANA),
    Place("a new booking", "/reservations/new?check_in=2027-06-02&check_out=2027-06-04&adults=2", ANA),
    Place("a booking that cannot be", "/reservations/new?check_in=2020-01-01&check_out=2019-01-01&adults=x", ANA),
    Place("a reservation", "/reservations/chart", ANA, a_booking),
    Place("a change", "/reservations/chart", ANA, another_name),
    Place("cancelling a reservation", "/reservations/chart", ANA, cancelling),
    Place("rooms that are kept", "/reservations/holds", ANA),
    Place("no reservation", "/reservations?q=nobody+of+that+name", ANA),
    Place("requests", "/requests", ANA),
    Place("no requests", "/requests", OSCAR),
    Place("more pages", "/no-such-page", EVA, more_pages),
    Place("guests", "/guests", ANA),
    Place("no guests", "/guests", OSCAR),
    Place("guests in vain", "/guests?q=zzzz", ANA),
    Place("none of these guests", "/guests?only=erased", ANA),
    Place("a guest's card", "/guests/{marta_guest}", LUIS),
    Place("a note that cannot be", "/guests/{marta_guest}", ANA, a_note_that_is_none),
    Place("somebody with two numbers", "/guests/{marta_guest}/merge?q=lola", ANA),
    Place("two guests side by side", "/guests/{marta_guest}/merge/{late_guest}", ANA),
    Place("a guest to be erased", "/guests/{marta_guest}/erase", LUIS),
    Place("a guest not to be erased", "/guests/{marta_guest}/erase", LUIS, not_their_name),
    Place("knowledge", "/knowledge", LUIS),
    Place("hours and emergencies", "/admin/hotel/desk", LUIS),
    Place("policies", "/admin/hotel/policies", LUIS),
    Place("seasons and closed days", "/admin/hotel/seasons", LUIS, a_season_and_a_closed_day),
    Place("a season that is none", "/admin/hotel/seasons/new", LUIS, a_wrong_season),
    Place("days to be closed", "/admin/hotel/seasons/closed/new", LUIS),
    Place("a season to be taken away", "/admin/hotel/seasons", LUIS, a_season_to_be_taken_away),
    Place("what a person approves", "/admin/hotel/approvals", LUIS),
    Place("connection to the PMS", "/admin/hotel/pms", EVA),
    Place("knowledge, to read", "/knowledge", ANA),
    Place("a question tried", "/knowledge", LUIS, a_question_tried),
    Place("a name that is none", "/knowledge", LUIS, a_wrong_topic),
    Place("an answer", "/knowledge/ask_wifi", LUIS),
    Place("an answer to be taken away", "/knowledge/ask_wifi/remove", LUIS),
    Place("reports", "/reports", LUIS),
    Place("reports of nothing", "/reports?first=2020-01-01&last=2020-01-07", LUIS),
    Place("reports of no days", "/reports?first=x&last=y", LUIS),
    Place("one's own menu", "/account", OLGA, own_menu),
    Place("an account", "/account", EVA),
    Place("switches", "/admin/flags", EVA),
    Place("a share that is none", "/admin/flags/agent/sure?state=share&percentage=0", EVA),
    Place("the agent to be switched off", "/admin/flags", EVA, switching_off),
    Place("the same without scripts", "/admin/flags/agent/sure?state=off", EVA),
    Place("what was switched", "/admin/flags/booking", EVA),
    Place("audit log", "/admin/audit", EVA),
    Place("nothing of that kind in the audit log", "/admin/audit?action=totp_on&person=command", EVA),
    Place("operations", "/ops", OLGA),
    Place("webhook failures", "/ops/webhook-failures", OLGA),
    Place("settled failures", "/ops/webhook-failures?view=settled", OLGA),
    Place("all failures to be put back", "/ops/webhook-failures/replay?all=1", OLGA),
    Place("no failure chosen", "/ops/webhook-failures/replay", OLGA),
    Place("dead letters", "/ops/dead-letters", OLGA),
    Place("people", "/admin/people", EVA),
    Place("inviting somebody who is here", "/admin/people", EVA, somebody_already_here),
    Place("a person", "/admin/people", EVA, a_person),
    Place("removing somebody", "/admin/people", EVA, a_question),
    Place("a new token", "/admin/tokens", EVA, a_new_token),
    Place("a manager's settings", "/admin/hotel", LUIS),
    Place("settings that cannot be", "/admin/hotel", EVA, a_wrong_setting),
    Place("replies", "/replies", LUIS),
    Place("a reply that cannot be", "/replies/new", LUIS, a_wrong_reply),
    Place("templates", "/replies/templates", LUIS),
    Place("a template to be written", "/replies/templates/new", LUIS),
    Place("not for this role", "/conversations", OLGA),
    Place("nothing here", "/conversations/999999999", ANA),
)
