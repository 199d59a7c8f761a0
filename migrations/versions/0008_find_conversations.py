"""Indexes for the inbox and its search; built while the tables are in use."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# unaccent() is only stable, since its dictionary may change; an index needs a promise that it will not.
FOLD = """
CREATE OR REPLACE FUNCTION fold(words TEXT) RETURNS TEXT
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(public.unaccent('public.unaccent'::regdictionary, words))
"""

PLAIN = {
    "ix_conversations_recent": "conversations (hotel_id, last_message_at DESC, id DESC)",
    "ix_conversations_assignee": "conversations (assignee_id, last_message_at DESC) WHERE assignee_id is not null",
    "ix_conversations_agent": (
        "conversations (hotel_id, last_message_at DESC, id DESC) WHERE owner = 'agent' and status <> 'closed'"
    ),
    "ix_conversations_closed": "conversations (hotel_id, last_message_at DESC, id DESC) WHERE status = 'closed'",
    "ix_conversations_snoozed": "conversations (snoozed_until) WHERE status = 'snoozed'",
    "ix_guests_name_words": "guests USING gin (hotel_id, fold(name) gin_trgm_ops)",
    "ix_guest_identities_digits": (
        "guest_identities USING gin (hotel_id, value gin_trgm_ops) WHERE kind = 'phone' and retired_at is null"
    ),
    "ix_reservations_words": "reservations USING gin (hotel_id, fold(guest_name) gin_trgm_ops, code gin_trgm_ops)",
}
OF_MESSAGES = {
    "ix_messages_failed": "(conversation_id) WHERE status in ('failed', 'unknown')",
    "ix_messages_hotel_recent": "(hotel_id, id)",
    "ix_messages_words": "USING gin (hotel_id, to_tsvector('simple'::regconfig, fold(body)))",
}


def upgrade() -> None:
    for extension in ("unaccent", "pg_trgm", "btree_gin"):
        op.execute(f"create extension if not exists {extension} with schema public")
    op.execute(FOLD)
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
    op.execute("drop function fold(text)")
    for extension in ("btree_gin", "pg_trgm", "unaccent"):
        op.execute(f"drop extension {extension}")
