"""`/reservations/<code>/change` and `/cancel`: what it would come to, and doing it, by the rules of the agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from hotel_agent import i18n, queues
from hotel_agent.dashboard.altering.wish import Wish, wish_of
from hotel_agent.dashboard.refusals import refusal_words
from hotel_agent.db import done_reading
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _
from hotel_agent.pms.contract import NEVER_FREE, Booking, in_language
from hotel_agent.reservations.api import asking, listing
from hotel_agent.reservations.api.keeping import Caller, InProgress, KeyReused, Told
from hotel_agent.reservations.api.listing import Kept
from hotel_agent.reservations.booking import cancellation_terms
from hotel_agent.reservations.changing import seen_as
from hotel_agent.reservations.offering import change_for, kinds_for
from hotel_agent.staff.access import may, me
from hotel_agent.web import form_key, new_form_key
from workers import nudges

PMS_SECONDS = 5
CODE = "<string(minlength=3, maxlength=20):code>"
FIELDS = {
    "past_date": "check_in", "closed_to_arrival": "check_in", "closed": "check_in", "reversed": "check_out",
    "same_day": "check_out", "too_long": "check_out", "too_far": "check_out", "min_stay": "check_out",
    "closed_to_departure": "check_out", "no_adults": "adults", "too_many_people": "adults",
}  # fmt: skip

bp = Blueprint("altering", __name__, url_prefix="/reservations")


@dataclass(frozen=True)
class Proposed:
    """What the booking would be."""

    check_in: date
    check_out: date
    kinds: tuple[str, ...]
    codes: tuple[str, ...]
    adults: int
    children: int
    guest_name: str
    total: Decimal
    currency: str
    same_rooms: bool


@dataclass(frozen=True)
class Preview:
    """`now` is None where it cannot be done; `others` could. `was` is the total of the booking."""

    now: Proposed | None = None
    was: Decimal | None = None
    lost: tuple[str, ...] = ()
    others: tuple[Proposed, ...] = ()


@bp.get(f"/{CODE}/change")
@may("reservations")
def change(code: str) -> Response:
    kept = _live(code)
    return _change_page(kept, wish_of(kept.booking, _kinds_of(kept), {}, ()), new_form_key())


@bp.post(f"/{CODE}/change")
@may("reservations")
def make_change(code: str) -> Response:
    """Tells what the change would come to, or makes it at the price that was told, once for the key of the form."""
    kept = _live(code)
    code = kept.booking.code
    wish = wish_of(kept.booking, _kinds_of(kept), request.form, request.form.getlist("kind"))
    key = form_key()
    if wish.problems:
        return _change_page(kept, wish, key, status=400)
    does_it, total = request.form.get("step") == "change", _amount("total")
    if not wish.body:
        if does_it:  # It was sent before.
            return redirect(url_for("bookings.show", code=code), 303)
        return _change_page(kept, wish, key, trouble=_("Nothing is otherwise than it is booked."), status=400)
    if request.form.get("seen", seen_as(kept.booking, _kinds_of(kept))) != seen_as(kept.booking, _kinds_of(kept)):
        return _change_page(kept, wish, new_form_key(), trouble=refusal_words("changed_meanwhile", {}), status=409)
    if not does_it or total is None:
        return _change_page(kept, wish, key, preview=_preview(kept, wish))
    seen = request.form.get("seen") or seen_as(kept.booking, _kinds_of(kept))
    told = _told("change", code, f"change:{key}", {**wish.body, "expected_total": str(total), "seen": seen})
    if isinstance(told, str):
        return _change_page(kept, wish, key, trouble=told, status=503, waits=True)
    if told.status < 300:
        return _done(told, _("The booking is changed."))
    words = refusal_words(str(told.body.get("code") or ""), told.body)
    return _change_page(kept, wish, new_form_key(), _preview(kept, wish), words, told.status)


@bp.get(f"/{CODE}/cancel")
@may("reservations")
def ask_about_cancelling(code: str) -> Response:
    return _cancel_page(_live(code), new_form_key())


@bp.post(f"/{CODE}/cancel")
@may("reservations")
def cancel(code: str) -> Response:
    """At the fee that was shown, or not at all."""
    kept = _live(code)
    code = kept.booking.code
    fee, key = _amount("fee"), form_key()
    if fee is None:
        return _cancel_page(kept, key, status=400)
    told = _told("cancel", code, f"cancel:{key}", {"expected_fee": str(fee)})
    if isinstance(told, str):
        return _cancel_page(kept, key, told, 503)
    if told.status < 300:
        return _done(told, _("The booking is cancelled."))
    words = refusal_words(str(told.body.get("code") or ""), told.body)
    return _cancel_page(kept, new_form_key(), words, told.status, _decimal(told.body.get("fee")))


def _live(code: str) -> Kept:
    """Raises NotFound. Whether anything can still be done with it is told where it is asked for."""
    kept = listing.find(me().hotel, code)
    if kept is None:
        raise NotFound
    return kept


def _told(operation: str, code: str, key: str, body: dict[str, Any]) -> Told | str:
    """What became of it, or why nobody knows yet."""
    somebody = me()
    caller = Caller.at_the_desk(somebody.staff_id, somebody.email)
    done_reading()
    try:
        told = asking.ask(somebody.hotel, caller, key, operation, code, body, nudges.CARRY_OUT, first=True).told
    except InProgress:
        told = None
    except KeyReused:
        return _("From this page something else was begun that may have been done: look at the booking first.")
    if told is None or told.status == 503:
        return _("There was no answer in time. Ask again: it is not done twice.")
    return told


def _done(told: Told, words: str) -> Response:
    flash(_("The PMS has not confirmed it yet: what became of it is shown here.") if told.status == 202 else words)
    return redirect(url_for("bookings.show", code=told.body["code"]), 303)


# Changing


def _preview(kept: Kept, wish: Wish) -> Preview:
    hotel, code = me().hotel, kept.booking.code
    if hotel.pms == "local":
        found: dict[str, Any] | None = change_for(hotel, code, wish.body)
    else:
        done_reading()
        found = queues.ask(
            queues.API, nudges.CHANGE, hotel.id, code, dict(wish.body), wait_seconds=PMS_SECONDS, first=True
        )
    if found is None or found.get("reason") == "away":
        wish.problems["stay"] = _(
            "There was no answer in time: what it would cost is not known now. Try it in a moment."
        )
        return Preview()
    if "reason" in found:
        wish.problems[FIELDS.get(found["reason"], "stay")] = _why_not(found)
        return Preview(others=tuple(map(_proposed, found["others"])))
    return Preview(_proposed(found["now"]), Decimal(found["was"]), tuple(found["lost"]))


def _why_not(found: dict[str, Any]) -> str:
    words = refusal_words(found["reason"], found["detail"])
    if found["reason"] == "late":
        return _("%(why)s A stay that costs less or begins on another day is then a new booking.", why=words)
    return words


def _proposed(told: dict[str, Any]) -> Proposed:
    return Proposed(
        check_in=date.fromisoformat(told["check_in"]),
        check_out=date.fromisoformat(told["check_out"]),
        kinds=tuple(in_language(kind["names"], i18n.language()) or kind["code"] for kind in told["kinds"]),
        codes=tuple(kind["code"] for kind in told["kinds"]),
        adults=told["adults"],
        children=told["children"],
        guest_name=told["guest_name"],
        total=Decimal(told["total"]),
        currency=told["currency"],
        same_rooms=told["same_rooms"],
    )


def _kinds_of(kept: Kept) -> tuple[str, ...]:
    return tuple(room.kind for room in kept.rooms)


def _all_kinds(hotel: Hotel, kept: Kept) -> dict[str, str]:
    """Those of the hotel; where its PMS does not answer, those that are booked."""
    if hotel.pms == "local":
        found = kinds_for(hotel)
    else:
        done_reading()
        found = queues.ask(queues.API, nudges.KINDS, hotel.id, wait_seconds=PMS_SECONDS, first=True)
    booked = {room.kind: in_language(room.names, i18n.language()) or room.kind for room in kept.rooms}
    named = {kind["code"]: in_language(kind["names"], i18n.language()) or kind["code"] for kind in found or ()}
    return booked | named


def _change_page(
    kept: Kept,
    wish: Wish,
    key: str,
    preview: Preview | None = None,
    trouble: str = "",
    status: int = 200,
    *,
    waits: bool = False,
) -> Response:
    """`waits`: what was asked for may be under way, and can only be asked for again."""
    hotel = me().hotel
    page = render_template(
        "altering/change.html",
        booking=kept.booking,
        rooms=kept.rooms,
        wish=wish,
        given=wish.given,
        problems=wish.problems,
        all_kinds={} if waits else _all_kinds(hotel, kept),
        seen=request.form.get("seen") if waits else seen_as(kept.booking, _kinds_of(kept)),
        waits=waits,
        total=request.form.get("total"),
        preview=preview,
        key=key,
        trouble=trouble,
        can_be=kept.booking.status in ("booked", "in_house"),
        today=hotel.today(),
    )
    return make_response(page, 400 if wish.problems and status == 200 else status)


# Cancelling


def _cancel_page(kept: Kept, key: str, trouble: str = "", status: int = 200, fee: Decimal | None = None) -> Response:
    """`fee` where the PMS told another one than our own rows."""
    booking = kept.booking
    page = render_template(
        "altering/cancel.html",
        booking=booking,
        fee=_fee(booking) if fee is None else fee,
        never_free=booking.free_until == NEVER_FREE.astimezone(booking.free_until.tzinfo),
        can_be=booking.status == "booked" and me().hotel.today() < booking.stay.check_out,
        key=key,
        trouble=trouble,
    )
    return make_response(page, status)


def _fee(booking: Booking) -> Decimal:
    return cancellation_terms(booking).fee


def _amount(name: str) -> Decimal | None:
    return _decimal(request.form.get(name))


def _decimal(given: Any) -> Decimal | None:
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        return None
    is_money = amount.is_finite() and 0 <= amount < 10**9 and amount == amount.quantize(Decimal("0.01"))
    return amount if is_money else None
