"""What guests sent, for people at the desk; and asking Meta for it once more."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from hotel_agent.db import db
from hotel_agent.media import fetching, showing
from hotel_agent.media.kinds import SHOWN, UNKNOWN
from hotel_agent.media.showing import File
from hotel_agent.staff.access import may, me
from workers import nudges

# Bytes never change, but whoever signs in next at the desk's computer may not be allowed to see them.
CACHE = "private, max-age=3600, immutable"
NOTHING_RUNS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"
# A browser makes a page for a recording that is opened by itself; without an origin it may not load the sound.
ONLY_A_PLAYER = "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; media-src 'self'"
ID = f"<int(max={2**63 - 1}):media_id>"
PLAYED = ("audio/", "video/")

bp = Blueprint("media", __name__, url_prefix="/media")


@bp.get(f"/{ID}")
@may("conversations")
def show(media_id: int) -> Response:
    """The file, or the part of it that a player asks for."""
    file = showing.file_of(media_id, me().hotel.id, original=request.args.get("original") == "1")
    start, stop, status = _asked_for(file)
    body = showing.pieces_of(db.engine, file, start, stop) if stop > start else ()
    response = Response(body, status, headers=_headers(file), direct_passthrough=True)
    response.content_length = stop - start
    response.set_etag(file.tag)
    response.vary.add("Cookie")
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.length}"
    elif status == 416:
        response.headers["Content-Range"] = f"bytes */{file.length}"
    elif status == 304:
        del response.headers["Content-Length"]
    return response


@bp.post(f"/{ID}/again")
@may("conversations")
def again(media_id: int) -> AnyResponse:
    conversation_id = fetching.try_again(media_id, me().hotel.id)
    nudges.fetch_media()
    return redirect(f"/conversations/{conversation_id}", 303)


def _asked_for(file: File) -> tuple[int, int, int]:
    """From where to where, and with which status. Several ranges at once are answered with everything."""
    if request.if_none_match.contains_weak(file.tag):
        return 0, 0, 304
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or not _same_as_before(file):
        return 0, file.length, 200
    span = wanted.range_for_length(file.length)
    return (0, 0, 416) if span is None else (*span, 206)


def _same_as_before(file: File) -> bool:
    """Whether the parts that a player has already are of these bytes."""
    before = request.if_range
    return before.date is None and before.etag in (None, file.tag)


def _headers(file: File) -> dict[str, str]:
    shown = file.mime_type in SHOWN
    kept = "inline" if shown and request.args.get("download") != "1" else "attachment"
    plain = file.name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return {
        "Content-Type": file.mime_type if shown else UNKNOWN,
        "Content-Disposition": f"{kept}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": ONLY_A_PLAYER if shown and file.mime_type.startswith(PLAYED) else NOTHING_RUNS,
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE,
    }
