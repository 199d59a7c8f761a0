"""`/admin/hotel`: what a hotel is like, when its front desk has people, and for admins how it is connected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.numbers import get_currency_name
from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale
from sqlalchemy import select
from werkzeug.wrappers import Response

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.hotels import changing, topics
from hotel_agent.hotels.changing import ChangedMeanwhile, Unfit
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.hotels.opening import WEEKDAYS
from hotel_agent.i18n import LANGUAGES, _
from hotel_agent.staff.access import can, may, me

# What managers change; the rest is for admins.
EVERYDAY = tuple(key for key in changing.READERS if key not in (*changing.SECRETS, "pms", "free_cancellation_hours"))
FEES = ("cancellation_fee", "no_show_fee")
WITH_A_NUMBER = ("nights", "percent", "amount")
LOCAL_POLICIES = (*FEES, "non_refundable", "tax.percent", "tax.added")
CONTINENTS = frozenset("Africa America Antarctica Asia Atlantic Australia Europe Indian Pacific".split())

bp = Blueprint("hotel", __name__, url_prefix="/admin/hotel")


@bp.get("")
@may("hotel")
def index() -> Response:
    return _page()


@bp.post("")
@may("hotel")
def change() -> Response:
    typed = {key: request.form.get(key, "").strip() for key in EVERYDAY}
    if "seen-languages" in request.form:
        typed["languages"] = _languages_of(request.form.getlist("languages"), typed["language"])
    seen = {key: request.form.get(f"seen-{key}", "") for key in typed}
    try:
        changed = changing.change(me().hotel.id, typed, seen)
    except Unfit as unfit:
        return _page(400, typed, seen, unfit.problems)
    except ChangedMeanwhile as meanwhile:
        return _page(409, typed, seen | meanwhile.now, _overtaken(meanwhile.now))
    flash(_("Saved.") if changed else _("Nothing was changed."))
    return redirect(url_for(".index"), 303)


def _languages_of(ticked: list[str], own: str) -> str:
    """The hotel's own language is offered whether it is ticked or not."""
    offered = {code.strip() for some in ticked for code in some.split(",")} | {own}
    return ", ".join(code for code in LANGUAGES if code in offered)


def _overtaken(now: Mapping[str, str]) -> dict[str, str]:
    choices = _choices()
    named = {key: choices.get(key, {}).get(value, value) for key, value in now.items()}
    if "languages" in named:
        named["languages"] = ", ".join(LANGUAGES[code] for code in named["languages"].split(", "))
    return {
        key: _(
            "Somebody else has just changed this to “%(value)s”. Save again to have yours instead.",
            value=value or _("not set"),
        )
        for key, value in named.items()
    }


# The front desk: when somebody is there, and what guests are told in trouble


@bp.get("/desk")
@may("hotel")
def desk() -> Response:
    return _desk_page()


@bp.post("/desk")
@may("hotel")
def change_desk() -> Response:
    """Hours of weekdays and holidays, numbers and advice; a new holiday is a date and its hours."""
    typed = {key: words.strip() for key, words in request.form.items() if _is_of_the_desk(key)}
    seen = {key: request.form.get(f"seen-{key}", "") for key in typed}
    day, hours = request.form.get("new-day", "").strip(), request.form.get("new-hours", "").strip()
    if bool(day) != bool(hours):
        return _desk_page(400, typed, seen, {"new-day": _("Give the day and its hours.")})
    if day:
        typed[f"holiday.{day}"] = hours
        seen.setdefault(f"holiday.{day}", "")
    try:
        changed = changing.change(me().hotel.id, typed, seen)
    except Unfit as unfit:
        return _desk_page(400, typed, seen, _at_the_new_day(unfit.problems, day))
    except ChangedMeanwhile as meanwhile:
        return _desk_page(409, typed, seen | meanwhile.now, _overtaken(meanwhile.now))
    flash(_("Saved.") if changed else _("Nothing was changed."))
    return redirect(url_for(".desk"), 303)


# What a person approves before a guest reads it


@bp.get("/approvals")
@may("hotel")
def approvals() -> Response:
    return _approvals_page()


@bp.post("/approvals")
@may("hotel")
def change_approvals() -> Response:
    keys = [f"approve.{topic}" for topic in topics.APPROVABLE]
    typed = {key: "yes" if request.form.get(key) else "" for key in keys}
    seen = {key: request.form.get(f"seen-{key}", "") for key in keys}
    try:
        changed = changing.change(me().hotel.id, typed, seen)
    except ChangedMeanwhile as meanwhile:
        return _approvals_page(409, typed, seen | meanwhile.now, bool(meanwhile.now))
    flash(_("Saved.") if changed else _("Nothing was changed."))
    return redirect(url_for(".approvals"), 303)


def _approvals_page(
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
    overtaken: bool = False,
) -> Response:
    hotel = db.session.get_one(Hotel, me().hotel.id, populate_existing=True)
    now = changing.written(hotel, [f"approve.{topic}" for topic in topics.APPROVABLE])
    page = render_template(
        "hotel/approvals.html",
        values=typed or now,
        seen=seen or now,
        overtaken=overtaken,
        groups=(
            (_("The stay"), [topic for topic in topics.APPROVABLE if topic in topics.AREAS]),
            (_("Questions about the hotel"), [topic for topic in topics.APPROVABLE if topic not in topics.AREAS]),
        ),
        name=topics.approvable_words,
    )
    return make_response(page, status)


# Policies: what cancelling, not coming and taxes are


@bp.get("/policies")
@may("hotel")
def policies() -> Response:
    return _policies_page()


@bp.post("/policies")
@may("hotel")
def change_policies() -> Response:
    """A fee is a kind and, where that has one, a number; the rest are yes or no, and the percentage of the tax."""
    form, keys = request.form, _policy_keys(db.session.get_one(Hotel, me().hotel.id))
    typed = {key: form.get(key, "").strip() for key in keys}
    typed |= {key: _fee_of(form.get(key, ""), form.get(f"{key}-number", "")) for key in keys if key in FEES}
    seen = {key: form.get(f"seen-{key}", "") for key in typed}
    try:
        changed = changing.change(me().hotel.id, typed, seen)
    except Unfit as unfit:
        return _policies_page(400, typed, seen, unfit.problems)
    except ChangedMeanwhile as meanwhile:
        return _policies_page(409, typed, seen | meanwhile.now, _overtaken(meanwhile.now))
    flash(_("Saved.") if changed else _("Nothing was changed."))
    return redirect(url_for(".policies"), 303)


def _fee_of(kind: str, number: str) -> str:
    return f"{kind}:{number.strip()}" if kind in WITH_A_NUMBER else kind


def _policy_keys(hotel: Hotel) -> list[str]:
    """What a PMS of the hotel's own says of fees and taxes is set there."""
    return ["free_cancellation_hours", *(LOCAL_POLICIES if hotel.pms == "local" else ())]


def _policies_page(
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Response:
    hotel = db.session.get_one(Hotel, me().hotel.id, populate_existing=True)
    keys = _policy_keys(hotel)
    now = changing.written(hotel, keys) | {"free_cancellation_hours": str(hotel.free_cancellation_hours)}
    page = render_template(
        "hotel/policies.html",
        values=now | dict(typed or {}),
        seen=now | dict(seen or {}),
        problems=problems or {},
        is_ours=hotel.pms == "local",
        fees=_fees(),
        currency=hotel.currency,
    )
    return make_response(page, status)


def _fees() -> dict[str, str]:
    return {
        "first_night": _("The first night"),
        "nights": _("So many nights"),
        "percent": _("So many percent of the stay"),
        "total": _("The whole stay"),
        "amount": _("A fixed amount"),
    }


def _is_of_the_desk(key: str) -> bool:
    return key in _desk_keys() or bool(re.fullmatch(r"holiday\.\d{4}-\d\d-\d\d", key))


def _at_the_new_day(problems: Mapping[str, str], day: str) -> dict[str, str]:
    """What is wrong with the day that is to be added is told where it was typed."""
    return {"new-day" if day and key == f"holiday.{day}" else key: words for key, words in problems.items()}


def _desk_keys() -> list[str]:
    """Every setting of the page but for the holidays."""
    advice = [f"emergency_advice.{language}" for language in LANGUAGES]
    advice += [f"guidance.{matter}.{language}" for matter in changing.MATTERS for language in LANGUAGES]
    return [
        *(f"front_desk.{weekday}" for weekday in WEEKDAYS),
        "emergency_number",
        "emergency_words",
        "night_phone",
        "privacy_url",
        *advice,
    ]


def _desk_page(
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Response:
    hotel = db.session.get_one(Hotel, me().hotel.id, populate_existing=True)
    holidays = changing.holidays(hotel, hotel.today())
    now = changing.written(hotel, [*_desk_keys(), *holidays])
    mine = {key: words for key, words in (typed or {}).items() if words != (seen or {}).get(key)}
    page = render_template(
        "hotel/desk.html",
        values=now | mine,
        seen=now | {key: seen[key] for key in mine if seen and key in seen},
        problems=problems or {},
        weekdays=_weekdays(),
        holidays=[(key, date.fromisoformat(key.removeprefix("holiday."))) for key in holidays],
        every_day=(hotel.front_desk_opens, hotel.front_desk_closes),
        matters=_matters(),
        typed=request.form,
    )
    return make_response(page, status)


def _weekdays() -> dict[str, str]:
    """By the key of their setting, in the reader's language."""
    names = get_locale().days["stand-alone"]["wide"]
    return {f"front_desk.{weekday}": names[number].capitalize() for number, weekday in enumerate(WEEKDAYS)}


def _matters() -> dict[str, str]:
    return {
        "safety": _("Danger or a crime"),
        "medical": _("Illness or an accident"),
        "minors": _("A child alone or in danger"),
        "legal": _("The law or a lawyer"),
        "payment": _("A payment that somebody contests"),
    }


@bp.post("/whatsapp")
@may("tokens")
def change_credentials() -> Response:
    """What is left empty stays as it is: nobody is shown it, nobody needs to type it again."""
    given = {key: request.form.get(key, "").strip() for key in changing.SECRETS}
    try:
        changed = changing.change(me().hotel.id, {key: words for key, words in given.items() if words})
    except Unfit as unfit:
        return _page(400, problems=unfit.problems)
    flash(_("Saved.") if changed else _("Nothing was changed."))
    return redirect(url_for(".index") + "#whatsapp", 303)


# Making the page


def _page(
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Response:
    """As it is now, with what was typed where that is something else than what had been shown."""
    hotel = db.session.get_one(Hotel, me().hotel.id, populate_existing=True)
    now = changing.shown(hotel) | changing.written(hotel, ["languages"])
    mine = {key: words for key, words in (typed or {}).items() if seen is None or words != seen.get(key)}
    page = render_template(
        "hotel/index.html",
        values=now | mine,
        seen=now | {key: seen[key] for key in mine if seen},
        problems=problems or {},
        choices=_choices(),
        zones=_zones(now["timezone"]),
        whatsapp=_whatsapp(hotel) if can("tokens") else None,
    )
    return make_response(page, status)


def _choices() -> dict[str, dict[str, str]]:
    """The names of what a code stands for, in the reader's language and order."""
    locale = get_locale()
    countries = {code: locale.territories.get(code, code) for code in changing.countries()}
    currencies = {code: f"{code} · {get_currency_name(code, locale=locale)}" for code in changing.currencies()}
    return {"language": LANGUAGES, "country": _sorted(countries), "currency": _sorted(currencies)}


def _sorted(names: dict[str, str]) -> dict[str, str]:
    return dict(sorted(names.items(), key=lambda pair: pair[1].casefold()))


def _zones(chosen: str) -> dict[str, dict[str, str]]:
    """The cities of each continent; the zone that is chosen is there whatever it is called."""
    zones: dict[str, dict[str, str]] = {}
    for zone in sorted({*changing.zones(), chosen}):
        continent, _slash, city = zone.partition("/")
        if continent in CONTINENTS or zone == chosen:
            zones.setdefault(continent, {})[zone] = (city or zone).replace("_", " ").replace("/", ", ")
    return zones


def _whatsapp(hotel: Hotel) -> dict[str, Any]:
    numbers = select(HotelIdentifier).where(HotelIdentifier.hotel_id == hotel.id, HotelIdentifier.channel == "whatsapp")
    return {
        "numbers": db.session.scalars(numbers.order_by(HotelIdentifier.id)).all(),
        "set": {key: getattr(hotel, key) is not None for key in changing.SECRETS},
        "installation": {key: getattr(settings(), key) is not None for key in changing.SECRETS},
    }
