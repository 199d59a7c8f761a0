"""Hotels take turns: however much one of them has waiting, another's next is soon.

Whoever is at work asks whose turn it is. Every hotel with something due is as likely as any other, and within a hotel
what waits longest comes first; so a flood at one hotel costs the others a turn, not a queue.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate

from sqlalchemy import select, text

from hotel_agent.conversations.models import InboundEvent
from hotel_agent.db import db, glance, glances

# So many times as many bodies are looked at as are wanted, as others may have taken the first ones just now.
DEEP = 4
# So many bytes of bodies are taken in together, or one body: what is in them may be one message or a thousand.
TOGETHER_BYTES = 48 * 1024
# Of a hotel whose turn it is so many are named, as others may have the first in hand.
HEADS = 3

# The hotels that owe answers, each found by one look into the index.
HOTELS = """
    with recursive hotels(id) as (
        (select hotel_id from conversations where answer_due_at is not null order by hotel_id limit 1)
        union all
        select (select c.hotel_id from conversations c
                where c.answer_due_at is not null and c.hotel_id > hotels.id order by c.hotel_id limit 1)
        from hotels where hotels.id is not null)
"""
DUE_OF = """
    select c.id from conversations c
    where c.hotel_id = hotels.id and c.answer_due_at <= now() and c.channel = 'whatsapp'
    order by c.answer_due_at limit
"""
# One of the hotels that owe an answer by now, by chance; where it is another than the conversation's, its first ones.
THEIRS = f"""{HOTELS},
    drawn(id) as materialized (
        select hotels.id from hotels
        where hotels.id <> all(%s)
          and exists (select from conversations c where c.hotel_id = hotels.id and c.answer_due_at <= now())
        order by random() limit 1)
    select due.id from drawn hotels cross join lateral ({DUE_OF} {HEADS}) due
    where hotels.id <> (select hotel_id from conversations where id = %s)
"""
# Those of the conversation's own hotel.
OURS = f"""
    select due.id from (select hotel_id as id from conversations where id = %s) hotels
    cross join lateral ({DUE_OF} {HEADS}) due
"""
WAITING = text("""
    with recursive numbers(number) as (
        (select number from inbound_events where processed_at is null order by number limit 1)
        union all
        select (select e.number from inbound_events e
                where e.processed_at is null and e.number > numbers.number order by e.number limit 1)
        from numbers where numbers.number is not null)
    select waiting.id, waiting.received_at, waiting.size
    from numbers cross join lateral (
        select e.id, e.received_at, octet_length(e.body) as size from inbound_events e
        where e.processed_at is null and e.number = numbers.number and (e.retry_at is null or e.retry_at <= now())
        order by e.id limit :deep) waiting
    order by row_number() over (partition by numbers.number order by waiting.id), waiting.id limit :deep
""")
# By their keys, so that the planner reads nothing else, and once more only those that nobody else has taken meanwhile.
TAKEN = text("""
    select e.* from inbound_events e
    where e.id = any(:ids) and e.received_at between :first and :last
      and e.processed_at is null and (e.retry_at is null or e.retry_at <= now())
    order by array_position(:ids, e.id) limit :most
    for update of e skip locked
""")


def before(conversation_id: int, left: Collection[int] = ()) -> list[int]:
    """Conversations of one other hotel that go before this one, if it is that hotel's turn: the first that nobody has
    in hand is meant. The hotels in `left` have no turn."""
    return [int(row[0]) for row in glances(THEIRS, list(left), conversation_id)]


def longest_waiting(conversation_id: int) -> list[int]:
    """The conversations of its hotel that have waited longest; it may be among them."""
    return [int(row[0]) for row in glances(OURS, conversation_id)]


def is_of(conversation_id: int, hotels: Collection[int]) -> bool:
    """Whether the conversation is one of these hotels'."""
    found = glance("select hotel_id = any(%s) from conversations where id = %s", list(hotels), conversation_id)
    return bool(found and found[0])


def next_bodies(most: int) -> tuple[Sequence[InboundEvent], bool]:
    """So many bodies that wait, locked, those of each number in their order; in the caller's transaction. Fewer where
    they are large: then more are left.

    To whom a body belongs is known when it is read; until then the first number that it names stands for its hotel.
    """
    found = db.session.execute(WAITING, {"deep": most * DEEP}).all()
    if not found:
        return [], False
    sizes = accumulate(row.size for row in found)
    fitting = max(sum(size <= TOGETHER_BYTES for size in sizes), 1)
    times = [row.received_at for row in found]
    keys = {"ids": [row.id for row in found], "first": min(times), "last": max(times), "most": min(most, fitting)}
    query = select(InboundEvent).from_statement(TAKEN).execution_options(populate_existing=True)
    return db.session.scalars(query, keys).all(), fitting < min(most, len(found))
