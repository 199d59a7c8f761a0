"""`/api/reservations`: what there is, read from our tables; writes, each under a key, wait for a worker's job."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request, url_for

from hotel_agent.db import done_reading, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.hotels.models import Hotel
from hotel_agent.reservations.api import asked, asking, listing, wording
from hotel_agent.reservations.api.keeping import Caller, InProgress, KeyReused, Told
from hotel_agent.staff import rates
from hotel_agent.staff.access import bearer_only
from hotel_agent.staff.bearer import Bearer, bearer_who_may
from hotel_agent.web import busy, problem
from workers import nudges, quick

PERMISSION = "reservations"
PAGE, LONGEST_PAGE = 50, 200
LONGEST_WORDS = 100
LISTED = ("hotel", "status", "arrival_from", "arrival_to", "guest", "code", "changed_since", "limit", "cursor")
KEY = "Idempotency-Key"
AGAIN = f"No worker answered in time. What was begun goes on: ask again with the same {KEY} and be told."

bp = Blueprint("reservations", __name__, url_prefix="/api/reservations")
rates.of_programs(bp)


@bp.after_request
def keep_private(answer: Response) -> Response:
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


# Reading


@bp.get("")
@bearer_only
def index() -> Response:
    _, hotel = bearer_who_may(PERMISSION, request.args.get("hotel"))
    as_of = utcnow()
    try:
        page = listing.page(hotel, _wanted(), request.args.get("cursor") or None, _limit())
    except ValueError:
        raise BadInput("cursor", "This cursor is not of this question.") from None
    done_reading()
    return jsonify(
        hotel=hotel.slug,
        as_of=wording.moment(as_of),
        reservations=[wording.reservation(hotel, kept, now=as_of) for kept in page.found],
        next_cursor=page.next_cursor,
    )


@bp.get("/<code>")
@bearer_only
def show(code: str) -> Response:
    _, hotel = bearer_who_may(PERMISSION, request.args.get("hotel"))
    return jsonify(wording.reservation(hotel, _found(hotel, code)))


def _wanted() -> listing.Wanted:
    for field in request.args:
        if field not in LISTED:
            raise BadInput(field[:100], "There is no such filter.")
    first, last = _day("arrival_from"), _day("arrival_to")
    if first and last and last < first:
        raise BadInput("arrival_to", "This is before arrival_from.")
    return listing.Wanted(_statuses(), first, last, _guest(), _words("code"), _since())


def _statuses() -> tuple[str, ...]:
    """Several by commas."""
    given = [one for one in request.args.get("status", "").split(",") if one]
    if any(one not in listing.STATUSES for one in given):
        raise BadInput("status", f"Give one or more of {', '.join(listing.STATUSES)}.")
    return tuple(sorted(set(given)))


def _guest() -> str | None:
    words = _words("guest")
    if words is not None and not any(letter.isalnum() for letter in words):
        raise BadInput("guest", "Give a part of the name.")
    return words


def _words(field: str) -> str | None:
    value = request.args.get(field, "").strip()
    if not value.isprintable() or len(value) > LONGEST_WORDS:
        raise BadInput(field, f"Give at most {LONGEST_WORDS} characters.")
    return value or None


def _day(field: str) -> date | None:
    value = request.args.get(field)
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise BadInput(field, "Give a date as YYYY-MM-DD.")
    return day


def _since() -> datetime | None:
    """A plus in an address is a space unless it is written %2B."""
    value = request.args.get("changed_since")
    if not value:
        return None
    try:
        at = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadInput("changed_since", "Give a moment such as 2027-05-05T09:30:00Z.") from None


def _limit() -> int:
    given = request.args.get("limit", str(PAGE))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:4]) <= LONGEST_PAGE:
        raise BadInput("limit", f"Give a number from 1 to {LONGEST_PAGE}.")
    return int(given)


def _found(hotel: Hotel, code: str) -> listing.Kept:
    kept = listing.find(hotel, code) if code.isprintable() else None
    done_reading()
    if kept is None:
        raise NotFound("There is no such reservation at this hotel.")
    return kept


# Writing


@bp.post("")
@bearer_only
def book() -> Response:
    bearer, hotel = _who_may()
    body = _json_object()
    key = asked.idempotency_key(request.headers.get(KEY))
    if key is None:
        raise BadInput(KEY, "Give a key of your own for this booking, so that asking twice books once.")
    asked.new_booking(body)
    return _asked(hotel, bearer, key, "book", "", body)


@bp.patch("/<code>")
@bearer_only
def change(code: str) -> Response:
    bearer, hotel = _who_may()
    body = _json_object()
    key = asked.idempotency_key(request.headers.get(KEY))
    asked.change_of_booking(body)
    wanted = {name: value for name, value in body.items() if name != "hotel" and value is not None}
    if not set(wanted) - {"expected_total"}:
        raise BadInput("body", "Say what is to be otherwise.")
    return _asked(hotel, bearer, key, "change", _found(hotel, code).booking.code, wanted)


@bp.delete("/<code>")
@bearer_only
def cancel(code: str) -> Response:
    bearer, hotel = _who_may()
    body = _json_object() if request.get_data().strip() else {}
    key = asked.idempotency_key(request.headers.get(KEY))
    given = {**request.args.to_dict(), **body}
    for field in given:
        if field not in ("hotel", "expected_fee"):
            raise BadInput(field[:100], "There is no such field here.")
    fee = asked.amount(given, "expected_fee")
    wanted = {} if fee is None else {"expected_fee": str(fee)}
    return _asked(hotel, bearer, key, "cancel", _found(hotel, code).booking.code, wanted)


def _who_may() -> tuple[Bearer, Hotel]:
    """The hotel is named in the body or, where there is a reservation's own address, after it."""
    body = _json()
    slug = body.get("hotel") if isinstance(body, dict) else None
    slug = request.args.get("hotel") or slug if request.method != "POST" else slug
    return bearer_who_may(PERMISSION, slug if isinstance(slug, str) else None)


def _json_object() -> dict[str, Any]:
    given = _json()
    if not isinstance(given, dict):
        raise BadInput("body", "Send a JSON object.")
    return given


def _json() -> Any:
    try:
        return request.get_json(silent=True, force=True)
    except RecursionError:  # Brackets without end.
        return None


def _asked(hotel: Hotel, bearer: Bearer, key: str | None, operation: str, code: str, body: dict[str, Any]) -> Response:
    """Without a key of the caller's the request has one that nobody can ask for again."""
    caller, own = Caller(bearer.name, bearer.actor, bearer.staff_id), f"key:{key}" if key else f"own:{uuid4()}"
    try:
        lane = quick.lane_of(hotel.id)
        found = asking.ask(hotel, caller, own, operation, code, body, nudges.CARRY_OUT, lane=lane)
    except KeyReused:
        words = "Under this key something else was asked for. Take a new one."
        return problem(422, words, field=KEY, code="key_reused")
    except InProgress:
        answer = problem(409, "What was asked for under this key is being done. Ask again soon.", code="in_progress")
        answer.headers["Retry-After"] = "2"
        return answer
    if found.told is None:
        return busy(AGAIN)
    answer = _response(hotel, found.told)
    if found.is_replayed:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _response(hotel: Hotel, told: Told) -> Response:
    if told.status >= 400:
        body = dict(told.body)
        detail = body.pop("detail")
        return busy(detail) if told.status == 503 else problem(told.status, detail, **body)
    answer = jsonify(told.body)
    answer.status_code = told.status
    if told.status in (201, 202):
        answer.headers["Location"] = url_for("reservations.show", code=told.body["code"], hotel=hotel.slug)
    if told.status == 202:
        answer.headers["Retry-After"] = "5"
    return answer
