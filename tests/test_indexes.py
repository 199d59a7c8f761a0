"""Each hot question is answered by the index meant for it, in a database that is as full as after some months.

PostgreSQL itself tells (auto_explain) by which plans the program's own functions were answered, prepared statements
and functions in PL/pgSQL included. Partitions of tables and of indexes are named as what they are partitions of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, select, text

from hotel_agent import create_app
from hotel_agent.channels.whatsapp.client import GraphClient
from hotel_agent.config import Settings, settings
from hotel_agent.conversations import answering, lapsing, outbox, session, statuses, sweeping, taking_in, tending, turns
from hotel_agent.conversations.models import Conversation, InboundEvent, Session
from hotel_agent.dashboard.guests.directory import directory, whole
from hotel_agent.dashboard.inbox import listing
from hotel_agent.dashboard.search import find, words_of
from hotel_agent.dashboard.stay import card
from hotel_agent.dashboard.thread import thread
from hotel_agent.db import db, utcnow
from hotel_agent.health.figures import ROWS
from hotel_agent.hotels import credentials
from hotel_agent.hotels.demo import load_demo
from hotel_agent.hotels.finding import by_slug, of_number
from hotel_agent.hotels.models import Hotel
from hotel_agent.locks import auditing, holding
from hotel_agent.locks import telling as trail
from hotel_agent.locks.holding import Wanted
from hotel_agent.partitions import make_partitions
from hotel_agent.pms import keeping
from hotel_agent.pms.contract import Stay
from hotel_agent.pms.local import availability, booking
from hotel_agent.reservations.api import listing as reservations
from hotel_agent.staff import accounts
from tests.conversations import bodies
from tests.fakes.graph import Graph
from tests.load import crowd, indexes

pytestmark = pytest.mark.xdist_group("indexes")

CONVERSATIONS, MESSAGES = 2000, 20_000
GRANDE = indexes.Sizes(sessions=30_000, reservations=10_000, rooms=250, tenants=1500, senders=5000)
BODIES = """
    insert into inbound_events (signed_by, processed_at, body) select 'f', now(), repeat('x', 400)::bytea
    from generate_series(1, 10000);
    insert into inbound_events (signed_by, retry_at, body) select 'f', now() + interval '1 day', 'x'
    from generate_series(1, 20);
    update conversations set answer_due_at = now() + interval '1 day' where id % 150 = 0
"""
# As the trigger would have written them, which sleeps while a database is filled.
TRAIL = """
    insert into lock_audit (at, hotel_id, lock_id, hold_key, reservation_id, action, actor, why, after)
    select now() - make_interval(hours => cast(id % 2000 as integer)), hotel_id, id, hold_key, reservation_id, 'held',
        'guest', 'filled in', to_jsonb(l) from reservation_locks l
"""
# What hotels' own PMSs kept in a year: over and cleared, but for some.
AT_A_PMS = """
    insert into pms_holds (hotel_id, guest_id, hold_key, request_key, token, code, status, check_in, check_out, rooms,
        total, late_fee, currency, expires_at, cleared_at, lapse_told_at)
    select hotel_id, id, 'there ' || id, 'asked ' || id, 'ha:' || id, 'THE-' || id,
        case when id % 2 = 0 then 'released' when id % 500 = 1 then 'active' else 'expired' end, current_date - 300,
        current_date - 299, '[]', 95, 0, 'EUR', now() - make_interval(hours => id),
        case when id % 500 <> 1 then now() end, now()
    from guests where hotel_id = (select id from hotels where slug = 'grande')
"""
# A table with fewer rows than this, or a partition, is read as a whole, and rightly so.
MANY = 1000
HOT = (
    "conversation_events", "conversations", "guest_identities", "guests", "inbound_events", "message_ids", "messages",
    "reservation_locks", "reservations", "sessions", "tenant_user_identifiers",
)  # fmt: skip

BLUEPRINT = {
    "idx_sessions_sender_updated": "sessions USING btree (sender_id, last_activity DESC)",
    "idx_locks_resource_status": (
        "reservation_locks USING btree (resource_id, status) WHERE (status = 'active'::text)"
    ),
    "idx_tenant_identifiers_lookup": "tenant_user_identifiers USING btree (identifier_value, channel)",
    "idx_reservations_date_range": "reservations USING gist (daterange(check_in, check_out))",
    "idx_sessions_created_brin": "sessions USING brin (created_at)",
    "idx_sessions_id_hash": "sessions USING hash (id)",
}


@pytest.fixture(scope="module")
def filled(servers, migrated_app) -> Iterator[Flask]:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("drop database if exists indexes with (force)")
        connection.execute("create database indexes")
    base, _, query = servers.database_url.partition("?")
    url = base.rpartition("/")[0] + "/indexes" + (f"?{query}" if query else "")
    app = create_app(Settings.model_validate(settings().model_dump() | {"database_url": url}))
    with app.app_context():
        upgrade()
        make_partitions()
        load_demo()
        accounts.put("ana@miramar.example", miramar().id, "reception", "Ana")
        db.session.execute(text(BODIES.split(";")[0]))
        db.session.commit()
        crowd.fill(url.replace("+psycopg", ""), CONVERSATIONS, MESSAGES)
        for statement in BODIES.split(";")[1:]:
            db.session.execute(text(statement))
        db.session.commit()
        indexes.fill(url.replace("+psycopg", ""), GRANDE)
        db.session.execute(text(TRAIL))
        db.session.execute(text(AT_A_PMS))
        db.session.commit()
        make_partitions()
        db.session.execute(text("analyze lock_audit, pms_holds"))
        db.session.commit()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def tree(filled) -> Iterator[Tree]:
    yield Tree.read()
    db.session.rollback()


@dataclass(frozen=True)
class Tree:
    """Of which table or index each partition is one, and how many rows each table has."""

    parents: Mapping[str, str]
    rows: Mapping[str, int]

    @staticmethod
    def read() -> Tree:
        parents = db.session.execute(
            text("select inhrelid::regclass::text, inhparent::regclass::text from pg_inherits")
        )
        rows = db.session.execute(text("select oid::regclass::text, reltuples from pg_class where relkind = 'r'"))
        tree = Tree(dict(map(tuple, parents)), {name: int(count) for name, count in rows})
        db.session.rollback()
        return tree

    def whole(self, name: str) -> str:
        return self.parents.get(name, name)


@dataclass(frozen=True)
class Plan:
    """How one statement was answered."""

    statement: str
    top: Mapping[str, Any]

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        """Those that were carried out; a partition that turned out not to matter was not."""
        waiting = [self.top]
        while waiting:
            node = waiting.pop()
            if node.get("Actual Loops"):
                yield node
                waiting += node.get("Plans", ())


@contextmanager
def plans() -> Iterator[list[Plan]]:
    """How PostgreSQL answers what is asked of it meanwhile."""
    heard: list[Plan] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        words = notice.message_primary or ""
        if words.startswith("duration: "):
            told = json.loads(words[words.index("{") :])
            heard.append(Plan(" ".join(told["Query Text"].split()), told["Plan"]))

    def explain(connection: Any, *_: object) -> None:
        connection.execute("load 'auto_explain'")
        for name, value in (
            ("log_min_duration", "0"), ("log_level", "notice"), ("log_format", "json"), ("log_analyze", "on"),
            ("log_timing", "off"), ("log_nested_statements", "on"),
        ):  # fmt: skip
            connection.execute(f"set auto_explain.{name} = '{value}'")
        connection.commit()
        connection.add_notice_handler(hear)

    def be_silent(connection: Any, *_: object) -> None:
        connection.remove_notice_handler(hear)
        connection.execute("set auto_explain.log_min_duration = -1")
        connection.commit()

    db.session.rollback()
    event.listen(db.engine, "checkout", explain)
    event.listen(db.engine, "checkin", be_silent)
    try:
        yield heard
        db.session.rollback()
    finally:
        db.session.rollback()
        event.remove(db.engine, "checkout", explain)
        event.remove(db.engine, "checkin", be_silent)


def used(tree: Tree, found: Sequence[Plan]) -> set[str]:
    """The indexes that had a part in it."""
    return {tree.whole(node["Index Name"]) for plan in found for node in plan.nodes() if "Index Name" in node}


def read_as_a_whole(tree: Tree, found: Sequence[Plan]) -> list[tuple[str, str]]:
    """The hot tables and partitions with many rows that were, each with the statement."""
    return [
        (node["Relation Name"], plan.statement)
        for plan in found
        for node in plan.nodes()
        if node["Node Type"] == "Seq Scan"
        and tree.whole(node["Relation Name"]) in HOT
        and tree.rows[node["Relation Name"]] >= MANY
    ]


def partitions_read(tree: Tree, table: str, found: Sequence[Plan]) -> set[str]:
    return {
        node["Relation Name"]
        for plan in found
        for node in plan.nodes()
        if tree.parents.get(node.get("Relation Name", "")) == table
    }


# Who and what is asked about


def miramar() -> Hotel:
    return by_slug("miramar")


@dataclass(frozen=True)
class Cast:
    """Whoever and whatever the questions are about, looked up before they are asked."""

    miramar: Hotel
    grande: Hotel
    ana: int
    number: str
    conversation: Conversation
    talk: int
    booker: int
    code: str
    reservation: int
    hold_key: str
    sender: str
    rooms: tuple[int, ...]

    @staticmethod
    def find() -> Cast:
        grande = by_slug(indexes.SLUG)
        # Of a month that is over: this one's partition may still be small.
        with_session = (
            select(Conversation)
            .where(Conversation.session_created_at < utcnow().replace(day=1, hour=0, minute=0))
            .limit(1)
        )
        rooms = "select array_agg(id) from rooms where hotel_id = :hotel group by room_type_id order by 1 limit 1"
        cast = Cast(
            miramar=miramar(),
            grande=grande,
            ana=accounts.by_email("ana@miramar.example").id,
            number=one("select max(identifier_value) from tenant_user_identifiers"),
            conversation=db.session.scalars(with_session).one(),
            talk=one("select conversation_id from messages group by 1 order by count(*) desc limit 1"),
            booker=one("select guest_id from reservations where hotel_id = :hotel limit 1", hotel=grande.id),
            code=one("select max(code) from reservations where hotel_id = :hotel", hotel=grande.id),
            reservation=one("select max(id) from reservations where hotel_id = :hotel", hotel=grande.id),
            hold_key=one("select max(hold_key) from reservation_locks where hotel_id = :hotel", hotel=grande.id),
            sender=one("select sender_id from sessions limit 1"),
            rooms=tuple(one(rooms, hotel=grande.id)),
        )
        db.session.commit()  # Which leaves the rows readable without asking again.
        return cast


def one(question: str, **values: Any) -> Any:
    return db.session.execute(text(question), values).scalars().first()


def in_days(days: int) -> date:
    return date.today() + timedelta(days=days)


def talks_of_a_sender(cast: Cast) -> None:
    """As whoever looks for a person's talks by their number asks."""
    by_sender = select(Session).where(Session.sender_id == cast.sender)
    db.session.scalars(by_sender.order_by(Session.last_activity.desc()).limit(1)).all()


def stays_of_some_days(cast: Cast) -> None:
    """As whoever lists the stays of some days asks."""
    db.session.execute(
        text(
            "select code from reservations where hotel_id = :hotel"
            " and daterange(check_in, check_out) && daterange(:first, :beyond)"
        ),
        {"hotel": cast.grande.id, "first": in_days(3), "beyond": in_days(5)},
    ).all()


def listing_of(cast: Cast, **wanted: Any) -> None:
    reservations.page(cast.grande, reservations.Wanted(**wanted), None, 50)


def a_hold(cast: Cast) -> None:
    wanted = [Wanted(cast.rooms, Decimal(190), 2, 0)]
    holding.hold(cast.grande.id, in_days(9000), in_days(9002), wanted, cast.booker, "indexes")


def reviews_due(cast: Cast) -> None:
    proactive = pytest.importorskip("hotel_agent.conversations.proactive")
    noon = datetime.combine(cast.grande.today(), time(12), cast.grande.zone)
    proactive.considered(cast.grande, noon, ["review"])


def the_lane(cast: Cast) -> None:
    with GraphClient("http://127.0.0.1:9/v26.0", timeout=1) as graph:
        outbox.deliver(cast.talk, graph)


def next_in_the_lane(cast: Cast) -> None:
    cursor = db.session.connection().connection.cursor()
    cursor.execute(outbox.NEXT_IN_THE_LANE, (utcnow(), utcnow(), cast.talk))


@dataclass(frozen=True)
class Case:
    """A question, the indexes that are meant to answer it, and what it may read as a whole all the same.

    Of `either` PostgreSQL chooses by what it knows of the rows just then: both answer as well.
    """

    ask: Callable[[Cast], object]
    by: set[str]
    either: frozenset[str] = frozenset()
    may_read: frozenset[str] = frozenset()


CLAIMS_OF_NIGHTS = frozenset(["ix_reservation_locks_hotel_nights", "reservation_locks_no_overlap"])
CASES = {
    "the session that a conversation points at": Case(
        lambda cast: session.last_session(cast.conversation), {"idx_sessions_id_hash"}
    ),
    "the talks of a sender": Case(talks_of_a_sender, {"idx_sessions_sender_updated"}),
    "the hotel that has a number": Case(lambda cast: of_number(cast.number), {"idx_tenant_identifiers_lookup"}),
    "a hold": Case(
        a_hold, {"idx_locks_resource_status", "reservation_locks_no_overlap", "ix_reservation_locks_request_key"}
    ),
    "what is free": Case(
        lambda cast: availability.availability(cast.grande, Stay(in_days(3), in_days(5))),
        {"pk_rates"},
        CLAIMS_OF_NIGHTS,
    ),
    "what is free around some days": Case(
        lambda cast: availability.availability_from(cast.grande, in_days(3), in_days(10), 2),
        {"pk_rates"},
        CLAIMS_OF_NIGHTS,
    ),
    "a guest's bookings": Case(
        lambda cast: booking.upcoming(cast.grande, cast.booker, in_days(0)), {"ix_reservations_guest_id"}
    ),
    "a booking by its code": Case(
        lambda cast: booking.read(cast.grande, cast.code), {"uq_reservations_code", "ix_reservation_locks_reservation"}
    ),
    "arrivals, for programs": Case(
        lambda cast: listing_of(cast, arrival_from=in_days(1), arrival_to=in_days(300)),
        {"ix_reservations_hotel_check_in", "pk_reservations", "ix_reservation_locks_reservation"},
    ),
    "reservations of one status, for programs": Case(
        lambda cast: listing_of(cast, statuses=("cancelled",)), {"ix_reservations_hotel_status"}
    ),
    "the newest guests": Case(lambda cast: directory(cast.miramar), {"ix_guests_newest"}),
    "a guest by name": Case(lambda cast: directory(cast.grande, "nunez"), {"ix_guests_name_words"}),
    "a guest by phone": Case(lambda cast: directory(cast.grande, "34600 000 101"), {"ix_guest_identities_digits"}),
    "all about a guest": Case(
        lambda cast: whole(cast.grande, cast.booker, "es"),
        {"pk_guests", "ix_guest_identities_guest_id", "ix_reservations_guest_id"},
    ),
    "a guest's name, for programs": Case(lambda cast: listing_of(cast, guest="nunez"), {"ix_reservations_words"}),
    "what has changed, for programs": Case(
        lambda cast: listing_of(cast, changed_since=utcnow() - timedelta(minutes=1)), {"ix_reservations_hotel_changed"}
    ),
    "the stays of some days": Case(stays_of_some_days, {"idx_reservations_date_range"}),
    "who left lately": Case(reviews_due, {"idx_reservations_date_range"}),
    "holds whose time is over": Case(lambda _: holding.release_expired(), {"ix_reservation_locks_expiry"}),
    "holds at a PMS whose time is over": Case(lambda _: keeping.expire_overdue(), {"ix_pms_holds_uncleared"}),
    "lapses that nobody was told of": Case(
        lambda _: lapsing.tell_lapsed(), {"ix_reservation_locks_lapsed", "ix_pms_holds_lapsed"}
    ),
    "the trail of a hold": Case(lambda cast: trail.of_hold(cast.grande.id, cast.hold_key), {"ix_lock_audit_hold"}),
    "the trail of a booking": Case(
        lambda cast: trail.of_reservation(cast.grande.id, cast.reservation),
        {"ix_lock_audit_reservation", "ix_lock_audit_lock"},
    ),
    "the trail of an hour": Case(
        lambda cast: trail.between(cast.grande.id, utcnow() - timedelta(hours=1), utcnow(), most=50),
        {"ix_lock_audit_hotel"},
    ),
    "answers that are due": Case(
        lambda _: db.session.scalars(sweeping.DUE_ANSWERS).all(), {"ix_conversations_answer_due"}
    ),
    "bodies that wait": Case(lambda _: taking_in.take_in(), {"ix_inbound_events_turns"}),
    "whose answer is next": Case(
        lambda _: db.session.connection().exec_driver_sql(turns.THEIRS, ([2], 1)).all(), {"ix_conversations_answer_due"}
    ),
    "who of a hotel waits longest": Case(
        lambda _: db.session.connection().exec_driver_sql(turns.OURS, (1,)).all(), {"ix_conversations_answer_due"}
    ),
    "what was forgotten": Case(
        lambda _: sweeping.find_forgotten(),
        {"ix_inbound_events_unprocessed", "ix_messages_pending", "ix_messages_outbox", "ix_conversations_answer_due"},
    ),
    "messages that wait for an answer": Case(
        lambda cast: answering.answer_once(cast.talk, only=0), {"pk_conversations", "ix_messages_pending"}
    ),
    "messages that wait to be sent": Case(the_lane, {"ix_messages_outbox"}),
    "what is next in the lane": Case(next_in_the_lane, {"ix_messages_outbox"}),
    "sends without an outcome": Case(lambda _: outbox.overdue_unknown(), {"ix_messages_outbox"}),
    "what was put off": Case(lambda _: tending.wake_snoozed(), {"ix_conversations_snoozed"}),
    "the list of who waits": Case(
        lambda cast: listing(cast.miramar, cast.ana, "waiting"), {"ix_conversations_waiting", "ix_messages_failed"}
    ),
    "Ana's list": Case(lambda cast: listing(cast.miramar, cast.ana, "mine"), {"ix_conversations_assignee"}),
    "the list of all": Case(lambda cast: listing(cast.miramar, cast.ana, "all"), {"ix_conversations_open"}),
    "the agent's list": Case(lambda cast: listing(cast.miramar, cast.ana, "agent"), {"ix_conversations_agent"}),
    "the list of what is closed": Case(
        lambda cast: listing(cast.miramar, cast.ana, "closed"), {"ix_conversations_closed"}
    ),
    "a thread": Case(
        lambda cast: thread(cast.miramar, cast.talk),
        {"ix_messages_conversation", "ix_messages_marks", "ix_conversation_events_conversation"},
    ),
    "a guest's card": Case(
        lambda cast: card(cast.grande, cast.booker, "es"),
        {"ix_reservations_guest_id", "ix_reservation_locks_reservation", "ix_reservation_locks_guest_id"},
    ),
    "words that were said": Case(
        lambda cast: find(cast.miramar, words_of("sauna") or pytest.fail("no words")), {"ix_messages_words"}
    ),
    "the figures": Case(
        lambda _: db.session.execute(ROWS).one(),
        {"ix_inbound_events_unprocessed", "ix_messages_outbox", "ix_reservation_locks_expiry"},
        may_read=frozenset({"tenant_user_identifiers"}),  # How many numbers are stopped; it is asked rarely.
    ),
}


# What a front desk does in an hour, more or less


def an_ordinary_hour(far_end: Graph) -> None:
    """Guests write and are answered, their phones tell so, Ana looks at it all, rooms are held, sweeps pass by."""
    cast = Cast.find()
    with GraphClient(far_end.url, timeout=2.0) as graph:
        for number in range(12):
            wamid = f"wamid.HOUR{number}"
            comes_in(bodies.said("Hola", wamid, phone=f"3460077{number:04}"))
            conversation_id = one("select conversation_id from messages where wamid = :wamid", wamid=wamid)
            answering.answer_once(conversation_id)
            outbox.deliver(conversation_id, graph)
            comes_in(bodies.status(far_end.sent[-1].wamid or "", "delivered"))
            thread(cast.miramar, conversation_id)
            listing(cast.miramar, cast.ana, "all")
            card(cast.grande, cast.booker, "es")
            of_number(cast.number)
            availability.availability(cast.grande, Stay(in_days(3), in_days(5)))
            held = holding.hold(
                cast.grande.id,
                in_days(8000),
                in_days(8001),
                [Wanted(cast.rooms, Decimal(95), 2, 0)],
                cast.booker,
                wamid,
            )
            holding.release(cast.grande.id, held[0].hold_key, auditing.guest(cast.booker), "declined")
            stays_of_some_days(cast)
            talks_of_a_sender(cast)
            for sweep in (sweeping.find_forgotten, tending.wake_snoozed, holding.release_expired):
                sweep()


def comes_in(body: bodies.Json) -> None:
    signed_by = credentials.fingerprint(settings().whatsapp_app_secret or "")
    db.session.add(InboundEvent(body=bodies.raw(body), signed_by=signed_by, received_at=utcnow()))
    db.session.commit()
    assert taking_in.take_in().bodies == 1


def scans() -> dict[str, tuple[int, int]]:
    """By index and as a whole, of each hot table; of those partitions only that have many rows."""
    db.session.remove()
    db.engine.dispose()  # A connection that ends tells what it has counted.
    db.session.execute(text("select pg_sleep(0.2)"))
    rows = db.session.execute(
        text("""
            select coalesce(i.inhparent, s.relid)::regclass::text, sum(s.idx_scan), sum(s.seq_scan)
            from pg_stat_user_tables s
            join pg_class c on c.oid = s.relid and c.reltuples >= :many
            left join pg_inherits i on i.inhrelid = s.relid
            where coalesce(i.inhparent, s.relid)::regclass::text = any(:hot) group by 1
        """),
        {"many": MANY, "hot": list(HOT)},
    ).all()
    db.session.rollback()
    return {table: (int(by_index), int(as_a_whole)) for table, by_index, as_a_whole in rows}


# Tests


def test_the_blueprints_indexes_are_as_it_has_them(app):
    rows = db.session.execute(
        text(
            "select c.relname, pg_get_indexdef(c.oid), i.indisvalid from pg_index i"
            " join pg_class c on c.oid = i.indexrelid where c.relname = any(:names)"
        ),
        {"names": list(BLUEPRINT)},
    ).all()
    assert all(valid for *_, valid in rows)
    assert {name: definition.split(" ON ONLY " if " ON ONLY " in definition else " ON ")[1].removeprefix("public.")
            for name, definition, _ in rows} == BLUEPRINT  # fmt: skip


def test_every_partition_has_the_indexes_of_its_table(app):
    """Also those that were made after the index."""
    missing = db.session.execute(
        text("""
            select partition.inhrelid::regclass::text, whole.indexrelid::regclass::text
            from pg_partitioned_table t
            join pg_index whole on whole.indrelid = t.partrelid
            join pg_inherits partition on partition.inhparent = t.partrelid
            where not exists (
                select from pg_inherits part join pg_index own on own.indexrelid = part.inhrelid and own.indisvalid
                where part.inhparent = whole.indexrelid and own.indrelid = partition.inhrelid)
        """)
    ).all()
    assert missing == []


@pytest.mark.parametrize("name", CASES)
def test_a_hot_question_is_answered_by_its_index(tree, name):
    case, cast = CASES[name], Cast.find()
    with plans() as found:
        case.ask(cast)
    statements = "\n".join(plan.statement for plan in found)
    by = used(tree, found)
    assert by >= case.by, statements
    assert not case.either or by & case.either, statements
    assert [one for one in read_as_a_whole(tree, found) if one[0] not in case.may_read] == []


def test_a_session_is_looked_for_in_its_month_only(tree):
    cast = Cast.find()
    with plans() as found:
        session.last_session(cast.conversation)
    assert partitions_read(tree, "sessions", found) == {f"sessions_{cast.conversation.session_created_at:%Y%m}"}


def test_the_trail_of_an_hour_is_looked_for_in_its_months_only(tree):
    cast = Cast.find()
    with plans() as found:
        trail.between(cast.grande.id, utcnow() - timedelta(hours=1), utcnow(), most=50)
    months = {f"lock_audit_{at:%Y%m}" for at in (utcnow() - timedelta(hours=1), utcnow())}
    assert partitions_read(tree, "lock_audit", found) <= months


def test_a_status_is_written_into_the_month_of_its_message_only(tree):
    """The wamid tells the month."""
    wamid, at = db.session.execute(
        text(
            "select wamid, created_at from messages"
            " where status = 'delivered' and created_at < now() - interval '80 days' order by id desc limit 1"
        )
    ).one()
    hotel_id = miramar().id
    with plans() as found:
        statuses.hear(hotel_id, wamid, "read")
        db.session.commit()
    assert partitions_read(tree, "messages", found) == {f"messages_{at:%Y%m}"}
    assert used(tree, found) >= {"pk_message_ids", "pk_messages"}


def test_sends_that_were_lost_lately_are_not_looked_for_in_months_gone_by(tree):
    cast = Cast.find()
    with plans() as found:
        listing(cast.miramar, cast.ana, "all")
    pinned = [plan for plan in found if plan.statement.startswith("with lost as")]
    lately = {f"messages_{utcnow() - timedelta(days=days):%Y%m}" for days in range(8)}
    failed = {
        node["Relation Name"]
        for plan in pinned
        for node in plan.nodes()
        if tree.whole(node.get("Index Name", "")) == "ix_messages_failed" and "Relation Name" in node
    }
    assert failed
    assert failed <= lately


def test_hot_tables_are_read_by_their_indexes_in_ordinary_work(filled, far_end, echo):
    """As `idx_scan` and `seq_scan` of pg_stat_user_tables tell it afterwards, partition by partition."""
    before = scans()
    an_ordinary_hour(far_end)
    after = scans()
    done = {table: tuple(now - then for now, then in zip(after[table], before[table], strict=True)) for table in after}
    assert {table for table, (by_index, _) in done.items() if by_index} >= set(HOT)
    assert {table: counts for table, counts in done.items() if counts[0] <= counts[1] and any(counts)} == {}
