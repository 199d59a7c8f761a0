"""Fetching what guests sent: claim rows, ask Meta without a transaction, write what came of it.

A row is `waiting` until it is `stored` or `failed`; a claim is only a later `next_attempt_at`, so that whoever dies
with it loses some minutes. Rows whose trouble passes (the network, Meta, credentials) wait as long as Meta keeps
the file. Reasons of failure: gone, too_large, broken, no_token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import func, select, update

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.client import ForeignAddress, GraphClient, NotSent, Refused, TooLarge
from hotel_agent.channels.whatsapp.errors import ErrorClass
from hotel_agent.conversations.models import Conversation
from hotel_agent.db import db, glance, locked, one_at_a_time, utcnow, with_retry
from hotel_agent.errors import NotFound
from hotel_agent.hotels import credentials
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.logs import get_logger
from hotel_agent.media.kinds import kind_of
from hotel_agent.media.models import Media
from hotel_agent.media.playing import Playing, make_playable

LARGEST = 16 * 1024 * 1024
# So many at once: one that is slow holds up no other for long, and not too many are in memory.
TOGETHER = 3
# Guests who wait for an answer come before the rest: after this a turn ends, and the next one waits in its queue.
TURN_SECONDS = 15.0
LEASE = timedelta(seconds=150)
KEPT_BY_META = timedelta(days=7)
LONGEST_PAUSE = 3600.0
WITHOUT_CREDENTIALS = timedelta(seconds=60)
# The hotel's or Meta's administrators have something to mend, and the file is there all the while.
_TO_BE_MENDED = (ErrorClass.AUTH, ErrorClass.QUALITY, ErrorClass.BILLING)

log = get_logger(__name__)


@dataclass(frozen=True)
class Ticket:
    """One file to be fetched; no row is held meanwhile."""

    media_id: int
    graph_id: str
    token: str
    told_type: str
    attempts: int
    created_at: datetime


@dataclass(frozen=True)
class Fetched:
    content: bytes
    mime_type: str
    playing: Playing


@dataclass(frozen=True)
class Later:
    reason: str
    pause: timedelta


@dataclass(frozen=True)
class Never:
    reason: str


Outcome = Fetched | Later | Never


def fetch_due(graph: GraphClient) -> bool:
    """Fetch what is due, unless another process is at it. True when this turn ended before everything was tried."""
    until = monotonic() + TURN_SECONDS
    while True:
        with one_at_a_time("media", 0) as mine:
            if not mine:
                return False
            while monotonic() < until and (tickets := with_retry(_claim)) is not None:
                _fetch(tickets, graph)
        if not something_due():
            return False  # Else it came while the lock was ours, and whoever was told of it has left it to us.
        if monotonic() >= until:
            return True


def something_due() -> bool:
    row = glance("select exists (select from media where status = 'waiting' and next_attempt_at <= now())")
    return bool(row and row[0])


def try_again(media_id: int, hotel_id: int) -> int:
    """Staff want what could not be fetched after all; answers its conversation. Raises NotFound."""
    media = locked(Media, media_id)
    if media is None or media.hotel_id != hotel_id:
        db.session.rollback()
        raise NotFound
    if media.status not in ("stored", "forgotten"):
        media.status, media.error = "waiting", None
        media.attempts, media.next_attempt_at = 0, utcnow()
    db.session.commit()
    return media.conversation_id


# Claiming


def _claim() -> list[Ticket] | None:
    """The next ones, ours for a while; those that cannot be asked for now are put off. None when nothing is due."""
    due = (
        select(Media.id)
        .where(Media.status == "waiting", Media.next_attempt_at <= func.now())
        .order_by(Media.next_attempt_at)
        .limit(TOGETHER)
        .with_for_update(skip_locked=True)
    )
    claimed = db.session.scalars(
        update(Media)
        .where(Media.id.in_(due.scalar_subquery()))
        .values(next_attempt_at=utcnow() + LEASE, attempts=Media.attempts + 1)
        .returning(Media.id)
        .execution_options(synchronize_session=False)
    ).all()
    tickets = [ticket for media_id in claimed if (ticket := _ticket(media_id))]
    db.session.commit()
    return tickets if claimed else None


def _ticket(media_id: int) -> Ticket | None:
    """None while the hotel has no credentials that work."""
    media, hotel, identifier = db.session.execute(
        select(Media, Hotel, HotelIdentifier)
        .join(Hotel, Hotel.id == Media.hotel_id)
        .join(Conversation, Conversation.id == Media.conversation_id)
        .outerjoin(HotelIdentifier, HotelIdentifier.id == Conversation.identifier_id)
        .where(Media.id == media_id)
        .execution_options(populate_existing=True)
    ).one()
    token = credentials.access_token_of(hotel)
    if token is None:
        _write(media, Never("no_token"))
        return None
    if identifier and identifier.stopped_at and identifier.stopped_token == credentials.fingerprint(token):
        _write(media, Later("no_token", _with_jitter(WITHOUT_CREDENTIALS)))
        return None
    return Ticket(media.id, media.graph_id, token, media.mime_type, media.attempts, media.created_at)


# On the wire


def _fetch(tickets: list[Ticket], graph: GraphClient) -> None:
    """All at once; each is written as soon as it is here."""
    if not tickets:
        return
    with ThreadPoolExecutor(len(tickets), thread_name_prefix="media") as pool:
        asked = {pool.submit(_bring, ticket, graph): ticket for ticket in tickets}
        for done in as_completed(asked):
            _settle(asked[done], done.result())


def _bring(ticket: Ticket, graph: GraphClient) -> Outcome:
    try:
        return _ask_meta(ticket, graph)
    except NotSent as trouble:
        return Later(trouble.reason, _backoff(ticket.attempts))
    except Refused as refusal:
        return _refused(ticket, refusal)
    except TooLarge:
        return Never("too_large")
    except ForeignAddress:
        log.error("media_at_foreign_address", media=ticket.media_id)
        return Never("broken")
    except Exception:
        # One that nobody foresaw must cost the others nothing.
        log.exception("media_not_fetched", media=ticket.media_id)
        return Later("error", _backoff(ticket.attempts))


def _ask_meta(ticket: Ticket, graph: GraphClient) -> Fetched | Never:
    place = graph.media(ticket.graph_id, ticket.token)
    if place.size is not None and place.size > LARGEST:
        return Never("too_large")
    try:
        content = graph.download(place.url, ticket.token, LARGEST)
    except Refused as refusal:
        if refusal.http_status not in (401, 403, 404, 410):
            raise
        place = graph.media(ticket.graph_id, ticket.token)  # Addresses live five minutes: Meta gives a new one.
        content = graph.download(place.url, ticket.token, LARGEST)
    if not content or (place.sha256 and not _is_hash_of(place.sha256, content)):
        log.warning("media_broken", media=ticket.media_id, size=len(content))
        return Never("broken")
    kind = kind_of(content, place.mime_type or ticket.told_type)
    return Fetched(content, kind, make_playable(content, kind))


def _is_hash_of(told: str, content: bytes) -> bool:
    """Meta writes SHA-256 in hexadecimal here and in base64 there."""
    digest = hashlib.sha256(content).digest()
    if told.lower() == digest.hex():
        return True
    try:
        return base64.b64decode(told, validate=True) == digest
    except (binascii.Error, ValueError):
        return False


def _refused(ticket: Ticket, refusal: Refused) -> Later | Never:
    kind = refusal.error_class
    if kind in _TO_BE_MENDED:
        return Later("no_token", _with_jitter(max(WITHOUT_CREDENTIALS, _backoff(ticket.attempts))))
    if kind.worth_retrying or kind in (ErrorClass.MEDIA, ErrorClass.UNKNOWN_CODE):
        told = timedelta(seconds=min(refusal.retry_after or 0, LONGEST_PAUSE))
        return Later(str(kind), max(told, _backoff(ticket.attempts)))
    return Never("gone")


def _backoff(attempts: int) -> timedelta:
    """Two seconds doubled each time, up to an hour, with jitter."""
    return _with_jitter(timedelta(seconds=min(LONGEST_PAUSE, 2.0 * 2 ** min(attempts - 1, 12))))


def _with_jitter(pause: timedelta) -> timedelta:
    return pause * random.uniform(0.75, 1.25)


# What came of it


def _settle(ticket: Ticket, outcome: Outcome) -> None:
    with_retry(lambda: _write_outcome(ticket, outcome))


def _write_outcome(ticket: Ticket, outcome: Outcome) -> None:
    media = locked(Media, ticket.media_id)
    if media is not None and media.status == "waiting":
        _write(media, outcome)
    db.session.commit()
    if media is not None:  # Its bytes are of no more use here.
        db.session.expunge(media)


def _write(media: Media, outcome: Outcome) -> None:
    if isinstance(outcome, Later) and utcnow() + outcome.pause > media.created_at + KEPT_BY_META:
        outcome = Never("gone")
    match outcome:
        case Fetched(content, mime_type, playing):
            media.status, media.content, media.mime_type, media.size = "stored", content, mime_type, len(content)
            media.seconds, media.error = playing.seconds, playing.error
            media.playable, media.playable_type = playing.playable, playing.playable_type
        case Later(reason, pause):
            _put_off(media.id, reason, pause)
        case Never(reason):
            media.status, media.error = "failed", reason
    metrics.media_fetches.labels(_label(outcome)).inc()


def _label(outcome: Outcome) -> str:
    match outcome:
        case Fetched(playing=playing):
            return "unplayable" if playing.error else "stored"
        case Later():
            return "again"
        case Never(reason):
            return reason


def _put_off(media_id: int, reason: str, pause: timedelta) -> None:
    """Not by the row's object: that nothing has changed for whoever looks at it is no news."""
    later = update(Media).where(Media.id == media_id).values(error=reason, next_attempt_at=utcnow() + pause)
    db.session.execute(later, execution_options={"synchronize_session": False})
