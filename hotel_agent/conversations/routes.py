"""One message through the agent, for integrations and tests: the request waits for a worker job."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, request

from hotel_agent import queues
from hotel_agent.config import settings
from hotel_agent.conversations import asking
from hotel_agent.errors import BadInput
from hotel_agent.hotels.models import Hotel
from hotel_agent.staff.access import bearer_only
from hotel_agent.staff.bearer import current_bearer, hotel_of_bearer
from hotel_agent.web import busy
from workers import nudges

LONGEST_TEXT = 4096
LANGUAGES = ("es", "en", "pt")
WAIT_SECONDS = 5

bp = Blueprint("orchestrator", __name__, url_prefix="/api/orchestrator")


@bp.post("/process")
@bearer_only
def process() -> Response:
    current_bearer()
    given = _json_object()
    hotel: Hotel = hotel_of_bearer(_text(given, "hotel", 100))
    sender_id, reply_id = _text(given, "sender_id", 200), _optional(given, "reply_id", 256)
    text = _optional(given, "text", LONGEST_TEXT)
    if (text is None) == (reply_id is None):
        raise BadInput("text", "Give either text or reply_id.")
    today, language = _today(given), _language(given)
    message_id = asking.ask(hotel, sender_id, text or "", reply_id)
    answer = queues.ask(queues.API, nudges.PROCESS, message_id, today, language, wait_seconds=WAIT_SECONDS)
    if answer is None:
        asking.withdraw(message_id)
        return busy("No worker answered in time. Try again.")
    return jsonify(answer)


def _json_object() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise BadInput("body", "Send a JSON object.")
    return given


def _text(given: dict[str, Any], field: str, longest: int) -> str:
    value = _optional(given, field, longest)
    if value is None:
        raise BadInput(field, "This is needed.")
    return value


def _optional(given: dict[str, Any], field: str, longest: int) -> str | None:
    value = given.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise BadInput(field, "Give a text that is not empty.")
    if len(value) > longest:
        raise BadInput(field, f"Give at most {longest} characters.")
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def _today(given: dict[str, Any]) -> str | None:
    value = _optional(given, "today", 10)
    if value is None:
        return None
    if settings().app_env == "production":
        raise BadInput("today", "Production answers with the hotel's own date.")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise BadInput("today", "Give a date as YYYY-MM-DD.") from None


def _language(given: dict[str, Any]) -> str | None:
    value = _optional(given, "language", 2)
    if value is not None and value not in LANGUAGES:
        raise BadInput("language", f"Give one of {', '.join(LANGUAGES)}.")
    return value
