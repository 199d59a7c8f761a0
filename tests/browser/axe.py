"""What axe-core finds on a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.browser.desk import sideways

# One rule of WCAG 2.2 AA is asleep by default. Nothing is loaded anew for the rules about media.
EVERYTHING: dict[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {"target-size": {"enabled": True}},
}
# All that changes with the colours.
COLOURS: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]}


def is_clean(page: Page, where: str, options: dict[str, Any] = EVERYTHING) -> None:
    """axe finds nothing once the page is at rest, and nothing goes sideways."""
    expect(page.locator(".htmx-request")).to_have_count(0)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate("async options => (await axe.run(options)).violations", options)
    assert not violations, f"{where}: {AxeResults({'violations': violations}).generate_report()}"
    assert sideways(page) <= 0, f"{where}: wider than the screen"
