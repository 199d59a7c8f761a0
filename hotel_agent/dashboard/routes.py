"""The front desk's first screen: the list, the thread, the guest; what colleagues do there; and news of all that.

Every action is a plain form that leads back to the conversation. htmx asks for a part of a page by naming it as its
target (`HX-Target`): `list`, `work` (thread and guest), `thread` or `presence`; then only that part is made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response as AnyResponse

from hotel_agent import i18n, live, metrics, queues, web
from hotel_agent.config import settings
from hotel_agent.conversations import (
    canned,
    drafting,
    guest_requests,
    handover,
    holds,
    missing,
    presence,
    tending,
    translating,
    writing,
)
from hotel_agent.conversations.handover import TakenBySomebodyElse
from hotel_agent.dashboard import inbox, wording
from hotel_agent.dashboard import thread as threads
from hotel_agent.dashboard.colleagues import colleagues
from hotel_agent.dashboard.shapes import VIEWS, Bubble, Head, Quote
from hotel_agent.dashboard.stay import card as card_of
from hotel_agent.dashboard.todo import proposal_of, todo_of
from hotel_agent.db import db, done_reading, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.i18n import _
from hotel_agent.staff.access import Me, can, may, me
from workers import nudges

FIRST_PAGES = (("conversations", "dashboard.index"), ("operations", "operations.index"), ("account", "account.show"))
MOST_PAGES = 5
PMS_SECONDS = 5
TRANSLATION_SECONDS = 8
LONGEST_QUERY = 100
BEAT_SECONDS, STREAM_SECONDS = 20.0, 600.0
# So often does a quiet stream look whether its process is to end, and whether the page is still there.
LOOK_SECONDS = 4.0
AFTERNOON, EVENING, MORNING = time(16), time(20), time(9)

# Greater ones are no ids of PostgreSQL's.
LARGEST_ID, LARGEST_SMALL_ID = 2**63 - 1, 2**31 - 1
ONE = f"<int(min=1, max={LARGEST_ID}):conversation_id>"
MESSAGE = f"<int(min=1, max={LARGEST_ID}):message_id>"
DRAFT = f"<int(min=1, max={LARGEST_ID}):draft_id>"
REQUEST = f"<int(min=1, max={LARGEST_ID}):request_id>"
QUESTION = f"<int(min=1, max={LARGEST_ID}):question_id>"

bp = Blueprint("dashboard", __name__)


def init_app(app: Flask) -> None:
    wording.init_app(app)


# Pages


@bp.get("/")
@may("account")
def home() -> AnyResponse:
    """The first page that the role may see."""
    for permission, endpoint in FIRST_PAGES:
        if can(permission) and i18n.has_page(endpoint):
            return redirect(url_for(endpoint), 303)
    raise NoSuchPage


@bp.get("/conversations")
@may("conversations")
def index() -> AnyResponse:
    return _page(None)


@bp.get(f"/conversations/{ONE}")
@may("conversations")
def show(conversation_id: int) -> AnyResponse:
    return _page(conversation_id)


@bp.get(f"/conversations/{ONE}/older")
@may("conversations")
def older(conversation_id: int) -> AnyResponse:
    """What came before the part that is shown."""
    return _page(conversation_id, before=request.args.get("before"))


@bp.get(f"/conversations/{ONE}/replies")
@may("conversations")
def canned_replies(conversation_id: int) -> AnyResponse:
    """The replies kept ready, filled in for this guest."""
    somebody = me()
    head = threads.head(somebody.hotel, conversation_id)
    values = canned.values_for(somebody.hotel, conversation_id, somebody.name)
    replies = [
        {"id": each.id, "shortcut": each.shortcut, "text": text, "missing": missing}
        for each in canned.canned_replies(somebody.hotel.id, head.language)
        for text, missing in [canned.fill(each.body, values)]
    ]
    page = render_template(
        "conversations/canned.html", head=head, replies=replies, partial="HX-Request" in request.headers, here=_here()
    )
    return make_response(page)


# What colleagues do


@bp.post(f"/conversations/{ONE}/takeover")
@may("conversations")
def takeover(conversation_id: int) -> AnyResponse:
    somebody = me()
    return _done(
        conversation_id,
        lambda: handover.take_over(conversation_id, somebody.staff_id, _seen(), hotel_id=somebody.hotel.id),
    )


@bp.post(f"/conversations/{ONE}/giveback")
@may("conversations")
def giveback(conversation_id: int) -> AnyResponse:
    somebody = me()
    return _done(
        conversation_id,
        lambda: handover.give_back(
            conversation_id,
            somebody.staff_id,
            _seen() if "seen" in request.form else handover.ANY,
            hotel_id=somebody.hotel.id,
        ),
        then=nudges.answer,
    )


@bp.post(f"/conversations/{ONE}/messages")
@may("conversations")
def write(conversation_id: int) -> AnyResponse:
    somebody, text, client_id = me(), request.form.get("text", ""), _client_id()

    def say() -> int:
        if "force" not in request.form:
            _nobody_else_writes(somebody, conversation_id)
        return writing.write(
            conversation_id,
            somebody.staff_id,
            text,
            client_id,
            _id(request.form, "quoted"),
            hotel_id=somebody.hotel.id,
        )

    return _done(conversation_id, say, "composer", text=text, client_id=client_id, then=nudges.send)


@bp.post(f"/conversations/{ONE}/template")
@may("conversations")
def write_template(conversation_id: int) -> AnyResponse:
    somebody, client_id = me(), _client_id()
    template_id, values = _id(request.form, "template", LARGEST_SMALL_ID) or 0, request.form.getlist("value")
    return _done(
        conversation_id,
        lambda: writing.write_template(
            conversation_id, somebody.staff_id, template_id, values, client_id, hotel_id=somebody.hotel.id
        ),
        "composer",
        template_id=template_id,
        values=tuple(values),
        then=nudges.send,
    )


@bp.post(f"/conversations/{ONE}/notes")
@may("conversations")
def note(conversation_id: int) -> AnyResponse:
    somebody, text, client_id = me(), request.form.get("note", ""), _client_id()
    return _done(
        conversation_id,
        lambda: writing.note(conversation_id, somebody.staff_id, text, client_id, hotel_id=somebody.hotel.id),
        "note",
        text=text,
    )


@bp.post(f"/conversations/{ONE}/messages/{MESSAGE}/again")
@may("conversations")
def send_again(conversation_id: int, message_id: int) -> AnyResponse:
    somebody = me()
    return _done(
        conversation_id,
        lambda: writing.send_again(message_id, somebody.staff_id, hotel_id=somebody.hotel.id),
        "composer",
        then=nudges.send,
    )


@bp.post(f"/conversations/{ONE}/messages/{MESSAGE}/translate")
@may("conversations")
def translate(conversation_id: int, message_id: int) -> AnyResponse:
    """The message in the reader's language, by a worker: this process asks nobody outside."""
    if not translating.is_configured():
        raise NoSuchPage
    somebody = me()
    translating.words_of(somebody.hotel.id, conversation_id, message_id)
    asked = (somebody.hotel.id, conversation_id, message_id, i18n.language())
    found = queues.ask(queues.API, nudges.TRANSLATE, *asked, wait_seconds=TRANSLATION_SECONDS, first=True)
    told = {"of": message_id, "text": (found or {}).get("text", "")}
    status = 200 if told["text"] else 503
    if "HX-Request" in request.headers:
        return make_response(render_template("conversations/_translation.html", translation=told), status)
    return _page(conversation_id, status, translation=told)


@bp.post(f"/conversations/{ONE}/requests/{REQUEST}/done")
@may("conversations")
def request_done(conversation_id: int, request_id: int) -> AnyResponse:
    """What the guest asked for is done: they are told."""
    somebody = me()
    return _told_or_not(
        conversation_id,
        lambda: guest_requests.close(request_id, somebody.staff_id, hotel_id=somebody.hotel.id),
    )


@bp.post(f"/conversations/{ONE}/questions/{QUESTION}/answer")
@may("conversations")
def answer_question(conversation_id: int, question_id: int) -> AnyResponse:
    """The answer that the agent did not have: the guest is told."""
    somebody, text = me(), request.form.get("text", "")
    return _told_or_not(
        conversation_id,
        lambda: missing.answer(question_id, text, somebody.staff_id, hotel_id=somebody.hotel.id),
        text=text,
    )


@bp.post(f"/conversations/{ONE}/holds/<hold_key>/extend")
@may("reservations")
def extend_hold(conversation_id: int, hold_key: str) -> AnyResponse:
    """Rooms that are kept for the guest, for longer."""
    return _done(
        conversation_id, lambda: _about_hold(conversation_id, hold_key, "extend", f"staff:{_client_id()}"), "card"
    )


@bp.post(f"/conversations/{ONE}/holds/<hold_key>/release")
@may("reservations")
def release_hold(conversation_id: int, hold_key: str) -> AnyResponse:
    """Rooms that are kept for the guest, free for others; the guest hears nothing of it."""
    reason = request.form.get("reason", "")
    return _done(conversation_id, lambda: _about_hold(conversation_id, hold_key, "release", reason), "card")


def _about_hold(conversation_id: int, hold_key: str, verb: str, what: str) -> None:
    """In this process only where the rooms are ours: a hotel's own PMS is asked by a worker, who is waited for."""
    somebody, hotel = me(), me().hotel
    if verb == "release" and not what.strip():
        raise BadInput("reason", _("Say why the room is let go."))
    if hotel.pms == "local":
        by = holds.By(somebody.staff_id, somebody.email)
        work = {"extend": holds.extend, "release": holds.release}[verb]
        told: dict[str, str] | None = holds.outcome(lambda: work(hotel, hold_key, by, what, conversation_id))
    else:
        threads.head(hotel, conversation_id)
        job = {"extend": nudges.EXTEND_HOLD, "release": nudges.RELEASE_HOLD}[verb]
        given = (hotel.id, hold_key, somebody.staff_id, somebody.email, what, conversation_id)
        done_reading()
        told = queues.ask(queues.API, job, *given, wait_seconds=PMS_SECONDS, first=True)
    if told is None:
        raise NobodyKnows
    if told.get("reason") == "unknown":
        raise NotFound("There is no such hold.")
    if told:
        raise BadInput("hold", wording.hold_refusal(told["reason"]))


@bp.post(f"/conversations/{ONE}/drafts/{DRAFT}/approve")
@may("conversations")
def approve_draft(conversation_id: int, draft_id: int) -> AnyResponse:
    """Send what the agent proposes, as it is or in the words that a colleague made of it."""
    somebody, texts = me(), request.form.getlist("text")

    def verb() -> drafting.Settled:
        return drafting.approve(draft_id, somebody.staff_id, hotel_id=somebody.hotel.id, texts=texts or None)

    return _done(conversation_id, verb, "draft", then=nudges.send, values=tuple(texts))


@bp.post(f"/conversations/{ONE}/drafts/{DRAFT}/discard")
@may("conversations")
def discard_draft(conversation_id: int, draft_id: int) -> AnyResponse:
    somebody = me()
    return _done(
        conversation_id,
        lambda: drafting.discard(draft_id, somebody.staff_id, hotel_id=somebody.hotel.id),
        "draft",
    )


def _told_or_not(
    conversation_id: int, verb: Callable[[], guest_requests.Settled | missing.Settled], **typed: Any
) -> AnyResponse:
    """Do it; whether the guest hears of it depends on WhatsApp's window."""
    settled: list[guest_requests.Settled | missing.Settled] = []
    answer = _done(conversation_id, lambda: settled.append(verb()), "card", then=nudges.send, **typed)
    if not settled or settled[0].told or getattr(settled[0], "again", False):
        return answer
    words = _("Done, but the guest was not told: the 24-hour window is closed.")
    return _page(conversation_id, 200, Trouble("card", "untold", words))


@bp.post(f"/conversations/{ONE}/assign")
@may("conversations")
def assign(conversation_id: int) -> AnyResponse:
    somebody, to = me(), _id(request.form, "to", LARGEST_SMALL_ID)
    return _done(
        conversation_id, lambda: tending.assign(conversation_id, somebody.staff_id, to, hotel_id=somebody.hotel.id)
    )


@bp.post(f"/conversations/{ONE}/snooze")
@may("conversations")
def snooze(conversation_id: int) -> AnyResponse:
    somebody = me()
    return _done(
        conversation_id,
        lambda: tending.snooze(conversation_id, somebody.staff_id, _until(somebody), hotel_id=somebody.hotel.id),
    )


@bp.post(f"/conversations/{ONE}/close")
@may("conversations")
def close(conversation_id: int) -> AnyResponse:
    somebody, seen = me(), _id(request.form, "seen")
    return _done(
        conversation_id, lambda: tending.close(conversation_id, somebody.staff_id, seen, hotel_id=somebody.hotel.id)
    )


@bp.post(f"/conversations/{ONE}/reopen")
@may("conversations")
def reopen(conversation_id: int) -> AnyResponse:
    somebody = me()
    return _done(
        conversation_id, lambda: tending.reopen(conversation_id, somebody.staff_id, hotel_id=somebody.hotel.id)
    )


@bp.post(f"/conversations/{ONE}/presence")
@may("conversations")
def write_on(conversation_id: int) -> AnyResponse:
    """A page says now and then that somebody is writing in it, and once that they have stopped."""
    somebody = me()
    threads.head(somebody.hotel, conversation_id)
    is_writing = request.form.get("writing") == "1"
    presence.seen(somebody.hotel.id, conversation_id, somebody.staff_id, somebody.name, is_writing)
    return Response(status=204)


def _seen() -> int | None:
    """Whose the conversation was on the screen."""
    return _id(request.form, "seen", LARGEST_SMALL_ID)


def _id(given: Mapping[str, str], name: str, largest: int = LARGEST_ID) -> int | None:
    """The id of that name; None where there is none, or what cannot be one."""
    value = given.get(name, "")
    is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(largest))
    return int(value) if is_number and int(value) <= largest else None


def _client_id() -> UUID:
    try:
        return UUID(request.form.get("client_id", ""))
    except ValueError:
        raise BadInput("client_id", _("Load the page again.")) from None


def _until(somebody: Me) -> datetime:
    """A moment with its zone, or what a field for date and time holds: then of the hotel's wall clock."""
    try:
        until = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        raise BadInput("until", _("Choose a time in the future, within a year.")) from None
    return until if until.tzinfo else until.replace(tzinfo=somebody.hotel.zone)


class NobodyKnows(Exception):
    """The hotel's PMS, or the worker that asks it, has not answered in time."""


class ColleagueWrites(Exception):
    """Somebody else is writing an answer just now."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _nobody_else_writes(somebody: Me, conversation_id: int) -> None:
    for other in presence.who([conversation_id]).get(conversation_id, []):
        if other.writing and other.staff_id != somebody.staff_id:
            raise ColleagueWrites(other.name)


# After a verb


@dataclass(frozen=True)
class Trouble:
    """Why something was not done, told at its place (head, composer, note, card) with what had been typed.

    `kind`: bad, taken (by a colleague), writing (a colleague is), untold (done, but the guest cannot be told), silent
    (nobody knows yet whether it was done).
    """

    place: str
    kind: str
    words: str
    text: str = ""
    client_id: UUID | None = None
    template_id: int | None = None
    values: tuple[str, ...] = ()


def _done(
    conversation_id: int,
    verb: Callable[[], Any],
    place: str = "head",
    *,
    then: Callable[[int], object] | None = None,
    **typed: Any,
) -> AnyResponse:
    """Do it, and show the conversation; what could not be done is told beside its form."""
    try:
        result = verb()
    except TakenBySomebodyElse as other:
        words = _("%(who)s has just taken this conversation.", who=other.name)
        return _page(conversation_id, 409, Trouble(place, "taken", words, **typed))
    except ColleagueWrites as other:
        words = _("%(who)s is writing. Send anyway?", who=other.name)
        return _page(conversation_id, 409, Trouble(place, "writing", words, **typed))
    except BadInput as bad:
        return _page(conversation_id, 400, Trouble(place, "bad", str(bad), **typed))
    except NobodyKnows:
        words = _("The PMS has not answered yet. What is shown here in a moment is how it stands.")
        return _page(conversation_id, 503, Trouble(place, "silent", words, **typed))
    if then:
        then(conversation_id)
    if "HX-Request" not in request.headers:
        return redirect(url_for(".show", conversation_id=conversation_id) + _here() + "#end", 303)
    answer = _page(conversation_id)
    if place == "composer" and isinstance(result, int):
        answer.headers["X-Message"] = str(result)
    return answer


# Making a page, or a part of it


def _page(
    conversation_id: int | None,
    status: int = 200,
    trouble: Trouble | None = None,
    before: str | None = None,
    translation: Mapping[str, Any] | None = None,
) -> AnyResponse:
    part = _part()
    if part not in (None, "list") and conversation_id is None:
        return Response(status=204)  # No conversation is open: there is no such part.
    given: dict[str, Any] = {"here": _here(), "shown_id": conversation_id, "head": None, "listing": None}
    if part in (None, "list"):
        given |= _list(me())
    if conversation_id and part == "presence":
        given |= _presence(me(), conversation_id)
    elif conversation_id and part != "list":
        given |= _work(me(), conversation_id, trouble, before)
    given["translation"] = translation
    given["screen"] = "guest" if request.args.get("show") == "guest" else "thread" if conversation_id else "list"
    name = f"conversations/_{part}.html" if part else "conversations/show.html"
    return make_response(render_template(name, **given), status)


def _part() -> str | None:
    """The part of the page that htmx will put into its target."""
    target = request.headers.get("HX-Target", "").rpartition("#")[2] if "HX-Request" in request.headers else ""
    return target if target in ("list", "work", "thread", "presence") else None


def _here() -> str:
    """What the addresses of this screen carry with them: the view and the search."""
    kept = i18n.query({"view": request.args.get("view"), "q": request.args.get("q")})
    return f"?{kept}" if kept else ""


def _list(somebody: Me) -> dict[str, Any]:
    view, query = request.args.get("view") or "waiting", request.args.get("q", "")[:LONGEST_QUERY]
    if view not in VIEWS:
        raise NoSuchPage
    after = request.args.get("after")
    listing = inbox.listing(somebody.hotel, somebody.staff_id, view, query, after)
    # A page that had loaded more than the first part asks for as many again.
    for _page_number in range(min(request.args.get("pages", 1, type=int), MOST_PAGES) - 1):
        if not listing.more:
            break
        following = inbox.listing(somebody.hotel, somebody.staff_id, view, query, listing.more)
        listing = inbox.joined(listing, following)
    return {"listing": listing, "after": after}


def _work(somebody: Me, conversation_id: int, trouble: Trouble | None, before: str | None) -> dict[str, Any]:
    hotel = somebody.hotel
    head = threads.head(hotel, conversation_id)
    thread = threads.thread(hotel, conversation_id, before)
    card = card_of(hotel, head.guest_id, i18n.language())
    window = _window(head)
    return {
        **_presence(somebody, conversation_id),
        "head": head,
        "thread": thread,
        "card": card,
        "todo": todo_of(conversation_id),
        "proposal": proposal_of(head),
        "stay": card.current[0] if card.current else None,
        "last_id": max((item.id for item in thread.items if isinstance(item, Bubble)), default=None),
        "before": before,
        "colleagues": colleagues(hotel.id),
        "snoozes": _snoozes(somebody),
        "window": window,
        "templates": _templates(somebody, head) if window != "open" else (),
        "quoted": _quoted(thread.items),
        "typed": trouble.text if trouble and trouble.place == "composer" else _canned_text(somebody, conversation_id),
        "trouble": trouble,
        "translates": translating.is_configured() and head.language != i18n.language(),
        "new_client_id": uuid4(),
        "new_note_id": uuid4(),
    }


def _presence(somebody: Me, conversation_id: int) -> dict[str, Any]:
    there = presence.who([conversation_id]).get(conversation_id, [])
    return {"others": [other for other in there if other.staff_id != somebody.staff_id]}


def _window(head: Head) -> str:
    """Whether the hotel may write freely: open, closed, or never (the guest has not written)."""
    if head.channel != "whatsapp":
        return "open"
    if head.window_closes_at is None:
        return "never"
    return "open" if head.window_closes_at > utcnow() else "closed"


@dataclass(frozen=True)
class Template:
    """One that may be sent, with a place for each thing to fill in and what may well stand there."""

    id: int
    name: str
    language: str
    body: str
    places: tuple[int, ...]
    suggested: tuple[str, ...]


def _templates(somebody: Me, head: Head) -> tuple[Template, ...]:
    first_name = (head.name or "").split(" ")[0]
    return tuple(
        Template(row.id, row.name, row.language, row.body, tuple(places), tuple([first_name] + [""] * len(places)))
        for row in canned.message_templates(somebody.hotel.id, head.language)
        for places in [canned.places_in(row.body)]
    )


def _quoted(items: tuple[Any, ...]) -> Quote | None:
    """The message that `?quote=` says to answer."""
    wanted = _id(request.args, "quote")
    found = next((item for item in items if isinstance(item, Bubble) and item.id == wanted), None)
    return Quote(found.id, found.author, found.text, found.type) if found else None


def _canned_text(somebody: Me, conversation_id: int) -> str:
    """What `?canned=` says to begin with."""
    wanted = _id(request.args, "canned")
    if wanted is None:
        return ""
    head = threads.head(somebody.hotel, conversation_id)
    replies = canned.canned_replies(somebody.hotel.id, head.language)
    body = next((each.body for each in replies if each.id == wanted), "")
    return canned.fill(body, canned.values_for(somebody.hotel, conversation_id, somebody.name))[0]


@dataclass(frozen=True)
class Snooze:
    label: str
    at: datetime


def _snoozes(somebody: Me) -> list[Snooze]:
    """An hour from now, later today, tomorrow morning: by the hotel's clock."""
    now = utcnow().astimezone(somebody.hotel.zone)
    offered = [Snooze(_("For an hour"), now + timedelta(hours=1))]
    for label, at in ((_("This afternoon"), AFTERNOON), (_("This evening"), EVENING)):
        later = now.replace(hour=at.hour, minute=0, second=0, microsecond=0)
        if later > now + timedelta(hours=1):
            offered.append(Snooze(label, later))
            break
    tomorrow = (now + timedelta(days=1)).replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)
    return [*offered, Snooze(_("Until tomorrow morning"), tomorrow)]


# News


@bp.get("/events")
@may("conversations")
def events() -> AnyResponse:
    """Server-sent events of this hotel; who has a conversation open (`?conversation=`) is shown as being there.

    Everything that needs the database is done before the stream begins. Where too many are open already, a page comes
    again by itself.
    """
    if len(live.streams) >= settings().most_streams:
        metrics.requests_shed.labels("streams").inc()
        return web.busy("Too many pages are open.", seconds=10)
    somebody, conversation_id = me(), _id(request.args, "conversation")
    if conversation_id:
        try:
            threads.head(somebody.hotel, conversation_id)
        except NotFound:
            conversation_id = None
    db.session.remove()
    live.listener.start()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(_stream(somebody, conversation_id), mimetype="text/event-stream", headers=headers)


def _stream(somebody: Me, conversation_id: int | None) -> Iterator[str]:
    """`changed` names conversations, `presence` one; `again`: news were missed, fetch everything; `deaf`: none come
    for now; `bye`: signed out. It ends by itself, so that whoever reconnects is asked anew who they are.
    """
    hotel_id, staff_id = somebody.hotel.id, somebody.staff_id
    ends = monotonic() + STREAM_SECONDS * random.uniform(0.9, 1.1)
    beats = 0.0
    with live.streams.opened(live.Stream(hotel_id, staff_id, somebody.session_id)) as stream:
        yield f"retry: {random.randint(800, 2500)}\n\n"
        if not live.listener.hears:
            yield _event("deaf")
        try:
            while monotonic() < ends and not web.is_draining():
                if monotonic() >= beats:
                    beats = monotonic() + BEAT_SECONDS
                    _be_seen(somebody, conversation_id)
                yield ":\n\n"  # Writing is how one notices that nobody reads any more.
                news = stream.wait(min(LOOK_SECONDS, max(0.1, beats - monotonic())))
                if any(each["topic"] == "session_ended" for each in news):
                    yield _event("bye")
                    return
                if any(each["topic"] == "presence" and each["id"] == conversation_id for each in news):
                    _be_seen_still(somebody, conversation_id)
                yield from _told(news)
        finally:
            if conversation_id:
                presence.gone(hotel_id, conversation_id, staff_id)


def _be_seen(somebody: Me, conversation_id: int | None) -> None:
    if conversation_id is None:
        return
    there = presence.who([conversation_id]).get(conversation_id, [])
    is_writing = any(one.writing and one.staff_id == somebody.staff_id for one in there)
    presence.seen(somebody.hotel.id, conversation_id, somebody.staff_id, somebody.name, is_writing)


def _be_seen_still(somebody: Me, conversation_id: int | None) -> None:
    """The page of another tab, or of a moment ago, has said that they are gone."""
    if conversation_id and all(
        one.staff_id != somebody.staff_id for one in presence.who([conversation_id]).get(conversation_id, [])
    ):
        presence.seen(somebody.hotel.id, conversation_id, somebody.staff_id, somebody.name, False)


def _told(news: list[live.News]) -> Iterator[str]:
    topics = {each["topic"] for each in news}
    if topics & {"missed", "deaf"}:
        yield _event("again" if live.listener.hears else "deaf")
    changed = {number for each in news if each["topic"] == "conversations" for number in each["ids"]}
    if changed:
        yield _event("changed", " ".join(map(str, sorted(changed))))
    for number in sorted({each["id"] for each in news if each["topic"] == "presence"}):
        yield _event("presence", str(number))


def _event(name: str, data: str = "1") -> str:
    return f"event: {name}\ndata: {data}\n\n"
