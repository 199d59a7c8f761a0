"""`/guests`: the list, the card of one, two made one; what is kept of them as a file, and a guest erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from hotel_agent.conversations import joining
from hotel_agent.dashboard.guests import wording
from hotel_agent.dashboard.guests.directory import FILTERS, directory, whole
from hotel_agent.dashboard.wording import PREFERENCES
from hotel_agent.db import db
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests import keeping
from hotel_agent.guests.models import Guest
from hotel_agent.i18n import _, language
from hotel_agent.privacy import erasing, exporting
from hotel_agent.staff.access import can, may, me
from hotel_agent.web import BIGGEST_ID, BIGGEST_SMALL_ID, row_id
from workers import nudges

LONGEST_QUERY = 100
ONE = f"<int(min=1, max={BIGGEST_SMALL_ID}):guest_id>"
OTHER = f"<int(min=1, max={BIGGEST_SMALL_ID}):other_id>"
NOTE = f"<int(min=1, max={BIGGEST_ID}):note_id>"
EXPORT = f"<int(min=1, max={BIGGEST_ID}):export_id>"

bp = Blueprint("guests", __name__, url_prefix="/guests")
bp.add_app_template_filter(wording.of(wording.FILTER_NAMES), "guest_filter_words")
bp.add_app_template_filter(wording.of(wording.WAYS), "consent_way_words")
bp.add_app_template_filter(wording.of(wording.STEPS), "consent_step_words")
bp.add_app_template_filter(wording.of(wording.KINDS), "identity_words")
bp.add_app_template_filter(wording.of(wording.CHANNELS), "channel_words")
bp.add_app_template_filter(wording.how_words, "consent_how_words")


@bp.get("")
@may("guests")
def index() -> str:
    query, only = _query(), request.args.get("only", "")
    only = only if only in FILTERS else ""
    found = directory(me().hotel, query, only, _row(request.args.get("before")))
    return render_template(
        "guests/index.html",
        directory=found,
        query_words=query,
        only=only,
        filters=("", *FILTERS),
        before=request.args.get("before"),
    )


@bp.get(f"/{ONE}")
@may("guests")
def show(guest_id: int) -> Response:
    return _card(guest_id)


# What the desk keeps


@bp.post(f"/{ONE}/vip")
@may("guests")
def set_vip(guest_id: int) -> Response:
    vip = request.form.get("vip") == "1"
    return _done(guest_id, lambda hotel_id: keeping.make_vip(guest_id, vip, hotel_id=hotel_id))


@bp.post(f"/{ONE}/preferences")
@may("guests")
def add_preference(guest_id: int) -> Response:
    code = request.form.get("code", "")

    def verb(hotel_id: int) -> None:
        if code not in PREFERENCES:
            raise BadInput("code", _("Choose one."))
        keeping.add_preference(guest_id, code, hotel_id=hotel_id)

    return _done(guest_id, verb, "likes")


@bp.post(f"/{ONE}/preferences/drop")
@may("guests")
def drop_preference(guest_id: int) -> Response:
    code = request.form.get("code", "")
    return _done(guest_id, lambda hotel_id: keeping.drop_preference(guest_id, code, hotel_id=hotel_id), "likes")


@bp.post(f"/{ONE}/notes")
@may("guests")
def add_note(guest_id: int) -> Response:
    somebody, words = me(), request.form.get("note", "")
    return _done(
        guest_id, lambda hotel_id: keeping.add_note(guest_id, somebody.staff_id, words, hotel_id=hotel_id), "notes"
    )


@bp.get(f"/{ONE}/notes/{NOTE}/delete")
@may("guests")
def ask_about_note(guest_id: int, note_id: int) -> str:
    if all(note.id != note_id for note in whole(me().hotel, guest_id, language()).notes):
        raise NotFound("There is no such note.")
    return render_template(
        "question.html",
        title=_("Delete this note?"),
        words=_("Nobody can read it any more afterwards."),
        verb=_("Delete the note"),
        back=url_for(".show", guest_id=guest_id, _anchor="notes"),
    )


@bp.post(f"/{ONE}/notes/{NOTE}/delete")
@may("guests")
def delete_note(guest_id: int, note_id: int) -> Response:
    return _done(guest_id, lambda hotel_id: keeping.delete_note(guest_id, note_id, hotel_id=hotel_id), "notes")


@bp.post(f"/{ONE}/opt-out")
@may("guests")
def opt_out(guest_id: int) -> Response:
    somebody = me()
    return _done(guest_id, lambda hotel_id: keeping.opt_out(guest_id, somebody.staff_id, hotel_id=hotel_id), "consent")


@bp.post(f"/{ONE}/consent")
@may("guests")
def consent(guest_id: int) -> Response:
    somebody, way, words = me(), request.form.get("way", ""), request.form.get("words", "")
    return _done(
        guest_id,
        lambda hotel_id: keeping.consent(guest_id, somebody.staff_id, way, words, hotel_id=hotel_id),
        "consent",
    )


@bp.post(f"/{ONE}/consent/back")
@may("guests")
def take_consent_back(guest_id: int) -> Response:
    somebody = me()
    return _done(
        guest_id,
        lambda hotel_id: keeping.take_consent_back(guest_id, somebody.staff_id, hotel_id=hotel_id),
        "consent",
    )


# Two who are one


@bp.get(f"/{ONE}/merge")
@may("guests")
def find_twin(guest_id: int) -> str:
    hotel, query = me().hotel, _query()
    guest = whole(hotel, guest_id, language())
    found = directory(hotel, query).lines if query else ()
    return render_template(
        "guests/find_twin.html",
        guest=guest,
        query_words=query,
        others=[line for line in found if line.id != guest_id],
    )


@bp.get(f"/{ONE}/merge/{OTHER}")
@may("guests")
def ask_about_merging(guest_id: int, other_id: int) -> Response:
    return _side_by_side(guest_id, other_id)


@bp.post(f"/{ONE}/merge/{OTHER}")
@may("guests")
def merge(guest_id: int, other_id: int) -> Response:
    try:
        joining.merge(guest_id, other_id, hotel_id=me().hotel.id)
    except BadInput as bad:
        return _side_by_side(guest_id, other_id, str(bad))
    flash(_("They are one guest now."))
    return redirect(url_for(".show", guest_id=guest_id), 303)


def _side_by_side(guest_id: int, other_id: int, trouble: str = "") -> Response:
    hotel = me().hotel
    guest, other = whole(hotel, guest_id, language()), whole(hotel, other_id, language())
    try:
        joining.check_mergeable(db.session.get_one(Guest, guest_id), db.session.get_one(Guest, other_id))
    except BadInput as bad:
        trouble = str(bad)
    page = render_template("guests/merge.html", guest=guest, other=other, trouble=trouble)
    return make_response(page, 409 if trouble and request.method == "POST" else 200)


# Their data


@bp.post(f"/{ONE}/exports")
@may("privacy")
def export(guest_id: int) -> Response:
    somebody = me()

    def verb(hotel_id: int) -> None:
        nudges.export_guest(exporting.ask(guest_id, somebody.staff_id, hotel_id=hotel_id))

    return _done(guest_id, verb, "privacy")


@bp.get(f"/{ONE}/exports/{EXPORT}")
@may("privacy")
def fetch_export(guest_id: int, export_id: int) -> Response:
    """The file, for whoever asked for it."""
    somebody = me()
    found = exporting.ready(export_id, guest_id, somebody.staff_id, somebody.hotel.id)
    response = Response(exporting.pieces_of(db.engine, export_id), direct_passthrough=True)
    response.headers.update(
        {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="guest-{guest_id}.zip"',
            "Cache-Control": "no-store",
        }
    )
    response.content_length = found.size or 0
    return response


@bp.get(f"/{ONE}/erase")
@may("privacy")
def ask_about_erasing(guest_id: int) -> Response:
    return _about_erasing(guest_id)


@bp.post(f"/{ONE}/erase")
@may("privacy")
def erase(guest_id: int) -> Response:
    somebody, typed = me(), request.form.get("who", "")
    guest = _guest(guest_id)
    if not guest.erased_at and not erasing.is_named(guest, typed):
        return _about_erasing(guest_id, BadInput("who", _("This is not the guest's name, nor their number here.")))
    try:
        nudges.erase_guest(erasing.ask(guest_id, somebody.staff_id, hotel_id=somebody.hotel.id))
    except BadInput as bad:
        return _about_erasing(guest_id, bad)
    flash(_("The guest is being erased."))
    return redirect(url_for(".show", guest_id=guest_id), 303)


def _about_erasing(guest_id: int, bad: BadInput | None = None) -> Response:
    hotel = me().hotel
    guest = whole(hotel, guest_id, language())
    page = render_template(
        "guests/erase.html",
        guest=guest,
        live=erasing.live_bookings(guest_id, hotel),
        typed=request.form.get("who", ""),
        bad=bad,
    )
    return make_response(page, 200 if bad is None else 409 if bad.field == "guest" else 400)


# The page


def _card(guest_id: int, status: int = 200, bad: BadInput | None = None) -> Response:
    somebody = me()
    guest = whole(somebody.hotel, guest_id, language())
    shown: dict[str, Any] = {
        "guest": guest,
        "erasure": erasing.erasure_of(guest_id) if guest.erased_at else None,
        "exports": exporting.exports_of(guest_id, somebody.staff_id) if can("privacy") else [],
        "choices": [code for code in PREFERENCES if code not in guest.card.preferences],
        "ways": keeping.WAYS,
        "longest_note": keeping.LONGEST_NOTE,
        "bad": bad,
        "typed": request.form,
    }
    return make_response(render_template("guests/show.html", **shown), status)


def _done(guest_id: int, verb: Callable[[int], None], place: str = "") -> Response:
    """Do it and show the card again; what was wrong is told beside its field, and what was typed stays."""
    _guest(guest_id)
    try:
        verb(me().hotel.id)
    except BadInput as bad:
        return _card(guest_id, 409 if bad.field == "guest" else 400, bad)
    return redirect(url_for(".show", guest_id=guest_id, _anchor=place or None), 303)


def _guest(guest_id: int) -> Guest:
    guest = db.session.get(Guest, guest_id)
    if guest is None or guest.hotel_id != me().hotel.id:
        raise NotFound("There is no such guest.")
    return guest


def _query() -> str:
    return " ".join(request.args.get("q", "").replace("\0", "").split())[:LONGEST_QUERY]


def _row(given: str | None) -> int | None:
    try:
        return min(row_id(given), BIGGEST_SMALL_ID) if given else None
    except ValueError:
        return None
