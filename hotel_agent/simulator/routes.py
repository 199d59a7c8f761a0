"""The page, what its forms do, its stream of news, and the door of the Graph stand-in. Demo only."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as AnyResponse

from hotel_agent import web
from hotel_agent.assets import own_file
from hotel_agent.config import settings
from hotel_agent.marks import styled
from hotel_agent.redis import RedisError
from hotel_agent.simulator import graph, meta, phones, words
from hotel_agent.simulator.meta import Errand
from hotel_agent.simulator.numbers import Number, numbers
from hotel_agent.simulator.phones import Bubble, Chat, Guest, Place, Tick

LANGUAGE_COOKIE = "simulator_language"
STUCK_SECONDS = 15
SECOND_TICK_SECONDS = 0.4
STREAM_WAIT = 2.0
STREAM_TURNS = 150
LONGEST_TEXT = 4096
PLACE = Place(39.4699, -0.3763, "Estació del Nord", "Carrer d'Alacant, 25, València")

bp = Blueprint("simulator", __name__, url_prefix="/simulator")


@bp.record_once
def _start_errands_with_the_process(_state: BlueprintSetupState) -> None:
    web.on_process_start(meta.start)


@bp.before_request
def only_from_this_page() -> None:
    """A form of another site must not write as a guest. The Graph stand-in has its token instead."""
    if request.method != "POST" or request.endpoint == "simulator.graph_messages":
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin") or origin not in (None, request.host_url.rstrip("/")):
        abort(403)


@bp.errorhandler(RedisError)
def without_memory(_error: RedisError) -> tuple[str, int]:
    return _sorry("broken"), 503


@bp.get("")
def index() -> AnyResponse:
    """The page as a visitor finds it: the first guest is ready to write."""
    return _page(phones.READY[0], opened=False)


@bp.get("/phones/<phone>")
def show(phone: str) -> AnyResponse:
    return _page(_guest_or_404(phone), opened=True)


@bp.post("/guests")
def add_guest() -> AnyResponse:
    name = " ".join(request.form.get("name", "").split())
    phone = re.sub(r"[\s().+-]", "", request.form.get("phone", ""))
    problems = {}
    if not 1 <= len(name) <= 60:
        problems["name"] = "bad_name"
    if not re.fullmatch(r"[1-9][0-9]{6,14}", phone):
        problems["phone"] = "bad_phone"
    if problems:
        return _page(phones.READY[0], opened=False, problems=problems)
    language = request.form.get("language", "")
    phones.add_guest(Guest(phone, name, language if language in words.LANGUAGES else _language()))
    return _back_to(phone)


@bp.post("/phones/<phone>/messages")
def say(phone: str) -> AnyResponse:
    """A guest sends, or sends again, a message: it goes to the real webhook, signed."""
    guest, number = _guest_or_404(phone), _number()
    chat = Chat(phone, number.id)
    again = request.form.get("again")
    bubble = chat.find(again) if again else _written(guest, chat)
    if bubble is None or bubble.by != "guest":
        abort(400)
    if not again:
        chat.add(bubble, Tick.SENDING)
    meta.start(_app())
    if meta.deliver(number, guest, bubble):
        chat.move(bubble.id, Tick.SENT)
        meta.later(SECOND_TICK_SECONDS, Errand("tick", phone, number.id, bubble.id, Tick.DELIVERED))
    else:
        chat.move(bubble.id, Tick.FAILED)
    return _back_to(phone)


@bp.post("/phones/<phone>/seen")
def seen(phone: str) -> AnyResponse:
    """The page shows this chat: the hotel learns that its messages were read."""
    _guest_or_404(phone)
    chat = Chat(phone, _number().id)
    for bubble, tick in chat.bubbles():
        if bubble.by == "hotel" and tick < Tick.READ:
            chat.move(bubble.id, Tick.READ)
            meta.later(0, Errand("status", phone, chat.number, bubble.id, Tick.READ, bubble.reference))
    return Response(status=204) if "no-page" in request.form else _back_to(phone)


@bp.get("/phones/<phone>/events")
def events(phone: str) -> AnyResponse:
    """Server-sent events: one `change` whenever a shown chat changes; the page then fetches itself anew."""
    _guest_or_404(phone)
    others = [guest.phone for guest in phones.guests()]
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(_stream(phone, others), mimetype="text/event-stream", headers=headers)


def _stream(phone: str, others: list[str]) -> Iterator[str]:
    yield "retry: 1000\n\n"
    try:
        for changed in phones.listen(phone, others, STREAM_WAIT, STREAM_TURNS):
            yield "event: change\ndata: 1\n\n" if changed else ": quiet\n\n"
            if web.is_draining():
                return
    except RedisError:
        return  # The page asks again by itself.


@bp.post("/graph/<version>/<number>/messages")
def graph_messages(version: str, number: str) -> tuple[Response, int]:
    """What the agent believes to be https://graph.facebook.com/<version>/<phone_number_id>/messages."""
    try:
        known = numbers().get(number)
        every = {each.access_token for each in numbers().values()}
        graph.check_token(request.headers.get("Authorization"), *([known.access_token] if known else every))
        if known is None or not re.fullmatch(r"v\d+\.\d+", version):
            raise graph.unknown_object(number)
        meta.start(_app())
        return jsonify(graph.hear(known, request.get_json(force=True, silent=True))), 200
    except graph.Refused as refusal:
        return jsonify(refusal.as_json()), refusal.status
    except RedisError:
        unavailable = graph.Refused(131016, "(#131016) Service unavailable", status=503)
        return jsonify(unavailable.as_json()), unavailable.status


@bp.get("/graph/<version>/<media>")
def graph_media(version: str, media: str) -> tuple[Response, int]:
    """The first of the two steps in which Meta hands out what a guest sent."""
    try:
        graph.check_token(request.headers.get("Authorization"), *(n.access_token for n in numbers().values()))
        sample = meta.MEDIA.get(media)
        if sample is None:
            raise graph.unknown_object(media)
    except graph.Refused as refusal:
        return jsonify(refusal.as_json()), refusal.status
    return jsonify(
        {
            "messaging_product": "whatsapp",
            "url": f"{settings().own_url}{url_for('.graph_bytes', _version=version, media=media)}",
            "mime_type": sample.mime_type,
            "sha256": sample.digest.hex(),
            "file_size": sample.path.stat().st_size,
            "id": sample.id,
        }
    ), 200


@bp.get("/graph/<_version>/<media>/bytes")
def graph_bytes(_version: str, media: str) -> AnyResponse | tuple[Response, int]:
    """The second step: the bytes, for the same token."""
    try:
        graph.check_token(request.headers.get("Authorization"), *(n.access_token for n in numbers().values()))
    except graph.Refused as refusal:
        return jsonify(refusal.as_json()), refusal.status
    sample = meta.MEDIA.get(media) or abort(404)
    return send_file(sample.path, mimetype=sample.mime_type)


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def _guest_or_404(phone: str) -> Guest:
    return phones.find_guest(phone) or abort(404)


def _number() -> Number:
    """The hotel that the visitor chose; the first one by default."""
    known = numbers()
    if not known:
        abort(404)
    return known.get(request.values.get("hotel", "")) or next(iter(known.values()))


def _back_to(phone: str) -> AnyResponse:
    return redirect(url_for(".show", phone=phone, hotel=_number().id, _anchor="end"), code=303)


def _written(guest: Guest, chat: Chat) -> Bubble | None:
    """The message that the form describes; None when it describes none."""
    new = Bubble(phones.new_wamid(guest.phone, inbound=True), "guest", "text", time.time())
    new = replace(new, quotes=request.form.get("quotes", ""))
    if "choice" in request.form:
        return _chosen(new, chat, request.form["choice"])
    kind = request.form.get("kind", "text")
    if kind == "location":
        return replace(new, kind=kind, place=PLACE)
    if kind in ("image", "audio"):
        return replace(new, kind=kind)
    text = request.form.get("text", "").replace("\r\n", "\n").strip()[:LONGEST_TEXT]
    return replace(new, text=text) if text else None


def _chosen(new: Bubble, chat: Chat, choice: str) -> Bubble | None:
    """A tap on one of the options of a message of the hotel's."""
    question = chat.find(new.quotes)
    if question is None:
        return None
    kind = "list_reply" if question.kind == "list" else "button_reply"
    for option in question.options:
        if option.id == choice:
            return replace(new, kind=kind, choice=choice, text=option.title, footer=option.description)
    return None


@dataclass(frozen=True)
class Line:
    """One row of the list of guests."""

    guest: Guest
    last: Bubble | None
    when: str
    unread: int


@dataclass(frozen=True)
class Shown:
    """One bubble with what the page needs around it."""

    bubble: Bubble
    tick: Tick
    time: str
    day: str | None  # Set where a new day begins.
    quoted: Bubble | None

    @property
    def picture(self) -> str | None:
        """The hotel's picture where it is a file of ours: the browser is told to load no others."""
        return own_file(self.bubble.media) if self.bubble.kind == "image" and self.bubble.by == "hotel" else None


def _page(guest: Guest, *, opened: bool, problems: dict[str, str] | None = None) -> AnyResponse:
    meta.start(_app())
    known = numbers()
    if not known:
        return make_response(_sorry("nobody"), 503)
    number, language = _number(), _language()
    today = datetime.now(number.zone).date()
    chat = Chat(guest.phone, number.id)
    shown = _shown(chat, number, today, language)
    unread = _unread([(each.bubble, each.tick) for each in shown])
    page = make_response(
        render_template(
            "simulator/show.html",
            **_common(language),
            guest=guest,
            number=number,
            numbers=list(known.values()),
            lines=[_line(each, number, today, language) for each in phones.guests()],
            shown=shown,
            unread=unread,
            typing_ms=chat.typing_ms(),
            suggestions=[] if shown else words.suggestions(guest.language, today),
            opened=opened,
            problems=problems or {},
            given=request.form if problems else {},
            hears=settings().hears_replies_itself,
            server=settings().graph_url,
        ),
        400 if problems else 200,
    )
    page.headers["Cache-Control"] = "no-store"
    page.set_cookie(LANGUAGE_COOKIE, language, max_age=phones.WEEK, samesite="Lax", httponly=True)
    return page


def _sorry(what: str) -> str:
    return render_template("simulator/sorry.html", **_common(_language()), what=what)


def _common(language: str) -> dict[str, Any]:
    table = words.WORDS[language]

    def say_in_language(key: str, **values: object) -> str:
        return table[key].format(**values) if values else table[key]

    return {"t": say_in_language, "language": language, "languages": words.LANGUAGES, "styled": styled}


def _language() -> str:
    asked = request.args.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    if asked in words.LANGUAGES:
        return asked
    return request.accept_languages.best_match(list(words.LANGUAGES), "es") or "es"


def _shown(chat: Chat, number: Number, today: date, language: str) -> list[Shown]:
    bubbles = chat.bubbles()
    by_id = {bubble.id: bubble for bubble, _ in bubbles}
    shown, last_day = [], None
    for bubble, tick in bubbles:
        at = datetime.fromtimestamp(bubble.at, UTC).astimezone(number.zone)
        new_day = words.day_name(at.date(), today, language) if at.date() != last_day else None
        last_day = at.date()
        if tick == Tick.SENDING and time.time() - bubble.at > STUCK_SECONDS:
            tick = Tick.FAILED
        shown.append(Shown(bubble, tick, f"{at:%H:%M}", new_day, by_id.get(bubble.quotes)))
    return shown


def _line(guest: Guest, number: Number, today: date, language: str) -> Line:
    bubbles = Chat(guest.phone, number.id).bubbles()
    if not bubbles:
        return Line(guest, None, "", 0)
    last = bubbles[-1][0]
    at = datetime.fromtimestamp(last.at, UTC).astimezone(number.zone)
    when = f"{at:%H:%M}" if at.date() == today else words.day_name(at.date(), today, language)
    return Line(guest, last, when, _unread(bubbles))


def _unread(bubbles: list[tuple[Bubble, Tick]]) -> int:
    return sum(bubble.by == "hotel" and tick < Tick.READ for bubble, tick in bubbles)
