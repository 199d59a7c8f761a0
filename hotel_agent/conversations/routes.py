"""One message through the agent, for integrations and tests; and the pages of the texts that colleagues keep ready."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from hotel_agent import queues
from hotel_agent.config import settings
from hotel_agent.conversations import asking, canned
from hotel_agent.conversations.canned import ChangedMeanwhile
from hotel_agent.conversations.models import CannedReply, MessageTemplate
from hotel_agent.errors import BadInput
from hotel_agent.hotels.models import Hotel
from hotel_agent.i18n import _
from hotel_agent.staff import rates
from hotel_agent.staff.access import bearer_only, may, me
from hotel_agent.staff.bearer import current_bearer, hotel_of_bearer
from hotel_agent.web import busy
from workers import nudges, quick

LONGEST_TEXT = 4096
LANGUAGES = ("es", "en", "pt")
WAIT_SECONDS = 5

bp = Blueprint("orchestrator", __name__, url_prefix="/api/orchestrator")
rates.of_programs(bp)
replies = Blueprint("replies", __name__, url_prefix="/replies")


# For programs: the request waits for a worker job


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
    answer = queues.ask(quick.lane_of(hotel.id), nudges.PROCESS, message_id, today, language, wait_seconds=WAIT_SECONDS)
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


# Quick replies


@replies.get("")
@may("replies")
def index() -> str:
    somebody = me()
    kept = canned.all_canned(somebody.hotel.id)
    shown = {
        shortcut: next((row for row in rows if row.language == somebody.hotel.language), rows[0])
        for shortcut, rows in kept.items()
    }
    return render_template("replies/index.html", kept=kept, shown=shown, filled=_filled)


@replies.get("/new")
@may("replies")
def new_reply() -> AnyResponse:
    """What the address says already stands in the form: a shortcut that is to be had in one more language."""
    given = {name: request.args.get(name, "") for name in ("shortcut", "language")}
    return _reply_page(None, typed={**given, "language": given["language"] or me().hotel.language})


@replies.post("/new")
@may("replies")
def add_reply() -> AnyResponse:
    return _keep_reply(None)


@replies.get("/<row:reply_id>")
@may("replies")
def show_reply(reply_id: int) -> AnyResponse:
    return _reply_page(canned.canned_reply(me().hotel.id, reply_id))


@replies.post("/<row:reply_id>")
@may("replies")
def change_reply(reply_id: int) -> AnyResponse:
    return _keep_reply(canned.canned_reply(me().hotel.id, reply_id))


@replies.get("/<row:reply_id>/delete")
@may("replies")
def ask_about_reply(reply_id: int) -> AnyResponse:
    row = canned.canned_reply(me().hotel.id, reply_id)
    return _question(f"/{row.shortcut} ({row.language})", url_for(".show_reply", reply_id=reply_id))


@replies.post("/<row:reply_id>/delete")
@may("replies")
def delete_reply(reply_id: int) -> AnyResponse:
    canned.delete_canned(me().hotel.id, reply_id)
    return _done(_("The reply is deleted."), ".index")


def _keep_reply(row: CannedReply | None) -> AnyResponse:
    typed = {name: request.form.get(name, "") for name in ("shortcut", "language", "body")}
    if "preview" in request.form:
        return _reply_page(row, typed=typed, seen=_seen())
    return _kept(
        lambda: canned.put_canned(
            me().hotel.id, **typed, canned_id=row.id if row else None, new=row is None, seen=_seen()
        ),
        lambda status, **shown: _reply_page(row, status, typed=typed, **shown),
        ".index",
    )


def _reply_page(
    row: CannedReply | None, status: int = 200, *, typed: dict[str, str] | None = None, **shown: Any
) -> AnyResponse:
    """A reply, or one that is still to be written: as it is kept, or with what was typed."""
    values = {name: getattr(row, name, "") for name in ("shortcut", "language", "body")} | (typed or {})
    shown.setdefault("seen", row.updated_at if row else None)
    page = render_template(
        "replies/edit.html",
        row=row,
        values=values,
        preview=_filled(values["body"], values["language"]),
        unknown=canned.unknown_in(values["body"]),
        variables=canned.samples(me().hotel, values["language"], me().name),
        **{"problem": None, **shown},
    )
    return make_response(page, status)


def _filled(body: str, language: str) -> str:
    return canned.fill(body, canned.samples(me().hotel, language, me().name))[0]


# Templates of WhatsApp


@replies.get("/templates")
@may("replies")
def templates() -> str:
    return render_template("replies/templates.html", rows=canned.message_templates(me().hotel.id))


@replies.get("/templates/new")
@may("replies")
def new_template() -> AnyResponse:
    return _template_page(None, typed={"language": me().hotel.language})


@replies.post("/templates/new")
@may("replies")
def add_template() -> AnyResponse:
    return _keep_template(None)


@replies.get("/templates/<row:template_id>")
@may("replies")
def show_template(template_id: int) -> AnyResponse:
    return _template_page(canned.message_template(me().hotel.id, template_id))


@replies.post("/templates/<row:template_id>")
@may("replies")
def change_template(template_id: int) -> AnyResponse:
    return _keep_template(canned.message_template(me().hotel.id, template_id))


@replies.get("/templates/<row:template_id>/delete")
@may("replies")
def ask_about_template(template_id: int) -> AnyResponse:
    row = canned.message_template(me().hotel.id, template_id)
    return _question(f"{row.name} ({row.language})", url_for(".show_template", template_id=template_id))


@replies.post("/templates/<row:template_id>/delete")
@may("replies")
def delete_template(template_id: int) -> AnyResponse:
    canned.delete_template(me().hotel.id, template_id)
    return _done(_("The template is deleted."), ".templates")


def _keep_template(row: MessageTemplate | None) -> AnyResponse:
    typed = {name: request.form.get(name, "") for name in ("name", "language", "body")}
    return _kept(
        lambda: canned.put_template(
            me().hotel.id, **typed, template_id=row.id if row else None, new=row is None, seen=_seen()
        ),
        lambda status, **shown: _template_page(row, status, typed=typed, **shown),
        ".templates",
    )


def _template_page(
    row: MessageTemplate | None, status: int = 200, *, typed: dict[str, str] | None = None, **shown: Any
) -> AnyResponse:
    values = {name: getattr(row, name, "") for name in ("name", "language", "body")} | (typed or {})
    shown.setdefault("seen", row.updated_at if row else None)
    page = render_template("replies/template.html", row=row, values=values, **{"problem": None, **shown})
    return make_response(page, status)


# Both


def _kept(keep: Callable[[], int], again: Callable[..., AnyResponse], leads_to: str) -> AnyResponse:
    """Keep a text, or show the form again with what was typed and what is wrong with it."""
    try:
        keep()
    except ChangedMeanwhile as other:
        return again(409, problem=other, overtaken_by=other.body, seen=other.updated_at)
    except BadInput as problem:
        return again(400, problem=problem, seen=_seen())
    return _done(_("Saved."), leads_to)


def _seen() -> datetime | None:
    """When the text that the form was filled with had last been changed."""
    try:
        return datetime.fromisoformat(request.form.get("seen", ""))
    except ValueError:
        return None


def _question(name: str, back: str) -> AnyResponse:
    words = _("Colleagues will not find it any more. What was sent stays.")
    title = _("Delete “%(name)s”?", name=name)
    return make_response(render_template("question.html", title=title, words=words, verb=_("Delete"), back=back))


def _done(words: str, leads_to: str) -> AnyResponse:
    flash(words)
    return redirect(url_for(leads_to), 303)
