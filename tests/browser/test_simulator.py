"""A guest at the phone in the browser, against a whole demo: real webhook, workers and rooms."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
REPLY_MS = 20_000
MARTA, JOHN, JULIA = "34600111222", "447700900123", "351912345678"
NOT_THE_DEMOS = ("DATABASE_URL", "REDIS_URL", "APP_ENV", "SECRET_KEY", "PROMETHEUS_MULTIPROC_DIR")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="module")
def demo_url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_THE_DEMOS and not name.startswith("WHATSAPP_")
    }
    with tempfile.TemporaryDirectory(prefix="hotel-agent-browser-") as folder:
        environment = {**kept, "PORT": str(port), "DATA_DIR": folder, "ANSWER_PAUSE_SECONDS": "0.2"}
        demo = subprocess.Popen([sys.executable, "-m", "ops.demo"], cwd=ROOT, env=environment)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", demo)
            yield f"http://127.0.0.1:{port}"
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def wait_until_ready(url: str, demo: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and demo.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail("the demo did not start")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opens(chromium: Browser, demo_url: str) -> Iterator[Callable[..., Page]]:
    """A fresh browser at a path. What the browser complains about fails the test."""
    contexts, complaints = [], []

    def open_page(path: str = "/simulator", width: int = 1280, height: int = 800, **options: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="es-ES", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
        page.goto(demo_url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def test_marta_taps_a_question_and_is_answered_with_ticks(opens):
    page = opens()
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
    page = opens(width=375, height=812)
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


def test_news_come_by_polling_while_the_stream_is_away(opens, demo_url):
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
