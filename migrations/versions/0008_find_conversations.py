"""Indexes for the inbox and its search; built while the tables are in use."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# unaccent() is only stable, since its dictionary may change; an index needs a promise that it will not. In plpgsql,
# because a call of a function in SQL costs three times as much.
FOLD = """
CREATE OR REPLACE FUNCTION fold(words TEXT) RETURNS TEXT
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN lower(public.unaccent('public.unaccent'::regdictionary, words));
END $$
"""
# Every word begins a word of the text. plainto_tsquery() makes sense of any characters and quotes what it keeps.
ALL_WORDS = """
CREATE OR REPLACE FUNCTION all_words(words TEXT) RETURNS TSQUERY
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cast(replace(cast(plainto_tsquery('simple', fold(words)) AS TEXT) || ' ', $$' $$, $$':* $$) AS TSQUERY)
"""
# The latest messages of a hotel that have the words, without those that were never sent. An index of words knows no
# order: it would fetch every message with a common word to tell which are the latest. So only as many of the latest ids
# are looked at together with it as the planner's statistics say will do, then eight times as many; and month by month,
# since most searches end in the first. EXPLAIN, which tells what the planner expects, must not be called in a function
# that is said to be stable.
MESSAGES_WITH = """
CREATE OR REPLACE FUNCTION messages_with(hotel INTEGER, words TSQUERY, most INTEGER)
RETURNS TABLE (conversation_id BIGINT, at TIMESTAMP WITH TIME ZONE, body TEXT)
LANGUAGE plpgsql SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    has_words TEXT := format('to_tsvector(''simple''::regconfig, fold(body)) @@ %L::tsquery', words);
    wanted INTEGER := most;
    month REGCLASS;
    plan JSON;
    hits FLOAT;
    span FLOAT;
    lowest BIGINT;
    highest BIGINT;
    above BIGINT;
    found INTEGER;
BEGIN
    FOR month IN
        SELECT c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'messages'::regclass
        ORDER BY c.relname LIKE '%default', c.relname DESC
    LOOP
        EXECUTE format('SELECT min(id), max(id) FROM %s WHERE hotel_id = %s', month, hotel) INTO lowest, highest;
        CONTINUE WHEN lowest IS NULL;
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %s WHERE hotel_id = %s AND %s', month, hotel, has_words)
            INTO plan;
        hits := plan -> 0 -> 'Plan' ->> 'Plan Rows';
        span := (highest - lowest + 1) * greatest(2 * wanted / greatest(hits, 1), 0.001);
        LOOP
            above := greatest(highest - span, lowest - 1);
            RETURN QUERY EXECUTE format(
                'SELECT conversation_id, created_at, body FROM %s WHERE hotel_id = %s AND %s AND id > %s AND id <= %s'
                ' AND status <> ''cancelled'' ORDER BY id + 0 DESC LIMIT %s',
                month, hotel, has_words, above, highest, wanted);
            GET DIAGNOSTICS found = ROW_COUNT;
            wanted := wanted - found;
            EXIT WHEN wanted <= 0 OR above < lowest;
            highest := above;
            span := 8 * span;
        END LOOP;
        EXIT WHEN wanted <= 0;
    END LOOP;
END $$
"""

# When a conversation was last heard of; one without a word yet, when it began.
RECENT = "coalesce(last_message_at, created_at)"
PLAIN = {
    "ix_conversations_open": f"conversations (hotel_id, {RECENT} DESC, id DESC) WHERE status <> 'closed'",
    "ix_conversations_agent": (
        f"conversations (hotel_id, {RECENT} DESC, id DESC) WHERE owner = 'agent' and status <> 'closed'"
    ),
    "ix_conversations_closed": f"conversations (hotel_id, {RECENT} DESC, id DESC) WHERE status = 'closed'",
    "ix_conversations_assignee": ("conversations (assignee_id) WHERE assignee_id is not null and status <> 'closed'"),
    "ix_conversations_snoozed": "conversations (snoozed_until) WHERE status = 'snoozed'",
    "ix_guests_name_words": "guests USING gin (hotel_id, fold(name) gin_trgm_ops)",
    "ix_guest_identities_digits": (
        "guest_identities USING gin (hotel_id, value gin_trgm_ops) WHERE kind = 'phone' and retired_at is null"
    ),
    "ix_reservations_words": "reservations USING gin (hotel_id, fold(guest_name) gin_trgm_ops, code gin_trgm_ops)",
    "ix_conversation_events_words": (
        "conversation_events USING gin (hotel_id, to_tsvector('simple'::regconfig, fold(body))) WHERE kind = 'note'"
    ),
}
OF_MESSAGES = {
    "ix_messages_failed": "(hotel_id, conversation_id) WHERE status in ('failed', 'unknown')",
    "ix_messages_marks": "(conversation_id, id) WHERE type in ('reaction', 'edit', 'revoke')",
    "ix_messages_hotel_recent": "(hotel_id, id)",
    "ix_messages_words": "USING gin (hotel_id, to_tsvector('simple'::regconfig, fold(body)))",
}


def upgrade() -> None:
    for extension in ("unaccent", "pg_trgm", "btree_gin"):
        op.execute(f"create extension if not exists {extension} with schema public")
    for function in (FOLD, ALL_WORDS, MESSAGES_WITH):
        op.execute(function)
    with op.get_context().autocommit_block():
        for name, what in PLAIN.items():
            op.execute(f"create index concurrently if not exists {name} on {what}")
        for name, what in OF_MESSAGES.items():
            _on_each_partition(name, what)


def _on_each_partition(name: str, what: str) -> None:
    """An index on a partitioned table cannot be built concurrently; on its partitions it can, and is then attached."""
    op.execute(f"create index if not exists {name} on only messages {what}")
    partitions = op.get_bind().execute(
        text("select inhrelid::regclass::text from pg_inherits where inhparent = 'messages'::regclass order by 1")
    )
    for partition in partitions.scalars().all():
        own = f"{partition}{name.removeprefix('ix_messages')}"
        op.execute(f"create index concurrently if not exists {own} on {partition} {what}")
        op.execute(f"alter index {name} attach partition {own}")


def downgrade() -> None:
    for name in (*OF_MESSAGES, *PLAIN):
        op.execute(f"drop index {name}")
    for function in ("messages_with(integer, tsquery, integer)", "all_words(text)", "fold(text)"):
        op.execute(f"drop function {function}")
    for extension in ("btree_gin", "pg_trgm", "unaccent"):
        op.execute(f"drop extension {extension}")
