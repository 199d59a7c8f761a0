"""`/admin/flags`: what the agent may do at a hotel, switched by its admins.

Only the hotel's own setting is made here. The general one acts at every hotel of the installation and is the
operator's: `flask flag set`.
"""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from hotel_agent.audit.wording import in_words
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.flags import switches
from hotel_agent.flags.cache import Switch
from hotel_agent.flags.showing import Shown, all_flags, history
from hotel_agent.flags.switches import FLAGS
from hotel_agent.i18n import _, query
from hotel_agent.staff.access import may, me

# Guests are left without an answer by this one, so it is not done by a slip of the finger.
KILL_SWITCH = "agent"
MOST_CHANGES = 50

bp = Blueprint("flags", __name__, url_prefix="/admin/flags")
bp.add_app_template_filter(in_words, "value_words")


@bp.get("")
@may("flags")
def index() -> Response:
    return _page()


@bp.get("/<key>")
@may("flags")
def show(key: str) -> Response:
    """One flag, and what was changed of it."""
    flag = _flag(key)
    changes = history(key, me().hotel.id, MOST_CHANGES)
    return make_response(render_template("flags/show.html", flag=flag, history=changes, most=MOST_CHANGES))


@bp.get("/<key>/sure")
@may("flags")
def sure(key: str) -> Response:
    """What the change would mean for guests, and the button that makes it."""
    flag = _flag(key)
    try:
        wanted = _wanted()
    except BadInput as bad:
        return _page(400, key, bad)
    after = _after(flag, wanted)
    return make_response(render_template("flags/sure.html", flag=flag, after=after, asked=_asked_for()))


@bp.post("/<key>")
@may("flags")
def change(key: str) -> Response:
    """Set the flag for this hotel, or take its own setting back."""
    flag = _flag(key)
    try:
        wanted = _wanted()
    except BadInput as bad:
        return _page(400, key, bad)
    if _leaves_guests_alone(flag, wanted) and "confirm" not in request.form:
        return redirect(f"{url_for('.sure', key=key)}?{query(_asked_for())}", 303)
    hotel_id = me().hotel.id
    if wanted is None:
        told = switches.clear(key, hotel_id)
    else:
        told = switches.switch(key, wanted.enabled, hotel_id, wanted.percentage)
    flash(_("%(name)s: %(state)s.", name=flag.name, state=switch_words(_after(flag, wanted))))
    if not told:
        flash(_("The program's parts could not be told at once (Valkey does not answer). It may take a minute."))
    return redirect(url_for(".index") + f"#{key}", 303)


def _page(status: int = 200, key: str | None = None, bad: BadInput | None = None) -> Response:
    """`bad` is told at the flag that it is about."""
    flags = all_flags(me().hotel.id)
    page = render_template("flags/index.html", flags=flags, asks=_asks_first, bad_key=key, bad=bad)
    return make_response(page, status)


def _flag(key: str) -> Shown:
    for flag in all_flags(me().hotel.id) if key in FLAGS else ():
        if flag.key == key:
            return flag
    raise NotFound(key)


def _asked_for() -> dict[str, str]:
    """What is to be set, as an address or a form says it."""
    return {name: request.values[name] for name in ("state", "percentage") if name in request.values}


def _wanted() -> Switch | None:
    """None for what holds at all hotels. Raises BadInput."""
    state = request.values.get("state")
    if state == "general":
        return None
    if state in ("on", "off"):
        return Switch(state == "on")
    if state != "share":
        raise BadInput("state", _("Choose whether it is on, off, or on for a share."))
    percentage = request.values.get("percentage", type=int)
    if percentage is None or not 1 <= percentage <= 99:
        raise BadInput("percentage", _("A share is a whole number from 1 to 99."))
    return Switch(True, percentage)


def _after(flag: Shown, wanted: Switch | None) -> Switch:
    """What would count then."""
    return wanted or flag.general or Switch(flag.default)


def _asks_first(flag: Shown, state: str) -> bool:
    """Whether a button leads to the question rather than to the deed; a share may turn out to be a smaller one."""
    if state == "share":
        return flag.key == KILL_SWITCH
    return _leaves_guests_alone(flag, {"on": Switch(True), "off": Switch(False)}.get(state))


def _leaves_guests_alone(flag: Shown, wanted: Switch | None) -> bool:
    """Whether fewer guests than now would get answers from the agent."""
    return flag.key == KILL_SWITCH and _share(_after(flag, wanted)) < _share(flag.effective)


def _share(switch: Switch) -> int:
    return (switch.percentage or 100) if switch.enabled else 0


@bp.app_template_filter("switch_words")
def switch_words(switch: Switch) -> str:
    """on, off, on for 25 %"""
    if switch.percentage:
        return _("on for %(share)s%%", share=switch.percentage)
    return in_words("on" if switch.enabled else "off")


@bp.app_template_filter("general_words")
def general_words(flag: Shown) -> str:
    """What holds where the hotel has set nothing of its own."""
    return switch_words(_after(flag, None))
