"""`/reservations/holds`: what is kept for whom and until when, for longer, let go, and what became of it."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from hotel_agent import i18n, queues
from hotel_agent.conversations import holds
from hotel_agent.dashboard.holds.kept import board
from hotel_agent.dashboard.wording import hold_refusal
from hotel_agent.db import done_reading, utcnow
from hotel_agent.i18n import _
from hotel_agent.staff.access import may, me
from hotel_agent.web import form_key, new_form_key
from workers import nudges

PMS_SECONDS = 5
HOLD = "<string(maxlength=80):hold_key>"

bp = Blueprint("holds", __name__, url_prefix="/reservations/holds")


@bp.get("")
@may("desk")
def index() -> Response:
    return _page()


@bp.post(f"/{HOLD}/extend")
@may("reservations")
def extend(hold_key: str) -> Response:
    """For its whole time from now; sent twice it is once."""
    trouble = _about(hold_key, "extend", f"desk:{form_key()}")
    if trouble:
        return _page(trouble, 409)
    flash(_("The room is kept for longer."))
    return redirect(url_for(".index"), 303)


@bp.get(f"/{HOLD}/release")
@may("reservations")
def ask_about_release(hold_key: str) -> Response:
    return _question(hold_key)


@bp.post(f"/{HOLD}/release")
@may("reservations")
def release(hold_key: str) -> Response:
    """The rooms are free for others; the guest hears nothing of it."""
    reason = request.form.get("reason", "").replace("\0", "").strip()
    if not reason:
        return _question(hold_key, _("Say why the room is let go."))
    trouble = _about(hold_key, "release", reason)
    if trouble:
        return _page(trouble, 409)
    flash(_("The room is let go."))
    return redirect(url_for(".index"), 303)


def _about(hold_key: str, verb: str, what: str) -> str:
    """What kept it from being done. In this process only where the rooms are ours."""
    somebody, hotel = me(), me().hotel
    if hotel.pms == "local":
        by, work = holds.By(somebody.staff_id, somebody.email), {"extend": holds.extend, "release": holds.release}[verb]
        told: dict[str, str] | None = holds.outcome(lambda: work(hotel, hold_key, by, what))
    else:
        job = {"extend": nudges.EXTEND_HOLD, "release": nudges.RELEASE_HOLD}[verb]
        done_reading()
        given = (hotel.id, hold_key, somebody.staff_id, somebody.email, what, None)
        told = queues.ask(queues.API, job, *given, wait_seconds=PMS_SECONDS, first=True)
    if told is None:
        return _("The PMS has not answered. What is shown here in a moment is how it stands.")
    if told.get("reason") == "unknown":
        raise NotFound
    return hold_refusal(told["reason"]) if told else ""


def _question(hold_key: str, problem: str = "") -> Response:
    """Asked of what is still kept; of what was, it is told."""
    there = board(me().hotel, i18n.language())
    kept = next((each for each in there.live if each.hold.key == hold_key), None)
    if kept is None:
        if any(each.hold.key == hold_key for each in there.over):
            return _page(hold_refusal("over"), 409)
        raise NotFound
    page = render_template("holds/release.html", kept=kept, problem=problem)
    return make_response(page, 400 if problem else 200)


def _page(trouble: str = "", status: int = 200) -> Response:
    page = render_template(
        "holds/index.html",
        board=board(me().hotel, i18n.language()),
        trouble=trouble,
        new_key=new_form_key(),
        at=utcnow(),
    )
    return make_response(page, status)
