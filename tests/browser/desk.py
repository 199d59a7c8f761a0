"""The front desk's screen: where things are on it, told by what they are and not by how they look."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.cast import Guest

# What takes a worker, Graph's stand-in and the way back.
ANSWER_MS = 20_000


def line(page: Page, guest: Guest) -> Locator:
    """The guest's line in the list, wherever it stands."""
    return page.locator(f"#list li[data-conversation-id='{guest.conversation}']")


def bubble(page: Page, words: str) -> Locator:
    return page.locator("[data-message-id]").filter(has_text=words)


def reply(page: Page) -> Locator:
    return page.locator("textarea[name=text]:not([readonly])")


def note(page: Page) -> Locator:
    return page.locator("textarea[name=note]")


def action(page: Page, name: str) -> Locator:
    """takeover, giveback, send, …: the one that can be seen."""
    return page.locator(f"[data-action={name}]:visible").first


def answer(page: Page, words: str) -> None:
    reply(page).fill(words)
    action(page, "send").click()


def is_there(page: Page, words: str) -> None:
    """One bubble with these words, and nothing that is still being sent."""
    expect(bubble(page, words)).to_have_count(1, timeout=ANSWER_MS)
    expect(page.locator("li[data-client-id]")).to_have_count(0, timeout=ANSWER_MS)


def banner(page: Page) -> Locator:
    return page.locator("#notice")


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
