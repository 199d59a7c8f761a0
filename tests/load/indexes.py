"""The blueprint's six indexes among a million sessions and 200,000 bookings: what each is worth, and what it weighs.

`fill` makes a large hotel, `grande`, in a migrated database: rooms with years of stays, guests with months of
sessions, and the numbers of thousands of other hotels. The same numbers give the same hotel.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any, LiteralString

import psycopg

from tests.load.crowd import TOOLS

SLUG = "grande"
SESSIONS, RESERVATIONS = 1_000_000, 200_000
ROOMS, TENANTS, SENDERS = 500, 20_000, 50_000
# Sessions begin in this month and the two before; stays lie around today, most of them over.
MONTHS, PAST = 3, 0.8
NIGHTS_EACH = 3
# So many answers until PostgreSQL keeps the plan of a prepared statement.
WARM_UP, TIMES_WITH, TIMES_WITHOUT = 12, 60, 9

Figures = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    sessions: int = SESSIONS
    reservations: int = RESERVATIONS
    rooms: int = ROOMS
    tenants: int = TENANTS
    senders: int = SENDERS


def fill(url: str, sizes: Sizes | None = None) -> float:
    """Answers how many seconds it took."""
    began = time.monotonic()
    with psycopg.connect(url, options="-c TimeZone=UTC -c synchronous_commit=off -c work_mem=256MB") as connection:
        connection.execute(TOOLS)
        values = _values(connection, sizes or Sizes())
        # What is filled in refers to rows of the same statement's making: to ask after each would double the time.
        connection.execute("set local session_replication_role = replica")
        for step in STEPS:
            psycopg.ClientCursor(connection).execute(step, values)
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
    return time.monotonic() - began


def first_month(today: date) -> date:
    """When the sessions begin."""
    months = today.year * 12 + today.month - MONTHS
    return date(months // 12, months % 12 + 1, 1)


def _values(connection: psycopg.Connection[Any], sizes: Sizes) -> dict[str, Any]:
    now = datetime.now(UTC)
    begin = first_month(now.date())
    _make_months(connection, begin, now.date())
    last = connection.execute(
        "select (select coalesce(max(id), 0) from guests), (select coalesce(max(id), 0) from conversations),"
        " (select coalesce(max(id), 0) from reservations)"
    ).fetchall()[0]
    slots = -(-sizes.reservations // sizes.rooms)
    return {
        **vars(sizes),
        **dict(zip(("guest", "conversation", "reservation"), last, strict=True)),
        "slug": SLUG,
        "now": now,
        "begin": begin,
        "slots": slots,
        "nights": NIGHTS_EACH,
        "first_night": now.date() - timedelta(days=int(slots * NIGHTS_EACH * PAST)),
    }


def _make_months(connection: psycopg.Connection[Any], first: date, last: date) -> None:
    while first <= last:
        beyond = (first + timedelta(days=32)).replace(day=1)
        connection.execute(
            f"create table if not exists sessions_{first:%Y%m} partition of sessions"
            f" for values from ('{first} 00:00+00') to ('{beyond} 00:00+00')"
        )
        first = beyond


HOTEL = """
    insert into hotels (slug, name) values (%(slug)s, 'Grande');
    insert into hotels (slug, name) select 'tenant-' || k, 'Tenant ' || k from generate_series(1, %(tenants)s::int) k
"""
NUMBERS = """
    insert into tenant_user_identifiers (hotel_id, channel, identifier_value)
    select id, 'whatsapp', (200000000000000 + id * 7919::bigint)::text from hotels
    where slug = %(slug)s or slug like 'tenant-%%'
"""
ROOM_ROWS = """
    insert into room_types (hotel_id, code, capacity, position)
    select h.id, 'kind ' || n, n, n from hotels h, generate_series(1, 5) n where h.slug = %(slug)s;
    insert into rooms (hotel_id, room_type_id, number)
    select t.hotel_id, t.id, (k + 100)::text from generate_series(1, %(rooms)s::int) k
    join room_types t on t.position = 1 + k %% 5
    join hotels h on h.id = t.hotel_id and h.slug = %(slug)s;
    insert into rates (room_type_id, night, price)
    select t.id, %(first_night)s::date + day, 60 + 10 * t.position
    from room_types t join hotels h on h.id = t.hotel_id and h.slug = %(slug)s,
        generate_series(0, (%(slots)s + 60) * %(nights)s::int) day
"""
GUEST_ROWS = """
    insert into guests (id, hotel_id, name, language)
    select %(guest)s + k, h.id, 'Guest ' || k, 'es' from generate_series(1, %(senders)s::int) k, hotels h
    where h.slug = %(slug)s;
    insert into guest_identities (hotel_id, guest_id, kind, value, wire)
    select hotel_id, id, 'phone', phone, phone from guests, lateral (select (34600000000 + id * 101)::text as phone) p
    where id > %(guest)s;
    insert into conversations (id, hotel_id, guest_id, channel, identifier_id, status, language, last_inbound_at,
        last_message_at, last_message_author, last_message_type, last_message_text)
    select %(conversation)s + g.id - %(guest)s, g.hotel_id, g.id, 'whatsapp', i.id, 'closed', 'es', at, at, 'guest',
        'text', 'Hola'
    from guests g join tenant_user_identifiers i on i.hotel_id = g.hotel_id,
        lateral (select %(now)s::timestamptz - make_interval(mins => g.id %% 100000) as at) a
    where g.id > %(guest)s
"""
# As they begin, one after the other; each is over after some minutes.
SESSION_ROWS = """
    insert into sessions (created_at, hotel_id, conversation_id, sender_id, state, last_activity)
    select at, c.hotel_id, c.id, (34600000000 + c.guest_id * 101)::text,
        jsonb_build_object('skill', 'book', 'arrival', at::date + 20, 'nights', 2, 'adults', 2, 'children', 0,
            'room_types', array['doble', 'suite'], 'answers', pg_temp.chance(k, 42, 9)),
        at + make_interval(secs => pg_temp.chance(k, 41, 1200))
    from generate_series(1, %(sessions)s::bigint) k
    join conversations c on c.id = %(conversation)s + 1 + pg_temp.chance(k, 40, %(senders)s::int),
        lateral (select %(begin)s::date + (%(now)s::timestamptz - %(begin)s::date) * (k::float / %(sessions)s) as at) a
    order by k;
    update conversations c set session_id = s.id, session_created_at = s.created_at
    from (select distinct on (conversation_id) id, created_at, conversation_id from sessions
        order by conversation_id, created_at desc) s
    where s.conversation_id = c.id
"""
RESERVATION_ROWS = """
    insert into reservations (id, hotel_id, code, guest_id, guest_name, status, check_in, check_out, adults, total,
        currency, request_key)
    select %(reservation)s + 1 + k, g.hotel_id, 'GRA-' || pg_temp.code(k), g.id, g.name,
        case when check_out <= %(now)s::date then 'departed' when check_in < %(now)s::date then 'in_house'
            else 'booked' end,
        check_in, check_out, 2, 190, 'EUR', 'grande:' || k
    from generate_series(0, %(reservations)s::int - 1) k
    join guests g on g.id = %(guest)s + 1 + pg_temp.chance(k, 43, %(senders)s::int),
        lateral (select %(first_night)s::date + k / %(rooms)s::int * %(nights)s::int as check_in) i,
        lateral (select check_in + 1 + pg_temp.chance(k, 44, %(nights)s::int) as check_out) o
"""
# Each stay in a room, in every slot of some nights one; a quarter as many holds that came to nothing, some that live.
LOCK_ROWS = """
    create temp table numbered on commit drop as
        select r.id as room, row_number() over (order by r.id) - 1 as number
        from rooms r join hotels h on h.id = r.hotel_id and h.slug = %(slug)s;
    alter table reservation_locks drop constraint reservation_locks_no_overlap;
    insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, reservation_id, guest_id,
        hold_key, price)
    select r.hotel_id, n.room, 'booked', r.check_in, r.check_out, r.id, r.guest_id, 'booked ' || r.id, 190
    from reservations r join numbered n on n.number = (r.id - %(reservation)s - 1) %% %(rooms)s
    where r.id > %(reservation)s and r.request_key like 'grande:%%';
    insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, expires_at, guest_id, hold_key,
        price)
    select r.hotel_id, n.room, case when pg_temp.chance(r.id, 45, 2) = 0 then 'expired' else 'released' end, r.check_in,
        r.check_out, r.check_in, r.guest_id, 'lapsed ' || r.id, 190
    from reservations r join numbered n on n.number = pg_temp.chance(r.id, 46, %(rooms)s::int)
    where r.request_key like 'grande:%%' and r.id %% 4 = 0;
    insert into reservation_locks (hotel_id, resource_id, status, check_in, check_out, expires_at, guest_id, hold_key,
        price)
    select r.hotel_id, n.room, 'active', day, day + 2,
        %(now)s::timestamptz + make_interval(mins => case when r.id %% 1000 = 0 then -1 else 14 end), r.guest_id,
        'held ' || r.id, 190
    from reservations r join numbered n on n.number = pg_temp.chance(r.id, 47, %(rooms)s::int),
        lateral (select %(first_night)s::date + (%(slots)s * %(nights)s::int + r.id / 200 * 3) as day) d
    where r.request_key like 'grande:%%' and r.id %% 200 = 0;
    alter table reservation_locks add constraint reservation_locks_no_overlap
        exclude using gist (resource_id with =, daterange(check_in, check_out) with &&)
        where (status in ('active', 'booked'));
"""
SEQUENCES = """
    select setval(pg_get_serial_sequence(t, 'id'), m) from (values
        ('guests', (select max(id) from guests)), ('conversations', (select max(id) from conversations)),
        ('reservations', (select max(id) from reservations))) as v(t, m)
"""
STEPS: tuple[LiteralString, ...] = (
    HOTEL,
    NUMBERS,
    ROOM_ROWS,
    GUEST_ROWS,
    SESSION_ROWS,
    RESERVATION_ROWS,
    LOCK_ROWS,
    SEQUENCES,
)


# --- measuring ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """What an index is for: `values` gives rows of what to ask the `statement` for.

    `others` drop what else knows the same columns: both times are taken without those.
    """

    index: str
    what: str
    statement: LiteralString
    values: LiteralString
    others: tuple[LiteralString, ...] = ()


QUESTIONS = (
    Question(
        "idx_sessions_sender_updated",
        "the last talk of a sender",
        "select id, state from sessions where sender_id = %s order by last_activity desc limit 1",
        "select sender_id from sessions tablesample system (1)",
    ),
    Question(
        "idx_sessions_id_hash",
        "a session by its id",
        "select state from sessions where id = %s",
        "select id from sessions tablesample system (1)",
        ("alter table sessions drop constraint pk_sessions",),
    ),
    Question(
        "idx_sessions_created_brin",
        "how long the talks of a day lasted",
        "select avg(last_activity - created_at) from sessions where created_at >= %s and created_at < %s",
        "select date_trunc('day', at), date_trunc('day', at) + interval '1 day'"
        " from (select created_at as at from sessions tablesample system (1)) s",
        ("alter table sessions drop constraint pk_sessions",),
    ),
    Question(
        "idx_locks_resource_status",
        "the active holds on a room",
        "select id, expires_at from reservation_locks where resource_id = %s and status = 'active'",
        "select id from rooms where number::int > 100",
        (
            "alter table reservation_locks drop constraint reservation_locks_no_overlap",
            "drop index ix_reservation_locks_hotel_nights",
            "drop index ix_reservation_locks_expiry",
        ),
    ),
    Question(
        "idx_tenant_identifiers_lookup",
        "the hotel that has a number",
        "select h.* from hotels h join tenant_user_identifiers i on i.hotel_id = h.id"
        " where i.channel = 'whatsapp' and i.identifier_value = %s",
        "select identifier_value from tenant_user_identifiers",
        ("alter table tenant_user_identifiers drop constraint uq_tenant_user_identifiers_channel_identifier_value",),
    ),
    Question(
        "idx_reservations_date_range",
        "who is in the house on a night",
        "select code, guest_name from reservations"
        " where hotel_id = %s and daterange(check_in, check_out) && daterange(%s, %s)",
        "select hotel_id, check_in, check_in + 1 from reservations",
        ("drop index ix_reservations_hotel_check_in", "drop index ix_reservations_hotel_check_out"),
    ),
)


def measure(url: str, tell: Callable[[str], None] = print) -> Figures:
    """The median time of each question with and without its index, and what the indexes on `created_at` weigh."""
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        asked = {question.index: _measured(connection, question, tell) for question in QUESTIONS}
        return {"questions": asked, "created_at": _weights(connection)}


def _measured(connection: psycopg.Connection[Any], question: Question, tell: Callable[[str], None]) -> Figures:
    every = connection.execute(question.values).fetchall()
    values = random.Random(7).sample(every, min(len(every), WARM_UP + TIMES_WITH))
    chosen = _used(connection, question, values[0])
    for other in question.others:
        connection.execute(other)
    with_it = _median_ms(connection, question, values, TIMES_WITH)
    connection.execute(f"drop index {question.index}")
    without = _median_ms(connection, question, values, TIMES_WITHOUT)
    connection.rollback()
    tell(f"  {question.what}: {with_it:.2f} ms, without its index {without:.1f} ms")
    return {
        "what": question.what,
        "chosen": chosen,
        "with_ms": round(with_it, 3),
        "without_ms": round(without, 3),
        "ratio": round(without / with_it, 1),
        "mb": _megabytes(connection, question.index),
    }


def _median_ms(connection: psycopg.Connection[Any], question: Question, values: list[Any], times: int) -> float:
    """As a client waits for it, with the rows fetched."""
    took = []
    for some in values[: WARM_UP + times]:
        began = time.perf_counter()
        connection.execute(question.statement, some, prepare=True).fetchall()
        took.append(time.perf_counter() - began)
    return median(took[WARM_UP:]) * 1000


def _used(connection: psycopg.Connection[Any], question: Question, values: Any) -> list[str]:
    """The indexes on the table in question by which PostgreSQL would answer, partitions named as their whole."""
    ((plan,),) = connection.execute("explain (format json) " + question.statement, values).fetchall()
    names = sorted({node["Index Name"] for node in _nodes(plan[0]["Plan"]) if "Index Name" in node})
    rows = connection.execute(
        "select distinct coalesce(i.inhparent, c.oid)::regclass::text from pg_class c"
        " left join pg_inherits i on i.inhrelid = c.oid join pg_index x on x.indexrelid = c.oid"
        " where c.relname = any(%s) and coalesce((select inhparent from pg_inherits where inhrelid = x.indrelid),"
        " x.indrelid) = (select indrelid from pg_index where indexrelid = cast(%s as regclass)) order by 1",
        (names, question.index),
    ).fetchall()
    return [name for (name,) in rows]


def _nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _weights(connection: psycopg.Connection[Any]) -> Figures:
    """In MB, over all partitions: BRIN, a B-tree on the column alone, the primary key, the rows themselves."""
    connection.execute("create index only_created_at on sessions (created_at)")
    weights = {
        "brin": _megabytes(connection, "idx_sessions_created_brin"),
        "btree": _megabytes(connection, "only_created_at"),
        "primary_key": _megabytes(connection, "pk_sessions"),
        "rows": _megabytes(connection, "sessions"),
    }
    connection.rollback()
    return weights


def _megabytes(connection: psycopg.Connection[Any], name: str) -> float:
    ((size,),) = connection.execute(
        "select sum(pg_relation_size(relid))::bigint from pg_partition_tree(cast(%(name)s as regclass))"
        " union all select pg_relation_size(cast(%(name)s as regclass)) order by 1 desc nulls last limit 1",
        {"name": name},
    ).fetchall()
    return round(size / 1e6, 3)
