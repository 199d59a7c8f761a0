"""The network goes, the server is killed, the stream breaks: nothing is lost and nothing is sent twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Route, expect

from tests.browser.cast import ANA
from tests.browser.desk import ANSWER_MS, action, answer, banner, bubble, is_there, line, reply
from tests.load.installation import Demo, kill, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# Between two tries of the page, with some time to answer.
TRIED_AGAIN_MS = 15_000


def test_without_network_it_says_so_and_sends_once_by_itself(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}")
    page.context.set_offline(True)
    answer(page, "Te llamo en diez minutos")
    shown = page.locator("#items li").filter(has_text="Te llamo en diez minutos")
    expect(shown).to_contain_text("No enviado: sin conexión.")
    expect(banner(page)).to_contain_text("Sin conexión")
    expect(reply(page)).to_have_value("")
    page.context.set_offline(False)
    is_there(page, "Te llamo en diez minutos")
    expect(banner(page)).to_be_hidden()
    marta.hears("Te llamo en diez minutos")
    assert len(marta.sent("Te llamo en diez minutos")) == 1


def test_a_page_loaded_anew_while_offline_words_wait_sends_them_once(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}")
    page.route("**/messages", lambda route: route.abort())
    answer(page, "Ya está reservado")
    expect(page.locator("#items")).to_contain_text("No enviado")
    page.unroute("**/messages")
    page.reload()
    is_there(page, "Ya está reservado")
    marta.hears("Ya está reservado")
    assert len(marta.sent("Ya está reservado")) == 1


def test_an_answer_that_is_lost_on_the_way_back_sends_nothing_twice(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}")
    tries = []

    def lose_the_first(route: Route) -> None:
        tries.append(route.request.post_data)
        if len(tries) == 1:
            assert route.fetch().status == 200
            route.abort()
        else:
            route.continue_()

    page.route("**/messages", lose_the_first)
    answer(page, "La cena es a las nueve")
    is_there(page, "La cena es a las nueve")
    marta.hears("La cena es a las nueve")
    assert len(marta.sent("La cena es a las nueve")) == 1
    assert len(tries) > 1
    assert len(set(tries)) == 1


def test_a_double_click_and_enter_with_a_click_send_once(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}")
    reply(page).fill("Con doble clic")
    action(page, "send").dblclick()
    is_there(page, "Con doble clic")
    reply(page).fill("Con Intro y clic")
    reply(page).press("Enter")
    action(page, "send").click()
    is_there(page, "Con Intro y clic")
    marta.hears("Con doble clic")
    marta.hears("Con Intro y clic")
    assert len(marta.sent("Con doble clic")) == 1
    assert len(marta.sent("Con Intro y clic")) == 1


@contextmanager
def web_is_dead(demo: Demo) -> Iterator[None]:
    """kill -9 of every web process; the demo starts them again only afterwards."""
    assert demo.process
    os.kill(demo.process.pid, signal.SIGSTOP)
    try:
        for process in demo.processes():
            if process.role in ("web master", "web worker"):
                kill(process)
        yield
    finally:
        os.kill(demo.process.pid, signal.SIGCONT)
        wait_until(demo.ready, 60, "the web does not come back")


def test_the_server_is_killed_while_ana_writes(works_as, guest, demo):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}")
    reply(page).press_sequentially("Tu habitación es la")
    with web_is_dead(demo):
        expect(banner(page)).to_contain_text("Sin conexión", timeout=TRIED_AGAIN_MS)
        expect(reply(page)).to_have_value("Tu habitación es la")
        expect(reply(page)).to_be_focused()
        page.keyboard.type(" 204")
        page.keyboard.press("Enter")
        expect(page.locator("#items")).to_contain_text("No enviado: sin conexión.")
        page.keyboard.type("Y otra cosa")
    is_there(page, "Tu habitación es la 204")
    expect(banner(page)).to_be_hidden(timeout=TRIED_AGAIN_MS)
    expect(reply(page)).to_have_value("Y otra cosa")
    marta.hears("Tu habitación es la 204")
    assert len(marta.sent("Tu habitación es la 204")) == 1
    marta.says("¿Sigues ahí?")
    expect(bubble(page, "¿Sigues ahí?")).to_be_visible(timeout=TRIED_AGAIN_MS)


def test_without_the_stream_news_come_by_asking(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA)
    page.route("**/events*", lambda route: route.abort())
    page.goto(f"/conversations/{marta.conversation}")
    expect(reply(page)).to_be_visible()
    marta.says("¿Me oís?")
    expect(bubble(page, "¿Me oís?")).to_be_visible(timeout=ANSWER_MS)
    expect(banner(page)).to_be_hidden()

    page.context.set_offline(True)
    expect(banner(page)).to_contain_text("Sin conexión", timeout=TRIED_AGAIN_MS)
    marta.is_taken_in(marta.says("¿Y ahora?"))
    page.context.set_offline(False)
    expect(bubble(page, "¿Y ahora?")).to_be_visible(timeout=TRIED_AGAIN_MS)
    expect(banner(page)).to_be_hidden()


def test_what_was_said_while_the_stream_was_away_is_there_when_it_is_back(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}")
    expect(bubble(page, "Hola").first).to_be_visible()
    page.context.set_offline(True)
    marta.is_taken_in(marta.says("Esto llegó mientras tanto"))
    page.context.set_offline(False)
    expect(bubble(page, "Esto llegó mientras tanto")).to_be_visible(timeout=TRIED_AGAIN_MS)


@pytest.mark.parametrize("status", [500, 502, 429])
def test_what_is_on_the_screen_stays_when_the_server_stumbles(works_as, guest, status):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}?view=all")
    reply(page).fill("Media respuesta")
    page.route("**/conversations*/**", lambda route: route.fulfill(status=status, body="<h1>Bad day</h1>"))
    with page.expect_response(lambda response: response.status == status):
        marta.says("¿Hay alguien?")
    expect(banner(page)).to_be_visible()
    expect(page.get_by_text("Bad day")).to_have_count(0)
    expect(line(page, marta)).to_be_visible()
    expect(bubble(page, "Hola").first).to_be_visible()
    page.unroute_all()
    expect(bubble(page, "¿Hay alguien?")).to_be_visible(timeout=TRIED_AGAIN_MS)
    expect(banner(page)).to_be_hidden()
    expect(reply(page)).to_have_value("Media respuesta")


def test_a_page_from_before_signing_in_again_says_so_and_keeps_the_words(works_as, guest):
    marta = guest("Marta Ruiz")
    marta.says("Hola")
    page = works_as(ANA, f"/conversations/{marta.conversation}")
    page.evaluate("document.querySelector('meta[name=csrf-token]').content = 'from before'")
    answer(page, "Ahora mismo te atiendo")
    expect(banner(page)).to_contain_text("Esta página es de antes de iniciar sesión")
    expect(page.locator("#items")).to_contain_text("Ahora mismo te atiendo")
    page.get_by_role("link", name="Volver a cargarla").click()
    is_there(page, "Ahora mismo te atiendo")
    marta.hears("Ahora mismo te atiendo")
    assert len(marta.sent("Ahora mismo te atiendo")) == 1
