"""What is half typed, and what it answers, outlives whatever happens meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser.cast import ANA
from tests.browser.desk import is_there, line, reply
from tests.load.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_the_quoted_message_and_words_that_are_refused_stay_with_the_reply(works_as, guest):
    marta = guest("Marta Cita")
    marta.asks_for_a_person()
    page = works_as(ANA)
    line(page, marta).click()
    page.locator(".bubble.guest .answer-this").first.click(force=True)
    quoted, words = page.locator("form.reply [name=quoted]"), page.locator(".quoting-words").text_content()
    number = quoted.input_value()
    reply(page).press_sequentially("Mi respuesta")
    marta.says("¿Hola? Sigo esperando")
    is_there(page, "¿Hola? Sigo esperando")
    expect(page.locator(".quoting-words")).to_be_visible()
    assert (quoted.input_value(), page.locator(".quoting-words").text_content()) == (number, words)
    held: list[Route] = []
    page.route("**/messages*", lambda route: held.append(route))
    reply(page).press("Enter")
    wait_until(lambda: page.title() and held, 10, "nothing is sent")
    reply(page).press_sequentially("Otra cosa")
    asked = held[0].request.post_data or ""
    held[0].continue_(post_data=asked.replace("text=Mi+respuesta", "text=%7B%7B+x+%7D%7D"))
    expect(reply(page)).to_have_value("Mi respuesta\nOtra cosa")
    assert quoted.input_value() == number
