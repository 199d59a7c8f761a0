"""One guest's alarm never silences another's: each is announced, and again when its guest writes again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cast import ANA
from tests.browser.desk import line
from tests.load.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# What the page would have shown while nobody looks at it, and how often it would have sounded.
OVERHEARD = """
    window.told = []; window.notes = 0;
    window.Notification = class { constructor(words, options) { window.told.push([words, options]); } };
    window.Notification.permission = "granted";
    Object.defineProperty(document, "hidden", { get: () => true });
    window.AudioContext = class {
        currentTime = 0; destination = {};
        createOscillator() { window.notes += 1; return { frequency: {}, connect: (to) => to, start() {}, stop() {} }; }
        createGain() {
            const gain = { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} };
            return { gain, connect: (to) => to };
        }
    };
"""


def test_the_alarms_of_two_guests_are_both_announced_and_a_second_one_of_the_same_guest_too(works_as, guest):
    marta, luisa = guest("Marta Alarma"), guest("Luisa Alarma")
    page = works_as(ANA)
    page.add_init_script(OVERHEARD)
    page.reload()
    expect(page.locator("#list")).to_be_visible()
    page.keyboard.press("Shift")  # Browsers allow a sound once somebody has touched the page.

    def tags() -> list[str]:
        return [options["tag"] for _words, options in page.evaluate("window.told")]

    def comes_up(found) -> None:
        tag = f"alarm-{found.conversation}"
        wait_until(lambda: page.wait_for_timeout(100) or tag in tags(), 20, f"{found.name} is not announced")

    marta.says("¡Hay fuego en la habitación!")
    luisa.says("Necesito un médico, mi hija no respira bien")
    for one in (marta, luisa):
        comes_up(one)
        expect(line(page, one)).to_be_visible()
    assert all(options["renotify"] for _words, options in page.evaluate("window.told"))
    sounded = page.evaluate("window.notes")
    assert sounded >= 2

    before = tags().count(f"alarm-{marta.conversation}")
    marta.says("¡Socorro, hay fuego!")
    wait_until(
        lambda: page.wait_for_timeout(100) or tags().count(f"alarm-{marta.conversation}") > before,
        20,
        "the second alarm is not announced",
    )
    assert page.evaluate("window.notes") > sounded
