"""`/today`: who arrives, leaves and is in house, how full the house is; check-in, check-out, no-show, another room."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import format_date
from sqlalchemy import text
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from hotel_agent import i18n, queues
from hotel_agent.dashboard.today.day import Day, day_of
from hotel_agent.db import db, done_reading, utcnow
from hotel_agent.i18n import _
from hotel_agent.reservations import desk
from hotel_agent.staff.access import can, may, me
from workers import nudges

PMS_SECONDS = 5
LONGEST_ROOM = 20
CODE = "<string(minlength=3, maxlength=20):code>"
# What a booking has to be able to do, and what is said when it is done.
NEEDS = {"check_in": "check_in_out", "check_out": "check_in_out", "no_show": "no_show", "move": "move_room"}

bp = Blueprint("today", __name__, url_prefix="/today")


@dataclass(frozen=True)
class Trouble:
    """Why something was not done, told at its booking."""

    code: str
    words: str
    room: str = ""


@bp.get("")
@may("desk")
def index() -> Response:
    return _page()


@bp.post(f"/{CODE}/check-in")
@may("reservations")
def check_in(code: str) -> Response:
    return _done("check_in", code)


@bp.get(f"/{CODE}/check-out")
@may("reservations")
def ask_about_leaving(code: str) -> str:
    return _question(
        code,
        _("Has %(name)s left?", name=_name_of(code)),
        _("Nights that are left are free for others at once. It cannot be taken back here."),
        _("Check out"),
    )


@bp.post(f"/{CODE}/check-out")
@may("reservations")
def check_out(code: str) -> Response:
    return _done("check_out", code)


@bp.get(f"/{CODE}/no-show")
@may("reservations")
def ask_about_not_coming(code: str) -> str:
    return _question(
        code,
        _("Did %(name)s not come?", name=_name_of(code)),
        _("The rooms are free for others at once, and the fee is what was agreed. It cannot be taken back here."),
        _("They did not come"),
    )


@bp.post(f"/{CODE}/no-show")
@may("reservations")
def no_show(code: str) -> Response:
    return _done("no_show", code)


@bp.post(f"/{CODE}/move")
@may("reservations")
def move(code: str) -> Response:
    """Another room for the nights that are left, at the price of before."""
    was, now = request.form.get("was", "").strip(), request.form.get("now", "").strip()
    _name_of(code)
    if not now or len(now) > LONGEST_ROOM:
        return _page(400, Trouble(code, _("Say which room."), now))
    return _done("move", code, was, now)


def _question(code: str, title: str, words: str, verb: str) -> str:
    return render_template("question.html", title=title, words=words, verb=verb, back=url_for(".index") + f"#{code}")


def _name_of(code: str) -> str:
    name = db.session.scalar(
        text("select guest_name from reservations where hotel_id = :hotel and code = :code"),
        {"hotel": me().hotel.id, "code": code},
    )
    if name is None:
        raise NotFound
    return str(name)


def _done(verb: str, code: str, *rooms: str) -> Response:
    """In this process only where the rooms are ours: a hotel's own PMS is asked by a worker, who is waited for."""
    somebody, hotel = me(), me().hotel
    name = _name_of(code)
    if hotel.pms == "local":
        told: dict[str, str] | None = desk.outcome(hotel, verb, code, somebody.staff_id, *rooms)
    else:
        given = (hotel.id, verb, code, somebody.staff_id, *rooms)
        done_reading()
        told = queues.ask(queues.API, nudges.AT_THE_DESK, *given, wait_seconds=PMS_SECONDS, first=True)
    if told is None or told.get("reason") in ("away", "unknown_outcome"):
        words = _("The PMS has not answered. What is shown here in a moment is how it stands.")
        return _page(503, Trouble(code, words, rooms[-1] if rooms else ""))
    if told:
        return _page(409, Trouble(code, refusal_words(told["reason"]), rooms[-1] if rooms else ""))
    flash(_done_words(verb, name, *rooms))
    return redirect(url_for(".index") + f"#{code}", 303)


def _done_words(verb: str, name: str, *rooms: str) -> str:
    return {
        "check_in": _("%(name)s is checked in.", name=name),
        "check_out": _("%(name)s is checked out.", name=name),
        "no_show": _("%(name)s did not come: the rooms are free.", name=name),
        "move": _("%(name)s is in room %(room)s now.", name=name, room=rooms[-1] if rooms else ""),
    }[verb]


def refusal_words(reason: str) -> str:
    return {
        "unknown": _("There is no such booking any more."),
        "unknown_room": _("There is no such room, or it is not one of this booking."),
        "pending": _("The booking is not read back from the PMS yet."),
        "booked": _("The guest has not been checked in."),
        "in_house": _("The guest is in the house."),
        "departed": _("The guest has left."),
        "cancelled": _("The booking is cancelled."),
        "no_show": _("The guest did not come."),
        "over": _("The stay is over."),
        "too_early": _("The day of arrival has not come."),
        "out_of_order": _("The room is out of order."),
        "taken": _("The room is not free for all the nights that are left."),
        "not_supported": _("The hotel's PMS does not let us do this: it is done there."),
    }.get(reason) or _("The hotel's PMS refuses this.")


def _where(day: Day, code: str) -> str | None:
    """The first list that the booking is in."""
    lists = {"arrivals": day.arrivals, "departures": day.departures, "in-house": day.in_house}
    return next((name for name, lines in lists.items() if any(line.code == code for line in lines)), None)


def _page(status: int = 200, trouble: Trouble | None = None) -> Response:
    day = day_of(me().hotel, i18n.language())
    page = render_template(
        "today/index.html",
        day=day,
        date_words=format_date(day.today, "full"),
        trouble=trouble,
        trouble_at=_where(day, trouble.code) if trouble else None,
        acts=can("reservations"),
        at=utcnow(),
    )
    return make_response(page, status)
