"""`/reservations/new`: days, people, what is free and what it costs, and the booking, by the rules of the agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from hotel_agent import i18n, queues
from hotel_agent.dashboard.making.wish import Wish, problem_of, wish_of
from hotel_agent.dashboard.refusals import refusal_words
from hotel_agent.db import db, done_reading
from hotel_agent.errors import BadInput
from hotel_agent.guests.models import Guest
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _
from hotel_agent.pms.contract import in_language
from hotel_agent.pms.local.models import RoomType
from hotel_agent.reservations.api import asking
from hotel_agent.reservations.api.keeping import Caller, InProgress, KeyReused, Told
from hotel_agent.reservations.offering import offers_for
from hotel_agent.staff.access import may, me
from hotel_agent.web import form_key, new_form_key
from workers import nudges

PMS_SECONDS = 5
# Where what was wrong with the days or the people is told.
FIELDS = {
    "past_date": "check_in", "closed_to_arrival": "check_in", "no_adults": "adults", "too_many_people": "adults",
    "more_rooms_than_adults": "rooms", "reversed": "check_out", "same_day": "check_out", "too_long": "check_out",
    "too_far": "check_out", "min_stay": "check_out", "closed": "check_in", "closed_to_departure": "check_out",
}  # fmt: skip

bp = Blueprint("making", __name__, url_prefix="/reservations/new")


@dataclass(frozen=True)
class Offer:
    """`choice` is what the form sends back."""

    choice: str
    check_in: datetime
    check_out: datetime
    rooms: str
    kinds: tuple[str, ...]
    total: Decimal
    currency: str
    free_until: datetime | None
    late_fee: Decimal


@bp.get("")
@may("reservations")
def new() -> Response:
    hotel, asked = me().hotel, request.args.to_dict()
    if not asked.get("adults"):
        asked["adults"] = _usual_adults(hotel, asked.get("room_type", ""))
    return _page(wish_of(asked, hotel.today()), _known(asked.get("guest_id", "")), new_form_key())


@bp.post("")
@may("reservations")
def make() -> Response:
    """Looks again at what is free, or books what was chosen of it, once for the key of the form."""
    wish, known = wish_of(request.form, me().hotel.today()), _known(request.form.get("guest_id", ""))
    key = form_key()
    if not wish.given["check_in"]:
        wish.problems["check_in"] = _("Give the day as in 2027-02-01.")
    if request.form.get("step") != "book" or not wish.can_be_looked_at:
        return _page(wish, known, key, status=400 if wish.problems else 200)
    try:
        body = wish.body()
    except BadInput as bad:
        name, words = problem_of(bad)
        wish.problems[name] = words
        return _page(wish, known, key, status=400)
    except ValueError:
        wish.problems["choice"] = _("Choose one of the offers for these days and people.")
        return _page(wish, known, key, status=400)
    return _book(wish, known, key, body)


def _book(wish: Wish, known: Guest | None, key: str, body: dict[str, Any]) -> Response:
    somebody = me()
    caller = Caller.at_the_desk(somebody.staff_id, somebody.email)
    body |= {"guest_id": known.id} if known else {}
    done_reading()
    try:
        told = asking.ask(somebody.hotel, caller, f"new:{key}", "book", "", body, nudges.CARRY_OUT, first=True).told
    except InProgress:
        told = None
    except KeyReused:
        words = _("From this page a booking was begun that may have been made: look at the reservations first.")
        return _page(wish, known, new_form_key(), words, 409)
    if told is None or told.status == 503:
        words = _("There was no answer in time. Ask again: it is not booked twice.")
        return _page(wish, known, key, words, 503, waits=True)
    return _booked(told) if told.status < 300 else _not_booked(wish, known, told)


def _booked(told: Told) -> Response:
    code = str(told.body["code"])
    if told.status == 202:
        flash(_("The PMS has not confirmed it yet: what became of it is shown here."))
    else:
        flash(_("Booked for %(name)s.", name=told.body["guest_name"]))
    return redirect(url_for("bookings.show", code=code), 303)


def _not_booked(wish: Wish, known: Guest | None, told: Told) -> Response:
    """Whatever was answered would be answered again under its key."""
    reason = str(told.body.get("code") or "")
    words = refusal_words(reason, told.body)
    if reason in FIELDS:
        wish.problems[FIELDS[reason]] = words
        words = ""
    return _page(wish, known, new_form_key(), words, told.status)


def _page(
    wish: Wish, known: Guest | None, key: str, trouble: str = "", status: int = 200, *, waits: bool = False
) -> Response:
    """`waits`: what was asked for may be under way, and can only be asked for again."""
    hotel = me().hotel
    offers, others = _offers(hotel, wish) if wish.can_be_looked_at and not waits else ((), ())
    page = render_template(
        "making/new.html",
        wish=wish,
        given=_with_guest(wish.given, known),
        waits=waits,
        problems=wish.problems,
        offers=offers,
        others=others,
        preferred=request.values.get("room_type", ""),
        known=known,
        key=key,
        trouble=trouble,
        today=hotel.today(),
        answers_in=i18n.LANGUAGES,
    )
    return make_response(page, 400 if wish.problems and status == 200 and request.method == "POST" else status)


def _offers(hotel: Hotel, wish: Wish) -> tuple[tuple[Offer, ...], tuple[Offer, ...]]:
    """What is free, and on which other days there is something where nothing is; else a problem is told."""
    given = (wish.given["check_in"], wish.given["check_out"], wish.party, wish.rooms)
    if hotel.pms == "local":
        found: dict[str, Any] | None = offers_for(hotel, *given)
    else:
        done_reading()
        found = queues.ask(queues.API, nudges.OFFERS, hotel.id, *given, wait_seconds=PMS_SECONDS, first=True)
    if found is None or found.get("reason") == "away":
        wish.problems["stay"] = _(
            "There was no answer in time: what is free is not known now. Try it again in a moment."
        )
        return (), ()
    if "reason" in found:
        wish.problems[FIELDS.get(found["reason"], "stay")] = refusal_words(found["reason"], found["detail"])
        return (), ()
    return tuple(map(_offer, found["choices"])), tuple(map(_offer, found["others"]))


def _offer(told: dict[str, Any]) -> Offer:
    kinds = []
    for kind in told["kinds"]:
        name = in_language(kind["names"], i18n.language()) or kind["code"]
        kinds.append(f"{kind['count']} × {name}" if kind["count"] > 1 else name)
    return Offer(
        choice=f"{told['rooms']}|{told['total']}|{told['check_in']}|{told['check_out']}",
        check_in=datetime.fromisoformat(told["check_in"]),
        check_out=datetime.fromisoformat(told["check_out"]),
        rooms=told["rooms"],
        kinds=tuple(kinds),
        total=Decimal(told["total"]),
        currency=told["currency"],
        free_until=datetime.fromisoformat(told["free_until"]) if told["free_until"] else None,
        late_fee=Decimal(told["late_fee"]),
    )


def _usual_adults(hotel: Hotel, room_type: str) -> str:
    """Two, or as many as the kind of room takes that was pointed at."""
    beds = db.session.scalar(select(RoomType.capacity).where(RoomType.hotel_id == hotel.id, RoomType.code == room_type))
    return str(min(2, beds or 2))


def _known(guest_id: str) -> Guest | None:
    """Whom it is for, where their card led here. Raises NotFound for whoever is not a guest of this hotel."""
    if not guest_id:
        return None
    if not guest_id.isascii() or not guest_id.isdigit() or len(guest_id) > 9:
        raise NotFound
    who = (Guest.hotel_id == me().hotel.id, Guest.id == int(guest_id), Guest.erased_at.is_(None))
    found = db.session.scalar(select(Guest).where(*who))
    if found is None:
        raise NotFound
    return found


def _with_guest(given: Any, known: Guest | None) -> dict[str, str]:
    """Somebody we know books in their own name, unless another one was typed."""
    if known is None or request.method != "GET":
        return dict(given)
    return {**given, "name": given["name"] or known.name or ""}
