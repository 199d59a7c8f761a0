"""A guest is erased (GDPR, Article 17): what they wrote, sent and were called is gone from every table.

Asking for it is one transaction: from then on nobody finds the guest, and whoever writes from their phone is somebody
new. A job then goes through the rows in small batches; it may die anywhere and be run again. What stays is a row of
`guests` with a pseudonym, for the bookings that a hotel has to keep; docs/privacy.md says what and why.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from redis.exceptions import ResponseError
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import BaseRegistry, FailedJobRegistry, FinishedJobRegistry
from rq.serializers import JSONSerializer
from sqlalchemy import delete, func, select, text, update

from hotel_agent import live, queues
from hotel_agent.audit.models import AuditEntry
from hotel_agent.audit.recording import record
from hotel_agent.config import settings
from hotel_agent.conversations.acting import in_own_transaction
from hotel_agent.conversations.models import (
    Conversation,
    Feedback,
    GuestRequest,
    InboundEvent,
    Message,
    MissingAnswer,
    WebhookFailure,
)
from hotel_agent.db import db, lock_until_commit, one_at_a_time, utcnow
from hotel_agent.errors import BadInput, NotFound
from hotel_agent.guests.knowing import Identity
from hotel_agent.guests.models import Guest, GuestConsent, GuestIdentity, GuestNote
from hotel_agent.hotels.models import Hotel, HotelIdentifier
from hotel_agent.i18n import _
from hotel_agent.logs import get_logger
from hotel_agent.pms.local.booking import CODE_LETTERS
from hotel_agent.privacy.bodies import Known, without
from hotel_agent.privacy.models import GuestErasure, GuestExport
from hotel_agent.redis import redis
from hotel_agent.simulator import phones

BATCH = 500
# A body that came to us before its message was written down, and clocks that differ.
BEFORE = timedelta(days=2)
# An answer that is being made ends before; else the job comes again.
ANSWER_SECONDS = 30.0
SOME_LETTERS = 4  # Shorter names occur in other people's words.

# All that was ever kept for a guest, here and at a PMS.
HOLDS = """
    select hold_key from reservation_locks where guest_id = :guest
        or reservation_id in (select id from reservations where guest_id = :guest)
    union select hold_key from pms_holds where guest_id = :guest
        or reservation_id in (select id from reservations where guest_id = :guest)
"""

log = get_logger(__name__)


@dataclass(frozen=True)
class Live:
    """A booking that is not over: while there is one, the guest is not erased."""

    code: str
    check_in: date
    check_out: date
    status: str


class Busy(Exception):
    """Something of the guest is at work just now: try again later."""


# Asking


def live_bookings(guest_id: int, hotel: Hotel) -> list[Live]:
    rows = db.session.execute(
        text(
            "select code, check_in, check_out, status from reservations where guest_id = :guest"
            " and status in ('pending', 'booked', 'in_house') and (check_out >= :today or status = 'in_house')"
            " order by check_in, id"
        ),
        {"guest": guest_id, "today": hotel.today()},
    )
    return [Live(*row) for row in rows]


def is_named(guest: Guest, typed: str) -> bool:
    """Whether somebody has typed whom they mean: the guest's name, or their number here."""
    words = " ".join(typed.split()).casefold()
    return words in {" ".join((guest.name or "").split()).casefold(), str(guest.id), f"#{guest.id}"} - {""}


def ask(guest_id: int, staff_id: int | None, *, hotel_id: int) -> int:
    """Let the guest be forgotten; answers the erasure's id, which a job carries out.

    Raises NotFound; BadInput while they have a booking or a room is kept for them, or where they are erased already.
    """
    return in_own_transaction(lambda: _ask(guest_id, staff_id, hotel_id))


def _ask(guest_id: int, staff_id: int | None, hotel_id: int) -> int:
    guest, identities, conversations = _locked(guest_id, hotel_id)
    _check(guest)
    row = GuestErasure(
        hotel_id=hotel_id,
        guest_id=guest_id,
        staff_id=staff_id,
        since=guest.created_at - BEFORE,
        asked_at=func.clock_timestamp(),
        known_as=_known_as(guest, identities, [one.id for one in conversations]),
    )
    db.session.add(row)
    _forget_who(guest)
    _silence(conversations)
    record("guest_erased", str(guest_id), hotel_id=hotel_id)
    db.session.flush()
    return row.id


def _locked(guest_id: int, hotel_id: int) -> tuple[Guest, list[Any], list[Conversation]]:
    """The guest, by what they are known, and their conversations, so that nobody adds to it until the end."""
    names = select(GuestIdentity.kind, GuestIdentity.value, GuestIdentity.wire).where(
        GuestIdentity.guest_id == guest_id
    )
    talks = select(Conversation).where(Conversation.guest_id == guest_id).order_by(Conversation.id)
    while True:
        identities = db.session.execute(names).all()
        lock_until_commit(Identity(*row).key(hotel_id) for row in identities)
        conversations = list(db.session.scalars(talks.with_for_update().execution_options(populate_existing=True)))
        guest = db.session.scalar(
            select(Guest)
            .where(Guest.id == guest_id, Guest.hotel_id == hotel_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if guest is None:
            raise NotFound("There is no such guest.")
        # Whoever was ahead of us may have joined somebody to the guest, or begun a conversation, while we waited.
        if set(db.session.execute(names)) == set(identities) and list(db.session.scalars(talks)) == conversations:
            return guest, list(identities), conversations


def _check(guest: Guest) -> None:
    if guest.erased_at is not None:
        raise BadInput("guest", _("This guest has been erased."))
    hotel = db.session.get_one(Hotel, guest.hotel_id)
    if live_bookings(guest.id, hotel):
        raise BadInput("guest", _("This guest has a booking that is not over: cancel it first, or wait for its end."))
    held = text(
        "select exists (select from reservation_locks where guest_id = :guest and status = 'active'"
        " and expires_at > clock_timestamp()) or exists (select from pms_holds where guest_id = :guest"
        " and status in ('asked', 'active') and expires_at > clock_timestamp()) or exists (select from pms_writes"
        " where (guest_id = :guest or reservation_id in (select id from reservations where guest_id = :guest))"
        " and state in ('asked', 'unknown'))"
    )
    if db.session.scalar(held, {"guest": guest.id}):
        raise BadInput("guest", _("A room is being kept or booked for this guest just now. Try again in some minutes."))


def _known_as(guest: Guest, identities: Iterable[Any], conversations: list[int]) -> dict[str, Any]:
    booked = db.session.execute(
        text("select code, guest_name from reservations where guest_id = :guest"), {"guest": guest.id}
    ).all()
    names = {guest.name, *(row.guest_name for row in booked)}
    return {
        "names": sorted(name for name in names if name and len(name) >= SOME_LETTERS),
        "ids": sorted({value for row in identities for value in (row.value, row.wire)}),
        "codes": sorted(row.code for row in booked),
        "conversations": conversations,
    }


def _forget_who(guest: Guest) -> None:
    """Whoever writes from their phone from now on is somebody new."""
    db.session.execute(delete(GuestIdentity).where(GuestIdentity.guest_id == guest.id))
    guest.erased_at = utcnow()
    guest.name, guest.name_at = pseudonym(), None
    guest.language, guest.vip, guest.preferences, guest.usual_party = None, False, [], {}
    guest.opted_out_at = guest.consented_at = guest.consent_asked_at = None


def pseudonym() -> str:
    """By chance, so that nothing leads back from it."""
    return "G-" + "".join(secrets.choice(CODE_LETTERS) for _letter in range(6))


def _silence(conversations: Iterable[Conversation]) -> None:
    """Nothing more is answered or sent, and no list tells of it."""
    for conversation in conversations:
        conversation.status, conversation.owner, conversation.closed_at = "closed", "agent", utcnow()
        conversation.waiting_since = conversation.waiting_reason = conversation.snoozed_until = None
        conversation.waiting_reasons, conversation.urgent, conversation.assignee_id = [], False, None
        conversation.answer_due_at = conversation.last_inbound_at = conversation.reached_by = None
        conversation.last_message_text, conversation.last_message_type, conversation.last_message_author = (
            "",
            None,
            None,
        )
        of_it = Message.conversation_id == conversation.id
        db.session.execute(update(Message).where(of_it, Message.status == "queued").values(status="cancelled"))
        db.session.execute(update(Message).where(of_it, Message.handling == "pending").values(handling="none"))


# Doing


def carry_out(erasure_id: int) -> None:
    """Erase, going on where an earlier run has ended. Raises Busy where an answer is being made just now."""
    with one_at_a_time("guest_erasure", erasure_id) as mine:
        row = db.session.get(GuestErasure, erasure_id, populate_existing=True) if mine else None
        if row is None or row.done_at is not None:
            db.session.rollback()
            return
        row.attempts += 1
        db.session.commit()
        for step in (
            _count,
            _learn_wamids,
            _bodies,
            _failures,
            _conversations,
            _bookings,
            _trail,
            _programs,
            _in_valkey,
        ):
            step(row)
        _bodies(row)  # Those that came meanwhile tell of the same messages.
        _audit(row)
        _close(row)
        log.info("guest_erased", guest=row.guest_id, erasure=row.id)


def unfinished() -> list[int]:
    query = select(GuestErasure.id).where(GuestErasure.done_at.is_(None)).order_by(GuestErasure.id)
    found = list(db.session.scalars(query))
    db.session.rollback()
    return found


def erasure_of(guest_id: int) -> GuestErasure | None:
    return db.session.scalar(
        select(GuestErasure)
        .where(GuestErasure.guest_id == guest_id)
        .order_by(GuestErasure.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _count(row: GuestErasure) -> None:
    if row.total:
        return
    bodies = db.session.scalar(
        select(func.count()).select_from(InboundEvent).where(InboundEvent.received_at >= row.since)
    )
    said = db.session.scalar(
        select(func.count()).select_from(Message).where(Message.conversation_id.in_(row.known_as["conversations"]))
    )
    row.total = (bodies or 0) + (said or 0) + 1
    db.session.commit()


def _learn_wamids(row: GuestErasure) -> None:
    """While the messages are still there to tell them."""
    if "wamids" in row.known_as:
        return
    query = select(Message.wamid).where(
        Message.conversation_id.in_(row.known_as["conversations"]), Message.wamid.is_not(None)
    )
    row.known_as = {**row.known_as, "wamids": sorted(set(db.session.scalars(query)))}
    db.session.commit()


def _bodies(row: GuestErasure) -> None:
    """Cut the guest out of what Meta has delivered. What came after the guest was forgotten is of somebody new,
    but for what tells of the old messages."""
    known = _known(row)
    late = replace(known, names=frozenset())
    while True:
        events = db.session.execute(
            select(InboundEvent.id, InboundEvent.received_at, InboundEvent.body)
            .where(InboundEvent.id > row.last_body, InboundEvent.received_at >= row.since)
            .order_by(InboundEvent.id)
            .limit(BATCH)
        ).all()
        if not events:
            db.session.rollback()
            return
        for event in events:
            whose = known if event.received_at <= row.asked_at else late
            if whose.may_be_in(event.body):
                _cut_event((event.id, event.received_at), whose)
        row.last_body, row.done = events[-1].id, row.done + len(events)
        db.session.commit()


def _cut_event(key: tuple[int, datetime], known: Known) -> None:
    event = db.session.get(InboundEvent, key, with_for_update=True, populate_existing=True)
    if event is None:
        return
    left = without(event.body, known)
    if left is None:
        db.session.delete(event)
    elif left != event.body:
        event.body = left


def _failures(row: GuestErasure) -> None:
    """What could not be taken in has the same bodies, once more."""
    known = _known(row)
    query = select(WebhookFailure.id, WebhookFailure.body, WebhookFailure.detail).where(
        WebhookFailure.created_at >= row.since
    )
    for failure_id, body, detail in db.session.execute(query.execution_options(yield_per=BATCH)).all():
        if not known.may_be_in(body) and not any(one in detail for one in (*known.names, *known.wamids)):
            continue
        left = without(body, known)
        if left is None:
            db.session.execute(delete(WebhookFailure).where(WebhookFailure.id == failure_id))
        elif left != body:
            values = {"body": left, "detail": ""}
            db.session.execute(update(WebhookFailure).where(WebhookFailure.id == failure_id).values(values))
    db.session.commit()


def _bookings(row: GuestErasure) -> None:
    """The law wants the bookings, not who slept there: a pseudonym joins those of one guest."""
    name = db.session.get_one(Guest, row.guest_id).name
    values = {"guest": row.guest_id, "name": name}
    db.session.execute(text("update reservations set guest_name = :name where guest_id = :guest"), values)
    for version in ("before", "after"):
        db.session.execute(
            text(
                f"update reservation_changes c"
                f" set {version} = jsonb_set({version}, '{{guest_name}}', to_jsonb(cast(:name as text)))"
                f" from reservations r where r.id = c.reservation_id and r.guest_id = :guest"
                f" and {version} ? 'guest_name'"
            ),
            values,
        )
    db.session.execute(
        text(
            "update pms_writes set payload = '{}', why = '' where guest_id = :guest"
            " or reservation_id in (select id from reservations where guest_id = :guest)"
        ),
        values,
    )
    db.session.commit()


def _trail(row: GuestErasure) -> None:
    """Who did what with the guest's rooms stays; why a colleague did is in the colleague's words."""
    values = {"guest": row.guest_id, "hotel": row.hotel_id, "codes": row.known_as["codes"]}
    db.session.execute(text("select set_config('hotel_agent.erasing', 'yes', true)"))
    db.session.execute(
        text(
            f"update lock_audit set why = '' where hotel_id = :hotel and actor = 'staff' and why <> ''"
            f" and hold_key in ({HOLDS})"
        ),
        values,
    )
    db.session.execute(
        text(
            f"update audit_log set details = details - 'reason' where hotel_id = :hotel and details ? 'reason'"
            f" and (subject = any(:codes) or subject in ({HOLDS}))"
        ),
        values,
    )
    db.session.commit()


def _programs(row: GuestErasure) -> None:
    """What programs have asked for is kept for two days, with the words that they used."""
    asked = db.session.execute(
        text("select id, guest_id, code, asked, answer from api_requests where hotel_id = :hotel"),
        {"hotel": row.hotel_id},
    ).all()
    known, codes = _known(row), set(row.known_as["codes"])
    theirs = [
        one.id
        for one in asked
        if one.guest_id == row.guest_id
        or one.code in codes
        or (one.answer or {}).get("code") in codes
        or known.may_be_in(json.dumps(one.asked).encode())
        or any(re.sub(r"\D", "", leaf) in known.names for leaf in _leaves(one.asked))
    ]
    db.session.execute(text("delete from api_requests where id = any(:ids)"), {"ids": theirs})
    db.session.commit()


def _leaves(value: Any) -> Iterator[str]:
    """Every string in it: a phone may have been written in groups."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str):
        yield value


def _conversations(row: GuestErasure) -> None:
    """Messages in small steps; what else belongs to a conversation goes with it."""
    for conversation_id in row.known_as["conversations"]:
        with one_at_a_time("conversation", conversation_id, wait_seconds=ANSWER_SECONDS) as mine:
            if not mine:
                raise Busy(f"conversation {conversation_id}")
            while deleted := _some_messages(conversation_id):
                row.done += deleted
                db.session.commit()
            db.session.execute(delete(Conversation).where(Conversation.id == conversation_id))
            live.conversation_changed(row.hotel_id, conversation_id)
            db.session.commit()
    for table in ("message_ids", "early_statuses"):
        db.session.execute(
            text(f"delete from {table} where hotel_id = :hotel and wamid = any(:wamids)"),
            {"hotel": row.hotel_id, "wamids": row.known_as["wamids"]},
        )
    for model in (GuestNote, GuestConsent, GuestExport, GuestRequest, MissingAnswer, Feedback):
        db.session.execute(delete(model).where(model.guest_id == row.guest_id))
    db.session.commit()


def _some_messages(conversation_id: int) -> int:
    some = select(Message.id).where(Message.conversation_id == conversation_id).order_by(Message.id).limit(BATCH)
    ids = list(db.session.scalars(some))
    if ids:
        db.session.execute(text("delete from media where message_id = any(:ids)"), {"ids": ids})
        db.session.execute(delete(Message).where(Message.conversation_id == conversation_id, Message.id.in_(ids)))
    return len(ids)


def _audit(row: GuestErasure) -> None:
    """Who did what stays; a name or a number that stands in it does not."""
    name = str(db.session.get_one(Guest, row.guest_id).name)
    words = [*row.known_as["ids"], *row.known_as["names"]]
    query = select(AuditEntry).where(AuditEntry.hotel_id == row.hotel_id, AuditEntry.at >= row.since)
    for entry in db.session.scalars(query.execution_options(yield_per=BATCH)):
        subject, details = _told(entry.subject, words, name), _told(entry.details, words, name)
        if (subject, details) != (entry.subject, entry.details):
            entry.subject, entry.details = subject, details
    db.session.commit()


def _told(value: Any, words: Iterable[str], name: str) -> Any:
    if isinstance(value, dict):
        return {key: _told(inner, words, name) for key, inner in value.items()}
    if isinstance(value, list):
        return [_told(inner, words, name) for inner in value]
    if isinstance(value, str) and any(word in value for word in words):
        return name
    return value


def _close(row: GuestErasure) -> None:
    """From here on nobody knows whom it was about."""
    row.known_as, row.done, row.done_at = {}, row.total, utcnow()
    db.session.commit()


def _known(row: GuestErasure) -> Known:
    query = select(HotelIdentifier.identifier_value).where(HotelIdentifier.hotel_id != row.hotel_id)
    numbers = frozenset(db.session.scalars(query))
    return Known(frozenset(row.known_as["ids"]), frozenset(row.known_as["wamids"]), numbers)


# Valkey: what may vanish at any moment, and mostly has


def _in_valkey(row: GuestErasure) -> None:
    conversations = row.known_as["conversations"]
    names = ("presence:{}", "nudge:answer:{}", "nudge:send:{}")
    keys = [name.format(conversation) for conversation in conversations for name in names]
    if keys:
        redis().delete(*keys)
    _forget_jobs({*conversations}, [*row.known_as["ids"], *row.known_as["names"]])
    if settings().is_demo:  # There the guests' phones are in the same Valkey.
        query = select(HotelIdentifier.identifier_value).where(HotelIdentifier.hotel_id == row.hotel_id)
        for number in db.session.scalars(query).all():
            for identity in row.known_as["ids"]:
                phones.Chat(identity, number).forget()
    _write_files_anew()


def _write_files_anew() -> None:
    """A log of commands tells what was deleted from its keys until then."""
    try:
        if redis().info("persistence").get("aof_enabled"):
            redis().bgrewriteaof()
    except ResponseError as error:  # Under way already, or not ours to ask for.
        log.info("valkey_files_not_written", error=type(error).__name__)


def _forget_jobs(conversations: set[int], words: list[str]) -> None:
    """Of those about the guest, what RQ keeps: what they were given, what they found, what went wrong."""
    registries: tuple[Callable[..., BaseRegistry], ...] = (FailedJobRegistry, FinishedJobRegistry)
    for name in queues.ALL:
        for registry in registries:
            kept = registry(queue=queues.queue(name))
            for job_id in kept.get_job_ids():
                _forget_job(job_id, conversations, words)


def _forget_job(job_id: str, conversations: set[int], words: list[str]) -> None:
    try:
        job = Job.fetch(job_id, connection=redis(), serializer=JSONSerializer)
    except NoSuchJobError:
        return
    is_one = job.func_name in ("workers.messages.answer", "workers.messages.send") and set(job.args) & conversations
    # What became of one message is told to whoever asked by the API, and kept for half a minute.
    if is_one or job.func_name == "workers.messages.process" or _names_them(job, words):
        job.delete()


def _names_them(job: Job, words: Iterable[str]) -> bool:
    last = job.latest_result()
    told = str([job.args, job.kwargs, last and (last.return_value, last.exc_string)])
    return any(word in told for word in words)
