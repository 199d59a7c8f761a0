"""`/reservations`: found, listed, taken along as CSV; and one of them with its story."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from flask import Blueprint, make_response, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from hotel_agent import i18n, web
from hotel_agent.dashboard.bookings.story import Step, marks_of, story_of
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import N_, _
from hotel_agent.pms.contract import NEVER_FREE, in_language
from hotel_agent.reservations.api import listing
from hotel_agent.reservations.api.listing import Kept, Wanted
from hotel_agent.staff.access import may, me

PAGE, MOST_ROWS = 40, 10_000
LONGEST_QUERY = 100
CODE_LETTERS = 6
LIVE = ("pending", "booked", "in_house")
CHOICES: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "": (N_("To come and in house"), LIVE),
    "all": (N_("All"), ()),
    "in_house": (N_("In house"), ("in_house",)),
    "departed": (N_("Left"), ("departed",)),
    "cancelled": (N_("Cancelled ones"), ("cancelled",)),
    "no_show": (N_("Did not come"), ("no_show",)),
    "pending": (N_("Not confirmed yet"), ("pending",)),
}
COLUMNS = (
    "code", "status", "guest", "check_in", "check_out", "nights", "adults", "children", "rooms", "room_types", "total",
    "currency", "created_at",
)  # fmt: skip

bp = Blueprint("bookings", __name__, url_prefix="/reservations")


@bp.get("")
@may("desk")
def index() -> Response:
    hotel, problem, cursor = me().hotel, "", request.args.get("cursor") or None
    try:
        found = listing.page(hotel, _wanted(), cursor, PAGE)
    except ValueError:
        problem = _("Give the days as in 2027-02-01.")
        found = listing.Page((), None)
    page = render_template(
        "bookings/index.html",
        found=found,
        marks_by_code=marks_of(hotel, [kept.booking.code for kept in found.found]),
        problem=problem,
        query_words=_query(),
        only=_only(),
        choices={key: _(label) for key, (label, _statuses) in CHOICES.items()},
        kept={name: request.args.get(name) for name in ("q", "only", "first", "last")},
        is_first=cursor is None,
    )
    return make_response(page, 400 if problem else 200)


@bp.get("/reservations.csv")
@may("desk")
def as_csv() -> Response:
    """The whole list that is shown, machine-readable: ISO dates, decimal money."""
    hotel = me().hotel
    try:
        rows = [COLUMNS, *_rows(hotel, _wanted())]
    except ValueError:
        return make_response(_("Give the days as in 2027-02-01."), 400)
    return web.csv_of(rows, f"{hotel.slug}-reservations-{hotel.today()}.csv")


@bp.get("/<string(minlength=3, maxlength=20):code>")
@may("desk")
def show(code: str) -> str:
    story = story_of(me().hotel, code)
    if story is None:
        raise NotFound
    booking = story.kept.booking
    return render_template(
        "bookings/show.html",
        story=story,
        booking=booking,
        rooms=[(room, _kind(room)) for room in story.kept.rooms],
        is_over=me().hotel.today() >= booking.stay.check_out,
        never_free=booking.free_until == NEVER_FREE.astimezone(booking.free_until.tzinfo),
    )


def _query() -> str:
    return request.args.get("q", "").strip()[:LONGEST_QUERY]


def _only() -> str:
    only = request.args.get("only", "")
    return only if only in CHOICES else ""


def _wanted() -> Wanted:
    """As the address says. Raises ValueError."""
    query, days = _query(), [request.args.get(name) for name in ("first", "last")]
    first, last = (date.fromisoformat(day) if day else None for day in days)
    code = _code_in(query)
    return Wanted(
        statuses=CHOICES[_only()][1],
        arrival_from=first,
        arrival_to=last,
        guest=None if code else query or None,
        code=code,
    )


def _code_in(query: str) -> str | None:
    """A booking's code, also without the hotel's letters before it: it has a figure or a dash, as no name has."""
    letters = re.sub(r"[\s\-–]", "", query).upper()
    if not re.search(r"[\d\-–]", query) or not re.fullmatch(r"[0-9A-Z]{6,9}", letters):
        return None
    return f"{me().hotel.slug[:3].upper()}-{letters[-6:]}" if len(letters) == CODE_LETTERS else query


def _rows(hotel: Hotel, wanted: Wanted) -> Iterator[tuple[object, ...]]:
    cursor, count = None, 0
    while count < MOST_ROWS:
        found = listing.page(hotel, wanted, cursor, 500)
        yield from (_row(kept) for kept in found.found)
        cursor, count = found.next_cursor, count + len(found.found)
        if cursor is None:
            return


def _row(kept: Kept) -> tuple[object, ...]:
    booking = kept.booking
    return (
        booking.code,
        booking.status,
        booking.guest_name,
        booking.stay.check_in,
        booking.stay.check_out,
        booking.stay.nights,
        booking.adults,
        booking.children,
        " ".join(room.number for room in kept.rooms if room.number),
        " ".join(dict.fromkeys(room.kind for room in kept.rooms)),
        booking.total,
        booking.currency,
        kept.created_at.isoformat(timespec="seconds"),
    )


def _kind(room: listing.Room) -> str:
    return in_language(room.names, i18n.language()) or room.kind


@bp.app_template_filter()
def kinds_of(kept: Kept) -> str:
    """Each kind of room once."""
    return ", ".join(dict.fromkeys(_kind(room) for room in kept.rooms))


@bp.app_template_filter()
def step_words(step: Step) -> str:
    """What happened, as the history of a reservation tells it."""
    did = _did(step)
    told = f"{did} · {_whose(step.who)}" if step.who else did
    return f"{told}: {step.why}" if step.why and step.what == "released" else told


def _did(step: Step) -> str:
    details = step.details
    if step.what in ("changed", "there"):
        changes = ", ".join(_changes(details["before"], details["after"]))
        words = _("Changed") if step.what == "changed" else _("Changed in the PMS")
        return f"{words}: {changes}" if changes else words
    if step.what == "write":
        operation = {
            "create": _("to book"), "cancel": _("to cancel"), "change": _("to change it"),
            "rename": _("to change the name"), "check_in": _("to check in"), "check_out": _("to check out"),
            "move": _("to give another room"),
        }.get(details["operation"], details["operation"])  # fmt: skip
        state = {
            "asked": _("under way"), "done": _("done"), "refused": _("refused"), "unknown": _("outcome not known"),
            "to_staff": _("for people to settle"),
        }.get(details["state"], details["state"])  # fmt: skip
        return _("The PMS was asked %(operation)s: %(state)s", operation=operation, state=state)
    if step.what == "desk":
        return _desk_words(details)
    return {
        "held": _("Room held"), "extended": _("Held for longer"), "released": _("Let go"), "expired": _("Time over"),
        "booked": _("Booked"), "freed": _("Room free again"), "moved": _("Another room or other nights"),
        "refused": _("Refused"), "asked": _("Room asked for"),
    }.get(step.what, step.what.replace("_", " ").capitalize())  # fmt: skip


def _desk_words(details: Mapping[str, Any]) -> str:
    room = details.get("room") or {}
    if details["action"] == "room_moved" and room:
        return _("From room %(was)s to %(now)s", was=room.get("was"), now=room.get("now"))
    return {
        "reservation_booked": _("Booked"), "reservation_changed": _("Changed"), "reservation_cancelled": _("Cancelled"),
        "checked_in": _("Checked in"), "checked_out": _("Checked out"), "no_show": _("Did not come"),
    }.get(details["action"], str(details["action"]).replace("_", " ").capitalize())  # fmt: skip


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    names = {
        "status": _("status"), "check_in": _("arrival"), "check_out": _("departure"), "adults": _("adults"),
        "children": _("children"), "total": _("total"), "room_types": _("rooms"), "guest_name": _("name"),
    }  # fmt: skip
    for name, label in names.items():
        if name in after and before.get(name) != after[name]:
            yield f"{label} {_plain(before.get(name))} → {_plain(after[name])}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "–")


def _whose(who: str) -> str:
    return {"guest": _("the guest"), "agent": _("the agent"), "system": _("by itself")}.get(who, who)
