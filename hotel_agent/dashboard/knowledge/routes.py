"""`/knowledge`: the hotel's answers per language, the questions that found none, and a box to try a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from hotel_agent import queues
from hotel_agent.conversations import missing
from hotel_agent.db import utcnow
from hotel_agent.errors import BadInput
from hotel_agent.errors import NotFound as NoSuchRow
from hotel_agent.hotels import telling
from hotel_agent.hotels.topics import TOPICS
from hotel_agent.i18n import LANGUAGES, _
from hotel_agent.staff.access import can, may, me
from hotel_agent.web import BIGGEST_ID
from workers import nudges

LONGEST_QUESTION = 500
WAIT_SECONDS = 8
QUESTION = f"<int(min=1, max={BIGGEST_ID}):question_id>"

bp = Blueprint("knowledge", __name__, url_prefix="/knowledge")


@bp.get("")
@may("knowledge")
def index() -> Response:
    return _page()


@bp.post("/try")
@may("knowledge")
def try_question() -> Response:
    """What the agent would say now; a worker understands it, as the web process does not."""
    text, language = request.form.get("text", "").strip(), request.form.get("language", "")
    tried: dict[str, Any] = {"text": text, "language": language, "problem": "", "found": None}
    if not text or len(text) > LONGEST_QUESTION:
        tried["problem"] = _("Write a question of at most %(num)s letters.", num=LONGEST_QUESTION)
        return _page(400, tried=tried)
    known = language if language in LANGUAGES else None
    tried["found"] = queues.ask(
        queues.API, nudges.TRY_QUESTION, me().hotel.id, text, known, wait_seconds=WAIT_SECONDS, first=True
    )
    if tried["found"] is None:
        tried["problem"] = _("Nobody could try it just now: the workers are busy or away. Try again.")
        return _page(503, tried=tried)
    return _page(tried=tried)


@bp.post(f"/questions/{QUESTION}/answer")
@may("knowledge")
def answer(question_id: int) -> Response:
    """The guest who asked is told; with a topic the words are kept for the next one who asks."""
    somebody, text, topic = me(), request.form.get("text", ""), request.form.get("topic", "")
    kept = topic if topic and can("replies") else None

    def verb() -> missing.Settled:
        return missing.answer(question_id, text, somebody.staff_id, hotel_id=somebody.hotel.id, topic=kept)

    return _settled(question_id, verb, {"text": text, "topic": topic})


@bp.get(f"/questions/{QUESTION}/dismiss")
@may("knowledge")
def ask_about_dismissing(question_id: int) -> str:
    if missing.hotel_of(question_id) != me().hotel.id:
        raise NotFound
    return render_template(
        "question.html",
        title=_("Take this question off the list?"),
        words=_("The guest is told nothing."),
        verb=_("Take it off"),
        back=url_for(".index"),
    )


@bp.post(f"/questions/{QUESTION}/dismiss")
@may("knowledge")
def dismiss(question_id: int) -> Response:
    somebody = me()
    return _settled(question_id, lambda: missing.dismiss(question_id, somebody.staff_id, hotel_id=somebody.hotel.id))


def _settled(question_id: int, verb: Callable[[], missing.Settled], typed: Mapping[str, str] | None = None) -> Response:
    try:
        settled = verb()
    except BadInput as bad:
        status = 409 if bad.field == "question" else 400
        words = _("This question is settled already.") if status == 409 else _bad_text(bad)
        return _page(status, trouble={"id": question_id, "words": words, **(typed or {})})
    if settled.told:
        nudges.send(settled.conversation_id)
        flash(_("Answered. The guest is told."))
    elif typed is not None:
        flash(_("Answered, but the guest was not told: the 24-hour window is closed."))
    else:
        flash(_("Taken off the list."))
    return redirect(url_for(".index") + "#missing", 303)


def _bad_text(bad: BadInput) -> str:
    if bad.field == "topic":
        return _("A topic has 3 to 41 small letters without accents, or underscores: piano_bar.")
    return _("Write an answer of at most %(num)s letters.", num=telling.LONGEST)


# One topic


@bp.post("/new")
@may("replies")
def begin() -> Response:
    """A topic of the hotel's own, or one that it has not written about."""
    topic = request.form.get("topic", "").strip().lower().replace(" ", "_")
    try:
        telling.check_topic(topic)
    except BadInput as bad:
        return _page(400, new={"topic": request.form.get("topic", ""), "problem": _bad_text(bad)})
    return redirect(url_for(".show", topic=topic), 303)


@bp.get("/<topic>")
@may("knowledge")
def show(topic: str) -> Response:
    return _topic_page(topic)


@bp.post("/<topic>")
@may("replies")
def write(topic: str) -> Response:
    wanted = {language: request.form.get(language, "") for language in LANGUAGES}
    seen = {language: request.form.get(f"seen-{language}", "") for language in LANGUAGES}
    try:
        changed = telling.write(me().hotel.id, topic, wanted, seen)
    except BadInput as bad:
        problems = {bad.field: _("At most %(num)s letters.", num=telling.LONGEST)}
        return _topic_page(topic, 400, wanted, seen, problems)
    except telling.WrittenMeanwhile as meanwhile:
        words = _("Somebody else has just written something else here. Save again to have yours instead: “%(text)s”")
        problems = {language: words % {"text": text} for language, text in meanwhile.now.items()}
        return _topic_page(topic, 409, wanted, {**seen, **meanwhile.now}, problems)
    flash(_("Saved.") if changed else _("Nothing was changed."))
    return redirect(url_for(".index") + f"#{topic}", 303)


@bp.get("/<topic>/remove")
@may("replies")
def ask_about_removing(topic: str) -> str:
    if not telling.texts(me().hotel.id, topic):
        raise NotFound
    return render_template(
        "question.html",
        title=_("Take this answer away?"),
        words=_("In every language. Whoever asks about it then waits for a colleague."),
        verb=_("Take it away"),
        back=url_for(".show", topic=topic),
    )


@bp.post("/<topic>/remove")
@may("replies")
def remove(topic: str) -> Response:
    if not telling.remove(me().hotel.id, topic):
        raise NoSuchRow(topic)
    flash(_("Taken away."))
    return redirect(url_for(".index"), 303)


# Making a page


@dataclass(frozen=True)
class Row:
    """A topic of the list; `texts` by language, `updated_at` of the latest."""

    topic: str
    texts: Mapping[str, str]
    updated_at: datetime | None


def _page(status: int = 200, **given: Any) -> Response:
    somebody = me()
    page = render_template(
        "knowledge/index.html",
        rows=_rows(somebody.hotel.id),
        questions=missing.listed(somebody.hotel.id),
        conversations=can("conversations"),
        usual=TOPICS,
        at=utcnow(),
        **{"tried": None, "trouble": None, "new": None} | given,
    )
    return make_response(page, status)


def _rows(hotel_id: int) -> list[Row]:
    """The usual topics in their order, written or not, then the hotel's own."""
    written: dict[str, list[Any]] = {}
    for row in telling.texts(hotel_id):
        written.setdefault(row.topic, []).append(row)
    usual = [topic for topic in TOPICS if topic in written or topic in _EXPECTED]
    own = [topic for topic in written if topic not in TOPICS]
    return [_row(topic, written.get(topic, [])) for topic in (*usual, *own)]


# What every hotel is asked about; the others are listed once they are written.
_EXPECTED = frozenset(TOPICS) - {
    "ask_price",
    "ask_room_types",
    "late_checkout",
    "ask_checkin_time",
    "ask_checkout_time",
}


def _row(topic: str, texts: list[Any]) -> Row:
    return Row(topic, {row.language: row.text for row in texts}, max((row.updated_at for row in texts), default=None))


def _topic_page(
    topic: str,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Response:
    try:
        telling.check_topic(topic)
    except BadInput:
        raise NotFound from None
    now = {row.language: row.text for row in telling.texts(me().hotel.id, topic)}
    page = render_template(
        "knowledge/show.html",
        topic=topic,
        values=typed or now,
        seen=seen or now,
        exists=bool(now),
        problems=problems or {},
        longest=telling.LONGEST,
    )
    return make_response(page, status)
