"""By keyboard alone, on a phone, at twice the size, in the dark, and as axe sees it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import COLOURS, is_clean
from tests.browser.cast import ANA, PASSWORD
from tests.browser.desk import ANSWER_MS, action, answer, bubble, is_there, line, note, reply, sideways
from tests.browser.pages import PLACES, Place
from tests.load.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=375, height=812)


@pytest.fixture(scope="module")
def shown(guest, asks_sql):
    """The conversations that PLACES name: one with something of everything, one whose window is closed."""
    marta, late = guest("Marta Ruiz"), guest("Lola Tarde")
    late.says("Hola")
    for kind in ("image", "audio", "location"):
        marta.sends(kind)
    marta.says("Hola, esto es *muy* urgente: hay una fuga de agua en mi habitación")
    marta.says("¿Tenéis una habitación doble mañana?")
    wait_until(lambda: marta.answers_by("agent") >= 2, 30, "the agent does not answer")
    wait_until(lambda: marta.state("status") == "waiting", 30, "Marta does not wait")
    for status, words in (("failed", "No llegó"), ("unknown", "Quizá llegó"), ("read", "Llegó")):
        asks_sql(
            "insert into messages (hotel_id, conversation_id, direction, author, staff_id, type, body, status,"
            " error_code, sending_at, created_at, payload, handling)"
            " select c.hotel_id, c.id, 'out', 'staff', s.id, 'text', %s, %s, 131026, now() - interval '1 hour', now(),"
            " '{}', 'none' from conversations c, staff s where c.id = %s and s.email = %s",
            words,
            status,
            marta.conversation,
            ANA,
        )
    asks_sql(
        "insert into conversation_events (hotel_id, conversation_id, staff_id, kind, at, body, details)"
        " select c.hotel_id, c.id, s.id, 'note', now(), 'Es la hermana del director', '{}'"
        " from conversations c, staff s where c.id = %s and s.email = %s",
        marta.conversation,
        ANA,
    )
    asks_sql("update conversations set last_inbound_at = now() - interval '25 hours' where id = %s", late.conversation)
    places = {"marta": marta.conversation, "late": late.conversation}
    whose = "select guest_id from conversations where id = %s"
    return places | {f"{name}_guest": asks_sql(whose, talk)[0][0] for name, talk in places.items()}


@pytest.fixture(scope="module")
def screens(chromium, demo_url):
    """One browser for everybody who looks at PLACES, signed in once."""
    pages: dict[str | None, Page] = {}

    def of(role: str | None) -> Page:
        if role not in pages:
            context = chromium.new_context(base_url=demo_url, reduced_motion="reduce")
            pages[role] = context.new_page()
            if role:
                context.request.post("/login", form={"email": role, "password": PASSWORD})
        return pages[role]

    yield of
    for page in pages.values():
        page.context.close()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_axe_finds_nothing_and_nothing_goes_sideways(place: Place, shown, screens):
    """Each language at one width, each width in both colours: axe takes its time."""
    page: Page = screens(place.role)
    for language, size in (("es", DESK), ("en", PHONE), ("pt", DESK)):
        page.context.set_offline(False)
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="light")
        page.set_extra_http_headers({"Accept-Language": language})
        page.goto(place.path.format(**shown))
        assert page.locator("html").get_attribute("lang") == language
        place.first(page)
        page.set_viewport_size(size)
        is_clean(page, f"{place.name}, {language}, {size['width']}")
        page.emulate_media(color_scheme="dark")
        is_clean(page, f"{place.name}, {language}, {size['width']}, in the dark", COLOURS)
        page.set_viewport_size(PHONE)
        assert sideways(page) <= 0


FOCUS_IS_DRAWN = """() => {
    const here = document.activeElement, around = [];
    for (let up = here.parentElement; up && around.length < 2; up = up.parentElement) around.push(up);
    const drawn = (element) => {
        const style = getComputedStyle(element);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    };
    return here.matches(":focus-visible") && [here, ...around, ...(here.labels ?? [])].some(drawn);
}"""


def is_seen_to_have_focus(page: Page) -> bool:
    """Whether the browser draws something around what has the focus, or around what stands for it."""
    return bool(page.evaluate(FOCUS_IS_DRAWN))


def test_by_keyboard_alone_from_signing_in_to_an_answer(opens, guest):
    marta, john = guest("Marta Teclado"), guest("John Teclado")
    for each in (marta, john):
        each.asks_for_a_person()
    page = opens("/")
    keys = page.keyboard
    expect(page.locator("input[name=email]")).to_be_focused()
    keys.type(ANA)
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/conversations*")

    expect(page.locator("#list")).to_be_visible()
    keys.press("/")
    expect(page.get_by_role("searchbox").first).to_be_focused()
    keys.type("teclado")
    expect(page.locator("#lines > li")).to_have_count(2)
    keys.press("Escape")
    lines = page.locator("#list li[data-conversation-id] > a")
    for key, place in (("j", 0), ("j", 1), ("k", 0)):
        keys.press(key)
        expect(lines.nth(place)).to_be_focused()
        assert is_seen_to_have_focus(page)
    for _ in range(lines.count()):
        if line(page, marta).get_by_role("link").evaluate("link => link === document.activeElement"):
            break
        keys.press("j")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Marta Teclado").first).to_be_visible()
    page.wait_for_url(f"**/conversations/{marta.conversation}*")

    keys.press("r")
    expect(reply(page)).to_be_focused()
    assert is_seen_to_have_focus(page)
    keys.press("/")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(reply(page)).to_be_focused()
    keys.type("Primera línea")
    keys.press("Shift+Enter")
    keys.type("y segunda")
    keys.press("Enter")
    is_there(page, "y segunda")
    marta.hears("Primera línea\ny segunda")

    keys.press("Escape")
    keys.press("n")
    expect(note(page)).to_be_focused()
    keys.type("Contestada con el teclado")
    keys.press("Enter")
    expect(page.locator("li.note").filter(has_text="Contestada con el teclado")).to_be_visible()
    keys.press("Escape")
    keys.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    keys.press("e")
    wait_until(lambda: marta.state("status") == "closed", 5, "e does not close")


def test_the_focus_goes_round_and_is_seen_everywhere(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}?view=closed")
    expect(reply(page)).to_be_visible()
    visited: list[str] = []
    for _ in range(120):
        page.keyboard.press("Tab")
        where = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if visited and where == visited[0]:
            break
        if where.startswith("<body"):
            continue
        assert is_seen_to_have_focus(page), where
        visited.append(where)
    else:
        pytest.fail(f"the focus is trapped: {visited[-3:]}")
    assert any("textarea" in where for where in visited)
    assert len(set(visited)) > 15


def test_on_a_phone_from_the_list_to_the_guest_and_back(works_as, guest):
    marta = guest("Marta Bolsillo")
    marta.asks_for_a_person()
    page = works_as(ANA, width=375, height=812, has_touch=True, is_mobile=True)
    thread = page.get_by_role("log")
    expect(thread).to_be_hidden()
    assert sideways(page) == 0
    line(page, marta).tap()
    expect(thread).to_be_visible()
    expect(line(page, marta)).to_be_hidden()
    expect(bubble(page, "Quiero hablar con una persona")).to_be_in_viewport()
    assert sideways(page) == 0
    answer(page, "Dime, Marta: ¿en qué puedo ayudarte desde este teléfono tan estrecho?")
    is_there(page, "desde este teléfono")
    marta.hears("desde este teléfono")
    expect(action(page, "giveback")).to_be_in_viewport()

    page.get_by_role("link", name="Huésped").tap()
    expect(page.get_by_role("complementary")).to_be_visible()
    expect(thread).to_be_hidden()
    assert sideways(page) == 0
    page.get_by_role("link", name="Volver a la conversación").tap()
    expect(thread).to_be_visible()
    page.go_back()
    page.go_forward()
    expect(thread).to_be_visible()
    page.get_by_role("link", name="Volver a la lista").tap()
    expect(thread).to_be_hidden()
    expect(page.get_by_role("searchbox").first).to_be_visible()
    assert sideways(page) == 0

    # What comes meanwhile disturbs nothing.
    marta.says("¿Y el desayuno?")
    expect(line(page, marta)).to_contain_text("¿Y el desayuno?", timeout=ANSWER_MS)
    line(page, marta).tap()
    expect(bubble(page, "¿Y el desayuno?")).to_be_in_viewport()
    expect(page.get_by_role("main")).to_have_count(1)


def test_at_twice_the_size_an_answer_can_be_written(works_as, guest):
    """200 % of a window of 1280×800."""
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, width=640, height=400, device_scale_factor=2)
    page.get_by_role("link", name="Todas").click()
    expect(line(page, marta)).to_be_visible()
    assert sideways(page) == 0
    line(page, marta).click()
    expect(reply(page)).to_be_in_viewport(ratio=1)
    expect(action(page, "send")).to_be_in_viewport(ratio=1)
    expect(action(page, "takeover")).to_be_in_viewport(ratio=1)
    expect(bubble(page, "Hola").last).to_be_in_viewport()
    assert sideways(page) == 0
    answer(page, "Bien grande")
    expect(bubble(page, "Bien grande")).to_be_in_viewport(timeout=ANSWER_MS)
    marta.hears("Bien grande")
