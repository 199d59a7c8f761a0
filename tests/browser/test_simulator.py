"""A guest at the phone in the browser, against a whole demo: real webhook, workers and rooms."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

REPLY_MS = 20_000
MARTA, JOHN, JULIA = "34600111222", "447700900123", "351912345678"


def test_marta_taps_a_question_and_is_answered_with_ticks(opens):
    page = opens("/simulator")
    page.locator(".chips button").first.click()
    asked = page.locator("[data-by=guest]").first
    expect(asked).to_contain_text("habitación doble")
    expect(page.locator("[data-by=hotel]").first).to_be_visible(timeout=REPLY_MS)
    expect(asked).to_have_attribute("data-tick", "read")
    expect(page.locator("[data-by=hotel]").last).to_have_attribute("data-tick", "read")
    expect(page.locator(".unread")).to_have_count(0)


def test_what_is_typed_is_sent_by_enter_and_stays_while_news_come(opens):
    page = opens(f"/simulator/phones/{JOHN}")
    page.locator("#text").fill("What time is breakfast?")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value("")
    page.locator("#text").fill("And is there")
    expect(page.locator("[data-by=hotel]").first).to_be_visible(timeout=REPLY_MS)
    expect(page.locator("#text")).to_have_value("And is there")
    expect(page.locator("#text")).to_be_focused()


def test_on_a_phone_there_is_one_column_and_a_way_back(opens):
    page = opens("/simulator", width=375, height=812)
    expect(page.locator("#thread")).to_be_hidden()
    page.get_by_role("link", name="Júlia Santos").click()
    expect(page.locator("#thread")).to_be_visible()
    expect(page.locator(".guests")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.get_by_role("link", name="Volver a los huéspedes").click()
    expect(page.locator(".guests")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_without_javascript_a_guest_writes_and_reads_by_reloading(opens):
    page = opens("/simulator/phones/34600111222?hotel=100000000000002", java_script_enabled=False)
    page.locator("#text").fill("Hola, ¿a qué hora es el desayuno?")
    page.get_by_role("button", name="Enviar", exact=True).click()
    expect(page.locator("[data-by=guest]")).to_have_count(1)
    until = time.monotonic() + REPLY_MS / 1000
    while page.locator("[data-by=hotel]").count() == 0 and time.monotonic() < until:
        page.get_by_role("link", name="Actualizar").click()
    expect(page.locator("[data-by=hotel]").first).to_be_visible()


def test_news_come_by_polling_while_the_stream_is_away(opens):
    page = opens(f"/simulator/phones/{JULIA}")
    page.route("**/events", lambda route: route.abort())
    page.reload()
    page.locator(".chips button").nth(1).click()
    expect(page.locator("[data-by=hotel]").first).to_be_visible(timeout=REPLY_MS)


def test_words_that_could_not_be_sent_come_back_to_the_field(opens):
    page = opens(f"/simulator/phones/{JULIA}")
    page.context.set_offline(True)
    page.locator("#text").fill("Olá?")
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_be_visible()
    expect(page.locator("#text")).to_have_value("Olá?")
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    expect(page.locator("[data-by=guest]").last).to_contain_text("Olá?")
