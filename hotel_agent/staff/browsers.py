"""What to call the browser that a person is signed in with."""

from __future__ import annotations

import re

# The first that fits: most browsers claim to be several others as well.
BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("Mac", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)


def browser_of(user_agent: str) -> str:
    """Firefox, Windows. Empty when it says nothing that is known."""
    found = [next((name for name, sign in names if re.search(sign, user_agent)), "") for names in (BROWSERS, SYSTEMS)]
    return ", ".join(name for name in found if name)
