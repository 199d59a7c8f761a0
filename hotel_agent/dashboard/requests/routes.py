"""`/requests`: what guests have asked the house to do, who is at it, and what is done; done is told to the guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from hotel_agent.conversations import guest_requests
from hotel_agent.conversations.guest_requests import KINDS, Settled
from hotel_agent.dashboard.colleagues import colleagues
from hotel_agent.dashboard.requests.board import MOST, board
from hotel_agent.db import utcnow
from hotel_agent.errors import BadInput
from hotel_agent.i18n import _, query
from hotel_agent.staff.access import may, me
from hotel_agent.web import BIGGEST_ID, row_id
from workers import nudges

ONE = f"<int(min=1, max={BIGGEST_ID}):request_id>"

bp = Blueprint("requests", __name__, url_prefix="/requests")


@bp.get("")
@may("desk")
def index() -> Response:
    return _page()


@bp.post(f"/{ONE}/assign")
@may("desk")
def assign(request_id: int) -> Response:
    somebody = me()

    def verb() -> None:
        guest_requests.assign(request_id, somebody.staff_id, _to(), hotel_id=somebody.hotel.id)

    return _done(verb, request_id)


@bp.post(f"/{ONE}/start")
@may("desk")
def start(request_id: int) -> Response:
    somebody = me()
    return _done(lambda: guest_requests.start(request_id, somebody.staff_id, hotel_id=somebody.hotel.id), request_id)


@bp.post(f"/{ONE}/back")
@may("desk")
def put_back(request_id: int) -> Response:
    somebody = me()
    return _done(lambda: guest_requests.put_back(request_id, somebody.staff_id, hotel_id=somebody.hotel.id), request_id)


@bp.post(f"/{ONE}/done")
@may("desk")
def done(request_id: int) -> Response:
    """The guest is told, unless WhatsApp's window is closed."""
    somebody = me()
    return _done(lambda: guest_requests.close(request_id, somebody.staff_id, hotel_id=somebody.hotel.id), request_id)


@bp.get(f"/{ONE}/cancel")
@may("desk")
def ask_about_cancelling(request_id: int) -> str:
    guest_requests.check_of(request_id, me().hotel.id)
    return render_template(
        "question.html",
        title=_("Cancel this request?"),
        words=_("Nobody will do it, and the guest is told nothing: write to them why."),
        verb=_("Cancel the request"),
        back=url_for(".index"),
    )


@bp.post(f"/{ONE}/cancel")
@may("desk")
def cancel(request_id: int) -> Response:
    somebody = me()
    return _done(lambda: guest_requests.cancel(request_id, somebody.staff_id, hotel_id=somebody.hotel.id), request_id)


def _to() -> int | None:
    given = request.form.get("to", "")
    if given in ("", "nobody"):
        return None
    try:
        return row_id(given)
    except ValueError:
        raise BadInput("to", _("This person cannot answer guests of this hotel.")) from None


def _done(verb: Callable[[], Settled | None], request_id: int) -> Response:
    """Do it and show the board again, as it was filtered; what could not be done is told at its card."""
    try:
        settled = verb()
    except BadInput as bad:
        return _page(409 if bad.field == "request" else 400, request_id, str(bad))
    if settled and settled.told:
        nudges.send(settled.conversation_id)
    _tell(settled)
    return redirect(f"{url_for('.index')}{_filters()}#request-{request_id}", 303)


def _tell(settled: Settled | None) -> None:
    if settled is None or settled.again or request.endpoint != "requests.done":
        return
    if settled.told:
        flash(_("Done. The guest is told."))
    else:
        flash(_("Done, but the guest was not told: the 24-hour window is closed."))


def _filters() -> str:
    kept = query({"kind": _kind(), "mine": _mine()})
    return f"?{kept}" if kept else ""


def _kind() -> str | None:
    kind = request.values.get("kind")
    return kind if kind in KINDS else None


def _mine() -> str | None:
    return "1" if request.values.get("mine") == "1" else None


def _page(status: int = 200, at: int | None = None, trouble: str = "") -> Response:
    somebody = me()
    shown: dict[str, Any] = {
        "board": board(somebody.hotel, _kind(), somebody.staff_id if _mine() else None),
        "colleagues": colleagues(somebody.hotel.id),
        "kinds": tuple(KINDS),
        "kind": _kind(),
        "mine": _mine(),
        "here": _filters(),
        "trouble": (at, trouble),
        "most": MOST,
        "at": utcnow(),
    }
    return make_response(render_template("requests/index.html", **shown), status)
