"""One demo for all browser tests, Chromium, and the cast: guests by the signed webhook, staff by the sign-in form."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.cast import PASSWORD, Guest, post_as_meta
from tests.load import meta
from tests.load.installation import Demo, free_port, wait_until

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


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder: Path = tmp_path_factory.mktemp("demo")
    demo = Demo(folder, free_port(), None, ANSWER_PAUSE_SECONDS="0.2", DEMO_STAFF_PASSWORD=PASSWORD)
    try:
        demo.start()
        yield demo
    finally:
        demo.stop()


@pytest.fixture(scope="session")
def demo_url(demo: Demo) -> str:
    return f"http://127.0.0.1:{demo.port}"


@pytest.fixture(scope="module")  # Playwright keeps a running event loop, which other tests must not find.
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opens(chromium: Browser, demo_url: str) -> Iterator[Callable[..., Page]]:
    """A fresh browser at a path. What the browser complains about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, width: int = 1280, height: int = 800, locale: str = "es-ES", **options: Any) -> Page:
        context = chromium.new_context(
            base_url=demo_url, viewport={"width": width, "height": height}, locale=locale, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{error}\n{error.stack}"))
        page.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def signs_in(opens: Callable[..., Page]) -> Callable[..., Page]:
    """`signs_in("ana@miramar.example")` through the form; answers the page that comes then."""

    def sign_in(email: str, path: str = "/", **options: Any) -> Page:
        page = opens(path, **options)
        page.locator("input[name=email]").fill(email)
        page.locator("input[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    return sign_in


@pytest.fixture(scope="session")
def open_sessions() -> dict[str, Any]:
    """The cookies of whoever has signed in, so that not every story begins with the form."""
    return {}


@pytest.fixture
def works_as(opens: Callable[..., Page], open_sessions: dict[str, Any]) -> Callable[..., Page]:
    """`works_as(ANA, "/conversations/7")`: a browser of somebody who has signed in before."""

    def at_work(email: str, path: str = "/conversations", **options: Any) -> Page:
        page = opens(path, storage_state=open_sessions.get(email), **options)
        if "/login" in page.url:
            page.locator("input[name=email]").fill(email)
            page.locator("input[name=password]").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url: "/login" not in url)
            open_sessions[email] = page.context.storage_state()
        return page

    return at_work


@pytest.fixture(scope="session")
def phones() -> Iterator[int]:
    """Numbers that nobody has had yet."""
    return count(34611000001)


@pytest.fixture(scope="session")
def guest(demo: Demo, phones: Iterator[int], asks_sql: Callable[..., list[tuple[Any, ...]]]) -> Callable[[str], Guest]:
    """`guest("Marta Ruiz")`: somebody who has not written yet."""
    return lambda name: Guest(demo, str(next(phones)), name, asks_sql)


@pytest.fixture
def says(demo: Demo) -> Callable[..., str]:
    """`says("34600000001", "Hola", name="Marta Ruiz")`: a guest writes; answers the wamid."""

    def say(phone: str, words: str, name: str = "Marta Ruiz", number: str = meta.MIRAMAR) -> str:
        message = meta.text(phone, words)
        body = meta.messages_body([message], number, name)
        post_as_meta(demo, body)
        return str(message["id"])

    return say


@pytest.fixture(scope="session")
def asks_sql(demo: Demo) -> Callable[..., list[tuple[Any, ...]]]:
    """What the demo's database holds now."""

    def ask(statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with demo.connect() as connection:
            answer = connection.execute(statement, values)
            return answer.fetchall() if answer.description else []

    return ask


@pytest.fixture
def conversation_of(asks_sql: Callable[..., list[tuple[Any, ...]]]) -> Callable[..., int]:
    """The id of the conversation with that phone, once there is one."""

    def find(phone: str, at_least: int = 1) -> int:
        found: list[tuple[Any, ...]] = []

        def is_there() -> bool:
            found[:] = asks_sql(
                "select c.id from conversations c join guest_identities i on i.guest_id = c.guest_id"
                " where i.value = %s and (select count(*) from messages m where m.conversation_id = c.id) >= %s",
                phone,
                at_least,
            )
            return bool(found)

        wait_until(is_there, 20, f"no conversation with {phone}")
        return int(found[0][0])

    return find
