"""Two colleagues at two screens: who has a conversation, who is writing in it, and who is signed out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cast import ANA, LUIS, PASSWORD
from tests.browser.desk import action, answer, bubble, is_there, reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

AT_ONCE_MS = 2_000


def test_whoever_is_second_is_told_and_may_take_it_anyway(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.asks_for_a_person()
    path = f"/conversations/{marta.conversation}"
    ana, luis = works_as(ANA, path), works_as(LUIS, path)
    ana.evaluate("window.neverReloaded = true")

    # Luis presses before the news of Ana has reached his screen.
    luis.route(f"**{path}", lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    action(ana, "takeover").click()
    expect(action(ana, "giveback")).to_be_visible()
    action(luis, "takeover").click()
    expect(luis.get_by_text("Ana acaba de tomar esta conversación.")).to_be_visible()
    expect(ana.get_by_text("La llevas tú")).to_be_visible()

    luis.unroute(f"**{path}")
    luis.get_by_role("button", name="Tomarla de todos modos").click()
    expect(action(luis, "giveback")).to_be_visible()
    expect(ana.get_by_text("La lleva Luis")).to_be_visible(timeout=AT_ONCE_MS)
    assert ana.evaluate("window.neverReloaded")


def test_who_writes_is_seen_and_sending_asks_first(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    path = f"/conversations/{marta.conversation}"
    ana, luis = works_as(ANA, path), works_as(LUIS, path)
    expect(ana.get_by_text("Luis también está aquí")).to_be_visible()
    reply(luis).press_sequentially("Estoy mirando si")
    expect(ana.get_by_text("Luis está escribiendo…")).to_be_visible()

    answer(ana, "Te ayudo yo, Marta")
    expect(ana.get_by_text("Luis está escribiendo. ¿Enviar de todos modos?")).to_be_visible()
    expect(reply(ana)).to_have_value("Te ayudo yo, Marta")
    assert marta.sent("Te ayudo yo") == []
    action(ana, "send").click()
    is_there(ana, "Te ayudo yo, Marta")
    marta.hears("Te ayudo yo, Marta")
    expect(bubble(luis, "Te ayudo yo, Marta")).to_be_visible()
    expect(reply(luis)).to_have_value("Estoy mirando si")

    reply(luis).fill("")
    expect(ana.get_by_text("Luis también está aquí")).to_be_visible()


def test_what_ana_writes_before_she_hears_of_luis_is_asked_by_the_server(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    path = f"/conversations/{marta.conversation}"
    ana, luis = works_as(ANA, path), works_as(LUIS, path)
    reply(ana).fill("Un momento")
    ana.route(f"**{path}", lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    with luis.expect_response("**/presence"):
        reply(luis).press_sequentially("Estoy")
    action(ana, "send").click()
    expect(ana.get_by_text("Luis está escribiendo. ¿Enviar de todos modos?")).to_be_visible()
    expect(reply(ana)).to_have_value("Un momento")
    assert marta.sent("Un momento") == []
    ana.unroute(f"**{path}")
    action(ana, "send").click()
    is_there(ana, "Un momento")
    marta.hears("Un momento")


def test_signing_out_everywhere_ends_the_page_in_another_browser(signs_in, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    path = f"/conversations/{marta.conversation}"
    desk, phone = signs_in(LUIS, path), signs_in(LUIS, "/account")
    reply(desk).fill("Media respuesta")
    phone.get_by_role("button", name="Salir en todas partes").click()
    phone.wait_for_url("**/login*")
    expect(desk.get_by_text("Tu sesión se ha cerrado")).to_be_visible()
    expect(reply(desk)).to_have_value("Media respuesta")
    desk.get_by_role("link", name="Entrar de nuevo").click()
    desk.locator("input[name=email]").fill(LUIS)
    desk.locator("input[name=password]").fill(PASSWORD)
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**{path}")
    expect(reply(desk)).to_have_value("Media respuesta")
