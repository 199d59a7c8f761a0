"""The pages of docs/ that somebody needs who is called at night, from the folder of the program that runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markupsafe import Markup

from hotel_agent import ROOT

DOCS = ROOT / "docs"
NAME = re.compile(r"(?:runbooks/)?[A-Za-z][A-Za-z0-9_-]*")
# Which page helps with what Operations says is not well.
OF_TROUBLES = {
    "schema": "rollback",
    "valkey": "lost-valkey",
    "workers": "workers-gone",
    "lanes": "meta-token-expired",
    "intake": "intake-lag",
    "answers": "answers-late",
    "outbox": "outbox-stuck",
    "backups": "backup-failed",
    "pms": "breaker-open",
}


@dataclass(frozen=True)
class Page:
    """`body` is HTML made from our own words; whatever looked like a tag in them is text."""

    title: str
    body: Markup


@lru_cache(maxsize=128)
def page(name: str) -> Page | None:
    """`breaker-open` of the runbooks is "runbooks/breaker-open". None where there is no such page."""
    if not NAME.fullmatch(name):
        return None
    try:
        words = (DOCS / f"{name}.md").read_text("utf-8")
    except OSError:
        return None
    heading, _, rest = words.partition("\n")
    made = MarkdownIt("commonmark", {"html": False}).enable("table").render(rest)
    return Page(heading.lstrip("# ").strip(), Markup(made))  # noqa: S704  The words are ours, tags in them are text.
