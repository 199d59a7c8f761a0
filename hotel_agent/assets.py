"""Files of static/: each address names the content, so that browsers keep them for good and never show an old one."""

from __future__ import annotations

import gzip
import hashlib
import os
from functools import lru_cache
from typing import Any

from flask import Flask, Response, request
from markupsafe import Markup

from hotel_agent.config import settings

KEPT_SECONDS = 365 * 24 * 3600
WORDY = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})


def init_app(app: Flask) -> None:
    folder = str(app.static_folder)

    @app.url_defaults
    def name_the_content(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values and (version := _version(folder, values.get("filename", ""))):
            values["v"] = version

    icons = f"{app.static_url_path}/icons.svg?v={_version(folder, 'icons.svg')}"

    @lru_cache(maxsize=512)  # A page asks hundreds of times.
    def icon(name: str, kind: str = "") -> Markup:
        """A line icon on a 24 grid, in the colour of the text."""
        classes = f"icon {kind}".strip()
        words = '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>'
        return Markup(words).format(classes, icons, name)  # noqa: S704  The words are ours.

    app.jinja_env.globals["icon"] = icon

    @app.after_request
    def keep_for_good(response: Response) -> Response:
        if request.endpoint != "static" or response.status_code != 200:
            return response
        # While two versions are deployed, a page of one may ask the other, whose file nobody may keep by that address.
        if request.args.get("v") == _version(folder, (request.view_args or {})["filename"]):
            response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable"
        if response.mimetype in WORDY and request.method == "GET" and "Range" not in request.headers:
            response.vary.add("Accept-Encoding")
            if request.accept_encodings["gzip"]:
                _pack(response, os.path.join(folder, (request.view_args or {})["filename"]))
        return response


def _pack(response: Response, path: str) -> None:
    """Only files go packed: they hold nobody's secrets, whose length could tell of them."""
    seen = os.stat(path)
    response.direct_passthrough = False
    response.set_data(_packed(path, seen.st_mtime_ns, seen.st_size))
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("ETag", None)


def _version(folder: str, filename: str) -> str | None:
    path = os.path.join(folder, filename)
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return _digest(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=256)
def _digest(path: str, _changed: int, _size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:10]


@lru_cache(maxsize=64)
def _packed(path: str, _changed: int, _size: int) -> bytes:
    with open(path, "rb") as file:
        return gzip.compress(file.read(), 9, mtime=0)


def public_address(path: str) -> str:
    """How the outside reaches a file below static/."""
    return f"{settings().public_url.rstrip('/')}/static/{path.removeprefix('/static/').lstrip('/')}"


def own_file(address: str) -> str | None:
    """The file of ours that an address of `public_address` names; a page shows it by its path, wherever opened."""
    ours = public_address("")
    return address.removeprefix(ours) if address.startswith(ours) else None
