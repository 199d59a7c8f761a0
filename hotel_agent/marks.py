"""WhatsApp's own marks (*bold*, _italic_, ~struck~, ```code```) and links, for pages that show what was written."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_MARKS = (
    (re.compile(r"```(.+?)```", re.DOTALL), r"<code>\1</code>"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), r"<s>\1</s>"),
)
_LINK = re.compile(r"https?://[^\s<]+[^\s<.,;:!?)\]]")


def styled(text: str) -> Markup:
    """With the marks and links as HTML, everything else escaped."""
    pieces, end = [], 0
    for link in _LINK.finditer(text):
        pieces.append(_marked(text[end : link.start()]))
        anchor = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer nofollow">{0}</a>')
        pieces.append(anchor.format(link[0]))
        end = link.end()
    return Markup("").join([*pieces, _marked(text[end:])])


def _marked(text: str) -> Markup:
    html = str(escape(text))
    for pattern, tag in _MARKS:
        html = pattern.sub(tag, html)
    return Markup(html)  # noqa: S704  Escaped above; the tags are ours.


def unstyled(text: str) -> str:
    """The words on one line, without the marks."""
    for pattern, _tag in _MARKS:
        text = pattern.sub(r"\1", text)
    return " ".join(text.split())
