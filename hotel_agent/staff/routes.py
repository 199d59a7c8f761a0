"""Sign-in for the API."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from hotel_agent.errors import BadInput
from hotel_agent.staff import accounts, bearer
from hotel_agent.web import problem

bp = Blueprint("staff", __name__, url_prefix="/api/auth")


@bp.post("/token")
def token() -> Response:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise BadInput("body", "Send a JSON object with email and password.")
    for field in ("email", "password"):
        if not isinstance(given.get(field), str) or not given[field] or len(given[field]) > 1000:
            raise BadInput(field, "This is needed, as a text.")
    account = accounts.signed_in(given["email"], given["password"])
    if account is None:
        return problem(401, "E-mail and password do not match.")
    access_token, seconds = bearer.issue(account)
    answer = jsonify(access_token=access_token, token_type="Bearer", expires_in=seconds)
    answer.headers["Cache-Control"] = "no-store"
    return answer
