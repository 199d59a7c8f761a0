"""`/admin/hotel/pms`: which PMS a hotel works with, where it is, whether it answers, and how well we follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from hotel_agent import queues
from hotel_agent.db import db, done_reading
from hotel_agent.hotels import changing
from hotel_agent.hotels.changing import ChangedMeanwhile, Unfit
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _
from hotel_agent.pms import adapters, mirroring
from hotel_agent.pms.door import rest_left
from hotel_agent.staff.access import may, me
from workers import nudges

PLACES = ("pms_url", "pms_hotel_id", "pms_horizon_days", "pms_rate")
SECRET = "pms_key"
WAIT_SECONDS = 20

bp = Blueprint("connection", __name__, url_prefix="/admin/hotel/pms")


@bp.get("")
@may("tokens")
def index() -> Response:
    return _page()


@bp.post("")
@may("tokens")
def change() -> Response:
    """Another system, or another address, is asked about once more; a key is for the address it was given with."""
    typed = {key: request.form.get(key, "").strip() for key in ("pms", *PLACES)}
    seen = {key: request.form.get(f"seen-{key}", "") for key in typed}
    key = request.form.get(SECRET, "").strip()
    if typed["pms"] != seen["pms"] and "sure" not in request.form:
        return _page(409, typed, seen, asks=True)
    given = {**typed, SECRET: key} if key else dict(typed)
    if typed["pms_url"] != seen["pms_url"] and not key:
        given[SECRET] = ""
    try:
        changed = changing.change(me().hotel.id, given, seen)
    except Unfit as unfit:
        return _page(400, typed, seen, unfit.problems)
    except ChangedMeanwhile as meanwhile:
        words = _("Somebody else has just changed this. Save again to have yours instead.")
        return _page(409, typed, seen | meanwhile.now, dict.fromkeys(meanwhile.now, words))
    flash(_("Saved.") if changed else _("Nothing was changed."))
    return redirect(url_for(".index"), 303)


@bp.post("/test")
@may("tokens")
def test() -> Response:
    """By a worker: this process asks nobody outside."""
    hotel_id = me().hotel.id
    done_reading()
    found = queues.ask(queues.API, nudges.CHECK_PMS, hotel_id, wait_seconds=WAIT_SECONDS, first=True)
    return _page(200 if found else 503, tested={"found": found})


def _page(
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    *,
    asks: bool = False,
    tested: Mapping[str, Any] | None = None,
) -> Response:
    hotel = db.session.get_one(Hotel, me().hotel.id, populate_existing=True)
    now = {"pms": hotel.pms} | changing.written(hotel, PLACES)
    is_remote = _is_remote(hotel)
    page = render_template(
        "hotel/connection.html",
        values=now | dict(typed or {}),
        seen=dict(seen or now),
        problems=problems or {},
        asks=asks,
        tested=tested,
        has_key=bool((hotel.settings or {}).get(SECRET)),
        systems={name: adapters.title(name) for name in adapters.names() if name != "local"},
        state=mirroring.state_of(hotel) if is_remote else None,
        rest=rest_left(hotel) if is_remote else 0,
    )
    return make_response(page, status)


def _is_remote(hotel: Hotel) -> bool:
    adapter = adapters.adapter_of(hotel.pms)
    return adapter is not None and adapter.capabilities.is_remote
