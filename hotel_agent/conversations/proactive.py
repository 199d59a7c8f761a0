"""What the hotel writes by itself around a stay: which message, when, to whom, and why not.

Each kind is sent at most once for a booking, as a template that Meta has approved, by its own flag
(`proactive.<kind>`), by the hotel's clock and never between 21:00 and 9:00. A guest who arrives, or leaves, with
several bookings on one day hears of it once. Each has a time from which it is due and one after which it is not sent
any more: a server that was away sends nothing stale. Whoever books when a message would already have been due has
just heard from us and does not get it.

Consent. The confirmation is the receipt of a contract: only an opt-out stops it. What a guest has to know to check
in belongs to the contract too; but who was asked whether they want such messages and has not said yes does not get
it. Reminders, the word during the stay and the request for a review are a courtesy: they need `consented_at`. An
opt-out stops everything.

Nobody is written to while a colleague has the conversation, while they wait for a person, or in the middle of a talk
with the agent: such a message is tried again as long as it is timely. A hotel without the template gets a line in
the log and the outcome `no_template`, once for each booking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from sqlalchemy import TextClause, select, text
from sqlalchemy.dialects.postgresql import insert

from hotel_agent import metrics
from hotel_agent.channels.whatsapp.limits import OutTemplate, shorten
from hotel_agent.conversations import outbox, unasked, words, writing
from hotel_agent.conversations.acting import in_own_transaction
from hotel_agent.conversations.models import Conversation, Message, MessageTemplate, ProactiveMessage
from hotel_agent.db import db, done_reading, locked, utcnow
from hotel_agent.errors import BadInput
from hotel_agent.flags.switches import is_on, is_on_for_some
from hotel_agent.hotels.models import Hotel
from hotel_agent.logs import get_logger

DAY_BEGINS, DAY_ENDS = time(9), time(21)
# An answer in the chat tells of its own booking within this time.
ANSWERED_WITHIN = timedelta(minutes=10)
# Whoever wrote so lately is in the middle of a talk.
TALKING = timedelta(minutes=2)
LONGEST_NAME = 60
NO_TEMPLATE = "no_template"
TOLD_OF_ANOTHER = "told of another booking of theirs"
# What a guest is called of whom no name is known.
NAMELESS = {"es": "huésped", "en": "guest", "pt": "hóspede"}

log = get_logger(__name__)


@dataclass(frozen=True)
class Kind:
    """`places` are what the template's {{1}}, {{2}}, … stand for, in that order, as `_values` names them.

    It is due `days` after its `anchor` (check_in, check_out or booked) at `at`, and timely until `until` of the day
    that is `spare` days later. `consent` is "", "unless_asked" or "needed".
    """

    template: str
    places: tuple[str, ...]
    anchor: str
    days: int = 0
    at: time = time(10)
    spare: int = 0
    until: time = DAY_ENDS
    statuses: tuple[str, ...] = ("booked",)
    consent: str = "needed"


KINDS: Mapping[str, Kind] = {
    "confirmation": Kind(
        "reserva_confirmada", ("guest", "hotel", "code", "arrival", "departure", "total"), "booked", 1, consent=""
    ),
    "pre_arrival_7": Kind("una_semana_antes", ("guest", "hotel", "arrival", "code"), "check_in", -7, spare=1),
    "pre_arrival_1": Kind("vispera_de_llegada", ("guest", "hotel", "arrival", "check_in"), "check_in", -1),
    "check_in": Kind(
        "informacion_de_llegada",
        ("guest", "hotel", "check_in", "code"),
        "check_in",
        at=DAY_BEGINS,
        until=time(14),
        consent="unless_asked",
    ),
    "in_stay": Kind("durante_la_estancia", ("guest", "hotel"), "check_in", 1, statuses=("booked", "in_house")),
    "review": Kind(
        "como_fue_la_estancia",
        ("guest", "hotel"),
        "check_out",
        1,
        at=time(11),
        spare=2,
        statuses=("booked", "in_house", "departed"),
    ),
}

# Which bookings may be due: by the day that their kind counts from, as the indexes of reservations have them.
_BY_ANCHOR = {
    "booked": "r.check_in >= :last and r.created_at >= :since",
    "check_in": "r.check_in between :first and :last",
    "check_out": """r.check_out between :first and :last
        and daterange(r.check_in, r.check_out) && daterange(cast(:first as date) - 1, cast(:last as date))""",
}


# Whoever arrives, or leaves, with several bookings on one day hears of it once; each booking has a receipt of its own.
_TOLD_OF_ANOTHER = {
    anchor: f"""exists (select from reservations other join proactive_messages told on told.reservation_id = other.id
                where other.guest_id = r.guest_id and other.hotel_id = r.hotel_id and other.id <> r.id
                    and other.{anchor} = r.{anchor} and other.status = any(:statuses)
                    and told.kind = :kind and told.outcome <> '{NO_TEMPLATE}')"""
    for anchor in ("check_in", "check_out")
}


def _question(anchor: str, narrowed: str = "") -> TextClause:
    """Bookings with their guest, the conversation in which they wrote last, and what has become of the message."""
    return text(f"""
        select r.id, r.code, r.guest_id, r.guest_name, r.check_in, r.check_out, r.total, r.currency, r.created_at,
            g.name, g.language, g.opted_out_at, g.consented_at, g.consent_asked_at,
            c.id as conversation_id, c.owner, c.waiting_reasons, c.answer_due_at, c.last_inbound_at, p.outcome,
            exists (select from guest_identities i
                where i.guest_id = g.id and i.kind in ('phone', 'bsuid') and i.retired_at is null) as reachable,
            cast(:kind as text) = 'confirmation' and coalesce((
                select true from conversations told join conversation_events e on e.conversation_id = told.id
                where told.guest_id = g.id and e.kind = 'booked' and e.details ->> 'code' = r.code limit 1), false)
                as told_in_chat,
            {_TOLD_OF_ANOTHER.get(anchor, "false")} as told_of_another
        from reservations r
        join guests g on g.id = r.guest_id
        left join lateral (
            select * from conversations
            where guest_id = g.id and channel = 'whatsapp' and identifier_id is not null
            order by last_inbound_at desc nulls last, id limit 1) c on true
        left join proactive_messages p on p.reservation_id = r.id and p.kind = :kind
        where r.hotel_id = :hotel and r.status = any(:statuses) and {_BY_ANCHOR[anchor]} {narrowed}
        order by r.check_in, r.id
    """)


_QUESTIONS = {anchor: _question(anchor) for anchor in _BY_ANCHOR}
_ONE_MORE_LOOK = {anchor: _question(anchor, "and r.id = :reservation") for anchor in _BY_ANCHOR}


@dataclass(frozen=True)
class Case:
    """A booking that a kind may concern now, and `why_not` if its message is not to be sent."""

    kind: str
    row: Any
    template: MessageTemplate | None
    why_not: str | None

    @property
    def language(self) -> str:
        return self.template.language if self.template else ""


# Verbs


def send_due(now: datetime | None = None) -> list[int]:
    """Queue what is due at all hotels; answers the conversations that have something to send."""
    now = now or utcnow()
    hotels = [hotel for hotel in db.session.scalars(select(Hotel).order_by(Hotel.id)) if any_on(hotel.id)]
    done_reading()
    cases = [(hotel, case) for hotel in hotels for case in due(hotel, now)]
    queued = [_queue_alone(hotel, case, now) for hotel, case in cases]
    return [conversation_id for conversation_id in queued if conversation_id]


def due(hotel: Hotel, now: datetime) -> list[Case]:
    """What is to be sent, or to be noted as never to be sent, now."""
    return [case for case in considered(hotel, now, _kinds_of(hotel)) if case.why_not in (None, NO_TEMPLATE)]


def considered(hotel: Hotel, now: datetime, kinds: Iterable[str] = KINDS) -> list[Case]:
    """Every booking that one of the kinds concerns about now, with the reason why nothing is sent, if any."""
    if not is_day(hotel, now):
        return []
    templates = _templates(hotel)
    cases = [case for kind in kinds for case in _once_a_guest(_cases(hotel, kind, now, templates))]
    done_reading()
    return cases


def _once_a_guest(cases: Iterable[Case]) -> Iterator[Case]:
    """Of several bookings for which a guest would be written to on the same grounds, the first."""
    told: set[tuple[int, date]] = set()
    for case in cases:
        anchor = KINDS[case.kind].anchor
        if case.why_not is None and anchor != "booked":
            grounds = (case.row.guest_id, getattr(case.row, anchor))
            if grounds in told:
                case = replace(case, why_not=TOLD_OF_ANOTHER)
            told.add(grounds)
        yield case


def is_day(hotel: Hotel, now: datetime) -> bool:
    """Whether guests may be written to at this hour."""
    return DAY_BEGINS <= now.astimezone(hotel.zone).time() < DAY_ENDS


def any_on(hotel_id: int) -> bool:
    """Whether the hotel writes anything by itself."""
    return any(is_on_for_some(flag_of(kind), hotel_id) for kind in KINDS)


def flag_of(kind: str) -> str:
    return f"proactive.{kind}"


def review_asked(conversation_id: int, now: datetime) -> int | None:
    """The stay of which we asked what the guest thinks, if that is the last thing that we said to them."""
    last = db.session.scalar(
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == "out",
            Message.status != "cancelled",
            Message.created_at > now - timedelta(days=30),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    told = unasked.about(last) if last else None
    return int(told["reservation"]) if told and told["kind"] == "review" else None


# What concerns whom


def _kinds_of(hotel: Hotel) -> list[str]:
    return [kind for kind in KINDS if is_on_for_some(flag_of(kind), hotel.id)]


def _templates(hotel: Hotel) -> dict[tuple[str, str], MessageTemplate]:
    names = [kind.template for kind in KINDS.values()]
    query = select(MessageTemplate).where(MessageTemplate.hotel_id == hotel.id, MessageTemplate.name.in_(names))
    return {(row.name, row.language): row for row in db.session.scalars(query)}


def _cases(
    hotel: Hotel,
    name: str,
    now: datetime,
    templates: Mapping[tuple[str, str], MessageTemplate],
    reservation_id: int | None = None,
) -> list[Case]:
    kind, today = KINDS[name], now.astimezone(hotel.zone).date()
    last = today if kind.anchor == "booked" else today - timedelta(days=kind.days)
    values = {
        "kind": name,
        "hotel": hotel.id,
        "statuses": list(kind.statuses),
        "first": last - timedelta(days=kind.spare),
        "last": last,
        "since": now - timedelta(days=kind.days),
        "reservation": reservation_id,
    }
    questions = _QUESTIONS if reservation_id is None else _ONE_MORE_LOOK
    rows: Sequence[Any] = db.session.execute(questions[kind.anchor], values).all()
    return [_judged(hotel, name, row, now, templates) for row in rows]


def _judged(
    hotel: Hotel, name: str, row: Any, now: datetime, templates: Mapping[tuple[str, str], MessageTemplate]
) -> Case:
    kind = KINDS[name]
    template = templates.get((kind.template, hotel.answers_in(row.language))) or templates.get(
        (kind.template, hotel.language)
    )
    why_not = _of_the_time(hotel, kind, row, now) or _of_the_guest(hotel, name, row) or _of_the_talk(row, now)
    return Case(name, row, template, why_not or (None if template else NO_TEMPLATE))


def _of_the_time(hotel: Hotel, kind: Kind, row: Any, now: datetime) -> str | None:
    if row.outcome:
        return f"already {row.outcome}"
    if row.told_of_another:
        return TOLD_OF_ANOTHER
    begins, ends = timely(hotel, kind, row)
    if now < begins:
        return "too early"
    if now >= ends:
        return "too late"
    if kind.anchor == "booked":
        return "told in the chat" if row.told_in_chat else None
    if row.created_at > begins:
        return "booked after it was due"
    is_leaving = kind.anchor == "check_in" and row.check_out <= row.check_in + timedelta(days=kind.days)
    return "leaves that day" if is_leaving else None


def timely(hotel: Hotel, kind: Kind, row: Any) -> tuple[datetime, datetime]:
    """From when until when the message may be sent, nights apart."""
    if kind.anchor == "booked":
        arrival = _at(hotel, row.check_in, hotel.check_in_time)
        return row.created_at + ANSWERED_WITHIN, min(row.created_at + timedelta(days=kind.days), arrival)
    day = getattr(row, kind.anchor) + timedelta(days=kind.days)
    return _at(hotel, day, kind.at), _at(hotel, day + timedelta(days=kind.spare), kind.until)


def _at(hotel: Hotel, day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, hotel.zone)


def _of_the_guest(hotel: Hotel, name: str, row: Any) -> str | None:
    consent = KINDS[name].consent
    if not is_on(flag_of(name), hotel.id, row.guest_id):
        return "switched off"
    if row.opted_out_at:
        return "opted out"
    if row.consented_at is None and (consent == "needed" or consent == "unless_asked" and row.consent_asked_at):
        return "no consent"
    return None if row.conversation_id and row.reachable else "not on WhatsApp"


def _of_the_talk(row: Any, now: datetime) -> str | None:
    if row.owner == "staff":
        return "a colleague has the conversation"
    if row.waiting_reasons:
        return "waits for a person"
    wrote_lately = row.last_inbound_at and timedelta(0) <= now - row.last_inbound_at < TALKING
    return "is talking with the agent" if row.answer_due_at or wrote_lately else None


# The one message


def _queue_alone(hotel: Hotel, case: Case, now: datetime) -> int | None:
    """A booking that breaks the program costs the other guests nothing."""
    try:
        return in_own_transaction(partial(_queue, hotel, case, now))
    except Exception:
        log.exception("proactive_failed", hotel=hotel.slug, kind=case.kind, booking=case.row.code)
        return None


def _queue(hotel: Hotel, case: Case, now: datetime) -> int | None:
    """Look once more, now that nobody else writes to the guest, and put the message into the outbox; once."""
    conversation = locked(Conversation, case.row.conversation_id)
    found = _cases(hotel, case.kind, now, _templates(hotel), case.row.id)
    if conversation is None or not found or found[0].row.conversation_id != conversation.id:
        return None
    case = found[0]
    if case.why_not not in (None, NO_TEMPLATE):
        return None
    outgoing = _filled(hotel, case)
    outcome = "queued" if outgoing else NO_TEMPLATE
    noted = _note(hotel, case, outcome)
    if noted is None:
        return None
    metrics.proactive_messages.labels(case.kind, outcome).inc()
    if outgoing is None:
        wanted = KINDS[case.kind].template
        log.warning("proactive_no_template", hotel=hotel.slug, kind=case.kind, template=wanted, booking=case.row.code)
        return None
    rows = outbox.put(conversation, outgoing, author="automatic")
    unasked.mark(rows[0], case.kind, case.row.id, _send_by(hotel, case, now))
    db.session.flush()
    noted.message_id = rows[0].id
    return conversation.id


def _note(hotel: Hotel, case: Case, outcome: str) -> ProactiveMessage | None:
    """The row that says that the booking has had its message; None when there is one already."""
    written = db.session.scalar(
        insert(ProactiveMessage)
        .values(
            hotel_id=hotel.id,
            reservation_id=case.row.id,
            kind=case.kind,
            outcome=outcome,
            conversation_id=case.row.conversation_id,
        )
        .on_conflict_do_nothing(index_elements=["reservation_id", "kind"])
        .returning(ProactiveMessage.id)
    )
    return db.session.get(ProactiveMessage, written) if written else None


def _send_by(hotel: Hotel, case: Case, now: datetime) -> datetime:
    """A number that cannot send for hours must not do it at night, nor when it is too late."""
    tonight = _at(hotel, now.astimezone(hotel.zone).date(), DAY_ENDS)
    return min(timely(hotel, KINDS[case.kind], case.row)[1], tonight)


def _filled(hotel: Hotel, case: Case) -> OutTemplate | None:
    """None where the hotel's template wants other places than ours."""
    if case.template is None:
        return None
    values = _values(hotel, case)
    try:
        return writing.filled(case.template, [values[place] for place in KINDS[case.kind].places])
    except BadInput:
        return None


def _values(hotel: Hotel, case: Case) -> dict[str, str]:
    row, language = case.row, case.language
    spoken = words.spoken_in(language, hotel.country)
    known = next((name for name in ((row.name or "").split(), (row.guest_name or "").split()) if name), None)
    return {
        "guest": shorten(known[0] if known else NAMELESS.get(language, NAMELESS["en"]), LONGEST_NAME),
        "hotel": hotel.name,
        "code": row.code,
        "arrival": words.day(spoken, row.check_in),
        "departure": words.day(spoken, row.check_out),
        "check_in": words.clock(spoken, hotel.check_in_time),
        "total": words.money(spoken, row.total, row.currency),
    }
