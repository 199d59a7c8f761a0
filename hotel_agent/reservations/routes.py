"""What is free, for integrations: from what is kept, else the request waits for a worker job that asks the PMS."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, jsonify, request

from hotel_agent import queues, tracing
from hotel_agent.errors import BadInput
from hotel_agent.hotels.models import Hotel
from hotel_agent.pms.contract import Stay
from hotel_agent.pms.door import rest_left
from hotel_agent.reservations import telling
from hotel_agent.staff import rates
from hotel_agent.staff.access import bearer_only
from hotel_agent.staff.bearer import hotel_of_bearer
from hotel_agent.web import busy
from workers import nudges, quick

WAIT_SECONDS = 5
# The job gives up a little earlier, so that what it says then still arrives.
JOB_SECONDS = 4.5
AWAY = "The rooms cannot be looked up right now. Try again."
LARGEST_PARTY = 50

bp = Blueprint("pms", __name__, url_prefix="/api/pms")
rates.of_programs(bp)


@bp.get("/availability")
@bearer_only
def availability() -> Response:
    slug = request.args.get("hotel")
    if not slug:
        raise BadInput("hotel", "This is needed.")
    hotel = hotel_of_bearer(slug)
    check_in, check_out = _date("check_in"), _date("check_out")
    if check_in >= check_out:
        raise BadInput("check_out", "The departure is after the arrival.")
    _count("adults", 1, least=1)
    _count("children", 0, least=0)
    try:
        stay = telling.stay_of(hotel, check_in, check_out)
    except telling.Unfit as unfit:
        raise BadInput(unfit.field, str(unfit)) from None
    with tracing.span("availability", hotel=hotel.slug, nights=stay.nights) as told:
        answer = _looked_up(hotel, stay)
        told.set(status=answer.status_code)
    return answer


def _looked_up(hotel: Hotel, stay: Stay) -> Response:
    known = telling.known_availability(hotel, stay)
    if known is not None:
        return jsonify(known)
    rest = rest_left(hotel)
    if rest > 0:
        return busy(AWAY, rest)
    days = (stay.check_in.isoformat(), stay.check_out.isoformat())
    found = queues.ask(
        quick.lane_of(hotel.id), nudges.AVAILABILITY, hotel.id, *days, JOB_SECONDS, wait_seconds=WAIT_SECONDS
    )
    if found is None:
        return busy(AWAY)
    return busy(AWAY, found["away"] or WAIT_SECONDS) if "away" in found else jsonify(found)


def _date(field: str) -> date:
    given = request.args.get(field, "")
    try:
        day = date.fromisoformat(given)
    except ValueError:
        day = None
    if day is None or day.isoformat() != given:  # ISO 8601 has more ways to write one.
        raise BadInput(field, "Give a date as YYYY-MM-DD.")
    return day


def _count(field: str, default: int, least: int) -> None:
    """The party changes nothing in the answer, which lists every kind of room with its capacity."""
    given = request.args.get(field, str(default))
    if not given.isascii() or not given.isdigit() or not least <= int(given[:4]) <= LARGEST_PARTY:
        raise BadInput(field, f"Give a number from {least} to {LARGEST_PARTY}.")
