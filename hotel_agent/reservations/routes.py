"""What is free, for integrations: the request waits for a worker job."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, jsonify, request

from hotel_agent import queues
from hotel_agent.errors import BadInput
from hotel_agent.staff.access import bearer_only
from hotel_agent.staff.bearer import hotel_of_bearer
from hotel_agent.web import busy
from workers import nudges

WAIT_SECONDS = 5
LARGEST_PARTY = 50

bp = Blueprint("pms", __name__, url_prefix="/api/pms")


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
    found = queues.ask(
        queues.API,
        nudges.AVAILABILITY,
        hotel.id,
        check_in.isoformat(),
        check_out.isoformat(),
        wait_seconds=WAIT_SECONDS,
    )
    if found is None:
        return busy("The rooms cannot be looked up right now. Try again.")
    if "field" in found:
        raise BadInput(found["field"], found["detail"])
    return jsonify(found)


def _date(field: str) -> date:
    try:
        return date.fromisoformat(request.args.get(field, ""))
    except ValueError:
        raise BadInput(field, "Give a date as YYYY-MM-DD.") from None


def _count(field: str, default: int, least: int) -> None:
    """The party changes nothing in the answer, which lists every kind of room with its capacity."""
    given = request.args.get(field, str(default))
    if not given.isascii() or not given.isdigit() or not least <= int(given[:4]) <= LARGEST_PARTY:
        raise BadInput(field, f"Give a number from {least} to {LARGEST_PARTY}.")
