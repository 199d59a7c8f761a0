"""`/admin/hotel/seasons`: other prices, minimum stays and closed days of a hotel that keeps its rooms here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response

from hotel_agent import i18n
from hotel_agent.audit.recording import record
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _
from hotel_agent.pms import adapters
from hotel_agent.pms.contract import in_language
from hotel_agent.pms.local import closing, rooms, seasons
from hotel_agent.pms.local.closing import Closure
from hotel_agent.pms.local.seasons import WEEK, Season
from hotel_agent.staff.access import may, me

Problems = dict[str, str]
PRICE = re.compile(r"[0-9]{1,7}(?:[.,][0-9]{1,2})?")

bp = Blueprint("seasons", __name__, url_prefix="/admin/hotel/seasons")


@bp.get("")
@may("hotel")
def index() -> str:
    hotel = me().hotel
    if hotel.pms != "local":
        return render_template("hotel/seasons.html", system=adapters.title(hotel.pms))
    today = hotel.today()
    # The one that wins over the others stands above them.
    made = seasons.of_hotel(hotel)[::-1]
    return render_template(
        "hotel/seasons.html",
        system=None,
        seasons=[one for one in made if one.last >= today],
        past=[one for one in made if one.last < today],
        closures=closing.of_hotel(hotel, today),
        kinds=_kinds(hotel),
        weekdays=_weekdays("abbreviated"),
        every_day=WEEK,
        reasons=_closed_for(),
    )


# Seasons


@bp.get("/new")
@may("hotel")
def new() -> Response:
    return _season_page(_own(), None)


@bp.post("/new")
@may("hotel")
def add() -> Response:
    hotel, problems = _own(), dict[str, str]()
    wanted = _season_of(request.form.get("name", "").strip(), problems)
    if not problems:
        try:
            seasons.add(hotel, wanted)
        except BadInput as wrong:
            problems = _told(hotel, wrong)
    if problems:
        return _season_page(hotel, None, problems=problems)
    return _kept(hotel, wanted)


@bp.get("/<row:season_id>")
@may("hotel")
def show(season_id: int) -> Response:
    hotel = _own()
    return _season_page(hotel, _season(hotel, season_id))


@bp.post("/<row:season_id>")
@may("hotel")
def change(season_id: int) -> Response:
    """Whole, but for its name; not where somebody else has changed it since it was shown."""
    hotel, problems = _own(), dict[str, str]()
    now = _season(hotel, season_id)
    wanted = _season_of(now.name, problems)
    if not problems:
        try:
            if request.form.get("seen") != _mark(now):
                raise seasons.Overtaken
            seasons.change(hotel, wanted, now)
        except BadInput as wrong:
            problems = _told(hotel, wrong)
        except seasons.Overtaken:
            db.session.rollback()
            return _season_page(hotel, _season(hotel, season_id), 409, overtaken=True)
        except NotFound:
            abort(404)
    if problems:
        return _season_page(hotel, now, problems=problems, seen=request.form.get("seen"))
    return _kept(hotel, wanted)


@bp.get("/<row:season_id>/remove")
@may("hotel")
def sure_to_remove(season_id: int) -> str:
    season = _season(_own(), season_id)
    return render_template(
        "question.html",
        title=_("Take the season “%(name)s” away?", name=season.name),
        words=_("Its nights cost again what they did without it. What is booked keeps its price."),
        verb=_("Take it away"),
        back=url_for(".index"),
    )


@bp.post("/<row:season_id>/remove")
@may("hotel")
def remove(season_id: int) -> Response:
    hotel = _own()
    season = _season(hotel, season_id)
    try:
        seasons.remove(hotel, season.name)
    except NotFound:
        abort(404)
    _note("season_removed", season.name)
    flash(_("The season “%(name)s” is gone.", name=season.name))
    return redirect(url_for(".index"), 303)


def _kept(hotel: Hotel, season: Season) -> Response:
    """Written down; with other seasons over the same nights it is told which one counts."""
    prices = {kind: str(price) for kind, price in (season.prices or {}).items()}
    _note("season_set", season.name, first=season.first, last=season.last, prices=prices, min_stay=season.min_stay)
    flash(_("Saved."))
    for other, wins in seasons.met(hotel, season):
        first, second = (other, season.name) if wins else (season.name, other)
        flash(_("On the nights that they share, “%(first)s” counts before “%(second)s”.", first=first, second=second))
    return redirect(url_for(".index"), 303)


def _season_of(name: str, problems: Problems) -> Season:
    """What was typed; what cannot be read is told in `problems`."""
    form = request.form
    prices = {}
    for field in form:
        if field.startswith("price.") and form[field].strip():
            try:
                prices[field.removeprefix("price.")] = _price(form[field])
            except BadInput:
                problems[field] = _("Give a price above 0 with at most two decimals, such as 120.50.")
    nights = form.get("min_stay", "").strip()
    if nights and not (nights.isascii() and nights.isdigit() and len(nights) < 4):
        problems["min_stay"] = _not_so_many(me().hotel)
    weekdays = tuple(day for day in WEEK if str(day) in form.getlist("weekdays"))
    min_stay = int(nights) if nights and "min_stay" not in problems else None
    return Season(name, _day("first", problems), _day("last", problems), weekdays, prices, min_stay)


def _price(words: str) -> Decimal:
    """With a point or, as most hotels here write it, a comma. Thousands are not set apart: 1.200 could be either."""
    if not PRICE.fullmatch(words.strip()):
        raise BadInput("price", "not a price")
    price = Decimal(words.strip().replace(",", "."))
    seasons.check_price(price)
    return price


def _day(field: str, problems: Problems) -> date:
    try:
        return date.fromisoformat(request.form.get(field, ""))
    except ValueError:
        problems[field] = _("Give a day.")
        return date.min


def _told(hotel: Hotel, wrong: BadInput) -> Problems:
    """What a verb refuses, in the reader's words, beside the field that it is about."""
    db.session.rollback()
    words = {
        "name": _("Give a name that no other season has, of at most %(most)s characters.", most=seasons.LONGEST_NAME),
        "last": _("The last day is the first one or after it, at most %(most)s days later.", most=seasons.LONGEST),
        "weekdays": _("Choose at least one day of the week."),
        "prices": _("Give a price for a kind of room, or a minimum stay."),
        "min_stay": _not_so_many(hotel),
        "room_type": _("Choose one of the kinds of room."),
        "kind": _("Choose what the days are closed for."),
        "reason": _("Give at most %(most)s characters.", most=closing.LONGEST_REASON),
    }
    return {wrong.field: words[wrong.field]}


def _not_so_many(hotel: Hotel) -> str:
    return _("Give a whole number from %(least)s to %(most)s.", least=1, most=hotel.longest_stay_nights)


def _season(hotel: Hotel, season_id: int) -> Season:
    found = next((one for one in seasons.of_hotel(hotel) if one.id == season_id), None)
    return found or abort(404)


def _mark(season: Season) -> str:
    """How it stands, to see whether somebody else has changed it."""
    prices = sorted((season.prices or {}).items())
    return f"{season.first} {season.last} {season.weekdays} {prices} {season.min_stay}"


def _season_page(
    hotel: Hotel,
    season: Season | None,
    status: int = 200,
    *,
    problems: Mapping[str, str] | None = None,
    seen: str | None = None,
    overtaken: bool = False,
) -> Response:
    typed = request.form if request.method == "POST" else None
    page = render_template(
        "hotel/season.html",
        season=season,
        typed=typed,
        ticked=[int(day) for day in typed.getlist("weekdays") if day.isdigit()] if typed else None,
        seen=seen or (_mark(season) if season else ""),
        problems=problems or {},
        overtaken=overtaken,
        kinds=_kinds(hotel),
        weekdays=_weekdays("wide"),
        currency=hotel.currency,
        longest=hotel.longest_stay_nights,
        today=hotel.today(),
    )
    return make_response(page, 400 if problems else status)


# Closed days


@bp.get("/closed/new")
@may("hotel")
def new_closure() -> Response:
    return _closure_page(_own(), None)


@bp.post("/closed/new")
@may("hotel")
def close() -> Response:
    hotel, problems, number = _own(), dict[str, str](), 0
    wanted = _closure_of(number, problems)
    if not problems:
        try:
            number = closing.close(hotel, wanted.kind, wanted.first, wanted.last, wanted.room_type, wanted.reason)
        except BadInput as wrong:
            problems = _told(hotel, wrong)
    if problems:
        return _closure_page(hotel, None, problems=problems)
    return _closed(number, wanted)


@bp.get("/closed/<row:closure_id>")
@may("hotel")
def show_closure(closure_id: int) -> Response:
    hotel = _own()
    return _closure_page(hotel, _closure(hotel, closure_id))


@bp.post("/closed/<row:closure_id>")
@may("hotel")
def change_closure(closure_id: int) -> Response:
    hotel, problems = _own(), dict[str, str]()
    now = _closure(hotel, closure_id)
    wanted = _closure_of(closure_id, problems)
    if not problems:
        try:
            if request.form.get("seen") != str(now):
                raise closing.Overtaken
            closing.change(hotel, closure_id, wanted, now)
        except BadInput as wrong:
            problems = _told(hotel, wrong)
        except closing.Overtaken:
            return _closure_page(hotel, _closure(hotel, closure_id), 409, overtaken=True)
        except NotFound:
            abort(404)
    if problems:
        return _closure_page(hotel, now, problems=problems, seen=request.form.get("seen"))
    return _closed(closure_id, wanted)


@bp.get("/closed/<row:closure_id>/remove")
@may("hotel")
def sure_to_open(closure_id: int) -> str:
    closure = _closure(_own(), closure_id)
    return render_template(
        "question.html",
        title=_("Open these days again?"),
        words=_(
            "%(days)s: %(what)s. From now on guests are offered these days again.",
            days=i18n.date_range(closure.first, closure.last),
            what=_closed_for()[closure.kind],
        ),
        verb=_("Open them"),
        back=url_for(".index") + "#closed",
    )


@bp.post("/closed/<row:closure_id>/remove")
@may("hotel")
def open_again(closure_id: int) -> Response:
    try:
        closing.open_again(_own(), closure_id)
    except NotFound:
        abort(404)
    _note("days_opened", str(closure_id))
    flash(_("These days are open again."))
    return redirect(url_for(".index") + "#closed", 303)


def _closed(number: int, closure: Closure) -> Response:
    about = {"kind": closure.kind, "room_type": closure.room_type, "reason": closure.reason}
    _note("days_closed", str(number), first=closure.first, last=closure.last, **about)
    flash(_("Saved."))
    return redirect(url_for(".index") + "#closed", 303)


def _closure_of(number: int, problems: Problems) -> Closure:
    form = request.form
    first, last = _day("first", problems), _day("last", problems)
    reason = " ".join(form.get("reason", "").split())
    return Closure(number, form.get("kind", ""), first, last, form.get("room_type") or None, reason)


def _closure(hotel: Hotel, closure_id: int) -> Closure:
    try:
        return closing.find(hotel, closure_id)
    except NotFound:
        abort(404)


def _closure_page(
    hotel: Hotel,
    closure: Closure | None,
    status: int = 200,
    *,
    problems: Mapping[str, str] | None = None,
    seen: str | None = None,
    overtaken: bool = False,
) -> Response:
    page = render_template(
        "hotel/closure.html",
        closure=closure,
        typed=request.form if request.method == "POST" else None,
        seen=seen or (str(closure) if closure else ""),
        problems=problems or {},
        overtaken=overtaken,
        kinds=_kinds(hotel),
        reasons=_closed_for(),
        longest=closing.LONGEST_REASON,
    )
    return make_response(page, 400 if problems else status)


# What both are told with


def _own() -> Hotel:
    """The hotel, where its rooms are kept here."""
    hotel = me().hotel
    if hotel.pms != "local":
        abort(404)
    return hotel


def _kinds(hotel: Hotel) -> dict[str, Any]:
    """The kinds of room by code: what they are called, and what a night costs without a season."""
    language = i18n.language()
    return {
        one.code: {"name": in_language(one.names, language) or one.code, "price": one.price}
        for one in rooms.types(hotel)
    }


def _weekdays(width: str) -> dict[int, str]:
    names = get_locale().days["stand-alone"][width]
    return {day: names[day - 1].capitalize() for day in WEEK}


def _closed_for() -> dict[str, str]:
    return {
        "sale": _("Nothing is sold"),
        "arrival": _("Nobody can arrive"),
        "departure": _("Nobody can leave"),
    }


def _note(action: str, subject: str, **details: Any) -> None:
    record(action, subject, **details)
    db.session.commit()
